"""Volatility from samples of a price: twin of ``contracts/modules/volatility.vy`` (docs/formulas.md), which proves it.

Volatilities are WAD per square root of a year, variances WAD per year, times seconds. What is measured rounds up.
"""

from __future__ import annotations

from math import isqrt

from plimsoll.model.fixed_point import WAD, YEAR, wad_exp, wad_ln

LN_2 = 693_147_180_559_945_309


def log_return(before: int, after: int) -> int:
    """Return the size of the log return between two prices from 1 to 2**128 - 1, WAD."""
    return wad_ln(max(before, after) * WAD // min(before, after))


def variance(size: int, seconds: int, window: int, max_sigma: int) -> int:
    """Return what one return over `seconds` says of the variance; at most `square` of `max_sigma`.

    Prices that are means over `window` and `seconds` apart have an expected squared return of
    s**2 * (seconds - window / 3): H. Working, "Note on the Correlation of First Differences of Averages in a Random
    Chain", Econometrica 28, 1960.
    """
    spread = (3 * seconds - window) * WAD
    return min(-(-size * size * 3 * YEAR // spread), square(max_sigma))


def moved(mean: int, sampled: int, seconds: int, half_life: int) -> int:
    """Return an exponential moving mean after `sampled`, which came `seconds` after the sample before it."""
    decay = wad_exp(-(LN_2 * seconds // half_life))
    return -(-(mean * decay + sampled * (WAD - decay)) // WAD)


def sigma(fast: int, slow: int) -> int:
    """Return the root of the larger of two variances, rounded up."""
    squared = max(fast, slow) * WAD
    root = isqrt(squared)
    return root + (root * root < squared)


def square(volatility: int) -> int:
    """Return the variance of a volatility, rounded down."""
    return volatility * volatility // WAD


def multiple(deviations: int, horizon: int) -> int:
    """Return z * sqrt(h): the margin rate per unit of yearly volatility, WAD, rounded up.

    `deviations` (z, WAD) are how many standard deviations of the price's move within the liquidation horizon (seconds)
    the margin is to cover: 3 within 4 hours are 3 * sqrt(14400 / 31536000) = 0.0641, so that a volatility of 80 % a
    year asks for a maintenance rate of 5.1 %.
    """
    squared = -(-deviations * deviations * horizon // YEAR)
    root = isqrt(squared)
    return root + (root * root < squared)
