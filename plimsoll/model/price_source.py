"""One venue's opinion of one asset's price: the struct of ``contracts/interfaces/IPriceSource.vyi``."""

from __future__ import annotations

from typing import NamedTuple


class Reading(NamedTuple):
    """A price source's answer. Prices are dollars (WAD) per raw token unit, scaled by 1e18, rounded down."""

    price: int
    """The venue's own number; 0 when it has no valid answer."""
    clamped: int
    """The same, its movement limited where the source can do that."""
    updated_at: int
    """Unix time of the newest information in it."""
    fresh: int
    """1 when no older than the source's own limit, else 0."""
    trusted: int
    """1 when the venue is deep and sane enough to be counted, else 0."""


NO_READING = Reading(0, 0, 0, 0, 0)
