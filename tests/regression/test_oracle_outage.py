"""Oracle and sequencer outages: liquidations were blocked, or owners were, and whoever came first afterwards took all.

A feed that answers nothing for hours must leave owners able to add and to reduce, must not let a debtor out of an
auction, must not let lenders run ahead of a loss that was booked, and must not give anybody a take below the honest
price.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.support import reverts
from tests.support.scenario import DEAD, OK, STALE, WIDE, World
from tests.unit.liquidation.conftest import WAD, assert_no_auction, provision


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_a_moment_without_a_price__ends_no_auction_and_releases_no_loss(
    world: World, insolvent: int, status: int
) -> None:
    before, expected = world.auction.auction_of(insolvent), provision(world, insolvent)
    for symbol in ("WETH", "USDC"):
        world.set_status(symbol, status)
        with reverts("auction: price status"):
            world.engine.cancel(insolvent, sender=world.roles["trader"])
        world.engine.poke(insolvent, sender=world.roles["lender"])
        world.set_status(symbol, OK)
    assert world.auction.auction_of(insolvent) == before
    assert provision(world, insolvent) == expected


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_owners__add_and_leave__whatever_the_prices(world: World, auctioned: int, status: int) -> None:
    trader, weth = world.roles["trader"], world["WETH"].token
    for symbol in ("WETH", "USDC"):
        world.set_status(symbol, status)
    world.deposit(auctioned, "WETH", 1)
    world.deposit(auctioned, "USDC", 40_001)
    world.engine.cancel(auctioned, sender=trader)
    world.engine.withdraw(auctioned, weth, 2**256 - 1, trader, 0, sender=trader)
    assert weth.balanceOf(trader) == 26 * WAD


def test_one_captured_source__healthy_account_stays_out_of_reach(world: World, long: int) -> None:
    """Two sources, the lower one captured: the asset is WIDE, a positive counts at the higher one and its spread."""
    _second_source(world, 1_000)
    assert world.health(long).status == WIDE
    assert world.health(long).equity < 0, "at the mid of both it would be insolvent"
    with reverts("auction: healthy"):
        world.engine.liquidate(long, sender=world.roles["attacker"])


def test_one_captured_source__account_under_auction__pays_no_more_than_at_the_honest_price(
    world: World, auctioned: int, rich: int
) -> None:
    honest = world.auction.quote(auctioned)
    _second_source(world, 900)
    quote = world.auction.quote(auctioned)
    assert quote.bonus <= honest.bonus
    assert quote.equity >= honest.equity
    assert Fraction(quote.share, max(quote.max_fraction, 1)) <= Fraction(honest.share, honest.max_fraction)


def _second_source(world: World, price: int) -> None:
    """List WETH with a second source that says something else."""
    weth = world["WETH"]
    source = world.chain.deploy("MockPriceSource", sender=world.roles["deployer"])
    source.set_price(weth.price.numerator * WAD // weth.price.denominator, sender=world.roles["deployer"])
    parameters = (2, WAD // 50, 0, 0, WAD // 100)
    world.risk_engine.set_sources(weth.key, [weth.source, source], parameters, sender=world.roles["owner"])
    source.set_price(price * WAD, sender=world.roles["deployer"])


def test_portfolio_with_one_dead_asset__the_rest_is_taken__the_dead_one_stays(world: World, rich: int) -> None:
    """What a healthy account loses while one of its assets has no price is bounded by the bonus on what was taken."""
    account = world.account("trader", 2)
    world.deposit(account, "PTS", 20_000)
    world.deposit(account, "WETH", 5)
    world.borrow(account, "USDC", 15_000)
    world.set_status("PTS", DEAD)
    world.engine.liquidate(account, sender=world.roles["stranger"])
    world.chain.warp(3_600)
    quote = world.auction.quote(account)
    world.engine.take(account, WAD, rich, -WAD, sender=world.roles["keeper"])
    assert world.engine.balance_of(account, world["PTS"].token) == 20_000
    world.set_status("PTS", OK)
    after = Fraction(world.health(account).equity, WAD)
    assumed = Fraction(10_000) / (1 + Fraction(quote.bonus, WAD))
    assert 15_000 - assumed * Fraction(quote.bonus, WAD) - 5 <= after <= 15_000
    world.engine.cancel(account, sender=world.roles["trader"])
    assert_no_auction(world, account)
