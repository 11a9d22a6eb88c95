"""Venus and LUNA, 12 May 2022: the feed stopped at its floor of 0.107 dollars while LUNA traded at 0.01; 11 million
dollars were borrowed against LUNA bought for a tenth of what it counted.

The attacker here buys the falling asset in the market and deposits it at what the frozen feed still says. What he can
open is bounded by the feed's own limit in time, by its bounds, and, where there is a second venue, by that.
"""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.scenario import DEAD, OK, STALE, WIDE, World
from tests.support.venues import MAX_AGE, Venues, open_venues

WAD = 10**18
HOUR = 3_600
FLOOR = 10**7
"""A tenth of a dollar, 8 decimals: no answer at or below it is one."""
ALONE = (1, 2 * WAD // 100, WAD // 1_000, 2 * WAD // 100, 25 * WAD // 100)
"""IRiskEngine.PriceParameters of a single source: a thousandth, and two per cent more for every hour of age."""


@pytest.fixture
def feed(world: World) -> Any:
    """DAI's only source: a feed that answers a dollar, and is about to freeze."""
    deployer, owner = world.roles["deployer"], world.roles["owner"]
    feed: Any = world.chain.deploy("MockFeed", "DAI / USD", 8, 10**8, sender=deployer)
    oracle = world.chain.deploy("FeedOracle", feed, 18, FLOOR + 1, 10**10, 24 * HOUR, ZERO_ADDRESS, 0, sender=deployer)
    world.risk_engine.set_sources(world["DAI"].key, [oracle], ALONE, sender=owner)
    return feed


@pytest.fixture
def bought(world: World, feed: Any) -> int:
    """The attacker's 100,000 of the asset, for which he paid a hundredth of what the feed says."""
    account = world.account("attacker", 1)
    world.deposit(account, "DAI", 100_000)
    return account


def price(world: World) -> Any:
    return world.risk_engine.prices([world["DAI"].key])[0]


def freshen(world: World) -> None:
    for symbol in ("USDC", "WETH", "WBTC", "USDT", "TAIL"):
        world.set_price(symbol, world[symbol].price)


def test_frozen__no_borrowing_after_its_limit(world: World, feed: Any, bought: int) -> None:
    world.chain.warp(24 * HOUR)
    freshen(world)
    assert price(world).status == OK
    world.chain.warp(1)
    freshen(world)
    assert price(world).status == STALE
    with reverts("engine: price status"):
        world.borrow(bought, "USDC", 100)


def test_frozen__what_it_backs_shrinks_with_its_age(world: World, feed: Any, bought: int) -> None:
    """Of a dollar a fresh price lets 99.9 cents count, one that is six hours old 87.9, and at the cap it is 75."""
    seen = []
    for _ in range(5):
        seen.append(price(world).bid)
        world.chain.warp(6 * HOUR)
        freshen(world)
    assert seen == sorted(seen, reverse=True)
    assert seen[:3] == [WAD * share // 1_000 for share in (999, 879, 759)]
    assert seen[3:] == [WAD * 3 // 4] * 2
    assert price(world).ask == WAD * 5 // 4


def test_frozen__debts_in_it_count_more_with_its_age(world: World, feed: Any) -> None:
    """The mirror image: a frozen feed while the truth rises."""
    short = world.account("attacker", 2)
    world.deposit(short, "USDC", 10_000)
    world.chain.warp(12 * HOUR)
    freshen(world)
    with reverts("engine: initial margin"):
        world.borrow(short, "DAI", 8_000)


@pytest.mark.parametrize("answer", [0, 1, FLOOR, -1])
def test_at_its_floor__no_price_at_all(world: World, feed: Any, bought: int, answer: int) -> None:
    """A number that the feed says because it cannot say less is no price: nobody opens on it, owners may leave."""
    feed.set_answer(answer, sender=world.roles["deployer"])
    assert tuple(price(world)) == (0, 0, 0, DEAD)
    with reverts("engine: price status"):
        world.borrow(bought, "USDC", 100)
    attacker = world.roles["attacker"]
    world.engine.withdraw(bought, world["DAI"].token, 2**256 - 1, attacker, 0, sender=attacker)


@pytest.fixture
def venues(world: World) -> Venues:
    return open_venues(world, "WETH")


def test_frozen_beside_a_market__closes_with_the_next_block(world: World, venues: Venues) -> None:
    """The market falls by 99 % at once. Its mean is 2 % off in eight seconds, its limited number in 12 minutes."""
    account = world.account("attacker", 1)
    world.deposit(account, "WETH", 100)
    venues.push(20)
    for wait in (12, 12, 60, 600, 600, 600):
        venues.warp(wait)
        assert venues.price().status == WIDE
        with reverts("engine: price status"):
            world.borrow(account, "USDC", 100)


@pytest.mark.parametrize("share", [99, 95, 90, 80, 50])
def test_frozen_beside_a_market__never_open_while_the_mean_is_further_off_than_the_deviation(
    world: World, venues: Venues, share: int
) -> None:
    """Whatever the fall: new risk opens at no more than two per cent above what the market's own mean says."""
    venues.push(20 * share)
    for _ in range(20):
        venues.warp(60)
        price, mean = venues.price(), venues.twap.read().price
        assert price.status == WIDE or (price.mid - mean) * 50 <= price.mid


def test_frozen_feed_that_is_out_of_date__beside_a_market__counts_no_more(world: World, venues: Venues) -> None:
    venues.push(20)
    world.chain.warp(MAX_AGE + 1)
    world.refresh()
    assert venues.price().status == WIDE
    with reverts("engine: price status"):
        account = world.account("attacker", 1)
        world.deposit(account, "WETH", 100)
        world.borrow(account, "USDC", 100)


@pytest.mark.parametrize("owed", [0, 100_000])
def test_who_holds_it__adds_repays_and_leaves(world: World, feed: Any, owed: int) -> None:
    account = world.account("trader", 1)
    world.deposit(account, "DAI", 150_000)
    if owed:
        world.borrow(account, "USDC", owed)
    world.chain.warp(30 * HOUR)
    freshen(world)
    world.deposit(account, "DAI", 1)
    if owed:
        world.deposit(account, "USDC", 2 * owed)
    trader = world.roles["trader"]
    world.engine.withdraw(account, world["DAI"].token, 2**256 - 1, trader, 0, sender=trader)
