"""The books of the model's pool: interest for everybody's account, none invented, none lost by accruing often."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import pool_ledger
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.fixed_point import WAD
from plimsoll.model.pool_words import DEBT_LIMIT, FEE_LIMIT, RATE_UNIT, Ledger

NOW = 1_700_000_000
DAY = 86_400
amounts = st.one_of(st.integers(0, 10**6), st.integers(0, 10**24), st.integers(0, DEBT_LIMIT))
factors = st.integers(0, 10_000).map(lambda part: part * 10**14)
FLAT = RateParameters(9 * WAD // 10, 4 * WAD, 0, WAD // 10**6, 10 * WAD)
DRIFTING = FLAT._replace(speed=50 * WAD)


@st.composite
def ledgers(draw: st.DrawFn) -> Ledger:
    cash, debt = draw(amounts), draw(amounts)
    rate = draw(st.integers(10**12 // RATE_UNIT, WAD // RATE_UNIT)) * RATE_UNIT
    fee = draw(st.integers(0, min(cash + debt, FEE_LIMIT)))
    return Ledger(cash, debt, NOW & 2**32 - 1, draw(st.integers(0, 2**112 - 1)), rate, fee, draw(st.integers(0, 255)))


@given(ledger=ledgers(), seconds=st.integers(0, 365 * DAY), factor=factors, rates=st.sampled_from([FLAT, DRIFTING]))
def test_accrued__interest_goes_to_lenders_and_reserve_alone(
    ledger: Ledger, seconds: int, factor: int, rates: RateParameters
) -> None:
    after, interest, fee, _ = pool_ledger.accrued(ledger, NOW + seconds, rates, factor)
    assert after.debt - ledger.debt == interest >= 0
    assert after.fee - ledger.fee == fee <= interest
    assert fee * WAD <= interest * factor
    assert (after.cash, after.debt_shares) == (ledger.cash, ledger.debt_shares)
    assert pool_ledger.lenders_assets(after) - pool_ledger.lenders_assets(ledger) == interest - fee
    assert after.debt <= DEBT_LIMIT
    assert after.fee <= FEE_LIMIT


@given(ledger=ledgers(), seconds=st.integers(0, 365 * DAY), more=st.integers(0, 30 * DAY), factor=factors)
def test_accrued__never_less_after_longer(ledger: Ledger, seconds: int, more: int, factor: int) -> None:
    short, long = (pool_ledger.accrued(ledger, NOW + each, FLAT, factor) for each in (seconds, seconds + more))
    assert short.interest <= long.interest
    assert short.fee <= long.fee


@given(
    debt=st.integers(1, 10**30),
    spare=st.integers(0, 10**30),
    rate=st.integers(10**12 // RATE_UNIT, WAD // RATE_UNIT),
    cuts=st.lists(st.integers(1, 3_600), min_size=1, max_size=20),
)
def test_accrued__in_many_parts__loses_no_interest_but_roundings(
    debt: int, spare: int, rate: int, cuts: list[int]
) -> None:
    """With the rate of a plain kinked curve: utilisation only rises by the interest itself, so parts cost no less, up
    to a 256th of a raw unit and 200 WAD units of growth per part."""
    start = Ledger(spare, debt, NOW & 2**32 - 1, 1, rate * RATE_UNIT, 0, 0)
    once = pool_ledger.accrued(start, NOW + sum(cuts), FLAT, 0)
    ledger, now = start, NOW
    for seconds in cuts:
        now += seconds
        ledger = pool_ledger.accrued(ledger, now, FLAT, 0).ledger
    fine = (ledger.debt - once.ledger.debt) * 256 + ledger.fraction - once.ledger.fraction
    assert fine >= -len(cuts) * (1 + 256 * debt * 200 // WAD)


@given(ledger=ledgers())
def test_accrued__same_second__changes_nothing(ledger: Ledger) -> None:
    assert pool_ledger.accrued(ledger, NOW, DRIFTING, WAD) == (ledger, 0, 0, 0)


@given(ledger=ledgers(), more=amounts)
def test_utilisation__from_zero_to_one_rounded_down(ledger: Ledger, more: int) -> None:
    found = pool_ledger.utilisation(ledger)
    assert 0 <= found <= WAD
    assert found * (ledger.cash + ledger.debt) <= ledger.debt * WAD
    assert found >= pool_ledger.utilisation(replace(ledger, cash=ledger.cash + more))
    assert found <= pool_ledger.utilisation(replace(ledger, debt=ledger.debt + more))


@given(ledger=ledgers(), data=st.data())
def test_reduced__a_debt_is_never_forgotten_while_there_are_shares(ledger: Ledger, data: st.DataObject) -> None:
    amount = data.draw(st.integers(0, ledger.debt))
    shares = data.draw(st.integers(0, ledger.debt_shares))
    after = pool_ledger.reduced(ledger, amount, shares)
    assert after.debt_shares == ledger.debt_shares - shares
    assert after.debt >= ledger.debt - amount
    assert after.debt > 0 or after.debt_shares == 0
    assert after.debt - (ledger.debt - amount) in (0, 1)
