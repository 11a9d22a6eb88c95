# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title TwapOracle
@license AGPL-3.0
@notice Prices one token of a Uniswap v3 pool by the pool's time-weighted mean, times a dollar source of the other token. See
        ITwapOracle for the specification.
@dev Nobody owns it and nothing stops it. `read` reverts where there is no reading: the pool has no history of one window
     ("twap: history"), the quote source reverts, or the price exceeds 256 bits. `checkpoint` works in every state of the pool.
"""

from contracts.interfaces import IPriceSource
from contracts.interfaces import ITwapOracle
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import tick_math
from contracts.modules import twap

implements: IPriceSource
implements: ITwapOracle

MIN_WINDOW: constant(uint256) = 60
MAX_WINDOW: constant(uint256) = 86_400
MAX_AGE_BOUND: constant(uint256) = 30 * 86_400
MAX_TICKS_PER_HOUR_BOUND: constant(uint256) = 887_272
TIME: constant(uint256) = 2**32 - 1
SECONDS_PER_LIQUIDITY: constant(uint256) = 2**160 - 1

POOL: immutable(IUniswapV3Pool)
QUOTE_SOURCE: immutable(IPriceSource)
BASE_IS_TOKEN0: immutable(bool)
WINDOW: immutable(uint256)
REACH: immutable(uint256)  # age up to which a checkpoint serves, and for which the clamp's unused room is kept
MAX_AGE: immutable(uint256)
MAX_TICKS_PER_HOUR: immutable(uint256)
MIN_LIQUIDITY: immutable(uint256)

latest: uint256    # the younger checkpoint, packed by the twap module
reference: uint256 # the older one, or the pool's own record where that one came too late


@deploy
def __init__(
    pool: address,
    base_token: address,
    quote_source: address,
    window: uint256,
    max_age: uint256,
    max_ticks_per_hour: uint256,
    min_liquidity: uint256,
):
    """
    @notice Both checkpoints are taken here, so the pool must know its state of `window` ago; the clamp starts from that window's mean.
    @param pool Uniswap v3 pool, initialised, of at least two observations
    @param base_token The pool's token that is priced
    @param quote_source Price source of the pool's other token, which must answer
    @param window Seconds, [60, 86400]
    @param max_age Seconds since the pool's last observation up to which a reading is fresh, [1, 30 days]
    @param max_ticks_per_hour Fastest move of the clamped mean, [1, 887272]; 100 ticks are about 1 %
    @param min_liquidity Harmonic mean liquidity from which a reading is trusted, in the pool's units, [1, 2**128)
    @dev Errors: "twap: window", "twap: max age", "twap: max ticks", "twap: min liquidity", "twap: pool", "twap: base token",
         "twap: cardinality", "twap: quote source", "twap: history".
    """
    assert MIN_WINDOW <= window and window <= MAX_WINDOW, "twap: window"
    assert 0 < max_age and max_age <= MAX_AGE_BOUND, "twap: max age"
    assert 0 < max_ticks_per_hour and max_ticks_per_hour <= MAX_TICKS_PER_HOUR_BOUND, "twap: max ticks"
    assert 0 < min_liquidity and min_liquidity < 2**128, "twap: min liquidity"
    assert pool.is_contract, "twap: pool"
    POOL = IUniswapV3Pool(pool)
    BASE_IS_TOKEN0 = base_token == staticcall POOL.token0()
    assert BASE_IS_TOKEN0 or base_token == staticcall POOL.token1(), "twap: base token"
    QUOTE_SOURCE = IPriceSource(quote_source)
    WINDOW = window
    REACH = 3 * window
    MAX_AGE = max_age
    MAX_TICKS_PER_HOUR = max_ticks_per_hour
    MIN_LIQUIDITY = min_liquidity

    # with one observation, a swap in this second would erase when the pool was last used before it
    slot0: Bytes[160] = raw_call(pool, method_id("slot0()"), max_outsize=160, is_static_call=True)
    assert convert(extract32(slot0, 128), uint256) >= 2, "twap: cardinality"
    assert quote_source.is_contract, "twap: quote source"
    assert (staticcall QUOTE_SOURCE.read()).price != 0, "twap: quote source"

    known: bool = False
    reference: uint256 = 0
    known, reference = self._recall()
    assert known, "twap: history"
    tick_cumulative: int256 = 0
    seconds_per_liquidity: uint256 = 0
    updated_at: uint256 = 0
    tick_cumulative, seconds_per_liquidity, updated_at = self._accumulators()
    tick: int256 = self._mean_tick(reference, tick_cumulative)
    self._store(reference, tick, tick, tick_cumulative, seconds_per_liquidity)


@external
def checkpoint():
    """
    @notice Remember the pool's accumulators, from which later means are taken; the clamped mean is anchored anew. Changes no
            reading of this second.
    @dev Anyone, once the younger checkpoint is `window` old. Error: "twap: too early".
         With the younger one too old to serve, the pool's own record of `window` ago takes its place; where the pool has none, the mean
         since the younger one. Starving that call of gas leaves too little to finish: it costs less than 63 times what follows.
    """
    latest: uint256 = self.latest
    age: uint256 = twap._age(latest, block.timestamp)
    assert age >= WINDOW, "twap: too early"

    reference: uint256 = latest
    if age > REACH:
        known: bool = False
        recalled: uint256 = 0
        known, recalled = self._recall()
        if known:
            reference = recalled
    tick_cumulative: int256 = 0
    seconds_per_liquidity: uint256 = 0
    updated_at: uint256 = 0
    tick_cumulative, seconds_per_liquidity, updated_at = self._accumulators()
    tick: int256 = self._mean_tick(reference, tick_cumulative)
    clamped_tick: int256 = twap._clamp(tick, twap._clamped_tick(latest), min(age, REACH), MAX_TICKS_PER_HOUR)
    self._store(reference, tick, clamped_tick, tick_cumulative, seconds_per_liquidity)


@view
@reentrant  # checkpoint() calls the pool's views only: there is nothing to enter from
@external
def read() -> IPriceSource.Reading:
    """
    @notice Dollars per raw unit of the base token: the pool's mean, and the same with limited movement, times the quote source's.
    @return Both rounded down; updated at the earlier, fresh and trusted only if both the pool and the quote source are.
            Price 0 when the quote source has none.
    @dev Anyone may call. Error: "twap: history", and the quote source's.
    """
    quote: IPriceSource.Reading = staticcall QUOTE_SOURCE.read()
    mean: ITwapOracle.Mean = self._mean()

    price: uint256 = tick_math._quote_at_tick(mean.tick, quote.price, BASE_IS_TOKEN0)
    clamped: uint256 = price
    if mean.clamped_tick != mean.tick or quote.clamped != quote.price:
        clamped = tick_math._quote_at_tick(mean.clamped_tick, quote.clamped, BASE_IS_TOKEN0)

    return IPriceSource.Reading(
        price=price,
        clamped=clamped,
        updated_at=min(mean.updated_at, quote.updated_at),
        fresh=convert(quote.fresh != 0 and unsafe_sub(block.timestamp, mean.updated_at) <= MAX_AGE, uint256),
        trusted=convert(quote.trusted != 0 and mean.liquidity >= MIN_LIQUIDITY, uint256),
    )


@view
@external
def mean() -> ITwapOracle.Mean:
    """
    @notice What `read` is computed from. Anyone may call.
    @return See ITwapOracle.Mean.
    @dev Error: "twap: history".
    """
    return self._mean()


@view
@external
def next_checkpoint() -> uint256:
    """
    @notice When the next checkpoint may be taken. Anyone may call.
    @return Unix time.
    """
    return block.timestamp - twap._age(self.latest, block.timestamp) + WINDOW


@view
@external
def checkpoints() -> (ITwapOracle.Checkpoint, ITwapOracle.Checkpoint):
    """
    @notice What is remembered. Anyone may call.
    @return The younger and the older checkpoint.
    """
    return self._unpack(self.latest), self._unpack(self.reference)


@view
@external
def settings() -> ITwapOracle.Settings:
    """
    @notice What the oracle was deployed with. Anyone may call.
    @return See ITwapOracle.Settings.
    """
    base_token: address = empty(address)
    if BASE_IS_TOKEN0:
        base_token = staticcall POOL.token0()
    else:
        base_token = staticcall POOL.token1()
    return ITwapOracle.Settings(
        pool=POOL.address,
        base_token=base_token,
        quote_source=QUOTE_SOURCE.address,
        window=WINDOW,
        max_age=MAX_AGE,
        max_ticks_per_hour=MAX_TICKS_PER_HOUR,
        min_liquidity=MIN_LIQUIDITY,
    )


@view
@internal
def _mean() -> ITwapOracle.Mean:
    reference: uint256 = self.reference
    duration: uint256 = twap._age(reference, block.timestamp)
    anchor: int256 = twap._clamped_tick(reference)
    anchor_age: uint256 = unsafe_sub(duration, twap._next_after(reference))
    if anchor_age >= WINDOW or duration > REACH:
        reference = self.latest
        anchor = twap._clamped_tick(reference)
        anchor_age = twap._age(reference, block.timestamp)
        duration = anchor_age
        if anchor_age < WINDOW or anchor_age > REACH:
            known: bool = False
            known, reference = self._recall()
            assert known, "twap: history"
            duration = WINDOW
            anchor_age = min(anchor_age, REACH)

    mean: ITwapOracle.Mean = empty(ITwapOracle.Mean)
    tick_cumulative: int256 = 0
    seconds_per_liquidity: uint256 = 0
    tick_cumulative, seconds_per_liquidity, mean.updated_at = self._accumulators()
    mean.tick = tick_math._mean_tick(unsafe_sub(tick_cumulative, twap._tick_cumulative(reference)), duration)
    mean.clamped_tick = twap._clamp(mean.tick, anchor, anchor_age, MAX_TICKS_PER_HOUR)
    mean.liquidity = tick_math._harmonic_liquidity(
        unsafe_sub(seconds_per_liquidity, twap._seconds_per_liquidity(reference)) & SECONDS_PER_LIQUIDITY, duration
    )
    mean.duration = duration
    return mean


@view
@internal
def _recall() -> (bool, uint256):
    """
    @notice The pool's record of `window` ago as a checkpoint; False when it does not reach back that far.
    """
    ago: DynArray[uint32, 1] = [convert(WINDOW, uint32)]
    success: bool = False
    response: Bytes[256] = b""
    success, response = raw_call(
        POOL.address,
        abi_encode(ago, method_id=method_id("observe(uint32[])")),
        max_outsize=256,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success:
        return False, 0
    ticks: DynArray[int56, 1] = []
    liquidities: DynArray[uint160, 1] = []
    ticks, liquidities = abi_decode(response, (DynArray[int56, 1], DynArray[uint160, 1]))
    return True, twap._pack(
        convert(ticks[0], int256), block.timestamp - WINDOW, 0, convert(liquidities[0], uint256)
    )


@view
@internal
def _accumulators() -> (int256, uint256, uint256):
    """
    @notice The pool's tickCumulative and secondsPerLiquidityCumulativeX128 now, and when it was last used before this second.
    @dev What happens to a pool in one second does not enter: its first change in a second writes the accumulators down as they
         were before it, and the time after that change is none.
    """
    price: uint256 = 0
    tick: int256 = 0
    index: uint256 = 0
    cardinality: uint256 = 0
    price, tick, index, cardinality = staticcall POOL.slot0()

    time: uint256 = 0
    ticks: int256 = 0
    seconds: uint256 = 0
    time, ticks, seconds = staticcall POOL.observations(index)
    age: uint256 = unsafe_sub(block.timestamp, time) & TIME
    if age == 0:
        # written in this second: the observation before it tells when the pool was last used
        before: uint256 = unsafe_sub(unsafe_add(index, cardinality), 1) % cardinality
        used: uint256 = (staticcall POOL.observations(before))[0]
        return ticks, seconds, unsafe_sub(block.timestamp, unsafe_sub(block.timestamp, used) & TIME)

    liquidity: uint256 = max(staticcall POOL.liquidity(), 1)
    return (
        unsafe_add(ticks, unsafe_mul(tick, convert(age, int256))),
        unsafe_add(seconds, unsafe_div(age << 128, liquidity)) & SECONDS_PER_LIQUIDITY,
        unsafe_sub(block.timestamp, age),
    )


@view
@internal
def _mean_tick(reference: uint256, tick_cumulative: int256) -> int256:
    return tick_math._mean_tick(
        unsafe_sub(tick_cumulative, twap._tick_cumulative(reference)), twap._age(reference, block.timestamp)
    )


@internal
def _store(
    reference: uint256, tick: int256, clamped_tick: int256, tick_cumulative: int256, seconds_per_liquidity: uint256
):
    """
    @notice Let a checkpoint of now follow `reference`.
    """
    self.reference = twap._followed(reference, clamped_tick, twap._age(reference, block.timestamp))
    self.latest = twap._pack(tick_cumulative, block.timestamp, clamped_tick, seconds_per_liquidity)
    log ITwapOracle.Checkpointed(
        tick=tick,
        clamped_tick=clamped_tick,
        tick_cumulative=tick_cumulative,
        seconds_per_liquidity=seconds_per_liquidity,
    )


@pure
@internal
def _unpack(checkpoint: uint256) -> ITwapOracle.Checkpoint:
    return ITwapOracle.Checkpoint(
        time=checkpoint >> 168 & TIME,
        tick_cumulative=twap._tick_cumulative(checkpoint),
        seconds_per_liquidity=twap._seconds_per_liquidity(checkpoint),
        clamped_tick=twap._clamped_tick(checkpoint),
    )
