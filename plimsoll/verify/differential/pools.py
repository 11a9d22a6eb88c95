"""Differentials of chapter 4: utilisation, rates, interest, accrual, shares and debt shares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plimsoll.model import adaptive_rate, pool_ledger, pool_words
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.fixed_point import WAD, WAD_EXP_OVERFLOW, WAD_EXP_ZERO, YEAR
from plimsoll.model.pool_words import BPS, PER_MILLE, PPM, RATE_UNIT, Configuration, Ledger
from plimsoll.verify.differential.bench import Bench
from plimsoll.verify.differential.draws import Draws
from plimsoll.verify.differential.formula import Expect, Formula

AMOUNT = 2**112 - 1
FEE = 2**88 - 1
TOTAL = 2**113 - 1
SUPPLY = 2**142 - 1
TIME_MASK = 2**32 - 1
UINT256 = 2**256 - 1


def rates(draws: Draws) -> RateParameters:
    """Return rate parameters within a pool's bounds."""
    most = draws.within(1, 10 * WAD // PPM) * PPM
    return RateParameters(
        draws.within(1, 9_999) * BPS,
        draws.within(10_000, 1_000_000) * BPS,
        0 if draws.chance(6) else draws.upto(1_000_000) * PER_MILLE // 10,
        draws.within(1, most // PPM) * PPM,
        most,
    )


def configuration(draws: Draws) -> Configuration:
    """Return any configuration that a pool may have."""
    parameters = rates(draws)
    return Configuration(
        draws.upto(2**48 - 1),
        draws.upto(2**48 - 1),
        draws.upto(10_000) * BPS,
        draws.upto(10_000) * PPM,
        parameters._replace(speed=parameters.speed // PER_MILLE * PER_MILLE),
        bool(draws.bits(1)),
    )


def ledger(draws: Draws) -> Ledger:
    """Return any ledger that fits in its words and whose fee is there."""
    cash, debt = draws.upto(AMOUNT), draws.upto(AMOUNT)
    if draws.chance(4):
        cash = draws.upto(draws.pick((1, 10**6, debt)))
    ago = draws.pick((0, 1, 12, draws.upto(YEAR), draws.upto(TIME_MASK)))
    return Ledger(
        cash,
        debt,
        (draws.now - ago) & TIME_MASK,
        draws.upto(AMOUNT),
        draws.upto(2**48 - 1) * RATE_UNIT,
        draws.upto(min(FEE, cash + debt)),
        draws.bits(8),
    )


def _words(draws: Draws) -> Sequence[int]:
    return pool_words.pack(ledger(draws))


def _accrued(draws: Draws) -> Sequence[int]:
    settings, state = configuration(draws), ledger(draws)
    at_target = draws.within(settings.rates.min_rate, min(settings.rates.max_rate, (2**48 - 1) * RATE_UNIT))
    totals, debts = pool_words.pack(state)
    debts = debts & ~((2**48 - 1) << 112) | at_target // RATE_UNIT << 112
    return totals, debts, pool_words.pack_configuration(settings)


def read_configuration(word: int) -> Configuration:
    """Return what a configuration word says."""

    def at(position: int, bits: int) -> int:
        return word >> position & (1 << bits) - 1

    return Configuration(
        at(0, 48),
        at(48, 48),
        at(96, 16) * BPS,
        at(112, 16) * PPM,
        RateParameters(
            at(128, 16) * BPS, at(144, 24) * BPS, at(168, 24) * PER_MILLE, at(192, 24) * PPM, at(216, 24) * PPM
        ),
        bool(word >> 240),
    )


def flat(state: Ledger) -> tuple[int, ...]:
    """Return a ledger's members."""
    return (
        state.cash,
        state.debt,
        state.updated,
        state.debt_shares,
        state.rate_at_target,
        state.fee,
        state.fraction,
    )


def _expect_accrued(draws: Draws) -> Expect:
    def accrued(totals: int, debts: int, word: int) -> tuple[int, ...]:
        settings = read_configuration(word)
        state, interest, fee, rate = pool_ledger.accrued(
            pool_words.unpack(totals, debts), draws.now, settings.rates, settings.reserve_factor
        )
        return *flat(state), interest, fee, rate

    return accrued


def _reduced(draws: Draws) -> Sequence[int]:
    state = ledger(draws)
    amount = state.debt if draws.bits(1) else draws.upto(state.debt)
    shares = state.debt_shares if draws.bits(1) else draws.upto(state.debt_shares)
    return *pool_words.pack(state), amount, shares


def _rates(draws: Draws) -> Sequence[int]:
    parameters = rates(draws)
    utilisation = draws.pick((draws.upto(WAD), draws.near(parameters.target, 0, WAD)))
    seconds = draws.pick((0, draws.upto(YEAR), draws.upto(2**64 - 1)))
    return utilisation, draws.within(parameters.min_rate, parameters.max_rate), seconds, *parameters


def _expect_rates(_: Draws) -> Expect:
    return lambda utilisation, at_target, seconds, *words: adaptive_rate.rates(
        utilisation, at_target, seconds, RateParameters(*words)
    )


def _growth(draws: Draws) -> Sequence[int]:
    rate = draws.upto(2**128)
    seconds = draws.upto(2**64)
    if rate and draws.bits(1):  # where a piece ends
        seconds = draws.near(draws.within(1, 16) * WAD * YEAR // 4 // rate, 0, 2**64)
    return rate, seconds


def _lender(draws: Draws) -> Sequence[int]:
    amount = draws.upto(UINT256) if draws.chance(32) else draws.upto(SUPPLY)
    total, supply = draws.upto(TOTAL), draws.upto(SUPPLY)
    if draws.chance(3):
        supply = draws.near(total * 10**6, 0, SUPPLY)
    return amount, total, supply


def _ruined(draws: Draws) -> Sequence[int]:
    total = draws.upto(TOTAL)
    return total, draws.near((total + 1) * 10**12 - 10**6, 0, SUPPLY) if draws.bits(1) else draws.upto(SUPPLY)


def _new_debt(draws: Draws) -> Sequence[int]:
    if draws.chance(8):
        return draws.upto(AMOUNT), 0, 0
    return draws.upto(AMOUNT), draws.within(1, AMOUNT), draws.upto(AMOUNT)


def _old_debt(draws: Draws) -> Sequence[int]:
    return draws.upto(AMOUNT), draws.within(1, AMOUNT), draws.within(1, AMOUNT)


def _exponent(draws: Draws) -> Sequence[int]:
    return (
        draws.pick(
            (
                draws.signed(50 * WAD),
                draws.near(WAD_EXP_ZERO, -(2**255), 0),
                draws.near(WAD_EXP_OVERFLOW, 0, 2**255 - 1),
            )
        ),
    )


def _of_ledger(function: Any) -> Any:
    return lambda _: lambda totals, debts, *rest: function(pool_words.unpack(totals, debts), *rest)


def _pool(bench: Bench, _: tuple[int, ...]) -> Any:
    return bench.deploy("pool_ledger_harness", bench.deploy("MockERC20", "Token", "TKN", 18).address)


SHARES = "(uint256,uint256,uint256)"

FORMULAS = (
    Formula(
        "pool_ledger._utilisation",
        "pool_ledger.utilisation",
        "utilisation(uint256,uint256)",
        _words,
        _of_ledger(pool_ledger.utilisation),
        deploy=_pool,
    ),
    Formula(
        "pool_ledger._lenders_assets",
        "pool_ledger.lenders_assets",
        "lenders_assets(uint256,uint256)",
        _words,
        _of_ledger(pool_ledger.lenders_assets),
        deploy=_pool,
    ),
    Formula(
        "pool_ledger._accrued",
        "pool_ledger.accrued",
        "accrued(uint256,uint256,uint256)",
        _accrued,
        _expect_accrued,
        deploy=_pool,
    ),
    Formula(
        "pool_ledger._reduced",
        "pool_ledger.reduced",
        "reduced(uint256,uint256,uint256,uint256)",
        _reduced,
        _of_ledger(lambda *args: flat(pool_ledger.reduced(*args))),
        deploy=_pool,
    ),
    Formula(
        "adaptive_rate._rates",
        "adaptive_rate.rates",
        "rates(uint256,uint256,uint256,(uint256,uint256,uint256,uint256,uint256))",
        _rates,
        _expect_rates,
    ),
    Formula(
        "adaptive_rate._wad_exp",
        "fixed_point.wad_exp",
        "wad_exp(int256)",
        _exponent,
    ),
    Formula("interest._growth", "interest.growth", "growth(uint256,uint256)", _growth),
    Formula("share_math._shares_down", "share_math.shares_down", f"shares_down{SHARES}", _lender),
    Formula("share_math._shares_up", "share_math.shares_up", f"shares_up{SHARES}", _lender),
    Formula("share_math._assets_down", "share_math.assets_down", f"assets_down{SHARES}", _lender),
    Formula("share_math._assets_up", "share_math.assets_up", f"assets_up{SHARES}", _lender),
    Formula("share_math._is_ruined", "share_math.is_ruined", "is_ruined(uint256,uint256)", _ruined),
    Formula("share_math._debt_shares_up", "share_math.debt_shares_up", f"debt_shares_up{SHARES}", _new_debt),
    Formula("share_math._debt_shares_down", "share_math.debt_shares_down", f"debt_shares_down{SHARES}", _old_debt),
    Formula("share_math._debt_up", "share_math.debt_up", f"debt_up{SHARES}", _old_debt),
)
"""Chapter 4 of docs/formulas.md, and what stands beside it in the same modules."""
