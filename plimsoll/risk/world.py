"""Everything that a deployment's risk depends on, at one moment: plain numbers, whatever chain they come from.

Amounts are raw units, prices dollars (WAD) per raw unit scaled by 1e18, values WAD dollars, rates WAD, times unix
seconds. Formulas are the model's, so what is computed from a `World` equals what the contracts say, to the unit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from plimsoll.keeper.state import AccountState
from plimsoll.keeper.valuation import Grants, Market, line_of
from plimsoll.model import exposure, margin_rate, price_oracle, risk_engine, share_math
from plimsoll.model.cure import NOT_KNOWN, LastGood
from plimsoll.model.liquidation_auction import Parameters as AuctionParameters
from plimsoll.model.margin_rate import Dynamics, Margin
from plimsoll.model.price_oracle import Clock, Price, Silence
from plimsoll.model.price_source import Reading
from plimsoll.units import WAD_DECIMALS, from_raw

WAD = 10**18
UNKNOWN_KIND = "source"
VAULT = "VaultShareOracle"


@dataclass(frozen=True, slots=True)
class Source:
    """One price source of an asset: its artifact where that is known, the source it multiplies, and what it says.

    `reading` is None where it reverts; `grade` is what the oracle counts it for.
    """

    address: str
    kind: str
    parent: str | None
    reading: Reading | None
    grade: int


@dataclass(frozen=True, slots=True)
class Volatility:
    """What the VolatilityOracle says: a year's volatilities; times of the last sample, the next, and its deadline."""

    fast: int
    slow: int
    sigma: int
    sampled: int
    next_sample: int
    due: int


@dataclass(frozen=True, slots=True)
class Depth:
    """What moves an asset's market by the source's reach, WAD dollars; None where there is no answer. `reason` says
    why, or how it was found."""

    source: str
    reach: int
    dollars: int | None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pool:
    """A lending pool with interest up to now; `fund` is what the reserve's shares and its unminted fee are worth."""

    address: str
    assets: int
    cash: int
    debt: int
    debt_shares: int
    provisions: int
    fund: int
    supply_cap: int
    borrow_cap: int
    borrow_rate: int


@dataclass(frozen=True, slots=True)
class Collateral:
    """What accounts hold of an asset, what the vault holds of it, and above how much of that nobody takes new risk with
    it; None for no cap. `gate` is who is asked before anybody does, None for nobody."""

    held: int
    vault: int
    cap: int | None
    gate: str | None


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """An asset of the engine."""

    key: int
    symbol: str
    token: str
    decimals: int
    price: Price
    parameters: price_oracle.Parameters
    sources: tuple[Source, ...]
    margin: Margin
    dynamics: Dynamics
    pool: Pool
    clock: Clock = price_oracle.NO_CLOCK
    silence: Silence = price_oracle.NO_SILENCE
    settled: bool = False
    """Not OK for so long that liquidation counts it at mid."""
    volatility: Volatility | None = None
    depth: Depth | None = None
    vault: int = 0
    """What the engine's vault holds of the token, gifts included."""
    cap: int | None = None
    """Above which holdings of the vault nobody takes new risk with it."""
    gate: str | None = None
    """Who is asked before anybody takes risk with it."""
    last_good: LastGood = NOT_KNOWN
    """The mid of its last sample, which was OK."""

    @property
    def isolated(self) -> bool:
        """Whether it is of the isolated tier."""
        return self.key >= risk_engine.ISOLATED

    @property
    def is_vault(self) -> bool:
        """Whether its price is that of another asset times what a share pays."""
        return bool(self.sources) and all(source.kind == VAULT for source in self.sources)

    def dollars(self, price: int) -> Decimal:
        """Return a price as dollars per whole token."""
        return from_raw(price, 2 * WAD_DECIMALS - self.decimals)

    def value(self, amount: int) -> int:
        """Return what raw units are worth at mid, rounded down."""
        return exposure.worth(amount, self.price.mid)


@dataclass(frozen=True, slots=True)
class Outage:
    """The L2's sequencer is down since a time, or has come back then and the cure window is open.

    `ends` is when liquidation is as always again, at the earliest: of one that is down, if it came back now.
    """

    is_down: bool
    since: int
    ends: int


