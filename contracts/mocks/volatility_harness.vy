# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The volatility module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import volatility


@pure
@external
def log_return(before: uint256, after: uint256) -> uint256:
    return volatility._return(before, after)


@pure
@external
def variance(size: uint256, seconds: uint256, window: uint256, max_sigma: uint256) -> uint256:
    return volatility._variance(size, seconds, window, max_sigma)


@pure
@external
def moved(mean: uint256, variance: uint256, seconds: uint256, half_life: uint256) -> uint256:
    return volatility._moved(mean, variance, seconds, half_life)


@pure
@external
def sigma(fast: uint256, slow: uint256) -> uint256:
    return volatility._sigma(fast, slow)


@pure
@external
def square(sigma: uint256) -> uint256:
    return volatility._square(sigma)
