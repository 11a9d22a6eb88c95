"""One of an asset's three sources belongs to the attacker: it says 1.3 or 0.7 times the truth, a moment or for days.

He borrows on it, takes victims on it, lets the guardian's silence work for him, and waits until what he says is
settled.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract, Revert
from tests.attacks.conftest import Tell
from tests.support.attack import Stage
from tests.support.scenario import OK, WIDE

WAD = 10**18
HOUR = 3_600
LIES = (Fraction(13, 10), Fraction(7, 10))
CENT = Fraction(1, 100)
"""A feed's eight decimals are coarser than a mean: a take of a million may differ by less than this."""
BRIEF, LONG = 600, 3 * HOUR
"""Less than a window, and longer than anything that waits for doubts to settle."""
THREE = (2, 2 * WAD // 100, WAD // 1_000, WAD // 1_000, 5 * WAD // 100)


@pytest.fixture
def feed(stage: Stage) -> Contract:
    """The feed that the attacker answers for: WETH has its own feed, its mean and this one."""
    deployer, weth = stage.devnet.maker, stage.asset("WETH")
    feed = stage.chain.deploy("MockFeed", "captured", 8, 2_000 * 10**8, sender=deployer)
    oracle = stage.chain.deploy("FeedOracle", feed, 18, 10 * 10**8, 10**14, 4_500, ZERO_ADDRESS, 0, sender=deployer)
    sources = [*stage.risk_engine.sources_of(weth.key), oracle]
    stage.risk_engine.set_sources(weth.key, sources, THREE, sender=deployer)
    assert stage.status("WETH") == OK
    return feed


def lie(stage: Stage, feed: Contract, factor: Fraction, seconds: int) -> None:
    """Let the captured source say so for so long, while the others go on saying the truth; he marks whenever he can."""
    for _ in range(max(seconds // HOUR, 1)):
        stage.chain.warp(min(seconds, HOUR))
        stage.devnet.refresh()
        feed.set_answer(int(factor * stage.honest["WETH"] * 10**8), sender=stage.attacker)
        stage.risk_engine.mark([stage.asset("WETH").key], sender=stage.attacker)


@pytest.mark.parametrize("seconds", [BRIEF, LONG])
@pytest.mark.parametrize("factor", LIES)
@pytest.mark.parametrize("held", ["WETH", "USDC"])
def test_lie_and_borrow(stage: Stage, feed: Contract, tell: Tell, held: str, factor: Fraction, seconds: int) -> None:
    """Nobody borrows more than at the honest price, whichever side he is on."""
    stage.fund(WETH=5_000, USDC=10_000_000)
    account = stage.account(1)
    stage.deposit(account, held, 5_000 if held == "WETH" else 10_000_000)
    owed = "USDC" if held == "WETH" else "WETH"
    honest = stage.most(account, owed)
    lie(stage, feed, factor, seconds)
    assert stage.status("WETH") == WIDE
    assert stage.most(account, owed) == 0 < honest
    stage.leave(account)
    profit = stage.profit()
    tell("one of three sources lies, borrow", budget=20_000_000, profit=profit, held_by="disagreement: nothing opens")
    assert profit <= 0


@pytest.mark.parametrize("seconds", [BRIEF, LONG])
@pytest.mark.parametrize("factor", LIES)
@pytest.mark.parametrize("held", ["WETH", "USDC"])
def test_lie_and_take(stage: Stage, feed: Contract, tell: Tell, held: str, factor: Fraction, seconds: int) -> None:
    """The victim is below his line in truth as well. A take never pays the attacker more than if the third source
    said what either of the honest ones says.
    """
    victim = stage.account(0, stage.victim)
    stage.owe_the_most(victim, held, "USDC" if held == "WETH" else "WETH", 1_000_000)
    stage.move("WETH", stage.honest["WETH"] * (Fraction(94, 100) if held == "WETH" else Fraction(106, 100)))
    feed.set_answer(int(stage.honest["WETH"] * 10**8), sender=stage.attacker)
    stage.fund(WBTC=100, USDC=2_000_000, WETH=1_000)
    first, mean = (reading(stage, index) for index in (0, 1))
    won = []
    for told in (Fraction(1), mean / first, factor):
        with stage.undone():
            stage.engine.liquidate(victim, sender=stage.keeper)
            lie(stage, feed, told, seconds)
            won.append(take(stage, victim, held))
    profit = won[2] - max(won[:2])
    tell(
        "one of three sources lies, take: against what a take pays without the lie",
        budget=2_000_000,
        profit=profit,
        held_by="valued in the victim's favour, once settled at the median",
    )
    assert profit < CENT


def reading(stage: Stage, index: int) -> Fraction:
    """Return what one of WETH's sources says."""
    source = stage.chain.at("FeedOracle", stage.risk_engine.sources_of(stage.asset("WETH").key)[index])
    return Fraction(source.read().price)


def take(stage: Stage, victim: int, held: str) -> Fraction:
    """Take everything allowed and end without debt, so that no status stands in the way; return what it won."""
    account = stage.account(2)
    owed = "USDC" if held == "WETH" else "WETH"
    token = stage.asset(owed).token
    debt = stage.engine.debt_of(victim, token)
    before = stage.wealth()
    steps = [
        stage.engine.take.encode(victim, WAD, account, -WAD),
        stage.engine.deposit.encode(account, token, debt),
    ]
    try:
        stage.engine.batch(steps, sender=stage.attacker)
    except Revert as error:
        assert error.reason == "auction: healthy", error.reason
        return Fraction(0)
    return stage.wealth() - before


@pytest.mark.parametrize("factor", LIES)
@pytest.mark.parametrize("silenced", [0, 1, 2])
def test_lie_while_one_is_silenced(stage: Stage, feed: Contract, tell: Tell, silenced: int, factor: Fraction) -> None:
    """The guardian silences the wrong source, or the right one: nobody at his line is taken from before the doubt is
    settled.
    """
    victims = []
    for index, (held, owed) in enumerate((("WETH", "USDC"), ("USDC", "WETH"))):
        victims.append(stage.account(index, stage.victim))
        stage.owe_the_most(victims[-1], held, owed, 1_000_000)
    stage.fund(WETH=5_000)
    account = stage.account(1)
    stage.deposit(account, "WETH", 5_000)
    stage.risk_engine.silence(stage.asset("WETH").key, silenced, 86_400, sender=stage.devnet.maker)
    for _ in range(5):
        lie(stage, feed, factor, 1_200)
        stage.leave(account, ("USDC", "WBTC"))
        assert not any(stage.liquidates(victim) for victim in victims)
    profit = stage.profit()
    tell(
        "one lies while the guardian silences another",
        budget=10_000_000,
        profit=profit,
        held_by="a silenced source still widens",
    )
    assert profit <= 0
