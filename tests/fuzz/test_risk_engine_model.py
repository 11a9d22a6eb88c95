"""The risk engine against its model, to the unit, and properties of both (invariants 15, 16, 18; failure 7)."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from plimsoll.chain import Revert, RevmChain
from plimsoll.model import cure, exposure, margin_rate, price_oracle, risk_engine
from plimsoll.model.margin_rate import (
    MAX_CAP,
    MAX_SLOPE,
    MIN_FLOOR,
    MIN_SLOPE,
    NEVER,
    RAMP_UNIT,
    Dynamics,
    Margin,
    Measured,
)
from plimsoll.model.price_oracle import DEAD, OK, STALE, WAD_PER_BPS, WIDE
from plimsoll.model.price_source import Reading
from tests.support.risk import BPS, DAY, HOUR, MARGIN, PRICES, WAD, WIDE_DELAY, Answer, Risk

GENESIS = 1_700_000_000

# Values spread over their magnitudes, corners included


def magnitudes(largest: int, smallest: int = 0) -> st.SearchStrategy[int]:
    """Integers from `smallest` to `largest`, every bit length as likely."""
    bits = st.integers(smallest.bit_length(), largest.bit_length())
    scaled = bits.flatmap(lambda n: st.integers(max(smallest, (1 << n) >> 1), min(largest, (1 << n) - 1 or 0)))
    return st.one_of(st.sampled_from([smallest, largest]), scaled)


PRICES_AROUND = st.one_of(magnitudes(2**128 - 1, 1), st.integers(990, 1_010).map(lambda part: part * 10**18))
AMOUNTS = magnitudes(2**128 - 1)
FLAGS = st.sampled_from([0, 1, 1, 1, 1, 2])


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """What a source may say: mostly one of a few numbers, so that sources meet, tie and disagree; else anything."""
    if draw(st.booleans()):
        few, age, flag = st.integers(1, 12), st.sampled_from([0, 1, 1, HOUR]), st.sampled_from([1, 1, 0])
        price = draw(few)
        return Reading(price, draw(st.one_of(st.just(price), few)), GENESIS - draw(age), draw(flag), draw(flag))
    if draw(st.integers(0, 9)) == 0:
        return None
    price = draw(st.one_of(PRICES_AROUND, PRICES_AROUND, st.sampled_from([0, 2**128, 2**256 - 1])))
    clamped = price if draw(st.booleans()) else draw(st.one_of(PRICES_AROUND, st.sampled_from([0, 2**128])))
    age = draw(st.one_of(st.integers(0, 10 * HOUR), st.integers(-1, GENESIS)))
    return Reading(price, clamped, max(GENESIS - age, 0), draw(FLAGS), draw(FLAGS))


@st.composite
def price_parameters(draw: st.DrawFn, count: int) -> price_oracle.Parameters:
    low, high = sorted((draw(st.integers(0, 2_500)), draw(st.integers(0, 2_500))))
    numbers = (draw(st.integers(0, 2_000)), low, draw(st.integers(0, 2_500)), high)
    return price_oracle.Parameters(draw(st.integers(1, count)), *(number * WAD_PER_BPS for number in numbers))


def up_for(base: int, floor: int, ratio: int, notice: int) -> int:
    return margin_rate.max_ramp_up(min(base, floor), ratio, notice) // RAMP_UNIT


@st.composite
def margin_parameters(draw: st.DrawFn, base: int | None, ratio: int, notice: int) -> margin_rate.Parameters:
    """Any parameters that the setter accepts while `base` is in force (None: at the listing)."""
    highest = min(MAX_CAP - 1, (WAD * WAD - 1) // ratio)
    floor = draw(magnitudes(highest, MIN_FLOOR))
    fastest = up_for(floor if base is None else base, floor, ratio, notice)
    assume(fastest > 0)
    cap = draw(st.integers(floor, highest))
    slope = draw(magnitudes(MAX_SLOPE, MIN_SLOPE))
    up = draw(st.one_of(st.just(fastest), st.integers(1, fastest))) * RAMP_UNIT
    down = draw(magnitudes(margin_rate.MAX_RAMP_DOWN // RAMP_UNIT, 1)) * RAMP_UNIT
    return margin_rate.Parameters(floor, cap, slope, up, down)


def swift(parameters: margin_rate.Parameters) -> bool:
    """Whether ramps are fast enough for targets that follow measurements."""
    return parameters.ramp_up >= margin_rate.MIN_AIMED_UP and parameters.ramp_down >= margin_rate.MIN_AIMED_DOWN


@st.composite
def measurements(draw: st.DrawFn) -> Measured:
    """What gauges may say: nothing, nonsense, extremes, or anything between."""
    sigma = draw(st.one_of(st.none(), magnitudes(margin_rate.MAX_SIGMA), magnitudes(2**256 - 1)))
    due = draw(st.one_of(st.integers(GENESIS - DAY, GENESIS + 100 * DAY), magnitudes(2**256 - 1)))
    depth = draw(st.one_of(st.none(), magnitudes(10**9 * WAD), magnitudes(2**256 - 1)))
    return Measured(None if sigma is None else (sigma, due), depth)


MULTIPLES = st.one_of(st.just(0), magnitudes(margin_rate.MAX_MULTIPLE))
IMPACTS = st.one_of(st.just(0), magnitudes(margin_rate.MAX_IMPACT))
SIZE_LIMITS = st.one_of(st.just(0), st.integers(0, 10_000).map(lambda bps: bps * BPS))


RATIOS = st.sampled_from([12 * 10**17, 15 * 10**17, 2 * WAD, 5 * WAD // 3, 3 * WAD])
NOTICES = st.sampled_from([HOUR, DAY, 7 * DAY, 30 * DAY])


# Prices


@given(data=st.data(), count=st.integers(1, 3))
def test_prices__model(chain: RevmChain, data: st.DataObject, count: int) -> None:
    """Equal to the model for any readings; bid <= mid <= ask, all positive unless DEAD."""
    with chain.isolate():
        risk = Risk.deploy(chain)
        key = risk.list_asset(*[10**21] * count, parameters=data.draw(price_parameters(count)))
        risk.answer(key, *[data.draw(answers()) for _ in range(count)])
        if count > 1 and data.draw(st.booleans()):
            risk.silence(key, data.draw(st.integers(0, count - 1)), data.draw(st.integers(1, risk.notice)))
        price = risk.price(key)
        assert price == risk.model_price(key)
        if price.status == DEAD:
            assert price == (0, 0, 0, DEAD)
        else:
            assert 1 <= price.bid <= price.mid <= price.ask < 2**128


@given(data=st.data(), moved=st.integers(0, 2), price=magnitudes(2**128 - 1, 1), dissent=st.integers(0, 50))
def test_prices__one_moved_source(data: st.DataObject, moved: int, price: int, dissent: int) -> None:
    """Invariant 16: whatever one of three trusted sources says, mid stays between the other two."""
    honest = [10**21, 10**21 + dissent * 10**18]
    clamped = data.draw(st.one_of(st.just(price), magnitudes(2**128 - 1, 1)))
    readings = [Reading(number, number, GENESIS, 1, 1) for number in honest]
    readings.insert(moved, Reading(price, clamped, GENESIS, 1, 1))
    said = price_oracle.price(readings, PRICES._replace(min_sources=2), GENESIS)
    assert honest[0] <= said.mid <= honest[1]
    assert said.bid < honest[0]
    assert said.ask > honest[1]


# Health


@given(price=magnitudes(2**128 - 1, 1), amount=magnitudes(2**128 - 1, 1), data=st.data(), trusted=st.integers(0, 1))
def test_assess__debt_is_never_free(
    chain: RevmChain, price: int, amount: int, data: st.DataObject, trusted: int
) -> None:
    """Failure 7 (Resupply, 2025): a debt has a worth and a requirement at every price, and also without a price."""
    with chain.isolate():
        risk = Risk.deploy(chain)
        key = risk.list_asset(margin=data.draw(margin_parameters(None, risk.initial_ratio, risk.notice)))
        for answer in (Reading(price, price, GENESIS, 1, trusted), Reading(price, price, 0, 0, trusted), None):
            risk.answer(key, answer)
            health = risk.assess([exposure.pack(key, True, amount)])
            assert health == risk.model_health([exposure.pack(key, True, amount)])
            assert health.debt > 0
            assert health.maintenance > 0
            assert health.initial > health.maintenance
            assert health.equity < 0
            assert health.equity_initial <= health.equity


@given(data=st.data(), ratio=RATIOS, count=st.integers(1, 12))
def test_assess__model(chain: RevmChain, data: st.DataObject, ratio: int, count: int) -> None:
    """Equal to the model for any balances, readings, ramps, unlisted keys and stress."""
    with chain.isolate():
        risk = Risk.deploy(chain, initial_ratio=ratio)
        exposures = []
        for _ in range(count):
            number = data.draw(st.sampled_from([0, 1, 1, 1, 2, 3]))
            key = data.draw(st.integers(0, 2**72 - 1))
            if number:
                margin, isolated = data.draw(margin_parameters(None, ratio, risk.notice)), data.draw(st.booleans())
                key = risk.list_asset(*[10**21] * number, margin=margin, isolated=isolated)
                risk.answer(key, *[data.draw(answers()) for _ in range(number)])
                if data.draw(st.booleans()):
                    base = risk.margins[key].base
                    risk.set_margin(key, data.draw(margin_parameters(base, ratio, risk.notice)))
            exposures.append(exposure.pack(key, data.draw(st.booleans()), data.draw(AMOUNTS)))
        for held in risk.sources:
            for owed in risk.sources:
                if held >= risk_engine.ISOLATED and data.draw(st.booleans()):
                    risk.set_backing(held, owed)
        chain.warp(data.draw(st.integers(0, 100 * DAY)))
        stress = data.draw(st.lists(st.integers(-(2**255), 2**255 - 1), max_size=16))
        health = risk.assess(exposures, stress)
        assert health == risk.model_health(exposures, stress)
        assert health.equity_initial <= health.equity
        assert health.initial >= health.maintenance


@given(
    exposures=st.lists(st.integers(0, 2**256 - 1), max_size=12),
    stress=st.lists(st.integers(-(2**255), 2**255 - 1), max_size=16),
)
def test_assess__garbage(chain: RevmChain, exposures: list[int], stress: list[int]) -> None:
    """Total for whatever bits."""
    with chain.isolate():
        risk = Risk.deploy(chain)
        assert risk.assess(exposures, stress) == risk.model_health(exposures, stress)


# Liquidation


WAITS = st.sampled_from([0, 1, HOUR - 1, HOUR, HOUR, HOUR, HOUR + 1, WIDE_DELAY])
STATUSES = st.sampled_from([OK, WIDE, WIDE, STALE, DEAD, DEAD])


@given(data=st.data(), count=st.integers(1, 12), steps=st.integers(0, 5))
def test_assess_liquidation__model(chain: RevmChain, data: st.DataObject, count: int, steps: int) -> None:
    """Equal to the model for any balances, readings, ramps and unlisted keys, after any marks; so are the clocks."""
    with chain.isolate():
        feed: Any = chain.deploy("MockFeed", "sequencer", 0, 0, sender=chain.accounts()[0])
        wide_delay = data.draw(st.sampled_from([HOUR, WIDE_DELAY]))
        risk = Risk.deploy(chain, wide_delay=wide_delay, sequencer=feed.address, cure_window=HOUR)
        status, since = data.draw(st.sampled_from([(0, 1), (0, 1), (0, GENESIS), (1, GENESIS)]))
        feed.set_round(status, since, since, sender=risk.owner)
        exposures = []
        for _ in range(count):
            number = data.draw(st.sampled_from([0, 1, 1, 1, 2, 3]))
            key = data.draw(st.integers(2**16, 2**72 - 1))
            if number:
                margin = data.draw(margin_parameters(None, risk.initial_ratio, risk.notice))
                key = risk.list_asset(*[10**21] * number, margin=margin)
                if swift(margin) and data.draw(st.booleans()):
                    risk.sampled(key, data.draw(PRICES_AROUND), GENESIS - data.draw(st.integers(0, 2 * HOUR)))
                risk.answer(key, *[data.draw(answers()) for _ in range(number)])
            exposures.append(exposure.pack(key, data.draw(st.booleans()), data.draw(AMOUNTS)))
        keys = sorted(risk.sources)
        for _ in range(steps if keys else 0):
            risk.mark(*data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=16)))
            chain.warp(data.draw(WAITS))
            if data.draw(st.integers(0, 3)) == 0:
                key = data.draw(st.sampled_from(keys))
                risk.answer(key, *[data.draw(answers()) for _ in risk.sources[key]])
            risk.curing = cure.is_open(status, since, HOUR, chain.timestamp())
            values = risk.assess_liquidation(exposures)
            assert values == risk.model_values(exposures)
        for key in keys:
            assert risk.clock(key) == risk.clocks.get(key, price_oracle.NO_CLOCK)
        risk.curing = cure.is_open(status, since, HOUR, chain.timestamp())
        values, health = risk.assess_liquidation(exposures), risk.assess(exposures)
        assert values == risk.model_values(exposures)
        if health.status == OK and not risk.curing:
            assert (values.equity, values.requirement, values.debt) == (health.equity, health.maintenance, health.debt)
            assert values.certain


@given(exposures=st.lists(st.integers(0, 2**256 - 1), max_size=12))
def test_assess_liquidation__garbage(chain: RevmChain, exposures: list[int]) -> None:
    """Total for whatever bits."""
    with chain.isolate():
        risk = Risk.deploy(chain)
        assert risk.assess_liquidation(exposures) == risk.model_values(exposures)


@given(data=st.data(), price=magnitudes(2**128 - 1, 1), amount=magnitudes(2**128 - 1, 1), debt=st.booleans())
def test_assess_liquidation__doubt_favours_the_account(
    data: st.DataObject, price: int, amount: int, debt: bool
) -> None:
    """Before the delay no side of the spread lowers equity less requirement.

    A rate is rounded up to one part in 1e18, so a worth larger by next to nothing may require that part of it more.
    """
    parameters = data.draw(price_parameters(1))
    margins = {1: margin_rate.list_asset(data.draw(margin_parameters(None, 15 * 10**17, DAY)), GENESIS)}
    said = price_oracle.price([Reading(price, price, GENESIS, 1, 1)], parameters, GENESIS)
    packed = [exposure.pack(1, debt, amount)]
    sure, doubtful = (
        risk_engine.assess_liquidation(packed, {1: said._replace(status=status)}, {}, margins, WIDE_DELAY, GENESIS)
        for status in (OK, WIDE)
    )
    assert doubtful.equity >= sure.equity
    rounding = max(doubtful.positive, sure.debt) // WAD + 1
    assert doubtful.equity - doubtful.requirement >= sure.equity - sure.requirement - rounding


@given(marks=st.lists(st.tuples(WAITS, STATUSES), max_size=12), wait=WAITS, now_status=STATUSES)
def test_clock__settled_only_after_a_chain_of_marks(marks: list[tuple[int, int]], wait: int, now_status: int) -> None:
    """Settled exactly if `wide_delay` is covered by marks at most an hour apart, all of which found what it is now."""
    assume(now_status != OK)
    clock, now, seen = price_oracle.NO_CLOCK, GENESIS, []
    for pause, status in marks:
        now += pause
        clock = price_oracle.mark(clock, status, now)
        seen.append((now, status))
    now += wait
    start, later = now, now
    for time, status in reversed(seen):
        if later - time > price_oracle.MAX_MARK_GAP or status == OK or (now_status == DEAD and status != DEAD):
            break
        start = later = time
    covered = start + WIDE_DELAY <= now and start != now
    assert price_oracle.is_settled(clock, now_status, WIDE_DELAY, now) == covered


# Margin rates


@given(data=st.data(), ratio=RATIOS, notice=NOTICES, worth=magnitudes(2**197))
def test_effective_rate__model(chain: RevmChain, data: st.DataObject, ratio: int, notice: int, worth: int) -> None:
    """Equal to the model after any sequence of setters, measurements, pokes and waits; the stored state too."""
    with chain.isolate():
        risk = Risk.deploy(chain, initial_ratio=ratio, notice=notice)
        key = risk.list_asset(margin=data.draw(margin_parameters(None, ratio, notice)))
        risk.set_dynamics(key)
        for _ in range(data.draw(st.integers(1, 4))):
            base, _, _ = margin_rate.in_force(risk.margins[key], chain.timestamp())
            parameters = data.draw(margin_parameters(base, ratio, notice))
            assume(swift(parameters) or not (risk.dynamics[key].multiple or risk.dynamics[key].impact))
            risk.set_margin(key, parameters)
            if swift(parameters):
                risk.set_dynamics(key, data.draw(MULTIPLES), data.draw(IMPACTS), data.draw(SIZE_LIMITS))
            for _ in range(data.draw(st.integers(0, 3))):
                measured = data.draw(measurements())
                sigma, due = measured.volatility or (None, NEVER)
                risk.measure(key, sigma, due, measured.depth)
                chain.warp(data.draw(st.one_of(magnitudes(100 * DAY), st.sampled_from([HOUR - 1, HOUR]))))
                risk.poke(key)
            assert tuple(risk.engine.margin_of(key)) == tuple(risk.margins[key])
            assert risk.dynamics_of(key) == risk.dynamics[key]
            held = [exposure.pack(key, False, min(worth // 2_000, 2**128 - 1))]
            assert risk.assess(held) == risk.model_health(held)
            for time in (chain.timestamp(), data.draw(magnitudes(2**256 - 1)), GENESIS + data.draw(magnitudes(10**9))):
                rate = risk.engine.effective_rate(key, worth, time)
                assert rate == margin_rate.rate(risk.margins[key], worth, time)
                assert MIN_FLOOR <= rate < MAX_CAP


@given(data=st.data(), ratio=RATIOS, notice=NOTICES)
def test_set_margin__refuses_what_the_model_refuses(
    chain: RevmChain, data: st.DataObject, ratio: int, notice: int
) -> None:
    """Same reason or same acceptance for parameters around every bound."""
    with chain.isolate():
        risk = Risk.deploy(chain, initial_ratio=ratio, notice=notice)
        first = data.draw(margin_parameters(None, ratio, notice))
        key = risk.list_asset(margin=first)
        parameters = data.draw(margin_parameters(first.floor, ratio, notice))
        change = data.draw(st.sampled_from(parameters._fields))
        around = getattr(parameters, change) + data.draw(st.sampled_from([-RAMP_UNIT, -1, 0, 1, RAMP_UNIT]))
        wild = data.draw(magnitudes(2**256 - 1))
        parameters = parameters._replace(**{change: data.draw(st.sampled_from([max(around, 0), wild]))})
        expected = ""
        try:
            margin_rate.check(parameters, first.floor, ratio, notice)
        except ValueError as error:
            expected = str(error)
        reason = ""
        try:
            risk.engine.set_margin(key, parameters, sender=risk.owner)
        except Revert as error:
            reason = error.reason
        assert reason == expected


def evolve(
    data: st.DataObject, margin: Margin, dynamics: Dynamics, ratio: int, notice: int, until: int, now: int
) -> list[tuple[int, Margin, Dynamics]]:
    """Return the states that can come before `until`: an owner changes margin and dynamics at will, gauges answer
    anything (whatever was sampled, whenever), and anyone pokes.
    """
    states = [(now, margin, dynamics)]
    while True:
        now += data.draw(st.one_of(magnitudes(max(until - now, 1), 1), st.sampled_from([1, HOUR])))
        if now > until:
            return states
        act, measured = data.draw(st.sampled_from(["margin", "dynamics", "poke", "poke"])), data.draw(measurements())
        if act == "margin":
            base, _, _ = margin_rate.in_force(margin, now)
            parameters = data.draw(margin_parameters(base, ratio, notice))
            assume(swift(parameters) or not (dynamics.multiple or dynamics.impact))
            margin, dynamics = margin_rate.set_margin(margin, dynamics, parameters, measured, now)
        elif act == "dynamics" and swift(margin.target):
            chosen = data.draw(MULTIPLES), data.draw(IMPACTS), data.draw(SIZE_LIMITS)
            margin, dynamics = margin_rate.set_dynamics(margin, dynamics, *chosen, measured, now)
        else:
            margin, dynamics = margin_rate.aim(margin, dynamics, measured, now)
            margin = margin_rate.settle(margin, now)
        states.append((now, margin, dynamics))
        if len(states) > 8:
            return states


@given(data=st.data(), ratio=RATIOS, notice=NOTICES, worths=st.lists(magnitudes(2**190, 1), min_size=1, max_size=12))
def test_margin__nobody_is_liquidatable_within_notice_by_parameters(
    data: st.DataObject, ratio: int, notice: int, worths: list[int]
) -> None:
    """Invariant 18: the initial requirement of now covers maintenance until `notice` later, to the wei.

    After and through every sequence of setters, measurements and pokes; what a missing sample or a size limit adds to
    the initial requirement is left out, because it only makes it larger.
    """
    first = data.draw(margin_parameters(None, ratio, notice))
    margin, dynamics = margin_rate.list_asset(first, GENESIS), margin_rate.first_dynamics(first)
    start = GENESIS + data.draw(magnitudes(2 * notice))
    _, margin, dynamics = evolve(data, margin, dynamics, ratio, notice, start, GENESIS)[-1]
    initial = sum(margin_rate.requirements(margin, worth, start, ratio)[1] for worth in worths)
    assert initial <= sum(margin_rate.requirements(margin, worth, start, ratio, dynamics)[1] for worth in worths)
    end = start + notice
    states = evolve(data, margin, dynamics, ratio, notice, end, start)
    for index, (since, state, _) in enumerate(states):
        until = states[index + 1][0] if index + 1 < len(states) else end
        for time in {since, until, data.draw(st.integers(since, until))}:
            later = sum(margin_rate.requirements(state, worth, time, ratio)[0] for worth in worths)
            assert later <= initial


@given(data=st.data(), ratio=RATIOS, notice=NOTICES, worth=magnitudes(2**190))
def test_margin__no_rate_moves_faster_than_its_ramp(data: st.DataObject, ratio: int, notice: int, worth: int) -> None:
    """For any worth, over any span of one ramp, up to the rounding that the setter sets aside."""
    margin = margin_rate.list_asset(data.draw(margin_parameters(None, ratio, notice)), GENESIS)
    margin = margin_rate.set_target(margin, data.draw(margin_parameters(margin.base, ratio, notice)), GENESIS)
    before, after = sorted(GENESIS + data.draw(magnitudes(400 * DAY)) for _ in range(2))
    change = margin_rate.rate(margin, worth, after) - margin_rate.rate(margin, worth, before)
    target, span = margin.target, after - before
    assert change <= target.ramp_up * span // HOUR + margin_rate.ROUNDING
    assert -change <= target.ramp_down * span // DAY + margin_rate.ROUNDING


@given(data=st.data(), ratio=RATIOS, notice=NOTICES, worth=magnitudes(2**190), steps=st.integers(2, 60))
def test_margin__a_restart_every_moment_is_no_faster(
    data: st.DataObject, ratio: int, notice: int, worth: int, steps: int
) -> None:
    """The same target set again and again, as a volatility sampled often would do, compounds into nothing more."""
    margin = margin_rate.list_asset(data.draw(margin_parameters(None, ratio, notice)), GENESIS)
    target = data.draw(margin_parameters(margin.base, ratio, notice))
    began = margin_rate.rate(margin, worth, GENESIS)
    step = data.draw(magnitudes(max(notice // steps, 1), 1))
    now = GENESIS
    for _ in range(steps):
        margin = margin_rate.set_target(margin, target, now)
        now += step
        change = margin_rate.rate(margin, worth, now) - began
        assert change <= target.ramp_up * (now - GENESIS) // HOUR + margin_rate.ROUNDING
        assert -change <= target.ramp_down * (now - GENESIS) // DAY + margin_rate.ROUNDING


@given(data=st.data(), pokes=st.lists(st.integers(0, 3 * DAY), max_size=6), worth=magnitudes(2**190))
def test_margin__pokes_change_nothing(data: st.DataObject, pokes: list[int], worth: int) -> None:
    """However often anyone pokes, every later rate is what it would have been."""
    ratio, notice = 15 * 10**17, DAY
    margin = margin_rate.list_asset(MARGIN, GENESIS)
    margin = margin_rate.set_target(margin, data.draw(margin_parameters(MARGIN.floor, ratio, notice)), GENESIS)
    poked, now = margin, GENESIS
    for wait in pokes:
        now += wait
        poked = margin_rate.settle(poked, now)
    for time in (now, now + 1, now + data.draw(magnitudes(400 * DAY))):
        assert margin_rate.rate(poked, worth, time) == margin_rate.rate(margin, worth, time)


@given(data=st.data(), worth=magnitudes(2**190), ratio=RATIOS)
def test_requirements__a_missing_sample_moves_no_maintenance(data: st.DataObject, worth: int, ratio: int) -> None:
    """The initial requirement grows with the time it is missing, at most to twice, and never above the worth."""
    margin = margin_rate.list_asset(data.draw(margin_parameters(None, ratio, DAY)), GENESIS)
    dynamics = margin_rate.first_dynamics(margin.target)._replace(due=GENESIS)
    waits = sorted(data.draw(magnitudes(3 * DAY)) for _ in range(2))
    told = margin_rate.requirements(margin, worth, GENESIS, ratio)
    soon, late = (margin_rate.requirements(margin, worth, GENESIS + wait, ratio, dynamics) for wait in waits)
    assert soon[0] == late[0] == told[0]
    assert told[1] <= soon[1] <= late[1] <= min(2 * told[1] + 4 * (worth // WAD + 1), worth + 2)


@given(margin=st.data(), bps=st.integers(1, 10_000), worth=magnitudes(2**190))
def test_requirements__a_size_limit_refuses_exactly_above_it(margin: st.DataObject, bps: int, worth: int) -> None:
    state = margin_rate.list_asset(margin.draw(margin_parameters(None, 15 * 10**17, DAY)), GENESIS)
    dynamics = margin_rate.first_dynamics(state.target)._replace(size_limit=bps * BPS)
    free = margin_rate.requirements(state, worth, GENESIS, 15 * 10**17)
    limited = margin_rate.requirements(state, worth, GENESIS, 15 * 10**17, dynamics)
    above = state.size_slope * worth > bps * BPS * WAD
    assert limited == (free[0], margin_rate.REFUSED if above else free[1])


# The modules on their own


def test_exposure__model(chain: RevmChain) -> None:
    harness: Any = chain.deploy("exposure_harness", sender=chain.accounts()[0])

    @given(key=st.integers(0, 2**72 - 1), debt=st.booleans(), amount=AMOUNTS, price=magnitudes(2**128 - 1))
    def check(key: int, debt: bool, amount: int, price: int) -> None:
        packed = exposure.pack(key, debt, amount)
        assert harness.pack(key, debt, amount) == packed
        assert tuple(harness.unpack(packed)) == exposure.unpack(packed) == (key, debt, amount)
        assert harness.worth(amount, price) == exposure.worth(amount, price)
        assert harness.owed_worth(amount, price) == exposure.owed_worth(amount, price)
        assert exposure.owed_worth(amount, price) - exposure.worth(amount, price) in (0, 1)

    check()


@given(data=st.data(), ratio=RATIOS, notice=NOTICES, worth=magnitudes(2**256 // WAD - 2**70))
def test_margin_rate__model(chain: RevmChain, data: st.DataObject, ratio: int, notice: int, worth: int) -> None:
    """Requirements up to the largest worth there is, straight from the module."""
    with chain.isolate():
        sender = chain.accounts()[0]
        harness: Any = chain.deploy("margin_rate_harness", ratio, notice, sender=sender)
        first = data.draw(margin_parameters(None, ratio, notice))
        harness.list(7, first, sender=sender)
        margin = margin_rate.list_asset(first, chain.timestamp())
        second = data.draw(margin_parameters(first.floor, ratio, notice))
        harness.set(7, second, sender=sender)
        margin = margin_rate.set_target(margin, second, chain.timestamp())
        chain.warp(data.draw(magnitudes(1_000 * DAY)))
        now = chain.timestamp()
        assert tuple(harness.now(7, now)) == margin_rate.in_force(margin, now)
        assert tuple(harness.requirements(7, worth)) == margin_rate.requirements(margin, worth, now, ratio)
        settled = margin_rate.settle(margin, now)
        assert (harness.settle(7, sender=sender).events != []) == (settled != margin)
        assert tuple(harness.state(7)) == settled
        assert tuple(harness.requirements(8, worth)) == (0, 0)


def test_list_asset__prices_refused_as_by_the_model(chain: RevmChain) -> None:
    risk = Risk.deploy(chain)
    key, sources = risk.list_asset(), [risk.source() for _ in range(3)]

    @given(data=st.data(), count=st.integers(1, 3))
    def check(data: st.DataObject, count: int) -> None:
        parameters = data.draw(price_parameters(count))
        change = data.draw(st.sampled_from(parameters._fields))
        around = getattr(parameters, change) + data.draw(st.sampled_from([-BPS, -1, 0, 1, BPS]))
        wild = data.draw(st.one_of(magnitudes(2**256 - 1), st.integers(1_900, 2_600).map(lambda bps: bps * BPS)))
        parameters = parameters._replace(**{change: data.draw(st.sampled_from([max(around, 0), wild]))})
        said = [Reading(*reading) for reading in (data.draw(listable()) for _ in range(count))]
        for source, reading in zip(sources, said, strict=False):
            source.set_reading(reading, sender=risk.owner)
        expected = reason = ""
        try:
            price_oracle.check(said, parameters, GENESIS)
        except ValueError as error:
            expected = str(error)
        try:
            risk.engine.set_sources(key, sources[:count], parameters, sender=risk.owner)
        except Revert as error:
            reason = error.reason
        assert reason == expected

    check()


def listable() -> st.SearchStrategy[tuple[int, int, int, int, int]]:
    """Readings around what a listing accepts."""
    numbers = st.one_of(st.sampled_from([0, 1, 10**36, 10**36 + 1]), magnitudes(10**36, 1))
    return st.tuples(numbers, numbers, st.sampled_from([0, GENESIS, GENESIS + 1]), st.integers(0, 1), st.integers(0, 1))
