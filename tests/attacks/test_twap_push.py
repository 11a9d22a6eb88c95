"""A rich attacker moves the pool behind an asset's mean; its other source is a feed.

He owns every block for as long as he likes, nobody trades against him, and he undoes his push himself at the end: all
that it costs him is the pool's fee. Before, during and after it he borrows all that anybody would lend him.
"""

from __future__ import annotations

from contextlib import suppress
from fractions import Fraction

import pytest

from plimsoll.chain import Revert
from tests.attacks.conftest import Tell
from tests.support.attack import Stage
from tests.support.scenario import OK

DEPTH = 100_000_000
"""Dollars on each side of the pool."""
BUDGETS = (1, 10, 100)
"""In units of it: what he pays into the pool at once."""
HELD = (1, 2, 8, 150)
BAND = (Fraction(101, 100), Fraction(1_019, 1_000), Fraction(98, 100), Fraction(99, 100))
"""Pushes that stay near what sources may disagree by."""
WAD = 10**18
WEALTH = {"USDC": 200 * DEPTH, "WETH": 200 * DEPTH // 2_000}


def factor(budget: int, up: bool) -> Fraction:
    """Return what x * y = k makes of a price for so many times one side."""
    return Fraction((1 + budget) ** 2) ** (1 if up else -1)


def moments(blocks: int) -> list[int]:
    """Return the blocks after which he tries."""
    return sorted({1, 2, 8, 40, 100, 149, blocks} & set(range(blocks + 1)))


@pytest.mark.parametrize("blocks", HELD)
@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("budget", BUDGETS)
def test_push_and_borrow_and_leave(stage: Stage, tell: Tell, budget: int, up: bool, blocks: int) -> None:
    """He holds WETH worth ten million, or as many dollars, and takes the most that is lent on it, at each moment in
    turn.
    """
    profit = attempt(stage, factor(budget, up), blocks)
    tell(
        "push a mean, borrow, leave the debt",
        budget=budget * DEPTH,
        profit=profit,
        held_by="sources disagree: nothing opens",
    )
    assert profit <= 0


@pytest.mark.parametrize("push", BAND)
@pytest.mark.parametrize("blocks", [8, 150])
def test_push_within_the_band(stage: Stage, tell: Tell, push: Fraction, blocks: int) -> None:
    """So little that the sources still agree: he counts at the worse of the two, so he can only lose by it."""
    profit = attempt(stage, push, blocks)
    tell("push it by 2 % only", budget=DEPTH // 100, profit=profit, held_by="the worse of bid and ask")
    assert profit <= 0


def attempt(stage: Stage, push: Fraction, blocks: int) -> Fraction:
    """Play it with both kinds of collateral, opening before or during the push; return the best of all."""
    profits = []
    for collateral, amount in (("WETH", 5_000), ("USDC", 10_000_000)):
        for opened in (False, True):
            with stage.undone():
                stage.fund(**WEALTH)
                account = stage.account(1)
                stage.deposit(account, collateral, amount)
                if opened:
                    other = "USDC" if collateral == "WETH" else "WETH"
                    stage.borrow(
                        account, other, Fraction(stage.most(account, other), 10 ** stage.asset(other).decimals)
                    )
                stage.push("WETH", push)
                past = 0
                for moment in moments(blocks):
                    stage.blocks(moment - past)
                    past = moment
                    mean = stage.twap("WETH")
                    if mean.next_checkpoint() <= stage.chain.timestamp():
                        mean.checkpoint(sender=stage.attacker)
                    with stage.undone():
                        stage.leave(account)
                        stage.undo("WETH")
                        profits.append(stage.profit())
                    with stage.undone():
                        stage.undo("WETH")
                        stage.leave(account)
                        profits.append(stage.profit())
                        stage.blocks(1)
                        stage.leave(account)
                        profits.append(stage.profit())
    return max(profits)


OUTSIDE = {"WETH": Fraction(984, 1_000), "USDC": Fraction(1_016, 1_000)}
INSIDE = {"WETH": Fraction(974, 1_000), "USDC": Fraction(1_025, 1_000)}
"""What the honest price does to who holds the most he can of one thing against the other. After it a further fall (or
rise) by 1 % does not take him below his line, or does.
"""
BAND_OF_MID = Fraction(1, 99)
"""How far mid goes while two sources are 2 % apart."""
CLOSE = Fraction(1, 1_000)
"""How near settled means are to the honest price."""


@pytest.mark.parametrize("blocks", HELD)
@pytest.mark.parametrize("held", ["WETH", "USDC"])
@pytest.mark.parametrize("up", [True, False])
@pytest.mark.parametrize("budget", BUDGETS)
def test_push_and_liquidate(stage: Stage, tell: Tell, budget: int, up: bool, held: str, blocks: int) -> None:
    """The victim, long or short, is hardly further from his line than sources may disagree."""
    victim = near_his_line(stage, held, OUTSIDE)
    stage.fund(**WEALTH)
    stage.push("WETH", factor(budget, up))
    past = 0
    for moment in moments(blocks):
        stage.blocks(moment - past)
        past = moment
        stage.risk_engine.mark([stage.asset("WETH").key], sender=stage.attacker)
        assert not stage.liquidates(victim)
    stage.undo("WETH")
    assert not stage.liquidates(victim)
    profit = stage.profit()
    tell(
        "push a mean, liquidate",
        budget=budget * DEPTH,
        profit=profit,
        held_by="what is not OK counts in the victim's favour",
    )
    assert profit <= 0


@pytest.mark.parametrize("held", ["WETH", "USDC"])
@pytest.mark.parametrize("push", [Fraction(2, 100), Fraction(5, 100), Fraction(50, 100)])
def test_push_within_the_band_and_liquidate(stage: Stage, tell: Tell, push: Fraction, held: str) -> None:
    """The victim is within 1 % of his line. The attacker holds the mean a little off until the bonus is largest.
    Bounded, not nothing.

    Nobody takes before him at a lower bonus, trades against him, marks or cures. A feed that is off by its own
    deviation does the same.
    """
    victim = near_his_line(stage, held, INSIDE)
    stage.fund(**WEALTH, WBTC=100)
    account = stage.account(1)
    stage.deposit(account, "WBTC", 100)
    stage.push("WETH", 1 - push if held == "WETH" else 1 + push)
    owed = "USDC" if held == "WETH" else "WETH"
    debt = stage.dollars(owed, stage.engine.debt_of(victim, stage.asset(owed).token))
    profits, begun = [Fraction(0)], False
    for _ in range(150):
        stage.blocks(1)
        if not begun and stage.liquidates(victim):
            begun = True
            stage.engine.liquidate(victim, sender=stage.attacker)
        if begun:
            assert stage.status("WETH") != OK or abs(stage.off("WETH") - 1) <= BAND_OF_MID + CLOSE
            with stage.undone(), suppress(Revert):
                stage.engine.take(victim, WAD, account, -WAD, sender=stage.attacker)
                stage.undo("WETH")
                profits.append(stage.profit())
    penalty = Fraction(stage.devnet.protocol.auction.auction_of(victim).penalty, WAD)
    tell(
        "push it by 2 % only, liquidate",
        budget=push * DEPTH,
        profit=max(profits),
        held_by="bounded: accounts within 1 % of their line",
    )
    assert max(profits) <= (penalty + BAND_OF_MID) * debt
    assert begun or push == Fraction(1, 2)


def near_his_line(stage: Stage, held: str, slips: dict[str, Fraction]) -> int:
    """Return the victim's account: the most he could owe, and then the price moved against him."""
    victim = stage.account(0, stage.victim)
    stage.owe_the_most(victim, held, "USDC" if held == "WETH" else "WETH", 1_000_000)
    stage.move("WETH", stage.honest["WETH"] * slips[held])
    health = stage.engine.health(victim)
    assert (health.equity - health.maintenance) / 10**18 / 1_000_000 > 0
    return victim
