"""Chains: one interface over an in-process EVM and any network that ape connects to."""

from plimsoll.chain.base import (
    ZERO_ADDRESS,
    Account,
    Chain,
    Contract,
    Event,
    Log,
    Method,
    Receipt,
    Revert,
    address_of,
)
from plimsoll.chain.revm import RevmChain

__all__ = [
    "ZERO_ADDRESS",
    "Account",
    "Chain",
    "Contract",
    "Event",
    "Log",
    "Method",
    "Receipt",
    "Revert",
    "RevmChain",
    "address_of",
]
