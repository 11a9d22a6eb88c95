"""The reading: scale, flags, the quote source's part in it; nothing done in a second changes it in that second."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, Contract, RevmChain
from plimsoll.model import tick_math
from plimsoll.model.price_source import Reading
from plimsoll.uniswap import raw_price, sqrt_price
from tests.support import reverts
from tests.support.uniswap import DOLLAR, Market, open_market
from tests.unit.twap_oracle.conftest import MAX_AGE, WINDOW, OpenOracle, Oracle

WAD = 10**18


@pytest.mark.parametrize("base_is_token0", [True, False])
@pytest.mark.parametrize(
    ("base_decimals", "quote_decimals", "price"),
    [(18, 6, 2_000), (8, 6, 60_000), (18, 18, Fraction(1, 10**6)), (6, 18, 3), (0, 8, 7), (2, 0, 500)],
)
def test_read__scale(
    chain: RevmChain,
    open_oracle: OpenOracle,
    quote_source: Contract,
    base_decimals: int,
    quote_decimals: int,
    price: Fraction | int,
    base_is_token0: bool,
) -> None:
    quote_source.set_price(10 ** (36 - quote_decimals), sender=chain.accounts()[0])
    market = open_market(
        chain,
        price=price,
        base_decimals=base_decimals,
        quote_decimals=quote_decimals,
        base_is_token0=base_is_token0,
    )
    chain.warp(WINDOW)
    oracle = open_oracle(market)
    reading = oracle.read()
    exact = Fraction(price) * 10 ** (36 - base_decimals)
    assert abs(reading.price / exact - 1) < Fraction(11, 100_000), "one tick is one hundredth of a per cent"
    assert reading == oracle.model_read()
    assert reading.clamped == reading.price


@given(
    price=st.fractions(Fraction(1, 10**9), Fraction(10**9)),
    quote=st.integers(1, 2**128 - 1),
    order=st.booleans(),
    decimals=st.tuples(st.integers(0, 18), st.integers(0, 18)),
)
@settings(max_examples=40)
def test_read__equals_the_twin_to_the_unit(
    chain: RevmChain,
    open_oracle: OpenOracle,
    quote_source: Contract,
    price: Fraction,
    quote: int,
    order: bool,
    decimals: tuple[int, int],
) -> None:
    with chain.isolate():
        quote_source.set_price(quote, sender=chain.accounts()[0])
        market = open_market(
            chain,
            price=price,
            base_decimals=decimals[0],
            quote_decimals=decimals[1],
            base_is_token0=order,
            depth=10**9,
        )
        chain.warp(WINDOW)
        oracle = open_oracle(market)
        assert oracle.read() == oracle.model_read()
        raw = raw_price(price, *decimals)
        assert oracle.mean().tick == tick_math.tick_at_sqrt_ratio(sqrt_price(raw if order else 1 / raw))


def test_read__clamped__uses_the_quotes_clamped_price(oracle: Oracle, chain: RevmChain) -> None:
    now = chain.timestamp()
    oracle.quote_source.set_reading((DOLLAR, DOLLAR // 2, now, 1, 1), sender=oracle.market.trader)
    reading = oracle.read()
    assert reading == oracle.model_read()
    assert abs(reading.price - 2 * reading.clamped) <= 1


@pytest.mark.parametrize(("fresh", "trusted"), [(0, 1), (1, 0), (0, 0), (1, 1)])
def test_read__flags_of_the_quote_source_pass_through(
    oracle: Oracle, chain: RevmChain, fresh: int, trusted: int
) -> None:
    at = chain.timestamp() - 100_000
    oracle.quote_source.set_reading((DOLLAR, DOLLAR, at, fresh, trusted), sender=oracle.market.trader)
    assert oracle.read()[2:] == (at, fresh, trusted)


def test_read__quote_source_without_a_price__price_is_0(oracle: Oracle, chain: RevmChain) -> None:
    oracle.quote_source.set_reading((0, 0, 0, 0, 0), sender=oracle.market.trader)
    assert oracle.read() == (0, 0, 0, 0, 0)


def test_read__quote_source_reverts__reverts(oracle: Oracle) -> None:
    oracle.quote_source.set_revert(sender=oracle.market.trader)
    with reverts("mock: told to revert"):
        oracle.contract.read()


def test_read__price_over_256_bits__reverts(oracle: Oracle, chain: RevmChain) -> None:
    oracle.quote_source.set_reading((2**256 - 1, 1, 1, 1, 1), sender=oracle.market.trader)
    oracle.market.push_by(10**15)
    chain.warp(10 * WINDOW)
    with reverts("math: mul_div overflow"):
        oracle.contract.read()


def test_read__over_a_feed(market: Market, open_oracle: OpenOracle, chain: RevmChain) -> None:
    trader = market.trader
    feed = chain.deploy("MockFeed", "USDC / USD", 8, 99_990_000, sender=trader)
    arguments = (feed, 6, 9 * 10**7, 11 * 10**7, 86_400, ZERO_ADDRESS, 0)
    source = chain.deploy("FeedOracle", *arguments, sender=trader)
    oracle = open_oracle(market, source=source)
    assert oracle.read() == oracle.model_read()
    assert abs(Fraction(oracle.read().price, 2_000 * WAD) - Fraction(9_999, 10_000)) < Fraction(1, 5_000)
    feed.set_answer(8 * 10**7, sender=trader)
    assert oracle.read() == (0, 0, 0, 0, 0)


def test_read__freshness_ends_after_max_age(oracle: Oracle, chain: RevmChain) -> None:
    oracle.market.push(2_001)
    for seconds, fresh in ((MAX_AGE, 1), (1, 0)):
        chain.warp(seconds)
        assert oracle.read() == oracle.model_read()
        assert oracle.read().fresh == fresh
    oracle.market.push(2_002)
    assert oracle.read().fresh == 0, "a swap in this second makes nothing fresh"
    chain.warp(1)
    assert oracle.read().fresh == 1


def test_read__thin_liquidity__untrusted(market: Market, open_oracle: OpenOracle, chain: RevmChain) -> None:
    liquidity = open_oracle(market).mean().liquidity
    assert open_oracle(market, min_liquidity=liquidity).read().trusted == 1
    assert open_oracle(market, min_liquidity=liquidity + 1).read().trusted == 0
    oracle = open_oracle(market, min_liquidity=liquidity // 2)
    leaving = (1, liquidity * 99 // 100, 0, 0, 2**256 - 1)
    market.uniswap.position_manager.decreaseLiquidity(leaving, sender=chain.accounts()[0])
    assert oracle.read().trusted == 1, "liquidity that left in this second does not count yet"
    chain.warp(WINDOW)
    assert oracle.read().trusted == 0


def swap(market: Market) -> None:
    market.push_by(Fraction(13, 10))


def swap_down(market: Market) -> None:
    market.push_by(Fraction(1, 10))


def there_and_back(market: Market) -> None:
    start = market.pool.price_of(market.base)
    market.push_by(10)
    market.uniswap.move_price(market.pool, market.base, start, market.trader)


def mint_in_range(market: Market) -> None:
    amounts = {market.base: 10**24, market.quote: 10**15}
    market.uniswap.add_liquidity(market.pool, amounts, market.trader)


def mint_out_of_range(market: Market) -> None:
    market.uniswap.add_liquidity(market.pool, {market.base: 10**24, market.quote: 10**15}, market.trader, (600, 1_200))


def burn(market: Market) -> None:
    liquidity = market.uniswap.position_manager.positions(1)[7]
    lender = market.chain.accounts()[0]
    market.uniswap.position_manager.decreaseLiquidity((1, liquidity * 9 // 10, 0, 0, 2**256 - 1), sender=lender)


def grow(market: Market) -> None:
    market.pool.grow(market.pool.contract.slot0()[4] + 5, market.trader)


def donate(market: Market) -> None:
    market.quote.mint(market.pool.contract, 10**18, sender=market.trader)
    market.base.mint(market.pool.contract, 10**24, sender=market.trader)


ACTIONS = (swap, swap_down, there_and_back, mint_in_range, mint_out_of_range, burn, grow, donate)


@given(
    waits=st.lists(st.integers(1, 2 * WINDOW), max_size=4),
    actions=st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=6),
)
@settings(max_examples=40)
def test_read__nothing_done_in_this_second_changes_it(
    chain: RevmChain, oracle: Oracle, waits: list[int], actions: list[Callable[[Market], None]]
) -> None:
    with chain.isolate():
        for wait in waits:
            chain.warp(wait)
            oracle.market.push_by(Fraction(11, 10))
        chain.warp(17)
        reading, mean = oracle.read(), oracle.mean()
        for action in actions:
            action(oracle.market)
            if oracle.contract.next_checkpoint() <= chain.timestamp():
                oracle.contract.checkpoint(sender=oracle.market.trader)
            assert oracle.read() == reading
            assert oracle.mean() == mean


@pytest.mark.parametrize("cardinality", [2, 3, 100])
@pytest.mark.parametrize("action", ACTIONS)
def test_read__few_observations__nothing_done_in_this_second_changes_it(
    chain: RevmChain, open_oracle: OpenOracle, cardinality: int, action: Callable[[Market], None]
) -> None:
    market = open_market(chain, cardinality=cardinality)
    chain.warp(WINDOW)
    oracle = open_oracle(market)
    for price in (2_010, 2_020, 1_900, 2_000):
        chain.warp(300)
        reading = oracle.read()
        market.push(price)
        assert oracle.read() == reading
    chain.warp(11)
    reading = oracle.read()
    action(market)
    action(market)
    assert oracle.read() == reading


def test_read__bought_and_sold_in_one_second__moves_nothing_and_costs_the_fees(oracle: Oracle) -> None:
    market = oracle.market
    reading = oracle.read()
    before = market.quote.balanceOf(market.trader)
    received = market.uniswap.swap([market.quote, market.base], [3_000], 500_000 * 10**6, market.trader)
    assert oracle.read() == reading
    market.uniswap.swap([market.base, market.quote], [3_000], received, market.trader)
    assert oracle.read() == reading
    assert before - market.quote.balanceOf(market.trader) > 2_000 * 10**6


def test_read__fits_the_oracles_stipend(chain: RevmChain, open_oracle: OpenOracle) -> None:
    market = open_market(chain, cardinality=300)
    chain.warp(3 * WINDOW)
    oracle = open_oracle(market)
    chain.warp(3 * WINDOW)
    for i in range(310):
        market.push(2_000 + i % 2)
        chain.warp(12)
    assert oracle.mean().duration == WINDOW, "it searches the pool's observations"
    assert Reading(*oracle.contract.read(gas=21_064 + 100_000)) == oracle.model_read()
