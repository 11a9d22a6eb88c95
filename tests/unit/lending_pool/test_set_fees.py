"""set_fees: the owner sets the reserve factor and the price of flash loans; the past keeps the old one."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.support.pool import DAY, RATES, ROLES, WAD, PoolTwin
from tests.unit.lending_pool.conftest import accrued

BPS = WAD // 10_000
PPM = WAD // 10**6


@pytest.mark.parametrize("role", [role for role in ROLES if role != "owner"])
def test_set_fees__anyone_but_the_owner__reverts(busy: PoolTwin, role: str) -> None:
    with reverts("roles: owner only"):
        busy.pool.set_fees(0, 0, sender=busy.roles[role])


def test_set_fees__whole_receipt(busy: PoolTwin) -> None:
    event = accrued(busy)
    receipt = busy.pool.set_fees(WAD // 5, PPM, sender=busy.owner)
    assert receipt.events == [event, busy.pool.event("FeesSet", reserve_factor=WAD // 5, flash_fee=PPM)]
    assert busy.pool.fees() == (WAD // 5, PPM)


def test_set_fees__the_past_pays_the_old_factor(busy: PoolTwin) -> None:
    fee = busy.pool.state().unminted_fee
    busy.set_fees(WAD // 2, 0)
    assert busy.pool.state().unminted_fee == fee > 0
    busy.warp(DAY)
    interest = busy.pool.total_debt() - busy.model.ledger.debt
    assert busy.pool.state().unminted_fee == fee + interest // 2
    busy.check()


@pytest.mark.parametrize("fees", [(WAD // 2, WAD // 100), (0, 0), (BPS, PPM)])
def test_set_fees__at_the_bounds(busy: PoolTwin, fees: tuple[int, int]) -> None:
    busy.set_fees(*fees)
    assert busy.pool.fees() == fees
    busy.check()


@pytest.mark.parametrize("fees", [(WAD // 2 + 1, 0), (0, WAD // 100 + 1), (2**255, 0), (0, 2**255)])
def test_set_fees__out_of_bounds__reverts(busy: PoolTwin, fees: tuple[int, int]) -> None:
    with reverts("pool: fee bounds"):
        busy.pool.set_fees(*fees, sender=busy.owner)


@pytest.mark.parametrize("fees", [(1, 0), (BPS + 1, 0), (0, 1), (0, PPM - 1)])
def test_set_fees__finer_than_is_kept__reverts(busy: PoolTwin, fees: tuple[int, int]) -> None:
    with reverts("pool: precision"):
        busy.pool.set_fees(*fees, sender=busy.owner)


def test_set_fees__changes_nothing_else(busy: PoolTwin, long: int) -> None:
    busy.provision(long, 7)
    busy.set_rates(RATES._replace(target=9_001 * BPS))
    before = (busy.pool.caps(), tuple(busy.pool.rate_parameters()), busy.pool.convertToAssets(10**18))
    for fees in ((WAD // 2, WAD // 100), (0, 0)):
        busy.set_fees(*fees)
        assert (busy.pool.caps(), tuple(busy.pool.rate_parameters()), busy.pool.convertToAssets(10**18)) == before
    busy.check()
