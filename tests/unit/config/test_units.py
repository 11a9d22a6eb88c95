"""Human amounts to raw units and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.errors import AmountError
from plimsoll.units import Amount, as_decimal, from_raw, from_wad, show, to_raw, wad


@pytest.mark.parametrize(
    ("amount", "decimals", "raw"),
    [
        ("10.5", 18, 10_500_000_000_000_000_000),
        ("10.5", 6, 10_500_000),
        (10, 0, 10),
        (Decimal("1e3"), 6, 10**9),
        ("1_000", 6, 10**9),
        (" 0.000001 ", 6, 1),
        ("1.50", 1, 15),
        (0, 18, 0),
    ],
)
def test_to_raw__exact(amount: Any, decimals: int, raw: int) -> None:
    assert to_raw(amount, decimals) == raw


@pytest.mark.parametrize(
    ("amount", "decimals", "message"),
    [
        ("0.0000001", 6, "0.0000001 has more than 6 decimals"),
        ("0.5", 0, "0.5 has more than 0 decimals"),
        ("-1", 6, "-1 is negative"),
        ("ten", 6, "'ten' is no amount: write a number such as '10.5'"),
        ("", 6, "'' is no amount: write a number such as '10.5'"),
        ("nan", 6, "'nan' is no amount: it is not finite"),
        (Decimal("inf"), 6, "Decimal('Infinity') is no amount: it is not finite"),
        (1.5, 6, "1.5 is no amount: write a whole number, a Decimal or text such as '10.5'"),
        (True, 6, "True is no amount: write a whole number, a Decimal or text such as '10.5'"),
        (None, 6, "None is no amount: write a whole number, a Decimal or text such as '10.5'"),
        ("1e80", 6, "1e80 does not fit into 256 bits"),
    ],
)
def test_to_raw__refused(amount: Any, decimals: int, message: str) -> None:
    with pytest.raises(AmountError) as caught:
        to_raw(amount, decimals)
    assert str(caught.value) == message


@given(raw=st.integers(0, 2**256 - 1), decimals=st.integers(0, 18))
def test_to_raw__inverts_from_raw(raw: int, decimals: int) -> None:
    human = from_raw(raw, decimals)
    assert to_raw(human, decimals) == raw
    assert to_raw(str(human), decimals) == raw


def test_wad__dollars() -> None:
    assert wad("0.05") == 5 * 10**16
    assert from_wad(-(10**18)) == Decimal(-1)


def test_amount__arithmetic_and_text() -> None:
    a, b = Amount(1_500_000, 6, "USDC"), Amount(500_000, 6, "USDC")
    assert (a + b).raw == 2_000_000
    assert (a - b).human == Decimal(1)
    assert a > b
    assert not a - a
    assert str(Amount(1_234_567_891, 6, "USDC")) == "1,234.567891 USDC"
    assert str(Amount(10**18 // 3, 18, "WETH")) == "0.333333 WETH"


def test_amount__of_different_tokens__refused() -> None:
    with pytest.raises(AmountError) as caught:
        Amount(1, 6, "USDC") + Amount(1, 18, "WETH")
    assert str(caught.value).endswith("are different tokens")


def test_show__cuts() -> None:
    assert show(Decimal("1999.999"), 2) == "1,999.99"
    assert show(Decimal("-0.019"), 2) == "-0.01"


def test_as_decimal__keeps_digits() -> None:
    assert as_decimal("0.1") + as_decimal("0.2") == Decimal("0.3")
