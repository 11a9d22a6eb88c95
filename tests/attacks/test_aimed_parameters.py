"""Whoever governs aims a change at one account: it satisfies initial margin today, and he wants to take it tomorrow.

The owner is free to do at once whatever his contracts let him (on a live network his timelock makes him wait as long
again); the guardian tightens; both have sources that answer what they like, and poke whenever they can.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS, Revert, RevmChain
from plimsoll.config import TIMELOCK
from plimsoll.devnet import default_config, start
from plimsoll.governance import Governance
from tests.attacks.conftest import Tell
from tests.support import reverts
from tests.support.attack import Stage, set_stage

WAD = 10**18
HOUR = 3_600
NOTICE = 24 * HOUR
HELD = ("WETH", "USDC")


def fastest(stage: Stage, symbol: str, floor: int) -> tuple[int, ...]:
    """Return the hardest margin that the setters take now: the highest floor and cap, the steepest slope, the fastest
    ramp.
    """
    ratio = stage.risk_engine.initial_ratio()
    base = stage.risk_engine.effective_rate(stage.asset(symbol).key, 0, stage.chain.timestamp())
    room = 4 * (ratio - WAD) * min(base, floor) * HOUR // (ratio + 3 * WAD)
    return floor, 499 * 10**15, 10**14, (room - 10**12 * HOUR) // NOTICE // 10**11 * 10**11, 10**17


def owner_sets_margin(stage: Stage, hour: int) -> None:
    """The hardest margin, set anew every hour, each time as fast as the base that was reached allows."""
    for symbol in HELD:
        parameters = fastest(stage, symbol, 499 * 10**15)
        stage.risk_engine.set_margin(stage.asset(symbol).key, parameters, sender=stage.devnet.maker)


def guardian_tightens(stage: Stage, hour: int) -> None:
    """The same within the speeds that the owner set."""
    for symbol in HELD:
        key = stage.asset(symbol).key
        target = stage.risk_engine.margin_of(key).target
        parameters = (499 * 10**15, 499 * 10**15, 10**14, target.ramp_up, target.ramp_down)
        stage.risk_engine.tighten_margin(key, parameters, sender=stage.devnet.maker)


def owner_sets_dynamics(stage: Stage, hour: int) -> None:
    """A volatility of a hundred and a market without depth, with the largest factors, no due sample and a size limit;
    poked every hour.
    """
    maker = stage.devnet.maker
    if hour == 0:
        liar: Any = stage.chain.deploy("ScriptedAnswers", sender=maker)
        measure, depth = (stage.chain.at(name, liar) for name in ("VolatilityOracle", "UniswapV3Depth"))
        overdue = (100 * WAD).to_bytes(32, "big") + stage.chain.timestamp().to_bytes(32, "big")
        liar.script(measure.measure.encode(0)[:4], 0, overdue, sender=maker)
        liar.script(depth.depth.encode()[:4], 0, (1).to_bytes(32, "big"), sender=maker)
        for symbol in HELD:
            dynamics = (liar, WAD, liar, 100 * WAD, 10**14)
            stage.risk_engine.set_dynamics(stage.asset(symbol).key, dynamics, sender=maker)
    for symbol in HELD:
        stage.risk_engine.poke(stage.asset(symbol).key, sender=stage.attacker)


def both(stage: Stage, hour: int) -> None:
    """Everything together, the fastest ramp first."""
    owner_sets_margin(stage, hour)
    owner_sets_dynamics(stage, hour)


def guardian_silences(stage: Stage, hour: int) -> None:
    """One of the two sources is silenced for as long as he may, and everybody pauses, and caps are lowered to
    nothing.
    """
    if hour == 0:
        maker = stage.devnet.maker
        stage.risk_engine.silence(stage.asset("WETH").key, 0, NOTICE, sender=maker)
        stage.engine.pause(sender=maker)
        for symbol in HELD:
            stage.asset(symbol).pool.lower_caps(0, 0, sender=maker)
            stage.engine.lower_cap(stage.asset(symbol).token, 1, sender=maker)


@pytest.mark.parametrize("held", HELD)
@pytest.mark.parametrize("change", [owner_sets_margin, guardian_tightens, owner_sets_dynamics, both, guardian_silences])
def test_aimed_at_one_account(stage: Stage, tell: Tell, change: Callable[[Stage, int], None], held: str) -> None:
    """For the whole of `notice`, at prices that do not move, the account cannot be taken; interest of a day is all
    that it lost.
    """
    victim = stage.account(0, stage.victim)
    stage.owe_the_most(victim, held, "USDC" if held == "WETH" else "WETH", 1_000_000)
    stage.fund(USDC=1_000_000)
    key = stage.asset("WETH").key
    rate = stage.risk_engine.effective_rate(key, 10**24, stage.chain.timestamp())
    for hour in range(24):
        change(stage, hour)
        stage.devnet.warp(HOUR)
        stage.devnet.refresh()
        stage.devnet.checkpoint()
        stage.risk_engine.mark([stage.asset("WETH").key], sender=stage.attacker)
        assert not stage.liquidates(victim), hour
    raised = Fraction(stage.risk_engine.effective_rate(key, 10**24, stage.chain.timestamp()), rate)
    assert raised > Fraction(105, 100) or change is guardian_silences
    with pytest.raises(Revert):
        stage.engine.withdraw.call(victim, stage.asset("WBTC").token, 10**6, stage.victim, 10**6, sender=stage.victim)
    profit = stage.profit()
    tell(
        f"aim at one account: {change.__name__.replace('_', ' ')}",
        budget=0,
        profit=profit,
        held_by="ramps: not within notice",
    )
    assert profit <= 0


@pytest.fixture(scope="module")
def governed() -> Stage:
    """The same devnet with a timelock as its owner; its admin is the deployer."""
    config = default_config()
    chain = RevmChain()
    protocol = replace(config.protocol, owner=TIMELOCK, guardian=chain.accounts()[9])
    devnet = start(chain, replace(config, protocol=protocol))
    assert Governance(chain, devnet.manifest).accept(devnet.maker) == []
    devnet.settle()
    return set_stage(devnet)


@pytest.mark.parametrize("held", HELD)
def test_aimed_through_the_timelock(governed: Stage, tell: Tell, held: str) -> None:
    """What no ramp holds is a source: the admin would replace them by one that lies. It waits for as long as
    `notice`, for all to see.

    He cannot do it himself, nor hurry it; whoever is aimed at closes his account meanwhile, at the honest price.
    """
    stage, factor = governed, Fraction(1, 2) if held == "WETH" else Fraction(2)
    with stage.undone():
        maker, weth = stage.devnet.maker, stage.asset("WETH")
        victim = stage.account(0, stage.victim)
        owed = stage.asset("USDC" if held == "WETH" else "WETH")
        stage.owe_the_most(victim, held, owed.symbol, 1_000_000)
        feed: Any = stage.chain.deploy("MockFeed", "liar", 8, int(2_000 * factor * 10**8), sender=maker)
        liar = stage.chain.deploy("FeedOracle", feed, 18, 1, 10**14, 30 * 86_400, ZERO_ADDRESS, 0, sender=maker)
        parameters = (1, 2 * WAD // 100, WAD // 1_000, WAD // 1_000, 5 * WAD // 100)
        with reverts("roles: owner only"):
            stage.risk_engine.set_sources(weth.key, [liar], parameters, sender=maker)

        rule = Governance(stage.chain, stage.devnet.manifest)
        lie = rule.schedule([rule.call("risk_engine", "set_sources", weth.key, [liar.address], parameters)], maker)
        assert any("set_sources" in line for line in rule.lines(rule.queue()[0]))
        for hour in range(24):
            with pytest.raises(Exception, match="timelock"):
                rule.execute(lie, maker)
            assert not stage.liquidates(victim), hour
            if hour == 22:
                with stage.undone():
                    stage.fund(stage.victim, **{owed.symbol: Fraction(1_100_000) / stage.honest[owed.symbol]})
                    stage.engine.deposit(
                        victim, owed.token, stage.engine.debt_of(victim, owed.token), sender=stage.victim
                    )
                    stage.engine.withdraw(
                        victim, stage.asset(held).token, 2**256 - 1, stage.victim, 0, sender=stage.victim
                    )
                    assert stage.engine.word_of(victim) == 0
            stage.devnet.warp(HOUR)
            stage.devnet.refresh()
            stage.devnet.checkpoint()
        rule.execute(lie, stage.attacker)
        assert stage.liquidates(victim)
        profit = stage.profit()
    tell(
        "aim at one account: sources, through the timelock",
        budget=0,
        profit=profit,
        held_by="waits as long as notice; anybody sees it, and leaves",
    )
    assert profit <= 0
