"""The market falls, by 99 % or less, in one block and the feed goes on saying the old price. The attacker buys what
nobody wants and borrows on it.

The world pays less from the first block on. The feed says the old price anew with every heartbeat, or nothing at all.
The mean of the market is the other source.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract
from plimsoll.uniswap import raw_price
from tests.attacks.conftest import Tell
from tests.support.attack import Stage

FALL = Fraction(1, 100)
BUDGET = 1_000_000
WINDOW = 1_800
MAX_AGE = 4_500
MOST_BLOCKS = {Fraction(1, 100): 1, Fraction(1, 2): 12, Fraction(7, 10): 24, Fraction(85, 100): 54}
"""What is left of the price, and for how many blocks after the fall's own it is not noticed."""


def crash(stage: Stage, left: Fraction = FALL) -> None:
    """Let the market fall to a part of its price, by whoever sells. The attacker buys the asset at what it is worth."""
    weth, dollars = stage.asset("WETH").token, stage.honest["WETH"] * left
    stage.devnet.uniswap.move_price(stage.pool("WETH"), weth, raw_price(dollars, 18, 6), stage.devnet.maker)
    stage.honest["WETH"] = dollars
    stage.fund(WETH=Fraction(BUDGET) / stage.honest["WETH"])


def attempts(stage: Stage, blocks: list[int]) -> dict[int, Fraction]:
    """Return what he wins by borrowing all he can so many blocks after the fall."""
    account = stage.account(1)
    stage.deposit(account, "WETH", Fraction(BUDGET) / stage.honest["WETH"])
    profits, past = {}, 0
    for block in blocks:
        stage.blocks(block - past)
        past = block
        with stage.undone():
            stage.leave(account, ("USDC", "WBTC"))
            profits[block] = stage.profit()
    return profits


def rest(stage: Stage, seconds: int) -> None:
    """Have the attacker take a checkpoint so long before the fall: from it the limited mean sets out."""
    stage.devnet.warp(WINDOW)
    stage.devnet.refresh()
    stage.twap("WETH").checkpoint(sender=stage.attacker)
    stage.devnet.warp(seconds)
    stage.devnet.refresh()


@pytest.mark.parametrize("left", [Fraction(1, 100), Fraction(1, 2), Fraction(7, 10), Fraction(85, 100)])
@pytest.mark.parametrize("since", [0, 600, 1_790, 3_600, 5_000, 5_200])
def test_frozen__fresh_at_the_old_price(stage: Stage, tell: Tell, since: int, left: Fraction) -> None:
    """Bounded in time, not in money: new risk closes once the mean is 2 % off, which a fall by 99 % does in one block.

    Until then all that is lent can go: the block of the fall itself is open to everybody on any oracle.
    """
    rest(stage, since)
    crash(stage, left)
    last = MOST_BLOCKS[left]
    tried = sorted({0, 1, 2, *range(5, last, 10), last, last + 1})
    profits = attempts(stage, tried)
    opened = [block for block, profit in profits.items() if profit > 0]
    assert opened == tried[: len(opened)]
    held_by = f"bounded: not noticed for {last} block{'s' * (last > 1)}, then the mean is 2 % off"
    tell(
        f"frozen feed beside a mean, fall by {float(1 - left):.0%}",
        budget=BUDGET,
        profit=max(profits.values()),
        held_by=held_by,
    )
    assert max(opened) <= last
    assert max(profits.values()) <= stage.lent() / left


@pytest.mark.parametrize("left", [Fraction(90, 100), Fraction(95, 100), Fraction(99, 100)])
def test_lagging__a_fall_within_the_initial_margin(stage: Stage, tell: Tell, left: Fraction) -> None:
    """He knows the feed's next answer and borrows before it is there: the margin he has to leave is worth more than
    what he knows.
    """
    rest(stage, 0)
    crash(stage, left)
    profits = attempts(stage, [0, 1, 8, 40, 90, 150])
    tell(
        "open just before a feed's answer, fall of 10 % or less",
        budget=BUDGET,
        profit=max(profits.values()),
        held_by="initial margin above the fall",
    )
    assert max(profits.values()) <= 0


@pytest.mark.parametrize("since", [0, 1_200])
def test_frozen__a_third_source_that_answers(stage: Stage, tell: Tell, since: int) -> None:
    """Another feed says what the market says: nothing opens from the first block on."""
    maker, weth = stage.devnet.maker, stage.asset("WETH")
    feed: Contract = stage.chain.deploy("MockFeed", "another", 8, 2_000 * 10**8, sender=maker)
    arguments = (feed, 18, 10**8, 10**14, 4_500, ZERO_ADDRESS, 0)
    another = stage.chain.deploy("FeedOracle", *arguments, sender=maker)
    sources = [*stage.risk_engine.sources_of(weth.key), another]
    stage.risk_engine.set_sources(
        weth.key, sources, tuple(stage.risk_engine.price_parameters_of(weth.key)), sender=maker
    )
    rest(stage, since)
    crash(stage)
    feed.set_answer(20 * 10**8, sender=maker)
    profits = attempts(stage, [0, 1, 2, 8, 40, 90, 150, 300])
    tell(
        "a frozen feed, a mean and a third source",
        budget=BUDGET,
        profit=max(profits.values()),
        held_by="disagreement: nothing opens",
    )
    assert max(profits.values()) <= 0


@pytest.mark.parametrize("late", [1, 600, 40_000])
def test_frozen__out_of_date(stage: Stage, tell: Tell, late: int) -> None:
    """The feed stopped before the fall and is older than its limit: the mean alone is not enough."""
    rest(stage, 1_200)
    stage.chain.warp(MAX_AGE + late)
    for other in ("USDC", "WBTC"):
        stage.devnet.feeds[other].set_answer(stage.devnet.feeds[other].latestRoundData()[1], sender=stage.devnet.maker)
    crash(stage)
    profits = attempts(stage, [0, 1, 2, 8, 40, 90, 150, 300])
    tell(
        "a feed that stopped before the fall",
        budget=BUDGET,
        profit=max(profits.values()),
        held_by="stale: nothing opens",
    )
    assert max(profits.values()) <= 0


@pytest.mark.parametrize("blocks", [1, 60, 150, 600])
def test_frozen__and_taken(stage: Stage, tell: Tell, blocks: int) -> None:
    """A short, deep in profit, is liquidated by nobody at the old price's side; and the long that is gone is written
    off by nobody yet.
    """
    short = stage.account(0, stage.victim)
    stage.owe_the_most(short, "USDC", "WETH", 1_000_000)
    rest(stage, 0)
    crash(stage)
    for _ in range(blocks):
        stage.blocks(1)
    stage.risk_engine.mark([stage.asset("WETH").key], sender=stage.attacker)
    assert not stage.liquidates(short)
    tell(
        "a frozen feed, take shorts",
        budget=BUDGET,
        profit=stage.profit(),
        held_by="what is not OK counts in the victim's favour",
    )
    assert stage.profit() <= 0
