"""Why an account is or is not liquidatable, and at which prices it would be: what `ape run keeper status` shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from plimsoll.keeper.state import AccountState, Auction
from plimsoll.keeper.valuation import Market, Position, Prices, Value
from plimsoll.model import account_word
from plimsoll.model.price_oracle import NO_PRICE

HOUR = 3_600
HORIZON = 10 * 365 * 24 * HOUR
"""How far ahead interest is looked at, seconds."""

STATUSES = ("OK", "WIDE", "STALE", "DEAD")


@dataclass(frozen=True, slots=True)
class Leg:
    """One balance of an account, its asset's price status, and the price of the line (see `valuation`; None: none).

    `move` is how far the price is from the line's, relative to the price: -0.1 is a fall of a tenth. For reading only.
    """

    token: str
    position: Position
    status: int
    line_price: int | None
    move: float | None


@dataclass(frozen=True, slots=True)
class Explanation:
    """An account at a time (unix seconds): WAD dollars, and a reason in words.

    `crosses_at` is when interest and margin ramps alone take it below its line at these prices, within ten years.
    """

    account: int
    owner: str
    index: int
    now: int
    value: Value
    legs: tuple[Leg, ...]
    auction: Auction | None
    crosses_at: int | None
    reason: str

    @property
    def liquidatable(self) -> bool:
        """Whether an auction may start."""
        return self.value.liquidatable


def explain(
    account: int,
    row: AccountState,
    market_at: Callable[[int], Market],
    prices: Prices,
    token_of: Callable[[int], str],
    now: int,
) -> Explanation:
    """Explain an account; `market_at` is the market at these prices at any later time."""
    market = market_at(now)
    value = market.value(row)
    legs = tuple(
        _leg(position, market.line_price(row, position.key), prices, token_of) for position in market.positions(row)
    )
    return Explanation(
        account=account,
        owner=f"0x{account_word.owner(account):040x}",
        index=account_word.index(account),
        now=now,
        value=value,
        legs=legs,
        auction=row.auction,
        crosses_at=_crosses_at(row, market_at, now),
        reason=_reason(row, market, legs),
    )


def _leg(position: Position, line_price: int | None, prices: Prices, token_of: Callable[[int], str]) -> Leg:
    move = None if line_price is None or not position.price else line_price / position.price - 1
    status = prices.get(position.key, NO_PRICE).status
    return Leg(token_of(position.key), position, status, line_price, move)


def _crosses_at(row: AccountState, market_at: Callable[[int], Market], now: int) -> int | None:
    """Return the first second found at which the account is below its line: by doubling, then halving."""

    def below(seconds: int) -> bool:
        return market_at(now + seconds).value(row).liquidatable

    if not row.owed:
        return None
    if below(0):
        return now
    low, high = 0, HOUR
    while not below(high):
        if high >= HORIZON:
            return None
        low, high = high, min(2 * high, HORIZON)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if below(middle) else (middle, high)
    return now + high


def _reason(row: AccountState, market: Market, legs: tuple[Leg, ...]) -> str:
    if not row.owed:
        return "not liquidatable: it owes nothing"
    value = market.value(row)
    if not market.is_judged(row):
        lost = sorted({f"{STATUSES[leg.status]} {leg.token}" for leg in legs if market.line(leg.position.key).excluded})
        return f"not liquidatable: not judged, what it holds of {', '.join(lost)} may cover its requirement"
    doubtful = sorted({f"{STATUSES[leg.status]} {leg.token}" for leg in legs if leg.status})
    if market.curing:
        doubtful.append("the cure window after an outage of the sequencer")
    favoured = f"; in its favour: {', '.join(doubtful)}" if doubtful else ""
    if value.liquidatable:
        state = "under auction, and below its line" if row.auction else "liquidatable"
        depth = "its equity is negative" if value.equity < 0 else "its equity is below its requirement"
        return f"{state}: {depth}{favoured}"
    if row.auction:
        return f"under auction, but its equity covers its requirement: the auction can be cancelled by anyone{favoured}"
    return f"not liquidatable: its equity covers its requirement{favoured}"
