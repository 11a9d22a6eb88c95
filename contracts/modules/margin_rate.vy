# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Margin rates and their ramps
@license AGPL-3.0
@notice The maintenance rate of a balance worth `value` dollars is

            m(value) = min(cap, base + slope * value)

        and the initial requirement is `initial_ratio` (rho) times the maintenance requirement. Base, cap and slope go to targets. The cap's
        is set by the owner, and so are the others' of an asset without dynamics. With them, anyone's poke aims at

            base     clamp(multiple * sigma, floor, cap)                       multiple = z * sqrt(horizon / year)
            slope    clamp(impact / depth, size_slope, MAX_SLOPE)              depth in dollars

        with floor, cap and size_slope as the owner set them: no measurement takes a target below what he asked for.

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
        start that was rounded down by one unit of slope hides at most MAX_CAP / MIN_SLOPE of rate. What is aimed at does not enter:
        it is never below the floor, so the base stays at or above min(base at the setter, floor), for whatever pokes between two setters.

        **No poke freezes or hurries a ramp.** A poke aims anew only where a target has changed, AIM_PAUSE after the last
        aim or setter at the earliest, and from the rates in force. Nothing is hurried, as above. Each restart rounds base, cap and
        slope towards where they come from, by less than one unit. With the least speeds of an asset with dynamics, base and cap move by
        5e12 units in AIM_PAUSE and a slope by a part of 1e-5 of itself, 10 units or more: however often and at whatever moments anyone
        pokes, a ramp keeps nine tenths of its speed at the smallest slope, and all but 1e-4 of it from a slope of 1e9 (0.1 % for a million
        dollars). What was aimed at for a moment holds for AIM_PAUSE: a market that is emptied for each poke raises a rate as fast as its
        ramp and no faster.

        **A source that fails, or answers above its bound, leaves the targets as they are.** Each is called with a fixed amount of gas,
        never with less because the caller brought little ("margin: gas").

        **A missing sample raises the initial requirement only.** Past `due`, as the volatility source named it at the last poke, the
        initial requirement is rho times that of the rate min(cap, m * (1 + late)), `late` the days since, at most 1. The maintenance
        requirement never moves by time that passes without a sample. To a balance whose size term slope * value exceeds the asset's
        `size_limit`, initial margin is refused: it requires REFUSED, more than any account is worth.
@dev Two words per asset. The first is all that a rate needs while no ramp is under way; from the low end:

            base 64 | cap 64 | slope 64 | moving 1 | due 40 | size limit 14

     as they were at `since`, and in the second word

            base 59 | cap 59 | slope 47 (targets) | up 24 | down 24 | since 40

     Stored rates are exact (WAD); speeds are in units of RAMP_UNIT, the size limit in basis points (0: none); a `due` of NEVER is none.
     What only pokes, setters and liquidations in doubt read:

            floor 59 | 0 59 | size_slope 47
            volatility 160 | multiple 96
            depth 160 | impact 96
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

AIM_PAUSE: constant(uint256) = HOUR
MIN_AIMED_UP: constant(uint256) = 100          # RAMP_UNIT per hour: least speeds of a ramp that pokes restart
MIN_AIMED_DOWN: constant(uint256) = 2400       # RAMP_UNIT per day
MAX_MULTIPLE: constant(uint256) = WAD          # 3 deviations in 40 days
MAX_IMPACT: constant(uint256) = 100 * WAD
MAX_SIGMA: constant(uint256) = 100 * WAD
MAX_LATE: constant(uint256) = DAY
NEVER: constant(uint256) = 2**40 - 1           # unix time
REFUSED: constant(uint256) = 2**201            # > 12 * MAX_WORTH and what position modules may add
VOLATILITY_GAS: constant(uint256) = 100_000
DEPTH_GAS: constant(uint256) = 3_000_000       # see IDepthSource
ASKING_GAS: constant(uint256) = 10_000         # a cold call, and what comes between the check and it

WAD_PER_BPS: constant(uint256) = 10**14
ADDRESS: constant(uint256) = 2**160 - 1

MOVING: constant(uint256) = 1 << 192
STATE: constant(uint256) = 2**193 - 1
DUE: constant(uint256) = 193
SIZE_LIMIT: constant(uint256) = 233
MASK_24: constant(uint256) = 2**24 - 1
MASK_40: constant(uint256) = 2**40 - 1
MASK_47: constant(uint256) = 2**47 - 1
MASK_59: constant(uint256) = 2**59 - 1
MASK_64: constant(uint256) = 2**64 - 1
FLOORS: constant(uint256) = MASK_59 | MASK_47 << 118
TARGETS: constant(uint256) = FLOORS | MASK_59 << 59
SETTINGS: constant(uint256) = MASK_59 << 59 | MASK_24 << 165 | MASK_24 << 189

