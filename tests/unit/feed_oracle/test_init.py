"""Deployment: every bound, in the contract and in the twin."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, Contract, Revert, RevmChain
from plimsoll.model import feed
from tests.support import reverts
from tests.unit.feed_oracle.conftest import OpenOracle

LARGEST = feed.MAX_PRICE // 10**10


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"token_decimals": 19}, "feed: decimals"),
        ({"feed_decimals": 37}, "feed: decimals"),
        ({"min_answer": 0}, "feed: bounds"),
        ({"min_answer": 5, "max_answer": 5}, "feed: bounds"),
        ({"max_answer": LARGEST + 1}, "feed: bounds"),
        ({"feed_decimals": 18, "max_answer": 2**128}, "feed: bounds"),
        ({"max_answer": 2**256 - 1}, "feed: bounds"),
        ({"max_age": 0}, "feed: max age"),
        ({"max_age": 30 * 86_400 + 1}, "feed: max age"),
        ({"grace": 1}, "feed: sequencer"),
    ],
)
def test_init__out_of_bounds__reverts(open_oracle: OpenOracle, arguments: dict[str, Any], reason: str) -> None:
    with reverts(reason):
        open_oracle(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        {"token_decimals": 0, "max_answer": 10**9},
        {"feed_decimals": 0, "max_answer": 10**9},
        {"feed_decimals": 36},
        {"min_answer": 1, "max_answer": 2},
        {"max_answer": LARGEST},
        {"feed_decimals": 18, "max_answer": 2**128 - 1},
        {"max_age": 1},
        {"max_age": 30 * 86_400},
    ],
)
def test_init__at_the_bounds__works(open_oracle: OpenOracle, arguments: dict[str, Any]) -> None:
    open_oracle(**arguments)


def test_init__sequencer__needs_code_and_a_short_grace(open_oracle: OpenOracle, sequencer: Contract) -> None:
    with reverts("feed: sequencer"):
        open_oracle(sequencer=sequencer, grace=86_401)
    open_oracle(sequencer=sequencer, grace=86_400)
    open_oracle(sequencer=sequencer, grace=0)


def test_init__sequencer_is_no_contract__reverts(chain: RevmChain, owner: str, sequencer: Contract) -> None:
    with reverts("feed: sequencer"):
        chain.deploy("FeedOracle", sequencer, 18, 1, 10**9, 60, owner, 0, sender=owner)


@pytest.mark.parametrize("aggregator", [ZERO_ADDRESS, "0x00000000000000000000000000000000000000AA"])
def test_init__aggregator_is_no_contract__reverts(chain: RevmChain, owner: str, aggregator: str) -> None:
    with reverts("feed: aggregator"):
        chain.deploy("FeedOracle", aggregator, 18, 1, 10**9, 60, ZERO_ADDRESS, 0, sender=owner)


@given(
    token_decimals=st.integers(0, 20),
    feed_decimals=st.integers(0, 38),
    min_answer=st.integers(0, 2**70),
    max_answer=st.one_of(st.integers(0, 2**70), st.integers(0, 2**256 - 1)),
    max_age=st.integers(0, 31 * 86_400),
    grace=st.integers(0, 90_000),
    has_sequencer=st.booleans(),
)
def test_init__refuses_what_the_twin_refuses(
    chain: RevmChain,
    open_oracle: OpenOracle,
    sequencer: Contract,
    token_decimals: int,
    feed_decimals: int,
    min_answer: int,
    max_answer: int,
    max_age: int,
    grace: int,
    has_sequencer: bool,
) -> None:
    parameters = feed.Parameters(token_decimals, feed_decimals, min_answer, max_answer, max_age, grace)
    expected = ""
    try:
        feed.check(parameters, has_sequencer)
    except ValueError as error:
        expected = str(error)
    reason = ""
    with chain.isolate():
        try:
            open_oracle(
                feed_decimals=feed_decimals,
                token_decimals=token_decimals,
                min_answer=min_answer,
                max_answer=max_answer,
                max_age=max_age,
                sequencer=sequencer if has_sequencer else None,
                grace=grace,
            )
        except Revert as error:
            reason = error.reason or "none given"
    assert reason == expected
