"""The formulas of an in-place Dutch auction: twin of ``contracts/modules/auction_terms.vy``.

Values are WAD dollars, rates WAD. The bonus rounds towards minus infinity (against the taker), the fraction down (so
that the target is not passed).
"""

from __future__ import annotations

from plimsoll.model.fixed_point import WAD


def penalty(requirement: int, debt: int, least: int, most: int) -> int:
    """Return clamp(requirement / debt, least, most), rounded down; `debt` is not 0."""
    return max(least, min(requirement * WAD // debt, most))


def curve(y: int, start_level: int) -> int:
    """Return the curve at `y`: from `start_level` at 0 to 1 at 1, where it stays."""
    if y >= WAD:
        return WAD
    return start_level + (WAD - start_level) * y // WAD


def bonus(
    elapsed: int,
    tau: int,
    kappa: int,
    start_level: int,
    penalty_rate: int,
    equity: int,
    requirement: int,
    debt: int,
) -> int:
    """Return what a taker receives above each unit of debt value he assumes; negative while he pays more.

    `elapsed` in seconds since the start; `kappa` 0 switches the depth clock off.
    """
    t = min(elapsed * WAD // tau, WAD)
    by_time = scaled(penalty_rate, curve(t, start_level))
    if kappa == 0 or equity >= requirement:
        return by_time
    depth, own = WAD, 0
    if equity > 0:
        depth = (requirement - equity) * WAD // requirement
        own = min(equity * WAD // debt, WAD)
    x = min(t + kappa * depth // WAD, WAD)
    return max(min(scaled(penalty_rate, curve(x, start_level)), own), by_time)


def paid(debt: int, bonus_rate: int) -> int:
    """Return the positive value that a taker of the whole debt receives, rounded down."""
    return debt + scaled(debt, bonus_rate)


def max_fraction(equity: int, positive: int, debt: int, target_positive: int, target_debt: int, bonus_rate: int) -> int:
    """Return the fraction of every debt that brings the account to its target.

    Rounded down; WAD where nothing less reaches it, 0 where the account is there.
    """
    missing = target_positive + target_debt - equity
    relief = -(-target_positive * (paid(debt, bonus_rate) + 1) // positive) + target_debt
    per_whole = relief - scaled(debt, bonus_rate)
    if missing <= 0:
        return 0
    if missing >= per_whole:
        return WAD
    return missing * WAD // per_whole


def scaled(amount: int, rate: int) -> int:
    """Return amount * rate, rounded towards minus infinity."""
    return amount * rate // WAD
