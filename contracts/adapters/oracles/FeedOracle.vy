# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title FeedOracle
@license AGPL-3.0
@notice Prices one token by a feed in Chainlink's shape. See IFeedOracle for the specification.
@dev Nobody owns it, nothing stops it, it never writes. A feed that reverts makes `read` revert.
"""

from contracts.interfaces import IAggregatorV3
from contracts.interfaces import IFeedOracle
from contracts.interfaces import IPriceSource

implements: IPriceSource
implements: IFeedOracle

MAX_TOKEN_DECIMALS: constant(uint256) = 18
MAX_FEED_DECIMALS: constant(uint256) = 36
MAX_PRICE: constant(uint256) = 2**128 - 1
MAX_AGE_BOUND: constant(uint256) = 30 * 86_400
MAX_GRACE: constant(uint256) = 86_400

AGGREGATOR: immutable(IAggregatorV3)
TOKEN_DECIMALS: immutable(uint256)
FEED_DECIMALS: immutable(uint256)
MULTIPLIER: immutable(uint256)
DIVISOR: immutable(uint256)
MIN_ANSWER: immutable(uint256)
MAX_ANSWER: immutable(uint256)
MAX_AGE: immutable(uint256)
SEQUENCER_FEED: immutable(IAggregatorV3)
SEQUENCER_GRACE: immutable(uint256)


@deploy
def __init__(
    aggregator: address,
    token_decimals: uint256,
    min_answer: uint256,
    max_answer: uint256,
    max_age: uint256,
    sequencer_feed: address,
    sequencer_grace: uint256,
):
    """
    @param aggregator The feed: dollars per whole token; its decimals, at most 36, are read here once
    @param token_decimals Of the token priced, at most 18
    @param min_answer Smallest valid answer, at least 1; above the aggregator's own minimum
    @param max_answer Largest valid answer; above `min_answer`, below the aggregator's own maximum, its price below 2**128
    @param max_age Seconds up to which an answer is fresh, [1, 30 days]: the feed's heartbeat and a margin
    @param sequencer_feed Feed of an L2 sequencer's status, or the zero address
    @param sequencer_grace Seconds after its restart in which nothing is fresh, at most 1 day; 0 without a sequencer feed
    @dev Errors: "feed: aggregator", "feed: decimals", "feed: bounds", "feed: max age", "feed: sequencer".
    """
    assert aggregator.is_contract, "feed: aggregator"
    feed_decimals: uint256 = convert(staticcall IAggregatorV3(aggregator).decimals(), uint256)
    assert token_decimals <= MAX_TOKEN_DECIMALS and feed_decimals <= MAX_FEED_DECIMALS, "feed: decimals"

    # price = answer / 10**feed_decimals * 1e18 * 10**(18 - token_decimals)
    scale: uint256 = 36 - token_decimals
    multiplier: uint256 = 10 ** (scale - min(scale, feed_decimals))
    divisor: uint256 = 10 ** (feed_decimals - min(scale, feed_decimals))
    assert 0 < min_answer and min_answer < max_answer, "feed: bounds"
    assert max_answer <= MAX_PRICE * divisor // multiplier, "feed: bounds"
    assert 0 < max_age and max_age <= MAX_AGE_BOUND, "feed: max age"
    if sequencer_feed == empty(address):
        assert sequencer_grace == 0, "feed: sequencer"
    else:
        assert sequencer_feed.is_contract and sequencer_grace <= MAX_GRACE, "feed: sequencer"

    AGGREGATOR = IAggregatorV3(aggregator)
    TOKEN_DECIMALS = token_decimals
    FEED_DECIMALS = feed_decimals
    MULTIPLIER = multiplier
    DIVISOR = divisor
    MIN_ANSWER = min_answer
    MAX_ANSWER = max_answer
    MAX_AGE = max_age
    SEQUENCER_FEED = IAggregatorV3(sequencer_feed)
    SEQUENCER_GRACE = sequencer_grace


@view
@external
def read() -> IPriceSource.Reading:
    """
    @notice The feed's answer now.
    @return Price in the common scale, when it was updated, whether it is fresh; five zeros without a valid answer.
    @dev Anyone may call. Reverts only if the feed or the sequencer feed does.
    """
    round_id: uint80 = 0
    answer: int256 = 0
    started_at: uint256 = 0
    updated_at: uint256 = 0
    answered_in_round: uint80 = 0
    round_id, answer, started_at, updated_at, answered_in_round = staticcall AGGREGATOR.latestRoundData()

    if answer <= 0 or updated_at == 0 or updated_at > block.timestamp:
        return empty(IPriceSource.Reading)
    positive: uint256 = convert(answer, uint256)
    if positive < MIN_ANSWER or positive > MAX_ANSWER:
        return empty(IPriceSource.Reading)

    price: uint256 = unsafe_div(unsafe_mul(positive, MULTIPLIER), DIVISOR)
    fresh: uint256 = 0
    if unsafe_sub(block.timestamp, updated_at) <= MAX_AGE and self._sequencer_is_up():
        fresh = 1
    return IPriceSource.Reading(price=price, clamped=price, updated_at=updated_at, fresh=fresh, trusted=1)


@view
@external
def settings() -> IFeedOracle.Settings:
    """
    @notice What the oracle was deployed with. Anyone may call.
    @return See IFeedOracle.Settings.
    """
    return IFeedOracle.Settings(
        aggregator=AGGREGATOR.address,
        token_decimals=TOKEN_DECIMALS,
        feed_decimals=FEED_DECIMALS,
        min_answer=MIN_ANSWER,
        max_answer=MAX_ANSWER,
        max_age=MAX_AGE,
        sequencer_feed=SEQUENCER_FEED.address,
        sequencer_grace=SEQUENCER_GRACE,
    )


@view
@internal
def _sequencer_is_up() -> bool:
    """
    @notice Whether there is no sequencer, or it is up and its grace is over. A status without a start counts as down.
    """
    if SEQUENCER_FEED.address == empty(address):
        return True
    round_id: uint80 = 0
    answer: int256 = 0
    started_at: uint256 = 0
    updated_at: uint256 = 0
    answered_in_round: uint80 = 0
    round_id, answer, started_at, updated_at, answered_in_round = staticcall SEQUENCER_FEED.latestRoundData()
    if answer != 0 or started_at == 0 or started_at > block.timestamp:
        return False
    return unsafe_sub(block.timestamp, started_at) > SEQUENCER_GRACE
