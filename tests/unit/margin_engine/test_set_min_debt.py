"""MarginEngine.set_min_debt: the owner, whole cents up to 100,000 dollars; binds debts that rise from now on."""

from __future__ import annotations

from tests.support import reverts
from tests.support.scenario import World

CENT = 10**16
LIMIT = 100_000 * 10**18


def test_set_min_debt__owner__binds_from_now_on(world: World, account: int) -> None:
    world.deposit(account, "WETH", 10)
    world.borrow(account, "USDC", 100)
    receipt = world.engine.set_min_debt(200 * 10**18, sender=world.roles["owner"])
    assert receipt.events == [world.engine.event("MinDebtSet", min_debt=200 * 10**18)]
    with reverts("engine: min debt"):
        world.borrow(account, "USDC", 99)
    world.borrow(account, "USDC", 100)


def test_set_min_debt__bound__accepted_at_and_refused_beyond(world: World) -> None:
    for value in (0, CENT, LIMIT - CENT, LIMIT):
        world.engine.set_min_debt(value, sender=world.roles["owner"])
        assert list(world.engine.settings()) == [world.risk_engine.address, value, False]
    for value in (1, CENT - 1, CENT + 1, LIMIT - 1, LIMIT + 1, LIMIT + CENT, 2**24 * CENT, 2**88, 2**256 - 1):
        with reverts("engine: min debt bound"):
            world.engine.set_min_debt(value, sender=world.roles["owner"])


def test_set_min_debt__paused__stays_paused(world: World) -> None:
    world.engine.pause(sender=world.roles["owner"])
    world.engine.set_min_debt(5 * CENT, sender=world.roles["owner"])
    assert list(world.engine.settings()) == [world.risk_engine.address, 5 * CENT, True]


def test_set_min_debt__every_wrong_caller__reverts(world: World) -> None:
    for role in ("guardian", "deployer", "trader", "stranger", "attacker"):
        with reverts("roles: owner only"):
            world.engine.set_min_debt(CENT, sender=world.roles[role])
