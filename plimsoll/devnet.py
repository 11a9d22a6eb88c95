"""A whole world on a local chain: tokens, the real Uniswap v3 with deep pools, settable feeds, and the protocol on top.

    devnet = start(RevmChain())
    devnet.set_price("WETH", "2200")
    devnet.protocol.by(trader)...

The protocol is deployed by `plimsoll.deploy.deploy`, from a configuration file as a live network would use it, whose
gaps (tokens, feeds, markets) are filled in here. Everything works the same on RevmChain, ape's py-evm and anvil.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path

from plimsoll import config as configuration
from plimsoll import manifest as manifests
from plimsoll.artifacts import home
from plimsoll.chain import Chain, Contract
from plimsoll.config import AssetConfig, Config, FeedConfig, MarketConfig, TwapConfig, UniswapConfig
from plimsoll.deploy import Progress, deploy, plan
from plimsoll.errors import ChainError, DeployError
from plimsoll.manifest import Deployed, Manifest
from plimsoll.protocol import Protocol
from plimsoll.uniswap import Pool, Uniswap, raw_price
from plimsoll.units import Human, as_decimal, from_wad, to_raw

CONFIG = "config/devnet.toml"
YIELD = "config/pusdc.toml"
"""A yield-bearing asset that can be listed on top."""
PLAIN_ERC20 = "MockERC20"
FEED_DECIMALS = 8
CARDINALITY = 60
"""Observations each market keeps: the means need two, and their fallback a window's worth."""
GAS_MONEY = 100 * 10**18
PUSH = Decimal("0.9999")
"""Where a refresh pushes a market to before it pushes it back: far enough to change a tick."""


def default_config() -> Config:
    """Return the devnet's configuration."""
    return configuration.load(home() / CONFIG)


@dataclass(frozen=True)
class Devnet:
    """A running devnet. `maker` is the account that provides liquidity and moves prices; `faucet` mints."""

    chain: Chain
    config: Config
    protocol: Protocol
    uniswap: Uniswap
    feeds: dict[str, Contract]
    maker: str

    @property
    def manifest(self) -> Manifest:
        """The deployment's manifest, tokens, feeds and Uniswap included."""
        return self.protocol.manifest

    def list_assets(self, path: Path) -> Devnet:
        """Return the devnet with the assets of one more file (`config.extend`) deployed and listed.

        A file like `YIELD`, whose assets need nothing that a devnet would have to make first.
        """
        extended = configuration.extend(self.config, path)
        manifest = deploy(self.chain, extended, self.maker, begun=self.manifest)
        return replace(self, config=extended, protocol=Protocol(self.chain, manifest, check=False))

    def token(self, symbol: str) -> Contract:
        """Return an asset's token."""
        return self.protocol.asset(symbol).token

    def mint(self, symbol: str, to: str, amount: Human) -> int:
        """Give an address tokens and return the raw units; it also gets ether for gas if it has none."""
        asset = self.protocol.asset(symbol)
        raw = to_raw(amount, asset.decimals)
        lent = self.config.asset(symbol).shares_of
        if lent is None:
            asset.token.mint(to, raw, sender=self.maker)
        else:
            self._lend(lent, raw, to)
        if self.chain.balance(to) == 0:
            self.chain.fund(to, GAS_MONEY)
        return raw

    def _lend(self, symbol: str, shares: int, to: str) -> None:
        """Lend freshly minted tokens for raw shares of an asset's pool."""
        token, pool = self.token(symbol), self.protocol.asset(symbol).pool
        cost = pool.previewMint(shares)
        token.mint(self.maker, cost, sender=self.maker)
        token.approve(pool, cost, sender=self.maker)
        pool.mint(shares, to, sender=self.maker)

    def warp(self, seconds: int) -> None:
        """Let time pass; nothing else happens meanwhile."""
        self.chain.warp(seconds)

    def price(self, symbol: str) -> Decimal:
        """Return what an asset's feed says, in dollars."""
        return Decimal(self.feeds[symbol].latestRoundData()[1]).scaleb(-FEED_DECIMALS)

    def set_price(self, symbol: str, price: Human) -> None:
        """Set an asset's feed and trade its markets to that price. Means follow within their window: `settle` waits."""
        dollars = as_decimal(price)
        self.feeds[symbol].set_answer(to_raw(dollars, FEED_DECIMALS), sender=self.maker)
        for market in self.markets(symbol):
            self._move(market, dollars if market.base == symbol else self.price(market.base))

    def refresh(self) -> None:
        """Have every feed answer again and every market trade a little, as they do on a live network all the time."""
        for symbol, feed in self.feeds.items():
            feed.set_answer(to_raw(self.price(symbol), FEED_DECIMALS), sender=self.maker)
        for market in self.config.markets:
            price = self.price(market.base)
            self._move(market, price * PUSH)
            self._move(market, price)

    def checkpoint(self) -> list[str]:
        """Take the checkpoints that are due; return the roles of the sources."""
        return checkpoint(self.protocol, self.maker)

    def settle(self) -> None:
        """Let every mean's window pass with the prices as they are, so that all sources agree and are fresh."""
        window = max((source.window for source in _twaps(self.config)), default=0)
        self.refresh()
        self.warp(window)
        self.refresh()
        self.checkpoint()
        self.warp(1)

    def markets(self, symbol: str) -> list[MarketConfig]:
        """Return the markets an asset is traded in."""
        return [market for market in self.config.markets if symbol in (market.base, market.quote)]

    def pool(self, market: MarketConfig) -> Pool:
        """Return a market's Uniswap pool."""
        return self.uniswap.pool(self.token(market.base), self.token(market.quote), market.fee)

    def _move(self, market: MarketConfig, dollars: Decimal) -> None:
        base, quote = self.protocol.asset(market.base), self.protocol.asset(market.quote)
        price = raw_price(Fraction(dollars) / Fraction(self.price(market.quote)), base.decimals, quote.decimals)
        self.uniswap.move_price(self.pool(market), base.token, price, self.maker)


