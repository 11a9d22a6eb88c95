"""A time-weighted price from a Uniswap v3 pool: twin of ``contracts/modules/twap.vy`` and of TwapOracle.

A checkpoint is one word, from the high end::

    tick_cumulative 56 (signed) | time 32 | clamped_tick 24 (signed) | next 20 | seconds_per_liquidity 124

`time` is unix time modulo 2**32, `next` how many seconds later the following checkpoint was taken (at most 2**20 - 1,
0 for none), `clamped_tick` the clamped mean at the youngest checkpoint, `seconds_per_liquidity` the pool's accumulator
(X128) without its 36 lowest bits. Where the contract reverts, `ValueError` carries its reason.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.model import tick_math
from plimsoll.model.price_source import Reading

TIME = 2**32 - 1
NEXT = 2**20 - 1
TICK = 2**24 - 1
SECONDS_PER_LIQUIDITY = 2**160 - 1
HOUR = 3_600


class Parameters(NamedTuple):
    """What a TwapOracle is deployed with; see ITwapOracle.Settings for units and bounds."""

    base_is_token0: bool
    window: int
    max_age: int
    max_ticks_per_hour: int
    min_liquidity: int

    @property
    def reach(self) -> int:
        """Seconds up to which a checkpoint serves, and for which the clamp's unused room is kept."""
        return 3 * self.window


class Pool(NamedTuple):
    """What of a pool's state counts: tick, liquidity in range, newest observation, time of the one before it."""

    tick: int
    liquidity: int
    time: int
    tick_cumulative: int
    seconds_per_liquidity: int
    previous_time: int


class Accumulators(NamedTuple):
    """A pool's accumulators at some second, and when it was last used before that second."""

    tick_cumulative: int
    seconds_per_liquidity: int
    updated_at: int


class Mean(NamedTuple):
    """Means over `duration` seconds; the members of ITwapOracle.Mean."""

    tick: int
    clamped_tick: int
    liquidity: int
    duration: int
    updated_at: int


class Checkpoints(NamedTuple):
    """Both packed checkpoints of an oracle: the younger, and the older or the pool's own record in its place."""

    latest: int
    reference: int


def pack(tick_cumulative: int, time: int, clamped_tick: int, seconds_per_liquidity: int) -> int:
    """Return the word of a checkpoint that has none after it: int56, time, int24, below 2**160."""
    return (
        (tick_cumulative & 2**56 - 1) << 200
        | (time & TIME) << 168
        | (clamped_tick & TICK) << 144
        | seconds_per_liquidity >> 36
    )


def followed(checkpoint: int, clamped_tick: int, seconds: int) -> int:
    """Return a checkpoint that another one, of this clamped mean, follows `seconds` later."""
    kept = checkpoint & ~((TICK << 20 | NEXT) << 124)
    return kept | (clamped_tick & TICK) << 144 | min(seconds, NEXT) << 124


def tick_cumulative(checkpoint: int) -> int:
    """Return a checkpoint's tickCumulative."""
    return _signed(checkpoint >> 200, 56)


def clamped_tick(checkpoint: int) -> int:
    """Return a checkpoint's clamped tick."""
    return _signed(checkpoint >> 144 & TICK, 24)


def age(checkpoint: int, now: int) -> int:
    """Return the seconds since a checkpoint, right for ages below 2**32."""
    return (now - (checkpoint >> 168)) & TIME


def next_after(checkpoint: int) -> int:
    """Return the seconds from a checkpoint to the one after it, at most 2**20 - 1."""
    return checkpoint >> 124 & NEXT


def seconds_per_liquidity(checkpoint: int) -> int:
    """Return a checkpoint's accumulator, its 36 lowest bits cleared."""
    return checkpoint << 36 & SECONDS_PER_LIQUIDITY


def clamp(tick: int, anchor: int, duration: int, ticks_per_hour: int) -> int:
    """Return the tick nearest to `tick` within ``ticks_per_hour * duration // 3600`` of `anchor`."""
    reach = duration * ticks_per_hour // HOUR
    return max(anchor - reach, min(anchor + reach, tick))


