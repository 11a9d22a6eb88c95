"""The table of an asset, with its pool, its sources, its prices and its margin."""

from __future__ import annotations

import re

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.config import bounds
from plimsoll.config.bounds import said
from plimsoll.config.values import (
    AssetConfig,
    DepthConfig,
    DynamicsConfig,
    FeedConfig,
    MarginConfig,
    PoolConfig,
    PriceConfig,
    RateConfig,
    SourceConfig,
    TwapConfig,
    VaultConfig,
)
from plimsoll.errors import ConfigError
from plimsoll.fields import Bound, Table
from plimsoll.units import from_wad

MILLION = 10**6
_SYMBOL = re.compile(r"[A-Za-z][A-Za-z0-9.\-]{0,15}")


def read_asset(symbol: str, table: Table) -> AssetConfig:
    """Return an asset; what depends on other assets is not checked."""
    if not _SYMBOL.fullmatch(symbol):
        words = "is no symbol: a letter and up to 15 letters, digits, dots or dashes"
        raise ConfigError(f"{table.path}: {symbol!r} {words}")
    decimals = table.whole("decimals", bounds.DECIMALS)
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
            supply_cap=_cap(table, "supply_cap", decimals, bounds.SUPPLY_CAP_BITS),
            borrow_cap=_cap(table, "borrow_cap", decimals, bounds.BORROW_CAP_BITS),
            reserve_factor=table.fraction("reserve_factor", bounds.RESERVE_FACTOR),
            flash_fee=table.fraction("flash_fee", bounds.FLASH_FEE),
            rates=_rates(table.table("rates")),
        )
    )


def _collateral_cap(table: Table, decimals: int) -> int:
    return _cap(table, "collateral_cap", decimals, bounds.COLLATERAL_CAP_BITS) if table.has("collateral_cap") else 0


def _cap(table: Table, key: str, decimals: int, bits: int) -> int:
    most = min(int(bounds.CAP_TOKENS.high), (2**bits - 1) // 10**decimals)
    return table.whole(key, Bound(0, most)) * int(10**decimals)


def _rates(table: Table) -> RateConfig:
    rates = table.done(
        RateConfig(
            target=table.fraction("target", bounds.TARGET),
            steepness=table.fraction("steepness", bounds.STEEPNESS),
            speed=table.fraction("speed", bounds.SPEED),
            min_rate=table.fraction("min_rate", bounds.RATE),
            max_rate=table.fraction("max_rate", bounds.RATE),
            start=table.fraction("start", bounds.RATE),
        )
    )
    if rates.min_rate > rates.max_rate:
        low, high = said(rates.min_rate), said(rates.max_rate)
        raise ConfigError(f"{table.path}.min_rate: {low} is above max_rate {high}")
    if not rates.min_rate <= rates.start <= rates.max_rate:
        bound = Bound(from_wad(rates.min_rate), from_wad(rates.max_rate))
        raise ConfigError(f"{table.path}.start: {said(rates.start)} is not in {bound}, min_rate to max_rate")
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
                source=table.whole("source", bounds.POSITION) if table.has("source") else 0,
                sample=table.whole("sample", bounds.SAMPLE),
                anchor=table.fraction("anchor", bounds.ANCHOR),
                yearly_cap=table.fraction("yearly_cap", bounds.YEARLY_CAP),
            )
        )
    if kind == "twap":
        return table.done(
            TwapConfig(
                quote=table.text("quote"),
                fee=table.whole("fee", bounds.FEE),
                window=table.whole("window", bounds.WINDOW),
                max_age=table.whole("max_age", bounds.MAX_AGE),
                max_ticks_per_hour=table.whole("max_ticks_per_hour", bounds.TICKS_PER_HOUR),
                min_liquidity=table.whole("min_liquidity", bounds.LIQUIDITY),
            )
        )
    feed = table.done(
        FeedConfig(
            aggregator=table.address("aggregator") if table.has("aggregator") else None,
            low=table.fraction("low", bounds.ANSWER),
            high=table.fraction("high", bounds.ANSWER),
            max_age=table.whole("max_age", bounds.MAX_AGE),
            sequencer=table.address("sequencer") if table.has("sequencer") else ZERO_ADDRESS,
            sequencer_grace=table.whole("sequencer_grace", bounds.GRACE) if table.has("sequencer_grace") else 0,
        )
    )
    if feed.low >= feed.high:
        raise ConfigError(f"{table.path}.low: {said(feed.low)} is not below high {said(feed.high)}")
    if feed.sequencer == ZERO_ADDRESS and feed.sequencer_grace:
        raise ConfigError(f"{table.path}.sequencer_grace: {feed.sequencer_grace} without a sequencer feed")
    return feed


def _price_parameters(table: Table) -> PriceConfig:
    prices = table.done(
        PriceConfig(
            min_sources=table.whole("min_sources", bounds.MIN_SOURCES),
            max_deviation=table.fraction("max_deviation", bounds.DEVIATION),
            min_spread=table.fraction("min_spread", bounds.SPREAD),
            spread_growth=table.fraction("spread_growth", bounds.SPREAD),
            max_spread=table.fraction("max_spread", bounds.SPREAD),
        )
    )
    if prices.min_spread > prices.max_spread:
        raise ConfigError(
            f"{table.path}.min_spread: {said(prices.min_spread)} is above max_spread {said(prices.max_spread)}"
        )
    return prices


def _margin(table: Table) -> MarginConfig:
    margin = table.done(
        MarginConfig(
            floor=table.fraction("floor", bounds.MARGIN_FLOOR),
            cap=table.fraction("cap", bounds.MARGIN_CAP),
            size_slope=table.fraction("size_slope_per_million", bounds.SIZE_SLOPE) // MILLION,
            ramp_up=table.fraction("ramp_up", bounds.RAMP_UP),
            ramp_down=table.fraction("ramp_down", bounds.RAMP_DOWN),
        )
    )
    if margin.floor > margin.cap:
        raise ConfigError(f"{table.path}.floor: {said(margin.floor)} is above cap {said(margin.cap)}")
    return margin


def _depth(table: Table) -> DepthConfig:
    return table.done(DepthConfig(reach=table.whole("reach", bounds.REACH)))


def _dynamics(table: Table) -> DynamicsConfig:
    interval = table.whole("interval", bounds.INTERVAL)
    fast = table.whole("fast_half_life", Bound(interval, bounds.HALF_LIFE.high))
    max_sigma = table.fraction("max_sigma", bounds.MAX_SIGMA)
    return table.done(
        DynamicsConfig(
            deviations=table.fraction("deviations", bounds.DEVIATIONS),
            horizon=table.whole("horizon", bounds.HORIZON),
            interval=interval,
            fast_half_life=fast,
            slow_half_life=table.whole("slow_half_life", Bound(fast, bounds.HALF_LIFE.high)),
            patience=table.whole("patience", Bound(2 * interval, bounds.PATIENCE.high)),
            max_sigma=max_sigma,
            start_sigma=table.fraction("start_sigma", Bound(0, from_wad(max_sigma), step=bounds.MAX_SIGMA.step)),
            size_limit=table.fraction("size_limit", bounds.SIZE_LIMIT),
            impact=table.fraction("impact", bounds.IMPACT) if table.has("impact") else 0,
        )
    )
