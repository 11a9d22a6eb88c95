"""Orders against model, to the unit: the formulas on their own, and whole orders executed along random prices."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import Revert, RevmChain
from plimsoll.model import protection_orders as model
from plimsoll.model.protection_orders import BPS, WAD, Kind
from plimsoll.protocol.operators import sign
from plimsoll.protocol.orders import Deleverage, Domain, Order
from tests.support.scenario import FOREVER, World, deploy_world

amounts = st.one_of(st.integers(0, 1_000), st.integers(0, 2**112 - 1))
mids = st.one_of(st.integers(1, 1_000), st.integers(1, 2**128 - 1), st.just(2**128 - 1))
costs = st.integers(0, model.MAX_SLIPPAGE)
fees = st.integers(0, model.MAX_FEE)


@pytest.fixture(scope="module")
def harness(session_chain: RevmChain) -> Any:
    return session_chain.deploy("order_terms_harness", sender=session_chain.accounts()[0])


@example(Kind.TRAIL_BELOW, 1, 0, 1, 1)
@example(Kind.TRAIL_ABOVE, 10_000, 0, 10_000, 1)
@given(st.sampled_from(Kind), mids, st.one_of(st.just(0), mids), mids, st.integers(1, BPS - 1))
def test_trigger__equals_model(harness: Any, kind: Kind, start: int, stored: int, mid: int, trail: int) -> None:
    if kind >= Kind.TRAIL_BELOW:
        best = model.best(kind, start, stored, mid)
        assert harness.best(kind, start, stored, mid) == best
        assert harness.triggered(kind, best, trail, mid) == model.triggered(kind, best, trail, mid)
        distance = Fraction(abs(best - mid), best)
        assert model.triggered(kind, best, trail, mid) == (distance >= Fraction(trail, BPS))
    assert harness.triggered(kind, start, trail, mid) == model.triggered(kind, start, trail, mid)


@example(9_999, 1, 1, 1, 0, 0)  # each rounds up from the least remainder there can be: what has to be bought
@example(1, 1, 1, 1, 0, 1)  # at a rate, and what is sold to repay a debt
@example(1, 1, 1, 0, 1, 1)  # and the fee of it
@given(amounts, mids, mids, costs, fees, st.integers(0, 2**128 - 1))
def test_terms__equal_model(
    harness: Any, amount: int, sell_mid: int, buy_mid: int, cost: int, fee: int, rate: int
) -> None:
    assert harness.fee(amount, fee) == model.fee_of(amount, fee) <= amount // 10
    least = model.least_bought(amount, sell_mid, buy_mid, cost)
    assert harness.least_bought(amount, sell_mid, buy_mid, cost) == least
    exact = Fraction(amount * sell_mid * (BPS - cost), buy_mid * BPS)
    assert exact <= least < exact + 1
    assert harness.least_at_rate(amount, rate) == model.least_at_rate(amount, rate)
    most = model.most_for_debt(amount, sell_mid, buy_mid, cost, fee)
    assert harness.most_for_debt(amount, sell_mid, buy_mid, cost, fee) == most
    if most < model.AMOUNT_LIMIT:
        swapped = most - model.fee_of(most, fee)
        assert model.least_bought(swapped, sell_mid, buy_mid, cost) >= amount, "it repays the debt at the worst price"
    assert (most == 0) == (amount == 0)


@given(st.integers(-(2**184), 2**184), st.integers(0, 2**184), st.integers(0, model.MAX_RATIO))
def test_ratio__equals_model(harness: Any, equity: int, maintenance: int, ratio: int) -> None:
    assert harness.at_most(equity, maintenance, ratio) == model.at_most(equity, maintenance, ratio)
    if maintenance:
        assert model.at_most(equity, maintenance, ratio) == (Fraction(equity, maintenance) <= Fraction(ratio, WAD))


@pytest.fixture(scope="module")
def desk(session_chain: RevmChain) -> tuple[World, Any, Domain, int]:
    world = deploy_world(session_chain)
    for symbol, amount in (("USDC", 10**6), ("WETH", 10**3)):
        world.lend(symbol, amount)
    orders: Any = session_chain.deploy("ProtectionOrders", world.engine, sender=world.roles["deployer"])
    account = world.open_position()
    world.registry.set_operator(account, orders, (1, FOREVER, 10_000, 2**128 - 1), sender=world.roles["trader"])
    return world, orders, Domain.of(orders), account


terms = st.builds(
    dict,
    kind=st.sampled_from(Kind),
    trigger=st.integers(1_500, 2_500),
    trail=st.integers(1, 1_000),
    amount=st.one_of(st.integers(1, 10), st.integers(1, 30 * WAD), st.just(2**256 - 1)),
    min_fill=st.one_of(st.just(0), st.integers(0, 5 * WAD)),
    min_rate=st.one_of(st.just(0), st.integers(0, 2_500 * 10**6)),
    max_slippage=st.one_of(st.integers(0, 200), st.integers(0, 2_100)),
    fee=st.one_of(st.integers(0, 50), st.integers(0, 1_050)),
    repay_only=st.booleans(),
)
moves = st.lists(
    st.tuples(
        st.integers(1_560, 2_500),
        st.sampled_from(["poke", "execute", "execute", "execute"]),
        st.one_of(st.just(0), st.integers(1, 10**6), st.integers(1, 12 * WAD), st.just(2**256 - 1)),
        st.sampled_from([-1, 0, 1, 10**6]),
    ),
    min_size=1,
    max_size=6,
)


@given(members=terms, moves=moves)
def test_order__executed_along_a_path__equals_model(
    desk: tuple[World, Any, Domain, int], members: dict[str, Any], moves: list[tuple[int, str, int, int]]
) -> None:
    """The swapper delivers the least that is accepted, a unit less, or more: what the model says decides each time."""
    opened, orders, domain, account = desk
    with opened.chain.isolate():
        world = opened.copy()
        weth, usdc = world["WETH"], world["USDC"]
        dollar = 10**18
        trails = members["kind"] >= Kind.TRAIL_BELOW
        order = Order(
            **(members | {"trigger": members["trigger"] * dollar, "trail": members["trail"] if trails else 0}),
            account=account,
            watched=weth.token.address,
            sell=weth.token.address,
            buy=usdc.token.address,
            group=1,
            epoch=0,
            deadline=FOREVER,
        )
        signature = sign(world.chain.key(world.roles["trader"]), order.typed_data(domain))  # type: ignore[attr-defined]
        stored, sold, finished = 0, 0, False
        for price, verb, amount, extra in moves:
            world.set_price("WETH", price)
            sell_mid, buy_mid = price * dollar, 10**30
            balance, debt = world.balance(account, "WETH"), max(0, -world.balance(account, "USDC"))
            expected: Any
            reason = ""
            data = b""
            try:
                if finished:
                    raise ValueError("orders: filled")
                model.check(order)
                if verb == "poke":
                    if not trails:
                        raise ValueError("orders: not trailing")
                    expected = model.best(order.kind, order.trigger, stored, sell_mid)
                else:
                    if not model.is_triggered(order, stored, sell_mid):
                        raise ValueError("orders: not triggered")
                    part = model.part(order, amount, sold, balance, debt, sell_mid, buy_mid)
                    delivered = max(0, part.least + extra)
                    data = delivered.to_bytes(32, "big")
                    if delivered < part.least:
                        raise ValueError("engine: min_buy")
                    expected = (part.sold, delivered)
            except ValueError as error:
                expected, reason = None, str(error)
            try:
                if verb == "poke":
                    actual = orders.poke(order.as_tuple(), signature, sender=world.roles["keeper"]).return_value
                else:
                    actual = orders.execute(
                        order.as_tuple(),
                        signature,
                        amount,
                        world.swapper,
                        data,
                        world.roles["keeper"],
                        sender=world.roles["keeper"],
                    ).return_value
            except Revert as refused:
                if not reason and refused.reason == "engine: reduce only":
                    assert verb == "execute"
                    continue
                assert refused.reason == reason
                continue
            assert actual == expected, reason
            if verb == "poke":
                stored = actual
            else:
                sold += actual[0]
                cleared = order.repay_only and world.balance(account, "USDC") >= 0
                finished = sold == order.amount or actual[0] == balance or cleared
            state = orders.state_of(order.as_tuple())
            assert (state.open, state.sold) == (not finished, sold)
            assert orders.best_of(order.digest(domain)) == stored
            assert weth.token.balanceOf(orders) == usdc.token.balanceOf(orders) == 0


@given(
    price=st.integers(1_510, 2_100),
    trigger=st.one_of(st.integers(1, 4 * WAD), st.just(3 * WAD), st.just(10 * WAD)),
    gap=st.one_of(st.integers(1, 4 * WAD), st.just(10 * WAD)),
    cost=st.integers(0, 300),
    fee=st.one_of(st.integers(0, 20), st.integers(0, 300)),
    amount=st.one_of(st.integers(0, 10**6), st.integers(0, 25 * WAD), st.integers(WAD // 100, 4 * WAD)),
    extra=st.sampled_from([-1, 0, 1, 10**6]),
)
def test_deleverage__equals_model(
    desk: tuple[World, Any, Domain, int],
    price: int,
    trigger: int,
    gap: int,
    cost: int,
    fee: int,
    amount: int,
    extra: int,
) -> None:
    """Trigger, size, cost and target, each to the unit."""
    opened, orders, domain, account = desk
    with opened.chain.isolate():
        world = opened.copy()
        world.set_price("WETH", price)
        standing = Deleverage(account, trigger, trigger + gap, cost, fee, 2, 0, FOREVER)
        signature = sign(world.chain.key(world.roles["trader"]), standing.typed_data(domain))  # type: ignore[attr-defined]
        before = world.health(account)
        balance, debt = world.balance(account, "WETH"), -world.balance(account, "USDC")
        reason, data, expected = "", b"", (0, 0)
        try:
            model.check_deleverage(trigger, trigger + gap, cost, fee)
            if not model.at_most(before.equity, before.maintenance, trigger):
                raise ValueError("orders: above the trigger")
            part = model.deleverage_part(amount, balance, debt, price * 10**18, 10**30, cost, fee)
            delivered = max(0, part.least + extra)
            data, expected = delivered.to_bytes(32, "big"), (part.sold, delivered)
            if delivered < part.least:
                raise ValueError("engine: min_buy")
        except ValueError as error:
            reason = str(error)
        tokens = (world["WETH"].token, world["USDC"].token)
        keeper = world.roles["keeper"]
        try:
            receipt = orders.deleverage(
                standing.as_tuple(), signature, *tokens, amount, world.swapper, data, keeper, sender=keeper
            )
        except Revert as refused:
            assert refused.reason == reason or (
                not reason and refused.reason in {"orders: beyond the target", "engine: reduce only"}
            )
            return
        assert reason == ""
        assert receipt.return_value == expected
        after = world.health(account)
        assert model.at_most(after.equity, after.maintenance, trigger + gap)
        assert before.equity - after.equity <= part.sold * price * cost // BPS + 2 * 10**12
