"""Differentials of chapter 2 and of the cure window: margin rates and their ramps, volatility, last good prices."""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.model import cure, margin_rate
from plimsoll.model.fixed_point import WAD
from plimsoll.model.margin_rate import (
    BPS,
    DAY,
    HOUR,
    MAX_CAP,
    MAX_MULTIPLE,
    MAX_RAMP_DOWN,
    MAX_RAMP_UP,
    MAX_SLOPE,
    MIN_FLOOR,
    MIN_SLOPE,
    NEVER,
    RAMP_UNIT,
    Dynamics,
    Margin,
    Measured,
    Parameters,
)
from plimsoll.verify.differential.bench import pack
from plimsoll.verify.differential.draws import Draws
from plimsoll.verify.differential.formula import Expect, Formula

MASK_24 = 2**24 - 1
MASK_40 = 2**40 - 1
MASK_47 = 2**47 - 1
MASK_59 = 2**59 - 1
MASK_64 = 2**64 - 1
PRICE = 2**128 - 1
MAX_VARIANCE = 10**22
ENGINES = ((12 * 10**17, HOUR), (15 * 10**17, DAY), (3 * WAD, 30 * DAY))
"""Initial ratio and notice."""
MOST_WORTH = (2**256 - 2**129) // WAD


# An asset's words