def start(
    chain: Chain,
    config: Config | None = None,
    *,
    progress: Progress | None = None,
    tokens: dict[str, str] | None = None,
) -> Devnet:
    """Deploy everything on a local chain; `tokens` names another mock than MockERC20 for some symbols.

    Errors: ChainError on a network that is not local; DeployError naming the step that failed.
    """
    if not chain.is_local:
        raise ChainError(f"{chain.name} is not a local chain: a devnet mints tokens and moves time")
    settings = config or default_config()
    builder = _Builder(chain, settings, tokens or {})
    steps = builder.steps()
    total = len(steps) + len(plan(settings))
    tell = progress or (lambda number, steps_, title: None)
    for number, (title, run) in enumerate(zip(plan_world(settings), steps, strict=True)):
        tell(number, total, title)
        run()
    filled = builder.filled()
    deployed = deploy(
        chain, filled, builder.maker, progress=lambda number, _, title: tell(len(steps) + number, total, title)
    )
    whole = replace(deployed, contracts={**deployed.contracts, **builder.records})
    return Devnet(chain, filled, Protocol(chain, whole, check=False), builder.uniswap, builder.feeds, builder.maker)


def plan_world(config: Config) -> list[str]:
    """Return what `start` does before it deploys the protocol, step by step, without a chain."""
    return [
        *(f"{asset.symbol}: deploy token and feed" for asset in _with_token(config)),
        "deploy Uniswap v3",
        *(f"open the market {market.base}/{market.quote} {market.fee}" for market in config.markets),
        "let the markets gather history",
    ]


def attach(chain: Chain, manifest: Manifest, config: Config | None = None) -> Devnet:
    """Return the devnet that a manifest describes; ManifestError when it is not on this chain."""
    protocol = Protocol(chain, manifest)
    settings = config or default_config()
    uniswap = Uniswap.at(
        chain, *(manifest.address(role) for role in ("uniswap.factory", "uniswap.router", "uniswap.position_manager"))
    )
    feeds = {
        symbol: chain.at("MockFeed", manifest.address(f"feed.{symbol}"))
        for symbol in manifest.assets
        if f"feed.{symbol}" in manifest.contracts
    }
    return Devnet(chain, settings, protocol, uniswap, feeds, manifest.deployer)


def checkpoint(protocol: Protocol, sender: str) -> list[str]:
    """Take every mean's checkpoint that is due; return the roles of the sources. Works on any network."""
    now = protocol.chain.timestamp()
    taken = []
    for role, deployed in protocol.manifest.contracts.items():
        if deployed.contract == "TwapOracle":
            source = protocol.chain.at("TwapOracle", deployed.address)
            if source.next_checkpoint() <= now:
                source.checkpoint(sender=sender)
                taken.append(role)
    return taken


def _twaps(config: Config) -> Iterable[TwapConfig]:
    return (source for asset in config.assets for source in asset.sources if isinstance(source, TwapConfig))


def _with_token(config: Config) -> list[AssetConfig]:
    """Return the assets that have a token of their own: shares of a pool here come with the pool."""
    return [asset for asset in config.assets if asset.shares_of is None]


