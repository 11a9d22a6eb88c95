"""Reading a whole file, or the assets of one more."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from plimsoll.config.agreement import check_source_count, check_whole
from plimsoll.config.assets import read_asset
from plimsoll.config.protocol import read_auction, read_isolated, read_market, read_prices, read_protocol, read_uniswap
from plimsoll.config.values import AssetConfig, Config
from plimsoll.errors import ConfigError
from plimsoll.fields import Table, parse_toml, read_text


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
        more = _assets(root)
        root.finish()
        for asset in more:
            if any(asset.symbol == known.symbol for known in config.assets):
                raise ConfigError(f"assets.{asset.symbol}: is listed already")
        extended = replace(config, assets=(*config.assets, *more))
        check_whole(extended)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return extended


def load_asset(path: Path) -> AssetConfig:
    """Return the one asset of a file that has nothing else; what depends on other assets is not checked."""
    text = read_text(path)
    try:
        root = parse_toml(text)
        found = _assets(root)
        root.finish()
        if len(found) != 1:
            raise ConfigError(f"assets: {len(found)} of them; one is listed at a time")
        check_source_count(found[0])
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return found[0]


def parse(text: str) -> Config:
    """Check the text of a file."""
    return check(parse_toml(text))


def check(root: Table) -> Config:
    """Check a whole file that has been read."""
    config = Config(
        protocol=read_protocol(root.table("protocol")),
        auction=read_auction(root.table("auction")),
        uniswap=read_uniswap(root.table("uniswap")) if root.has("uniswap") else None,
        assets=_assets(root),
        markets=tuple(read_market(table) for table in root.table_list("markets")),
        prices=read_prices(root.table("devnet")) if root.has("devnet") else {},
        isolated=read_isolated(root.table("isolated")) if root.has("isolated") else None,
    )
    root.finish()
    check_whole(config)
    return config


def _assets(root: Table) -> tuple[AssetConfig, ...]:
    return tuple(read_asset(symbol, table) for symbol, table in root.table("assets").tables())
