"""LendingPool.move_debt: an account assumes a part of another's debt, and a little more for starter and fund."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import share_math
from tests.support import reverts
from tests.support.pool import PoolTwin, account, check_invariants, price
from tests.unit.lending_pool.conftest import accrued, moved

WAD = 10**18
RATES = st.integers(0, WAD // 10)


def move(twin: PoolTwin, source: int, target: int, fraction: int, starter_rate: int = 0, fund_rate: int = 0) -> Any:
    """Move debt on both sides; the starter is `other`."""
    twin.seen_accounts |= {source, target}
    twin.seen_holders.add(twin.other)
    return twin.run(
        lambda: twin.pool.move_debt(source, target, fraction, twin.other, starter_rate, fund_rate, sender=twin.engine),
        lambda: twin.model.move_debt(twin.now, source, target, fraction, twin.other, starter_rate, fund_rate),
    )


@pytest.fixture
def taker(busy: PoolTwin) -> int:
    """An account without debt."""
    return account(busy.attacker, 5)


def test_move_debt__whole_receipt(busy: PoolTwin, long: int, taker: int) -> None:
    busy.accrue()
    ledger = busy.model.ledger
    before = busy.model.debt_shares_of(long)
    shares = -(-before // 4)
    amount = share_math.debt_up(shares, ledger.debt, ledger.debt_shares)
    for_starter, for_fund = -(-amount // 100), -(-amount // 50)
    extra = share_math.debt_shares_up(for_starter + for_fund, ledger.debt, ledger.debt_shares)
    minted = busy.model.convert_to_shares(busy.now, for_starter)
    receipt = busy.pool.move_debt(long, taker, WAD // 4, busy.other, WAD // 100, WAD // 50, sender=busy.engine)
    assert receipt.events == [
        moved(busy.pool, "0x" + "0" * 40, busy.other, minted),
        busy.pool.event(
            "DebtMoved",
            source=long,
            target=taker,
            amount=amount,
            shares=shares,
            extra_shares=extra,
            starter_assets=for_starter,
            starter_shares=minted,
            fund_assets=for_fund,
        ),
    ]
    assert busy.pool.debt_shares_of(long) == before - shares
    assert busy.pool.debt_shares_of(taker) == shares + extra
    assert tuple(receipt.return_value) == (busy.pool.debt_of(long), busy.pool.debt_of(taker))


def test_move_debt__accrues_first(busy: PoolTwin, long: int, taker: int) -> None:
    expected = accrued(busy)
    receipt = busy.pool.move_debt(long, taker, WAD // 4, busy.other, 0, 0, sender=busy.engine)
    assert receipt.events[0] == expected


@given(fraction=st.integers(0, WAD), starter_rate=RATES, fund_rate=RATES, seconds=st.integers(0, 10**7))
def test_move_debt__equals_the_model_and_costs_no_lender_anything(
    busy: PoolTwin, long: int, short: int, fraction: int, starter_rate: int, fund_rate: int, seconds: int
) -> None:
    with busy.chain.isolate():
        twin = busy.copy()
        twin.warp(seconds)
        cash, old = twin.model.ledger.cash, price(twin.model, twin.now)
        owed = sum(twin.model.debt_of(twin.now, each) for each in (long, short))
        left, other = move(twin, long, short, fraction, starter_rate, fund_rate)
        twin.check()
        assert twin.model.ledger.cash == cash
        new = price(twin.model, twin.now)
        assert new[0] * old[1] >= old[0] * new[1], "the share price does not fall"
        after = sum(twin.model.debt_of(twin.now, each) for each in (long, short))
        assert after >= owed - 2
        assert (left, other) == (twin.pool.debt_of(long), twin.pool.debt_of(short))
        assert (left == 0) == (twin.model.debt_shares_of(long) == 0)
        check_invariants(twin.model, twin.now)


def test_move_debt__everything__leaves_nothing_and_releases_the_provision(
    busy: PoolTwin, long: int, taker: int
) -> None:
    busy.provision(long, 5 * busy.unit)
    assert move(busy, long, taker, WAD)[0] == 0
    assert busy.pool.provision_of(long) == 0
    busy.check()


def test_move_debt__a_part__keeps_the_provision(busy: PoolTwin, long: int, taker: int) -> None:
    busy.provision(long, 5 * busy.unit)
    move(busy, long, taker, WAD // 2)
    assert busy.pool.provision_of(long) == 5 * busy.unit
    busy.check()


def test_move_debt__almost_everything_of_a_dust_debt__takes_the_last_share(twin: PoolTwin, long: int) -> None:
    twin.deposit(10 * twin.unit, twin.lender)
    twin.borrow(long, 1)
    target = account(twin.attacker)
    left, _ = move(twin, long, target, WAD - 1, WAD // 100, WAD // 100)
    twin.check()
    assert left == 0
    assert twin.pool.debt_of(target) >= 1


def test_move_debt__no_cash_no_caps(busy: PoolTwin, long: int, taker: int) -> None:
    """A pool lent out to the last unit, with caps of nothing, moves debt and pays the starter."""
    busy.borrow(account(busy.trader, 9), busy.model.ledger.cash)
    busy.set_caps(0, 0)
    move(busy, long, taker, WAD // 2, WAD // 50, WAD // 50)
    busy.check()
    assert busy.pool.balanceOf(busy.other) > 0


def test_move_debt__nothing__moves_nothing(busy: PoolTwin, long: int, taker: int) -> None:
    before = busy.pool.debt_of(long)
    assert move(busy, long, taker, 0, WAD // 100, WAD // 100) == (before, 0)
    busy.check()


def test_move_debt__many_small_ones__charge_no_less_than_one(busy: PoolTwin, long: int, taker: int) -> None:
    whole, pieces = busy.copy(), busy.copy()
    with busy.chain.isolate():
        move(whole, long, taker, WAD // 2, WAD // 100)
        at_once = whole.pool.debt_of(taker)
    with busy.chain.isolate():
        for each in (WAD // 4, WAD // 3):
            move(pieces, long, taker, each, WAD // 100)
        assert pieces.pool.debt_of(taker) >= at_once


@pytest.mark.parametrize("role", ["deployer", "fund", "owner", "guardian", "lender", "other", "trader", "attacker"])
def test_move_debt__every_wrong_caller__reverts(busy: PoolTwin, long: int, taker: int, role: str) -> None:
    sender = getattr(busy, role)
    with reverts("pool: engine only"):
        busy.pool.move_debt(long, taker, WAD, sender, WAD, WAD, sender=sender)
