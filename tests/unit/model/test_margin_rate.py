"""Margin rates of the model: monotone, rounded up, split-proof, and ramps that keep the promises of margin_rate.vy."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from plimsoll.model import margin_rate
from plimsoll.model.margin_rate import (
    DAY,
    HOUR,
    MAX_CAP,
    MAX_RAMP_DOWN,
    MAX_SLOPE,
    MIN_FLOOR,
    MIN_SLOPE,
    NEVER,
    NO_DYNAMICS,
    RAMP_UNIT,
    REFUSED,
    WAD,
    Margin,
    Parameters,
)

NOW = 1_700_000_000
worths = st.one_of(st.integers(0, 10**6), st.integers(0, 10**9 * WAD), st.integers(0, 2**190))
times = st.one_of(st.integers(0, HOUR), st.integers(0, 30 * DAY), st.integers(0, 10 * 365 * DAY))
ratios = st.integers(12 * 10**17, 3 * WAD)


@st.composite
def parameters(draw: st.DrawFn) -> Parameters:
    cap = draw(st.integers(MIN_FLOOR, 33 * 10**16))
    slope = draw(st.one_of(st.integers(MIN_SLOPE, MIN_SLOPE + 100), st.integers(MIN_SLOPE, MAX_SLOPE)))
    up, down = draw(st.integers(1, 10**6)), draw(st.integers(1, MAX_RAMP_DOWN // RAMP_UNIT))
    return Parameters(draw(st.integers(MIN_FLOOR, cap)), cap, slope, up * RAMP_UNIT, down * RAMP_UNIT)


@st.composite
def margins(draw: st.DrawFn) -> Margin:
    start, target = draw(parameters()), draw(parameters())
    return Margin(*start[:3], NOW, True, target)


@given(margin=margins(), worth=worths, more=worths, after=times)
def test_rate__between_base_and_cap_and_never_falls_with_worth(
    margin: Margin, worth: int, more: int, after: int
) -> None:
    base, cap, _ = margin_rate.in_force(margin, NOW + after)
    rates = [margin_rate.rate(margin, each, NOW + after) for each in (0, worth, worth + more)]
    assert min(base, cap) <= rates[0] <= rates[1] <= rates[2] <= cap < MAX_CAP


@given(margin=margins(), worth=worths, more=worths, after=times, ratio=ratios)
def test_requirements__rounded_up_and_never_fall_with_worth(
    margin: Margin, worth: int, more: int, after: int, ratio: int
) -> None:
    rate = margin_rate.rate(margin, worth, NOW + after)
    maintenance, initial = margin_rate.requirements(margin, worth, NOW + after, ratio)
    assert 0 <= maintenance - Fraction(worth * rate, WAD) < 1
    assert 0 <= initial - Fraction(maintenance * ratio, WAD) < 1
    larger = margin_rate.requirements(margin, worth + more, NOW + after, ratio)
    assert maintenance <= larger[0]
    assert initial <= larger[1]


@given(margin=margins(), worth=st.integers(0, 2**180), more=st.integers(1, 2**180), after=times)
def test_requirements__a_dollar_more_requires_less_than_a_dollar_more(
    margin: Margin, worth: int, more: int, after: int
) -> None:
    """The marginal rate stays below 1, so that more of an asset never makes an account worse."""
    here, there = (margin_rate.requirements(margin, each, NOW + after, WAD)[0] for each in (worth, worth + more))
    assert there - here <= more + 2


@given(margin=margins(), first=worths, second=worths, after=times)
def test_requirements__of_both_halves__at_most_of_the_whole(
    margin: Margin, first: int, second: int, after: int
) -> None:
    """A large balance is riskier per dollar: splitting it saves what the size term says and never more than that."""
    whole, one, other = (
        margin_rate.requirements(margin, worth, NOW + after, WAD)[0] for worth in (first + second, first, second)
    )
    base = min(margin_rate.in_force(margin, NOW + after)[:2])
    assert one + other <= whole + 2
    assert one + other >= Fraction((first + second) * base, WAD)


@given(margin=margins(), worth=worths, after=times, late=st.integers(1, 3 * DAY), later=st.integers(0, DAY))
def test_requirements__late_sample__initial_alone_rises_and_never_falls_with_lateness(
    margin: Margin, worth: int, after: int, late: int, later: int
) -> None:
    at = NOW + after
    found = [
        margin_rate.requirements(margin, worth, at, 15 * 10**17, NO_DYNAMICS._replace(due=due))
        for due in (NEVER, at - late, at - late - later)
    ]
    assert found[0][0] == found[1][0] == found[2][0]
    assert found[0][1] <= found[1][1] <= found[2][1]
    assert found[2][1] <= 2 * found[0][1] + 3


@given(margin=margins(), worth=worths, after=times, limit=st.integers(1, 10_000))
def test_requirements__size_limit__refuses_initial_margin_alone(
    margin: Margin, worth: int, after: int, limit: int
) -> None:
    at, dynamics = NOW + after, NO_DYNAMICS._replace(size_limit=limit * margin_rate.BPS)
    free, limited = (margin_rate.requirements(margin, worth, at, 2 * WAD, found) for found in (NO_DYNAMICS, dynamics))
    slope = margin_rate.in_force(margin, at)[2]
    assert limited[0] == free[0]
    assert limited[1] == (REFUSED if -(-slope * worth // WAD) > limit * margin_rate.BPS else free[1])


# Ramps


@given(margin=margins(), after=times, more=times)
def test_in_force__goes_to_its_target_and_never_beyond(margin: Margin, after: int, more: int) -> None:
    first, second = (margin_rate.in_force(margin, NOW + seconds) for seconds in (after, after + more))
    assert margin_rate.in_force(margin, NOW) == (margin.base, margin.cap, margin.size_slope)
    for start, here, there, target in zip(margin[:3], first, second, margin.target[:3], strict=True):
        assert start <= here <= there <= target or start >= here >= there >= target


@given(margin=margins(), after=times, more=times, worth=worths)
def test_rate__no_faster_than_its_ramps(margin: Margin, after: int, more: int, worth: int) -> None:
    """Over any span, for any worth: what is rounded at the span's ends (a slope's unit for the worth that meets the
    cap) aside."""
    here, there = (margin_rate.rate(margin, worth, NOW + seconds) for seconds in (after, after + more))
    rounding = margin_rate.ROUNDING
    assert there - here <= Fraction(margin.target.ramp_up * more, HOUR) + rounding
    assert here - there <= Fraction(margin.target.ramp_down * more, DAY) + rounding


@given(margin=margins(), cuts=st.lists(st.integers(0, 3 * DAY), min_size=1, max_size=4))
def test_settle__however_often__changes_no_rate(margin: Margin, cuts: list[int]) -> None:
    settled, at = margin, NOW
    for seconds in cuts:
        at += seconds
        settled = margin_rate.settle(settled, at)
        assert margin_rate.in_force(settled, at) == margin_rate.in_force(margin, at)


@given(margin=margins(), cuts=st.lists(st.integers(0, 3 * DAY), min_size=1, max_size=4))
def test_set_target__to_the_same_again__hurries_no_ramp(margin: Margin, cuts: list[int]) -> None:
    """Each restart rounds towards where the ramp comes from."""
    restarted, at = margin, NOW
    for seconds in cuts:
        at += seconds
        restarted = margin_rate.set_target(restarted, margin.target, at)
        once, again = margin_rate.in_force(margin, at)[:2], margin_rate.in_force(restarted, at)[:2]
        for start, far, near in zip(margin[:2], once, again, strict=True):
            assert start <= near <= far or start >= near >= far


@given(
    margin=margins(),
    following=parameters(),
    ratio=ratios,
    notice=st.integers(HOUR, 30 * DAY),
    worth=worths,
    first=st.integers(0, 30 * DAY),
)
def test_promise_of_notice__two_setters__an_account_at_initial_margin_is_covered(
    margin: Margin, following: Parameters, ratio: int, notice: int, worth: int, first: int
) -> None:
    """Whatever the setters do within `notice`: maintenance then is at most the initial requirement of before."""
    first = min(first, notice)
    base = margin_rate.in_force(margin, NOW)[0]
    fastest = margin_rate.max_ramp_up(min(base, margin.target.floor), ratio, notice) // RAMP_UNIT * RAMP_UNIT
    assume(fastest >= RAMP_UNIT)
    moving = margin_rate.set_target(margin, margin.target._replace(ramp_up=fastest), NOW)
    between = margin_rate.in_force(moving, NOW + first)[0]
    faster = margin_rate.max_ramp_up(min(between, following.floor), ratio, notice) // RAMP_UNIT * RAMP_UNIT
    assume(faster >= RAMP_UNIT)
    again = margin_rate.set_target(moving, following._replace(ramp_up=faster), NOW + first)
    initial = margin_rate.requirements(moving, worth, NOW, ratio)[1]
    assert margin_rate.requirements(again, worth, NOW + notice, ratio)[0] <= initial + 1


@given(move=st.integers(0, 10**30), more=st.integers(0, 10**30), cap=st.integers(MIN_FLOOR, MAX_CAP))
def test_factor__three_terms_of_the_exponential_rounded_down(move: int, more: int, cap: int) -> None:
    x = Fraction(move, 2 * HOUR * cap)
    exact = (1 + x + x * x / 2) * WAD
    found = margin_rate.factor(move, 2 * HOUR, cap)
    assert 0 <= exact - found < 3 + x
    assert found <= margin_rate.factor(move + more, 2 * HOUR, cap)


@given(
    start=st.integers(0, MAX_CAP),
    target=st.integers(0, MAX_CAP),
    rise=st.integers(0, MAX_CAP),
    fall=st.integers(0, 2 * MAX_CAP),
)
def test_towards__as_far_as_allowed(start: int, target: int, rise: int, fall: int) -> None:
    moved = margin_rate.towards(start, target, rise, fall)
    assert moved == (min(target, start + rise) if target > start else max(target, start - fall))
    assert abs(target - moved) <= abs(target - start)
