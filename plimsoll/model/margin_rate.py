"""Margin rates and their ramps: twin of ``contracts/modules/margin_rate.vy`` (docs/formulas.md), which proves them.

Rates are WAD, worths WAD dollars, times unix seconds; `size_slope` is rate (WAD) per whole dollar. Rates and
requirements round up, a ramp's moves towards its start.
"""

from __future__ import annotations

from typing import NamedTuple

from plimsoll.model.fixed_point import WAD

HOUR = 3_600
DAY = 86_400

MIN_INITIAL_RATIO = 12 * 10**17
MAX_INITIAL_RATIO = 3 * 10**18
MIN_NOTICE = HOUR
MAX_NOTICE = 30 * DAY

MIN_FLOOR = 10**15
MAX_CAP = 5 * 10**17
MIN_SLOPE = 10**6
MAX_SLOPE = 10**14
RAMP_UNIT = 10**11
MAX_RAMP_UP = WAD
MAX_RAMP_DOWN = 10**17
ROUNDING = 10**12

MAX_WORTH = 2**197
MAX_ELAPSED = 2**40 - 1

AIM_PAUSE = HOUR
MIN_AIMED_UP = 100 * RAMP_UNIT
MIN_AIMED_DOWN = 2_400 * RAMP_UNIT
MAX_MULTIPLE = WAD
MAX_IMPACT = 100 * WAD
MAX_SIGMA = 100 * WAD
MAX_LATE = DAY
NEVER = 2**40 - 1
REFUSED = 2**201
"""Initial requirement of a balance that is refused initial margin: more than any account is worth."""
BPS = 10**14


class Parameters(NamedTuple):
    """Where an asset's margin goes, and how fast; IRiskEngine.MarginParameters."""

    floor: int
    """Smallest maintenance rate."""
    cap: int
    """Largest maintenance rate."""
    size_slope: int
    """Rate added per whole dollar of worth."""
    ramp_up: int
    """Largest rise of any account's rate, WAD per hour."""
    ramp_down: int
    """Largest fall of any account's rate, WAD per day."""


class Margin(NamedTuple):
    """The stored margin state of an asset; IRiskEngine.Margin."""

    base: int
    cap: int
    size_slope: int
    since: int
    moving: bool
    target: Parameters


class Dynamics(NamedTuple):
    """What an asset's targets follow; IRiskEngine.Dynamics without its sources."""

    multiple: int
    """Base aimed at per volatility; 0 without a source."""
    impact: int
    """Slope aimed at times the depth in dollars; 0 without a source."""
    size_limit: int
    """Size term above which a balance is refused initial margin; 0: none."""
    floor: int
    """As the owner set it."""
    size_slope: int
    """As the owner set it."""
    due: int
    """Unix time after which the initial requirement rises."""


class Measured(NamedTuple):
    """What an asset's sources answer; None where one does not."""

    volatility: tuple[int, int] | None
    """Volatility, WAD, and when the next sample is due."""
    depth: int | None
    """WAD dollars."""


NO_DYNAMICS = Dynamics(0, 0, 0, 0, 0, NEVER)
NO_ANSWER = Measured(None, None)
NO_MARGIN = Margin(0, 0, 0, 0, False, Parameters(0, 0, 0, 0, 0))


def check_engine(initial_ratio: int, notice: int) -> None:
    """Raise ValueError with the constructor's reason where the engine's own constants are out of bounds."""
    if not MIN_INITIAL_RATIO <= initial_ratio <= MAX_INITIAL_RATIO:
        raise ValueError("margin: initial ratio")
    if not MIN_NOTICE <= notice <= MAX_NOTICE:
        raise ValueError("margin: notice")


