"""Rules of liquidation that others got wrong.

* Resolv USR 2026, Stream xUSD 2025: pools fully used for days; whatever needed their cash was stuck.
* Keepers could not find a valid amount, because the maximum was not a view.
* Dust of eight assets sent to a stranger or a keeper, or one dead asset in a portfolio, blocked liquidation.
* A healthy account was written off through a dust rule; a debtor started and restarted his own auction.
* Euler, March 2023: self-liquidation with two accounts of one owner paid.
"""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.support.scenario import World
from tests.unit.liquidation.conftest import TAIL, TAU, WAD, assert_no_auction


def test_the_maximum_is_a_view__and_accepted_in_the_same_block_until_the_account_is_whole(
    world: World, auctioned: int, rich: int
) -> None:
    for price in (1_760, 1_755, 1_750, 1_740, 1_700, 1_650):
        world.set_price("WETH", price)
        quote = world.auction.quote(auctioned)
        if not quote.takeable:
            continue
        receipt = world.engine.take(auctioned, quote.max_fraction, rich, quote.bonus, sender=world.roles["keeper"])
        assert tuple(receipt.return_value) == (quote.max_fraction, quote.share)
        if world.auction.quote(auctioned).active:
            assert not world.auction.quote(auctioned).takeable, "one take is enough"


def test_dust_of_many_assets__sent_by_a_stranger__is_refused(world: World, auctioned: int) -> None:
    for symbol in ("WBTC", "USDT", "DAI", "PTS", "TAIL"):
        world.fund("attacker", symbol, 1, world.engine)
        for account in (auctioned, world.account("keeper"), world.account("keeper", 1)):
            with reverts("engine: not allowed"):
                world.engine.deposit(account, world[symbol].token, 1, sender=world.roles["attacker"])


def test_dust_beside_a_debt__does_not_make_a_healthy_account_a_loss(world: World, auctioned: int) -> None:
    world.deposit(auctioned, "USDC", 39_995)
    with reverts("auction: solvent"):
        world.engine.write_off(auctioned, sender=world.roles["attacker"])
    world.engine.cancel(auctioned, sender=world.roles["attacker"])
    assert_no_auction(world, auctioned)


def test_debtor__starts_pokes_deposits_and_reduces__his_clock_runs_on(world: World, sick: int) -> None:
    trader = world.roles["trader"]
    world.engine.liquidate(sick, sender=trader)
    before = world.auction.auction_of(sick)
    for _ in range(4):
        world.warp(TAU // 4)
        with reverts("auction: running"):
            world.engine.liquidate(sick, sender=trader)
        with reverts("auction: below the line"):
            world.engine.cancel(sick, sender=trader)
        world.engine.poke(sick, sender=trader)
        world.trade(sick, "WETH", 1, "USDC", reduce_only=True)
        if world.auction.quote(sick).equity >= world.auction.quote(sick).requirement:
            break
    assert world.auction.auction_of(sick) == before


def test_debtor__takes_a_little_of_himself__moves_neither_clock_nor_penalty(world: World, sick: int) -> None:
    trader, other = world.roles["trader"], world.account("trader", 6)
    world.deposit(other, "WBTC", 1)
    world.engine.liquidate(sick, sender=world.roles["keeper"])
    before = world.auction.auction_of(sick)
    world.warp(TAU // 2)
    world.engine.take(sick, WAD // 300, other, -WAD, sender=trader)
    assert world.auction.auction_of(sick) == before
    world.warp(TAIL)
    world.engine.liquidate(sick, sender=trader)
    after = world.auction.auction_of(sick)
    assert after.penalty >= before.penalty
    assert after == before._replace(penalty=after.penalty)


@pytest.mark.parametrize("fraction", [WAD // 100, WAD // 3, WAD])
@pytest.mark.parametrize("price", [1_766, 1_740, 1_700, 1_640])
def test_two_accounts_of_one_owner__get_no_more_out_than_they_brought(
    world: World, long: int, fraction: int, price: int
) -> None:
    """The debtor starts, and takes with his other account at once: what both are worth together does not rise."""
    trader, other, pool = world.roles["trader"], world.account("trader", 6), world["USDC"].pool
    world.deposit(other, "WBTC", 1)
    world.set_price("WETH", price)
    before = world.health(long).equity + world.health(other).equity
    world.engine.liquidate(long, sender=trader)
    world.engine.take(long, fraction, other, -WAD, sender=trader)
    shares = pool.convertToAssets(pool.balanceOf(trader)) * 10**12
    assert world.health(long).equity + world.health(other).equity + shares <= before


def test_bad_debt_of_one_pool__never_moves_another_pools_share_price(world: World) -> None:
    account = world.account("trader", 3)
    world.deposit(account, "WETH", 5)
    world.open(account, "USDC", 30_000, "WETH")
    world.open(account, "USDT", 10_000, "WETH")
    world.set_price("WETH", 1_000)
    world.engine.liquidate(account, sender=world.roles["keeper"])
    before = {symbol: world[symbol].pool.convertToAssets(10**24) for symbol in ("DAI", "WETH", "WBTC")}
    price = {symbol: world[symbol].pool.convertToAssets(10**24) for symbol in ("USDC", "USDT")}
    world.set_price("WETH", 1)
    world.engine.poke(account, sender=world.roles["keeper"])
    world.engine.write_off(account, sender=world.roles["keeper"])
    assert {symbol: world[symbol].pool.convertToAssets(10**24) for symbol in before} == before
    assert all(world[symbol].pool.convertToAssets(10**24) < price[symbol] for symbol in price)
