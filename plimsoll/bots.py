"""Three keepers of `plimsoll.keeper` on one node, for the demo: each with a key, a journal, books and a strategy of its
own, and without capital.

They see the same newest block, and what they send for it is in the next one, ordered by what they tip: who comes second
pays for a transaction that fails, or gets what is left. What they did is read from their journals and from the events
of their transactions.
"""

from __future__ import annotations

import io
import json
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from plimsoll.artifacts import home
from plimsoll.chain import Receipt
from plimsoll.chain.base import ContractChain
from plimsoll.devnet import Devnet
from plimsoll.keeper import app, pricing
from plimsoll.keeper import config as configuration
from plimsoll.keeper.clock import SystemClock
from plimsoll.keeper.config import ALWAYS, GWEI, NEVER, KeeperConfig
from plimsoll.keeper.journal import Intent, Kind
from plimsoll.keeper.keys import KeySource
from plimsoll.keeper.pricing import PricingModel
from plimsoll.protocol import MarginAccount
from plimsoll.reconcile import Check
from plimsoll.rivals import Deed, Rivals
from plimsoll.units import WAD, from_wad, wad

DOCUMENTED = "config/keeper.toml"
BLOCK_TIME = 30
"""Seconds between two blocks while keepers compete."""
DESKS = 2
"""Margin accounts of each keeper: takes that it may have under way at a time."""
EVERYTHING_SENT = 10_000
PATIENCE = 10
"""Blocks after the last auction within which every transaction's fate is known."""
_NO_TIPS = (1, 50)
"""Blocks and percentile of a fee history that nobody looks at."""


@dataclass(frozen=True, slots=True)
class Strategy:
    """How one keeper differs from the documented configuration.

    When it bids, for which `fractions` of what may be taken, the least `profit` (dollars) it takes for, its `tip`
    (gwei), which auctions it starts, and whether it `tidies`: does what pays nobody.
    """

    name: str
    pricing: PricingModel
    fractions: tuple[str, ...]
    profit: int
    tip: int
    start: str = NEVER
    tidies: bool = False


STRATEGIES = (
    Strategy("eager", pricing.Eager(), ("0.25",), profit=5, tip=1, start=ALWAYS, tidies=True),
    Strategy(
        "competitive",
        pricing.Competitive("the demo's", rival_margin=wad("0.01"), blocks=1, block_time=BLOCK_TIME),
        ("0.5",),
        profit=150,
        tip=2,
    ),
    Strategy("patient", pricing.Patient(wad("0.03")), ("1", "0.5"), profit=5, tip=3),
)


class Bots(Rivals):
    """The keepers, running; see `running`."""

    intro = (
        "Three keepers (plimsoll.keeper) watch the chain over HTTP, each with a key, a journal, an index and a strategy"
        " of its own. The node's base fee is 0: what they pay for gas is their tips."
    )
    charges = True

    def __init__(self, devnet: Devnet, keepers: Sequence[app.Keeper], streams: Sequence[io.StringIO]) -> None:
        assert isinstance(devnet.chain, ContractChain), "every backend is one"
        self._devnet = devnet
        self._chain = devnet.chain
        self._keepers = keepers
        self._streams = streams
        self._ether = [keeper.node.balance(keeper.sender.address) for keeper in keepers]
        self._times: dict[int, int] = {}
        self.names = {
            keeper.sender.address: strategy.name for keeper, strategy in zip(keepers, STRATEGIES, strict=True)
        }
        self.desks = [MarginAccount(person, index) for person in self.names for index in range(DESKS)]

    def look(self) -> None:
        """Let each look at the newest block; put what they send into the next one, `BLOCK_TIME` seconds later."""
        mining = self._keepers[0].node.rpc.call
        mining("evm_setAutomine", False)
        try:
            for keeper in self._keepers:
                keeper.bot.attempt()
            self._devnet.warp(BLOCK_TIME)
        finally:
            mining("evm_setAutomine", True)

    def rest(self) -> None:
        """Look on until it is known what became of everything that was sent, for some blocks at most."""
        for _ in range(PATIENCE):
            self.look()
            if not any(keeper.sender.open for keeper in self._keepers):
                return

    def deeds(self) -> list[Deed]:
        """Return what became of everything in their journals, in the order of blocks and, within one, of tips."""
        found = [deed for keeper in self._keepers for deed in self._deeds_of(keeper)]
        return sorted(found, key=lambda deed: (deed.receipt.block_number, -(deed.price or 0)))

    def checks(self) -> list[Check]:
        """Nothing is under way, nothing went wrong unsaid, and the journal's gas is the ether that is gone."""
        checks = []
        for keeper, stream, ether in zip(self._keepers, self._streams, self._ether, strict=True):
            name, said = f"keeper {self.names[keeper.sender.address]}", lines_of(stream)
            mined = [intent.mined for intent in keeper.sender.journal.history(EVERYTHING_SENT)]
            receipts = [attempt.receipt for attempt in mined if attempt is not None and attempt.receipt is not None]
            paid = sum(receipt.gas_used * receipt.price for receipt in receipts)
            failed = sum(not receipt.succeeded for receipt in receipts)
            now = keeper.node.balance(keeper.sender.address)
            checks += [
                Check(name, "ether gone = gas in its journal", ether - now, paid),
                Check(name, "failures it reported = in its journal", _count(said, "failed"), failed),
                Check(name, "nothing is under way", len(keeper.sender.open), 0),
                Check(name, "errors it reported", sum(line["level"] == "error" for line in said), 0),
            ]
        return checks

    def trouble(self) -> str:
        """Return the last warning or error that each of them logged."""
        found = []
        for name, stream in zip(self.names.values(), self._streams, strict=True):
            lines = [line for line in lines_of(stream) if line["level"] in ("warning", "error")]
            found += [f"{name}: {json.dumps(line)}" for line in lines[-1:]]
        return "; ".join(found)

    def _deeds_of(self, keeper: app.Keeper) -> Iterator[Deed]:
        intents = [each for each in keeper.sender.journal.history(EVERYTHING_SENT) if each.mined is not None]
        hashes = [intent.mined.tx_hash for intent in intents if intent.mined is not None]
        receipts = keeper.node.progress(keeper.sender.address, hashes, *_NO_TIPS).receipts
        for intent, tx_hash in zip(intents, hashes, strict=True):
            found = receipts[tx_hash]
            bonus = intent.note.get("bonus")
            yield Deed(
                keeper=keeper.sender.address,
                kind=_kind(intent),
                accounts=tuple(int(key, 16) for key in _accounts(intent)),
                succeeded=found.succeeded,
                receipt=Receipt(
                    gas_used=found.gas_used,
                    return_data=b"",
                    block_number=found.block_number,
                    timestamp=self._time_of(keeper, found.block_number),
                    logs=_just(found.logs),
                    read_events=self._chain.read_events,
                    tx_hash=tx_hash,
                ),
                price=found.price,
                bonus=None if bonus is None else from_wad(int(bonus)),
            )

    def _time_of(self, keeper: app.Keeper, block: int) -> int:
        if block not in self._times:
            header = keeper.node.get_block(block)
            assert header is not None, "a block with a receipt of ours"
            self._times[block] = header.timestamp
        return self._times[block]


