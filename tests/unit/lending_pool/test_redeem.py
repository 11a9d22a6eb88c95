"""redeem: assets for shares, rounded down."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.pool import MAX, PoolTwin
from tests.unit.lending_pool.conftest import accrued, moved


def test_redeem__to_another__whole_receipt(busy: PoolTwin) -> None:
    shares, event = 10 * busy.unit * 10**6, accrued(busy)
    promised = busy.pool.previewRedeem(shares)
    receipt = busy.pool.redeem(shares, busy.attacker, busy.lender, sender=busy.lender)
    assets = receipt.return_value
    assert assets == promised > 10 * busy.unit
    assert receipt.events == [
        event,
        moved(busy.pool, busy.lender, ZERO_ADDRESS, shares),
        moved(busy.token, busy.pool.address, busy.attacker, assets),
        busy.pool.event(
            "Withdraw", sender=busy.lender, receiver=busy.attacker, owner=busy.lender, assets=assets, shares=shares
        ),
    ]


def test_redeem__worth_less_than_a_unit__reverts(busy: PoolTwin) -> None:
    """No shares burn for nothing."""
    assert busy.pool.previewRedeem(999_000) == 0
    with reverts("pool: zero assets"):
        busy.redeem(999_000, busy.lender)


def test_redeem__nothing__reverts(busy: PoolTwin) -> None:
    with reverts("pool: zero assets"):
        busy.redeem(0, busy.lender)


def test_redeem__more_than_the_cash__reverts(busy: PoolTwin) -> None:
    most = busy.pool.maxRedeem(busy.lender)
    assert 0 < most < busy.pool.balanceOf(busy.lender)
    with reverts("pool: cash"):
        busy.redeem(most + 10**6, busy.lender)
    busy.redeem(most, busy.lender)
    busy.check()


def test_redeem__more_than_his_own__reverts(twin: PoolTwin) -> None:
    shares = twin.deposit(10, twin.lender)
    twin.deposit(10, twin.other)
    with reverts("erc20: burn amount exceeds balance"):
        twin.redeem(shares + 1, twin.lender)


def test_redeem__to_nobody__reverts(busy: PoolTwin) -> None:
    with reverts("pool: zero address"):
        busy.pool.redeem(10**6, ZERO_ADDRESS, busy.lender, sender=busy.lender)


def test_redeem__by_an_allowed_spender__and_not_a_share_more(busy: PoolTwin) -> None:
    busy.pool.approve(busy.attacker, 10**9, sender=busy.lender)
    with reverts("erc20: insufficient allowance"):
        busy.pool.redeem(10**9 + 1, busy.attacker, busy.lender, sender=busy.attacker)
    busy.pool.redeem(10**9, busy.attacker, busy.lender, sender=busy.attacker)
    assert busy.pool.allowance(busy.lender, busy.attacker) == 0


@pytest.mark.parametrize("role", ["attacker", "engine", "fund", "owner", "guardian", "deployer", "other"])
def test_redeem__of_another_without_allowance__reverts(busy: PoolTwin, role: str) -> None:
    caller = busy.roles[role]
    with reverts("erc20: insufficient allowance"):
        busy.pool.redeem(10**9, caller, busy.lender, sender=caller)


def test_redeem__absurd_amount__reverts(busy: PoolTwin) -> None:
    with reverts(""):
        busy.redeem(MAX, busy.lender)


def test_redeem__everybody_provisioned_away__worth_nothing(busy: PoolTwin, long: int) -> None:
    busy.provision(long, MAX)
    assert busy.pool.provision_of(long) == 2**112 - 1
    assert busy.pool.previewRedeem(busy.pool.balanceOf(busy.lender)) == busy.pool.maxRedeem(busy.lender) == 0
    with reverts("pool: zero assets"):
        busy.redeem(busy.pool.balanceOf(busy.lender), busy.lender)
    busy.check()


def test_redeem__ahead_of_a_booked_loss__gains_nothing(busy: PoolTwin, long: int) -> None:
    """Who leaves after the provision gets no more than who stays until the write-off."""
    loss = busy.pool.debt_of(long)
    busy.provision(long, loss)
    shares = 10**9 * 10**3
    early = busy.redeem(shares, busy.lender)
    busy.write_off(long)
    late = busy.redeem(shares, busy.other)
    assert early <= late
    busy.check()
