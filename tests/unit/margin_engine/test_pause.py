"""MarginEngine.pause and unpause: the guardian only tightens."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.support.scenario import MIN_DEBT, World


@pytest.mark.parametrize("role", ["guardian", "owner"])
def test_pause__guardian_or_owner__sets_it(world: World, role: str) -> None:
    receipt = world.engine.pause(sender=world.roles[role])
    assert receipt.events == [world.engine.event("Paused", by=world.roles[role])]
    assert list(world.engine.settings()) == [world.risk_engine.address, MIN_DEBT, True]
    world.engine.pause(sender=world.roles[role])
    assert world.engine.settings()[2] is True


def test_pause__every_wrong_caller__reverts(world: World) -> None:
    for role in ("deployer", "trader", "stranger", "attacker", "lender"):
        with reverts("roles: guardian only"):
            world.engine.pause(sender=world.roles[role])


def test_unpause__owner__clears_it_and_nothing_else(world: World, long: int) -> None:
    world.engine.pause(sender=world.roles["guardian"])
    with reverts("engine: paused"):
        world.borrow(long, "USDC", 100)
    receipt = world.engine.unpause(sender=world.roles["owner"])
    assert receipt.events == [world.engine.event("Unpaused", by=world.roles["owner"])]
    assert list(world.engine.settings()) == [world.risk_engine.address, MIN_DEBT, False]
    world.borrow(long, "USDC", 100)


def test_unpause__not_paused__stays(world: World) -> None:
    world.engine.unpause(sender=world.roles["owner"])
    assert list(world.engine.settings()) == [world.risk_engine.address, MIN_DEBT, False]


def test_unpause__every_wrong_caller__reverts(world: World) -> None:
    world.engine.pause(sender=world.roles["guardian"])
    for role in ("guardian", "deployer", "trader", "stranger", "attacker"):
        with reverts("roles: owner only"):
            world.engine.unpause(sender=world.roles[role])
