"""maxDeposit, maxMint, maxWithdraw, maxRedeem: never revert, and can be executed to the unit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts
from tests.support.pool import MAX, YEAR, PoolTwin, deploy_pool


def test_max_deposit__to_nobody__is_nothing(busy: PoolTwin) -> None:
    assert busy.pool.maxDeposit(ZERO_ADDRESS) == busy.pool.maxMint(ZERO_ADDRESS) == 0


def test_max_deposit__cap_passed_by_interest__is_nothing(busy: PoolTwin) -> None:
    total = busy.pool.totalAssets() // busy.unit * busy.unit
    busy.set_caps(total, total)
    assert busy.pool.maxDeposit(busy.lender) == busy.pool.maxMint(busy.lender) == 0


def test_max_withdraw__what_the_shares_are_worth(busy: PoolTwin) -> None:
    busy.deposit(10 * busy.unit, busy.attacker)
    worth = busy.pool.convertToAssets(busy.pool.balanceOf(busy.attacker))
    assert busy.pool.maxWithdraw(busy.attacker) == worth == 10 * busy.unit - 1
    assert busy.pool.maxRedeem(busy.attacker) == busy.pool.balanceOf(busy.attacker)
    busy.withdraw(worth, busy.attacker)
    busy.check()


def test_max_withdraw__no_shares__is_nothing(busy: PoolTwin) -> None:
    assert busy.pool.maxWithdraw(busy.attacker) == busy.pool.maxRedeem(busy.attacker) == 0
    assert busy.pool.maxWithdraw(ZERO_ADDRESS) == busy.pool.maxRedeem(ZERO_ADDRESS) == 0


def test_max_withdraw__limited_by_cash(busy: PoolTwin) -> None:
    assert busy.pool.maxWithdraw(busy.lender) == busy.pool.cash()
    most = busy.pool.maxRedeem(busy.lender)
    assert busy.pool.previewRedeem(most) in (busy.pool.cash(), busy.pool.cash() - 1)
    busy.redeem(most, busy.lender)
    busy.check()


def test_max_redeem__worth_exactly_the_cash__all_of_them(busy: PoolTwin) -> None:
    """They are more shares than the cash buys, and no remainder of them stays behind."""
    pool, cash = busy.pool, busy.pool.cash()
    shares = pool.previewWithdraw(cash + 1) - 1
    pool.transfer(busy.attacker, shares, sender=busy.lender)
    assert pool.maxRedeem(busy.attacker) == shares > pool.convertToShares(cash)
    assert pool.redeem(shares, busy.attacker, busy.attacker, sender=busy.attacker).return_value == cash
    assert pool.balanceOf(busy.attacker) == 0


def test_max_redeem__worth_a_unit_more_than_the_cash__what_the_cash_buys(busy: PoolTwin) -> None:
    pool, cash = busy.pool, busy.pool.cash()
    pool.transfer(busy.attacker, pool.previewWithdraw(cash + 1), sender=busy.lender)
    assert pool.maxRedeem(busy.attacker) == pool.convertToShares(cash) < pool.balanceOf(busy.attacker)


def test_max_redeem__the_most_shares_that_are_worth_nothing__is_nothing(busy: PoolTwin) -> None:
    shares = busy.pool.previewWithdraw(1)
    busy.pool.transfer(busy.attacker, shares - 1, sender=busy.lender)
    assert busy.pool.maxRedeem(busy.attacker) == 0
    busy.pool.transfer(busy.attacker, 1, sender=busy.lender)
    assert busy.pool.maxRedeem(busy.attacker) == shares


def test_max_redeem__dust_of_shares__is_nothing(twin: PoolTwin) -> None:
    twin.deposit(10, twin.lender)
    twin.pool.transfer(twin.attacker, 10**6 - 1, sender=twin.lender)
    assert twin.pool.maxRedeem(twin.attacker) == twin.pool.maxWithdraw(twin.attacker) == 0
    with reverts("pool: zero assets"):
        twin.pool.redeem(10**6 - 1, twin.attacker, twin.attacker, sender=twin.attacker)


state = st.tuples(
    st.one_of(st.integers(0, 10), st.integers(0, 2**112 - 1)),
    st.one_of(st.just(0), st.integers(1, 10), st.integers(0, 2**112 - 1)),
    st.one_of(st.integers(0, 100), st.integers(0, 10 * YEAR)),
    st.integers(1, 2**112 - 1),
    st.integers(10**4, 10**14),
    st.one_of(st.just(0), st.integers(0, 2**88 - 1)),
    st.integers(0, 255),
)


@pytest.fixture(scope="module")
def any_state(session_chain: RevmChain) -> PoolTwin:
    return deploy_pool(session_chain, contract="LendingPoolAnyState", decimals=18, cap_tokens=10**9)


@pytest.mark.parametrize("shares", [0, 1])
def test_max_deposit__room_not_worth_a_share__is_nothing(any_state: PoolTwin, shares: int) -> None:
    """A pool at its cap of 1e27 units, all against the million virtual shares: one is worth almost 1e21 units."""
    chain, pool, holder = any_state.chain, any_state.pool, any_state.lender
    room = 10**27 // (10**6 + 1) + shares
    with chain.isolate():
        pool.force((10**27 - room, 0, chain.timestamp(), 0, 10**16, 0, 0), 1, 0, holder, 0, sender=holder)
        assert (pool.maxDeposit(holder), pool.maxMint(holder)) == (shares * room, shares)


@given(
    state=state,
    supply=st.one_of(st.integers(0, 10**7), st.integers(0, 2**141)),
    provision=st.one_of(st.just(0), st.just(MAX), st.integers(0, 2**112)),
)
def test_limits__any_state__never_revert_and_can_be_executed(
    any_state: PoolTwin, state: tuple[int, ...], supply: int, provision: int
) -> None:
    chain, pool, holder = any_state.chain, any_state.pool, any_state.lender
    cash, debt, age, debt_shares, rate, fee, fraction = state
    if debt == 0:
        debt_shares = 0
    with chain.isolate():
        fee = min(fee, cash + debt)
        ledger = (cash, debt, chain.timestamp() - age, debt_shares, rate * 10**5, fee, fraction)
        pool.force(ledger, 1, debt_shares, holder, supply, sender=holder)
        any_state.token.mint(pool, cash, sender=holder)
        any_state.fund_with(holder, 2**120)
        pool.provision(1, provision, sender=any_state.engine)
        for limit, execute in (
            (pool.maxDeposit(holder), lambda amount: pool.deposit(amount, holder, sender=holder)),
            (pool.maxMint(holder), lambda amount: pool.mint(amount, holder, sender=holder)),
            (pool.maxWithdraw(holder), lambda amount: pool.withdraw(amount, holder, holder, sender=holder)),
            (pool.maxRedeem(holder), lambda amount: pool.redeem(amount, holder, holder, sender=holder)),
        ):
            if limit:
                with chain.isolate():
                    assert execute(limit).return_value > 0
