"""What `ape run keeper status` shows: why an account is or is not liquidatable, and at which prices it would be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from eth_utils.address import is_address
from rich.console import Console

from plimsoll.errors import PlimsollError
from plimsoll.keeper.explain import STATUSES, Explanation
from plimsoll.keeper.orders import Standing
from plimsoll.keeper.verbs import Quote
from plimsoll.manifest import ListedAsset, Manifest
from plimsoll.protocol import MarginAccount
from plimsoll.screen import dollars, percent, table_of
from plimsoll.units import Amount, from_raw, from_wad

_PRICE_DECIMALS = 36
NO_GATES: Mapping[str, str] = MappingProxyType({})


def parse_account(text: str) -> int:
    """Return an account's id from `owner/index`, an owner's address (index 0), or the id in hex or decimal."""
    owner, slash, index = text.partition("/")
    if is_address(owner):
        if slash and not index.isdigit():
            raise PlimsollError(f"{text}: {index!r} is no index")
        return MarginAccount(owner, int(index) if slash else 0).id
    try:
        account = int(text, 0)
    except ValueError:
        raise PlimsollError(f"{text!r} is no account: write owner/index, or the account's id") from None
    return MarginAccount.from_id(account).id


def show(
    console: Console,
    explanation: Explanation,
    manifest: Manifest,
    quote: Quote | None,
    orders: Sequence[Standing] = (),
    gates: Mapping[str, str] = NO_GATES,
) -> None:
    """Print an explanation, what the auction contract says of the account, and where its orders stand.

    `gates` are those that a taker has to pass, by the token they guard.
    """
    account = MarginAccount.from_id(explanation.account)
    value = explanation.value
    console.print(f"Account {account.index} of {account.owner}, id {account.id:#x}")
    console.print(f"[bold]{explanation.reason}[/]")
    summary = [
        ("equity", dollars(from_wad(value.equity))),
        ("requirement", dollars(from_wad(value.requirement))),
        ("debt", dollars(from_wad(value.debt))),
    ]
    if value.requirement:
        summary.append(("equity / requirement", percent(from_wad(value.equity) / from_wad(value.requirement))))
    if explanation.crosses_at is not None and explanation.crosses_at > explanation.now:
        summary.append(("below its line by interest and margin ramps", _moment(explanation.crosses_at)))
    console.print(table_of("At the oracle's prices", ("", ""), summary))
    listed = {asset.token: (symbol, asset) for symbol, asset in manifest.assets.items()}
    columns = ("", "amount", "price", "value", "margin", "status", "liquidatable at", "a move of")
    console.print(table_of("Balances", columns, _rows(explanation, listed)))
    if explanation.auction is not None:
        console.print(_auction(explanation, quote))
    for token, gate in gates.items():
        symbol = listed[token][0] if token in listed else token
        console.print(f"Only who is admitted by the gate {gate} of {symbol} can take from it.")
    if orders:
        rows = [(f"{each.digest[:10]}…", each.what, each.reason) for each in orders]
        console.print(table_of("Orders", ("", "", "why it is or is not executed"), rows))


def _rows(explanation: Explanation, listed: dict[str, tuple[str, ListedAsset]]) -> Iterable[tuple[str, ...]]:
    for leg in explanation.legs:
        symbol, decimals = leg.token, 18
        if leg.token in listed:
            symbol, decimals = listed[leg.token][0], listed[leg.token][1].decimals
        position = leg.position
        scale = _PRICE_DECIMALS - decimals
        line = "at no price" if leg.line_price is None else dollars(from_raw(leg.line_price, scale), 4)
        yield (
            "owes" if position.is_debt else "holds",
            str(Amount(position.amount, decimals, symbol)),
            dollars(from_raw(position.price, scale), 4),
            dollars(from_wad(position.worth)),
            percent(from_wad(position.rate)),
            STATUSES[leg.status],
            line if leg.line_price is None else f"{line} or {'above' if position.is_debt else 'below'}",
            "-" if leg.move is None else f"{leg.move:+.2%}",
        )


def _auction(explanation: Explanation, quote: Quote | None) -> str:
    auction = explanation.auction
    assert auction is not None
    text = (
        f"Auction since {_moment(auction.started_at)}, started by {auction.starter}, penalty "
        f"{percent(from_wad(auction.penalty))}."
    )
    if quote is None:
        return text
    takeable = f"up to {percent(from_wad(quote.max_fraction))} of the debts" if quote.takeable else "nothing"
    return f"{text} Now: {takeable} at a bonus of {quote.bonus / 10**16:.3f} %."


def _moment(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
