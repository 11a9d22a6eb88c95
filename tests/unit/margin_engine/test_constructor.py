"""MarginEngine's constructor, and the roles it hands out."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.scenario import World


def deploy(world: World, **changed: Any) -> Any:
    arguments = {
        "risk_engine": world.risk_engine,
        "registry": world.registry,
        "auction": world.auction,
        "min_debt": 100 * 10**18,
        "owner": world.roles["owner"],
        "guardian": world.roles["guardian"],
    }
    return world.chain.deploy("MarginEngine", *(arguments | changed).values(), sender=world.roles["deployer"])


def test_constructor__stores_and_logs(world: World) -> None:
    engine = deploy(world)
    owner, guardian, deployer = (world.roles[role] for role in ("owner", "guardian", "deployer"))
    assert (engine.owner(), engine.guardian(), engine.operators()) == (owner, guardian, world.registry.address)
    assert engine.auction() == world.auction.address
    assert list(engine.settings()) == [world.risk_engine.address, 100 * 10**18, False]
    assert engine.deployment.events == [
        engine.event("OwnershipTransferred", previous_owner=ZERO_ADDRESS, new_owner=deployer),
        engine.event("OwnershipTransferred", previous_owner=deployer, new_owner=owner),
        engine.event("GuardianSet", guardian=guardian),
        engine.event("AuctionSet", auction=world.auction),
        engine.event("RiskEngineSet", risk_engine=world.risk_engine),
        engine.event("MinDebtSet", min_debt=100 * 10**18),
    ]


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"risk_engine": ZERO_ADDRESS}, "engine: zero address"),
        ({"registry": ZERO_ADDRESS}, "engine: zero address"),
        ({"auction": ZERO_ADDRESS}, "engine: zero address"),
        ({"owner": ZERO_ADDRESS}, "roles: zero address"),
        ({"guardian": ZERO_ADDRESS}, "roles: zero address"),
        ({"min_debt": 100_000 * 10**18 + 1}, "engine: min debt bound"),
    ],
)
def test_constructor__bad_argument__reverts(world: World, changed: dict[str, Any], reason: str) -> None:
    with reverts(reason):
        deploy(world, **changed)


def test_ownership__moves_in_two_steps(world: World) -> None:
    owner, heir, engine = world.roles["owner"], world.roles["stranger"], world.engine
    with reverts("ownable: caller is not the owner"):
        engine.transfer_ownership(heir, sender=heir)
    engine.transfer_ownership(heir, sender=owner)
    assert (engine.owner(), engine.pending_owner()) == (owner, heir)
    with reverts("ownable_2step: caller is not the new owner"):
        engine.accept_ownership(sender=owner)
    engine.accept_ownership(sender=heir)
    engine.set_min_debt(10**16, sender=heir)
    with reverts("roles: owner only"):
        engine.set_min_debt(2, sender=owner)


def test_set_guardian__owner_only(world: World) -> None:
    engine, stranger = world.engine, world.roles["stranger"]
    for role in ("guardian", "stranger", "deployer"):
        with reverts("roles: owner only"):
            engine.set_guardian(stranger, sender=world.roles[role])
    engine.set_guardian(stranger, sender=world.roles["owner"])
    engine.pause(sender=stranger)
    with reverts("roles: guardian only"):
        engine.pause(sender=world.roles["guardian"])


def test_runtime__leaves_room_for_the_liquidation(world: World) -> None:
    assert len(world.chain.code(world.engine)) < 24_400
