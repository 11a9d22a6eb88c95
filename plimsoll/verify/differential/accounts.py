"""Differentials of chapter 1: accounts, account words and exposures."""

from __future__ import annotations

from plimsoll.chain import Contract
from plimsoll.model import account_word, restrictions
from plimsoll.verify.differential.bench import Bench
from plimsoll.verify.differential.draws import Draws
from plimsoll.verify.differential.formula import Formula

CORE_KEYS = tuple(1 << bit for bit in range(64))
UINT128 = 2**128 - 1
TOKENS = (0xC0, 0x150)
"""A core asset and one of the isolated tier, in the restrictions' harness."""


def key(draws: Draws) -> int:
    """Return an asset key: a core asset, or one of the isolated tier."""
    return 1 << 64 | draws.within(1, 2**64 - 1) if draws.chance(4) else draws.pick(CORE_KEYS)


def asset_field(draws: Draws, about: int) -> int:
    """Return what an account may hold or owe: nothing, some core assets about the limit of `about`, or one isolated."""
    how = draws.bits(3)
    if how == 0:
        return 0
    if how == 1:
        return 1 << 64 | draws.within(1, 2**64 - 1)
    if how == 2:
        return draws.bits(64)
    found = 0
    for _ in range(about - 1 + draws.bits(2)):
        found |= draws.pick(CORE_KEYS)
    return found


def word(draws: Draws) -> int:
    """Return an account word."""
    return asset_field(draws, 8) | asset_field(draws, 4) << 72 | draws.bits(2) << 159 | draws.bits(1) << 150


def _word_and_key(draws: Draws) -> tuple[int, int]:
    found = word(draws)
    present = account_word.keys(account_word.held(found)) + account_word.keys(account_word.owed(found))
    return found, draws.pick(present) if present and draws.bits(1) else key(draws)


def _cap(draws: Draws) -> tuple[int, int]:
    return draws.pick(TOKENS), draws.upto(2**256 - 1) if draws.chance(16) else draws.upto(2**128 - 1)


def restrictions_harness(bench: Bench, number: int = 0) -> Contract:
    """Return the restrictions module over both tokens."""
    return bench.deploy("restrictions_harness", *(f"0x{token:040x}" for token in TOKENS), number=number)


FORMULAS = (
    Formula(
        "account_word._account",
        "account_word.account",
        "account(address,uint256)",
        lambda d: (d.upto(2**160 - 1), d.upto(2**96 - 1)),
    ),
    Formula("account_word._has", "account_word.holds", "holds(uint256,uint256)", _word_and_key),
    Formula("account_word._owes", "account_word.owes", "owes(uint256,uint256)", _word_and_key),
    Formula("account_word._hold", "account_word.hold", "hold(uint256,uint256)", _word_and_key),
    Formula("account_word._owe", "account_word.owe", "owe(uint256,uint256)", _word_and_key),
    Formula(
        "account_word._within_limits", "account_word.within_limits", "within_limits(uint256)", lambda d: (word(d),)
    ),
    Formula("account_word._at_risk", "account_word.at_risk", "at_risk(uint256)", lambda d: (word(d),)),
    Formula("account_word._first", "account_word.first", "first(uint256)", lambda d: (asset_field(d, 8) or key(d),)),
    Formula(
        "restrictions._set_cap",
        "restrictions.rounded",
        "cap_kept(address,uint256)",
        _cap,
        lambda _: lambda _, cap: restrictions.rounded(cap),
        deploy=lambda bench, _: restrictions_harness(bench),
    ),
    Formula(
        "exposure._pack",
        "exposure.pack",
        "pack(uint256,bool,uint256)",
        lambda d: (key(d), d.bits(1), d.upto(UINT128)),
    ),
    Formula("exposure._unpack", "exposure.unpack", "unpack(uint256)", lambda d: (d.upto(2**256 - 1),)),
    Formula(
        "exposure._worth", "exposure.worth", "worth(uint256,uint256)", lambda d: (d.upto(UINT128), d.upto(UINT128))
    ),
    Formula(
        "exposure._owed_worth",
        "exposure.owed_worth",
        "owed_worth(uint256,uint256)",
        lambda d: (d.upto(UINT128), d.upto(UINT128)),
    ),
)
"""Chapter 1 of docs/formulas.md, and what stands beside it in the same modules."""
