"""Pool words of the model: what goes in comes out, in fields that do not touch."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import pool_words
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.pool_words import BPS, PER_MILLE, PPM, RATE_UNIT, Configuration, Ledger

SIZES = {"cash": 112, "debt": 112, "updated": 32, "debt_shares": 112, "rate_at_target": 48, "fee": 88, "fraction": 8}
ledgers = st.builds(Ledger, *(st.integers(0, 2**bits - 1) for bits in SIZES.values()))


def in_units(ledger: Ledger) -> Ledger:
    return replace(ledger, rate_at_target=ledger.rate_at_target * RATE_UNIT)


@given(ledger=ledgers.map(in_units))
def test_pack__unpacks(ledger: Ledger) -> None:
    words = pool_words.pack(ledger)
    assert all(0 <= word < 2**256 for word in words)
    assert pool_words.unpack(*words) == ledger


@given(ledger=ledgers.map(in_units), over=st.integers(0, RATE_UNIT - 1))
def test_pack__a_rate_between_two_units__rounded_down(ledger: Ledger, over: int) -> None:
    finer = replace(ledger, rate_at_target=ledger.rate_at_target + over)
    assert pool_words.unpack(*pool_words.pack(finer)) == ledger


@given(totals=st.integers(0, 2**256 - 1), debts=st.integers(0, 2**256 - 1))
def test_unpack__any_words__pack_to_themselves(totals: int, debts: int) -> None:
    assert pool_words.pack(pool_words.unpack(totals, debts)) == (totals, debts)


@given(
    caps=st.tuples(st.integers(0, 2**48 - 1), st.integers(0, 2**48 - 1)),
    fees=st.tuples(st.integers(0, 2**16 - 1), st.integers(0, 2**16 - 1)),
    rates=st.tuples(st.integers(0, 2**16 - 1), *[st.integers(0, 2**24 - 1)] * 4),
    provisioned=st.booleans(),
)
def test_pack_configuration__no_two_the_same(
    caps: tuple[int, int], fees: tuple[int, int], rates: tuple[int, int, int, int, int], provisioned: bool
) -> None:
    target, steepness, speed, least, most = rates
    parameters = RateParameters(target * BPS, steepness * BPS, speed * PER_MILLE, least * PPM, most * PPM)
    word = pool_words.pack_configuration(Configuration(*caps, fees[0] * BPS, fees[1] * PPM, parameters, provisioned))
    parts = [*zip((*caps, *fees, *rates), (48, 48, 16, 16, 16, 24, 24, 24, 24), strict=True), (int(provisioned), 1)]
    for value, bits in parts:
        assert word & (1 << bits) - 1 == value
        word >>= bits
    assert word == 0
