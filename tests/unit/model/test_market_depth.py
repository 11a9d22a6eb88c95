"""Depth of the model: additive over ranges, proportional to liquidity, rounded down, and numbers of words and slots."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import market_depth, tick_math

TICKS = st.integers(-400_000, 400_000)
LIQUIDITY = st.one_of(st.integers(0, 10**6), st.integers(0, 2**110))


@given(liquidity=LIQUIDITY, start=TICKS, first=st.integers(0, 2_000), second=st.integers(0, 2_000))
def test_amounts__of_two_ranges__at_most_of_both_together(liquidity: int, start: int, first: int, second: int) -> None:
    middle, end = start + first, start + first + second
    for amount in (market_depth.token1_up, market_depth.token0_down):
        whole = amount(liquidity, start, end)
        parts = amount(liquidity, start, middle) + amount(liquidity, middle, end)
        assert whole - 2 - liquidity // 2**60 <= parts <= whole + 1


@given(liquidity=LIQUIDITY, more=LIQUIDITY, start=TICKS, reach=st.integers(0, 2_000), further=st.integers(0, 2_000))
def test_amounts__rise_with_liquidity_and_reach(
    liquidity: int, more: int, start: int, reach: int, further: int
) -> None:
    for amount in (market_depth.token1_up, market_depth.token0_down):
        found = amount(liquidity, start, start + reach)
        assert found <= amount(liquidity + more, start, start + reach)
        assert amount(liquidity, start, start) == 0
    assert market_depth.token1_up(liquidity, start, start + reach) <= market_depth.token1_up(
        liquidity, start, start + reach + further
    )
    assert market_depth.token0_down(liquidity, start - reach, start) <= market_depth.token0_down(
        liquidity, start - reach - further, start
    )


@given(liquidity=LIQUIDITY, start=TICKS, reach=st.integers(0, 2_000))
def test_amounts__are_the_exact_ones_rounded_down(liquidity: int, start: int, reach: int) -> None:
    bottom, top = (tick_math.sqrt_ratio_at_tick(tick) for tick in (start, start + reach))
    up = Fraction(liquidity * (top - bottom), 2**96)
    assert 0 <= up - market_depth.token1_up(liquidity, start, start + reach) < 1
    down = Fraction(liquidity << 96, bottom) - Fraction(liquidity << 96, top)
    found = market_depth.token0_down(liquidity, start, start + reach)
    assert 0 <= down - found < 1 + Fraction(1, bottom)


@given(amount=st.integers(0, 2**140), more=st.integers(0, 2**130), price=st.integers(0, 2**128 - 1))
def test_dollars__rounded_down_and_bounded(amount: int, more: int, price: int) -> None:
    found = market_depth.dollars(amount, price)
    assert found <= market_depth.dollars(amount + more, price)
    assert found * 10**18 <= min(amount, 2**128 - 1) * price


@given(tick=st.integers(tick_math.MIN_TICK, tick_math.MAX_TICK), spacing=st.integers(1, 16_384))
def test_slot__last_usable_tick_that_is_not_above(tick: int, spacing: int) -> None:
    slot = market_depth.slot(tick, spacing)
    assert slot * spacing <= tick < (slot + 1) * spacing


@given(bits=st.sets(st.integers(0, 255), max_size=12), at=st.integers(0, 255))
def test_bits__next_ones_on_both_sides(bits: set[int], at: int) -> None:
    word = sum(1 << bit for bit in bits)
    assert market_depth.first_bit(word, at) == min((bit for bit in bits if bit >= at), default=256)
    assert market_depth.last_bit(word, at) == max((bit for bit in bits if bit <= at), default=256)
