"""accrue: interest up to now, at the rate of the utilisation that was, by anyone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.model import lending_pool
from plimsoll.model.adaptive_rate import RateParameters
from tests.support.pool import DAY, WAD, YEAR, PoolTwin, deploy_pool
from tests.unit.lending_pool.conftest import accrued

FLAT = RateParameters(target=WAD // 2, steepness=WAD, speed=0, min_rate=WAD // 10, max_rate=WAD // 10)


def test_accrue__whole_receipt(busy: PoolTwin) -> None:
    event = accrued(busy)
    assert event.args["interest"] > 0
    assert event.args["fee"] == event.args["interest"] // 10
    receipt = busy.pool.accrue(sender=busy.attacker)
    assert receipt.events == [event]


def test_accrue__twice_in_a_block__is_once(busy: PoolTwin) -> None:
    busy.accrue()
    before = tuple(busy.pool.ledger())
    assert busy.pool.accrue(sender=busy.attacker).events == []
    assert tuple(busy.pool.ledger()) == before


def test_accrue__changes_no_view(busy: PoolTwin, long: int) -> None:
    """Interest up to now is in every view before anyone books it."""

    def views() -> tuple[object, ...]:
        pool = busy.pool
        return (
            tuple(pool.state()),
            pool.debt_of(long),
            pool.total_debt(),
            pool.totalAssets(),
            pool.convertToAssets(10**18),
        )

    before = views()
    busy.accrue()
    assert views() == before


def test_accrue__empty_pool__the_rate_at_target_stays(twin: PoolTwin) -> None:
    twin.warp(YEAR)
    assert twin.pool.accrue(sender=twin.attacker).events == []
    assert twin.pool.ledger().rate_at_target == 4 * WAD // 100
    twin.accrue()
    twin.check()


def test_accrue__cash_and_no_debt__the_rate_at_target_falls(twin: PoolTwin) -> None:
    twin.deposit(100, twin.lender)
    twin.warp(5 * DAY)
    twin.accrue()
    assert twin.pool.ledger().rate_at_target / WAD == pytest.approx(0.04 * 0.5041, rel=1e-3)
    twin.check()


def test_accrue__past_is_priced_at_the_utilisation_it_had(twin: PoolTwin, long: int) -> None:
    """A borrow at the end of a quiet month, in the same block as the accrual, does not raise the month's interest."""
    twin.deposit(1_000 * twin.unit, twin.lender)
    twin.borrow(long, 100 * twin.unit)
    twin.warp(30 * DAY)
    quiet = twin.pool.debt_of(long)
    twin.borrow(7, 900 * twin.unit)
    assert twin.pool.debt_of(long) == quiet
    twin.accrue()
    assert twin.pool.debt_of(long) == quiet
    twin.check()


def test_accrue__ten_percent_for_a_year__e_to_the_tenth(chain: RevmChain) -> None:
    twin = deploy_pool(chain, rates=FLAT, rate_at_target=WAD // 10, reserve_factor=WAD // 5)
    twin.deposit(1_000 * twin.unit, twin.lender)
    twin.borrow(1, 500 * twin.unit)
    twin.warp(YEAR)
    assert twin.pool.total_debt() / twin.unit == pytest.approx(500 * 1.10516667, rel=1e-7)
    interest = twin.pool.total_debt() - 500 * twin.unit
    assert twin.pool.state().unminted_fee == interest // 5
    assert twin.pool.totalAssets() == 1_000 * twin.unit + interest - interest // 5
    twin.accrue()
    twin.check()


def test_accrue__every_second__interest_is_not_rounded_away(chain: RevmChain) -> None:
    """A debt of 1,000 tokens of 2 decimals earns 0.0003 units a second; booked each second for a day it still pays."""
    twin = deploy_pool(chain, decimals=2, rates=FLAT, rate_at_target=WAD // 10)
    twin.deposit(2_000_00, twin.lender)
    twin.borrow(1, 1_000_00)
    for _ in range(2_000):
        twin.warp(43)
        twin.pool.accrue(sender=twin.attacker)
    assert twin.pool.total_debt() - 1_000_00 == pytest.approx(1_000_00 * 0.1 * 86_000 / YEAR, abs=9)


@given(
    cash=st.integers(0, 10**12),
    debt=st.integers(1, 10**12),
    first=st.integers(0, YEAR),
    second=st.integers(0, YEAR),
)
def test_accrue__cut_in_two__costs_no_less(cash: int, debt: int, first: int, second: int) -> None:
    """At a fixed rate, but for what a kept fraction of a unit would have earned. (With a drifting curve the average
    over a longer period is the coarser, and higher, one.)"""
    pool = lending_pool.Pool.new(
        lending_pool.Parameters(2**99, 2**91, 0, 0, FLAT), fund="fund", now=0, rate_at_target=WAD // 10
    )
    pool.deposit(0, cash + debt, "lender")
    pool.borrow(0, 1, debt)
    whole = pool.current(first + second)
    pool.accrue(first)
    parts = pool.current(first + second)
    assert parts.debt * 256 + parts.fraction >= whole.debt * 256 + whole.fraction - 30


def test_accrue__by_anyone(busy: PoolTwin) -> None:
    for role in ("attacker", "lender", "engine", "owner"):
        busy.warp(1)
        assert busy.pool.accrue(sender=busy.roles[role]).find("Accrued")


def test_accrue__past_the_year_2106__time_goes_on(twin: PoolTwin, long: int) -> None:
    """The ledger keeps 32 bits of the time."""
    twin.chain.set_timestamp(2**32 - DAY)
    twin.deposit(1_000 * twin.unit, twin.lender)
    twin.borrow(long, 900 * twin.unit)
    twin.warp(2 * DAY)
    assert twin.pool.total_debt() / (900 * twin.unit) == pytest.approx(1 + 0.04 * 2 / 365, rel=1e-6)
    twin.accrue()
    assert twin.pool.ledger().updated == DAY
    twin.check()
