"""Order terms of the model: triggers that need their whole distance, least purchases up, fees down, split-proof."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import protection_orders
from plimsoll.model.fixed_point import WAD
from plimsoll.model.protection_orders import AMOUNT_LIMIT, BPS, Kind

amounts = st.one_of(st.integers(0, 10**6), st.integers(0, AMOUNT_LIMIT - 1))
mids = st.one_of(st.integers(1, 10**6), st.integers(1, 2**128 - 1))
costs = st.integers(0, 2_000)


@given(start=mids, shown=st.lists(mids, min_size=1, max_size=6))
def test_best__the_extreme_of_all_that_was_shown(start: int, shown: list[int]) -> None:
    for kind, extreme in ((Kind.TRAIL_BELOW, max), (Kind.TRAIL_ABOVE, min)):
        stored = 0
        for mid in shown:
            stored = protection_orders.best(kind, start, stored, mid)
        assert stored == extreme([start, *shown])


@given(trigger=mids, trail=st.integers(1, BPS - 1), mid=mids, further=mids)
def test_triggered__stays_so_further_away(trigger: int, trail: int, mid: int, further: int) -> None:
    for kind in Kind:
        below = kind in (Kind.BELOW, Kind.TRAIL_BELOW)
        beyond = max(mid - further, 0) if below else mid + further
        if protection_orders.triggered(kind, trigger, trail, mid):
            assert protection_orders.triggered(kind, trigger, trail, beyond)
            assert mid <= trigger if below else mid >= trigger


@given(best=mids, trail=st.integers(1, BPS - 1), mid=mids)
def test_triggered__a_longer_trail_never_sooner(best: int, trail: int, mid: int) -> None:
    for kind in (Kind.TRAIL_BELOW, Kind.TRAIL_ABOVE):
        if protection_orders.triggered(kind, best, trail, mid):
            assert protection_orders.triggered(kind, best, trail - 1, mid)


@given(first=amounts, second=amounts, fee=st.integers(0, 1_000))
def test_fee_of__of_parts__never_more_than_of_the_whole(first: int, second: int, fee: int) -> None:
    whole = protection_orders.fee_of(first + second, fee)
    parts = protection_orders.fee_of(first, fee) + protection_orders.fee_of(second, fee)
    assert whole - 1 <= parts <= whole
    assert whole * BPS <= (first + second) * fee


@given(first=amounts, second=amounts, sell=mids, buy=mids, cost=costs, rate=st.integers(0, 2**128 - 1))
def test_least__of_parts__never_less_than_of_the_whole(
    first: int, second: int, sell: int, buy: int, cost: int, rate: int
) -> None:
    """A keeper who executes in parts has to deliver as much, and a unit more per part at most."""
    for least in (
        lambda sold: protection_orders.least_bought(sold, sell, buy, cost),
        lambda sold: protection_orders.least_at_rate(sold, rate),
    ):
        assert least(first + second) <= least(first) + least(second) <= least(first + second) + 1


@given(sold=amounts, sell=mids, buy=mids, cost=costs, more=mids)
def test_least_bought__rounded_up_and_monotone(sold: int, sell: int, buy: int, cost: int, more: int) -> None:
    least = protection_orders.least_bought(sold, sell, buy, cost)
    assert least * buy * BPS >= sold * sell * (BPS - cost)
    assert (least - 1) * buy * BPS < sold * sell * (BPS - cost) or least == 0
    assert least <= protection_orders.least_bought(sold, sell + more, buy, cost)
    assert least >= protection_orders.least_bought(sold, sell, buy + more, cost)
    assert least >= protection_orders.least_bought(sold, sell, buy, cost + 1)


@given(sold=amounts, rate=st.integers(0, 2**128 - 1))
def test_least_at_rate__rounded_up(sold: int, rate: int) -> None:
    least = protection_orders.least_at_rate(sold, rate)
    assert 0 <= least * WAD - sold * rate < WAD


@given(debt=amounts, more=amounts, sell=mids, buy=mids, cost=costs, fee=st.integers(0, 1_000))
def test_most_for_debt__enough_even_at_the_worst(
    debt: int, more: int, sell: int, buy: int, cost: int, fee: int
) -> None:
    """What the sale leaves after its fee buys back at least the debt if it loses all that it may."""
    most = protection_orders.most_for_debt(debt, sell, buy, cost, fee)
    assert most <= protection_orders.most_for_debt(debt + more, sell, buy, cost, fee) <= AMOUNT_LIMIT
    if most < AMOUNT_LIMIT:
        swapped = most - protection_orders.fee_of(most, fee)
        assert protection_orders.least_bought(swapped, sell, buy, cost) >= debt


@given(equity=st.integers(-(2**184), 2**184), requirement=st.integers(0, 2**184), ratio=st.integers(0, 100 * WAD))
def test_at_most__exact_and_monotone(equity: int, requirement: int, ratio: int) -> None:
    found = protection_orders.at_most(equity, requirement, ratio)
    assert found == (equity * WAD <= requirement * ratio)
    if found:
        assert protection_orders.at_most(equity - 1, requirement, ratio)
        assert protection_orders.at_most(equity, requirement + 1, ratio)
        assert protection_orders.at_most(equity, requirement, ratio + 1)


@given(limit=st.integers(0, 2**112), threshold=st.integers(-1, 2**112))
def test_largest__the_last_that_fits(limit: int, threshold: int) -> None:
    assert protection_orders.largest(limit, lambda amount: amount <= threshold) == max(min(limit, threshold), 0)
