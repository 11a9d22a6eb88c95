"""Tokens of every habit: those that return nothing work, those that return false or keep a fee lose nobody anything."""

from __future__ import annotations

import pytest

from plimsoll.chain import RevmChain
from tests.support import reverts
from tests.support.pool import MAX, PoolTwin, deploy_pool


@pytest.mark.parametrize("decimals", [0, 2, 6, 8, 18])
@pytest.mark.parametrize("token", ["MockERC20", "MockERC20NoReturn"])
def test_every_operation__any_decimals__with_or_without_a_return_value(
    chain: RevmChain, token: str, decimals: int
) -> None:
    twin = deploy_pool(chain, token=token, decimals=decimals)
    twin.deposit(1_000 * twin.unit, twin.lender)
    twin.mint(500 * twin.unit * 10**6, twin.other)
    twin.borrow(1, 1_200 * twin.unit)
    twin.warp(30 * 86_400)
    twin.repay(1, 100 * twin.unit)
    twin.repay(1, 2_000 * twin.unit)
    twin.withdraw(10 * twin.unit, twin.lender)
    twin.mint_fees()
    for holder in (twin.lender, twin.other, twin.fund):
        shares = twin.pool.maxRedeem(holder)
        assert shares == twin.pool.balanceOf(holder)
        if shares:
            twin.redeem(shares, holder)
    twin.check()
    assert twin.token.balanceOf(twin.pool) == twin.pool.cash() <= 3


@pytest.fixture
def taxed(chain: RevmChain) -> PoolTwin:
    return deploy_pool(chain, token="MockERC20Fee", decimals=6)


def test_deposit__token_keeps_a_fee__reverts(taxed: PoolTwin) -> None:
    taxed.token.set_fee(100, sender=taxed.deployer)
    taxed.token.mint(taxed.lender, 10**9, sender=taxed.deployer)
    taxed.token.approve(taxed.pool, MAX, sender=taxed.lender)
    for call in (taxed.pool.deposit, taxed.pool.mint):
        with reverts("token: received differs"):
            call(10**8, taxed.lender, sender=taxed.lender)
    assert taxed.token.balanceOf(taxed.lender) == 10**9


@pytest.fixture
def false(chain: RevmChain) -> PoolTwin:
    twin = deploy_pool(chain, token="MockERC20False", decimals=6)
    twin.token.mint(twin.lender, 10**9, sender=twin.deployer)
    twin.token.approve(twin.pool, 10**8, sender=twin.lender)
    twin.pool.deposit(10**8, twin.lender, sender=twin.lender)
    return twin


def test_deposit__token_returns_false__reverts(false: PoolTwin) -> None:
    with reverts("token: transferFrom failed"):
        false.pool.deposit(1, false.lender, sender=false.lender)
    assert false.pool.totalAssets() == 10**8


def test_withdraw_and_borrow__token_returns_false__revert(false: PoolTwin) -> None:
    false.token.burn(false.pool, 10**8, sender=false.deployer)
    with reverts("token: transfer failed"):
        false.pool.withdraw(1, false.lender, false.lender, sender=false.lender)
    with reverts("token: transfer failed"):
        false.pool.borrow(1, 1, false.trader, sender=false.engine)
    assert false.pool.debt_of(1) == 0
