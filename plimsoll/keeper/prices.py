"""The risk engine's prices of now, and the clocks of assets whose price is not OK.

An asset that is not OK counts at the side of its spread that favours the account until it has not been OK for the risk
engine's `wide_delay` (a DEAD one until it has been DEAD for that long); only marks keep that clock, at most an hour
apart, and anybody may set them. Rules: `contracts/modules/price_oracle.vy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from plimsoll.chain import Revert
from plimsoll.keeper import verbs
from plimsoll.keeper.node import Call, Node
from plimsoll.keeper.source import SourceError
from plimsoll.model.price_oracle import DEAD, OK

KEYS_PER_CALL = 16
MARK_GAP = 3_600
"""Seconds between two marks after which a clock has stopped."""
MARK_AFTER = 1_800
"""Seconds after which a keeper marks again."""

Report = dict[int, tuple[int, int, int, int]]
"""Bid, mid, ask and status by asset key."""


@dataclass(slots=True)
class Prices:
    """What `PriceReader.read` found at a time (unix seconds)."""

    report: Report
    now: int
    settled: frozenset[int] = frozenset()
    """Assets that are not OK and count at mid by now."""
    due: list[int] = field(default_factory=list)
    """Assets whose clock wants a mark."""


class PriceReader:
    """Reads prices, and clocks where there is reason to."""

    def __init__(self, node: Node, risk_engine: str) -> None:
        self._node = node
        self._risk_engine = risk_engine
        self._wide_delay: int | None = None
        self._running: set[int] = set()
        """Assets whose clock ran when it was last read."""

    def read(self, keys: Sequence[int], now: int) -> Prices:
        """Return the prices of assets at the newest block; SourceError when they cannot be had."""
        chunks = [keys[start : start + KEYS_PER_CALL] for start in range(0, len(keys), KEYS_PER_CALL)]
        outputs = self._call([verbs.PRICES.encode([list(chunk)]) for chunk in chunks])
        report: Report = {}
        for chunk, output in zip(chunks, outputs, strict=True):
            report |= dict(zip(chunk, map(tuple, verbs.PRICES.decode(output)), strict=True))
        doubtful = {key for key, price in report.items() if price[3] != OK}
        found = Prices(report, now)
        watched = sorted(doubtful | self._running)
        if watched:
            self._read_clocks(found, watched, doubtful)
        return found

    def _read_clocks(self, found: Prices, keys: Sequence[int], doubtful: set[int]) -> None:
        if self._wide_delay is None:
            (output,) = self._call([verbs.WIDE_DELAY.encode([])])
            self._wide_delay = int(verbs.WIDE_DELAY.decode(output))
        clocks = self._call([verbs.NOT_OK_SINCE.encode([key]) for key in keys])
        settled: set[int] = set()
        for key, output in zip(keys, clocks, strict=True):
            since, marked, dead_since = verbs.NOT_OK_SINCE.decode(output)
            runs = since != 0 and found.now <= marked + MARK_GAP
            if key in doubtful:
                if found.report[key][3] == DEAD:
                    since = dead_since
                if runs and since != 0 and found.now >= since + self._wide_delay:
                    settled.add(key)
                if not runs or since == 0 or found.now >= marked + MARK_AFTER:
                    found.due.append(key)
            elif runs:
                found.due.append(key)
            (self._running.add if runs else self._running.discard)(key)
        found.settled = frozenset(settled)

    def _call(self, calldata: Sequence[bytes]) -> list[bytes]:
        outputs: list[bytes] = []
        for output in self._node.calls([Call(self._risk_engine, data) for data in calldata]):
            if isinstance(output, Revert) or not output:
                raise SourceError(f"the risk engine answers nothing: {output or 'no code there on this node'}")
            outputs.append(output)
        return outputs