initial_ratio: public(immutable(uint256))
notice: public(immutable(uint256))

_rates: HashMap[uint256, uint256]
_ramps: HashMap[uint256, uint256]
_floors: HashMap[uint256, uint256]
_volatilities: HashMap[uint256, uint256]
_depths: HashMap[uint256, uint256]


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
    ramp: uint256 = self._pack_ramp(parameters)
    self._rates[key] = self._pack(parameters.floor, parameters.cap, parameters.size_slope, 0) | NEVER << DUE
    self._ramps[key] = ramp
    self._floors[key] = ramp & FLOORS


@internal
def _set(key: uint256, parameters: IRiskEngine.MarginParameters):
    """
    @notice What the owner asks for from now on. The ramp starts from the rates in force now.
    """
    self._check(parameters, self._now(key, block.timestamp)[0])
    ramp: uint256 = self._pack_ramp(parameters)
    self._floors[key] = ramp & FLOORS
    log IRiskEngine.MarginSet(key=key, parameters=parameters)
    self._follow(key, ramp, 0, True)


@internal
def _set_dynamics(key: uint256, parameters: IRiskEngine.DynamicParameters):
    """
    @notice What an asset's targets follow from now on, and how large a part of its market an account may be.
    """
    assert parameters.size_limit <= WAD and parameters.size_limit % WAD_PER_BPS == 0, "margin: size limit"
    self._volatilities[key] = self._pack_source(parameters.volatility, parameters.multiple, MAX_MULTIPLE)
    self._depths[key] = self._pack_source(parameters.depth, parameters.impact, MAX_IMPACT)
    self._rates[key] = self._rates[key] & STATE | NEVER << DUE | (parameters.size_limit // WAD_PER_BPS) << SIZE_LIMIT
    log IRiskEngine.DynamicsSet(key=key, parameters=parameters)
    self._follow(key, self._asked(key), 0, False)


@internal
def _aim(key: uint256):
    """
    @notice Ask an asset's sources where its margin should be.
    """
    if self._has_dynamics(key):
        self._follow(key, self._asked(key), AIM_PAUSE, False)


@internal
def _follow(key: uint256, asked: uint256, pause: uint256, anew: bool):
    """
    @notice Let the ramp go from the rates in force to what was asked for, and above it where a measurement says so.
    @param asked The second word of an asset as its owner set it, since now.
    @param pause Seconds for which a ramp that started keeps its targets.
    @param anew Whether the ramp starts anew even to the targets it has.
    """
    if self._has_dynamics(key):
        swift: bool = (asked >> 165) & MASK_24 >= MIN_AIMED_UP and (asked >> 189) & MASK_24 >= MIN_AIMED_DOWN
        assert swift, "margin: ramp too slow"
    word: uint256 = self._rates[key]
    ramp: uint256 = self._ramps[key]
    before: uint256 = word
    base: uint256 = asked & MASK_59
    slope: uint256 = (asked >> 118) & MASK_47
    answer: Bytes[96] = b""
    source: uint256 = self._volatilities[key]
    if source != 0:
        target: uint256 = ramp & MASK_59
        answer = self._ask(source, abi_encode(key, method_id=method_id("measure(uint256)")), VOLATILITY_GAS)
        if len(answer) == 64:
            sigma: uint256 = extract32(answer, 0, output_type=uint256)
            due: uint256 = extract32(answer, 32, output_type=uint256)
            if sigma <= MAX_SIGMA and due < NEVER:
                word = word & ~(MASK_40 << DUE) | due << DUE
                target = unsafe_div(unsafe_add(unsafe_mul(source >> 160, sigma), WAD - 1), WAD)
        base = max(base, min(target, (asked >> 59) & MASK_59))
        self._rates[key] = word
    targets: uint256 = ramp & FLOORS
    changed: bool = word != before
    if block.timestamp >= unsafe_add(ramp >> 213, pause):
        source = self._depths[key]
        if source != 0:
            target: uint256 = (ramp >> 118) & MASK_47
            answer = self._ask(source, method_id("depth()"), DEPTH_GAS)
            if len(answer) == 32:
                depth: uint256 = extract32(answer, 0, output_type=uint256)
                target = MAX_SLOPE
                if depth != 0:
                    impact: uint256 = unsafe_mul(source >> 160, WAD)
                    target = min(MAX_SLOPE, unsafe_add(unsafe_div(unsafe_sub(impact, 1), depth), 1))
            slope = max(slope, target)
        targets = base | slope << 118
        known: uint256 = (asked if anew else ramp) & FLOORS
        changed = changed or targets != known
        if anew or targets != known:
            self._restart(key, word, asked & ~FLOORS | targets)
    if changed:
        log IRiskEngine.Aimed(
            key=key, floor=targets & MASK_59, size_slope=targets >> 118, due=(word >> DUE) & MASK_40
        )


@internal
def _restart(key: uint256, word: uint256, ramp: uint256):
    """
    @notice Start a ramp from the rates in force.
    @param word The first word of the asset, of which what goes beyond those rates stays.
    @param ramp The second one.
    """
    base: uint256 = 0
    cap: uint256 = 0
    slope: uint256 = 0
    base, cap, slope = self._now(key, block.timestamp)
    moving: uint256 = MOVING
    if base | cap << 59 | slope << 118 == ramp & TARGETS:
        moving = 0
    self._rates[key] = self._pack(base, cap, slope, moving) | word & ~STATE
    self._ramps[key] = ramp


@internal
def _settle(key: uint256):
    """
    @notice Once a ramp has arrived, store that, so that later readings cost one word.
    @dev Before it has, there is nothing to store: its start and speeds say where it is at any time.
    """
    word: uint256 = self._rates[key]
    if word & MOVING == 0:
        return
    base: uint256 = 0
    cap: uint256 = 0
    slope: uint256 = 0
    base, cap, slope = self._now(key, block.timestamp)
    if base | cap << 59 | slope << 118 != self._ramps[key] & TARGETS:
        return
    self._rates[key] = self._pack(base, cap, slope, 0) | word & ~STATE
    log IRiskEngine.Poked(key=key, floor=base, cap=cap, size_slope=slope)


@view
@internal
def _rate(key: uint256, worth: uint256, at_time: uint256) -> uint256:
    """
    @notice Maintenance rate of a balance. 0 only for a key that is not listed.
    @param worth WAD dollars; above MAX_WORTH counts as MAX_WORTH.
    @param at_time Unix time; before the ramp's start counts as its start.
    @return WAD, rounded up.
    """
    return self._rates_of(key, self._rates[key], worth, at_time)[0]


@view
@internal
def _requirements(key: uint256, worth: uint256) -> (uint256, uint256):
    """
    @notice What a balance requires now.
    @param worth WAD dollars, below MAX_WORTH and at most (2**256 - 2**129) / 1e18.
    @return Maintenance and initial requirement, WAD dollars, each rounded up: not 0 unless the worth is, for a listed asset.
    @dev A rate below 1/2, and initial_ratio * cap below 1, keep the products below 2**256.
    """
    word: uint256 = self._rates[key]
    rate: uint256 = 0
    size: uint256 = 0
    cap: uint256 = 0
    rate, size, cap = self._rates_of(key, word, worth, block.timestamp)
    maintenance: uint256 = unsafe_div(unsafe_add(unsafe_mul(worth, rate), WAD - 1), WAD)
    limit: uint256 = word >> SIZE_LIMIT
    if limit != 0 and size > unsafe_mul(limit, WAD_PER_BPS):
        return maintenance, REFUSED
    required: uint256 = maintenance
    due: uint256 = (word >> DUE) & MASK_40
    if block.timestamp > due:
        late: uint256 = min(unsafe_sub(block.timestamp, due), MAX_LATE)
        rate = min(cap, unsafe_div(unsafe_add(unsafe_mul(rate, unsafe_add(MAX_LATE, late)), MAX_LATE - 1), MAX_LATE))
        required = unsafe_div(unsafe_add(unsafe_mul(worth, rate), WAD - 1), WAD)
    return maintenance, unsafe_div(unsafe_add(unsafe_mul(required, initial_ratio), WAD - 1), WAD)


@view
@internal
def _maintenance(key: uint256, worth: uint256) -> uint256:
    """
    @notice The maintenance requirement of a balance now, as `_requirements` says.
    """
    return unsafe_div(unsafe_add(unsafe_mul(worth, self._rate(key, worth, block.timestamp)), WAD - 1), WAD)


@view
@internal
def _rates_of(key: uint256, word: uint256, worth: uint256, at_time: uint256) -> (uint256, uint256, uint256):
    """
    @param word The asset's first word.
    @return Maintenance rate of a balance, rounded up, its size term before the cap, rounded up, and the cap in force.
    """
    base: uint256 = word & MASK_64
    cap: uint256 = (word >> 64) & MASK_64
    slope: uint256 = (word >> 128) & MASK_64
    if word & MOVING != 0:
        base, cap, slope = self._moved(base, cap, slope, self._ramps[key], at_time)
    size: uint256 = unsafe_div(unsafe_add(unsafe_mul(slope, min(worth, MAX_WORTH)), WAD - 1), WAD)
    return min(cap, unsafe_add(base, size)), size, cap


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
        target=self._unpack_ramp(ramp),
    )


