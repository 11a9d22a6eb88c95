# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Uniswap v3 ticks: prices and means
@license AGPL-3.0
@notice A tick t stands for the price 1.0001**t of a pool's token0 in raw units of its token1. Results equal, bit for bit, those of
        Uniswap's TickMath.getSqrtRatioAtTick, OracleLibrary.getQuoteAtTick and OracleLibrary.consult.
@dev Pure. Nothing stops it.
"""

from snekmate.utils import math as sn_math

MAX_TICK: constant(int256) = 887_272  # the smallest tick is -MAX_TICK
MAX_UINT160: constant(uint256) = 2**160 - 1


@pure
@internal
def _sqrt_ratio_at_tick(tick: int256) -> uint256:
    """
    @notice sqrt(1.0001**tick) * 2**96, rounded up from an approximation with 128 fractional bits.
    @param tick Within [-887272, 887272].
    @dev Multiplies by sqrt(1.0001)**-(2**i) * 2**128 for every set bit i of |tick|, and inverts for a positive tick.
         Error: "tick: range".
    """
    magnitude: uint256 = convert(max(tick, unsafe_sub(0, tick)), uint256)
    assert magnitude <= convert(MAX_TICK, uint256), "tick: range"

    ratio: uint256 = 2**128
    if magnitude & 1 != 0:
        ratio = 340265354078544963557816517032075149313
    if magnitude & 2 != 0:
        ratio = unsafe_mul(ratio, 340248342086729790484326174814286782778) >> 128
    if magnitude & 4 != 0:
        ratio = unsafe_mul(ratio, 340214320654664324051920982716015181260) >> 128
    if magnitude & 8 != 0:
        ratio = unsafe_mul(ratio, 340146287995602323631171512101879684304) >> 128
    if magnitude & 16 != 0:
        ratio = unsafe_mul(ratio, 340010263488231146823593991679159461444) >> 128
    if magnitude & 32 != 0:
        ratio = unsafe_mul(ratio, 339738377640345403697157401104375502016) >> 128
    if magnitude & 64 != 0:
        ratio = unsafe_mul(ratio, 339195258003219555707034227454543997025) >> 128
    if magnitude & 128 != 0:
        ratio = unsafe_mul(ratio, 338111622100601834656805679988414885971) >> 128
    if magnitude & 256 != 0:
        ratio = unsafe_mul(ratio, 335954724994790223023589805789778977700) >> 128
    if magnitude & 512 != 0:
        ratio = unsafe_mul(ratio, 331682121138379247127172139078559817300) >> 128
    if magnitude & 1024 != 0:
        ratio = unsafe_mul(ratio, 323299236684853023288211250268160618739) >> 128
    if magnitude & 2048 != 0:
        ratio = unsafe_mul(ratio, 307163716377032989948697243942600083929) >> 128
    if magnitude & 4096 != 0:
        ratio = unsafe_mul(ratio, 277268403626896220162999269216087595045) >> 128
    if magnitude & 8192 != 0:
        ratio = unsafe_mul(ratio, 225923453940442621947126027127485391333) >> 128
    if magnitude & 16384 != 0:
        ratio = unsafe_mul(ratio, 149997214084966997727330242082538205943) >> 128
    if magnitude & 32768 != 0:
        ratio = unsafe_mul(ratio, 66119101136024775622716233608466517926) >> 128
    if magnitude & 65536 != 0:
        ratio = unsafe_mul(ratio, 12847376061809297530290974190478138313) >> 128
    if magnitude & 131072 != 0:
        ratio = unsafe_mul(ratio, 485053260817066172746253684029974020) >> 128
    if magnitude & 262144 != 0:
        ratio = unsafe_mul(ratio, 691415978906521570653435304214168) >> 128
    if magnitude & 524288 != 0:
        ratio = unsafe_mul(ratio, 1404880482679654955896180642) >> 128
    if tick > 0:
        ratio = unsafe_div(max_value(uint256), ratio)
    return unsafe_add(ratio, 2**32 - 1) >> 32


@pure
@internal
def _quote_at_tick(tick: int256, amount: uint256, of_token0: bool) -> uint256:
    """
    @notice What `amount` of one token of a pool is worth in the other at a tick, rounded down.
    @param tick Within [-887272, 887272].
    @param amount Raw units, or any other number that is to be scaled by the price.
    @param of_token0 Whether `amount` is of token0 and the result of token1, or the other way round.
    @dev Below 2**128 the squared ratio keeps all its 192 fractional bits, above it 128 of them, as in Uniswap.
         Error where the result exceeds 256 bits: "math: mul_div overflow".
    """
    sqrt_ratio: uint256 = self._sqrt_ratio_at_tick(tick)
    if sqrt_ratio < 2**128:
        ratio: uint256 = unsafe_mul(sqrt_ratio, sqrt_ratio)
        if of_token0:
            return self._mul_shift(ratio, amount, 192)
        return sn_math._mul_div(2**192, amount, ratio, False)
    ratio: uint256 = self._mul_shift(sqrt_ratio, sqrt_ratio, 64)
    if of_token0:
        return self._mul_shift(ratio, amount, 128)
    return sn_math._mul_div(2**128, amount, ratio, False)


@pure
@internal
def _mean_tick(tick_cumulative: int256, duration: uint256) -> int256:
    """
    @notice Arithmetic mean of the ticks over a time, which is the tick of the geometric mean price, rounded towards minus infinity.
    @param tick_cumulative Growth of the pool's tickCumulative over the time.
    @param duration Seconds, not 0.
    """
    seconds: int256 = convert(duration, int256)
    if tick_cumulative < 0:
        return unsafe_div(unsafe_sub(tick_cumulative, unsafe_sub(seconds, 1)), seconds)
    return unsafe_div(tick_cumulative, seconds)


@pure
@internal
def _harmonic_liquidity(seconds_per_liquidity: uint256, duration: uint256) -> uint256:
    """
    @notice Harmonic mean of a pool's liquidity in range over a time, rounded down; 0 where the growth is 0.
    @param seconds_per_liquidity Growth of the pool's secondsPerLiquidityCumulativeX128 over the time, below 2**160.
    @param duration Seconds, below 2**32.
    """
    return unsafe_div(unsafe_mul(duration, MAX_UINT160), seconds_per_liquidity << 32)


@pure
@internal
def _mul_shift(x: uint256, y: uint256, bits: uint256) -> uint256:
    """
    @notice x * y / 2**bits in full precision, rounded down: snekmate's mul_div for a power of two, for less gas.
    @param bits Within [1, 255].
    @dev Error: "math: mul_div overflow".
    """
    low: uint256 = unsafe_mul(x, y)
    wrapped: uint256 = uint256_mulmod(x, y, max_value(uint256))
    high: uint256 = unsafe_sub(wrapped, low)
    if wrapped < low:
        high = unsafe_sub(high, 1)
    assert high >> bits == 0, "math: mul_div overflow"
    return high << unsafe_sub(256, bits) | low >> bits
