"""The means: against the twin, against a sum over seconds, and over which time they are taken."""

from __future__ import annotations

from copy import copy
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from tests.support import reverts
from tests.support.uniswap import Market, open_market
from tests.unit.twap_oracle.conftest import TICKS_PER_HOUR, WINDOW, OpenOracle, Oracle

WAITS = st.one_of(st.integers(1, 120), st.integers(1, WINDOW), st.integers(WINDOW, 4 * WINDOW))
FACTORS = st.fractions(Fraction(1, 20), Fraction(20), max_denominator=1_000)


@given(steps=st.lists(st.tuples(WAITS, st.none() | FACTORS, st.booleans()), min_size=1, max_size=12))
@settings(max_examples=40)
def test_mean__equals_the_twin(
    chain: RevmChain, oracle: Oracle, steps: list[tuple[int, Fraction | None, bool]]
) -> None:
    oracle = copy(oracle)
    with chain.isolate():
        for wait, factor, checkpoint in steps:
            chain.warp(wait)
            if factor is not None:
                oracle.market.push_by(factor)
            if checkpoint and oracle.contract.next_checkpoint() <= chain.timestamp():
                oracle.checkpoint()
            assert oracle.mean() == oracle.model_mean()
            assert oracle.read() == oracle.model_read()


@given(steps=st.lists(st.tuples(st.integers(1, 200), FACTORS), min_size=1, max_size=10))
def test_mean__is_the_floor_of_the_sum_over_seconds(
    chain: RevmChain, oracle: Oracle, steps: list[tuple[int, Fraction]]
) -> None:
    with chain.isolate():
        ticks = [oracle.market.pool.tick] * WINDOW
        for wait, factor in steps:
            oracle.market.push_by(factor)
            chain.warp(wait)
            ticks += [oracle.market.pool.tick] * wait
        mean = oracle.mean()
        since = len(ticks) if len(ticks) - WINDOW < WINDOW else len(ticks) - WINDOW
        assert mean.duration == since
        assert mean.tick == sum(ticks[-since:]) // since


@pytest.mark.parametrize(
    ("checkpoint_at", "now", "duration"),
    [
        (None, 0, WINDOW),
        (None, WINDOW - 1, 2 * WINDOW - 1),
        (None, WINDOW, WINDOW),
        (None, 3 * WINDOW, 3 * WINDOW),
        (None, 3 * WINDOW + 1, WINDOW),
        (WINDOW, WINDOW, WINDOW),
        (WINDOW, 2 * WINDOW - 1, 2 * WINDOW - 1),
        (WINDOW, 2 * WINDOW, WINDOW),
        (3 * WINDOW, 3 * WINDOW, 3 * WINDOW),
        (3 * WINDOW, 3 * WINDOW + 1, WINDOW),
        (3 * WINDOW, 4 * WINDOW, WINDOW),
        (3 * WINDOW + 1, 3 * WINDOW + 1, WINDOW),
        (3 * WINDOW + 1, 4 * WINDOW, 2 * WINDOW - 1),
    ],
)
def test_mean__duration(oracle: Oracle, chain: RevmChain, checkpoint_at: int | None, now: int, duration: int) -> None:
    start = chain.timestamp()
    if checkpoint_at is not None:
        chain.warp(checkpoint_at)
        oracle.checkpoint()
    chain.warp(start + now - chain.timestamp())
    assert oracle.mean().duration == duration
    assert oracle.mean() == oracle.model_mean()


def test_mean__checkpoints_too_old_and_no_history__reverts(chain: RevmChain, open_oracle: OpenOracle) -> None:
    market = open_market(chain, cardinality=2)
    chain.warp(WINDOW)
    oracle = open_oracle(market)
    chain.warp(3 * WINDOW - 120)
    for price in (2_010, 2_020, 2_030):
        market.push(price)
        chain.warp(60)
    with reverts("twap: history"):
        oracle.contract.mean()


