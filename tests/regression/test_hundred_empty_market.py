"""Hundred, April 2023, Radiant, January 2024, and Sonne, May 2024: rounding of shares in an empty market.

The attacker was the first and only lender of a fresh market. He left a few wei of shares, sent tokens to the market so
that each share was worth a fortune, and let the next deposit, or his own redemption, round in his favour. Here a gift
is in no total, a million virtual shares stand beside the first real one, and every conversion rounds against who acts.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Contract, Revert, RevmChain
from tests.support.pool import MAX, YEAR, deploy_pool

ENTRIES, EXITS = ("deposit", "mint"), ("withdraw", "redeem")
ACCOUNT = 1


@dataclass(frozen=True)
class Market:
    """A fresh pool; the attacker is every account and every lender but the victim, and the fund is nobody's."""

    chain: RevmChain
    pool: Any
    token: Contract
    engine: str
    attacker: str
    victim: str

    def money(self, who: str) -> int:
        return int(self.token.balanceOf(who))

    def enter(self, who: str, amount: int, by: str = "deposit") -> int:
        """Lend about `amount` raw units; return what it cost, 0 where the pool refused."""
        before = self.money(who)
        try:
            if by == "deposit":
                self.pool.deposit(amount, who, sender=who)
            else:
                self.pool.mint(self.pool.previewDeposit(amount), who, sender=who)
        except Revert as refused:
            assert refused.reason in ("pool: zero shares", "pool: zero assets", "pool: share price")
        return before - self.money(who)

    def leave(self, who: str, by: str = "redeem") -> None:
        """Take out everything that can be taken."""
        most = self.pool.maxRedeem(who) if by == "redeem" else self.pool.maxWithdraw(who)
        if most:
            self.pool.method(by)(most, who, who, sender=who)

    def give(self, amount: int) -> None:
        """A gift of the attacker to the pool."""
        if amount:
            self.token.transfer(self.pool, amount, sender=self.attacker)

    def borrow(self, amount: int) -> None:
        """Lend to the attacker's account."""
        self.pool.borrow(ACCOUNT, amount, self.attacker, sender=self.engine)

    def repay(self, amount: int) -> None:
        """Book tokens of the attacker as a repayment; what exceeds the debt comes back to him."""
        self.give(amount)
        used, _ = self.pool.repay(ACCOUNT, amount, sender=self.engine).return_value
        if amount > used:
            self.token.transfer(self.attacker, amount - used, sender=self.engine)

    def write_off(self) -> None:
        """Give the account's debt up."""
        self.pool.write_off(ACCOUNT, sender=self.engine)


WEALTH = 10**32


@pytest.fixture(scope="module")
def fresh(session_chain: RevmChain) -> Market:
    twin = deploy_pool(session_chain, decimals=18)
    market = Market(session_chain, twin.pool, twin.token, twin.engine, twin.attacker, twin.lender)
    for who in (market.attacker, market.victim):
        twin.token.mint(who, WEALTH, sender=who)
        twin.token.approve(twin.pool, MAX, sender=who)
    return market


@given(
    first=st.integers(1, 10),
    kept=st.integers(0, 10**7),
    gift=st.one_of(st.integers(0, 10), st.integers(0, 10**30)),
    victims=st.lists(st.one_of(st.integers(1, 10), st.integers(1, 10**24)), min_size=1, max_size=3),
    entry=st.sampled_from(ENTRIES),
    way_out=st.sampled_from(EXITS),
)
def test_first_lender_and_a_gift__he_wins_nothing_and_nobody_loses_more_than_a_wei(
    fresh: Market, first: int, kept: int, gift: int, victims: list[int], entry: str, way_out: str
) -> None:
    with fresh.chain.isolate():
        fresh.enter(fresh.attacker, first)
        shares = fresh.pool.balanceOf(fresh.attacker)
        if shares > kept and fresh.pool.previewRedeem(shares - kept):
            fresh.pool.redeem(shares - kept, fresh.attacker, fresh.attacker, sender=fresh.attacker)
        fresh.give(gift)
        paid = sum(fresh.enter(fresh.victim, amount, entry) for amount in victims)
        fresh.leave(fresh.attacker, way_out)
        assert fresh.money(fresh.attacker) <= WEALTH - gift
        fresh.leave(fresh.victim, way_out)
        assert WEALTH - fresh.money(fresh.victim) <= 2 * len(victims) + 1
        assert paid >= WEALTH - fresh.money(fresh.victim)


