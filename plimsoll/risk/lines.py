"""Which accounts are nearest their line, and at which price of which asset each crosses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from plimsoll.keeper.state import AccountState
from plimsoll.keeper.valuation import Market, Value
from plimsoll.risk.world import World

BELOW = 0.0


@dataclass(frozen=True, slots=True)
class Leg:
    """A balance and the price at which its asset alone takes the account to its line; None where no price does.

    `move` is how far that is from the price of now, relative to it: -0.1 is a fall of a tenth.
    """

    key: int
    is_debt: bool
    amount: int
    worth: int
    line_price: int | None
    move: float | None


@dataclass(frozen=True, slots=True)
class Near:
    """An account, what it is worth to liquidation, its balances; `nearest` is the leg with the smallest move.

    `debt` is what its debts are worth, also where nobody judges it and its `value` is nothing. `distance` is that
    move's size: 0 for an account that is below its line already, None where no price takes it there.
    """

    account: int
    value: Value
    debt: int
    legs: tuple[Leg, ...]
    nearest: Leg | None
    distance: float | None


@dataclass(frozen=True, slots=True)
class Exempt:
    """Accounts with debt that nobody may liquidate for another reason than that they are above their line.

    Of `unjudged` what they hold without a price may cover their requirement; `kept` are below their line, and only the
    cure window after an outage of the sequencer keeps them.
    """

    unjudged: frozenset[int]
    kept: frozenset[int]


def exempt(world: World) -> Exempt:
    """Return who is exempt now."""
    now, after, debtors = world.market(), world.after_outage().market(), world.debtors()
    unjudged = {account for account, row in debtors.items() if not after.is_judged(row)}
    below = {account for account, row in debtors.items() if after.value(row).liquidatable}
    kept = {account for account in below if not now.value(debtors[account]).liquidatable}
    return Exempt(frozenset(unjudged), frozenset(kept))


def nearest(market: Market, debtors: Mapping[int, AccountState], count: int) -> list[Near]:
    """Return the `count` accounts that the smallest move of one price takes below their line, the nearest first.

    Exact: accounts are looked at in the order of a bound that no line is below, until no other can be nearer.
    """
    bounds = sorted((bound(market, row), account) for account, row in debtors.items())
    found: list[tuple[float, int, Near]] = []
    for least, account in bounds:
        if len(found) >= count and (not count or least > found[count - 1][0]):
            break
        near = look(market, account, debtors[account])
        distance = float("inf") if near.distance is None else near.distance
        found.append((distance, account, near))
        found.sort(key=lambda entry: entry[:2])
    return [near for _, _, near in found[:count]]


def look(market: Market, account: int, row: AccountState) -> Near:
    """Return an account with the prices of its line."""
    value, debt = market.value(row), market.debt(row)
    legs = []
    for position in market.positions(row):
        price = market.line_price(row, position.key)
        move = None if price is None or not position.price else price / position.price - 1
        legs.append(Leg(position.key, position.is_debt, position.amount, position.worth, price, move))
    reachable = [leg for leg in legs if leg.move is not None]
    first = min(reachable, key=lambda leg: abs(leg.move or BELOW), default=None)
    if value.liquidatable:
        return Near(account, value, debt, tuple(legs), first, BELOW)
    return Near(account, value, debt, tuple(legs), first, None if first is None else abs(first.move or BELOW))


def bound(market: Market, row: AccountState) -> float:
    """Return a distance that the account's line is not nearer than.

    A fall of what is held by a part of its worth takes at most that part of it off equity less requirement, a rise of
    what is owed at most twice that (the margin's marginal rate is below 1).
    """
    value = market.value(row)
    slack = value.equity - value.requirement
    if slack < 0:
        return BELOW
    reach = max((position.worth * (2 if position.is_debt else 1) for position in market.positions(row)), default=0)
    return slack / reach * (1 - 1e-9) if reach else float("inf")
