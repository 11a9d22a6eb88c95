"""The books of a lending pool, and interest: twin of ``contracts/modules/pool_ledger.vy``."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from plimsoll.model import adaptive_rate, interest
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.fixed_point import WAD
from plimsoll.model.pool_words import DEBT_LIMIT, FEE_LIMIT, RATE_UNIT, TIME_MASK, Ledger


class Accrual(NamedTuple):
    """A ledger brought up to date, and what the event Accrued says of it (all 0 where it is not logged)."""

    ledger: Ledger
    interest: int
    fee: int
    rate: int


def accrued(ledger: Ledger, now: int, rates: RateParameters, reserve_factor: int) -> Accrual:
    """Return the ledger with interest up to `now` (unix time, not before the last accrual and within 136 years of it).

    `reserve_factor` is WAD. Interest is rounded down to 1/256 raw units, the fee to raw units, the rate at target to
    its storage unit; debt and fee saturate.
    """
    seconds = now - ledger.updated & TIME_MASK
    ledger = replace(ledger, updated=now & TIME_MASK)
    if seconds == 0 or ledger.cash == ledger.debt == 0:
        return Accrual(ledger, 0, 0, 0)
    rate, rate_at_target = adaptive_rate.rates(utilisation(ledger), ledger.rate_at_target, seconds, rates)
    fine = ledger.debt * 256 * interest.growth(rate, seconds) // WAD + ledger.fraction
    booked = min(fine >> 8, DEBT_LIMIT - ledger.debt)
    fee = min(booked * reserve_factor // WAD, FEE_LIMIT - ledger.fee)
    ledger = replace(
        ledger,
        rate_at_target=rate_at_target // RATE_UNIT * RATE_UNIT,
        debt=ledger.debt + booked,
        fee=ledger.fee + fee,
        fraction=fine & 255,
    )
    return Accrual(ledger, booked, fee, rate)


def utilisation(ledger: Ledger) -> int:
    """Return debt / (cash + debt), WAD, rounded down; 0 without debt."""
    if ledger.debt == 0:
        return 0
    return ledger.debt * WAD // (ledger.cash + ledger.debt)


def reduced(ledger: Ledger, amount: int, shares: int) -> Ledger:
    """Return the ledger with less debt; at least 1 unit stays while anybody has debt shares, and none otherwise."""
    debt, debt_shares = ledger.debt - amount, ledger.debt_shares - shares
    if debt == 0 and debt_shares:
        debt = 1
    return replace(ledger, debt=debt, debt_shares=debt_shares)


def lenders_assets(ledger: Ledger) -> int:
    """Return what belongs to lenders, raw units."""
    return ledger.cash + ledger.debt - ledger.fee
