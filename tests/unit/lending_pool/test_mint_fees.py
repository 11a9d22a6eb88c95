"""mint_fees: the reserve's part of the interest becomes shares of the fund, and costs lenders nothing."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support.pool import YEAR, PoolTwin, deploy_pool, price
from tests.unit.lending_pool.conftest import accrued, moved


def test_mint_fees__whole_receipt(busy: PoolTwin) -> None:
    event, fee = accrued(busy), busy.pool.state().unminted_fee
    receipt = busy.pool.mint_fees(sender=busy.attacker)
    shares = receipt.return_value
    assert receipt.events == [
        event,
        moved(busy.pool, ZERO_ADDRESS, busy.fund, shares),
        busy.pool.event("FeesMinted", assets=fee, shares=shares),
    ]
    assert busy.pool.balanceOf(busy.fund) == shares
    assert busy.pool.convertToAssets(shares) in (fee - 1, fee)


def test_mint_fees__dilutes_nobody(busy: PoolTwin) -> None:
    busy.warp(YEAR)
    before = price(busy.model, busy.now)
    worth = busy.pool.convertToAssets(busy.pool.balanceOf(busy.lender))
    busy.mint_fees()
    after = price(busy.model, busy.now)
    assert after[0] * before[1] >= before[0] * after[1]
    assert busy.pool.convertToAssets(busy.pool.balanceOf(busy.lender)) in (worth, worth + 1)
    busy.check()


def test_mint_fees__twice__the_second_mints_nothing(busy: PoolTwin) -> None:
    busy.mint_fees()
    receipt = busy.pool.mint_fees(sender=busy.attacker)
    assert (receipt.return_value, receipt.events) == (0, [])


def test_mint_fees__without_interest__mints_nothing(twin: PoolTwin) -> None:
    twin.deposit(twin.unit, twin.lender)
    assert twin.mint_fees() == 0
    twin.check()


def test_mint_fees__the_lenders_and_the_fund_get_what_the_borrowers_pay(busy: PoolTwin) -> None:
    before = busy.pool.totalAssets() + busy.pool.state().unminted_fee
    busy.warp(YEAR)
    owed = busy.pool.total_debt()
    interest = owed - busy.model.ledger.debt
    after = busy.pool.totalAssets() + busy.pool.state().unminted_fee
    assert after - busy.model.ledger.cash == owed
    assert 0 < after - before <= interest
    busy.mint_fees()
    assert busy.pool.totalAssets() == after


def test_mint_fees__not_worth_a_share__stays(chain: RevmChain) -> None:
    twin = deploy_pool(chain, contract="LendingPoolAnyState", decimals=6)
    state = (10**9, 0, twin.now, 0, 4 * 10**16, 7, 0)
    twin.pool.force(state, 0, 0, twin.other, 1, sender=twin.other)
    assert twin.pool.mint_fees(sender=twin.attacker).return_value == 0
    assert twin.pool.state().unminted_fee == 7


@pytest.mark.parametrize(("total", "supply"), [(0, 10**20), (10**9, 2**142 - 10**6)])
def test_mint_fees__ruined_or_full__stays_but_does_not_block(chain: RevmChain, total: int, supply: int) -> None:
    """Where a share is worth too little, more of them would overflow sooner or later."""
    twin = deploy_pool(chain, contract="LendingPoolAnyState", decimals=6)
    state = (total + 10**6, 5, twin.now, 5 * 10**6, 4 * 10**16, 10**6 + 5, 0)
    twin.pool.force(state, 1, 5 * 10**6, twin.other, supply, sender=twin.other)
    assert twin.pool.totalAssets() == total
    assert twin.pool.mint_fees(sender=twin.attacker).return_value == 0
    assert twin.pool.state().unminted_fee == 10**6 + 5
    assert tuple(twin.pool.write_off(1, sender=twin.engine).return_value) == (5, 0)
    assert twin.pool.totalAssets() == total + 10**6
    assert twin.pool.totalSupply() == supply


@pytest.mark.parametrize(("beyond", "minted"), [(0, 2**31 - 1), (1, 0)])
def test_mint_fees__the_last_shares_there_may_be__exact(chain: RevmChain, beyond: int, minted: int) -> None:
    """A fee of a unit beside 2**111 - 1 is worth 2**31 - 1 of nearly 2**142 shares."""
    twin = deploy_pool(chain, contract="LendingPoolAnyState", decimals=18)
    supply = 2**142 - 2**31 + beyond
    twin.pool.force((2**111, 0, twin.now, 0, 4 * 10**16, 1, 0), 0, 0, twin.other, supply, sender=twin.other)
    assert twin.pool.previewDeposit(1) == 2**31 - 1
    assert twin.pool.mint_fees(sender=twin.attacker).return_value == minted
    assert twin.pool.totalSupply() == (2**142 - 1 if minted else supply)


def test_mint_fees__full_before_ruined__stays(chain: RevmChain) -> None:
    """The most shares there may be, at a price that is no ruin."""
    twin = deploy_pool(chain, contract="LendingPoolAnyState", decimals=18)
    fee = 2**87
    state = (2**111 + fee, 0, twin.now, 0, 4 * 10**16, fee, 0)
    twin.pool.force(state, 0, 0, twin.other, 2**142 - 10**6, sender=twin.other)
    assert twin.pool.previewDeposit(fee) > 10**6
    assert twin.pool.mint_fees(sender=twin.attacker).return_value == 0
    assert twin.pool.state().unminted_fee == fee
