"""Compound, 26 November 2020: DAI traded at 1.30 on one venue for minutes, and 89 million dollars were liquidated.

Borrowers of DAI were healthy at every other venue's price. The attacker here spikes one of two venues, marks the asset
as often as he may, and tries to liquidate whoever holds or owes it; and to borrow against what the spike says he has.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.support import reverts
from tests.support.scenario import OK, WIDE, WIDE_DELAY, World
from tests.support.venues import HOUR, WINDOW, Venues, follow, open_venues

SPIKES = [Fraction(13, 10), Fraction(10, 13), 5, Fraction(1, 5)]


@pytest.fixture
def venues(world: World) -> Venues:
    return open_venues(world, "DAI")


@pytest.fixture
def owes(world: World, venues: Venues) -> int:
    """As close to its line as initial margin lets it: 8,800 DAI owed against 10,000 USDC."""
    account = world.account("trader", 1)
    world.deposit(account, "USDC", 10_000)
    world.borrow(account, "DAI", 8_800)
    return account


@pytest.fixture
def holds(world: World, venues: Venues) -> int:
    account = world.account("trader", 2)
    world.deposit(account, "DAI", 10_000)
    world.borrow(account, "USDC", 8_800)
    return account


def assert_out_of_reach(world: World, *accounts: int) -> None:
    for account in accounts:
        with reverts("auction: healthy"):
            world.engine.liquidate(account, sender=world.roles["attacker"])


def spike(venues: Venues, venue: str, factor: Fraction | int) -> None:
    venues.answer(factor) if venue == "feed" else venues.push(factor)


@pytest.mark.parametrize("factor", SPIKES)
@pytest.mark.parametrize("venue", ["feed", "pool"])
def test_one_venue_spikes__nobody_becomes_liquidatable(
    world: World, venues: Venues, owes: int, holds: int, venue: str, factor: Fraction | int
) -> None:
    key, attacker = world["DAI"].key, world.roles["attacker"]
    spike(venues, venue, factor)
    for _ in range(WINDOW // 300):
        world.risk_engine.mark([key], sender=attacker)
        assert_out_of_reach(world, owes, holds)
        venues.warp(300)
    assert_out_of_reach(world, owes, holds)


@pytest.mark.parametrize("factor", SPIKES)
def test_a_feed_that_spikes__until_the_delay_nobody_becomes_liquidatable(
    world: World, venues: Venues, owes: int, holds: int, factor: Fraction | int
) -> None:
    venues.answer(factor)
    assert venues.price().status == WIDE
    for _ in range(WIDE_DELAY // 1_200):
        world.risk_engine.mark([world["DAI"].key], sender=world.roles["attacker"])
        assert_out_of_reach(world, owes, holds)
        venues.warp(1_200 - 1)


@pytest.mark.parametrize("venue", ["feed", "pool"])
@pytest.mark.parametrize("factor", [Fraction(13, 10), 5])
def test_one_venue_spikes__nobody_borrows_more(
    world: World, venues: Venues, venue: str, factor: Fraction | int
) -> None:
    """Whoever has a spiking asset would borrow what it is not worth."""
    account = world.account("attacker", 1)
    world.deposit(account, "DAI", 10_000)
    spike(venues, venue, factor)
    for wait in (0, 60, WINDOW):
        venues.warp(wait)
        with reverts("engine: price status" if venues.price().status != OK else "engine: initial margin"):
            world.borrow(account, "USDC", 9_700)


def test_the_spike_is_over__everything_is_as_before(world: World, venues: Venues, owes: int) -> None:
    before = venues.price()
    venues.answer(Fraction(13, 10))
    world.risk_engine.mark([world["DAI"].key], sender=world.roles["attacker"])
    venues.warp(600)
    venues.answer(1)
    assert venues.price().status == OK
    assert abs(venues.price().mid - before.mid) * 1_000 <= before.mid
    world.risk_engine.mark([world["DAI"].key], sender=world.roles["keeper"])
    venues.warp(WINDOW)
    assert_out_of_reach(world, owes)


@pytest.mark.parametrize("factor", SPIKES)
def test_a_feed_that_spikes_every_hour__sampled_in_between__never_settled(
    world: World, venues: Venues, owes: int, holds: int, factor: Fraction | int
) -> None:
    """The attacker marks at each spike and at nothing else: his marks are an hour apart, and none found it OK.

    A sample that anybody takes between two of them proves that it was.
    """
    oracle, key, attacker = follow(world, "DAI"), world["DAI"].key, world.roles["attacker"]
    for _ in range(4):
        venues.warp(HOUR // 2)
        oracle.sample(key, sender=world.roles["keeper"]) if oracle.next_sample(key) <= world.chain.timestamp() else None
        venues.warp(HOUR // 2)
        venues.answer(factor)
        world.risk_engine.mark([key], sender=attacker)
        assert_out_of_reach(world, owes, holds)
        venues.answer(1)
    assert venues.price().status == OK
    clock = world.risk_engine.not_ok_since(key)
    assert world.chain.timestamp() >= clock[0] + WIDE_DELAY, "by the marks alone it would be settled"
    venues.answer(factor)
    assert_out_of_reach(world, owes, holds)
