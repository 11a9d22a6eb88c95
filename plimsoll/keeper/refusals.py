"""What a node means when it does not take a transaction: every client says it in its own words.

Collected from the sources of go-ethereum (core/txpool/errors.go, core/error.go), Nethermind (AcceptTxResult), Erigon
(txpoolcfg), Besu (RpcErrorType), reth and anvil (their pool's InvalidPoolTransactionError).
"""

from __future__ import annotations

from enum import Enum, auto


class Refusal(Enum):
    """Why a transaction was not taken."""

    KNOWN = auto()
    """It has it already: as good as taken."""
    NONCE_USED = auto()
    """A transaction with this nonce is mined: perhaps this very one."""
    NONCE_GAP = auto()
    """Transactions before it are missing."""
    OUTBID = auto()
    """Another transaction with this nonce waits there and offers too much to be replaced."""
    FEE = auto()
    """It offers too little."""
    FUNDS = auto()
    """The sender cannot pay for it."""
    INVALID = auto()
    """It can never be mined as it is: its gas, size or type."""
    BUSY = auto()
    """The pool is full."""
    OTHER = auto()
    """Unknown words: it may have been taken."""


_WORDS: tuple[tuple[str, Refusal], ...] = (
    ("already known", Refusal.KNOWN),
    ("alreadyknown", Refusal.KNOWN),
    ("already_exists", Refusal.KNOWN),
    ("already imported", Refusal.KNOWN),
    ("already exists", Refusal.KNOWN),
    ("known transaction", Refusal.KNOWN),
    ("nonce too low", Refusal.NONCE_USED),
    ("nonce is too low", Refusal.NONCE_USED),
    ("nonce_too_low", Refusal.NONCE_USED),
    ("oldnonce", Refusal.NONCE_USED),
    ("old nonce", Refusal.NONCE_USED),
    ("invalid nonce", Refusal.NONCE_USED),
    ("nonce too high", Refusal.NONCE_GAP),
    ("nonce gap", Refusal.NONCE_GAP),
    ("noncegap", Refusal.NONCE_GAP),
    ("gapped-nonce", Refusal.NONCE_GAP),
    ("nonce too far", Refusal.NONCE_GAP),
    ("replacement", Refusal.OUTBID),
    ("feetoolowtocompete", Refusal.FEE),
    ("could not replace", Refusal.OUTBID),
    ("another transaction with same nonce", Refusal.OUTBID),
    ("future transaction tries to replace", Refusal.OUTBID),
    ("underpriced", Refusal.FEE),
    ("less than block base fee", Refusal.FEE),
    ("fee too low", Refusal.FEE),
    ("feetoolow", Refusal.FEE),
    ("fee_too_low", Refusal.FEE),
    ("gas price too low", Refusal.FEE),
    ("gas price below", Refusal.FEE),
    ("below configured minimum", Refusal.FEE),
    ("insufficient", Refusal.FUNDS),
    ("upfront cost", Refusal.FUNDS),
    ("txpool is full", Refusal.BUSY),
    ("pool is full", Refusal.BUSY),
    ("account limit exceeded", Refusal.BUSY),
    ("limit reached", Refusal.BUSY),
    ("gas limit", Refusal.INVALID),
    ("gas too low", Refusal.INVALID),
    ("intrinsic gas", Refusal.INVALID),
    ("oversized", Refusal.INVALID),
    ("exceeds the configured cap", Refusal.INVALID),
    ("chain id", Refusal.INVALID),
    ("chain_id", Refusal.INVALID),
    ("not supported", Refusal.INVALID),
    ("revert", Refusal.INVALID),
)


def read(message: str) -> Refusal:
    """Return what a node's message means."""
    text = message.lower()
    return next((meaning for words, meaning in _WORDS if words in text), Refusal.OTHER)
