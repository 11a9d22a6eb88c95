"""What a deployment loses under shocks, computed in the model for every account.

A shock says two things of every asset: what the oracle says (`seen`), by which accounts are judged and liquidated, and
what it is worth (`worth`), by which losses are counted. When the market falls they move together; when a source is
captured only the first does.

Every account that is below its line is then brought back by the auction's own terms (`model.liquidation_auction`): a
taker comes at the first second at which the bonus pays `cost` per unit of debt, takes all he may, and goes on until the
account is above its line, empty, or not worth taking. Prices stand still meanwhile, and so does interest. What cannot
be paid is written off: the reserve's shares of each pool bear it first, its lenders the rest. An account that nobody
judges (`keeper.valuation`) is not liquidated; what has no price is worth nothing in its losses too.

Not counted: what takers lose by selling, beyond `cost`; that a loss of one pool's lenders lowers shares of it held as
collateral; the parts of the bonus that the reserve earns.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from plimsoll.keeper.state import AccountState
from plimsoll.keeper.valuation import Market
from plimsoll.model import auction_terms, exposure, liquidation_auction, price_oracle
from plimsoll.model.liquidation_auction import Auction, Terms, Values
from plimsoll.model.price_oracle import PRICE_LIMIT, Price
from plimsoll.model.price_source import Reading
from plimsoll.risk.world import World

WAD = 10**18
COST = 5 * 10**15
"""What a taker wants per unit of debt, WAD: half a percent for swaps, gas and his trouble."""
MOVES = (-10, -20, -30, -40, -50, 25, 50)
"""Percent by which everything that is no dollar moves."""
CURVE = range(-60, 65, 5)
"""Percent of the market's moves for which the debt below the line is drawn."""
DEPEG = 90
"""Percent of its price that a dollar token keeps when it loses its peg."""
CAPTURED = (130, 70)
"""Percent of the honest price that a captured source says."""
STABLE = (9 * 10**17, 11 * 10**17)
"""Dollars (WAD) per whole token between which an asset is taken for a dollar, unless somebody says which are."""
MOST_TAKES = 64
NOBODY = ""

Prices = Mapping[int, Price]
Worths = Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Shock:
    """See the module's docstring. `group` tells kinds apart: "now", "market", "depeg", "captured"."""

    name: str
    group: str
    seen: Prices
    worth: Worths
    note: str = ""


@dataclass(frozen=True, slots=True)
class Liquidated:
    """An account after its liquidation: what is left, debt in raw units given up by key, true WAD dollars handed over
    and assumed, seconds it took, takes; `stuck` where nobody takes what is left."""

    row: AccountState
    given_up: Mapping[int, int]
    handed: int
    assumed: int
    seconds: int
    takes: int
    stuck: bool


