# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A kinked rate curve that moves until utilisation is where it should be
@license AGPL-3.0
@notice Pure. With u the utilisation, u* its target, C the steepness and r the rate at target:

            err   = (u - u*) / (u > u* ? 1 - u* : u*)                       from -1 to 1
            curve = ((err < 0 ? 1 - 1/C : C - 1) * err + 1) * r             from r/C over r to C*r
            r drifts to r * e^(speed * err * time), within [min_rate, max_rate]

        A period pays the average of the curve over it, (start + end + 2 * middle) / 4. The curve is linear in r, so one
        factor serves all three; the end's exponential is the square of the middle's.
@dev Total for parameters within the pool's bounds, u from 0 to 1, r within [min_rate, max_rate], and any time below
     2**64: the exponent is clamped at +-40, beyond what separates any two rates. Every step rounds towards zero.
"""

from contracts.interfaces import ILendingPool
from snekmate.utils import math as sn_math

WAD: constant(uint256) = 10**18
YEAR: constant(uint256) = 365 * 86400
MOST_HALF_EXPONENT: constant(uint256) = 20 * WAD


@pure
@internal
def _rates(
    utilisation: uint256, rate_at_target: uint256, seconds: uint256, parameters: ILendingPool.RateParameters
) -> (uint256, uint256):
    """
    @notice What debt pays over a period whose utilisation was fixed at its start.
    @param utilisation WAD, 0 to 1.
    @param rate_at_target At the start, WAD per year.
    @param seconds Length of the period; 0 asks for the rate at this moment.
    @return The average rate, WAD per year, and the rate at target at the end.
    """
    target: uint256 = parameters.target
    above: bool = utilisation > target
    err: uint256 = 0
    factor: uint256 = 0
    if above:
        err = unsafe_div(unsafe_mul(unsafe_sub(utilisation, target), WAD), unsafe_sub(WAD, target))
        factor = unsafe_add(WAD, unsafe_div(unsafe_mul(unsafe_sub(parameters.steepness, WAD), err), WAD))
    else:
        err = unsafe_div(unsafe_mul(unsafe_sub(target, utilisation), WAD), target)
        slope: uint256 = unsafe_sub(WAD, unsafe_div(WAD * WAD, parameters.steepness))
        factor = unsafe_sub(WAD, unsafe_div(unsafe_mul(slope, err), WAD))

    half: uint256 = unsafe_div(
        unsafe_mul(unsafe_div(unsafe_mul(parameters.speed, err), WAD), seconds), 2 * YEAR
    )
    if half == 0:
        return unsafe_div(unsafe_mul(factor, rate_at_target), WAD), rate_at_target

    exponent: int256 = convert(min(half, MOST_HALF_EXPONENT), int256)
    if not above:
        exponent = unsafe_sub(0, exponent)
    drift: uint256 = convert(sn_math._wad_exp(exponent), uint256)
    middle: uint256 = self._within(
        unsafe_div(unsafe_mul(rate_at_target, drift), WAD), parameters.min_rate, parameters.max_rate
    )
    end: uint256 = self._within(
        unsafe_div(unsafe_mul(rate_at_target, unsafe_div(unsafe_mul(drift, drift), WAD)), WAD),
        parameters.min_rate,
        parameters.max_rate,
    )
    sum: uint256 = unsafe_add(unsafe_add(rate_at_target, end), unsafe_mul(2, middle))
    return unsafe_div(unsafe_mul(factor, sum), 4 * WAD), end


@pure
@internal
def _within(rate: uint256, lowest: uint256, highest: uint256) -> uint256:
    return max(lowest, min(rate, highest))
