"""Executing orders: what is due and when, at which size, and what is left alone and why. On the real contracts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Revert
from plimsoll.keeper.dispatch import key_of
from plimsoll.keeper.journal import Intent
from plimsoll.keeper.node import Call, Simulated
from plimsoll.keeper.orders import LOOK_AGAIN, TriggerIndex
from plimsoll.keeper.taker import GasPrice
from plimsoll.model import protection_orders
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol.orders import Order, Signed
from tests.support.scenario import DEAD, STALE, WIDE
from tests.unit.keeper.orders.conftest import CONFIG, PRICE, OrderKeeper
from tests.unit.protection_orders.conftest import WAD, Desk

WETH, USDC = "0x" + "aa" * 20, "0x" + "bb" * 20


def fall(keeper: OrderKeeper, price: int = 1_750) -> None:
    keeper.desk.world.set_price("WETH", price)


# Orders


def test_stop_loss__price_reached__executed_and_the_fee_in_the_wallet(keeper: OrderKeeper) -> None:
    desk = keeper.desk
    digest = keeper.drop(desk.order())
    assert keeper.look() == []
    assert keeper.node.simulated == []
    assert keeper.reasons() == ["not reached: WETH is -10.00% away from its trigger"]
    fall(keeper)
    assert keeper.reasons() == ["not reached: WETH is -10.00% away from its trigger"]  # the books have not looked yet
    (wish,) = keeper.look()
    fee = 20 * WAD * 20 // 10_000
    assert wish.note == {
        "kind": "order",
        "sold": str(20 * WAD),
        "order": digest,
        "profit": str(fee * 1_750 - PRICE.dollars(500_000)),
    }
    assert wish.key == f"order {desk.long:#x}"
    assert keeper.reasons() == ["due: its fee is $70.00"]
    keeper.chain.raw_call(wish.to, wish.data, keeper.wallet)
    assert desk.token("WETH").balanceOf(keeper.wallet) == fee
    assert desk.world.balance(desk.long, "WETH") == 0
    assert keeper.look() == []
    assert keeper.reasons() == ["executed to its end"]


@pytest.mark.parametrize(
    ("changed", "prices"),
    [
        ({}, {"WETH": 1_750}),
        ({"kind": Kind.ABOVE, "trigger": 2_200}, {"WETH": 2_300}),
        ({"watched": "WBTC", "trigger": 50_000}, {"WBTC": 49_000}),
        ({"kind": Kind.TRAIL_BELOW, "trigger": 2_000, "trail": 1_000}, {"WETH": 1_750}),
        ({"kind": Kind.TRAIL_ABOVE, "trigger": 2_000, "trail": 1_000}, {"WETH": 2_300}),
    ],
    ids=["below", "above", "another asset", "trailing below", "trailing above"],
)
def test_every_kind__due_when_the_contract_says_so(
    keeper: OrderKeeper, changed: dict[str, Any], prices: dict[str, int]
) -> None:
    desk = keeper.desk
    watched = changed.get("watched", "WETH")
    members = {**changed, "watched": desk.token(watched).address}
    members["trigger"] = desk.mid(watched, changed.get("trigger", 1_800))
    order = desk.order(**members)
    keeper.drop(order)
    assert keeper.act() == []
    assert not desk.state(order).triggered
    for symbol, price in prices.items():
        desk.world.set_price(symbol, price)
    assert desk.state(order).triggered
    assert len(keeper.act()) == 1


def test_buy_back__short__executed(keeper: OrderKeeper) -> None:
    desk = keeper.desk
    keeper.drop(desk.buy_back())
    desk.world.set_price("WETH", 2_250)
    (receipt,) = keeper.act()
    (event,) = receipt.find("Executed")
    assert event.args["account"] == desk.short
    assert event.args["finished"]
    assert desk.world.engine.debt_of(desk.short, desk.token("WETH")) == 0


def test_placed_on_chain__found_by_its_event(keeper: OrderKeeper) -> None:
    desk, order, standing = keeper.desk, keeper.desk.order(), keeper.desk.standing(account=keeper.desk.short)
    desk.orders.place(order.as_tuple(), desk.sign(order), sender=desk.role("stranger"))
    desk.orders.place_deleverage(standing.as_tuple(), desk.sign(standing), sender=desk.role("stranger"))
    fall(keeper)
    assert [receipt.find("Executed")[0].args["account"] for receipt in keeper.act()] == [desk.long]
    assert keeper.book.orders == {}
    assert keeper.reasons(desk.short)[0].startswith("not reached: equity / maintenance is ")


def test_placed_and_in_a_file__executed_once(keeper: OrderKeeper) -> None:
    desk, order = keeper.desk, keeper.desk.order()
    keeper.drop(order)
    desk.orders.place(order.as_tuple(), desk.sign(order), sender=desk.role("stranger"))
    fall(keeper)
    assert len(keeper.act()) == 1
    assert keeper.act() == []


def test_one_cancels_other__second_dropped_without_a_look(keeper: OrderKeeper) -> None:
    desk = keeper.desk
    keeper.drop(desk.order(amount=5 * WAD), "first.json")
    fall(keeper)
    assert len(keeper.act()) == 1
    keeper.drop(desk.order(amount=6 * WAD), "second.json")
    before = len(keeper.node.simulated)
    assert keeper.act() == []
    assert len(keeper.node.simulated) == before
    assert "another order of its group was executed" in keeper.reasons()


def test_executed_by_another_keeper__dropped_without_a_look(keeper: OrderKeeper) -> None:
    desk, order = keeper.desk, keeper.desk.order()
    keeper.drop(order)
    fall(keeper)
    desk.execute(order, sender="stranger")
    assert keeper.act() == []
    assert keeper.node.simulated == []
    assert keeper.reasons() == ["executed to its end"]


def test_executed_in_part_by_another__the_rest_executed(keeper: OrderKeeper) -> None:
    desk, order = keeper.desk, keeper.desk.order()
    keeper.drop(order)
    fall(keeper)
    desk.execute(order, 5 * WAD, sender="stranger")
    (receipt,) = keeper.act()
    assert receipt.find("Executed")[0].args["sold"] == 15 * WAD


@pytest.mark.parametrize(
    ("cancel", "reason"),
    [
        (lambda desk, digest: desk.orders.cancel_order(digest, sender=desk.role("trader")), "cancelled by its owner"),
        (lambda desk, digest: desk.orders.cancel_group(1, sender=desk.role("trader")), "cancelled by its owner"),
        (lambda desk, digest: desk.orders.cancel_all(sender=desk.role("trader")), "its owner cancelled all orders"),
    ],
    ids=["order", "group", "all"],
)
def test_cancelled__left_alone__and_due_again_after_a_reorg(
    keeper: OrderKeeper, cancel: Callable[[Desk, bytes], Any], reason: str
) -> None:
    desk, order = keeper.desk, keeper.desk.order()
    keeper.drop(order)
    fall(keeper)
    keeper.follow()
    snapshot = keeper.chain.snapshot()
    cancel(desk, order.digest(desk.domain))
    assert keeper.look() == []
    assert keeper.node.simulated == []
    assert keeper.reasons() == [reason]
    keeper.chain.revert(snapshot)
    assert len(keeper.look()) == 1


def test_cancelled_by_somebody_else__still_executed(keeper: OrderKeeper) -> None:
    desk, order = keeper.desk, keeper.desk.order()
    keeper.drop(order)
    fall(keeper)
    desk.orders.cancel_order(order.digest(desk.domain), sender=desk.role("attacker"))
    desk.orders.cancel_group(1, sender=desk.role("attacker"))
    desk.orders.cancel_all(sender=desk.role("attacker"))
    assert len(keeper.act()) == 1


def test_reorg__takes_an_execution_and_a_placing_back(keeper: OrderKeeper) -> None:
    desk, order = keeper.desk, keeper.desk.order()
    fall(keeper)
    keeper.follow()
    snapshot = keeper.chain.snapshot()
    desk.orders.place(order.as_tuple(), desk.sign(order), sender=desk.role("stranger"))
    assert len(keeper.act()) == 1
    keeper.follow()
    assert keeper.books.state.orders.sold(f"0x{order.digest(desk.domain).hex()}") == 20 * WAD
    keeper.chain.revert(snapshot)
    assert keeper.look() == []
    assert keeper.reasons() == []
    assert len(keeper.books.state.orders.table) == 0


def test_restart__facts_and_orders_are_there(keeper: OrderKeeper, tmp_path: Any) -> None:
    desk = keeper.desk
    keeper.drop(desk.order())
    fall(keeper)
    desk.execute(desk.order(), 5 * WAD, sender="stranger")
    keeper.follow()
    keeper.look()
    keeper.close()
    again = OrderKeeper(desk, tmp_path)
    (wish,) = again.look()
    assert wish.note["sold"] == str(15 * WAD)
    again.close()


def test_expired__left_alone_and_forgotten(keeper: OrderKeeper) -> None:
    keeper.drop(keeper.desk.order(deadline=keeper.desk.now + 20))
    assert keeper.look() == []
    fall(keeper)
    keeper.chain.warp(60)
    assert keeper.look() == []
    assert keeper.node.simulated == []
    assert keeper.book.orders == {}


# What is not worth it, or does not pass


def test_fee_below_the_gas__waits_and_is_looked_at_again(keeper: OrderKeeper) -> None:
    keeper.drop(keeper.desk.order(fee=1, amount=WAD))
    fall(keeper)
    assert keeper.look() == []
    assert [line["reason"] for line in keeper.said("order is due and waits")] == ["its fee does not pay for the gas"]
    looked = len(keeper.node.simulated)
    for _ in range(LOOK_AGAIN - 1):
        assert keeper.look() == []
    assert len(keeper.node.simulated) == looked
    assert len(keeper.look(GasPrice(0, 2_000 * WAD), frozenset())) == 0  # 0.175 dollars are below the minimum
    keeper.protector._config = replace(CONFIG, minimum_profit=0)
    for _ in range(LOOK_AGAIN):
        wishes = keeper.look(GasPrice(0, 2_000 * WAD))
    assert len(wishes) == 1


def test_no_grant__reason_in_the_log_and_for_people(keeper: OrderKeeper) -> None:
    desk = keeper.desk
    desk.grant(desk.world.account("trader") >> 96, (0, 0, 0, 0))
    keeper.drop(desk.order())
    fall(keeper)
    assert keeper.look() == []
    (line,) = keeper.said("order is due and waits")
    assert "operators: not allowed" in line["reason"]
    assert keeper.reasons()[0].startswith("due, but it would fail: ")


def test_whole_does_not_pass__the_largest_part_that_does(keeper: OrderKeeper) -> None:
    keeper.drop(keeper.desk.order())
    fall(keeper)
    simulate, most = keeper.node.simulate, 11 * WAD

    def shallow(calls: Sequence[Call]) -> list[Simulated | Revert]:
        """A market too thin for more than `most`: the amount is the fourth word behind the order's sixteen."""
        return [
            Revert("engine: min_buy") if int.from_bytes(call.data[4 + 17 * 32 :][:32], "big") > most else result
            for call, result in zip(calls, simulate(calls), strict=True)
        ]

    keeper.node.simulate = shallow
    (wish,) = keeper.look()
    assert wish.note["sold"] == str(10 * WAD)


