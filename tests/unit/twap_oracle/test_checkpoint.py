"""Taking checkpoints: when, by whom, what they hold, and that they move no reading of their second."""

from __future__ import annotations

from fractions import Fraction

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract, Revert, RevmChain
from plimsoll.model import twap
from tests.support import reverts
from tests.support.uniswap import Market, open_market
from tests.unit.twap_oracle.conftest import TICKS_PER_HOUR, WINDOW, OpenOracle, Oracle


def test_checkpoint__too_early__reverts(oracle: Oracle, chain: RevmChain) -> None:
    for seconds in (0, WINDOW - 1):
        chain.warp(seconds)
        with reverts("twap: too early"):
            oracle.contract.checkpoint(sender=oracle.market.trader)
    chain.warp(1)
    oracle.contract.checkpoint(sender=oracle.market.trader)
    with reverts("twap: too early"):
        oracle.contract.checkpoint(sender=oracle.market.trader)


def test_checkpoint__by_anyone__logs_and_shifts(oracle: Oracle, chain: RevmChain) -> None:
    chain.warp(600)
    oracle.market.push(2_100)
    chain.warp(WINDOW)
    former = oracle.contract.checkpoints()[0]
    state = twap.accumulators(oracle.market.state(), chain.timestamp())
    stranger = chain.accounts()[9]
    receipt = oracle.contract.checkpoint(sender=stranger)
    tick = oracle.model_checkpoint()
    younger, older = oracle.contract.checkpoints()
    assert receipt.events == [
        oracle.contract.event(
            "Checkpointed",
            tick=tick,
            clamped_tick=younger.clamped_tick,
            tick_cumulative=state.tick_cumulative,
            seconds_per_liquidity=state.seconds_per_liquidity,
        )
    ]
    assert older == former._replace(clamped_tick=younger.clamped_tick)
    assert younger == (
        chain.timestamp(),
        state.tick_cumulative,
        state.seconds_per_liquidity >> 36 << 36,
        twap.clamped_tick(oracle.checkpoints.latest),
    )


@pytest.mark.parametrize("age", [WINDOW, 2 * WINDOW, 3 * WINDOW, 3 * WINDOW + 1, 20 * WINDOW])
@pytest.mark.parametrize("factor", [Fraction(13, 10), Fraction(1, 10)])
def test_checkpoint__changes_no_reading_of_its_second(
    oracle: Oracle, chain: RevmChain, age: int, factor: Fraction
) -> None:
    chain.warp(age - 300)
    oracle.market.push_by(factor)
    chain.warp(300)
    before, mean = oracle.read(), oracle.mean()
    oracle.checkpoint()
    assert oracle.read() == before == oracle.model_read()
    assert oracle.mean() == mean == oracle.model_mean()


@pytest.mark.parametrize("age", [WINDOW, 3 * WINDOW, 3 * WINDOW + 1, 20 * WINDOW])
def test_checkpoint__the_anchor_moves_at_most_by_the_rate(oracle: Oracle, chain: RevmChain, age: int) -> None:
    anchor = oracle.mean().clamped_tick
    oracle.market.push_by(10)
    chain.warp(age)
    oracle.checkpoint()
    reach = TICKS_PER_HOUR * min(age, 3 * WINDOW) // 3_600
    assert oracle.contract.checkpoints()[0].clamped_tick == anchor + reach


def test_checkpoint__late__takes_the_pools_own_record(oracle: Oracle, chain: RevmChain) -> None:
    chain.warp(10 * WINDOW)
    oracle.market.push(2_500)
    chain.warp(WINDOW // 2)
    before = oracle.mean()
    oracle.checkpoint()
    older = oracle.contract.checkpoints()[1]
    assert older.time == chain.timestamp() - WINDOW
    assert oracle.mean() == before
    chain.warp(WINDOW - 1)
    assert oracle.mean() == oracle.model_mean()
    assert oracle.mean().duration == 2 * WINDOW - 1


def test_checkpoint__late_and_no_history__still_works(chain: RevmChain, open_oracle: OpenOracle) -> None:
    market = open_market(chain, cardinality=2)
    chain.warp(WINDOW)
    oracle = open_oracle(market)
    former = oracle.contract.checkpoints()[0]
    chain.warp(4 * WINDOW)
    use_up_history(market)
    with reverts("twap: history"):
        oracle.contract.read()
    tick = oracle.checkpoint()
    younger, older = oracle.contract.checkpoints()
    assert older == former._replace(clamped_tick=younger.clamped_tick)
    assert tick == (younger.tick_cumulative - former.tick_cumulative) // (younger.time - former.time)
    with reverts("twap: history"):
        oracle.contract.read()
    chain.warp(WINDOW)
    assert oracle.read() == oracle.model_read()


def test_checkpoint__late__no_gas_limit_hides_the_pools_record(oracle: Oracle, chain: RevmChain) -> None:
    chain.warp(4 * WINDOW)
    for i in range(60):
        oracle.market.push(2_000 + i % 2)
        chain.warp(60)
    starved = 0
    for gas in range(22_000, 80_000, 400):
        with chain.isolate():
            try:
                oracle.contract.checkpoint(sender=oracle.market.trader, gas=gas)
            except Revert as error:
                if error.reason:
                    raise
                starved += 1
            else:
                assert oracle.contract.checkpoints()[1].time == chain.timestamp() - WINDOW
    assert 5 < starved < 140


def use_up_history(market: Market) -> None:
    """Trade until a pool of few observations forgets everything older than three minutes."""
    for price in (2_010, 2_020, 2_030):
        market.push(price)
        market.chain.warp(60)


def test_checkpoint__a_pool_that_reads_the_oracle_meanwhile__finds_it_locked(
    market: Market, quote_source: Contract, chain: RevmChain
) -> None:
    pool = chain.deploy("MockInquirer", sender=market.trader)
    pool.set_target(market.pool.contract, sender=market.trader)
    arguments = (pool, market.base, quote_source, WINDOW, 86_400, TICKS_PER_HOUR, 1)
    oracle = chain.deploy("TwapOracle", *arguments, sender=market.trader)
    chain.warp(WINDOW)
    for question in (oracle.checkpoints.encode(), oracle.next_checkpoint.encode()):
        pool.set_question(oracle, question, sender=market.trader)
        assert oracle.read().price > 0
        with reverts("inquirer: no answer"):
            oracle.checkpoint(sender=market.trader)
    pool.set_question(ZERO_ADDRESS, b"", sender=market.trader)
    oracle.checkpoint(sender=market.trader)
