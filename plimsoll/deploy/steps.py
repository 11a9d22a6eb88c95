"""What is deployed and set, step by step, each of which looks at the chain before it acts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from plimsoll import artifacts, governance
from plimsoll.chain import ZERO_ADDRESS, Contract
from plimsoll.config import (
    DEPLOYER,
    TIMELOCK,
    AssetConfig,
    Config,
    DepthConfig,
    DynamicsConfig,
    FeedConfig,
    PoolConfig,
    TwapConfig,
    VaultConfig,
    most_of,
    sample_of,
    slowest_window,
)
from plimsoll.deploy.work import Work, depth_role, market_pool, pool_role, source_role, uniswap_factory
from plimsoll.model import restrictions, volatility
from plimsoll.units import WAD_DECIMALS

OWNED = ("risk_engine", "engine", "auction")
"""Roles with an owner, besides the pools."""
BLUEPRINTS = ("LendingPool", "TwapOracle", "FeedOracle", "UniswapV3Depth")
"""What the factory of listings deploys, in the order of its constructor."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it says on the screen and what it does."""

    title: str
    run: Callable[[Work], None]


def steps_of(config: Config) -> list[Step]:
    """Return the steps of a deployment, in order."""
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
        roles = [*OWNED, *followed, *map(pool_role, config.assets), *_vault_roles(config)]
        steps += [_handover_step(role, config.protocol.owner) for role in roles]
    if config.protocol.owner == TIMELOCK:
        steps.append(Step("queue the timelock's acceptance of them, if its admin deploys", _queue_acceptance))
    return steps


def _deploy_timelock(work: Work) -> None:
    work.deploy("timelock", "Timelock", work.config.protocol.timelock_delay, work.admin, work.guardian)


def _deploy_risk_engine(work: Work) -> None:
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


def _deploy_operators(work: Work) -> None:
    work.deploy("operators", "OperatorRegistry")


def _deploy_engine(work: Work) -> None:
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


def _bind_operators(work: Work) -> None:
    if work.at("operators").engine() == ZERO_ADDRESS:
        work.at("operators").bind(work.at("engine"), sender=work.sender)


def _deploy_auction(work: Work) -> None:
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


def _deploy_reserve_fund(work: Work) -> None:
    work.deploy("reserve_fund", "ReserveFund", work.at("engine"), work.config.protocol.cooldown)


def _deploy_orders(work: Work) -> None:
    work.deploy("orders", "ProtectionOrders", work.at("engine"))


def _deploy_swapper(work: Work) -> None:
    work.deploy("swapper", "UniswapV3Swapper", uniswap_factory(work.config))


def _deploy_vault_swapper(work: Work) -> None:
    work.deploy("vault_swapper", "VaultSwapper")


def _deploy_lens(work: Work) -> None:
    work.deploy("lens", "MarginLens", work.at("engine"))


