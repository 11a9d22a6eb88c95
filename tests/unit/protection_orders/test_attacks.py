"""What a keeper, his swapper or a token might try while an order is executed, and what they get: nothing."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import Revert
from plimsoll.model.protection_orders import Kind
from tests.support import reverts
from tests.support.scenario import FOREVER
from tests.unit.protection_orders.conftest import ALL, GRANT, WAD, Desk

USDC = 10**6


@pytest.fixture
def fallen(desk: Desk) -> Desk:
    """WETH at 1,750 dollars: the long's stop-loss is triggered."""
    desk.world.set_price("WETH", 1_750)
    return desk


@pytest.fixture
def attacker(fallen: Desk) -> Any:
    """The keeper's own swapper, with dollars and ether of its own, approved everywhere."""
    sender = fallen.role("attacker")
    contract: Any = fallen.chain.deploy("AttackSwapper", sender=sender)
    fallen.world.roles["attack_contract"] = contract.address
    for symbol in ("USDC", "WETH"):
        asset = fallen.world[symbol]
        asset.token.mint(contract, fallen.world.raw(symbol, 1_000_000), sender=sender)
        for spender in (fallen.world.engine, asset.pool):
            contract.execute(asset.token, asset.token.approve.encode(spender, ALL), sender=sender)
    return contract


def everything(desk: Desk) -> dict[str, bytes]:
    """A call of every function of the orders contract, as an attacker would make it, by name."""
    orders, order, standing = desk.orders, desk.order(group=9), desk.standing()
    trailing = desk.order(kind=Kind.TRAIL_BELOW, trail=1)
    weth, usdc, trader = desk.token("WETH"), desk.token("USDC"), desk.role("trader")
    digest = order.digest(desk.domain)
    calls = {
        "execute": orders.execute.encode(*desk.arguments(order, WAD)),
        "deleverage": orders.deleverage.encode(
            standing.as_tuple(), desk.sign(standing), weth, usdc, WAD, desk.world.swapper, b"", trader
        ),
        "swap": orders.swap.encode(weth, usdc, WAD, 0, trader, b""),
        "place": orders.place.encode(order.as_tuple(), desk.sign(order)),
        "place_deleverage": orders.place_deleverage.encode(standing.as_tuple(), desk.sign(standing)),
        "poke": orders.poke.encode(trailing.as_tuple(), desk.sign(trailing)),
        "cancel_order": orders.cancel_order.encode(digest),
        "cancel_group": orders.cancel_group.encode(1),
        "cancel_all": orders.cancel_all.encode(),
        "state_of": orders.state_of.encode(order.as_tuple()),
        "is_due": orders.is_due.encode(standing.as_tuple()),
        "order_digest": orders.order_digest.encode(order.as_tuple()),
        "deleverage_digest": orders.deleverage_digest.encode(standing.as_tuple()),
        "sold_of": orders.sold_of.encode(digest),
        "best_of": orders.best_of.encode(digest),
        "is_finished": orders.is_finished.encode(digest),
        "is_cancelled": orders.is_cancelled.encode(trader, digest),
        "group_of": orders.group_of.encode(trader, 1),
        "epoch_of": orders.epoch_of.encode(trader),
        "engine": orders.engine.encode(),
        "eip712Domain": orders.eip712Domain.encode(),
    }
    assert calls.keys() == {entry["name"] for entry in orders.abi if entry["type"] == "function"}
    return calls


UNLOCKED = {"engine", "eip712Domain"}
"""Constants; the latter is snekmate's, exported from a file without our pragma."""


def through(desk: Desk, attacker: Any, calls: list[tuple[Any, bytes]], delivery: int, **changed: Any) -> list[bool]:
    """Execute one ether of the stop-loss through the attacker, who makes calls; return which of them succeeded."""
    attacker.set_swap(calls, delivery, False, sender=desk.role("attacker"))
    desk.execute(desk.order(), WAD, swapper=attacker, **changed)
    return [attacker.succeeded(i) for i in range(len(calls))]


def test_swapper__calls_every_function__finds_it_locked(fallen: Desk, attacker: Any) -> None:
    calls = everything(fallen)
    for name, data in calls.items():
        with fallen.chain.isolate():
            if name == "swap":
                continue
            attacker.execute(fallen.orders, data, sender=fallen.role("attacker"))
    for names in (list(calls)[:8], list(calls)[8:16], list(calls)[16:]):
        with fallen.chain.isolate():
            result = through(fallen, attacker, [(fallen.orders, calls[name]) for name in names], 1_750 * USDC)
            assert result == [name in UNLOCKED for name in names], names


