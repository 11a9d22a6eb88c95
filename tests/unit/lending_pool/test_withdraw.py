"""withdraw: shares for assets, rounded up."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.pool import MAX, PoolTwin
from tests.unit.lending_pool.conftest import accrued, moved


def test_withdraw__to_another__whole_receipt(busy: PoolTwin) -> None:
    assets, event = 10 * busy.unit, accrued(busy)
    promised = busy.pool.previewWithdraw(assets)
    receipt = busy.pool.withdraw(assets, busy.attacker, busy.lender, sender=busy.lender)
    shares = receipt.return_value
    assert shares == promised
    assert busy.token.balanceOf(busy.attacker) == assets
    assert receipt.events == [
        event,
        moved(busy.pool, busy.lender, ZERO_ADDRESS, shares),
        moved(busy.token, busy.pool.address, busy.attacker, assets),
        busy.pool.event(
            "Withdraw", sender=busy.lender, receiver=busy.attacker, owner=busy.lender, assets=assets, shares=shares
        ),
    ]


def test_withdraw__one_unit__costs_at_least_its_worth(busy: PoolTwin) -> None:
    shares = busy.withdraw(1, busy.lender)
    assert busy.pool.convertToAssets(shares - 1) == 0
    busy.check()


def test_withdraw__everything__leaves_nothing_behind(twin: PoolTwin) -> None:
    shares = twin.deposit(5 * twin.unit + 3, twin.lender)
    assert twin.withdraw(5 * twin.unit + 3, twin.lender) == shares
    assert twin.pool.totalSupply() == twin.pool.cash() == 0
    twin.check()


def test_withdraw__by_an_allowed_spender__uses_up_his_allowance(busy: PoolTwin) -> None:
    shares = busy.pool.previewWithdraw(10 * busy.unit)
    busy.pool.approve(busy.attacker, shares, sender=busy.lender)
    receipt = busy.pool.withdraw(10 * busy.unit, busy.attacker, busy.lender, sender=busy.attacker)
    assert receipt.find("Approval") == [busy.pool.event("Approval", owner=busy.lender, spender=busy.attacker, value=0)]
    assert receipt.find("Withdraw")[0].args["sender"] == busy.attacker
    assert busy.pool.allowance(busy.lender, busy.attacker) == 0


@pytest.mark.parametrize("role", ["attacker", "engine", "fund", "owner", "guardian", "deployer", "other"])
def test_withdraw__of_another_without_allowance__reverts(busy: PoolTwin, role: str) -> None:
    caller = busy.roles[role]
    with reverts("erc20: insufficient allowance"):
        busy.pool.withdraw(1, caller, busy.lender, sender=caller)


def test_withdraw__one_share_too_little_allowed__reverts(busy: PoolTwin) -> None:
    shares = busy.pool.previewWithdraw(10 * busy.unit)
    busy.pool.approve(busy.attacker, shares - 1, sender=busy.lender)
    with reverts("erc20: insufficient allowance"):
        busy.pool.withdraw(10 * busy.unit, busy.attacker, busy.lender, sender=busy.attacker)


def test_withdraw__more_than_the_cash__reverts(busy: PoolTwin) -> None:
    assert busy.pool.cash() == 300_000 * busy.unit
    with reverts("pool: cash"):
        busy.withdraw(300_000 * busy.unit + 1, busy.lender)
    busy.withdraw(300_000 * busy.unit, busy.lender)
    busy.check()
    assert busy.pool.maxWithdraw(busy.lender) == 0


def test_withdraw__a_donation_is_no_cash(busy: PoolTwin) -> None:
    busy.donate(10**12)
    with reverts("pool: cash"):
        busy.withdraw(300_000 * busy.unit + 1, busy.lender)


def test_withdraw__more_than_his_own__reverts(twin: PoolTwin) -> None:
    twin.deposit(10, twin.lender)
    twin.deposit(10, twin.other)
    with reverts("erc20: burn amount exceeds balance"):
        twin.withdraw(11, twin.lender)


def test_withdraw__nothing__reverts(busy: PoolTwin) -> None:
    with reverts("pool: zero assets"):
        busy.withdraw(0, busy.lender)


def test_withdraw__to_nobody__reverts(busy: PoolTwin) -> None:
    with reverts("pool: zero address"):
        busy.pool.withdraw(1, ZERO_ADDRESS, busy.lender, sender=busy.lender)


def test_withdraw__absurd_amount__reverts(busy: PoolTwin) -> None:
    with reverts("pool: cash"):
        busy.withdraw(MAX, busy.lender)


def test_withdraw__provision__is_paid_its_share_of_what_is_left(busy: PoolTwin, long: int) -> None:
    """600,000 of 1,500,000 expected lost and no fund: withdrawals cost 5/3 of the shares, deposits none more."""
    before, deposits = busy.pool.previewWithdraw(busy.unit), busy.pool.previewDeposit(busy.unit)
    busy.provision(long, 600_000 * busy.unit)
    assert busy.pool.previewDeposit(busy.unit) == deposits
    assert busy.withdraw(busy.unit, busy.lender) == pytest.approx(before * 5 / 3, rel=1e-3)
    busy.check()


def test_withdraw__provision_covered_by_the_fund__costs_nothing(busy: PoolTwin, long: int) -> None:
    busy.deposit(100_000 * busy.unit, busy.fund)
    before = busy.pool.previewWithdraw(busy.unit)
    busy.provision(long, 99_000 * busy.unit)
    assert busy.pool.previewWithdraw(busy.unit) == before
    busy.provision(long, 101_000 * busy.unit)
    assert busy.pool.previewWithdraw(busy.unit) > before
    busy.check()
