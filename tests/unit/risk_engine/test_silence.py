from __future__ import annotations

from itertools import product

import pytest

from plimsoll.model import exposure, price_oracle
from plimsoll.model.price_oracle import DEAD, MAX_MARK_GAP, NO_SILENCE, OK, STALE, WIDE, Price
from tests.support import reverts
from tests.support.risk import DAY, ETHER_18, HOUR, NOTICE, PERCENT, WAD, WIDE_DELAY, Answer, Risk, reading

TWO = price_oracle.Parameters(min_sources=2, max_deviation=PERCENT, min_spread=0, spread_growth=0, max_spread=0)


def pair(risk: Risk, count: int = 2) -> int:
    return risk.list_asset(*[1_000] * count, parameters=TWO)


@pytest.mark.parametrize("duration", [HOUR, HOUR + 1])
@pytest.mark.parametrize("index", [0, 1, 2])
def test_silence__event_and_view(risk: Risk, index: int, duration: int) -> None:
    key = pair(risk, 3)
    receipt = risk.silence(key, index, duration)
    now = risk.chain.timestamp()
    assert receipt.events == [risk.engine.event("Silenced", key=key, index=index, until=now + duration)]
    assert tuple(risk.engine.silence_of(key)) == (1 << index, now + duration, now + 2 * duration)
    assert risk.silences[key] == (index, now + duration, now + 2 * duration)


@pytest.mark.parametrize(("count", "index"), [(2, 0), (2, 1), (3, 0), (3, 1), (3, 2)])
def test_silence__not_ok_until_it_ends__to_the_second(risk: Risk, count: int, index: int) -> None:
    key = pair(risk, count)
    risk.silence(key, index, HOUR)
    assert risk.price(key) == Price(1_000, 1_000, 1_000, WIDE) == risk.model_price(key)
    risk.chain.warp(HOUR - 1)
    assert risk.price(key).status == WIDE
    risk.chain.warp(1)
    assert risk.price(key).status == OK == risk.model_price(key).status
    assert risk.engine.silence_of(key)[:2] == (0, 0)


def test_silence__until_the_last_second_that_its_field_holds(risk: Risk) -> None:
    """In 2242."""
    risk.chain.set_timestamp(2**33 - 1 - HOUR)
    key = pair(risk)
    risk.silence(key, 1, HOUR)
    assert risk.engine.silence_of(key)[:2] == (2, 2**33 - 1)
    assert risk.price(key) == Price(1_000, 1_000, 1_000, WIDE) == risk.model_price(key)


@pytest.mark.parametrize("caller", ["guardian", "owner"])
def test_silence__who_may(risk: Risk, caller: str) -> None:
    key = pair(risk)
    risk.engine.silence(key, 0, 1, sender=getattr(risk, caller))
    assert risk.price(key).status == WIDE


@pytest.mark.parametrize("caller", ["stranger", "deployer"])
def test_silence__not_guardian__reverts(risk: Risk, caller: str) -> None:
    key = pair(risk)
    sender = risk.chain.accounts()[0] if caller == "deployer" else risk.stranger
    with reverts("roles: guardian only"):
        risk.engine.silence(key, 0, 1, sender=sender)


@pytest.mark.parametrize(("count", "index"), [(1, 0), (1, 1), (2, 2), (3, 3), (3, 2**256 - 1)])
def test_silence__unknown_source__reverts(risk: Risk, count: int, index: int) -> None:
    """The only source of an asset cannot be silenced: it would have no price for as long."""
    key = risk.list_asset(*[1_000] * count, parameters=TWO._replace(min_sources=1))
    with reverts("oracle: unknown source"):
        risk.engine.silence(key, index, 1, sender=risk.guardian)
    with pytest.raises(ValueError, match="oracle: unknown source"):
        price_oracle.silence(NO_SILENCE, count, index, 1, NOTICE, 0)


