"""What a file says, as exact integers: a class a table."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.units import WAD

DEPLOYER = "deployer"
"""In place of an address: whoever deploys."""
TIMELOCK = "timelock"
"""In place of the owner's address: a timelock that is deployed with the rest, driven by `admin`."""


@dataclass(frozen=True, slots=True)
class ProtocolConfig:
    """Who rules, and what holds for all assets. `initial_ratio` and `min_debt` are WAD; `notice`, `wide_delay`,
    `cure_window` and `cooldown` (of the reserve fund) seconds. `sequencer` is the zero address where there is none.

    `chain_id` is the only chain this is meant for; None for any. Where `owner` is a timelock, `admin` schedules what it
    does after `timelock_delay` seconds.
    """

    chain_id: int | None
    owner: str
    admin: str
    timelock_delay: int
    guardian: str
    initial_ratio: int
    notice: int
    wide_delay: int
    sequencer: str
    cure_window: int
    min_debt: int
    cooldown: int


@dataclass(frozen=True, slots=True)
class AuctionConfig:
    """`ILiquidationAuction.Parameters`: `tau` and `tail` seconds, the rest WAD."""

    tau: int
    tail: int
    kappa: int
    start_level: int
    target_share: int
    starter_share: int
    fund_share: int
    least_penalty: int
    most_penalty: int


@dataclass(frozen=True, slots=True)
class UniswapConfig:
    """The Uniswap v3 deployment whose pools are used."""

    factory: str


@dataclass(frozen=True, slots=True)
class RateConfig:
    """The pool's rate curve (`ILendingPool.RateParameters`, all WAD) and where the rate at target starts."""

    target: int
    steepness: int
    speed: int
    min_rate: int
    max_rate: int
    start: int

    def parameters(self) -> tuple[int, ...]:
        """Return `ILendingPool.RateParameters`."""
        return self.target, self.steepness, self.speed, self.min_rate, self.max_rate


@dataclass(frozen=True, slots=True)
class PoolConfig:
    """A lending pool: caps in raw units (whole tokens), fees as WAD fractions."""

    name: str
    symbol: str
    supply_cap: int
    borrow_cap: int
    reserve_factor: int
    flash_fee: int
    rates: RateConfig


@dataclass(frozen=True, slots=True)
class FeedConfig:
    """A feed in Chainlink's shape; `low` and `high` are WAD dollars per whole token, None as address asks a devnet."""

    aggregator: str | None
    low: int
    high: int
    max_age: int
    sequencer: str
    sequencer_grace: int


@dataclass(frozen=True, slots=True)
class TwapConfig:
    """A mean over a Uniswap v3 pool of the asset and `quote`, another asset here that has a feed of its own."""

    quote: str
    fee: int
    window: int
    max_age: int
    max_ticks_per_hour: int
    min_liquidity: int


@dataclass(frozen=True, slots=True)
class VaultConfig:
    """The asset is shares of an ERC-4626 vault of `asset`, another asset here, priced by its source number `source`.

    `sample` is whole shares, `anchor` WAD whole tokens of `asset` for a whole share, `yearly_cap` WAD.
    """

    asset: str
    source: int
    sample: int
    anchor: int
    yearly_cap: int


@dataclass(frozen=True, slots=True)
class DepthConfig:
    """A measured depth of the market of the asset's first mean: what it takes to move it by `reach` ticks."""

    reach: int


@dataclass(frozen=True, slots=True)
class DynamicsConfig:
    """How an asset's margin follows its volatility and the depth of its market.

    `deviations` of the price's move within `horizon` seconds are to be covered; `size_limit` is the size term above
    which a balance is refused initial margin, `impact` over the depth in dollars the slope aimed at: all WAD. The rest
    is `IVolatilityOracle.Parameters`, whose window is that of the asset's slowest source.
    """

    deviations: int
    horizon: int
    interval: int
    fast_half_life: int
    slow_half_life: int
    patience: int
    max_sigma: int
    start_sigma: int
    size_limit: int
    impact: int

    def volatility_parameters(self, window: int) -> tuple[int, ...]:
        """Return `IVolatilityOracle.Parameters` of an asset whose slowest source has this window."""
        half_lives = (self.fast_half_life, self.slow_half_life)
        return self.interval, window, *half_lives, self.patience, self.max_sigma, self.start_sigma


