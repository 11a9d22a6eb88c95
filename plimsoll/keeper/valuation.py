"""What accounts are worth at a moment, in exact integers: equity against requirement, and the prices of the line.

A `Market` is everything an account's value depends on besides its own numbers, fixed at one time: for every asset a
price for what is held and one for what is owed, the margin in force, and the pool's debt and debt shares. The formulas
are the model's (`exposure`, `margin_rate`, `share_math`, `cure`), so numbers equal RiskEngine.assess_liquidation's to
the unit, in the cure window after an outage too.

*Not judged.* What is held without a price counts for nothing, but while it may be what keeps an account above its line
nobody judges the account: all it is worth and requires is 0. It is so kept if it is not below its line with those
assets at their last good prices. Worth is never less than its requirement, so an account is below its line exactly if
it is below with them, and one price decides that, `Line.judged_price`.

*Line prices.* For an asset that an account holds, the line price is the highest price at which the account is
liquidatable, all else unchanged; for one it owes, the lowest. Both are exact. Worth less requirement falls as an owed
balance's worth rises, everywhere, so there a binary search is exact. As a held balance's worth w falls it falls too,
but for the size term's rate, which rounds up: where that steps, it jumps by w/1e18. The steps start at known worths,
and from start to start worth less requirement rises (a step is at least 1e18 / MAX_SLOPE = 10,000 wide, and the rate at
the margin, 2 * cap - base at most, is below 1); within a step it does not fall. So the last step that starts below the
line is found first, and in it the last worth below the line.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from plimsoll.keeper.state import AccountState, State
from plimsoll.model import cure, exposure, margin_rate, share_math
from plimsoll.model.cure import NOT_KNOWN, LastGood
from plimsoll.model.liquidation_auction import Values
from plimsoll.model.margin_rate import Margin
from plimsoll.model.price_oracle import DEAD, NO_PRICE, OK, PRICE_LIMIT, Price

WAD = 10**18

Prices = Mapping[int, Price]
"""What RiskEngine.prices says, by asset key; a key that is missing is DEAD."""


class Line(NamedTuple):
    """An asset at a moment: prices, margin in force (`margin.moving` is False), the pool's debt and debt shares."""

    held_price: int
    """Of a positive balance; 0 for a DEAD asset."""
    owed_price: int
    """Of a debt; 0 for a DEAD asset, whose debt is worth one wei."""
    margin: Margin
    debt: int
    debt_shares: int
    certain: bool = True
    """Whether the asset is OK, or has not been for the risk engine's delay."""
    excluded: bool = False
    """Whether it is DEAD and not certain: its balances stay where they are and count for nothing."""
    kept_price: int = 0
    """Of a positive balance that is excluded: its last good price, while that may keep accounts from being judged."""

    @property
    def judged_price(self) -> int:
        """The price of a positive balance by which it is decided whether an account is below its line."""
        return self.kept_price if self.excluded else self.held_price


NO_LINE = Line(0, 0, margin_rate.NO_MARGIN, 0, 0)


class Grants(NamedTuple):
    """What liquidation grants accounts whose owners could not act, or whose collateral lost its price."""

    curing: bool = False
    """Whether the sequencer is down, or the cure window after its restart is open."""
    last_good: Mapping[int, LastGood] = {}
    """By asset key, where it was read."""
    wide_delay: int = 0
    """Seconds after its last good price for which an asset without a price may keep accounts from being judged."""

    def kept_price(self, key: int, now: int) -> int:
        """Return the price at which an asset without a price decides whether an account is judged; 0: it does not."""
        good = self.last_good.get(key, NOT_KNOWN)
        return good.price if self.curing or now <= good.time + self.wide_delay else 0


NO_GRANTS = Grants()


class Position(NamedTuple):
    """One balance of an account, valued: amount in raw units (a debt with interest), rate WAD, the rest WAD dollars."""

    key: int
    is_debt: bool
    amount: int
    price: int
    worth: int
    rate: int
    requirement: int


class Value(NamedTuple):
    """An account, valued: WAD dollars."""

    equity: int
    requirement: int
    debt: int

    @property
    def liquidatable(self) -> bool:
        """Whether an auction may start."""
        return self.debt > 0 and self.equity < self.requirement


