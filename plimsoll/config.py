"""A deployment's parameters: one TOML file, every field checked before anything is sent.

People write whole tokens, dollars and fractions; what comes out are exact integers (WAD for dollars, rates and
fractions, raw units for amounts). Numbers are read as decimals, never as floats. `config/devnet.toml` documents every
field.

The first thing that is wrong raises a `ConfigError` whose message is ``path: what is wrong``, with the bound it misses:
``assets.WETH.margin.cap: 0.7 is not in (0, 0.5)``. Bounds are those of the contracts' setters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.errors import ConfigError
from plimsoll.fields import Bound, Table, parse_toml, plainly, read_text
from plimsoll.units import WAD, from_wad

DEPLOYER = "deployer"
"""In place of an address: whoever deploys."""
TIMELOCK = "timelock"
"""In place of the owner's address: a timelock that is deployed with the rest, driven by `admin`."""

HOUR = 3_600
DAY = 86_400
RAMP_UNIT = 10**12
MARGIN_ROUNDING = 10**12
MILLION = 10**6

_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.\-]{0,15}")


def _closed(low: str, high: str, step: str | None = None) -> Bound:
    return Bound(Decimal(low), Decimal(high), step=None if step is None else Decimal(step))


CHAIN_ID = Bound(1, 2**64 - 1)
MIN_DEBT = _closed("0", "100000", "0.01")
INITIAL_RATIO = _closed("1.2", "3")
NOTICE = Bound(HOUR, 30 * DAY)
WIDE_DELAY = Bound(HOUR, 2 * DAY)
CURE_WINDOW = Bound(0, DAY)
COOLDOWN = Bound(DAY, 60 * DAY)
MOST_DELAY = 30 * DAY

TAU = Bound(60, DAY)
TAIL = Bound(60, 7 * DAY)
KAPPA = _closed("0", "100", "0.0001")
START_DISCOUNT = Bound(Decimal(0), Decimal(1), open_low=True, step=Decimal("0.0001"))
TARGET_SHARE = Bound(Decimal(0), Decimal(1), open_low=True, step=Decimal("0.0001"))
BONUS_SHARE = _closed("0", "0.5", "0.0001")
PENALTY = _closed("0.001", "0.2", "0.0001")
DECIMALS = Bound(0, 18)
CAP_TOKENS = Bound(0, 2**48)
SUPPLY_CAP_BITS = 100
BORROW_CAP_BITS = 92
COLLATERAL_CAP_BITS = 127

MARGIN_FLOOR = Bound(Decimal("0.001"), Decimal("0.5"), open_high=True)
MARGIN_CAP = Bound(0, Decimal("0.5"), open_low=True, open_high=True)
SIZE_SLOPE = _closed("0.000001", "100", "0.000000000001")
RAMP_UP = _closed("0.000001", "1", "0.000001")
RAMP_DOWN = _closed("0.000001", "0.1", "0.000001")

TARGET = _closed("0.1", "0.99", "0.0001")
STEEPNESS = _closed("1", "100", "0.0001")
SPEED = _closed("0", "200", "0.001")
RATE = _closed("0.0001", "10", "0.000001")
RESERVE_FACTOR = _closed("0", "0.5", "0.0001")
FLASH_FEE = _closed("0", "0.01", "0.000001")

MIN_SOURCES = Bound(1, 3)
DEVIATION = _closed("0", "0.2", "0.0001")
SPREAD = _closed("0", "0.25", "0.0001")

DEVIATIONS = _closed("0.1", "10", "0.0001")
HORIZON = Bound(600, 3 * DAY)
INTERVAL = Bound(600, DAY)
HALF_LIFE = Bound(600, 365 * DAY)
PATIENCE = Bound(1_200, 30 * DAY)
MAX_SIGMA = _closed("0.01", "100", "0.000001")
IMPACT = Bound(Decimal(0), Decimal(100), open_low=True, step=Decimal("0.000001"))
SIZE_LIMIT = _closed("0", "1", "0.0001")
AIMED_UP = _closed("0.00001", "1")
AIMED_DOWN = _closed("0.00024", "0.1")

LISTING_VALUE = Bound(1_000, 10**9)
MOST_RESERVED = 100
LISTING_FLOOR = _closed("0.2", "0.3")

