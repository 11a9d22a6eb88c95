# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title UniswapV3Depth
@license AGPL-3.0
@notice The depth of a real Uniswap v3 pool, around the mean of a TwapOracle over it. See IUniswapV3Depth for the specification.
@dev Nobody owns it, nothing stops it, it never writes. `depth` reverts where the oracle has no mean ("twap: history"), the quote source
     has no fresh price ("depth: quote source"), or the pool is out of reach of its mean ("depth: moving").

     What stays open: who takes liquidity out for a second makes the market look shallower in it. Who keeps a narrow range filled for the
     whole mean, and adds the rest of the reach in the second of the measurement, makes it look deeper. Either lasts until the next
     measurement, and the ramp of a margin rate lets neither count at once.
"""

from contracts.interfaces import IDepthSource
from contracts.interfaces import IPriceSource
from contracts.interfaces import ITwapOracle
from contracts.interfaces import IUniswapV3Depth
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import market_depth
from contracts.modules import tick_math

implements: IDepthSource
implements: IUniswapV3Depth

MIN_REACH: constant(uint256) = 10
MAX_REACH: constant(uint256) = 1_000
MAX_CROSSED: constant(uint256) = 64
MAX_WORDS: constant(uint256) = 9       # of 256 usable ticks each, in twice the longest reach
NO_BIT: constant(uint256) = 256
PRICE_LIMIT: constant(uint256) = 2**128

ORACLE: immutable(ITwapOracle)
POOL: immutable(IUniswapV3Pool)
QUOTE_SOURCE: immutable(IPriceSource)
BASE_IS_TOKEN0: immutable(bool)
SPACING: immutable(int256)
REACH: immutable(int256)


@deploy
def __init__(oracle: address, reach: uint256):
    """
    @param oracle A TwapOracle; its pool, quote source and mean are used
    @param reach How far the pool is moved: ticks of 0.01 %, [10, 1000]
    @dev Errors: "depth: oracle", "depth: reach".
    """
    assert oracle.is_contract, "depth: oracle"
    assert MIN_REACH <= reach and reach <= MAX_REACH, "depth: reach"
    ORACLE = ITwapOracle(oracle)
    settings: ITwapOracle.Settings = staticcall ORACLE.settings()
    POOL = IUniswapV3Pool(settings.pool)
    QUOTE_SOURCE = IPriceSource(settings.quote_source)
    BASE_IS_TOKEN0 = settings.base_token == staticcall POOL.token0()
    SPACING = staticcall POOL.tickSpacing()
    REACH = convert(reach, int256)


@view
@external
def depth() -> uint256:
    """
    @notice What it takes to move the pool by the reach, on the side where that takes less, as it steadily was or as it stands now,
            whichever is less. Anyone may call.
    @return WAD dollars, rounded down; 0 where nothing stands within reach.
    @dev Errors: those of `measure`.
    """
    found: IUniswapV3Depth.Measurement = self._measure()
    return min(found.steady, min(found.up, found.down))


@view
@external
def measure() -> IUniswapV3Depth.Measurement:
    """
    @notice What `depth` is the least of. Anyone may call.
    @return See IUniswapV3Depth.Measurement.
    @dev Errors: "twap: history", "depth: quote source", "depth: moving", "tick: range" and "math: mul_div overflow" at the ends of
         Uniswap's scale, and the quote source's own.
    """
    return self._measure()


@view
@external
def settings() -> IUniswapV3Depth.Settings:
    """
    @notice What the source was deployed with. Anyone may call.
    @return See IUniswapV3Depth.Settings.
    """
    return IUniswapV3Depth.Settings(oracle=ORACLE.address, pool=POOL.address, reach=convert(REACH, uint256))


@view
@internal
def _measure() -> IUniswapV3Depth.Measurement:
    mean: ITwapOracle.Mean = staticcall ORACLE.mean()
    quote: IPriceSource.Reading = staticcall QUOTE_SOURCE.read()
    price: uint256 = min(quote.price, quote.clamped)
    assert quote.fresh == 1 and price != 0 and price < PRICE_LIMIT, "depth: quote source"

    lower: int256 = unsafe_sub(mean.tick, REACH)
    upper: int256 = unsafe_add(mean.tick, REACH)
    steady_down: uint256 = market_depth._token0_down(mean.liquidity, lower, mean.tick)
    steady_up: uint256 = market_depth._token1_up(mean.liquidity, mean.tick, upper)
    down: uint256 = 0
    up: uint256 = 0
    complete: bool = False
    down, up, complete = self._standing(mean.tick, lower, upper)
    return IUniswapV3Depth.Measurement(
        tick=mean.tick,
        steady=min(self._dollars(steady_down, True, mean.tick, price), self._dollars(steady_up, False, mean.tick, price)),
        up=self._dollars(up, False, mean.tick, price),
        down=self._dollars(down, True, mean.tick, price),
        complete=complete,
    )


@view
@internal
def _standing(mean: int256, lower: int256, upper: int256) -> (uint256, uint256, bool):
    """
    @notice Raw units of token0 that move the pool from the mean down to `lower`, raw units of token1 that move it up to `upper`, and
            whether no initialised tick between was left uncrossed. The ranges are gone through from the pool's tick, where the
            liquidity is known.
    """
    sqrt_price: uint256 = 0
    tick: int256 = 0
    index: uint256 = 0
    cardinality: uint256 = 0
    sqrt_price, tick, index, cardinality = staticcall POOL.slot0()
    assert lower <= tick and tick <= upper, "depth: moving"
    in_range: int256 = convert(staticcall POOL.liquidity(), int256)
    down: uint256 = 0
    up: uint256 = 0
    complete: bool = True

    liquidity: int256 = in_range
    at: int256 = tick
    for crossed: uint256 in range(MAX_CROSSED + 1):
        if at == upper:
            break
        if crossed != 0:
            liquidity += (staticcall POOL.ticks(convert(at, int24)))[1]
        end: int256 = self._above(at, upper)
        down += self._part_below(liquidity, at, end, mean)
        up += self._part_above(liquidity, at, end, mean)
        at = end
    if at != upper:
        complete = False

    liquidity = in_range
    at = tick
    last: int256 = tick  # from where the next initialised tick is looked for
    for crossed: uint256 in range(MAX_CROSSED + 1):
        if at == lower:
            break
        if crossed != 0:
            liquidity -= (staticcall POOL.ticks(convert(at, int24)))[1]
        end: int256 = self._below(last, lower)
        down += self._part_below(liquidity, end, at, mean)
        up += self._part_above(liquidity, end, at, mean)
        at = end
        last = unsafe_sub(end, 1)
    if at != lower:
        complete = False
    return down, up, complete


@pure
@internal
def _part_below(liquidity: int256, lower: int256, upper: int256, mean: int256) -> uint256:
    """
    @notice Raw units of token0 for the part of a range that is below the mean.
    """
    if lower >= mean or liquidity == 0:
        return 0
    return market_depth._token0_down(convert(liquidity, uint256), lower, min(upper, mean))


@pure
@internal
def _part_above(liquidity: int256, lower: int256, upper: int256, mean: int256) -> uint256:
    """
    @notice Raw units of token1 for the part of a range that is above the mean.
    """
    if upper <= mean or liquidity == 0:
        return 0
    return market_depth._token1_up(convert(liquidity, uint256), max(lower, mean), upper)


@view
@internal
def _above(tick: int256, end: int256) -> int256:
    """
    @notice The first initialised tick above `tick`, at most `end`.
    """
    first: int256 = unsafe_add(market_depth._slot(tick, SPACING), 1)
    word: int256 = first >> 8
    bit: uint256 = convert(unsafe_sub(first, word << 8), uint256)
    last_word: int256 = market_depth._slot(end, SPACING) >> 8
    for i: uint256 in range(MAX_WORDS):
        if word > last_word:
            break
        bit = market_depth._first_bit(staticcall POOL.tickBitmap(convert(word, int16)), bit)
        if bit != NO_BIT:
            return min(unsafe_mul(unsafe_add(word << 8, convert(bit, int256)), SPACING), end)
        word = unsafe_add(word, 1)
        bit = 0
    return end


@view
@internal
def _below(tick: int256, end: int256) -> int256:
    """
    @notice The last initialised tick that is not above `tick`, at least `end`.
    """
    first: int256 = market_depth._slot(tick, SPACING)
    word: int256 = first >> 8
    bit: uint256 = convert(unsafe_sub(first, word << 8), uint256)
    last_word: int256 = market_depth._slot(end, SPACING) >> 8
    for i: uint256 in range(MAX_WORDS):
        if word < last_word:
            break
        bit = market_depth._last_bit(staticcall POOL.tickBitmap(convert(word, int16)), bit)
        if bit != NO_BIT:
            return max(unsafe_mul(unsafe_add(word << 8, convert(bit, int256)), SPACING), end)
        word = unsafe_sub(word, 1)
        bit = 255
    return end


@view
@internal
def _dollars(amount: uint256, of_token0: bool, tick: int256, price: uint256) -> uint256:
    """
    @notice WAD dollars of raw units of one of the pool's tokens at a tick, rounded down.
    """
    quoted: uint256 = amount
    if of_token0 == BASE_IS_TOKEN0:
        quoted = tick_math._quote_at_tick(tick, amount, of_token0)
    return market_depth._dollars(quoted, price)
