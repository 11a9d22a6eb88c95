"""Interest cannot brick a pool: for any cash, debt, age and rate, accrual, repayment, provision and write-off succeed.

Silo-style failures (failure 12): a rate or an index overflows, every function that accrues reverts, and
nobody can repay or be liquidated. Here totals saturate.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.model import pool_ledger, share_math
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.pool_words import CASH_LIMIT, DEBT_LIMIT, FEE_LIMIT, Ledger
from tests.support.pool import WAD, YEAR, PoolTwin, deploy_pool

STEEPEST = RateParameters(99 * WAD // 100, 100 * WAD, 200 * WAD, WAD // 10_000, 10 * WAD)
RATE_UNIT = 10**5
WORD = 2**112 - 1

amounts = st.one_of(st.integers(0, 10), st.integers(0, WORD), st.integers(WORD - 10, WORD))
supplies = st.one_of(st.integers(0, 10**7), st.integers(0, 2**142 - 1), st.just(2**142 - 1))


@pytest.fixture(scope="module")
def pool(session_chain: RevmChain) -> PoolTwin:
    return deploy_pool(
        session_chain, contract="LendingPoolAnyState", decimals=18, rates=STEEPEST, reserve_factor=WAD // 2
    )


@given(
    cash=amounts,
    debt=amounts,
    debt_shares=st.integers(1, WORD),
    mine=st.integers(0, WAD),
    age=st.integers(0, 10 * YEAR),
    rate=st.integers(WAD // 10_000 // RATE_UNIT, 10 * WAD // RATE_UNIT),
    fee=st.one_of(st.just(0), st.integers(0, FEE_LIMIT), st.just(FEE_LIMIT)),
    supply=supplies,
    paid=st.one_of(amounts, st.just(2**200)),
)
@example(
    cash=WORD,
    debt=WORD,
    debt_shares=WORD,
    mine=WAD,
    age=10 * YEAR,
    rate=10**14,
    fee=FEE_LIMIT,
    supply=2**142 - 1,
    paid=WORD,
)
@example(cash=0, debt=WORD, debt_shares=1, mine=WAD, age=10 * YEAR, rate=10**14, fee=0, supply=0, paid=1)
@example(cash=0, debt=0, debt_shares=1, mine=0, age=10 * YEAR, rate=10**14, fee=0, supply=2**142 - 1, paid=0)
def test_accrual_repayment_and_write_off__any_state__succeed_and_equal_the_model(
    pool: PoolTwin,
    cash: int,
    debt: int,
    debt_shares: int,
    mine: int,
    age: int,
    rate: int,
    fee: int,
    supply: int,
    paid: int,
) -> None:
    chain, contract = pool.chain, pool.pool
    debt_shares = debt_shares if debt else 0
    shares = debt_shares * mine // WAD
    start = Ledger(cash, debt, chain.timestamp() - age, debt_shares, rate * RATE_UNIT, min(fee, cash + debt), 255)
    after = pool_ledger.accrued(start, chain.timestamp(), STEEPEST, WAD // 2).ledger
    assert after.debt <= DEBT_LIMIT
    assert after.fee <= FEE_LIMIT
    with chain.isolate():
        contract.force(
            tuple(getattr(start, name) for name in Ledger.__slots__), 1, shares, pool.lender, supply, sender=pool.lender
        )
        pool.donate(2**201)
        with chain.isolate():
            contract.accrue(sender=pool.attacker)
            assert Ledger(*contract.ledger()) == after
            assert contract.totalAssets() == pool_ledger.lenders_assets(after)
        with chain.isolate():
            used, left = contract.repay(1, paid, sender=pool.engine).return_value
            owed = share_math.debt_up(shares, after.debt, debt_shares)
            assert used == min(paid, owed)
            assert (left == 0) == (contract.debt_shares_of(1) == 0)
            assert contract.cash() == min(cash + used, CASH_LIMIT)
        with chain.isolate():
            contract.provision(1, 2**256 - 1, sender=pool.engine)
            loss, covered = contract.write_off(1, sender=pool.engine).return_value
            assert owed - 1 <= loss <= owed
            assert covered <= loss
            assert contract.total_debt() == after.debt - loss
            assert contract.debt_of(1) == contract.state().provisions == contract.state().unminted_fee == 0
        for view in (contract.state, contract.totalAssets, contract.total_debt, contract.ledger, contract.cash):
            view()
        contract.debt_of(1)


def test_accrual__debt_saturates__what_does_not_fit_is_not_charged(pool: PoolTwin) -> None:
    with pool.chain.isolate():
        state = (0, WORD - 5, pool.now - YEAR, 10**30, 10 * WAD, 0, 0)
        pool.pool.force(state, 1, 10**30, pool.lender, 0, sender=pool.lender)
        receipt = pool.pool.accrue(sender=pool.attacker)
        assert receipt.find("Accrued")[0].args["interest"] == 5
        assert receipt.find("Accrued")[0].args["fee"] == 2
        assert pool.pool.total_debt() == WORD


@pytest.mark.parametrize(
    ("debt", "debt_shares", "charged"),
    [
        (WORD - 10**20, 10**30, False),
        (WORD - 2 * 10**20, 10**30, True),
        (WORD - 103845937170694475651, 10**30, False),
        (WORD - 103845937170694475652, 10**30, True),  # the debt fills its word
        (10**30, WORD - 10**16, False),
        (10**30, WORD - 3 * 10**16, True),
        (10**30, WORD - 20000000000007935, False),
        (10**30, WORD - 20000000000007936, True),  # its shares do
    ],
)
def test_move_debt__what_does_not_fit__is_not_charged(
    pool: PoolTwin, debt: int, debt_shares: int, charged: bool
) -> None:
    """A take goes through with the debt that it moves, whether the starter's and the fund's part fits or not."""
    chain, contract = pool.chain, pool.pool
    with chain.isolate():
        start = Ledger(10**20, debt, chain.timestamp(), debt_shares, 0, 7, 0)
        state = tuple(getattr(start, name) for name in Ledger.__slots__)
        contract.force(state, 1, WAD, pool.lender, 10**30, sender=pool.lender)
        holders = {pool.lender: 10**30}
        model = replace(pool.model, ledger=start, supply=10**30, balances=holders, debt_shares={1: WAD})
        moved = model.debt_of(pool.now, 1)
        expected = model.move_debt(pool.now, 1, 2, WAD, pool.attacker, WAD // 100, WAD // 100)
        receipt = contract.move_debt(1, 2, WAD, pool.attacker, WAD // 100, WAD // 100, sender=pool.engine)
        assert tuple(receipt.return_value) == expected
        assert Ledger(*contract.ledger()) == model.ledger
        assert contract.balanceOf(pool.attacker) == model.balance_of(pool.attacker)
        (event,) = receipt.find("DebtMoved")
        assert event.args["amount"] == moved
        parts = [event.args[name] for name in ("extra_shares", "starter_assets", "starter_shares", "fund_assets")]
        assert [part > 0 for part in parts] == 4 * [charged]


@pytest.mark.parametrize(("shares", "rate", "moved", "extra"), [(WAD + 1, 0, 2, 0), (WAD, 1, 1, 1), (1, WAD + 1, 1, 2)])
def test_move_debt__the_smallest_remainder_counts(
    pool: PoolTwin, shares: int, rate: int, moved: int, extra: int
) -> None:
    """The least fraction of WAD + 1 shares is 1 and 1e-18 of a share; the least rate on a unit is 1e-18 of a unit."""
    with pool.chain.isolate():
        state = (10**20, 10**30, pool.now, 10**30, 0, 0, 0)
        pool.pool.force(state, 1, shares, pool.lender, 10**36, sender=pool.lender)
        receipt = pool.pool.move_debt(1, 2, 1, pool.attacker, rate, rate, sender=pool.engine)
        args = receipt.find("DebtMoved")[0].args
        assert (args["shares"], args["amount"]) == (moved, moved)
        assert (args["starter_assets"], args["fund_assets"]) == (extra, extra)
        minted = share_math.shares_down(extra, 10**30 + 10**20, 10**36)
        assert args["starter_shares"] == pool.pool.balanceOf(pool.attacker) == minted
        assert (minted > 0) == (extra > 0)


def test_move_debt__the_fee_saturates__the_rest_is_not_charged(pool: PoolTwin) -> None:
    with pool.chain.isolate():
        state = (10**20, 10**30, pool.now, 10**30, 0, FEE_LIMIT - 3, 0)
        pool.pool.force(state, 1, 10**20, pool.lender, 10**36, sender=pool.lender)
        receipt = pool.pool.move_debt(1, 2, WAD, pool.attacker, 0, WAD // 100, sender=pool.engine)
        args = receipt.find("DebtMoved")[0].args
        assert [args[name] for name in ("amount", "starter_assets", "fund_assets", "extra_shares")] == [10**20, 0, 3, 3]
        assert (pool.pool.state().unminted_fee, pool.pool.total_debt()) == (FEE_LIMIT, 10**30 + 3)


@pytest.mark.parametrize(("cash", "shares"), [(6 * 10**23, 1), (2 * 10**24, 0)])
def test_move_debt__what_the_starter_gets_is_worth_a_share_or_none__that_is_minted(
    pool: PoolTwin, cash: int, shares: int
) -> None:
    with pool.chain.isolate():
        pool.pool.force((cash, 10**20, pool.now, 10**20, 0, 0, 0), 1, 10**20, pool.lender, 0, sender=pool.lender)
        receipt = pool.pool.move_debt(1, 2, WAD, pool.attacker, WAD // 100, 0, sender=pool.engine)
        assert [event.args["value"] for event in receipt.find("Transfer")] == [1] * shares
        assert receipt.find("DebtMoved")[0].args["starter_shares"] == pool.pool.balanceOf(pool.attacker) == shares


def test_mint_fees__worth_one_share__is_minted(pool: PoolTwin) -> None:
    with pool.chain.isolate():
        fee = 10**21
        pool.pool.force((10**27, 0, pool.now, 0, WAD, fee, 0), 1, 0, pool.lender, 0, sender=pool.lender)
        receipt = pool.pool.mint_fees(sender=pool.attacker)
        assert receipt.return_value == pool.pool.balanceOf(pool.fund) == 1
        assert receipt.find("FeesMinted") == [pool.pool.event("FeesMinted", assets=fee, shares=1)]
        assert pool.pool.state().unminted_fee == 0


def test_accrual__fee_saturates__the_rest_is_the_lenders(pool: PoolTwin) -> None:
    with pool.chain.isolate():
        state = (0, 10**30, pool.now - YEAR, 10**30, WAD, FEE_LIMIT - 3, 0)
        pool.pool.force(state, 1, 10**30, pool.lender, 0, sender=pool.lender)
        assert pool.pool.accrue(sender=pool.attacker).find("Accrued")[0].args["fee"] == 3
        assert pool.pool.state().unminted_fee == FEE_LIMIT
