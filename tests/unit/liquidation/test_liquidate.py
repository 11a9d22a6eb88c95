"""MarginEngine.liquidate: anyone starts the auction of an account below its maintenance line; nothing is seized."""

from __future__ import annotations

import pytest

from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import DEAD, STALE, WIDE, World
from tests.unit.liquidation.conftest import TAIL, WAD, provision


def test_liquidate__below_the_line__starts_and_moves_nothing(world: World, sick: int) -> None:
    engine, auction = world.engine, world.auction
    before = engine.exposures(sick)
    health = world.health(sick)
    receipt = engine.liquidate(sick, sender=world.roles["keeper"])
    penalty = health.maintenance * WAD // health.debt // 10**12 * 10**12
    assert receipt.events == [auction.event("Started", account=sick, starter=world.roles["keeper"], penalty=penalty)]
    assert engine.exposures(sick) == before
    assert engine.word_of(sick) & ~account_word.UNDER_AUCTION == world["WETH"].key | world["USDC"].key << 72
    assert tuple(auction.auction_of(sick)) == (world.chain.timestamp(), world.roles["keeper"], penalty, 1, False)


@pytest.mark.parametrize("role", ["trader", "stranger", "owner", "guardian", "lender", "operator", "attacker"])
def test_liquidate__anyone(world: World, sick: int, role: str) -> None:
    world.engine.liquidate(sick, sender=world.roles[role])
    assert world.auction.auction_of(sick).starter == world.roles[role]


@pytest.mark.parametrize("role", ["trader", "stranger", "owner", "guardian", "keeper"])
def test_liquidate__healthy__reverts(world: World, long: int, role: str) -> None:
    with reverts("auction: healthy"):
        world.engine.liquidate(long, sender=world.roles[role])


def test_liquidate__on_the_line_to_the_wei__healthy(world: World, long: int) -> None:
    low, high = 1_600 * WAD, 1_800 * WAD
    while high - low > 1:
        middle = (low + high) // 2
        world["WETH"].source.set_price(middle, sender=world.roles["deployer"])
        health = world.health(long)
        low, high = (middle, high) if health.equity < health.maintenance else (low, middle)
    world["WETH"].source.set_price(high, sender=world.roles["deployer"])
    with reverts("auction: healthy"):
        world.engine.liquidate(long, sender=world.roles["keeper"])
    world["WETH"].source.set_price(low, sender=world.roles["deployer"])
    world.engine.liquidate(long, sender=world.roles["keeper"])


def test_liquidate__nothing_there__reverts(world: World) -> None:
    for account in (0, 1, 2**256 - 1, world.account("trader", 9)):
        with reverts("auction: healthy"):
            world.engine.liquidate(account, sender=world.roles["keeper"])


def test_liquidate__no_debt__reverts_at_any_price(world: World) -> None:
    account = world.account("trader", 1)
    world.deposit(account, "WETH", 1)
    world.set_price("WETH", 1)
    for status in (None, WIDE, STALE, DEAD):
        if status is not None:
            world.set_status("WETH", status)
        with reverts("auction: healthy"):
            world.engine.liquidate(account, sender=world.roles["keeper"])


def test_liquidate__paused__works(world: World, sick: int) -> None:
    world.engine.pause(sender=world.roles["guardian"])
    world.engine.liquidate(sick, sender=world.roles["keeper"])


@pytest.mark.parametrize("status", [WIDE, STALE])
def test_liquidate__uncertain_price__works_and_provisions_nothing(world: World, long: int, status: int) -> None:
    world.set_price("WETH", 1_500)
    world.set_status("WETH", status)
    world.engine.liquidate(long, sender=world.roles["keeper"])
    assert provision(world, long) == 0
    assert world.engine.word_of(long) & account_word.PROVISIONED == 0


# Again


def test_liquidate__again__runs_until_the_tail(world: World, insolvent: int) -> None:
    world.warp(TAIL - 1)
    world.set_price("WETH", 1_760)
    with reverts("auction: running"):
        world.engine.liquidate(insolvent, sender=world.roles["stranger"])
    world.warp(1)
    world.set_price("WETH", 1_760)
    world.engine.liquidate(insolvent, sender=world.roles["stranger"])


def test_liquidate__after_the_tail__raises_the_penalty_and_keeps_clock_and_starter(
    world: World, insolvent: int
) -> None:
    before = world.auction.auction_of(insolvent)
    world.chain.warp(TAIL)
    world.refresh()
    world.set_price("WETH", 1_760)
    health = world.health(insolvent)
    receipt = world.engine.liquidate(insolvent, sender=world.roles["stranger"])
    penalty = health.maintenance * WAD // health.debt // 10**12 * 10**12
    assert penalty > before.penalty
    assert receipt.events == [
        world.auction.event("Raised", account=insolvent, penalty=penalty),
        world["USDC"].pool.event("Provisioned", account=insolvent, amount=0, total=0),
    ]
    assert world.auction.auction_of(insolvent) == before._replace(penalty=penalty)


