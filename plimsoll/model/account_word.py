"""Which assets an account holds and owes, in one word: twin of ``contracts/modules/account_word.vy``.

Layout, from the low end::

    held 72 | owed 72 | modules 16 | flags 8 | free 88

`held` and `owed` are fields. A field is empty (0), a set of core assets (bits 0..63, one each), or exactly one
isolated-tier asset (bit 64 set, its id in bits 0..63). An asset key is a field with one asset in it. Where the contract
reverts, `ValueError` carries its reason. Nothing here rounds.
"""

from __future__ import annotations

FIELD = 2**72 - 1
FIELD_BITS = 72
CORE = 2**64 - 1
OWED_AND_MODULES = (2**88 - 1) << 72
MODULES_SHIFT = 144
FLAGS_SHIFT = 160

MAX_HELD = 8
MAX_OWED = 4
UNDER_AUCTION = 1 << 160
PROVISIONED = 1 << 161
"""Flags: an auction runs; a loss is provisioned at a pool."""


def account(owner: int, index: int) -> int:
    """Return the account number ``owner << 96 | index`` of an owner's address and an index below 2**96."""
    if not 0 <= owner < 2**160 or not 0 <= index < 2**96:
        raise ValueError(f"no account: owner {owner:#x}, index {index}")
    return owner << 96 | index


def owner(account: int) -> int:
    """Return the owner's address, as a number, of an account number."""
    return account >> 96


def index(account: int) -> int:
    """Return the index of an account number among its owner's accounts."""
    return account & 2**96 - 1


def held(word: int) -> int:
    """Return the field of held assets."""
    return word & FIELD


def owed(word: int) -> int:
    """Return the field of owed assets."""
    return word >> FIELD_BITS & FIELD


def modules(word: int) -> int:
    """Return the set of position modules, 16 bits."""
    return word >> MODULES_SHIFT & 2**16 - 1


def flags(word: int) -> int:
    """Return the state flags, 8 bits."""
    return word >> FLAGS_SHIFT & 2**8 - 1


def holds(word: int, key: int) -> bool:
    """Return whether the asset is held."""
    return _has(held(word), key)


def owes(word: int, key: int) -> bool:
    """Return whether the asset is owed."""
    return _has(owed(word), key)


def at_risk(word: int) -> bool:
    """Return whether the account has anything that could cost a lender: a debt, or a position in a module."""
    return word & OWED_AND_MODULES != 0


def hold(word: int, key: int) -> int:
    """Return the word with one more held asset; ValueError if an isolated-tier asset would stand beside another."""
    return word & ~FIELD | _insert(held(word), key)


def owe(word: int, key: int) -> int:
    """Return the word with one more owed asset; ValueError if an isolated-tier asset would stand beside another."""
    return word & ~(FIELD << FIELD_BITS) | _insert(owed(word), key) << FIELD_BITS


def release(word: int, key: int) -> int:
    """Return the word without an asset that is held."""
    return word & ~key


def clear(word: int, key: int) -> int:
    """Return the word without an asset that is owed."""
    return word & ~(key << FIELD_BITS)


def within_limits(word: int) -> bool:
    """Return whether at most 8 assets are held and 4 owed, and at most one of each beside an isolated-tier asset."""
    if held(word) > CORE or owed(word) > CORE:
        return _at_most(held(word), 1) and _at_most(owed(word), 1)
    return _at_most(held(word), MAX_HELD) and _at_most(owed(word), MAX_OWED)


def first(field: int) -> int:
    """Return one asset key out of a field that is not empty: the lowest core asset, or the isolated one."""
    return field if field > CORE else field & -field


def keys(field: int) -> list[int]:
    """Return the asset keys in a field, core assets from the lowest bit up."""
    if field > CORE:
        return [field]
    return [1 << bit for bit in range(64) if field >> bit & 1]


def _has(field: int, key: int) -> bool:
    if key > CORE or field > CORE:
        return field == key
    return field & key != 0


def _insert(field: int, key: int) -> int:
    if field | key > CORE and field not in (0, key):
        raise ValueError("engine: isolated")
    return field | key


def _at_most(field: int, count: int) -> bool:
    return field > CORE or field.bit_count() <= count
