"""What a lending pool keeps, in three words: twin of ``contracts/modules/pool_words.vy``, which draws the layout."""

from __future__ import annotations

from dataclasses import dataclass

from plimsoll.model.adaptive_rate import RateParameters

CASH_LIMIT = 2**112 - 1
DEBT_LIMIT = 2**112 - 1
DEBT_SHARES_LIMIT = 2**112 - 1
FEE_LIMIT = 2**88 - 1
CAP_LIMIT = 2**48 - 1
TIME_MASK = 2**32 - 1
RATE_UNIT = 10**5

BPS = 10**14
PPM = 10**12
PER_MILLE = 10**15


@dataclass(frozen=True, slots=True)
class Ledger:
    """ILendingPool.Ledger: raw units, `updated` unix time, `rate_at_target` WAD per year, `fraction` 1/256 units."""

    cash: int
    debt: int
    updated: int
    debt_shares: int
    rate_at_target: int
    fee: int
    fraction: int


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration word: caps in whole tokens, everything else WAD."""

    supply_cap: int
    borrow_cap: int
    reserve_factor: int
    flash_fee: int
    rates: RateParameters
    provisioned: bool = False


def unpack(totals: int, debts: int) -> Ledger:
    """Return the ledger in its two words."""
    return Ledger(
        cash=_field(totals, 0, 112),
        debt=_field(totals, 112, 112),
        updated=_field(totals, 224, 32),
        debt_shares=_field(debts, 0, 112),
        rate_at_target=_field(debts, 112, 48) * RATE_UNIT,
        fee=_field(debts, 160, 88),
        fraction=_field(debts, 248, 8),
    )


def pack(ledger: Ledger) -> tuple[int, int]:
    """Return a ledger's two words; the rate at target is rounded down to its unit."""
    totals = ledger.cash | ledger.debt << 112 | ledger.updated << 224
    rate = ledger.rate_at_target // RATE_UNIT
    return totals, ledger.debt_shares | rate << 112 | ledger.fee << 160 | ledger.fraction << 248


def pack_configuration(configuration: Configuration) -> int:
    """Return the configuration word."""
    target, steepness, speed, min_rate, max_rate = configuration.rates
    return (
        configuration.supply_cap
        | configuration.borrow_cap << 48
        | configuration.reserve_factor // BPS << 96
        | configuration.flash_fee // PPM << 112
        | target // BPS << 128
        | steepness // BPS << 144
        | speed // PER_MILLE << 168
        | min_rate // PPM << 192
        | max_rate // PPM << 216
        | configuration.provisioned << 240
    )


def _field(word: int, position: int, bits: int) -> int:
    return word >> position & (1 << bits) - 1
