"""BonqDAO, February 2023: a price was reported and used in one transaction; 120 million dollars were borrowed on it.

The attacker here moves the real pool behind the mean as far as he likes, and in the same second opens, withdraws and
liquidates; also from inside a trade, where his own swapper moves the pool before the engine checks his account.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.support import reverts
from tests.support.scenario import OK, World
from tests.support.venues import WINDOW, Venues, open_venues


@pytest.fixture
def venues(world: World) -> Venues:
    return open_venues(world, "WETH")


@pytest.fixture
def alone(world: World, venues: Venues) -> Venues:
    """The mean as the asset's only source."""
    parameters = (1, 2 * 10**16, 10**15, 10**15, 5 * 10**16)
    world.risk_engine.set_sources(world["WETH"].key, [venues.twap], parameters, sender=world.roles["owner"])
    return venues


@pytest.mark.parametrize("price", [20, 1_000, 4_000, 200_000])
def test_pushed_and_used_in_one_second__the_price_is_what_it_was(alone: Venues, price: int) -> None:
    before = tuple(alone.price())
    alone.push(price)
    assert tuple(alone.price()) == before
    assert alone.price().status == OK


@pytest.mark.parametrize("price", [4_000, 200_000])
def test_pushed_up_and_borrowed_against__refused(world: World, alone: Venues, price: int) -> None:
    account = world.account("attacker", 1)
    world.deposit(account, "WETH", 10)
    alone.push(price)
    with reverts("engine: initial margin"):
        world.borrow(account, "USDC", 19_000)


def test_pushed_down_and_borrowed__refused(world: World, alone: Venues) -> None:
    """The debt looks small where its price was pushed down."""
    account = world.account("attacker", 1)
    world.deposit(account, "USDC", 10_000)
    alone.push(20)
    with reverts("engine: initial margin"):
        world.borrow(account, "WETH", 5)


@pytest.mark.parametrize("price", [20, 1_000])
def test_pushed_down_and_liquidated__refused(world: World, alone: Venues, long: int, price: int) -> None:
    alone.push(price)
    world.risk_engine.mark([world["WETH"].key], sender=world.roles["attacker"])
    with reverts("auction: healthy"):
        world.engine.liquidate(long, sender=world.roles["attacker"])


def test_checkpoint_in_the_same_second__remembers_nothing_of_the_push(world: World, alone: Venues) -> None:
    """A mean whose reference the attacker takes at his own moment is still blind to that second."""
    alone.warp(WINDOW)
    before = tuple(alone.price())
    alone.push(200_000)
    alone.twap.checkpoint(sender=world.roles["attacker"])
    assert tuple(alone.price()) == before
    alone.push(2_000)
    alone.warp(60)
    assert abs(alone.price().mid - before[1]) * 1_000 <= before[1]


@pytest.mark.parametrize("price", [20, 200_000])
def test_feed_pushed_in_this_transaction__opens_nothing(world: World, venues: Venues, price: int) -> None:
    """Were the feed itself the attacker's: it disagrees with the mean, and nothing opens until both say so."""
    account = world.account("attacker", 1)
    world.deposit(account, "WETH", 10)
    venues.answer(price)
    venues.push(price)
    for symbol in ("USDC", "DAI"):
        with reverts("engine: price status"):
            world.borrow(account, symbol, 1_000)


@pytest.mark.parametrize("factor", [Fraction(1, 2), 2])
def test_pushed_for_less_than_the_window__both_numbers_are_bounded_by_the_limit(
    world: World, alone: Venues, factor: Fraction
) -> None:
    """A minute of a pool that is held at any price opens nothing at more than what the limit lets a mean move."""
    account = world.account("attacker", 1)
    world.deposit(account, "WETH", 10)
    before = alone.price().mid
    alone.push(2_000 * factor)
    alone.warp(60)
    price = alone.price()
    assert abs(price.mid - before) * 10 <= before, "a thousand ticks in an hour are a tenth"
    with reverts("engine: price status" if price.status != OK else "engine: initial margin"):
        world.borrow(account, "USDC", 19_900)
