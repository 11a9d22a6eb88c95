"""Shares: contract equals model, every rounding goes against the actor, debts sum to no less than the total."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import share_math
from plimsoll.model.lending_pool import Bounds
from tests.support import reverts

LENDERS = ("shares_down", "shares_up", "assets_down", "assets_up")

small = st.integers(0, 10)
totals = st.one_of(small, st.integers(0, 2**113 - 1))
supplies = st.one_of(small, st.integers(0, 2**142 - 1))
amounts = st.one_of(small, st.integers(0, 2**112 - 1))
debts = st.one_of(st.integers(1, 10), st.integers(1, 2**112 - 1))


@pytest.fixture(scope="session")
def harness(session_chain: RevmChain) -> Contract:
    return session_chain.deploy("share_math_harness", sender=session_chain.accounts()[0])


@given(amount=amounts, total=totals, supply=supplies)
def test_lenders__contract_equals_model(harness: Contract, amount: int, total: int, supply: int) -> None:
    for name in LENDERS:
        assert getattr(harness, name)(amount, total, supply) == getattr(share_math, name)(amount, total, supply)
    assert harness.is_ruined(total, supply) == share_math.is_ruined(total, supply)


@given(amount=amounts, debt=debts, debt_shares=debts)
def test_debt__contract_equals_model(harness: Contract, amount: int, debt: int, debt_shares: int) -> None:
    for name in ("debt_shares_up", "debt_shares_down", "debt_up"):
        assert getattr(harness, name)(amount, debt, debt_shares) == getattr(share_math, name)(amount, debt, debt_shares)


@pytest.mark.parametrize("name", LENDERS)
def test_absurd_amount_of_a_lender__reverts_without_a_reason(harness: Contract, name: str) -> None:
    """No amount of debt is absurd: what is borrowed is cash, what is repaid less than is owed."""
    with pytest.raises(ValueError, match=r"^$"):
        getattr(share_math, name)(2**256 - 1, 10**30, 10**36)
    with reverts(""):
        getattr(harness, name)(2**256 - 1, 10**30, 10**36)


@pytest.mark.parametrize(
    ("total", "supply", "ruined"),
    [
        (0, 0, False),
        (0, 10**12 - 10**6, False),
        (0, 10**12 - 10**6 + 1, True),
        (10**6, 10**18, False),
        (10**6 - 1, 10**18 - 10**6, False),
        (10**6 - 1, 10**18 - 10**6 + 1, True),
    ],
)
def test_is_ruined__below_a_millionth_of_the_first_price(
    harness: Contract, total: int, supply: int, ruined: bool
) -> None:
    assert harness.is_ruined(total, supply) is ruined


def test_first_shares__a_million_each(harness: Contract) -> None:
    """As OpenZeppelin's ERC4626 with an offset of 6 gives (OpenZeppelin/openzeppelin-contracts,
    contracts/token/ERC20/extensions/ERC4626.sol): assets * (supply + 10^offset) / (total + 1)."""
    assert harness.shares_down(1, 0, 0) == 10**6
    assert [harness.assets_up(shares, 0, 0) for shares in (0, 1, 10**6, 10**6 + 1)] == [0, 1, 1, 2]
    assert harness.debt_shares_up(1, 0, 0) == 10**6
    assert harness.debt_up(10**6, 1, 10**6) == 1


@given(amount=amounts, total=totals, supply=supplies)
def test_up_is_down_or_one_more__and_never_less_than_exact(amount: int, total: int, supply: int) -> None:
    price: list[tuple[Callable[..., int], Callable[..., int], int, int]] = [
        (share_math.shares_down, share_math.shares_up, supply + 10**6, total + 1),
        (share_math.assets_down, share_math.assets_up, total + 1, supply + 10**6),
    ]
    for down, up, numerator, denominator in price:
        low, high = down(amount, total, supply), up(amount, total, supply)
        assert low * denominator <= amount * numerator <= high * denominator
        assert high - low == (amount * numerator % denominator != 0)


@given(amount=st.one_of(small, st.integers(0, Bounds.SUPPLY_CAP)), total=totals, supply=supplies)
def test_round_trips__never_profit(amount: int, total: int, supply: int) -> None:
    """Where the pool takes deposits: not ruined, and no more than the largest supply cap comes in."""
    assume(not share_math.is_ruined(total, supply))
    shares = share_math.shares_down(amount, total, supply)
    assert share_math.assets_down(shares, total + amount, supply + shares) <= amount
    assert share_math.shares_up(amount, total + amount, supply + shares) >= shares
    cost = share_math.assets_up(amount, total, supply)
    assume(cost <= Bounds.SUPPLY_CAP)
    assert share_math.assets_down(amount, total + cost, supply + amount) <= cost
    assert share_math.shares_up(cost, total + cost, supply + amount) >= amount


@given(holdings=st.lists(st.integers(1, 2**100), min_size=1, max_size=8), debt=st.integers(1, 2**112 - 1))
def test_debts__sum_to_at_least_the_total_and_none_exceeds_it(holdings: list[int], debt: int) -> None:
    debts = [share_math.debt_up(shares, debt, sum(holdings)) for shares in holdings]
    assert sum(debts) >= debt >= max(debts)
    assert sum(debts) - debt < len(holdings)


@given(amount=st.integers(1, 2**100), debt=debts, debt_shares=debts, data=st.data())
def test_borrow_and_repay__against_the_borrower_and_no_other(
    amount: int, debt: int, debt_shares: int, data: Any
) -> None:
    shares = share_math.debt_shares_up(amount, debt, debt_shares)
    assume(debt_shares + shares < 2**112)
    assert share_math.debt_up(shares, debt + amount, debt_shares + shares) >= amount
    other = data.draw(st.integers(1, debt_shares))
    before = share_math.debt_up(other, debt, debt_shares)
    assert share_math.debt_up(other, debt + amount, debt_shares + shares) <= before
    paid = data.draw(st.integers(0, before - 1))
    burned = share_math.debt_shares_down(paid, debt, debt_shares)
    assert burned < other
    assert share_math.debt_up(other - burned, debt - paid, debt_shares - burned) >= before - paid