@dataclass(frozen=True, slots=True)
class Loss:
    """What a pool cannot get back, raw units, and how much of it the reserve's shares bear."""

    bad: int
    reserve: int

    @property
    def lenders(self) -> int:
        """What is left for the lenders."""
        return self.bad - self.reserve


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a shock does. Values are true WAD dollars but for `debt`, which is what the oracle says.

    `equity` is what the owners of accounts with debt have before, `lost` what those of them lose who lose, by prices
    and by liquidation; `paid` what takers, starters and the reserve get above the debt they assume; `debt` what the
    accounts that become liquidatable owe, `insolvent` how many of them owe more than they hold, `stuck` how many nobody
    takes; `unjudged` how many nobody judges, for want of a price; `slowest` seconds until the last take.
    """

    shock: Shock
    equity: int
    lost: int
    liquidatable: tuple[int, ...]
    insolvent: int
    stuck: int
    unjudged: int
    debt: int
    assumed: int
    paid: int
    slowest: int
    pools: Mapping[int, Loss] = field(default_factory=dict)

    def bad_debt(self) -> int:
        """Return what debtors leave unpaid."""
        return self._worth({key: loss.bad for key, loss in self.pools.items()})

    def reserve(self) -> int:
        """Return what of it the reserve bears."""
        return self._worth({key: loss.reserve for key, loss in self.pools.items()})

    def lenders(self) -> int:
        """Return what of it lenders bear."""
        return self.bad_debt() - self.reserve()

    def _worth(self, amounts: Mapping[int, int]) -> int:
        return sum(exposure.owed_worth(amount, self.shock.worth[key]) for key, amount in amounts.items())


# Shocks


def standard(world: World, stable: Collection[str] | None = None) -> list[Shock]:
    """Return the standard shocks: as it is, the market's moves, each dollar token's depeg, each source captured.

    `stable` are the symbols of dollar tokens; those worth about a dollar unless given. Shares of a vault follow what is
    in it.
    """
    dollars = stable_keys(world, stable)
    found = [Shock("as it is", "now", world.prices(), _worths(world.prices()))]
    for percent in MOVES:
        factors = {key: 100 if key in dollars else 100 + percent for key in world.assets}
        found.append(moved(world, f"market {percent:+d} %", "market", factors))
    for key in sorted(dollars):
        if not world.assets[key].is_vault:
            factors = {other: DEPEG if other == key else 100 for other in world.assets}
            found.append(moved(world, f"{world.assets[key].symbol} depegs to {DEPEG} %", "depeg", factors))
    for key, asset in sorted(world.assets.items()):
        for index, source in enumerate(asset.sources):
            if source.reading is not None and not asset.is_vault:
                found += [captured(world, key, index, percent) for percent in CAPTURED]
    return found


def stable_keys(world: World, stable: Collection[str] | None = None) -> set[int]:
    """Return the assets that are taken for dollars."""
    low, high = STABLE
    return {
        key
        for key, asset in world.assets.items()
        if (
            asset.symbol in stable if stable is not None else low <= asset.price.mid * 10**asset.decimals // WAD <= high
        )
    }


def moved(world: World, name: str, group: str, percents: Mapping[int, int]) -> Shock:
    """Return the shock in which every asset is worth `percents` of what it was, and the oracle says so."""
    seen: dict[int, Price] = {}
    for key, asset in world.assets.items():
        percent = percents[_root(world, key)]
        bid, mid, ask = (_scaled(number, percent) for number in asset.price[:3])
        seen[key] = Price(bid, mid, ask, asset.price.status)
    return Shock(name, group, seen, _worths(seen))


def captured(world: World, key: int, index: int, percent: int) -> Shock:
    """Return the shock in which one source says `percent` of the truth, and so does whatever multiplies it."""
    asset = world.assets[key]
    lying = {asset.sources[index].address}
    while True:
        derived = {s.address for a in world.assets.values() for s in a.sources if s.parent in lying}
        if derived <= lying:
            break
        lying |= derived
    seen: dict[int, Price] = {}
    for other, facts in world.assets.items():
        readings = [_bent(s.reading, percent) if s.address in lying else s.reading for s in facts.sources]
        seen[other] = facts.price
        if any(s.address in lying for s in facts.sources):
            seen[other] = price_oracle.price(readings, facts.parameters, world.now, facts.silence)
    source = asset.sources[index]
    name = f"{asset.symbol} {source.kind} says {percent} %"
    return Shock(name, "captured", seen, _worths(world.prices()), _statuses(world, seen))


def _root(world: World, key: int) -> int:
    """Return the asset whose price an asset's follows: itself, or what is in the vault."""
    asset = world.assets[key]
    if not asset.is_vault:
        return key
    owners = {source.address: other for other, facts in world.assets.items() for source in facts.sources}
    parent = owners.get(asset.sources[0].parent or "", key)
    return key if parent == key else _root(world, parent)


def _statuses(world: World, seen: Prices) -> str:
    names = ("OK", "WIDE", "STALE", "DEAD")
    changed = [
        f"{asset.symbol} {names[seen[key].status]}"
        for key, asset in sorted(world.assets.items())
        if seen[key] != asset.price
    ]
    return ", ".join(changed)


def _worths(prices: Prices) -> dict[int, int]:
    return {key: price.mid for key, price in prices.items()}


