"""The reading: scale, bounds, age, rounds that are none, and the sequencer."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import feed
from plimsoll.model.price_source import NO_READING
from tests.support import reverts
from tests.unit.feed_oracle.conftest import GRACE, MAX_AGE, MAX_ANSWER, MIN_ANSWER, OpenOracle

DOWN, UP = 1, 0


@pytest.mark.parametrize(
    ("feed_decimals", "token_decimals", "answer", "price"),
    [
        (8, 18, 2_000 * 10**8, 2_000 * 10**18),
        (8, 6, 10**8, 10**30),
        (8, 8, 60_000 * 10**8, 60_000 * 10**28),
        (18, 18, 2_000 * 10**18, 2_000 * 10**18),
        (0, 0, 1, 10**36),
        (36, 0, 10**36, 10**36),
        (36, 18, 10**36, 10**18),
        (36, 18, 10**36 - 1, 10**18 - 1),
        (36, 18, 10**18, 1),
        (36, 18, 10**18 - 1, 0),
    ],
)
def test_read__scale(
    open_oracle: OpenOracle, chain: RevmChain, feed_decimals: int, token_decimals: int, answer: int, price: int
) -> None:
    oracle = open_oracle(feed_decimals, token_decimals, min_answer=1, max_answer=max(answer, 2), answer=answer)
    assert oracle.read() == (price, price, chain.timestamp(), 1, 1) == oracle.model_read()


@given(
    token_decimals=st.integers(0, 18),
    feed_decimals=st.integers(0, 36),
    answer=st.one_of(st.integers(1, 2**128), st.integers(-(2**255), 2**255 - 1)),
    started_ago=st.integers(-10, 10_000),
    updated_ago=st.integers(-10, 10_000),
    sequencer_round=st.none() | st.tuples(st.sampled_from([UP, UP, DOWN, -1]), st.integers(-10, 2 * GRACE)),
)
def test_read__equals_the_twin_to_the_unit(
    chain: RevmChain,
    open_oracle: OpenOracle,
    sequencer: Contract,
    owner: str,
    token_decimals: int,
    feed_decimals: int,
    answer: int,
    started_ago: int,
    updated_ago: int,
    sequencer_round: tuple[int, int] | None,
) -> None:
    multiplier, divisor = feed.scale(token_decimals, feed_decimals)
    largest = feed.MAX_PRICE * divisor // multiplier
    with chain.isolate():
        oracle = open_oracle(
            feed_decimals,
            token_decimals,
            min_answer=max(1, largest // 10**30),
            max_answer=largest,
            sequencer=None if sequencer_round is None else sequencer,
        )
        now = chain.timestamp()
        oracle.aggregator.set_round(answer, now - started_ago, now - updated_ago, sender=owner)
        if sequencer_round is not None:
            sequencer.set_round(sequencer_round[0], now - sequencer_round[1], now, sender=owner)
        reading = oracle.read()
        assert reading == oracle.model_read()
        if reading.price:
            exact = Fraction(answer * 10 ** (36 - token_decimals), 10**feed_decimals)
            assert reading.price <= exact < reading.price + 1


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        (MIN_ANSWER, True),
        (MIN_ANSWER - 1, False),
        (MAX_ANSWER, True),
        (MAX_ANSWER + 1, False),
        (0, False),
        (-1, False),
        (-MIN_ANSWER, False),
        (-(2**255), False),
        (2**255 - 1, False),
    ],
)
def test_read__answer_outside_its_bounds__no_reading(
    open_oracle: OpenOracle, owner: str, answer: int, valid: bool
) -> None:
    oracle = open_oracle()
    oracle.aggregator.set_answer(answer, sender=owner)
    assert (oracle.read() != NO_READING) == valid
    assert oracle.read() == oracle.model_read()


@pytest.mark.parametrize("updated_at", [0, 1, 2**256 - 1])
def test_read__incomplete_or_future_round__no_reading(
    open_oracle: OpenOracle, chain: RevmChain, owner: str, updated_at: int
) -> None:
    oracle = open_oracle()
    at = chain.timestamp() + 1 if updated_at == 1 else updated_at
    oracle.aggregator.set_round(2_000 * 10**8, chain.timestamp(), at, sender=owner)
    assert oracle.read() == NO_READING


def test_read__an_answer_grows_old__not_fresh_but_still_told(
    open_oracle: OpenOracle, chain: RevmChain, owner: str
) -> None:
    oracle = open_oracle()
    start = chain.timestamp()
    chain.warp(MAX_AGE)
    assert oracle.read() == (2_000 * 10**18, 2_000 * 10**18, start, 1, 1)
    chain.warp(1)
    assert oracle.read() == (2_000 * 10**18, 2_000 * 10**18, start, 0, 1)
    oracle.aggregator.set_answer(1_900 * 10**8, sender=owner)
    assert oracle.read() == (1_900 * 10**18, 1_900 * 10**18, chain.timestamp(), 1, 1)


def test_read__a_feed_stuck_at_its_own_floor__no_reading(open_oracle: OpenOracle, owner: str) -> None:
    floor = 10**7
    oracle = open_oracle(min_answer=floor + 1)
    oracle.aggregator.set_answer(floor, sender=owner)
    assert oracle.read() == NO_READING


def test_read__sequencer_down_and_its_grace__not_fresh(
    open_oracle: OpenOracle, sequencer: Contract, chain: RevmChain, owner: str
) -> None:
    oracle = open_oracle(sequencer=sequencer, max_age=86_400)
    assert oracle.read().fresh == 1
    sequencer.set_answer(DOWN, sender=owner)
    price = oracle.read().price
    assert oracle.read()[3:] == (0, 1)
    chain.warp(GRACE + 1)
    assert oracle.read()[3:] == (0, 1)
    sequencer.set_answer(UP, sender=owner)
    for seconds, fresh in ((0, 0), (GRACE, 0), (1, 1)):
        chain.warp(seconds)
        assert oracle.read() == (price, price, oracle.read().updated_at, fresh, 1)
        assert oracle.read() == oracle.model_read()


@pytest.mark.parametrize("started", [0, "future"])
def test_read__sequencer_status_without_a_start__not_fresh(
    open_oracle: OpenOracle, sequencer: Contract, chain: RevmChain, owner: str, started: int | str
) -> None:
    oracle = open_oracle(sequencer=sequencer, grace=0)
    chain.warp(1)
    assert oracle.read().fresh == 1
    at = chain.timestamp() + 1 if started == "future" else started
    sequencer.set_round(UP, at, chain.timestamp(), sender=owner)
    assert oracle.read().fresh == 0


def test_read__broken_feed_or_sequencer__reverts(open_oracle: OpenOracle, sequencer: Contract, owner: str) -> None:
    oracle = open_oracle(sequencer=sequencer)
    for broken in (oracle.aggregator, sequencer):
        broken.set_broken(True, sender=owner)
        with reverts("feed: no data"):
            oracle.contract.read()
        broken.set_broken(False, sender=owner)
    assert oracle.read() == oracle.model_read() != NO_READING


def test_read__stale_answer__sequencer_is_not_asked(
    open_oracle: OpenOracle, sequencer: Contract, chain: RevmChain, owner: str
) -> None:
    oracle = open_oracle(sequencer=sequencer)
    sequencer.set_broken(True, sender=owner)
    chain.warp(MAX_AGE + 1)
    assert oracle.read()[3:] == (0, 1)
