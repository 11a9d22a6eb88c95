"""When a protection order is triggered, and on what terms it sells: twin of ``contracts/modules/order_terms.vy``
and of the pure parts of ``contracts/ProtectionOrders.vy``.

Mids are dollars (WAD) per raw unit scaled by 1e18, below 2**128 and not 0; amounts raw units below 2**112; costs and
fees basis points; ratios WAD. Every rounding is in favour of the account. Where the contract reverts, `ValueError`
carries its reason.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from typing import NamedTuple, Protocol

from plimsoll.model.fixed_point import WAD

BPS = 10_000
AMOUNT_LIMIT = 2**112
NUMBER_LIMIT = 2**128
MAX_SLIPPAGE = 2_000
MAX_FEE = 1_000
MAX_RATIO = 100 * WAD


class Kind(IntEnum):
    """When an order is triggered."""

    BELOW = 0
    """mid <= trigger: a long's stop-loss, a short's take-profit."""
    ABOVE = 1
    """mid >= trigger: a long's take-profit, a short's stop-loss."""
    TRAIL_BELOW = 2
    """mid <= best * (1 - trail), best being the highest mid seen."""
    TRAIL_ABOVE = 3
    """mid >= best * (1 + trail), best being the lowest mid seen."""


class Terms(Protocol):
    """The members of IProtectionOrders.Order that say when and how much."""

    @property
    def kind(self) -> int:
        """See `Kind`."""

    @property
    def trigger(self) -> int:
        """A mid; for a trailing order the best it starts from."""

    @property
    def trail(self) -> int:
        """Distance from the best, basis points; 0 unless the order trails."""

    @property
    def amount(self) -> int:
        """Most raw units sold in all, fee included."""

    @property
    def min_fill(self) -> int:
        """Least raw units of one part, unless it is all there is to sell."""

    @property
    def min_rate(self) -> int:
        """Least raw units bought for one sold, WAD."""

    @property
    def max_slippage(self) -> int:
        """Of the value swapped."""

    @property
    def fee(self) -> int:
        """Of what is sold."""

    @property
    def repay_only(self) -> bool:
        """Whether to sell no more than repays the debt."""


class Part(NamedTuple):
    """One execution of an order."""

    sold: int
    """Raw units, fee included."""
    fee: int
    """Raw units of what is sold."""
    least: int
    """Raw units that have to be bought."""


def best(kind: int, start: int, stored: int, mid: int) -> int:
    """Return the best of start, what is stored (0: nothing) and a mid, for a trailing order."""
    if kind == Kind.TRAIL_BELOW:
        return max(start, stored, mid)
    return min(start, mid) if stored == 0 else min(start, stored, mid)


def triggered(kind: int, trigger: int, trail: int, mid: int) -> bool:
    """Return whether a mid reaches the trigger, which is the best so far of a trailing order."""
    match kind:
        case Kind.BELOW:
            return mid <= trigger
        case Kind.ABOVE:
            return mid >= trigger
        case Kind.TRAIL_BELOW:
            return mid * BPS <= trigger * (BPS - trail)
    return mid * BPS >= trigger * (BPS + trail)


def fee_of(amount: int, fee: int) -> int:
    """Return the fee in raw units of what is sold, rounded down; ``_fee`` of the contract's module."""
    return amount * fee // BPS


