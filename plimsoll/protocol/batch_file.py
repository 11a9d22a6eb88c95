"""A batch as a file: the verbs of one transaction in TOML or JSON, amounts in whole tokens.

    [[calls]]
    verb = "trade"
    sell = "WETH"
    amount = "25"
    buy = "USDC"

    [[calls]]
    verb = "withdraw"
    asset = "USDC"
    amount = "all"

Verbs: deposit (asset, amount), withdraw (asset, amount, to?, max_borrow?), trade (sell, amount, buy, max_borrow?,
min_buy?, slippage?, reduce_only?), transfer (asset, amount, target: the other account's index). Each takes `index`, the
account of the sender it is about; without it the one named on the command line. A withdrawal's amount may be "all".
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from plimsoll.errors import AmountError, ConfigError, PlimsollError
from plimsoll.fields import Bound, Table, parse_json, parse_toml, read_text
from plimsoll.protocol.accounts import MAX_INDEX, MarginAccount
from plimsoll.protocol.client import SLIPPAGE, Batch
from plimsoll.units import Human, as_decimal

INDEX = Bound(0, MAX_INDEX)
ALL = "all"


def fill(batch: Batch, path: Path, default: MarginAccount) -> Batch:
    """Add a file's calls to a batch; ConfigError, one line, names the field that is wrong."""
    text = read_text(path)
    try:
        root = parse_json(text) if path.suffix == ".json" else parse_toml(text)
        calls = root.table_list("calls")
        root.finish()
        if not calls:
            raise ConfigError("calls: there are none")
        for table in calls:
            _add(batch, table, default)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    return batch


def _add(batch: Batch, table: Table, default: MarginAccount) -> None:
    verb = _VERBS[table.choice("verb", tuple(_VERBS))]
    account = MarginAccount(default.owner, table.whole("index", INDEX)) if table.has("index") else default
    try:
        verb(batch, table, account)
    except ConfigError:
        raise
    except PlimsollError as error:
        raise ConfigError(f"{table.path}: {error}") from None


def _deposit(batch: Batch, table: Table, account: MarginAccount) -> None:
    asset, amount = table.text("asset"), _amount(table, "amount")
    table.finish()
    batch.deposit(account, asset, amount)


def _withdraw(batch: Batch, table: Table, account: MarginAccount) -> None:
    asset, everything = table.text("asset"), table.is_word("amount", ALL)
    amount = Decimal(0) if everything else _amount(table, "amount")
    to = table.address("to") if table.has("to") else None
    max_borrow = _amount(table, "max_borrow") if table.has("max_borrow") else 0
    table.finish()
    if everything:
        batch.withdraw_all(account, asset, to=to)
        return
    batch.withdraw(account, asset, amount, to=to, max_borrow=max_borrow)


def _trade(batch: Batch, table: Table, account: MarginAccount) -> None:
    sell, amount, buy = table.text("sell"), _amount(table, "amount"), table.text("buy")
    max_borrow = _amount(table, "max_borrow") if table.has("max_borrow") else 0
    min_buy = _amount(table, "min_buy") if table.has("min_buy") else None
    slippage: Human = _amount(table, "slippage") if table.has("slippage") else SLIPPAGE
    reduce_only = table.flag("reduce_only") if table.has("reduce_only") else False
    table.finish()
    batch.trade(
        account,
        sell=sell,
        amount=amount,
        buy=buy,
        max_borrow=max_borrow,
        min_buy=min_buy,
        slippage=slippage,
        reduce_only=reduce_only,
    )


def _transfer(batch: Batch, table: Table, account: MarginAccount) -> None:
    asset, amount = table.text("asset"), _amount(table, "amount")
    target = MarginAccount(account.owner, table.whole("target", INDEX))
    table.finish()
    batch.transfer(account, target, asset, amount)


def _amount(table: Table, key: str) -> Decimal:
    value = table.anything(key)
    try:
        return as_decimal(value)
    except AmountError as error:
        raise ConfigError(f"{table.at(key)}: {error}") from None


_VERBS: dict[str, Callable[[Batch, Table, MarginAccount], None]] = {
    "deposit": _deposit,
    "withdraw": _withdraw,
    "trade": _trade,
    "transfer": _transfer,
}