ANSWER = Bound(0, 10**18, open_low=True)
MAX_AGE = Bound(1, 30 * DAY)
GRACE = Bound(0, DAY)
WINDOW = Bound(60, DAY)
TICKS_PER_HOUR = Bound(1, 887_272)
LIQUIDITY = Bound(1, 2**128 - 1)
ANCHOR = Bound(0, 10**18, open_low=True)
YEARLY_CAP = Bound(0, 1, open_low=True)
SAMPLE = Bound(1, 10**15)
SAMPLE_RAW = Bound(10**6, 2**112 - 1)
POSITION = Bound(0, 2)
REACH = Bound(10, 1_000)
POOL_SHARE_DECIMALS = 6
"""That shares of a pool have more than its asset."""
FEE = Bound(1, 2**24 - 1)


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


SourceConfig = FeedConfig | TwapConfig | VaultConfig


@dataclass(frozen=True, slots=True)
class PriceConfig:
    """`IRiskEngine.PriceParameters`; fractions are WAD."""

    min_sources: int
    max_deviation: int
    min_spread: int
    spread_growth: int
    max_spread: int


@dataclass(frozen=True, slots=True)
class MarginConfig:
    """`IRiskEngine.MarginParameters`, all WAD; `size_slope` per dollar, `ramp_up` per hour, `ramp_down` per day."""

    floor: int
    cap: int
    size_slope: int
    ramp_up: int
    ramp_down: int


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


def load(path: Path) -> Config:
    """Read and check a file; ConfigError, one line, for whatever is wrong first."""
    text = read_text(path)
    try:
        return parse(text)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def extend(config: Config, path: Path) -> Config:
    """Return a configuration with the assets of one more file, which has nothing else; ConfigError as in `load`."""
    text = read_text(path)
    try:
        root = parse_toml(text)
        more = tuple(_asset(symbol, table) for symbol, table in root.table("assets").tables())
        root.finish()
        for asset in more:
            if any(asset.symbol == known.symbol for known in config.assets):
                raise ConfigError(f"assets.{asset.symbol}: is listed already")
        extended = replace(config, assets=(*config.assets, *more))
        _check_whole(extended)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return extended


def load_asset(path: Path) -> AssetConfig:
    """Return the one asset of a file that has nothing else; what depends on other assets is not checked."""
    text = read_text(path)
    try:
        root = parse_toml(text)
        found = [_asset(symbol, table) for symbol, table in root.table("assets").tables()]
        root.finish()
        if len(found) != 1:
            raise ConfigError(f"assets: {len(found)} of them; one is listed at a time")
        asset = found[0]
        if asset.prices.min_sources > len(asset.sources):
            bound = Bound(1, len(asset.sources))
            where = f"assets.{asset.symbol}.prices.min_sources"
            raise ConfigError(f"{where}: {asset.prices.min_sources} is not in {bound}, the number of its sources")
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return asset


def parse(text: str) -> Config:
    """Check the text of a file."""
    return check(parse_toml(text))


def check(root: Table) -> Config:
    """Check a whole file that has been read."""
    config = Config(
        protocol=_protocol(root.table("protocol")),
        auction=_auction(root.table("auction")),
        uniswap=_uniswap(root.table("uniswap")) if root.has("uniswap") else None,
        assets=tuple(_asset(symbol, table) for symbol, table in root.table("assets").tables()),
        markets=tuple(_market(table) for table in root.table_list("markets")),
        prices=_prices(root.table("devnet")) if root.has("devnet") else {},
        isolated=_isolated(root.table("isolated")) if root.has("isolated") else None,
    )
    root.finish()
    _check_whole(config)
    return config


# The parts of a file


