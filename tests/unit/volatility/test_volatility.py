"""The volatility module: contract equals model over all inputs, both agree with numbers from elsewhere.

Sources of the numbers:

* Hull, "Options, Futures, and Other Derivatives", 10th edition, section 23.2: the exponentially weighted moving average
  with lambda = 0.90, a volatility of 1 % a day and a return of 2 % gives a new one of 1.14 %.
* J. P. Morgan/Reuters, "RiskMetrics - Technical Document", 4th edition, 1996, pages 93 to 95: K = ln(tolerance) /
  ln(decay factor) daily returns carry all of the weight but the tolerance; 1 % is left after 458 days with 0.99, after
  74 with 0.94.
* H. Working, "Note on the Correlation of First Differences of Averages in a Random Chain", Econometrica 28, 1960:
  averages over the interval that they are apart have changes of two thirds of the variance of the chain's.
"""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.model import fixed_point, volatility
from plimsoll.model.fixed_point import YEAR

WAD = 10**18
DAY = 86_400
MAX = 100 * WAD
PRICES = st.one_of(st.integers(1, 2**128 - 1), st.sampled_from([1, 2, 10**18, 2**128 - 1]))
MEANS = st.integers(0, 10**22)


@pytest.fixture(scope="session")
def harness(session_chain: RevmChain) -> Any:
    return session_chain.deploy("volatility_harness", sender=session_chain.accounts()[0])


def half_life(decay: float) -> int:
    """Return the seconds after which a daily decay factor leaves half."""
    return round(math.log(0.5) / math.log(decay) * DAY)


# The contract


@given(before=PRICES, after=PRICES)
def test_log_return__model(harness: Any, before: int, after: int) -> None:
    size = volatility.log_return(before, after)
    assert harness.log_return(before, after) == size == volatility.log_return(after, before)
    assert 0 <= size < 89 * WAD


@given(
    size=st.integers(0, 89 * WAD),
    seconds=st.integers(600, 2**40),
    part=st.integers(0, 1_000),
    most=st.integers(0, MAX),
)
def test_variance__model(harness: Any, size: int, seconds: int, part: int, most: int) -> None:
    window = seconds // 2 * part // 1_000
    said = volatility.variance(size, seconds, window, most)
    assert harness.variance(size, seconds, window, most) == said <= volatility.square(most)


@given(mean=MEANS, said=MEANS, seconds=st.integers(0, 2**40), half=st.integers(600, 365 * DAY))
@example(mean=274_646_005_485_253_097, said=0, seconds=2, half=DAY)  # times its decay, 1e-18 more than a whole number
def test_moved__model(harness: Any, mean: int, said: int, seconds: int, half: int) -> None:
    moved = volatility.moved(mean, said, seconds, half)
    assert harness.moved(mean, said, seconds, half) == moved
    assert min(mean, said) <= moved <= max(mean, said)


@given(fast=MEANS, slow=MEANS)
def test_sigma__model(harness: Any, fast: int, slow: int) -> None:
    sigma = volatility.sigma(fast, slow)
    assert harness.sigma(fast, slow) == sigma
    assert (sigma - 1) ** 2 < max(fast, slow) * WAD <= sigma**2 or fast == slow == sigma == 0


@given(sigma=st.integers(0, MAX))
def test_square__model(harness: Any, sigma: int) -> None:
    square = volatility.square(sigma)
    assert harness.square(sigma) == square
    assert volatility.sigma(square, 0) <= sigma


# Numbers from elsewhere


@given(x=st.one_of(st.integers(1, 2**188), st.integers(WAD - 10**6, WAD + 10**6)))
def test_wad_ln__is_the_logarithm(x: int) -> None:
    with localcontext() as context:
        context.prec = 60
        exact = (Decimal(x) / WAD).ln() * WAD
    assert abs(fixed_point.wad_ln(x) - exact) <= 2


def test_wad_ln__outside_of_its_domain() -> None:
    assert fixed_point.wad_ln(0) == 0
    assert fixed_point.wad_ln(WAD) == 0
    with pytest.raises(ValueError, match="math: wad_ln undefined"):
        fixed_point.wad_ln(-1)


def test_moved__hulls_example() -> None:
    """lambda 0.90: 0.9 * 0.01**2 + 0.1 * 0.02**2 = 0.00013 a day, a volatility of 1.14 % a day."""
    days = YEAR // DAY
    mean, said = 10**14 * days, volatility.variance(2 * 10**16, DAY, 0, MAX)
    assert said == 4 * 10**14 * days
    moved = volatility.moved(mean, said, DAY, half_life(0.9))
    assert moved / days / WAD == pytest.approx(0.00013, rel=1e-6)
    assert volatility.sigma(moved, 0) / math.sqrt(days) / WAD == pytest.approx(0.0114, abs=0.00005)


@pytest.mark.parametrize(("decay", "days"), [(0.94, 74), (0.99, 458)])
def test_moved__riskmetrics_weights(decay: float, days: int) -> None:
    """So many days without a return leave 1 % of the variance; one day leaves the decay factor."""
    mean = WAD
    left = []
    for _ in range(days + 1):
        mean = volatility.moved(mean, 0, DAY, half_life(decay))
        left.append(mean / WAD)
    assert left[0] == pytest.approx(decay, rel=1e-6)
    assert left[days] < 0.01
    assert left[days - 2] > 0.01
    assert left[days - 1] == pytest.approx(0.01, rel=0.03)


@given(parts=st.lists(st.integers(1, 10 * DAY), min_size=1, max_size=20), said=MEANS, mean=MEANS)
def test_moved__however_time_is_cut__the_same(parts: list[int], said: int, mean: int) -> None:
    """Samples that say the same are worth the time they cover: sampling more often gives nobody more weight."""
    cut = mean
    for seconds in parts:
        cut = volatility.moved(cut, said, seconds, 7 * DAY)
    assert cut == pytest.approx(volatility.moved(mean, said, sum(parts), 7 * DAY), abs=40 + (mean + said) // 10**16)


@pytest.mark.parametrize(("windows", "part"), [(1, 2 / 3), (2, 5 / 6), (4, 11 / 12)])
def test_variance__is_corrected_for_averages(windows: int, part: float) -> None:
    """Averages a window apart move by two thirds of the chain's variance (Working); further apart, by more of it."""
    seconds = windows * 1_800
    averaged = volatility.variance(10**16, seconds, 1_800, MAX)
    assert volatility.variance(10**16, seconds, 0, MAX) / averaged == pytest.approx(part, rel=1e-12)


def test_multiple() -> None:
    """Three deviations within four hours: 3 * sqrt(4 / 8760)."""
    assert volatility.multiple(3 * WAD, 4 * 3_600) / WAD == pytest.approx(3 * math.sqrt(4 / 8_760), rel=1e-12)
    assert volatility.multiple(WAD, YEAR) == WAD
    assert volatility.multiple(1, 1) == 1
    assert volatility.multiple(0, DAY) == 0
