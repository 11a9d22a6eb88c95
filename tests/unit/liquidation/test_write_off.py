"""MarginEngine.write_off: debts of an account with negative equity and only dust left are given up."""

from __future__ import annotations

from fractions import Fraction

import pytest

from plimsoll.model import account_word
from tests.support import reverts
from tests.support.scenario import DEAD, STALE, WIDE, World
from tests.unit.liquidation.conftest import WAD, assert_no_auction, provision


@pytest.fixture
def dust(world: World, long: int) -> int:
    """The trader's account with 25 WETH at 90 cents, which is dust beside 40,000 USDC of debt, under auction."""
    world.set_price("WETH", Fraction(9, 10))
    world.engine.liquidate(long, sender=world.roles["keeper"])
    return long


@pytest.mark.parametrize("role", ["stranger", "trader", "keeper", "guardian", "lender"])
def test_write_off__dust__anyone__whole_receipt(world: World, dust: int, role: str) -> None:
    usdc, weth = world["USDC"], world["WETH"]
    assets, debt = usdc.pool.totalAssets(), usdc.pool.debt_of(dust)
    expected = provision(world, dust)
    assert 0 < expected < debt
    receipt = world.engine.write_off(dust, sender=world.roles[role])
    assert [event.name for event in receipt.events] == ["Ended", "Collected", "WrittenOff", "Provisioned"]
    assert receipt.events[0] == world.auction.event("Ended", account=dust)
    assert receipt.events[1] == world.engine.event("Collected", account=dust, token=weth.token, amount=25 * WAD)
    assert receipt.events[2] == usdc.pool.event("WrittenOff", account=dust, loss=debt, covered=0, burned=0)
    assert receipt.events[3] == usdc.pool.event("Provisioned", account=dust, amount=0, total=0)
    fund = account_word.account(int(world.roles["fund"], 16), weth.key)
    assert world.engine.balance_of(fund, weth.token) == 25 * WAD
    assert world.engine.word_of(fund) == weth.key
    assert world.engine.exposures(dust) == []
    assert usdc.pool.totalAssets() == assets - debt
    assert_no_auction(world, dust)


def test_write_off__the_fund_bears_it_first(world: World, dust: int) -> None:
    usdc, fund = world["USDC"], world.roles["fund"]
    world.fund("fund", "USDC", 10_000, usdc.pool)
    usdc.pool.deposit(10_000 * 10**6, fund, sender=fund)
    price = usdc.pool.convertToAssets(10**24)
    receipt = world.engine.write_off(dust, sender=world.roles["stranger"])
    written = receipt.find("WrittenOff", usdc.pool)[0].args
    assert written["covered"] in (9_999_999_999, 10_000 * 10**6)
    assert usdc.pool.balanceOf(fund) == 0
    assert usdc.pool.convertToAssets(10**24) < price


def test_write_off__to_a_fund_account_that_is_full__can_be_withdrawn(world: World, dust: int) -> None:
    """What the fund collects beside eight assets of its own it can take out, though it could not have brought it in."""
    weth, fund = world["WETH"], world.roles["fund"]
    account = account_word.account(int(fund, 16), weth.key)
    for symbol in ("C0", "C1", "C2"):
        world.list_asset(symbol, "MockERC20", 18, 1)
    for symbol in ("USDC", "WBTC", "USDT", "PTS", "DAI", "C0", "C1", "C2"):
        world.deposit(account, symbol, 1)
    world.engine.write_off(dust, sender=world.roles["stranger"])
    assert account_word.held(world.engine.word_of(account)).bit_count() == 9
    world.engine.withdraw(account, world["USDC"].token, 1, fund, 0, sender=fund)
    world.engine.withdraw(account, weth.token, 2**256 - 1, fund, 0, sender=fund)
    assert weth.token.balanceOf(fund) == 25 * WAD


def test_write_off__another_pool_is_not_touched(world: World, dust: int) -> None:
    before = [tuple(world[symbol].pool.state()) for symbol in ("WETH", "USDT", "WBTC")]
    world.engine.write_off(dust, sender=world.roles["stranger"])
    assert [tuple(world[symbol].pool.state()) for symbol in ("WETH", "USDT", "WBTC")] == before


def test_write_off__more_than_dust__reverts(world: World, insolvent: int) -> None:
    for role in ("trader", "stranger", "owner", "guardian", "keeper"):
        with reverts("auction: not dust"):
            world.engine.write_off(insolvent, sender=world.roles[role])


def test_write_off__a_quarter_of_the_minimum_debt__is_dust(world: World, dust: int) -> None:
    world.set_price("WETH", 1 + Fraction(1, 10**15))
    with reverts("auction: not dust"):
        world.engine.write_off(dust, sender=world.roles["stranger"])
    world.set_price("WETH", 1)
    world.engine.write_off(dust, sender=world.roles["stranger"])


def test_write_off__no_auction__reverts(world: World, long: int) -> None:
    world.set_price("WETH", Fraction(9, 10))
    for account in (long, 0, world.account("stranger", 3)):
        with reverts("auction: none"):
            world.engine.write_off(account, sender=world.roles["stranger"])


def test_write_off__solvent__reverts(world: World, auctioned: int) -> None:
    with reverts("auction: solvent"):
        world.engine.write_off(auctioned, sender=world.roles["stranger"])


def test_write_off__healthy_dust_account__reverts(world: World, auctioned: int) -> None:
    """A healthy account is not written off because it is small."""
    world.deposit(auctioned, "USDC", 39_990)
    world.set_price("WETH", Fraction(1, 2))
    assert world.health(auctioned).equity > 0
    with reverts("auction: solvent"):
        world.engine.write_off(auctioned, sender=world.roles["stranger"])


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
def test_write_off__uncertain_price__reverts(world: World, dust: int, symbol: str, status: int) -> None:
    world.set_status(symbol, status)
    with reverts("auction: price status"):
        world.engine.write_off(dust, sender=world.roles["stranger"])


def test_write_off__check_pending__reverts(world: World, dust: int, rich: int) -> None:
    calls = [
        world.engine.withdraw.encode(rich, world["USDC"].token, 10**9, world.roles["keeper"], 10**9),
        world.engine.write_off.encode(rich),
    ]
    with reverts("engine: check pending"):
        world.engine.batch(calls, sender=world.roles["keeper"])


def test_write_off__paused__works(world: World, dust: int) -> None:
    world.engine.pause(sender=world.roles["guardian"])
    world.engine.write_off(dust, sender=world.roles["stranger"])


def test_write_off__several_debts__each_pool_bears_its_own(world: World) -> None:
    account = world.account("trader", 3)
    world.deposit(account, "WETH", 5)
    world.open(account, "USDC", 30_000, "WETH")
    world.open(account, "USDT", 10_000, "WETH")
    world.set_price("WETH", Fraction(1, 2))
    world.engine.liquidate(account, sender=world.roles["keeper"])
    owed = {symbol: -world.balance(account, symbol) for symbol in ("USDC", "USDT")}
    before = {symbol: world[symbol].pool.totalAssets() for symbol in owed}
    world.engine.write_off(account, sender=world.roles["stranger"])
    for symbol, debt in owed.items():
        assert world[symbol].pool.totalAssets() == before[symbol] - debt
    assert_no_auction(world, account)


def test_write_off__owner_is_free_afterwards(world: World, dust: int) -> None:
    world.engine.write_off(dust, sender=world.roles["stranger"])
    world.set_price("WETH", 2_000)
    world.deposit(dust, "WETH", 10)
    world.borrow(dust, "USDC", 1_000)
