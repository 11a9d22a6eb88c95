"""A healthy account written off through a dust rule, and a debtor who starts and restarts his own auction.

A rule that forgives what is too small to liquidate forgives anybody who can look small; an auction whose clock starts
anew never reaches the price at which somebody comes. Here a write-off needs an open auction, negative equity and
nothing worth taking, all three; and nothing that a debtor does moves the clock, the penalty or the starter.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.support import reverts
from tests.support.scenario import World
from tests.unit.liquidation.conftest import TAIL, TAU, WAD, assert_no_auction


@pytest.mark.parametrize("price", [2_000, 1_800])
def test_healthy__never_written_off__however_small(world: World, long: int, price: int) -> None:
    """Two thirds of a dollar against half of one: dust, and healthy."""
    world.set_price("WETH", price)
    trader = world.roles["trader"]
    world.deposit(long, "USDC", Fraction(399_995, 10))
    world.engine.withdraw(long, world["WETH"].token, 2_499_666 * 10**13, trader, 0, sender=trader)
    assert 0 < world.health(long).debt < WAD
    assert world.health(long).equity > world.health(long).maintenance
    for role in ("trader", "attacker"):
        with reverts("auction: none"):
            world.engine.write_off(long, sender=world.roles[role])
        with reverts("auction: healthy"):
            world.engine.liquidate(long, sender=world.roles[role])


def test_under_auction_but_solvent__dust_beside_dust__not_written_off(world: World, auctioned: int) -> None:
    """The debtor repays nearly all while the auction runs: what is left is dust, but he can pay it."""
    world.deposit(auctioned, "USDC", 39_999)
    with reverts("auction: solvent"):
        world.engine.write_off(auctioned, sender=world.roles["attacker"])
    world.engine.cancel(auctioned, sender=world.roles["attacker"])
    assert_no_auction(world, auctioned)
    assert world.engine.debt_of(auctioned, world["USDC"].token) >= 10**6


def test_insolvent_but_something_is_left__not_written_off(world: World, insolvent: int) -> None:
    world.set_price("WETH", 2)
    with reverts("auction: not dust"):
        world.engine.write_off(insolvent, sender=world.roles["trader"])
    world.set_price("WETH", 1)
    world.engine.write_off(insolvent, sender=world.roles["trader"])
    assert_no_auction(world, insolvent)


def test_price_that_nobody_is_sure_of__writes_nothing_off(world: World, insolvent: int) -> None:
    """One captured source that says a cent would make anybody dust."""
    world.set_price("WETH", Fraction(1, 100))
    world.set_status("WETH", 1)
    with reverts("auction: price status"):
        world.engine.write_off(insolvent, sender=world.roles["attacker"])


@pytest.mark.parametrize("act", ["liquidate", "cancel", "poke", "deposit", "reduce", "take"])
def test_debtor__whatever_he_does_to_his_own_auction__the_clock_runs_on(world: World, sick: int, act: str) -> None:
    engine, trader, other = world.engine, world.roles["trader"], world.account("trader", 6)
    world.deposit(other, "WBTC", 1)
    engine.liquidate(sick, sender=world.roles["keeper"])
    before = world.auction.auction_of(sick)
    bonus = world.auction.quote(sick).bonus
    for _ in range(3):
        world.warp(TAU // 4)
        if act == "liquidate":
            with reverts("auction: running"):
                engine.liquidate(sick, sender=trader)
        elif act == "cancel":
            with reverts("auction: below the line"):
                engine.cancel(sick, sender=trader)
        elif act == "poke":
            engine.poke(sick, sender=trader)
        elif act == "deposit":
            world.deposit(sick, "USDC", 1)
        elif act == "reduce":
            world.trade(sick, "WETH", Fraction(1, 100), "USDC", reduce_only=True)
        else:
            engine.take(sick, WAD // 300, other, -WAD, sender=trader)
        assert world.auction.auction_of(sick)._replace(taken=False) == before
        assert world.auction.quote(sick).bonus > bonus
        bonus = world.auction.quote(sick).bonus


def test_debtor__cures_and_falls_again__pays_for_every_cure(world: World, sick: int) -> None:
    """An auction ends only above the line: to start the clock anew he has to become healthy, which was the point."""
    engine, trader = world.engine, world.roles["trader"]
    engine.liquidate(sick, sender=trader)
    world.warp(TAU)
    with reverts("auction: below the line"):
        engine.cancel(sick, sender=trader)
    world.deposit(sick, "USDC", 1_000)
    engine.cancel(sick, sender=trader)
    assert world.health(sick).equity >= world.health(sick).maintenance
    with reverts("auction: healthy"):
        engine.liquidate(sick, sender=trader)


def test_after_the_tail__a_penalty_may_rise__starter_and_clock_stay(world: World, sick: int) -> None:
    trader, keeper = world.roles["trader"], world.roles["keeper"]
    world.engine.liquidate(sick, sender=keeper)
    before = world.auction.auction_of(sick)
    world.warp(TAIL)
    for price, reason in ((1_790, "auction: healthy"), (1_740, "auction: running"), (1_000, "auction: running")):
        world.set_price("WETH", price)
        with reverts(reason):
            world.engine.liquidate(sick, sender=trader)
    assert world.auction.auction_of(sick) == before
    world.set_price("WETH", 1_762)
    world.engine.liquidate(sick, sender=trader)
    after = world.auction.auction_of(sick)
    assert after.penalty > before.penalty
    assert after == before._replace(penalty=after.penalty)


def test_bad_debt_of_one_pool__never_moves_another_pools_share_price(world: World) -> None:
    account, keeper = world.account("trader", 3), world.roles["keeper"]
    world.deposit(account, "WETH", 5)
    world.open(account, "USDC", 30_000, "WETH")
    world.open(account, "USDT", 10_000, "WETH")
    world.set_price("WETH", 1_000)
    world.engine.liquidate(account, sender=keeper)
    prices = {symbol: world[symbol].pool.convertToAssets(10**24) for symbol in ("DAI", "WETH", "WBTC", "USDC", "USDT")}
    world.set_price("WETH", 1)
    world.engine.poke(account, sender=keeper)
    world.engine.write_off(account, sender=keeper)
    after = {symbol: world[symbol].pool.convertToAssets(10**24) for symbol in prices}
    assert {symbol for symbol in prices if after[symbol] != prices[symbol]} == {"USDC", "USDT"}
    assert all(after[symbol] < prices[symbol] for symbol in ("USDC", "USDT"))