@pytest.mark.parametrize("key", [0, 2, 1 << 64, 1 << 64 | 1, 2**256 - 1])
def test_silence__unknown_asset__reverts(risk: Risk, key: int) -> None:
    assert pair(risk) == 1
    with reverts("oracle: unknown source"):
        risk.engine.silence(key, 0, 1, sender=risk.guardian)


@pytest.mark.parametrize("duration", [0, NOTICE + 1, 2**33, 2**256 - 1])
def test_silence__duration__reverts(risk: Risk, duration: int) -> None:
    key = pair(risk)
    with reverts("oracle: duration"):
        risk.engine.silence(key, 0, duration, sender=risk.guardian)
    with pytest.raises(ValueError, match="oracle: duration"):
        price_oracle.silence(NO_SILENCE, 2, 0, duration, NOTICE, 0)


@pytest.mark.parametrize("duration", [1, NOTICE])
def test_silence__again__not_before_as_long_again_has_passed(risk: Risk, duration: int) -> None:
    """Of any two spans of time the guardian has at most one: he can hold no asset for good."""
    key = pair(risk)
    risk.silence(key, 0, duration)
    for wait in (0, duration, duration - 1):
        risk.chain.warp(wait)
        for index in (0, 1):
            with reverts("oracle: silenced lately"):
                risk.engine.silence(key, index, 1, sender=risk.guardian)
    with pytest.raises(ValueError, match="oracle: silenced lately"):
        risk.silences[key] = price_oracle.silence(risk.silences[key], 2, 0, 1, NOTICE, risk.chain.timestamp())
    risk.chain.warp(1)
    risk.silence(key, 1, 1)
    assert risk.price(key).status == WIDE


def test_silence__other_assets_go_on(risk: Risk) -> None:
    key, other = pair(risk), pair(risk)
    risk.silence(key, 0, NOTICE)
    assert risk.price(other).status == OK
    risk.silence(other, 0, 1)


def test_silence__leaves_sources_and_parameters_as_they_are(risk: Risk) -> None:
    key = pair(risk, 3)
    sources = risk.engine.sources_of(key)
    risk.silence(key, 2, NOTICE)
    assert risk.engine.sources_of(key) == sources
    assert tuple(risk.engine.price_parameters_of(key)) == TWO


def test_silence__another_one_after_it__the_first_is_heard_again(risk: Risk) -> None:
    key = pair(risk)
    risk.silence(key, 0, 1)
    risk.chain.warp(2)
    risk.silence(key, 1, 1)
    now = risk.chain.timestamp()
    risk.answer(key, reading(1_000, now), reading(5_000, now))
    assert risk.price(key).mid == 1_000
    assert risk.engine.silence_of(key)[:1] == (2,)


def test_set_sources__ends_the_silence__but_not_the_pause_after_it(risk: Risk) -> None:
    key = pair(risk)
    risk.silence(key, 0, NOTICE)
    risk.set_sources(key, 1_000, 1_000)
    assert risk.price(key).status == OK
    with reverts("oracle: silenced lately"):
        risk.engine.silence(key, 0, 1, sender=risk.guardian)


# What a silenced source still does


@pytest.mark.parametrize("lie", [1, 500, 2_000, 2**127])
def test_silence__a_source_that_lies__no_longer_moves_mid(risk: Risk, lie: int) -> None:
    key = pair(risk)
    now = risk.chain.timestamp()
    risk.answer(key, reading(lie, now), reading(1_000, now))
    assert risk.price(key).mid == (lie + 1_000) // 2
    risk.silence(key, 0, NOTICE)
    assert risk.price(key) == (min(lie, 1_000), 1_000, max(lie, 1_000), WIDE) == risk.model_price(key)


def test_silence__does_not_steer_which_number_of_another_one_counts(risk: Risk) -> None:
    key = pair(risk)
    now = risk.chain.timestamp()
    risk.answer(key, reading(700, now), reading(700, now, clamped=990))
    assert risk.price(key).mid == 700
    risk.silence(key, 0, NOTICE)
    assert risk.price(key) == (700, 990, 990, WIDE) == risk.model_price(key)


