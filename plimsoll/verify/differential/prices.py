"""Differentials of chapter 3: sources that are combined, ticks, means, vault shares and depth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plimsoll.model import price_oracle, tick_math, vault_share
from plimsoll.model.fixed_point import WAD, YEAR
from plimsoll.model.price_oracle import DEAD, HOUR, MAX_MARK_GAP, WAD_PER_BPS, Clock, Parameters, Silence
from plimsoll.model.price_source import Reading
from plimsoll.verify.differential.bench import Bench
from plimsoll.verify.differential.draws import Draws
from plimsoll.verify.differential.formula import Expect, Formula

PRICE = 2**128 - 1
MASK_40 = 2**40 - 1
DAY = 86_400
MAX_TICK = tick_math.MAX_TICK
DELAYS = ((HOUR,), (DAY,), (2 * DAY,))
SOURCES = 3
ANSWERS = "(uint256,uint256,uint256,uint256,uint256)[3],bool[3]"


# Sources


def listing(draws: Draws, least: int) -> int:
    """Return a listing's word without its first source: from `least` sources on, one of them perhaps silenced."""
    count = draws.within(least, SOURCES)
    most_spread = draws.upto(2_500)
    word = (
        count << 160
        | draws.within(1, count) << 162
        | draws.upto(2_000) << 164
        | draws.upto(most_spread) << 178
        | draws.upto(2_500) << 192
        | most_spread << 206
    )
    if count > 1 and draws.chance(3):
        until = draws.pick((draws.now, draws.now + 1, draws.now - 1, draws.now + draws.upto(DAY)))
        word |= 1 << 220 + draws.within(0, count - 1) | until << 223
    return word


def read_parameters(word: int) -> Parameters:
    """Return how a listing combines its sources."""
    low = 2**14 - 1
    return Parameters(word >> 162 & 3, *((word >> at & low) * WAD_PER_BPS for at in (164, 178, 192, 206)))


def read_silence(word: int) -> Silence:
    """Return which source of a listing is silenced, and until when."""
    return Silence((word >> 220 & 7).bit_length() - 1, word >> 223, 0)


def _number(draws: Draws, about: int) -> int:
    how = draws.bits(4)
    if how == 0:
        return draws.upto(2**129)
    if how < 6:
        return about
    if how < 10:
        return draws.near(about, 0, PRICE)
    return about * draws.within(8_000, 12_500) // 10_000


def answers(draws: Draws) -> list[int]:
    """Return what three sources say, most often nearly the same, and which of them revert."""
    about = draws.within(1, PRICE)
    words: list[int] = []
    for _ in range(SOURCES):
        raw = _number(draws, about)
        words += [
            raw,
            raw if draws.bits(1) else _number(draws, about),
            draws.now - draws.upto(DAY) if not draws.chance(16) else draws.upto(2**256 - 1),
            0 if draws.chance(5) else 1,
            0 if draws.chance(4) else 1 if not draws.chance(32) else draws.upto(2**256 - 1),
        ]
    return words + [int(draws.chance(10)) for _ in range(SOURCES)]


def read_answers(words: Sequence[int], count: int) -> list[Reading | None]:
    """Return the readings of the first `count` sources."""
    return [None if words[15 + i] else Reading(*words[5 * i : 5 * i + 5]) for i in range(count)]


def _expect_price(draws: Draws) -> Expect:
    return lambda word, *said: tuple(
        price_oracle.price(read_answers(said, word >> 160 & 3), read_parameters(word), draws.now, read_silence(word))
    )


def _expect_combine(draws: Draws) -> Expect:
    return lambda word, *said: price_oracle.combine(
        read_answers(said, word >> 160 & 3), read_parameters(word), draws.now, read_silence(word)
    )


def clock(draws: Draws) -> int:
    """Return a clock's word: none, or one whose last mark is about as long ago as counts."""
    if draws.chance(5):
        return 0
    marked = draws.now - draws.pick((draws.upto(HOUR), MAX_MARK_GAP, MAX_MARK_GAP + 1, draws.upto(DAY)))
    since = marked - draws.pick((0, draws.upto(3 * DAY)))
    dead = draws.pick((0, marked, since, marked - draws.upto(marked - since)))
    return since | marked << 40 | dead << 80


def read_clock(word: int) -> Clock:
    """Return the times in a clock's word."""
    return Clock(word & MASK_40, word >> 40 & MASK_40, word >> 80)


def _expect_mark(draws: Draws) -> Expect:
    def mark(word: int, *words: int) -> tuple[int, int]:
        before = read_clock(words[-1])
        readings = read_answers(words, word >> 160 & 3)
        status = price_oracle.price(readings, read_parameters(word), draws.now, read_silence(word)).status
        after = price_oracle.mark(before, status, draws.now)
        was = before != price_oracle.NO_CLOCK
        changed = was if status == price_oracle.OK else not price_oracle.runs(before, draws.now)
        return int(changed), after.since | after.marked << 40 | after.dead_since << 80

    return mark