def least_bought(sold: int, sell_mid: int, buy_mid: int, cost: int) -> int:
    """Return the least raw units to buy for a sale that may lose `cost` of its value, rounded up."""
    return -(-sold * sell_mid * (BPS - cost) // (buy_mid * BPS))


def least_at_rate(sold: int, rate: int) -> int:
    """Return the least raw units to buy at a rate (WAD), rounded up."""
    return -(-sold * rate // WAD)


def most_for_debt(debt: int, sell_mid: int, buy_mid: int, cost: int, fee: int) -> int:
    """Return the sale, fee included, that repays a debt even if it loses all it may; rounded up, at most 2**112."""
    swapped = min(-(-debt * buy_mid * BPS // (sell_mid * (BPS - cost))), AMOUNT_LIMIT)
    return min(-(-swapped * BPS // (BPS - fee)), AMOUNT_LIMIT)


def at_most(equity: int, maintenance: int, ratio: int) -> bool:
    """Return whether equity over maintenance requirement is at most `ratio`."""
    return equity * WAD <= maintenance * ratio


def check(order: Terms) -> None:
    """Raise ValueError if a member of an order is out of bounds."""
    trails = order.kind in (Kind.TRAIL_BELOW, Kind.TRAIL_ABOVE)
    _require(0 <= order.kind <= Kind.TRAIL_ABOVE, "orders: kind")
    _require(0 < order.trigger < NUMBER_LIMIT, "orders: trigger")
    _require(0 < order.trail < BPS if trails else order.trail == 0, "orders: trail")
    _require(order.amount != 0, "orders: zero amount")
    _require(order.min_rate < NUMBER_LIMIT, "orders: min rate")
    _require(order.max_slippage <= MAX_SLIPPAGE, "orders: slippage")
    _require(order.fee <= MAX_FEE, "orders: fee")


def check_deleverage(trigger_ratio: int, target_ratio: int, max_cost: int, fee: int) -> None:
    """Raise ValueError if a member of a standing order is out of bounds."""
    _require(0 < trigger_ratio < target_ratio <= MAX_RATIO, "orders: ratios")
    _require(max_cost <= MAX_SLIPPAGE, "orders: cost")
    _require(fee <= min(MAX_FEE, max_cost), "orders: fee")


def is_triggered(order: Terms, stored: int, mid: int) -> bool:
    """Return whether an order whose best so far is `stored` is triggered at a mid that is OK."""
    trigger = order.trigger
    if order.kind >= Kind.TRAIL_BELOW:
        trigger = best(order.kind, trigger, stored, mid)
    return triggered(order.kind, trigger, order.trail, mid)


def most(order: Terms, sold_before: int, balance: int, debt: int, sell_mid: int, buy_mid: int) -> int:
    """Return the raw units that could be sold of an order now; the debt in what is bought counts if it only repays."""
    left = min(order.amount - sold_before, balance)
    if order.repay_only:
        return min(left, most_for_debt(debt, sell_mid, buy_mid, order.max_slippage, order.fee))
    return left


def part(order: Terms, amount: int, sold_before: int, balance: int, debt: int, sell_mid: int, buy_mid: int) -> Part:
    """Return what executing `amount` of an order does; ValueError if nothing, or too little, can be sold."""
    _require(not order.repay_only or debt != 0, "orders: nothing to repay")
    limit = most(order, sold_before, balance, debt, sell_mid, buy_mid)
    _require(limit != 0, "orders: nothing to sell")
    _require(amount != 0, "orders: zero amount")
    sold = min(amount, limit)
    _require(sold == limit or sold >= order.min_fill, "orders: part too small")
    fee = fee_of(sold, order.fee)
    least = max(least_bought(sold - fee, sell_mid, buy_mid, order.max_slippage), least_at_rate(sold, order.min_rate))
    return Part(sold, fee, least)


def deleverage_part(amount: int, balance: int, debt: int, sell_mid: int, buy_mid: int, max_cost: int, fee: int) -> Part:
    """Return what deleveraging by `amount` does, its ratios aside; ValueError if nothing can be sold or repaid."""
    _require(debt != 0, "orders: nothing to repay")
    _require(balance != 0, "orders: nothing to sell")
    _require(amount != 0, "orders: zero amount")
    sold = min(amount, balance, most_for_debt(debt, sell_mid, buy_mid, max_cost, 0))
    return Part(sold, fee_of(sold, fee), least_bought(sold, sell_mid, buy_mid, max_cost))


def largest(limit: int, fits: Callable[[int], bool]) -> int:
    """Return the largest amount up to `limit` that fits, by bisection; 0 if none does.

    For a keeper who sizes a deleveraging: `fits` says whether the account, after selling so much at the price he
    expects, is at the target or below. It must hold for every amount smaller than one for which it holds.
    """
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if fits(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)
