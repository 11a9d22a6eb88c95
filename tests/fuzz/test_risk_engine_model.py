"""The risk engine against its model, to the unit, and properties of both (invariants 15, 16, 18; failure 7)."""

from __future__ import annotations

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from plimsoll.chain import Revert, RevmChain
from plimsoll.model import exposure, margin_rate, price_oracle, risk_engine
from plimsoll.model.margin_rate import MAX_CAP, MAX_SLOPE, MIN_FLOOR, MIN_SLOPE, RAMP_UNIT, Margin
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
                key = risk.list_asset(*[10**21] * number, margin=data.draw(margin_parameters(None, ratio, risk.notice)))
                risk.answer(key, *[data.draw(answers()) for _ in range(number)])
                if data.draw(st.booleans()):
                    base = risk.margins[key].base
                    risk.set_margin(key, data.draw(margin_parameters(base, ratio, risk.notice)))
            exposures.append(exposure.pack(key, data.draw(st.booleans()), data.draw(AMOUNTS)))
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
        risk = Risk.deploy(chain, wide_delay=data.draw(st.sampled_from([HOUR, WIDE_DELAY])))
        exposures = []
        for _ in range(count):
            number = data.draw(st.sampled_from([0, 1, 1, 1, 2, 3]))
            key = data.draw(st.integers(2**16, 2**72 - 1))
            if number:
                margin = data.draw(margin_parameters(None, risk.initial_ratio, risk.notice))
                key = risk.list_asset(*[10**21] * number, margin=margin)
                risk.answer(key, *[data.draw(answers()) for _ in range(number)])
            exposures.append(exposure.pack(key, data.draw(st.booleans()), data.draw(AMOUNTS)))
        keys = sorted(risk.sources)
        for _ in range(steps if keys else 0):
            risk.mark(*data.draw(st.lists(st.sampled_from(keys), min_size=1, max_size=16)))
            chain.warp(data.draw(WAITS))
            if data.draw(st.integers(0, 3)) == 0:
                key = data.draw(st.sampled_from(keys))
                risk.answer(key, *[data.draw(answers()) for _ in risk.sources[key]])
            values = risk.assess_liquidation(exposures)
            assert values == risk.model_values(exposures)
        for key in keys:
            assert risk.clock(key) == risk.clocks.get(key, price_oracle.NO_CLOCK)
        values, health = risk.assess_liquidation(exposures), risk.assess(exposures)
        assert values == risk.model_values(exposures)
        if health.status == OK:
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
    """Equal to the model after any sequence of targets, pokes and waits; the stored state too."""
    with chain.isolate():
        risk = Risk.deploy(chain, initial_ratio=ratio, notice=notice)
        key = risk.list_asset(margin=data.draw(margin_parameters(None, ratio, notice)))
        for _ in range(data.draw(st.integers(1, 4))):
            base, _, _ = margin_rate.in_force(risk.margins[key], chain.timestamp())
            risk.set_margin(key, data.draw(margin_parameters(base, ratio, notice)))
            chain.warp(data.draw(magnitudes(100 * DAY)))
            if data.draw(st.booleans()):
                risk.poke(key)
            assert tuple(risk.engine.margin_of(key)) == tuple(risk.margins[key])
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
    data: st.DataObject, margin: Margin, ratio: int, notice: int, until: int, now: int
) -> list[tuple[int, Margin]]:
    """Return the states that an owner who changes targets at will, and anyone who pokes, can make before `until`."""
    states = [(now, margin)]
    while True:
        now += data.draw(magnitudes(max(until - now, 1), 1))
        if now > until:
            return states
        if data.draw(st.booleans()):
            base, _, _ = margin_rate.in_force(margin, now)
            margin = margin_rate.set_target(margin, data.draw(margin_parameters(base, ratio, notice)), now)
        else:
            margin = margin_rate.settle(margin, now)
        states.append((now, margin))
        if len(states) > 8:
            return states


@given(data=st.data(), ratio=RATIOS, notice=NOTICES, worths=st.lists(magnitudes(2**190, 1), min_size=1, max_size=12))
def test_margin__nobody_is_liquidatable_within_notice_by_parameters(
    data: st.DataObject, ratio: int, notice: int, worths: list[int]
) -> None:
    """Invariant 18: the initial requirement of now covers maintenance until `notice` later, to the wei."""
    first = data.draw(margin_parameters(None, ratio, notice))
    margin = margin_rate.list_asset(first, GENESIS)
    start = GENESIS + data.draw(magnitudes(2 * notice))
    _, margin = evolve(data, margin, ratio, notice, start, GENESIS)[-1]
    initial = sum(margin_rate.requirements(margin, worth, start, ratio)[1] for worth in worths)
    end = start + notice
    states = evolve(data, margin, ratio, notice, end, start)
    for index, (since, state) in enumerate(states):
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
        assert harness.settle.call(7, sender=sender) == (settled != margin)
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
