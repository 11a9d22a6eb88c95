"""What a change of an asset's margin does to the accounts there are, before anybody makes it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from plimsoll.model import margin_rate
from plimsoll.model.margin_rate import Dynamics, Margin, Measured, Parameters
from plimsoll.risk.world import AssetFacts, World, arrival, arrived


@dataclass(frozen=True, slots=True)
class Lines:
    """Accounts with debt below a line: `initial` may take no new risk, `maintenance` may be liquidated, unless a cure
    window that is open now keeps them."""

    initial: frozenset[int]
    maintenance: frozenset[int]


@dataclass(frozen=True, slots=True)
class Effect:
    """Who is below which line now and when the ramp has arrived (prices, debts and measurements as they are).

    `before` is where the ramp in force leads without the change. `concerned` have debt and hold or owe the asset;
    `arrives` is when the ramp is over, None if it never is, counted from now and not from the end of a timelock's wait.
    """

    concerned: int
    now: Lines
    before: Lines
    after: Lines
    arrives: int | None


def lines_of(world: World) -> Lines:
    """Return which accounts with debt are below their lines."""
    market = world.after_outage().market()
    initial, maintenance = set(), set()
    for account, row in world.debtors().items():
        health = world.health(row)
        if health.equity_initial < health.initial:
            initial.add(account)
        if market.value(row).liquidatable:
            maintenance.add(account)
    return Lines(frozenset(initial), frozenset(maintenance))


def measured(asset: AssetFacts) -> Measured:
    """Return what an asset's sources answer now."""
    seen, depth = asset.volatility, asset.depth
    return Measured(None if seen is None else (seen.sigma, seen.due), None if depth is None else depth.dollars)


def changed(asset: AssetFacts, parameters: Parameters, dynamics: Dynamics, now: int) -> tuple[Margin, Dynamics]:
    """Return an asset's margin and dynamics after the owner has set both now."""
    margin, follows = margin_rate.set_dynamics(
        asset.margin,
        asset.dynamics,
        dynamics.multiple,
        dynamics.impact,
        dynamics.size_limit,
        measured(asset),
        now,
    )
    return margin_rate.set_margin(margin, follows, parameters, measured(asset), now)


def effect(world: World, key: int, parameters: Parameters, dynamics: Dynamics) -> Effect:
    """Return what it does to set an asset's margin parameters, and its multiple, impact and size limit."""
    asset = world.assets[key]
    margin, follows = changed(asset, parameters, dynamics, world.now)
    unchanged = world.with_asset(replace(asset, margin=arrived(asset.margin)))
    there = world.with_asset(replace(asset, margin=arrived(margin), dynamics=follows))
    return Effect(
        sum(key in row.held or key in row.owed for row in world.debtors().values()),
        lines_of(world),
        lines_of(unchanged),
        lines_of(there),
        arrival(margin, world.now),
    )
