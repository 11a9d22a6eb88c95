"""tick_math and twap modules: against Uniswap's published numbers, against the twin, and through real pools.

Published numbers are those of Uniswap's own suites:
* ``test/TickMath.spec.ts`` and ``test/__snapshots__/TickMath.spec.ts.snap`` of Uniswap/v3-core,
* ``test/UniswapV3Pool.spec.ts`` of Uniswap/v3-core (ticks of pools initialised at a price),
* ``test/OracleLibrary.spec.ts`` of Uniswap/v3-periphery (quotes and means).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll import artifacts
from plimsoll.chain import Contract, Revert, RevmChain
from plimsoll.model import tick_math, twap
from plimsoll.uniswap import Uniswap, price_at_tick, raw_price, sqrt_price, tick_at_price
from tests.support import reverts

TICKS = st.integers(tick_math.MIN_TICK, tick_math.MAX_TICK)
UINT128 = 2**128 - 1

SQRT_RATIOS = {
    -887_272: 4295128739,
    -887_271: 4295343490,
    887_271: 1461373636630004318706518188784493106690254656249,
    887_272: 1461446703485210103287273052203988822378723970342,
    -50: 79030349367926598376800521322,
    -100: 78833030112140176575862854579,
    -250: 78244023372248365697264290337,
    -500: 77272108795590369356373805297,
    -1_000: 75364347830767020784054125655,
    -2_500: 69919044979842180277688105136,
    -3_000: 68192822843687888778582228483,
    -4_000: 64867181785621769311890333195,
    -5_000: 61703726247759831737814779831,
    -50_000: 6504256538020985011912221507,
    -150_000: 43836292794701720435367485,
    -250_000: 295440463448801648376846,
    -500_000: 1101692437043807371,
    -738_203: 7409801140451,
    50: 79426470787362580746886972461,
    100: 79625275426524748796330556128,
    250: 80224679980005306637834519095,
    500: 81233731461783161732293370115,
    1_000: 83290069058676223003182343270,
    2_500: 89776708723587163891445672585,
    3_000: 92049301871182272007977902845,
    4_000: 96768528593268422080558758223,
    5_000: 101729702841318637793976746270,
    50_000: 965075977353221155028623082916,
    150_000: 143194173941309278083010301478497,
    250_000: 21246587762933397357449903968194344,
    500_000: 5697689776495288729098254600827762987878,
    738_203: 847134979253254120489401328389043031315994541,
}
"""TickMath.getSqrtRatioAtTick (v3-core)."""

TICKS_OF_RATIOS = {
    4295128739: -887_272,
    79228162514264337593543: -276_325,
    79228162514264337593543950: -138_163,
    9903520314283042199192993792: -41_591,
    28011385487393069959365969113: -20_796,
    56022770974786139918731938227: -6_932,
    79228162514264337593543950336: 0,
    112045541949572279837463876454: 6_931,
    224091083899144559674927752909: 20_795,
    633825300114114700748351602688: 41_590,
    79228162514264337593543950336000: 138_162,
    79228162514264337593543950336000000: 276_324,
    1461446703485210103287273052203988822378723970341: 887_271,
}
"""TickMath.getTickAtSqrtRatio (v3-core)."""

QUOTES = [
    (0, 10**18, True, 10**18),
    (0, 10**18, False, 10**18),
    (-887_272, UINT128, True, 1),
    (-887_272, UINT128, False, 115783384738768196242144082653949453838306988932806144552194799290216044976282),
    (887_272, UINT128, True, 115783384785599357996676985412062652720342362943929506828539444553934033845703),
    (887_272, UINT128, False, 1),
]
"""OracleLibrary.getQuoteAtTick (v3-periphery): tick, amount, of token0, quote."""

CONSULTS = [
    (0, 3, 10, 0, (2**160 - 1) * 3 // (10 << 32)),
    (-2, 4, 5, -1, (2**160 - 1) * 4 // (5 << 32)),
    (0, 1, 1, 0, UINT128),
]
"""OracleLibrary.consult (v3-periphery): growth of ticks, seconds, growth of seconds per liquidity; the means."""


@pytest.fixture
def harness(chain: RevmChain) -> Contract:
    return chain.deploy("tick_math_harness", sender=chain.accounts()[0])


@pytest.fixture
def checkpoints(chain: RevmChain) -> Contract:
    return chain.deploy("twap_harness", sender=chain.accounts()[0])


def outcome(function: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a function gives, or the reason for which it refuses."""
    try:
        return function(*arguments)
    except ValueError as error:
        return str(error)
    except Revert as error:
        return error.reason or error


