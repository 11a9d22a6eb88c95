"""accrued_debt: interest booked as by accrue, and what an account owes with it; by anyone."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.support.pool import YEAR, PoolTwin
from tests.unit.lending_pool.conftest import accrued


def test_accrued_debt__whole_receipt(busy: PoolTwin, long: int) -> None:
    event, owed = accrued(busy), busy.pool.debt_of(long)
    receipt = busy.pool.accrued_debt(long, sender=busy.attacker)
    assert (receipt.return_value, receipt.events) == (owed, [event])
    busy.model.accrue(busy.now)
    busy.check()


def test_accrued_debt__twice_in_a_block__the_second_books_nothing(busy: PoolTwin, long: int, short: int) -> None:
    owed = [busy.pool.debt_of(each) for each in (long, short)]
    assert busy.accrued_debt(long) == owed[0]
    receipt = busy.pool.accrued_debt(short, sender=busy.attacker)
    assert (receipt.return_value, receipt.events) == (owed[1], [])


def test_accrued_debt__of_nobody__is_nothing(busy: PoolTwin) -> None:
    assert busy.accrued_debt(2**256 - 1) == 0
    busy.check()


@given(seconds=st.integers(0, 10 * YEAR))
def test_accrued_debt__any_time__what_debt_of_said(busy: PoolTwin, long: int, seconds: int) -> None:
    with busy.chain.isolate():
        twin = busy.copy()
        twin.warp(seconds)
        owed = twin.pool.debt_of(long)
        assert twin.accrued_debt(long) == owed == twin.pool.debt_of(long)
        twin.check()