def accumulators(pool: Pool, now: int) -> Accumulators:
    """Return a pool's accumulators at `now`, to which nothing that happens to the pool at `now` contributes."""
    elapsed = (now - pool.time) & TIME
    if elapsed == 0:
        previous = (now - pool.previous_time) & TIME
        return Accumulators(pool.tick_cumulative, pool.seconds_per_liquidity, now - previous)
    growth = (elapsed << 128) // max(pool.liquidity, 1)
    return Accumulators(
        pool.tick_cumulative + pool.tick * elapsed,
        (pool.seconds_per_liquidity + growth) & SECONDS_PER_LIQUIDITY,
        now - elapsed,
    )


def reference(parameters: Parameters, checkpoints: Checkpoints, recalled: int | None, now: int) -> int:
    """Return the checkpoint from which the mean is taken: the younger, the older, or the pool's record of `window` ago.

    `recalled` is that record as a checkpoint, None where the pool's history is too short: ValueError "twap: history" if
    it is needed.
    """
    latest_age = age(checkpoints.latest, now)
    if parameters.window <= latest_age <= parameters.reach:
        return checkpoints.latest
    if latest_age < parameters.window and age(checkpoints.reference, now) <= parameters.reach:
        return checkpoints.reference
    if recalled is None:
        raise ValueError("twap: history")
    return recalled


def mean(parameters: Parameters, checkpoints: Checkpoints, recalled: int | None, state: Accumulators, now: int) -> Mean:
    """Return the means from the reference to `now`; `state` is the pool's at `now`. ValueError "twap: history"."""
    since = reference(parameters, checkpoints, recalled, now)
    tick = _mean_since(since, state, now)
    duration = age(since, now)
    growth = (state.seconds_per_liquidity - seconds_per_liquidity(since)) & SECONDS_PER_LIQUIDITY
    return Mean(
        tick,
        _clamp(parameters, tick, checkpoints.latest, now),
        tick_math.harmonic_liquidity(growth, duration),
        duration,
        state.updated_at,
    )


def read(parameters: Parameters, means: Mean, quote: Reading, now: int) -> Reading:
    """Return the oracle's reading of `means` and the quote token's `quote`, prices rounded down."""
    fresh = quote.fresh != 0 and now - means.updated_at <= parameters.max_age
    trusted = quote.trusted != 0 and means.liquidity >= parameters.min_liquidity
    return Reading(
        tick_math.quote_at_tick(means.tick, quote.price, parameters.base_is_token0),
        tick_math.quote_at_tick(means.clamped_tick, quote.clamped, parameters.base_is_token0),
        min(means.updated_at, quote.updated_at),
        int(fresh),
        int(trusted),
    )


def first_checkpoints(recalled: int | None, state: Accumulators, now: int) -> Checkpoints:
    """Return the checkpoints that a constructor takes. ValueError "twap: history"."""
    if recalled is None:
        raise ValueError("twap: history")
    return _follow(recalled, _mean_since(recalled, state, now), state, now)


def checkpoint(
    parameters: Parameters, checkpoints: Checkpoints, recalled: int | None, state: Accumulators, now: int
) -> tuple[Checkpoints, int]:
    """Return the checkpoints after `checkpoint()` and the mean tick at it. ValueError "twap: too early"."""
    latest_age = age(checkpoints.latest, now)
    if latest_age < parameters.window:
        raise ValueError("twap: too early")
    since = recalled if latest_age > parameters.reach and recalled is not None else checkpoints.latest
    tick = _mean_since(since, state, now)
    clamped = _clamp(parameters, tick, checkpoints.latest, now)
    return _follow(since, clamped, state, now), tick


def _follow(since: int, clamped: int, state: Accumulators, now: int) -> Checkpoints:
    latest = pack(state.tick_cumulative, now, clamped, state.seconds_per_liquidity)
    return Checkpoints(latest, followed(since, clamped, age(since, now)))


def _mean_since(since: int, state: Accumulators, now: int) -> int:
    return tick_math.mean_tick(state.tick_cumulative - tick_cumulative(since), age(since, now))


def _clamp(parameters: Parameters, tick: int, latest: int, now: int) -> int:
    duration = min(age(latest, now), parameters.reach)
    return clamp(tick, clamped_tick(latest), duration, parameters.max_ticks_per_hour)


def _signed(bits: int, width: int) -> int:
    return bits - (bits >> width - 1 << width)