def parameters(draws: Draws) -> Parameters:
    """Return targets and speeds that a setter may be given; the promise of notice aside."""
    most = min(MAX_CAP - 1, (WAD * WAD - 1) // draws.fixed[0])
    cap = draws.within(MIN_FLOOR, most)
    return Parameters(
        draws.within(MIN_FLOOR, cap),
        cap,
        draws.within(MIN_SLOPE, MAX_SLOPE),
        draws.within(1, MAX_RAMP_UP // RAMP_UNIT) * RAMP_UNIT,
        draws.within(1, MAX_RAMP_DOWN // RAMP_UNIT) * RAMP_UNIT,
    )


def margin(draws: Draws) -> Margin:
    """Return a stored state: arrived, or on its way since some time."""
    target = parameters(draws)
    since = draws.now - draws.upto(draws.pick((DAY, 400 * DAY, draws.now)))
    if draws.chance(3):
        return Margin(*target[:3], since, False, target)
    start = parameters(draws)
    return Margin(*start[:3], since, True, target)


def dynamics(draws: Draws) -> Dynamics:
    """Return what an asset's targets follow, and by when."""
    due = draws.pick((NEVER, draws.near(draws.now, 0, MASK_40), draws.now - draws.upto(2 * DAY)))
    return Dynamics(0, 0, draws.upto(10_000) * BPS if draws.bits(1) else 0, 0, 0, due)


def first_word(margin: Margin, dynamics: Dynamics) -> int:
    """Return what `margin_rate` keeps first."""
    return (
        margin.base
        | margin.cap << 64
        | margin.size_slope << 128
        | margin.moving << 192
        | dynamics.due << 193
        | dynamics.size_limit // BPS << 233
    )


def second_word(target: Parameters, since: int) -> int:
    """Return where a ramp goes, how fast and since when, as `margin_rate` keeps it."""
    floor, cap, slope, up, down = target
    return floor | cap << 59 | slope << 118 | up // RAMP_UNIT << 165 | down // RAMP_UNIT << 189 | since << 213


def read_target(word: int) -> Parameters:
    """Return the targets and speeds in a second word."""
    return Parameters(
        word & MASK_59,
        word >> 59 & MASK_59,
        word >> 118 & MASK_47,
        (word >> 165 & MASK_24) * RAMP_UNIT,
        (word >> 189 & MASK_24) * RAMP_UNIT,
    )


def read_margin(word: int, ramp: int) -> Margin:
    """Return the state in both words."""
    return Margin(
        word & MASK_64,
        word >> 64 & MASK_64,
        word >> 128 & MASK_64,
        ramp >> 213,
        bool(word >> 192 & 1),
        read_target(ramp),
    )


def read_dynamics(word: int) -> Dynamics:
    """Return the limit and the time in a first word."""
    return Dynamics(0, 0, (word >> 233) * BPS, 0, 0, word >> 193 & MASK_40)


def _state(draws: Draws) -> tuple[int, int]:
    state = margin(draws)
    return first_word(state, dynamics(draws)), second_word(state.target, state.since)


def _worth(draws: Draws, word: int, most: int) -> int:
    """Return the worth of a balance, often where its rate meets the cap or its size the limit."""
    state = read_margin(word, 0)
    how = draws.bits(2)
    if how == 0 or state.size_slope == 0:
        return draws.upto(most)
    size = read_dynamics(word).size_limit if how == 1 else state.cap - min(state.base, state.cap)
    return draws.near(size * WAD // state.size_slope, 0, most)


def _rate(draws: Draws) -> Sequence[int]:
    word, ramp = _state(draws)
    at_time = draws.pick((draws.now, draws.upto(2**64), (ramp >> 213) + draws.upto(30 * DAY), ramp >> 213))
    return word, ramp, _worth(draws, word, 2**256 - 1), at_time


def _requirements(draws: Draws) -> Sequence[int]:
    word, ramp = _state(draws)
    return word, ramp, _worth(draws, word, min(MOST_WORTH, 2**197 - 1))


def _expect_rate(_: Draws) -> Expect:
    return lambda word, ramp, worth, at_time: margin_rate.rate(read_margin(word, ramp), worth, at_time)


def _expect_now(_: Draws) -> Expect:
    return lambda word, ramp, at_time: margin_rate.in_force(read_margin(word, ramp), at_time)


def _expect_requirements(draws: Draws) -> Expect:
    return lambda word, ramp, worth: margin_rate.requirements(
        read_margin(word, ramp), worth, draws.now, draws.fixed[0], read_dynamics(word)
    )


# Targets that follow measurements


def _follow(draws: Draws) -> Sequence[int]:
    state, asked = margin(draws), parameters(draws)
    if draws.chance(3):
        state = state._replace(since=draws.now - draws.upto(2 * HOUR))
    anew = draws.bits(1)
    if not anew:  # a poke, or a setter of dynamics: cap and speeds stay
        asked = state.target._replace(floor=min(asked.floor, state.target.cap), size_slope=asked.size_slope)
    multiple = draws.within(1, MAX_MULTIPLE) if draws.bits(1) else 0
    impact = draws.within(1, 100 * WAD) if draws.bits(1) else 0
    sigma = draws.upto(101 * WAD)
    if multiple and draws.bits(1):
        sigma = draws.near(draws.pick((state.target.floor, asked.floor, asked.cap)) * WAD // multiple, 0, 2**256 - 1)
    depth = draws.upto(2**197)
    if impact and draws.bits(1):
        depth = draws.near(impact * WAD // draws.pick((MAX_SLOPE, asked.size_slope)), 0, 2**256 - 1)
    return (
        first_word(state, dynamics(draws)),
        second_word(state.target, state.since),
        multiple,
        impact,
        second_word(asked, draws.now),
        0 if anew else draws.pick((0, HOUR)),
        anew,
        draws.upto(2**256 - 1) if draws.chance(16) else sigma,
        draws.pick((draws.now + draws.upto(DAY), NEVER, NEVER - 1, draws.upto(2**256 - 1))),
        depth,
        int(draws.chance(8)),
        int(draws.chance(8)),
    )


def _expect_follow(draws: Draws) -> Expect:
    def follow(
        word: int,
        ramp: int,
        multiple: int,
        impact: int,
        asked: int,
        pause: int,
        anew: int,
        sigma: int,
        due: int,
        depth: int,
        no_volatility: int,
        no_depth: int,
    ) -> tuple[int, int]:
        before = read_dynamics(word)._replace(multiple=multiple, impact=impact)
        wanted = read_target(asked)
        if multiple or impact:
            margin_rate.check_speeds(wanted)
        measured = Measured(None if no_volatility else (sigma, due), None if no_depth else depth)
        state, after = margin_rate.follow(
            read_margin(word, ramp), before, wanted, measured, draws.now, pause, anew=bool(anew)
        )
        return first_word(state, after), second_word(state.target, state.since)

    return follow


def _factor(draws: Draws) -> Sequence[int]:
    unit = draws.pick((2 * HOUR, 2 * DAY))
    return draws.upto(MAX_RAMP_UP * (2**40 - 1)), unit, draws.within(MIN_FLOOR, MAX_CAP)


# Volatility


def _variance(draws: Draws) -> Sequence[int]:
    seconds = draws.within(1, 2**40)
    window = seconds if draws.chance(8) else draws.upto(seconds)
    size, most = draws.upto(89 * WAD), draws.upto(100 * WAD)
    if draws.bits(1):
        size = draws.near(most * 10**5 // 10**9, 0, 89 * WAD)
    return size, seconds, window, most


def _moved(draws: Draws) -> Sequence[int]:
    half_life = draws.within(1, 365 * DAY)
    seconds = draws.pick((draws.upto(2**40), draws.near(half_life, 0, 2**40), draws.near(60 * half_life, 0, 2**40)))
    return draws.upto(MAX_VARIANCE), draws.upto(MAX_VARIANCE), seconds, half_life


def _prices(draws: Draws) -> Sequence[int]:
    before = draws.within(1, PRICE)
    return before, draws.near(before, 1, PRICE) if draws.bits(1) else draws.within(1, PRICE)


# The cure window


def _dynamic(words: Sequence[int]) -> bytes:
    """Return a byte string of these words as the only argument."""
    return pack((32, 32 * len(words), *words))


def _sequencer(draws: Draws) -> Sequence[int]:
    ago = draws.pick((draws.upto(2 * DAY), DAY, draws.fixed[1], draws.near(draws.fixed[1], 0, DAY), 0))
    since = draws.pick((draws.now - ago, draws.now + draws.upto(DAY), draws.upto(2**256 - 1), 0))
    return draws.upto(2**80), draws.pick((0, 1, 0, 1, draws.upto(2**256 - 1))), since


def _last_good(draws: Draws) -> Sequence[int]:
    return draws.upto(2**129), draws.pick((draws.near(draws.now, 0, MASK_40), draws.upto(2**256 - 1)))


def _granted(draws: Draws) -> Sequence[int]:
    mid = draws.upto(PRICE)
    about = draws.pick((mid * 5 // 4, mid * 4 // 5, mid))
    last = draws.pick((0, draws.upto(PRICE), draws.near(about, 0, PRICE)))
    return draws.bits(1), mid, draws.near(mid, 0, PRICE), last


FORMULAS = (
    Formula(
        "margin_rate._rate",
        "margin_rate.rate",
        "rate(uint256,uint256,uint256,uint256)",
        _rate,
        _expect_rate,
        "margin_words_harness",
        ENGINES,
    ),
    Formula(
        "margin_rate._now",
        "margin_rate.in_force",
        "now(uint256,uint256,uint256)",
        lambda d: (*_state(d), d.now + d.signed(DAY)),
        _expect_now,
        "margin_words_harness",
        ENGINES,
    ),
    Formula(
        "margin_rate._requirements",
        "margin_rate.requirements",
        "requirements(uint256,uint256,uint256)",
        _requirements,
        _expect_requirements,
        "margin_words_harness",
        ENGINES,
    ),
    Formula(
        "margin_rate._towards",
        "margin_rate.towards",
        "towards(uint256,uint256,uint256,uint256)",
        lambda d: (d.upto(MAX_CAP), d.upto(MAX_CAP), d.upto(2**100), d.upto(2**100)),
        None,
        "margin_words_harness",
        ENGINES,
    ),
    Formula(
        "margin_rate._factor",
        "margin_rate.factor",
        "factor(uint256,uint256,uint256)",
        _factor,
        None,
        "margin_words_harness",
        ENGINES,
    ),
    Formula(
        "margin_rate._follow",
        "margin_rate.follow",
        "follow(uint256,uint256,uint256,uint256,uint256,uint256,bool,uint256,uint256,uint256,bool[2])",
        _follow,
        _expect_follow,
        "margin_words_harness",
        ENGINES,
    ),
    Formula("volatility._return", "volatility.log_return", "log_return(uint256,uint256)", _prices),
    Formula("volatility._variance", "volatility.variance", "variance(uint256,uint256,uint256,uint256)", _variance),
    Formula("volatility._moved", "volatility.moved", "moved(uint256,uint256,uint256,uint256)", _moved),
    Formula(
        "volatility._sigma",
        "volatility.sigma",
        "sigma(uint256,uint256)",
        lambda d: (d.upto(MAX_VARIANCE), d.upto(MAX_VARIANCE)),
    ),
    Formula("volatility._square", "volatility.square", "square(uint256)", lambda d: (d.upto(100 * WAD),)),
    Formula(
        "cure._is_open",
        "cure.is_open",
        "is_open(bytes)",
        _sequencer,
        lambda d: lambda _, status, since: cure.is_open(status, since, d.fixed[1], d.now),
        deployments=((1, 0), (1, 1), (1, HOUR), (1, DAY)),
        deploy=lambda bench, fixed: bench.deploy("cure_harness", bench.deploy("ScriptedAnswers").address, fixed[1]),
        encode=_dynamic,
    ),
    Formula(
        "cure._last_good",
        "cure.last_good",
        "last_good(bytes)",
        _last_good,
        lambda d: lambda price, time: tuple(cure.last_good(price, time, d.now)),
        deployments=((1, HOUR),),
        deploy=lambda bench, fixed: bench.deploy("cure_harness", bench.deploy("ScriptedAnswers").address, fixed[1]),
        encode=_dynamic,
    ),
    Formula(
        "cure._granted",
        "cure.granted",
        "granted(bool,uint256,uint256,uint256)",
        _granted,
        deployments=((1, HOUR),),
        deploy=lambda bench, fixed: bench.deploy("cure_harness", bench.deploy("ScriptedAnswers").address, fixed[1]),
    ),
)
"""Chapter 2 of docs/formulas.md and the cure window of chapter 3, and what stands beside them in the same modules."""
