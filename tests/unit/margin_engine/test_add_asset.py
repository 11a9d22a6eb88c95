"""MarginEngine.add_asset: what the risk engine listed, with the pool that lends it to this engine, for good."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.scenario import (
    CAP,
    FLASH_FEE,
    MARGIN,
    PRICE_PARAMETERS,
    RATE_AT_TARGET,
    RATES,
    RESERVE_FACTOR,
    World,
    risk_arguments,
)


def new_pool(world: World, token: Any, engine: Any) -> Any:
    roles = world.roles
    return world.chain.deploy(
        "LendingPool",
        token,
        "Lent new",
        "pNEW",
        engine,
        roles["fund"],
        roles["owner"],
        roles["guardian"],
        RATES,
        RATE_AT_TARGET,
        CAP * 10 ** token.decimals(),
        CAP * 10 ** token.decimals(),
        RESERVE_FACTOR,
        FLASH_FEE,
        sender=roles["deployer"],
    )


def list_asset(world: World, token: Any, *, isolated: bool = False) -> int:
    source = world.chain.deploy("MockPriceSource", sender=world.roles["deployer"])
    source.set_price(10**18, sender=world.roles["deployer"])
    receipt = world.risk_engine.list_asset(
        token, isolated, [source], PRICE_PARAMETERS, MARGIN, sender=world.roles["owner"]
    )
    key: int = receipt.return_value
    return key


@pytest.fixture
def token(world: World) -> Any:
    return world.chain.deploy("MockERC20", "New", "NEW", 18, sender=world.roles["deployer"])


@pytest.mark.parametrize("isolated", [False, True])
def test_add_asset__listed__can_be_used(world: World, token: Any, isolated: bool) -> None:
    key = list_asset(world, token, isolated=isolated)
    pool = new_pool(world, token, world.engine)
    assert list(world.engine.asset_of(token)) == [0, ZERO_ADDRESS]
    receipt = world.engine.add_asset(token, pool, sender=world.roles["owner"])
    assert receipt.events == [world.engine.event("AssetAdded", token=token, key=key, pool=pool)]
    assert list(world.engine.asset_of(token)) == [key, pool.address]
    assert world.engine.token_of(key) == token.address
    trader, account = world.roles["trader"], world.account("trader")
    token.mint(trader, 5, sender=trader)
    token.approve(world.engine, 5, sender=trader)
    world.engine.deposit(account, token, 5, sender=trader)
    assert world.engine.word_of(account) == key


def test_add_asset__every_wrong_caller__reverts(world: World, token: Any) -> None:
    list_asset(world, token)
    pool = new_pool(world, token, world.engine)
    for role in ("guardian", "deployer", "trader", "stranger", "attacker"):
        with reverts("roles: owner only"):
            world.engine.add_asset(token, pool, sender=world.roles[role])


def test_add_asset__not_listed__reverts(world: World, token: Any) -> None:
    pool = new_pool(world, token, world.engine)
    with reverts("engine: not listed"):
        world.engine.add_asset(token, pool, sender=world.roles["owner"])


def test_add_asset__pool_of_another_token_or_engine__reverts(world: World, token: Any) -> None:
    owner = world.roles["owner"]
    list_asset(world, token)
    with reverts("engine: pool asset"):
        world.engine.add_asset(token, world["USDC"].pool, sender=owner)
    with reverts("engine: pool engine"):
        world.engine.add_asset(token, new_pool(world, token, world.roles["attacker"]), sender=owner)


def test_add_asset__twice__reverts(world: World) -> None:
    asset = world["USDC"]
    for pool in (asset.pool, new_pool(world, asset.token, world.engine)):
        with reverts("vault: added already"):
            world.engine.add_asset(asset.token, pool, sender=world.roles["owner"])
    assert world.engine.asset_of(asset.token)[1] == asset.pool.address


def test_add_asset__key_that_another_token_has__reverts(world: World, token: Any) -> None:
    """A new risk engine may know no isolated asset of the old one; its first isolated key must not fall on theirs."""
    owner, guardian = world.roles["owner"], world.roles["guardian"]
    deployer = world.roles["deployer"]
    other = world.chain.deploy("RiskEngine", *risk_arguments(owner, guardian), sender=deployer)
    for asset in world.assets.values():
        if asset.key < 1 << 64:
            other.list_asset(asset.token, False, [asset.source], PRICE_PARAMETERS, MARGIN, sender=owner)
    world.engine.set_risk_engine(other, sender=owner)
    key = other.list_asset(token, True, [world["TAIL"].source], PRICE_PARAMETERS, MARGIN, sender=owner).return_value
    assert key == world["TAIL"].key
    with reverts("vault: added already"):
        world.engine.add_asset(token, new_pool(world, token, world.engine), sender=owner)
    assert world.engine.token_of(key) == world["TAIL"].token.address


# The lister


@pytest.fixture
def lister(world: World) -> str:
    address = world.roles["stranger"]
    world.risk_engine.set_lister(address, sender=world.roles["owner"])
    return address


def test_add_asset__lister__adds_what_is_isolated(world: World, token: Any, lister: str) -> None:
    key = list_asset(world, token, isolated=True)
    pool = new_pool(world, token, world.engine)
    receipt = world.engine.add_asset(token, pool, sender=lister)
    assert receipt.events == [world.engine.event("AssetAdded", token=token, key=key, pool=pool)]
    assert list(world.engine.asset_of(token)) == [key, pool.address]


def test_add_asset__lister__adds_no_core_asset(world: World, token: Any, lister: str) -> None:
    list_asset(world, token)
    with reverts("roles: owner only"):
        world.engine.add_asset(token, new_pool(world, token, world.engine), sender=lister)


def test_add_asset__lister__is_held_to_the_rest(world: World, token: Any, lister: str) -> None:
    with reverts("roles: owner only"):
        world.engine.add_asset(token, new_pool(world, token, world.engine), sender=lister)
    list_asset(world, token, isolated=True)
    with reverts("engine: pool asset"):
        world.engine.add_asset(token, world["USDC"].pool, sender=lister)
    with reverts("engine: pool engine"):
        world.engine.add_asset(token, new_pool(world, token, world.roles["attacker"]), sender=lister)
    world.engine.add_asset(token, new_pool(world, token, world.engine), sender=lister)
    with reverts("vault: added already"):
        world.engine.add_asset(token, new_pool(world, token, world.engine), sender=lister)


def test_add_asset__isolated__nobody_else(world: World, token: Any, lister: str) -> None:
    list_asset(world, token, isolated=True)
    pool = new_pool(world, token, world.engine)
    for role in ("guardian", "deployer", "trader", "attacker"):
        with reverts("roles: owner only"):
            world.engine.add_asset(token, pool, sender=world.roles[role])
    world.risk_engine.set_lister(ZERO_ADDRESS, sender=world.roles["owner"])
    with reverts("roles: owner only"):
        world.engine.add_asset(token, pool, sender=lister)
    world.engine.add_asset(token, pool, sender=world.roles["owner"])


def test_add_asset__lister_of_a_risk_engine_that_was_replaced__reverts(world: World, token: Any, lister: str) -> None:
    """The lister is whom the engine's own risk engine names now."""
    owner, guardian, deployer = world.roles["owner"], world.roles["guardian"], world.roles["deployer"]
    other = world.chain.deploy("RiskEngine", *risk_arguments(owner, guardian), sender=deployer)
    core = sorted((each for each in world.assets.values() if each.key < 1 << 64), key=lambda asset: asset.key)
    for asset in core:
        other.list_asset(asset.token, False, [asset.source], PRICE_PARAMETERS, MARGIN, sender=owner)
    world.engine.set_risk_engine(other, sender=owner)
    for asset in (world["TAIL"], world["TAIL2"]):
        other.list_asset(asset.token, True, [asset.source], PRICE_PARAMETERS, MARGIN, sender=owner)
    other.list_asset(token, True, [world["TAIL"].source], PRICE_PARAMETERS, MARGIN, sender=owner)
    pool = new_pool(world, token, world.engine)
    with reverts("roles: owner only"):
        world.engine.add_asset(token, pool, sender=lister)
    other.set_lister(lister, sender=owner)
    world.engine.add_asset(token, pool, sender=lister)
