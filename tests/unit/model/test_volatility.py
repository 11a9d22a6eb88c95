"""Volatility of the model: symmetric, rounded up, bounded for ever, and nothing gained by when samples are taken."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import volatility, volatility_oracle
from plimsoll.model.fixed_point import WAD, YEAR
from plimsoll.model.volatility_oracle import Parameters

DAY = 86_400
MOST = 100 * WAD
prices = st.one_of(st.integers(1, 100), st.integers(1, 10**36), st.integers(1, 2**128 - 1))
variances = st.one_of(st.integers(0, 10), st.integers(0, 10**22))
spans = st.one_of(st.integers(1, 3_600), st.integers(1, 400 * DAY))


@given(first=prices, second=prices)
def test_log_return__the_same_up_and_down(first: int, second: int) -> None:
    size = volatility.log_return(first, second)
    assert size == volatility.log_return(second, first)
    assert 0 <= size < 89 * WAD
    assert (size == 0) >= (first == second)


@given(first=prices, second=prices, third=prices)
def test_log_return__a_detour_is_no_shorter(first: int, second: int, third: int) -> None:
    """Two units per rounding of a logarithm, and one of a ratio, which is at least 1."""
    direct = volatility.log_return(first, third)
    assert volatility.log_return(first, second) + volatility.log_return(second, third) >= direct - 8


@given(
    size=st.integers(0, 10 * WAD), more=st.integers(0, 10 * WAD), seconds=spans, longer=spans, most=st.integers(0, MOST)
)
def test_variance__rises_with_the_return_and_falls_with_the_time(
    size: int, more: int, seconds: int, longer: int, most: int
) -> None:
    said = volatility.variance(size, seconds, 0, most)
    assert said <= volatility.variance(size + more, seconds, 0, most) <= volatility.square(most)
    assert said >= volatility.variance(size, seconds + longer, 0, most)


@given(size=st.integers(0, 10 * WAD), seconds=spans, part=st.integers(0, 1_000))
def test_variance__rounded_up_and_larger_for_a_mean(size: int, seconds: int, part: int) -> None:
    window = seconds * part // 1_000
    said = volatility.variance(size, seconds, window, MOST)
    exact, spread = size * size * 3 * YEAR, (3 * seconds - window) * WAD
    assert said == volatility.square(MOST) or exact <= said * spread < exact + spread
    assert said >= volatility.variance(size, seconds, 0, MOST)


@given(mean=variances, said=variances, seconds=st.integers(0, 10 * 365 * DAY), half=st.integers(600, 365 * DAY))
def test_moved__between_the_two_and_further_with_time(mean: int, said: int, seconds: int, half: int) -> None:
    now, later = (volatility.moved(mean, said, after, half) for after in (seconds, seconds + half))
    assert min(mean, said) <= now <= max(mean, said)
    assert (mean <= now <= later + 1 <= said + 1) or (mean >= now >= later - 1 >= said - 1)


@given(
    mean=variances, more=variances, said=variances, louder=variances, seconds=spans, half=st.integers(600, 365 * DAY)
)
def test_moved__never_less_for_a_larger_mean_or_sample(
    mean: int, more: int, said: int, louder: int, seconds: int, half: int
) -> None:
    moved = volatility.moved(mean, said, seconds, half)
    assert moved <= volatility.moved(mean + more, said, seconds, half)
    assert moved <= volatility.moved(mean, said + louder, seconds, half)


@given(fast=variances, slow=variances, more=variances)
def test_sigma__root_of_the_larger_rounded_up(fast: int, slow: int, more: int) -> None:
    sigma, larger = volatility.sigma(fast, slow), max(fast, slow) * WAD
    assert sigma * sigma >= larger
    assert sigma == 0 or (sigma - 1) ** 2 < larger
    assert sigma == volatility.sigma(slow, fast) <= volatility.sigma(fast + more, slow)


@given(sigma=st.integers(0, MOST))
def test_square__back_is_never_more(sigma: int) -> None:
    assert sigma - 1 <= volatility.sigma(volatility.square(sigma), 0) <= sigma or sigma < WAD


@given(deviations=st.integers(0, 10 * WAD), horizon=st.integers(0, 30 * DAY), more=st.integers(0, DAY))
def test_multiple__rounded_up_and_rises_with_the_horizon(deviations: int, horizon: int, more: int) -> None:
    found = volatility.multiple(deviations, horizon)
    assert found * found * YEAR >= deviations * deviations * horizon
    assert found <= volatility.multiple(deviations, horizon + more)


# The state of an asset


@given(
    mids=st.lists(st.tuples(prices, st.integers(3_600, 30 * DAY)), min_size=1, max_size=12),
    most=st.integers(10**16, MOST),
    start=st.integers(0, WAD),
)
def test_sample__whatever_the_prices__within_zero_and_max_sigma(
    mids: list[tuple[int, int]], most: int, start: int
) -> None:
    parameters = Parameters(3_600, 1_800, DAY, 14 * DAY, DAY, most, most * start // WAD)
    state = volatility_oracle.add(parameters, 10**18, 0)
    for mid, seconds in mids:
        state = volatility_oracle.sample(state, parameters, mid, state.time + seconds)
        assert 0 <= volatility_oracle.sigma(state) <= most


@given(
    drift=st.integers(1, 10**24),
    parts=st.integers(2, 12),
    most=st.sampled_from([WAD, 20 * WAD]),
)
def test_sample__a_steady_move_in_many_parts__says_no_more_than_in_one(drift: int, parts: int, most: int) -> None:
    """Whoever samples often splits a return in n, and with it its square in n: the sum falls to an n-th. (The other way
    round, a price that comes and goes, counts only if it is sampled where it was.)"""
    parameters = Parameters(3_600, 0, 30 * DAY, 30 * DAY, 30 * DAY, most, 0)
    start, days = 10**24, parts
    once = volatility_oracle.sample(
        volatility_oracle.add(parameters, start, 0), parameters, start + drift, days * 3_600
    )
    state = volatility_oracle.add(parameters, start, 0)
    for part in range(1, parts + 1):
        # equal ratios, which is what a steady move is
        mid = round(start * ((start + drift) / start) ** (part / parts))
        state = volatility_oracle.sample(state, parameters, mid, part * 3_600)
    assert state.fast <= once.fast * 11 // 10 + parts * 10**6
