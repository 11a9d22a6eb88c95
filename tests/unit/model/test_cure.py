"""What a liquidation grants after an outage: contract and model say the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from plimsoll.model import cure
from plimsoll.model.cure import DAY, DOWN, MAX_OUTAGE, NOT_KNOWN, UP, LastGood
from tests.support import reverts

WINDOW = 3_600
LIMIT = 2**128
PRICES = st.integers(1, LIMIT - 1) | st.integers(1, 100)


def deploy(chain: RevmChain, cure_window: int = WINDOW, *, feed: bool = True) -> Any:
    deployer = chain.accounts()[0]
    address = chain.deploy("MockFeed", "sequencer", 0, UP, sender=deployer) if feed else ZERO_ADDRESS
    return chain.deploy("cure_harness", address, cure_window, sender=deployer)


@pytest.fixture(scope="module")
def harness(session_chain: RevmChain) -> Any:
    return deploy(session_chain)


def words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(32, "big") for number in numbers)


@pytest.mark.parametrize(
    ("status", "ago", "is_open"),
    [
        (UP, 0, True),
        (UP, WINDOW - 1, True),
        (UP, WINDOW, False),
        (DOWN, 0, True),
        (DOWN, MAX_OUTAGE - 1, True),
        (DOWN, MAX_OUTAGE, False),
        (2, 0, False),
        (2**256 - 1, 0, False),
    ],
)
def test_is_open__to_the_second(harness: Any, chain: RevmChain, status: int, ago: int, is_open: bool) -> None:
    now = chain.timestamp()
    assert harness.is_open(words(7, status, now - ago)) == is_open == cure.is_open(status, now - ago, WINDOW, now)


@pytest.mark.parametrize("status", [UP, DOWN])
@pytest.mark.parametrize("since", [0, "to come", 2**256 - 1])
def test_is_open__no_time__counts_as_up(harness: Any, chain: RevmChain, status: int, since: int | str) -> None:
    now = chain.timestamp()
    time = since if isinstance(since, int) else now + 1
    assert not harness.is_open(words(7, status, time))
    assert not cure.is_open(status, time, WINDOW, now)


@pytest.mark.parametrize("size", [0, 32, 64, 95])
def test_is_open__short_answer__counts_as_up(harness: Any, chain: RevmChain, size: int) -> None:
    assert not harness.is_open(words(7, DOWN, chain.timestamp())[:size])


@pytest.mark.parametrize("price", [0, 1, LIMIT - 1, LIMIT, 2**256 - 1])
@pytest.mark.parametrize("ahead", [-1, 0, 1, 2**255])
def test_last_good__nonsense__not_known(harness: Any, chain: RevmChain, price: int, ahead: int) -> None:
    now = chain.timestamp()
    known = LastGood(price, now + ahead) if price < LIMIT and ahead <= 0 else NOT_KNOWN
    assert tuple(harness.last_good(words(price, now + ahead))) == known == cure.last_good(price, now + ahead, now)


@pytest.mark.parametrize("size", [0, 32, 63])
def test_last_good__short_answer__not_known(harness: Any, size: int) -> None:
    assert tuple(harness.last_good(words(1, 1)[:size])) == NOT_KNOWN


@settings(max_examples=300)
@given(debt=st.booleans(), mid=PRICES, good=PRICES | st.just(0), spread=st.integers(0, 25))
def test_granted__model_and_bounds(harness: Any, debt: bool, mid: int, good: int, spread: int) -> None:
    """Never less than the favourable price, never further than the last good one, and by a quarter of mid at most."""
    favourable = max(mid * (100 - spread) // 100, 1) if debt else min(mid * (100 + spread) // 100, LIMIT - 1)
    price = cure.granted(debt, mid, favourable, good)
    assert harness.granted(debt, mid, favourable, good) == price
    if good == 0:
        assert price == favourable
    elif debt:
        assert 0 < price <= favourable
        assert price >= min(favourable, good, -(-mid * 4 // 5))
        assert price == favourable or price >= good
    else:
        assert favourable <= price < LIMIT
        assert price <= max(favourable, mid * 5 // 4)
        assert price == favourable or price <= good


@pytest.mark.parametrize("window", [0, DAY])
def test_constructor__at_the_bounds(chain: RevmChain, window: int) -> None:
    harness = deploy(chain, window)
    assert (harness.cure_window(), harness.sequencer_feed() != ZERO_ADDRESS) == (window, True)
    cure.check(True, window)


@pytest.mark.parametrize(("feed", "window", "reason"), [(True, DAY + 1, "cure: window"), (False, 1, "cure: sequencer")])
def test_constructor__reverts(chain: RevmChain, feed: bool, window: int, reason: str) -> None:
    with reverts(reason):
        deploy(chain, window, feed=feed)
    with pytest.raises(ValueError, match=reason):
        cure.check(feed, window)


def test_constructor__feed_without_code__reverts(chain: RevmChain) -> None:
    deployer, stranger = chain.accounts()[:2]
    with reverts("cure: sequencer"):
        chain.deploy("cure_harness", stranger, 0, sender=deployer)
