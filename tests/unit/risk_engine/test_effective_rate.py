from __future__ import annotations

from itertools import pairwise

import pytest

from plimsoll.model import margin_rate
from tests.support.risk import DAY, HOUR, MARGIN, PERCENT, WAD, Risk


@pytest.mark.parametrize(
    ("worth", "rate"),
    [
        (0, 5 * PERCENT),
        (1, 5 * PERCENT + 1),
        (WAD // 10**10, 5 * PERCENT + 1),
        (WAD // 10**10 + 1, 5 * PERCENT + 2),
        (10**6 * WAD, 6 * PERCENT),
        (15 * 10**6 * WAD - 1, 20 * PERCENT),
        (15 * 10**6 * WAD, 20 * PERCENT),
        (10**12 * WAD, 20 * PERCENT),
        (2**256 - 1, 20 * PERCENT),
    ],
)
def test_effective_rate__floor_line_cap(risk: Risk, worth: int, rate: int) -> None:
    """Floor 5 %, cap 20 %, 1 % more per million dollars; rounded up."""
    key = risk.list_asset()
    assert risk.engine.effective_rate(key, worth, risk.chain.timestamp()) == rate


def test_effective_rate__the_smallest_remainder_counts(risk: Risk) -> None:
    """The size term is 9,999,999,901 and 1e-18: one more."""
    slope = 10**10 + 1
    worth = pow(slope, -1, WAD)
    assert slope * worth == 9_999_999_901 * WAD + 1
    key = risk.list_asset(margin=MARGIN._replace(size_slope=slope))
    assert risk.engine.effective_rate(key, worth, risk.chain.timestamp()) == 5 * PERCENT + 9_999_999_902


def test_effective_rate__before_the_ramp__its_start(risk: Risk) -> None:
    key = risk.list_asset()
    risk.chain.warp(DAY)
    risk.set_margin(key, MARGIN._replace(floor=10 * PERCENT))
    now = risk.chain.timestamp()
    for time in (0, now - DAY, now):
        assert risk.engine.effective_rate(key, 0, time) == MARGIN.floor
    assert risk.engine.effective_rate(key, 0, now + HOUR) > MARGIN.floor


def test_effective_rate__far_away__time_counts_to_35_000_years(risk: Risk) -> None:
    """By then base and cap have arrived, whatever their speed; a slope at the least speed has not."""
    slowest = MARGIN._replace(size_slope=margin_rate.MAX_SLOPE, ramp_down=margin_rate.RAMP_UNIT)
    key = risk.list_asset(margin=slowest)
    risk.set_margin(key, slowest._replace(size_slope=margin_rate.MIN_SLOPE))
    since = risk.chain.timestamp()
    before, then, after, never = (
        risk.engine.effective_rate(key, WAD, time)
        for time in (since + 2**40 - 2, since + 2**40 - 1, since + 2**40, 2**256 - 1)
    )
    assert before > then == after == never == margin_rate.rate(risk.margins[key], WAD, 2**256 - 1)


@pytest.mark.parametrize("key", [0, 2, 3, 1 << 64 | 1, 2**256 - 1])
@pytest.mark.parametrize("worth", [0, WAD, 2**256 - 1])
def test_effective_rate__unlisted__zero(risk: Risk, key: int, worth: int) -> None:
    assert risk.list_asset() == 1
    assert risk.engine.effective_rate(key, worth, 2**256 - 1) == 0


def test_effective_rate__never_falls_with_worth(risk: Risk) -> None:
    key = risk.list_asset()
    now = risk.chain.timestamp()
    rates = [risk.engine.effective_rate(key, worth * WAD, now) for worth in range(0, 20 * 10**6, 10**5)]
    assert rates == sorted(rates)
    assert len(set(rates)) == 151


def test_effective_rate__marginal_rate_below_one(risk: Risk) -> None:
    """The requirement never rises by as much as the worth does, at the steepest parameters allowed."""
    key = risk.list_asset(margin=MARGIN._replace(cap=WAD // 2 - 1, size_slope=10**14))
    now = risk.chain.timestamp()
    worths = [dollars * WAD for dollars in range(0, 10_000, 25)]
    requirements = [worth * risk.engine.effective_rate(key, worth, now) // WAD for worth in worths]
    steps = [after - before for before, after in pairwise(requirements)]
    assert 0 < min(steps) < max(steps) < 25 * WAD
