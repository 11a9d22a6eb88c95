"""Anybody may sample an asset's price for its volatility: the attacker does so only when it suits him.

On calm moments only, so that his own margin is small when he opens; on wild ones, and on ones that he makes wild
himself, so that others' grows. An honest keeper beside him, who samples as soon as he may, leaves him no moment to
choose; here there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import exp, sqrt
from random import Random
from typing import Any

import pytest

from tests.attacks.conftest import Tell
from tests.support.attack import Stage

WAD = 10**18
HOUR = 3_600
STEP = HOUR // 2
STEPS = 2 * 24 * 3
SIGMA = 2
HOURLY = SIGMA / sqrt(365 * 24)
DEPTH = 100_000_000

Rule = Callable[[float], bool]
"""Whether to sample, given the return since the last sample in deviations of an hour."""


def always(size: float) -> bool:
    return True


def calm(size: float) -> bool:
    return size < 0.5


def wild(size: float) -> bool:
    return size > 1


def oracle(stage: Stage) -> Any:
    """Return the volatility oracle."""
    return stage.chain.at("VolatilityOracle", stage.devnet.manifest.address("volatility"))


def walk(stage: Stage, rule: Rule) -> float:
    """Let the price walk for three days and nights, sampled by a rule; return sigma over the true one."""
    draw, price, key = Random(7), float(stage.honest["WETH"]), stage.asset("WETH").key
    source = oracle(stage)
    for _ in range(STEPS):
        price *= exp(draw.gauss(0, HOURLY * sqrt(STEP / HOUR)))
        stage.move("WETH", Fraction(f"{price:.2f}"))
        if source.next_sample(key) <= stage.chain.timestamp():
            last, now = source.last(key)[0], stage.price("WETH").mid
            if rule(abs(now / last - 1) / HOURLY):
                source.sample(key, sender=stage.attacker)
                stage.risk_engine.poke(key, sender=stage.attacker)
    return float(source.sigma(key)) / WAD / SIGMA


@pytest.mark.parametrize(("rule", "least", "most"), [(calm, 0.3, 1), (wild, 1, 1.5)])
def test_sample_when_it_suits(stage: Stage, tell: Tell, rule: Rule, least: float, most: float) -> None:
    """Alone he may wait for a price to come back: sigma falls by up to two thirds within days, until the asset's
    patience ends. But the margin never falls below the owner's floor: he opens at that, and leaves.
    """
    with stage.undone():
        honest = walk(stage, always)
    chosen = walk(stage, rule)
    assert least < chosen / honest < most
    key = stage.asset("WETH").key
    margin, dynamics = stage.risk_engine.margin_of(key), stage.risk_engine.dynamics_of(key)
    assert dynamics.floor <= margin.base
    assert dynamics.floor <= margin.target.floor <= margin.cap
    profits = []
    for held, owed in (("WETH", "USDC"), ("USDC", "WETH")):
        with stage.undone():
            stage.fund(**{held: Fraction(1_000_000) / stage.honest[held]})
            stage.deposit(stage.account(1), held, Fraction(1_000_000) / stage.honest[held])
            stage.leave(stage.account(1), (owed, held))
            profits.append(stage.profit())
    held_by = f"sigma {chosen / honest - 1:+.0%}, the margin not below its floor"
    tell(f"sample on {rule.__name__} moments only", budget=1_000_000, profit=max(profits), held_by=held_by)
    assert max(profits) <= 0


@pytest.mark.parametrize("held", ["WETH", "USDC"])
def test_make_it_wild(stage: Stage, tell: Tell, held: str) -> None:
    """He moves the mean up and down by 2 % every hour, holding it for a window, samples and pokes, to push the victim
    below his line.
    """
    victim, key = stage.account(0, stage.victim), stage.asset("WETH").key
    stage.owe_the_most(victim, held, "USDC" if held == "WETH" else "WETH", 1_000_000)
    stage.fund(WETH=10**5, USDC=2 * 10**8)
    source = oracle(stage)
    for hour in range(24):
        stage.push("WETH", Fraction(1_018 if hour % 2 else 982, 1_000))
        stage.devnet.warp(HOUR)
        for symbol in stage.honest:
            feed = stage.devnet.feeds[symbol]
            feed.set_answer(feed.latestRoundData()[1], sender=stage.devnet.maker)
        source.sample(key, sender=stage.attacker)
        stage.risk_engine.poke(key, sender=stage.attacker)
        stage.push("WETH", Fraction(1))
        assert not stage.liquidates(victim)
    sigma = Fraction(source.sigma(key), WAD)
    base = Fraction(stage.risk_engine.effective_rate(key, 0, stage.chain.timestamp()), WAD)
    profit = stage.profit()
    tell(
        "make samples wild: 2 % up and down",
        budget=2 * DEPTH // 100,
        profit=profit,
        held_by=f"sigma {float(sigma):.2f}, the base rate {float(base):.2%} after notice",
    )
    assert sigma < 2
    assert base < Fraction(9, 100)
    assert profit <= 0