def _protocol(table: Table) -> ProtocolConfig:
    notice = table.whole("notice", NOTICE)
    owner = TIMELOCK if table.is_word("owner", TIMELOCK) else _role(table, "owner")
    for key in ("admin", "timelock_delay"):
        if table.has(key) and owner != TIMELOCK:
            raise ConfigError(f'{table.at(key)}: is for owner = "{TIMELOCK}" only')
    protocol = table.done(
        ProtocolConfig(
            chain_id=table.whole("chain_id", CHAIN_ID) if table.has("chain_id") else None,
            owner=owner,
            admin=_role(table, "admin") if owner == TIMELOCK else owner,
            timelock_delay=_delay(table, notice),
            guardian=_role(table, "guardian"),
            initial_ratio=table.fraction("initial_ratio", INITIAL_RATIO),
            notice=notice,
            wide_delay=table.whole("wide_delay", WIDE_DELAY),
            sequencer=table.address("sequencer") if table.has("sequencer") else ZERO_ADDRESS,
            cure_window=table.whole("cure_window", CURE_WINDOW) if table.has("cure_window") else 0,
            min_debt=table.fraction("min_debt", MIN_DEBT),
            cooldown=table.whole("cooldown", COOLDOWN),
        )
    )
    if protocol.sequencer == ZERO_ADDRESS and protocol.cure_window:
        raise ConfigError(f"{table.path}.cure_window: {protocol.cure_window} without a sequencer feed")
    return protocol


def _auction(table: Table) -> AuctionConfig:
    tau = table.whole("tau", TAU)
    least = table.fraction("least_penalty", PENALTY)
    return table.done(
        AuctionConfig(
            tau=tau,
            tail=table.whole("tail", Bound(tau, TAIL.high)),
            kappa=table.fraction("kappa", KAPPA),
            start_level=-table.fraction("start_discount", START_DISCOUNT),
            target_share=table.fraction("target_share", TARGET_SHARE),
            starter_share=table.fraction("starter_share", BONUS_SHARE),
            fund_share=table.fraction("fund_share", BONUS_SHARE),
            least_penalty=least,
            most_penalty=table.fraction("most_penalty", Bound(from_wad(least), PENALTY.high, step=PENALTY.step)),
        )
    )


def _delay(table: Table, notice: int) -> int:
    """Not shorter than `notice`, for which a guardian may silence a source: the owner's answer may come as late."""
    return table.whole("timelock_delay", Bound(notice, MOST_DELAY)) if table.has("timelock_delay") else notice


def _role(table: Table, key: str) -> str:
    return DEPLOYER if table.is_word(key, DEPLOYER) else table.address(key)


def _uniswap(table: Table) -> UniswapConfig:
    return table.done(UniswapConfig(factory=table.address("factory")))


def _isolated(table: Table) -> IsolatedConfig:
    quotes = tuple(entry.done(entry.text("asset")) for entry in table.table_list("quotes"))
    if not 1 <= len(quotes) <= 4:
        raise ConfigError(f"{table.path}.quotes: {len(quotes)} of them; there are 1 to 4")
    return table.done(
        IsolatedConfig(
            quotes=quotes,
            least_depth=table.fraction("least_depth", LISTING_VALUE),
            cap_value=table.fraction("cap_value", LISTING_VALUE),
            floor=table.fraction("floor", LISTING_FLOOR),
            reserved=_reserved(table) if table.has("reserved") else (),
        )
    )


def _reserved(table: Table) -> tuple[str, ...]:
    tokens = tuple(entry.done(entry.address("token")) for entry in table.table_list("reserved"))
    if len(tokens) > MOST_RESERVED:
        raise ConfigError(f"{table.path}.reserved: {len(tokens)} of them; there are at most {MOST_RESERVED}")
    return tokens


def _prices(table: Table) -> dict[str, int]:
    prices = table.table("prices")
    return table.done({symbol: prices.fraction(symbol, ANSWER) for symbol in prices.names()})


def _market(table: Table) -> MarketConfig:
    return table.done(
        MarketConfig(
            base=table.text("base"),
            quote=table.text("quote"),
            fee=table.whole("fee", FEE),
            depth=table.whole("depth", Bound(0, 10**12)) if table.has("depth") else 0,
        )
    )