def test_min_fill__no_smaller_part_is_tried(keeper: OrderKeeper) -> None:
    keeper.drop(keeper.desk.order(min_fill=9 * WAD))
    fall(keeper)
    keeper.look()
    assert len(keeper.node.simulated) == 2


def test_min_rate__below_it_nothing_passes(keeper: OrderKeeper) -> None:
    keeper.drop(keeper.desk.order(min_rate=1_790 * 10**6))
    fall(keeper)
    assert keeper.look() == []
    (line,) = keeper.said("order is due and waits")
    assert "engine: min_buy" in line["reason"]


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
@pytest.mark.parametrize("symbol", ["WETH", "USDC"])
def test_price_not_ok__waits(keeper: OrderKeeper, symbol: str, status: int) -> None:
    keeper.drop(keeper.desk.order())
    keeper.drop(keeper.desk.standing(), "standing.json")
    fall(keeper)
    keeper.desk.world.set_status(symbol, status)
    assert keeper.look() == []
    assert keeper.node.simulated == []
    assert keeper.reasons() == [f"the price of {symbol} is not OK"] * 2


def test_busy_account__left_alone(keeper: OrderKeeper) -> None:
    account = keeper.desk.long
    keeper.drop(keeper.desk.order())
    fall(keeper)
    assert keeper.look(busy=frozenset({key_of(account)})) == []
    assert keeper.look(busy=frozenset({f"order {account:#x}"})) == []
    assert len(keeper.look(busy=frozenset({key_of(keeper.desk.short)}))) == 1


