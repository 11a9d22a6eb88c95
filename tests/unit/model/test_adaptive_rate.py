"""The rate curve: contract equals model over all inputs, and both agree with numbers that other protocols published.

Sources of the numbers:

* Morpho's AdaptiveCurveIRM, the same curve: morpho-org/morpho-blue-irm, test/forge/AdaptiveCurveIrmTest.sol.
* Compound's jump rate model, a kinked curve: compound-finance/compound-protocol, tests/Models/InterestRateModelTest.js.
"""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import adaptive_rate, fixed_point, interest
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.lending_pool import Bounds
from tests.support import reverts

WAD = 10**18
DAY = 86_400
YEAR = 365 * DAY
TARGET = 9 * WAD // 10
MORPHO = RateParameters(TARGET, steepness=4 * WAD, speed=50 * WAD, min_rate=WAD // 1_000, max_rate=2 * WAD)
INITIAL = 4 * WAD // 100


@pytest.fixture(scope="session")
def harness(session_chain: RevmChain) -> Contract:
    return session_chain.deploy("adaptive_rate_harness", sender=session_chain.accounts()[0])


@st.composite
def parameters(draw: Any) -> RateParameters:
    low = draw(st.integers(Bounds.MIN_RATE, Bounds.MAX_RATE))
    return RateParameters(
        target=draw(st.integers(Bounds.MIN_TARGET, Bounds.MAX_TARGET)),
        steepness=draw(st.integers(WAD, Bounds.MAX_STEEPNESS)),
        speed=draw(st.one_of(st.just(0), st.integers(0, Bounds.MAX_SPEED))),
        min_rate=low,
        max_rate=draw(st.integers(low, Bounds.MAX_RATE)),
    )


utilisations = st.one_of(st.integers(0, WAD), st.sampled_from([0, TARGET - 1, TARGET, TARGET + 1, WAD]))
times = st.one_of(st.integers(0, 100), st.integers(0, 10 * YEAR), st.integers(0, 2**32 - 1), st.just(2**64 - 1))


@given(curve=parameters(), utilisation=utilisations, where=st.integers(0, WAD), seconds=times)
def test_rates__contract_equals_model__within_bounds_for_every_input(
    harness: Contract, curve: RateParameters, utilisation: int, where: int, seconds: int
) -> None:
    start = curve.min_rate + (curve.max_rate - curve.min_rate) * where // WAD
    rate, end = adaptive_rate.rates(utilisation, start, seconds, curve)
    assert tuple(harness.rates(utilisation, start, seconds, curve)) == (rate, end)
    assert curve.min_rate <= end <= curve.max_rate
    rounding = 12  # one WAD unit of the factor, at a rate of at most 10
    assert curve.min_rate * WAD // curve.steepness - rounding <= rate <= curve.max_rate * curve.steepness // WAD
    assert end >= start if utilisation >= curve.target else end <= start


def test_rates__the_least_drift_there_is__is_not_lost(harness: Contract) -> None:
    """Of half an exponent of 1, after a second at no utilisation."""
    curve = MORPHO._replace(speed=2 * YEAR)
    rate, end = harness.rates(0, INITIAL, 1, curve)
    assert (rate, end) == adaptive_rate.rates(0, INITIAL, 1, curve) == (INITIAL // 4 - 1, INITIAL - 1)


@given(x=st.integers(-50 * WAD, fixed_point.WAD_EXP_OVERFLOW - 1))
@example(x=fixed_point.WAD_EXP_ZERO)
@example(x=fixed_point.WAD_EXP_ZERO + 1)
@example(x=fixed_point.WAD_EXP_OVERFLOW - 1)
@example(x=0)
def test_wad_exp__contract_equals_model(harness: Contract, x: int) -> None:
    assert harness.wad_exp(x) == fixed_point.wad_exp(x)


def test_wad_exp__too_large__reverts(harness: Contract) -> None:
    with pytest.raises(ValueError, match="math: wad_exp overflow"):
        fixed_point.wad_exp(fixed_point.WAD_EXP_OVERFLOW)
    with reverts("math: wad_exp overflow"):
        harness.wad_exp(fixed_point.WAD_EXP_OVERFLOW)


@pytest.mark.parametrize(
    ("utilisation", "seconds", "rate", "at_target", "tolerance"),
    [
        pytest.param(0, 0, 0.04 / 4, 0.04, 1e-15, id="empty: a quarter of the initial rate"),
        pytest.param(1, 0, 0.04 * 4, 0.04, 1e-15, id="full: four times the initial rate"),
        pytest.param(0.9, 0, 0.04, 0.04, 1e-15, id="at target: the initial rate"),
        pytest.param(0.9, 2**48 - 1, 0.04, 0.04, 1e-15, id="at target for any time: the initial rate"),
        pytest.param(1, 5 * DAY, 0.22976, 0.04 * 1.9836, 0.01, id="full for 5 days: 22.976 %, 1.9836 of it"),
        pytest.param(0, 5 * DAY, 0.00724, 0.04 * 0.5041, 0.01, id="empty for 5 days: 0.724 %, 0.5041 of it"),
        pytest.param(0.95, 45 * DAY, None, 0.8722, 1e-4, id="half way up for 45 days: rate at target 87.22 %"),
    ],
)
def test_rates__morphos_numbers(
    harness: Contract, utilisation: float, seconds: int, rate: float | None, at_target: float, tolerance: float
) -> None:
    average, end = harness.rates(round(utilisation * 1_000) * WAD // 1_000, INITIAL, seconds, MORPHO)
    assert end / WAD == pytest.approx(at_target, rel=max(tolerance / 100, 1e-4))
    if rate is not None:
        assert average / WAD == pytest.approx(rate, rel=tolerance)


def test_rates__morphos_45_days_accrued_every_minute() -> None:
    """Utilisation creeps up as interest joins both sides: the rate at target ends 0 to 8 % above 87.22 %, the debt
    within 30 % of e^(87.22 % * 3.5 * 45 / 365) = 1.457 times the start."""
    supply, debt, at_target = WAD, 95 * WAD // 100, INITIAL
    start = debt
    for _ in range(45 * DAY // 60):
        rate, at_target = adaptive_rate.rates(debt * WAD // supply, at_target, 60, MORPHO)
        grown = debt * interest.growth(rate, 60) // WAD
        supply, debt = supply + grown, debt + grown
    assert 0.8722 <= at_target / WAD <= 0.8722 * 1.08
    assert debt / start == pytest.approx(1.457, rel=0.3)
    assert debt / supply == pytest.approx(0.95, rel=0.01)


@pytest.mark.parametrize(
    ("steepness", "utilisation", "percent"),
    [
        *((WAD * 28 // 10, util, percent) for util, percent in ((0, 10), (10, 12), (89, 27.8), (90, 28))),
        *((WAD * 38 // 28, util, percent) for util, percent in ((90, 28), (91, 29), (100, 38))),
    ],
)
def test_rates__compounds_jump_rate(harness: Contract, steepness: int, utilisation: int, percent: float) -> None:
    """Base 10 %, slope 20 %, kink 90 %, jump 100 %: 28 % at the kink. Our curve has one steepness for both halves,
    base = r / C and top = C * r, so that each half of Compound's is met by a C of its own."""
    curve = RateParameters(TARGET, steepness, 0, 28 * WAD // 100, 28 * WAD // 100)
    rate, end = harness.rates(utilisation * WAD // 100, 28 * WAD // 100, 7 * DAY, curve)
    assert rate / WAD == pytest.approx(percent / 100, rel=1e-15)
    assert end == 28 * WAD // 100


@given(utilisation=utilisations, seconds=st.integers(1, 30 * DAY))
def test_rates__average_is_near_the_true_average(utilisation: int, seconds: int) -> None:
    """Two trapezoids over an exponential err upwards, by at most x^2 / 48 of it with x the exponent."""
    free = MORPHO._replace(min_rate=1, max_rate=10**6 * WAD)
    average, end = adaptive_rate.rates(utilisation, INITIAL, seconds, free)
    now = adaptive_rate.rates(utilisation, INITIAL, 0, free)[0]
    x = math.log(end / INITIAL)
    true = now * (math.expm1(x) / x if abs(x) > 1e-6 else 1 + x / 2)
    assert true * (1 - 1e-6) <= average <= true * (1 + x * x / 48) * (1 + 1e-6)


@given(curve=parameters(), low=utilisations, high=utilisations, where=st.integers(0, WAD))
def test_rates__rise_with_utilisation(curve: RateParameters, low: int, high: int, where: int) -> None:
    low, high = sorted((low, high))
    start = curve.min_rate + (curve.max_rate - curve.min_rate) * where // WAD
    below, above = (adaptive_rate.rates(utilisation, start, DAY, curve) for utilisation in (low, high))
    assert below[0] <= above[0] + 12  # one WAD unit of the factor
    assert below[1] <= above[1]
