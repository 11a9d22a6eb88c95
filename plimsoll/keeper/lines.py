"""Which accounts cross their line when prices, interest and margins move: an index by distance to the line.

An account's equity less requirement is a sum over its balances, h = Σ f(amount, x), one variable x per asset and side:
the price of what is held; for a debt, kept in debt shares, price times debt per share. So a price move, interest and a
change of what the pool's shares owe are all moves of variables. Margins move f itself, slowly (ramps).

**Anchor.** Now and then all accounts are valued at once at the variables of that moment. For an account with h > 0 and
each of its balances i the distance D_i is the relative adverse move of x_i alone (held: a fall, owed: a rise) that uses
up h. Distances are kept sorted per variable.

**Which can have crossed.** Let δ_i be the adverse moves since the anchor, and L_i(δ) what the move takes off h. L_i is
convex up to D_i (the requirement grows with the square of the worth), so L_i(δ_i) <= h δ_i / D_i. If the account has
crossed, Σ δ_i / D_i >= 1, so for any weights λ_i with Σ λ_i <= 1 some D_i <= δ_i / λ_i. The weights λ_i ~ √δ_i make the
ranges that have to be looked at smallest in sum; when one variable moves, its range is exactly the accounts it crosses.
Two corrections keep this sound:

* where the way to the line leads over the cap, L_i is not convex there. A debt then counts as if its size term went on,
  which takes off more; a held balance as if all of its fall took off as much as the last of it: both shorten D_i;
* a rise of the margin rate by Δm takes at most worth * (1 + |δ|) * Δm off h: it counts as a move of
  (1 + |δ|) * Δm / (smallest slope of f) more, Δm being the largest over all worths.

**Which have.** What is found, whatever was put since the anchor, whatever was near the line then, and all that is below
it now, is valued in floating point with a bound of the error (1e-12 of the gross worth, and a raw unit of each debt for
its rounding); only where the sign is within the bound, in exact integers. The result is the exact set.

The anchor only decides how few accounts are looked at: with an old one more are, at worst all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from plimsoll.keeper.state import AccountState
from plimsoll.keeper.valuation import Line, Market

WAD = 10**18

T = TypeVar("T", bound=np.generic)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

RELATIVE_ERROR = 1e-12
"""Of the gross worth: some thousand times what 64-bit floats and the contracts' rounding can differ by."""
ABSOLUTE_ERROR = 100.0
"""WAD dollars: roundings of at most twelve balances and of their requirements."""

