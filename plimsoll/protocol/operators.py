"""Operators: what an owner lets somebody else do, and the EIP-712 message that grants it without gas.

The message is that of `contracts/OperatorRegistry.vy`; its domain is read from there (`eip712Domain`, ERC-5267).
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from enum import IntFlag
from typing import Any

from eth_account import Account as Signer
from eth_account.messages import encode_typed_data

from plimsoll.units import EVERYTHING, Human, wad


class Permission(IntFlag):
    """What an operator may do."""

    NONE = 0
    TRADE = 1
    BORROW = 2
    WITHDRAW = 4
    TRANSFER = 8


@dataclass(frozen=True, slots=True)
class Grant:
    """An operator's rights in a scope: `max_loss` in basis points per trade, `loss_budget` in WAD dollars in all."""

    permissions: Permission
    expiry: int
    max_loss: int = 0
    loss_budget: int = 0

    @classmethod
    def of(cls, permissions: Permission, expiry: int, *, max_loss_bps: int = 0, loss_budget: Human = 0) -> Grant:
        """Build a grant with its loss budget in dollars."""
        return cls(permissions, expiry, max_loss_bps, wad(loss_budget))

    def as_tuple(self) -> tuple[int, int, int, int]:
        """Return the members in the order of `IOperatorRegistry.Grant`."""
        return (int(self.permissions), self.expiry, self.max_loss, self.loss_budget)


DOMAIN_TYPE = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]
"""The EIP-712 type of the domains of all our contracts."""

REVOKED = Grant(Permission.NONE, 0)


@dataclass(frozen=True, slots=True)
class SignedGrant:
    """A grant that an owner signed; anyone may submit it until the deadline, once."""

    owner: str
    scope: int
    operator: str
    grant: Grant
    nonce: int
    deadline: int
    signature: bytes


def typed_data(
    *,
    name: str,
    version: str,
    chain_id: int,
    verifier: str,
    owner: str,
    scope: int,
    operator: str,
    grant: Grant,
    nonce: int,
    deadline: int,
) -> dict[str, Any]:
    """Return the EIP-712 message that grants `grant` to `operator`, for any wallet to sign."""
    return {
        "types": {
            "EIP712Domain": DOMAIN_TYPE,
            "SetOperator": [
                {"name": "owner", "type": "address"},
                {"name": "scope", "type": "uint256"},
                {"name": "operator", "type": "address"},
                {"name": "permissions", "type": "uint256"},
                {"name": "expiry", "type": "uint256"},
                {"name": "maxLoss", "type": "uint256"},
                {"name": "lossBudget", "type": "uint256"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ],
        },
        "primaryType": "SetOperator",
        "domain": {
            "name": name,
            "version": version,
            "chainId": chain_id,
            "verifyingContract": verifier,
        },
        "message": {
            "owner": owner,
            "scope": scope,
            "operator": operator,
            "permissions": int(grant.permissions),
            "expiry": grant.expiry,
            "maxLoss": grant.max_loss,
            "lossBudget": grant.loss_budget,
            "nonce": nonce,
            "deadline": deadline,
        },
    }


def sign(key: str, message: dict[str, Any]) -> bytes:
    """Return the 65-byte signature of an EIP-712 message by a private key."""
    return bytes(Signer.sign_message(encode_typed_data(full_message=message), key).signature)


def fresh_nonce() -> int:
    """Return an unordered nonce that nobody has used."""
    return secrets.randbelow(EVERYTHING)
