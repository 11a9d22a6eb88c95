"""Interest: contract equals model, never more than the exponential, never less for being cut in two."""

from __future__ import annotations

from decimal import Context, Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import interest

WAD = 10**18
YEAR = 365 * 86_400
EXACT = Context(prec=60)

rates = st.one_of(st.integers(0, 10 * WAD), st.integers(0, 1_000 * WAD), st.integers(0, 2**128))
times = st.one_of(st.integers(0, 60), st.integers(0, YEAR), st.integers(0, 10 * YEAR), st.integers(0, 2**64 - 1))


@pytest.fixture(scope="session")
def harness(session_chain: RevmChain) -> Contract:
    return session_chain.deploy("interest_harness", sender=session_chain.accounts()[0])


@given(rate=rates, seconds=times)
@example(rate=WAD // 4, seconds=YEAR)
@example(rate=WAD // 4 + 1, seconds=YEAR)
@example(rate=4 * WAD, seconds=YEAR)
@example(rate=2**128, seconds=2**64 - 1)
def test_growth__contract_equals_model(harness: Contract, rate: int, seconds: int) -> None:
    assert harness.growth(rate, seconds) == interest.growth(rate, seconds)


@given(x=st.integers(0, 4 * WAD))
def test_growth__at_most_the_exponential_and_close_to_it(x: int) -> None:
    """A third-order series falls short by x^4 / 24 at most per piece: under 2e-4 of a piece of 1/4, sixteen of them."""
    exact = EXACT.exp(EXACT.divide(Decimal(x), WAD))
    grown = EXACT.add(1, EXACT.divide(Decimal(interest.growth(x, YEAR)), WAD))
    missing = EXACT.subtract(exact, grown)
    assert missing >= 0
    assert missing <= exact * Decimal("0.0023") + Decimal("1e-17")
    if x <= WAD // 100:
        assert missing <= Decimal("5e-10") * exact


@pytest.mark.parametrize(
    ("rate", "years", "grown"),
    [
        pytest.param(WAD // 100, 1, "0.010050166666666666", id="1 %: x + x^2/2 + x^3/6 exactly"),
        pytest.param(WAD // 4, 1, "0.283854166666666666", id="a whole piece"),
        pytest.param(WAD // 2, 1, "0.648281521267361109", id="two pieces compound"),
        pytest.param(8 * WAD, 1, None, id="x = 8 costs what x = 4 costs"),
    ],
)
def test_growth__by_hand(harness: Contract, rate: int, years: int, grown: str | None) -> None:
    expected = interest.growth(4 * WAD, YEAR) if grown is None else int(Decimal(grown) * WAD)
    assert abs(harness.growth(rate, years * YEAR) - expected) <= 1


@given(rate=st.integers(0, 4 * WAD), first=st.integers(0, YEAR // 2), second=st.integers(0, YEAR // 2))
def test_growth__cut_in_two__costs_no_less(rate: int, first: int, second: int) -> None:
    """Up to the rounding of x and of the terms, a few WAD units of growth."""
    parts = (WAD + interest.growth(rate, first)) * (WAD + interest.growth(rate, second)) // WAD - WAD
    assert parts >= interest.growth(rate, first + second) - 200


@given(rate=rates, seconds=st.integers(0, 10 * YEAR), more=st.integers(0, YEAR))
def test_growth__never_falls_with_time(rate: int, seconds: int, more: int) -> None:
    assert interest.growth(rate, seconds + more) >= interest.growth(rate, seconds)
