"""The deploy function: what it checks first, what it hands over, and going on after it was stopped."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from plimsoll.config import AssetConfig, Config, DepthConfig
from plimsoll.deploy import deploy, plan, preflight
from plimsoll.devnet import Devnet
from plimsoll.errors import ChainError, ConfigError, DeployError, ManifestError, PlimsollError
from plimsoll.manifest import Manifest
from plimsoll.protocol import Domain, Protocol

EMPTY = "0x00000000000000000000000000000000000000E0"


def with_asset(config: Config, symbol: str, **changes: Any) -> Config:
    """Return a configuration with one asset changed."""
    assets = tuple(replace(asset, **changes) if asset.symbol == symbol else asset for asset in config.assets)
    return replace(config, assets=assets)


def with_protocol(config: Config, **changes: Any) -> Config:
    return replace(config, protocol=replace(config.protocol, **changes))


def feedless(asset: AssetConfig) -> AssetConfig:
    return replace(asset, sources=(replace(asset.sources[0], aggregator=None), *asset.sources[1:]))


def refusal(devnet: Devnet, config: Config, kind: type[PlimsollError], sender: str | None = None) -> str:
    with pytest.raises(kind) as caught:
        deploy(devnet.chain, config, sender or devnet.maker)
    return str(caught.value)


def test_deploy__second_protocol_on_the_same_tokens(devnet: Devnet) -> None:
    manifest = deploy(devnet.chain, devnet.config, devnet.maker)
    protocol = Protocol(devnet.chain, manifest)
    assert protocol.engine != devnet.protocol.engine
    assert [price.status.name for price in protocol.prices()] == ["OK"] * 3
    assert protocol.asset("WETH").pool.caps() == (100_000 * 10**18, 80_000 * 10**18)
    assert protocol.asset("WETH").pool.fees() == (10**17, 5 * 10**14)
    assert protocol.asset("USDC").pool.rate_parameters() == (
        9 * 10**17,
        4 * 10**18,
        50 * 10**18,
        10**15,
        2 * 10**18,
    )
    assert protocol.engine.settings() == (protocol.risk_engine.address, 100 * 10**18, False)


def test_deploy__arguments_in_the_manifest(devnet: Devnet) -> None:
    contracts = devnet.manifest.contracts
    assert contracts["engine"].arguments == [
        contracts["risk_engine"].address,
        contracts["operators"].address,
        contracts["auction"].address,
        str(100 * 10**18),
        devnet.maker,
        devnet.maker,
    ]
    assert contracts["source.WETH.1"].arguments[3:] == ["1800", "7200", "1000", str(10**17)]


def test_deploy__keys_in_order(devnet: Devnet) -> None:
    assert [int(asset.key, 16) for asset in devnet.manifest.assets.values()] == [1, 2, 4]


def test_deploy__isolated_asset__key_of_its_own(devnet: Devnet) -> None:
    manifest = deploy(devnet.chain, with_asset(devnet.config, "WBTC", isolated=True), devnet.maker)
    assert int(manifest.assets["WBTC"].key, 16) == 1 << 64 | 1
    assert manifest.assets["WBTC"].isolated


def test_deploy__owner_and_guardian__offered_and_set(devnet: Devnet) -> None:
    owner, guardian = devnet.chain.accounts()[7:9]
    config = with_protocol(devnet.config, owner=owner, guardian=guardian)
    assert plan(config)[-1] == f"offer ownership of pool.WBTC to {owner}, who must accept it"
    manifest = deploy(devnet.chain, config, devnet.maker)
    owned = ["risk_engine", "engine", "auction", "volatility", "pool.USDC", "pool.WETH", "pool.WBTC"]
    for role in owned:
        contract = devnet.chain.at(manifest.contracts[role].contract, manifest.address(role))
        assert contract.owner() == devnet.maker
        assert contract.pending_owner() == owner
        assert contract.guardian() == guardian
        contract.accept_ownership(sender=owner)
        assert contract.owner() == owner


def test_deploy__reserve_fund__takes_the_first_loss_of_every_pool(devnet: Devnet) -> None:
    manifest = deploy(devnet.chain, devnet.config, devnet.maker)
    fund = manifest.address("reserve_fund")
    assert {asset.pool.fund() for asset in Protocol(devnet.chain, manifest).assets.values()} == {fund}
    assert devnet.chain.at("ReserveFund", fund).cooldown() == devnet.config.protocol.cooldown


def test_deploy__auction__is_the_engines_and_has_the_files_terms(devnet: Devnet) -> None:
    manifest = deploy(devnet.chain, devnet.config, devnet.maker)
    auction = devnet.chain.at("LiquidationAuction", manifest.address("auction"))
    assert Protocol(devnet.chain, manifest).engine.auction() == auction.address
    terms = devnet.config.auction
    assert auction.parameters()[:3] == (terms.tau, terms.tail, terms.kappa)


def test_deploy__orders__are_for_this_engine(devnet: Devnet) -> None:
    manifest = deploy(devnet.chain, devnet.config, devnet.maker)
    protocol = Protocol(devnet.chain, manifest)
    assert protocol.orders.engine() == protocol.engine.address
    assert Domain.of(protocol.orders) == Domain.at(devnet.chain.chain_id, manifest.address("orders"))


def test_deploy__dynamics__margins_follow_and_start_where_the_file_says(devnet: Devnet) -> None:
    protocol = devnet.protocol
    oracle = devnet.chain.at("VolatilityOracle", devnet.manifest.address("volatility"))
    assert oracle.engine() == protocol.risk_engine.address
    for asset in devnet.config.assets:
        key, dynamics = int(devnet.manifest.assets[asset.symbol].key, 16), asset.dynamics
        assert dynamics is not None
        followed = protocol.risk_engine.dynamics_of(key)
        assert (followed.volatility, followed.depth, followed.impact) == (oracle.address, ZERO_ADDRESS, 0)
        assert (followed.multiple, followed.size_limit) == (64_106_076_475_603_235, dynamics.size_limit)
        assert oracle.sigma(key) == dynamics.start_sigma
        assert followed.due == oracle.due(key)
        assert protocol.risk_engine.margin_of(key).target.floor == asset.margin.floor
        assert not protocol.risk_engine.margin_of(key).moving


def test_deploy__dynamics_with_depth__the_slope_follows_it(devnet: Devnet) -> None:
    """Two per cent of impact over a market of about a million dollars within two per cent."""
    asset = devnet.config.asset("WETH")
    assert asset.dynamics is not None
    changes: dict[str, Any] = {"depth": DepthConfig(198), "dynamics": replace(asset.dynamics, impact=2 * 10**16)}
    manifest = deploy(devnet.chain, with_asset(devnet.config, "WETH", **changes), devnet.maker)
    risk_engine = Protocol(devnet.chain, manifest).risk_engine
    key = int(manifest.assets["WETH"].key, 16)
    depth = devnet.chain.at("UniswapV3Depth", manifest.address("depth.WETH")).depth()
    assert risk_engine.dynamics_of(key).depth == manifest.address("depth.WETH")
    assert risk_engine.margin_of(key).target.size_slope == -(-2 * 10**34 // depth)
    assert 0.9 * 10**24 < depth < 1.1 * 10**24


def test_deploy__without_dynamics__no_volatility_oracle(devnet: Devnet) -> None:
    config = devnet.config
    for symbol in devnet.manifest.assets:
        config = with_asset(config, symbol, dynamics=None)
    manifest = deploy(devnet.chain, config, devnet.maker)
    assert "volatility" not in manifest.contracts
    assert Protocol(devnet.chain, manifest).risk_engine.dynamics_of(2).multiple == 0


@pytest.mark.parametrize("last", ["deploy VolatilityOracle", "WETH: follow its volatility"])
def test_deploy__stopped_among_the_dynamics__goes_on(devnet: Devnet, last: str) -> None:
    manifest = deploy(devnet.chain, devnet.config, devnet.maker, begun=begin(devnet, last))
    risk_engine = Protocol(devnet.chain, manifest).risk_engine
    for asset in manifest.assets.values():
        assert risk_engine.dynamics_of(int(asset.key, 16)).volatility == manifest.address("volatility")
    nonce = devnet.chain.next_address(devnet.maker)
    assert deploy(devnet.chain, devnet.config, devnet.maker, begun=manifest) == manifest
    assert devnet.chain.next_address(devnet.maker) == nonce


def begin(devnet: Devnet, last: str) -> Manifest:
    """Return what a deployment reached that was stopped after the step called `last`."""
    reached: list[Manifest] = []
    stop = plan(devnet.config).index(last) + 1

    def interrupt(number: int, total: int, title: str) -> None:
        if number == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deploy(devnet.chain, devnet.config, devnet.maker, progress=interrupt, reached=reached.append)
    return reached[-1]


def test_deploy__engine_and_auction__know_each_other(devnet: Devnet) -> None:
    begun = begin(devnet, "deploy MarginEngine")
    engine = devnet.chain.at("MarginEngine", begun.address("engine"))
    assert engine.auction() == devnet.chain.next_address(devnet.maker)
    whole = deploy(devnet.chain, devnet.config, devnet.maker, begun=begun)
    assert whole.address("auction") == engine.auction()
    assert devnet.chain.at("LiquidationAuction", engine.auction()).margin_engine() == engine.address


def test_deploy__stopped_before_the_auction_was_noted__takes_it_over(devnet: Devnet) -> None:
    """Its transaction was mined, but nobody lived to write that down."""
    begun = begin(devnet, "deploy MarginEngine")
    with devnet.chain.isolate():
        lost = deploy(devnet.chain, devnet.config, devnet.maker, begun=begun)
    auction = lost.contracts["auction"]
    arguments = (begun.address("engine"), tuple(map(int, cast("list[str]", auction.arguments[1]))))
    devnet.chain.deploy("LiquidationAuction", *arguments, devnet.maker, devnet.maker, sender=devnet.maker)
    whole = deploy(devnet.chain, devnet.config, devnet.maker, begun=begun)
    assert whole.contracts["auction"] == auction


def test_deploy__something_else_sent_before_the_auction__fails_and_sends_nothing(
    devnet: Devnet, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = begin(devnet, "deploy MarginEngine")
    monkeypatch.setattr(devnet.chain, "_nonce", lambda sender: 999)
    block, following = devnet.chain.block_number(), devnet.chain.next_address(devnet.maker)
    expected = devnet.chain.at("MarginEngine", begun.address("engine")).auction()
    with pytest.raises(DeployError) as caught:
        deploy(devnet.chain, devnet.config, devnet.maker, begun=begun)
    wanted = f"the engine's auction has to be at {expected}"
    found = f"{devnet.maker} would deploy the next contract at {following}"
    assert str(caught.value) == f"{wanted}, but {found}: begin anew"
    assert devnet.chain.block_number() == block
    assert not any(map(devnet.chain.is_contract, (expected, following)))


def test_deploy__another_contract_where_the_auction_has_to_be__fails(devnet: Devnet) -> None:
    begun = begin(devnet, "deploy MarginEngine")
    devnet.chain.deploy("OperatorRegistry", sender=devnet.maker)
    with pytest.raises(DeployError, match="deploy LiquidationAuction: "):
        deploy(devnet.chain, devnet.config, devnet.maker, begun=begun)


def test_deploy__auction_of_another_engine_where_it_has_to_be__fails(devnet: Devnet) -> None:
    begun = begin(devnet, "deploy MarginEngine")
    other = devnet.chain.at("LiquidationAuction", devnet.manifest.address("auction"))
    arguments = (devnet.protocol.engine, tuple(other.parameters()), devnet.maker, devnet.maker)
    auction = devnet.chain.deploy("LiquidationAuction", *arguments, sender=devnet.maker)
    with pytest.raises(DeployError) as caught:
        deploy(devnet.chain, devnet.config, devnet.maker, begun=begun)
    assert str(caught.value) == f"the auction at {auction.address} and the engine do not know each other: begin anew"


@pytest.mark.parametrize("stop", range(1, 20, 3))
def test_deploy__interrupted__goes_on(devnet: Devnet, stop: int) -> None:
    config = with_protocol(devnet.config, owner=devnet.chain.accounts()[7])
    reached: list[Manifest] = []

    def interrupt(number: int, total: int, title: str) -> None:
        if number == stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deploy(devnet.chain, config, devnet.maker, progress=interrupt, reached=reached.append)
    begun = reached[-1]
    whole = deploy(devnet.chain, config, devnet.maker, begun=begun)
    assert {role: whole.contracts[role] for role in begun.contracts} == begun.contracts
    assert set(whole.contracts) == {
        role for role in devnet.manifest.contracts if not role.startswith(("token.", "feed.", "uniswap."))
    }
    assert [price.status.name for price in Protocol(devnet.chain, whole).prices()] == ["OK"] * 3


def test_deploy__cap_and_gate__bind_from_the_start(devnet: Devnet) -> None:
    gate = devnet.chain.deploy("AllowListGate", devnet.maker, devnet.maker, sender=devnet.maker)
    config = with_asset(devnet.config, "WETH", collateral_cap=2**96 + 5, gate=gate.address)
    config = with_asset(config, "USDC", collateral_cap=10**12)
    whole = deploy(devnet.chain, config, devnet.maker)
    protocol = Protocol(devnet.chain, whole)
    shown = [protocol.restrictions(symbol) for symbol in ("USDC", "WETH", "WBTC")]
    assert [each.cap.raw if each.cap else None for each in shown] == [10**12, 2**96, None]
    assert [each.gate for each in shown] == [None, gate.address, None]
    block = devnet.chain.block_number()
    assert deploy(devnet.chain, config, devnet.maker, begun=whole) == replace(whole, block=block)


def test_deploy__no_contract_at_the_gate(devnet: Devnet) -> None:
    nobody = devnet.chain.accounts()[9]
    expected = f"assets.WETH.gate: there is no contract at {nobody} on chain {devnet.chain.chain_id}"
    assert refusal(devnet, with_asset(devnet.config, "WETH", gate=nobody), ConfigError) == expected


def test_deploy__complete__again_does_nothing(devnet: Devnet) -> None:
    whole = deploy(devnet.chain, devnet.config, devnet.maker)
    block = devnet.chain.block_number()
    devnet.chain.warp(1)
    assert deploy(devnet.chain, devnet.config, devnet.maker, begun=whole) == replace(whole, block=block)


def test_deploy__begun_with_other_parameters__refused(devnet: Devnet) -> None:
    whole = deploy(devnet.chain, devnet.config, devnet.maker)
    other = with_protocol(devnet.config, min_debt=0)
    with pytest.raises(DeployError) as caught:
        deploy(devnet.chain, other, devnet.maker, begun=whole)
    assert str(caught.value).startswith("engine was deployed with other arguments: ")


def test_deploy__begun_by_another__refused(devnet: Devnet) -> None:
    whole = deploy(devnet.chain, devnet.config, devnet.maker)
    with pytest.raises(ManifestError) as caught:
        deploy(devnet.chain, devnet.config, devnet.chain.accounts()[5], begun=whole)
    assert str(caught.value).startswith(f"the deployment was begun by {devnet.maker}, not by ")


def test_preflight__sends_nothing(devnet: Devnet) -> None:
    block = devnet.chain.block_number()
    preflight(devnet.chain, devnet.config, devnet.maker)
    assert devnet.chain.block_number() == block


def test_deploy__token_left_to_a_devnet(devnet: Devnet) -> None:
    config = with_asset(devnet.config, "WETH", token=None)
    assert refusal(devnet, config, ConfigError) == "assets.WETH.token: is missing: only a devnet deploys it"


def test_deploy__feed_left_to_a_devnet(devnet: Devnet) -> None:
    config = with_asset(devnet.config, "WETH", sources=feedless(devnet.config.asset("WETH")).sources)
    expected = "assets.WETH.sources[0].aggregator: is missing: only a devnet deploys it"
    assert refusal(devnet, config, ConfigError) == expected


def test_deploy__uniswap_left_to_a_devnet(devnet: Devnet) -> None:
    expected = "uniswap.factory: is missing: only a devnet deploys it"
    assert refusal(devnet, replace(devnet.config, uniswap=None), ConfigError) == expected


def test_deploy__no_contract_at_the_sequencer(devnet: Devnet) -> None:
    config = with_protocol(devnet.config, sequencer=EMPTY, cure_window=3_600)
    expected = f"protocol.sequencer: there is no contract at {EMPTY} on chain 31337"
    assert refusal(devnet, config, ConfigError) == expected


def test_deploy__no_contract_at_the_token(devnet: Devnet) -> None:
    config = with_asset(devnet.config, "WETH", token=EMPTY)
    expected = f"assets.WETH.token: there is no contract at {EMPTY} on chain 31337"
    assert refusal(devnet, config, ConfigError) == expected


def test_deploy__token_without_decimals(devnet: Devnet) -> None:
    config = with_asset(devnet.config, "WETH", token=devnet.protocol.swapper.address)
    expected = f"assets.WETH.token: {devnet.protocol.swapper.address} does not say its decimals"
    assert refusal(devnet, config, ConfigError) == expected


def test_deploy__other_decimals(devnet: Devnet) -> None:
    token = devnet.token("WETH").address
    config = with_asset(devnet.config, "WETH", decimals=8)
    expected = f"assets.WETH.decimals: 8, but the token at {token} has 18"
    assert refusal(devnet, config, ConfigError) == expected


def test_deploy__no_such_market(devnet: Devnet) -> None:
    asset = devnet.config.asset("WETH")
    sources = (asset.sources[0], replace(asset.sources[1], fee=10_000))
    config = with_asset(devnet.config, "WETH", sources=sources)
    expected = "assets.WETH.sources[1].fee: Uniswap has no pool of WETH and USDC with the fee 10000"
    assert refusal(devnet, config, ConfigError) == expected


def test_deploy__wrong_chain(devnet: Devnet) -> None:
    config = with_protocol(devnet.config, chain_id=1)
    assert refusal(devnet, config, ChainError) == "revm is chain 31337, but protocol.chain_id is 1"


def test_deploy__sender_without_ether(devnet: Devnet) -> None:
    expected = f"{EMPTY} has no ether on chain 31337 (revm) to pay for gas"
    assert refusal(devnet, devnet.config, ChainError, sender=EMPTY) == expected


def test_deploy__contract_refuses__names_step_and_reason(devnet: Devnet) -> None:
    devnet.feeds["WETH"].set_broken(True, sender=devnet.maker)
    text = refusal(devnet, devnet.config, DeployError)
    assert text == "step 18 of 36, WETH: list in the risk engine: oracle: no answer"


def test_plan__names_every_step_of_a_fresh_chain(devnet: Devnet) -> None:
    seen: list[str] = []
    deploy(devnet.chain, devnet.config, devnet.maker, progress=lambda number, total, title: seen.append(title))
    assert seen == [*plan(devnet.config), ""]


def test_deploy__another_chain_object__same_addresses(devnet: Devnet) -> None:
    assert not RevmChain().is_contract(devnet.protocol.engine)
