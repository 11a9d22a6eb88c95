# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title The formulas of an in-place Dutch auction
@license AGPL-3.0
@notice Pure. For an account with positive value G, debts D, equity E = G - D and maintenance requirement R:

            penalty  = clamp(R / D, least, most)                                     fixed when the auction starts
            t        = (now - start) / tau               x = t + kappa * max(0, 1 - E / R)
            curve(y) = start_level + (1 - start_level) * min(y, 1)                   start_level <= 0
            bonus    = max( min(penalty * curve(x), max(E, 0) / D), penalty * curve(t) )

        Per unit of debt value a taker assumes, he receives 1 + bonus of positive value. Time raises the bonus whatever the
        account is worth; depth only as far as the account's own equity pays for it.

            fraction = (T_G + T_D - E) / (T_G * (1 + bonus) * D / G + T_D - bonus * D)

        of every debt brings the account to its target T = T_G + T_D, where T_G and T_D are the requirements of its two
        sides times 1 + share * (rho - 1), at the rates before the take.

        Every number is WAD. The bonus rounds towards minus infinity, against the taker; the fraction down, so that the
        target is not passed.
@dev Arithmetic is unchecked. Values are below 2**190 (at most 12 amounts below 2**112 at prices below 2**128), rates below 2**62, times
     below 2**40, kappa at most 100: no product of a value, or of two rates, and a rate reaches 2**254, and the one of two values is taken
     in 512 bits where they are large. What is divided by is not 0.
"""

from snekmate.utils import math as sn_math

WAD: constant(uint256) = 10**18
SIGNED_WAD: constant(int256) = 10**18
HALF_WORD: constant(uint256) = 2**127


@pure
@internal
def _penalty(requirement: uint256, debt: uint256, least: uint256, most: uint256) -> uint256:
    """
    @param debt WAD dollars, not 0.
    @return WAD, rounded down.
    """
    return max(least, min(unsafe_div(unsafe_mul(requirement, WAD), debt), most))


@pure
@internal
def _curve(y: uint256, start_level: int256) -> int256:
    """
    @return WAD, rising from `start_level` at y = 0 to 1 at y = 1, where it stays; rounded down.
    """
    if y >= WAD:
        return SIGNED_WAD
    rise: int256 = unsafe_mul(unsafe_sub(SIGNED_WAD, start_level), convert(y, int256))
    return unsafe_add(start_level, unsafe_div(rise, SIGNED_WAD))


@pure
@internal
def _bonus(
    elapsed: uint256,
    tau: uint256,
    kappa: uint256,
    start_level: int256,
    penalty: uint256,
    equity: int256,
    requirement: uint256,
    debt: uint256,
) -> int256:
    """
    @param elapsed Seconds since the start.
    @param kappa WAD; 0 switches the depth clock off.
    @param debt WAD dollars, not 0.
    @return WAD per unit of debt value; negative while takers pay more than the oracle's price.
    """
    t: uint256 = unsafe_div(unsafe_mul(elapsed, WAD), tau)
    by_time: int256 = self._scaled(penalty, self._curve(t, start_level))
    if kappa == 0 or equity >= convert(requirement, int256):
        return by_time
    depth: uint256 = WAD
    own: int256 = 0
    if equity > 0:
        missing: uint256 = unsafe_sub(requirement, convert(equity, uint256))
        depth = unsafe_div(unsafe_mul(missing, WAD), requirement)
        own = unsafe_div(unsafe_mul(equity, SIGNED_WAD), convert(debt, int256))
    if own <= by_time:
        return by_time
    x: uint256 = unsafe_add(min(t, WAD), unsafe_div(unsafe_mul(kappa, depth), WAD))
    by_depth: int256 = self._scaled(penalty, self._curve(x, start_level))
    return max(min(by_depth, own), by_time)


@pure
@internal
def _paid(debt: uint256, bonus: int256) -> uint256:
    """
    @notice Positive value that a taker of the whole debt receives.
    @param bonus Above -1.
    @return debt * (1 + bonus), WAD dollars, rounded down.
    """
    return convert(unsafe_add(convert(debt, int256), self._scaled(debt, bonus)), uint256)


@pure
@internal
def _max_fraction(
    equity: int256, positive: uint256, debt: uint256, target_positive: uint256, target_debt: uint256, paid: uint256
) -> uint256:
    """
    @param positive WAD dollars, not 0.
    @param paid What `_paid` says of the debt.
    @return Fraction of every debt, WAD, rounded down; 1 where nothing less reaches the target, 0 where it is reached.
    """
    missing: int256 = unsafe_sub(convert(unsafe_add(target_positive, target_debt), int256), equity)
    if missing <= 0:
        return 0
    relief: uint256 = 0
    if max(target_positive, paid) < HALF_WORD:
        relief = unsafe_mul(target_positive, unsafe_add(paid, 1))
        relief = unsafe_div(unsafe_add(relief, unsafe_sub(positive, 1)), positive)
    else:
        relief = sn_math._mul_div(target_positive, unsafe_add(paid, 1), positive, True)
    relief = unsafe_add(unsafe_add(relief, target_debt), debt)   # less what is paid: less the bonus
    per_whole: int256 = unsafe_sub(convert(relief, int256), convert(paid, int256))
    if missing >= per_whole:
        return WAD
    return convert(unsafe_div(unsafe_mul(missing, SIGNED_WAD), per_whole), uint256)


@pure
@internal
def _scaled(amount: uint256, rate: int256) -> int256:
    """
    @return amount * rate, rounded towards minus infinity.
    """
    product: int256 = unsafe_mul(convert(amount, int256), rate)
    if product < 0:
        product = unsafe_sub(product, SIGNED_WAD - 1)
    return unsafe_div(product, SIGNED_WAD)
