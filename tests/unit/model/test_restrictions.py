"""Restrictions of the model: caps kept to what their word can say, admission that more restrictions never widen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import account_word, restrictions
from plimsoll.model.restrictions import COARSE, EXACT, MAX_CAP, Restrictions

caps = st.one_of(st.integers(0, 10**24), st.integers(0, MAX_CAP - 1), st.integers(EXACT - 3, EXACT + 2 * COARSE))


@given(cap=caps, more=caps)
def test_rounded__never_up_and_once_is_enough(cap: int, more: int) -> None:
    kept = restrictions.rounded(cap)
    assert 0 <= cap - kept < (1 if cap < EXACT else COARSE)
    assert restrictions.rounded(kept) == kept
    assert kept <= restrictions.rounded(min(cap + more, MAX_CAP - 1))


@pytest.mark.parametrize("cap", [MAX_CAP, MAX_CAP + 1, 2**256 - 1])
def test_rounded__no_room__raises(cap: int) -> None:
    with pytest.raises(ValueError, match="engine: cap bound"):
        restrictions.rounded(cap)


@given(first=caps, following=st.lists(caps, max_size=6))
def test_lower_cap__only_down(first: int, following: list[int]) -> None:
    found = Restrictions()
    present = found.set_cap(1, first)
    for cap in following:
        if cap == 0 or 0 < present < cap:
            with pytest.raises(ValueError, match="engine: cap only down"):
                found.lower_cap(1, cap)
        else:
            after = found.lower_cap(1, cap)
            assert present == 0 or after <= present
            present = after
        assert found.caps[1] == present


@given(
    held=st.sets(st.integers(0, 5), max_size=4),
    owed=st.sets(st.integers(0, 5), max_size=4),
    capped=st.dictionaries(st.integers(0, 5), st.integers(1, 10), max_size=4),
    closed=st.sets(st.integers(0, 5), max_size=3),
    amounts=st.lists(st.integers(0, 12), min_size=6, max_size=6),
)
def test_assert_admitted__exactly_where_no_cap_is_passed_and_every_gate_is_open(
    held: set[int], owed: set[int], capped: dict[int, int], closed: set[int], amounts: list[int]
) -> None:
    found = Restrictions(
        {1 << asset: lambda *_: False for asset in closed}, {1 << asset: cap for asset, cap in capped.items()}
    )
    word = 0
    for asset in held:
        word = account_word.hold(word, 1 << asset)
    for asset in owed:
        word = account_word.owe(word, 1 << asset)
    beyond = any(amounts[asset] > capped[asset] for asset in held & set(capped))
    shut = bool(closed & (held | owed))
    for vault, refused in ((lambda key: amounts[key.bit_length() - 1], beyond or shut), (None, shut)):
        if refused:
            with pytest.raises(ValueError, match=r"engine: (supply cap|gate)"):
                found.assert_admitted(1, word, vault)
        else:
            found.assert_admitted(1, word, vault)
