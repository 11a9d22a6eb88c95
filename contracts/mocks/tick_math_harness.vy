# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The tick_math module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import tick_math


@pure
@external
def sqrt_ratio_at_tick(tick: int256) -> uint256:
    return tick_math._sqrt_ratio_at_tick(tick)


@pure
@external
def sqrt_ratios(first: int256, count: uint256) -> DynArray[uint256, 1000]:
    ratios: DynArray[uint256, 1000] = []
    for i: uint256 in range(count, bound=1000):
        ratios.append(tick_math._sqrt_ratio_at_tick(first + convert(i, int256)))
    return ratios


@pure
@external
def quote_at_tick(tick: int256, amount: uint256, of_token0: bool) -> uint256:
    return tick_math._quote_at_tick(tick, amount, of_token0)


@pure
@external
def mean_tick(tick_cumulative: int256, duration: uint256) -> int256:
    return tick_math._mean_tick(tick_cumulative, duration)


@pure
@external
def harmonic_liquidity(seconds_per_liquidity: uint256, duration: uint256) -> uint256:
    return tick_math._harmonic_liquidity(seconds_per_liquidity, duration)


@pure
@external
def mul_shift(x: uint256, y: uint256, bits: uint256) -> uint256:
    return tick_math._mul_shift(x, y, bits)