NOT_JUDGED = Value(0, 0, 0)


@dataclass(frozen=True, slots=True)
class Market:
    """Every asset at one time (unix seconds)."""

    lines: Mapping[int, Line]
    now: int
    curing: bool = False

    def line(self, key: int) -> Line:
        """Return an asset; one without price and margin if it is unknown."""
        return self.lines.get(key, NO_LINE)

    def value(self, account: AccountState) -> Value:
        """Return an account's equity, requirement and debt."""
        value, kept = self._counted(account)
        return NOT_JUDGED if kept and value.equity + kept >= value.requirement else value

    def is_judged(self, account: AccountState) -> bool:
        """Return whether liquidation judges an account: whether what it holds without a price may not keep it safe."""
        value, kept = self._counted(account)
        return not kept or value.equity + kept < value.requirement

    def debt(self, account: AccountState) -> int:
        """Return what an account's debts are worth, whether it is judged or not: WAD dollars."""
        return self._counted(account)[0].debt

    def _counted(self, account: AccountState) -> tuple[Value, int]:
        """Return an account's value, and worth less requirement of what it holds without a price."""
        equity = requirement = owed = kept = 0
        for key, amount in account.held.items():
            line = self.line(key)
            worth = exposure.worth(amount, line.judged_price)
            if line.excluded:
                kept += worth - _requirement(line.margin, worth)
                continue
            equity += worth
            requirement += _requirement(line.margin, worth)
        for key, shares in account.owed.items():
            line = self.line(key)
            worth = _owed_worth(line, shares)
            owed += worth
            requirement += _requirement(line.margin, worth)
        return Value(equity - owed, requirement, owed), kept

    def sides(self, account: AccountState) -> Values:
        """Return what RiskEngine.assess_liquidation says of an account; the formulas of auctions take it from there."""
        positions = self.positions(account)
        held, owed = positions[: len(account.held)], positions[len(account.held) :]
        excluded = sum(self.line(position.key).excluded << i for i, position in enumerate(positions))
        if not self.is_judged(account):
            return Values(0, 0, 0, 0, False, excluded)
        return Values(
            positive=sum(position.worth for position in held),
            debt=sum(position.worth for position in owed),
            positive_requirement=sum(position.requirement for position in held),
            debt_requirement=sum(position.requirement for position in owed),
            certain=all(self.line(position.key).certain for position in positions),
            excluded=excluded,
        )

    def positions(self, account: AccountState) -> list[Position]:
        """Return an account's balances, valued, in the engine's order."""
        out: list[Position] = []
        for key in sorted(account.held):
            line, amount = self.line(key), account.held[key]
            worth = exposure.worth(amount, line.held_price)
            out.append(_position(key, False, amount, line.held_price, worth, line.margin))
        for key in sorted(account.owed):
            line, shares = self.line(key), account.owed[key]
            amount, worth = share_math.debt_up(shares, line.debt, line.debt_shares), _owed_worth(line, shares)
            out.append(_position(key, True, amount, line.owed_price, worth, line.margin))
        return out

    def line_price(self, account: AccountState, key: int) -> int | None:
        """Return the price of an asset at which the account crosses its line, all else unchanged.

        Of a held asset the highest price at which it is liquidatable, of an owed one the lowest, both in
        [1, 2**128): None if there is no such price, or the account neither holds nor owes the asset.
        """
        if not account.owed:
            return None
        line = self.line(key)
        value, kept = self._counted(account)
        slack = value.equity + kept - value.requirement
        if key in account.held:
            amount = account.held[key]
            worth = exposure.worth(amount, line.judged_price)
            missing = worth - _requirement(line.margin, worth) - slack
            return _held_line(amount, missing, line.margin)
        if key in account.owed:
            amount = share_math.debt_up(account.owed[key], line.debt, line.debt_shares)
            worth = _owed_worth(line, account.owed[key])
            required = _requirement(line.margin, worth)
            return _owed_line(amount, slack + worth + required, line.margin)
        return None


