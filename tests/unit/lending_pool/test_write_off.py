"""write_off: the fund's shares lose first, then everybody; nothing can stop it."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.pool import ROLES, YEAR, PoolTwin, price
from tests.unit.lending_pool.conftest import accrued, moved
from tests.unit.lending_pool.test_repay import dust_of_three


def test_write_off__covered_by_the_fund__lenders_lose_nothing(busy: PoolTwin, short: int) -> None:
    busy.deposit(400_000 * busy.unit, busy.fund)
    worth = busy.pool.convertToAssets(busy.pool.balanceOf(busy.lender))
    owed = busy.pool.debt_of(short)
    assert busy.write_off(short) == (owed, owed)
    assert worth - 1 <= busy.pool.convertToAssets(busy.pool.balanceOf(busy.lender))
    assert busy.pool.balanceOf(busy.fund) > 0
    busy.check()


def test_write_off__whole_receipt(busy: PoolTwin, short: int) -> None:
    busy.deposit(1_000 * busy.unit, busy.fund)
    busy.warp(100)
    busy.provision(short, 300_000 * busy.unit)
    shares, event = busy.pool.balanceOf(busy.fund), accrued(busy)
    owed = busy.pool.debt_of(short)
    fee = busy.pool.state().unminted_fee
    receipt = busy.pool.write_off(short, sender=busy.engine)
    minted = receipt.find("FeesMinted")[0].args["shares"]
    loss, covered = receipt.return_value
    assert loss == owed
    assert 1_000 * busy.unit + fee <= covered <= 1_000 * busy.unit + fee + busy.unit
    assert receipt.events == [
        event,
        moved(busy.pool, ZERO_ADDRESS, busy.fund, minted),
        busy.pool.event("FeesMinted", assets=fee, shares=minted),
        moved(busy.pool, busy.fund, ZERO_ADDRESS, shares + minted),
        busy.pool.event("WrittenOff", account=short, loss=loss, covered=covered, burned=shares + minted),
        busy.pool.event("Provisioned", account=short, amount=0, total=0),
    ]


@pytest.mark.parametrize("held", [0, 1])
def test_write_off__the_funds_only_share__is_burned(twin: PoolTwin, long: int, held: int) -> None:
    twin.deposit(10 * twin.unit, twin.lender)
    twin.borrow(long, 4 * twin.unit)
    twin.pool.transfer(twin.fund, held, sender=twin.lender)
    burn = [moved(twin.pool, twin.fund, ZERO_ADDRESS, 1)] * held
    receipt = twin.pool.write_off(long, sender=twin.engine)
    assert receipt.events == [
        *burn,
        twin.pool.event("WrittenOff", account=long, loss=4 * twin.unit, covered=held, burned=held),
    ]
    assert twin.pool.balanceOf(twin.fund) == 0


def test_write_off__fees_cover_before_lenders(busy: PoolTwin, short: int) -> None:
    """The fund holds no share, but its unminted fee counts."""
    busy.warp(YEAR)
    fee = busy.pool.state().unminted_fee
    loss, covered = busy.write_off(short)
    assert loss > covered >= fee > 0
    assert busy.pool.state().unminted_fee == busy.pool.balanceOf(busy.fund) == 0
    busy.check()


def test_write_off__beyond_the_fund__everybody_loses_in_proportion(busy: PoolTwin, long: int) -> None:
    busy.mint_fees()
    ours, theirs = (busy.pool.convertToAssets(busy.pool.balanceOf(who)) for who in (busy.lender, busy.other))
    loss, covered = busy.write_off(long)
    lost_by_us = ours - busy.pool.convertToAssets(busy.pool.balanceOf(busy.lender))
    lost_by_them = theirs - busy.pool.convertToAssets(busy.pool.balanceOf(busy.other))
    assert lost_by_us == pytest.approx(2 * lost_by_them, rel=1e-9)
    assert lost_by_us + lost_by_them == pytest.approx(loss - covered, abs=3)
    busy.check()


def test_write_off__other_debts_never_rise(busy: PoolTwin, long: int, short: int) -> None:
    """They may fall by the unit that the given-up debt was rounded up by."""
    owed, shares = busy.pool.debt_of(short), busy.pool.debt_shares_of(short)
    busy.write_off(long)
    assert owed - 1 <= busy.pool.debt_of(short) <= owed
    assert busy.pool.debt_shares_of(short) == shares
    assert busy.pool.debt_of(long) == busy.pool.debt_shares_of(long) == 0


def test_write_off__both_debts__nothing_is_owed(busy: PoolTwin, long: int, short: int) -> None:
    busy.write_off(long)
    busy.write_off(short)
    assert (busy.pool.total_debt(), busy.pool.ledger().debt_shares) == (0, 0)
    assert busy.pool.totalAssets() == busy.pool.cash() == 300_000 * busy.unit
    busy.check()


def test_write_off__no_debt__releases_the_provision_and_loses_nothing(busy: PoolTwin) -> None:
    before = price(busy.model, busy.now)
    busy.provision(99, 5)
    assert busy.write_off(99) == (0, 0)
    assert busy.pool.provision_of(99) == 0
    after = price(busy.model, busy.now)
    assert after[0] * before[1] >= before[0] * after[1]
    busy.check()


def test_write_off__releases_only_its_own_provision(busy: PoolTwin, long: int, short: int) -> None:
    busy.provision(long, 10)
    busy.provision(short, 20)
    busy.write_off(long)
    assert (busy.pool.provision_of(long), busy.pool.provision_of(short)) == (0, 20)
    assert busy.pool.state().provisions == 20
    busy.check()


def test_write_off__everything_lost__the_pool_takes_no_deposits_but_works(twin: PoolTwin, long: int) -> None:
    twin.deposit(twin.unit, twin.lender)
    twin.borrow(long, twin.unit)
    twin.warp(YEAR)
    twin.write_off(long)
    assert twin.pool.totalAssets() == twin.pool.total_debt() == 0
    assert twin.pool.maxDeposit(twin.lender) == twin.pool.maxRedeem(twin.lender) == 0
    twin.accrue()
    twin.mint_fees()
    assert twin.write_off(long) == (0, 0)
    twin.check()


def test_write_off__dust_shared_with_another__one_unit_of_debt_stays(twin: PoolTwin) -> None:
    dust_of_three(twin)
    assert twin.write_off(1) == (0, 0)
    assert twin.pool.debt_of(1) == 0
    assert twin.pool.debt_of(3) == twin.pool.total_debt() == 1
    assert twin.write_off(3)[0] == 1
    twin.check()


@pytest.mark.parametrize("role", [role for role in ROLES if role != "engine"])
def test_write_off__anyone_but_the_engine__reverts(busy: PoolTwin, long: int, role: str) -> None:
    with reverts("pool: engine only"):
        busy.pool.write_off(long, sender=busy.roles[role])