SourceConfig = FeedConfig | TwapConfig | VaultConfig


@dataclass(frozen=True, slots=True)
class PriceConfig:
    """`IRiskEngine.PriceParameters`; fractions are WAD."""

    min_sources: int
    max_deviation: int
    min_spread: int
    spread_growth: int
    max_spread: int

    def parameters(self) -> tuple[int, ...]:
        """Return them in the contract's order."""
        return self.min_sources, self.max_deviation, self.min_spread, self.spread_growth, self.max_spread


@dataclass(frozen=True, slots=True)
class MarginConfig:
    """`IRiskEngine.MarginParameters`, all WAD; `size_slope` per dollar, `ramp_up` per hour, `ramp_down` per day."""

    floor: int
    cap: int
    size_slope: int
    ramp_up: int
    ramp_down: int

    def parameters(self) -> tuple[int, ...]:
        """Return them in the contract's order."""
        return self.floor, self.cap, self.size_slope, self.ramp_up, self.ramp_down


@dataclass(frozen=True, slots=True)
class AssetConfig:
    """One asset. Without `token` a devnet deploys a token of this name.

    `shares_of` names another asset here, of whose pool here it is the shares; then it has no `token`. `collateral_cap`
    is in raw units, 0 for none; `gate` an IGate, None for none.
    """

    symbol: str
    name: str
    decimals: int
    token: str | None
    isolated: bool
    pool: PoolConfig
    sources: tuple[SourceConfig, ...]
    prices: PriceConfig
    margin: MarginConfig
    shares_of: str | None = None
    depth: DepthConfig | None = None
    dynamics: DynamicsConfig | None = None
    collateral_cap: int = 0
    gate: str | None = None

    @property
    def feed(self) -> FeedConfig | None:
        """The first of the asset's sources that is a feed."""
        return next((source for source in self.sources if isinstance(source, FeedConfig)), None)


@dataclass(frozen=True, slots=True)
class MarketConfig:
    """A Uniswap v3 pool. On a devnet it is made, with `depth` dollars (whole) of each side over the full range."""

    base: str
    quote: str
    fee: int
    depth: int


@dataclass(frozen=True, slots=True)
class IsolatedConfig:
    """What anybody lists long-tail assets with: `IIsolatedFactory.Terms`, all WAD, and the symbols of quote assets.
    `reserved` are tokens that only the owner lists.
    """

    quotes: tuple[str, ...]
    least_depth: int
    cap_value: int
    floor: int
    reserved: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """A whole file. `prices` are the devnet's first prices, WAD dollars per whole token."""

    protocol: ProtocolConfig
    auction: AuctionConfig
    uniswap: UniswapConfig | None
    assets: tuple[AssetConfig, ...]
    markets: tuple[MarketConfig, ...]
    prices: dict[str, int]
    isolated: IsolatedConfig | None = None

    def asset(self, symbol: str) -> AssetConfig:
        """Return the asset called `symbol`; KeyError if there is none."""
        return next(asset for asset in self.assets if asset.symbol == symbol)

    def market(self, base: str, quote: str, fee: int) -> MarketConfig | None:
        """Return the market of two assets at a fee, in either order."""
        for market in self.markets:
            if {market.base, market.quote} == {base, quote} and market.fee == fee:
                return market
        return None


def sample_of(source: VaultConfig, asset: AssetConfig) -> int:
    """Return the raw shares that a vault of these shares is asked about."""
    return source.sample * int(10**asset.decimals)


def most_of(source: VaultConfig, underlying: AssetConfig) -> int:
    """Return the raw units of the vault's asset at which the line of a vault's shares starts at most."""
    return source.anchor * source.sample * int(10**underlying.decimals) // WAD


def slowest_window(config: Config, asset: AssetConfig) -> int:
    """Return the seconds over which the slowest of an asset's sources takes its mean; 0 where none does."""
    windows = [0]
    for source in asset.sources:
        if isinstance(source, TwapConfig):
            windows.append(source.window)
        if isinstance(source, VaultConfig):
            windows.append(slowest_window(config, config.asset(source.asset)))
    return max(windows)