def test_swapper__calls_every_verb_of_the_engine__finds_it_locked(fallen: Desk, attacker: Any) -> None:
    engine, weth, usdc = fallen.world.engine, fallen.token("WETH"), fallen.token("USDC")
    own = fallen.world.account("attack_contract")
    verbs = [
        engine.deposit.encode(own, usdc, USDC),
        engine.deposit.encode(fallen.long, usdc, USDC),
        engine.withdraw.encode(own, weth, 1, attacker, 0),
        engine.trade.encode(own, weth, 1, 0, usdc, 0, fallen.orders, b"", FOREVER, False),
        engine.transfer.encode(own, own + 1, weth, 1),
        engine.batch.encode([engine.deposit.encode(own, usdc, USDC)]),
    ]
    assert not any(through(fallen, attacker, [(engine, verb) for verb in verbs], 1_750 * USDC))


@pytest.mark.parametrize("delivery", [0, 1, 1_729_035_000 - 1])
def test_swapper__delivers_too_little__everything_is_as_before(fallen: Desk, attacker: Any, delivery: int) -> None:
    """More than 1 % under the mid, of what is left after the fee: sale, fee and the order's part are undone."""
    attacker.set_swap([], delivery, True, sender=fallen.role("attacker"))
    before = fallen.world.balance(fallen.long, "WETH")
    with reverts("engine: min_buy"):
        fallen.execute(fallen.order(), WAD, swapper=attacker)
    assert fallen.world.balance(fallen.long, "WETH") == before
    assert fallen.state(fallen.order()).sold == 0
    assert fallen.token("WETH").balanceOf(fallen.role("keeper")) == 0
    attacker.set_swap([], 1_729_035_000, True, sender=fallen.role("attacker"))
    fallen.execute(fallen.order(), WAD, swapper=attacker)


def test_swapper__lends_to_the_pool_instead_of_paying__counts_for_nothing(fallen: Desk, attacker: Any) -> None:
    pool = fallen.world["USDC"].pool
    attacker.set_swap([(pool, pool.deposit.encode(1_750 * USDC, attacker))], 0, True, sender=fallen.role("attacker"))
    with reverts("engine: min_buy"):
        fallen.execute(fallen.order(), WAD, swapper=attacker)


def test_swapper__pays_the_orders_contract__counts_for_nothing(fallen: Desk, attacker: Any) -> None:
    usdc = fallen.token("USDC")
    attacker.set_swap(
        [(usdc, usdc.transfer.encode(fallen.orders, 1_750 * USDC))], 0, True, sender=fallen.role("attacker")
    )
    with reverts("engine: min_buy"):
        fallen.execute(fallen.order(), WAD, swapper=attacker)


def test_swapper__executes_through_its_own_trade__engine_is_locked(fallen: Desk, attacker: Any) -> None:
    """From inside a trade of somebody else no order can be executed: the engine lets nobody in."""
    world, engine = fallen.world, fallen.world.engine
    own = world.account("attack_contract")
    sender = fallen.role("attacker")
    attacker.execute(engine, engine.deposit.encode(own, fallen.token("WETH"), WAD), sender=sender)
    attacker.set_swap(
        [(fallen.orders, fallen.orders.execute.encode(*fallen.arguments(fallen.order(), WAD)))],
        1_750 * USDC,
        False,
        sender=sender,
    )
    trade = engine.trade.encode(
        own, fallen.token("WETH"), WAD, 0, fallen.token("USDC"), 0, attacker, b"", FOREVER, False
    )
    attacker.execute(engine, trade, sender=sender)
    assert attacker.succeeded(0) is False
    assert fallen.state(fallen.order()).sold == 0


@pytest.mark.parametrize("what", ["engine", "token", "pool", "registry", "risk_engine"])
def test_swapper__a_contract_of_the_protocol__reverts(fallen: Desk, what: str) -> None:
    """The sold token and the pools know no `swap`; nothing else is ever called on what a keeper names."""
    world = fallen.world
    target = {
        "engine": world.engine,
        "token": world["WETH"].token,
        "pool": world["USDC"].pool,
        "registry": world.registry,
        "risk_engine": world.risk_engine,
    }[what]
    with reverts(""):
        fallen.execute(fallen.order(), WAD, swapper=target)


def test_swapper__takes_all_slippage_of_every_part__loss_ends_with_the_budget(fallen: Desk, attacker: Any) -> None:
    """The worst keeper costs what the order allows, and all orders together what the grant allows."""
    fallen.grant(fallen.long, (1, FOREVER, 1_000, 60 * WAD))
    attacker.set_swap([], 1_729_035_000, True, sender=fallen.role("attacker"))
    before = fallen.world.health(fallen.long).equity
    done = 0
    for group in range(10):
        try:
            fallen.execute(fallen.order(amount=WAD, group=group), swapper=attacker)
        except Revert as refused:
            assert refused.reason == "operators: loss budget"
            break
        done += 1
    assert done == 2
    assert before - fallen.world.health(fallen.long).equity <= 60 * WAD


