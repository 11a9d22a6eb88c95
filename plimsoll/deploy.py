"""The one deploy function: devnet, scripts and tests all use it, so the way to a live network is the way the tests go.

    manifest = deploy(chain, config, sender)

Order: risk engine, operator registry, margin engine, auction, reserve fund, protection orders, swapper, lens, every
feed (the means need their quote's), then asset by asset its pool, its means, its listing and the engine's acceptance of
it, with the depth of its market; then what measures volatility, and what each asset's margin follows; then the factory
of long-tail listings and its blueprints; at the end ownership is handed over. Shares of a pool here are listed like any
other asset, after the pool's own.

A timelock that is to own it all is deployed first. It can accept the ownerships only by an operation, which its admin
schedules: here, where he deploys, else by `ape run governance accept`.

Engine and auction know each other by their constructors: the engine is given the address that the next contract of
the deployer will have, and that has to be the auction. Its deployment fails, before anything is sent, where the
deployer has sent something else in between; such an engine accepts no asset, and the deployment has to begin anew.

Every step looks at the chain before it acts. A deployment that was stopped goes on where it was when it is given what
it had reached: `deploy(..., begun=manifest)`; `reached` is called with that after every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from plimsoll import artifacts, governance
from plimsoll.chain import ZERO_ADDRESS, Chain, Contract, Revert
from plimsoll.config import (
    DEPLOYER,
    TIMELOCK,
    AssetConfig,
    Config,
    DepthConfig,
    DynamicsConfig,
    FeedConfig,
    TwapConfig,
    VaultConfig,
    most_of,
    sample_of,
    slowest_window,
)
from plimsoll.errors import ChainError, ConfigError, DeployError, ManifestError, from_reason
from plimsoll.manifest import Blueprint, Deployed, ListedAsset, Manifest, Market, code_hash, plain
from plimsoll.model import restrictions, volatility
from plimsoll.units import WAD_DECIMALS

Progress: TypeAlias = Callable[[int, int, str], None]
"""Called before every step with its number from 0, the number of steps, and what it does; at the end with no text."""

UNISWAP_FACTORY = "@uniswap/v3-core:UniswapV3Factory"
OWNED = ("risk_engine", "engine", "auction")
"""Roles with an owner, besides the pools."""
BLUEPRINTS = ("LendingPool", "TwapOracle", "FeedOracle", "UniswapV3Depth")
"""What the factory of listings deploys, in the order of its constructor."""


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
        if asset.shares_of is None:
            _check_token(chain, asset)
        for i, source in enumerate(asset.sources):
            if isinstance(source, VaultConfig) and asset.shares_of is None:
                _check_vault(chain, config, asset, source, f"assets.{asset.symbol}.sources[{i}]")
            if isinstance(source, TwapConfig) and _market_pool(chain, config, asset, source) == ZERO_ADDRESS:
                pair = f"{asset.symbol} and {source.quote} with the fee {source.fee}"
                raise ConfigError(f"assets.{asset.symbol}.sources[{i}].fee: Uniswap has no pool of {pair}")
    if chain.balance(sender) == 0:
        raise ChainError(f"{sender} has no ether on chain {chain.chain_id} ({chain.name}) to pay for gas")


def _addresses(config: Config) -> Iterator[tuple[str, str | None]]:
    yield "uniswap.factory", config.uniswap.factory if config.uniswap else None
    if config.protocol.sequencer != ZERO_ADDRESS:
        yield "protocol.sequencer", config.protocol.sequencer
    for asset in config.assets:
        if asset.shares_of is None:
            yield f"assets.{asset.symbol}.token", asset.token
        if asset.gate is not None:
            yield f"assets.{asset.symbol}.gate", asset.gate
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


def _check_vault(chain: Chain, config: Config, asset: AssetConfig, source: VaultConfig, where: str) -> None:
    underlying = config.asset(source.asset)
    try:
        held = chain.at("MockVault", str(asset.token)).asset()
    except Revert:
        raise ConfigError(f"assets.{asset.symbol}.token: {asset.token} is no vault: it names no asset") from None
    if underlying.shares_of is None and held != underlying.token:
        raise ConfigError(f"{where}.asset: {source.asset}, but the vault at {asset.token} is of the token {held}")


def _market_pool(chain: Chain, config: Config, asset: AssetConfig, source: TwapConfig) -> str:
    return _uniswap_pool(chain, config, str(asset.token), str(config.asset(source.quote).token), source.fee)


def _uniswap_pool(chain: Chain, config: Config, token: str, other: str, fee: int) -> str:
    if config.uniswap is None:
        raise ConfigError("uniswap.factory: is missing: only a devnet deploys it")
    pool: str = chain.at(UNISWAP_FACTORY, config.uniswap.factory).getPool(token, other, fee)
    return pool


# The steps


def _steps(config: Config) -> list[Step]:
    steps = [Step("deploy Timelock", _deploy_timelock)] if config.protocol.owner == TIMELOCK else []
    steps += [
        Step("deploy RiskEngine", _deploy_risk_engine),
        Step("deploy OperatorRegistry", _deploy_operators),
        Step("deploy MarginEngine", _deploy_engine),
        Step("deploy LiquidationAuction", _deploy_auction),
        Step("bind the operators to the engine", _bind_operators),
        Step("deploy ReserveFund", _deploy_reserve_fund),
        Step("deploy ProtectionOrders", _deploy_orders),
        Step("deploy UniswapV3Swapper", _deploy_swapper),
        Step("deploy MarginLens", _deploy_lens),
    ]
    if any(_vault_roles(config)):
        steps.append(Step("deploy VaultSwapper", _deploy_vault_swapper))
    for asset in config.assets:
        for i, source in enumerate(asset.sources):
            if isinstance(source, FeedConfig):
                steps.append(_feed_step(asset, i, source))
    for asset in config.assets:
        steps.append(_pool_step(asset))
        for i, source in enumerate(asset.sources):
            if isinstance(source, TwapConfig):
                steps.append(_twap_step(asset, i, source))
            if isinstance(source, VaultConfig):
                steps.append(_vault_step(asset, i, source))
        if asset.depth is not None:
            steps.append(_depth_step(asset, asset.depth))
        steps += [_listing_step(asset), _acceptance_step(asset)]
        if asset.collateral_cap or asset.gate is not None:
            steps.append(_restriction_step(asset))
    if any(asset.dynamics is not None for asset in config.assets):
        steps.append(Step("deploy VolatilityOracle", _deploy_volatility))
    for asset in config.assets:
        if asset.dynamics is not None:
            steps += [_volatility_step(asset, asset.dynamics), _dynamics_step(asset, asset.dynamics)]
    if config.isolated is not None:
        steps += [Step(f"store the blueprint of {name}", _blueprint_step(name)) for name in BLUEPRINTS]
        steps += [
            Step("deploy IsolatedFactory", _deploy_factory),
            Step("let the factory list in the risk engine", _set_lister),
        ]
    if config.protocol.owner != DEPLOYER:
        followed = ["volatility"] if any(asset.dynamics is not None for asset in config.assets) else []
        roles = [*OWNED, *followed, *(f"pool.{asset.symbol}" for asset in config.assets), *_vault_roles(config)]
        steps += [_handover_step(role, config.protocol.owner) for role in roles]
    if config.protocol.owner == TIMELOCK:
        steps.append(Step("queue the timelock's acceptance of them, if its admin deploys", _queue_acceptance))
    return steps


def _deploy_timelock(work: _Work) -> None:
    work.deploy("timelock", "Timelock", work.config.protocol.timelock_delay, work.admin, work.guardian)


def _deploy_risk_engine(work: _Work) -> None:
    protocol = work.config.protocol
    work.deploy(
        "risk_engine",
        "RiskEngine",
        protocol.initial_ratio,
        protocol.notice,
        protocol.wide_delay,
        protocol.sequencer,
        protocol.cure_window,
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
        work.auction_address(),
        work.config.protocol.min_debt,
        work.sender,
        work.guardian,
    )


def _bind_operators(work: _Work) -> None:
    if work.at("operators").engine() == ZERO_ADDRESS:
        work.at("operators").bind(work.at("engine"), sender=work.sender)


def _deploy_auction(work: _Work) -> None:
    terms = work.config.auction
    work.deploy_at(
        work.auction_address(),
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


def _deploy_reserve_fund(work: _Work) -> None:
    work.deploy("reserve_fund", "ReserveFund", work.at("engine"), work.config.protocol.cooldown)


def _deploy_orders(work: _Work) -> None:
    work.deploy("orders", "ProtectionOrders", work.at("engine"))


def _deploy_swapper(work: _Work) -> None:
    if work.config.uniswap is None:
        raise ConfigError("uniswap.factory: is missing: only a devnet deploys it")
    work.deploy("swapper", "UniswapV3Swapper", work.config.uniswap.factory)


def _deploy_vault_swapper(work: _Work) -> None:
    work.deploy("vault_swapper", "VaultSwapper")


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


def _vault_step(asset: AssetConfig, index: int, vault: VaultConfig) -> Step:
    def run(work: _Work) -> None:
        underlying = work.config.asset(vault.asset)
        work.deploy(
            _source_role(asset, index),
            "VaultShareOracle",
            work.token(asset),
            work.token(underlying),
            work.at(_source_role(underlying, vault.source)),
            sample_of(vault, asset),
            most_of(vault, underlying),
            vault.yearly_cap,
            work.sender,
        )

    return Step(f"{asset.symbol}: deploy VaultShareOracle over {vault.asset}", run)


def _depth_step(asset: AssetConfig, depth: DepthConfig) -> Step:
    def run(work: _Work) -> None:
        mean = next(i for i, source in enumerate(asset.sources) if isinstance(source, TwapConfig))
        work.deploy(depth_role(asset), "UniswapV3Depth", work.at(_source_role(asset, mean)), depth.reach)

    return Step(f"{asset.symbol}: deploy UniswapV3Depth", run)


def _pool_step(asset: AssetConfig) -> Step:
    pool, rates = asset.pool, asset.pool.rates

    def run(work: _Work) -> None:
        work.deploy(
            f"pool.{asset.symbol}",
            "LendingPool",
            work.token(asset),
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
        if risk_engine.key_of(work.token(asset)) == 0:
            risk_engine.list_asset(
                work.token(asset),
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
        if engine.asset_of(work.token(asset))[0] == 0:
            engine.add_asset(work.token(asset), work.at(f"pool.{asset.symbol}"), sender=work.sender)

    return Step(f"{asset.symbol}: add to the engine", run)


def _restriction_step(asset: AssetConfig) -> Step:
    def run(work: _Work) -> None:
        engine, token = work.at("engine"), work.token(asset)
        gate, cap = engine.restrictions_of(token)
        if asset.gate is not None and gate != asset.gate:
            engine.set_gate(token, asset.gate, sender=work.sender)
        if cap != restrictions.rounded(asset.collateral_cap):
            engine.set_cap(token, asset.collateral_cap, sender=work.sender)

    return Step(f"{asset.symbol}: restrict new risk with it", run)


def _deploy_volatility(work: _Work) -> None:
    work.deploy("volatility", "VolatilityOracle", work.at("risk_engine"), work.sender, work.guardian)


def _volatility_step(asset: AssetConfig, dynamics: DynamicsConfig) -> Step:
    def run(work: _Work) -> None:
        oracle, key = work.at("volatility"), work.at("risk_engine").key_of(work.token(asset))
        if oracle.last(key)[1] == 0:
            parameters = (
                dynamics.interval,
                slowest_window(work.config, asset),
                dynamics.fast_half_life,
                dynamics.slow_half_life,
                dynamics.patience,
                dynamics.max_sigma,
                dynamics.start_sigma,
            )
            oracle.add(key, parameters, sender=work.sender)

    return Step(f"{asset.symbol}: follow its volatility", run)


def _dynamics_step(asset: AssetConfig, dynamics: DynamicsConfig) -> Step:
    def run(work: _Work) -> None:
        risk_engine = work.at("risk_engine")
        key = risk_engine.key_of(work.token(asset))
        parameters = (
            work.at("volatility").address,
            volatility.multiple(dynamics.deviations, dynamics.horizon),
            work.at(depth_role(asset)).address if dynamics.impact else ZERO_ADDRESS,
            dynamics.impact,
            dynamics.size_limit,
        )
        if tuple(risk_engine.dynamics_of(key))[: len(parameters)] != parameters:
            risk_engine.set_dynamics(key, parameters, sender=work.sender)

    return Step(f"{asset.symbol}: let its margin follow its volatility{' and depth' if dynamics.impact else ''}", run)


def _handover_step(role: str, owner: str) -> Step:
    def run(work: _Work) -> None:
        contract, heir = work.at(role), work.owner
        if contract.owner() != heir and contract.pending_owner() != heir:
            contract.transfer_ownership(heir, sender=work.sender)

    heir = "the timelock, which" if owner == TIMELOCK else f"{owner}, who"
    return Step(f"offer ownership of {role} to {heir} must accept it", run)


def _blueprint_step(name: str) -> Callable[[_Work], None]:
    return lambda work: work.store_blueprint(name)


def _deploy_factory(work: _Work) -> None:
    terms = work.config.isolated
    if terms is None or work.config.uniswap is None:
        raise ConfigError("uniswap.factory: is missing: only a devnet deploys it")
    work.deploy(
        "factory",
        "IsolatedFactory",
        work.at("engine"),
        work.at("risk_engine"),
        work.at("reserve_fund"),
        work.config.uniswap.factory,
        [work.blueprints[name].address for name in BLUEPRINTS],
        artifacts.load(BLUEPRINTS[0]).blueprint_rest,
        [_listing_quote(work, symbol) for symbol in terms.quotes],
        (terms.least_depth, terms.cap_value, terms.floor),
        list(terms.reserved),
        work.owner,
        work.guardian,
    )


def _listing_quote(work: _Work, symbol: str) -> list[Any]:
    """Return a quote asset of listings with its first feed."""
    asset = work.config.asset(symbol)
    feed = next(i for i, source in enumerate(asset.sources) if isinstance(source, FeedConfig))
    return [work.token(asset), work.at(_source_role(asset, feed))]


def _set_lister(work: _Work) -> None:
    risk_engine, factory = work.at("risk_engine"), work.at("factory")
    if risk_engine.lister() != factory.address:
        risk_engine.set_lister(factory, sender=work.sender)


def _queue_acceptance(work: _Work) -> None:
    rule = governance.Governance(work.chain, work.manifest())
    if rule.timelock.owner() == work.sender:
        rule.schedule_acceptance(work.sender)


def _source_role(asset: AssetConfig, index: int) -> str:
    return f"source.{asset.symbol}.{index}"


def depth_role(asset: AssetConfig) -> str:
    """Return the role of the contract that measures the depth of an asset's market."""
    return f"depth.{asset.symbol}"


