"""Checkpoints and the clamp of the model: words and back, reach in proportion to time, nothing gained by many steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import twap

TICKS = st.integers(-(2**23), 2**23 - 1)
SECONDS = st.integers(0, 2**32 - 1)


@given(
    cumulative=st.integers(-(2**55), 2**55 - 1),
    time=st.integers(0, 2**40),
    tick=TICKS,
    growth=st.integers(0, 2**160 - 1),
)
def test_pack__unpacks(cumulative: int, time: int, tick: int, growth: int) -> None:
    word = twap.pack(cumulative, time, tick, growth)
    assert 0 <= word < 2**256
    assert twap.tick_cumulative(word) == cumulative
    assert twap.clamped_tick(word) == tick
    assert twap.next_after(word) == 0
    assert 0 <= growth - twap.seconds_per_liquidity(word) < 2**36
    assert twap.age(word, time) == 0


@given(word=st.integers(0, 2**256 - 1), tick=TICKS, seconds=st.integers(0, 2**32))
def test_followed__changes_its_two_fields_alone(word: int, tick: int, seconds: int) -> None:
    after = twap.followed(word, tick, seconds)
    assert (twap.clamped_tick(after), twap.next_after(after)) == (tick, min(seconds, 2**20 - 1))
    for read in (twap.tick_cumulative, twap.seconds_per_liquidity, lambda each: each >> 168 & twap.TIME):
        assert read(after) == read(word)


@given(time=st.integers(0, 2**40), age=SECONDS)
def test_age__right_across_the_end_of_the_field(time: int, age: int) -> None:
    assert twap.age(twap.pack(0, time, 0, 0), time + age) == age


@given(tick=TICKS, anchor=TICKS, duration=SECONDS, more=SECONDS, limit=st.integers(0, 2**20))
def test_clamp__as_near_as_time_allows(tick: int, anchor: int, duration: int, more: int, limit: int) -> None:
    found, later = (twap.clamp(tick, anchor, each, limit) for each in (duration, duration + more))
    assert abs(found - anchor) * twap.HOUR <= duration * limit
    assert min(tick, anchor) <= found <= max(tick, anchor)
    assert abs(tick - later) <= abs(tick - found)


@given(tick=TICKS, other=TICKS, anchor=TICKS, duration=SECONDS, limit=st.integers(0, 2**20))
def test_clamp__keeps_order(tick: int, other: int, anchor: int, duration: int, limit: int) -> None:
    low, high = sorted((tick, other))
    assert twap.clamp(low, anchor, duration, limit) <= twap.clamp(high, anchor, duration, limit)


@given(
    tick=TICKS,
    anchor=TICKS,
    parts=st.lists(st.integers(0, 86_400), min_size=1, max_size=6),
    limit=st.integers(0, 10**5),
)
def test_clamp__in_many_steps__no_further_than_in_one(tick: int, anchor: int, parts: list[int], limit: int) -> None:
    """Whoever calls checkpoint often rounds the limit down often."""
    stepped = anchor
    for seconds in parts:
        stepped = twap.clamp(tick, stepped, seconds, limit)
    once = twap.clamp(tick, anchor, sum(parts), limit)
    assert abs(stepped - anchor) <= abs(once - anchor)
    assert abs(once - stepped) < len(parts) + 1
