"""From wishes to transactions: how many fit, what their gas may cost, what was refused, and whose turn it is.

A wish that would fail is put off for some blocks, so that wishes behind it have their turn: who makes many accounts
whose transactions fail delays nobody else's. What pays nobody is done by one keeper at a time, see `Turns`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from plimsoll.chain import Revert
from plimsoll.keeper.config import GasConfig
from plimsoll.keeper.log import Log
from plimsoll.keeper.metrics import Metrics
from plimsoll.keeper.node import Call, Node
from plimsoll.keeper.sender import Action, NotSent, Sender
from plimsoll.keeper.source import Header
from plimsoll.keeper.taker import GasPrice
from plimsoll.units import WAD

MOST_GAS = 16_777_216
"""Gas of a transaction at most (EIP-7825)."""
PUT_OFF = 5
"""Blocks for which what would fail is not tried again."""
TURNS = 6
"""Blocks over which keepers spread what pays nobody."""
FORGOTTEN = 32
"""Blocks after which a turn starts anew."""
_FULL = ("in flight", "gas in flight", "starting", "settling", "fee cap")
"""Refusals that every later wish of the block would meet too."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A call to send: what it is about, to whom, what to note of it, and what it is expected to earn (WAD dollars)."""

    key: str
    to: str
    data: bytes
    note: dict[str, Any]
    profit: int = 0


def key_of(account: int) -> str:
    """Return what transactions about an account are about, in the journal."""
    return f"{account:#x}"


class Dispatcher:
    """Sends wishes for one keeper; in a dry run it says what it would send."""

    def __init__(
        self, node: Node, sender: Sender, gas: GasConfig, *, last_blocks: int, dry_run: bool, log: Log, metrics: Metrics
    ) -> None:
        """Assemble; a transaction is wanted for `last_blocks` blocks."""
        self._node = node
        self._sender = sender
        self._gas = gas
        self._last_blocks = last_blocks
        self._dry_run = dry_run
        self._log = log
        self._metrics = metrics
        self._put_off: dict[str, int] = {}

    @property
    def room(self) -> int:
        """How many more transactions may be under way."""
        return max(self._sender.policy.in_flight - len(self._sender.open), 0)

    def busy(self) -> set[str]:
        """Return the accounts that a transaction in flight is about."""
        return {each for intent in self._sender.open for each in (intent.key, *intent.note.get("accounts", ()))}

    def put_off(self, keys: Iterable[str], head: Header) -> None:
        """Leave these alone for some blocks."""
        self._put_off |= dict.fromkeys(keys, head.number + PUT_OFF)

    def is_put_off(self, key: str, head: Header) -> bool:
        """Return whether this was put off, and still is."""
        return self._put_off.get(key, 0) > head.number

    def forget(self, head: Header) -> None:
        """Forget what was put off until now."""
        self._put_off = {key: block for key, block in self._put_off.items() if block > head.number}

    def send(self, wishes: Sequence[Wish], price: GasPrice, head: Header) -> None:
        """Estimate and send what fits, in this order; what does not waits for a later block."""
        ready = [wish for wish in wishes if not self.is_put_off(wish.key, head)][: self.room]
        calls = [Call(wish.to, wish.data, self._sender.address) for wish in ready]
        for wish, gas in zip(ready, self._node.estimate(calls), strict=True):
            kind = wish.note["kind"]
            if isinstance(gas, Revert):
                self.put_off([wish.key, *wish.note.get("accounts", ())], head)
                self._metrics.add("decisions", decision=f"{kind} fails")
                self._log.info("would fail", kind=kind, account=wish.key, reason=str(gas))
                continue
            limit = min(gas * (100 + self._gas.limit_margin) // 100, MOST_GAS)
            fields = {**wish.note, "account": wish.key, "gas": gas}
            if self._dry_run:
                self._metrics.add("decisions", decision=f"would {kind}")
                self._log.info("would send", **fields)
                continue
            budget, last = self._budget(wish.profit, price), head.number + self._last_blocks
            try:
                intent = self._sender.submit(Action(wish.key, wish.to, wish.data, limit, budget, last, wish.note))
            except NotSent as refusal:
                self._metrics.add("decisions", decision=refusal.reason)
                self._log.warning("not sent", reason=str(refusal), **fields)
                if refusal.reason in _FULL:
                    return
                continue
            self._metrics.add("decisions", decision=kind)
            self._metrics.add("sent", kind=kind)
            self._log.info("sent", nonce=intent.nonce, tx=intent.newest.tx_hash, **fields)

    def _budget(self, profit: int, price: GasPrice) -> int:
        """Return the wei that an action's gas may cost; all that a day may cost while ether has no price."""
        if price.ether == 0:
            return self._sender.policy.per_day
        return price.wei_for(max(profit * self._gas.profit_share // WAD, self._gas.least_budget))


class Turns:
    """Spreads what pays nobody over keepers and blocks, so that they do not all pay for what one can do.

    Who should do something first (the starter of an auction) does it at once. Everybody else waits some blocks, drawn
    from his address and what it is about, and finds it done then.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._asked: dict[str, tuple[int, int]] = {}
        """By key, the blocks of the first and the last question."""

    def is_mine(self, key: str, block: int, *, first: bool = False) -> bool:
        """Return whether it is this keeper's turn; the waiting starts with the first question about a key.

        What nobody asked about for `FORGOTTEN` blocks was done, and is another matter when it comes up again.
        """
        since, last = self._asked.get(key, (block, block))
        if not 0 <= block - last <= FORGOTTEN:
            since = block
        self._asked = {each: asked for each, asked in self._asked.items() if asked[1] + FORGOTTEN >= block}
        self._asked[key] = since, block
        drawn = int.from_bytes(hashlib.sha256(f"{self._address}/{key}".encode()).digest()[:8], "big")
        return first or block >= since + 1 + drawn % TURNS