def test_mean__a_checkpoint_of_one_window_ago__needs_no_history(chain: RevmChain, open_oracle: OpenOracle) -> None:
    market = open_market(chain, cardinality=2)
    chain.warp(WINDOW)
    oracle = open_oracle(market)
    for price in (2_010, 2_020, 2_030):
        market.push(price)
        chain.warp(WINDOW // 3)
    assert market.recalled(WINDOW) is None
    assert oracle.mean() == oracle.model_mean()
    assert oracle.mean().duration == WINDOW


def test_mean__abandoned_for_weeks__room_counts_from_the_new_checkpoint(
    chain: RevmChain, open_oracle: OpenOracle
) -> None:
    market = open_market(chain, cardinality=2)
    chain.warp(WINDOW)
    oracle = open_oracle(market, max_ticks_per_hour=100)
    chain.warp(20 * 86_400)
    market.push(2_010)
    chain.warp(60)
    market.push(2_020)
    chain.warp(60)
    oracle.checkpoint()
    anchor = oracle.contract.checkpoints()[0].clamped_tick
    with reverts("twap: history"):
        oracle.contract.mean()
    market.push(20_000)
    chain.warp(WINDOW - 60)
    mean = oracle.mean()
    assert mean == oracle.model_mean()
    assert mean.clamped_tick == anchor + 100 * (WINDOW - 60) // 3_600


@pytest.mark.parametrize("factor", [Fraction(13, 10), Fraction(10), Fraction(10, 13), Fraction(1, 10)])
@pytest.mark.parametrize("base_is_token0", [True, False])
def test_mean__a_push_for_some_blocks__moves_clamped_at_most_by_the_rate(
    chain: RevmChain, open_oracle: OpenOracle, factor: Fraction, base_is_token0: bool
) -> None:
    market = open_market(chain, base_is_token0=base_is_token0)
    chain.warp(WINDOW)
    oracle = open_oracle(market, max_ticks_per_hour=600)
    chain.warp(WINDOW)
    oracle.checkpoint()
    start = oracle.mean().clamped_tick
    pushed_at = chain.timestamp()
    market.push_by(factor)
    target = market.pool.tick
    last = start
    moved = False
    for _ in range(400):
        chain.warp(12)
        if oracle.contract.next_checkpoint() <= chain.timestamp():
            oracle.checkpoint()
        mean = oracle.mean()
        assert mean == oracle.model_mean()
        assert abs(mean.clamped_tick - start) <= 600 * (chain.timestamp() - pushed_at) // 3_600
        assert abs(mean.clamped_tick - target) <= abs(last - target), "towards the push, never back"
        assert min(mean.tick, start) <= mean.clamped_tick <= max(mean.tick, start)
        last = mean.clamped_tick
        moved = moved or abs(mean.tick - mean.clamped_tick) > 100
    assert moved, "the raw mean ran away from the clamped one"


def test_mean__idle_time_is_worth_three_windows_at_most(oracle: Oracle, chain: RevmChain) -> None:
    start = oracle.mean().clamped_tick
    chain.warp(30 * 86_400)
    oracle.market.push_by(10)
    chain.warp(WINDOW)
    mean = oracle.mean()
    assert mean.tick > start + 20_000
    assert mean.clamped_tick == start + TICKS_PER_HOUR * 3 * WINDOW // 3_600


def test_mean__push_undone_within_the_window__counts_by_its_time(oracle: Oracle, chain: RevmChain) -> None:
    start = oracle.mean().tick
    chain.warp(WINDOW)
    oracle.checkpoint()
    chain.warp(WINDOW - 12)
    oracle.market.push_by(Fraction(13, 10))
    pushed = oracle.market.pool.tick
    chain.warp(12)
    oracle.market.push(2_000)
    moved = oracle.mean().tick - start
    assert moved == (pushed - start) * 12 // WINDOW
    assert 0 < moved <= 18, "a push of 30 % for one block of a half-hour window moves the mean by less than 0.2 %"


@given(
    liquidity=st.lists(st.tuples(st.integers(1, 600), st.integers(10**9, 10**13)), min_size=1, max_size=6),
)
@settings(max_examples=20)
def test_mean__liquidity__is_the_harmonic_mean_over_seconds(
    chain: RevmChain, oracle: Oracle, liquidity: list[tuple[int, int]]
) -> None:
    market = oracle.market
    with chain.isolate():
        seconds = [market.pool.contract.liquidity()] * WINDOW
        for wait, amount in liquidity:
            lender = chain.accounts()[0]
            amounts = {market.quote: amount, market.base: amount * 10**12}
            market.uniswap.add_liquidity(market.pool, amounts, lender, (-207_240, -193_380))
            chain.warp(wait)
            seconds += [market.pool.contract.liquidity()] * wait
        mean = oracle.mean()
        exact = Fraction(mean.duration) / sum(Fraction(1, each) for each in seconds[-mean.duration :])
        assert exact * Fraction(9_998, 10_000) <= mean.liquidity <= exact


def test_mean__no_liquidity__counts_as_one(chain: RevmChain, open_oracle: OpenOracle) -> None:
    market = open_market(chain, depth=1)
    lender = chain.accounts()[0]
    position = market.uniswap.position_manager
    liquidity = market.pool.contract.liquidity()
    position.decreaseLiquidity((1, liquidity, 0, 0, 2**256 - 1), sender=lender)
    chain.warp(WINDOW)
    oracle = open_oracle(market)
    assert market.pool.contract.liquidity() == 0
    assert oracle.mean().liquidity == 0, "rounded down from 1"
    assert oracle.read().trusted == 0
    assert oracle.mean() == oracle.model_mean()


@pytest.mark.parametrize("idle", [0, 1, 3_599])
def test_mean__updated_at__is_the_last_use_before_this_second(oracle: Oracle, chain: RevmChain, idle: int) -> None:
    chain.warp(60)
    oracle.market.push(2_001)
    last_use = chain.timestamp()
    chain.warp(1 + idle)
    assert oracle.mean().updated_at == last_use
    oracle.market.push(2_002)
    assert oracle.mean().updated_at == last_use
    chain.warp(1)
    assert oracle.mean().updated_at == chain.timestamp() - 1


def test_mean__observations_wrap_around(chain: RevmChain, open_oracle: OpenOracle) -> None:
    market: Market = open_market(chain, cardinality=3)
    chain.warp(WINDOW)
    oracle = open_oracle(market)
    for i in range(7):
        before = chain.timestamp()
        chain.warp(60)
        market.push(2_000 + 10 * i + 1)
        assert oracle.mean() == oracle.model_mean()
        assert oracle.mean().updated_at == (before if i else chain.timestamp() - 60 - WINDOW)