@view
@internal
def _dynamics(key: uint256) -> IRiskEngine.Dynamics:
    volatility: uint256 = self._volatilities[key]
    depth: uint256 = self._depths[key]
    word: uint256 = self._rates[key]
    floors: uint256 = self._floors[key]
    return IRiskEngine.Dynamics(
        volatility=convert(volatility & ADDRESS, address),
        multiple=volatility >> 160,
        depth=convert(depth & ADDRESS, address),
        impact=depth >> 160,
        size_limit=(word >> SIZE_LIMIT) * WAD_PER_BPS,
        floor=floors & MASK_59,
        size_slope=floors >> 118,
        due=(word >> DUE) & MASK_40,
    )


@view
@internal
def _as_set(key: uint256) -> IRiskEngine.MarginParameters:
    """
    @return What the owner asked for last.
    """
    return self._unpack_ramp(self._asked(key))


@view
@internal
def _asked(key: uint256) -> uint256:
    """
    @return The second word of an asset as its owner set it, since now.
    """
    return self._ramps[key] & SETTINGS | self._floors[key] | block.timestamp << 213


@view
@internal
def _has_dynamics(key: uint256) -> bool:
    return self._volatilities[key] | self._depths[key] != 0


@view
@internal
def _ask(source: uint256, question: Bytes[36], allowance: uint256) -> Bytes[96]:
    """
    @param source An address, in the low bits.
    @param allowance Gas that the source gets, never less.
    @return The first 96 bytes of what it answered; nothing if it failed.
    """
    assert msg.gas >= unsafe_add(unsafe_add(allowance, allowance // 32), ASKING_GAS), "margin: gas"
    success: bool = False
    answer: Bytes[96] = b""
    success, answer = raw_call(
        convert(source & ADDRESS, address),
        question,
        max_outsize=96,
        gas=allowance,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success:
        return b""
    return answer


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
    assert parameters.floor >= MIN_FLOOR and parameters.floor <= parameters.cap, "margin: floor"
    assert parameters.cap < MAX_CAP and unsafe_mul(parameters.cap, initial_ratio) < WAD * WAD, "margin: cap"
    assert parameters.size_slope >= MIN_SLOPE and parameters.size_slope <= MAX_SLOPE, "margin: slope"
    assert parameters.ramp_up >= RAMP_UNIT and parameters.ramp_up <= MAX_RAMP_UP, "margin: ramp up"
    assert parameters.ramp_down >= RAMP_UNIT and parameters.ramp_down <= MAX_RAMP_DOWN, "margin: ramp down"
    assert parameters.ramp_up % RAMP_UNIT == 0 and parameters.ramp_down % RAMP_UNIT == 0, "margin: ramp unit"
    rise: uint256 = unsafe_add(unsafe_mul(parameters.ramp_up, notice), ROUNDING * HOUR)
    room: uint256 = unsafe_mul(unsafe_mul(unsafe_sub(initial_ratio, WAD), min(base, parameters.floor)), 4 * HOUR)
    assert unsafe_mul(rise, unsafe_add(initial_ratio, 3 * WAD)) <= room, "margin: notice"


@pure
@internal
def _pack(base: uint256, cap: uint256, slope: uint256, moving: uint256) -> uint256:
    return base | cap << 64 | slope << 128 | moving


@view
@internal
def _pack_source(source: address, factor: uint256, most: uint256) -> uint256:
    word: uint256 = convert(source, uint256) | factor << 160
    assert factor <= most and (word == 0 or (source.is_contract and factor != 0)), "margin: source"
    return word


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


@pure
@internal
def _unpack_ramp(ramp: uint256) -> IRiskEngine.MarginParameters:
    return IRiskEngine.MarginParameters(
        floor=ramp & MASK_59,
        cap=(ramp >> 59) & MASK_59,
        size_slope=(ramp >> 118) & MASK_47,
        ramp_up=((ramp >> 165) & MASK_24) * RAMP_UNIT,
        ramp_down=((ramp >> 189) & MASK_24) * RAMP_UNIT,
    )