def test_factors__are_those_of_uniswaps_source() -> None:
    source = artifacts.home() / "node_modules/@uniswap/v3-core/contracts/libraries/TickMath.sol"
    factors = re.findall(r"absTick & 0x(?P<bit>\w+) != 0.{1,20}?0x(?P<factor>[0-9a-f]{16,})", source.read_text())
    assert {int(bit, 16): int(factor, 16) for bit, factor in factors} == {
        1 << bit: factor for bit, factor in enumerate(tick_math.FACTORS)
    }


@pytest.mark.parametrize(("tick", "ratio"), SQRT_RATIOS.items())
def test_sqrt_ratio_at_tick__published(harness: Contract, tick: int, ratio: int) -> None:
    assert harness.sqrt_ratio_at_tick(tick) == ratio == tick_math.sqrt_ratio_at_tick(tick)


@pytest.mark.parametrize("step", range(8))
def test_sqrt_ratio_at_tick__every_tick(harness: Contract, step: int) -> None:
    """All 1,774,545 ticks, a thousand at a time; equal to the twin, which rises strictly and inverts."""
    span = 2 * tick_math.MAX_TICK + 1
    first, last = (tick_math.MIN_TICK + span * k // 8 for k in (step, step + 1))
    previous = 0
    for start in range(first, last, 1_000):
        count = min(1_000, last - start)
        ratios = [tick_math.sqrt_ratio_at_tick(tick) for tick in range(start, start + count)]
        assert list(harness.sqrt_ratios(start, count)) == ratios
        for ratio in ratios:
            assert ratio > previous
            previous = ratio


@pytest.mark.parametrize("tick", [-887_273, 887_273, -(2**255) + 1, 2**255 - 1])
def test_sqrt_ratio_at_tick__out_of_range__reverts(harness: Contract, tick: int) -> None:
    with reverts("tick: range"):
        harness.sqrt_ratio_at_tick(tick)
    with pytest.raises(ValueError, match="tick: range"):
        tick_math.sqrt_ratio_at_tick(tick)


@pytest.mark.parametrize("tick", [247_177, 215_443, 208_895, 294_911, 557_055])
def test_sqrt_ratio_at_tick__last_digits_of_its_factors__count(harness: Contract, tick: int) -> None:
    """Where one more in a factor shows (of bits 0, 3, 7, 8, 10, 14, 15; 16; 17; 18; 19), before every tick is asked."""
    assert harness.sqrt_ratio_at_tick(tick) == tick_math.sqrt_ratio_at_tick(tick)


@given(tick=TICKS)
def test_sqrt_ratio_at_tick__is_near_the_exact_root(tick: int) -> None:
    exact = math.exp(tick / 2 * math.log(1.0001)) * 2**96
    assert abs(tick_math.sqrt_ratio_at_tick(tick) / exact - 1) < 1e-8


@pytest.mark.parametrize(("ratio", "tick"), TICKS_OF_RATIOS.items())
def test_tick_at_sqrt_ratio__published(ratio: int, tick: int) -> None:
    assert tick_math.tick_at_sqrt_ratio(ratio) == tick


@given(tick=st.integers(tick_math.MIN_TICK, tick_math.MAX_TICK - 1))
@example(tick=tick_math.MIN_TICK)
@example(tick=tick_math.MAX_TICK - 1)
def test_real_pool__slot0__agrees(chain: RevmChain, tick: int) -> None:
    """A pool initialised at the ratio of a tick says that tick; one unit less says the tick below."""
    with chain.isolate():
        sender = chain.accounts()[0]
        tokens = [chain.deploy("MockERC20", "", "", 18, sender=sender) for _ in range(2)]
        uniswap = Uniswap.deploy(chain, tokens[0], sender)
        ratio = tick_math.sqrt_ratio_at_tick(tick)
        for fee, root, expected in ((500, ratio, tick), (3_000, ratio - 1, tick - 1)):
            if expected < tick_math.MIN_TICK:
                continue
            uniswap.factory.createPool(tokens[0], tokens[1], fee, sender=sender)
            pool = uniswap.pool(tokens[0], tokens[1], fee)
            pool.contract.initialize(root, sender=sender)
            assert pool.contract.slot0()[:2] == (root, expected)
            assert tick_math.tick_at_sqrt_ratio(root) == expected


@pytest.mark.parametrize(("price", "tick"), [(Fraction(1, 2), -6_932), (Fraction(1, 10), -23_028), (Fraction(1), 0)])
def test_tick_at_price__published(price: Fraction, tick: int) -> None:
    assert tick_at_price(price) == tick
    assert price_at_tick(tick) <= price < price_at_tick(tick + 1)


def test_sqrt_price__published() -> None:
    """Ratios of which TickMath.spec.ts takes the ticks: encodePriceSqrt(1, 64) and others."""
    assert sqrt_price(Fraction(1, 64)) == 9903520314283042199192993792
    assert sqrt_price(Fraction(1, 8)) == 28011385487393069959365969113
    assert sqrt_price(Fraction(10**12)) == 79228162514264337593543950336000000
    assert sqrt_price(raw_price(1, 0, 6)) == 79228162514264337593543950336000


@pytest.mark.parametrize(("tick", "amount", "of_token0", "quote"), QUOTES)
def test_quote_at_tick__published(harness: Contract, tick: int, amount: int, of_token0: bool, quote: int) -> None:
    assert harness.quote_at_tick(tick, amount, of_token0) == quote == tick_math.quote_at_tick(tick, amount, of_token0)


@given(tick=TICKS, bits=st.integers(1, 256), low=st.integers(0, 2**256 - 1), of_token0=st.booleans())
@example(tick=tick_math.MAX_TICK, bits=129, low=0, of_token0=True)
@example(tick=443_636, bits=128, low=2**256 - 1, of_token0=True)
@example(tick=443_637, bits=128, low=2**256 - 1, of_token0=True)
@example(tick=440_000, bits=128, low=2**256 - 1, of_token0=True)
@example(tick=440_000, bits=256, low=2**256 - 1, of_token0=False)
def test_quote_at_tick__equals_the_twin(harness: Contract, tick: int, bits: int, low: int, of_token0: bool) -> None:
    amount = low >> (256 - bits)
    assert outcome(harness.quote_at_tick, tick, amount, of_token0) == outcome(
        tick_math.quote_at_tick, tick, amount, of_token0
    )


@given(x=st.integers(0, 2**256 - 1), y=st.integers(0, 2**256 - 1), bits=st.integers(1, 255))
@example(x=2**256 - 1, y=2**255 + 1, bits=255)
@example(x=2**256 - 1, y=2**255 - 1, bits=255)
@example(x=2**256 - 1, y=2**256 - 1, bits=255)
@example(x=2**192, y=2**255, bits=192)
@example(x=2**192, y=2**256 - 1, bits=192)
def test_mul_shift__is_exact(harness: Contract, x: int, y: int, bits: int) -> None:
    exact = x * y >> bits
    assert outcome(harness.mul_shift, x, y, bits) == (exact if exact < 2**256 else "math: mul_div overflow")


@given(tick=TICKS, amount=st.integers(0, 2**128 - 1), of_token0=st.booleans())
def test_quote_at_tick__is_the_exact_quote_rounded_down(tick: int, amount: int, of_token0: bool) -> None:
    price = price_at_tick(tick) if of_token0 else 1 / price_at_tick(tick)
    quote = outcome(tick_math.quote_at_tick, tick, amount, of_token0)
    if tick_math.sqrt_ratio_at_tick(tick) < 2**128:
        assert quote == math.floor(amount * price) or quote == "math: mul_div overflow"
    else:
        assert abs(quote - amount * price) <= 1 + amount * price / 2**63


@pytest.mark.parametrize(("ticks", "seconds", "growth", "tick", "liquidity"), CONSULTS)
def test_means__published(harness: Contract, ticks: int, seconds: int, growth: int, tick: int, liquidity: int) -> None:
    assert harness.mean_tick(ticks, seconds) == tick == tick_math.mean_tick(ticks, seconds)
    assert harness.harmonic_liquidity(growth, seconds) == liquidity == tick_math.harmonic_liquidity(growth, seconds)


@given(ticks=st.integers(-(2**55), 2**55 - 1), seconds=st.integers(1, 2**32 - 1))
@example(ticks=-1, seconds=2**32 - 1)
@example(ticks=-10, seconds=5)
def test_mean_tick__equals_the_twin(harness: Contract, ticks: int, seconds: int) -> None:
    assert harness.mean_tick(ticks, seconds) == tick_math.mean_tick(ticks, seconds)


@given(growth=st.integers(0, 2**160 - 1), seconds=st.integers(1, 2**32 - 1))
@example(growth=0, seconds=1)
def test_harmonic_liquidity__equals_the_twin(harness: Contract, growth: int, seconds: int) -> None:
    assert harness.harmonic_liquidity(growth, seconds) == tick_math.harmonic_liquidity(growth, seconds)


@given(
    ticks=st.integers(-(2**55), 2**55 - 1),
    time=st.integers(0, 2**33),
    clamped=TICKS,
    growth=st.integers(0, 2**160 - 1),
    followed=st.none() | st.tuples(TICKS, st.integers(0, 2**32)),
    later=st.integers(0, 2**32 - 1),
)
def test_checkpoint__equals_the_twin_and_unpacks(
    checkpoints: Contract,
    ticks: int,
    time: int,
    clamped: int,
    growth: int,
    followed: tuple[int, int] | None,
    later: int,
) -> None:
    word = twap.pack(ticks, time, clamped, growth)
    assert checkpoints.pack(ticks, time, clamped, growth) == word
    gap = 0
    if followed is not None:
        clamped, gap = followed
        assert checkpoints.followed(word, clamped, gap) == twap.followed(word, clamped, gap)
        word, gap = twap.followed(word, clamped, gap), min(gap, 2**20 - 1)
    assert checkpoints.tick_cumulative(word) == twap.tick_cumulative(word) == ticks
    assert checkpoints.clamped_tick(word) == twap.clamped_tick(word) == clamped
    assert checkpoints.seconds_per_liquidity(word) == twap.seconds_per_liquidity(word) == growth >> 36 << 36
    now = time + later
    assert checkpoints.age(word, now) == twap.age(word, now) == later
    assert checkpoints.next_after(word) == twap.next_after(word) == gap


@given(tick=TICKS, anchor=TICKS, seconds=st.integers(0, 2**32 - 1), rate=st.integers(1, 887_272))
def test_clamp__equals_the_twin_and_is_within_reach(
    checkpoints: Contract, tick: int, anchor: int, seconds: int, rate: int
) -> None:
    clamped = twap.clamp(tick, anchor, seconds, rate)
    assert checkpoints.clamp(tick, anchor, seconds, rate) == clamped
    assert 3_600 * abs(clamped - anchor) <= rate * seconds
    assert min(tick, anchor) <= clamped <= max(tick, anchor)
    assert clamped == tick or 3_600 * (abs(clamped - anchor) + 1) > rate * seconds
    assert abs(twap.clamp(tick, anchor, seconds + 1, rate) - tick) <= abs(clamped - tick), "more time, nearer"
