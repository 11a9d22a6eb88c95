# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title What it takes to move a Uniswap v3 pool
@license AGPL-3.0
@notice Moving a pool of constant liquidity L from tick a up to tick b takes L * (sqrt(b) - sqrt(a)) of token1, and from b down to a
        L * (1 / sqrt(a) - 1 / sqrt(b)) of token0, sqrt(t) being the square root of the price at t. Both are rounded down: a market never
        looks deeper than it is. What a swap pays on top of them is its fee and at most a unit.
@dev Pure. Nothing stops it. Errors: "tick: range", "math: mul_div overflow".
"""

from contracts.modules import tick_math
from snekmate.utils import math as sn_math

MAX_AMOUNT: constant(uint256) = 2**128 - 1
SCALE: constant(uint256) = 10**18


@pure
@internal
def _token1_up(liquidity: uint256, lower: int256, upper: int256) -> uint256:
    """
    @notice Raw units of token1 that move a pool from `lower` up to `upper`, rounded down.
    @param liquidity Below 2**128.
    @param lower, upper Ticks, lower <= upper.
    """
    distance: uint256 = unsafe_sub(tick_math._sqrt_ratio_at_tick(upper), tick_math._sqrt_ratio_at_tick(lower))
    return tick_math._mul_shift(liquidity, distance, 96)


@pure
@internal
def _token0_down(liquidity: uint256, lower: int256, upper: int256) -> uint256:
    """
    @notice Raw units of token0 that move a pool from `upper` down to `lower`, rounded down.
    @param liquidity Below 2**128.
    @param lower, upper Ticks, lower <= upper.
    """
    top: uint256 = tick_math._sqrt_ratio_at_tick(upper)
    bottom: uint256 = tick_math._sqrt_ratio_at_tick(lower)
    return unsafe_div(sn_math._mul_div(liquidity << 96, unsafe_sub(top, bottom), top, False), bottom)


@pure
@internal
def _dollars(amount: uint256, price: uint256) -> uint256:
    """
    @notice WAD dollars that raw units are worth, rounded down; more than 2**128 - 1 of them count as that many.
    @param price Dollars (WAD) per raw unit, scaled by 1e18, below 2**128.
    """
    return unsafe_div(unsafe_mul(min(amount, MAX_AMOUNT), price), SCALE)


@pure
@internal
def _slot(tick: int256, spacing: int256) -> int256:
    """
    @notice The number of the last usable tick that is not above `tick`.
    @param spacing The pool's tick spacing, positive.
    """
    if tick < 0:
        return unsafe_div(unsafe_sub(tick, unsafe_sub(spacing, 1)), spacing)
    return unsafe_div(tick, spacing)


@pure
@internal
def _first_bit(word: uint256, least: uint256) -> uint256:
    """
    @notice The lowest bit set in a word that is not below `least`; 256 if there is none.
    @param least At most 255.
    """
    rest: uint256 = word >> least << least
    if rest == 0:
        return 256
    return sn_math._log2(rest & unsafe_sub(0, rest), False)


@pure
@internal
def _last_bit(word: uint256, most: uint256) -> uint256:
    """
    @notice The highest bit set in a word that is not above `most`; 256 if there is none.
    @param most At most 255.
    """
    unused: uint256 = unsafe_sub(255, most)
    rest: uint256 = word << unused >> unused
    if rest == 0:
        return 256
    return sn_math._log2(rest, False)