@dataclass(frozen=True, slots=True)
class World:
    """A deployment at `now`. `backing` are the pairs (isolated key, debt key) that count for new risk."""

    chain: str
    chain_id: int
    block: int
    now: int
    initial_ratio: int
    notice: int
    wide_delay: int
    min_debt: int
    paused: bool
    auction: AuctionParameters
    assets: Mapping[int, AssetFacts]
    accounts: Mapping[int, AccountState]
    backing: frozenset[tuple[int, int]] = frozenset()
    outage: Outage | None = None

    def prices(self) -> dict[int, Price]:
        """Return what the oracle says of every asset."""
        return {key: asset.price for key, asset in self.assets.items()}

    def debtors(self) -> dict[int, AccountState]:
        """Return the accounts that owe anything, in order."""
        return {account: row for account, row in sorted(self.accounts.items()) if row.owed}

    def collateral(self, key: int) -> Collateral:
        """Return what is held of an asset, and the engine's restrictions of it."""
        held, asset = sum(row.held.get(key, 0) for row in self.accounts.values()), self.assets[key]
        return Collateral(held, asset.vault, asset.cap, asset.gate)

    def market(self, prices: Mapping[int, Price] | None = None) -> Market:
        """Return the market by which liquidation values accounts, at these prices or at the oracle's.

        An asset that is not OK now and has been for its delay counts at mid at other prices too.
        """
        said = self.prices() if prices is None else prices
        last_good = {key: asset.last_good for key, asset in self.assets.items()}
        grants = Grants(self.outage is not None, last_good, self.wide_delay)
        lines = {}
        for key, asset in self.assets.items():
            price, pool = said.get(key, price_oracle.NO_PRICE), asset.pool
            settled = asset.settled and price.status == asset.price.status
            lines[key] = line_of(key, price, settled, asset.margin, pool.debt, pool.debt_shares, self.now, grants)
        return Market(lines, self.now, grants.curing)

    def after_outage(self) -> World:
        """Return the world as it would be if no cure window were open."""
        return replace(self, outage=None)

    def exposures(self, row: AccountState) -> list[int]:
        """Return what engine.exposures says of an account."""
        found = [exposure.pack(key, False, row.held[key]) for key in sorted(row.held)]
        return found + [exposure.pack(key, True, self.owed(row, key)) for key in sorted(row.owed)]

    def owed(self, row: AccountState, key: int) -> int:
        """Return what an account owes of an asset, raw units, rounded up."""
        pool = self.assets[key].pool
        return share_math.debt_up(row.owed.get(key, 0), pool.debt, pool.debt_shares)

    def health(self, row: AccountState, margins: Mapping[int, Margin] | None = None) -> risk_engine.Health:
        """Return what RiskEngine.assess says of an account, under other margins if given."""
        found = {key: asset.margin for key, asset in self.assets.items()}
        return risk_engine.assess(
            self.exposures(row),
            [],
            self.prices(),
            {**found, **(margins or {})},
            self.initial_ratio,
            self.now,
            self.backing,
            {key: asset.dynamics for key, asset in self.assets.items()},
        )

    def with_asset(self, asset: AssetFacts) -> World:
        """Return the world with one asset in place of what it was."""
        return replace(self, assets={**self.assets, asset.key: asset})


def arrival(margin: Margin, now: int) -> int | None:
    """Return when a ramp arrives: `now` where it has, None where it never does."""
    target = margin.target[:3]
    low, high = now, margin.since + margin_rate.MAX_ELAPSED
    if not margin.moving or margin_rate.in_force(margin, low) == target:
        return now
    if margin_rate.in_force(margin, high) != target:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if margin_rate.in_force(margin, middle) == target:
            high = middle
        else:
            low = middle
    return high


def arrived(margin: Margin) -> Margin:
    """Return a margin as it stands when its ramp is over."""
    target = margin.target
    return Margin(target.floor, target.cap, target.size_slope, margin.since, False, target)


def initial_rate(asset: AssetFacts, initial_ratio: int, now: int) -> int:
    """Return the initial rate of a small balance, WAD: with what is added where a sample is overdue."""
    base, cap, _ = margin_rate.in_force(asset.margin, now)
    late = min(max(now - asset.dynamics.due, 0), margin_rate.MAX_LATE)
    raised = min(cap, -(-base * (margin_rate.MAX_LATE + late) // margin_rate.MAX_LATE))
    return margin_rate.initial(raised, initial_ratio)
