"""Interest that overflowed and bricked a pool (Silo, 2023, found in time): nobody could repay or be liquidated.

A rate that compounds for long enough at full utilisation leaves every type; from then on whatever accrues reverts, and
everything accrues. Here rates and exponents are clamped and totals saturate: for any cash, debt, rate and ten years of
silence, interest is booked, a debt can be repaid, and an account can be taken.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import Contract, RevmChain
from tests.support.pool import YEAR
from tests.support.scenario import World, deploy_world
from tests.unit.liquidation.conftest import WAD

WORD = 2**112 - 1
DOLLARS = (("USDC", "MockERC20", 6, 1, False), ("WETH", "MockERC20", 18, 2_000, False))

amounts = st.one_of(st.integers(1, 10), st.integers(1, 10**15), st.integers(1, WORD), st.integers(WORD - 10, WORD))


@pytest.fixture
def world(chain: RevmChain, monkeypatch: pytest.MonkeyPatch) -> World:
    """The protocol over pools that a test can put into any state; the trader owes 10,000 USDC against 10 WETH."""
    deploy = chain.deploy

    def with_a_door(name: str, *arguments: Any, **options: Any) -> Contract:
        return deploy("LendingPoolAnyState" if name == "LendingPool" else name, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(chain, "deploy", with_a_door)
        world = deploy_world(chain, DOLLARS)
    world["USDC"].pool.set_rates(
        (99 * WAD // 100, 100 * WAD, 200 * WAD, WAD // 1_000, 10 * WAD), sender=world.roles["owner"]
    )
    world.lend("USDC", 50_000)
    world.deposit(world.account("trader"), "WETH", 10)
    world.borrow(world.account("trader"), "USDC", 10_000)
    world["USDC"].token.mint(world["USDC"].pool, 2**120, sender=world.roles["stranger"])
    return world


@given(
    cash=st.one_of(st.just(0), amounts),
    debt=amounts,
    shares=st.integers(1, WORD),
    mine=st.integers(1, WAD),
    age=st.one_of(st.integers(0, 10 * YEAR), st.just(10 * YEAR)),
    rate=st.integers(WAD // 1_000, 10 * WAD),
    price=st.sampled_from([2_000, 1_000, 1]),
)
@example(cash=0, debt=WORD, shares=WORD, mine=WAD, age=10 * YEAR, rate=10 * WAD, price=1)
@example(cash=0, debt=1, shares=1, mine=WAD, age=10 * YEAR, rate=10 * WAD, price=2_000)
@example(cash=WORD, debt=WORD, shares=1, mine=WAD, age=10 * YEAR, rate=10 * WAD, price=2_000)
@example(cash=0, debt=10**13, shares=10**19, mine=WAD // 3, age=5 * YEAR, rate=10 * WAD, price=2_000)
def test_any_cash_any_debt_ten_years__accrue_repay_and_take_succeed(
    world: World, cash: int, debt: int, shares: int, mine: int, age: int, rate: int, price: int
) -> None:
    engine, pool, token = world.engine, world["USDC"].pool, world["USDC"].token
    account, trader, keeper = world.account("trader"), world.roles["trader"], world.roles["keeper"]
    with world.chain.isolate():
        world.chain.warp(10 * YEAR)
        for symbol in ("USDC", "WETH"):
            world[symbol].source.set_price(
                10**30 if symbol == "USDC" else price * 10**18, sender=world.roles["deployer"]
            )
        own = max(shares * mine // WAD, 1)
        ledger = (cash, debt, world.chain.timestamp() - age, shares, rate - rate % 10**5, 0, 255)
        pool.force(ledger, account, own, world.roles["lender"], 0, sender=keeper)
        with world.chain.isolate():
            pool.accrue(sender=keeper)
            assert debt <= pool.total_debt() <= WORD
            assert pool.totalAssets() == pool.cash() + pool.total_debt() - pool.state().unminted_fee
        owed = engine.debt_of(account, token)
        assert 0 < owed <= WORD
        for holder in (trader, keeper):
            token.mint(holder, WORD, sender=holder)
            token.approve(engine, WORD, sender=holder)
        with world.chain.isolate():
            assert engine.deposit(account, token, owed, sender=trader).return_value == owed
            assert engine.debt_of(account, token) == 0
        if world.health(account).equity < world.health(account).maintenance:
            engine.liquidate(account, sender=keeper)
            target = world.account("keeper", 1)
            take = engine.take.encode(account, WAD, target, -WAD)
            engine.batch([take, engine.deposit.encode(target, token, WORD)], sender=keeper)
            assert engine.debt_of(account, token) < owed
            assert engine.debt_of(target, token) == 0


def test_a_debt_at_its_limit__stops_growing_and_can_still_be_repaid(world: World) -> None:
    engine, pool, token = world.engine, world["USDC"].pool, world["USDC"].token
    account, trader = world.account("trader"), world.roles["trader"]
    pool.force(
        (0, WORD - 1, world.chain.timestamp(), 10**20, 10 * WAD, 0, 0), account, 10**20, trader, 0, sender=trader
    )
    for _ in range(5):
        world.chain.warp(2 * YEAR)
        pool.accrue(sender=trader)
        assert pool.total_debt() == WORD
    token.mint(trader, WORD, sender=trader)
    token.approve(engine, WORD, sender=trader)
    assert engine.deposit(account, token, WORD, sender=trader).return_value == WORD
    assert pool.total_debt() == 0
