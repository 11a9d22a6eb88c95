"""Maker, 12 March 2020: 36 % of the auctions were won for nothing, 8.3 million dollars.

The price of ether fell by half within hours, the network was congested, keepers had neither gas nor cash, and an
English auction without a floor sold collateral to whoever alone still bid. Here the price of an auction is set by the
clock and by the account's own equity; whoever comes alone, and late, is paid the penalty on the debt he assumes and no
more, he needs no cash, and what lenders lose is what the fall took, plus that penalty.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.support.scenario import DEAD, OK, STALE, WIDE, World
from tests.unit.liquidation.conftest import TAU, WAD, assert_no_auction, provision

HOUR = 3_600


def batch(world: World, account: int, role: str = "keeper", index: int = 0, *, cash: int = 0) -> Any:
    """A selfish keeper's batch: take all there is, sell it, repay, leave with the rest."""
    engine, keeper, target = world.engine, world.roles[role], world.account(role, index)
    weth, usdc = world["WETH"].token, world["USDC"].token
    quote = world.auction.quote(account)
    held = engine.balance_of(account, weth) * quote.share // WAD
    calls = [engine.take.encode(account, quote.max_fraction, target, -WAD)]
    if cash:
        world.fund(role, "USDC", cash, engine)
        calls.append(engine.deposit.encode(target, usdc, cash * 10**6))
    calls.append(engine.trade.encode(target, weth, held, 0, usdc, 0, world.swapper, b"", 2**40, False))
    calls.append(engine.withdraw.encode(target, usdc, 2**256 - 1, keeper, 0))
    return engine.batch(calls, sender=keeper)


@pytest.mark.parametrize("hours", [1, 6, 48])
def test_no_keeper_for_hours_in_a_fall_by_half__then_one_selfish_keeper(world: World, long: int, hours: int) -> None:
    for step in range(1, 11):
        world.set_price("WETH", 2_000 - 100 * step)
        world.warp(36 * 60)
    world.engine.liquidate(long, sender=world.roles["stranger"])
    world.warp(hours * HOUR)
    pool, before = world["USDC"].pool, world.auction.quote(long)
    lenders, fee = pool.totalAssets(), pool.state().unminted_fee
    batch(world, long)
    profit = Fraction(world["USDC"].token.balanceOf(world.roles["keeper"]), 10**6)
    assumed = Fraction(25 * 1_000) / (1 + Fraction(before.bonus, WAD))
    assert profit <= assumed * before.bonus / WAD + Fraction(1, 10**3), "never won for nothing"
    shortfall = Fraction(before.debt - 25_000 * WAD, WAD)
    loss = Fraction(lenders + fee - pool.totalAssets() - pool.state().unminted_fee, 10**6)
    assert loss <= shortfall + assumed * before.bonus / WAD + 1, "what the fall took and one penalty"
    assert before.bonus <= world.auction.parameters().most_penalty
    assert world.engine.exposures(long) == []
    assert_no_auction(world, long)


