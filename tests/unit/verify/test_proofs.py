"""The formulas that lemmas are proved about are the model's, and what the lemmas say holds of numbers drawn at random.

Together with the tests that hold the model equal to the contracts, this is what makes a proof one about the protocol.
The proofs themselves need z3: `make prove`.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from plimsoll.model import adaptive_rate, auction_terms, exposure, interest, margin_rate, share_math
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.fixed_point import WAD, wad_exp
from plimsoll.model.margin_rate import HOUR, Margin, Parameters
from plimsoll.verify.proofs import formulas, lemmas
from plimsoll.verify.proofs.smt import LEMMAS, Lemma

ENOUGH = settings(suppress_health_check=[*HealthCheck])

words = st.one_of(st.integers(0, 10), st.integers(0, 10**20), st.integers(0, 2**112 - 1))
positive = st.one_of(st.integers(1, 10), st.integers(1, 10**20), st.integers(1, 2**112 - 1))
values = st.one_of(st.integers(1, 10), st.integers(1, 10**24), st.integers(1, 2**190))
rates = st.one_of(st.integers(0, 10), st.integers(0, WAD), st.integers(0, 3 * WAD))


@given(amount=words, total=words, supply=st.integers(0, 2**142 - 1))
def test_lenders_shares__are_the_models(amount: int, total: int, supply: int) -> None:
    for name in ("shares_down", "shares_up", "assets_down", "assets_up"):
        assert getattr(formulas, name)(amount, total, supply) == getattr(share_math, name)(amount, total, supply)


@given(amount=words, debt=positive, debt_shares=positive)
def test_debt_shares__are_the_models(amount: int, debt: int, debt_shares: int) -> None:
    for name in ("debt_shares_up", "debt_shares_down", "debt_up"):
        assert getattr(formulas, name)(amount, debt, debt_shares) == getattr(share_math, name)(
            amount, debt, debt_shares
        )
    assert formulas.first_debt_shares(amount) == share_math.debt_shares_up(amount, 0, 0)


@given(amount=words, price=st.integers(0, 2**128 - 1))
def test_worths__are_the_models(amount: int, price: int) -> None:
    assert formulas.worth(amount, price) == exposure.worth(amount, price)
    assert formulas.owed_worth(amount, price) == exposure.owed_worth(amount, price)


@given(
    elapsed=st.one_of(st.integers(0, 10**4), st.integers(0, 2**40 - 1)),
    tau=st.integers(60, 86_400),
    kappa=st.one_of(st.just(0), st.integers(0, 100 * WAD)),
    start_level=st.integers(-WAD, -1),
    penalty=st.integers(0, WAD // 5),
    equity=st.one_of(st.integers(-(2**190), 2**190), st.integers(-(10**22), 10**22)),
    requirement=values,
    debt=values,
)
def test_bonus__is_the_models(
    elapsed: int, tau: int, kappa: int, start_level: int, penalty: int, equity: int, requirement: int, debt: int
) -> None:
    t = elapsed * WAD // tau
    expected = auction_terms.bonus(elapsed, tau, kappa, start_level, penalty, equity, requirement, debt)
    assert formulas.bonus(t, kappa, start_level, penalty, equity, requirement, debt) == expected
    assert formulas.curve(t, start_level) == auction_terms.curve(t, start_level)
    assert formulas.scaled(debt, start_level) == auction_terms.scaled(debt, start_level)


@ENOUGH
@given(
    positive=values,
    debt=values,
    parts=st.tuples(rates, rates),
    gap=st.integers(0, WAD),
    bonus=st.integers(-WAD, WAD // 5),
)
def test_max_fraction__is_the_models(positive: int, debt: int, parts: tuple[int, int], gap: int, bonus: int) -> None:
    target_positive, target_debt = positive * parts[0] // (3 * WAD), debt * parts[1] // (3 * WAD)
    paid = auction_terms.paid(debt, bonus)
    whole = formulas.per_whole(positive, debt, target_positive, target_debt, paid)
    assume(whole > 0)
    missing = 1 + whole * gap // (WAD + 1)
    assume(missing < whole)
    equity = target_positive + target_debt - missing
    expected = auction_terms.max_fraction(equity, positive, debt, target_positive, target_debt, bonus)
    assert formulas.max_fraction(missing, whole) == expected


@given(
    base=rates, cap=rates, slope=st.integers(0, 10**14), value=st.integers(0, 2**190), ratio=st.integers(WAD, 3 * WAD)
)
def test_margin_rate__is_the_models(base: int, cap: int, slope: int, value: int, ratio: int) -> None:
    margin = Margin(base, cap, slope, 0, False, Parameters(base, cap, slope, 0, 0))
    assert formulas.rate(base, cap, slope, value) == margin_rate.rate(margin, value, 1)
    required, initially = margin_rate.requirements(margin, value, 1, ratio)
    assert formulas.maintenance(base, cap, slope, value) == required
    assert formulas.initial(required, ratio) == initially


@given(start=rates, target=rates, rise=rates, fall=rates, move=st.integers(0, 2**90), cap=st.integers(10**15, WAD // 2))
def test_ramps__are_the_models(start: int, target: int, rise: int, fall: int, move: int, cap: int) -> None:
    assert formulas.towards(start, target, rise, fall) == margin_rate.towards(start, target, rise, fall)
    x = move * WAD // (2 * HOUR * cap)
    assert formulas.factor(x) == margin_rate.factor(move, 2 * HOUR, cap)


@given(base=st.integers(0, WAD), ratio=st.integers(12 * WAD // 10, 3 * WAD), notice=st.integers(HOUR, 720 * HOUR))
def test_max_ramp_up__is_the_models(base: int, ratio: int, notice: int) -> None:
    assert formulas.max_ramp_up(base, ratio, notice) == margin_rate.max_ramp_up(base, ratio, notice)


@given(
    utilisation=st.integers(0, WAD),
    target=st.integers(WAD // 100, 99 * WAD // 100),
    steepness=st.integers(WAD, 100 * WAD),
    speed=st.integers(0, 200 * WAD),
    rate=st.integers(10**14, 10 * WAD),
    seconds=st.integers(0, 10**9),
)
def test_rates__are_the_models(
    utilisation: int, target: int, steepness: int, speed: int, rate: int, seconds: int
) -> None:
    parameters = RateParameters(target, steepness, speed, 10**14, 10 * WAD)
    above = utilisation > target
    err = abs(utilisation - target) * WAD // (WAD - target if above else target)
    half = speed * err // WAD * seconds // (2 * 365 * 86_400)
    height = formulas.curve_factor(utilisation, target, steepness)
    if half == 0:
        assert adaptive_rate.rates(utilisation, rate, seconds, parameters) == (height * rate // WAD, rate)
        return
    exponent = min(half, adaptive_rate.MOST_HALF_EXPONENT)
    middle, end = formulas.path(rate, wad_exp(exponent if above else -exponent), 10**14, 10 * WAD)
    expected = (formulas.average(height, rate, middle, end), end)
    assert adaptive_rate.rates(utilisation, rate, seconds, parameters) == expected


@given(x=st.integers(0, interest.PIECE))
def test_piece__is_the_models(x: int) -> None:
    assert formulas.piece(x) == interest.piece(x)


USUAL = {
    "start_level": (-WAD, 0),
    "ratio": (12 * WAD // 10, 3 * WAD),
    "steepness": (WAD, 100 * WAD),
    "penalty": (0, WAD // 5),
    "base": (10**15, WAD // 10),
    "cap": (WAD // 10, WAD // 2 - 1),
    "notice": (HOUR, 720 * HOUR),
    "x": (0, WAD),
    "one": (1, WAD // 10),
    "other": (1, WAD // 10),
    "utilisation": (0, WAD),
    "target": (1, WAD - 1),
    "debt_shares": (WAD // 5, 10**30),
}
"""Where a variable is drawn from so that premises are met often enough; the proofs know no such bounds."""


class Trial:
    """A lemma's `Given` over numbers drawn at random: premises choose, steps and claims are checked."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def integers(self, names: str) -> list[int]:
        return [self._draw(name, -(2**64)) for name in names.split()]

    def naturals(self, names: str) -> list[int]:
        return [self._draw(name, 0) for name in names.split()]

    def positives(self, names: str) -> list[int]:
        return [self._draw(name, 1) for name in names.split()]

    def that(self, *premises: bool) -> None:
        for premise in premises:
            assume(premise)

    def step(self, *claims: bool) -> None:
        assert all(claims)

    all = staticmethod(lambda *claims: all(claims))
    any = staticmethod(lambda *claims: any(claims))

    def _draw(self, name: str, lowest: int) -> int:
        if name in USUAL:
            return self.data.draw(st.integers(*USUAL[name]), name)
        return self.data.draw(st.one_of(st.integers(max(lowest, -10), 10), st.integers(lowest, 2**64)), name)


@pytest.mark.parametrize("statement", LEMMAS, ids=lambda each: each.name)
@given(data=st.data())
@ENOUGH
def test_lemma__numbers_drawn_at_random__hold(statement: Lemma, data: st.DataObject) -> None:
    trial: Any = Trial(data)
    assert statement.make(trial)


def test_lemmas__have_names_of_their_own_and_say_something() -> None:
    assert len({each.name for each in LEMMAS}) == len(LEMMAS) >= 40
    assert all(each.says and each.make.__doc__ for each in LEMMAS)
    assert all(getattr(lemmas, each.name) is each.make for each in LEMMAS)
