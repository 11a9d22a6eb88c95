"""Feeds of the model: prices scaled without gain, freshness that only time and the sequencer take."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import feed
from plimsoll.model.feed import Parameters, Round
from plimsoll.model.price_source import NO_READING

NOW = 1_700_000_000
decimals = st.tuples(st.integers(0, 18), st.integers(0, 36))
answers = st.integers(1, 2**100)


@given(answer=answers, more=st.integers(0, 2**100), places=decimals)
def test_price__the_exact_one_rounded_down(answer: int, more: int, places: tuple[int, int]) -> None:
    """Dollars per raw unit times 1e36: the answer's decimals and the token's taken off."""
    exact = Fraction(answer, 10 ** places[1]) * 10**36 / 10 ** places[0]
    found = feed.price(answer, *places)
    assert 0 <= exact - found < 1
    assert found <= feed.price(answer + more, *places)
    assert 1 in feed.scale(*places)


@given(age=st.integers(0, 10**6), more=st.integers(0, 10**6), most=st.integers(1, 10**6), answer=st.integers(1, 10**12))
def test_read__never_fresh_again_without_a_new_round(age: int, more: int, most: int, answer: int) -> None:
    parameters = Parameters(18, 8, 1, 10**12, most, 0)
    latest = Round(answer, NOW - age, NOW - age)
    now, later = (feed.read(parameters, latest, None, at) for at in (NOW, NOW + more))
    assert now.fresh == (age <= most)
    assert later.fresh <= now.fresh
    assert now.price == now.clamped == later.price
    assert now.trusted == 1


@given(answer=st.integers(-(2**100), 2**100), low=st.integers(1, 2**90), room=st.integers(1, 2**90))
def test_read__outside_of_its_bounds__no_answer(answer: int, low: int, room: int) -> None:
    """A feed that stops at its own smallest answer is to be left out at that answer's neighbour."""
    reading = feed.read(Parameters(18, 8, low, low + room, 3_600, 0), Round(answer, NOW, NOW), None, NOW)
    assert (reading == NO_READING) == (not low <= answer <= low + room)


@given(status=st.integers(0, 2), ago=st.integers(-10, 10**5), grace=st.integers(0, 86_400), more=st.integers(0, 10**5))
def test_sequencer_is_up__once_it_is_it_stays(status: int, ago: int, grace: int, more: int) -> None:
    sequencer = Round(status, NOW - ago, NOW - ago)
    up = feed.sequencer_is_up(sequencer, grace, NOW)
    assert up == (status == 0 and ago > grace)
    assert not up or feed.sequencer_is_up(sequencer, grace, NOW + more)
