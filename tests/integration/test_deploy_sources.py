"""Deploying sources of vaults' shares and measured depths: on the devnet, over an outside vault, what is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from plimsoll import config as configuration
from plimsoll.artifacts import home
from plimsoll.chain import ZERO_ADDRESS, Contract
from plimsoll.config import AssetConfig, Config, DepthConfig
from plimsoll.deploy import deploy, plan
from plimsoll.devnet import YIELD, Devnet, attach
from plimsoll.errors import ConfigError, DeployError
from plimsoll.protocol import MarginAccount, Protocol, Status

WAD = 10**18
DAY = 86_400


@pytest.fixture
def listed(devnet: Devnet) -> Devnet:
    """The devnet with the shares of its own USDC pool listed on top."""
    return devnet.list_assets(home() / YIELD)


@pytest.fixture
def vault(devnet: Devnet) -> Contract:
    """An outside vault of USDC whose share is worth 1.1 of them."""
    usdc, maker = devnet.token("USDC"), devnet.maker
    contract = devnet.chain.deploy("MockVault", usdc, sender=maker)
    usdc.mint(maker, 11 * 10**11, sender=maker)
    usdc.approve(contract, 10**12, sender=maker)
    contract.deposit(10**12, maker, sender=maker)
    usdc.transfer(contract, 10**11, sender=maker)
    return contract


def with_vault(devnet: Devnet, token: str, **fields: Any) -> Config:
    """Return the devnet's configuration with shares of an outside vault in the place of pUSDC."""
    extended = configuration.extend(devnet.config, home() / YIELD)
    shares = extended.asset("pUSDC")
    source = replace(shares.sources[0], anchor=2 * WAD)
    outside = replace(shares, shares_of=None, token=token, decimals=6, sources=(source,))
    return replace(extended, assets=(*devnet.config.assets, replace(outside, **fields)))


