"""Continuously compounded interest: twin of ``contracts/modules/interest.vy``."""

from __future__ import annotations

from plimsoll.model.fixed_point import WAD, YEAR

PIECE = WAD // 4
MOST = 4 * WAD


def growth(rate: int, seconds: int) -> int:
    """Return what one unit of debt grows by, WAD, rounded down, at most e^4 - 1.

    `rate` is WAD per year. A lower bound of ``exp(rate * seconds / YEAR) - 1``: the Taylor series to the third term, in
    pieces of at most 1/4 that compound; what exceeds 4 is free.
    """
    x = min(rate * seconds // YEAR, MOST)
    if x <= PIECE:
        return piece(x)
    grown = WAD
    while x:
        step = min(x, PIECE)
        grown = grown * (WAD + piece(step)) // WAD
        x -= step
    return grown - WAD


def piece(x: int) -> int:
    """Return x + x^2/2 + x^3/6, WAD, each term rounded down."""
    return x + x * x // (2 * WAD) + x * x * x // (6 * WAD * WAD)
