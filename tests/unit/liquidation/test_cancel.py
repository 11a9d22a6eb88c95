"""MarginEngine.cancel: anyone ends the auction of an account that is back above its line; nothing of it is left."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.support import reverts
from tests.support.scenario import DEAD, FOREVER, STALE, WIDE, World
from tests.unit.liquidation.conftest import TAU, WAD, Close, assert_no_auction, provision


@pytest.mark.parametrize("role", ["trader", "stranger", "keeper", "guardian"])
def test_cancel__price_is_back__anyone_ends_it(world: World, auctioned: int, role: str) -> None:
    world.set_price("WETH", 1_800)
    receipt = world.engine.cancel(auctioned, sender=world.roles[role])
    assert receipt.events == [world.auction.event("Ended", account=auctioned)]
    assert_no_auction(world, auctioned)


def test_cancel__cured_by_a_deposit__ends_it(world: World, auctioned: int) -> None:
    world.deposit(auctioned, "USDC", 2_000)
    world.engine.cancel(auctioned, sender=world.roles["trader"])
    assert_no_auction(world, auctioned)
    world.deposit(auctioned, "USDC", 5_000)
    world.trade(auctioned, "WETH", 1, "USDC")


def test_cancel__cured_by_a_deposit_in_the_same_batch__ends_it(world: World, auctioned: int) -> None:
    """Who repays all he owes raises no risk: no check of him is to come that a cancellation would have to wait for."""
    trader, usdc = world.roles["trader"], world["USDC"]
    debt = usdc.pool.debt_of(auctioned)
    world.fund("trader", "USDC", 50_000, world.engine)
    calls = [world.engine.deposit.encode(auctioned, usdc.token, debt), world.engine.cancel.encode(auctioned)]
    world.engine.batch(calls, sender=trader)
    assert_no_auction(world, auctioned)
    assert world.engine.word_of(auctioned) == world["WETH"].key


def test_cancel__cured_by_a_transfer_in_the_same_batch__ends_it(world: World, auctioned: int) -> None:
    trader, usdc, source = world.roles["trader"], world["USDC"].token, world.account("trader", 9)
    world.deposit(source, "USDC", 2_000)
    calls = [
        world.engine.transfer.encode(source, auctioned, usdc, 2_000 * 10**6),
        world.engine.cancel.encode(auctioned),
    ]
    world.engine.batch(calls, sender=trader)
    assert_no_auction(world, auctioned)
    assert world.balance(auctioned, "USDC") == -38_000 * 10**6


def test_cancel__cured_by_a_reduction_in_the_same_batch__ends_it(world: World, auctioned: int) -> None:
    trader, usdc, weth = world.roles["trader"], world["USDC"].token, world["WETH"].token
    sale = (auctioned, weth, 5 * WAD, 0, usdc, 0, world.swapper, b"", FOREVER, True)
    calls = [world.engine.trade.encode(*sale), world.engine.cancel.encode(auctioned)]
    world.engine.batch(calls, sender=trader)
    assert_no_auction(world, auctioned)
    assert world.balance(auctioned, "USDC") == -31_200 * 10**6


def test_cancel__below_the_line__reverts(world: World, auctioned: int) -> None:
    for role in ("trader", "stranger", "owner", "guardian", "keeper"):
        with reverts("auction: below the line"):
            world.engine.cancel(auctioned, sender=world.roles[role])


def test_cancel__no_auction__reverts(world: World, long: int) -> None:
    for account in (long, 0, 2**256 - 1):
        with reverts("auction: none"):
            world.engine.cancel(account, sender=world.roles["stranger"])


def test_cancel__provisioned__releases_it(world: World, insolvent: int) -> None:
    assert provision(world, insolvent) > 0
    world.set_price("WETH", 2_000)
    receipt = world.engine.cancel(insolvent, sender=world.roles["stranger"])
    assert [event.name for event in receipt.events] == ["Ended", "Provisioned"]
    assert_no_auction(world, insolvent)
    assert world["USDC"].pool.state().provisions == 0


def test_cancel__four_provisioned_debts__releases_every_one(world: World) -> None:
    account = world.account("trader", 4)
    world.deposit(account, "WETH", 20)
    for symbol, amount in (("USDC", 6_000), ("USDT", 6_000), ("DAI", 6_000), ("WBTC", Fraction(1, 10))):
        world.borrow(account, symbol, amount)
    world.set_price("WETH", 1_000)
    world.engine.liquidate(account, sender=world.roles["keeper"])
    assert all(provision(world, account, symbol) > 0 for symbol in ("USDC", "USDT", "DAI", "WBTC"))
    world.set_price("WETH", 2_000)
    world.engine.cancel(account, sender=world.roles["stranger"])
    assert_no_auction(world, account)


def test_cancel__after_a_small_take__needs_the_requirement_alone(world: World, auctioned: int, close: Close) -> None:
    """Else whoever starts an auction could keep an account in it, up to its target, for a speck of its debts."""
    close(auctioned, WAD // 20)
    quote = world.auction.quote(auctioned)
    assert quote.equity < quote.requirement < quote.target
    with reverts("auction: below the line"):
        world.engine.cancel(auctioned, sender=world.roles["trader"])
    world.set_price("WETH", 1_770)
    quote = world.auction.quote(auctioned)
    assert quote.requirement <= quote.equity < quote.target
    assert not quote.takeable
    world.engine.cancel(auctioned, sender=world.roles["trader"])
    assert_no_auction(world, auctioned)


def test_cancel__after_a_take_of_the_maximum__in_the_same_block(world: World, auctioned: int, rich: int) -> None:
    quote = world.auction.quote(auctioned)
    assert 0 < quote.max_fraction < WAD
    world.engine.take(auctioned, quote.max_fraction, rich, -WAD, sender=world.roles["keeper"])
    after = world.auction.quote(auctioned)
    assert (after.takeable, after.max_fraction) == (False, 0)
    world.engine.cancel(auctioned, sender=world.roles["stranger"])
    assert_no_auction(world, auctioned)


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
def test_cancel__uncertain_price_with_debts__does_not_wipe_the_clock(
    world: World, insolvent: int, symbol: str, status: int
) -> None:
    before = world.auction.auction_of(insolvent)
    expected = provision(world, insolvent)
    world.set_status(symbol, status)
    with reverts("auction: price status"):
        world.engine.cancel(insolvent, sender=world.roles["trader"])
    assert world.auction.auction_of(insolvent) == before
    assert provision(world, insolvent) == expected


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_cancel__without_debts__at_any_price(world: World, insolvent: int, status: int) -> None:
    world.deposit(insolvent, "USDC", 40_001)
    assert provision(world, insolvent) == 0
    for symbol in ("WETH", "USDC"):
        world.set_status(symbol, status)
    trader, weth = world.roles["trader"], world["WETH"].token
    calls = [
        world.engine.cancel.encode(insolvent),
        world.engine.withdraw.encode(insolvent, weth, 2**256 - 1, trader, 0),
    ]
    world.engine.batch(calls, sender=trader)
    assert_no_auction(world, insolvent)
    assert weth.balanceOf(trader) == 25 * WAD


def test_cancel__check_pending__reverts(world: World, auctioned: int, rich: int) -> None:
    world.set_price("WETH", 2_000)
    world.engine.cancel(auctioned, sender=world.roles["trader"])
    trader, weth, usdc = world.roles["trader"], world["WETH"].token, world["USDC"].token
    trade = world.engine.trade.encode(auctioned, weth, 10**18, 0, usdc, 0, world.swapper, b"", 2**40, False)
    with reverts("engine: check pending"):
        world.engine.batch([trade, world.engine.cancel.encode(auctioned)], sender=trader)


def test_cancel__paused__works(world: World, auctioned: int) -> None:
    world.set_price("WETH", 1_800)
    world.engine.pause(sender=world.roles["guardian"])
    world.engine.cancel(auctioned, sender=world.roles["stranger"])


def test_cancel__cure_and_take_the_cure_back__reverts(world: World, auctioned: int) -> None:
    """A debtor who lends himself the cure for a moment does not restart his clock."""
    world.warp(TAU)
    trader, usdc = world.roles["trader"], world["USDC"].token
    world.fund("trader", "USDC", 10_000, world.engine)
    before = world.auction.auction_of(auctioned)
    calls = [
        world.engine.deposit.encode(auctioned, usdc, 10_000 * 10**6),
        world.engine.cancel.encode(auctioned),
        world.engine.withdraw.encode(auctioned, usdc, 10_000 * 10**6, trader, 10_000 * 10**6),
    ]
    with reverts("engine: initial margin"):
        world.engine.batch(calls, sender=trader)
    assert world.auction.auction_of(auctioned) == before


def test_cancel__then_again__starts_at_the_beginning_only_after_a_cure(world: World, auctioned: int) -> None:
    world.warp(TAU)
    world.set_price("WETH", 1_800)
    world.engine.cancel(auctioned, sender=world.roles["trader"])
    world.set_price("WETH", 1_760)
    world.engine.liquidate(auctioned, sender=world.roles["stranger"])
    assert world.auction.auction_of(auctioned).started_at == world.chain.timestamp()
