"""deposit: shares for assets, rounded down."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts
from tests.support.pool import MAX, PoolTwin, deploy_pool
from tests.unit.lending_pool.conftest import accrued, moved


def test_deposit__first__a_million_shares_per_unit(twin: PoolTwin) -> None:
    assert twin.deposit(7 * twin.unit, twin.lender) == 7 * twin.unit * 10**6
    assert twin.token.balanceOf(twin.pool) == 7 * twin.unit
    assert twin.pool.balanceOf(twin.lender) == twin.pool.totalSupply() == 7 * twin.unit * 10**6
    twin.check()


def test_deposit__for_another__he_gets_the_shares(busy: PoolTwin) -> None:
    assets, event = 10 * busy.unit, accrued(busy)
    busy.fund_with(busy.lender, assets)
    promised = busy.pool.previewDeposit(assets)
    before = busy.pool.balanceOf(busy.attacker)
    receipt = busy.pool.deposit(assets, busy.attacker, sender=busy.lender)
    shares = receipt.return_value
    assert shares == promised < assets * 10**6
    assert busy.pool.balanceOf(busy.attacker) == before + shares
    assert receipt.events == [
        event,
        moved(busy.pool, ZERO_ADDRESS, busy.attacker, shares),
        moved(busy.token, busy.lender, busy.pool, assets),
        busy.pool.event("Deposit", sender=busy.lender, owner=busy.attacker, assets=assets, shares=shares),
    ]


def test_deposit__twice_in_a_block__accrues_once(busy: PoolTwin) -> None:
    busy.deposit(busy.unit, busy.lender)
    busy.fund_with(busy.lender, 1)
    receipt = busy.pool.deposit(1, busy.lender, sender=busy.lender)
    assert receipt.find("Accrued") == []


def test_deposit__nothing__reverts(twin: PoolTwin) -> None:
    with reverts("pool: zero assets"):
        twin.deposit(0, twin.lender)


def test_deposit__worth_no_share__reverts(chain: RevmChain) -> None:
    """A share can cost more than a unit after it grew a millionfold; its buyer must not pay for nothing."""
    twin = deploy_pool(chain, contract="LendingPoolAnyState", decimals=6)
    twin.pool.force((10**9, 0, twin.now, 0, 4 * 10**16, 0, 0), 0, 0, twin.other, 1, sender=twin.other)
    twin.fund_with(twin.lender, 10**9)
    assert twin.pool.previewDeposit(999) == 0
    with reverts("pool: zero shares"):
        twin.pool.deposit(999, twin.lender, sender=twin.lender)
    assert twin.pool.deposit.call(1_001, twin.lender, sender=twin.lender) == 1


def test_deposit__to_nobody__reverts(twin: PoolTwin) -> None:
    twin.fund_with(twin.lender, 1)
    with reverts("erc20: mint to the zero address"):
        twin.pool.deposit(1, ZERO_ADDRESS, sender=twin.lender)


def test_deposit__the_cap_may_be_touched_but_not_passed(busy: PoolTwin) -> None:
    room = busy.pool.maxDeposit(busy.lender)
    assert room == busy.model.parameters.supply_cap - busy.pool.totalAssets() > 0
    with reverts("pool: supply cap"):
        busy.deposit(room + 1, busy.lender)
    busy.deposit(room, busy.lender)
    busy.check()
    with reverts("pool: supply cap"):
        busy.deposit(1, busy.lender)


@pytest.mark.parametrize("assets", [MAX, 2**200, 2**113])
def test_deposit__absurd_amount__names_the_cap(twin: PoolTwin, assets: int) -> None:
    with reverts("pool: supply cap"):
        twin.deposit(assets, twin.lender)


def test_deposit__above_a_lowered_cap__reverts_and_withdrawals_go_on(busy: PoolTwin) -> None:
    busy.set_caps(busy.unit, busy.unit)
    with reverts("pool: supply cap"):
        busy.deposit(1, busy.lender)
    busy.withdraw(busy.unit, busy.lender)
    busy.check()


def test_deposit__ruined_pool__reverts(twin: PoolTwin, long: int) -> None:
    """All but 1 unit of 10^7 lost: a share is worth less than a millionth of its first price."""
    twin.deposit(10**7, twin.lender)
    twin.borrow(long, 10**7 - 1)
    twin.write_off(long)
    assert twin.pool.totalAssets() == 1
    twin.fund_with(twin.lender, 5)
    with reverts("pool: share price"):
        twin.deposit(5, twin.lender)
    with reverts("pool: share price"):
        twin.mint(5 * 10**12, twin.lender)
    assert twin.pool.maxDeposit(twin.lender) == twin.pool.maxMint(twin.lender) == 0
    twin.check()


def test_deposit__not_approved__the_tokens_own_reason(twin: PoolTwin) -> None:
    twin.token.mint(twin.lender, 10, sender=twin.deployer)
    with reverts("erc20: allowance"):
        twin.pool.deposit(10, twin.lender, sender=twin.lender)
