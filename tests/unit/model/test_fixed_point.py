"""Fixed point of the model: rounding of signed division, and the two curves against sixty decimal digits."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.model.fixed_point import UINT256, WAD, WAD_EXP_OVERFLOW, WAD_EXP_ZERO, checked, div, wad_exp, wad_ln

wads = st.one_of(st.integers(1, 2**188), st.integers(WAD - 10**6, WAD + 10**6), st.integers(1, 10**6))


@given(x=st.integers(-(2**255), 2**255 - 1), y=st.integers(-(2**255), 2**255 - 1).filter(bool))
def test_div__towards_zero(x: int, y: int) -> None:
    quotient = div(x, y)
    assert abs(quotient) * abs(y) <= abs(x) < (abs(quotient) + 1) * abs(y)
    assert quotient == 0 or (quotient < 0) == ((x < 0) != (y < 0))


@pytest.mark.parametrize("value", [-1, UINT256 + 1])
def test_checked__does_not_fit__raises_without_a_reason(value: int) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        checked(value)
    assert (checked(0), checked(UINT256)) == (0, UINT256)


@given(x=st.integers(WAD_EXP_ZERO - 10, 90 * WAD))
@example(x=WAD_EXP_ZERO)
@example(x=WAD_EXP_ZERO + 1)
@example(x=-1)
@example(x=0)
@example(x=1)
def test_wad_exp__is_the_exponential(x: int) -> None:
    """Within a unit, and where the result has more digits than the approximation, within 1e-19 of it."""
    with localcontext() as context:
        context.prec = 80
        exact = (Decimal(x) / WAD).exp() * WAD
        assert abs(wad_exp(x) - exact) <= max(Decimal(1), exact / 10**19)


@given(x=st.integers(WAD_EXP_ZERO, WAD_EXP_OVERFLOW - 10**9), more=st.integers(1, 10**9))
def test_wad_exp__never_falls(x: int, more: int) -> None:
    assert 0 <= wad_exp(x) <= wad_exp(x + more)


@given(x=wads, more=st.integers(1, 2**100))
def test_wad_ln__never_falls(x: int, more: int) -> None:
    assert wad_ln(x) <= wad_ln(x + more)


@given(x=wads)
@example(x=5_489)  # 1.02 units off
def test_wad_ln__is_the_logarithm(x: int) -> None:
    with localcontext() as context:
        context.prec = 80
        exact = (Decimal(x) / WAD).ln() * WAD
        assert abs(wad_ln(x) - exact) < 2


@given(x=st.integers(-20 * WAD, 60 * WAD))
def test_wad_ln__undoes_wad_exp(x: int) -> None:
    """As far as the digits of the exponential allow."""
    grown = wad_exp(x)
    assert abs(wad_ln(grown) - x) <= 2 + 2 * WAD // grown


@given(x=st.integers(-20 * WAD, 20 * WAD), y=st.integers(-20 * WAD, 20 * WAD))
def test_wad_exp__of_a_sum__is_the_product(x: int, y: int) -> None:
    whole, parts = wad_exp(x + y), Decimal(wad_exp(x)) * wad_exp(y) / WAD
    rounding = 3 + Decimal(wad_exp(x) + wad_exp(y)) / WAD * 2 + Decimal(whole) / 10**18
    assert abs(whole - parts) <= rounding
