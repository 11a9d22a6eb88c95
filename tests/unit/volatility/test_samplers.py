"""What somebody gains who chooses when to sample: measured on prices without drift, with the model's own integers.

A sampler looks at every minute, knows the past prices and the spot price that the means follow, and may wait up to
`PATIENCE` after the interval, which is more than an honest sampler beside him would leave him.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate
from math import exp, sqrt
from random import Random

import pytest

from plimsoll.model import volatility_oracle
from plimsoll.model.volatility_oracle import Parameters, State

WAD = 10**18
MINUTE = 60
DAY = 86_400
MINUTES = 365 * 1_440
WINDOW = 30
INTERVAL = 60
PATIENCE = 300
SIGMA = 0.8
HOURLY = SIGMA / sqrt(365 * 24)
PARAMETERS = Parameters(
    interval=INTERVAL * MINUTE,
    window=WINDOW * MINUTE,
    fast_half_life=DAY,
    slow_half_life=20 * DAY,
    patience=DAY,
    max_sigma=20 * WAD,
    start_sigma=8 * WAD // 10,
)

Rule = Callable[[float, float], bool]
"""Whether to sample now: given the return since the last sample, and how far spot is above the mean in sigmas."""

CALM: dict[str, Rule] = {
    "calm": lambda change, lead: abs(change) < 0.25,
    "rather calm": lambda change, lead: abs(change) < 0.5,
    "before it moves on": lambda change, lead: change * lead > 0,
    "calm or before it moves on": lambda change, lead: change * lead > 0 or abs(change) < 0.3,
}
WILD: dict[str, Rule] = {
    "wild": lambda change, lead: abs(change) > 1,
    "very wild": lambda change, lead: abs(change) > 2,
    "before it turns": lambda change, lead: change * lead < 0,
    "at the peak": lambda change, lead: change * lead < 0 and abs(change) > 1,
}


@pytest.fixture(scope="module")
def logs() -> tuple[list[float], list[float]]:
    """A year of minutes of a log price, and its means over the window."""
    draw = Random(1)
    spot = list(accumulate((draw.gauss(0, HOURLY / sqrt(60)) for _ in range(MINUTES)), initial=0.0))
    sums = list(accumulate(spot, initial=0.0))
    return spot, [(sums[i + 1] - sums[i + 1 - WINDOW]) / WINDOW for i in range(WINDOW - 1, MINUTES)]


def measured(spot: Sequence[float], said: Sequence[float], rule: Rule) -> float:
    """Return the time-weighted mean of the slow variance that a sampler makes, over the true one."""
    lag = len(spot) - len(said)
    state = State(int(1e21 * exp(said[0])), 0, *(int(SIGMA**2 * WAD),) * 2)
    last, weighted = 0, 0.0
    for now in range(INTERVAL, len(said)):
        waited = now - last
        if waited < INTERVAL:
            continue
        change, lead = (said[now] - said[last]) / HOURLY, (spot[now + lag] - said[now]) / HOURLY
        if waited >= INTERVAL + PATIENCE or rule(change, lead):
            state = volatility_oracle.sample(state, PARAMETERS, int(1e21 * exp(said[now])), now * MINUTE)
            weighted += state.slow * waited / WAD
            last = now
    return weighted / last / SIGMA**2


def test_samplers__honest__finds_the_truth(logs: tuple[list[float], list[float]]) -> None:
    """Within the noise of a year of hours, sqrt(2 / 8760)."""
    spot, means = logs
    assert measured(spot, means, lambda change, lead: True) == pytest.approx(1, abs=3 * sqrt(2 / 8_760))


@pytest.mark.parametrize("name", [*CALM, *WILD])
def test_samplers__of_means__bounded(logs: tuple[list[float], list[float]], name: str) -> None:
    """A mean's next return is partly known: variance stays within 0.7 and 1.5 of the truth, sigma in 0.84 to 1.23."""
    spot, means = logs
    assert 0.7 < measured(spot, means, {**CALM, **WILD}[name]) < 1.5


@pytest.mark.parametrize("name", [*CALM, *WILD])
def test_samplers__of_spot__gain_nothing(logs: tuple[list[float], list[float]], name: str) -> None:
    """Wald: nothing but the over-correction by up to a fifth is left, whatever the rule."""
    spot, _ = logs
    assert 0.95 < measured(spot, spot, {**CALM, **WILD}[name]) < 1.25
