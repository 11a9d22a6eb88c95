"""A kinked rate curve that moves until utilisation is on target: twin of ``contracts/modules/adaptive_rate.vy``.

Rates are WAD per year, utilisation and parameters WAD, times seconds. Every step rounds towards zero.

Formulas: docs/formulas.md. The same curve is described by Morpho's AdaptiveCurveIRM (morpho-org/morpho-blue-irm,
src/adaptive-curve-irm/AdaptiveCurveIrm.sol), whose numbers the tests hold it against.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.model.fixed_point import WAD, YEAR, wad_exp

MOST_HALF_EXPONENT = 20 * WAD


class RateParameters(NamedTuple):
    """ILendingPool.RateParameters."""

    target: int
    """Utilisation aimed at."""
    steepness: int
    """Rate at full utilisation over rate at target."""
    speed: int
    """Drift of the rate at target, per year; 0 is the plain kinked curve."""
    min_rate: int
    """Lower bound of the rate at target."""
    max_rate: int
    """Upper bound of the rate at target."""


def rates(utilisation: int, rate_at_target: int, seconds: int, parameters: RateParameters) -> tuple[int, int]:
    """Return the average rate of a period and the rate at target at its end.

    `utilisation` (0 to WAD) and `rate_at_target` (within its bounds) are those of the period's start; 0 seconds ask for
    the rate at this moment.
    """
    target = parameters.target
    above = utilisation > target
    if above:
        err = (utilisation - target) * WAD // (WAD - target)
        factor = WAD + (parameters.steepness - WAD) * err // WAD
    else:
        err = (target - utilisation) * WAD // target
        slope = WAD - WAD * WAD // parameters.steepness
        factor = WAD - slope * err // WAD

    half = parameters.speed * err // WAD * seconds // (2 * YEAR)
    if half == 0:
        return factor * rate_at_target // WAD, rate_at_target

    exponent = min(half, MOST_HALF_EXPONENT)
    drift = wad_exp(exponent if above else -exponent)
    middle = within(rate_at_target * drift // WAD, parameters.min_rate, parameters.max_rate)
    end = within(rate_at_target * (drift * drift // WAD) // WAD, parameters.min_rate, parameters.max_rate)
    return factor * (rate_at_target + end + 2 * middle) // (4 * WAD), end


def within(rate: int, lowest: int, highest: int) -> int:
    """Return `rate` moved into [lowest, highest]."""
    return max(lowest, min(rate, highest))
