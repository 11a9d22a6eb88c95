"""A rich attacker moves the pool behind the only source of an asset: nothing disagrees with it but its own limit.

What holds him is how far the limit lets the mean move before anybody could trade against him, and that the initial
margin is more than that. He plays his best case: nobody took a checkpoint for three windows, so that all the room
that the limit ever keeps is unused; he owns every block; nobody trades against him; he undoes his push himself.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from tests.attacks.conftest import Tell
from tests.support.attack import BLOCK, Stage

WAD = 10**18
DEPTH = 100_000_000
WINDOW = 1_800
TICKS_PER_HOUR = 1_000
ROOM = 3 * WINDOW * TICKS_PER_HOUR // 3_600
"""Ticks that the limit lets the mean move at once, where nobody took a checkpoint for three windows."""
WEALTH = {"USDC": 200 * DEPTH, "WETH": 200 * DEPTH // 2_000}
MOST_TICKS = 92_305
"""What a hundred times the pool's depth moves its price by."""
ALONE = (1, 2 * WAD // 100, WAD // 1_000, WAD // 1_000, 5 * WAD // 100)
POSITION = 1_000_000
"""Dollars. A bigger one needs a higher rate."""
INITIAL_RATIO = Fraction(5, 4)


def room(ticks: int) -> Fraction:
    """Return what so many ticks make of a price."""
    up = Fraction(10_001 ** abs(ticks) * 10**40 // 10_000 ** abs(ticks), 10**40)
    return up if ticks > 0 else 1 / up


def least_floor(ticks: int) -> Fraction:
    """Return the maintenance rate from which a price that is too high by so many ticks lends no more than the honest
    value.
    """
    return (1 - 1 / room(ticks)) / INITIAL_RATIO


@pytest.fixture
def alone(stage: Stage) -> Stage:
    """WETH with its mean as its only source."""
    key = stage.asset("WETH").key
    stage.risk_engine.set_sources(key, [stage.twap("WETH")], ALONE, sender=stage.devnet.maker)
    return stage


def raise_floor(stage: Stage, floor: Fraction) -> None:
    """Let the margin go to a floor, and wait until it is there."""
    key = stage.asset("WETH").key
    now = stage.risk_engine.margin_of(key).target
    parameters = (int(floor * WAD), now.cap, now.size_slope, now.ramp_up, now.ramp_down)
    stage.risk_engine.set_margin(key, parameters, sender=stage.devnet.maker)
    stage.devnet.warp(30 * 86_400)
    stage.devnet.settle()


def attempts(stage: Stage, blocks: int, sign: int, kept: bool) -> list[Fraction]:
    """Return the profits of pushes of many sizes, with WETH or dollars as what he leaves behind."""
    profits = []
    collateral, amount = ("WETH", POSITION // 2_000) if sign > 0 else ("USDC", POSITION)
    with stage.undone():
        stage.fund(**WEALTH)
        account = stage.account(1)
        stage.deposit(account, collateral, amount)
        if not kept:
            stage.devnet.warp(3 * WINDOW + BLOCK - BLOCK * blocks)
            stage.devnet.refresh()
        for share in (10, 60, 97, 100, 300):
            ticks = min(ROOM * share * WINDOW // (100 * BLOCK * blocks), MOST_TICKS)
            with stage.undone():
                stage.push("WETH", room(sign * ticks))
                stage.blocks(blocks)
                stage.leave(account, ("USDC", "WBTC", "WETH") if sign > 0 else ("WETH", "WBTC", "USDC"))
                stage.undo("WETH")
                profits.append(stage.profit())
    return profits


@pytest.mark.parametrize("blocks", [1, 2, 8, 150])
@pytest.mark.parametrize("sign", [1, -1])
def test_push_the_only_source__margin_above_the_room(alone: Stage, tell: Tell, sign: int, blocks: int) -> None:
    """The floor is what the formula says, and he gets nothing out of it however he pushes."""
    raise_floor(alone, least_floor(ROOM))
    profits = attempts(alone, blocks, sign, kept=False)
    tell(
        "push an asset's only source, floor 11.2 %",
        budget=100 * DEPTH,
        profit=max(profits),
        held_by="initial margin above the limit's room",
    )
    assert max(profits) <= 0


@pytest.mark.parametrize("blocks", [1, 2, 8, 150])
@pytest.mark.parametrize("sign", [1, -1])
def test_push_the_only_source__margin_below_the_room(alone: Stage, tell: Tell, sign: int, blocks: int) -> None:
    """With a floor of 8 % he does: why such an asset is not listed so. Bounded by the room."""
    profits = attempts(alone, blocks, sign, kept=False)
    most = POSITION * (room(ROOM) * (1 - INITIAL_RATIO * Fraction(8, 100)) - 1)
    tell(
        "push an asset's only source, floor 8 %",
        budget=100 * DEPTH,
        profit=max(profits),
        held_by="bounded: do not list it so",
    )
    assert max(profits) <= most
