"""What the chain says of protection orders, from events: what was placed, sold, poked, cancelled.

One table of rows that a block's frame can restore, as everything in `plimsoll.keeper.state`:

    placed/<digest>             ["order" or "deleverage", the signed members by name, the signature in hex]
    filled/<digest>             [raw units sold, whether it is finished]
    best/<digest>               the best mid of a trailing order
    cancelled/<owner>/<digest>  true
    group/<owner>/<group>       the digest executed first, or "cancelled"
    epoch/<owner>               the owner's epoch
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from plimsoll.chain.abi import checksum
from plimsoll.keeper.tables import Table
from plimsoll.model import account_word
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol.order_file import DELEVERAGE, ORDER
from plimsoll.protocol.orders import Deleverage, Order, Signed

ORDERS = "ProtectionOrders"
"""The artifact's name."""
CANCELLED = "cancelled"
_PLACED = "placed/"


class OrderFacts:
    """See the module's docstring."""

    def __init__(self) -> None:
        self.table: Table[str, Any] = Table("orders")

    def handlers(self) -> Mapping[tuple[str, str], Callable[[Any], None]]:
        """Return what applies an event, by contract and name."""
        return {
            (ORDERS, "OrderPlaced"): lambda entry: self._placed(entry.args, ORDER, "order"),
            (ORDERS, "DeleveragePlaced"): lambda entry: self._placed(entry.args, DELEVERAGE, "standing"),
            (ORDERS, "Executed"): lambda entry: self._executed(entry.args, entry.args["finished"]),
            (ORDERS, "Deleveraged"): lambda entry: self._executed(entry.args, False),
            (ORDERS, "Poked"): lambda entry: self.table.put(f"best/{entry.args['digest']}", entry.args["best"]),
            (ORDERS, "OrderCancelled"): self._cancelled,
            (ORDERS, "GroupCancelled"): self._group_cancelled,
            (ORDERS, "EpochStarted"): lambda entry: self.table.put(f"epoch/{entry.args['owner']}", entry.args["epoch"]),
        }

    # Reading

    def placed(self) -> Iterator[str]:
        """Return the digests of what was placed on chain."""
        return (key.removeprefix(_PLACED) for key in self.table if key.startswith(_PLACED))

    def signed(self, digest: str) -> Signed:
        """Return an order that was placed on chain, where it was checked."""
        kind, members, signature = self.table[f"{_PLACED}{digest}"]
        if kind == ORDER:
            return Signed(Order(**{**members, "kind": Kind(members["kind"])}), bytes.fromhex(signature[2:]))
        return Signed(Deleverage(**members), bytes.fromhex(signature[2:]))

    def sold(self, digest: str) -> int:
        """Return the raw units sold of an order so far."""
        return int((self.table.get(f"filled/{digest}") or (0, False))[0])

    def best(self, digest: str) -> int:
        """Return the best mid that a trailing order was poked to; 0 if it was not."""
        return int(self.table.get(f"best/{digest}") or 0)

    def closed(self, digest: str, order: Order | Deleverage, now: int) -> str:
        """Return why an order is void at a time, in words; nothing if it is open."""
        owner = owner_of(order.account)
        if now > order.deadline:
            return "expired"
        if order.epoch != (self.table.get(f"epoch/{owner}") or 0):
            return "its owner cancelled all orders"
        first = self.table.get(f"group/{owner}/{order.group}")
        if first == CANCELLED or self.table.get(f"cancelled/{owner}/{digest}"):
            return "cancelled by its owner"
        if first is not None and first != digest:
            return "another order of its group was executed"
        if (self.table.get(f"filled/{digest}") or (0, False))[1]:
            return "executed to its end"
        return ""

    # Applying

    def _placed(self, args: Mapping[str, Any], kind: str, member: str) -> None:
        self.table.put(f"{_PLACED}{args['digest']}", [kind, args[member], args["signature"]])

    def _executed(self, args: Mapping[str, Any], finished: bool) -> None:
        digest = args["digest"]
        self.table.put(f"filled/{digest}", [self.sold(digest) + args["sold"], finished])
        self.table.put(f"group/{owner_of(args['account'])}/{args['group']}", digest)

    def _cancelled(self, entry: Any) -> None:
        self.table.put(f"cancelled/{entry.args['owner']}/{entry.args['digest']}", True)

    def _group_cancelled(self, entry: Any) -> None:
        self.table.put(f"group/{entry.args['owner']}/{entry.args['group']}", CANCELLED)


def owner_of(account: int) -> str:
    """Return an account's owner, checksummed."""
    return checksum(f"0x{account_word.owner(account):040x}")
