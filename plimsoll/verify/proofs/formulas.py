"""The pure formulas, for integers and for the solver's terms alike; each names the model function that it equals.

What a formula gets from a transcendental function (the drift of a rate) it takes as an argument: lemmas hold for any.
"""

from __future__ import annotations

from plimsoll.model.fixed_point import WAD
from plimsoll.model.margin_rate import HOUR, ROUNDING
from plimsoll.model.share_math import FIRST_DEBT_SHARES, VIRTUAL_SHARES
from plimsoll.verify.proofs.smt import Number, choose, divide, divide_up, least, most

# share_math


def shares_down(assets: Number, total: Number, supply: Number) -> Number:
    """`share_math.shares_down`."""
    return divide(assets * (supply + VIRTUAL_SHARES), total + 1)


def shares_up(assets: Number, total: Number, supply: Number) -> Number:
    """`share_math.shares_up`."""
    return divide(assets * (supply + VIRTUAL_SHARES) + total, total + 1)


def assets_down(shares: Number, total: Number, supply: Number) -> Number:
    """`share_math.assets_down`."""
    return divide(shares * (total + 1), supply + VIRTUAL_SHARES)


def assets_up(shares: Number, total: Number, supply: Number) -> Number:
    """`share_math.assets_up`."""
    return divide(shares * (total + 1) + supply + VIRTUAL_SHARES - 1, supply + VIRTUAL_SHARES)


def first_debt_shares(amount: Number) -> Number:
    """`share_math.debt_shares_up` where there is no debt yet."""
    return amount * FIRST_DEBT_SHARES


def debt_shares_up(amount: Number, debt: Number, debt_shares: Number) -> Number:
    """`share_math.debt_shares_up` where there is debt."""
    return divide(amount * debt_shares + debt - 1, debt)


def debt_shares_down(amount: Number, debt: Number, debt_shares: Number) -> Number:
    """`share_math.debt_shares_down`."""
    return divide(amount * debt_shares, debt)


def debt_up(shares: Number, debt: Number, debt_shares: Number) -> Number:
    """`share_math.debt_up`."""
    return choose(shares == 0, 0, divide(shares * debt + debt_shares - 1, debt_shares))


# exposure


def worth(amount: Number, price: Number) -> Number:
    """`exposure.worth`."""
    return divide(amount * price, WAD)


def owed_worth(amount: Number, price: Number) -> Number:
    """`exposure.owed_worth`."""
    return divide_up(amount * price, WAD)


# auction_terms


def scaled(amount: Number, rate: Number) -> Number:
    """`auction_terms.scaled`."""
    return divide(amount * rate, WAD)


def curve(y: Number, start_level: Number) -> Number:
    """`auction_terms.curve`."""
    return choose(y >= WAD, WAD, start_level + divide((WAD - start_level) * y, WAD))


def own(equity: Number, debt: Number) -> Number:
    """What `auction_terms.bonus` lets depth spend: the equity per unit of debt."""
    return choose(equity > 0, least(divide(equity * WAD, debt), WAD), 0)


def later(
    by_time: Number, by_depth: Number, covered: Number, kappa: Number, equity: Number, requirement: Number
) -> Number:
    """`auction_terms.bonus` from what time says, what depth says, and what equity covers."""
    deep = most(least(by_depth, covered), by_time)
    return choose(kappa == 0, by_time, choose(equity >= requirement, by_time, deep))


def bonus(
    t: Number, kappa: Number, start_level: Number, penalty: Number, equity: Number, requirement: Number, debt: Number
) -> Number:
    """`auction_terms.bonus` for `t = elapsed * WAD / tau`, a requirement and a debt that are not 0."""
    by_time = scaled(penalty, curve(t, start_level))
    depth = choose(equity > 0, divide((requirement - equity) * WAD, requirement), WAD)
    x = least(least(t, WAD) + divide(kappa * depth, WAD), WAD)
    by_depth = scaled(penalty, curve(x, start_level))
    return later(by_time, by_depth, own(equity, debt), kappa, equity, requirement)


def per_whole(positive: Number, debt: Number, target_positive: Number, target_debt: Number, paid: Number) -> Number:
    """The divisor of `auction_terms.max_fraction`: how much nearer its target taking everything brings the account."""
    return divide_up(target_positive * (paid + 1), positive) + target_debt - (paid - debt)


def max_fraction(missing: Number, whole: Number) -> Number:
    """`auction_terms.max_fraction` between its ends, for what is missing to the target and `per_whole`."""
    return divide(missing * WAD, whole)


# margin_rate


def rate(base: Number, cap: Number, slope: Number, value: Number) -> Number:
    """`margin_rate.rate` of an asset whose base, cap and slope are in force."""
    return least(cap, base + divide_up(slope * value, WAD))


def maintenance(base: Number, cap: Number, slope: Number, value: Number) -> Number:
    """`margin_rate.requirements`, the first."""
    return divide_up(value * rate(base, cap, slope, value), WAD)


def initial(required: Number, initial_ratio: Number) -> Number:
    """`margin_rate.initial`."""
    return divide_up(required * initial_ratio, WAD)


def towards(start: Number, target: Number, rise: Number, fall: Number) -> Number:
    """`margin_rate.towards`."""
    return choose(start < target, least(target, start + rise), most(target, start - fall))


def factor(x: Number) -> Number:
    """`margin_rate.factor` for `x = move * WAD / (unit * cap)`."""
    return WAD + x + divide(x * x, 2 * WAD)


def max_ramp_up(base: Number, initial_ratio: Number, notice: Number) -> Number:
    """`margin_rate.max_ramp_up`."""
    room = divide(4 * (initial_ratio - WAD) * base * HOUR, initial_ratio + 3 * WAD)
    return divide(most(room - ROUNDING * HOUR, 0), notice)


# adaptive_rate


def curve_factor(utilisation: Number, target: Number, steepness: Number) -> Number:
    """The factor of `adaptive_rate.rates`: the curve over the rate at target."""
    above = WAD + divide((steepness - WAD) * divide((utilisation - target) * WAD, WAD - target), WAD)
    slope = WAD - divide(WAD * WAD, steepness)
    below = WAD - divide(slope * divide((target - utilisation) * WAD, target), WAD)
    return choose(utilisation > target, above, below)


def within(value: Number, lowest: Number, highest: Number) -> Number:
    """`adaptive_rate.within`."""
    return most(lowest, least(value, highest))


def path(rate_at_target: Number, drift: Number, lowest: Number, highest: Number) -> tuple[Number, Number]:
    """The rate at target in the middle and at the end of `adaptive_rate.rates`, for the drift of half the period."""
    middle = within(divide(rate_at_target * drift, WAD), lowest, highest)
    return middle, within(divide(rate_at_target * divide(drift * drift, WAD), WAD), lowest, highest)


def average(height: Number, rate_at_target: Number, middle: Number, end: Number) -> Number:
    """The average rate of `adaptive_rate.rates`, for the curve's factor `height`."""
    return divide(height * (rate_at_target + end + 2 * middle), 4 * WAD)


# interest


def piece(x: Number) -> Number:
    """`interest.piece`."""
    return x + divide(x * x, 2 * WAD) + divide(x * x * x, 6 * WAD * WAD)
