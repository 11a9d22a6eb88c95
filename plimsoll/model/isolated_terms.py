"""What a long-tail asset is listed with: twin of ``contracts/modules/isolated_terms.vy``, all integers."""

from __future__ import annotations

from plimsoll.model import market_depth, tick_math
from plimsoll.model.fixed_point import WAD

HOUR = 3_600
REACH = 200
IMPACT = 4 * 10**16
MAX_CAP = 45 * 10**16
MAX_LIQUIDITY = 2**128 - 1
CAP_TOKENS = 2**48 - 1
SUPPLY_CAP = 2**100 - 1
BORROW_CAP = 2**92 - 1
RAMP_UNIT = 10**11
ROUNDING = 10**12


def depth(tick: int, liquidity: int, quote_is_token0: bool, price: int) -> int:
    """Return the WAD dollars of the quote token that move a pool by 2 %, rounded down; 0 at the ends of the scale."""
    if abs(tick) > tick_math.MAX_TICK - REACH:
        return 0
    bounded = min(liquidity, MAX_LIQUIDITY)
    if quote_is_token0:
        return market_depth.dollars(market_depth.token0_down(bounded, tick - REACH, tick), price)
    return market_depth.dollars(market_depth.token1_up(bounded, tick, tick + REACH), price)


def least_liquidity(liquidity: int, depth_: int, least_depth: int) -> int:
    """Return the liquidity at which a pool of this liquidity and depth would have the least depth, rounded up."""
    return -(-liquidity * least_depth // depth_)


def size_slope(least_depth: int) -> int:
    """Return the rate (WAD) added per whole dollar of value, rounded up."""
    return -(-IMPACT * WAD // least_depth)


def margin_cap(initial_ratio: int) -> int:
    """Return the largest rate of a listed asset, WAD."""
    return min(MAX_CAP, (WAD * WAD - 1) // initial_ratio)


def fastest_rise(base: int, initial_ratio: int, notice: int) -> int:
    """Return the fastest ramp (WAD per hour) that keeps the promise of notice for a base, rounded down to its unit."""
    room = 4 * (initial_ratio - WAD) * base * HOUR // (initial_ratio + 3 * WAD)
    return (room - ROUNDING * HOUR) // notice // RAMP_UNIT * RAMP_UNIT


def caps(cap_value: int, price: int, unit: int) -> tuple[int, int]:
    """Return a lending pool's supply and borrow cap, raw units: whole tokens worth at most `cap_value`."""
    tokens = min(cap_value * WAD // (price * unit), CAP_TOKENS)
    return min(tokens, SUPPLY_CAP // unit) * unit, min(tokens, BORROW_CAP // unit) * unit