class _Builder:
    """Deploys what a live network would have: tokens, feeds, Uniswap v3 and its pools with history."""

    uniswap: Uniswap

    def __init__(self, chain: Chain, config: Config, tokens: dict[str, str]) -> None:
        self.chain = chain
        self.config = config
        self.maker = chain.accounts()[0]
        self.records: dict[str, Deployed] = {}
        self.feeds: dict[str, Contract] = {}
        self._mocks = tokens
        self._tokens: dict[str, Contract] = {}
        missing = [asset.symbol for asset in _with_token(config) if asset.symbol not in config.prices]
        if missing:
            raise DeployError(f"devnet.prices.{missing[0]}: is missing: a devnet needs a first price for every asset")

    def steps(self) -> list[Callable[[], None]]:
        """Return the steps that `plan_world` names."""
        return [
            *(partial(self._deploy_asset, asset) for asset in _with_token(self.config)),
            self._deploy_uniswap,
            *(partial(self._open, market) for market in self.config.markets),
            self._warm_up,
        ]

    def filled(self) -> Config:
        """Return the configuration with the addresses of what was deployed here."""
        return replace(
            self.config,
            uniswap=UniswapConfig(self.uniswap.factory.address),
            assets=tuple(self._filled(asset) for asset in self.config.assets),
        )

    def _filled(self, asset: AssetConfig) -> AssetConfig:
        if asset.shares_of is not None:
            return asset
        aggregator = self.feeds[asset.symbol].address
        sources = tuple(
            replace(source, aggregator=aggregator) if isinstance(source, FeedConfig) else source
            for source in asset.sources
        )
        return replace(asset, token=self._tokens[asset.symbol].address, sources=sources)

    def _deploy_asset(self, asset: AssetConfig) -> None:
        symbol = asset.symbol
        mock = self._mocks.get(symbol, PLAIN_ERC20)
        self._tokens[symbol] = self._deploy(f"token.{symbol}", mock, asset.name, symbol, asset.decimals)
        answer = to_raw(from_wad(self.config.prices[symbol]), FEED_DECIMALS)
        self.feeds[symbol] = self._deploy(f"feed.{symbol}", "MockFeed", f"{symbol} / USD", FEED_DECIMALS, answer)

    def _deploy_uniswap(self) -> None:
        wrapped = self._tokens.get("WETH") or next(iter(self._tokens.values()))
        self.uniswap = Uniswap.deploy(self.chain, wrapped, self.maker)
        self._record("uniswap.factory", self.uniswap.factory)
        self._record("uniswap.router", self.uniswap.router, self.uniswap.factory, wrapped)
        self._record("uniswap.position_manager", self.uniswap.position_manager, self.uniswap.factory, wrapped)

    def _open(self, market: MarketConfig) -> None:
        base, quote = self._tokens[market.base], self._tokens[market.quote]
        amounts = {base: self._worth(market.base, market.depth), quote: self._worth(market.quote, market.depth)}
        relative = Fraction(self.config.prices[market.base], self.config.prices[market.quote])
        price = raw_price(relative, self._decimals(market.base), self._decimals(market.quote))
        pool = self.uniswap.create_pool(base, quote, market.fee, price, self.maker)
        pool.grow(CARDINALITY, self.maker)
        for token, amount in amounts.items():
            token.mint(self.maker, 100 * amount, sender=self.maker)
        self.uniswap.add_liquidity(pool, amounts, self.maker)

    def _warm_up(self) -> None:
        """Let each market trade twice, a window apart, so that it has a history; then have the feeds answer again."""
        window = max((source.window for source in _twaps(self.config)), default=0)
        for seconds in (60, window, 60):
            self.chain.warp(seconds)
            for market in self.config.markets:
                self._trade_to_and_fro(market)
        for symbol, feed in self.feeds.items():
            feed.set_answer(to_raw(from_wad(self.config.prices[symbol]), FEED_DECIMALS), sender=self.maker)
        self.chain.warp(1)

    def _trade_to_and_fro(self, market: MarketConfig) -> None:
        base, quote = self._tokens[market.base], self._tokens[market.quote]
        pool = self.uniswap.pool(base, quote, market.fee)
        relative = Fraction(self.config.prices[market.base], self.config.prices[market.quote])
        price = raw_price(relative, self._decimals(market.base), self._decimals(market.quote))
        self.uniswap.move_price(pool, base, price * Fraction(PUSH), self.maker)
        self.uniswap.move_price(pool, base, price, self.maker)

    def _worth(self, symbol: str, dollars: int) -> int:
        """Return the raw units of an asset worth whole `dollars`, rounded down."""
        return dollars * 10**18 * int(10 ** self._decimals(symbol)) // self.config.prices[symbol]

    def _decimals(self, symbol: str) -> int:
        return self.config.asset(symbol).decimals

    def _deploy(self, role: str, name: str, *args: object) -> Contract:
        contract = self.chain.deploy(name, *args, sender=self.maker)
        self._record(role, contract, *args)
        return contract

    def _record(self, role: str, contract: Contract, *args: object) -> None:
        code = self.chain.code(contract.address)
        self.records[role] = Deployed(
            contract.name, contract.address, [manifests.plain(arg) for arg in args], manifests.code_hash(code)
        )
