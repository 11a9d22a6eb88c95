"""Dust of many assets, or one dead asset in a portfolio, that made a liquidation impossible.

Whoever sends a wei of a ninth asset to an account, or of a token that cannot be priced or moved, makes every function
that walks through the balances fail: the debtor does it to himself, a stranger to a debtor or to a keeper. Here a
stranger adds no asset to anybody's account, an account holds at most what an auction can move, and what has no price
stays behind while the rest is taken.
"""

from __future__ import annotations

import itertools
from fractions import Fraction

import pytest

from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import DEAD, OK, STALE, WIDE, World
from tests.unit.liquidation.conftest import TAU, WAD, assert_no_auction

HOUR = 3_600
HELD = {"WETH": 10, "DAI": 6_000, "WBTC": Fraction(1, 10)}
OWED = {"USDC": 15_000, "USDT": 8_000}


@pytest.fixture
def portfolio(world: World) -> int:
    """Three balances worth 32,000 dollars against two debts worth 23,000."""
    account = world.account("trader", 2)
    for symbol, amount in HELD.items():
        world.deposit(account, symbol, amount)
    for symbol, amount in OWED.items():
        world.borrow(account, symbol, amount)
    return account


def close(world: World, account: int, index: int) -> list[int]:
    """Take all that the auction offers and repay it in one batch; return the assets that stayed behind."""
    engine, keeper, target = world.engine, world.roles["keeper"], world.account("keeper", index)
    calls = [engine.take.encode(account, WAD, target, -WAD)]
    for symbol in OWED:
        units = world.fund("keeper", symbol, 50_000, engine)
        if world.engine.debt_of(account, world[symbol].token):
            calls.append(engine.deposit.encode(target, world[symbol].token, units))
    engine.batch(calls, sender=keeper)
    return [packed >> 184 for packed in engine.exposures(account)]


@pytest.mark.parametrize("symbol", ["WBTC", "USDT", "DAI", "PTS", "TAIL"])
def test_stranger__sends_a_first_unit__to_debtor_or_keeper__refused(world: World, auctioned: int, symbol: str) -> None:
    token = world[symbol].token
    world.fund("attacker", symbol, 1, world.engine)
    for account in (auctioned, world.account("keeper"), world.account("keeper", 1)):
        with reverts("engine: not allowed"):
            world.engine.deposit(account, token, 1, sender=world.roles["attacker"])
    before = world.engine.word_of(auctioned)
    token.mint(world.engine, 10**30, sender=world.roles["attacker"])
    assert world.engine.word_of(auctioned) == before, "tokens sent past the engine are nobody's"


def test_debtor__fills_his_own_account__no_further_than_an_auction_can_move(world: World, rich: int) -> None:
    """Seven balances and a debt in every other asset would be too many: the limits hold when the call ends."""
    trader, account, engine = world.roles["trader"], world.account("trader", 4), world.engine
    for symbol in ("WETH", "WBTC", "USDC", "USDT", "DAI", "PTS"):
        world.deposit(account, symbol, 1)
    world.fund("trader", "TAIL", 1, engine)
    with reverts("engine: isolated"):
        engine.deposit(account, world["TAIL"].token, 1, sender=trader)
    world.deposit(account, "WETH", 19)
    for symbol, amount in (("USDC", 20_000), ("USDT", 5_000), ("DAI", 5_000)):
        world.borrow(account, symbol, amount)
    world.deposit(rich, "WBTC", 1_000)
    world.set_price("WETH", 400)
    world.set_price("WBTC", 10_000)
    engine.liquidate(account, sender=world.roles["keeper"])
    before = world.auction.quote(account).debt
    engine.take(account, WAD, rich, -WAD, sender=world.roles["keeper"])
    assert world.auction.quote(account).debt < before


@pytest.mark.parametrize("statuses", list(itertools.product([OK, WIDE, STALE, DEAD], repeat=3)))
def test_portfolio__any_subset_of_assets_in_any_status__what_has_a_price_is_taken(
    world: World, portfolio: int, statuses: tuple[int, ...]
) -> None:
    """Deep under water even with every doubt in its favour; only where nothing has a price is there nothing to take."""
    for symbol, price in (("WETH", 300), ("WBTC", 6_000), ("DAI", Fraction(1, 10))):
        world.set_price(symbol, price)
    for symbol, status in zip(HELD, statuses, strict=True):
        world.set_status(symbol, status)
    world.engine.liquidate(portfolio, sender=world.roles["stranger"])
    dead = {world[symbol].key for symbol, status in zip(HELD, statuses, strict=True) if status == DEAD}
    quote = world.auction.quote(portfolio)
    assert quote.takeable == (len(dead) < 3)
    if not quote.takeable:
        return
    rest = set(close(world, portfolio, 5))
    assert dead <= rest, "what has no price stays"
    assert not rest & {world[symbol].key for symbol in HELD if world[symbol].key not in dead}, "the rest is gone"
    assert not any(account_word.holds(world.engine.word_of(world.account("keeper", 5)), key) for key in dead)


def test_one_dead_asset_for_good__does_not_keep_the_debts_alive(world: World, portfolio: int) -> None:
    """After the delay it counts nothing: what it should have paid for is written off, and the account is free."""
    keeper, dead = world.roles["keeper"], world["WBTC"].key
    world.set_price("WETH", 300)
    world.set_price("DAI", Fraction(1, 10))
    world.set_status("WBTC", DEAD)
    world.engine.liquidate(portfolio, sender=keeper)
    world.chain.warp(TAU)
    for symbol in ("WETH", "DAI", "USDC", "USDT"):
        world.set_price(symbol, world[symbol].price)
    close(world, portfolio, 5)
    for _ in range(3):
        world.risk_engine.mark([dead], sender=keeper)
        world.chain.warp(HOUR)
        for symbol in ("USDC", "USDT"):
            world.set_price(symbol, world[symbol].price)
    world.risk_engine.mark([dead], sender=keeper)
    if world.auction.quote(portfolio).active:
        world.engine.write_off(portfolio, sender=keeper)
    assert_no_auction(world, portfolio)
    assert all(world.engine.debt_of(portfolio, world[symbol].token) == 0 for symbol in OWED)


def test_a_token_that_cannot_move_any_more__is_taken_like_any_other(world: World, portfolio: int) -> None:
    """A take moves the ledger and no token, so a frozen token blocks nobody but who withdraws it."""
    source, keeper = world["DAI"].token, world.roles["keeper"]
    for symbol, price in (("WETH", 700), ("WBTC", 20_000)):
        world.set_price(symbol, price)
    world.engine.liquidate(portfolio, sender=keeper)
    source.burn(world.engine, source.balanceOf(world.engine), sender=keeper)
    before = world.auction.quote(portfolio).debt
    close(world, portfolio, 6)
    assert world.auction.quote(portfolio).debt < before
    with reverts("erc20: balance"):
        world.engine.withdraw(world.account("keeper", 6), source, 2**256 - 1, keeper, 0, sender=keeper)