def _asset(symbol: str, table: Table) -> AssetConfig:
    if not _SYMBOL.fullmatch(symbol):
        words = "is no symbol: a letter and up to 15 letters, digits, dots or dashes"
        raise ConfigError(f"{table.path}: {symbol!r} {words}")
    decimals = table.whole("decimals", DECIMALS)
    if table.has("shares_of") and table.has("token"):
        raise ConfigError(f"{table.at('token')}: is not given for shares of a pool here")
    return table.done(
        AssetConfig(
            symbol=symbol,
            name=table.text("name"),
            decimals=decimals,
            token=table.address("token") if table.has("token") else None,
            isolated=table.flag("isolated"),
            pool=_pool(table.table("pool"), decimals),
            sources=_sources(table),
            prices=_price_parameters(table.table("prices")),
            margin=_margin(table.table("margin")),
            shares_of=table.text("shares_of") if table.has("shares_of") else None,
            depth=_depth(table.table("depth")) if table.has("depth") else None,
            dynamics=_dynamics(table.table("dynamics")) if table.has("dynamics") else None,
            collateral_cap=_collateral_cap(table, decimals),
            gate=table.address("gate") if table.has("gate") else None,
        )
    )


def _pool(table: Table, decimals: int) -> PoolConfig:
    return table.done(
        PoolConfig(
            name=table.text("name", 25),
            symbol=table.text("symbol", 5),
            supply_cap=_cap(table, "supply_cap", decimals, SUPPLY_CAP_BITS),
            borrow_cap=_cap(table, "borrow_cap", decimals, BORROW_CAP_BITS),
            reserve_factor=table.fraction("reserve_factor", RESERVE_FACTOR),
            flash_fee=table.fraction("flash_fee", FLASH_FEE),
            rates=_rates(table.table("rates")),
        )
    )


def _depth(table: Table) -> DepthConfig:
    return table.done(DepthConfig(reach=table.whole("reach", REACH)))


def _dynamics(table: Table) -> DynamicsConfig:
    interval = table.whole("interval", INTERVAL)
    fast = table.whole("fast_half_life", Bound(interval, HALF_LIFE.high))
    max_sigma = table.fraction("max_sigma", MAX_SIGMA)
    return table.done(
        DynamicsConfig(
            deviations=table.fraction("deviations", DEVIATIONS),
            horizon=table.whole("horizon", HORIZON),
            interval=interval,
            fast_half_life=fast,
            slow_half_life=table.whole("slow_half_life", Bound(fast, HALF_LIFE.high)),
            patience=table.whole("patience", Bound(2 * interval, PATIENCE.high)),
            max_sigma=max_sigma,
            start_sigma=table.fraction("start_sigma", Bound(0, from_wad(max_sigma), step=MAX_SIGMA.step)),
            size_limit=table.fraction("size_limit", SIZE_LIMIT),
            impact=table.fraction("impact", IMPACT) if table.has("impact") else 0,
        )
    )


def _collateral_cap(table: Table, decimals: int) -> int:
    return _cap(table, "collateral_cap", decimals, COLLATERAL_CAP_BITS) if table.has("collateral_cap") else 0


