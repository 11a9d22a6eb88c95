"""Bid, mid, ask and status of an asset: twin of ``contracts/modules/price_oracle.vy`` (docs/formulas.md).

Prices are dollars (WAD) per raw token unit, scaled by 1e18; parameters are WAD, in whole
basis points; times unix seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from plimsoll.model.price_source import Reading

OK, WIDE, STALE, DEAD = range(4)
ABSENT, OUTDATED, VALID, TRUSTED = range(4)
"""Grades of a reading; OUTDATED is the contract's GRADE_STALE."""

PRICE_LIMIT = 2**128
MAX_LISTED_PRICE = 10**36

WAD_PER_BPS = 10**14
BPS = 10_000
HOUR = 3_600
SPREAD_UNIT = BPS * HOUR

MAX_SOURCES = 3
MAX_DEVIATION = 2 * 10**17
MAX_SPREAD = 25 * 10**16
MAX_SPREAD_GROWTH = 25 * 10**16

MIN_WIDE_DELAY = HOUR
MAX_WIDE_DELAY = 2 * 24 * HOUR
MAX_MARK_GAP = HOUR
"""Seconds between two marks after which a clock has stopped."""


class Parameters(NamedTuple):
    """How an asset's sources are combined; IRiskEngine.PriceParameters."""

    min_sources: int
    """Trusted sources needed for OK."""
    max_deviation: int
    """(highest - lowest) / mid above which the asset is WIDE, WAD."""
    min_spread: int
    """Half spread of a fresh price, WAD."""
    spread_growth: int
    """Added half spread per hour of the freshest source's age, WAD."""
    max_spread: int
    """Cap of the half spread, WAD."""


class Price(NamedTuple):
    """What the oracle says of an asset; IRiskEngine.Price."""

    bid: int
    mid: int
    ask: int
    status: int


NO_PRICE = Price(0, 0, 0, DEAD)


class Clock(NamedTuple):
    """How long an asset has not been OK, as far as marks have seen it; unix seconds, zeros when it does not run."""

    since: int
    """First of the marks, none of which found it OK."""
    marked: int
    """Last of them."""
    dead_since: int
    """First of the last ones, all of which found it DEAD; 0 when the last one found a price."""


NO_CLOCK = Clock(0, 0, 0)


class Silence(NamedTuple):
    """One source that the guardian has silenced; unix seconds."""

    source: int
    until: int
    next: int
    """From when on a source may be silenced again."""


NO_SILENCE = Silence(0, 0, 0)


def check_wide_delay(wide_delay: int) -> None:
    """Raise ValueError with the constructor's reason where the contract would refuse this delay (seconds)."""
    if not MIN_WIDE_DELAY <= wide_delay <= MAX_WIDE_DELAY:
        raise ValueError("oracle: wide delay")


def check(readings: Sequence[Reading | None], parameters: Parameters, now: int) -> None:
    """Raise ValueError with the setter's reason where the contract would refuse these sources (None: no answer)."""
    if not 1 <= parameters.min_sources <= len(readings):
        raise ValueError("oracle: min sources")
    if parameters.max_deviation > MAX_DEVIATION:
        raise ValueError("oracle: deviation")
    if not parameters.min_spread <= parameters.max_spread <= MAX_SPREAD:
        raise ValueError("oracle: spread")
    if parameters.spread_growth > MAX_SPREAD_GROWTH:
        raise ValueError("oracle: spread growth")
    if any(part % WAD_PER_BPS for part in parameters[1:]):
        raise ValueError("oracle: basis points")
    for reading in readings:
        if reading is None or grade(reading, now) == ABSENT:
            raise ValueError("oracle: no answer")
        if max(reading.price, reading.clamped) > MAX_LISTED_PRICE:
            raise ValueError("risk: price scale")


def grade(reading: Reading | None, now: int) -> int:
    """Return what a reading counts for; None is a source that reverted, starved or answered short."""
    if reading is None or not 0 < reading.price < PRICE_LIMIT or not 0 < reading.clamped < PRICE_LIMIT:
        return ABSENT
    if reading.updated_at > now or reading.fresh > 1 or reading.trusted > 1:
        return ABSENT
    if not reading.fresh:
        return OUTDATED
    return TRUSTED if reading.trusted else VALID


def silence(last: Silence, count: int, index: int, duration: int, most: int, now: int) -> Silence:
    """Return the silence of a source after another one; ValueError with the contract's reason where it refuses."""
    if count < 2 or not 0 <= index < count:
        raise ValueError("oracle: unknown source")
    if not 0 < duration <= most:
        raise ValueError("oracle: duration")
    if now < last.next:
        raise ValueError("oracle: silenced lately")
    return Silence(index, now + duration, now + 2 * duration)


