"""Liquidating without capital: one batch takes, sells what it brings, repays what it assumed, withdraws the rest.

The engine checks the taker's account at the end of the batch only, so that what the collateral sells for may repay the
debts that were assumed with it. A batch that does not earn its debts back is refused as a whole, at the cost of gas.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from plimsoll.errors import BATCH_LIMIT, PlimsollError
from plimsoll.model import auction_terms
from plimsoll.units import WAD, WAD_DECIMALS, Human, to_raw

if TYPE_CHECKING:
    from plimsoll.protocol.accounts import MarginAccount
    from plimsoll.protocol.client import Batch, Protocol
    from plimsoll.protocol.values import Asset

KEPT = 10**9
"""One part in this many of what comes, and one unit, is not sold."""
HAIR = 10**12
"""By one part in this many more is sold than the mid price says is needed, besides the slippage."""


@dataclass(frozen=True, slots=True)
class Sale:
    """Sell `amount` (raw) of an asset for another one."""

    sell: Asset
    amount: int
    buy: Asset


def fill(
    batch: Batch,
    account: MarginAccount,
    to: MarginAccount,
    *,
    fraction: Human,
    min_bonus: Human | None,
    slippage: Human,
) -> None:
    """Add to `batch` a take into `to`, the sales that `sales` says, and withdrawals of what is left over.

    A little less is sold than comes, so that something is left of every asset: more where the bonus has risen since.

    Errors: PlimsollError when nothing can be taken now, or when what it brings does not pay the debts.
    """
    protocol = batch.protocol
    quote = protocol.quote(account)
    if not quote.takeable:
        raise PlimsollError(f"nothing can be taken from {account} now")
    asked = to_raw(fraction, WAD_DECIMALS)
    part = min(asked, quote.raw.max_fraction)
    received, assumed = brought(protocol, account, to, part, share_of(quote.raw, part))
    batch.take(account, to, fraction=fraction, min_bonus=min_bonus)
    planned = sales(protocol, received, assumed, to_raw(slippage, WAD_DECIMALS))
    for sale in planned:
        batch.trade(to, sell=sale.sell, amount=sale.sell.amount(sale.amount), buy=sale.buy, slippage=slippage)
    for asset, _ in [*assumed, *received]:
        if len(batch) < BATCH_LIMIT:
            batch.withdraw_all(to, asset)


def share_of(quote: Any, fraction: int) -> int:
    """Return the share of every balance that comes with `fraction` of every debt, WAD, by a raw quote."""
    if fraction == quote.max_fraction:
        return int(quote.share)
    positive: int = quote.equity + quote.debt
    return min(fraction * auction_terms.paid(quote.debt, quote.bonus) // positive, WAD)


def brought(
    protocol: Protocol, account: MarginAccount, to: MarginAccount, fraction: int, share: int
) -> tuple[list[tuple[Asset, int]], list[tuple[Asset, int]]]:
    """Return what can be sold of what a take brings, and at most what it makes the taker owe; raw units by asset.

    Owed is the fraction of every debt and, at a positive bonus, the fund's part of it and the starter's, unless `to`
    is his own.
    """
    raw = protocol.quote(account).raw
    terms, auction = protocol.auction.parameters(), protocol.auction_of(account)
    due = terms.fund_share
    if auction is None or auction.starter != to.owner:
        due += terms.starter_share
    extra = max(raw.bonus, 0) * due // WAD
    received, assumed = [], []
    for position in protocol.positions(account):
        if not position.is_debt:
            amount = position.amount.raw * share // WAD
            received.append((position.asset, amount - amount // KEPT - 1))
        else:
            part = -(-position.amount.raw * fraction // WAD)
            assumed.append((position.asset, part + -(-part * extra // WAD) + 2))
    return [(asset, amount) for asset, amount in received if amount > 0], assumed


def sales(
    protocol: Protocol, received: list[tuple[Asset, int]], assumed: list[tuple[Asset, int]], slippage: int
) -> list[Sale]:
    """Return the sales that pay every debt, in order, from what was received, in order; the last one gets all the rest.

    For every other debt so much is sold as pays it after a loss of `slippage` (WAD) at mid prices.
    """
    prices = {
        asset.symbol: price.raw_mid
        for (asset, _), price in zip(
            received + assumed, protocol.prices([asset for asset, _ in received + assumed]), strict=True
        )
    }
    rest = list(received)
    out: list[Sale] = []
    for number, (debt, owed) in enumerate(assumed):
        last = number == len(assumed) - 1
        missing = owed * prices[debt.symbol] * WAD // (WAD - slippage)
        missing += missing // HAIR + 1
        while rest and (last or missing > 0):
            asset, amount = rest[0]
            needed = -(-missing // prices[asset.symbol])
            sold = amount if last else min(amount, needed)
            out.append(Sale(asset, sold, debt))
            missing -= sold * prices[asset.symbol]
            rest[0] = (asset, amount - sold)
            if sold == amount:
                rest.pop(0)
        if not last and missing > 0:
            raise PlimsollError(f"what the take brings does not pay its debt in {debt.symbol}")
    return out