def _scaled(number: int, percent: int) -> int:
    return min(max(number * percent // 100, 1), PRICE_LIMIT - 1) if number else 0


def _bent(reading: Reading | None, percent: int) -> Reading | None:
    if reading is None:
        return None
    return reading._replace(price=_scaled(reading.price, percent), clamped=_scaled(reading.clamped, percent))


# What they do


def compute(world: World, shock: Shock, cost: int = COST) -> Outcome:
    """Return what a shock does to every account with debt."""
    market = world.market(shock.seen)
    honest = _worths(world.prices())
    equity = lost = debt = assumed = paid = insolvent = stuck = unjudged = slowest = 0
    liquidatable: list[int] = []
    bad: dict[int, int] = {}
    for account, row in world.debtors().items():
        before = max(worth_of(world, row, honest), 0)
        after = worth_of(world, row, shock.worth)
        value = market.value(row)
        unjudged += not market.is_judged(row)
        if value.liquidatable:
            liquidatable.append(account)
            insolvent += value.equity < 0
            debt += value.debt
            done = liquidate(world, market, row, shock.worth, cost)
            assumed += done.assumed
            paid += done.handed - done.assumed
            slowest = max(slowest, done.seconds)
            stuck += done.stuck
            after = worth_of(world, done.row, shock.worth)
            for key, amount in {**done.given_up, **_short(world, done.row, shock.worth, after)}.items():
                bad[key] = bad.get(key, 0) + amount
        elif after < 0:
            for key, amount in _short(world, row, shock.worth, after).items():
                bad[key] = bad.get(key, 0) + amount
        equity += before
        lost += max(before - max(after, 0), 0)
    pools = {key: Loss(amount, min(amount, world.assets[key].pool.fund)) for key, amount in sorted(bad.items())}
    below = tuple(liquidatable)
    return Outcome(shock, equity, lost, below, insolvent, stuck, unjudged, debt, assumed, paid, slowest, pools)


def compute_all(
    world: World,
    shocks: Sequence[Shock],
    cost: int = COST,
    progress: Callable[[int, int, str], None] = lambda number, total, title: None,
) -> list[Outcome]:
    """Return the outcomes of several shocks, telling `progress` of each before it is computed."""
    found = []
    for number, shock in enumerate(shocks):
        progress(number, len(shocks), shock.name)
        found.append(compute(world, shock, cost))
    progress(len(shocks), len(shocks), "")
    return found


def curve(world: World, stable: Collection[str] | None = None) -> list[tuple[int, int]]:
    """Return what accounts that would be below their line owe, WAD dollars, for moves of the market in percent."""
    dollars, debtors = stable_keys(world, stable), world.debtors().values()
    found = []
    for percent in CURVE:
        factors = {key: 100 if key in dollars else 100 + percent for key in world.assets}
        market = world.market(moved(world, "", "market", factors).seen)
        values = [market.value(row) for row in debtors]
        found.append((percent, sum(value.debt for value in values if value.liquidatable)))
    return found


def worth_of(world: World, row: AccountState, worth: Worths) -> int:
    """Return what an account holds less what it owes at these prices."""
    held = sum(exposure.worth(amount, worth[key]) for key, amount in row.held.items())
    return held - sum(exposure.owed_worth(world.owed(row, key), worth[key]) for key in row.owed)


def liquidate(world: World, market: Market, row: AccountState, worth: Worths, cost: int = COST) -> Liquidated:
    """Bring an account that is below its line back by takes; ValueError "auction: healthy" if it is not below it."""
    auction = liquidation_auction.start(market.sides(row), NOBODY, world.auction, 0)
    given_up: dict[int, int] = {}
    handed = assumed = seconds = takes = 0
    while takes < MOST_TAKES and market.value(row).liquidatable:
        values = market.sides(row)
        moment = first_second(auction, values, seconds, cost) if values.positive else None
        if moment is None:
            return Liquidated(row, given_up, handed, assumed, seconds, takes, True)
        terms = liquidation_auction.take(auction, values, moment, WAD, -WAD, world.min_debt, world.initial_ratio)
        left = _after(market, row, terms)
        handed += sum(exposure.worth(amount - left.held.get(key, 0), worth[key]) for key, amount in row.held.items())
        assumed += sum(
            exposure.owed_worth(world.owed(row, key) - world.owed(left, key), worth[key]) for key in row.owed
        )
        row, seconds, takes = left, moment, takes + 1
        if terms.written_off:
            given_up = {key: world.owed(row, key) for key in row.owed}
            row = AccountState(row.held)
    return Liquidated(row, given_up, handed, assumed, seconds, takes, market.value(row).liquidatable)


def first_second(auction: Auction, values: Values, since: int, cost: int) -> int | None:
    """Return the first second from `since` on at which the bonus is at least `cost`; None if it never is."""
    last = max(auction.parameters.tau, since)

    def pays(second: int) -> bool:
        return liquidation_auction.bonus(auction, values, second) >= cost

    if not pays(last):
        return None
    low, high = since, last
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if pays(middle) else (middle + 1, high)
    return low


def _after(market: Market, row: AccountState, terms: Terms) -> AccountState:
    """Return an account after a take: LendingPool.move_debt and the engine's ledger, for the one who loses."""
    held, owed = dict(row.held), dict(row.owed)
    for index, position in enumerate(market.positions(row)):
        if terms.excluded >> index & 1:
            continue
        if position.is_debt:
            owed[position.key] -= -(-owed[position.key] * terms.fraction // WAD)
        else:
            held[position.key] -= held[position.key] * terms.share // WAD
    return AccountState(
        {key: amount for key, amount in held.items() if amount},
        {key: shares for key, shares in owed.items() if shares},
    )


def _short(world: World, row: AccountState, worth: Worths, equity: int) -> dict[int, int]:
    """Return what of each debt an account that is worth less than nothing will not pay: all debts alike."""
    if equity >= 0 or not row.owed:
        return {}
    debt = sum(exposure.owed_worth(world.owed(row, key), worth[key]) for key in row.owed)
    part = liquidation_auction.shortfall(equity, debt)
    return {key: auction_terms.scaled(world.owed(row, key), part) for key in row.owed}
