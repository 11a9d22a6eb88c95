"""The protocol's typed client."""

from plimsoll.protocol.accounts import MarginAccount, owner_scope
from plimsoll.protocol.client import Batch, Protocol, Quantity, Sender, named_reverts, scope_of
from plimsoll.protocol.operators import REVOKED, Grant, Permission, SignedGrant, typed_data
from plimsoll.protocol.routes import encode_path
from plimsoll.protocol.values import Asset, Health, PoolState, Position, Price, Status

__all__ = [
    "REVOKED",
    "Asset",
    "Batch",
    "Grant",
    "Health",
    "MarginAccount",
    "Permission",
    "PoolState",
    "Position",
    "Price",
    "Protocol",
    "Quantity",
    "Sender",
    "SignedGrant",
    "Status",
    "encode_path",
    "named_reverts",
    "owner_scope",
    "scope_of",
    "typed_data",
]
