"""Oracle and sequencer outages: liquidations were blocked, or owners were, and whoever came first afterwards took all.

A feed that answers nothing for hours must leave owners able to add and to reduce, must not let a debtor out of an
auction, must not let lenders run ahead of a loss that was booked, and must not give anybody a take below the honest
price. A sequencer that comes back must not let bots take what its owners could not defend, nor let insolvency wait for
them; and an asset whose feed is gone for a moment must not cost a healthy account its other assets.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import RevmChain
from tests.support import reverts
from tests.support.scenario import DEAD, OK, STALE, WIDE, WIDE_DELAY, World, deploy_world
from tests.support.venues import follow
from tests.unit.liquidation.conftest import LENT, TAU, WAD, assert_no_auction, provision

HOUR = 3_600
UP, DOWN = range(2)


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


# The price of one asset is gone


@pytest.fixture
def mixed(world: World) -> int:
    """20,000 PTS and 5 WETH, 30,000 dollars; 15,000 USDC owed, which the WETH alone do not cover."""
    account = world.account("trader", 2)
    world.deposit(account, "PTS", 20_000)
    world.deposit(account, "WETH", 5)
    world.borrow(account, "USDC", 15_000)
    return account


def test_one_price_is_gone__healthy_with_it__nothing_is_taken_for_the_delay(world: World, mixed: int) -> None:
    """The attacker waits for the moment in which a feed is exchanged, and auctions whoever holds its asset."""
    follow(world, "PTS")
    world.set_status("PTS", DEAD)
    attacker = world.roles["attacker"]
    for wait in (0, HOUR, WIDE_DELAY - HOUR):
        world.chain.warp(wait)
        with reverts("auction: healthy"):
            world.engine.liquidate(mixed, sender=attacker)
    world.set_status("PTS", OK)
    with reverts("auction: healthy"):
        world.engine.liquidate(mixed, sender=attacker)
    world.set_status("PTS", DEAD)
    world.chain.warp(1)
    world.engine.liquidate(mixed, sender=attacker)


def test_one_price_is_gone__insolvent_even_with_it__is_taken_at_once(world: World, mixed: int) -> None:
    world.set_price("WETH", 100)
    world.set_price("PTS", Fraction(1, 4))
    follow(world, "PTS")
    world.set_status("PTS", DEAD)
    world.engine.liquidate(mixed, sender=world.roles["keeper"])
    world.chain.warp(TAU)
    assert world.auction.quote(mixed).takeable


def test_one_price_is_gone_during_an_auction__takes_wait_and_the_auction_stays(
    world: World, mixed: int, rich: int
) -> None:
    """Neither the taker nor the debtor gains by it: no take while it may be healthy, and no way out of the auction."""
    oracle = follow(world, "PTS", "WETH")
    world.set_price("WETH", 100)
    world.set_price("PTS", Fraction(3, 4))
    world.engine.liquidate(mixed, sender=world.roles["keeper"])
    world.warp(HOUR)
    world.set_price("PTS", 1)
    oracle.sample(world["PTS"].key, sender=world.roles["stranger"])
    before = world.auction.auction_of(mixed)
    world.set_status("PTS", DEAD)
    with reverts("auction: healthy"):
        world.engine.take(mixed, WAD, rich, -WAD, sender=world.roles["keeper"])
    with reverts("auction: price status"):
        world.engine.cancel(mixed, sender=world.roles["trader"])
    assert not world.auction.quote(mixed).takeable
    assert world.auction.auction_of(mixed) == before


# The sequencer


@pytest.fixture
def layer2(chain: RevmChain) -> tuple[World, Any]:
    """A world of its own on an L2, with lenders, and the feed of its sequencer, up for a month."""
    deployer = chain.accounts()[0]
    feed: Any = chain.deploy("MockFeed", "sequencer", 0, UP, sender=deployer)
    world = deploy_world(chain, sequencer=(feed, HOUR))
    for symbol in ("USDC", "WETH"):
        world.lend(symbol, LENT[symbol])
    world.warp(30 * 24 * HOUR)
    return world, feed


def outage(world: World, feed: Any, price: int) -> None:
    """Six hours without a sequencer, in which WETH goes to a price; it has just come back."""
    deployer = world.roles["deployer"]
    feed.set_answer(DOWN, sender=deployer)
    world.chain.warp(6 * HOUR)
    world.set_price("WETH", price)
    world.refresh()
    feed.set_answer(UP, sender=deployer)


def test_sequencer_comes_back__owners_have_the_window__then_it_is_as_ever(layer2: tuple[World, Any]) -> None:
    world, feed = layer2
    long = world.open_position(amount=50_000)
    follow(world, "WETH", "USDC")
    outage(world, feed, 1_700)
    health = world.health(long)
    assert health.equity < health.maintenance
    for wait in (0, HOUR - 1):
        world.chain.warp(wait)
        with reverts("auction: healthy"):
            world.engine.liquidate(long, sender=world.roles["attacker"])
    world.deposit(long, "USDC", 1)
    world.chain.warp(1)
    world.refresh()
    world.engine.liquidate(long, sender=world.roles["attacker"])


def test_sequencer_comes_back__deep_insolvency_does_not_wait(layer2: tuple[World, Any]) -> None:
    world, feed = layer2
    long = world.open_position(amount=50_000)
    follow(world, "WETH", "USDC")
    outage(world, feed, 1_200)
    world.engine.liquidate(long, sender=world.roles["keeper"])
    world.chain.warp(TAU)
    assert world.auction.quote(long).takeable


def test_sequencer_comes_back__nobody_opens_on_what_was_before(layer2: tuple[World, Any]) -> None:
    """The favour is the liquidation's only: new risk is judged at prices as they are."""
    world, feed = layer2
    account = world.account("attacker", 1)
    world.deposit(account, "WETH", 10)
    follow(world, "WETH", "USDC")
    outage(world, feed, 1_700)
    with reverts("engine: initial margin"):
        world.borrow(account, "USDC", 17_000)


def test_sequencer_feed_says_down_for_good__a_day_later_it_is_not_believed(layer2: tuple[World, Any]) -> None:
    world, feed = layer2
    long = world.open_position(amount=50_000)
    follow(world, "WETH", "USDC")
    feed.set_answer(DOWN, sender=world.roles["deployer"])
    world.chain.warp(24 * HOUR - 1)
    world.set_price("WETH", 1_700)
    world.refresh()
    with reverts("auction: healthy"):
        world.engine.liquidate(long, sender=world.roles["keeper"])
    world.chain.warp(1)
    world.engine.liquidate(long, sender=world.roles["keeper"])
