"""MarginEngine.set_risk_engine: only one that knows every core asset by the same key."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.scenario import DEAD, MARGIN, PRICE_PARAMETERS, World, risk_arguments


@pytest.fixture
def other(world: World) -> Any:
    """A second risk engine with nothing listed."""
    roles = world.roles
    return world.chain.deploy(
        "RiskEngine", *risk_arguments(roles["owner"], roles["guardian"]), sender=roles["deployer"]
    )


def core(world: World) -> list[str]:
    return sorted(
        (symbol for symbol in world.assets if world[symbol].key < 1 << 64), key=lambda symbol: world[symbol].key
    )


def fill(world: World, other: Any, symbols: list[str], *, isolated: bool = False) -> None:
    for symbol in symbols:
        asset = world[symbol]
        other.list_asset(asset.token, isolated, [asset.source], PRICE_PARAMETERS, MARGIN, sender=world.roles["owner"])


def test_set_risk_engine__same_keys__is_asked_from_now_on(world: World, other: Any, long: int) -> None:
    fill(world, other, core(world))
    world.engine.pause(sender=world.roles["guardian"])
    world.engine.set_min_debt(77 * 10**16, sender=world.roles["owner"])
    receipt = world.engine.set_risk_engine(other, sender=world.roles["owner"])
    assert receipt.events == [world.engine.event("RiskEngineSet", risk_engine=other)]
    assert list(world.engine.settings()) == [other.address, 77 * 10**16, True]
    assert tuple(world.engine.health(long)) == tuple(other.assess(world.engine.exposures(long), []))


def test_set_risk_engine__isolated_asset_it_does_not_list__is_dead_and_may_leave(world: World, other: Any) -> None:
    account = world.account("trader")
    world.deposit(account, "TAIL", 10)
    fill(world, other, core(world))
    world.engine.set_risk_engine(other, sender=world.roles["owner"])
    assert world.health(account).status == DEAD
    world.engine.withdraw(account, world["TAIL"].token, 10**19, world.roles["trader"], 0, sender=world.roles["trader"])


def test_set_risk_engine__every_wrong_caller__reverts(world: World, other: Any) -> None:
    fill(world, other, core(world))
    for role in ("guardian", "deployer", "trader", "stranger", "attacker"):
        with reverts("roles: owner only"):
            world.engine.set_risk_engine(other, sender=world.roles[role])


def test_set_risk_engine__other_keys__reverts(world: World, other: Any) -> None:
    symbols = core(world)
    fill(world, other, symbols[1:])
    with reverts("engine: asset keys"):
        world.engine.set_risk_engine(other, sender=world.roles["owner"])


def test_set_risk_engine__one_core_asset_missing__reverts_until_it_is_listed(world: World, other: Any) -> None:
    symbols = core(world)
    fill(world, other, symbols[:-1])
    with reverts("engine: asset keys"):
        world.engine.set_risk_engine(other, sender=world.roles["owner"])
    fill(world, other, symbols[-1:])
    world.engine.set_risk_engine(other, sender=world.roles["owner"])


def test_set_risk_engine__core_asset_listed_as_isolated__reverts(world: World, other: Any) -> None:
    symbols = core(world)
    fill(world, other, symbols[:-1])
    fill(world, other, symbols[-1:], isolated=True)
    with reverts("engine: asset keys"):
        world.engine.set_risk_engine(other, sender=world.roles["owner"])


def test_set_risk_engine__nobody_or_no_contract__reverts(world: World) -> None:
    for address in (ZERO_ADDRESS, world.roles["stranger"]):
        with reverts("engine: asset keys"):
            world.engine.set_risk_engine(address, sender=world.roles["owner"])
