# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Checkpoints of a Uniswap v3 pool's accumulators, and how far a mean may move
@license AGPL-3.0
@notice A checkpoint is one word, from the high end:

            tick_cumulative 56 (signed) | time 32 | clamped_tick 24 (signed) | next 20 | seconds_per_liquidity 124

        `time` is unix time modulo 2**32. `next` is how many seconds later the checkpoint after this one was taken, 2**20 - 1 if more (12
        days), 0 if there is none yet. `clamped_tick` is the clamped mean at the youngest checkpoint, also in the one before it:
        so that one word is all that most readings need.

        `seconds_per_liquidity` is the pool's secondsPerLiquidityCumulativeX128 without its 36 lowest bits: the growth since a
        checkpoint comes out too large by less than 2**36, the mean liquidity too small by the same proportion, which over half an hour is
        1.5e-4 for a liquidity of 2**90 and less for any smaller one.
@dev Pure. Nothing stops it.
"""

TIME: constant(uint256) = 2**32 - 1
NEXT: constant(uint256) = 2**20 - 1
TICK: constant(uint256) = 2**24 - 1
SECONDS_PER_LIQUIDITY: constant(uint256) = 2**160 - 1
LINK: constant(uint256) = (TICK << 20 | NEXT) << 124
HOUR: constant(uint256) = 3_600


@pure
@internal
def _pack(tick_cumulative: int256, time: uint256, clamped_tick: int256, seconds_per_liquidity: uint256) -> uint256:
    """
    @notice The word of a checkpoint that has none after it.
    @param tick_cumulative Within int56.
    @param time Unix time, taken modulo 2**32.
    @param clamped_tick Within int24.
    @param seconds_per_liquidity Below 2**160.
    """
    return (
        self._bits(tick_cumulative) << 200
        | (time & TIME) << 168
        | (self._bits(clamped_tick) & TICK) << 144
        | seconds_per_liquidity >> 36
    )


@pure
@internal
def _followed(checkpoint: uint256, clamped_tick: int256, seconds: uint256) -> uint256:
    """
    @notice A checkpoint that another one follows.
    @param clamped_tick The clamped mean at the one that follows, within int24.
    @param seconds How much later that is.
    """
    return checkpoint & ~LINK | (self._bits(clamped_tick) & TICK) << 144 | min(seconds, NEXT) << 124


@pure
@internal
def _tick_cumulative(checkpoint: uint256) -> int256:
    return convert(convert(checkpoint, bytes32), int256) >> 200


@pure
@internal
def _clamped_tick(checkpoint: uint256) -> int256:
    return convert(convert(checkpoint << 88, bytes32), int256) >> 232


@pure
@internal
def _age(checkpoint: uint256, now: uint256) -> uint256:
    """
    @notice Seconds since a checkpoint, right for ages below 2**32.
    """
    return unsafe_sub(now, checkpoint >> 168) & TIME


@pure
@internal
def _next_after(checkpoint: uint256) -> uint256:
    """
    @notice Seconds from a checkpoint to the one after it, at most 2**20 - 1.
    """
    return checkpoint >> 124 & NEXT


@pure
@internal
def _seconds_per_liquidity(checkpoint: uint256) -> uint256:
    return checkpoint << 36 & SECONDS_PER_LIQUIDITY


@pure
@internal
def _clamp(tick: int256, anchor: int256, duration: uint256, ticks_per_hour: uint256) -> int256:
    """
    @notice The tick nearest to `tick` that is within `ticks_per_hour` times `duration` of `anchor`, the limit rounded down.
    @param duration Seconds that have passed since the anchor, below 2**32.
    @param ticks_per_hour Below 2**32.
    """
    reach: int256 = convert(unsafe_div(unsafe_mul(duration, ticks_per_hour), HOUR), int256)
    return max(unsafe_sub(anchor, reach), min(unsafe_add(anchor, reach), tick))


@pure
@internal
def _bits(number: int256) -> uint256:
    return convert(convert(number, bytes32), uint256)
