"""set_rates: the owner replaces the curve; the past keeps the old one."""

from __future__ import annotations

import pytest

from plimsoll.model.adaptive_rate import RateParameters
from tests.support import reverts
from tests.support.pool import DAY, RATES, ROLES, WAD, PoolTwin
from tests.unit.lending_pool.conftest import accrued

BPS = WAD // 10_000
PPM = WAD // 10**6


@pytest.mark.parametrize("role", [role for role in ROLES if role != "owner"])
def test_set_rates__anyone_but_the_owner__reverts(busy: PoolTwin, role: str) -> None:
    with reverts("roles: owner only"):
        busy.pool.set_rates(RATES, sender=busy.roles[role])


def test_set_rates__whole_receipt(busy: PoolTwin) -> None:
    event, rates = accrued(busy), RATES._replace(target=WAD // 2, speed=0)
    receipt = busy.pool.set_rates(rates, sender=busy.owner)
    assert receipt.events == [event, busy.pool.event("RatesSet", parameters=rates)]
    assert tuple(busy.pool.rate_parameters()) == rates


def test_set_rates__the_past_pays_the_old_curve(busy: PoolTwin) -> None:
    debt = busy.pool.total_debt()
    busy.set_rates(RATES._replace(min_rate=WAD, max_rate=WAD))
    assert busy.pool.total_debt() == debt
    busy.check()


@pytest.mark.parametrize("rate", [WAD // 10_000, 33 * PPM * 1_000, 10 * WAD])
def test_set_rates__equal_bounds__set_the_rate_at_target(busy: PoolTwin, rate: int) -> None:
    busy.set_rates(RATES._replace(min_rate=rate, max_rate=rate))
    assert busy.pool.ledger().rate_at_target == rate
    busy.warp(DAY)
    assert busy.pool.state().rate_at_target == rate
    busy.check()


@pytest.mark.parametrize(
    "rates",
    [
        RateParameters(WAD // 10, WAD, 0, WAD // 10_000, WAD // 10_000),
        RateParameters(99 * WAD // 100, 100 * WAD, 200 * WAD, WAD // 10_000, 10 * WAD),
        RateParameters(1_001 * BPS, WAD + BPS, WAD // 1_000, 101 * PPM, 102 * PPM),
    ],
)
def test_set_rates__at_the_bounds(busy: PoolTwin, rates: RateParameters) -> None:
    busy.set_rates(rates)
    assert tuple(busy.pool.rate_parameters()) == rates
    busy.warp(DAY)
    busy.accrue()
    busy.check()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"target": WAD // 10 - 1}, "pool: target bounds"),
        ({"target": 99 * WAD // 100 + 1}, "pool: target bounds"),
        ({"steepness": WAD - 1}, "pool: steepness bounds"),
        ({"steepness": 100 * WAD + 1}, "pool: steepness bounds"),
        ({"speed": 200 * WAD + 1}, "pool: speed bounds"),
        ({"min_rate": WAD // 10_000 - 1}, "pool: rate bounds"),
        ({"min_rate": 2 * WAD + 1}, "pool: rate bounds"),
        ({"max_rate": 10 * WAD + 1}, "pool: rate bounds"),
        ({"speed": 2**255}, "pool: speed bounds"),
        ({"max_rate": 2**255}, "pool: rate bounds"),
        ({"target": WAD // 2 + 1}, "pool: precision"),
        ({"steepness": 2 * WAD + 1}, "pool: precision"),
        ({"speed": 1}, "pool: precision"),
        ({"min_rate": WAD // 1_000 + 1}, "pool: precision"),
        ({"max_rate": WAD + 1}, "pool: precision"),
    ],
)
def test_set_rates__out_of_bounds_or_too_fine__reverts(busy: PoolTwin, change: dict[str, int], reason: str) -> None:
    with reverts(reason):
        busy.pool.set_rates(RATES._replace(**change), sender=busy.owner)


def test_set_rates__changes_nothing_else(busy: PoolTwin, long: int) -> None:
    busy.provision(long, 10**12)
    before = (busy.pool.caps(), busy.pool.fees(), busy.pool.convertToAssets(10**18))
    for rates in (RateParameters(99 * WAD // 100, 100 * WAD, 200 * WAD, WAD // 10_000, 10 * WAD), RATES):
        busy.set_rates(rates)
        assert (busy.pool.caps(), busy.pool.fees(), busy.pool.convertToAssets(10**18)) == before
    busy.check()
