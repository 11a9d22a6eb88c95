"""What it takes to move a Uniswap v3 pool: twin of ``contracts/modules/market_depth.vy`` and of UniswapV3Depth.

Where the contract reverts, `ValueError` carries its reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from plimsoll.model import tick_math
from plimsoll.model.fixed_point import WAD
from plimsoll.model.price_source import Reading

MAX_AMOUNT = 2**128 - 1
PRICE_LIMIT = 2**128
MAX_CROSSED = 64
NO_BIT = 256
UINT256 = 2**256 - 1


class Book(NamedTuple):
    """What of a pool's state counts: its tick, the liquidity in range, and the net liquidity of initialised ticks."""

    tick: int
    liquidity: int
    net: Mapping[int, int]


class Measurement(NamedTuple):
    """The members of IUniswapV3Depth.Measurement; WAD dollars."""

    tick: int
    steady: int
    up: int
    down: int
    complete: bool

    @property
    def depth(self) -> int:
        """The least of the three: what IDepthSource.depth answers."""
        return min(self.steady, self.up, self.down)


class Standing(NamedTuple):
    """Raw token0 that moves a pool down by its reach, raw token1 that moves it up, and whether all of it was seen."""

    down: int
    up: int
    complete: bool


def token1_up(liquidity: int, lower: int, upper: int) -> int:
    """Return the raw token1 that moves a pool of constant liquidity from one tick up to another, rounded down."""
    distance = tick_math.sqrt_ratio_at_tick(upper) - tick_math.sqrt_ratio_at_tick(lower)
    return _checked(liquidity * distance >> 96)


def token0_down(liquidity: int, lower: int, upper: int) -> int:
    """Return the raw token0 that moves a pool of constant liquidity from `upper` down to `lower`, rounded down."""
    top, bottom = tick_math.sqrt_ratio_at_tick(upper), tick_math.sqrt_ratio_at_tick(lower)
    return _checked((liquidity << 96) * (top - bottom) // top) // bottom


def dollars(amount: int, price: int) -> int:
    """Return the WAD dollars of at most 2**128 - 1 raw units at a price in the common scale, rounded down."""
    return min(amount, MAX_AMOUNT) * price // WAD


def slot(tick: int, spacing: int) -> int:
    """Return the number of the last usable tick that is not above `tick`."""
    return tick // spacing


def first_bit(word: int, least: int) -> int:
    """Return the lowest bit set in a word that is not below `least`, 256 if there is none."""
    rest = word >> least << least
    return (rest & -rest).bit_length() - 1 if rest else NO_BIT


def last_bit(word: int, most: int) -> int:
    """Return the highest bit set in a word that is not above `most`, 256 if there is none."""
    rest = word & (2 << most) - 1
    return rest.bit_length() - 1 if rest else NO_BIT


def standing(book: Book, mean: int, reach: int) -> Standing:
    """Return what stands within `reach` ticks of the mean. ValueError "depth: moving" if the pool is further away."""
    lower, upper = mean - reach, mean + reach
    if not lower <= book.tick <= upper:
        raise ValueError("depth: moving")
    above = sorted(tick for tick in book.net if book.tick < tick < upper)
    below = sorted((tick for tick in book.net if lower < tick <= book.tick), reverse=True)
    complete = max(len(above), len(below)) <= MAX_CROSSED

    ranges: list[tuple[int, int, int]] = []
    liquidity, at = book.liquidity, book.tick
    for end in _ends(above, upper):
        ranges.append((liquidity, at, end))
        liquidity, at = liquidity + book.net.get(end, 0), end
    liquidity, at = book.liquidity, book.tick
    for end in _ends(below, lower):
        ranges.append((liquidity, end, at))
        liquidity, at = liquidity - book.net.get(end, 0), end

    down = sum(token0_down(each, low, min(high, mean)) for each, low, high in ranges if low < mean)
    up = sum(token1_up(each, max(low, mean), high) for each, low, high in ranges if high > mean)
    return Standing(down, up, complete)


def measure(book: Book, mean: int, liquidity: int, reach: int, quote: Reading, base_is_token0: bool) -> Measurement:
    """Return the depth of a pool around its mean tick; `liquidity` is its harmonic mean over the same time.

    ValueError: "depth: quote source", "depth: moving", "tick: range", "math: mul_div overflow".
    """
    price = min(quote.price, quote.clamped)
    if quote.fresh != 1 or not 0 < price < PRICE_LIMIT:
        raise ValueError("depth: quote source")

    def worth(amount: int, of_token0: bool) -> int:
        is_base = of_token0 == base_is_token0
        return dollars(tick_math.quote_at_tick(mean, amount, of_token0) if is_base else amount, price)

    steady_down = token0_down(liquidity, mean - reach, mean)
    steady_up = token1_up(liquidity, mean, mean + reach)
    now = standing(book, mean, reach)
    steady = min(worth(steady_down, True), worth(steady_up, False))
    return Measurement(mean, steady, worth(now.up, False), worth(now.down, True), now.complete)


def _ends(ticks: list[int], end: int) -> list[int]:
    """Return where the ranges end that are gone through: at each tick that is crossed, and at `end`."""
    return [*ticks[: MAX_CROSSED + 1], end][: MAX_CROSSED + 1]


def _checked(value: int) -> int:
    if value > UINT256:
        raise ValueError("math: mul_div overflow")
    return value
