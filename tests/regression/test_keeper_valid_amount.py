"""Keepers who could not find a valid amount: the largest one was not a view, and every other reverted.

An amount that was right a block ago is too much now, one that leaves a remainder under a minimum is refused, and while
keepers guess the account falls. Here the largest amount is a view, asking for more is cut to it, and what the quote
says can be taken in the same block whatever the account, the prices and their statuses are.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import Revert
from tests.support.scenario import DEAD, STALE, WIDE, World
from tests.unit.liquidation.conftest import TAU, WAD


@pytest.fixture
def portfolio(world: World) -> int:
    """Three balances and two debts: 15 WETH, 8,000 DAI, 0.2 WBTC against 25,000 USDC and 10,000 USDT."""
    account = world.account("trader", 2)
    world.deposit(account, "WETH", 15)
    world.deposit(account, "DAI", 8_000)
    world.deposit(account, "WBTC", Fraction(1, 5))
    world.borrow(account, "USDC", 25_000)
    world.borrow(account, "USDT", 10_000)
    return account


def take_what_the_quote_says(world: World, account: int, target: int, asked: int | None = None) -> Any:
    """Take the quoted maximum, or ask for more than that; the result is the quote's own numbers."""
    quote = world.auction.quote(account)
    fraction = quote.max_fraction if asked is None else asked
    receipt = world.engine.take(account, fraction, target, quote.bonus, sender=world.roles["keeper"])
    assert tuple(receipt.return_value) == (quote.max_fraction, quote.share)
    return receipt


@given(
    weth=st.integers(10, 2_000),
    dai=st.integers(1, 100),
    wbtc=st.integers(100, 60_000),
    waits=st.lists(st.integers(0, 2 * TAU), min_size=1, max_size=4),
    asked=st.sampled_from([None, WAD]),
)
@example(weth=1_200, dai=100, wbtc=60_000, waits=[0], asked=None)
@example(weth=1_200, dai=100, wbtc=60_000, waits=[0, TAU], asked=WAD)
@example(weth=10, dai=1, wbtc=100, waits=[TAU], asked=WAD)
def test_whatever_the_prices__the_quoted_maximum_is_taken_at_once(
    world: World, portfolio: int, rich: int, weth: int, dai: int, wbtc: int, waits: list[int], asked: int | None
) -> None:
    with world.chain.isolate():
        mine = world.copy()
        mine.deposit(rich, "WBTC", 100_000)
        for symbol, price in (("WETH", weth), ("DAI", Fraction(dai, 100)), ("WBTC", wbtc)):
            mine.set_price(symbol, price)
        if mine.health(portfolio).equity >= mine.health(portfolio).maintenance:
            return
        mine.engine.liquidate(portfolio, sender=mine.roles["stranger"])
        for wait in waits:
            mine.warp(wait)
            if mine.auction.quote(portfolio).takeable:
                take_what_the_quote_says(mine, portfolio, rich, asked)


@pytest.mark.parametrize(
    ("symbol", "status"),
    [(symbol, status) for symbol in ("DAI", "WETH", "WBTC") for status in (WIDE, STALE, DEAD)]
    + [("USDC", WIDE), ("USDC", STALE)],
)
def test_whatever_the_status_of_one_asset__the_quoted_maximum_is_taken_at_once(
    world: World, portfolio: int, symbol: str, status: int
) -> None:
    """The taker repays in the same batch, because nobody may keep new debt at a doubtful price."""
    engine, keeper, target = world.engine, world.roles["keeper"], world.account("keeper", 7)
    world.set_price("WETH", 700)
    engine.liquidate(portfolio, sender=world.roles["stranger"])
    world.set_status(symbol, status)
    quote = world.auction.quote(portfolio)
    assert quote.takeable
    calls = [engine.take.encode(portfolio, quote.max_fraction, target, quote.bonus)]
    for debt in ("USDC", "USDT"):
        units = world.fund("keeper", debt, 100_000, engine)
        calls.append(engine.deposit.encode(target, world[debt].token, units))
    before = world.auction.quote(portfolio).debt
    engine.batch(calls, sender=keeper)
    assert world.auction.quote(portfolio).debt < before


def test_price_after_price__a_keeper_who_reads_the_view__never_misses(world: World, auctioned: int, rich: int) -> None:
    """The account is taken bit by bit through a fall, by one who knows nothing but the view."""
    taken = 0
    for price in (1_760, 1_755, 1_750, 1_740, 1_700, 1_650, 1_500, 900):
        world.set_price("WETH", price)
        if not world.auction.quote(auctioned).active:
            break
        if world.auction.quote(auctioned).takeable:
            take_what_the_quote_says(world, auctioned, rich)
            taken += 1
            quote = world.auction.quote(auctioned)
            assert not quote.active or not quote.takeable, "one take is enough"
    assert taken >= 3


@pytest.mark.parametrize("price", [1_760, 1_700, 1_500])
def test_every_smaller_amount__is_accepted_or_says_why(world: World, long: int, rich: int, price: int) -> None:
    """Between a part that leaves the taker too little debt and the maximum there is no hole but the remainder's."""
    world.set_price("WETH", price)
    world.engine.liquidate(long, sender=world.roles["stranger"])
    most = world.auction.quote(long).max_fraction
    for part in range(1, 41):
        fraction = most * part // 40
        with world.chain.isolate():
            try:
                world.engine.take(long, fraction, rich, -WAD, sender=world.roles["keeper"])
            except Revert as refused:
                assert refused.reason == "auction: remainder"
                assert 40_000 * (WAD - fraction) < 100 * WAD


@pytest.mark.parametrize("amount", [101, 150, 199, 200, 250])
def test_debts_near_the_minimum__are_taken_whole(world: World, rich: int, amount: int) -> None:
    """A small account has no valid part but everything, and everything is what the view says."""
    account = world.account("trader", 3)
    keeper = world.roles["keeper"]
    world.engine.withdraw(rich, world["USDC"].token, 10**9, keeper, 10**9, sender=keeper)
    world.deposit(account, "WETH", Fraction(amount, 1_000))
    world.borrow(account, "USDC", amount)
    world.set_price("WETH", 1_085)
    world.engine.liquidate(account, sender=world.roles["stranger"])
    take_what_the_quote_says(world, account, rich)
    assert world.auction.quote(account).takeable is False
    assert world.balance(account, "USDC") == 0 or world.auction.quote(account).debt >= 100 * WAD
