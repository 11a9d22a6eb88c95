"""Look at a margin account and act on it."""

from pathlib import Path

import click
from eth_utils.address import is_address

from plimsoll.chain import Receipt
from plimsoll.commands import (
    account_option,
    connected,
    load_protocol,
    manifest_option,
    network_option,
    one_line,
)
from plimsoll.errors import PlimsollError
from plimsoll.protocol import MarginAccount, Protocol
from plimsoll.protocol.batch_file import ALL, fill
from plimsoll.screen import health_table, make_console, positions_table, table_of
from scripts import _orders
from scripts._orders import index_option


@click.group()
def cli() -> None:
    """Show an account, deposit, withdraw, trade, send a batch from a file, or sign orders that protect it."""


cli.add_command(_orders.order)
cli.add_command(_orders.deleverage)


@cli.command()
@network_option()
@account_option
@manifest_option
@index_option
@click.option("--owner", help="The account's owner; who sends unless given.")
@one_line
def show(network: str, account: str | None, manifest_path: Path | None, index: int, owner: str | None) -> None:
    """Show balances, debts, health and the owner's wallet."""
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        if owner is not None and not is_address(owner):
            raise PlimsollError(f"--owner: {owner!r} is no address")
        show_account(protocol, MarginAccount(owner or sender, index))


@cli.command()
@network_option()
@account_option
@manifest_option
@index_option
@click.argument("amount")
@click.argument("asset")
@one_line
def deposit(network: str, account: str | None, manifest_path: Path | None, index: int, amount: str, asset: str) -> None:
    """Deposit AMOUNT of ASSET: repays debt in it first. Approves the engine for exactly AMOUNT if needed."""
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        margin_account, acting = MarginAccount(sender, index), protocol.by(sender)
        acting.approve_if_needed(asset, amount)
        report(protocol, margin_account, acting.deposit(margin_account, asset, amount))


@cli.command()
@network_option()
@account_option
@manifest_option
@index_option
@click.option("--max-borrow", default="0", show_default=True, help="How much of it may be borrowed.")
@click.option("--to", help="Who receives it; who sends unless given.")
@click.argument("amount")
@click.argument("asset")
@one_line
def withdraw(
    network: str,
    account: str | None,
    manifest_path: Path | None,
    index: int,
    max_borrow: str,
    to: str | None,
    amount: str,
    asset: str,
) -> None:
    """Withdraw AMOUNT (or all) of ASSET, borrowing what is missing up to --max-borrow."""
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        if to is not None and not is_address(to):
            raise PlimsollError(f"--to: {to!r} is no address")
        margin_account = MarginAccount(sender, index)
        acting = protocol.by(sender)
        if amount == ALL:
            receipt = acting.withdraw_all(margin_account, asset, to=to)
        else:
            receipt = acting.withdraw(margin_account, asset, amount, to=to, max_borrow=max_borrow)
        report(protocol, margin_account, receipt)


@cli.command()
@network_option()
@account_option
@manifest_option
@index_option
@click.option("--max-borrow", default="0", show_default=True, help="How much of what is sold may be borrowed.")
@click.option("--min-buy", help="The least to receive; the value at the oracle's price less --slippage unless given.")
@click.option("--slippage", default="0.01", show_default=True, help="Part of the value that may be lost.")
@click.option("--reduce-only", is_flag=True, help="Accept the trade below initial margin, if it reduces risk.")
@click.argument("amount")
@click.argument("sell")
@click.argument("buy")
@one_line
def trade(
    network: str,
    account: str | None,
    manifest_path: Path | None,
    index: int,
    max_borrow: str,
    min_buy: str | None,
    slippage: str,
    reduce_only: bool,
    amount: str,
    sell: str,
    buy: str,
) -> None:
    """Sell AMOUNT of SELL for BUY on Uniswap v3, borrowing up to --max-borrow of it."""
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        margin_account = MarginAccount(sender, index)
        receipt = protocol.by(sender).trade(
            margin_account,
            sell=sell,
            amount=amount,
            buy=buy,
            max_borrow=max_borrow,
            min_buy=min_buy,
            slippage=slippage,
            reduce_only=reduce_only,
        )
        report(protocol, margin_account, receipt)


@cli.command()
@network_option()
@account_option
@manifest_option
@index_option
@click.option("--dry-run", is_flag=True, help="Only say whether it would be accepted now.")
@click.argument("file", type=click.Path(path_type=Path))
@one_line
def batch(
    network: str, account: str | None, manifest_path: Path | None, index: int, dry_run: bool, file: Path
) -> None:
    """Send the calls of a TOML or JSON FILE as one transaction, with one check at its end."""
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        margin_account = MarginAccount(sender, index)
        calls = fill(protocol.by(sender).batch(), file, margin_account)
        if dry_run:
            calls.simulate()
            make_console().print(f"The batch of {len(calls)} calls would be accepted now.")
            return
        report(protocol, margin_account, calls.send())


def report(protocol: Protocol, account: MarginAccount, receipt: Receipt) -> None:
    """Say what a transaction did and show the account after it."""
    where = f"transaction {receipt.tx_hash}" if receipt.tx_hash else "done"
    make_console().print(f"{where} in block {receipt.block_number}, {receipt.gas_used:,} gas")
    show_account(protocol, account)


def show_account(protocol: Protocol, account: MarginAccount) -> None:
    """Print an account's positions, its health and its owner's wallet."""
    console = make_console()
    console.print(f"Account {account.index} of {account.owner}, id {account.id:#x}")
    console.print(positions_table(protocol, account, "Positions"))
    console.print(health_table("Health", [("now", protocol.health(account))]))
    wallet = [(str(protocol.wallet(account.owner, asset)),) for asset in protocol.assets.values()]
    console.print(table_of("The owner's wallet", ("",), wallet))
