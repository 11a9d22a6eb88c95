"""Pricing models: pure decisions from an offer, costs and the time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.errors import ConfigError
from plimsoll.fields import parse_toml
from plimsoll.keeper import pricing
from plimsoll.keeper.pricing import Competitive, Costs, Eager, Offer, Patient
from plimsoll.units import WAD

START = 1_800_000_000
PERCENT = WAD // 100

OFFER = Offer(
    account=1,
    started_at=START,
    bonus=0,
    fraction=WAD,
    debt=100_000 * WAD,
    equity=3_000 * WAD,
    penalty=5 * PERCENT,
    tau=1_000,
    start_level=-WAD // 5,
    starter_share=WAD // 10,
    fund_share=WAD // 5,
)
COSTS = Costs(swap=300 * WAD, gas=20 * WAD, minimum=30 * WAD)


def at(seconds: int, offer: Offer = OFFER) -> Offer:
    return replace(offer, bonus=pricing.bonus_by_time(offer, offer.started_at + seconds))


def first_bid(model: pricing.PricingModel, costs: Costs = COSTS, offer: Offer = OFFER) -> int | None:
    """Return the second in which a model bids when it looks every second."""
    for seconds in range(offer.tau + 1):
        if model.decide(at(seconds, offer), costs, START + seconds).bids:
            return seconds
    return None


def test_bonus_by_time__from_start_level_to_penalty() -> None:
    assert pricing.bonus_by_time(OFFER, START) == -PERCENT
    assert pricing.bonus_by_time(OFFER, START + 1_000) == 5 * PERCENT
    assert pricing.bonus_by_time(OFFER, START + 9_999) == 5 * PERCENT


@given(st.integers(-PERCENT, 5 * PERCENT), st.integers(60, 86_400))
def test_time_of_bonus__first_second_that_gives_it(bonus: int, tau: int) -> None:
    offer = replace(OFFER, tau=tau)
    found = pricing.time_of_bonus(offer, bonus)
    assert found is not None
    assert pricing.bonus_by_time(offer, found) >= bonus
    assert found == START or pricing.bonus_by_time(offer, found - 1) < bonus


def test_time_of_bonus__more_than_the_penalty__never() -> None:
    assert pricing.time_of_bonus(OFFER, 5 * PERCENT + 1) is None


@given(
    st.integers(-PERCENT, 20 * PERCENT), st.integers(1, WAD), st.integers(0, WAD // 2), st.integers(-(10**22), 10**23)
)
def test_needed_bonus__pays_what_is_wanted(bonus: int, fraction: int, share: int, equity: int) -> None:
    offer = replace(OFFER, fraction=fraction, starter_share=share, equity=equity)
    needed = pricing.needed_bonus(offer, COSTS)
    if needed < WAD:
        assert pricing.profit(offer, COSTS, needed + 10) >= COSTS.minimum - 10


def test_needed_bonus__nothing_to_take__out_of_reach() -> None:
    assert pricing.needed_bonus(replace(OFFER, fraction=0), COSTS) == WAD


def test_needed_bonus__costs_below_zero__negative() -> None:
    """Who is paid for trading (the market is above the oracle) takes while the bonus is still negative."""
    assert pricing.needed_bonus(OFFER, Costs(swap=-500 * WAD, gas=0, minimum=0)) == -5 * PERCENT // 10


def test_net_bonus__fund_is_paid_only_while_equity_pays() -> None:
    assert pricing.net_bonus(OFFER, 3 * PERCENT) == 3 * PERCENT * 7 // 10
    assert pricing.net_bonus(OFFER, 3 * PERCENT + 10) == (3 * PERCENT + 10) * 9 // 10
    assert pricing.net_bonus(OFFER, -PERCENT) == -PERCENT


def test_eager__bids_once_it_pays_and_not_before() -> None:
    seconds = first_bid(Eager())
    assert seconds is not None
    assert pricing.profit(at(seconds), COSTS) >= COSTS.minimum
    assert pricing.profit(at(seconds - 1), COSTS) < COSTS.minimum


def test_eager__waits_until_the_second_it_will_pay() -> None:
    decision = Eager().decide(at(0), COSTS, START)
    assert decision.again == START + (first_bid(Eager()) or 0)


def test_eager__never_pays__has_no_time() -> None:
    costs = replace(COSTS, swap=50_000 * WAD)
    assert first_bid(Eager(), costs) is None
    assert Eager().decide(at(0), costs, START).again is None


def test_eager__negative_minimum__bids_at_a_loss() -> None:
    costs = replace(COSTS, minimum=-1_000 * WAD)
    assert (first_bid(Eager(), costs) or 0) < (first_bid(Eager()) or 0)


@given(st.integers(0, 1_000))
def test_min_bonus__never_above_the_present_one_and_keeps_the_minimum(seconds: int) -> None:
    for model in (Eager(), Patient(PERCENT), Competitive("a", PERCENT, 2, 12)):
        offer = at(seconds)
        decision = model.decide(offer, COSTS, START + seconds)
        if decision.bids:
            assert decision.min_bonus <= offer.bonus
            assert pricing.profit(offer, COSTS, decision.min_bonus) >= COSTS.minimum - 10


def test_patient__waits_for_its_own_bonus() -> None:
    seconds = first_bid(Patient(3 * PERCENT)) or 0
    assert at(seconds).bonus >= 3 * PERCENT > at(seconds - 1).bonus


def test_patient__own_bonus_does_not_pay__waits_until_it_does() -> None:
    assert first_bid(Patient(0)) == first_bid(Eager())


def test_patient__own_bonus_above_the_penalty__takes_the_most_there_is() -> None:
    assert first_bid(Patient(WAD // 2)) == OFFER.tau


def test_competitive__between_own_costs_and_the_others() -> None:
    low = first_bid(Eager()) or 0
    high = pricing.time_of_bonus(OFFER, pricing.needed_bonus(OFFER, COSTS) + PERCENT)
    assert high is not None
    found = {first_bid(Competitive(f"seed {i}", PERCENT, 0, 12)) for i in range(40)}
    assert all(seconds is not None and low <= seconds <= high - START for seconds in found)
    assert len(found) > 20


def test_competitive__same_seed__same_point() -> None:
    model = Competitive("mine", PERCENT, 0, 12)
    assert first_bid(model) == first_bid(Competitive("mine", PERCENT, 0, 12))


def test_competitive__few_blocks_left_to_the_others__takes_what_pays() -> None:
    patient_point = first_bid(Competitive("late", 2 * PERCENT, 0, 12)) or 0
    assert (first_bid(Competitive("late", 2 * PERCENT, 1_000, 12)) or 0) == first_bid(Eager())
    assert patient_point > (first_bid(Eager()) or 0)


def test_competitive__does_not_pay__never_bids() -> None:
    assert first_bid(Competitive("a", PERCENT, 1_000, 12), replace(COSTS, swap=50_000 * WAD)) is None


def test_build__registered_model__read_from_its_table() -> None:
    class Never:
        def decide(self, offer: Offer, costs: Costs, now: int) -> pricing.Decision:
            return pricing.Decision(False, 0, "never")

        def aim(self, offer: Offer, costs: Costs) -> int:
            return WAD

    pricing.register("never", lambda table: Never())
    try:
        assert isinstance(pricing.build("never", parse_toml("")), Never)
        with pytest.raises(ConfigError, match="x: unknown field"):
            pricing.build("never", parse_toml("x = 1"))
    finally:
        pricing._MODELS.pop("never")