def test_list_assets__shares_of_the_own_pool__priced_and_collateral(listed: Devnet) -> None:
    protocol, pool = listed.protocol, listed.protocol.asset("USDC").pool
    shares = protocol.asset("pUSDC")
    assert (shares.token.address, shares.decimals) == (pool.address, 12)
    assert [price.status for price in protocol.prices()] == [Status.OK] * 4
    oracle = listed.chain.at("VaultShareOracle", listed.manifest.address("source.pUSDC.0"))
    source = listed.manifest.address("source.USDC.0")
    assert oracle.settings() == (pool.address, listed.token("USDC").address, source, 10**18, WAD // 4)
    assert oracle.rate()[:3] == (10**12, 10**12, 10**12)

    lender, trader = listed.chain.accounts()[1:3]
    lending = protocol.by(lender)
    listed.mint("USDC", lender, "20000")
    lending.approve_if_needed("USDC", "20000", pool)
    lending.lend("USDC", "20000")
    assert listed.mint("pUSDC", trader, "10000") == 10_000 * 10**12 == shares.token.balanceOf(trader)
    account, me = MarginAccount(trader, 0), protocol.by(trader)
    me.approve_if_needed("pUSDC", "10000")
    me.deposit(account, "pUSDC", "10000")
    me.trade(account, sell="USDC", amount="20000", max_borrow="20000", buy="WETH")
    assert protocol.health(account).debt == 20_000
    before = protocol.price("pUSDC").mid
    listed.warp(30 * DAY)
    listed.settle()
    assert protocol.price("pUSDC").mid > before, "what the pool's borrowers pay"
    assert protocol.price("pUSDC").status == Status.OK


def test_list_assets__again__is_refused(listed: Devnet) -> None:
    with pytest.raises(ConfigError, match=r"assets\.pUSDC: is listed already$"):
        listed.list_assets(home() / YIELD)


def test_list_assets__attach__finds_it(listed: Devnet) -> None:
    found = attach(listed.chain, listed.manifest, listed.config)
    assert found.protocol.asset("pUSDC").token == listed.protocol.asset("USDC").pool
    assert set(found.feeds) == {"USDC", "WETH", "WBTC"}


def test_deploy__at_once__the_shares_come_after_their_pool(devnet: Devnet) -> None:
    extended = configuration.extend(devnet.config, home() / YIELD)
    protocol = Protocol(devnet.chain, deploy(devnet.chain, extended, devnet.maker))
    assert protocol.asset("pUSDC").token == protocol.asset("USDC").pool
    assert protocol.price("pUSDC").status == Status.OK


def test_deploy__outside_vault__priced_by_what_it_pays(devnet: Devnet, vault: Contract) -> None:
    manifest = deploy(devnet.chain, with_vault(devnet, vault.address), devnet.maker)
    protocol = Protocol(devnet.chain, manifest)
    assert float(protocol.price("pUSDC").mid) == pytest.approx(1.1)
    oracle = devnet.chain.at("VaultShareOracle", manifest.address("source.pUSDC.0"))
    assert oracle.rate().anchor == oracle.rate().spot == 11 * 10**11


def test_deploy__outside_vault__the_line_starts_no_higher_than_named(devnet: Devnet, vault: Contract) -> None:
    whole = with_vault(devnet, vault.address)
    source = replace(whole.asset("pUSDC").sources[0], anchor=WAD)
    manifest = deploy(devnet.chain, with_vault(devnet, vault.address, sources=(source,)), devnet.maker)
    assert float(Protocol(devnet.chain, manifest).price("pUSDC").mid) == 1.0


def test_deploy__token_is_no_vault__refused(devnet: Devnet) -> None:
    token = devnet.chain.deploy("MockERC20", "No vault", "NO", 6, sender=devnet.maker)
    next_address = devnet.chain.next_address(devnet.maker)
    with pytest.raises(ConfigError) as caught:
        deploy(devnet.chain, with_vault(devnet, token.address), devnet.maker)
    assert str(caught.value) == f"assets.pUSDC.token: {token.address} is no vault: it names no asset"
    assert devnet.chain.next_address(devnet.maker) == next_address, "before anything is sent"


def test_deploy__vault_of_another_token__refused(devnet: Devnet) -> None:
    other = devnet.chain.deploy("MockVault", devnet.token("WETH"), sender=devnet.maker)
    config = with_vault(devnet, other.address, decimals=18)
    with pytest.raises(ConfigError) as caught:
        deploy(devnet.chain, config, devnet.maker)
    assert str(caught.value) == (
        f"assets.pUSDC.sources[0].asset: USDC, but the vault at {other.address} is of the token "
        f"{devnet.token('WETH').address}"
    )


def test_deploy__vault_that_misprices__names_step_and_reason(devnet: Devnet, vault: Contract) -> None:
    vault.set_exit_fee(600, sender=devnet.maker)
    with pytest.raises(DeployError, match=r"pUSDC: deploy VaultShareOracle over USDC: shares: round trip"):
        deploy(devnet.chain, with_vault(devnet, vault.address), devnet.maker)


def test_deploy__owner__is_offered_the_vaults_anchor(devnet: Devnet, vault: Contract) -> None:
    owner = devnet.chain.accounts()[7]
    config = with_vault(devnet, vault.address)
    config = replace(config, protocol=replace(config.protocol, owner=owner))
    manifest = deploy(devnet.chain, config, devnet.maker)
    oracle = devnet.chain.at("VaultShareOracle", manifest.address("source.pUSDC.0"))
    assert (oracle.owner(), oracle.pending_owner()) == (devnet.maker, owner)
    oracle.accept_ownership(sender=owner)
    assert (oracle.owner(), oracle.pending_owner()) == (owner, ZERO_ADDRESS)


def test_deploy__depth__over_the_assets_mean(devnet: Devnet) -> None:
    assets = tuple(
        replace(asset, depth=DepthConfig(198)) if asset.symbol == "WETH" else asset for asset in devnet.config.assets
    )
    config = replace(devnet.config, assets=assets)
    titles = plan(config)
    assert titles.index("WETH: deploy UniswapV3Depth") + 1 == titles.index("WETH: list in the risk engine")
    manifest = deploy(devnet.chain, config, devnet.maker)
    depth = devnet.chain.at("UniswapV3Depth", manifest.address("depth.WETH"))
    assert depth.settings()[0] == manifest.address("source.WETH.1")
    assert depth.settings()[2] == 198
    assert 980_000 * WAD < depth.depth() < 1_010_000 * WAD, "a hundredth of the hundred million dollars on each side"
    assert "depth.WBTC" not in manifest.contracts


def test_deploy__depth_with_an_impact__the_margin_follows_it(devnet: Devnet) -> None:
    def deepened(asset: AssetConfig) -> AssetConfig:
        if asset.symbol != "WETH" or asset.dynamics is None:
            return asset
        return replace(asset, depth=DepthConfig(198), dynamics=replace(asset.dynamics, impact=2 * WAD // 100))

    config = replace(devnet.config, assets=tuple(deepened(asset) for asset in devnet.config.assets))
    manifest = deploy(devnet.chain, config, devnet.maker)
    risk_engine = devnet.chain.at("RiskEngine", manifest.address("risk_engine"))
    depth = devnet.chain.at("UniswapV3Depth", manifest.address("depth.WETH"))
    key = int(manifest.assets["WETH"].key, 16)
    assert risk_engine.dynamics_of(key).depth == depth.address
    assert risk_engine.margin_of(key).target.size_slope == -(-2 * WAD * WAD // 100 // depth.depth())


def test_trade__shares_of_the_own_pool__bought_with_their_own_asset_and_sold_again(listed: Devnet) -> None:
    """A loop: borrowed USDC lent to the pool it was borrowed from, unwound to the last share."""
    protocol = listed.protocol
    lender, trader = listed.chain.accounts()[1:3]
    listed.mint("USDC", lender, "100000")
    lending = protocol.by(lender)
    lending.approve_if_needed("USDC", "100000", protocol.asset("USDC").pool)
    lending.lend("USDC", "100000")
    swapper = listed.manifest.address("vault_swapper")
    account, me = MarginAccount(trader, 0), protocol.by(trader)
    listed.mint("USDC", trader, "10000")
    me.approve_if_needed("USDC", "10000")
    me.deposit(account, "USDC", "10000")
    me.trade(account, sell="USDC", amount="50000", max_borrow="40000", buy="pUSDC", swapper=swapper, data=b"")
    assert protocol.balance(account, "pUSDC").raw == 50_000 * 10**12
    assert protocol.debt(account, "USDC").raw == 40_000 * 10**6
    listed.warp(30 * DAY)
    listed.settle()
    health = protocol.health(account)
    assert 9_900 < health.equity < 10_000, "borrowers pay more than lenders get"

    shares = protocol.balance(account, "pUSDC")
    me.trade(account, sell="pUSDC", amount=shares, buy="USDC", swapper=swapper, data=b"")
    assert protocol.debt(account, "USDC").raw == protocol.balance(account, "pUSDC").raw == 0
    left = Fraction(protocol.balance(account, "USDC").raw, 10**6)
    assert abs(left - Fraction(health.equity)) < Fraction(1, 100)


def test_take__shares_as_collateral__without_capital(listed: Devnet) -> None:
    """A short of ether against shares goes under water; a keeper redeems them and buys the debt back in one batch."""
    protocol = listed.protocol
    lender, trader, keeper = listed.chain.accounts()[1:4]
    for symbol, amount in (("USDC", "100000"), ("WETH", "100")):
        listed.mint(symbol, lender, amount)
        lending = protocol.by(lender)
        lending.approve_if_needed(symbol, amount, protocol.asset(symbol).pool)
        lending.lend(symbol, amount)
    account, me = MarginAccount(trader, 0), protocol.by(trader)
    listed.mint("pUSDC", trader, "10000")
    me.approve_if_needed("pUSDC", "10000")
    me.deposit(account, "pUSDC", "10000")
    me.withdraw(account, "WETH", "4", max_borrow="4")
    listed.set_price("WETH", "2270")
    listed.settle()
    assert not protocol.health(account).healthy

    swapper, taker = protocol.by(keeper), MarginAccount(keeper, 0)
    swapper.liquidate(account)
    listed.warp(300)
    listed.refresh()
    quote = protocol.quote(account)
    assert quote.takeable
    batch = swapper.batch()
    batch.take(account, taker)
    shares = protocol.balance(account, "pUSDC").raw * quote.raw.share // WAD
    redeemed = protocol.asset("USDC").pool.previewRedeem(shares)
    vault_swapper = listed.manifest.address("vault_swapper")
    pusdc, usdc = protocol.asset("pUSDC"), protocol.asset("USDC")
    batch.trade(taker, sell=pusdc, amount=pusdc.amount(shares), buy=usdc, swapper=vault_swapper, data=b"")
    batch.trade(taker, sell=usdc, amount=usdc.amount(redeemed), buy="WETH")
    batch.withdraw_all(taker, "WETH")
    batch.send()
    assert protocol.debt(taker, "WETH").raw == 0
    assert protocol.asset("WETH").token.balanceOf(keeper) > 0, "the bonus"
    assert protocol.health(account).healthy
