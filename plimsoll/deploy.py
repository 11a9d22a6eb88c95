"""The one deploy function: devnet, scripts and tests all use it, so the way to a live network is the way the tests go.

    manifest = deploy(chain, config, sender)

Order: risk engine, operator registry, margin engine, auction, reserve fund, swapper, lens, every feed (the means need
their quote's), then asset by asset its pool, its means, its listing and the engine's acceptance of it; at the end
ownership is handed over.

Every step looks at the chain before it acts. A deployment that was stopped goes on where it was when it is given what
it had reached: `deploy(..., begun=manifest)`; `reached` is called with that after every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from plimsoll.chain import ZERO_ADDRESS, Chain, Contract, Revert
from plimsoll.config import DEPLOYER, AssetConfig, Config, FeedConfig, TwapConfig
from plimsoll.errors import ChainError, ConfigError, DeployError, ManifestError, from_reason
from plimsoll.manifest import Deployed, ListedAsset, Manifest, Market, code_hash, plain
from plimsoll.units import WAD_DECIMALS

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called before every step with its number from 0, the number of steps, and what it does; at the end with no text."""

UNISWAP_FACTORY = "@uniswap/v3-core:UniswapV3Factory"
OWNED = ("risk_engine", "engine", "auction")
"""Roles with an owner, besides the pools."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it says on the screen and what it does."""

    title: str
    run: Callable[[_Work], None]


def plan(config: Config) -> list[str]:
    """Return what `deploy` would do, step by step, without a chain."""
    return [step.title for step in _steps(config)]


def deploy(
    chain: Chain,
    config: Config,
    sender: str,
    *,
    progress: Progress | None = None,
    begun: Manifest | None = None,
    reached: Callable[[Manifest], None] | None = None,
) -> Manifest:
    """Deploy the protocol and return its manifest.

    Errors: ConfigError when the configuration leaves open what only a devnet fills in, or contradicts the chain;
    ChainError when `sender` cannot pay; DeployError naming the step and the contract's reason when one fails.
    """
    preflight(chain, config, sender)
    work = _Work(chain, config, sender, begun)
    steps = _steps(config)
    for number, step in enumerate(steps):
        if progress is not None:
            progress(number, len(steps), step.title)
        try:
            step.run(work)
        except Revert as error:
            reason = from_reason(error.reason, None, error.halt)
            raise DeployError(f"step {number + 1} of {len(steps)}, {step.title}: {reason}") from error
        if reached is not None:
            reached(work.manifest())
    if progress is not None:
        progress(len(steps), len(steps), "")
    return work.manifest()


def preflight(chain: Chain, config: Config, sender: str) -> None:
    """Raise before anything is sent when the configuration cannot be deployed on this chain by this sender."""
    expected = config.protocol.chain_id
    if expected not in (None, chain.chain_id):
        raise ChainError(f"{chain.name} is chain {chain.chain_id}, but protocol.chain_id is {expected}")
    for where, address in _addresses(config):
        if address is None:
            raise ConfigError(f"{where}: is missing: only a devnet deploys it")
        if not chain.is_contract(address):
            raise ConfigError(f"{where}: there is no contract at {address} on chain {chain.chain_id}")
    for asset in config.assets:
        _check_token(chain, asset)
        for i, source in enumerate(asset.sources):
            if isinstance(source, TwapConfig) and _market_pool(chain, config, asset, source) == ZERO_ADDRESS:
                pair = f"{asset.symbol} and {source.quote} with the fee {source.fee}"
                raise ConfigError(f"assets.{asset.symbol}.sources[{i}].fee: Uniswap has no pool of {pair}")
    if chain.balance(sender) == 0:
        raise ChainError(f"{sender} has no ether on chain {chain.chain_id} ({chain.name}) to pay for gas")


def _addresses(config: Config) -> Iterator[tuple[str, str | None]]:
    yield "uniswap.factory", config.uniswap.factory if config.uniswap else None
    for asset in config.assets:
        yield f"assets.{asset.symbol}.token", asset.token
        for i, source in enumerate(asset.sources):
            if isinstance(source, FeedConfig):
                yield f"assets.{asset.symbol}.sources[{i}].aggregator", source.aggregator
                if source.sequencer != ZERO_ADDRESS:
                    yield f"assets.{asset.symbol}.sources[{i}].sequencer", source.sequencer


def _check_token(chain: Chain, asset: AssetConfig) -> None:
    where = f"assets.{asset.symbol}.decimals"
    try:
        decimals = chain.at("MockERC20", str(asset.token)).decimals()
    except Revert:
        raise ConfigError(f"assets.{asset.symbol}.token: {asset.token} does not say its decimals") from None
    if decimals != asset.decimals:
        raise ConfigError(f"{where}: {asset.decimals}, but the token at {asset.token} has {decimals}")


def _market_pool(chain: Chain, config: Config, asset: AssetConfig, source: TwapConfig) -> str:
    return _uniswap_pool(chain, config, str(asset.token), str(config.asset(source.quote).token), source.fee)