def test_hook__of_the_sold_token__cannot_enter(fallen: Desk) -> None:
    """An ERC-777-like token calls out while it moves to this contract, to the fee's receiver and to the swapper."""
    world, hook = fallen.world, fallen.token("HOOK")
    account = world.account("trader", 5)
    world.deposit(account, "HOOK", 1_000)
    order = fallen.order(
        account=account, sell=hook.address, watched=hook.address, trigger=fallen.mid("HOOK"), amount=1_000 * WAD
    )
    other = fallen.order(group=77)
    targets = {
        "execute": fallen.orders.execute.encode(*fallen.arguments(other, WAD)),
        "swap": fallen.orders.swap.encode(hook, fallen.token("USDC"), WAD, 0, fallen.role("attacker"), b""),
        "cancel": fallen.orders.cancel_all.encode(),
    }
    for data in targets.values():
        with fallen.chain.isolate():
            hook.set_hook(fallen.orders, data, True, sender=fallen.role("attacker"))
            fallen.execute(order, 10 * WAD)
            assert hook.hook_calls() == 3
            assert hook.hook_succeeded() is False
    gift = hook.transfer.encode(fallen.orders, 1)
    hook.mint(hook, 10, sender=fallen.role("attacker"))
    with fallen.chain.isolate():
        hook.set_hook(hook, gift, True, sender=fallen.role("attacker"))
        with reverts("token: received differs"):
            fallen.execute(order, 10 * WAD)
    assert fallen.state(other).sold == 0


def test_trailing__high_poked_once__cannot_be_undone_or_raised_by_words(desk: Desk) -> None:
    """Only mids that were, count: no call can name a best."""
    order = desk.order(kind=Kind.TRAIL_BELOW, trigger=desk.mid("WETH", 2_000), trail=1_000)
    desk.world.set_price("WETH", 2_300)
    with desk.chain.isolate():
        desk.world.set_price("WETH", 2_071)
        with reverts("orders: not triggered"):
            desk.execute(order)
    desk.poke(order)
    desk.world.set_price("WETH", 2_070)
    desk.execute(order)


def test_stale_stop__of_a_closed_position__does_not_close_the_next(fallen: Desk) -> None:
    """Signed for more than was held, executed to the end: the ether bought back afterwards is not the order's."""
    order = fallen.order(amount=2**255)
    fallen.execute(order, 7 * WAD)
    fallen.execute(order)
    fallen.world.trade(fallen.long, "USDC", 4_000, "WETH")
    assert fallen.world.balance(fallen.long, "WETH") > 0
    with reverts("orders: filled"):
        fallen.execute(order)


def test_two_orders__of_one_position__sell_it_once(fallen: Desk) -> None:
    first, second = fallen.order(amount=20 * WAD), fallen.order(amount=20 * WAD, group=2)
    fallen.execute(first, 15 * WAD)
    assert fallen.execute(second).return_value[0] == 5 * WAD
    with reverts("orders: nothing to sell"):
        fallen.execute(first)


def test_grant__of_everything__is_used_for_trades_only(fallen: Desk) -> None:
    """An owner who grants all permissions by mistake still has an operator that only sells, without borrowing."""
    fallen.grant(fallen.long, (15, FOREVER, 1_000, GRANT[3]))
    before = fallen.world.engine.debt_of(fallen.long, fallen.token("USDC"))
    receipt = fallen.execute(fallen.order(), WAD)
    assert receipt.find("Traded")[0].args["borrowed"] == 0
    assert fallen.world.engine.debt_of(fallen.long, fallen.token("USDC")) < before


def test_under_auction__orders_go_on_reducing__and_cure(desk: Desk) -> None:
    """What the engine still accepts of an account under auction, a reduce-only trade, an order still does."""
    world = desk.world
    world.set_price("WETH", 1_560)
    assert world.health(desk.long).equity < world.health(desk.long).maintenance
    world.engine.liquidate(desk.long, sender=desk.role("keeper"))
    standing = desk.standing()
    before = desk.ratio(desk.long)
    desk.deleverage(standing, 8 * WAD)
    desk.execute(desk.order(), 6 * WAD)
    assert desk.ratio(desk.long) > max(before, 1)
    world.engine.cancel(desk.long, sender=desk.role("stranger"))
    desk.execute(desk.order(), WAD)


def test_under_auction__taken_from_meanwhile__sells_what_is_left(desk: Desk) -> None:
    """A take changes the balance under an order: it is cut to what is there, and finished with it."""
    world = desk.world
    world.set_price("WETH", 1_400)
    world.engine.liquidate(desk.long, sender=desk.role("keeper"))
    world.warp(600)
    taker = world.account("keeper")
    world.deposit(taker, "WBTC", 2)
    world.engine.take(desk.long, WAD // 2, taker, -WAD, sender=desk.role("keeper"))
    left = world.balance(desk.long, "WETH")
    assert 0 < left < 20 * WAD
    assert desk.execute(desk.order(fee=50)).return_value[0] == left
    assert desk.orders.is_finished(desk.order(fee=50).digest(desk.domain))
