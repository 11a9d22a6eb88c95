"""state, ledger, cash, debt_of, total_debt, totalAssets, conversions and previews."""

from __future__ import annotations

import pytest

from plimsoll.model import adaptive_rate
from tests.support import reverts
from tests.support.pool import MAX, RATES, WAD, YEAR, PoolTwin


def test_state__empty_pool(twin: PoolTwin) -> None:
    state = twin.pool.state()
    assert (state.total_assets, state.cash, state.total_debt, state.unminted_fee, state.provisions) == (0,) * 5
    assert (state.total_supply, state.utilisation, state.rate_at_target) == (0, 0, 4 * WAD // 100)
    assert state.borrow_rate == WAD // 100
    assert (state.reserve_factor, state.supply_cap) == (WAD // 10, 10**9 * twin.unit)


def test_state__a_debt_of_one_raw_unit__counts(twin: PoolTwin, long: int) -> None:
    twin.deposit(4, twin.lender)
    twin.borrow(long, 1)
    assert twin.pool.state().utilisation == WAD // 4


def test_state__borrow_rate_is_what_the_next_second_pays(busy: PoolTwin) -> None:
    busy.accrue()
    state = busy.pool.state()
    assert state.utilisation == busy.pool.total_debt() * WAD // (busy.pool.cash() + busy.pool.total_debt())
    busy.warp(1)
    paid = busy.pool.total_debt() - state.total_debt
    assert paid == pytest.approx(state.total_debt * state.borrow_rate / WAD / YEAR, abs=1)
    assert state.borrow_rate == adaptive_rate.rates(state.utilisation, state.rate_at_target, 0, RATES)[0]


def test_views__a_donation_changes_nothing(busy: PoolTwin, long: int) -> None:
    def views() -> tuple[object, ...]:
        pool = busy.pool
        return (
            tuple(pool.state()),
            tuple(pool.ledger()),
            pool.convertToAssets(10**18),
            pool.convertToShares(10**18),
            pool.maxWithdraw(busy.lender),
            pool.maxFlashLoan(busy.token),
            pool.debt_of(long),
        )

    before = views()
    busy.donate(10**20)
    assert views() == before
    busy.check()


def test_views__previews_and_conversions_round_against_the_actor(busy: PoolTwin) -> None:
    pool = busy.pool
    for amount in (1, 999_983, 10**12 + 1):
        assert pool.previewDeposit(amount) == pool.convertToShares(amount) <= pool.previewWithdraw(amount)
        assert pool.previewRedeem(amount) == pool.convertToAssets(amount) <= pool.previewMint(amount)


def test_views__absurd_amounts_revert_without_a_reason(busy: PoolTwin) -> None:
    for view in (
        "convertToShares",
        "convertToAssets",
        "previewDeposit",
        "previewMint",
        "previewWithdraw",
        "previewRedeem",
    ):
        with reverts(""):
            busy.pool.method(view)(MAX)


def test_debt_of__nobody__is_nothing(busy: PoolTwin) -> None:
    assert busy.pool.debt_of(0) == busy.pool.debt_of(MAX) == busy.pool.debt_shares_of(0) == 0


def test_debt_of__rises_with_time_and_sums_to_the_total(busy: PoolTwin, long: int, short: int) -> None:
    before = busy.pool.debt_of(long)
    busy.warp(YEAR)
    assert busy.pool.debt_of(long) > before
    total = busy.pool.total_debt()
    assert total <= busy.pool.debt_of(long) + busy.pool.debt_of(short) <= total + 1


def test_cash__is_the_ledgers(busy: PoolTwin) -> None:
    assert busy.pool.cash() == busy.pool.ledger().cash == 300_000 * busy.unit