def _uniswap_pool(chain: Chain, config: Config, token: str, other: str, fee: int) -> str:
    if config.uniswap is None:
        raise ConfigError("uniswap.factory: is missing: only a devnet deploys it")
    pool: str = chain.at(UNISWAP_FACTORY, config.uniswap.factory).getPool(token, other, fee)
    return pool


# The steps


def _steps(config: Config) -> list[Step]:
    steps = [
        Step("deploy RiskEngine", _deploy_risk_engine),
        Step("deploy OperatorRegistry", _deploy_operators),
        Step("deploy MarginEngine", _deploy_engine),
        Step("bind the operators to the engine", _bind_operators),
        Step("deploy LiquidationAuction", _deploy_auction),
        Step("name the auction to the engine", _set_auction),
        Step("deploy ReserveFund", _deploy_reserve_fund),
        Step("deploy UniswapV3Swapper", _deploy_swapper),
        Step("deploy MarginLens", _deploy_lens),
    ]
    for asset in config.assets:
        for i, source in enumerate(asset.sources):
            if isinstance(source, FeedConfig):
                steps.append(_feed_step(asset, i, source))
    for asset in config.assets:
        steps.append(_pool_step(asset))
        for i, source in enumerate(asset.sources):
            if isinstance(source, TwapConfig):
                steps.append(_twap_step(asset, i, source))
        steps += [_listing_step(asset), _acceptance_step(asset)]
    if config.protocol.owner != DEPLOYER:
        roles = [*OWNED, *(f"pool.{asset.symbol}" for asset in config.assets)]
        steps += [_handover_step(role, config.protocol.owner) for role in roles]
    return steps


def _deploy_risk_engine(work: _Work) -> None:
    protocol = work.config.protocol
    work.deploy(
        "risk_engine",
        "RiskEngine",
        protocol.initial_ratio,
        protocol.notice,
        protocol.wide_delay,
        work.sender,
        work.guardian,
    )


def _deploy_operators(work: _Work) -> None:
    work.deploy("operators", "OperatorRegistry")


def _deploy_engine(work: _Work) -> None:
    work.deploy(
        "engine",
        "MarginEngine",
        work.at("risk_engine"),
        work.at("operators"),
        work.config.protocol.min_debt,
        work.sender,
        work.guardian,
    )


def _bind_operators(work: _Work) -> None:
    if work.at("operators").engine() == ZERO_ADDRESS:
        work.at("operators").bind(work.at("engine"), sender=work.sender)


def _deploy_auction(work: _Work) -> None:
    terms = work.config.auction
    work.deploy(
        "auction",
        "LiquidationAuction",
        work.at("engine"),
        (
            terms.tau,
            terms.tail,
            terms.kappa,
            terms.start_level,
            terms.target_share,
            terms.starter_share,
            terms.fund_share,
            terms.least_penalty,
            terms.most_penalty,
        ),
        work.sender,
        work.guardian,
    )


def _set_auction(work: _Work) -> None:
    if work.at("engine").auction() == ZERO_ADDRESS:
        work.at("engine").set_auction(work.at("auction"), sender=work.sender)


def _deploy_reserve_fund(work: _Work) -> None:
    work.deploy("reserve_fund", "ReserveFund", work.at("engine"), work.config.protocol.cooldown)


def _deploy_swapper(work: _Work) -> None:
    if work.config.uniswap is None:
        raise ConfigError("uniswap.factory: is missing: only a devnet deploys it")
    work.deploy("swapper", "UniswapV3Swapper", work.config.uniswap.factory)


def _deploy_lens(work: _Work) -> None:
    work.deploy("lens", "MarginLens", work.at("engine"))


def _feed_step(asset: AssetConfig, index: int, feed: FeedConfig) -> Step:
    def run(work: _Work) -> None:
        aggregator = str(feed.aggregator)
        decimals = work.chain.at("MockFeed", aggregator).decimals()
        low, high = (_answer(limit, decimals) for limit in (feed.low, feed.high))
        work.deploy(
            _source_role(asset, index),
            "FeedOracle",
            aggregator,
            asset.decimals,
            max(low, 1),
            high,
            feed.max_age,
            feed.sequencer,
            feed.sequencer_grace,
        )

    return Step(f"{asset.symbol}: deploy FeedOracle", run)


def _twap_step(asset: AssetConfig, index: int, twap: TwapConfig) -> Step:
    def run(work: _Work) -> None:
        quote = work.config.asset(twap.quote)
        feed = next(i for i, source in enumerate(quote.sources) if isinstance(source, FeedConfig))
        work.deploy(
            _source_role(asset, index),
            "TwapOracle",
            _market_pool(work.chain, work.config, asset, twap),
            asset.token,
            work.at(_source_role(quote, feed)),
            twap.window,
            twap.max_age,
            twap.max_ticks_per_hour,
            twap.min_liquidity,
        )

    return Step(f"{asset.symbol}: deploy TwapOracle over {asset.symbol}/{twap.quote} {twap.fee}", run)