def test_execution_came_to_nothing__waits_twice_as_long_each_time(keeper: OrderKeeper) -> None:
    digest = keeper.drop(keeper.desk.order())
    fall(keeper)
    for failures in (1, 2, 3):
        (wish,) = keeper.look()
        tip = keeper.books.tip
        assert tip is not None
        keeper.protector.came_to_nothing(cast("Intent", SimpleNamespace(note=wish.note, planned_block=tip.number)))
        for _ in range(LOOK_AGAIN * 2**failures - 1):
            assert keeper.look() == []
    assert [wish.note["order"] for wish in keeper.look()] == [digest]


def test_another_transaction_came_to_nothing__orders_go_on(keeper: OrderKeeper) -> None:
    keeper.drop(keeper.desk.order())
    fall(keeper)
    keeper.look()
    keeper.protector.came_to_nothing(cast("Intent", SimpleNamespace(note={"kind": "take"}, planned_block=10**9)))
    assert len(keeper.look()) == 1


def test_two_orders_of_an_account__one_at_a_time_the_better_first(keeper: OrderKeeper) -> None:
    keeper.drop(keeper.desk.order(group=1, fee=20), "poor.json")
    rich = keeper.drop(keeper.desk.order(group=2, fee=50), "rich.json")
    fall(keeper)
    (wish,) = keeper.look()
    assert wish.note["order"] == rich


