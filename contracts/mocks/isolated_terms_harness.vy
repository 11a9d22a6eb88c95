# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The isolated_terms module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import isolated_terms


@pure
@external
def depth(tick: int256, liquidity: uint256, quote_is_token0: bool, price: uint256) -> uint256:
    return isolated_terms._depth(tick, liquidity, quote_is_token0, price)


@pure
@external
def least_liquidity(liquidity: uint256, depth: uint256, least_depth: uint256) -> uint256:
    return isolated_terms._least_liquidity(liquidity, depth, least_depth)


@pure
@external
def size_slope(least_depth: uint256) -> uint256:
    return isolated_terms._size_slope(least_depth)


@pure
@external
def margin_cap(initial_ratio: uint256) -> uint256:
    return isolated_terms._margin_cap(initial_ratio)


@pure
@external
def fastest_rise(base: uint256, initial_ratio: uint256, notice: uint256) -> uint256:
    return isolated_terms._fastest_rise(base, initial_ratio, notice)


@pure
@external
def caps(cap_value: uint256, price: uint256, unit: uint256) -> (uint256, uint256):
    return isolated_terms._caps(cap_value, price, unit)