def check(parameters: Parameters, base: int, initial_ratio: int, notice: int) -> None:
    """Raise ValueError with the setter's reason where parameters are refused while `base` is the base rate in force."""
    floor, cap, slope, up, down = parameters
    if not MIN_FLOOR <= floor <= cap:
        raise ValueError("margin: floor")
    if cap >= MAX_CAP or cap * initial_ratio >= WAD * WAD:
        raise ValueError("margin: cap")
    if not MIN_SLOPE <= slope <= MAX_SLOPE:
        raise ValueError("margin: slope")
    if not RAMP_UNIT <= up <= MAX_RAMP_UP:
        raise ValueError("margin: ramp up")
    if not RAMP_UNIT <= down <= MAX_RAMP_DOWN:
        raise ValueError("margin: ramp down")
    if up % RAMP_UNIT or down % RAMP_UNIT:
        raise ValueError("margin: ramp unit")
    if up > max_ramp_up(min(base, floor), initial_ratio, notice):
        raise ValueError("margin: notice")


def max_ramp_up(base: int, initial_ratio: int, notice: int) -> int:
    """Return the fastest `ramp_up`, WAD per hour, that keeps the promise of `notice` from the rate `base` on.

    The contract's rule (ramp_up * notice + ROUNDING) * (rho + 3) <= 4 * (rho - 1) * base, notice in hours, solved for
    ramp_up; not below 0.
    """
    room = 4 * (initial_ratio - WAD) * base * HOUR // (initial_ratio + 3 * WAD)
    return max(room - ROUNDING * HOUR, 0) // notice


def list_asset(parameters: Parameters, now: int) -> Margin:
    """Return the state of an asset whose first parameters are in force at once."""
    return Margin(parameters.floor, parameters.cap, parameters.size_slope, now, False, parameters)


def set_target(margin: Margin, parameters: Parameters, now: int) -> Margin:
    """Return the state after new targets were set; the ramp starts from the rates in force."""
    base, cap, slope = in_force(margin, now)
    return Margin(base, cap, slope, now, (base, cap, slope) != parameters[:3], parameters)


def first_dynamics(parameters: Parameters) -> Dynamics:
    """Return the dynamics of an asset that is listed with these parameters: none."""
    return NO_DYNAMICS._replace(floor=parameters.floor, size_slope=parameters.size_slope)


def check_dynamics(multiple: int, impact: int, size_limit: int, speeds: Parameters) -> None:
    """Raise ValueError with the setter's reason where dynamics are refused; `speeds` are the ramps' in force."""
    if size_limit > WAD or size_limit % BPS:
        raise ValueError("margin: size limit")
    if multiple > MAX_MULTIPLE or impact > MAX_IMPACT:
        raise ValueError("margin: source")
    if multiple or impact:
        check_speeds(speeds)


def check_speeds(parameters: Parameters) -> None:
    """Raise ValueError with the setter's reason where ramps are too slow for targets that move."""
    if parameters.ramp_up < MIN_AIMED_UP or parameters.ramp_down < MIN_AIMED_DOWN:
        raise ValueError("margin: ramp too slow")


def set_margin(
    margin: Margin, dynamics: Dynamics, parameters: Parameters, measured: Measured, now: int
) -> tuple[Margin, Dynamics]:
    """Return the state after the owner set new parameters."""
    dynamics = dynamics._replace(floor=parameters.floor, size_slope=parameters.size_slope)
    return follow(margin, dynamics, parameters, measured, now, 0, anew=True)


def set_dynamics(
    margin: Margin, dynamics: Dynamics, multiple: int, impact: int, size_limit: int, measured: Measured, now: int
) -> tuple[Margin, Dynamics]:
    """Return the state after the owner chose what the targets follow."""
    dynamics = dynamics._replace(multiple=multiple, impact=impact, size_limit=size_limit, due=NEVER)
    return follow(margin, dynamics, asked(margin, dynamics), measured, now, 0)


def aim(margin: Margin, dynamics: Dynamics, measured: Measured, now: int) -> tuple[Margin, Dynamics]:
    """Return the state after a poke has asked the sources."""
    return follow(margin, dynamics, asked(margin, dynamics), measured, now, AIM_PAUSE)


def asked(margin: Margin, dynamics: Dynamics) -> Parameters:
    """Return the parameters as the owner set them."""
    return margin.target._replace(floor=dynamics.floor, size_slope=dynamics.size_slope)


