# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The twap module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import twap


@pure
@external
def pack(tick_cumulative: int256, time: uint256, clamped_tick: int256, seconds_per_liquidity: uint256) -> uint256:
    return twap._pack(tick_cumulative, time, clamped_tick, seconds_per_liquidity)


@pure
@external
def followed(checkpoint: uint256, clamped_tick: int256, seconds: uint256) -> uint256:
    return twap._followed(checkpoint, clamped_tick, seconds)


@pure
@external
def tick_cumulative(checkpoint: uint256) -> int256:
    return twap._tick_cumulative(checkpoint)


@pure
@external
def clamped_tick(checkpoint: uint256) -> int256:
    return twap._clamped_tick(checkpoint)


@pure
@external
def age(checkpoint: uint256, now: uint256) -> uint256:
    return twap._age(checkpoint, now)


@pure
@external
def next_after(checkpoint: uint256) -> uint256:
    return twap._next_after(checkpoint)


@pure
@external
def seconds_per_liquidity(checkpoint: uint256) -> uint256:
    return twap._seconds_per_liquidity(checkpoint)


@pure
@external
def clamp(tick: int256, anchor: int256, duration: uint256, ticks_per_hour: uint256) -> int256:
    return twap._clamp(tick, anchor, duration, ticks_per_hour)
