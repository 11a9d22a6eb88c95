"""What can go wrong, as Python exceptions: every message is one line meant for the person at the keyboard.

A contract refuses with ``"module: reason"``; `from_reason` turns that into the class a caller can catch. Three refusals
of Vyper carry no text, because the compiler and not our code makes them; `from_reason` names them from what was sent.

    PlimsollError
        AmountError, ConfigError, ManifestError, ChainError, DeployError
        Reverted                     .reason is the contract's own text
            NotAllowed, InitialMargin, PriceStatus, Paused, MaxBorrow, MinDebt, Expired, PoolCash, Cap, CollateralCap,
            Gated, ...
            AuctionRefused
                NotLiquidatable, BonusTooLow, AuctionRunning, NoAuction
            FundRefused, OrderRefused, TimelockRefused, GateRefused, ListingRefused
            Reasonless
                LockHeld, Overflow, Undecodable
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


class PlimsollError(Exception):
    """Anything this package refuses; ``str(error)`` is one line."""


class AmountError(PlimsollError):
    """An amount that is no exact number of raw units."""


class ConfigError(PlimsollError):
    """A configuration field that is wrong: ``path: what is wrong with it``."""


class ManifestError(PlimsollError):
    """A deployment manifest that is missing, damaged, or of another chain or other code."""


class ChainError(PlimsollError):
    """A chain that cannot be used: unreachable, of another id, or without funds for the sender."""


class DeployError(PlimsollError):
    """A deployment that cannot be done as configured."""


class Reverted(PlimsollError):  # noqa: N818  these are refusals, named by what was refused
    """A contract refused the call; `reason` is its text, ``""`` when it gave none."""

    meaning: ClassVar[str] = ""

    def __init__(self, reason: str = "", detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        text = reason or "reverted without a reason"
        super().__init__(" - ".join(part for part in (text, self.meaning, detail) if part))


class NotAllowed(Reverted):
    """The sender is neither the owner nor an operator with the permission."""

    meaning = "the sender may not do this"


class InitialMargin(Reverted):
    """The account would end with more risk than its initial margin allows."""

    meaning = "the account's equity would not cover its initial margin"


class PriceStatus(Reverted):
    """A price the account depends on is not OK, so no risk may be added."""

    meaning = "a price is not OK: only deposits, repayments and reductions are possible now"


class Paused(Reverted):
    """New risk is paused."""

    meaning = "new risk is paused: deposits, repayments, reductions and withdrawals without debt still work"


class MaxBorrow(Reverted):
    """More would have to be borrowed than the caller allowed."""

    meaning = "more would have to be borrowed than max_borrow allows"


class MinDebt(Reverted):
    """The account would be left with a debt that is too small."""

    meaning = "an account's debt is zero or at least the minimum"


class InsufficientBalance(Reverted):
    """The account holds less than the call needs and may not borrow."""

    meaning = "the balance is too small"


class Expired(Reverted):
    """The deadline has passed."""

    meaning = "the deadline has passed"


class MinBuy(Reverted):
    """The swap returned less than the caller's minimum."""

    meaning = "the swap returned less than the minimum"


class ReduceOnly(Reverted):
    """The trade would not reduce risk."""

    meaning = "the trade does not reduce risk"


class LossLimit(Reverted):
    """An operator's trade lost more than he may lose."""

    meaning = "the trade lost more than the operator's grant allows"


class PoolCash(Reverted):
    """The lending pool has too little cash."""

    meaning = "the pool has too little cash: the rest is lent out"


class Cap(Reverted):
    """A supply or borrow cap would be exceeded."""

    meaning = "the cap would be exceeded"


class UnknownAsset(Reverted):
    """The token is not listed."""

    meaning = "the token is not listed"


class BadArgument(Reverted):
    """The call makes no sense as it stands."""


class BadSignature(Reverted):
    """The signature does not fit, or was used already."""


class TokenFailed(Reverted):
    """A token refused, or moved another amount than asked."""


class PriceSourceRefused(Reverted):
    """A price source or the risk engine refused."""


class CheckPending(Reverted):
    """The account is in the middle of a batch; nobody may judge it before the batch's end."""

    meaning = "the account's own check is still to come in this transaction"


class UnderAuction(Reverted):
    """The account is under auction: its owner may only deposit and trade reduce-only, and nobody can take into it."""

    meaning = "the account is under auction: only deposits and reductions are possible"


class AuctionRefused(Reverted):
    """The auction's terms do not allow it."""


class NotLiquidatable(AuctionRefused):
    """The account is above its line."""

    meaning = "the account is not below its line"


class NoAuction(AuctionRefused):
    """There is no auction of the account."""

    meaning = "no auction of the account runs"


class AuctionRunning(AuctionRefused):
    """An auction of the account runs already."""

    meaning = "an auction runs already, and its penalty cannot be raised yet"


class BonusTooLow(AuctionRefused):
    """The bonus is below the taker's minimum."""

    meaning = "the bonus is below min_bonus"


class FundRefused(Reverted):
    """The reserve fund refused."""


class OrderRefused(Reverted):
    """A protection order cannot be executed, or not in this way."""


class TimelockRefused(Reverted):
    """The timelock refused: the operation is not queued, or not due yet."""


