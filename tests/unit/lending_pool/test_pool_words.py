"""pool_words: what is packed comes out again, fields do not touch each other, contract equals model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import pool_words
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.pool_words import BPS, PER_MILLE, PPM, RATE_UNIT, Configuration, Ledger

FIELDS = ("cash", "debt", "updated", "debt_shares", "rate_at_target", "fee", "fraction")
words = st.one_of(st.just(0), st.just(2**256 - 1), st.integers(0, 2**256 - 1))


def field(bits: int, unit: int = 1) -> Any:
    """A field of so many bits: empty, full, or anything."""
    most = 2**bits - 1
    return st.one_of(st.just(0), st.just(most), st.integers(0, most)).map(lambda value: value * unit)


ledgers = st.builds(
    Ledger,
    cash=field(112),
    debt=field(112),
    updated=field(32),
    debt_shares=field(112),
    rate_at_target=field(48, RATE_UNIT),
    fee=field(88),
    fraction=field(8),
)
configurations = st.builds(
    Configuration,
    supply_cap=field(48),
    borrow_cap=field(48),
    reserve_factor=field(16, BPS),
    flash_fee=field(16, PPM),
    rates=st.builds(
        RateParameters,
        target=field(16, BPS),
        steepness=field(24, BPS),
        speed=field(24, PER_MILLE),
        min_rate=field(24, PPM),
        max_rate=field(24, PPM),
    ),
    provisioned=st.booleans(),
)


@pytest.fixture(scope="session")
def harness(session_chain: RevmChain) -> Contract:
    return session_chain.deploy("pool_words_harness", sender=session_chain.accounts()[0])


@given(ledger=ledgers)
def test_ledger__packs_and_unpacks(harness: Contract, ledger: Ledger) -> None:
    members = tuple(getattr(ledger, name) for name in FIELDS)
    packed = tuple(harness.pack(members))
    assert packed == pool_words.pack(ledger)
    assert tuple(harness.unpack(*packed)) == members
    assert pool_words.unpack(*packed) == ledger


@given(totals=words, debts=words)
def test_ledger__every_word_is_a_ledger(harness: Contract, totals: int, debts: int) -> None:
    ledger = pool_words.unpack(totals, debts)
    assert Ledger(*harness.unpack(totals, debts)) == ledger
    assert pool_words.pack(ledger) == (totals, debts)


@given(ledger=ledgers, rest=st.integers(0, RATE_UNIT - 1))
def test_ledger__rate_between_two_units__rounds_down(harness: Contract, ledger: Ledger, rest: int) -> None:
    members = [getattr(ledger, name) for name in FIELDS]
    members[FIELDS.index("rate_at_target")] += rest
    assert tuple(harness.pack(members)) == pool_words.pack(ledger)


@given(before=configurations, after=configurations)
def test_configuration__setting_replaces_whatever_was_there(
    harness: Contract, before: Configuration, after: Configuration
) -> None:
    word = harness.configure(pool_words.pack_configuration(before), *arguments(after))
    assert word == pool_words.pack_configuration(after)
    supply_cap, borrow_cap, reserve_factor, flash_fee, rates, provisioned = harness.read(word)
    read = Configuration(supply_cap, borrow_cap, reserve_factor, flash_fee, RateParameters(*rates), provisioned)
    assert read == after


def arguments(configuration: Configuration) -> tuple[Any, ...]:
    return (
        configuration.supply_cap,
        configuration.borrow_cap,
        configuration.reserve_factor,
        configuration.flash_fee,
        configuration.rates,
        configuration.provisioned,
    )
