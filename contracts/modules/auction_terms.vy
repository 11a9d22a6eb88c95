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
@dev Values below 2**190 and rates of at most a few WAD: no product reaches 2**255, and the one of two values is taken in
     512 bits.
"""

from snekmate.utils import math as sn_math

WAD: constant(uint256) = 10**18
SIGNED_WAD: constant(int256) = 10**18


@pure
@internal
def _penalty(requirement: uint256, debt: uint256, least: uint256, most: uint256) -> uint256:
    """
    @param debt WAD dollars, not 0.
    @return WAD, rounded down.
    """
    return max(least, min(requirement * WAD // debt, most))


@pure
@internal
def _curve(y: uint256, start_level: int256) -> int256:
    """
    @return WAD, rising from `start_level` at y = 0 to 1 at y = 1, where it stays; rounded down.
    """
    if y >= WAD:
        return SIGNED_WAD
    return start_level + (SIGNED_WAD - start_level) * convert(y, int256) // SIGNED_WAD


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
    t: uint256 = min(elapsed * WAD // tau, WAD)
    by_time: int256 = self._scaled(penalty, self._curve(t, start_level))
    if kappa == 0 or equity >= convert(requirement, int256):
        return by_time
    depth: uint256 = WAD
    own: uint256 = 0
    if equity > 0:
        depth = (requirement - convert(equity, uint256)) * WAD // requirement
        own = min(convert(equity, uint256) * WAD // debt, WAD)
    x: uint256 = min(t + kappa * depth // WAD, WAD)
    by_depth: int256 = self._scaled(penalty, self._curve(x, start_level))
    return max(min(by_depth, convert(own, int256)), by_time)


@pure
@internal
def _paid(debt: uint256, bonus: int256) -> uint256:
    """
    @notice Positive value that a taker of the whole debt receives.
    @param bonus Above -1.
    @return debt * (1 + bonus), WAD dollars, rounded down.
    """
    return convert(convert(debt, int256) + self._scaled(debt, bonus), uint256)


@pure
@internal
def _max_fraction(
    equity: int256, positive: uint256, debt: uint256, target_positive: uint256, target_debt: uint256, bonus: int256
) -> uint256:
    """
    @param positive WAD dollars, not 0.
    @return Fraction of every debt, WAD, rounded down; 1 where nothing less reaches the target, 0 where it is reached.
    """
    missing: int256 = convert(target_positive + target_debt, int256) - equity
    relief: uint256 = sn_math._mul_div(target_positive, self._paid(debt, bonus) + 1, positive, True) + target_debt
    per_whole: int256 = convert(relief, int256) - self._scaled(debt, bonus)
    if missing <= 0:
        return 0
    if missing >= per_whole:
        return WAD
    return convert(missing * SIGNED_WAD // per_whole, uint256)


@pure
@internal
def _scaled(amount: uint256, rate: int256) -> int256:
    """
    @return amount * rate, rounded towards minus infinity.
    """
    product: int256 = convert(amount, int256) * rate
    if product >= 0:
        return product // SIGNED_WAD
    return -((SIGNED_WAD - 1 - product) // SIGNED_WAD)
