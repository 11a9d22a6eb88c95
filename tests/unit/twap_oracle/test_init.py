"""Deployment: every bound, and what the first checkpoints hold."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract, RevmChain
from plimsoll.model import twap
from tests.support import reverts
from tests.support.uniswap import DOLLAR, Market, open_market
from tests.unit.twap_oracle.conftest import WINDOW, OpenOracle, Oracle


def test_init__takes_both_checkpoints(oracle: Oracle, chain: RevmChain) -> None:
    younger, older = oracle.contract.checkpoints()
    state = twap.accumulators(oracle.market.state(), chain.timestamp())
    tick = oracle.market.pool.tick
    assert younger == (chain.timestamp(), state.tick_cumulative, state.seconds_per_liquidity >> 36 << 36, tick)
    assert (older.time, older.clamped_tick) == (chain.timestamp() - WINDOW, tick)
    assert younger.tick_cumulative - older.tick_cumulative == tick * WINDOW
    assert oracle.contract.deployment is not None
    assert oracle.contract.deployment.events == [
        oracle.contract.event(
            "Checkpointed",
            tick=tick,
            clamped_tick=tick,
            tick_cumulative=state.tick_cumulative,
            seconds_per_liquidity=state.seconds_per_liquidity,
        )
    ]


def test_init__clamp_starts_from_the_windows_mean(market: Market, open_oracle: OpenOracle, chain: RevmChain) -> None:
    before = market.pool.tick
    market.push(2_600)
    chain.warp(WINDOW // 4)
    tick = (before * (WINDOW - WINDOW // 4) + market.pool.tick * (WINDOW // 4)) // WINDOW
    mean = open_oracle(market).mean()
    assert mean.tick == mean.clamped_tick == tick
    assert before < tick < market.pool.tick


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("window", 59, "twap: window"),
        ("window", 86_401, "twap: window"),
        ("max_age", 0, "twap: max age"),
        ("max_age", 30 * 86_400 + 1, "twap: max age"),
        ("max_ticks_per_hour", 0, "twap: max ticks"),
        ("max_ticks_per_hour", 887_273, "twap: max ticks"),
        ("min_liquidity", 0, "twap: min liquidity"),
        ("min_liquidity", 2**128, "twap: min liquidity"),
    ],
)
def test_init__out_of_bounds__reverts(
    market: Market, open_oracle: OpenOracle, chain: RevmChain, name: str, value: int, reason: str
) -> None:
    chain.warp(3 * 86_400)
    with reverts(reason):
        open_oracle(market, **{name: value})
    inside = value - 1 if value > 100 else value + 1
    assert getattr(open_oracle(market, **{name: inside}).contract.settings(), name) == inside


def test_init__pool_is_no_contract__reverts(quote_source: Contract, chain: RevmChain) -> None:
    trader = chain.accounts()[1]
    with reverts("twap: pool"):
        chain.deploy("TwapOracle", trader, trader, quote_source, WINDOW, 3_600, 100, 1, sender=trader)


def test_init__base_token_not_in_the_pool__reverts(market: Market, quote_source: Contract, chain: RevmChain) -> None:
    arguments = (market.pool.contract, quote_source, quote_source, WINDOW, 3_600, 100, 1)
    with reverts("twap: base token"):
        chain.deploy("TwapOracle", *arguments, sender=market.trader)


def test_init__one_observation__reverts(chain: RevmChain, open_oracle: OpenOracle) -> None:
    market = open_market(chain, cardinality=1)
    chain.warp(WINDOW)
    with reverts("twap: cardinality"):
        open_oracle(market)
    market.pool.grow(2, market.trader)
    open_oracle(market)


@pytest.mark.parametrize("history", [0, WINDOW - 1])
def test_init__no_history__reverts(chain: RevmChain, open_oracle: OpenOracle, history: int) -> None:
    market = open_market(chain)
    chain.warp(history)
    with reverts("twap: history"):
        open_oracle(market)
    chain.warp(WINDOW - history)
    open_oracle(market)


def test_init__pool_not_initialised__reverts(market: Market, quote_source: Contract, chain: RevmChain) -> None:
    market.uniswap.factory.createPool(market.base, market.quote, 500, sender=market.trader)
    pool = market.uniswap.pool(market.base, market.quote, 500)
    with reverts("twap: cardinality"):
        chain.deploy("TwapOracle", pool.contract, market.base, quote_source, WINDOW, 60, 100, 1, sender=market.trader)


def test_init__quote_source_without_a_price__reverts(
    market: Market, open_oracle: OpenOracle, quote_source: Contract
) -> None:
    quote_source.set_reading((0, DOLLAR, 0, 1, 1), sender=market.trader)
    with reverts("twap: quote source"):
        open_oracle(market)


def test_init__quote_source_reverts__reverts(market: Market, open_oracle: OpenOracle, quote_source: Contract) -> None:
    quote_source.set_revert(sender=market.trader)
    with reverts("mock: told to revert"):
        open_oracle(market)


@pytest.mark.parametrize("source", [ZERO_ADDRESS, "0x00000000000000000000000000000000000000AA"])
def test_init__quote_source_is_no_contract__reverts(market: Market, chain: RevmChain, source: str) -> None:
    arguments = (market.pool.contract, market.base, source, WINDOW, 3_600, 100, 1)
    with reverts("twap: quote source"):
        chain.deploy("TwapOracle", *arguments, sender=market.trader)