def price(
    readings: Sequence[Reading | None], parameters: Parameters, now: int, silenced: Silence = NO_SILENCE
) -> Price:
    """Return bid (rounded down), mid and ask (rounded up) of an asset with these readings; none means unlisted."""
    low, mid, high, time, status = combine(readings, parameters, now, silenced)
    if status == DEAD:
        return NO_PRICE
    spread = spread_of(parameters, now - time)
    bid = low * (SPREAD_UNIT - spread) // SPREAD_UNIT
    ask = -(-high * (SPREAD_UNIT + spread) // SPREAD_UNIT)
    return Price(max(bid, 1), mid, min(ask, PRICE_LIMIT - 1), status)


def spread_of(parameters: Parameters, age: int) -> int:
    """Return the half spread in parts of SPREAD_UNIT, exact, of prices that are `age` seconds old."""
    growing = parameters.min_spread // WAD_PER_BPS * HOUR + parameters.spread_growth // WAD_PER_BPS * age
    return min(growing, parameters.max_spread // WAD_PER_BPS * HOUR)


def combine(
    readings: Sequence[Reading | None], parameters: Parameters, now: int, silenced: Silence = NO_SILENCE
) -> tuple[int, int, int, int, int]:
    """Return the lowest, middle and highest number, the time of the freshest, and the status."""
    grades = [grade(reading, now) for reading in readings]
    times = [0 if reading is None else reading.updated_at for reading in readings]
    answers = {i: reading for i, reading in enumerate(readings) if reading is not None and grades[i] != ABSENT}
    if not answers:
        return 0, 0, 0, 0, DEAD
    said: list[int] = []
    muted = silenced.source if now < silenced.until else None
    if muted is not None and muted in answers:
        if grades[muted] >= VALID:
            said += answers[muted][:2]
        grades[muted], times[muted] = OUTDATED, 0
    if max(grades) == OUTDATED:
        freshest = max(answers, key=lambda i: times[i])
        last = answers[freshest]
        said += last[:2]
        return min(said), last.clamped, max(said), times[freshest], STALE

    clamped = {i: reading.clamped for i, reading in answers.items()}
    numbers: dict[int, int] = {}
    for i, reading in answers.items():
        if grades[i] >= VALID:
            others = median(clamped, grades, without=i)
            nearer = others is not None and abs(reading.price - others) < abs(reading.clamped - others)
            numbers[i] = reading.price if nearer else reading.clamped
            said += [numbers[i]] if others is not None else [reading.price, reading.clamped]
    mid = median(numbers, grades)
    assert mid is not None
    most = mid * (parameters.max_deviation // WAD_PER_BPS)
    trusted = [i for i in numbers if grades[i] == TRUSTED]
    held_back = [answers[i].price for i in trusted if answers[i].price != numbers[i]]
    unconfirmed = [raw for raw in held_back if abs(raw - mid) * BPS > most]
    if 2 * len(unconfirmed) > len(trusted):
        said += unconfirmed
    low, high = min(said), max(said)
    time = max(times[i] for i in numbers)
    outran = len(unconfirmed) > 0 and 2 * len(unconfirmed) >= len(trusted)
    enough = len(trusted) >= parameters.min_sources and ABSENT not in grades and muted is None and not outran
    return low, mid, high, time, OK if enough and (high - low) * BPS <= most else WIDE


def median(numbers: dict[int, int], grades: Sequence[int], without: int | None = None) -> int | None:
    """Return the median of the trusted numbers, else of the valid ones, of two the mean, rounded down."""
    for wanted in (TRUSTED, VALID):
        found = sorted(number for i, number in numbers.items() if i != without and grades[i] == wanted)
        if found:
            half = len(found) // 2
            return found[half] if len(found) % 2 else (found[half - 1] + found[half]) // 2
    return None


def mark(clock: Clock, status: int, now: int) -> Clock:
    """Return an asset's clock after a mark that found it in this status."""
    if status == OK:
        return NO_CLOCK
    if not runs(clock, now):
        return Clock(now, now, now if status == DEAD else 0)
    return Clock(clock.since, now, (clock.dead_since or now) if status == DEAD else 0)


def runs(clock: Clock, now: int) -> bool:
    """Return whether the last mark is recent enough for another one to continue it."""
    return clock != NO_CLOCK and now <= clock.marked + MAX_MARK_GAP


def is_settled(clock: Clock, status: int, wide_delay: int, now: int, last_good: int = 0) -> bool:
    """Return whether it has lasted for `wide_delay` that an asset is not OK; if it is DEAD now, whether that has.

    `last_good` is when it was OK for certain, 0 if that is not known.
    """
    since = clock.dead_since if status == DEAD else clock.since
    return since != 0 and runs(clock, now) and now >= max(since, last_good) + wide_delay
