"""A price from a Chainlink-like feed: twin of ``contracts/adapters/oracles/FeedOracle.vy``."""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.model.price_source import NO_READING, Reading

MAX_TOKEN_DECIMALS = 18
MAX_FEED_DECIMALS = 36
MAX_PRICE = 2**128 - 1
MAX_AGE_BOUND = 30 * 86_400
MAX_GRACE = 86_400


class Round(NamedTuple):
    """What of a feed's latest round counts: `answer` signed, times unix seconds."""

    answer: int
    started_at: int
    updated_at: int


class Parameters(NamedTuple):
    """What a FeedOracle is deployed with; see IFeedOracle.Settings for units and bounds."""

    token_decimals: int
    feed_decimals: int
    min_answer: int
    max_answer: int
    max_age: int
    sequencer_grace: int


def check(parameters: Parameters, has_sequencer: bool) -> None:
    """Raise ValueError with the constructor's reason where `parameters` are outside their bounds."""
    if parameters.token_decimals > MAX_TOKEN_DECIMALS or parameters.feed_decimals > MAX_FEED_DECIMALS:
        raise ValueError("feed: decimals")
    if not 0 < parameters.min_answer < parameters.max_answer:
        raise ValueError("feed: bounds")
    multiplier, divisor = scale(parameters.token_decimals, parameters.feed_decimals)
    if parameters.max_answer > MAX_PRICE * divisor // multiplier:
        raise ValueError("feed: bounds")
    if not 0 < parameters.max_age <= MAX_AGE_BOUND:
        raise ValueError("feed: max age")
    if parameters.sequencer_grace > (MAX_GRACE if has_sequencer else 0):
        raise ValueError("feed: sequencer")


def scale(token_decimals: int, feed_decimals: int) -> tuple[int, int]:
    """Return the multiplier and divisor, one of them 1, from an answer to dollars (WAD) per raw unit times 1e18."""
    exponent = 36 - token_decimals - feed_decimals
    return 10 ** max(exponent, 0), 10 ** max(-exponent, 0)


def price(answer: int, token_decimals: int, feed_decimals: int) -> int:
    """Return the price of a positive answer in the common scale, rounded down."""
    multiplier, divisor = scale(token_decimals, feed_decimals)
    return answer * multiplier // divisor


def sequencer_is_up(sequencer: Round | None, grace: int, now: int) -> bool:
    """Return whether there is no sequencer, or it is up (answer 0) and has been for more than `grace` seconds."""
    if sequencer is None:
        return True
    if sequencer.answer != 0 or not 0 < sequencer.started_at <= now:
        return False
    return now - sequencer.started_at > grace


def read(parameters: Parameters, latest: Round, sequencer: Round | None, now: int) -> Reading:
    """Return the oracle's reading of a feed's latest round; five zeros without a valid answer."""
    if not 0 < latest.updated_at <= now or not parameters.min_answer <= latest.answer <= parameters.max_answer:
        return NO_READING
    value = price(latest.answer, parameters.token_decimals, parameters.feed_decimals)
    is_young = now - latest.updated_at <= parameters.max_age
    fresh = is_young and sequencer_is_up(sequencer, parameters.sequencer_grace, now)
    return Reading(value, value, latest.updated_at, int(fresh), 1)
