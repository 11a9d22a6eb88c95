"""Ticks of the model: monotone, inverse to each other, and quotes that round against who quotes."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from plimsoll.model import tick_math

TICKS = st.integers(tick_math.MIN_TICK, tick_math.MAX_TICK)
SMALL = st.integers(-400_000, 400_000)
AMOUNTS = st.one_of(st.integers(0, 10**6), st.integers(0, 2**128 - 1))


@given(tick=st.integers(tick_math.MIN_TICK, tick_math.MAX_TICK - 1))
def test_sqrt_ratio_at_tick__strictly_rises(tick: int) -> None:
    assert tick_math.sqrt_ratio_at_tick(tick) < tick_math.sqrt_ratio_at_tick(tick + 1)


@given(tick=TICKS)
def test_sqrt_ratio_at_tick__of_both_signs__are_inverse(tick: int) -> None:
    """Each is rounded up by less than a unit of 2**-96, and the positive one knows 32 bits less of the negative one."""
    product = tick_math.sqrt_ratio_at_tick(tick) * tick_math.sqrt_ratio_at_tick(-tick)
    smaller = min(tick_math.sqrt_ratio_at_tick(tick), tick_math.sqrt_ratio_at_tick(-tick))
    assert abs(product - 2**192) <= 2**192 // smaller * 2 + 2**160


@given(ratio=st.integers(tick_math.MIN_SQRT_RATIO, tick_math.MAX_SQRT_RATIO - 1))
def test_tick_at_sqrt_ratio__the_last_tick_that_is_not_above(ratio: int) -> None:
    tick = tick_math.tick_at_sqrt_ratio(ratio)
    assert tick_math.sqrt_ratio_at_tick(tick) <= ratio < tick_math.sqrt_ratio_at_tick(tick + 1)


@given(tick=SMALL, amount=AMOUNTS, more=AMOUNTS, of_token0=st.booleans())
def test_quote_at_tick__split__never_more(tick: int, amount: int, more: int, of_token0: bool) -> None:
    whole, one, other = (tick_math.quote_at_tick(tick, each, of_token0) for each in (amount + more, amount, more))
    assert one <= whole
    assert whole - 1 <= one + other <= whole


@given(tick=SMALL, amount=AMOUNTS, of_token0=st.booleans())
def test_quote_at_tick__there_and_back__never_more(tick: int, amount: int, of_token0: bool) -> None:
    there = tick_math.quote_at_tick(tick, amount, of_token0)
    assert tick_math.quote_at_tick(tick, there, not of_token0) <= amount


@given(tick=st.integers(-400_000, 399_999), amount=AMOUNTS)
def test_quote_at_tick__a_dearer_token0__buys_no_less_and_is_bought_by_no_more(tick: int, amount: int) -> None:
    assert tick_math.quote_at_tick(tick, amount, True) <= tick_math.quote_at_tick(tick + 1, amount, True)
    assert tick_math.quote_at_tick(tick, amount, False) >= tick_math.quote_at_tick(tick + 1, amount, False)


@given(cumulative=st.integers(-(2**55), 2**55), duration=st.integers(1, 2**32 - 1))
def test_mean_tick__rounded_down(cumulative: int, duration: int) -> None:
    mean = tick_math.mean_tick(cumulative, duration)
    assert mean * duration <= cumulative < (mean + 1) * duration


@given(growth=st.integers(1, 2**160 - 1), more=st.integers(0, 2**160), duration=st.integers(1, 2**32 - 1))
def test_harmonic_liquidity__falls_with_the_growth(growth: int, more: int, duration: int) -> None:
    found = tick_math.harmonic_liquidity(growth, duration)
    assert found >= tick_math.harmonic_liquidity(growth + more, duration)
    assert found * (growth << 32) <= duration * 2**160


@given(liquidity=st.integers(1, 2**120), duration=st.integers(1, 10**6))
def test_harmonic_liquidity__of_constant_liquidity__is_that(liquidity: int, duration: int) -> None:
    """What the pool accumulates per second is rounded down, so the mean is never below but by the last roundings."""
    growth = (duration << 128) // liquidity
    assume(growth > 0)
    found = tick_math.harmonic_liquidity(growth, duration)
    assert found >= liquidity - 1
    assert found <= liquidity + liquidity // growth + 1
