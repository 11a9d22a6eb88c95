"""One signed balance in one word, and what it is worth: twin of ``contracts/modules/exposure.vy`` (docs/formulas.md).

Layout, from the low end::

    amount 128 | free 55 | debt 1 | key 72

Amounts are raw units, prices dollars (WAD) per raw unit scaled by 1e18, worths WAD dollars. What an account has rounds
down, what it owes rounds up. The contract's arithmetic is unchecked, so amounts and prices must be below 2**128.
"""

from __future__ import annotations

from plimsoll.model.fixed_point import WAD

AMOUNT = 2**128 - 1
DEBT = 1 << 183
KEY_BITS = 184


def pack(key: int, debt: bool, amount: int) -> int:
    """Return the exposure word of a balance; ValueError if the key or the amount does not fit."""
    if not 0 <= key < 2**72 or not 0 <= amount <= AMOUNT:
        raise ValueError(f"no exposure: key {key:#x}, amount {amount}")
    return key << KEY_BITS | (DEBT if debt else 0) | amount


def unpack(exposure: int) -> tuple[int, bool, int]:
    """Return asset key, whether it is owed, and raw units; free bits are ignored."""
    return exposure >> KEY_BITS, exposure & DEBT != 0, exposure & AMOUNT


def worth(amount: int, price: int) -> int:
    """Return the WAD dollars of a positive balance, rounded down."""
    return amount * price // WAD


def owed_worth(amount: int, price: int) -> int:
    """Return the WAD dollars of a debt, rounded up."""
    return -(-amount * price // WAD)
