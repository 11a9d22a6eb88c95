"""What moving margins do to accounts, through the engine: a volatile market, a missed sample, too big a position."""

from __future__ import annotations

from typing import Any

import pytest
from eth_utils.crypto import keccak

from tests.support import reverts
from tests.support.scenario import DAY, NOTICE, WAD, World

PERCENT = WAD // 100
HOUR = 3_600
SWIFT = (5 * PERCENT, 40 * PERCENT, 10**9, 3 * 10**14, PERCENT)
"""A margin that moves as fast as the promise of notice lets it: 5 %, and 0.1 % more per million dollars."""


class Gauge:
    """A volatility source that says what it is told, which GOLD's margin follows."""

    def __init__(self, world: World, size_limit: int = 0) -> None:
        self.world, self.key, self.owner = world, world["GOLD"].key, world.roles["owner"]
        self.contract: Any = world.chain.deploy("ScriptedAnswers", sender=self.owner)
        self.say(WAD // 10, world.chain.timestamp() + 10 * DAY)
        parameters = (self.contract, 10 * PERCENT, "0x" + "00" * 20, 0, size_limit)
        world.risk_engine.set_dynamics(self.key, parameters, sender=self.owner)

    def say(self, sigma: int, due: int) -> None:
        """Answer this, and let somebody poke."""
        answer = sigma.to_bytes(32, "big") + due.to_bytes(32, "big")
        self.contract.script(keccak(text="measure(uint256)")[:4], 0, answer, sender=self.owner)
        self.world.risk_engine.poke(self.key, sender=self.world.roles["stranger"])


@pytest.fixture
def funded(world: World) -> World:
    """The world with dollars to borrow, and gold whose margin is swift."""
    world.lend("USDC", 10**8)
    world.margin = SWIFT
    world.list_asset("GOLD", "MockERC20", 18, 2_000)
    return world


def test_volatility__an_account_at_initial_margin__is_not_liquidatable_within_notice(funded: World) -> None:
    """Invariant 18 through the engine: every hour the market is wilder than before and anyone pokes."""
    world = funded
    gauge = Gauge(world)
    account = world.open_position(collateral=("USDC", 10_000), amount=80_000, buy="GOLD")
    world.borrow(account, "USDC", _room(world, account))
    health = world.health(account)
    assert 0 <= health.equity_initial - health.initial < 2 * WAD
    for hour in range(NOTICE // HOUR):
        gauge.say((hour + 1) * WAD, world.chain.timestamp() + DAY)
        world.warp(HOUR)
        health = world.health(account)
        assert health.equity >= health.maintenance
        with reverts("auction: healthy"):
            world.engine.liquidate(account, sender=world.roles["keeper"])
    assert health.equity_initial < health.initial
    assert world.risk_engine.margin_of(gauge.key).target.floor == SWIFT[1]


def test_volatility__missed_sample__stops_new_risk_and_nothing_else(funded: World) -> None:
    world = funded
    gauge = Gauge(world)
    account = world.open_position(collateral=("USDC", 10_000), amount=60_000, buy="GOLD")
    world.borrow(account, "USDC", 1)
    gauge.say(WAD // 10, world.chain.timestamp())
    before = world.health(account)
    world.warp(DAY)
    after = world.health(account)
    assert (before.equity_initial > before.initial, after.equity_initial > after.initial) == (True, False)
    with reverts("engine: initial margin"):
        world.borrow(account, "USDC", 1)
    with reverts("auction: healthy"):
        world.engine.liquidate(account, sender=world.roles["keeper"])
    world.trade(account, "GOLD", 1, "USDC", reduce_only=True)
    world.deposit(account, "USDC", 1)
    gauge.say(WAD // 10, world.chain.timestamp() + DAY)
    world.borrow(account, "USDC", 1)


def test_size_limit__a_position_too_big_for_its_market__takes_no_more_risk(funded: World) -> None:
    """0.1 % per million: a limit of 1 % is 10 million dollars. Below it everything works, above it reducing does."""
    world = funded
    Gauge(world, size_limit=PERCENT)
    account = world.account("trader", 1)
    world.deposit(account, "USDC", 5_000_000)
    world.trade(account, "USDC", 9_990_000, "GOLD", 4_990_000)
    with reverts("engine: initial margin"):
        world.trade(account, "USDC", 20_000, "GOLD", 20_000)
    world.set_price("GOLD", 2_100)
    with reverts("engine: initial margin"):
        world.borrow(account, "USDC", 1)
    with reverts("auction: healthy"):
        world.engine.liquidate(account, sender=world.roles["keeper"])
    world.trade(account, "GOLD", 100, "USDC", reduce_only=True)
    world.trade(account, "GOLD", 200, "USDC")
    world.borrow(account, "USDC", 1)


def _room(world: World, account: int) -> int:
    """Return the whole dollars that the account may still borrow."""
    health = world.health(account)
    # a borrowed dollar lowers equity by itself and its spread, and raises the requirement by its own margin
    dollar = world.risk_engine.effective_rate(world["USDC"].key, 10**5 * WAD, 0) * 12 // 10
    room: int = (health.equity_initial - health.initial) // (WAD * 1_001 // 1_000 + dollar)
    return room
