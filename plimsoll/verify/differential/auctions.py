"""Differentials of chapters 5 to 7: auction terms, order terms and what a long-tail asset is listed with."""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.model.fixed_point import WAD
from plimsoll.verify.differential.draws import Draws
from plimsoll.verify.differential.formula import Formula
from plimsoll.verify.differential.prices import tick

VALUE = 2**190 - 1
SUM = 2**184 - 1
"""What twelve amounts below 2**112 are worth at most."""
RATE = 2 * 10**17
AMOUNT = 2**112 - 1
PRICE = 2**128 - 1
HOUR = 3_600
DAY = 86_400
BPS = 10_000


# Auctions


def _account(draws: Draws) -> tuple[int, int, int]:
    """Return the positive value, the debts and the requirement of an account."""
    debt = draws.within(1, VALUE)
    positive = draws.near(debt, 1, VALUE) if draws.chance(3) else debt * draws.within(9_000, 13_000) // 10_000
    requirement = draws.pick((draws.upto(VALUE), debt * draws.upto(5_000) // 10_000))
    if positive > debt and draws.chance(3):
        requirement = draws.near(positive - debt, 0, VALUE)
    return min(max(positive, 1), VALUE), debt, requirement


def _penalty(draws: Draws) -> Sequence[int]:
    _, debt, requirement = _account(draws)
    least = draws.upto(RATE)
    return requirement, debt, least, draws.within(least, RATE)


def _level(draws: Draws) -> int:
    return -draws.upto(10_000) * 10**14


def _bonus(draws: Draws) -> Sequence[int]:
    positive, debt, requirement = _account(draws)
    tau = draws.within(60, DAY)
    elapsed = draws.pick((draws.near(tau, 0, 2**40 - 1), draws.upto(tau), draws.upto(2**40 - 1)))
    kappa = 0 if draws.chance(6) else draws.upto(1_000_000) * 10**14
    return elapsed, tau, kappa, _level(draws), draws.within(10**15, RATE), positive - debt, requirement, debt


def _rate(draws: Draws) -> int:
    return draws.pick((draws.upto(RATE), -draws.upto(RATE), 0))


def _max_fraction(draws: Draws) -> Sequence[int]:
    positive, debt, requirement = _account(draws)
    of_positive = draws.upto(min(requirement, positive))
    of_debt = min(requirement - of_positive, debt)
    rate = _rate(draws)
    if draws.chance(8):
        of_positive = draws.near(positive, 0, VALUE)
    return positive - debt, positive, debt, of_positive, of_debt, rate


# Orders


def _trigger(draws: Draws) -> Sequence[int]:
    kind, trail, mid = draws.bits(2), draws.within(1, BPS - 1), draws.within(1, PRICE)
    at = draws.pick((mid, mid * BPS // (BPS - trail), mid * BPS // (BPS + trail)))
    return kind, draws.near(at, 1, PRICE), trail, mid


def _sale(draws: Draws) -> Sequence[int]:
    sell, buy = draws.within(1, PRICE), draws.within(1, PRICE)
    if draws.bits(1):
        buy = draws.near(sell, 1, PRICE)
    return draws.upto(AMOUNT), sell, buy


def _at_most(draws: Draws) -> Sequence[int]:
    maintenance, ratio = draws.upto(SUM), draws.upto(100 * WAD)
    equity = draws.near(maintenance * ratio // WAD, 0, SUM) if draws.bits(1) else draws.signed(SUM)
    return equity, maintenance, ratio


# Listings


def _depth(draws: Draws) -> Sequence[int]:
    at = draws.pick((tick(draws), draws.near(887_072, 0, 887_272), -draws.near(887_072, 0, 887_272)))
    return max(-887_272, min(at, 887_272)), draws.upto(2**160), draws.bits(1), draws.upto(PRICE)


def _least_liquidity(draws: Draws) -> Sequence[int]:
    depth = draws.within(1, 2**197)
    return draws.upto(PRICE), depth, draws.within(1, depth)


def _rise(draws: Draws) -> Sequence[int]:
    return draws.within(10**15, 45 * 10**16), draws.within(12 * 10**17, 3 * WAD), draws.within(HOUR, 30 * DAY)


FORMULAS = (
    Formula("auction_terms._penalty", "auction_terms.penalty", "penalty(uint256,uint256,uint256,uint256)", _penalty),
    Formula(
        "auction_terms._curve",
        "auction_terms.curve",
        "curve(uint256,int256)",
        lambda d: (d.pick((d.upto(WAD), d.upto(2**120))), _level(d)),
    ),
    Formula(
        "auction_terms._bonus",
        "auction_terms.bonus",
        "bonus(uint256,uint256,uint256,int256,uint256,int256,uint256,uint256)",
        _bonus,
    ),
    Formula(
        "auction_terms._paid",
        "auction_terms.paid",
        "paid(uint256,int256)",
        lambda d: (d.upto(VALUE), _rate(d)),
    ),
    Formula(
        "auction_terms._max_fraction",
        "auction_terms.max_fraction",
        "max_fraction(int256,uint256,uint256,uint256,uint256,int256)",
        _max_fraction,
    ),
    Formula(
        "auction_terms._scaled",
        "auction_terms.scaled",
        "scaled(uint256,int256)",
        lambda d: (d.upto(VALUE), d.signed(WAD)),
    ),
    Formula(
        "order_terms._best",
        "protection_orders.best",
        "best(uint256,uint256,uint256,uint256)",
        lambda d: (2 + d.bits(1), d.within(1, PRICE), d.pick((0, d.upto(PRICE))), d.within(1, PRICE)),
    ),
    Formula(
        "order_terms._triggered",
        "protection_orders.triggered",
        "triggered(uint256,uint256,uint256,uint256)",
        _trigger,
    ),
    Formula(
        "order_terms._least_bought",
        "protection_orders.least_bought",
        "least_bought(uint256,uint256,uint256,uint256)",
        lambda d: (*_sale(d), d.upto(BPS)),
    ),
    Formula(
        "order_terms._fee",
        "protection_orders.fee_of",
        "fee(uint256,uint256)",
        lambda d: (d.upto(AMOUNT), d.upto(1_000)),
    ),
    Formula(
        "order_terms._least_at_rate",
        "protection_orders.least_at_rate",
        "least_at_rate(uint256,uint256)",
        lambda d: (d.upto(AMOUNT), d.upto(PRICE)),
    ),
    Formula(
        "order_terms._most_for_debt",
        "protection_orders.most_for_debt",
        "most_for_debt(uint256,uint256,uint256,uint256,uint256)",
        lambda d: (*_sale(d), d.upto(2_000), d.upto(1_000)),
    ),
    Formula(
        "order_terms._at_most",
        "protection_orders.at_most",
        "at_most(int256,uint256,uint256)",
        _at_most,
    ),
    Formula("isolated_terms._depth", "isolated_terms.depth", "depth(int256,uint256,bool,uint256)", _depth),
    Formula(
        "isolated_terms._least_liquidity",
        "isolated_terms.least_liquidity",
        "least_liquidity(uint256,uint256,uint256)",
        _least_liquidity,
    ),
    Formula(
        "isolated_terms._size_slope",
        "isolated_terms.size_slope",
        "size_slope(uint256)",
        lambda d: (d.within(10**21, 10**27),),
    ),
    Formula(
        "isolated_terms._margin_cap",
        "isolated_terms.margin_cap",
        "margin_cap(uint256)",
        lambda d: (d.within(12 * 10**17, 3 * WAD),),
    ),
    Formula(
        "isolated_terms._fastest_rise", "isolated_terms.fastest_rise", "fastest_rise(uint256,uint256,uint256)", _rise
    ),
    Formula(
        "isolated_terms._caps",
        "isolated_terms.caps",
        "caps(uint256,uint256,uint256)",
        lambda d: (d.upto(2**120), d.within(1, 10**36), 10 ** d.upto(18)),
    ),
)
"""Chapters 5 to 7 of docs/formulas.md, and what stands beside them in the same modules."""
