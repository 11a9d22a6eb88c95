"""Price status × pause × action, cell by cell: what each status allows; a pause stops new risk only."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.support import reverts
from tests.support.scenario import DEAD, OK, STALE, WIDE, World
from tests.unit.margin_engine.test_trade_reduce_only import reduce

Act = Callable[[World, int, int], None]
"""Acts on a long of WETH against USDC, or on an account with 1 WETH and 1,000 USDC and no debt."""


def deposit(world: World, long: int, free: int) -> None:
    world.deposit(long, "WETH", 1)


def deposit_without_debt(world: World, long: int, free: int) -> None:
    world.deposit(free, "WETH", 1)


def repay(world: World, long: int, free: int) -> None:
    world.deposit(long, "USDC", 100)


def repay_by_transfer(world: World, long: int, free: int) -> None:
    world.engine.transfer(free, long, world["USDC"].token, 10**8, sender=world.roles["trader"])


def reduce_position(world: World, long: int, free: int) -> None:
    reduce(world, long, "WETH", 10**18, "USDC", 2_000 * 10**6)


def withdraw_without_debt(world: World, long: int, free: int) -> None:
    trader = world.roles["trader"]
    world.engine.withdraw(free, world["WETH"].token, 10**18, trader, 0, sender=trader)
    world.engine.withdraw(free, world["USDC"].token, 10**9, trader, 0, sender=trader)


def trade_without_debt(world: World, long: int, free: int) -> None:
    world.trade(free, "USDC", 100, "WETH")


def open_position(world: World, long: int, free: int) -> None:
    world.trade(free, "USDC", 2_000, "WETH", 1_000)


def add_to_position(world: World, long: int, free: int) -> None:
    world.trade(long, "USDC", 1_000, "WETH", 1_000)


def borrow(world: World, long: int, free: int) -> None:
    world.borrow(long, "USDC", 100)


def borrow_first(world: World, long: int, free: int) -> None:
    """WETH is borrowed against USDC, after the WETH left."""
    trader = world.roles["trader"]
    world.engine.withdraw(free, world["WETH"].token, 11 * 10**17, trader, 10**17, sender=trader)


def withdraw_with_debt(world: World, long: int, free: int) -> None:
    trader = world.roles["trader"]
    world.engine.withdraw(long, world["WETH"].token, 1, trader, 0, sender=trader)


def transfer_with_debt(world: World, long: int, free: int) -> None:
    world.engine.transfer(long, free, world["WETH"].token, 1, sender=world.roles["trader"])


def trade_with_debt(world: World, long: int, free: int) -> None:
    world.trade(long, "WETH", 1, "USDC")


def close(world: World, long: int, free: int) -> None:
    """A trade after which no debt is left asks for no price."""
    world.trade(long, "WETH", 20, "USDC")


ALWAYS: tuple[Act, ...] = (
    deposit,
    deposit_without_debt,
    repay,
    repay_by_transfer,
    withdraw_without_debt,
    trade_without_debt,
    close,
)
RISKY: tuple[Act, ...] = (
    open_position,
    add_to_position,
    borrow,
    borrow_first,
    withdraw_with_debt,
    transfer_with_debt,
    trade_with_debt,
)


@pytest.mark.parametrize("paused", [False, True], ids=["running", "paused"])
@pytest.mark.parametrize("status", [OK, WIDE, STALE, DEAD], ids=["OK", "WIDE", "STALE", "DEAD"])
@pytest.mark.parametrize("symbol", ["WETH", "USDC"])
@pytest.mark.parametrize("act", [*ALWAYS, *RISKY, reduce_position], ids=lambda act: act.__name__)
def test_table(world: World, long: int, account: int, act: Act, symbol: str, status: int, paused: bool) -> None:
    world.deposit(account, "WETH", 1)
    world.deposit(account, "USDC", 1_000)
    world.set_status(symbol, status)
    if paused:
        world.engine.pause(sender=world.roles["guardian"])
    reason = ""
    if act in RISKY:
        reason = "engine: paused" if paused else "engine: price status" if status != OK else ""
    elif act is reduce_position and status == DEAD:
        reason = "engine: price status"
    if not reason:
        act(world, long, account)
        return
    with reverts(reason):
        act(world, long, account)
