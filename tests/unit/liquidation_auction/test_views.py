"""LiquidationAuction.quote, shortfall, auction_of: what keepers read; quote never reverts and take keeps its word."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model import account_word
from tests.support.scenario import DEAD, STALE, WIDE, World
from tests.unit.liquidation.conftest import TAU, WAD

UNKNOWN = 2**256 - 1


@pytest.mark.parametrize("account", [0, 1, 2**96, 2**160, 2**256 - 1])
def test_quote__garbage__zeros(world: World, account: int) -> None:
    assert tuple(world.auction.quote(account)) == (False, False, 0, 0, 0, 0, 0, 0, 0)
    assert tuple(world.auction.auction_of(account)) == (0, ZERO_ADDRESS, 0, 0, False)


def test_quote__healthy__says_what_it_is_worth(world: World, long: int) -> None:
    health, quote = world.health(long), world.auction.quote(long)
    assert (quote.active, quote.takeable, quote.max_fraction, quote.bonus) == (False, False, 0, 0)
    assert (quote.equity, quote.requirement, quote.debt) == (health.equity, health.maintenance, health.debt)
    assert quote.target == health.maintenance * 11 // 10


def test_quote__liquidatable_without_an_auction__not_takeable(world: World, sick: int) -> None:
    quote = world.auction.quote(sick)
    assert (quote.active, quote.takeable, quote.max_fraction) == (False, False, 0)
    assert quote.equity < quote.requirement


def test_quote__under_auction_and_healthy_again__nothing_to_take(world: World, auctioned: int) -> None:
    world.set_price("WETH", 2_000)
    quote = world.auction.quote(auctioned)
    assert (quote.active, quote.takeable, quote.max_fraction, quote.share) == (True, False, 0, 0)
    assert quote.bonus < 0


def test_quote__a_wei_of_debt__has_a_bonus(world: World) -> None:
    account, dai, trader = world.account("trader", 3), world["DAI"].token, world.roles["trader"]
    world.deposit(account, "WETH", 25)
    world.engine.withdraw(account, dai, 40_000 * WAD, trader, 40_000 * WAD, sender=trader)
    world.set_price("WETH", 1_650)
    world.engine.liquidate(account, sender=world.roles["keeper"])
    for left, bonus in ((1, -world.auction.auction_of(account).penalty // 10), (0, 0)):
        dai.approve(world.engine, 2**256 - 1, sender=trader)
        world.engine.deposit(account, dai, world.engine.debt_of(account, dai) - left, sender=trader)
        quote = world.auction.quote(account)
        assert (quote.active, quote.takeable, quote.max_fraction) == (True, False, 0)
        assert (quote.debt, quote.bonus) == (left, bonus)


def test_quote__in_the_transaction_that_took_nearly_the_maximum__nothing_to_take(world: World, auctioned: int) -> None:
    """What is left of the way to the target, less than a millionth of the debts, is nobody's to take."""
    sender, wbtc, engine = world.roles["attacker"], world["WBTC"].token, world.engine
    taker: Any = world.chain.deploy("AttackSwapper", sender=sender)
    account = account_word.account(int(taker.address, 16), 0)
    wbtc.mint(taker, 50 * 10**8, sender=sender)
    taker.execute(wbtc, wbtc.approve.encode(engine, 50 * 10**8), sender=sender)
    taker.execute(engine, engine.deposit.encode(account, wbtc, 50 * 10**8), sender=sender)
    fraction = world.auction.quote(auctioned).max_fraction - 4 * 10**11
    actions = [
        (engine, engine.take.encode(auctioned, fraction, account, -WAD)),
        (world.auction, world.auction.quote.encode(auctioned)),
    ]
    taker.set_swap(actions, 0, True, sender=sender)
    taker.swap(wbtc, wbtc, 0, 0, taker, b"", sender=sender)
    answer = bytes(taker.results(1))
    active, takeable, max_fraction, share, _, equity, _, target = (
        int.from_bytes(answer[at : at + 32], "big") for at in range(0, 256, 32)
    )
    assert (active, takeable, max_fraction, share) == (True, False, 0, 0)
    assert target - 4 * 10**15 < equity < target


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
def test_quote__every_status__does_not_revert(world: World, insolvent: int, symbol: str, status: int) -> None:
    world.set_status(symbol, status)
    quote = world.auction.quote(insolvent)
    assert quote.active
    assert quote.takeable == (status != DEAD)
    if not quote.takeable:
        assert quote.max_fraction == quote.share == 0


@settings(max_examples=40)
@given(price=st.integers(1, 2_100), elapsed=st.integers(0, 2 * TAU), part=st.integers(1, WAD), again=st.booleans())
def test_quote__the_maximum__is_accepted_in_the_same_block(
    world: World, long: int, rich: int, price: int, elapsed: int, part: int, again: bool
) -> None:
    chain, keeper = world.chain, world.roles["keeper"]
    with chain.isolate():
        mine = world.copy()
        mine.set_price("WETH", 1_760)
        mine.engine.liquidate(long, sender=keeper)
        chain.warp(elapsed)
        if again and mine.auction.quote(long).takeable:
            fraction = max(part * mine.auction.quote(long).max_fraction // WAD, WAD // 300)
            mine.engine.take(long, fraction, rich, -WAD, sender=keeper)
        mine.set_price("WETH", price)
        quote = mine.auction.quote(long)
        if not quote.takeable:
            assert quote.max_fraction == quote.share == 0
            return
        account = mine.account("keeper", 9)
        mine.fund("keeper", "USDC", 50_000, mine.engine)
        owed = 50_000 * 10**6
        calls = [
            mine.engine.take.encode(long, quote.max_fraction, account, quote.bonus),
            mine.engine.deposit.encode(account, mine["USDC"].token, owed),
        ]
        receipt = mine.engine.batch(calls, sender=keeper)
        taken = receipt.find("Taken", mine.engine)[0].args
        assert (taken["fraction"], taken["share"], taken["bonus"]) == (quote.max_fraction, quote.share, quote.bonus)
        after = mine.health(long)
        positive = mine.engine.balance_of(long, mine["WETH"].token) * price
        assert after.debt == 0 or after.debt >= 100 * WAD - 10**13
        assert positive == 0 or after.debt == 0 or positive > 25 * WAD


def values(world: World, account: int) -> tuple[Any, ...]:
    return tuple(world.risk_engine.assess_liquidation(world.engine.exposures(account)))


def test_shortfall__no_auction__zero(world: World, long: int) -> None:
    world.set_price("WETH", 1_500)
    assert world.auction.shortfall(long, values(world, long)) == 0


def test_shortfall__insolvent__part_of_the_debt(world: World, insolvent: int) -> None:
    assert world.auction.shortfall(insolvent, values(world, insolvent)) == WAD // 16
    world.set_price("WETH", 1_700)
    assert world.auction.shortfall(insolvent, values(world, insolvent)) == 0


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_shortfall__uncertain_price__unknown(world: World, insolvent: int, status: int) -> None:
    world.set_status("WETH", status)
    assert world.auction.shortfall(insolvent, values(world, insolvent)) == UNKNOWN
