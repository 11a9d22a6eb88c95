"""Exposures of the model: words and back, worths that round against the account and gain nothing from being split."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.model import exposure

UINT128 = 2**128 - 1
numbers = st.one_of(st.integers(0, 10), st.integers(0, 10**27), st.integers(0, UINT128))


@given(key=st.integers(0, 2**72 - 1), debt=st.booleans(), amount=numbers, free=st.integers(0, 2**55 - 1))
def test_pack__unpacks_whatever_the_free_bits_say(key: int, debt: bool, amount: int, free: int) -> None:
    assert exposure.unpack(exposure.pack(key, debt, amount) | free << 128) == (key, debt, amount)


@pytest.mark.parametrize(("key", "amount"), [(2**72, 0), (-1, 0), (0, UINT128 + 1), (0, -1)])
def test_pack__does_not_fit__raises(key: int, amount: int) -> None:
    with pytest.raises(ValueError, match="no exposure"):
        exposure.pack(key, False, amount)


@given(amount=numbers, price=numbers)
def test_worths__down_and_up_around_the_exact_value(amount: int, price: int) -> None:
    low, high = exposure.worth(amount, price), exposure.owed_worth(amount, price)
    assert low * 10**18 <= amount * price <= high * 10**18
    assert high - low == (amount * price % 10**18 != 0)


@given(amount=numbers, more=numbers, price=numbers, dearer=numbers)
def test_worths__never_fall_with_amount_or_price(amount: int, more: int, price: int, dearer: int) -> None:
    for worth in (exposure.worth, exposure.owed_worth):
        assert worth(amount, price) <= worth(amount + more, price)
        assert worth(amount, price) <= worth(amount, price + dearer)


@given(first=numbers, second=numbers, price=numbers)
def test_worths__split_over_accounts__never_more_to_have_nor_less_to_owe(first: int, second: int, price: int) -> None:
    assert exposure.worth(first, price) + exposure.worth(second, price) <= exposure.worth(first + second, price)
    owed = exposure.owed_worth(first, price) + exposure.owed_worth(second, price)
    assert owed >= exposure.owed_worth(first + second, price)


@given(amount=st.integers(1, UINT128), price=st.integers(1, UINT128))
def test_owed_worth__a_debt_is_never_nothing(amount: int, price: int) -> None:
    assert exposure.owed_worth(amount, price) >= 1