def _settled(draws: Draws) -> Sequence[int]:
    word, status = clock(draws), draws.within(1, DEAD)
    since = word >> 80 if status == DEAD else word & MASK_40
    if since and draws.bits(1):  # settled about now
        ago = draws.near(draws.fixed[0], 0, 3 * DAY)
        marked = word >> 40 & MASK_40
        word = min(draws.now - ago, marked) | marked << 40 | (min(draws.now - ago, marked) if word >> 80 else 0) << 80
    last = draws.pick((0, draws.now, draws.near(draws.now - draws.fixed[0], 0, draws.now), draws.upto(draws.now)))
    return word, status, last


def _expect_settled(draws: Draws) -> Expect:
    return lambda word, status, last: price_oracle.is_settled(read_clock(word), status, draws.fixed[0], draws.now, last)


def _silence(draws: Draws) -> Sequence[int]:
    most = draws.pick((HOUR, 30 * DAY, draws.upto(2**64)))
    return (
        listing(draws, 1),
        draws.pick((0, draws.now, draws.now + 1, draws.upto(2**41))),
        draws.upto(3),
        draws.pick((draws.upto(most), draws.near(most, 0, 2**65))),
        most,
    )


def _expect_silence(draws: Draws) -> Expect:
    def silence(word: int, following: int, source: int, duration: int, most: int) -> tuple[int, int, int]:
        last = Silence(0, 0, following)
        now = price_oracle.silence(last, word >> 160 & 3, source, duration, most, draws.now)
        return now.until, word & 2**220 - 1 | 1 << 220 + source | now.until << 223, now.next

    return silence


def _median(draws: Draws) -> Sequence[int]:
    about = draws.within(1, PRICE)
    grades = [draws.bits(2) for _ in range(SOURCES)]
    return *(max(_number(draws, about) & PRICE, 1) for _ in range(SOURCES)), *grades, draws.upto(SOURCES)


def _expect_median(_: Draws) -> Expect:
    return lambda a, b, c, *rest: price_oracle.median(dict(enumerate((a, b, c))), rest[:3], rest[3]) or 0


def _oracle(bench: Bench, fixed: tuple[int, ...]) -> Any:
    made = [bench.deploy("MockPriceSource", number=i) for i in range(SOURCES)]
    return bench.deploy("price_oracle_harness", fixed[0], *(source.address for source in made))


# Ticks, means, vaults, depth


def tick(draws: Draws) -> int:
    """Return a tick within Uniswap's scale, rarely one beside it."""
    if draws.chance(64):
        return draws.pick((MAX_TICK + 1, -MAX_TICK - 1, 2**23, -(2**23), 2**255 - 1, 1 - 2**255))
    return draws.signed(MAX_TICK)


def _quote(draws: Draws) -> Sequence[int]:
    return tick(draws), draws.upto(2**256 - 1), draws.bits(1)


def _harmonic(draws: Draws) -> Sequence[int]:
    return draws.upto(2**160 - 1), draws.upto(2**32 - 1)


def _clamp(draws: Draws) -> Sequence[int]:
    duration, per_hour = draws.upto(2**32 - 1), draws.upto(2**32 - 1)
    anchor, reach = draws.signed(2**23 - 1), duration * per_hour // 3_600
    return (
        draws.pick((draws.signed(2**23 - 1), anchor + reach + draws.bits(2) - 1, anchor - reach)),
        anchor,
        duration,
        per_hour,
    )


def _line(draws: Draws) -> Sequence[int]:
    since = draws.upto(draws.now)
    return (
        draws.upto(2**112 - 1),
        since,
        draws.upto(WAD),
        since + draws.upto(draws.pick((DAY, 100 * YEAR, 60_000 * YEAR))),
    )


