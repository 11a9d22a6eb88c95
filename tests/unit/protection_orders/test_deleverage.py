"""deleverage: at the trigger or below, up to the target, at no more than the cost allowed, as often as it takes."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import Event, Revert
from plimsoll.model import protection_orders
from tests.support import reverts
from tests.support.scenario import DEAD, FOREVER, STALE, WIDE
from tests.unit.protection_orders.conftest import ALL, GRANT, WAD, Desk, exactly

USDC = 10**6


@pytest.fixture
def weak(desk: Desk) -> Desk:
    """WETH at 1,800 dollars: the long's equity is 6,000, its requirement 3,300."""
    desk.world.set_price("WETH", 1_800)
    assert Fraction(18, 10) < desk.ratio(desk.long) < 2
    return desk


def largest(desk: Desk, **changed: Any) -> int:
    """The largest sale that stays at the target or below, found as a keeper would: by simulating."""
    standing = desk.standing(**changed)

    def fits(amount: int) -> bool:
        with desk.chain.isolate():
            try:
                desk.deleverage(standing, amount)
            except Revert as refused:
                assert refused.reason == "orders: beyond the target"
                return False
        return True

    return protection_orders.largest(20 * WAD, fits)


def moved(desk: Desk, symbol: str, sender: Any, receiver: Any, amount: int) -> Event:
    event: Event = desk.token(symbol).event("Transfer", sender=sender, receiver=receiver, value=amount)
    return event


def test_deleverage__whole_receipt(weak: Desk) -> None:
    desk, world, standing = weak, weak.world, weak.standing()
    sold, fee = WAD, WAD * 20 // 10_000
    bought = (sold - fee) * 1_800 * USDC // WAD
    receipt = desk.deleverage(standing, sold)
    health = world.health(desk.long)
    loss = 1_800 * WAD - bought * 10**12
    assert receipt.return_value == (sold, bought)
    assert receipt.events == [
        moved(desk, "WETH", world.engine, desk.orders, sold),
        moved(desk, "WETH", desk.orders, desk.role("keeper"), fee),
        moved(desk, "WETH", desk.orders, world.swapper, sold - fee),
        moved(desk, "USDC", world.swapper, world["USDC"].pool, bought),
        world["USDC"].pool.event("Repaid", account=desk.long, amount=bought, shares=bought * 10**6),
        world.engine.event(
            "Traded",
            account=desk.long,
            sell=desk.token("WETH"),
            buy=desk.token("USDC"),
            sold=sold,
            borrowed=0,
            bought=bought,
            repaid=bought,
            swapper=desk.orders,
            reduce_only=True,
        ),
        world.registry.event(
            "LossCharged",
            scope=int(desk.role("trader"), 16),
            operator=desk.orders,
            loss=loss,
            budget_left=GRANT[3] - loss,
        ),
        desk.orders.event(
            "Deleveraged",
            digest=standing.digest(desk.domain),
            account=desk.long,
            keeper=desk.role("keeper"),
            sell=desk.token("WETH"),
            buy=desk.token("USDC"),
            sold=sold,
            fee=fee,
            bought=bought,
            equity=health.equity,
            maintenance=health.maintenance,
            group=standing.group,
        ),
    ]
    assert desk.holds_nothing()
    assert desk.orders.sold_of(standing.digest(desk.domain)) == sold


@pytest.mark.parametrize("sender", ["keeper", "stranger", "attacker", "trader", "guardian", "lender"])
def test_deleverage__by_anyone(weak: Desk, sender: str) -> None:
    receipt = weak.deleverage(weak.standing(), WAD, sender=sender)
    assert receipt.find("Deleveraged")[0].args["keeper"] == weak.role(sender)


# The trigger


def test_deleverage__trigger__exact(weak: Desk) -> None:
    """At the very ratio it is executed; a unit of ratio below the account's, it is not."""
    health = weak.world.health(weak.long)
    above = health.equity * WAD // health.maintenance
    assert above * health.maintenance < health.equity * WAD
    for ratio, due in ((above, False), (above + 1, True)):
        standing = weak.standing(trigger_ratio=ratio)
        assert weak.orders.is_due(standing.as_tuple()) == (True, due)
        if due:
            weak.deleverage(standing, WAD)
        else:
            with reverts("orders: above the trigger"):
                weak.deleverage(standing, WAD)