@contextmanager
def running(devnet: Devnet, url: str, numbers: Sequence[int]) -> Iterator[Bots]:
    """Yield three keepers with the keys of these test accounts; nothing of them is left afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="plimsoll-demo-")))
        documented = configuration.load(home() / DOCUMENTED)
        keepers: list[app.Keeper] = []
        streams: list[io.StringIO] = []
        for number, strategy in zip(numbers, STRATEGIES, strict=True):
            config = configured(documented, strategy, number, url, devnet.chain.chain_id, folder)
            stream = io.StringIO()
            opened = app.opened(config, devnet.manifest, clock=SystemClock(), stream=stream)
            keepers.append(stack.enter_context(opened))
            streams.append(stream)
        yield Bots(devnet, keepers, streams)


def configured(
    documented: KeeperConfig, strategy: Strategy, number: int, url: str, chain_id: int, folder: Path
) -> KeeperConfig:
    """Return a configuration for one keeper: its own key and folder, its strategy, and no metrics."""
    own = folder / strategy.name
    return replace(
        documented,
        chain=replace(documented.chain, chain_id=chain_id, rpc=(url,), manifest=None),
        key=KeySource("test", str(number)),
        folder=own,
        accounts=DESKS,
        minimum_profit=strategy.profit * WAD,
        fees=replace(documented.fees, least_tip=strategy.tip * GWEI, most_tip=strategy.tip * GWEI),
        pricing=strategy.pricing,
        pricing_name=strategy.name,
        take=replace(documented.take, fractions=tuple(wad(part) for part in strategy.fractions)),
        actions=replace(
            documented.actions,
            start=strategy.start,
            poke=strategy.tidies,
            mark=strategy.tidies,
            write_off=strategy.tidies,
            sample=False,
        ),
        orders=None if documented.orders is None else replace(documented.orders, inbox=own / "orders"),
        metrics=None,
        log_file=None,
    )


def lines_of(stream: io.StringIO) -> list[dict[str, Any]]:
    """Return what a keeper logged."""
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def _count(lines: Sequence[dict[str, Any]], event: str) -> int:
    return sum(line["event"] == event for line in lines)


def _kind(intent: Intent) -> str:
    assert intent.mined is not None, "only what was mined is a deed"
    return str(intent.note["kind"]) if intent.mined.kind is Kind.ACTION else "give up"


def _accounts(intent: Intent) -> list[str]:
    """Return the accounts an intent is about, hex; none where it is about assets."""
    several: list[str] = intent.note.get("accounts", [])
    key = intent.key.removeprefix("order ")
    return several or ([key] if key.startswith("0x") else [])


def _just(logs: Any) -> Callable[[], Any]:
    return lambda: logs
