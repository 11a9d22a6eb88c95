"""Stream xUSD, November 2025, and Resolv USR, 2026: a coin counted at its net asset value, or at a dollar, while its
market said a half; everybody borrowed what was left in the pools, which then stood at 100 % for days and blocked
liquidations.

The attacker here buys the coin for 50 cents and deposits it at the value that its issuer says. The coin has two
sources, the issuer's number and a market; then one more holder must be liquidated while the pool has no cash at all.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from tests.support import reverts
from tests.support.scenario import OK, WIDE, WIDE_DELAY, World
from tests.unit.liquidation.conftest import TAU, WAD, assert_no_auction

HOUR = 3_600
COIN = "DAI"
TWO = (2, 2 * WAD // 100, 0, 0, WAD // 100)


@pytest.fixture
def market(world: World) -> Any:
    """The coin's second source; its first goes on saying a dollar, the net asset value."""
    source: Any = world.chain.deploy("MockPriceSource", sender=world.roles["deployer"])
    source.set_price(WAD, sender=world.roles["deployer"])
    world.risk_engine.set_sources(world[COIN].key, [world[COIN].source, source], TWO, sender=world.roles["owner"])
    return source


@pytest.fixture
def holder(world: World, market: Any) -> int:
    """100,000 coins against 80,000 USDC."""
    account = world.account("trader", 1)
    world.deposit(account, COIN, 100_000)
    world.borrow(account, "USDC", 80_000)
    return account


def depeg(world: World, market: Any, price: Fraction = Fraction(1, 2)) -> None:
    market.set_price(int(price * WAD), sender=world.roles["deployer"])


def status(world: World) -> int:
    return int(world.risk_engine.prices([world[COIN].key])[0].status)


def drain(world: World) -> None:
    """Borrow all the cash of the pool against something else."""
    whale = world.account("attacker", 9)
    world.deposit(whale, "WBTC", 5_000)
    world.borrow(whale, "USDC", Fraction(world["USDC"].pool.cash(), 10**6))
    assert world["USDC"].pool.cash() == 0


@pytest.mark.parametrize("price", [Fraction(97, 100), Fraction(1, 2), Fraction(1, 100)])
def test_depegged__nothing_opens_on_it(world: World, market: Any, price: Fraction) -> None:
    depeg(world, market, price)
    assert status(world) == WIDE
    attacker = world.account("attacker", 1)
    world.deposit(attacker, COIN, 1_000_000)
    for symbol in ("USDC", "WETH"):
        with reverts("engine: price status"):
            world.borrow(attacker, symbol, 1)


def test_within_the_deviation__new_risk_counts_the_lower_one(world: World, market: Any) -> None:
    """Bought for 98.1 cents, it opens no more than 98.1 cents."""
    depeg(world, market, Fraction(981, 1_000))
    assert status(world) == OK
    assert world.risk_engine.prices([world[COIN].key])[0].bid == 981 * WAD // 1_000


def test_depegged__holders_have_the_delay_to_leave(world: World, market: Any, holder: int) -> None:
    """Not certain, it counts the number that favours its holder; nobody is taken at the lower one before the delay."""
    depeg(world, market)
    world.risk_engine.mark([world[COIN].key], sender=world.roles["attacker"])
    for wait in (0, HOUR, HOUR - 1):
        world.chain.warp(wait)
        world.risk_engine.mark([world[COIN].key], sender=world.roles["attacker"])
        with reverts("auction: healthy"):
            world.engine.liquidate(holder, sender=world.roles["attacker"])
    trader = world.roles["trader"]
    world.deposit(holder, "USDC", 90_000)
    world.engine.withdraw(holder, world[COIN].token, 2**256 - 1, trader, 0, sender=trader)


def test_depegged_at_full_utilisation__liquidation_needs_no_cash(
    world: World, market: Any, holder: int, rich: int
) -> None:
    """For days nobody repays; start, take and the taker's repayment go on without a unit of cash in the pool."""
    drain(world)
    depeg(world, market)
    key, keeper = world[COIN].key, world.roles["keeper"]
    for _ in range(48):
        world.risk_engine.mark([key], sender=keeper)
        world.chain.warp(HOUR)
    assert WIDE_DELAY < 48 * HOUR
    world.risk_engine.mark([key], sender=keeper)
    world.engine.liquidate(holder, sender=keeper)
    world.chain.warp(TAU)
    assert world["USDC"].pool.cash() == 0
    quote = world.auction.quote(holder)
    assert quote.takeable
    target = world.account("keeper", 5)
    world.fund("keeper", "USDC", 200_000, world.engine)
    owed = world.engine.debt_of(holder, world["USDC"].token)
    calls = [
        world.engine.take.encode(holder, WAD, target, -WAD),
        world.engine.deposit.encode(target, world["USDC"].token, owed * 2),
    ]
    world.engine.batch(calls, sender=keeper)
    assert_no_auction(world, holder)
    assert world["USDC"].pool.cash() > 0, "what the keeper repaid is the first cash"


def test_a_third_source__one_lying_value_no_longer_counts(world: World, market: Any) -> None:
    """With a second market the middle number is a market's, whatever the issuer says."""
    other = world.chain.deploy("MockPriceSource", sender=world.roles["deployer"])
    other.set_price(WAD, sender=world.roles["deployer"])
    sources = [world[COIN].source, market, other]
    world.risk_engine.set_sources(world[COIN].key, sources, TWO, sender=world.roles["owner"])
    depeg(world, market)
    other.set_price(WAD // 2, sender=world.roles["deployer"])
    price = world.risk_engine.prices([world[COIN].key])[0]
    assert (price.mid, price.status) == (WAD // 2, WIDE)
    world.risk_engine.silence(world[COIN].key, 0, HOUR, sender=world.roles["guardian"])
    assert world.risk_engine.prices([world[COIN].key])[0].mid == WAD // 2
