"""What a liquidation grants after an outage: twin of ``contracts/modules/cure.vy`` (docs/formulas.md).

Prices are dollars (WAD) per raw token unit, scaled by 1e18; times unix seconds.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.model.price_oracle import PRICE_LIMIT

DAY = 86_400
MAX_CURE_WINDOW = DAY
MAX_OUTAGE = DAY
UP, DOWN = range(2)
"""Answers of a sequencer's status feed."""


class LastGood(NamedTuple):
    """The mid of an asset's last sample."""

    price: int
    time: int


NOT_KNOWN = LastGood(0, 0)


def check(has_feed: bool, cure_window: int) -> None:
    """Raise ValueError with the constructor's reason where the contract would refuse this window (seconds)."""
    if not has_feed and cure_window != 0:
        raise ValueError("cure: sequencer")
    if cure_window > MAX_CURE_WINDOW:
        raise ValueError("cure: window")


def is_open(status: int, since: int, cure_window: int, now: int) -> bool:
    """Return whether the window is open by a feed that answers this status since then."""
    if not 0 < since <= now:
        return False
    if status == UP:
        return now - since < cure_window
    return status == DOWN and now - since < MAX_OUTAGE


def last_good(price: int, time: int, now: int) -> LastGood:
    """Return what a volatility source's answer counts for."""
    return LastGood(price, time) if price < PRICE_LIMIT and time <= now else NOT_KNOWN


def granted(debt: bool, mid: int, favourable: int, last: int) -> int:
    """Return the price at which a balance counts inside the window; `last` is 0 where none is known."""
    if last == 0:
        return favourable
    if debt:
        return min(favourable, max(last, -(-mid * 4 // 5)))
    return max(favourable, min(last, mid * 5 // 4))
