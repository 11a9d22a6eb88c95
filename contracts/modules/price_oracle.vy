# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Bid, mid, ask and status of an asset from up to three sources
@license AGPL-3.0
@notice What a source says is graded:

            ABSENT    it reverts, runs out of its gas, has no code, answers short, answers nonsense (a price of 0 or from 2**128 on, a
                      flag that is neither 0 nor 1, a time to come), so there is no answer
            STALE     an answer older than the source's own limit
            VALID     a fresh answer of a venue that does not trust itself
            TRUSTED   a fresh answer

        A source has a raw number and one whose movement is limited. Where they differ, the one nearer to the median of the
        other sources counts (of the trusted ones, else of the valid ones), and the limited one if there is no other or both
        are as near. The others enter that median with their limited numbers, so that a source which was moved cannot
        steer which number of another one counts. Of a source that stands alone, because no other one is valid, the limited
        number is mid, and its own two numbers are the lowest and the highest: a market that moves faster than the limit
        counts like sources that disagree. So do several of which half or more outran their limits: where so many of the trusted ones
        have a raw number that does not count and is further than `max_deviation` from mid, the asset is not OK. If they are more than
        half, these numbers enter the lowest and the highest.

        The guardian may **silence** one of two or three sources for at most `notice`, and not again before as long again has
        passed. The asset is not OK meanwhile, and the source counts as a stale one that comes after every other. While it
        is fresh its two numbers still enter the lowest and the highest: that it is silenced takes from no account what it would
        have in its favour.

            mid      the median of the trusted numbers (of two: the mean, rounded down), else of the valid ones
            bid      the lowest valid number, less the spread, rounded down, at least 1
            ask      the highest valid number, plus the spread, rounded up, at most 2**128 - 1
            spread   min(max_spread, min_spread + spread_growth * age / 1 hour), of the age of the freshest valid answer

            OK       enough trusted answers, highest - lowest <= max_deviation * mid, no source absent or silenced, and fewer than half outran
            WIDE     else, if there is a valid answer
            STALE    else, if there is an answer: the freshest (of equals the first) stands alone for the valid ones
            DEAD     else: bid, mid and ask are 0

        Therefore bid <= mid <= ask, and all are within [1, 2**128) unless the asset is DEAD.

        **Clocks.** An asset that is not OK is *settled* once that has lasted for `wide_delay`. Nobody can see the past, so
        it has lasted since the first of a chain of marks, each at most MAX_MARK_GAP after the one before it, none of
        which found the asset OK, the last of them at most MAX_MARK_GAP ago. A mark that finds it OK stops the clock; a
        longer gap, or new sources, start it anew. A DEAD asset is settled by the same rule with "DEAD" for "not OK": that
        it was WIDE before does not count, because then it had a price.

        Anyone may mark, at any time, and what a mark finds depends on the sources alone. What an asset was between two marks
        nobody checks, but a sample of its volatility source between them proves that it was OK then, and it is settled no earlier than
        `wide_delay` after that. Who sees an asset OK while its clock runs should mark or sample it.
@dev Every source is called with exactly SOURCE_GAS, never with less because the caller brought little ("oracle: gas"), so a
     caller's gas limit cannot change a status. A source that may need more than SOURCE_GAS with cold storage must not be listed.

     The first word of a listing, from the low end; the second and the third source are only read where they exist:

            first source 160 | sources 2 | min_sources 2 | max_deviation 14 | min_spread 14 | spread_growth 14 | max_spread 14 |
            silenced 3 (bit i: source i) | silenced until 33

     deviation and spreads in basis points. A clock, zero while it does not run:

            not OK since 40 | last marked 40 | DEAD since 40 (0 when the last mark found a price)
