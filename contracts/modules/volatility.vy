# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Volatility from samples of a price
@license AGPL-3.0
@notice Pure. Of two prices p0 and p1 that were sampled D seconds apart, each a mean over up to w seconds (or the mean of such
        a mean and a price of that moment), with s**2 the variance per year:

            expected ln(p1 / p0)**2 = s**2 * (D - w/3) / year          (D >= w; Working 1960 for sampled means)
            v = min(ln(p1 / p0)**2 * year / (D - w/3), max_sigma**2)   what one sample says of s**2
            mean = mean * d + v * (1 - d),  d = 2**(-D / half life)    an exponential moving mean, in time

            sigma = sqrt(max(fast mean, slow mean)), per year

        A price of the moment alone has an expected square of s**2 * D: dividing by D - w/3 overstates its variance by at most a fifth,
        because samples are at least two windows apart.

        **Bounds.** A mean stays between the old one and v, so that with a start of at most max_sigma, sigma is within
        [0, max_sigma] for ever. One sample after D seconds moves a mean by at most max_sigma**2 * (1 - d): a return counts up to
        max_sigma * sqrt((D - w/3) / year), whatever was done to the price.

        **Who chooses when to sample gains nothing on average.** To a mean, a sample adds ln(p1 / p0)**2 * (1 - d) / (D - w/3), and
        (1 - d) / D is between d and 1 times ln 2 / half life: but for the weight it is the square of the return itself. For a
        price without drift whose past alone is known, squares of returns add up to s**2 * time on average for *every* rule of when
        to sample (Wald's second identity). Waiting for a calm moment makes the wait longer by as much as the square smaller. What
        remains: the part of a mean's return that its window's past tells, of the order of w / D, and the weight, of the order
        of D / half life. `tests/unit/volatility` measures both against samplers who look at every minute, with D of one hour to six,
        w half an hour: the variance of a mean comes out between 0.7 and 1.5 of the true one (sigma 0.84 to 1.23), that of a price of the
        moment between 0.95 and 1.25, which is the fifth above.

        What is measured rounds up: more volatility is more margin. Bounds round down.
"""

from snekmate.utils import math as sn_math

WAD: constant(uint256) = 10**18
YEAR: constant(uint256) = 365 * 86400
LN_2: constant(uint256) = 693_147_180_559_945_309


@pure
@internal
def _return(before: uint256, after: uint256) -> uint256:
    """
    @param before A price, from 1 to 2**128 - 1.
    @param after The price after it, the same.
    @return The size of the log return, WAD, below 89e18.
    """
    ratio: uint256 = unsafe_div(unsafe_mul(max(before, after), WAD), min(before, after))
    return convert(sn_math._wad_ln(convert(ratio, int256)), uint256)


@pure
@internal
def _variance(size: uint256, seconds: uint256, window: uint256, max_sigma: uint256) -> uint256:
    """
    @notice What one return says of the variance.
    @param size Of the log return, WAD, at most 89e18.
    @param seconds Between the two samples, 1 to 2**40.
    @param window Seconds over which the sampled price is a mean, at most `seconds`.
    @param max_sigma WAD, at most 100e18.
    @return Per year, WAD, rounded up, at most `_square` of max_sigma.
    """
    spread: uint256 = unsafe_mul(unsafe_sub(unsafe_mul(3, seconds), window), WAD)
    squared: uint256 = unsafe_mul(unsafe_mul(size, size), 3 * YEAR)
    return min(unsafe_div(unsafe_add(squared, unsafe_sub(spread, 1)), spread), self._square(max_sigma))


@pure
@internal
def _moved(mean: uint256, variance: uint256, seconds: uint256, half_life: uint256) -> uint256:
    """
    @notice A mean after one more sample.
    @param mean WAD, at most 1e22.
    @param variance What the sample says, WAD, at most 1e22.
    @param seconds Since the sample before, at most 2**40.
    @param half_life Seconds, not 0.
    @return WAD, rounded up; between the two.
    """
    exponent: uint256 = unsafe_div(unsafe_mul(LN_2, seconds), half_life)
    decay: uint256 = convert(sn_math._wad_exp(unsafe_sub(0, convert(exponent, int256))), uint256)
    sum: uint256 = unsafe_add(unsafe_mul(mean, decay), unsafe_mul(variance, unsafe_sub(WAD, decay)))
    return unsafe_div(unsafe_add(sum, WAD - 1), WAD)


@pure
@internal
def _sigma(fast: uint256, slow: uint256) -> uint256:
    """
    @param fast A mean of the variance, WAD, at most 1e22.
    @param slow The other one, the same.
    @return The root of the larger one, WAD per square root of a year, rounded up.
    """
    square: uint256 = unsafe_mul(max(fast, slow), WAD)
    root: uint256 = isqrt(square)
    if unsafe_mul(root, root) < square:
        root = unsafe_add(root, 1)
    return root


@pure
@internal
def _square(sigma: uint256) -> uint256:
    """
    @param sigma WAD, at most 100e18.
    @return Its variance, WAD, rounded down, so that `_sigma` of it is not above it.
    """
    return unsafe_div(unsafe_mul(sigma, sigma), WAD)