def states() -> list[str]:
    """Every state of 0 to 10 wei that lending and debts leave: lent, borrowed, and how the debt ended."""
    return [
        f"{lent} {borrowed} {end}"
        for lent, borrowed, end in itertools.product(range(11), range(0, 11, 2), ("open", "repaid", "part", "lost"))
        if borrowed <= lent and (borrowed or end == "open")
    ]


def build(market: Market, state: str) -> None:
    """Let somebody else make a state."""
    lent, borrowed, end = state.split()
    if int(lent):
        market.enter(market.victim, int(lent))
    if int(borrowed):
        market.borrow(int(borrowed))
        market.chain.warp(3 * YEAR)
        if end == "lost":
            market.write_off()
        elif end != "open":
            owed = market.pool.debt_of(ACCOUNT)
            market.repay(owed if end == "repaid" else max(owed // 2, 1))


def test_totals_0_to_10_wei__no_round_trip_of_the_attacker_pays(fresh: Market) -> None:
    """Into the market and out again, by every pair of functions, from every small state, with a gift in between."""
    tried = 0
    for state in states():
        with fresh.chain.isolate():
            build(fresh, state)
            for amount, gift in ((1, 0), (3, 0), (10, 7), (10**6, 0)):
                for entry, way_out in itertools.product(ENTRIES, EXITS):
                    with fresh.chain.isolate():
                        before = fresh.money(fresh.attacker)
                        if not fresh.enter(fresh.attacker, amount, entry):
                            continue
                        fresh.give(gift)
                        fresh.leave(fresh.attacker, way_out)
                        assert fresh.money(fresh.attacker) <= before - gift, f"{state}: {entry} and {way_out} pay"
                        tried += 1
    assert tried > 1_000


@pytest.mark.parametrize("lent", [1, 2, 10])
def test_interest_on_a_debt_to_himself__makes_no_share_dear(fresh: Market, lent: int) -> None:
    """What a gift cannot do, interest could: he lends to his own account, and lets time pass at the highest rate."""
    with fresh.chain.isolate():
        fresh.enter(fresh.attacker, lent)
        fresh.borrow(lent)
        while fresh.pool.total_debt() < 100 * lent:
            fresh.chain.warp(YEAR // 12)
            fresh.pool.accrue(sender=fresh.attacker)
        for amount in (1, 2, 50, 99, 1_000, 10**6, 10**6 + 1):
            with fresh.chain.isolate():
                cost = fresh.enter(fresh.victim, amount)
                fresh.repay(fresh.pool.debt_of(ACCOUNT))
                fresh.leave(fresh.attacker)
                assert fresh.money(fresh.attacker) <= WEALTH
                fresh.leave(fresh.victim)
                assert WEALTH - fresh.money(fresh.victim) <= min(cost, 2)


def test_inflating_a_debt_share__costs_the_next_borrower_nothing(fresh: Market) -> None:
    """The same from the other side: a debt of few wei whose shares grew dear, then somebody borrows."""
    with fresh.chain.isolate():
        fresh.enter(fresh.victim, 10**24)
        fresh.borrow(10)
        fresh.chain.warp(10 * YEAR)
        for _ in range(9):
            fresh.repay(1)
        fresh.pool.borrow(2, 10**20, fresh.victim, sender=fresh.engine)
        assert fresh.pool.debt_of(2) <= 10**20 + 1
        fresh.repay(fresh.pool.debt_of(ACCOUNT))
        assert fresh.pool.debt_of(2) <= 10**20 + 1


def test_the_fee_of_a_flash_loan__in_an_empty_market__is_a_gift_too(fresh: Market) -> None:
    """It does raise the share's price: by what he paid, and at most his own part of it comes back."""
    with fresh.chain.isolate():
        borrower = fresh.chain.deploy("AttackSwapper", sender=fresh.attacker)
        fresh.token.transfer(borrower, 10**24, sender=fresh.attacker)
        fresh.enter(fresh.attacker, 10**22)
        for _ in range(20):
            fresh.pool.flashLoan(borrower, fresh.token, 10**22, b"", sender=fresh.attacker)
        cost = 10**24 - fresh.money(borrower.address)
        fresh.enter(fresh.victim, 5)
        fresh.leave(fresh.attacker)
        assert fresh.money(fresh.attacker) - (WEALTH - 10**24) <= cost
        fresh.leave(fresh.victim)
        assert WEALTH - fresh.money(fresh.victim) <= 2
