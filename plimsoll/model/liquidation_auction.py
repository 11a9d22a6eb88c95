"""When an account may be taken from, and on what terms: twin of ``contracts/LiquidationAuction.vy``.

Values are WAD dollars, rates WAD, times unix seconds. Refusals are ValueErrors with the contract's reason.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.model import auction_terms
from plimsoll.model.fixed_point import WAD

BASIS_POINTS = 10_000
PENALTY_UNIT = 10**12
DUST_PARTS = 4
AT_TARGET = 10**12
"""Fraction of the debts, WAD, that nobody has to take any more."""
UNKNOWN = 2**256 - 1
"""The shortfall while some price is not certain."""


class Parameters(NamedTuple):
    """ILiquidationAuction.Parameters."""

    tau: int
    tail: int
    kappa: int
    start_level: int
    target_share: int
    starter_share: int
    fund_share: int
    least_penalty: int
    most_penalty: int


class Values(NamedTuple):
    """IRiskEngine.Liquidation: an account as liquidation sees it."""

    positive: int
    debt: int
    positive_requirement: int
    debt_requirement: int
    certain: bool
    excluded: int

    @property
    def equity(self) -> int:
        """Positive value less debts."""
        return self.positive - self.debt

    @property
    def requirement(self) -> int:
        """Maintenance requirement of both sides."""
        return self.positive_requirement + self.debt_requirement


class Auction(NamedTuple):
    """An auction that runs; ILiquidationAuction.Auction with its parameters."""

    started_at: int
    starter: str
    penalty: int
    parameters: Parameters
    taken: bool


class Terms(NamedTuple):
    """ILiquidationAuction.Terms."""

    fraction: int
    share: int
    starter: str
    starter_rate: int
    fund_rate: int
    excluded: int
    shortfall: int
    written_off: bool
    ended: bool


def start(values: Values, starter: str, parameters: Parameters, now: int) -> Auction:
    """Return a new auction. ValueError("auction: healthy")."""
    return Auction(now, starter, start_penalty(values, parameters), parameters, taken=False)


def raised(auction: Auction, values: Values, now: int) -> Auction:
    """Return the auction with its penalty raised after its tail.

    ValueError "auction: healthy" or "auction: running".
    """
    penalty = start_penalty(values, auction.parameters)
    if now < auction.started_at + auction.parameters.tail or penalty <= auction.penalty:
        raise ValueError("auction: running")
    return auction._replace(penalty=penalty)


def start_penalty(values: Values, parameters: Parameters) -> int:
    """Return the penalty rate that a start now would fix."""
    if values.debt == 0 or values.equity >= values.requirement:
        raise ValueError("auction: healthy")
    penalty = auction_terms.penalty(values.requirement, values.debt, parameters.least_penalty, parameters.most_penalty)
    return penalty // PENALTY_UNIT * PENALTY_UNIT


def targets(values: Values, parameters: Parameters, initial_ratio: int) -> tuple[int, int]:
    """Return the target requirement of the positive and of the debt side, rounded down."""
    factor = WAD + parameters.target_share // 10**14 * (initial_ratio - WAD) // BASIS_POINTS
    return values.positive_requirement * factor // WAD, values.debt_requirement * factor // WAD


def line(auction: Auction, values: Values, initial_ratio: int) -> int:
    """Return the equity at which the auction may end: the requirement, the target after a take in this transaction."""
    if auction.taken:
        return sum(targets(values, auction.parameters, initial_ratio))
    return values.requirement


def takeable(auction: Auction, values: Values, now: int, initial_ratio: int) -> bool:
    """Return whether a take may be accepted; where not, an account with certain prices may leave its auction."""
    if values.debt == 0 or values.equity >= line(auction, values, initial_ratio):
        return False
    if values.positive == 0 or not auction.taken:
        return True
    return _to_target(auction, values, now, initial_ratio) > AT_TARGET


def check_end(auction: Auction, values: Values, now: int, initial_ratio: int, *, owes: bool) -> None:
    """Raise ValueError, "auction: price status" or "auction: below the line", unless the auction may end."""
    if owes and not values.certain:
        raise ValueError("auction: price status")
    if owes and takeable(auction, values, now, initial_ratio):
        raise ValueError("auction: below the line")


def check_write_off(values: Values, min_debt: int) -> None:
    """Raise ValueError unless the debts may be given up: certain prices, negative equity and only dust left."""
    if not values.certain:
        raise ValueError("auction: price status")
    if values.equity >= 0:
        raise ValueError("auction: solvent")
    if values.positive > min_debt // DUST_PARTS:
        raise ValueError("auction: not dust")


def bonus(auction: Auction, values: Values, now: int) -> int:
    """Return the bonus per unit of debt value now."""
    parameters = auction.parameters
    return auction_terms.bonus(
        now - auction.started_at,
        parameters.tau,
        parameters.kappa if values.certain else 0,
        parameters.start_level,
        auction.penalty,
        values.equity,
        values.requirement,
        values.debt,
    )


def most(auction: Auction, values: Values, now: int, min_debt: int, initial_ratio: int) -> int:
    """Return the largest fraction of every debt that may be taken now; the positive side is not 0."""
    fraction = _to_target(auction, values, now, initial_ratio)
    if values.debt - values.debt * fraction // WAD < min_debt:
        return WAD
    return fraction


def _to_target(auction: Auction, values: Values, now: int, initial_ratio: int) -> int:
    target_positive, target_debt = targets(values, auction.parameters, initial_ratio)
    return auction_terms.max_fraction(
        values.equity, values.positive, values.debt, target_positive, target_debt, bonus(auction, values, now)
    )


def shares(fraction: int, values: Values, bonus_rate: int, min_debt: int) -> tuple[int, int, bool]:
    """Return the fraction of every debt, the share of every balance, and whether that empties the positive side."""
    paid = auction_terms.paid(values.debt, bonus_rate)
    share = fraction * paid // values.positive
    left = values.positive - values.positive * min(share, WAD) // WAD
    if share >= WAD or (fraction < WAD and left <= min_debt // DUST_PARTS):
        if paid <= values.positive:
            return WAD, paid * WAD // values.positive, False
        return -(-values.positive * WAD // paid), WAD, True
    return fraction, share, False


def take(
    auction: Auction,
    values: Values,
    now: int,
    fraction: int,
    min_bonus: int,
    min_debt: int,
    initial_ratio: int,
) -> Terms:
    """Return the terms of a take now. ValueError with the contract's reason where it is refused."""
    if fraction == 0:
        raise ValueError("auction: zero fraction")
    if not takeable(auction, values, now, initial_ratio):
        raise ValueError("auction: healthy")
    if values.positive == 0:
        raise ValueError("auction: nothing to take")
    bonus_rate = bonus(auction, values, now)
    if bonus_rate < min_bonus:
        raise ValueError("auction: bonus")
    allowed = most(auction, values, now, min_debt, initial_ratio)
    taken, share, empties = shares(min(fraction, allowed), values, bonus_rate, min_debt)
    left = values.debt - values.debt * taken // WAD
    if not empties and taken != WAD and left < min_debt:
        raise ValueError("auction: remainder")
    starter_rate = fund_rate = 0
    if bonus_rate > 0:
        starter_rate = bonus_rate * (auction.parameters.starter_share // 10**14) // BASIS_POINTS
        if values.equity > 0 and bonus_rate * values.debt <= values.equity * WAD:
            fund_rate = bonus_rate * (auction.parameters.fund_share // 10**14) // BASIS_POINTS
    ended = values.excluded == 0 and (empties or taken == WAD)
    after = 0
    if not values.certain:
        after = UNKNOWN
    elif not ended:
        after = shortfall(values.equity - auction_terms.scaled(values.debt - left, bonus_rate), left)
    return Terms(
        taken,
        share,
        auction.starter,
        starter_rate,
        fund_rate,
        values.excluded,
        after,
        empties and values.excluded == 0 and taken != WAD,
        ended,
    )


def shortfall(equity: int, debt: int) -> int:
    """Return the expected loss per unit of debt at certain prices, rounded up."""
    if equity >= 0 or debt == 0:
        return 0
    return min(-(equity * WAD // debt), WAD)
