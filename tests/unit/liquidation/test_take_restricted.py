"""MarginEngine.take of accounts with gates and caps: the taker is asked about, and nothing else is stopped."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS, Revert
from tests.support import reverts
from tests.support.liquidation import LiquidationTwin
from tests.support.scenario import DEAD, World
from tests.support.twin import Deposit, Withdraw
from tests.unit.liquidation.conftest import TAU, WAD, Close, assert_no_auction

HALF = WAD // 2


@pytest.fixture
def gate(world: World) -> Any:
    """A gate that lets everybody in."""
    return world.chain.deploy("MockGate", sender=world.roles["deployer"])


def guard(world: World, symbol: str, gate: Any) -> None:
    world.engine.set_gate(world[symbol].token, gate, sender=world.roles["owner"])


def refuse(world: World, gate: Any, account: int, symbol: str, *, owed: bool, refused: bool = True) -> None:
    gate.refuse(account, world[symbol].key, owed, refused, sender=world.roles["deployer"])


@pytest.mark.parametrize(("symbol", "owed"), [("WETH", False), ("USDC", True)])
def test_take__taker_is_not_let_in__reverts(
    world: World, auctioned: int, rich: int, gate: Any, symbol: str, owed: bool
) -> None:
    guard(world, symbol, gate)
    keeper = world.roles["keeper"]
    with world.chain.isolate():
        world.engine.take(auctioned, WAD, rich, -WAD, sender=keeper)
    refuse(world, gate, rich, symbol, owed=owed)
    for fraction in (1, HALF, WAD):
        with reverts("engine: gate"):
            world.engine.take(auctioned, fraction, rich, -WAD, sender=keeper)
    guard(world, symbol, ZERO_ADDRESS)
    world.engine.take(auctioned, WAD, rich, -WAD, sender=keeper)


@pytest.mark.parametrize(("symbol", "owed"), [("WETH", False), ("USDC", True)])
def test_take__gone_within_the_batch__is_asked_all_the_same(
    world: World, auctioned: int, close: Close, gate: Any, symbol: str, owed: bool
) -> None:
    """Who sells and repays at once would otherwise pass through what he may not have."""
    guard(world, symbol, gate)
    world.chain.warp(TAU)
    world.refresh()
    refuse(world, gate, world.account("keeper", 0), symbol, owed=owed)
    with reverts("engine: gate"):
        close(auctioned)
    refuse(world, gate, world.account("keeper", 0), symbol, owed=owed, refused=False)
    close(auctioned)


def test_take__the_account_that_is_taken_from__is_not_asked(world: World, auctioned: int, rich: int, gate: Any) -> None:
    for symbol in ("WETH", "USDC"):
        guard(world, symbol, gate)
        refuse(world, gate, auctioned, symbol, owed=False)
        refuse(world, gate, auctioned, symbol, owed=True)
    world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])


def test_take__of_the_taker_s_own_assets__asks_once_he_keeps_debts(
    world: World, auctioned: int, rich: int, gate: Any
) -> None:
    """His own restricted assets count in his own check, as with any new risk."""
    guard(world, "WBTC", gate)
    refuse(world, gate, rich, "WBTC", owed=False)
    with reverts("engine: gate"):
        world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])


def test_take__excluded_asset_with_a_gate__is_asked_about(world: World, rich: int, gate: Any) -> None:
    """Whether an asset stays behind depends on prices; who may take from the account does not."""
    account = world.open_position(amount=50_000)
    world.deposit(account, "USDT", 1)
    guard(world, "USDT", gate)
    refuse(world, gate, rich, "USDT", owed=False)
    world.set_price("WETH", 1_700)
    world.set_status("USDT", DEAD)
    world.engine.liquidate(account, sender=world.roles["stranger"])
    with reverts("engine: gate"):
        world.engine.take(account, WAD, rich, -WAD, sender=world.roles["keeper"])
    guard(world, "USDT", ZERO_ADDRESS)
    world.engine.take(account, WAD, rich, -WAD, sender=world.roles["keeper"])
    assert world.balance(account, "USDT") == 10**6


def test_take__refused__changes_nothing(world: World, auctioned: int, rich: int, gate: Any) -> None:
    guard(world, "USDC", gate)
    refuse(world, gate, rich, "USDC", owed=True)
    before = [list(world.engine.exposures(each)) for each in (auctioned, rich)]
    with reverts("engine: gate"):
        world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])
    assert [list(world.engine.exposures(each)) for each in (auctioned, rich)] == before


def test_gate__shut__auctions_start_are_cured_and_end(world: World, sick: int, gate: Any) -> None:
    """Nobody is asked for a start, a poke, a repayment, a reduction or a cancel."""
    for symbol in ("WETH", "USDC"):
        guard(world, symbol, gate)
        refuse(world, gate, sick, symbol, owed=False)
        refuse(world, gate, sick, symbol, owed=True)
    stranger = world.roles["stranger"]
    world.engine.liquidate(sick, sender=stranger)
    world.engine.poke(sick, sender=stranger)
    world.trade(sick, "WETH", 5, "USDC", reduce_only=True)
    world.deposit(sick, "USDC", 5_000)
    world.engine.cancel(sick, sender=stranger)
    assert_no_auction(world, sick)


def test_gate__shut__dust_is_written_off(world: World, insolvent: int, rich: int, gate: Any) -> None:
    world.set_price("WETH", 1)
    guard(world, "WETH", gate)
    refuse(world, gate, insolvent, "WETH", owed=False)
    world.engine.write_off(insolvent, sender=world.roles["stranger"])
    assert_no_auction(world, insolvent)


def test_gate__broken__stops_takes_until_the_owner_replaces_it(world: World, auctioned: int, rich: int) -> None:
    broken = world.chain.deploy("ScriptedAnswers", sender=world.roles["deployer"])
    guard(world, "WETH", broken)
    with reverts("engine: gate"):
        world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])
    guard(world, "WETH", ZERO_ADDRESS)
    world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"])


def test_take__little_gas__chooses_no_answer(world: World, auctioned: int, rich: int, gate: Any) -> None:
    guard(world, "WETH", gate)
    gate.set_least_gas(97_000, sender=world.roles["deployer"])
    reasons = set()
    for gas in (*range(40_000, 900_000, 9_000), None):
        with world.chain.isolate():
            try:
                world.engine.take(auctioned, WAD, rich, -WAD, sender=world.roles["keeper"], gas=gas)
                reasons.add("done")
            except Revert as error:
                reasons.add(error.reason or error.halt)
    assert "engine: gate" not in reasons
    assert {"engine: gas", "done"} <= reasons


def test_take__over_the_cap__needs_a_taker_who_does_not_keep_it(world: World, auctioned: int, rich: int) -> None:
    """Taking over what is beyond its cap and keeping it is new risk with it; selling it in the same batch is not."""
    engine, keeper, weth, usdc = world.engine, world.roles["keeper"], world["WETH"].token, world["USDC"].token
    engine.lower_cap(weth, 10**18, sender=world.roles["guardian"])
    world.chain.warp(TAU)
    world.refresh()
    take = engine.take.encode(auctioned, WAD, rich, -WAD)
    with reverts("engine: supply cap"):
        world.chain.raw_call(engine, take, sender=keeper)
    moved = engine.balance_of(auctioned, weth) * world.auction.quote(auctioned).share // WAD
    sale = engine.trade.encode(rich, weth, moved, 0, usdc, 0, world.swapper, b"", 2**40, False)
    engine.batch([take, sale], sender=keeper)
    assert world.balance(rich, "WETH") == 0


def test_take__restricted__equals_the_model(world: World) -> None:
    twin = LiquidationTwin(world, [world.account("keeper", 2), world.account("keeper", 3)])
    sick, taker = twin.accounts
    for account, symbol, amount in ((sick, "WETH", 10), (taker, "USDT", 10_000)):
        units = world.fund("keeper", symbol, amount, world.engine)
        assert twin.run("keeper", Deposit(account, symbol, units)) == ""
    assert twin.run("keeper", Withdraw(sick, "USDC", 16_000 * 10**6, 16_000 * 10**6)) == ""
    twin.set_price("WETH", 1_650)
    assert twin.act("stranger", "liquidate", sick) == ""
    seen = set()
    for refused in ({(taker, False)}, {(taker, True)}, {(sick, False), (sick, True)}, set()):
        for symbol in ("WETH", "USDC"):
            twin.set_gate(symbol, refused)
            for cap in (WAD, 0):
                twin.set_cap("WETH", cap)
                seen.add(twin.act("keeper", "take", sick, WAD // 10, taker, -WAD))
                twin.compare()
    assert seen >= {"", "engine: gate", "engine: supply cap"}
