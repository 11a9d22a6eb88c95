"""The measurement: what a real swap pays, what the twin says, and where there is no answer."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import market_depth, tick_math
from plimsoll.uniswap import price_at_tick
from tests.support import reverts
from tests.support.uniswap import DOLLAR, Market, open_market
from tests.unit.uniswap_v3_depth.conftest import REACH, WAD, Depth, OpenDepth, take_out

MAX_REACH = 1_000
PARTS = 10**6
"""A pool's fee is in hundredths of a basis point."""


def pay_to(market: Market, tick: int) -> int:
    """Trade until the pool's price is exactly that of `tick`; return what the trade paid in, raw, its fee aside."""
    pool, target = market.pool, tick_math.sqrt_ratio_at_tick(tick)
    token = pool.token0 if target < pool.sqrt_price else pool.token1
    before = token.balanceOf(pool.address)
    market.uniswap.move_price(pool, pool.token0, price_at_tick(tick), market.trader)
    assert pool.sqrt_price == target
    paid = token.balanceOf(pool.address) - before
    return int(paid * Fraction(PARTS - pool.fee, PARTS))


@pytest.mark.parametrize("base_is_token0", [True, False])
@pytest.mark.parametrize("fee", [500, 3_000, 10_000])
@pytest.mark.parametrize(
    ("base_decimals", "quote_decimals", "price"),
    [(18, 6, 2_000), (8, 6, 60_000), (6, 18, 3), (18, 18, Fraction(1, 99))],
)
def test_measure__what_a_real_swap_pays(
    chain: RevmChain,
    open_depth: OpenDepth,
    quote_source: Contract,
    base_is_token0: bool,
    fee: int,
    base_decimals: int,
    quote_decimals: int,
    price: Fraction | int,
) -> None:
    """Positions of several widths, the pool put exactly on its mean, then moved to either end of its reach."""
    quote_source.set_price(10 ** (36 - quote_decimals), sender=chain.accounts()[0])
    market = open_market(
        chain,
        price=price,
        base_decimals=base_decimals,
        quote_decimals=quote_decimals,
        base_is_token0=base_is_token0,
        fee=fee,
    )
    depth = open_depth(market)
    for lower, upper, whole in ((-300, 100, 400_000), (-50, 700, 90_000), (30, 150, 7_000), (-190, -20, 60_000)):
        depth.add(lower, upper, whole)
    mean = depth.oracle.mean().tick
    pay_to(market, mean)
    found = depth.measure()
    assert found == depth.model_measure()
    assert found.complete
    for end, dollars in ((mean + REACH, found.up), (mean - REACH, found.down)):
        with chain.isolate():
            paid = pay_to(market, end)
        token0_paid = end < mean
        if token0_paid == base_is_token0:
            paid = tick_math.quote_at_tick(mean, paid, base_is_token0)
        exact = paid * 10 ** (18 - quote_decimals)
        rounding = 30 * max(10 ** (18 - quote_decimals), exact // 10**12, int(price_of_a_unit(market)))
        assert abs(exact - dollars) <= rounding
        assert dollars > 10**5 * WAD


def price_of_a_unit(market: Market) -> Fraction:
    """Return WAD dollars of a raw unit of the base token, at a dollar per whole quote token."""
    return market.pool.price_of(market.base) * 10 ** (18 - int(market.quote.decimals()))


@given(
    positions=st.lists(
        st.tuples(st.integers(-600, 500), st.integers(10, 700), st.integers(1, 10**6)), min_size=1, max_size=5
    ),
    reach=st.integers(10, 1_000),
    push=st.integers(-150, 150),
    dollar=st.fractions(Fraction(1, 100), 10),
)
@settings(max_examples=20)
def test_measure__equals_the_twin_to_the_unit(
    chain: RevmChain,
    market: Market,
    open_depth: OpenDepth,
    quote_source: Contract,
    positions: list[tuple[int, int, int]],
    reach: int,
    push: int,
    dollar: Fraction,
) -> None:
    with chain.isolate():
        depth = open_depth(market, reach)
        for lower, width, whole in positions:
            depth.add(lower, lower + width, whole)
        chain.warp(600)
        quote_source.set_price(int(DOLLAR * dollar), sender=market.trader)
        market.push_by(Fraction(10_000 + push, 10_000))
        tick, mean = market.pool.tick, depth.oracle.mean().tick
        if abs(tick - mean) > reach:
            with reverts("depth: moving"):
                depth.contract.measure()
            return
        found = depth.measure()
        assert found == depth.model_measure()
        assert depth.contract.depth() == found.depth == min(found.steady, found.up, found.down)


@pytest.mark.parametrize("offset", [-REACH - 1, -REACH, REACH, REACH + 1])
def test_measure__pool_at_the_ends_of_its_reach(depth: Depth, chain: RevmChain, offset: int) -> None:
    before, mean = depth.measure(), depth.oracle.mean().tick
    pay_to(depth.market, mean + offset)
    if abs(offset) > REACH:
        with reverts("depth: moving"):
            depth.contract.measure()
        with reverts("depth: moving"):
            depth.contract.depth()
        return
    assert depth.measure() == before, "one range over all of the reach: where the pool is makes no difference"


@pytest.mark.parametrize("end", [0, 1])
def test_measure__pool_on_an_initialised_tick__where_it_is_makes_no_difference(depth: Depth, end: int) -> None:
    """At its lower end, which it falls through, and at its upper end, which then is the pool's tick."""
    position = depth.add(-50, 100, 100_000)
    ends = depth.market.uniswap.position_manager.positions(position)[5:7]
    before = depth.measure()
    pay_to(depth.market, ends[end])
    assert depth.market.pool.tick == ends[end] - 1 + end
    assert depth.measure() == depth.model_measure() == before


def test_measure__more_than_128_bits_of_raw_units__count_as_that_many(
    chain: RevmChain, open_depth: OpenDepth, quote_source: Contract
) -> None:
    """A raw unit of the base token is worth a million times a million million million raw units of the quote token."""
    market = open_market(chain, price=10**6, base_decimals=0, quote_decimals=18, fee=500)
    amounts = {market.quote: 2**150, market.base: 2**150 // 10**24}
    for token, amount in amounts.items():
        token.mint(chain.accounts()[0], amount, sender=market.trader)
    market.uniswap.add_liquidity(market.pool, amounts, chain.accounts()[0])
    quote_source.set_price(10**18, sender=market.trader)
    depth = open_depth(market)
    found = depth.measure()
    assert found == depth.model_measure()
    assert (found.steady, found.up, found.down) == (2**128 - 1,) * 3


def open_fine_market(market: Market) -> Market:
    """Let a market of the same tokens have usable ticks one apart."""
    lender = market.chain.accounts()[0]
    market.uniswap.factory.enableFeeAmount(100, 1, sender=lender)
    pool = market.uniswap.create_pool(market.base, market.quote, 100, market.raw(2_000), lender)
    market.uniswap.add_liquidity(pool, {market.quote: 10**12, market.base: 500 * WAD}, lender)
    pool.grow(100, lender)
    return replace(market, pool=pool)


@pytest.mark.parametrize("offset", [-MAX_REACH, MAX_REACH])
def test_measure__longest_reach_and_ticks_one_apart__nine_words_of_the_bitmap(
    market: Market, open_depth: OpenDepth, offset: int
) -> None:
    """From one end of its reach to the other, with no initialised tick between: as many words as there can be."""
    depth = open_depth(open_fine_market(market), MAX_REACH)
    before, mean = depth.measure(), depth.oracle.mean().tick
    assert ((mean + MAX_REACH) >> 8) - ((mean - MAX_REACH + 1) >> 8) + 1 == 9
    pay_to(depth.market, mean + offset)
    assert depth.measure() == depth.model_measure() == before
    assert before.complete


@pytest.mark.parametrize("offset", [-MAX_REACH, 0, MAX_REACH])
def test_measure__the_last_tick_of_a_word_and_the_first_of_the_next__are_both_crossed(
    market: Market, open_depth: OpenDepth, offset: int
) -> None:
    """A position of one tick over each border of two words of the bitmap, gone through upwards and downwards."""
    depth = open_depth(open_fine_market(market), MAX_REACH)
    mean = depth.oracle.mean().tick
    bare = depth.measure()
    borders = [tick for tick in range(mean - MAX_REACH + 1, mean + MAX_REACH + 1) if tick % 256 == 0]
    for tick in borders:
        depth.add(tick - 1 - mean, tick - mean, 1_000)
    assert len(depth.book().net) == 2 * len(borders) == 16
    pay_to(depth.market, mean + offset)
    found = depth.measure()
    assert found == depth.model_measure()
    assert found.complete
    assert bare.up + 3_900 * WAD < found.up < bare.up + 4_500 * WAD
    assert bare.down + 3_900 * WAD < found.down < bare.down + 4_500 * WAD


@pytest.mark.parametrize("side", [-1, 1])
def test_measure__a_range_that_ends_where_the_reach_does__is_left_only_beyond(
    depth: Depth, open_depth: OpenDepth, side: int
) -> None:
    """The pool is moved no further than the tick at the end: what ends there is not taken away, not even once."""
    mean = depth.oracle.mean().tick
    reach = 100 + -side * mean % 10
    near = open_depth(depth.market, reach, over=depth.oracle)
    near.add(-reach, reach, 10_000_000)
    assert mean + side * reach in near.book().net
    found = near.measure()
    assert found == near.model_measure()
    assert found.complete


@pytest.mark.parametrize("base_is_token0", [True, False])
def test_measure__one_unit_of_liquidity__counts_where_it_is_worth_something(
    chain: RevmChain, open_depth: OpenDepth, base_is_token0: bool
) -> None:
    market = open_market(chain, price=10**6, base_decimals=0, quote_decimals=18, base_is_token0=base_is_token0, fee=500)
    depth = open_depth(market)
    all_but_one = market.pool.contract.liquidity() - 1
    arguments = {"tokenId": 1, "liquidity": all_but_one, "amount0Min": 0, "amount1Min": 0, "deadline": 2**40}
    market.uniswap.position_manager.decreaseLiquidity(arguments, sender=chain.accounts()[0])
    found = depth.measure()
    assert found == depth.model_measure()
    assert (found.up if base_is_token0 else found.down) > 0


def test_measure__full_range__both_sides_and_the_steady_number_agree(depth: Depth) -> None:
    found = depth.measure()
    assert found == depth.model_measure()
    steady = Fraction(found.steady)
    assert abs(found.up / steady - 1) < Fraction(1, 1_000)
    assert abs(found.down / steady - 1) < Fraction(1, 1_000)
    assert 9_900 * WAD < found.steady < 10_100 * WAD, "a million dollars a side: one per cent of them moves it by two"


def test_measure__no_history__reverts(chain: RevmChain, quote_source: Contract) -> None:
    market = open_market(chain, fee=500, cardinality=2)
    chain.warp(7_200)
    arguments = (market.pool.contract, market.base, quote_source, 1_800, 10**6, 4_000, 1)
    oracle = chain.deploy("TwapOracle", *arguments, sender=market.trader)
    contract = chain.deploy("UniswapV3Depth", oracle, REACH, sender=market.trader)
    chain.warp(8 * 1_800)
    for _ in range(2):
        chain.warp(1)
        market.push_by(Fraction(1_001, 1_000))
    with reverts("twap: history"):
        contract.measure()


@pytest.mark.parametrize(
    ("price", "clamped", "fresh"), [(0, DOLLAR, 1), (DOLLAR, 0, 1), (2**128, 2**128, 1), (DOLLAR, DOLLAR, 0)]
)
def test_measure__quote_source_without_a_fresh_price__reverts(
    depth: Depth, price: int, clamped: int, fresh: int
) -> None:
    depth.source.set_reading((price, clamped, 0, fresh, 1), sender=depth.market.trader)
    with reverts("depth: quote source"):
        depth.contract.measure()
    with reverts("depth: quote source"):
        depth.contract.depth()
    with pytest.raises(ValueError, match="depth: quote source"):
        depth.model_measure()


def test_measure__quote_source_reverts__reverts(depth: Depth) -> None:
    depth.source.set_revert(sender=depth.market.trader)
    with reverts("mock: told to revert"):
        depth.contract.depth()


def test_measure__the_lesser_number_of_the_quote_source_counts(depth: Depth) -> None:
    whole = depth.measure()
    depth.source.set_reading((DOLLAR, DOLLAR // 2, 0, 1, 0), sender=depth.market.trader)
    half = depth.measure()
    assert half == depth.model_measure()
    assert half.steady in (whole.steady // 2, whole.steady // 2 + 1)


def test_measure__nothing_stands__zero(depth: Depth) -> None:
    take_out(depth.market, 1, depth.market.chain.accounts()[0])
    assert depth.market.pool.contract.liquidity() == 0
    found = depth.measure()
    assert found == depth.model_measure()
    assert (found.up, found.down) == (0, 0)
    assert found.steady > 0
    assert depth.contract.depth() == 0


TICKS = st.integers(tick_math.MIN_TICK, tick_math.MAX_TICK)


@given(liquidity=st.integers(0, 2**128 - 1), ticks=st.tuples(TICKS, TICKS))
@example(liquidity=54_252_652_891_031, ticks=(-887_272, -887_271))  # of the two roundings of token0, the first counts
def test_market_depth__amounts__equal_the_twin(
    chain: RevmChain, market: Market, liquidity: int, ticks: tuple[int, int]
) -> None:
    harness = chain.deploy("market_depth_harness", sender=market.trader)
    lower, upper = sorted(ticks)
    for name in ("token1_up", "token0_down"):
        try:
            expected = getattr(market_depth, name)(liquidity, lower, upper)
        except ValueError as error:
            with reverts(str(error)):
                getattr(harness, name)(liquidity, lower, upper)
        else:
            assert getattr(harness, name)(liquidity, lower, upper) == expected


@given(word=st.integers(0, 2**256 - 1) | st.integers(0, 255).map(lambda bit: 1 << bit), bit=st.integers(0, 255))
def test_market_depth__bits__equal_the_twin(chain: RevmChain, market: Market, word: int, bit: int) -> None:
    harness = chain.deploy("market_depth_harness", sender=market.trader)
    ones = [i for i in range(256) if word >> i & 1]
    first = min((i for i in ones if i >= bit), default=256)
    last = max((i for i in ones if i <= bit), default=256)
    assert harness.first_bit(word, bit) == market_depth.first_bit(word, bit) == first
    assert harness.last_bit(word, bit) == market_depth.last_bit(word, bit) == last


@given(
    tick=TICKS,
    spacing=st.integers(1, 16_384),
    amount=st.integers(0, 2**256 - 1) | st.integers(0, 2**128),
    price=st.integers(1, 2**128 - 1),
)
def test_market_depth__slots_and_dollars__equal_the_twin(
    chain: RevmChain, market: Market, tick: int, spacing: int, amount: int, price: int
) -> None:
    harness = chain.deploy("market_depth_harness", sender=market.trader)
    assert harness.slot(tick, spacing) == market_depth.slot(tick, spacing)
    assert harness.dollars(amount, price) == market_depth.dollars(amount, price)