def test_deleverage__above_the_trigger__reverts(desk: Desk) -> None:
    with reverts("orders: above the trigger"):
        desk.deleverage(desk.standing(), WAD)


def test_deleverage__between_trigger_and_target__waits_for_the_trigger_again(weak: Desk) -> None:
    weak.deleverage(weak.standing(), 2 * WAD)
    assert 2 < weak.ratio(weak.long) < 3
    with reverts("orders: above the trigger"):
        weak.deleverage(weak.standing(), WAD)
    weak.world.set_price("WETH", 1_700)
    assert weak.ratio(weak.long) < 2
    weak.deleverage(weak.standing(), WAD)


def test_deleverage__negative_equity__is_below_every_trigger(desk: Desk) -> None:
    desk.world.set_price("WETH", 1_450)
    assert desk.world.health(desk.long).equity < 0
    desk.deleverage(desk.standing(), 20 * WAD)
    assert desk.world.balance(desk.long, "WETH") == 0


# The target


def test_deleverage__largest_sale__reaches_the_target_and_a_unit_more_does_not_pass(weak: Desk) -> None:
    most = largest(weak)
    with reverts("orders: beyond the target"):
        weak.deleverage(weak.standing(), most + 1)
    weak.deleverage(weak.standing(), most)
    ratio = weak.ratio(weak.long)
    assert 3 - Fraction(1, 10**9) < ratio <= 3


