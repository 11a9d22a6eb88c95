"""Terms of auctions in integers: what they promise, of the formulas alone, over every value they may meet."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.model import auction_terms, liquidation_auction
from plimsoll.model.fixed_point import WAD
from plimsoll.model.liquidation_auction import Auction, Parameters, Values

INITIAL_RATIO = 12 * WAD // 10
MIN_DEBT = 100 * WAD
RATES = st.integers(WAD // 1_000, WAD // 2 - 1)
PARTS = st.integers(WAD // 1_000, WAD)
BIG = 2**180

parameter_sets = st.builds(
    lambda tau, tail, kappa, level, target, starter, fund, least, more: Parameters(
        tau,
        tau + tail,
        kappa * 10**14,
        -level * 10**14,
        target * 10**14,
        starter * 10**14,
        fund * 10**14,
        least * 10**14,
        min(2_000, least + more) * 10**14,
    ),
    st.integers(60, 86_400),
    st.integers(0, 6 * 86_400),
    st.integers(0, 10**6),
    st.integers(1, 10_000),
    st.integers(1, 10_000),
    st.integers(0, 5_000),
    st.integers(0, 5_000),
    st.integers(10, 2_000),
    st.integers(0, 2_000),
)


@st.composite
def accounts(draw: st.DrawFn, *, solvent: bool = False, least: int = 1) -> Values:
    """Portfolios below their line by their sums, from dust to a billion dollars."""
    debt = draw(st.integers(least, 300 * WAD) | st.integers(least, 10**9 * WAD))
    rate_positive, rate_debt = draw(RATES), draw(RATES)
    line = debt * (WAD + rate_debt) // (WAD - rate_positive)
    positive = draw(st.integers(debt if solvent else 0, line) | st.integers(debt, line))
    return Values(
        positive,
        debt,
        -(-positive * rate_positive // WAD),
        -(-debt * rate_debt // WAD),
        certain=draw(st.booleans()),
        excluded=0,
    )


def started(values: Values, parameters: Parameters, *, taken: bool = False) -> Auction:
    """An auction of an account that is liquidatable, started at 0."""
    assume(values.equity < values.requirement)
    return liquidation_auction.start(values, "starter", parameters, 0)._replace(taken=taken)


# Formulas


@given(st.integers(0, BIG), st.integers(1, BIG), st.integers(0, WAD), st.integers(0, WAD))
def test_penalty__clamped_ratio_rounded_down(requirement: int, debt: int, least: int, more: int) -> None:
    rate = auction_terms.penalty(requirement, debt, least, least + more)
    exact = min(max(Fraction(requirement * WAD, debt), Fraction(least)), Fraction(least + more))
    assert 0 <= exact - rate < 1


@given(st.integers(0, 3 * WAD), st.integers(0, 3 * WAD), st.integers(-WAD, -1))
def test_curve__rises_from_its_level_to_one(y: int, more: int, level: int) -> None:
    assert auction_terms.curve(0, level) == level
    assert level <= auction_terms.curve(y, level) <= auction_terms.curve(y + more, level) <= WAD
    assert auction_terms.curve(WAD, level) == auction_terms.curve(WAD + more, level) == WAD


@given(accounts(), parameter_sets, st.integers(0, 10**6), st.integers(0, 10**6))
def test_bonus__monotone_in_time_and_within_its_bounds(
    values: Values, parameters: Parameters, elapsed: int, more: int
) -> None:
    auction = started(values, parameters)
    now, later = (liquidation_auction.bonus(auction, values, at) for at in (elapsed, elapsed + more))
    assert now <= later <= auction.penalty
    assert now >= auction_terms.scaled(auction.penalty, parameters.start_level)
    by_time = auction_terms.scaled(
        auction.penalty, auction_terms.curve(min(elapsed * WAD // parameters.tau, WAD), parameters.start_level)
    )
    assert now >= by_time
    if now > by_time:
        assert values.certain
        assert now * values.debt <= max(values.equity, 0) * WAD, "depth is paid by equity"
    if elapsed >= parameters.tau:
        assert now == auction.penalty


@given(accounts(), parameter_sets, st.integers(1, 10**6))
def test_bonus__deeper__no_less_while_equity_pays(values: Values, parameters: Parameters, elapsed: int) -> None:
    auction = started(values, parameters)
    doubtful = liquidation_auction.bonus(auction, values._replace(certain=False), elapsed)
    assert liquidation_auction.bonus(auction, values, elapsed) >= doubtful


@given(st.integers(-BIG, BIG), st.integers(-WAD, WAD))
def test_scaled__rounds_down(amount: int, rate: int) -> None:
    assert 0 <= Fraction(amount * rate, WAD) - auction_terms.scaled(amount, rate) < 1


@pytest.mark.parametrize(("equity", "fraction"), [(0, WAD), (1, 0), (2, 0)])
def test_max_fraction__at_the_target_or_beyond__nothing(session_chain: RevmChain, equity: int, fraction: int) -> None:
    """Where a bonus of a fifth is paid for next to no requirement nothing less than all leads there."""
    harness: Any = session_chain.deploy("auction_terms_harness", sender=session_chain.accounts()[0])
    arguments = (equity, 2_000, 1_000, 1, 0, WAD // 5)
    assert harness.max_fraction(*arguments) == auction_terms.max_fraction(*arguments) == fraction


# What a take moves


@given(accounts(), parameter_sets, st.integers(0, 10**5), st.integers(1, WAD), st.booleans())
def test_take__pays_at_most_the_bonus_whatever_is_asked(
    values: Values, parameters: Parameters, elapsed: int, fraction: int, taken: bool
) -> None:
    auction = started(values, parameters, taken=taken)
    bonus = liquidation_auction.bonus(auction, values, elapsed)
    try:
        terms = liquidation_auction.take(auction, values, elapsed, fraction, -WAD, MIN_DEBT, INITIAL_RATIO)
    except ValueError as error:
        assert str(error) in ("auction: nothing to take", "auction: remainder")
        return
    received = values.positive * terms.share
    assumed = values.debt * terms.fraction
    assert received * WAD <= assumed * (WAD + bonus), "never more than 1 + bonus for each unit of debt"
    assert received >= assumed + auction_terms.scaled(assumed, bonus) - 2 * values.positive - 2 * values.debt - 2 * WAD
    assert 0 <= terms.share <= WAD
    assert 0 < terms.fraction <= WAD


@given(accounts(), parameter_sets, st.integers(0, 10**5), st.integers(1, WAD), st.booleans())
def test_take__each_side_is_zero_or_above_dust(
    values: Values, parameters: Parameters, elapsed: int, fraction: int, taken: bool
) -> None:
    auction = started(values, parameters, taken=taken)
    try:
        terms = liquidation_auction.take(auction, values, elapsed, fraction, -WAD, MIN_DEBT, INITIAL_RATIO)
    except ValueError as error:
        assert str(error) in ("auction: nothing to take", "auction: remainder")
        return
    positive = values.positive - values.positive * terms.share // WAD
    debt = values.debt - values.debt * terms.fraction // WAD
    if debt == 0:
        assert terms.ended
        assert not terms.written_off
    elif positive == 0:
        assert terms.ended
        assert terms.written_off
        assert values.equity * WAD <= values.debt * auction.penalty
    else:
        assert debt >= MIN_DEBT
        assert positive > MIN_DEBT // 4
        assert not terms.ended


@given(accounts(), parameter_sets, st.integers(0, 10**5), st.booleans())
def test_take__of_the_maximum__never_refused_and_lands_on_the_target(
    values: Values, parameters: Parameters, elapsed: int, taken: bool
) -> None:
    assume(values.positive > 0)
    auction = started(values, parameters, taken=taken)
    most = liquidation_auction.most(auction, values, elapsed, MIN_DEBT, INITIAL_RATIO)
    terms = liquidation_auction.take(auction, values, elapsed, most, -WAD, MIN_DEBT, INITIAL_RATIO)
    if terms.ended:
        return
    positive = values.positive - values.positive * terms.share // WAD
    debt = values.debt - values.debt * terms.fraction // WAD
    target = sum(liquidation_auction.targets(values, parameters, INITIAL_RATIO))
    target_positive, target_debt = liquidation_auction.targets(values, parameters, INITIAL_RATIO)
    after = Fraction(target_positive * positive, values.positive) + Fraction(target_debt * debt, values.debt)
    slack = 2 + Fraction(4 * (values.positive + values.debt), WAD)
    assert target > values.equity
    assert abs(positive - debt - after) <= slack, "on the target at the rates before the take"
    later = Values(positive, debt, int(after * WAD / _factor(parameters)), 0, values.certain, 0)
    again = auction._replace(taken=True)
    assert not liquidation_auction.takeable(again, later, elapsed, INITIAL_RATIO), "and may be cancelled"


def _factor(parameters: Parameters) -> int:
    return WAD + parameters.target_share // 10**14 * (INITIAL_RATIO - WAD) // 10_000


@given(accounts(solvent=True, least=MIN_DEBT), parameter_sets, st.integers(0, 10**5), st.integers(1, WAD))
def test_take__partial__lowers_equity_over_requirement_only_beyond_the_threshold(
    values: Values, parameters: Parameters, elapsed: int, fraction: int
) -> None:
    auction = started(values, parameters)
    bonus = liquidation_auction.bonus(auction, values, elapsed)
    assume(bonus * values.debt <= values.equity * WAD)
    try:
        terms = liquidation_auction.take(auction, values, elapsed, fraction, -WAD, MIN_DEBT, INITIAL_RATIO)
    except ValueError as error:
        assert str(error) == "auction: remainder"
        return
    if terms.ended:
        return
    positive = values.positive - values.positive * terms.share // WAD
    debt = values.debt - values.debt * terms.fraction // WAD
    before = Fraction(values.equity, values.requirement)
    requirement = Fraction(values.positive_requirement * positive, values.positive) + Fraction(
        values.debt_requirement * debt, values.debt
    )
    slack = Fraction(4 * (values.positive + values.debt), WAD) + 4
    assert positive - debt + slack >= before * (requirement - slack)


@given(accounts(), parameter_sets, st.integers(0, 10**5), st.lists(PARTS, min_size=2, max_size=6))
def test_take__many_at_one_instant__pay_no_more_than_one(
    values: Values, parameters: Parameters, elapsed: int, fractions: list[int]
) -> None:
    auction = started(values, parameters)
    bonus = liquidation_auction.bonus(auction, values, elapsed)
    received = assumed = 0
    slack = 0
    for fraction in fractions:
        try:
            terms = liquidation_auction.take(auction, values, elapsed, fraction, -WAD, MIN_DEBT, INITIAL_RATIO)
        except ValueError as error:
            assert str(error) in ("auction: healthy", "auction: nothing to take", "auction: remainder")
            break
        positive = values.positive - values.positive * terms.share // WAD
        debt = values.debt - values.debt * terms.fraction // WAD
        received += values.positive - positive
        assumed += values.debt - debt
        slack += 4 + 4 * (values.debt + values.positive) // WAD
        if terms.ended:
            break
        values = values._replace(
            positive=positive,
            debt=debt,
            positive_requirement=-(-values.positive_requirement * positive // values.positive),
            debt_requirement=-(-values.debt_requirement * debt // values.debt),
        )
        auction = auction._replace(taken=True)
    assert received <= assumed + auction_terms.scaled(assumed, bonus) + slack


@given(accounts(solvent=True), parameter_sets, st.lists(PARTS, min_size=1, max_size=4))
def test_take__at_once__leaves_no_bad_debt_of_a_solvent_account(
    values: Values, parameters: Parameters, fractions: list[int]
) -> None:
    auction = started(values, parameters)
    for fraction in [*fractions, WAD]:
        try:
            terms = liquidation_auction.take(auction, values, 0, fraction, -WAD, MIN_DEBT, INITIAL_RATIO)
        except ValueError as error:
            assert str(error) in ("auction: healthy", "auction: remainder")
            continue
        left = values.debt - values.debt * terms.fraction // WAD
        assert not terms.written_off or left <= 2 + values.debt // 10**15
        if terms.ended:
            return
        positive = values.positive - values.positive * terms.share // WAD
        assert positive >= left - 2
        values = values._replace(
            positive=positive,
            debt=left,
            positive_requirement=-(-values.positive_requirement * positive // values.positive),
            debt_requirement=-(-values.debt_requirement * left // values.debt),
        )
        auction = auction._replace(taken=True)


@given(st.integers(-BIG, BIG), st.integers(0, BIG))
def test_shortfall__part_of_the_debt_that_is_lost_rounded_up(equity: int, debt: int) -> None:
    rate = liquidation_auction.shortfall(equity, debt)
    if equity >= 0 or debt == 0:
        assert rate == 0
    else:
        assert rate == min(-(equity * WAD // debt), WAD)
        assert rate > 0


# Cases


def plain(equity: int, debt: int = 50_000 * WAD) -> Values:
    """An account with a rate of 5 % on both sides."""
    positive = debt + equity
    return Values(positive, debt, positive // 20, debt // 20, certain=True, excluded=0)


PARAMETERS = Parameters(600, 7_200, 2 * WAD, -WAD // 10, WAD // 2, WAD // 10, WAD // 10, WAD // 100, WAD // 5)


def test_take__asked_for_almost_all__does_not_give_the_owners_rest_away() -> None:
    values = Values(125 * WAD, 110 * WAD, 20 * WAD, 15 * WAD, certain=True, excluded=0)
    auction = liquidation_auction.start(values, "starter", PARAMETERS._replace(kappa=0), 0)
    whole = liquidation_auction.take(auction, values, 60, WAD, -WAD, MIN_DEBT, INITIAL_RATIO)
    most = liquidation_auction.take(auction, values, 60, WAD - 1, -WAD, MIN_DEBT, INITIAL_RATIO)
    assert whole == most
    assert whole.fraction == WAD
    assert whole.share < WAD


def test_take__at_the_target_but_for_a_rounding__is_over() -> None:
    values = plain(5_000 * WAD)
    target = sum(liquidation_auction.targets(values, PARAMETERS, INITIAL_RATIO))
    values = values._replace(positive=values.positive - values.equity + target - 1)
    auction = Auction(0, "starter", WAD // 10, PARAMETERS, taken=True)
    with pytest.raises(ValueError, match="auction: healthy"):
        liquidation_auction.take(auction, values, 60, WAD, -WAD, MIN_DEBT, INITIAL_RATIO)
