"""repay: books what arrived; nothing can stop it."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.support.pool import DAY, MAX, ROLES, YEAR, PoolTwin
from tests.unit.lending_pool.conftest import accrued, moved


def test_repay__part__whole_receipt(busy: PoolTwin, long: int) -> None:
    owed, shares, event = busy.pool.debt_of(long), busy.pool.debt_shares_of(long), accrued(busy)
    busy.donate(1_000 * busy.unit)
    receipt = busy.pool.repay(long, 1_000 * busy.unit, sender=busy.engine)
    used, left = receipt.return_value
    assert used == 1_000 * busy.unit
    assert owed - used <= left <= owed - used + 1
    assert left == busy.pool.debt_of(long)
    burned = shares - busy.pool.debt_shares_of(long)
    assert receipt.events == [event, busy.pool.event("Repaid", account=long, amount=used, shares=burned)]


def test_repay__everything__no_debt_and_no_share_is_left(busy: PoolTwin, long: int) -> None:
    owed = busy.pool.debt_of(long)
    assert busy.repay(long, owed) == (owed, 0)
    assert busy.pool.debt_shares_of(long) == busy.pool.debt_of(long) == 0
    busy.check()


def test_repay__exactly_what_is_owed__moves_no_token(busy: PoolTwin, long: int) -> None:
    owed, shares, event = busy.pool.debt_of(long), busy.pool.debt_shares_of(long), accrued(busy)
    busy.donate(owed)
    receipt = busy.pool.repay(long, owed, sender=busy.engine)
    assert receipt.events == [event, busy.pool.event("Repaid", account=long, amount=owed, shares=shares)]


def test_repay__more_than_is_owed__the_rest_goes_to_the_engine(busy: PoolTwin, long: int) -> None:
    owed, event = busy.pool.debt_of(long), accrued(busy)
    shares = busy.pool.debt_shares_of(long)
    busy.donate(owed + 5)
    receipt = busy.pool.repay(long, owed + 5, sender=busy.engine)
    assert tuple(receipt.return_value) == (owed, 0)
    assert receipt.events == [
        event,
        busy.pool.event("Repaid", account=long, amount=owed, shares=shares),
        moved(busy.token, busy.pool.address, busy.engine, 5),
    ]


def test_repay__provisioned__released_with_the_last_share_only(busy: PoolTwin, long: int, short: int) -> None:
    busy.provision(long, 700)
    busy.provision(short, 50)
    owed = busy.pool.debt_of(long)
    busy.repay(long, owed - 1)
    assert (busy.pool.provision_of(long), busy.pool.provision_of(short)) == (700, 50)
    busy.repay(long, 10)
    assert (busy.pool.provision_of(long), busy.pool.provision_of(short)) == (0, 50)
    assert busy.pool.state().provisions == 50
    busy.check()


def test_repay__without_a_debt__all_goes_to_the_engine(busy: PoolTwin) -> None:
    busy.token.mint(busy.engine, 7, sender=busy.deployer)
    assert busy.repay(12345, 9) == (0, 0)
    assert busy.token.balanceOf(busy.engine) == 16
    busy.check()


def test_repay__nothing__changes_nothing_but_interest(busy: PoolTwin, long: int) -> None:
    owed = busy.pool.debt_of(long)
    assert busy.repay(long, 0) == (0, owed)
    busy.check()


@pytest.mark.parametrize("role", [role for role in ROLES if role != "engine"])
def test_repay__anyone_but_the_engine__reverts(busy: PoolTwin, long: int, role: str) -> None:
    with reverts("pool: engine only"):
        busy.pool.repay(long, 1, sender=busy.roles[role])


def test_repay__all_debts__debt_and_debt_shares_are_zero_together(busy: PoolTwin, long: int, short: int) -> None:
    busy.warp(YEAR)
    for account in (long, short):
        busy.repay(account, busy.pool.debt_of(account))
        busy.check()
    assert (busy.pool.total_debt(), busy.pool.ledger().debt_shares) == (0, 0)
    assert busy.model.ledger.debt_shares == 0


def test_repay__dust_of_several__one_unit_of_debt_stays_while_anyone_owes(twin: PoolTwin) -> None:
    """Three debts of 1 unit, interest makes 4 of 3: two pay 4 in all, by their rounding, and the third still owes."""
    dust_of_three(twin)
    assert twin.repay(1, 1) == (1, 0)
    twin.check()
    assert twin.pool.total_debt() == twin.pool.debt_of(3) == 1
    assert twin.repay(3, 1) == (1, 0)
    twin.check()


def dust_of_three(twin: PoolTwin) -> None:
    """Accounts 1, 2, 3 borrowed a unit each; 1 paid a unit of 4, then 2 his 2 of 3: 1 and 3 owe 1 of a total of 1."""
    twin.deposit(3, twin.lender)
    for account in (1, 2, 3):
        twin.borrow(account, 1)
    while twin.pool.total_debt() < 4:
        twin.warp(DAY)
    assert twin.repay(1, 1) == (1, 1)
    assert twin.repay(2, 2) == (2, 0)
    assert (twin.pool.debt_of(1), twin.pool.debt_of(3), twin.pool.total_debt()) == (1, 1, 1)
    twin.check()


def test_repay__borrow_and_repay_at_once__never_profits(busy: PoolTwin, short: int) -> None:
    before = busy.pool.debt_of(short)
    for amount in (1, 3, 1_000, busy.unit + 1):
        busy.borrow(short, amount)
        _, left = busy.repay(short, amount)
        assert left >= before
        before = left
    busy.check()


def test_repay__an_amount_beyond_words__uses_what_is_owed(busy: PoolTwin, long: int) -> None:
    """The engine measured it, so this cannot be; the token refuses to pay the excess, not the pool."""
    with reverts("erc20: balance"):
        busy.pool.repay(long, MAX, sender=busy.engine)