class CollateralCap(Reverted):
    """The vault holds more of an asset than its cap, so an account with debt that holds it may take no new risk."""

    meaning = "the vault is over the cap of an asset that the account holds: deposits and reductions still work"


class Gated(Reverted):
    """The gate of an asset does not let the account take risk with it, or take it over."""

    meaning = "the asset's gate does not let the account in: deposits, repayments and reductions still work"


class GateRefused(Reverted):
    """A gate refused an attestation."""


class ListingRefused(Reverted):
    """The factory does not list the token, or not now."""


class Reasonless(Reverted):
    """The EVM reverted without data."""


class LockHeld(Reasonless):
    """The engine's lock was held: something called back into it."""

    meaning = "the lock was held: a token or swapper called back, or gas ran out"


class Overflow(Reasonless):
    """A number left its range."""

    meaning = "a number is out of range"


class Undecodable(Reasonless):
    """The contract could not decode the call."""

    meaning = "the contract could not decode the call: an argument is longer or larger than it accepts"


_BY_REASON: dict[str, type[Reverted]] = {
    "engine: initial margin": InitialMargin,
    "engine: price status": PriceStatus,
    "engine: paused": Paused,
    "engine: max_borrow": MaxBorrow,
    "engine: min debt": MinDebt,
    "engine: insufficient balance": InsufficientBalance,
    "engine: expired": Expired,
    "operators: expired": Expired,
    "engine: min_buy": MinBuy,
    "engine: reduce only": ReduceOnly,
    "operators: max loss": LossLimit,
    "operators: loss budget": LossLimit,
    "engine: unknown asset": UnknownAsset,
    "engine: supply cap": CollateralCap,
    "engine: gate": Gated,
    "engine: cap bound": BadArgument,
    "engine: cap only down": BadArgument,
    "operators: nonce used": BadSignature,
    "operators: signature": BadSignature,
    "pool: cash": PoolCash,
    "pool: borrow cap": Cap,
    "pool: supply cap": Cap,
    "swapper: min buy": MinBuy,
    "engine: check pending": CheckPending,
    "engine: under auction": UnderAuction,
    "engine: not under auction": NoAuction,
    "auction: price status": PriceStatus,
    "auction: healthy": NotLiquidatable,
    "auction: running": AuctionRunning,
    "auction: none": NoAuction,
    "auction: bonus": BonusTooLow,
    "orders: price status": PriceStatus,
}

_BY_WORDS: tuple[tuple[str, type[Reverted]], ...] = (
    ("not allowed", NotAllowed),
    ("not the owner", NotAllowed),
    ("is not the new owner", NotAllowed),
    ("is missing role", NotAllowed),
    ("caller is not the owner", NotAllowed),
    (" only", NotAllowed),
    ("signature", BadSignature),
    ("expired", Expired),
    (" cap", Cap),
)

_BY_MODULE: dict[str, type[Reverted]] = {
    "token": TokenFailed,
    "erc20": TokenFailed,
    "twap": PriceSourceRefused,
    "feed": PriceSourceRefused,
    "shares": PriceSourceRefused,
    "depth": PriceSourceRefused,
    "oracle": PriceSourceRefused,
    "volatility": PriceSourceRefused,
    "cure": BadArgument,
    "risk": PriceSourceRefused,
    "margin": BadArgument,
    "math": Overflow,
    "roles": BadArgument,
    "lens": BadArgument,
    "engine": BadArgument,
    "pool": BadArgument,
    "operators": BadArgument,
    "vault": BadArgument,
    "swapper": BadArgument,
    "auction": AuctionRefused,
    "fund": FundRefused,
    "orders": OrderRefused,
    "timelock": TimelockRefused,
    "timelock_controller": TimelockRefused,
    "gate": GateRefused,
    "factory": ListingRefused,
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known of a call's arguments, to name a revert without a reason."""

    largest: int = 0
    """The largest unsigned number among the arguments."""
    longest: int = 0
    """The longest byte string among the arguments, in bytes."""


DATA_LIMIT = 1024
"""Bytes of swap data, and of a signature, that the contracts decode."""
CALL_LIMIT = 1380
"""Bytes of one call inside a batch."""
BATCH_LIMIT = 16
"""Calls in one batch."""
AMOUNT_LIMIT = 2**128 - 1
"""The largest amount an account's balance can hold, raw units."""


def from_reason(reason: str, sent: Sent | None = None, detail: str = "") -> Reverted:
    """Return the exception for a contract's reason; with `reason` empty, the likeliest one for what was sent.

    Without a reason there are three causes in code that Vyper compiled: a call that does not decode, a number out of
    range, or the lock. The first two follow from the arguments; what they do not explain is the lock.
    """
    if reason:
        return _class_of(reason)(reason, detail)
    if sent is None:
        return Reasonless("", detail or "the lock was held, a number overflowed, or the call could not be decoded")
    if sent.longest > CALL_LIMIT:
        return Undecodable("", detail)
    if sent.largest > AMOUNT_LIMIT:
        return Overflow("", detail)
    return LockHeld("", detail)


def _class_of(reason: str) -> type[Reverted]:
    if reason in _BY_REASON:
        return _BY_REASON[reason]
    module, _, text = reason.partition(":")
    for words, kind in _BY_WORDS:
        if text.endswith(words):
            return kind
    return _BY_MODULE.get(module, Reverted)
