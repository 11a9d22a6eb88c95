"""provision: a loss expected of an account under auction."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.support.pool import MAX, ROLES, PoolTwin


def test_provision__set_raised_and_released__whole_receipts(busy: PoolTwin, long: int, short: int) -> None:
    pool = busy.pool
    for account, amount, total in ((long, 100, 100), (short, 7, 107), (long, 50, 57), (long, 0, 7), (short, 0, 0)):
        receipt = pool.provision(account, amount, sender=busy.engine)
        assert receipt.events == [pool.event("Provisioned", account=account, amount=amount, total=total)]
        assert pool.provision_of(account) == amount
        assert pool.state().provisions == total


def test_provision__the_same_again__logs_nothing(busy: PoolTwin, long: int) -> None:
    busy.provision(long, 5)
    assert busy.pool.provision(long, 5, sender=busy.engine).events == []
    assert busy.pool.provision(0, 0, sender=busy.engine).events == []


def test_provision__released__prices_are_what_they_were(busy: PoolTwin, long: int) -> None:
    before = busy.pool.convertToAssets(10**18)
    busy.provision(long, 10**12)
    assert busy.pool.convertToAssets(10**18) < before
    busy.provision(long, 0)
    assert busy.pool.convertToAssets(10**18) == before
    busy.check()


def test_provision__moves_no_price_of_deposits_and_no_debt(busy: PoolTwin, long: int) -> None:
    before = (busy.pool.convertToShares(10**12), busy.pool.totalAssets(), busy.pool.debt_of(long))
    busy.provision(long, 10**12)
    assert (busy.pool.convertToShares(10**12), busy.pool.totalAssets(), busy.pool.debt_of(long)) == before


def test_provision__more_than_all_assets__leaves_nothing_to_withdraw(busy: PoolTwin, long: int, short: int) -> None:
    busy.provision(long, MAX)
    busy.provision(short, MAX)
    assert busy.pool.convertToAssets(busy.pool.totalSupply()) == 0
    assert busy.pool.maxWithdraw(busy.lender) == busy.pool.maxRedeem(busy.lender) == 0
    busy.check()


@pytest.mark.parametrize("role", [role for role in ROLES if role != "engine"])
def test_provision__anyone_but_the_engine__reverts(busy: PoolTwin, long: int, role: str) -> None:
    with reverts("pool: engine only"):
        busy.pool.provision(long, 1, sender=busy.roles[role])


@pytest.mark.parametrize("fund", [1, 7, 333_333, 10**9 + 7, 2 * 10**11])
def test_provision__partly_covered_by_the_fund__to_the_unit(busy: PoolTwin, long: int, fund: int) -> None:
    """A huge number of shares magnifies one unit of what withdrawals are priced on."""
    busy.deposit(fund, busy.fund)
    shares = 2**120
    cover = busy.pool.convertToAssets(busy.pool.balanceOf(busy.fund))
    assert cover in (fund, fund - 1)
    for more in (0, 1, 2, 10**9):
        busy.provision(long, cover + more)
        total = busy.pool.totalAssets() - more
        expected = shares * (total + 1) // (busy.pool.totalSupply() + 10**6)
        assert busy.pool.convertToAssets(shares) == busy.model.convert_to_assets(busy.now, shares) == expected
