"""Rounding in an empty market sells nothing (failure 6: Hundred, Radiant, Sonne).

The attacker deposits first, donates, and hopes that the next lender's shares round down to his profit. A donation
changes no total here, and a million virtual shares make the first share's price what it is.
"""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Revert
from tests.support.pool import DAY, PoolTwin


@given(
    first=st.integers(1, 10),
    donation=st.one_of(st.integers(0, 10), st.integers(0, 10**30)),
    victim=st.one_of(st.integers(1, 10), st.integers(1, 10**14)),
    kept=st.integers(0, 10**6),
)
def test_first_depositor_plus_donation__attacker_profit_is_not_positive(
    deployed: PoolTwin, first: int, donation: int, victim: int, kept: int
) -> None:
    with deployed.chain.isolate():
        twin = deployed.copy()
        shares = twin.deposit(first, twin.attacker)
        if kept:
            twin.redeem(max(10**6, shares - kept) if shares > kept else shares, twin.attacker)
        twin.donate(donation)
        twin.deposit(victim, twin.lender)
        rest = twin.pool.maxRedeem(twin.attacker)
        if rest:
            twin.redeem(rest, twin.attacker)
        assert twin.token.balanceOf(twin.attacker) <= first
        assert twin.pool.maxWithdraw(twin.lender) >= victim - 1
        twin.check()


def test_totals_0_to_10__every_round_trip__no_profit(twin: PoolTwin) -> None:
    """The eight ERC-4626 round trips, from every small state that borrowing, interest and a loss can leave."""
    for supplied, borrowed, lost in itertools.product(range(1, 11, 3), range(0, 11, 2), (False, True)):
        with twin.chain.isolate():
            base = twin.copy()
            base.deposit(supplied, base.other)
            if 0 < borrowed <= supplied:
                base.borrow(1, borrowed)
                base.warp(400 * DAY)
                if lost:
                    base.write_off(1)
                else:
                    base.repay(1, base.pool.debt_of(1))
            for amount in range(1, 11):
                round_trips(base, amount)


def round_trips(base: PoolTwin, amount: int) -> None:
    """Run each pair of operations for `amount`, from the same state; what refuses makes no profit either."""
    holder = base.attacker
    for enter, leave in itertools.product(("deposit", "mint"), ("withdraw", "redeem")):
        with base.chain.isolate():
            twin = base.copy()
            try:
                if enter == "deposit":
                    assets, shares = amount, twin.deposit(amount, holder)
                else:
                    assets, shares = twin.mint(amount * 10**6, holder), amount * 10**6
                back = twin.pool.maxWithdraw(holder) if leave == "withdraw" else twin.pool.maxRedeem(holder)
                if back:
                    got = back if leave == "withdraw" else twin.redeem(back, holder)
                    burned = twin.withdraw(back, holder) if leave == "withdraw" else back
                    assert got <= assets
                    assert burned <= shares
                    enter_again(twin, got, burned, holder)
            except Revert as refused:
                assert refused.reason in ("pool: zero shares", "pool: share price")


def enter_again(twin: PoolTwin, got: int, burned: int, holder: str) -> None:
    """What was paid out buys no more shares than it cost, and the shares cost no less than they paid."""
    assert twin.pool.previewDeposit(got) <= burned
    assert twin.pool.previewMint(burned) >= got
    twin.check()


def test_first_debt__inflating_a_debt_share_costs_others_nothing(twin: PoolTwin) -> None:
    """The same attack from the other side: dust of debt, repaid unit by unit, then a victim borrows."""
    twin.deposit(10**12, twin.lender)
    twin.borrow(1, 10)
    twin.warp(300 * DAY)
    for _ in range(9):
        twin.repay(1, 1)
    victim = twin.borrow(2, 10**9)
    assert victim <= 10**9 + 1
    twin.repay(1, 10)
    assert twin.pool.debt_of(2) <= 10**9 + 1
    twin.check()
