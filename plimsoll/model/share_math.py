"""Shares against assets, debt shares against debt: twin of ``contracts/modules/share_math.vy``, which explains them.

Amounts are raw units; the rounding is in the name. ValueError("") where the contract's product overflows a uint256.
"""

from __future__ import annotations

from plimsoll.model.fixed_point import checked

VIRTUAL_SHARES = 10**6
FIRST_DEBT_SHARES = 10**6
MOST_SHARES_PER_ASSET = 10**12


def shares_down(assets: int, total: int, supply: int) -> int:
    """Return the shares that `assets` buy."""
    return checked(assets * (supply + VIRTUAL_SHARES)) // (total + 1)


def shares_up(assets: int, total: int, supply: int) -> int:
    """Return the shares that `assets` cost."""
    return checked(assets * (supply + VIRTUAL_SHARES) + total) // (total + 1)


def assets_down(shares: int, total: int, supply: int) -> int:
    """Return the assets that `shares` are worth."""
    return checked(shares * (total + 1)) // (supply + VIRTUAL_SHARES)


def assets_up(shares: int, total: int, supply: int) -> int:
    """Return the assets that `shares` cost."""
    return checked(shares * (total + 1) + supply + VIRTUAL_SHARES - 1) // (supply + VIRTUAL_SHARES)


def is_ruined(total: int, supply: int) -> bool:
    """Return whether a share is worth so little that no new ones are sold."""
    return supply + VIRTUAL_SHARES > (total + 1) * MOST_SHARES_PER_ASSET


def debt_shares_up(amount: int, debt: int, debt_shares: int) -> int:
    """Return the debt shares that borrowing `amount` creates."""
    if debt == 0:
        return checked(amount * FIRST_DEBT_SHARES)
    return checked(amount * debt_shares + debt - 1) // debt


def debt_shares_down(amount: int, debt: int, debt_shares: int) -> int:
    """Return the debt shares that repaying `amount`, less than is owed, burns."""
    return checked(amount * debt_shares) // debt


def debt_up(shares: int, debt: int, debt_shares: int) -> int:
    """Return what `shares` owe; 0 for none."""
    if shares == 0:
        return 0
    return checked(shares * debt + debt_shares - 1) // debt_shares