def _cap(table: Table, key: str, decimals: int, bits: int) -> int:
    most = min(int(CAP_TOKENS.high), (2**bits - 1) // 10**decimals)
    return table.whole(key, Bound(0, most)) * int(10**decimals)


def _rates(table: Table) -> RateConfig:
    rates = table.done(
        RateConfig(
            target=table.fraction("target", TARGET),
            steepness=table.fraction("steepness", STEEPNESS),
            speed=table.fraction("speed", SPEED),
            min_rate=table.fraction("min_rate", RATE),
            max_rate=table.fraction("max_rate", RATE),
            start=table.fraction("start", RATE),
        )
    )
    if rates.min_rate > rates.max_rate:
        low, high = _said(rates.min_rate), _said(rates.max_rate)
        raise ConfigError(f"{table.path}.min_rate: {low} is above max_rate {high}")
    if not rates.min_rate <= rates.start <= rates.max_rate:
        bound = Bound(from_wad(rates.min_rate), from_wad(rates.max_rate))
        raise ConfigError(f"{table.path}.start: {_said(rates.start)} is not in {bound}, min_rate to max_rate")
    return rates


def _sources(table: Table) -> tuple[SourceConfig, ...]:
    found = tuple(_source(entry) for entry in table.table_list("sources"))
    if not 1 <= len(found) <= 3:
        raise ConfigError(f"{table.path}.sources: {len(found)} of them; an asset has 1 to 3")
    for i, source in enumerate(found):
        if source in found[:i]:
            raise ConfigError(f"{table.path}.sources[{i}]: is a duplicate of sources[{found.index(source)}]")
    return found


def _source(table: Table) -> SourceConfig:
    kind = table.choice("kind", ("feed", "twap", "vault"))
    if kind == "vault":
        return table.done(
            VaultConfig(
                asset=table.text("asset"),
                source=table.whole("source", POSITION) if table.has("source") else 0,
                sample=table.whole("sample", SAMPLE),
                anchor=table.fraction("anchor", ANCHOR),
                yearly_cap=table.fraction("yearly_cap", YEARLY_CAP),
            )
        )
    if kind == "twap":
        return table.done(
            TwapConfig(
                quote=table.text("quote"),
                fee=table.whole("fee", FEE),
                window=table.whole("window", WINDOW),
                max_age=table.whole("max_age", MAX_AGE),
                max_ticks_per_hour=table.whole("max_ticks_per_hour", TICKS_PER_HOUR),
                min_liquidity=table.whole("min_liquidity", LIQUIDITY),
            )
        )
    feed = table.done(
        FeedConfig(
            aggregator=table.address("aggregator") if table.has("aggregator") else None,
            low=table.fraction("low", ANSWER),
            high=table.fraction("high", ANSWER),
            max_age=table.whole("max_age", MAX_AGE),
            sequencer=table.address("sequencer") if table.has("sequencer") else ZERO_ADDRESS,
            sequencer_grace=table.whole("sequencer_grace", GRACE) if table.has("sequencer_grace") else 0,
        )
    )
    if feed.low >= feed.high:
        raise ConfigError(f"{table.path}.low: {_said(feed.low)} is not below high {_said(feed.high)}")
    if feed.sequencer == ZERO_ADDRESS and feed.sequencer_grace:
        raise ConfigError(f"{table.path}.sequencer_grace: {feed.sequencer_grace} without a sequencer feed")
    return feed


def _price_parameters(table: Table) -> PriceConfig:
    prices = table.done(
        PriceConfig(
            min_sources=table.whole("min_sources", MIN_SOURCES),
            max_deviation=table.fraction("max_deviation", DEVIATION),
            min_spread=table.fraction("min_spread", SPREAD),
            spread_growth=table.fraction("spread_growth", SPREAD),
            max_spread=table.fraction("max_spread", SPREAD),
        )
    )
    if prices.min_spread > prices.max_spread:
        raise ConfigError(
            f"{table.path}.min_spread: {_said(prices.min_spread)} is above max_spread {_said(prices.max_spread)}"
        )
    return prices


def _margin(table: Table) -> MarginConfig:
    margin = table.done(
        MarginConfig(
            floor=table.fraction("floor", MARGIN_FLOOR),
            cap=table.fraction("cap", MARGIN_CAP),
            size_slope=table.fraction("size_slope_per_million", SIZE_SLOPE) // MILLION,
            ramp_up=table.fraction("ramp_up", RAMP_UP),
            ramp_down=table.fraction("ramp_down", RAMP_DOWN),
        )
    )
    if margin.floor > margin.cap:
        raise ConfigError(f"{table.path}.floor: {_said(margin.floor)} is above cap {_said(margin.cap)}")
    return margin


def _said(wad: int) -> str:
    return plainly(from_wad(wad))


# What one field cannot tell


def _check_whole(config: Config) -> None:
    if not config.assets:
        raise ConfigError("assets: there are none")
    _check_duplicates(config)
    symbols = {asset.symbol for asset in config.assets}
    for i, market in enumerate(config.markets):
        for key, symbol in (("base", market.base), ("quote", market.quote)):
            if symbol not in symbols:
                raise ConfigError(f"markets[{i}].{key}: {symbol!r} is no asset here")
            if config.asset(symbol).shares_of is not None:
                raise ConfigError(f"markets[{i}].{key}: {symbol!r} has no token before its pool is deployed")
        if market.base == market.quote:
            raise ConfigError(f"markets[{i}].quote: {market.quote!r} is the base as well")
    for asset in config.assets:
        where = f"assets.{asset.symbol}"
        _check_ramp(config.protocol, asset.margin, where)
        if asset.prices.min_sources > len(asset.sources):
            bound = Bound(1, len(asset.sources))
            found = asset.prices.min_sources
            raise ConfigError(f"{where}.prices.min_sources: {found} is not in {bound}, the number of its sources")
        if asset.shares_of is not None:
            _check_shares(config, asset, where)
        for i, source in enumerate(asset.sources):
            if isinstance(source, TwapConfig):
                _check_quote(config, asset, source, f"{where}.sources[{i}]")
            if isinstance(source, VaultConfig):
                _check_vault(config, asset, source, f"{where}.sources[{i}]")
        if asset.depth is not None and not any(isinstance(source, TwapConfig) for source in asset.sources):
            raise ConfigError(f'{where}.depth: needs a mean to measure around, a source of kind "twap"')
        if asset.dynamics is not None:
            _check_dynamics(config, asset, asset.dynamics, where)
    for i, symbol in enumerate(config.isolated.quotes if config.isolated else ()):
        _check_listing_quote(config, symbol, i)
    for symbol in config.prices:
        if symbol not in symbols:
            raise ConfigError(f"devnet.prices.{symbol}: is no asset here")


def _check_duplicates(config: Config) -> None:
    tokens: dict[str, str] = {}
    folded: dict[str, str] = {}
    for asset in config.assets:
        other = folded.setdefault(asset.symbol.lower(), asset.symbol)
        if other != asset.symbol:
            raise ConfigError(f"assets.{asset.symbol}: differs from assets.{other} in case only")
        if asset.token is not None and tokens.setdefault(asset.token, asset.symbol) != asset.symbol:
            other = tokens[asset.token]
            raise ConfigError(f"assets.{asset.symbol}.token: {asset.token} is the token of assets.{other} as well")
    seen: set[tuple[frozenset[str], int]] = set()
    for i, market in enumerate(config.markets):
        identity = (frozenset((market.base, market.quote)), market.fee)
        if identity in seen:
            raise ConfigError(f"markets[{i}]: {market.base}/{market.quote} at fee {market.fee} is a duplicate")
        seen.add(identity)


def _check_quote(config: Config, asset: AssetConfig, source: TwapConfig, where: str) -> None:
    if source.quote == asset.symbol:
        raise ConfigError(f"{where}.quote: {source.quote!r} is the asset itself")
    quote = next((other for other in config.assets if other.symbol == source.quote), None)
    if quote is None:
        raise ConfigError(f"{where}.quote: {source.quote!r} is no asset here")
    if quote.feed is None:
        raise ConfigError(f"{where}.quote: {source.quote!r} has no feed to price it in dollars")
    if config.market(asset.symbol, source.quote, source.fee) is None:
        raise ConfigError(f"{where}.fee: no market of {asset.symbol} and {source.quote} has the fee {source.fee}")


def _check_vault(config: Config, asset: AssetConfig, source: VaultConfig, where: str) -> None:
    underlying = _listed_before(config, asset, source.asset, f"{where}.asset")
    if source.source >= len(underlying.sources):
        bound = Bound(0, len(underlying.sources) - 1)
        raise ConfigError(f"{where}.source: {source.source} is not in {bound}, the sources of {source.asset!r}")
    if isinstance(underlying.sources[source.source], VaultConfig):
        raise ConfigError(f"{where}.source: {source.source} of {source.asset!r} is a vault's itself")
    if asset.shares_of not in (None, source.asset):
        raise ConfigError(f"{where}.asset: {source.asset!r} is not {asset.shares_of!r}, whose pool's shares it prices")
    shares, assets = sample_of(source, asset), most_of(source, underlying)
    for amount, what in ((shares, "shares"), (assets, f"units of {source.asset} at the anchor")):
        if not SAMPLE_RAW.holds(amount):
            raise ConfigError(f"{where}.sample: {source.sample} is {amount} raw {what}, which is not in {SAMPLE_RAW}")


def _check_shares(config: Config, asset: AssetConfig, where: str) -> None:
    lent = _listed_before(config, asset, str(asset.shares_of), f"{where}.shares_of")
    decimals = lent.decimals + POOL_SHARE_DECIMALS
    if asset.decimals != decimals:
        raise ConfigError(f"{where}.decimals: {asset.decimals}, but shares of {lent.symbol!r} have {decimals}")
    if not any(isinstance(source, VaultConfig) for source in asset.sources):
        raise ConfigError(f'{where}.sources: shares of a pool here need a source of kind "vault"')


def _listed_before(config: Config, asset: AssetConfig, symbol: str, where: str) -> AssetConfig:
    symbols = [other.symbol for other in config.assets]
    if symbol == asset.symbol:
        raise ConfigError(f"{where}: {symbol!r} is the asset itself")
    if symbol not in symbols:
        raise ConfigError(f"{where}: {symbol!r} is no asset here")
    if symbols.index(symbol) > symbols.index(asset.symbol):
        raise ConfigError(f"{where}: {symbol!r} has to stand before {asset.symbol!r}: assets are listed in this order")
    return config.asset(symbol)


def sample_of(source: VaultConfig, asset: AssetConfig) -> int:
    """Return the raw shares that a vault of these shares is asked about."""
    return source.sample * int(10**asset.decimals)


def most_of(source: VaultConfig, underlying: AssetConfig) -> int:
    """Return the raw units of the vault's asset at which the line of a vault's shares starts at most."""
    return source.anchor * source.sample * int(10**underlying.decimals) // WAD


def _check_listing_quote(config: Config, symbol: str, i: int) -> None:
    where = f"isolated.quotes[{i}].asset"
    quote = next((asset for asset in config.assets if asset.symbol == symbol), None)
    if quote is None:
        raise ConfigError(f"{where}: {symbol!r} is no asset here")
    if quote.isolated:
        raise ConfigError(f"{where}: {symbol!r} is of the isolated tier")
    if quote.feed is None:
        raise ConfigError(f"{where}: {symbol!r} has no feed to price it in dollars")
    if config.isolated and symbol in config.isolated.quotes[:i]:
        raise ConfigError(f"{where}: {symbol!r} is a duplicate")


def _check_dynamics(config: Config, asset: AssetConfig, dynamics: DynamicsConfig, where: str) -> None:
    if dynamics.impact and asset.depth is None:
        raise ConfigError(f"{where}.dynamics.impact: {_said(dynamics.impact)} without a measured depth")
    if dynamics.interval < 2 * slowest_window(config, asset):
        least = 2 * slowest_window(config, asset)
        raise ConfigError(
            f"{where}.dynamics.interval: {dynamics.interval} is below {least}, twice the slowest mean's window"
        )
    for key, speed, bound in (
        ("ramp_up", asset.margin.ramp_up, AIMED_UP),
        ("ramp_down", asset.margin.ramp_down, AIMED_DOWN),
    ):
        if not bound.holds(from_wad(speed)):
            raise ConfigError(f"{where}.margin.{key}: {_said(speed)} is not in {bound}, because its margin is dynamic")


def slowest_window(config: Config, asset: AssetConfig) -> int:
    """Return the seconds over which the slowest of an asset's sources takes its mean; 0 where none does."""
    windows = [0]
    for source in asset.sources:
        if isinstance(source, TwapConfig):
            windows.append(source.window)
        if isinstance(source, VaultConfig):
            windows.append(slowest_window(config, config.asset(source.asset)))
    return max(windows)


def _check_ramp(protocol: ProtocolConfig, margin: MarginConfig, where: str) -> None:
    """The rule of `contracts/modules/margin_rate.vy` that keeps a promise of `notice` seconds."""
    if margin.cap * protocol.initial_ratio >= WAD * WAD:
        most = _said(WAD * WAD // protocol.initial_ratio)
        raise ConfigError(f"{where}.margin.cap: {_said(margin.cap)} is not below {most}, 1 / protocol.initial_ratio")
    room = 4 * (protocol.initial_ratio - WAD) * margin.floor * HOUR // (protocol.initial_ratio + 3 * WAD)
    most_up = (room - MARGIN_ROUNDING * HOUR) // protocol.notice // RAMP_UNIT * RAMP_UNIT
    if margin.ramp_up > most_up:
        bound = Bound(0, from_wad(most_up), open_low=True)
        promise = f"the most that keeps protocol.notice of {protocol.notice} seconds with this floor"
        raise ConfigError(f"{where}.margin.ramp_up: {_said(margin.ramp_up)} is not in {bound}, {promise}")
