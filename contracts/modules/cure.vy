# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title What a liquidation grants after an outage
@license AGPL-3.0
@notice **The last good price** of an asset is the mid of the last sample that its volatility source took, which it takes only of a price
        that is OK.

        **The cure window.** Whose sequencer was down could not act, so while it is down, and until `cure_window` seconds after it came
        back, nothing is certain, nothing counts as settled, and with the last good price an asset counts

            positive    max(favourable, min(last good, mid * 5/4))
            debt        min(favourable, max(last good, mid * 4/5))

        `favourable` being its ask or bid. So an account that is healthy at the last good prices is not auctioned before its owner could
        act, if they are no further than a quarter away, and one that is not healthy even a quarter away always can be. An asset without a
        last good price counts at its favourable one.

        A sequencer's feed that fails, or answers nonsense, counts as up; one that says down for MAX_OUTAGE is not believed any longer: what
        a captured or forgotten feed grants is bounded in size by a quarter, and by the samples that go on while prices are OK.
@dev Whoever asks passes the answer, at most three words of it; nothing where there was none.
"""

SEQUENCER_UP: constant(uint256) = 0
SEQUENCER_DOWN: constant(uint256) = 1

MAX_CURE_WINDOW: constant(uint256) = 86_400
MAX_OUTAGE: constant(uint256) = 86_400
PRICE_LIMIT: constant(uint256) = 2**128

sequencer_feed: public(immutable(address))
cure_window: public(immutable(uint256))


@deploy
def __init__(sequencer_feed_: address, cure_window_: uint256):
    """
    @param sequencer_feed_ Feed of an L2 sequencer's status in Chainlink's shape, or the zero address.
    @param cure_window_ Seconds after the sequencer's restart, at most 1 day; 0 without a feed.
    """
    if sequencer_feed_ == empty(address):
        assert cure_window_ == 0, "cure: sequencer"
    else:
        assert sequencer_feed_.is_contract, "cure: sequencer"
        assert cure_window_ <= MAX_CURE_WINDOW, "cure: window"
    sequencer_feed = sequencer_feed_
    cure_window = cure_window_


@view
@internal
def _is_open(answer: Bytes[96]) -> bool:
    """
    @param answer Of the sequencer's feed: round, status, since when.
    @return Whether the sequencer is down, or has come back less than `cure_window` ago.
    """
    if len(answer) != 96:
        return False
    status: uint256 = extract32(answer, 32, output_type=uint256)
    since: uint256 = extract32(answer, 64, output_type=uint256)
    if since == 0 or since > block.timestamp or status > SEQUENCER_DOWN:
        return False
    return unsafe_sub(block.timestamp, since) < (cure_window if status == SEQUENCER_UP else MAX_OUTAGE)


@view
@internal
def _last_good(answer: Bytes[96]) -> (uint256, uint256):
    """
    @param answer Of a volatility source: price, time.
    @return Price (dollars, WAD, per raw unit, scaled by 1e18) and its unix time; zeros where it knows none.
    """
    if len(answer) < 64:
        return 0, 0
    price: uint256 = extract32(answer, 0, output_type=uint256)
    time: uint256 = extract32(answer, 32, output_type=uint256)
    if price >= PRICE_LIMIT or time > block.timestamp:
        return 0, 0
    return price, time


@pure
@internal
def _granted(debt: bool, mid: uint256, favourable: uint256, last_good: uint256) -> uint256:
    """
    @param mid Below 2**128, as are the other two; `last_good` is 0 where none is known.
    @return The price at which a balance counts inside the window.
    """
    if last_good == 0:
        return favourable
    if debt:
        return min(favourable, max(last_good, unsafe_div(unsafe_add(unsafe_mul(mid, 4), 4), 5)))
    return max(favourable, min(last_good, unsafe_div(unsafe_mul(mid, 5), 4)))
