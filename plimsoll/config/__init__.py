"""A deployment's parameters: one TOML file, every field checked before anything is sent.

People write whole tokens, dollars and fractions; what comes out are exact integers (WAD for dollars, rates and
fractions, raw units for amounts). Numbers are read as decimals, never as floats. `config/devnet.toml` documents every
field.

The first thing that is wrong raises a `ConfigError` whose message is ``path: what is wrong``, with the bound it misses:
``assets.WETH.margin.cap: 0.7 is not in (0, 0.5)``. Bounds are those of the contracts' setters.

`values` are what comes out, `bounds` what may come in; `protocol` and `assets` read the tables of a file, `agreement`
checks what one table cannot tell, `file` reads the whole.
"""

from plimsoll.config.bounds import (
    AIMED_DOWN,
    AIMED_UP,
    DEVIATIONS,
    HALF_LIFE,
    HORIZON,
    IMPACT,
    INTERVAL,
    MAX_SIGMA,
    PATIENCE,
)
from plimsoll.config.file import check, extend, load, load_asset, parse
from plimsoll.config.values import (
    DEPLOYER,
    TIMELOCK,
    AssetConfig,
    AuctionConfig,
    Config,
    DepthConfig,
    DynamicsConfig,
    FeedConfig,
    IsolatedConfig,
    MarginConfig,
    MarketConfig,
    PoolConfig,
    PriceConfig,
    ProtocolConfig,
    RateConfig,
    SourceConfig,
    TwapConfig,
    UniswapConfig,
    VaultConfig,
    most_of,
    sample_of,
    slowest_window,
)

__all__ = [
    "AIMED_DOWN",
    "AIMED_UP",
    "DEPLOYER",
    "DEVIATIONS",
    "HALF_LIFE",
    "HORIZON",
    "IMPACT",
    "INTERVAL",
    "MAX_SIGMA",
    "PATIENCE",
    "TIMELOCK",
    "AssetConfig",
    "AuctionConfig",
    "Config",
    "DepthConfig",
    "DynamicsConfig",
    "FeedConfig",
    "IsolatedConfig",
    "MarginConfig",
    "MarketConfig",
    "PoolConfig",
    "PriceConfig",
    "ProtocolConfig",
    "RateConfig",
    "SourceConfig",
    "TwapConfig",
    "UniswapConfig",
    "VaultConfig",
    "check",
    "extend",
    "load",
    "load_asset",
    "most_of",
    "parse",
    "sample_of",
    "slowest_window",
]
