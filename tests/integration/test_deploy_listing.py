"""Deploying the factory of long-tail listings: its blueprints in the manifest, the factory as the lister."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from plimsoll import artifacts, manifest
from plimsoll.config import TIMELOCK
from plimsoll.deploy import BLUEPRINTS, deploy, plan
from plimsoll.devnet import Devnet
from plimsoll.errors import ManifestError
from plimsoll.manifest import Manifest
from plimsoll.uniswap import raw_price

WAD = 10**18


def test_deploy__factory__is_the_lister_and_knows_the_protocol(devnet: Devnet) -> None:
    protocol, addresses = devnet.protocol, devnet.manifest.contracts
    factory = devnet.chain.at("IsolatedFactory", devnet.manifest.address("factory"))
    assert protocol.risk_engine.lister() == factory.address
    assert factory.settings() == tuple(
        addresses[role].address for role in ("engine", "risk_engine", "reserve_fund", "uniswap.factory")
    )
    assert factory.terms() == (25_000 * WAD, 250_000 * WAD, WAD // 4)
    assert factory.quotes() == [
        (devnet.token(symbol).address, addresses[f"source.{symbol}.0"].address) for symbol in ("USDC", "WETH")
    ]


def test_deploy__blueprints__in_the_manifest(devnet: Devnet, tmp_path: Path) -> None:
    blueprints = devnet.manifest.blueprints
    assert tuple(blueprints) == BLUEPRINTS
    for name, blueprint in blueprints.items():
        assert devnet.chain.code(blueprint.address) == artifacts.load(name).blueprint
    path = tmp_path / "manifest.json"
    devnet.manifest.save(path)
    assert manifest.load(path).blueprints == blueprints


def test_check__other_blueprint__refused(devnet: Devnet) -> None:
    wrong = replace(devnet.manifest.blueprints["TwapOracle"], address=devnet.manifest.blueprints["FeedOracle"].address)
    blueprints = devnet.manifest.blueprints | {"TwapOracle": wrong}
    with pytest.raises(ManifestError) as caught:
        replace(devnet.manifest, blueprints=blueprints).check(devnet.chain)
    assert str(caught.value).startswith(f"blueprint of TwapOracle: the code at {wrong.address} has the hash 0x")


@pytest.mark.parametrize(("member", "value"), [("address", "0x1"), ("code_hash", 7), ("colour", 1)])
def test_load__damaged_blueprint__names_it(devnet: Devnet, tmp_path: Path, member: str, value: object) -> None:
    path = tmp_path / "manifest.json"
    devnet.manifest.save(path)
    data = json.loads(path.read_text())
    data["blueprints"]["LendingPool"][member] = value
    path.write_text(json.dumps(data))
    with pytest.raises(ManifestError) as caught:
        manifest.load(path)
    assert str(caught.value).startswith(f"{path}: blueprints.LendingPool.{member}: ")


def test_load__older_manifest__without_blueprints(devnet: Devnet, tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    devnet.manifest.save(path)
    data = json.loads(path.read_text())
    del data["blueprints"], data["to_accept"]
    path.write_text(json.dumps(data))
    assert (manifest.load(path).blueprints, manifest.load(path).to_accept) == ({}, [])


def test_list_asset__on_the_devnet__by_anybody(devnet: Devnet) -> None:
    chain, maker = devnet.chain, devnet.maker
    token = chain.deploy("MockERC20", "Long tail", "TAIL", 18, sender=maker)
    usdc = devnet.token("USDC")
    amounts = {token: 2_000_000 * WAD, usdc: 6_000_000 * 10**6}
    for each, amount in amounts.items():
        each.mint(maker, 10 * amount, sender=maker)
    price = raw_price(3, 18, 6)
    pool = devnet.uniswap.create_pool(token, usdc, 3_000, price, maker)
    pool.grow(60, maker)
    devnet.uniswap.add_liquidity(pool, amounts, maker)
    for seconds in (60, 3_700):
        chain.warp(seconds)
        devnet.refresh()
        devnet.uniswap.move_price(pool, token, price * Fraction(9_999, 10_000), maker)
        devnet.uniswap.move_price(pool, token, price, maker)
    chain.warp(1)

    factory = chain.at("IsolatedFactory", devnet.manifest.address("factory"))
    key = factory.list_asset(token, sender=chain.accounts()[9]).return_value
    listing = factory.listing_of(token)
    assert key == devnet.protocol.risk_engine.key_of(token) == 1 << 64 | 1
    assert devnet.protocol.engine.asset_of(token) == (key, listing.pool)
    assert devnet.protocol.risk_engine.prices([key])[0].status == 0


def test_deploy__reserved_tokens__kept_from_the_factory(devnet: Devnet) -> None:
    token = devnet.chain.deploy("MockERC20", "Core to be", "CTB", 18, sender=devnet.maker)
    assert devnet.config.isolated is not None
    isolated = replace(devnet.config.isolated, reserved=(token.address,))
    whole = deploy(devnet.chain, replace(devnet.config, isolated=isolated), devnet.maker)
    assert devnet.chain.at("IsolatedFactory", whole.address("factory")).reserved(token)


def test_deploy__no_table__no_factory(devnet: Devnet) -> None:
    config = replace(devnet.config, isolated=None)
    assert not any("factory" in step or "blueprint" in step for step in plan(config))
    whole = deploy(devnet.chain, config, devnet.maker)
    assert "factory" not in whole.contracts
    assert whole.blueprints == {}


@pytest.mark.parametrize("stop", range(1, 7))
def test_deploy__interrupted_at_the_factory__goes_on(devnet: Devnet, stop: int) -> None:
    reached: list[Manifest] = []

    def interrupt(number: int, total: int, title: str) -> None:
        if number == total - stop:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        deploy(devnet.chain, devnet.config, devnet.maker, progress=interrupt, reached=reached.append)
    whole = deploy(devnet.chain, devnet.config, devnet.maker, begun=reached[-1])
    assert {name: whole.blueprints[name] for name in reached[-1].blueprints} == reached[-1].blueprints
    assert tuple(whole.blueprints) == BLUEPRINTS
    risk_engine = devnet.chain.at("RiskEngine", whole.address("risk_engine"))
    assert risk_engine.lister() == whole.address("factory")


def test_deploy__timelock__owns_the_factory_from_the_start(devnet: Devnet) -> None:
    protocol = replace(devnet.config.protocol, owner=TIMELOCK)
    whole = deploy(devnet.chain, replace(devnet.config, protocol=protocol), devnet.maker)
    factory = devnet.chain.at("IsolatedFactory", whole.address("factory"))
    assert factory.owner() == whole.address("timelock")
    assert "factory" not in whole.to_accept
