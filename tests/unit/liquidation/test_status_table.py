"""What may be done with which price status, every cell, each with the protocol paused as well (invariant 12).

The account holds WETH and WBTC and owes USDC and DAI; the asset in doubt is one that it holds, or one that it owes.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import reverts
from tests.support.scenario import DEAD, OK, STALE, WIDE, World

WAD = 10**18
STATUSES = {"OK": OK, "WIDE": WIDE, "STALE": STALE, "DEAD": DEAD}
DOUBT = "engine: price status"
PAUSED = "engine: paused"

YES = ("", "", "", "")
EXITS = {
    "deposit": YES,
    "repay": YES,
    "reduce": ("", "", "", DOUBT),
    "withdraw without debt": YES,
    "start auction": YES,
    "take": YES,
}
NEW_RISK = ("open", "borrow", "withdraw with debt")
ONLY_OK = ("", DOUBT, DOUBT, DOUBT)


@pytest.fixture
def account(world: World) -> int:
    """20 WETH and a WBTC, 100,000 dollars; 35,000 USDC and 25,000 DAI owed."""
    account = world.account("trader", 4)
    world.deposit(account, "WETH", 20)
    world.deposit(account, "WBTC", 1)
    for symbol, amount in (("USDC", 35_000), ("DAI", 25_000)):
        world.borrow(account, symbol, amount)
    return account


@pytest.fixture
def saved(world: World) -> int:
    """An account of the trader's with WETH and USDC and without debts."""
    account = world.account("trader", 5)
    world.deposit(account, "WETH", 2)
    world.deposit(account, "USDC", 2_000)
    return account


def crash(world: World, doubtful: str, status: int) -> None:
    """Sink the account so deep that it is below its line without either of its debts, with the asset in doubt."""
    world.set_price("WETH", 100)
    world.set_price("WBTC", 6_000)
    world.set_status(doubtful, status)


def take(world: World, account: int) -> None:
    """Take everything and repay it in the same batch, so that nothing is left to be judged at doubtful prices."""
    engine, keeper, target = world.engine, world.roles["keeper"], world.account("keeper", 3)
    calls = [engine.take.encode(account, WAD, target, -WAD)]
    for symbol, amount in (("USDC", 40_000), ("DAI", 30_000)):
        calls.append(engine.deposit.encode(target, world[symbol].token, world.fund("keeper", symbol, amount, engine)))
    engine.batch(calls, sender=keeper)


def action(world: World, name: str, account: int, saved: int, doubtful: str, status: int) -> Callable[[], object]:
    """Return an action, everything before it done."""
    trader, keeper = world.roles["trader"], world.roles["keeper"]
    token = world[doubtful].token
    if name in ("start auction", "take"):
        crash(world, doubtful, status)
        if name == "start auction":
            return lambda: world.engine.liquidate(account, sender=keeper)
        world.engine.liquidate(account, sender=keeper)
        return lambda: take(world, account)
    world.set_status(doubtful, status)
    return {
        "deposit": lambda: world.deposit(account, "WETH", 1),
        "repay": lambda: world.deposit(account, "USDC", 100),
        "reduce": lambda: world.trade(account, "WETH", 1, "USDC", reduce_only=True),
        "withdraw without debt": lambda: world.engine.withdraw(saved, token, 1, trader, 0, sender=trader),
        "open": lambda: world.open(account, "USDC", 100, "WETH"),
        "borrow": lambda: world.borrow(account, "USDC", 100),
        "withdraw with debt": lambda: world.engine.withdraw(account, world["WETH"].token, 1, trader, 0, sender=trader),
    }[name]


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
@pytest.mark.parametrize("doubtful", ["WETH", "USDC"])
@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("name", [*EXITS, *NEW_RISK])
def test_table__every_cell(
    world: World, account: int, saved: int, name: str, status: str, doubtful: str, paused: bool
) -> None:
    if paused:
        world.engine.pause(sender=world.roles["guardian"])
    act = action(world, name, account, saved, doubtful, STATUSES[status])
    reason = EXITS.get(name, ONLY_OK)[STATUSES[status]]
    if paused and name in NEW_RISK:
        reason = PAUSED
    if reason:
        before = (world.engine.word_of(account), world.engine.exposures(account))
        with reverts(reason):
            act()
        assert (world.engine.word_of(account), world.engine.exposures(account)) == before
    else:
        act()
