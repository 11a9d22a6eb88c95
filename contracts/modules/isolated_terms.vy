# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title What a long-tail asset is listed with
@license AGPL-3.0
@notice Every number here errs on the side of the lenders: least liquidity up; caps and speed down; size by the depth that is demanded, not
        by the one that was found, which whoever lists may have arranged.
@dev Pure. Nothing stops it.
"""

from contracts.modules import market_depth
from contracts.modules import tick_math
from snekmate.utils import math as sn_math

WAD: constant(uint256) = 10**18
HOUR: constant(uint256) = 3_600
REACH: constant(int256) = 200                   # ticks: 2 %
IMPACT: constant(uint256) = 4 * 10**16          # twice the 2 % by which the least depth moves the market
MAX_CAP: constant(uint256) = 45 * 10**16
MAX_LIQUIDITY: constant(uint256) = 2**128 - 1
CAP_TOKENS: constant(uint256) = 2**48 - 1       # bounds of a lending pool's caps
SUPPLY_CAP: constant(uint256) = 2**100 - 1
BORROW_CAP: constant(uint256) = 2**92 - 1
RAMP_UNIT: constant(uint256) = 10**11
ROUNDING: constant(uint256) = 10**12            # of margin_rate


@pure
@internal
def _depth(tick: int256, liquidity: uint256, quote_is_token0: bool, price: uint256) -> uint256:
    """
    @notice Dollars of the quote token that move a pool by 2 %, the way that makes the other token dearer; rounded down.
    @param tick The pool's; within 200 of the ends of Uniswap's scale the answer is 0.
    @param liquidity Above 2**128 - 1 counts as that much.
    @param price Of the quote token, dollars (WAD) per raw unit, scaled by 1e18, below 2**128.
    @return WAD dollars.
    """
    if max(tick, -tick) > tick_math.MAX_TICK - REACH:
        return 0
    bounded: uint256 = min(liquidity, MAX_LIQUIDITY)
    if quote_is_token0:
        return market_depth._dollars(market_depth._token0_down(bounded, tick - REACH, tick), price)
    return market_depth._dollars(market_depth._token1_up(bounded, tick, tick + REACH), price)


@pure
@internal
def _least_liquidity(liquidity: uint256, depth: uint256, least_depth: uint256) -> uint256:
    """
    @notice The liquidity at which a pool would have the least depth, rounded up.
    @param liquidity, depth What the pool has.
    @param least_depth At most `depth`, not 0.
    """
    return sn_math._mul_div(liquidity, least_depth, depth, True)


@pure
@internal
def _size_slope(least_depth: uint256) -> uint256:
    """
    @return Rate (WAD) added per whole dollar of value, rounded up.
    @param least_depth WAD dollars, from a thousand to a billion of them.
    """
    return (IMPACT * WAD + least_depth - 1) // least_depth


@pure
@internal
def _margin_cap(initial_ratio: uint256) -> uint256:
    """
    @return The largest rate that a listed asset may have, at most 45 %, WAD.
    """
    return min(MAX_CAP, (WAD * WAD - 1) // initial_ratio)


@pure
@internal
def _fastest_rise(base: uint256, initial_ratio: uint256, notice: uint256) -> uint256:
    """
    @notice The fastest ramp that keeps the promise of notice for this base; see `margin_rate`.
    @return WAD per hour, rounded down to a multiple of RAMP_UNIT.
    """
    room: uint256 = 4 * (initial_ratio - WAD) * base * HOUR // (initial_ratio + 3 * WAD)
    return (room - ROUNDING * HOUR) // notice // RAMP_UNIT * RAMP_UNIT


@pure
@internal
def _caps(cap_value: uint256, price: uint256, unit: uint256) -> (uint256, uint256):
    """
    @notice What a lending pool may take and lend: whole tokens worth at most `cap_value`, within the bounds of its words.
    @param cap_value WAD dollars.
    @param price Dollars (WAD) per raw unit, scaled by 1e18, from 1 to 1e36.
    @param unit Raw units of one token, at most 1e18.
    @return Supply cap and borrow cap, raw units, rounded down.
    """
    tokens: uint256 = min(cap_value * WAD // (price * unit), CAP_TOKENS)
    return min(tokens, SUPPLY_CAP // unit) * unit, min(tokens, BORROW_CAP // unit) * unit
