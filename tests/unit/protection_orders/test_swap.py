"""swap: the engine's, in a trade that this contract has begun, once; nobody's otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import FOREVER, ROLES
from tests.unit.protection_orders.conftest import ALL, WAD, Desk


def test_swap__fee_then_the_rest__to_where_the_engine_measures(desk: Desk) -> None:
    desk.world.set_price("WETH", 1_750)
    receipt = desk.execute(desk.order(), WAD)
    transfers = receipt.find("Transfer", desk.token("WETH"))
    assert [each.args["value"] for each in transfers] == [WAD, WAD // 500, WAD - WAD // 500]
    assert receipt.find("Transfer", desk.token("USDC"))[0].args["receiver"] == desk.world["USDC"].pool.address
    assert desk.holds_nothing()


@pytest.mark.parametrize("role", ROLES)
def test_swap__every_wrong_caller__reverts(desk: Desk, role: str) -> None:
    weth, usdc = desk.token("WETH"), desk.token("USDC")
    weth.mint(desk.orders, WAD, sender=desk.role("stranger"))
    with reverts("orders: engine only"):
        desk.orders.swap(weth, usdc, WAD, 0, desk.role(role), b"", sender=desk.role(role))


@pytest.mark.parametrize("batched", [False, True])
@pytest.mark.parametrize("role", ["trader", "attacker"])
def test_swap__engine_sent_by_somebody_else__reverts(desk: Desk, role: str, batched: bool) -> None:
    """Whoever names this contract as his swapper finds it idle, and what was left here by mistake stays."""
    world = desk.world
    world.deposit(world.account(role, 7), "WETH", 2)
    desk.token("USDC").mint(desk.orders, 10**12, sender=desk.role("stranger"))
    trade = world.engine.trade.encode(
        account_word.account(int(desk.role(role), 16), 7),
        desk.token("WETH"),
        WAD,
        0,
        desk.token("USDC"),
        0,
        desk.orders,
        b"",
        FOREVER,
        False,
    )
    with reverts("orders: idle"):
        desk.chain.raw_call(
            world.engine, world.engine.batch.encode([trade]) if batched else trade, sender=desk.role(role)
        )


def test_swap__idle_again_after_every_execution(desk: Desk) -> None:
    desk.world.set_price("WETH", 1_750)
    desk.execute(desk.order(), WAD)
    with reverts("orders: idle"):
        desk.world.trade(desk.long, "WETH", 1, "USDC", swapper=desk.orders)


def test_swap__idle_again_within_one_transaction(desk: Desk) -> None:
    """A contract executes an order and, in the same transaction, sells from an account of its own through this one."""
    world, sender = desk.world, desk.role("attacker")
    attacker: Any = desk.chain.deploy("AttackSwapper", sender=sender)
    world.roles["attack_contract"] = attacker.address
    own = world.account("attack_contract")
    world.set_price("WETH", 1_750)
    weth, usdc, pool = desk.token("WETH"), desk.token("USDC"), world["USDC"].pool
    weth.mint(attacker, WAD, sender=sender)
    usdc.mint(attacker, 10**9, sender=sender)
    for target, data in (
        (weth, weth.approve.encode(world.engine, ALL)),
        (world.engine, world.engine.deposit.encode(own, weth, WAD)),
    ):
        attacker.execute(target, data, sender=sender)
    execute = (desk.orders, desk.orders.execute.encode(*desk.arguments(desk.order(), WAD)))
    trade = (
        world.engine,
        world.engine.trade.encode(own, weth, WAD, 0, usdc, 0, desk.orders, b"", FOREVER, False),
    )
    loan = pool.flashLoan.encode(attacker, usdc, 1, b"")
    attacker.set_callback([execute], sender=sender)
    with desk.chain.isolate():
        attacker.execute(pool, loan, sender=sender)
    attacker.set_callback([execute, trade], sender=sender)
    with reverts("orders: idle"):
        attacker.execute(pool, loan, sender=sender)


def test_swap__less_arrives_than_the_engine_sent__reverts(desk: Desk) -> None:
    """A token that began to take a fee on transfer."""
    account = desk.world.account("trader", 5)
    desk.world.deposit(account, "FEE", 100)
    fee_token = desk.token("FEE")
    order = desk.order(
        account=account, sell=fee_token.address, watched=fee_token.address, trigger=desk.mid("FEE"), amount=100 * WAD
    )
    fee_token.mint(desk.orders, 100 * WAD, sender=desk.role("stranger"))
    fee_token.set_fee(1, sender=desk.role("stranger"))
    with reverts("token: received differs"):
        desk.execute(order)
    fee_token.set_fee(0, sender=desk.role("stranger"))
    desk.execute(order)
    assert fee_token.balanceOf(desk.orders) == 100 * WAD


def test_swap__tokens_left_here__are_not_swapped(desk: Desk) -> None:
    weth = desk.token("WETH")
    weth.mint(desk.orders, 3 * WAD, sender=desk.role("stranger"))
    desk.world.set_price("WETH", 1_750)
    assert desk.execute(desk.order(), ALL).return_value[0] == 20 * WAD
    assert weth.balanceOf(desk.orders) == 3 * WAD


@pytest.mark.parametrize("symbol", ["USDT", "WBTC"])
def test_swap__tokens_of_other_habits(desk: Desk, symbol: str) -> None:
    """One that returns nothing, one of 8 decimals; sold for what is owed."""
    world = desk.world
    world.deposit(desk.long, symbol, 100)
    order = desk.order(
        sell=desk.token(symbol).address, watched=desk.token(symbol).address, trigger=desk.mid(symbol), amount=10**8
    )
    assert desk.execute(order).return_value[0] == 10**8
    assert desk.holds_nothing()