def _pool_step(asset: AssetConfig) -> Step:
    pool, rates = asset.pool, asset.pool.rates

    def run(work: _Work) -> None:
        work.deploy(
            f"pool.{asset.symbol}",
            "LendingPool",
            asset.token,
            pool.name,
            pool.symbol,
            work.at("engine"),
            work.at("reserve_fund"),
            work.sender,
            work.guardian,
            (rates.target, rates.steepness, rates.speed, rates.min_rate, rates.max_rate),
            rates.start,
            pool.supply_cap,
            pool.borrow_cap,
            pool.reserve_factor,
            pool.flash_fee,
        )

    return Step(f"{asset.symbol}: deploy LendingPool", run)


def _listing_step(asset: AssetConfig) -> Step:
    prices, margin = asset.prices, asset.margin

    def run(work: _Work) -> None:
        risk_engine = work.at("risk_engine")
        if risk_engine.key_of(asset.token) == 0:
            risk_engine.list_asset(
                asset.token,
                asset.isolated,
                [work.at(_source_role(asset, i)) for i in range(len(asset.sources))],
                (prices.min_sources, prices.max_deviation, prices.min_spread, prices.spread_growth, prices.max_spread),
                (margin.floor, margin.cap, margin.size_slope, margin.ramp_up, margin.ramp_down),
                sender=work.sender,
            )

    return Step(f"{asset.symbol}: list in the risk engine", run)


def _acceptance_step(asset: AssetConfig) -> Step:
    def run(work: _Work) -> None:
        engine = work.at("engine")
        if engine.asset_of(asset.token)[0] == 0:
            engine.add_asset(asset.token, work.at(f"pool.{asset.symbol}"), sender=work.sender)

    return Step(f"{asset.symbol}: add to the engine", run)


def _handover_step(role: str, owner: str) -> Step:
    def run(work: _Work) -> None:
        contract = work.at(role)
        if contract.owner() != owner and contract.pending_owner() != owner:
            contract.transfer_ownership(owner, sender=work.sender)

    return Step(f"offer ownership of {role} to {owner}, who must accept it", run)


def _source_role(asset: AssetConfig, index: int) -> str:
    return f"source.{asset.symbol}.{index}"


def _answer(wad: int, decimals: int) -> int:
    """Return a price in WAD dollars as a feed of `decimals` would answer it, rounded down."""
    return wad * int(10**decimals) // int(10**WAD_DECIMALS)


class _Work:
    """A deployment under way: the contracts there are, by role."""

    def __init__(self, chain: Chain, config: Config, sender: str, begun: Manifest | None) -> None:
        self.chain = chain
        self.config = config
        self.sender = sender
        self._contracts: dict[str, Contract] = {}
        self._base = begun or Manifest(chain.chain_id, chain.name, chain.block_number(), sender)
        self._records = dict(self._base.contracts)
        if begun is not None:
            begun.check(chain)
            if begun.deployer != sender:
                raise ManifestError(f"the deployment was begun by {begun.deployer}, not by {sender}")
            for role, deployed in begun.contracts.items():
                self._contracts[role] = chain.at(deployed.contract, deployed.address)

    @property
    def guardian(self) -> str:
        """The guardian's address."""
        return self._person(self.config.protocol.guardian)

    def at(self, role: str) -> Contract:
        """Return the contract in a role; DeployError when it is not there yet."""
        if role not in self._contracts:
            raise DeployError(f"{role} is needed before it is deployed")
        return self._contracts[role]

    def deploy(self, role: str, name: str, *args: Any) -> None:
        """Deploy a contract unless the deployment that was begun has it with the same arguments."""
        arguments = [plain(arg) for arg in args]
        known = self._records.get(role)
        if known is not None:
            if (known.contract, known.arguments) != (name, arguments):
                raise DeployError(f"{role} was deployed with other arguments: {known.contract}{known.arguments}")
            return
        contract = self.chain.deploy(name, *args, sender=self.sender)
        self._contracts[role] = contract
        self._records[role] = Deployed(name, contract.address, arguments, code_hash(self.chain.code(contract.address)))

    def manifest(self) -> Manifest:
        """Return what has been deployed so far."""
        listed = [asset for asset in self.config.assets if f"pool.{asset.symbol}" in self._contracts]
        return replace(
            self._base,
            contracts=dict(self._records),
            assets={asset.symbol: self._listed(asset) for asset in listed},
            markets=[
                Market(
                    market.base,
                    market.quote,
                    market.fee,
                    _uniswap_pool(
                        self.chain,
                        self.config,
                        str(self.config.asset(market.base).token),
                        str(self.config.asset(market.quote).token),
                        market.fee,
                    ),
                )
                for market in self.config.markets
            ],
        )

    def _listed(self, asset: AssetConfig) -> ListedAsset:
        return ListedAsset(
            token=str(asset.token),
            decimals=asset.decimals,
            key=hex(self.at("risk_engine").key_of(asset.token)),
            pool=self.at(f"pool.{asset.symbol}").address,
            isolated=asset.isolated,
            sources=[
                _source_role(asset, i) for i in range(len(asset.sources)) if _source_role(asset, i) in self._contracts
            ],
        )

    def _person(self, configured: str) -> str:
        return self.sender if configured == DEPLOYER else configured


