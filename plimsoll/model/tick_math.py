"""Uniswap v3 ticks: twin of ``contracts/modules/tick_math.vy``, and the inverse that off-chain callers need.

A tick t stands for the price 1.0001**t of a pool's token0 in raw units of its token1. Formulas and constants are those
of Uniswap's TickMath (v3-core 1.0.1) and OracleLibrary (v3-periphery 1.4.4). Where the contract reverts, `ValueError`
carries its reason.
"""

from __future__ import annotations

MIN_TICK = -887_272
MAX_TICK = 887_272
MIN_SQRT_RATIO = 4_295_128_739
MAX_SQRT_RATIO = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342
MAX_UINT160 = 2**160 - 1
MAX_UINT256 = 2**256 - 1

FACTORS = (
    0xFFFCB933BD6FAD37AA2D162D1A594001,
    0xFFF97272373D413259A46990580E213A,
    0xFFF2E50F5F656932EF12357CF3C7FDCC,
    0xFFE5CACA7E10E4E61C3624EAA0941CD0,
    0xFFCB9843D60F6159C9DB58835C926644,
    0xFF973B41FA98C081472E6896DFB254C0,
    0xFF2EA16466C96A3843EC78B326B52861,
    0xFE5DEE046A99A2A811C461F1969C3053,
    0xFCBE86C7900A88AEDCFFC83B479AA3A4,
    0xF987A7253AC413176F2B074CF7815E54,
    0xF3392B0822B70005940C7A398E4B70F3,
    0xE7159475A2C29B7443B29C7FA6E889D9,
    0xD097F3BDFD2022B8845AD8F792AA5825,
    0xA9F746462D870FDF8A65DC1F90E061E5,
    0x70D869A156D2A1B890BB3DF62BAF32F7,
    0x31BE135F97D08FD981231505542FCFA6,
    0x09AA508B5B7A84E1C677DE54F3E99BC9,
    0x005D6AF8DEDB81196699C329225EE604,
    0x00002216E584F5FA1EA926041BEDFE98,
    0x00000000048A170391F7DC42444E8FA2,
)
"""sqrt(1.0001)**-(2**i) * 2**128 for i = 0..19."""


def sqrt_ratio_at_tick(tick: int) -> int:
    """Return sqrt(1.0001**tick) * 2**96, rounded up from an approximation with 128 fractional bits.

    `tick` is within [-887272, 887272]; ValueError "tick: range" otherwise.
    """
    magnitude = abs(tick)
    if magnitude > MAX_TICK:
        raise ValueError("tick: range")
    ratio = 2**128
    for bit, factor in enumerate(FACTORS):
        if magnitude >> bit & 1:
            ratio = ratio * factor >> 128
    if tick > 0:
        ratio = MAX_UINT256 // ratio
    return ratio + 2**32 - 1 >> 32


def tick_at_sqrt_ratio(sqrt_ratio: int) -> int:
    """Return the greatest tick whose sqrt ratio is at most `sqrt_ratio` (X96), as TickMath.getTickAtSqrtRatio does.

    `sqrt_ratio` is within [MIN_SQRT_RATIO, MAX_SQRT_RATIO); ValueError "tick: sqrt ratio" otherwise.
    """
    if not MIN_SQRT_RATIO <= sqrt_ratio < MAX_SQRT_RATIO:
        raise ValueError("tick: sqrt ratio")
    low, high = MIN_TICK, MAX_TICK
    while high - low > 1:
        middle = (low + high) // 2
        if sqrt_ratio_at_tick(middle) <= sqrt_ratio:
            low = middle
        else:
            high = middle
    return low


def quote_at_tick(tick: int, amount: int, of_token0: bool) -> int:
    """Return what `amount` (raw, below 2**256) of one token of a pool is worth in the other at a tick, rounded down.

    `of_token0` says whether `amount` is of token0 and the result of token1, or the other way round. Below 2**128 the
    squared ratio keeps 192 fractional bits, above it 128. ValueError "math: mul_div overflow" where the result exceeds
    256 bits.
    """
    sqrt_ratio = sqrt_ratio_at_tick(tick)
    if sqrt_ratio < 2**128:
        ratio, one = sqrt_ratio * sqrt_ratio, 2**192
    else:
        ratio, one = sqrt_ratio * sqrt_ratio // 2**64, 2**128
    quote = ratio * amount // one if of_token0 else one * amount // ratio
    if quote > MAX_UINT256:
        raise ValueError("math: mul_div overflow")
    return quote


def mean_tick(tick_cumulative: int, duration: int) -> int:
    """Return the mean of the ticks over `duration` seconds (not 0), rounded towards minus infinity."""
    return tick_cumulative // duration


def harmonic_liquidity(seconds_per_liquidity: int, duration: int) -> int:
    """Return the harmonic mean of the liquidity in range over `duration` seconds (below 2**32), rounded down.

    `seconds_per_liquidity` is the growth of secondsPerLiquidityCumulativeX128, below 2**160; where it is 0 so is the
    result.
    """
    if seconds_per_liquidity == 0:
        return 0
    return duration * MAX_UINT160 // (seconds_per_liquidity << 32)
