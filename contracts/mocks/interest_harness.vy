# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The module interest, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import interest


@pure
@external
def growth(rate: uint256, seconds: uint256) -> uint256:
    return interest._growth(rate, seconds)
