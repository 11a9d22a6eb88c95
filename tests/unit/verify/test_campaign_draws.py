"""Numbers of a run: repeatable from a seed, and again from a record."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.verify.campaign.draws import Draws


def test_number__one_seed__gives_the_same_numbers() -> None:
    first, second = Draws(7), Draws(7)
    assert [first.number() for _ in range(10_000)] == [second.number() for _ in range(10_000)]
    assert Draws(8).number() != Draws(7).number()


def test_number__a_record__gives_its_numbers_and_then_zeros() -> None:
    draws = Draws(None, [5, 6])
    assert [draws.number() for _ in range(4)] == [5, 6, 0, 0]
    assert draws.at == 4


def test_zero_is_the_simplest() -> None:
    draws = Draws(None)
    assert (draws.below(9), draws.pick("abc"), draws.chance(99), draws.between(3, 2**200), draws.part(50)) == (
        0,
        "a",
        False,
        3,
        50,
    )


def test_chance__of_a_hundred__is_always() -> None:
    draws = Draws(3)
    assert all(draws.chance(100) for _ in range(100))
    assert not any(draws.chance(0) for _ in range(100))


@given(seed=st.integers(0, 2**32), low=st.integers(0, 2**255), width=st.integers(0, 2**255))
def test_between__stays_within(seed: int, low: int, width: int) -> None:
    assert low <= Draws(seed).between(low, low + width) <= low + width


@given(seed=st.integers(0, 2**32), whole=st.integers(0, 2**128))
def test_part__is_at_least_one_and_at_most_one_more(seed: int, whole: int) -> None:
    assert 1 <= Draws(seed).part(whole) <= whole + 1
