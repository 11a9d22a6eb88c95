"""`ape run account order ...` and `... deleverage ...`: what owners sign to protect their accounts."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from plimsoll.chain.ape_chain import ApeChain
from plimsoll.commands import account_option, connected, load_protocol, manifest_option, network_option, one_line
from plimsoll.errors import AmountError, PlimsollError
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol import (
    Deleverage,
    Domain,
    Grant,
    MarginAccount,
    Order,
    Permission,
    Protocol,
    Signed,
    order_file,
    stop_loss,
    take_profit,
)
from plimsoll.protocol.order_file import OrderFile
from plimsoll.protocol.orders import fresh_group
from plimsoll.screen import dollars, make_console, percent, table_of
from plimsoll.units import EVERYTHING, as_decimal, from_raw, from_wad, to_raw, wad

DAY = 86_400
END_OF_TIME = 253_402_300_800
"""The year 10000, which calendars do not reach."""
BPS = 4
"""Decimals of a part in basis points."""
GROUP = click.IntRange(0)
KINDS = {
    Kind.BELOW: "at or below",
    Kind.ABOVE: "at or above",
    Kind.TRAIL_BELOW: "below the highest, from",
    Kind.TRAIL_ABOVE: "above the lowest, from",
}

index_option = click.option(
    "--index", type=click.IntRange(0), default=0, show_default=True, help="Which of the owner's accounts."
)
fee_option = click.option(
    "--fee", default="0.002", show_default=True, help="Part of what is sold, for who executes it."
)
days_option = click.option(
    "--days", type=click.IntRange(1, 3_650), default=30, show_default=True, help="How long it holds."
)
group_option = click.option("--group", type=GROUP, help="Orders of one group cancel each other; alone unless given.")
allow_option = click.option(
    "--allow", metavar="DOLLARS", help="Also let orders trade on the account, and lose at most so much in all."
)
out_option = click.option("--out", type=click.Path(path_type=Path), help="The file; order-<digest>.json unless given.")


@click.group()
def order() -> None:
    """Sign, show, place and cancel stop-losses and take-profits."""


@order.command()
@network_option()
@account_option
@manifest_option
@index_option
@click.option("--trigger", help="Dollars per token watched; the price of now for a trailing order.")
@click.option("--trail", default="0", help="Part by which the price must leave its best.  [default: does not trail]")
@click.option("--short", is_flag=True, help="Protect a short: buy back what is owed, and no more.")
@click.option("--watch", metavar="ASSET", help="Whose price triggers; what is sold, or bought back, unless given.")
@click.option("--min-fill", default="0", show_default=True, help="Least part that may be sold at a time.")
@click.option("--max-slippage", default="0.01", show_default=True, help="Part of the value that may be lost at mid.")
@fee_option
@days_option
@group_option
@allow_option
@click.option("--place", is_flag=True, help="Also show it to every keeper, in an event on chain.")
@out_option
@click.argument("what", type=click.Choice(["stop-loss", "take-profit"]))
@click.argument("amount")
@click.argument("sell")
@click.argument("buy")
@one_line
def sign(
    network: str,
    account: str | None,
    manifest_path: Path | None,
    index: int,
    trigger: str | None,
    trail: str,
    short: bool,
    watch: str | None,
    min_fill: str,
    max_slippage: str,
    fee: str,
    days: int,
    group: int | None,
    allow: str | None,
    place: bool,
    out: Path | None,
    what: str,
    amount: str,
    sell: str,
    buy: str,
) -> None:
    """Sign an order to sell up to AMOUNT of SELL for BUY once a price is reached, and write it to a file.

    Whoever has the file can execute it: give it to a keeper, or --place it.
    """
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        source, target = protocol.asset(sell), protocol.asset(buy)
        watched = protocol.asset(watch) if watch is not None else target if short else source
        if source == target:
            raise PlimsollError(f"{sell} for {buy}: an order buys something else")
        distance = bps("--trail", trail)
        if distance and what == "take-profit":
            raise PlimsollError("--trail: a take-profit does not trail")
        if trigger is None and not distance:
            raise PlimsollError("--trigger: is missing")
        mid = (
            protocol.price(watched).raw_mid
            if trigger is None
            else to_raw(positive("--trigger", trigger), 36 - watched.decimals)
        )
        members: dict[str, Any] = {
            "sell": source.token.address,
            "buy": target.token.address,
            "watched": watched.token.address,
            "amount": protocol.raw(source, amount),
            "trigger": mid,
            "max_slippage": bps("--max-slippage", max_slippage),
            "fee": bps("--fee", fee),
            "deadline": chain.timestamp() + days * DAY,
            "short": short,
            "min_fill": protocol.raw(source, min_fill),
            "group": None if group is None else fits(group),
            "epoch": protocol.orders.epoch_of(sender),
        }
        if what == "stop-loss":
            made = stop_loss(MarginAccount(sender, index).id, **members, trail=distance)
        else:
            made = take_profit(MarginAccount(sender, index).id, **members)
        finish(chain, protocol, sender, made, made.max_slippage + made.fee, allow, out, place=place)


@order.command("show")
@network_option()
@manifest_option
@click.argument("file", type=click.Path(path_type=Path))
@one_line
def show_order(network: str, manifest_path: Path | None, file: Path) -> None:
    """Show what the order of a FILE says and where it stands."""
    with ApeChain.connect(network) as chain:
        protocol = load_protocol(chain, manifest_path)
        show(protocol, checked(protocol, file))


@order.command("place")
@network_option()
@account_option
@manifest_option
@click.argument("file", type=click.Path(path_type=Path))
@one_line
def place_order(network: str, account: str | None, manifest_path: Path | None, file: Path) -> None:
    """Show the order of a FILE to every keeper, in an event on chain."""
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        found = checked(protocol, file)
        protocol.by(sender).place(found.signed)
        make_console().print(f"Placed: {found.digest}")


@order.command()
@network_option()
@account_option
@manifest_option
@click.option("--group", type=GROUP, help="Cancel every order of this group instead, executed or not.")
@click.option("--all", "everything", is_flag=True, help="Cancel everything signed so far instead.")
@click.argument("name", required=False)
@one_line
def cancel(
    network: str, account: str | None, manifest_path: Path | None, group: int | None, everything: bool, name: str | None
) -> None:
    """Cancel for ever the order of the file or digest NAME."""
    if (name is not None) + (group is not None) + everything != 1:
        raise click.UsageError("give one of: a file or a digest, --group, --all")
    with connected(network, account) as (chain, sender):
        acting = load_protocol(chain, manifest_path).by(sender)
        if everything:
            acting.cancel_all_orders()
            make_console().print("Cancelled: every order signed so far.")
        elif group is not None:
            acting.cancel_group(fits(group))
            make_console().print(f"Cancelled: every order of group {group}.")
        else:
            cancel_one(acting.protocol, sender, str(name))


@click.group()
def deleverage() -> None:
    """Let keepers deleverage an account before it reaches its line, or stop that."""


@deleverage.command("set")
@network_option()
@account_option
@manifest_option
@index_option
@click.option("--trigger", default="1.3", show_default=True, help="Equity / maintenance at which it may be done.")
@click.option("--target", default="1.6", show_default=True, help="And beyond which it may not lift it.")
@click.option(
    "--max-cost", default="0.01", show_default=True, help="Part of what is sold that may be lost, fee included."
)
@fee_option
@days_option
@allow_option
@click.option(
    "--place/--no-place", default=True, show_default=True, help="Show it to every keeper, in an event on chain."
)
@out_option
@one_line
def set_deleverage(
    network: str,
    account: str | None,
    manifest_path: Path | None,
    index: int,
    trigger: str,
    target: str,
    max_cost: str,
    fee: str,
    days: int,
    allow: str | None,
    place: bool,
    out: Path | None,
) -> None:
    """Sign a standing order: sell what is held for what is owed when equity comes near the maintenance requirement."""
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        standing = Deleverage(
            account=MarginAccount(sender, index).id,
            trigger_ratio=wad(positive("--trigger", trigger)),
            target_ratio=wad(positive("--target", target)),
            max_cost=bps("--max-cost", max_cost),
            fee=bps("--fee", fee),
            group=fresh_group(),
            epoch=protocol.orders.epoch_of(sender),
            deadline=chain.timestamp() + days * DAY,
        )
        finish(chain, protocol, sender, standing, standing.max_cost, allow, out, place=place)


@deleverage.command()
@network_option()
@account_option
@manifest_option
@click.argument("name")
@one_line
def clear(network: str, account: str | None, manifest_path: Path | None, name: str) -> None:
    """Cancel for ever the standing order of the file or digest NAME."""
    with connected(network, account) as (chain, sender):
        cancel_one(load_protocol(chain, manifest_path), sender, name)


def finish(
    chain: ApeChain,
    protocol: Protocol,
    sender: str,
    made: Order | Deleverage,
    cost: int,
    allow: str | None,
    out: Path | None,
    *,
    place: bool,
) -> None:
    """Sign, let orders trade if asked, write the file, place it if asked, and show it."""
    order_file.check(made)
    budget = None if allow is None else wad(as_decimal(allow))
    domain = Domain.of(protocol.orders)
    signed = Signed(made, chain.sign_message(sender, made.typed_data(domain)))
    found = OrderFile(signed, domain.chain_id, domain.verifier)
    if budget is not None:
        let_trade(protocol, sender, MarginAccount.from_id(made.account), made.deadline, cost, budget)
    path = out or Path(f"order-{found.digest[2:10]}.json")
    found.save(path)
    if place:
        protocol.by(sender).place(signed)
    show(protocol, found)
    make_console().print(f"Written to {path}{' and placed on chain' if place else ''}.", soft_wrap=True)


def let_trade(protocol: Protocol, sender: str, account: MarginAccount, until: int, cost: int, budget: int) -> None:
    """Grant the orders contract what this order needs, and leave it what it had for others."""
    operator = protocol.orders.address
    before = protocol.operator(account, operator)
    protocol.by(sender).set_operator(
        account,
        operator,
        Grant(
            Permission(before.permissions) | Permission.TRADE,
            max(before.expiry, until),
            min(max(before.max_loss, cost + 1), 10_000),
            budget,
        ),
    )


def checked(protocol: Protocol, path: Path) -> OrderFile:
    """Return the order of a file that is for this deployment; one line says why it is not."""
    found = order_file.load(path)
    if (found.chain_id, found.contract) != (protocol.chain.chain_id, protocol.orders.address):
        here = f"chain {protocol.chain.chain_id}, {protocol.orders.address}"
        raise PlimsollError(f"{path}: is for chain {found.chain_id}, {found.contract}, not for {here}")
    return found


def cancel_one(protocol: Protocol, sender: str, name: str) -> None:
    """Cancel the order that a file or a digest names."""
    digest = name.removeprefix("0x")
    if len(digest) != 64 or not set(digest.lower()) <= set("0123456789abcdef"):
        found = checked(protocol, Path(name))
        owner = MarginAccount.from_id(found.signed.order.account).owner
        if owner != sender:
            raise PlimsollError(f"{name}: is of an account of {owner}, who alone can cancel it")
        digest = found.digest[2:]
    protocol.by(sender).cancel_order(bytes.fromhex(digest))
    make_console().print(f"Cancelled: 0x{digest}")


def show(protocol: Protocol, found: OrderFile) -> None:
    """Print an order, what the chain says of it, and what is missing."""
    made, orders = found.signed.order, protocol.orders
    account = MarginAccount.from_id(made.account)
    rows = [("digest", found.digest), ("account", f"{account.index} of {account.owner}")]
    rows += _order_rows(protocol, made) if isinstance(made, Order) else _standing_rows(made)
    rows += [("until", _moment(made.deadline))]
    rows += [("group", str(made.group)), ("epoch", str(made.epoch))]
    if isinstance(made, Order):
        state = orders.state_of(made.as_tuple())
        source = protocol.asset(made.sell)
        rows += [
            ("open", _yes(state.open)),
            ("triggered now", _yes(state.triggered)),
            ("sold so far", str(source.amount(state.sold))),
            ("could be sold now", str(source.amount(state.most))),
        ]
    else:
        is_open, due = orders.is_due(made.as_tuple())
        rows += [("open", _yes(is_open)), ("due now", _yes(due))]
    rows += [("signed by its owner's key", _yes(found.signed.signer(found.domain) == account.owner))]
    console = make_console()
    console.print(table_of("Order" if isinstance(made, Order) else "Deleveraging", ("", ""), rows))
    if not _may_trade(protocol, account):
        console.print("It cannot be executed yet: orders may not trade on this account (--allow DOLLARS lets them).")


def _order_rows(protocol: Protocol, made: Order) -> list[tuple[str, str]]:
    source, target, watched = (protocol.asset(each) for each in (made.sell, made.buy, made.watched))
    trail = f"{percent(from_raw(made.trail, BPS))} " if made.trail else ""
    price = dollars(from_raw(made.trigger, 36 - watched.decimals), 4)
    repays = f", at most what repays the debt in {target.symbol}" if made.repay_only else ""
    return [
        ("when", f"{watched.symbol} is {trail}{KINDS[made.kind]} {price}"),
        ("sell", f"{source.amount(made.amount)} for {target.symbol}{repays}"),
        ("a part at least", str(source.amount(made.min_fill))),
        ("slippage at most", percent(from_raw(made.max_slippage, BPS))),
        ("fee", percent(from_raw(made.fee, BPS))),
    ]


def _standing_rows(made: Deleverage) -> list[tuple[str, str]]:
    return [
        ("when equity / maintenance is at most", percent(from_wad(made.trigger_ratio))),
        ("sell until it is at most", percent(from_wad(made.target_ratio))),
        ("cost at most, fee included", percent(from_raw(made.max_cost, BPS))),
        ("fee", percent(from_raw(made.fee, BPS))),
    ]


def _may_trade(protocol: Protocol, account: MarginAccount) -> bool:
    operator, now = protocol.orders.address, protocol.chain.timestamp()
    grants = [protocol.operator(scope, operator) for scope in (account, account.owner)]
    return any(grant.permissions & Permission.TRADE and grant.expiry >= now for grant in grants)


def bps(option: str, text: str) -> int:
    """Return a part such as 0.01 as basis points."""
    try:
        return to_raw(text, BPS)
    except AmountError as error:
        raise AmountError(f"{option}: {error}") from None


def fits(group: int) -> int:
    """Return a group if the contract can hold it."""
    if group > EVERYTHING:
        raise AmountError("--group: does not fit into 256 bits")
    return group


def positive(option: str, text: str) -> Decimal:
    """Return a positive number that a person wrote."""
    try:
        number = as_decimal(text)
    except AmountError as error:
        raise AmountError(f"{option}: {error}") from None
    if number <= 0:
        raise AmountError(f"{option}: {text} is not positive")
    return number


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M UTC") if time < END_OF_TIME else "for ever"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