def test_whoever_waits_longer_is_not_paid_more_than_the_penalty(world: World, insolvent: int) -> None:
    penalty = world.auction.auction_of(insolvent).penalty
    seen = []
    for _ in range(12):
        seen.append(world.auction.quote(insolvent).bonus)
        world.warp(TAU // 4)
    assert seen == sorted(seen)
    assert seen[-1] == penalty
    world.warp(30 * 86_400)
    assert world.auction.quote(insolvent).bonus == penalty


def test_a_market_ten_percent_under_the_oracle__is_taken_as_soon_as_it_pays_and_nothing_is_stuck(
    world: World, long: int
) -> None:
    """The keeper sells at 90 % of the oracle's price: he comes when the bonus pays for that, or never at a loss."""
    world.set_price("WETH", 1_500)
    world.engine.liquidate(long, sender=world.roles["stranger"])
    weth, usdc = world["WETH"], world["USDC"]
    rate = WAD * 1_350 * 10**6 // 10**18
    pool = usdc.pool
    world.chain.warp(2 * TAU)
    world.refresh()
    world.swapper.set_rate(weth.token, usdc.token, rate, sender=world.roles["deployer"])
    lenders = pool.totalAssets()
    quote = world.auction.quote(long)
    cash = 2_000
    batch(world, long, cash=cash)
    left = usdc.token.balanceOf(world.roles["keeper"])
    assumed = Fraction(37_500) / (1 + Fraction(quote.bonus, WAD))
    cost = assumed * (1 + Fraction(quote.bonus, WAD) / 10)
    assert abs(left - (cash + 25 * 1_350 - cost) * 10**6) <= 1_000
    loss = Fraction(lenders - pool.totalAssets(), 10**6)
    assert loss <= Fraction(quote.debt, WAD) - assumed + 1
    assert world.engine.exposures(long) == []
    assert_no_auction(world, long)


def test_full_utilisation__start_take_cancel_and_repay_need_no_cash(world: World, long: int) -> None:
    whale = world.account("attacker", 1)
    world.deposit(whale, "WBTC", 5_000)
    pool = world["USDC"].pool
    world.borrow(whale, "USDC", Fraction(pool.cash(), 10**6))
    assert pool.cash() == 0
    world.set_price("WETH", 1_500)
    world.engine.liquidate(long, sender=world.roles["stranger"])
    assert provision(world, long) > 0
    world.warp(TAU)
    bonus = world.auction.quote(long).bonus
    batch(world, long)
    assert_no_auction(world, long)
    part = Fraction(37_500) / (1 + Fraction(bonus, WAD)) * bonus / 10 / WAD
    starter = world.roles["stranger"]
    assert pool.maxWithdraw(starter) > 0, "the keeper's repayment is the first cash"
    assert abs(Fraction(pool.previewRedeem(pool.balanceOf(starter)), 10**6) - part) < part / 100


def test_dead_feeds_for_hours__owners_add_and_leave__liquidation_resumes_at_mid(world: World, insolvent: int) -> None:
    """While a price is missing nothing is taken for it; once it has been for the delay, it counts nothing."""
    expected = provision(world, insolvent)
    world.set_status("WETH", DEAD)
    keys = [world["WETH"].key]
    world.risk_engine.mark(keys, sender=world.roles["stranger"])
    for _ in range(3):
        assert not world.auction.quote(insolvent).takeable
        world.deposit(insolvent, "USDC", 10)
        world.chain.warp(HOUR)
        world.risk_engine.mark(keys, sender=world.roles["stranger"])
    world.engine.poke(insolvent, sender=world.roles["lender"])
    assert provision(world, insolvent) >= expected
    world.engine.write_off(insolvent, sender=world.roles["stranger"])
    assert_no_auction(world, insolvent)
    assert world.engine.exposures(insolvent) == []


@pytest.mark.parametrize("status", [WIDE, STALE])
def test_doubtful_feed_in_a_crash__deep_insolvency_is_not_gated(world: World, long: int, status: int) -> None:
    world.set_price("WETH", 1_000)
    world.set_status("WETH", status)
    world.engine.liquidate(long, sender=world.roles["stranger"])
    world.chain.warp(TAU)
    world.set_status("WETH", status)
    quote = world.auction.quote(long)
    assert quote.takeable
    keeper, target = world.roles["keeper"], world.account("keeper", 3)
    world.fund("keeper", "USDC", 50_000, world.engine)
    owed = world.engine.debt_of(long, world["USDC"].token)
    calls = [
        world.engine.take.encode(long, WAD, target, -WAD),
        world.engine.deposit.encode(target, world["USDC"].token, owed * 2),
    ]
    world.fund("keeper", "USDC", 50_000, world.engine)
    world.engine.batch(calls, sender=keeper)
    assert_no_auction(world, long)
    world.set_status("WETH", OK)
    world.engine.withdraw(target, world["WETH"].token, 2**256 - 1, keeper, 0, sender=keeper)
