"""What one field cannot tell: whether the parts of a file fit together."""

from __future__ import annotations

from plimsoll.config import bounds
from plimsoll.config.bounds import HOUR, said
from plimsoll.config.values import (
    AssetConfig,
    Config,
    DynamicsConfig,
    MarginConfig,
    ProtocolConfig,
    TwapConfig,
    VaultConfig,
    most_of,
    sample_of,
    slowest_window,
)
from plimsoll.errors import ConfigError
from plimsoll.fields import Bound
from plimsoll.units import WAD, from_wad

RAMP_UNIT = 10**12
MARGIN_ROUNDING = 10**12
POOL_SHARE_DECIMALS = 6
"""That shares of a pool have more than its asset."""


def check_whole(config: Config) -> None:
    """Raise the first contradiction between the parts of a configuration."""
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
        check_source_count(asset)
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


def check_source_count(asset: AssetConfig) -> None:
    """Raise when an asset needs more sources than it has."""
    if asset.prices.min_sources > len(asset.sources):
        found, bound = asset.prices.min_sources, Bound(1, len(asset.sources))
        where = f"assets.{asset.symbol}.prices.min_sources"
        raise ConfigError(f"{where}: {found} is not in {bound}, the number of its sources")


def _check_ramp(protocol: ProtocolConfig, margin: MarginConfig, where: str) -> None:
    """The rule of `contracts/modules/margin_rate.vy` that keeps a promise of `notice` seconds."""
    if margin.cap * protocol.initial_ratio >= WAD * WAD:
        most = said(WAD * WAD // protocol.initial_ratio)
        raise ConfigError(f"{where}.margin.cap: {said(margin.cap)} is not below {most}, 1 / protocol.initial_ratio")
    room = 4 * (protocol.initial_ratio - WAD) * margin.floor * HOUR // (protocol.initial_ratio + 3 * WAD)
    most_up = (room - MARGIN_ROUNDING * HOUR) // protocol.notice // RAMP_UNIT * RAMP_UNIT
    if margin.ramp_up > most_up:
        bound = Bound(0, from_wad(most_up), open_low=True)
        promise = f"the most that keeps protocol.notice of {protocol.notice} seconds with this floor"
        raise ConfigError(f"{where}.margin.ramp_up: {said(margin.ramp_up)} is not in {bound}, {promise}")


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
        if not bounds.SAMPLE_RAW.holds(amount):
            raise ConfigError(
                f"{where}.sample: {source.sample} is {amount} raw {what}, which is not in {bounds.SAMPLE_RAW}"
            )


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
        raise ConfigError(f"{where}.dynamics.impact: {said(dynamics.impact)} without a measured depth")
    if dynamics.interval < 2 * slowest_window(config, asset):
        least = 2 * slowest_window(config, asset)
        raise ConfigError(
            f"{where}.dynamics.interval: {dynamics.interval} is below {least}, twice the slowest mean's window"
        )
    for key, speed, bound in (
        ("ramp_up", asset.margin.ramp_up, bounds.AIMED_UP),
        ("ramp_down", asset.margin.ramp_down, bounds.AIMED_DOWN),
    ):
        if not bound.holds(from_wad(speed)):
            raise ConfigError(f"{where}.margin.{key}: {said(speed)} is not in {bound}, because its margin is dynamic")
