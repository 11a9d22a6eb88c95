"""A timelock and its people, over a feed that anybody may set: what it answers shows what was executed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS, Receipt, RevmChain

HOUR = 3_600
DAY = 86_400
DELAY = 2 * DAY
NOTHING = b"\0" * 32
UNSET, WAITING, READY, DONE = 1, 2, 4, 8
"""snekmate's OperationState."""
NOT_READY = "timelock_controller: operation is not ready"
NO_ROLE = "access_control: account is missing role"


@dataclass(frozen=True)
class World:
    """The timelock, the feed, and who acts."""

    chain: RevmChain
    timelock: Any
    feed: Any
    owner: str
    guardian: str
    successor: str
    stranger: str

    def answer(self) -> int:
        """What the feed says."""
        found: int = self.feed.latestRoundData()[1]
        return found

    def setting(self, answer: int) -> bytes:
        """The call that sets the feed's answer."""
        payload: bytes = self.feed.set_answer.encode(answer)
        return payload

    def schedule(self, payload: bytes, target: Any = None, **more: Any) -> bytes:
        """Schedule one call as the owner; return its id."""
        arguments = self.operation(payload, target, more.get("predecessor", NOTHING), more.get("salt", NOTHING))
        self.timelock.schedule(*arguments, more.get("delay", DELAY), sender=more.get("sender", self.owner))
        found: bytes = self.timelock.hash_operation(*arguments)
        return found

    def execute(self, payload: bytes, target: Any = None, **more: Any) -> Receipt:
        """Execute one call as a stranger."""
        arguments = self.operation(payload, target, more.get("predecessor", NOTHING), more.get("salt", NOTHING))
        receipt: Receipt = self.timelock.execute(*arguments, sender=more.get("sender", self.stranger))
        return receipt

    def operation(
        self, payload: bytes, target: Any = None, predecessor: bytes = NOTHING, salt: bytes = NOTHING
    ) -> tuple[Any, ...]:
        """The arguments of `execute` and `hash_operation`."""
        return (target or self.feed, 0, payload, predecessor, salt)

    def batch(self, payloads: Sequence[bytes], targets: Sequence[Any] | None = None) -> tuple[Any, ...]:
        """The arguments of `execute_batch` and `hash_operation_batch`."""
        return (list(targets or [self.feed] * len(payloads)), [0] * len(payloads), list(payloads), NOTHING, NOTHING)

    def make_itself(self, function: str, *args: Any) -> Receipt:
        """Let the timelock call one of its own functions, after the delay."""
        payload = self.timelock.method(function).encode(*args)
        salt = self.chain.timestamp().to_bytes(32, "big")
        self.schedule(payload, self.timelock, salt=salt)
        self.chain.warp(DELAY)
        return self.execute(payload, self.timelock, salt=salt)

    def can_schedule(self, who: str) -> bool:
        """Whether a person holds the right to schedule."""
        found: bool = self.timelock.hasRole(self.timelock.PROPOSER_ROLE(), who)
        return found

    def can_cancel(self, who: str) -> bool:
        """Whether a person holds the right to cancel."""
        found: bool = self.timelock.hasRole(self.timelock.CANCELLER_ROLE(), who)
        return found


@pytest.fixture
def world(chain: RevmChain) -> World:
    deployer, owner, guardian, successor, stranger = chain.accounts()[:5]
    timelock = chain.deploy("Timelock", DELAY, owner, guardian, sender=deployer)
    feed = chain.deploy("MockFeed", "ETH / USD", 8, 1, sender=deployer)
    assert timelock.hasRole(timelock.EXECUTOR_ROLE(), ZERO_ADDRESS)
    return World(chain, timelock, feed, owner, guardian, successor, stranger)
