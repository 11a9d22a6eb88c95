"""MarginEngine.poke: anyone books the expected loss of an account under auction as it is now."""

from __future__ import annotations

import pytest

from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import DEAD, STALE, WIDE, World
from tests.unit.liquidation.conftest import TAU, provision


@pytest.mark.parametrize("role", ["stranger", "trader", "lender", "guardian"])
def test_poke__deeper__anyone_books_it(world: World, auctioned: int, role: str) -> None:
    world.set_price("WETH", 1_400)
    receipt = world.engine.poke(auctioned, sender=world.roles[role])
    pool = world["USDC"].pool
    assert receipt.events == [pool.event("Provisioned", account=auctioned, amount=5_000 * 10**6, total=5_000 * 10**6)]
    assert world.engine.word_of(auctioned) & account_word.PROVISIONED


def test_poke__twice__changes_nothing(world: World, insolvent: int) -> None:
    assert world.engine.poke(insolvent, sender=world.roles["stranger"]).events == []


def test_poke__solvent__books_nothing_and_asks_no_pool(world: World, auctioned: int) -> None:
    assert world.engine.poke(auctioned, sender=world.roles["stranger"]).events == []
    assert world.engine.word_of(auctioned) & account_word.PROVISIONED == 0


def test_poke__solvent_again__releases_it(world: World, insolvent: int) -> None:
    world.set_price("WETH", 1_700)
    world.engine.poke(insolvent, sender=world.roles["stranger"])
    assert provision(world, insolvent) == 0
    assert world.engine.word_of(insolvent) & account_word.PROVISIONED == 0
    assert world.engine.word_of(insolvent) & account_word.UNDER_AUCTION


def test_poke__interest__is_a_loss_too(world: World, insolvent: int) -> None:
    before = provision(world, insolvent)
    world.warp(30 * 86_400)
    world.engine.poke(insolvent, sender=world.roles["stranger"])
    equity = world.health(insolvent).equity
    assert provision(world, insolvent) > before
    assert 0 <= provision(world, insolvent) * 10**12 + equity <= 10**12


def test_poke__never_more_than_the_debt(world: World, insolvent: int) -> None:
    world.set_price("WETH", 1)
    world.engine.poke(insolvent, sender=world.roles["stranger"])
    assert provision(world, insolvent) <= world.engine.debt_of(insolvent, world["USDC"].token)


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
def test_poke__uncertain_price__a_lender_cannot_have_the_loss_released(
    world: World, insolvent: int, symbol: str, status: int
) -> None:
    pool, lender = world["USDC"].pool, world.roles["lender"]
    most = pool.maxWithdraw(lender)
    world.set_status(symbol, status)
    world.engine.poke(insolvent, sender=lender)
    assert provision(world, insolvent) == 2_500 * 10**6
    assert pool.maxWithdraw(lender) == most


def test_poke__not_under_auction__reverts(world: World, sick: int) -> None:
    for account in (sick, 0, 2**256 - 1):
        with reverts("engine: not under auction"):
            world.engine.poke(account, sender=world.roles["stranger"])


def test_poke__check_pending__reverts(world: World, rich: int) -> None:
    calls = [
        world.engine.withdraw.encode(rich, world["USDC"].token, 10**9, world.roles["keeper"], 10**9),
        world.engine.poke.encode(rich),
    ]
    with reverts("engine: check pending"):
        world.engine.batch(calls, sender=world.roles["keeper"])


def test_poke__by_the_debtor__does_not_touch_the_clock(world: World, insolvent: int) -> None:
    before = world.auction.auction_of(insolvent)
    world.warp(TAU)
    world.engine.poke(insolvent, sender=world.roles["trader"])
    assert world.auction.auction_of(insolvent) == before


def test_poke__lenders_cannot_run_ahead_of_a_booked_loss(world: World, insolvent: int) -> None:
    """Whoever leaves before the loss is booked leaves at the price that everybody gets after it."""
    pool, lender = world["USDC"].pool, world.roles["lender"]
    fair = pool.totalAssets() - 2_500 * 10**6
    paid = pool.redeem(pool.balanceOf(lender) // 2, lender, lender, sender=lender).return_value
    assert paid <= fair // 2
