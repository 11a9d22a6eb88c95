# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The market_depth module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import market_depth


@pure
@external
def token1_up(liquidity: uint256, lower: int256, upper: int256) -> uint256:
    return market_depth._token1_up(liquidity, lower, upper)


@pure
@external
def token0_down(liquidity: uint256, lower: int256, upper: int256) -> uint256:
    return market_depth._token0_down(liquidity, lower, upper)


@pure
@external
def dollars(amount: uint256, price: uint256) -> uint256:
    return market_depth._dollars(amount, price)


@pure
@external
def slot(tick: int256, spacing: int256) -> int256:
    return market_depth._slot(tick, spacing)


@pure
@external
def first_bit(word: uint256, least: uint256) -> uint256:
    return market_depth._first_bit(word, least)


@pure
@external
def last_bit(word: uint256, most: uint256) -> uint256:
    return market_depth._last_bit(word, most)
