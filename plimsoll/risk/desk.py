"""The desk: a world, and what the model makes of it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from plimsoll.risk import lines, shocks
from plimsoll.risk.lines import Exempt, Near
from plimsoll.risk.shocks import Outcome
from plimsoll.risk.world import World

NEAREST = 10


@dataclass(frozen=True, slots=True)
class Desk:
    """What `ape run risk` shows. `cost` is what a taker wants per unit of debt, WAD; `stable` the dollar tokens.

    `curve` is what accounts below their line would owe (WAD dollars) after moves of the market (percent). Lines and
    losses are those of a world without an outage: the cure window passes, and whom it keeps until then is in `exempt`.
    """

    world: World
    cost: int
    stable: tuple[str, ...]
    exempt: Exempt
    near: tuple[Near, ...]
    curve: tuple[tuple[int, int], ...]
    outcomes: tuple[Outcome, ...]


def look(
    world: World,
    *,
    count: int = NEAREST,
    cost: int = shocks.COST,
    stable: Collection[str] | None = None,
    progress: Callable[[int, int, str], None] = lambda number, total, title: None,
) -> Desk:
    """Compute everything that the desk shows; `count` is how many of the accounts nearest their line."""
    after = world.after_outage()
    return Desk(
        world,
        cost,
        tuple(sorted(world.assets[key].symbol for key in shocks.stable_keys(world, stable))),
        lines.exempt(world),
        tuple(lines.nearest(after.market(), after.debtors(), count)),
        tuple(shocks.curve(after, stable)),
        tuple(shocks.compute_all(after, shocks.standard(after, stable), cost, progress)),
    )