def market(
    state: State, prices: Prices, now: int, settled: frozenset[int] = frozenset(), grants: Grants = NO_GRANTS
) -> Market:
    """Return the market that liquidation values accounts by, at `now`.

    `settled` are the keys of which it is known that they have not been OK for their delay.
    """
    lines: dict[int, Line] = {}
    for key in state.keys:
        ledger = state.pool(key).at(now)
        price, margin = prices.get(key, NO_PRICE), state.margin(key)
        lines[key] = line_of(key, price, key in settled, margin, ledger.debt, ledger.debt_shares, now, grants)
    return Market(lines, now, grants.curing)


def line_of(
    key: int, price: Price, settled: bool, margin: Margin, debt: int, debt_shares: int, now: int, grants: Grants
) -> Line:
    """Return an asset as liquidation sees it, its pool's debt and debt shares being those of `now`.

    An OK asset counts at mid. Another counts on the side that favours the account: held at ask, owed at bid, until its
    delay has passed (`settled`); then at mid. In the cure window see `model.cure`.
    """
    certain = not grants.curing and (price.status == OK or settled)
    excluded = not certain and price.status == DEAD
    granted = grants.last_good.get(key, NOT_KNOWN).price if grants.curing else None
    return Line(
        *liquidation_prices(price, certain, granted),
        in_force(margin, now),
        debt,
        debt_shares,
        certain,
        excluded,
        grants.kept_price(key, now) if excluded else 0,
    )


def liquidation_prices(price: Price, certain: bool, last_good: int | None = None) -> tuple[int, int]:
    """Return the prices at which liquidation counts a held and an owed balance; zeros for a DEAD asset.

    `last_good` is the last good price in the cure window (0: none is known), None outside it.
    """
    if certain:
        return price.mid, price.mid
    if last_good is None:
        return price.ask, price.bid
    return (
        cure.granted(False, price.mid, price.ask, last_good),
        cure.granted(True, price.mid, price.bid, last_good),
    )


def in_force(margin: Margin, now: int) -> Margin:
    """Return a margin that stands still at what is in force at `now`."""
    base, cap, slope = margin_rate.in_force(margin, now)
    return Margin(base, cap, slope, now, False, margin.target)


def _position(key: int, is_debt: bool, amount: int, price: int, worth: int, margin: Margin) -> Position:
    return Position(key, is_debt, amount, price, worth, margin_rate.rate(margin, worth, 0), _requirement(margin, worth))


def _owed_worth(line: Line, shares: int) -> int:
    amount = share_math.debt_up(shares, line.debt, line.debt_shares)
    if line.excluded:
        return 0
    return max(exposure.owed_worth(amount, line.owed_price), min(amount, 1))


def _requirement(margin: Margin, worth: int) -> int:
    return margin_rate.requirements(margin, worth, 0, WAD)[0]


def _owed_line(amount: int, room: int, margin: Margin) -> int | None:
    """Return the lowest price at which worth and requirement of a debt exceed `room`."""

    def crosses(price: int) -> bool:
        worth = exposure.owed_worth(amount, price)
        return worth + _requirement(margin, worth) > room

    low, high = 1, PRICE_LIMIT - 1
    if not crosses(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if crosses(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _held_line(amount: int, missing: int, margin: Margin) -> int | None:
    """Return the highest price at which worth less requirement of a balance is below `missing`."""

    def crosses(worth: int) -> bool:
        return worth - _requirement(margin, worth) < missing

    most = exposure.worth(amount, PRICE_LIMIT - 1)
    if not crosses(0):
        return None
    steps = -(-margin.size_slope * most // WAD) if margin.size_slope else 0
    steps = min(steps, margin.cap - margin.base)
    step = _last(lambda number: number == 0 or crosses(_step_start(number, margin.size_slope)), 0, steps)
    start = _step_start(step, margin.size_slope)
    end = min(_step_start(step + 1, margin.size_slope) - 1, most) if step < steps else most
    worth = _last(crosses, start, end)
    price = -(-(worth + 1) * WAD // amount) - 1
    return min(price, PRICE_LIMIT - 1) or None


def _step_start(number: int, slope: int) -> int:
    """Return the lowest worth whose size term, ceil(slope * worth / WAD), is at least `number` units of rate."""
    return (number - 1) * WAD // slope + 1 if number else 0


def _last(holds: Callable[[int], bool], low: int, high: int) -> int:
    """Return the last number from `low` (where it holds) to `high` for which `holds`, which never holds again."""
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low
