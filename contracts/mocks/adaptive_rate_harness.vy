# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The module adaptive_rate, with snekmate's exponential, deployable for tests
@license AGPL-3.0
"""

from contracts.interfaces import ILendingPool
from contracts.modules import adaptive_rate
from snekmate.utils import math as sn_math


@pure
@external
def rates(
    utilisation: uint256, rate_at_target: uint256, seconds: uint256, parameters: ILendingPool.RateParameters
) -> (uint256, uint256):
    return adaptive_rate._rates(utilisation, rate_at_target, seconds, parameters)


@pure
@external
def wad_exp(x: int256) -> int256:
    return sn_math._wad_exp(x)