def test_silence__counts_where_no_other_one_answers(risk: Risk) -> None:
    """No guardian makes an asset worth nothing."""
    key = pair(risk)
    risk.answer(key, reading(1_000, risk.chain.timestamp()), None)
    risk.silence(key, 0, NOTICE)
    assert risk.price(key) == (1_000, 1_000, 1_000, STALE) == risk.model_price(key)


@pytest.mark.parametrize("index", [0, 1])
def test_silence__a_stale_one_that_is_heard_comes_first(risk: Risk, index: int) -> None:
    key = pair(risk)
    now = risk.chain.timestamp()
    answers: list[Answer] = [reading(900, now, age=HOUR, fresh=0)] * 2
    answers[index] = reading(2_000, now)
    risk.answer(key, *answers)
    risk.silence(key, index, NOTICE)
    assert risk.price(key) == (900, 900, 2_000, STALE) == risk.model_price(key)


@pytest.mark.parametrize(("index", "number"), [(0, 2_000), (1, 900)])
def test_silence__a_stale_one_of_no_time__comes_first_by_its_place_only(risk: Risk, index: int, number: int) -> None:
    """What is silenced counts like an answer of 1970; of equals the first stands alone."""
    key = pair(risk)
    now = risk.chain.timestamp()
    answers: list[Answer] = [reading(900, now, age=now, fresh=0)] * 2
    answers[index] = reading(2_000, now)
    risk.answer(key, *answers)
    risk.silence(key, index, NOTICE)
    assert risk.price(key) == (number, number, 2_000, STALE) == risk.model_price(key)


def test_silence__none_answers__dead(risk: Risk) -> None:
    key = pair(risk)
    risk.silence(key, 0, NOTICE)
    risk.answer(key, None, None)
    assert risk.price(key).status == DEAD == risk.model_price(key).status


# Attackers


@pytest.mark.parametrize(("factor", "debt"), [*product([1, 500, 900, 1_100, 2_000, 10**9], [False, True])])
@pytest.mark.parametrize("count", [2, 3])
def test_silence__captured_guardian_and_one_captured_source__no_take_below_the_honest_price(
    risk: Risk, count: int, factor: int, debt: bool
) -> None:
    """He silences an honest source, so that the captured one stands alone or with one other: it gains him nothing."""
    key = risk.list_asset(*[ETHER_18] * count, parameters=TWO)
    exposures = [exposure.pack(key, debt, WAD)]
    honest = risk.assess_liquidation(exposures)
    now = risk.chain.timestamp()
    for silenced, captured in product(range(count), repeat=2):
        with risk.chain.isolate():
            answers = [reading(ETHER_18, now)] * count
            answers[captured] = reading(ETHER_18 * factor // 1_000, now)
            risk.answer(key, *answers)
            risk.engine.silence(key, silenced, NOTICE, sender=risk.guardian)
            for _ in range(2):
                risk.engine.mark([key], sender=risk.stranger)
                values = risk.assess_liquidation(exposures)
                assert not values.certain
                assert values.equity - values.requirement >= honest.equity - honest.requirement
                risk.chain.warp(min(MAX_MARK_GAP, WIDE_DELAY // 2))


def test_silence__captured_guardian_alone__moves_no_price(risk: Risk) -> None:
    """Whatever he silences, for however long: while sources are honest the asset counts what it did."""
    key = risk.list_asset(*[ETHER_18] * 3, parameters=TWO)
    exposures = [exposure.pack(key, False, WAD)]
    honest = risk.assess_liquidation(exposures)
    for index in range(3):
        risk.silence(key, index, NOTICE)
        for _ in range(4):
            risk.mark(key)
            values = risk.assess_liquidation(exposures)
            assert (values.positive, values.debt) == (honest.positive, honest.debt)
            risk.chain.warp(MAX_MARK_GAP)
        risk.chain.warp(2 * DAY)
