"""Euler, March 2023: 197 million dollars, by one function without a health check.

The attacker borrowed to the limit, gave his collateral away with `donateToReserves`, which did not ask whether he could
afford that, and liquidated the ruin he had made with a second account of his own, at the largest discount. Here every
way in which value leaves an account ends in the same check, and what an auction pays a debtor's second account is never
more than what the debtor's own margin brought.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support import reverts
from tests.support.scenario import FOREVER, World
from tests.unit.liquidation.conftest import TAIL, TAU, WAD

BORROWED = 40_000
OWN = 10_000


@pytest.fixture
def leveraged(world: World) -> int:
    """The attacker's account 0: 10,000 dollars of his own, and 40,000 borrowed, in WETH."""
    return world.open_position("attacker", 0, amount=OWN + BORROWED)


@pytest.fixture
def second(world: World) -> int:
    """His second account, rich enough to take anything: 10 WBTC."""
    account = world.account("attacker", 1)
    world.deposit(account, "WBTC", 10)
    return account


def wealth(world: World, *accounts: int) -> Fraction:
    """What the attacker can walk away with, dollars: accounts that are worth less than nothing he leaves behind."""
    attacker, pool = world.roles["attacker"], world["USDC"].pool
    own = sum(max(world.health(account).equity, 0) for account in accounts)
    return Fraction(own, WAD) + Fraction(pool.convertToAssets(pool.balanceOf(attacker)), 10**6)


def gifts(world: World, leveraged: int, second: int) -> dict[str, bytes]:
    """Every way to give away half of the collateral."""
    engine, weth, attacker = world.engine, world["WETH"].token, world.roles["attacker"]
    half = engine.balance_of(leveraged, weth) // 2
    nothing = (0).to_bytes(32, "big")
    worthless = (leveraged, weth, half, 0, world["DAI"].token, 0, world.swapper, nothing, FOREVER)
    calls = {
        "to himself": engine.withdraw.encode(leveraged, weth, half, attacker, 0),
        "to the reserve": engine.withdraw.encode(leveraged, weth, half, world.roles["fund"], 0),
        "to his second account": engine.transfer.encode(leveraged, second, weth, half),
        "to a swapper that delivers nothing": engine.trade.encode(*worthless, False),
        "more debt": engine.withdraw.encode(leveraged, world["USDC"].token, 20_000 * 10**6, attacker, 20_000 * 10**6),
    }
    return calls | {f"{name}, in a batch": engine.batch.encode([call]) for name, call in calls.items()}


def test_giving_collateral_away__every_way_is_checked(world: World, leveraged: int, second: int) -> None:
    attacker = world.roles["attacker"]
    for name, call in gifts(world, leveraged, second).items():
        with reverts("engine: initial margin"):
            world.chain.raw_call(world.engine, call, sender=attacker)
        assert world.health(leveraged).equity == OWN * WAD, name
    worthless = (leveraged, world["WETH"].token, 10**18, 0, world["USDC"].token, 0, world.swapper)
    with reverts("engine: reduce only"):
        world.engine.trade(*worthless, (0).to_bytes(32, "big"), FOREVER, True, sender=attacker)


def test_taking_on_a_ruined_account__is_checked_as_well(world: World, leveraged: int) -> None:
    """The second account may not be the ruin either: what assumes debts has to satisfy initial margin."""
    poor = world.account("attacker", 1)
    world.set_price("WETH", 1_500)
    world.engine.liquidate(leveraged, sender=world.roles["attacker"])
    world.warp(TAU)
    with reverts("engine: initial margin"):
        world.engine.take(leveraged, WAD, poor, -WAD, sender=world.roles["attacker"])


@given(
    price=st.integers(800, 1_766),
    wait=st.integers(0, 2 * TAIL),
    takes=st.lists(st.integers(WAD // 50, WAD), min_size=1, max_size=3),
)
@example(price=1_600, wait=TAIL, takes=[WAD])
@example(price=1_500, wait=TAU, takes=[WAD // 10, WAD // 2, WAD])
def test_two_accounts_of_one_owner__never_get_out_more_than_they_brought(
    world: World, leveraged: int, second: int, price: int, wait: int, takes: list[int]
) -> None:
    """He is debtor, starter and taker at once, chooses the fall and the moment, and leaves what is under water."""
    attacker = world.roles["attacker"]
    with world.chain.isolate():
        mine = world.copy()
        before = wealth(mine, leveraged, second)
        mine.set_price("WETH", price)
        mine.engine.liquidate(leveraged, sender=attacker)
        mine.warp(wait)
        for fraction in takes:
            quote = mine.auction.quote(leveraged)
            if quote.takeable:
                _take(mine, leveraged, min(fraction, quote.max_fraction), second)
        assert wealth(mine, leveraged, second) <= before
        mine.set_price("WETH", 2_000)


@pytest.mark.parametrize("fraction", [WAD // 100, WAD // 3, WAD])
@pytest.mark.parametrize("price", [1_766, 1_740, 1_700, 1_640])
def test_two_accounts_of_one_owner__solvent_and_at_once__gain_nothing(
    world: World, leveraged: int, second: int, fraction: int, price: int
) -> None:
    """The debtor starts, and takes with his other account in the same block: both together are not worth more."""
    world.set_price("WETH", price)
    before = wealth(world, leveraged, second)
    world.engine.liquidate(leveraged, sender=world.roles["attacker"])
    _take(world, leveraged, fraction, second)
    assert wealth(world, leveraged, second) <= before


@pytest.mark.parametrize("kind", ["shares", "repayment"])
def test_a_gift_to_the_pool__ruins_nobody_but_the_giver(world: World, leveraged: int, kind: str) -> None:
    """What a lender gives away, or repays for others, moves no account's health the wrong way."""
    before, attacker = world.health(leveraged), world.roles["attacker"]
    usdc = world["USDC"]
    world.fund("attacker", "USDC", 1_000, usdc.pool)
    usdc.pool.deposit(10**9, attacker, sender=attacker)
    shares = usdc.pool.balanceOf(attacker)
    if kind == "shares":
        usdc.pool.transfer(usdc.pool, shares, sender=attacker)
    else:
        usdc.pool.redeem(shares, usdc.pool, attacker, sender=attacker)
    assert world.health(leveraged) == before


def _take(world: World, account: int, fraction: int, target: int) -> Any:
    """Take as much as the rules for remainders allow: all of it where a part would leave too small a debt."""
    engine, attacker = world.engine, world.roles["attacker"]
    debt = world.auction.quote(account).debt
    left = debt - debt * fraction // WAD
    if left < engine.settings()[1]:
        fraction = WAD
    return engine.take(account, fraction, target, -WAD, sender=attacker)
