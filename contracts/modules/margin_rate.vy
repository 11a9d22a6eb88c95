# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Margin rates and their ramps
@license AGPL-3.0
@notice The maintenance rate of a balance worth `value` dollars is

            m(value) = min(cap, base + slope * value)

        and the initial requirement is `initial_ratio` (rho) times the maintenance requirement. The base is the asset's
        floor. A volatility-driven base, clamped to [floor, cap], is one more way to choose the base's *target*: nothing
        below asks where a target comes from, or how often it changes.

        **Ramps.** Base, cap and slope never jump. From what was in force when the targets were set, after a time dt,

            base, cap    move towards their targets by  up * dt / 2  (hours), or by  down * dt / 2  (days)
            slope        moves by the factor  1 + x + x**2 / 2,  up, or its inverse, down,
                         with  x = (up or down) * dt / (2 * the larger of the stored and the target cap)

        so a rate is a function of the stored start and the time: reading or storing it more often changes nothing.

        **No account's rate rises faster than `up`, nor falls faster than `down`, for any value.** While the cap binds,
        the rate is the cap, which moves at up/2. While it does not, slope * value <= cap - base < cap. The factor's
        relative speed (1 + x) / (1 + x + x**2/2) * x' never exceeds x' = up / (2 * cap), so slope * value moves at no
        more than cap * x' = up/2, and the base at up/2. This holds at every instant, therefore over every span of time,
        however often new targets restart the ramp.

        **An account at initial margin stays at or above maintenance for `notice` seconds of parameter changes alone.**
        It does if its rate m becomes at most rho * m, and m >= base: its maintenance requirement is then covered by
        the initial requirement it met, both being rounded up asset by asset. A single ramp needs up * notice <=
        (rho - 1) * base. But a ramp that is set later may be faster, because the base has risen meanwhile. With the rule

            up * notice <= 4 * (rho - 1) / (rho + 3) * min(base in force, floor aimed at)

        the worst sequence of setters gives base' = up/2 = k * base / (2 * notice), so that in `notice` the rate rises
        by at most 2 * base * (e**(k/2) - 1), which is at most (rho - 1) * base if k <= 2 * ln(1 + (rho - 1)/2), and
        4 * (rho - 1) / (rho + 3) is below that, because ln(1 + y) >= 2y / (2 + y). `ROUNDING` is set aside for integers: a
        start that was rounded down by one unit of slope hides at most MAX_CAP / MIN_SLOPE of rate.
@dev Two words per asset. The first is all that a rate needs while no ramp is under way; from the low end:

            base 64 | cap 64 | slope 64 | moving 1

     as they were at `since`, and in the second word

            base 59 | cap 59 | slope 47 (targets) | up 24 | down 24 | since 40

     Stored rates are exact (WAD); speeds are in units of RAMP_UNIT.
