"""Which assets want a sample of their volatility, and which a poke of their margin: asked of the chain now and then.

A sample is taken when its oracle accepts one and the price is OK. A poke pays where it changes anything: the model
says from the asset's state and its sources' answers what it would aim at. It also puts off the day from which initial
margin rises for want of a sample, which only a poke tells the risk engine of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from plimsoll.chain import ZERO_ADDRESS, Revert
from plimsoll.keeper import verbs
from plimsoll.keeper.node import Call, Node
from plimsoll.keeper.verbs import Dynamics
from plimsoll.model import margin_rate
from plimsoll.model.margin_rate import Measured

LOOK_EVERY = 300
"""Seconds after which an asset is looked at again; one that wants something is with every block."""
FORESIGHT = 1_800
"""Seconds before initial margin would rise at which a poke puts that off."""


@dataclass(slots=True)
class Due:
    """What assets want now: samples as (asset key, oracle), and the keys of margins to be poked."""

    samples: list[tuple[int, str]] = field(default_factory=list)
    pokes: list[int] = field(default_factory=list)


class DynamicsReader:
    """Knows what the assets of a risk engine want. `samples` and `pokes` say what is looked for."""

    def __init__(self, node: Node, risk_engine: str, *, samples: bool, pokes: bool) -> None:
        self._node = node
        self._risk_engine = risk_engine
        self._samples = samples
        self._pokes = pokes
        self._looked: dict[int, int] = {}
        self._due = Due()

    def due(self, keys: Sequence[int], now: int) -> Due:
        """Return what assets want at this time (unix seconds); one whose sources do not answer wants nothing."""
        if not self._samples and not self._pokes:
            return self._due
        waiting = {*self._due.pokes, *(key for key, _ in self._due.samples)}
        self._look([key for key in keys if key in waiting or self._looked.get(key, 0) + LOOK_EVERY <= now], now)
        return self._due

    def _look(self, keys: Sequence[int], now: int) -> None:
        self._due = Due()
        self._looked |= dict.fromkeys(keys, now)
        found = self._calls([(self._risk_engine, verbs.DYNAMICS_OF.encode([key])) for key in keys])
        follows = {
            key: dynamics
            for key, output in zip(keys, found, strict=True)
            if output and _follows(dynamics := verbs.read_dynamics(output))
        }
        if self._samples:
            self._look_for_samples(follows, now)
        if self._pokes:
            self._look_for_pokes(follows, now)

    def _look_for_samples(self, follows: dict[int, Dynamics], now: int) -> None:
        sources = [(key, each.volatility) for key, each in follows.items() if each.volatility != ZERO_ADDRESS]
        found = self._calls([(source, verbs.NEXT_SAMPLE.encode([key])) for key, source in sources])
        for (key, source), output in zip(sources, found, strict=True):
            if len(output) == 32 and int.from_bytes(output, "big") <= now:
                self._due.samples.append((key, source))

    def _look_for_pokes(self, follows: dict[int, Dynamics], now: int) -> None:
        keys = list(follows)
        margins = self._calls([(self._risk_engine, verbs.MARGIN_OF.encode([key])) for key in keys])
        sigmas = self._calls([(follows[key].volatility, verbs.MEASURE.encode([key])) for key in keys])
        depths = self._calls([(follows[key].depth, verbs.DEPTH.encode([])) for key in keys])
        for key, margin, sigma, depth in zip(keys, margins, sigmas, depths, strict=True):
            measured = Measured(
                (int.from_bytes(sigma[:32], "big"), int.from_bytes(sigma[32:], "big")) if len(sigma) == 64 else None,
                int.from_bytes(depth, "big") if len(depth) == 32 else None,
            )
            if margin and _wants_poke(verbs.read_margin(margin), follows[key], measured, now):
                self._due.pokes.append(key)

    def _calls(self, calls: Sequence[tuple[str, bytes]]) -> list[bytes]:
        """Return what contracts answer; nothing where one fails."""
        outputs = self._node.calls([Call(to, data) for to, data in calls])
        return [b"" if isinstance(output, Revert) else output for output in outputs]


def _follows(dynamics: Dynamics) -> bool:
    return (dynamics.volatility, dynamics.depth) != (ZERO_ADDRESS, ZERO_ADDRESS)


def _wants_poke(margin: margin_rate.Margin, follows: Dynamics, measured: Measured, now: int) -> bool:
    """Return whether a poke would aim a margin anew, or put off a rise of initial margin that is near."""
    before = margin_rate.Dynamics(
        follows.multiple, follows.impact, follows.size_limit, follows.floor, follows.size_slope, follows.due
    )
    aimed, after = margin_rate.aim(margin, before, measured, now)
    return aimed.target != margin.target or (after.due > before.due and now + FORESIGHT >= before.due)
