"""CRV on Aave, November 2022, and UwU, June 2024: a position larger than its market.

A position that is safe at the oracle's price is not safe when selling it moves the price: keepers took what they could
sell, and the lenders kept the rest. Here the margin of a position grows with its size against the measured depth of its
market, and what is too large against it gets no credit at all: whatever the engine lets somebody open, keepers without
capital can sell through that market without a loss for the lenders.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from plimsoll.chain import ZERO_ADDRESS, Revert, RevmChain
from tests.support import reverts
from tests.support.scenario import FOREVER, World, deploy_world
from tests.unit.liquidation.conftest import TAU, WAD

DEPTH = 1_000_000
"""Dollars that move the market by two per cent."""
REACH = Fraction(2, 100)
IMPACT = REACH / 2
"""What selling as much as the depth loses on average, and what the margin of such a position is raised by."""
FLOOR, CAP, SIZE_LIMIT = 5 * WAD // 100, 40 * WAD // 100, 20 * WAD // 100
SLOPE = int(IMPACT * WAD / DEPTH)
PRICE = 100
CASH = 100_000_000


@pytest.fixture
def world(chain: RevmChain) -> World:
    """THIN at 100 dollars, whose margin follows the depth of its market; lenders have a hundred million dollars."""
    world = deploy_world(chain, (("USDC", "MockERC20", 6, 1, False),))
    world.margin = (FLOOR, CAP, SLOPE, 10**12, WAD // 10)
    thin = world.list_asset("THIN", "MockERC20", 18, PRICE)
    world.risk_engine.set_dynamics(
        thin.key, (ZERO_ADDRESS, 0, ZERO_ADDRESS, 0, SIZE_LIMIT), sender=world.roles["owner"]
    )
    world.lend("USDC", CASH)
    return world


def open_with_least_margin(world: World, dollars: int) -> int:
    """Buy THIN for so many dollars with as little of his own as the engine allows, to a thousandth of the position."""
    account, attacker = world.account("attacker"), world.roles["attacker"]
    world.fund("attacker", "USDC", dollars, world.engine)
    low, high = 0, 1_000
    while high - low > 1:
        own = (low + high) // 2
        with world.chain.isolate():
            try:
                _open(world, account, dollars, own)
                high = own
            except Revert as refused:
                assert refused.reason == "engine: initial margin"
                low = own
    assert 0 < high < 1_000
    assert attacker == world.owner_of(account)
    _open(world, account, dollars, high)
    return account


def _open(world: World, account: int, dollars: int, thousandths: int) -> None:
    engine, usdc, attacker = world.engine, world["USDC"].token, world.roles["attacker"]
    units = dollars * 10**6
    own = units * thousandths // 1_000
    trade = (account, usdc, units, units - own, world["THIN"].token, 0, world.swapper, b"", FOREVER, False)
    engine.batch([engine.deposit.encode(account, usdc, own), engine.trade.encode(*trade)], sender=attacker)


class Market:
    """The market that was measured: each sale moves its price on, and nobody refills it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.sold = Fraction(0)

    def close(self, account: int) -> bool:
        """A keeper without capital takes all he may and sells it here, if that pays him; return whether it did."""
        world, engine, keeper = self.world, self.world.engine, self.world.roles["keeper"]
        quote = world.auction.quote(account)
        if not quote.takeable:
            return False
        thin, usdc, target = world["THIN"], world["USDC"].token, world.account("keeper")
        held = engine.balance_of(account, thin.token) * quote.share // WAD
        worth = Fraction(held, 10**18) * thin.price
        proceeds = int(worth * (1 - REACH * (self.sold + worth / 2) / DEPTH) * 10**6)
        trade = (target, thin.token, held, 0, usdc, 0, world.swapper, proceeds.to_bytes(32, "big"), FOREVER, False)
        calls = [
            engine.take.encode(account, quote.max_fraction, target, -WAD),
            engine.trade.encode(*trade),
            engine.withdraw.encode(target, usdc, 2**256 - 1, keeper, 0),
        ]
        try:
            engine.batch(calls, sender=keeper)
        except Revert as refused:
            assert refused.reason in ("engine: initial margin", "engine: insufficient balance"), "it does not pay yet"
            return False
        self.sold += worth
        return True


@pytest.mark.parametrize("dollars", [100_000, 1_000_000, 5_000_000, 15_000_000, 19_900_000])
@pytest.mark.parametrize("gap", [0, 1, 2])
def test_the_largest_position_of_each_size__is_sold_through_its_market__lenders_lose_nothing(
    world: World, dollars: int, gap: int
) -> None:
    """The price falls through the line by another `gap` per cent at once; keepers come as soon as it pays."""
    account = open_with_least_margin(world, dollars)
    lenders = world["USDC"].pool.totalAssets()
    price = Fraction(PRICE)
    while world.health(account).equity >= world.health(account).maintenance:
        price -= Fraction(1, 20)
        world.set_price("THIN", price)
    world.set_price("THIN", price - Fraction(gap * PRICE, 100))
    world.engine.liquidate(account, sender=world.roles["stranger"])
    market, taken = Market(world), 0
    for _ in range(40):
        taken += market.close(account)
        world.chain.warp(TAU // 20)
        world.refresh()
    assert taken, "nobody came"
    health = world.health(account)
    assert health.equity >= 0
    assert health.equity >= health.maintenance
    assert world["USDC"].pool.totalAssets() >= lenders
    assert world["USDC"].pool.state().provisions == 0


def test_more_than_the_market_can_bear__gets_no_credit_at_any_margin(world: World) -> None:
    """Above the size limit even an account that owes a thousandth of its position is refused."""
    attacker, account = world.roles["attacker"], world.account("attacker")
    limit = int(Fraction(SIZE_LIMIT, SLOPE))
    world.fund("attacker", "USDC", 2 * limit, world.engine)
    _open(world, account, limit - PRICE, 990)
    other = world.account("attacker", 1)
    with reverts("engine: initial margin"):
        _open(world, other, limit + PRICE, 990)
    assert world.engine.word_of(other) == 0
    assert attacker == world.owner_of(other)