def test_liquidate__after_the_tail__never_lowers_the_penalty(world: World, auctioned: int) -> None:
    world.warp(TAIL)
    world.set_price("WETH", 1_600)
    with reverts("auction: running"):
        world.engine.liquidate(auctioned, sender=world.roles["keeper"])


def test_liquidate__running_but_healthy_again__reverts(world: World, auctioned: int) -> None:
    world.warp(TAIL)
    world.set_price("WETH", 2_000)
    with reverts("auction: healthy"):
        world.engine.liquidate(auctioned, sender=world.roles["keeper"])


# Provisions


def test_liquidate__insolvent__provisions_the_loss(world: World, insolvent: int) -> None:
    assert provision(world, insolvent) == 2_500 * 10**6
    assert world["USDC"].pool.state().provisions == 2_500 * 10**6
    assert world.engine.word_of(insolvent) & account_word.PROVISIONED


def test_liquidate__insolvent__whole_receipt(world: World, long: int) -> None:
    world.set_price("WETH", 1_500)
    receipt = world.engine.liquidate(long, sender=world.roles["keeper"])
    pool = world["USDC"].pool
    assert [event.name for event in receipt.events] == ["Started", "Provisioned"]
    assert receipt.events[1] == pool.event("Provisioned", account=long, amount=2_500 * 10**6, total=2_500 * 10**6)


@pytest.mark.parametrize("symbols", [("USDC", "USDT"), ("USDT", "USDC")])
def test_liquidate__several_debts__split_does_not_depend_on_their_order(world: World, symbols: tuple[str, str]) -> None:
    account = world.account("trader", 3)
    world.deposit(account, "USDC" if symbols[0] == "USDT" else "USDT", 10_000)
    world.trade(account, "USDC" if symbols[0] == "USDT" else "USDT", 10_000, "WETH")
    for symbol, amount in zip(symbols, (30_000, 10_000), strict=True):
        world.open(account, symbol, amount, "WETH")
    world.set_price("WETH", 1_500)
    world.engine.liquidate(account, sender=world.roles["keeper"])
    assert provision(world, account, symbols[0]) == 1_875 * 10**6
    assert provision(world, account, symbols[1]) == 625 * 10**6


def test_liquidate__expected_loss__the_smallest_remainder_counts(world: World) -> None:
    """The debt times its shortfall is 1e-18 of a unit more than a whole number: a whole unit more is provisioned."""
    trader, debt = world.roles["trader"], 40_000 * WAD + 69
    account = world.account("trader", 3)
    world.deposit(account, "WETH", 25)
    world.engine.withdraw(account, world["DAI"].token, debt, trader, debt, sender=trader)
    shortfall = pow(69, -1, WAD)
    lost = debt * shortfall // WAD
    assert debt * shortfall % WAD == 1
    price = -(-(debt - lost) // 25)
    world["WETH"].source.set_price(price, sender=world.roles["deployer"])
    world.engine.liquidate(account, sender=world.roles["stranger"])
    assert world.auction.shortfall(account, world.risk_engine.assess_liquidation(world.engine.exposures(account))) == (
        shortfall
    )
    assert provision(world, account, "DAI") == lost + 1


def test_liquidate__the_smallest_loss_there_is__is_expected(world: World) -> None:
    """Of 40,000 dollars a wei, rounded up to 1e-18 of the debt, and that to a raw unit."""
    trader, debt = world.roles["trader"], 40_000 * WAD + 1
    account = world.account("trader", 3)
    world.deposit(account, "WETH", 25)
    world.engine.withdraw(account, world["DAI"].token, debt, trader, debt, sender=trader)
    world.set_price("WETH", 1_600)
    receipt = world.engine.liquidate(account, sender=world.roles["stranger"])
    assert world.auction.quote(account).equity == -1
    assert receipt.events[1:] == [world["DAI"].pool.event("Provisioned", account=account, amount=40_001, total=40_001)]
    assert world.engine.word_of(account) & account_word.PROVISIONED


# Pending


def test_liquidate__check_pending__reverts(world: World, sick: int) -> None:
    world.set_price("WETH", 2_000)
    trader, weth, usdc = world.roles["trader"], world["WETH"].token, world["USDC"].token
    calls = [
        world.engine.trade.encode(sick, weth, 10**18, 0, usdc, 0, world.swapper, b"", 2**40, False),
        world.engine.liquidate.encode(sick),
    ]
    with reverts("engine: check pending"):
        world.engine.batch(calls, sender=trader)


def test_liquidate__in_a_batch__keeps_the_sender_as_starter(world: World, sick: int) -> None:
    world.engine.batch([world.engine.liquidate.encode(sick)], sender=world.roles["stranger"])
    assert world.auction.auction_of(sick).starter == world.roles["stranger"]
