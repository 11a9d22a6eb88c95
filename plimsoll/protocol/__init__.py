"""The protocol's typed client."""

from plimsoll.protocol.accounts import MarginAccount, owner_scope
from plimsoll.protocol.client import Batch, Protocol, Quantity, Sender, named_reverts, scope_of
from plimsoll.protocol.operators import REVOKED, Grant, Permission, SignedGrant, typed_data
from plimsoll.protocol.orders import Deleverage, Domain, Order, Signed, stop_loss, take_profit
from plimsoll.protocol.routes import encode_path
from plimsoll.protocol.values import (
    Asset,
    Auction,
    CompactHealth,
    Health,
    PoolState,
    Position,
    Price,
    Quote,
    Restrictions,
    Status,
)

__all__ = [
    "REVOKED",
    "Asset",
    "Auction",
    "Batch",
    "CompactHealth",
    "Deleverage",
    "Domain",
    "Grant",
    "Health",
    "MarginAccount",
    "Order",
    "Permission",
    "PoolState",
    "Position",
    "Price",
    "Protocol",
    "Quantity",
    "Quote",
    "Restrictions",
    "Sender",
    "Signed",
    "SignedGrant",
    "Status",
    "encode_path",
    "named_reverts",
    "owner_scope",
    "scope_of",
    "stop_loss",
    "take_profit",
    "typed_data",
]