Axis = tuple[int, bool]
"""A variable: asset key, and whether the balance is owed."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """What a move did: accounts that are below their line now and were not, and the other way round.

    `examined` accounts were valued, `exact` of them in integers; `swept` when all were.
    """

    crossed: list[int] = field(default_factory=list)
    recovered: list[int] = field(default_factory=list)
    examined: int = 0
    exact: int = 0
    swept: bool = False


class _Variables(NamedTuple):
    """One value per variable."""

    x: Floats
    unit: Floats
    """WAD dollars of one raw unit of a debt; 0 of what is held."""
    sign: Floats
    base: Floats
    cap: Floats
    slope: Floats

    def at(self, axes: Ints) -> _Variables:
        return _Variables(*(part[axes] for part in self))


class _Anchor(NamedTuple):
    variables: _Variables
    rows: int
    near: Ints
    distances: list[Floats]
    """Per variable, sorted."""
    owners: list[Ints]
    """The rows they belong to."""


class LineIndex:
    """The accounts with debt, and which of them are below their line."""

    def __init__(self) -> None:
        self._axes: dict[Axis, int] = {}
        self._row_of: dict[int, int] = {}
        self._accounts: list[int] = []
        self._start: Ints = np.zeros(0, np.int64)
        self._count: Ints = np.zeros(0, np.int64)
        self._alive: Flags = np.zeros(0, np.bool_)
        self._below: Flags = np.zeros(0, np.bool_)
        self._amount: Floats = np.zeros(0, np.float64)
        self._axis: Ints = np.zeros(0, np.int64)
        self._entries = 0
        self._anchor: _Anchor | None = None
        self._wasted = 0

    def __len__(self) -> int:
        return len(self._row_of)

    def __contains__(self, account: int) -> bool:
        return account in self._row_of

    def put(self, account: int, row: AccountState) -> None:
        """Note an account's balances; one without debt is forgotten."""
        old = self._row_of.pop(account, None)
        if old is not None:
            self._alive[old] = False
        if not row.owed:
            return
        number, size = len(self._accounts), len(row.held) + len(row.owed)
        self._reserve(number + 1, self._entries + size)
        self._row_of[account] = number
        self._accounts.append(account)
        self._start[number], self._count[number] = self._entries, size
        self._alive[number] = True
        self._below[number] = old is not None and self._below[old]
        for is_debt, amounts in ((False, row.held), (True, row.owed)):
            for key, amount in amounts.items():
                self._amount[self._entries] = amount
                self._axis[self._entries] = self._axes.setdefault((key, is_debt), len(self._axes))
                self._entries += 1

    def below(self) -> list[int]:
        """Return the accounts that were below their line at the last move."""
        return [self._accounts[row] for row in np.flatnonzero(self._below & self._alive)]

    def is_below(self, account: int) -> bool:
        """Return whether an account was below its line at the last move."""
        row = self._row_of.get(account)
        return row is not None and bool(self._below[row])

    def move(self, market: Market, is_below: Callable[[int], bool]) -> Crossing:
        """Go to a market and return who crossed the line. `is_below` decides an account in exact integers."""
        rows, below, exact, swept = self._decide(market, is_below)
        was = self._below[rows]
        self._below[rows] = below
        self._wasted += int(np.count_nonzero(~below & ~was))
        return Crossing(
            crossed=[self._accounts[row] for row in rows[below & ~was]],
            recovered=[self._accounts[row] for row in rows[was & ~below]],
            examined=len(rows),
            exact=exact,
            swept=swept,
        )

    def would_be_below(self, market: Market, is_below: Callable[[int], bool]) -> set[int]:
        """Return every account that would be below its line in a market; nothing is remembered of it."""
        rows, below, _, _ = self._decide(market, is_below)
        return {self._accounts[row] for row in rows[below]}

    @property
    def is_stale(self) -> bool:
        """Whether a new anchor would pay: many accounts are looked at in vain, or were put since."""
        known = 0 if self._anchor is None else self._anchor.rows
        return self._wasted + len(self._accounts) - known > 500 + len(self._row_of) // 20

    def anchor(self, market: Market) -> None:
        """Take a market as the anchor. Costs the valuation and sorting of all accounts; never changes a result."""
        self._compact()
        variables = self._variables(market)
        rows = np.arange(len(self._accounts))
        value, error = self._value(rows, variables)
        slack = value - 3 * error
        axis = self._axis[: self._entries]
        owner = np.repeat(rows, self._count[: len(rows)])
        distance = _distances(self._amount[: self._entries], slack[owner], variables.at(axis))
        distances: list[Floats] = []
        owners: list[Ints] = []
        far = slack[owner] > 0
        for number in range(len(self._axes)):
            mine = np.flatnonzero((axis == number) & far)
            order = mine[np.argsort(distance[mine], kind="stable")]
            distances.append(distance[order])
            owners.append(owner[order])
        self._anchor = _Anchor(variables, len(rows), np.flatnonzero(slack <= 0), distances, owners)
        self._wasted = 0

    # Deciding

    def _decide(self, market: Market, is_below: Callable[[int], bool]) -> tuple[Ints, Flags, int, bool]:
        """Return the rows that were valued, whether each is below the line, how many in integers, whether all were."""
        variables = self._variables(market)
        rows, swept = self._candidates(variables)
        value, error = self._value(rows, variables)
        below = value < 0
        unsure = np.flatnonzero(np.abs(value) <= error)
        for place in unsure:
            below[place] = is_below(self._accounts[rows[place]])
        return rows, below, len(unsure), swept

    def _candidates(self, variables: _Variables) -> tuple[Ints, bool]:
        """Return the rows that may be below the line: soundly, see the module's docstring."""
        size = len(self._accounts)
        wanted = self._alive[:size].copy()
        if self._anchor is None:
            return np.flatnonzero(wanted), True
        anchor = self._anchor
        known = len(anchor.distances)
        moves = _adverse_moves(anchor.variables, _Variables(*(part[:known] for part in variables)))
        if not np.all(moves <= 1):
            return np.flatnonzero(wanted), True
        roots = np.sqrt(moves)
        limits = roots * roots.sum() * (1 + 1e-9) + 1e-15
        found = np.zeros(size, np.bool_)
        for distances, owners, move, limit in zip(anchor.distances, anchor.owners, moves, limits, strict=True):
            if move > 0:
                found[owners[: np.searchsorted(distances, limit, side="right")]] = True
        found[anchor.near] = True
        found[anchor.rows :] = True
        found |= self._below[:size]
        found &= wanted
        return np.flatnonzero(found), False

    def _value(self, rows: Ints, variables: _Variables) -> tuple[Floats, Floats]:
        """Return equity less requirement of rows, and a bound of the error."""
        if not len(rows):
            return np.zeros(0), np.zeros(0)
        count = self._count[rows]
        offset = np.cumsum(count) - count
        entries = np.repeat(self._start[rows] - offset, count) + np.arange(int(count.sum()))
        here = variables.at(self._axis[entries])
        worth = self._amount[entries] * here.x
        required = worth * np.minimum(here.cap, here.base + here.slope * worth)
        value = np.add.reduceat(here.sign * worth - required, offset)
        gross = np.add.reduceat(worth + required, offset)
        units = np.add.reduceat(here.unit, offset)
        return value, RELATIVE_ERROR * gross + 2 * units + ABSOLUTE_ERROR

    def _variables(self, market: Market) -> _Variables:
        columns = [_variable(market.line(key), is_debt) for key, is_debt in self._axes]
        table = np.array(columns, np.float64).reshape(len(columns), 6)
        return _Variables(*(np.ascontiguousarray(table[:, i]) for i in range(6)))

    # Memory

    def _reserve(self, rows: int, entries: int) -> None:
        if rows > len(self._start):
            size = max(2 * rows, 1_024)
            self._start, self._count = _grown(self._start, size), _grown(self._count, size)
            self._alive, self._below = _grown(self._alive, size), _grown(self._below, size)
        if entries > len(self._amount):
            size = max(2 * entries, 4_096)
            self._amount, self._axis = _grown(self._amount, size), _grown(self._axis, size)

    def _compact(self) -> None:
        """Drop the rows that were replaced."""
        rows = np.flatnonzero(self._alive[: len(self._accounts)])
        if len(rows) == len(self._accounts):
            return
        count = self._count[rows]
        offset = np.cumsum(count) - count
        entries = np.repeat(self._start[rows] - offset, count) + np.arange(int(count.sum()))
        self._accounts = [self._accounts[row] for row in rows]
        self._row_of = {account: number for number, account in enumerate(self._accounts)}
        self._amount, self._axis = self._amount[entries], self._axis[entries]
        self._start, self._count, self._below = offset, count, self._below[rows]
        self._alive = np.ones(len(rows), np.bool_)
        self._entries = len(entries)


