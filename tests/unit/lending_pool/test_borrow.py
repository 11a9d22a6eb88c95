"""borrow: the engine lends an account cash, rounded against it."""

from __future__ import annotations

import pytest

from plimsoll.chain import RevmChain
from tests.support import reverts
from tests.support.pool import MAX, ROLES, PoolTwin, deploy_pool
from tests.unit.lending_pool.conftest import accrued, moved


def test_borrow__first__owes_exactly_that(twin: PoolTwin, long: int) -> None:
    twin.deposit(10 * twin.unit, twin.lender)
    assert twin.borrow(long, twin.unit) == twin.unit == twin.pool.debt_of(long) == twin.pool.total_debt()
    assert twin.pool.debt_shares_of(long) == twin.unit * 10**6
    assert twin.token.balanceOf(twin.trader) == twin.unit
    twin.check()


def test_borrow__more_debt_while_interest_accrues__whole_receipt(busy: PoolTwin, long: int) -> None:
    event, owed, shares = accrued(busy), busy.pool.debt_of(long), busy.pool.debt_shares_of(long)
    receipt = busy.pool.borrow(long, 7, busy.attacker, sender=busy.engine)
    assert owed + 7 <= receipt.return_value <= owed + 8
    assert receipt.events == [
        event,
        busy.pool.event(
            "Borrowed", account=long, to=busy.attacker, amount=7, shares=busy.pool.debt_shares_of(long) - shares
        ),
        moved(busy.token, busy.pool.address, busy.attacker, 7),
    ]


def test_borrow__leaves_others_alone(busy: PoolTwin, long: int, short: int) -> None:
    owed, price = busy.pool.debt_of(short), busy.pool.convertToAssets(10**18)
    busy.borrow(long, 123_456_789)
    assert busy.pool.debt_of(short) == owed
    assert busy.pool.convertToAssets(10**18) == price
    busy.check()


@pytest.mark.parametrize("role", [role for role in ROLES if role != "engine"])
def test_borrow__anyone_but_the_engine__reverts(busy: PoolTwin, long: int, role: str) -> None:
    with reverts("pool: engine only"):
        busy.pool.borrow(long, 1, busy.trader, sender=busy.roles[role])


def test_borrow__nothing__reverts(busy: PoolTwin, long: int) -> None:
    with reverts("pool: zero amount"):
        busy.borrow(long, 0)


def test_borrow__all_the_cash_but_no_more(busy: PoolTwin, long: int) -> None:
    busy.donate(10)
    with reverts("pool: cash"):
        busy.borrow(long, 300_000 * busy.unit + 1)
    busy.borrow(long, 300_000 * busy.unit)
    assert busy.pool.cash() == 0
    assert busy.pool.state().utilisation == 10**18
    busy.check()


def test_borrow__the_cap_may_be_touched_but_not_passed(twin: PoolTwin, long: int) -> None:
    twin.deposit(10 * twin.unit, twin.lender)
    twin.set_caps(10 * twin.unit, 4 * twin.unit)
    with reverts("pool: borrow cap"):
        twin.borrow(long, 4 * twin.unit + 1)
    twin.borrow(long, 4 * twin.unit)
    with reverts("pool: borrow cap"):
        twin.borrow(long, 1)
    twin.warp(86_400)
    assert twin.pool.total_debt() > 4 * twin.unit
    with reverts("pool: borrow cap"):
        twin.borrow(long, 1)
    twin.check()


@pytest.mark.parametrize("amount", [MAX, 2**112])
def test_borrow__absurd_amount__reverts(busy: PoolTwin, long: int, amount: int) -> None:
    with reverts("pool: cash"):
        busy.borrow(long, amount)


def test_borrow__more_debt_shares_than_a_word_holds__reverts(chain: RevmChain, long: int) -> None:
    """Reached only when debt shares stand for far less than they did; whoever repays that dust cures it."""
    twin = deploy_pool(chain, contract="LendingPoolAnyState", decimals=6)
    shares = 2**112 - 10**9
    state = (10**12, 1, twin.now, shares, 4 * 10**16, 0, 0)
    twin.pool.force(state, long, shares, twin.lender, 10**18, sender=twin.lender)
    twin.token.mint(twin.pool, 10**12 + 1, sender=twin.deployer)
    with reverts("pool: overflow"):
        twin.pool.borrow(long, 1, twin.trader, sender=twin.engine)
    twin.pool.repay(long, 1, sender=twin.engine)
    assert twin.pool.borrow(long, 1, twin.trader, sender=twin.engine).return_value == 1


@pytest.mark.parametrize(("beyond", "refused"), [(0, False), (1, True)])
def test_borrow__debt_shares_fill_their_word__exact(chain: RevmChain, long: int, beyond: int, refused: bool) -> None:
    """One more unit on a debt of two costs half of all shares again, rounded up: three halves fill the word."""
    twin = deploy_pool(chain, contract="LendingPoolAnyState", decimals=6)
    shares = (2**112 - 1) // 3 * 2 + beyond
    state = (10**12, 2, twin.now, shares, 4 * 10**16, 0, 0)
    twin.pool.force(state, long, shares, twin.lender, 10**18, sender=twin.lender)
    twin.donate(10**12 + 1)
    if refused:
        with reverts("pool: overflow"):
            twin.pool.borrow(long, 1, twin.trader, sender=twin.engine)
    else:
        assert twin.pool.borrow(long, 1, twin.trader, sender=twin.engine).return_value == 3
        assert twin.pool.debt_shares_of(long) == 2**112 - 1
