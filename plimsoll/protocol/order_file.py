"""A signed order as a file, which an owner hands to keepers: JSON, amounts in raw units, numbers as decimal text.

    {"format": 1, "chain_id": 31337, "contract": "0x...", "kind": "order",
     "message": {"account": "...", "kind": "0", "watched": "0x...", ..., "repay_only": false, ...},
     "signature": "0x..."}

`kind` is "order" or "deleverage"; the message has the members of `plimsoll.protocol.orders.Order` or `Deleverage`. What
is read is checked as far as that goes without a chain: its members are within their bounds.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from plimsoll.errors import ConfigError
from plimsoll.fields import Bound, Table, parse_json
from plimsoll.model import protection_orders
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol.orders import Deleverage, Domain, Order, Signed

FORMAT = 1
ORDER, DELEVERAGE = "order", "deleverage"
MOST_BYTES = 16_384
"""No order is as large as this."""
_NUMBER = Bound(0, 2**256 - 1)
_DIGITS = 78


@dataclass(frozen=True, slots=True)
class OrderFile:
    """A signed order, and the contract of the chain it is for."""

    signed: Signed
    chain_id: int
    contract: str

    @property
    def domain(self) -> Domain:
        """The domain that was signed in."""
        return Domain.at(self.chain_id, self.contract)

    @property
    def digest(self) -> str:
        """The order's name, in hex."""
        return f"0x{self.signed.order.digest(self.domain).hex()}"

    @property
    def is_order(self) -> bool:
        """Whether it is an order and not a standing one."""
        return isinstance(self.signed.order, Order)

    def text(self) -> str:
        """Return the file's text."""
        order = self.signed.order
        return json.dumps(
            {
                "format": FORMAT,
                "chain_id": self.chain_id,
                "contract": self.contract,
                "kind": ORDER if self.is_order else DELEVERAGE,
                "message": {each.name: _plain(getattr(order, each.name)) for each in fields(order)},
                "signature": f"0x{self.signed.signature.hex()}",
            },
            indent=2,
        )

    def save(self, path: Path) -> None:
        """Write the file; a reader sees all of it or nothing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w") as file:
                file.write(self.text() + "\n")
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def load(path: Path) -> OrderFile:
    """Read a file; ConfigError, one line, for whatever is wrong with it."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        if len(content) > MOST_BYTES:
            raise ConfigError(f"has more than {MOST_BYTES:,} bytes")
        return parse(content.decode())
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is no text") from None
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def parse(text: str) -> OrderFile:
    """Read a file's text; ConfigError names the field that is wrong."""
    try:
        root = parse_json(text)
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"is no JSON: {type(error).__name__}") from None
    found = root.whole("format", _NUMBER)
    if found != FORMAT:
        raise ConfigError(f"format: {found} is not {FORMAT}, the one this version reads")
    kind = root.choice("kind", (ORDER, DELEVERAGE))
    message = root.table("message")
    order = _order(message) if kind == ORDER else _deleverage(message)
    message.finish()
    return root.done(
        OrderFile(
            signed=Signed(order, _signature(root)),
            chain_id=root.whole("chain_id", Bound(1, 2**64 - 1)),
            contract=root.address("contract"),
        )
    )


def _order(table: Table) -> Order:
    order = Order(
        account=_number(table, "account"),
        kind=Kind(_number(table, "kind", Kind.TRAIL_ABOVE)),
        watched=table.address("watched"),
        trigger=_number(table, "trigger"),
        trail=_number(table, "trail"),
        sell=table.address("sell"),
        buy=table.address("buy"),
        amount=_number(table, "amount"),
        min_fill=_number(table, "min_fill"),
        min_rate=_number(table, "min_rate"),
        max_slippage=_number(table, "max_slippage"),
        fee=_number(table, "fee"),
        repay_only=table.flag("repay_only"),
        group=_number(table, "group"),
        epoch=_number(table, "epoch"),
        deadline=_number(table, "deadline"),
    )
    if order.sell == order.buy:
        raise ConfigError(f"{table.at('buy')}: is what is sold")
    check(order)
    return order


def _deleverage(table: Table) -> Deleverage:
    standing = Deleverage(**{each.name: _number(table, each.name) for each in fields(Deleverage)})
    check(standing)
    return standing


def check(order: Order | Deleverage) -> None:
    """Raise ConfigError when the contract would refuse an order of these members."""
    try:
        if isinstance(order, Order):
            protection_orders.check(order)
        else:
            protection_orders.check_deleverage(order.trigger_ratio, order.target_ratio, order.max_cost, order.fee)
    except ValueError as error:
        raise ConfigError(str(error)) from None


def _number(table: Table, key: str, most: int = 2**256 - 1) -> int:
    """Return a whole number written as decimal text, or as a JSON number."""
    value = table.anything(key)
    if isinstance(value, str) and len(value) <= _DIGITS and value.isascii() and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ConfigError(f"{table.at(key)}: {value!r:.60} is no whole number")
    if not 0 <= value <= most:
        raise ConfigError(f"{table.at(key)}: {value} is not in [0, {most}]")
    return value


def _signature(table: Table) -> bytes:
    text = table.anything("signature")
    try:
        if not isinstance(text, str) or not text.startswith("0x"):
            raise ValueError
        signature = bytes.fromhex(text[2:])
    except ValueError:
        raise ConfigError(f"{table.at('signature')}: {text!r:.60} is no hex text") from None
    if len(signature) > 65:
        raise ConfigError(f"{table.at('signature')}: has {len(signature)} bytes, the contract takes 65")
    return signature


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, bool)) else str(int(value))