def _variable(line: Line, is_debt: bool) -> tuple[float, ...]:
    """Return a variable: x, unit, sign, base, cap, slope; x in WAD dollars per raw unit or debt share."""
    margin = line.margin
    rates = (margin.base / WAD, margin.cap / WAD, margin.size_slope / WAD**2)
    if not is_debt:
        return (line.judged_price / WAD, 0.0, 1.0, *rates)
    per_share = line.debt / line.debt_shares if line.debt_shares else 0.0
    return (line.owed_price / WAD * per_share, line.owed_price / WAD, -1.0, *rates)


def _adverse_moves(before: _Variables, now: _Variables) -> Floats:
    """Return per variable how far it moved against the accounts, relative to the anchor; inf from zero."""
    rise = _largest_rise(before, now)
    steepest_rate = np.maximum(before.cap, 2 * before.cap - before.base)
    gentlest = np.where(before.sign > 0, 1 - steepest_rate, 1 + before.base)
    with np.errstate(divide="ignore", invalid="ignore"):
        move = np.where(before.x == now.x, 0.0, (before.x - now.x) * before.sign / before.x)
        drift = np.where(rise > 0, (1 + np.abs(move)) * rise / gentlest, 0.0)
        adverse: Floats = np.maximum(move, 0.0) + drift
    return adverse


def _largest_rise(before: _Variables, now: _Variables) -> Floats:
    """Return per variable the largest rise of the margin rate over all worths: it is at an end or a kink."""
    kinks = [np.zeros(len(before.x)), _kink(before), _kink(now)]
    rises = [_rate(now, worth) - _rate(before, worth) for worth in kinks]
    largest: Floats = np.maximum(np.max(np.array([*rises, now.cap - before.cap]), axis=0), 0.0)
    return largest


def _rate(variables: _Variables, worth: Floats) -> Floats:
    return np.minimum(variables.cap, variables.base + variables.slope * worth)


def _kink(variables: _Variables) -> Floats:
    """Return the worth at which the rate reaches its cap."""
    room = variables.cap - variables.base
    kink: Floats = np.where(variables.slope > 0, room / np.where(variables.slope > 0, variables.slope, 1.0), 0.0)
    return kink


def _distances(amount: Floats, slack: Floats, at: _Variables) -> Floats:
    """Return for each balance the relative adverse move that uses up the slack of its account; see the docstring.

    Uncapped, worth less requirement of what is held is w (1 - b) - k w², of a debt w (1 + b) + k w²; capped, both are
    straight.
    """
    worth = amount * at.x
    base, cap, slope = at.base, at.cap, at.slope
    rate = _rate(at, worth)
    kink = np.where(slope > 0, _kink(at), np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        net = worth * (1 - rate)
        left = net - slack
        root = np.sqrt(np.maximum((1 - base) ** 2 - 4 * slope * left, 0.0))
        curved = 1 - 2 * left / (1 - base + root) / worth
        straight = 1 - left / (1 - cap) / worth
        steepest = slack / (worth * (1 - base))
        whole = np.where(worth <= kink, slack / net, steepest)
        capped = np.where(left / (1 - cap) >= kink, straight, steepest)
        held = np.where(left <= 0, whole, np.where(worth <= kink, curved, capped))

        more = worth * (1 + rate) + slack
        at_line = 2 * more / (1 + base + np.sqrt((1 + base) ** 2 + 4 * slope * more))
        owed = np.where(worth <= kink, at_line, more / (1 + cap)) / worth - 1
        distance: Floats = np.where(worth > 0, np.maximum(np.where(at.sign > 0, held, owed), 0.0), np.inf)
    return distance


def _grown(array: NDArray[T], size: int) -> NDArray[T]:
    grown: NDArray[T] = np.zeros(size, array.dtype)
    grown[: len(array)] = array
    return grown