def follow(
    margin: Margin,
    dynamics: Dynamics,
    parameters: Parameters,
    measured: Measured,
    now: int,
    pause: int,
    *,
    anew: bool = False,
) -> tuple[Margin, Dynamics]:
    """Return the state when the ramp goes to what was asked for, and above it where a measurement says so.

    A ramp keeps its targets for `pause` seconds, and does not start again to those it has unless `anew`.
    """
    base, slope = parameters.floor, parameters.size_slope
    if dynamics.multiple:
        target = margin.target.floor
        if measured.volatility is not None and measured.volatility[0] <= MAX_SIGMA and measured.volatility[1] < NEVER:
            sigma, due = measured.volatility
            dynamics = dynamics._replace(due=due)
            target = -(-dynamics.multiple * sigma // WAD)
        base = max(base, min(target, parameters.cap))
    if now < margin.since + pause:
        return margin, dynamics
    if dynamics.impact:
        target = margin.target.size_slope
        if measured.depth is not None:
            target = min(MAX_SLOPE, -(-dynamics.impact * WAD // measured.depth)) if measured.depth else MAX_SLOPE
        slope = max(slope, target)
    targets = parameters._replace(floor=base, size_slope=slope)
    if not anew and targets == margin.target:
        return margin, dynamics
    return set_target(margin, targets, now), dynamics


def settle(margin: Margin, now: int) -> Margin:
    """Return the state after a poke: arrived, if the ramp has, else unchanged."""
    if not margin.moving or in_force(margin, now) != margin.target[:3]:
        return margin
    return margin._replace(
        base=margin.target.floor, cap=margin.target.cap, size_slope=margin.target.size_slope, moving=False
    )


def in_force(margin: Margin, at_time: int) -> tuple[int, int, int]:
    """Return base, cap and slope at a time; before the ramp's start they are those of its start."""
    if not margin.moving:
        return margin.base, margin.cap, margin.size_slope
    target = margin.target
    dt = min(max(at_time - margin.since, 0), MAX_ELAPSED)
    up, down = target.ramp_up * dt, target.ramp_down * dt
    rise, fall = up // (2 * HOUR), down // (2 * DAY)
    larger_cap = max(margin.cap, target.cap)
    slope = target.size_slope
    if margin.size_slope < slope:
        slope = min(slope, margin.size_slope * factor(up, 2 * HOUR, larger_cap) // WAD)
    elif margin.size_slope > slope:
        slope = max(slope, -(-margin.size_slope * WAD // factor(down, 2 * DAY, larger_cap)))
    return towards(margin.base, target.floor, rise, fall), towards(margin.cap, target.cap, rise, fall), slope


def factor(move: int, unit: int, cap: int) -> int:
    """Return 1 + x + x**2 / 2 for x = move / (unit * cap), WAD, rounded down."""
    x = move * WAD // (unit * cap)
    return WAD + x + x * x // (2 * WAD)


def towards(start: int, target: int, rise: int, fall: int) -> int:
    """Return `start` moved towards `target` by at most `rise` or `fall`."""
    return min(target, start + rise) if start < target else max(target, start - fall)


def rate(margin: Margin, worth: int, at_time: int) -> int:
    """Return the maintenance rate of a balance, rounded up; 0 for an asset that is not listed."""
    base, cap, slope = in_force(margin, at_time)
    return min(cap, base - (-slope * min(worth, MAX_WORTH) // WAD))


def requirements(
    margin: Margin, worth: int, at_time: int, initial_ratio: int, dynamics: Dynamics = NO_DYNAMICS
) -> tuple[int, int]:
    """Return maintenance and initial requirement of a balance, each rounded up."""
    m = rate(margin, worth, at_time)
    maintenance = -(-worth * m // WAD)
    _, cap, slope = in_force(margin, at_time)
    if dynamics.size_limit and -(-slope * min(worth, MAX_WORTH) // WAD) > dynamics.size_limit:
        return maintenance, REFUSED
    late = min(max(at_time - dynamics.due, 0), MAX_LATE)
    raised = min(cap, -(-m * (MAX_LATE + late) // MAX_LATE))
    return maintenance, initial(-(-worth * raised // WAD), initial_ratio)


def initial(maintenance: int, initial_ratio: int) -> int:
    """Return the initial requirement that goes with a maintenance requirement, rounded up."""
    return -(-maintenance * initial_ratio // WAD)