@pytest.mark.parametrize("target", [21 * WAD // 10, 5 * WAD, 15 * WAD, 100 * WAD])
def test_deleverage__any_target__never_beyond(weak: Desk, target: int) -> None:
    most = largest(weak, target_ratio=target)
    weak.deleverage(weak.standing(target_ratio=target), most)
    if weak.world.balance(weak.long, "USDC") < 0:
        assert Fraction(target, WAD) * (1 - Fraction(1, 10**9)) < weak.ratio(weak.long) <= Fraction(target, WAD)


def test_deleverage__target_out_of_reach__repays_the_debt_and_sells_no_more(weak: Desk) -> None:
    standing = weak.standing(target_ratio=100 * WAD)
    sold, bought = weak.deleverage(standing, ALL).return_value
    limit = protection_orders.most_for_debt(30_000 * USDC, weak.mid("WETH"), weak.mid("USDC"), 100, 0)
    assert sold == limit < 17 * WAD
    assert weak.world.balance(weak.long, "USDC") == bought - 30_000 * USDC >= 0
    with reverts("orders: above the trigger"):
        weak.deleverage(standing, WAD)


def test_deleverage__better_than_the_mid__counts_towards_the_target(weak: Desk) -> None:
    most = largest(weak)
    with reverts("orders: beyond the target"):
        weak.deleverage(weak.standing(), most, data=exactly(most * 1_900 * USDC // WAD))


# The cost


@pytest.mark.parametrize(("cost", "fee"), [(100, 20), (100, 100), (20, 20), (50, 0), (2_000, 1_000)])
def test_deleverage__cost__to_the_unit_fee_included(weak: Desk, cost: int, fee: int) -> None:
    weak.world.set_price("WETH", 1_780)
    weak.grant(weak.long, (1, FOREVER, 10_000, 2**128 - 1))
    standing = weak.standing(max_cost=cost, fee=fee)
    assert weak.orders.is_due(standing.as_tuple()) == (True, True)
    least = -(-1_780 * USDC * (10_000 - cost) // 10_000)
    with reverts("engine: min_buy"):
        weak.deleverage(standing, WAD, data=exactly(least - 1))
    if cost == 2_000:
        with reverts("engine: reduce only"):
            weak.deleverage(standing, WAD, data=exactly(least))
        return
    weak.deleverage(standing, WAD, data=exactly(least))
    assert weak.token("WETH").balanceOf(weak.role("keeper")) == WAD * fee // 10_000


def test_deleverage__sliced__costs_no_more_than_at_once(weak: Desk) -> None:
    """Ten slices sell what one sale sells, at the same cost: there is nothing to be gained by slicing."""
    most = largest(weak) // 10 * 10
    with weak.chain.isolate():
        weak.deleverage(weak.standing(trigger_ratio=29 * WAD // 10), most)
        at_once = weak.world.health(weak.long)
    for _ in range(10):
        weak.deleverage(weak.standing(trigger_ratio=29 * WAD // 10), most // 10)
    health = weak.world.health(weak.long)
    assert abs(health.equity - at_once.equity) <= 10 * 10**12
    assert weak.token("WETH").balanceOf(weak.role("keeper")) <= most * 20 // 10_000


def test_deleverage__churning__is_bounded_by_the_debt(weak: Desk) -> None:
    """However the price wobbles, every sale repays: fees end where the debt ends."""
    standing = weak.standing(target_ratio=100 * WAD)
    before = weak.world.balance(weak.long, "USDC")
    sold = 0
    for price in (1_800, 1_780, 1_760, 1_740, 1_720, 1_700, 1_600, 1_550):
        weak.world.set_price("WETH", price)
        if weak.orders.is_due(standing.as_tuple())[1]:
            sold += weak.deleverage(standing, 3 * WAD).return_value[0] * price
    assert sold > 0
    repaid = weak.world.balance(weak.long, "USDC") - before
    assert repaid * 10**12 >= sold * 9_900 // 10_000


# Pairs


def test_deleverage__a_short__buys_back(desk: Desk) -> None:
    desk.world.set_price("WETH", 2_500)
    standing = desk.standing(account=desk.short)
    assert desk.ratio(desk.short) < 2
    before = desk.ratio(desk.short)
    desk.deleverage(standing, 1_000 * USDC, "USDC", "WETH")
    assert before < desk.ratio(desk.short) <= 3


def test_deleverage__keeper_picks_among_held_and_owed(weak: Desk) -> None:
    world = weak.world
    world.deposit(weak.long, "WBTC", 1)
    world.borrow(weak.long, "USDT", 40_000)
    world.set_price("WETH", 1_600)
    world.set_price("WBTC", 45_000)
    standing = weak.standing(trigger_ratio=19 * WAD, target_ratio=20 * WAD)
    for sell, amount in (("WETH", WAD), ("WBTC", 10**6)):
        for buy in ("USDC", "USDT"):
            with weak.chain.isolate():
                before = weak.ratio(weak.long)
                weak.deleverage(standing, amount, sell, buy)
                assert weak.ratio(weak.long) > before
    with reverts("orders: nothing to repay"):
        weak.deleverage(standing, 1, "WETH", "WBTC")
    with reverts("orders: nothing to sell"):
        weak.deleverage(standing, 1, "USDC", "USDT")


@pytest.mark.parametrize(("sell", "buy"), [("USDT", "USDC"), ("USDC", "USDC")])
def test_deleverage__not_held__reverts(weak: Desk, sell: str, buy: str) -> None:
    with reverts("orders: nothing to sell"):
        weak.deleverage(weak.standing(), WAD, sell, buy)


@pytest.mark.parametrize(("sell", "buy"), [("WETH", "USDT"), ("WETH", "WETH")])
def test_deleverage__not_owed__reverts(weak: Desk, sell: str, buy: str) -> None:
    with reverts("orders: nothing to repay"):
        weak.deleverage(weak.standing(), WAD, sell, buy)


def test_deleverage__zero_amount__reverts(weak: Desk) -> None:
    with reverts("orders: zero amount"):
        weak.deleverage(weak.standing(), 0)


@pytest.mark.parametrize("symbol", ["WETH", "USDC"])
@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_deleverage__price_not_ok__reverts(weak: Desk, symbol: str, status: int) -> None:
    weak.world.set_status("WBTC", DEAD)
    weak.world.set_status(symbol, status)
    with reverts("orders: price status"):
        weak.deleverage(weak.standing(), WAD)
    assert weak.orders.is_due(weak.standing().as_tuple()) == (True, False)


def test_deleverage__paused__works(weak: Desk) -> None:
    weak.world.engine.pause(sender=weak.role("guardian"))
    weak.deleverage(weak.standing(), WAD)


def test_deleverage__no_grant__reverts(weak: Desk) -> None:
    weak.grant(int(weak.role("trader"), 16), (0, 0, 0, 0))
    with reverts("operators: not allowed"):
        weak.deleverage(weak.standing(), WAD)


@pytest.mark.parametrize("what", ["nobody", "itself"])
def test_deleverage__no_swapper_or_fee_receiver__reverts(weak: Desk, what: str) -> None:
    with reverts("orders: swapper"):
        weak.deleverage(weak.standing(), WAD, swapper=weak.orders if what == "itself" else weak.role("stranger"))
    with reverts("orders: fee receiver"):
        weak.deleverage(weak.standing(), WAD, receiver=weak.orders if what == "itself" else "0x" + "0" * 40)


# Open or not, well-formed or not


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"trigger_ratio": 0}, "orders: ratios"),
        ({"trigger_ratio": 3 * WAD}, "orders: ratios"),
        ({"target_ratio": 100 * WAD + 1}, "orders: ratios"),
        ({"max_cost": 2_001}, "orders: cost"),
        ({"fee": 101}, "orders: fee"),
        ({"max_cost": 2_000, "fee": 1_001}, "orders: fee"),
    ],
    ids=str,
)
def test_deleverage__out_of_bounds__reverts(weak: Desk, changed: dict[str, int], reason: str) -> None:
    standing = weak.standing(**changed)
    with reverts(reason):
        weak.deleverage(standing, WAD)
    with pytest.raises(ValueError, match=reason):
        protection_orders.check_deleverage(
            standing.trigger_ratio, standing.target_ratio, standing.max_cost, standing.fee
        )
    assert weak.orders.is_due(standing.as_tuple()) == (False, False)


def test_deleverage__expired_or_of_another_epoch__reverts(weak: Desk) -> None:
    for changed, reason in (
        ({"deadline": weak.now - 1}, "orders: expired"),
        ({"epoch": 1}, "orders: epoch"),
        ({"account": 5}, "orders: zero owner"),
    ):
        with reverts(reason):
            weak.deleverage(weak.standing(**changed), WAD)
        assert weak.orders.is_due(weak.standing(**changed).as_tuple())[0] is False


def test_deleverage__cancelled_in_each_way__reverts(weak: Desk) -> None:
    standing, trader = weak.standing(), weak.role("trader")
    weak.deleverage(standing, WAD // 10)
    for cancel, reason in (
        (lambda: weak.orders.cancel_order(standing.digest(weak.domain), sender=trader), "orders: cancelled"),
        (lambda: weak.orders.cancel_group(standing.group, sender=trader), "orders: cancelled"),
        (lambda: weak.orders.cancel_all(sender=trader), "orders: epoch"),
    ):
        with weak.chain.isolate():
            cancel()
            with reverts(reason):
                weak.deleverage(standing, WAD)
    weak.deleverage(standing, WAD // 10)


def test_deleverage__shares_a_group_with_a_stop__first_decides(weak: Desk) -> None:
    stop, standing = weak.order(), weak.standing(group=1)
    with weak.chain.isolate():
        weak.deleverage(standing, WAD)
        with reverts("orders: group"):
            weak.execute(stop)
        weak.world.set_price("WETH", 1_650)
        weak.deleverage(standing, WAD)
    weak.execute(stop, WAD)
    with reverts("orders: group"):
        weak.deleverage(standing, WAD)


@pytest.mark.parametrize("signer", ["keeper", "stranger", "attacker", "operator", "owner", "guardian"])
def test_deleverage__every_wrong_signer__reverts(weak: Desk, signer: str) -> None:
    with reverts("orders: signature"):
        weak.deleverage(weak.standing(), WAD, signature=weak.sign(weak.standing(), signer))


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("account", 1),
        ("trigger_ratio", 1),
        ("target_ratio", 1),
        ("max_cost", 1),
        ("fee", -1),
        ("group", 1),
        ("deadline", 1),
    ],
)
def test_deleverage__any_member_changed__reverts(weak: Desk, member: str, value: int) -> None:
    standing = weak.standing()
    changed = replace(standing, **{member: getattr(standing, member) + value})
    with reverts("orders: signature"):
        weak.deleverage(changed, WAD, signature=weak.sign(standing))


def test_deleverage__signature_of_an_order__is_none(weak: Desk) -> None:
    with reverts("orders: signature"):
        weak.deleverage(weak.standing(), WAD, signature=weak.sign(weak.order()))