"""

from contracts.interfaces import IRiskEngine

WAD: constant(uint256) = 10**18
HOUR: constant(uint256) = 3600
DAY: constant(uint256) = 86400

MIN_INITIAL_RATIO: constant(uint256) = 12 * 10**17
MAX_INITIAL_RATIO: constant(uint256) = 3 * 10**18
MIN_NOTICE: constant(uint256) = HOUR
MAX_NOTICE: constant(uint256) = 30 * DAY

MIN_FLOOR: constant(uint256) = 10**15          # 0.1 %
MAX_CAP: constant(uint256) = 5 * 10**17        # exclusive: keeps the marginal rate, 2 * cap - base at most, below 1
MIN_SLOPE: constant(uint256) = 10**6           # 1 % more for ten billion dollars
MAX_SLOPE: constant(uint256) = 10**14          # 10 % more for a thousand dollars
RAMP_UNIT: constant(uint256) = 10**11          # 0.00001 %
MAX_RAMP_UP: constant(uint256) = WAD           # per hour; the rule of `notice` is stricter
MAX_RAMP_DOWN: constant(uint256) = 10**17      # per day
ROUNDING: constant(uint256) = 10**12           # >= MAX_CAP / MIN_SLOPE + 3, WAD

MAX_WORTH: constant(uint256) = 2**197          # no balance below 2**128 units at a price below 2**128 is worth more
MAX_ELAPSED: constant(uint256) = 2**40 - 1     # seconds; every ramp has arrived by then

MOVING: constant(uint256) = 1 << 192
MASK_24: constant(uint256) = 2**24 - 1
MASK_47: constant(uint256) = 2**47 - 1
MASK_59: constant(uint256) = 2**59 - 1
MASK_64: constant(uint256) = 2**64 - 1

initial_ratio: public(immutable(uint256))
notice: public(immutable(uint256))

_rates: HashMap[uint256, uint256]
_ramps: HashMap[uint256, uint256]


@deploy
def __init__(initial_ratio_: uint256, notice_: uint256):
    """
    @param initial_ratio_ Initial over maintenance requirement, WAD, in [1.2, 3].
    @param notice_ Seconds for which parameters alone cannot make an account at initial margin liquidatable, 1 hour to 30 days.
    """
    assert initial_ratio_ >= MIN_INITIAL_RATIO, "margin: initial ratio"
    assert initial_ratio_ <= MAX_INITIAL_RATIO, "margin: initial ratio"
    assert notice_ >= MIN_NOTICE, "margin: notice"
    assert notice_ <= MAX_NOTICE, "margin: notice"
    initial_ratio = initial_ratio_
    notice = notice_


@internal
def _list(key: uint256, parameters: IRiskEngine.MarginParameters):
    """
    @notice The first parameters of an asset nobody holds yet: in force at once.
    """
    self._check(parameters, parameters.floor)
    self._rates[key] = self._pack(parameters.floor, parameters.cap, parameters.size_slope, 0)
    self._ramps[key] = self._pack_ramp(parameters)


@internal
def _set(key: uint256, parameters: IRiskEngine.MarginParameters):
    """
    @notice New targets and speeds. The ramp starts from the rates in force now.
    """
    base: uint256 = 0
    cap: uint256 = 0
    slope: uint256 = 0
    base, cap, slope = self._now(key, block.timestamp)
    self._check(parameters, base)
    moving: uint256 = MOVING
    if base == parameters.floor and cap == parameters.cap and slope == parameters.size_slope:
        moving = 0
    self._rates[key] = self._pack(base, cap, slope, moving)
    self._ramps[key] = self._pack_ramp(parameters)


@internal
def _settle(key: uint256) -> bool:
    """
    @notice Once a ramp has arrived, store that, so that later readings cost one word.
    @dev Before it has, there is nothing to store: its start and speeds say where it is at any time.
    @return Whether it arrived now.
    """
    if self._rates[key] & MOVING == 0:
        return False
    base: uint256 = 0
    cap: uint256 = 0
    slope: uint256 = 0
    base, cap, slope = self._now(key, block.timestamp)
    ramp: uint256 = self._ramps[key]
    if base != ramp & MASK_59 or cap != (ramp >> 59) & MASK_59 or slope != (ramp >> 118) & MASK_47:
        return False
    self._rates[key] = self._pack(base, cap, slope, 0)
    return True


@view
@internal
def _rate(key: uint256, worth: uint256, at_time: uint256) -> uint256:
    """
    @notice Maintenance rate of a balance. 0 only for a key that is not listed.
    @param worth WAD dollars; above MAX_WORTH counts as MAX_WORTH.
    @param at_time Unix time; before the ramp's start counts as its start.
    @return WAD, rounded up.
    """
    word: uint256 = self._rates[key]
    base: uint256 = word & MASK_64
    cap: uint256 = (word >> 64) & MASK_64
    slope: uint256 = (word >> 128) & MASK_64
    if word & MOVING != 0:
        base, cap, slope = self._moved(base, cap, slope, self._ramps[key], at_time)
    size: uint256 = unsafe_div(unsafe_add(unsafe_mul(slope, min(worth, MAX_WORTH)), WAD - 1), WAD)
    return min(cap, unsafe_add(base, size))


@view
@internal
def _requirements(key: uint256, worth: uint256) -> (uint256, uint256):
    """
    @notice What a balance requires now.
    @param worth WAD dollars, below MAX_WORTH and at most (2**256 - 2**129) / 1e18.
    @return Maintenance and initial requirement, WAD dollars, each rounded up: not 0 unless the worth is, for a listed asset.
    @dev A rate below 1/2, and initial_ratio * cap below 1, keep both products below 2**256.
    """
    maintenance: uint256 = unsafe_div(
        unsafe_add(unsafe_mul(worth, self._rate(key, worth, block.timestamp)), WAD - 1), WAD
    )
    return maintenance, self._initial(maintenance)


@view
@internal
def _initial(maintenance: uint256) -> uint256:
    """
    @return The initial requirement that goes with a maintenance requirement, WAD dollars, rounded up.
    """
    return unsafe_div(unsafe_add(unsafe_mul(maintenance, initial_ratio), WAD - 1), WAD)


@view
@internal
def _now(key: uint256, at_time: uint256) -> (uint256, uint256, uint256):
    """
    @return Base, cap and slope in force, WAD.
    """
    word: uint256 = self._rates[key]
    base: uint256 = word & MASK_64
    cap: uint256 = (word >> 64) & MASK_64
    slope: uint256 = (word >> 128) & MASK_64
    if word & MOVING == 0:
        return base, cap, slope
    return self._moved(base, cap, slope, self._ramps[key], at_time)


@view
@internal
def _state(key: uint256) -> IRiskEngine.Margin:
    word: uint256 = self._rates[key]
    ramp: uint256 = self._ramps[key]
    return IRiskEngine.Margin(
        base=word & MASK_64,
        cap=(word >> 64) & MASK_64,
        size_slope=(word >> 128) & MASK_64,
        since=ramp >> 213,
        moving=word & MOVING != 0,
        target=IRiskEngine.MarginParameters(
            floor=ramp & MASK_59,
            cap=(ramp >> 59) & MASK_59,
            size_slope=(ramp >> 118) & MASK_47,
            ramp_up=((ramp >> 165) & MASK_24) * RAMP_UNIT,
            ramp_down=((ramp >> 189) & MASK_24) * RAMP_UNIT,
        ),
    )


@pure
@internal
def _moved(base: uint256, cap: uint256, slope: uint256, ramp: uint256, at_time: uint256) -> (uint256, uint256, uint256):
    """
    @notice Where a ramp is. Every move is rounded towards its start.
    @dev up <= 1e18 and dt < 2**40, so x < 2**98 and the factor < 2**136; slope < 2**47.
    """
    since: uint256 = ramp >> 213
    dt: uint256 = min(unsafe_sub(max(at_time, since), since), MAX_ELAPSED)
    up: uint256 = unsafe_mul(unsafe_mul((ramp >> 165) & MASK_24, RAMP_UNIT), dt)
    down: uint256 = unsafe_mul(unsafe_mul((ramp >> 189) & MASK_24, RAMP_UNIT), dt)
    rise: uint256 = unsafe_div(up, 2 * HOUR)
    fall: uint256 = unsafe_div(down, 2 * DAY)
    target_cap: uint256 = (ramp >> 59) & MASK_59
    target_slope: uint256 = (ramp >> 118) & MASK_47
    moved_slope: uint256 = target_slope
    if slope < target_slope:
        moved_slope = min(target_slope, unsafe_div(unsafe_mul(slope, self._factor(up, 2 * HOUR, max(cap, target_cap))), WAD))
    elif slope > target_slope:
        factor: uint256 = self._factor(down, 2 * DAY, max(cap, target_cap))
        moved_slope = max(target_slope, unsafe_div(unsafe_add(unsafe_mul(slope, WAD), unsafe_sub(factor, 1)), factor))
    return self._towards(base, ramp & MASK_59, rise, fall), self._towards(cap, target_cap, rise, fall), moved_slope


@pure
@internal
def _factor(move: uint256, unit: uint256, cap: uint256) -> uint256:
    """
    @return 1 + x + x**2 / 2 for x = move / (unit * cap), WAD, rounded down.
    """
    x: uint256 = unsafe_div(unsafe_mul(move, WAD), unsafe_mul(unit, cap))
    return unsafe_add(unsafe_add(WAD, x), unsafe_div(unsafe_mul(x, x), 2 * WAD))


@pure
@internal
def _towards(start: uint256, target: uint256, rise: uint256, fall: uint256) -> uint256:
    if start < target:
        return min(target, unsafe_add(start, rise))
    return max(target, unsafe_sub(start, min(start, fall)))


@view
@internal
def _check(parameters: IRiskEngine.MarginParameters, base: uint256):
    """
    @param base The base rate in force when the parameters take effect, WAD.
    """
    assert parameters.floor >= MIN_FLOOR, "margin: floor"
    assert parameters.floor <= parameters.cap, "margin: floor"
    assert parameters.cap < MAX_CAP, "margin: cap"
    assert parameters.cap * initial_ratio < WAD * WAD, "margin: cap"
    assert parameters.size_slope >= MIN_SLOPE, "margin: slope"
    assert parameters.size_slope <= MAX_SLOPE, "margin: slope"
    assert parameters.ramp_up >= RAMP_UNIT, "margin: ramp up"
    assert parameters.ramp_up <= MAX_RAMP_UP, "margin: ramp up"
    assert parameters.ramp_down >= RAMP_UNIT, "margin: ramp down"
    assert parameters.ramp_down <= MAX_RAMP_DOWN, "margin: ramp down"
    assert parameters.ramp_up % RAMP_UNIT == 0, "margin: ramp unit"
    assert parameters.ramp_down % RAMP_UNIT == 0, "margin: ramp unit"
    rise: uint256 = parameters.ramp_up * notice + ROUNDING * HOUR
    room: uint256 = 4 * (initial_ratio - WAD) * min(base, parameters.floor) * HOUR
    assert rise * (initial_ratio + 3 * WAD) <= room, "margin: notice"


@pure
@internal
def _pack(base: uint256, cap: uint256, slope: uint256, moving: uint256) -> uint256:
    return base | cap << 64 | slope << 128 | moving


@view
@internal
def _pack_ramp(parameters: IRiskEngine.MarginParameters) -> uint256:
    return (
        parameters.floor
        | parameters.cap << 59
        | parameters.size_slope << 118
        | parameters.ramp_up // RAMP_UNIT << 165
        | parameters.ramp_down // RAMP_UNIT << 189
        | block.timestamp << 213
    )