def test_more_due_than_looks__those_that_only_pretend_to_pay_stop_nobody(
    keeper: OrderKeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plimsoll.keeper.orders.LOOKS_PER_BLOCK", 4)
    for number in range(24):
        order = keeper.desk.order(group=number + 10, fee=1_000, min_rate=3_000 * 10**6)
        keeper.drop(order, f"{number}.json")
    honest = keeper.drop(keeper.desk.order(amount=WAD, fee=10))
    fall(keeper)
    for _ in range(20):
        wishes = keeper.look()
        if wishes:
            break
    assert [wish.note["order"] for wish in wishes] == [honest]


def test_refused_file__said_once_and_the_rest_goes_on(keeper: OrderKeeper) -> None:
    (keeper.inbox / "bad.json").write_text("{")
    keeper.drop(keeper.desk.order())
    fall(keeper)
    assert len(keeper.look()) == 1
    keeper.look()
    (line,) = keeper.said("order refused")
    assert line["file"] == "bad.json"
    assert len(keeper.said("order taken in")) == 1


def test_order_book_lost__said_and_what_is_known_goes_on(keeper: OrderKeeper) -> None:
    keeper.drop(keeper.desk.order())
    assert keeper.look() == []
    keeper.book.close()
    fall(keeper)
    keeper.book._db.close()
    assert len(keeper.look()) == 1
    assert len(keeper.said("order book cannot be kept")) == 1
    keeper.book = keeper.open_book()


# Trailing orders


def test_trailing__best_price_shown_and_the_fall_from_it_executed(keeper: OrderKeeper) -> None:
    desk = keeper.desk
    order = desk.order(kind=Kind.TRAIL_BELOW, trigger=desk.mid("WETH", 2_000), trail=1_000)
    keeper.drop(order)
    assert keeper.look() == []
    desk.world.set_price("WETH", 2_010)
    assert keeper.look() == []
    desk.world.set_price("WETH", 2_400)
    (wish,) = keeper.look()
    assert wish.note["kind"] == "poke order"
    keeper.chain.raw_call(wish.to, wish.data, keeper.wallet)
    for _ in range(LOOK_AGAIN + 1):
        assert keeper.look() == []
    desk.world.set_price("WETH", 2_170)
    assert keeper.look() == []
    assert keeper.reasons() == ["not reached: WETH is -0.46% away from its trigger"]
    desk.world.set_price("WETH", 2_160)
    (receipt,) = keeper.act()
    assert receipt.find("Executed")[0].args["finished"]


@pytest.mark.parametrize("what", ["no fee", "no balance", "never"])
def test_trailing__not_worth_a_poke__not_poked(keeper: OrderKeeper, what: str) -> None:
    desk = keeper.desk
    changed: dict[str, Any] = {
        "no fee": {"fee": 0},
        "no balance": {"account": desk.world.account("trader", 7)},
        "never": {},
    }[what]
    if what == "never":
        keeper.protector._config = replace(CONFIG, poke=0)
    keeper.drop(desk.order(kind=Kind.TRAIL_BELOW, trigger=desk.mid("WETH", 2_000), trail=1_000, **changed))
    desk.world.set_price("WETH", 2_400)
    assert keeper.look() == []


# Deleveraging


def test_deleverage__at_the_trigger__lifted_to_the_target_and_not_beyond(keeper: OrderKeeper) -> None:
    desk = keeper.desk
    digest = keeper.drop(desk.standing())
    assert keeper.look() == []
    assert keeper.reasons()[0].startswith("not reached: equity / maintenance is ")
    fall(keeper, 1_700)
    assert desk.ratio(desk.long) <= 2
    (wish,) = keeper.look()
    assert (wish.note["kind"], wish.note["order"]) == ("deleverage", digest)
    receipt = keeper.chain.raw_call(wish.to, wish.data, keeper.wallet)
    (event,) = receipt.find("Deleveraged")
    assert event.args["fee"] == desk.token("WETH").balanceOf(keeper.wallet) > 0
    assert 2.97 < desk.ratio(desk.long) <= 3
    assert keeper.look() == []
    fall(keeper, 1_500)
    assert desk.ratio(desk.long) <= 2
    assert len(keeper.act()) == 1


def test_deleverage__short__sells_dollars_for_what_it_owes(keeper: OrderKeeper) -> None:
    desk = keeper.desk
    keeper.drop(desk.standing(account=desk.short))
    desk.world.set_price("WETH", 2_500)
    assert desk.ratio(desk.short) <= 2
    (receipt,) = keeper.act()
    (event,) = receipt.find("Deleveraged")
    assert (event.args["sell"], event.args["buy"]) == (desk.token("USDC").address, desk.token("WETH").address)
    assert 2.9 < desk.ratio(desk.short) <= 3


@pytest.mark.parametrize("closed", ["cancelled", "expired", "healthy", "without debt"])
def test_deleverage__not_due__left_alone(keeper: OrderKeeper, closed: str) -> None:
    desk = keeper.desk
    standing = desk.standing(deadline=desk.now + 20) if closed == "expired" else desk.standing()
    if closed == "without debt":
        standing = desk.standing(account=desk.world.account("trader", 9))
    keeper.drop(standing)
    keeper.look()
    if closed == "cancelled":
        desk.orders.cancel_order(standing.digest(desk.domain), sender=desk.role("trader"))
    if closed != "healthy":
        fall(keeper, 1_700)
    if closed == "expired":
        keeper.chain.warp(60)
    assert keeper.look() == []
    assert keeper.node.simulated == []


def test_deleverage__fee_below_the_gas__waits(keeper: OrderKeeper) -> None:
    keeper.drop(keeper.desk.standing(fee=0))
    fall(keeper, 1_700)
    assert keeper.look() == []
    assert [line["reason"] for line in keeper.said("order is due and waits")] == ["its fee does not pay for the gas"]


# The index


@given(
    orders=st.lists(st.tuples(st.sampled_from(list(Kind)), st.sampled_from([WETH, USDC]), st.integers(1, 50))),
    mids=st.dictionaries(st.sampled_from([WETH, USDC]), st.integers(1, 50)),
)
def test_index__finds_what_is_triggered_and_nothing_else(
    orders: list[tuple[Kind, str, int]], mids: dict[str, int]
) -> None:
    made = {
        f"0x{i:064x}": Signed(
            Order(
                account=1 << 96,
                kind=kind,
                watched=watched,
                trigger=trigger,
                trail=5 if kind >= Kind.TRAIL_BELOW else 0,
                sell=WETH,
                buy=USDC,
                amount=1,
                min_fill=0,
                min_rate=0,
                max_slippage=0,
                fee=0,
                repay_only=False,
                group=0,
                epoch=0,
                deadline=0,
            ),
            b"",
        )
        for i, (kind, watched, trigger) in enumerate(orders)
    }
    index = TriggerIndex.of(made)
    expected = {
        digest
        for digest, signed in made.items()
        if isinstance(signed.order, Order)
        and signed.order.kind < Kind.TRAIL_BELOW
        and signed.order.watched in mids
        and protection_orders.triggered(
            signed.order.kind, signed.order.trigger, signed.order.trail, mids[signed.order.watched]
        )
    }
    found = list(index.reached(mids))
    assert len(found) == len(set(found))
    assert set(found) == expected
    assert len(index.trailing) == sum(kind >= Kind.TRAIL_BELOW for kind, _, _ in orders)
