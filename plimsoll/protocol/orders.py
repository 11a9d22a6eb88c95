"""Protection orders: what an owner lets anyone do for him, for a fee, and the EIP-712 messages that say so.

The messages are those of `contracts/ProtectionOrders.vy`; the domain is read from there (`eip712Domain`, ERC-5267).

    order = stop_loss(account, sell=weth, buy=usdc, amount=amount, trigger=mid, max_slippage=100, fee=10, deadline=end)
    signed = Signed.by(key, order, Domain.of(orders))
    orders.execute(*signed.arguments(), amount, swapper, data, keeper, sender=keeper)

Amounts are raw units, mids dollars (WAD) per raw unit scaled by 1e18, costs and fees basis points, ratios WAD.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, fields, replace
from typing import Any

from eth_account import Account as Signer
from eth_account.messages import encode_typed_data
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from plimsoll.model.protection_orders import Kind
from plimsoll.protocol.operators import DOMAIN_TYPE, sign
from plimsoll.units import EVERYTHING

NAME, VERSION = "Plimsoll orders", "1"
"""Of the contract's EIP-712 domain."""
_HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Largest `s` of a signature that the contract accepts."""
_TYPES = {"str": "address", "bool": "bool", "int": "uint256", "Kind": "uint256"}


@dataclass(frozen=True, slots=True)
class Domain:
    """Which contract, on which chain, a message is for."""

    name: str
    version: str
    chain_id: int
    verifier: str

    @classmethod
    def at(cls, chain_id: int, verifier: str) -> Domain:
        """Return the domain of the ProtectionOrders at an address of a chain."""
        return cls(NAME, VERSION, chain_id, verifier)

    @classmethod
    def of(cls, orders: Any) -> Domain:
        """Read the domain of a deployed ProtectionOrders."""
        _, name, version, chain_id, verifier, _, _ = orders.eip712Domain()
        return cls(name, version, chain_id, verifier)

    def as_dict(self) -> dict[str, Any]:
        """Return the domain as EIP-712 writes it."""
        return {
            "name": self.name,
            "version": self.version,
            "chainId": self.chain_id,
            "verifyingContract": self.verifier,
        }


class _Message:
    """A struct of the contract whose members are the dataclass's fields, in their order."""

    __slots__ = ()

    def as_tuple(self) -> tuple[Any, ...]:
        """Return the members in the order of the contract's struct."""
        return tuple(getattr(self, each.name) for each in fields(self))  # type: ignore[arg-type]

    def typed_data(self, domain: Domain) -> dict[str, Any]:
        """Return the EIP-712 message, for any wallet to sign."""
        members = fields(self)  # type: ignore[arg-type]
        name = type(self).__name__
        return {
            "types": {
                "EIP712Domain": DOMAIN_TYPE,
                name: [{"name": _camel(each.name), "type": _TYPES[str(each.type)]} for each in members],
            },
            "primaryType": name,
            "domain": domain.as_dict(),
            "message": {_camel(each.name): _plain(getattr(self, each.name)) for each in members},
        }

    def digest(self, domain: Domain) -> bytes:
        """Return what is signed, 32 bytes: the order's name on chain."""
        signable = encode_typed_data(full_message=self.typed_data(domain))
        return keccak(b"\x19" + signable.version + signable.header + signable.body)


@dataclass(frozen=True, slots=True)
class Order(_Message):
    """IProtectionOrders.Order: sell up to `amount` from an account once the mid of `watched` reaches the trigger."""

    account: int
    kind: Kind
    watched: str
    trigger: int
    trail: int
    sell: str
    buy: str
    amount: int
    min_fill: int
    min_rate: int
    max_slippage: int
    fee: int
    repay_only: bool
    group: int
    epoch: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Deleverage(_Message):
    """IProtectionOrders.Deleverage: at the trigger ratio sell what is held to repay what is owed, up to the target."""

    account: int
    trigger_ratio: int
    target_ratio: int
    max_cost: int
    fee: int
    group: int
    epoch: int
    deadline: int


@dataclass(frozen=True, slots=True)
class Signed:
    """An order or a standing order, and its owner's signature; anyone may execute it."""

    order: Order | Deleverage
    signature: bytes

    @classmethod
    def by(cls, key: str, order: Order | Deleverage, domain: Domain) -> Signed:
        """Sign with a private key."""
        return cls(order, sign(key, order.typed_data(domain)))

    def signer(self, domain: Domain) -> str | None:
        """Return the address whose key made the signature; None if it is none, or one that only a contract accepts.

        65 bytes, or 64 as ERC-2098 writes them.
        """
        r, s = self.signature[:32], int.from_bytes(self.signature[32:64], "big")
        if len(self.signature) == 64:
            v, s = 27 + (s >> 255), s & (1 << 255) - 1
        elif len(self.signature) == 65:
            v = self.signature[64]
        else:
            return None
        if v not in (27, 28) or s > _HALF_ORDER:
            return None
        message = encode_typed_data(full_message=self.order.typed_data(domain))
        try:
            return str(Signer.recover_message(message, signature=r + s.to_bytes(32, "big") + bytes([v])))
        except (BadSignature, ValidationError):
            return None

    def arguments(self) -> tuple[tuple[Any, ...], bytes]:
        """Return the first two arguments of `execute`, `deleverage` and `poke`."""
        return self.order.as_tuple(), self.signature


def stop_loss(
    account: int,
    *,
    sell: str,
    buy: str,
    amount: int,
    trigger: int,
    max_slippage: int,
    fee: int,
    deadline: int,
    watched: str | None = None,
    trail: int = 0,
    short: bool = False,
    min_fill: int = 0,
    min_rate: int = 0,
    group: int | None = None,
    epoch: int = 0,
) -> Order:
    """Return an order that leaves a position when the market turns against it.

    A long sells what it holds and watches it; a short (`short`) sells dollars to buy back what it owes, watches that,
    and repays only. `trail` makes the trigger follow the mid from `trigger` on. Without a `group` it gets a fresh one.
    """
    kind = Kind.TRAIL_BELOW if trail else Kind.BELOW
    if short:
        kind = Kind.TRAIL_ABOVE if trail else Kind.ABOVE
    return Order(
        account=account,
        kind=kind,
        watched=watched or (buy if short else sell),
        trigger=trigger,
        trail=trail,
        sell=sell,
        buy=buy,
        amount=amount,
        min_fill=min_fill,
        min_rate=min_rate,
        max_slippage=max_slippage,
        fee=fee,
        repay_only=short,
        group=fresh_group() if group is None else group,
        epoch=epoch,
        deadline=deadline,
    )


def take_profit(
    account: int,
    *,
    sell: str,
    buy: str,
    amount: int,
    trigger: int,
    max_slippage: int,
    fee: int,
    deadline: int,
    watched: str | None = None,
    short: bool = False,
    min_fill: int = 0,
    min_rate: int = 0,
    group: int | None = None,
    epoch: int = 0,
) -> Order:
    """Return an order that leaves a position when the market has gone its way; arguments as in `stop_loss`."""
    order = stop_loss(
        account,
        sell=sell,
        buy=buy,
        amount=amount,
        trigger=trigger,
        max_slippage=max_slippage,
        fee=fee,
        deadline=deadline,
        watched=watched,
        short=short,
        min_fill=min_fill,
        min_rate=min_rate,
        group=group,
        epoch=epoch,
    )
    return replace(order, kind=Kind.BELOW if short else Kind.ABOVE)


def fresh_group() -> int:
    """Return a group that no other order has: two orders given the same one cancel each other."""
    return secrets.randbelow(EVERYTHING)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, Kind) else value
