"""The isolated_terms module equals its model, and errs on the lenders' side."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.model import isolated_terms, margin_rate
from tests.support.risk import Risk

WAD = 10**18
DAY = 86_400
TICK_LIMIT = 887_272
VALUES = st.integers(1_000 * WAD, 10**9 * WAD)
PRICES = st.integers(1, 10**36)
RATIOS = st.integers(12 * 10**17, 3 * WAD)


@pytest.fixture(scope="module")
def harness() -> Any:
    chain = RevmChain()
    return chain.deploy("isolated_terms_harness", sender=chain.accounts()[0])


@given(
    tick=st.integers(-TICK_LIMIT, TICK_LIMIT),
    liquidity=st.integers(0, 2**129),
    quote_is_token0=st.booleans(),
    price=st.integers(1, 2**128 - 1),
)
@example(tick=TICK_LIMIT - 200, liquidity=2**128, quote_is_token0=False, price=2**128 - 1)
@example(tick=TICK_LIMIT - 199, liquidity=2**128, quote_is_token0=False, price=2**128 - 1)
@example(tick=-TICK_LIMIT + 200, liquidity=2**128, quote_is_token0=True, price=2**128 - 1)
@example(tick=-TICK_LIMIT, liquidity=2**128, quote_is_token0=True, price=1)
def test_depth__equals_the_model_and_never_reverts(
    harness: Any, tick: int, liquidity: int, quote_is_token0: bool, price: int
) -> None:
    arguments = (tick, liquidity, quote_is_token0, price)
    assert harness.depth(*arguments) == isolated_terms.depth(*arguments)


@pytest.mark.parametrize("tick", [TICK_LIMIT - 199, -TICK_LIMIT + 199])
@pytest.mark.parametrize("quote_is_token0", [False, True])
def test_depth__at_the_ends_of_the_scale__none(harness: Any, tick: int, quote_is_token0: bool) -> None:
    assert harness.depth(tick, 2**127, quote_is_token0, 10**30) == 0


@pytest.mark.parametrize("liquidity", [2**128, 2**129, 2**256 - 1])
def test_depth__more_liquidity_than_a_pool_can_have__counts_as_the_most(harness: Any, liquidity: int) -> None:
    """At this tick a unit of liquidity more would be a unit of the token more."""
    most = harness.depth(92_000, 2**128 - 1, False, WAD)
    assert harness.depth(92_000, liquidity, False, WAD) == most == harness.depth(92_000, 2**128 - 2, False, WAD) + 1


@given(liquidity=st.integers(1, 2**128), least=VALUES, more=st.integers(0, 10**30))
def test_least_liquidity__equals_the_model__at_most_what_there_is(
    harness: Any, liquidity: int, least: int, more: int
) -> None:
    found = harness.least_liquidity(liquidity, least + more, least)
    assert found == isolated_terms.least_liquidity(liquidity, least + more, least)
    assert 1 <= found <= liquidity
    assert found * (least + more) >= liquidity * least


@given(least=VALUES)
@example(least=1_000 * WAD)
@example(least=10**9 * WAD)
@example(least=1_033_926_846_798_894_777_613)  # a divisor of 4e34 - 1: the least remainder
def test_size_slope__equals_the_model__within_the_risk_engines_bounds(harness: Any, least: int) -> None:
    slope = harness.size_slope(least)
    assert slope == isolated_terms.size_slope(least)
    assert 10**6 <= slope <= 10**14


@given(ratio=RATIOS)
@example(ratio=3 * WAD)
@example(ratio=12 * 10**17)
@example(ratio=25 * 10**17)  # a divisor of 1e36: the cap is just below 40 %
@example(ratio=2_729_729_729_729_729_727)  # a divisor of 1e36 - 1: the cap is as near as can be
def test_margin_cap__equals_the_model__leaves_room(harness: Any, ratio: int) -> None:
    cap = harness.margin_cap(ratio)
    assert cap == isolated_terms.margin_cap(ratio)
    assert cap * ratio < WAD * WAD
    assert 30 * 10**16 < cap <= 45 * 10**16


@given(base=st.integers(20 * 10**16, 30 * 10**16), ratio=RATIOS, notice=st.integers(3_600, 30 * DAY))
@example(base=21 * 10**16, ratio=3 * WAD, notice=3_600)  # 27.9999 % an hour, without rounding
def test_fastest_rise__equals_the_model__is_a_ramps(harness: Any, base: int, ratio: int, notice: int) -> None:
    rise = harness.fastest_rise(base, ratio, notice)
    assert rise == isolated_terms.fastest_rise(base, ratio, notice)
    assert rise % 10**11 == 0
    assert 10**11 <= rise <= WAD


@pytest.mark.parametrize("ratio", [12 * 10**17, 125 * 10**16, 3 * WAD])
@pytest.mark.parametrize("notice", [3_600, DAY, 30 * DAY])
@pytest.mark.parametrize("base", [20 * 10**16, 30 * 10**16])
def test_fastest_rise__the_risk_engine_takes_it(chain: RevmChain, ratio: int, notice: int, base: int) -> None:
    risk = Risk.deploy(chain, initial_ratio=ratio, notice=notice)
    margin = margin_rate.Parameters(
        floor=base,
        cap=isolated_terms.margin_cap(ratio),
        size_slope=isolated_terms.size_slope(25_000 * WAD),
        ramp_up=isolated_terms.fastest_rise(base, ratio, notice),
        ramp_down=10**16,
    )
    assert risk.list_asset(isolated=True, margin=margin) == 1 << 64 | 1


@given(value=VALUES, price=PRICES, decimals=st.integers(0, 18))
@example(value=10**9 * WAD, price=1, decimals=18)
@example(value=1_000 * WAD, price=10**36, decimals=18)
def test_caps__equal_the_model__worth_no_more(harness: Any, value: int, price: int, decimals: int) -> None:
    unit = 10**decimals
    supply, borrow = harness.caps(value, price, unit)
    assert (supply, borrow) == isolated_terms.caps(value, price, unit)
    assert supply * price // WAD <= value
    assert borrow <= supply < 2**100
    assert borrow < 2**92
    assert supply % unit == borrow % unit == 0
    assert supply // unit < 2**48
