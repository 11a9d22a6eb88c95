"""Moola, October 2022, and gifts to vaults whose shares are collateral: a third party raises the price.

Who holds most of a share can afford a gift to its vault: his collateral rises by more than he gave away, or the debt of
whoever owes that share does. Here nobody's call raises what a share counts for in a block, and in a year it rises by
the owner's cap at most, whatever is given.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.regression.test_cream_spot_shares import MILLION, YEARLY_CAP, add_share
from tests.support import reverts
from tests.support.scenario import World
from tests.unit.liquidation.conftest import WAD

YEAR = 365 * 86_400


@pytest.fixture
def shared(world: World) -> World:
    """The world with SHARE, 500,000 of them lent."""
    share, lender, deployer = add_share(world), world.roles["lender"], world.roles["deployer"]
    share.token.transfer(lender, MILLION // 2, sender=deployer)
    share.token.approve(share.pool, MILLION // 2, sender=lender)
    share.pool.deposit(MILLION // 2, lender, sender=lender)
    return world


@pytest.fixture
def holder(shared: World) -> int:
    """The attacker's account with 400,000 shares, four fifths of those that nobody lent, and 300,000 USDC of debt."""
    share, attacker = shared["SHARE"], shared.roles["attacker"]
    share.token.transfer(attacker, 4 * 10**11, sender=shared.roles["deployer"])
    share.token.approve(shared.engine, 4 * 10**11, sender=attacker)
    account = shared.account("attacker")
    shared.engine.deposit(account, share.token, 4 * 10**11, sender=attacker)
    shared.borrow(account, "USDC", 300_000)
    return account


@pytest.fixture
def short(shared: World) -> int:
    """The victim's account: it owes 50,000 shares against 60,000 DAI."""
    account = shared.account("trader", 1)
    shared.deposit(account, "DAI", 60_000)
    units, trader = 5 * 10**10, shared.roles["trader"]
    shared.engine.withdraw(account, shared["SHARE"].token, units, trader, units, sender=trader)
    return account


def give(world: World, amount: int) -> None:
    """A gift of a third party to the vault."""
    usdc, stranger = world["USDC"].token, world.roles["stranger"]
    usdc.mint(stranger, amount, sender=stranger)
    usdc.transfer(world["SHARE"].token, amount, sender=stranger)


@pytest.mark.parametrize("gift", [1, 10**11, MILLION, 1_000 * MILLION])
def test_gift__lends_its_holder_nothing_and_ruins_nobody_who_owes_the_share(
    shared: World, holder: int, short: int, gift: int
) -> None:
    before: list[Any] = [shared.health(account) for account in (holder, short)]
    give(shared, gift)
    assert [shared.health(account) for account in (holder, short)] == before
    with reverts("engine: initial margin"):
        shared.borrow(holder, "USDC", 80_000)
    with reverts("auction: healthy"):
        shared.engine.liquidate(short, sender=shared.roles["attacker"])


@pytest.mark.parametrize("days", [1, 30, 365])
def test_gift_and_time__the_price_follows_its_line_and_no_faster(shared: World, holder: int, days: int) -> None:
    key = shared["SHARE"].key
    before = shared.risk_engine.prices([key])[0].mid
    give(shared, 1_000 * MILLION)
    shared.chain.warp(days * 86_400)
    shared["USDC"].source.set_price(10**30, sender=shared.roles["deployer"])
    grown = Fraction(shared.risk_engine.prices([key])[0].mid, before) - 1
    allowed = Fraction(YEARLY_CAP * days * 86_400, WAD * YEAR)
    assert allowed - Fraction(1, 10**4) <= grown <= allowed + Fraction(1, 10**4)


def test_gift__taken_for_interest_by_lenders_of_the_share__changes_no_debt_in_shares(shared: World, short: int) -> None:
    """What is owed is shares: the pool that lent them counts them, not what they are worth."""
    share = shared["SHARE"]
    owed, assets = share.pool.debt_of(short), share.pool.totalAssets()
    give(shared, MILLION)
    share.token.transfer(share.pool, 10**9, sender=shared.roles["deployer"])
    assert (share.pool.debt_of(short), share.pool.totalAssets()) == (owed, assets)
