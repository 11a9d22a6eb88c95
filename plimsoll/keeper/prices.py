"""The risk engine's prices of now, the clocks of assets whose price is not OK, and what an outage grants.

An asset that is not OK counts at the side of its spread that favours the account until it has not been OK for the risk
engine's `wide_delay` (a DEAD one until it has been DEAD for that long); only marks keep that clock, at most an hour
apart, and anybody may set them. A sample of its volatility source proves that it was OK then, and is its last good
price. Rules: `contracts/modules/price_oracle.vy` and, for a sequencer that was down, `contracts/modules/cure.vy`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from plimsoll.chain import ZERO_ADDRESS, Revert
from plimsoll.keeper import verbs
from plimsoll.keeper.node import Call, Node, Unanswered
from plimsoll.keeper.source import SourceError
from plimsoll.keeper.valuation import NO_GRANTS, Grants
from plimsoll.model import cure, price_oracle
from plimsoll.model.cure import NOT_KNOWN, LastGood
from plimsoll.model.price_oracle import MAX_MARK_GAP, OK, Clock

KEYS_PER_CALL = 16
MARK_AFTER = MAX_MARK_GAP // 2
"""Seconds after which a keeper marks again."""
WORD = 32

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
    grants: Grants = NO_GRANTS


@dataclass(frozen=True, slots=True)
class _Constants:
    """What a risk engine never changes; no `feed` is the zero address."""

    wide_delay: int
    feed: str
    cure_window: int


class PriceReader:
    """Reads prices, and clocks and last good prices where there is reason to."""

    def __init__(self, node: Node, risk_engine: str) -> None:
        self._node = node
        self._risk_engine = risk_engine
        self._constants: _Constants | None = None
        self._running: set[int] = set()
        """Assets whose clock ran when it was last read."""

    def read(self, keys: Sequence[int], now: int) -> Prices:
        """Return the prices of assets at the newest block; SourceError when they cannot be had."""
        constants = self._known()
        chunks = [keys[start : start + KEYS_PER_CALL] for start in range(0, len(keys), KEYS_PER_CALL)]
        outputs = self._call([verbs.PRICES.encode([list(chunk)]) for chunk in chunks])
        report: Report = {}
        for chunk, output in zip(chunks, outputs, strict=True):
            report |= dict(zip(chunk, map(tuple, verbs.PRICES.decode(output)), strict=True))
        doubtful = {key for key, price in report.items() if price[3] != OK}
        curing = self._is_curing(constants, now)
        last_good = self._last_good(keys if curing else doubtful, now)
        found = Prices(report, now, grants=Grants(curing, last_good, constants.wide_delay))
        watched = sorted(doubtful | self._running)
        if watched:
            self._read_clocks(found, watched, doubtful)
        return found

    def _read_clocks(self, found: Prices, keys: Sequence[int], doubtful: set[int]) -> None:
        clocks = self._call([verbs.NOT_OK_SINCE.encode([key]) for key in keys])
        settled: set[int] = set()
        for key, output in zip(keys, clocks, strict=True):
            clock = Clock(*verbs.NOT_OK_SINCE.decode(output))
            runs = price_oracle.runs(clock, found.now)
            if key in doubtful:
                status, good = found.report[key][3], found.grants.last_good.get(key, NOT_KNOWN)
                if price_oracle.is_settled(clock, status, found.grants.wide_delay, found.now, good.time):
                    settled.add(key)
                since = clock.dead_since if status == price_oracle.DEAD else clock.since
                if not runs or since == 0 or found.now >= clock.marked + MARK_AFTER:
                    found.due.append(key)
            elif runs:
                found.due.append(key)
            (self._running.add if runs else self._running.discard)(key)
        found.settled = frozenset(settled)

    def _is_curing(self, constants: _Constants, now: int) -> bool:
        """Return whether the sequencer is down or in its cure window; a feed that fails says that it is up."""
        if constants.feed == ZERO_ADDRESS:
            return False
        (answer,) = self._ask([Call(constants.feed, verbs.LATEST_ROUND_DATA.encode([]))])
        if len(answer) < 3 * WORD:
            return False
        status, since = (int.from_bytes(answer[at : at + WORD], "big") for at in (WORD, 2 * WORD))
        return cure.is_open(status, since, constants.cure_window, now)

    def _last_good(self, keys: Iterable[int], now: int) -> dict[int, LastGood]:
        """Return the last good prices of those assets that have one."""
        found: dict[int, LastGood] = {}
        wanted = sorted(keys)
        outputs = self._call([verbs.DYNAMICS_OF.encode([key]) for key in wanted])
        sources = {key: verbs.read_dynamics(output).volatility for key, output in zip(wanted, outputs, strict=True)}
        sources = {key: source for key, source in sources.items() if source != ZERO_ADDRESS}
        answers = self._ask([Call(source, verbs.LAST.encode([key])) for key, source in sources.items()])
        for key, answer in zip(sources, answers, strict=True):
            if len(answer) >= 2 * WORD:
                price, time = (int.from_bytes(answer[at : at + WORD], "big") for at in (0, WORD))
                found[key] = cure.last_good(price, time, now)
        return found

    def _known(self) -> _Constants:
        if self._constants is None:
            wide_delay, feed, window = self._call(
                [verb.encode([]) for verb in (verbs.WIDE_DELAY, verbs.SEQUENCER_FEED, verbs.CURE_WINDOW)]
            )
            self._constants = _Constants(
                int(verbs.WIDE_DELAY.decode(wide_delay)),
                str(verbs.SEQUENCER_FEED.decode(feed)),
                int(verbs.CURE_WINDOW.decode(window)),
            )
        return self._constants

    def _ask(self, calls: Sequence[Call]) -> list[bytes]:
        """Return what contracts say that may fail: nothing where one does. SourceError if the node does not know."""
        outputs: list[bytes] = []
        for call, output in zip(calls, self._node.calls(calls), strict=True):
            if isinstance(output, Unanswered):
                raise SourceError(f"no answer for {call.to}: {output}")
            outputs.append(b"" if isinstance(output, Revert) else output)
        return outputs

    def _call(self, calldata: Sequence[bytes]) -> list[bytes]:
        outputs: list[bytes] = []
        for output in self._node.calls([Call(self._risk_engine, data) for data in calldata]):
            if isinstance(output, Revert) or not output:
                raise SourceError(f"the risk engine answers nothing: {output or 'no code there on this node'}")
            outputs.append(output)
        return outputs