"""

from contracts.interfaces import IPriceSource
from contracts.interfaces import IRiskEngine

OK: constant(uint256) = 0
WIDE: constant(uint256) = 1
STALE: constant(uint256) = 2
DEAD: constant(uint256) = 3

GRADE_ABSENT: constant(uint256) = 0
GRADE_STALE: constant(uint256) = 1
GRADE_VALID: constant(uint256) = 2
GRADE_TRUSTED: constant(uint256) = 3

SOURCE_GAS: constant(uint256) = 200_000
GAS_NEEDED: constant(uint256) = 210_000        # SOURCE_GAS * 64 / 63, a cold call, and what comes between the check and it
READING_SIZE: constant(uint256) = 160
PRICE_LIMIT: constant(uint256) = 2**128
MAX_LISTED_PRICE: constant(uint256) = 10**36   # one dollar per raw unit

BPS: constant(uint256) = 10_000
WAD_PER_BPS: constant(uint256) = 10**14
HOUR: constant(uint256) = 3600
SPREAD_UNIT: constant(uint256) = BPS * HOUR

MAX_SOURCES: constant(uint256) = 3
MAX_DEVIATION: constant(uint256) = 2 * 10**17
MAX_SPREAD: constant(uint256) = 25 * 10**16
MAX_SPREAD_GROWTH: constant(uint256) = 25 * 10**16

MASK_2: constant(uint256) = 3
MASK_3: constant(uint256) = 7
MASK_14: constant(uint256) = 2**14 - 1
ADDRESS: constant(uint256) = 2**160 - 1
SILENCED: constant(uint256) = 220
SILENCED_UNTIL: constant(uint256) = 223
NO_SILENCE: constant(uint256) = 2**SILENCED - 1

MIN_WIDE_DELAY: constant(uint256) = HOUR
MAX_WIDE_DELAY: constant(uint256) = 2 * 24 * HOUR
MAX_MARK_GAP: constant(uint256) = HOUR
MASK_40: constant(uint256) = 2**40 - 1

wide_delay: public(immutable(uint256))

_listings: HashMap[uint256, uint256]
_further: HashMap[uint256, address[2]]
_clocks: HashMap[uint256, uint256]
_next_silences: HashMap[uint256, uint256]


@deploy
def __init__(wide_delay_: uint256):
    """
    @param wide_delay_ Seconds, 1 hour to 2 days; at least the longest window of a source.
    """
    assert wide_delay_ >= MIN_WIDE_DELAY, "oracle: wide delay"
    assert wide_delay_ <= MAX_WIDE_DELAY, "oracle: wide delay"
    wide_delay = wide_delay_


@internal
def _set(key: uint256, sources: DynArray[address, MAX_SOURCES], parameters: IRiskEngine.PriceParameters):
    """
    @notice Replace an asset's sources. Each has to answer now, with a price that a listed asset can have.
    """
    count: uint256 = len(sources)
    assert parameters.min_sources != 0 and parameters.min_sources <= count, "oracle: min sources"
    assert parameters.max_deviation <= MAX_DEVIATION, "oracle: deviation"
    assert parameters.max_spread <= MAX_SPREAD and parameters.min_spread <= parameters.max_spread, "oracle: spread"
    assert parameters.spread_growth <= MAX_SPREAD_GROWTH, "oracle: spread growth"
    word: uint256 = convert(sources[0], uint256) | count << 160 | parameters.min_sources << 162
    word |= self._bps(parameters.max_deviation) << 164
    word |= self._bps(parameters.min_spread) << 178
    word |= self._bps(parameters.spread_growth) << 192
    word |= self._bps(parameters.max_spread) << 206
    further: address[2] = empty(address[2])
    for i: uint256 in range(count, bound=MAX_SOURCES):
        source: address = sources[i]
        for j: uint256 in range(i, bound=MAX_SOURCES):
            assert source != sources[j], "oracle: same source"
        if i != 0:
            further[i - 1] = source
        price: uint256 = 0
        clamped: uint256 = 0
        time: uint256 = 0
        grade: uint256 = 0
        price, clamped, time, grade = self._read(source)
        assert grade != GRADE_ABSENT, "oracle: no answer"
        assert max(price, clamped) <= MAX_LISTED_PRICE, "risk: price scale"
    self._listings[key] = word
    self._further[key] = further


@internal
def _silence(key: uint256, index: uint256, duration: uint256, most: uint256) -> uint256:
    """
    @notice Let one source of several count only where no other one answers.
    @param duration Seconds, from 1 to `most`.
    @return Until when.
    """
    word: uint256 = self._listings[key]
    count: uint256 = (word >> 160) & MASK_2
    assert count >= 2 and index < count, "oracle: unknown source"
    assert duration != 0 and duration <= most, "oracle: duration"
    assert block.timestamp >= self._next_silences[key], "oracle: silenced lately"
    until: uint256 = block.timestamp + duration
    self._next_silences[key] = until + duration
    self._listings[key] = word & NO_SILENCE | 1 << (SILENCED + index) | until << SILENCED_UNTIL
    return until


@internal
def _unsilence(key: uint256):
    self._listings[key] &= NO_SILENCE


@view
@internal
def _silenced(key: uint256) -> (uint256, uint256, uint256):
    """
    @return Which source (bit i: source i) is silenced, until when, zeros where none is; and from when on one may be silenced again.
    """
    word: uint256 = self._listings[key]
    if word >> SILENCED_UNTIL <= block.timestamp:
        return 0, 0, self._next_silences[key]
    return (word >> SILENCED) & MASK_3, word >> SILENCED_UNTIL, self._next_silences[key]


@view
@internal
def _price(key: uint256) -> (uint256, uint256, uint256, uint256):
    """
    @return Bid, mid, ask (dollars, WAD, per raw unit, scaled by 1e18) and status.
    """
    word: uint256 = self._listings[key]
    if word == 0:
        return 0, 0, 0, DEAD
    low: uint256 = 0
    mid: uint256 = 0
    high: uint256 = 0
    time: uint256 = 0
    status: uint256 = 0
    if (word >> 160) & MASK_2 == 1:
        # alone: only its own two numbers can disagree, and min_sources is 1
        grade: uint256 = 0
        low, mid, time, grade = self._read(convert(word & ADDRESS, address))
        high = mid
        status = unsafe_sub(GRADE_TRUSTED, grade)
        if low != mid:
            high = max(low, mid)
            low = min(low, mid)
            if not self._agree(word, low, mid, high):
                status = max(status, WIDE)
    else:
        low, mid, high, time, status = self._combine(word, self._further[key])
    if status == DEAD:
        return 0, 0, 0, DEAD
    spread: uint256 = unsafe_mul((word >> 178) & MASK_14, HOUR)
    spread = unsafe_add(spread, unsafe_mul((word >> 192) & MASK_14, unsafe_sub(block.timestamp, time)))
    spread = min(spread, unsafe_mul((word >> 206) & MASK_14, HOUR))
    bid: uint256 = unsafe_div(unsafe_mul(low, unsafe_sub(SPREAD_UNIT, spread)), SPREAD_UNIT)
    ask: uint256 = unsafe_div(
        unsafe_add(unsafe_mul(high, unsafe_add(SPREAD_UNIT, spread)), SPREAD_UNIT - 1), SPREAD_UNIT
    )
    return max(bid, 1), mid, min(ask, PRICE_LIMIT - 1), status


@internal
def _mark(key: uint256) -> bool:
    """
    @notice Keep an asset's clock.
    @return Whether it started, stopped or started anew.
    """
    status: uint256 = self._price(key)[3]
    if status == OK:
        return self._stop(key)
    clock: uint256 = self._clocks[key]
    running: bool = self._runs(clock)
    since: uint256 = block.timestamp
    dead_since: uint256 = 0
    if status == DEAD:
        dead_since = block.timestamp
    if running:
        since = clock & MASK_40
        if status == DEAD and clock >> 80 != 0:
            dead_since = clock >> 80
    self._clocks[key] = since | block.timestamp << 40 | dead_since << 80
    return not running


@internal
def _stop(key: uint256) -> bool:
    """
    @notice Forget an asset's clock.
    @return Whether there was one.
    """
    if self._clocks[key] == 0:
        return False
    self._clocks[key] = 0
    return True


@view
@internal
def _clock(key: uint256) -> (uint256, uint256, uint256):
    """
    @return Since when it is not OK, when it was last marked so, and since when it is DEAD; zeros where it was found otherwise.
    """
    clock: uint256 = self._clocks[key]
    return clock & MASK_40, (clock >> 40) & MASK_40, clock >> 80


@view
@internal
def _is_settled(key: uint256, status: uint256, last_good: uint256) -> bool:
    """
    @notice Whether that an asset is not OK has lasted for `wide_delay`; if it is DEAD now, whether that has.
    @param status What it is now, not OK.
    @param last_good When it was OK for certain, 0 if that is not known: whatever the marks say, it has lasted since then at most.
    """
    clock: uint256 = self._clocks[key]
    since: uint256 = clock & MASK_40
    if status == DEAD:
        since = clock >> 80
    return since != 0 and self._runs(clock) and block.timestamp >= max(since, last_good) + wide_delay


@view
@internal
def _runs(clock: uint256) -> bool:
    """
    @notice Whether the last mark is recent enough for another one to continue it.
    """
    return clock != 0 and block.timestamp <= ((clock >> 40) & MASK_40) + MAX_MARK_GAP


@pure
@internal
def _agree(word: uint256, low: uint256, mid: uint256, high: uint256) -> bool:
    """
    @notice Whether numbers below PRICE_LIMIT are within a listing's max_deviation of mid.
    """
    return unsafe_mul(unsafe_sub(high, low), BPS) <= unsafe_mul(mid, (word >> 164) & MASK_14)


@view
@internal
def _combine(word: uint256, further: address[2]) -> (uint256, uint256, uint256, uint256, uint256):
    """
    @notice What two or three sources say together.
    @return Lowest, middle and highest number, time of the freshest, status.
    """
    count: uint256 = (word >> 160) & MASK_2
    raw: uint256[3] = empty(uint256[3])
    clamped: uint256[3] = empty(uint256[3])
    times: uint256[3] = empty(uint256[3])
    grades: uint256[3] = empty(uint256[3])
    trusted: uint256 = 0
    best: uint256 = 0
    low: uint256 = max_value(uint256)
    high: uint256 = 0
    silenced: uint256 = 0
    if word >> SILENCED_UNTIL > block.timestamp:
        silenced = (word >> SILENCED) & MASK_3
    doubtful: bool = silenced != 0
    for i: uint256 in range(count, bound=MAX_SOURCES):
        source: address = convert(word & ADDRESS, address)
        if i != 0:
            source = further[i - 1]
        raw[i], clamped[i], times[i], grades[i] = self._read(source)
        if silenced != 0:
            if silenced == 1 << i and grades[i] != GRADE_ABSENT:
                if grades[i] >= GRADE_VALID:
                    low = min(raw[i], clamped[i])
                    high = max(raw[i], clamped[i])
                times[i] = 0
                grades[i] = GRADE_STALE
        best = max(best, grades[i])
        doubtful = doubtful or grades[i] == GRADE_ABSENT
        if grades[i] == GRADE_TRUSTED:
            trusted += 1
    if best == GRADE_ABSENT:
        return 0, 0, 0, 0, DEAD

    numbers: uint256[3] = empty(uint256[3])
    outran: bool = False
    time: uint256 = 0
    freshest: uint256 = MAX_SOURCES
    for i: uint256 in range(count, bound=MAX_SOURCES):
        if best == GRADE_STALE:
            if grades[i] == GRADE_STALE and (freshest == MAX_SOURCES or times[i] > time):
                time = times[i]
                freshest = i
        elif grades[i] >= GRADE_VALID:
            numbers[i] = clamped[i]
            if raw[i] != clamped[i]:
                outran = True
                others: uint256 = self._median(clamped, grades, i)
                if others == 0:
                    low = min(low, raw[i])
                    high = max(high, raw[i])
                elif self._distance(raw[i], others) < self._distance(clamped[i], others):
                    numbers[i] = raw[i]
            low = min(low, numbers[i])
            high = max(high, numbers[i])
            time = max(time, times[i])
    if best == GRADE_STALE:
        low = min(low, min(raw[freshest], clamped[freshest]))
        return low, clamped[freshest], max(high, max(raw[freshest], clamped[freshest])), time, STALE

    mid: uint256 = self._median(numbers, grades, MAX_SOURCES)
    if outran:
        unconfirmed: uint256 = 0
        lowest: uint256 = low
        highest: uint256 = high
        for i: uint256 in range(count, bound=MAX_SOURCES):
            if grades[i] == GRADE_TRUSTED and numbers[i] != raw[i] and not self._agree(word, min(raw[i], mid), mid, max(raw[i], mid)):
                unconfirmed += 1
                lowest = min(lowest, raw[i])
                highest = max(highest, raw[i])
        if unconfirmed != 0 and 2 * unconfirmed >= trusted:
            doubtful = True
            if 2 * unconfirmed > trusted:
                low = lowest
                high = highest
    status: uint256 = WIDE
    if trusted >= (word >> 162) & MASK_2 and not doubtful:
        if self._agree(word, low, mid, high):
            status = OK
    return low, mid, high, time, status


@pure
@internal
def _median(numbers: uint256[3], grades: uint256[3], without: uint256) -> uint256:
    """
    @notice Median of the trusted numbers, else of the valid ones, not counting the one at index `without`.
    @return The middle one; of two the mean, rounded down; 0 if there is none.
    """
    for grade: uint256 in [GRADE_TRUSTED, GRADE_VALID]:
        count: uint256 = 0
        total: uint256 = 0
        low: uint256 = max_value(uint256)
        high: uint256 = 0
        for i: uint256 in range(MAX_SOURCES):
            if i != without and grades[i] == grade:
                count += 1
                total += numbers[i]
                low = min(low, numbers[i])
                high = max(high, numbers[i])
        if count == 3:
            return total - low - high
        if count != 0:
            return total // count
    return 0


@pure
@internal
def _distance(a: uint256, b: uint256) -> uint256:
    return max(a, b) - min(a, b)


@view
@internal
def _read(source: address) -> (uint256, uint256, uint256, uint256):
    """
    @notice Ask one source.
    @return Raw number, limited number, time, grade; four zeros when absent.
    """
    assert msg.gas >= GAS_NEEDED, "oracle: gas"
    success: bool = False
    answer: Bytes[READING_SIZE] = b""
    success, answer = raw_call(
        source,
        method_id("read()"),
        max_outsize=READING_SIZE,
        gas=SOURCE_GAS,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success or len(answer) != READING_SIZE:
        return 0, 0, 0, GRADE_ABSENT
    reading: IPriceSource.Reading = abi_decode(answer, IPriceSource.Reading)
    if (
        max(unsafe_sub(reading.price, 1), unsafe_sub(reading.clamped, 1)) >= PRICE_LIMIT - 1
        or reading.updated_at > block.timestamp
        or reading.fresh | reading.trusted > 1
    ):
        return 0, 0, 0, GRADE_ABSENT
    grade: uint256 = unsafe_add(unsafe_mul(reading.fresh, unsafe_add(reading.trusted, 1)), 1)
    return reading.price, reading.clamped, reading.updated_at, grade


@view
@internal
def _sources(key: uint256) -> DynArray[address, MAX_SOURCES]:
    word: uint256 = self._listings[key]
    further: address[2] = self._further[key]
    sources: DynArray[address, MAX_SOURCES] = [convert(word & ADDRESS, address), further[0], further[1]]
    for i: uint256 in range(MAX_SOURCES - ((word >> 160) & MASK_2), bound=MAX_SOURCES):
        sources.pop()
    return sources


@view
@internal
def _parameters(key: uint256) -> IRiskEngine.PriceParameters:
    word: uint256 = self._listings[key]
    return IRiskEngine.PriceParameters(
        min_sources=(word >> 162) & MASK_2,
        max_deviation=((word >> 164) & MASK_14) * WAD_PER_BPS,
        min_spread=((word >> 178) & MASK_14) * WAD_PER_BPS,
        spread_growth=((word >> 192) & MASK_14) * WAD_PER_BPS,
        max_spread=((word >> 206) & MASK_14) * WAD_PER_BPS,
    )


@pure
@internal
def _bps(wad: uint256) -> uint256:
    assert wad % WAD_PER_BPS == 0, "oracle: basis points"
    return wad // WAD_PER_BPS