def _feed_step(asset: AssetConfig, index: int, feed: FeedConfig) -> Step:
    def run(work: Work) -> None:
        aggregator = str(feed.aggregator)
        decimals = work.chain.at("MockFeed", aggregator).decimals()
        low, high = (_answer(limit, decimals) for limit in (feed.low, feed.high))
        work.deploy(
            source_role(asset, index),
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
    def run(work: Work) -> None:
        quote = work.config.asset(twap.quote)
        feed = next(i for i, source in enumerate(quote.sources) if isinstance(source, FeedConfig))
        work.deploy(
            source_role(asset, index),
            "TwapOracle",
            market_pool(work.chain, work.config, asset, twap),
            asset.token,
            work.at(source_role(quote, feed)),
            twap.window,
            twap.max_age,
            twap.max_ticks_per_hour,
            twap.min_liquidity,
        )

    return Step(f"{asset.symbol}: deploy TwapOracle over {asset.symbol}/{twap.quote} {twap.fee}", run)


def _vault_step(asset: AssetConfig, index: int, vault: VaultConfig) -> Step:
    def run(work: Work) -> None:
        underlying = work.config.asset(vault.asset)
        work.deploy(
            source_role(asset, index),
            "VaultShareOracle",
            work.token(asset),
            work.token(underlying),
            work.at(source_role(underlying, vault.source)),
            sample_of(vault, asset),
            most_of(vault, underlying),
            vault.yearly_cap,
            work.sender,
        )

    return Step(f"{asset.symbol}: deploy VaultShareOracle over {vault.asset}", run)


def _depth_step(asset: AssetConfig, depth: DepthConfig) -> Step:
    def run(work: Work) -> None:
        mean = next(i for i, source in enumerate(asset.sources) if isinstance(source, TwapConfig))
        work.deploy(depth_role(asset), "UniswapV3Depth", work.at(source_role(asset, mean)), depth.reach)

    return Step(f"{asset.symbol}: deploy UniswapV3Depth", run)


def _pool_step(asset: AssetConfig) -> Step:
    def run(work: Work) -> None:
        engine, fund = work.at("engine"), work.at("reserve_fund")
        arguments = pool_arguments(asset.pool, work.token(asset), engine, fund, work.sender, work.guardian)
        work.deploy(pool_role(asset), "LendingPool", *arguments)

    return Step(f"{asset.symbol}: deploy LendingPool", run)


def pool_arguments(
    pool: PoolConfig, token: str, engine: Contract, fund: Contract, owner: str, guardian: str
) -> tuple[Any, ...]:
    """Return what a LendingPool's constructor takes."""
    roles = (engine, fund, owner, guardian)
    limits = (pool.supply_cap, pool.borrow_cap, pool.reserve_factor, pool.flash_fee)
    return token, pool.name, pool.symbol, *roles, pool.rates.parameters(), pool.rates.start, *limits


def _listing_step(asset: AssetConfig) -> Step:
    def run(work: Work) -> None:
        risk_engine = work.at("risk_engine")
        if risk_engine.key_of(work.token(asset)) == 0:
            risk_engine.list_asset(
                work.token(asset),
                asset.isolated,
                [work.at(source_role(asset, i)) for i in range(len(asset.sources))],
                asset.prices.parameters(),
                asset.margin.parameters(),
                sender=work.sender,
            )

    return Step(f"{asset.symbol}: list in the risk engine", run)


def _acceptance_step(asset: AssetConfig) -> Step:
    def run(work: Work) -> None:
        engine = work.at("engine")
        if engine.asset_of(work.token(asset))[0] == 0:
            engine.add_asset(work.token(asset), work.at(pool_role(asset)), sender=work.sender)

    return Step(f"{asset.symbol}: add to the engine", run)


def _restriction_step(asset: AssetConfig) -> Step:
    def run(work: Work) -> None:
        engine, token = work.at("engine"), work.token(asset)
        gate, cap = engine.restrictions_of(token)
        if asset.gate is not None and gate != asset.gate:
            engine.set_gate(token, asset.gate, sender=work.sender)
        if cap != restrictions.rounded(asset.collateral_cap):
            engine.set_cap(token, asset.collateral_cap, sender=work.sender)

    return Step(f"{asset.symbol}: restrict new risk with it", run)


def _deploy_volatility(work: Work) -> None:
    work.deploy("volatility", "VolatilityOracle", work.at("risk_engine"), work.sender, work.guardian)


def _volatility_step(asset: AssetConfig, dynamics: DynamicsConfig) -> Step:
    def run(work: Work) -> None:
        oracle, key = work.at("volatility"), work.at("risk_engine").key_of(work.token(asset))
        if oracle.last(key)[1] == 0:
            parameters = dynamics.volatility_parameters(slowest_window(work.config, asset))
            oracle.add(key, parameters, sender=work.sender)

    return Step(f"{asset.symbol}: follow its volatility", run)


def _dynamics_step(asset: AssetConfig, dynamics: DynamicsConfig) -> Step:
    def run(work: Work) -> None:
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
    def run(work: Work) -> None:
        contract, heir = work.at(role), work.owner
        if contract.owner() != heir and contract.pending_owner() != heir:
            contract.transfer_ownership(heir, sender=work.sender)

    heir = "the timelock, which" if owner == TIMELOCK else f"{owner}, who"
    return Step(f"offer ownership of {role} to {heir} must accept it", run)


def _blueprint_step(name: str) -> Callable[[Work], None]:
    return lambda work: work.store_blueprint(name)


def _deploy_factory(work: Work) -> None:
    terms = work.config.isolated
    assert terms is not None, "a step of configurations that have them"
    work.deploy(
        "factory",
        "IsolatedFactory",
        work.at("engine"),
        work.at("risk_engine"),
        work.at("reserve_fund"),
        uniswap_factory(work.config),
        [work.blueprints[name].address for name in BLUEPRINTS],
        artifacts.load(BLUEPRINTS[0]).blueprint_rest,
        [_listing_quote(work, symbol) for symbol in terms.quotes],
        (terms.least_depth, terms.cap_value, terms.floor),
        list(terms.reserved),
        work.owner,
        work.guardian,
    )


def _listing_quote(work: Work, symbol: str) -> list[Any]:
    """Return a quote asset of listings with its first feed."""
    asset = work.config.asset(symbol)
    feed = next(i for i, source in enumerate(asset.sources) if isinstance(source, FeedConfig))
    return [work.token(asset), work.at(source_role(asset, feed))]


def _set_lister(work: Work) -> None:
    risk_engine, factory = work.at("risk_engine"), work.at("factory")
    if risk_engine.lister() != factory.address:
        risk_engine.set_lister(factory, sender=work.sender)


def _queue_acceptance(work: Work) -> None:
    rule = governance.Governance(work.chain, work.manifest())
    if rule.timelock.owner() == work.sender:
        rule.schedule_acceptance(work.sender)


def _answer(wad: int, decimals: int) -> int:
    """Return a price in WAD dollars as a feed of `decimals` would answer it, rounded down."""
    return wad * int(10**decimals) // int(10**WAD_DECIMALS)


def _vault_roles(config: Config) -> Iterator[str]:
    for asset in config.assets:
        for i, source in enumerate(asset.sources):
            if isinstance(source, VaultConfig):
                yield source_role(asset, i)