def _fair(draws: Draws) -> Sequence[int]:
    def lesser(whole: int) -> int:
        return draws.pick(
            (
                whole,
                whole + 1,
                max(whole, 1) - 1,
                draws.near(whole // 10_000 * 9_500, 0, PRICE),
                draws.near(whole, 0, PRICE),
            )
        )

    sample, redeemed = draws.within(1, 2**112 - 1), draws.upto(2**112 - 1)
    more = redeemed * 10_000 // 9_500
    above = [
        draws.pick((redeemed, redeemed, draws.near(more, 0, PRICE), draws.near(redeemed, 0, PRICE))) for _ in range(2)
    ]
    return sample, redeemed, *above, *(sample if draws.bits(1) else lesser(sample) for _ in range(3))


def _expect_fair(_: Draws) -> Expect:
    return lambda sample, *words: vault_share.is_fair(sample, vault_share.Answers(*words))


def _range(draws: Draws) -> Sequence[int]:
    lower = tick(draws)
    if abs(lower) > MAX_TICK:
        return draws.upto(PRICE), lower, lower
    return draws.upto(PRICE), lower, min(lower + draws.upto(draws.pick((400, 2 * MAX_TICK))), MAX_TICK)


FORMULAS = (
    Formula(
        "price_oracle._price",
        "price_oracle.price",
        f"price(uint256,{ANSWERS})",
        lambda d: (listing(d, 1), *answers(d)),
        _expect_price,
        deployments=DELAYS,
        deploy=_oracle,
    ),
    Formula(
        "price_oracle._combine",
        "price_oracle.combine",
        f"combine(uint256,{ANSWERS})",
        lambda d: (listing(d, 2), *answers(d)),
        _expect_combine,
        deployments=DELAYS,
        deploy=_oracle,
    ),
    Formula(
        "price_oracle._mark",
        "price_oracle.mark",
        f"mark(uint256,{ANSWERS},uint256)",
        lambda d: (listing(d, 1), *answers(d), clock(d)),
        _expect_mark,
        deployments=DELAYS,
        deploy=_oracle,
    ),
    Formula(
        "price_oracle._is_settled",
        "price_oracle.is_settled",
        "is_settled(uint256,uint256,uint256)",
        _settled,
        _expect_settled,
        deployments=DELAYS,
        deploy=_oracle,
    ),
    Formula(
        "price_oracle._silence",
        "price_oracle.silence",
        "silence(uint256,uint256,uint256,uint256,uint256)",
        _silence,
        _expect_silence,
        deployments=DELAYS,
        deploy=_oracle,
    ),
    Formula(
        "price_oracle._median",
        "price_oracle.median",
        "median(uint256[3],uint256[3],uint256)",
        _median,
        _expect_median,
        deployments=DELAYS,
        deploy=_oracle,
    ),
    Formula(
        "tick_math._mean_tick",
        "tick_math.mean_tick",
        "mean_tick(int256,uint256)",
        lambda d: (d.signed(2**55), d.within(1, 2**32 - 1)),
    ),
    Formula(
        "tick_math._harmonic_liquidity",
        "tick_math.harmonic_liquidity",
        "harmonic_liquidity(uint256,uint256)",
        _harmonic,
    ),
    Formula(
        "tick_math._sqrt_ratio_at_tick",
        "tick_math.sqrt_ratio_at_tick",
        "sqrt_ratio_at_tick(int256)",
        lambda d: (tick(d),),
    ),
    Formula("tick_math._quote_at_tick", "tick_math.quote_at_tick", "quote_at_tick(int256,uint256,bool)", _quote),
    Formula("twap._clamp", "twap.clamp", "clamp(int256,int256,uint256,uint256)", _clamp),
    Formula("vault_share._line", "vault_share.line", "line(uint256,uint256,uint256,uint256)", _line),
    Formula(
        "vault_share._price",
        "vault_share.price",
        "price(uint256,uint256,uint256)",
        lambda d: (d.upto(PRICE), d.upto(PRICE), d.within(1, 2**112 - 1)),
    ),
    Formula(
        "vault_share._is_fair",
        "vault_share.is_fair",
        f"is_fair({','.join(['uint256'] * 7)})",
        _fair,
        _expect_fair,
    ),
    Formula("market_depth._token1_up", "market_depth.token1_up", "token1_up(uint256,int256,int256)", _range),
    Formula("market_depth._token0_down", "market_depth.token0_down", "token0_down(uint256,int256,int256)", _range),
    Formula(
        "market_depth._dollars",
        "market_depth.dollars",
        "dollars(uint256,uint256)",
        lambda d: (d.upto(2**256 - 1), d.upto(PRICE)),
    ),
    Formula(
        "market_depth._slot",
        "market_depth.slot",
        "slot(int256,int256)",
        lambda d: (d.signed(MAX_TICK), d.pick((1, 10, 60, 200, d.within(1, 16_384)))),
    ),
    Formula(
        "market_depth._first_bit",
        "market_depth.first_bit",
        "first_bit(uint256,uint256)",
        lambda d: (d.upto(2**256 - 1), d.upto(255)),
    ),
    Formula(
        "market_depth._last_bit",
        "market_depth.last_bit",
        "last_bit(uint256,uint256)",
        lambda d: (d.upto(2**256 - 1), d.upto(255)),
    ),
)
"""Chapter 3 of docs/formulas.md, the cure window aside, and what stands beside it in the same modules."""