def _vault_roles(config: Config) -> Iterator[str]:
    for asset in config.assets:
        for i, source in enumerate(asset.sources):
            if isinstance(source, VaultConfig):
                yield _source_role(asset, i)


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
        self.blueprints = dict(self._base.blueprints)
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

    @property
    def admin(self) -> str:
        """Who drives the timelock."""
        return self._person(self.config.protocol.admin)

    @property
    def owner(self) -> str:
        """Who owns everything in the end."""
        owner = self.config.protocol.owner
        return self.at("timelock").address if owner == TIMELOCK else self._person(owner)

    def token(self, asset: AssetConfig) -> str:
        """Return an asset's token: what the configuration names, or the pool whose shares it is."""
        return str(asset.token) if asset.shares_of is None else self.at(f"pool.{asset.shares_of}").address

    def at(self, role: str) -> Contract:
        """Return the contract in a role; DeployError when it is not there yet."""
        if role not in self._contracts:
            raise DeployError(f"{role} is needed before it is deployed")
        return self._contracts[role]

    def auction_address(self) -> str:
        """Return where the engine's auction is, or will be."""
        if "engine" in self._contracts:
            return str(self.at("engine").auction())
        return self.chain.next_address(self.sender, ahead=1)

    def deploy_at(self, address: str, role: str, name: str, engine: Contract, *args: Any) -> None:
        """Deploy the contract that `engine` knows at `address`; one that is there already is taken over.

        DeployError where it would have another address, or what is there does not know the engine.
        """
        if role not in self._records and self.chain.is_contract(address):
            self._record(role, name, self.chain.at(name, address), (engine, *args))
        elif role not in self._records and self.chain.next_address(self.sender) != address:
            elsewhere = f"the engine's {role} has to be at {address}, but {self.sender} would deploy the next contract"
            raise DeployError(f"{elsewhere} at {self.chain.next_address(self.sender)}: begin anew")
        self.deploy(role, name, engine, *args)
        if self.at(role).address != address or self.at(role).margin_engine() != engine.address:
            strangers = f"the {role} at {self.at(role).address} and the engine do not know each other"
            raise DeployError(f"{strangers}: begin anew")

    def deploy(self, role: str, name: str, *args: Any) -> None:
        """Deploy a contract unless the deployment that was begun has it with the same arguments."""
        arguments = [plain(arg) for arg in args]
        known = self._records.get(role)
        if known is not None:
            if (known.contract, known.arguments) != (name, arguments):
                raise DeployError(f"{role} was deployed with other arguments: {known.contract}{known.arguments}")
            return
        self._record(role, name, self.chain.deploy(name, *args, sender=self.sender), args)

    def store_blueprint(self, name: str) -> None:
        """Store a contract's creation code unless the deployment that was begun has it."""
        if name not in self.blueprints:
            address = self.chain.deploy_blueprint(name, self.sender)
            self.blueprints[name] = Blueprint(address, code_hash(self.chain.code(address)))

    def _record(self, role: str, name: str, contract: Contract, args: Sequence[Any]) -> None:
        hashed = code_hash(self.chain.code(contract.address))
        self._contracts[role] = contract
        self._records[role] = Deployed(name, contract.address, [plain(arg) for arg in args], hashed)

    def manifest(self) -> Manifest:
        """Return what has been deployed so far."""
        listed = [asset for asset in self.config.assets if f"pool.{asset.symbol}" in self._contracts]
        reached = replace(self._base, contracts=dict(self._records), blueprints=dict(self.blueprints))
        return replace(
            reached,
            to_accept=[] if self.config.protocol.owner == DEPLOYER else governance.not_accepted(self.chain, reached),
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
            token=self.token(asset),
            decimals=asset.decimals,
            key=hex(self.at("risk_engine").key_of(self.token(asset))),
            pool=self.at(f"pool.{asset.symbol}").address,
            isolated=asset.isolated,
            sources=[
                _source_role(asset, i) for i in range(len(asset.sources)) if _source_role(asset, i) in self._contracts
            ],
        )

    def _person(self, configured: str) -> str:
        return self.sender if configured == DEPLOYER else configured
