"""A fake chain, and a sender on it with a key that is worth nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from plimsoll.keeper.fees import FeePolicy
from plimsoll.keeper.journal import Intent, Journal
from plimsoll.keeper.keys import KeySource, Signer, load_signer
from plimsoll.keeper.node import Node
from plimsoll.keeper.rpc import RetryPolicy, Rpc
from plimsoll.keeper.sender import Action, Outcome, PrivatePolicy, Sender, SendPolicy
from tests.unit.keeper.acting.fake_chain import CHAIN_ID, ETHER, GWEI, FakeChain, FakeClock, Wire

if TYPE_CHECKING:
    from tests.unit.keeper.acting.world import World

FEES = FeePolicy(most=500 * GWEI, most_tip=10 * GWEI)
ENGINE = "0x" + "e1" * 20


def make_signer(number: int = 1) -> Signer:
    return load_signer(KeySource("test", str(number)), CHAIN_ID)


def make_node(wire: Wire, clock: FakeClock, rounds: int = 3) -> Node:
    return Node(Rpc([wire], clock, policy=RetryPolicy(rounds=rounds), chain_id=CHAIN_ID, seed=1))


@dataclass
class Rig:
    """A keeper's sending half on a fake chain. `restart` is what happens after kill -9."""

    folder: Path
    chain: FakeChain = field(default_factory=FakeChain)
    clock: FakeClock = field(default_factory=FakeClock)
    policy: SendPolicy = field(default_factory=SendPolicy)
    fees: FeePolicy = FEES
    outcomes: list[Outcome] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    useless: set[str] = field(default_factory=set)
    """Keys of actions that nobody wants any more."""
    private: PrivatePolicy | None = None

    def __post_init__(self) -> None:
        self.signer = make_signer()
        self.wire = self.chain.wire()
        self._open()

    def _open(self) -> None:
        self.node = make_node(self.wire, self.clock)
        self.journal = Journal(
            self.folder / "journal.sqlite",
            chain_id=CHAIN_ID,
            genesis=self.chain.blocks[0].hash,
            address=self.signer.address,
        )
        self.sender = Sender(
            self.node,
            self.journal,
            self.signer,
            self.clock,
            fees=self.fees,
            policy=self.policy,
            private=self.private,
            on_outcome=self.outcomes.append,
            on_foreign=self.foreign.append,
        )

    def restart(self) -> None:
        self.journal.close()
        self._open()

    def tend(self) -> None:
        self.sender.tend(self.chain.head.number, self._unwanted)

    def _unwanted(self, intents: list[Intent]) -> set[int]:
        return {intent.id for intent in intents if intent.key in self.useless}

    def step(self, blocks: int = 1) -> None:
        """Mine and tend, block by block."""
        for _ in range(blocks):
            self.chain.mine()
            self.tend()

    def wait(self, blocks: int = 1) -> None:
        """Let blocks pass that take none of our transactions, and tend."""
        for _ in range(blocks):
            self.chain.mine(only=lambda tx: tx.sender != self.signer.address)
            self.tend()

    def action(self, key: str = "account:1", *, budget: int = ETHER, lasts: int = 50, data: bytes = b"") -> Action:
        payload = data or key.encode()
        return Action(key, ENGINE, payload, 200_000, budget, self.chain.head.number + lasts, {"kind": "take"})

    def submit(self, key: str = "account:1", **changes: int) -> Intent:
        return self.sender.submit(self.action(key, **changes))

    def actions_mined(self, key: str = "account:1") -> int:
        """Return how many transactions of this action are in blocks: the number that must never pass 1."""
        return sum(tx.data == key.encode() for tx in self.chain.mined(self.signer.address))

    def said(self) -> list[str]:
        return [outcome.what for outcome in self.outcomes]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    made.tend()
    yield made
    made.journal.close()


@pytest.fixture
def made() -> Iterator[list[World]]:
    """Worlds that a test makes; their files are closed after it."""
    worlds: list[World] = []
    yield worlds
    for world in worlds:
        world.rig.journal.close()


@pytest.fixture
def world(tmp_path: Path, made: list[World]) -> World:
    from tests.unit.keeper.acting.world import World

    made.append(World(tmp_path))
    return made[0]
