"""Stakes of the model: bought and paid against who acts, nothing gained by splitting, gifts kept by the fund."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import reserve_fund
from plimsoll.model.reserve_fund import MOST_STAKE_PER_SHARE, STEP, VIRTUAL_STAKE, Book, Scaled

held = st.one_of(st.integers(0, 10**6), st.integers(0, 2**112))
amounts = st.one_of(st.integers(0, 10**6), st.integers(0, 2**112))


@st.composite
def books(draw: st.DrawFn) -> Book:
    """A book as `current` leaves it: a share is not worth more stake than that."""
    least = draw(held)
    return Book(
        least, draw(st.integers(0, (least + 1) * MOST_STAKE_PER_SHARE - VIRTUAL_STAKE)), draw(st.integers(0, 9))
    )


@given(book=books(), shares=amounts)
def test_stake_and_withdraw__at_once__never_pays(book: Book, shares: int) -> None:
    stake = reserve_fund.stake_for(book, shares)
    after = Book(book.held + shares, book.total + stake, book.scale)
    assert reserve_fund.shares_for(after, stake) <= shares


@given(book=books(), first=amounts, second=amounts)
def test_stake__in_two_parts__never_more_than_at_once(book: Book, first: int, second: int) -> None:
    once = reserve_fund.stake_for(book, first + second)
    one = reserve_fund.stake_for(book, first)
    other = reserve_fund.stake_for(Book(book.held + first, book.total + one, book.scale), second)
    assert one + other <= once


@given(book=books(), data=st.data())
def test_withdraw__in_two_parts__never_more_than_at_once(book: Book, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, book.total))
    second = data.draw(st.integers(0, book.total - first))
    once = reserve_fund.shares_for(book, first + second)
    one = reserve_fund.shares_for(book, first)
    other = reserve_fund.shares_for(Book(book.held - one, book.total - first, book.scale), second)
    assert one + other <= once + 1
    assert once <= book.held


@given(book=books(), gift=amounts, staked=amounts)
def test_current__what_comes_in__half_is_the_funds_own_and_no_stake_falls(book: Book, gift: int, staked: int) -> None:
    found = reserve_fund.current(book, book.held + gift)
    assert found.kept == gift - gift // 2
    assert found.book.held == book.held + gift
    assert found.book.total == book.total + found.own
    stake = min(staked, book.total)
    assert reserve_fund.shares_for(found.book, stake) >= reserve_fund.shares_for(book, stake)


@given(book=books(), data=st.data())
def test_current__what_is_burned__is_everybodys_loss(book: Book, data: st.DataObject) -> None:
    left = data.draw(st.integers(0, book.held))
    found = reserve_fund.current(book, left)
    assert (found.kept, found.own) == (0, 0)
    assert found.book.held == left
    assert found.book.total + VIRTUAL_STAKE <= (left + 1) * MOST_STAKE_PER_SHARE or found.book.total == 0
    assert found.book.total == book.total // STEP ** (found.book.scale - book.scale)


@given(amount=amounts, steps=st.lists(st.integers(0, 6), min_size=1, max_size=4))
def test_rescaled__step_by_step__the_same(amount: int, steps: list[int]) -> None:
    at, scale = amount, 0
    for step in steps:
        at, scale = reserve_fund.rescaled(Scaled(at, scale), scale + step), scale + step
    assert at == reserve_fund.rescaled(Scaled(amount, 0), scale)
