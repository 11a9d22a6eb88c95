from __future__ import annotations

import pytest

from plimsoll.chain import Revert
from plimsoll.model import margin_rate
from plimsoll.model.margin_rate import MAX_SIGMA, MAX_SLOPE, MIN_SLOPE, NEVER
from tests.support import reverts
from tests.support.risk import DAY, HOUR, MARGIN, NOTICE, PERCENT, WAD, Risk

TARGET = MARGIN._replace(floor=6 * PERCENT)
MULTIPLE = 10 * PERCENT
IMPACT = 2 * PERCENT
CALM = (8 * WAD // 10, NEVER - 1, 10**6 * WAD)
"""Volatility, due and depth for targets of 8 % and 2 % per million."""


def test_poke__at_rest__nothing(risk: Risk) -> None:
    key = risk.list_asset()
    before = risk.engine.margin_of(key)
    receipt = risk.engine.poke(key, sender=risk.stranger)
    assert receipt.events == []
    assert risk.engine.margin_of(key) == before


def test_poke__under_way__changes_no_rate_now_or_later(risk: Risk) -> None:
    key = risk.list_asset()
    start = risk.chain.timestamp()
    risk.set_margin(key, TARGET._replace(size_slope=3 * 10**10))
    times = range(start, start + 60 * DAY, 7 * HOUR)
    worths = [0, 10**5 * WAD, 10**6 * WAD, 10**9 * WAD]
    before = [risk.engine.effective_rate(key, worth, time) for worth in worths for time in times]
    for _ in range(10):
        risk.chain.warp(HOUR + 1)
        receipt = risk.engine.poke(key, sender=risk.stranger)
        assert receipt.events == []
    assert [risk.engine.effective_rate(key, worth, time) for worth in worths for time in times] == before


def test_poke__arrived__stores_and_says_so(risk: Risk) -> None:
    key = risk.list_asset()
    risk.set_margin(key, TARGET)
    risk.chain.warp(25 * HOUR)
    assert risk.engine.margin_of(key).moving
    receipt = risk.engine.poke(key, sender=risk.stranger)
    assert receipt.events == [
        risk.engine.event("Poked", key=key, floor=6 * PERCENT, cap=MARGIN.cap, size_slope=MARGIN.size_slope)
    ]
    state = risk.engine.margin_of(key)
    assert (state.base, state.cap, state.size_slope, state.moving) == (
        6 * PERCENT,
        MARGIN.cap,
        MARGIN.size_slope,
        False,
    )
    assert risk.engine.poke(key, sender=risk.stranger).events == []


@pytest.mark.parametrize(
    "target",
    [
        MARGIN._replace(floor=6 * PERCENT),
        MARGIN._replace(cap=21 * PERCENT),
        MARGIN._replace(size_slope=11 * 10**9),
        MARGIN._replace(size_slope=9 * 10**9),
    ],
)
def test_poke__a_second_early__not_arrived(risk: Risk, target: margin_rate.Parameters) -> None:
    """Each of the three alone keeps the asset moving."""
    key = risk.list_asset()
    risk.set_margin(key, target)
    margin, now = risk.margins[key], risk.chain.timestamp()
    arrival = next(t for t in range(now, now + 10**7, 60) if margin_rate.in_force(margin, t) == target[:3])
    arrival = next(t for t in range(arrival - 60, arrival + 1) if margin_rate.in_force(margin, t) == target[:3])
    risk.chain.set_timestamp(arrival - 1)
    assert risk.engine.poke(key, sender=risk.stranger).events == []
    risk.chain.warp(1)
    assert len(risk.engine.poke(key, sender=risk.stranger).events) == 1


@pytest.mark.parametrize("key", [0, 2, 1 << 64 | 1, 2**256 - 1])
def test_poke__unknown_asset__reverts(risk: Risk, key: int) -> None:
    assert risk.list_asset() == 1
    with reverts("risk: unknown asset"):
        risk.engine.poke(key, sender=risk.stranger)


# With dynamics


@pytest.fixture
def key(risk: Risk) -> int:
    """An asset whose margin follows gauges, an hour after they first answered."""
    key = risk.list_asset()
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    risk.measure(key, *CALM)
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    risk.chain.warp(HOUR)
    return key


def target(risk: Risk, key: int) -> tuple[int, ...]:
    """Return what the asset's margin is aimed at: base, cap, slope; the model says the same of all of its state."""
    assert tuple(risk.engine.margin_of(key)) == tuple(risk.margins[key])
    assert risk.dynamics_of(key) == risk.dynamics[key]
    return tuple(risk.engine.margin_of(key).target)[:3]


def test_poke__measurements_changed__aims_anew(risk: Risk, key: int) -> None:
    now = risk.chain.timestamp()
    before = [risk.engine.effective_rate(key, worth, now) for worth in (0, 10**6 * WAD, 10**9 * WAD)]
    risk.measure(key, WAD, now + 5, 4 * 10**5 * WAD)
    receipt = risk.poke(key)
    assert receipt.events == [
        risk.engine.event("Aimed", key=key, floor=10 * PERCENT, size_slope=5 * 10**10, due=now + 5)
    ]
    assert target(risk, key) == (10 * PERCENT, MARGIN.cap, 5 * 10**10)
    assert [risk.engine.effective_rate(key, worth, now) for worth in (0, 10**6 * WAD, 10**9 * WAD)] == before
    assert risk.engine.margin_of(key).since == now


@pytest.mark.parametrize(
    ("sigma", "depth", "base", "slope"),
    [
        (0, 2**256 - 1, MARGIN.floor, MARGIN.size_slope),
        (1, 1, MARGIN.floor, MAX_SLOPE),
        (MAX_SIGMA, 0, MARGIN.cap, MAX_SLOPE),
        (WAD // 2 + 1, 2 * 10**6 * WAD + 1, MARGIN.floor + 1, 10**10),
        (2 * WAD, 2 * 10**6 * WAD - 1, MARGIN.cap, 10**10 + 1),
    ],
)
def test_poke__targets_are_clamped_and_rounded_up(
    risk: Risk, key: int, sigma: int, depth: int, base: int, slope: int
) -> None:
    risk.measure(key, sigma, depth=depth)
    risk.poke(key)
    assert target(risk, key) == (base, MARGIN.cap, slope)


def test_poke__targets__the_smallest_remainder_counts(risk: Risk) -> None:
    """9 % and a slope of 1e10 + 1, and of each target the least part of a unit more."""
    key = risk.list_asset()
    multiple, impact = 10**17 + 1, 10**16 + 10**6 + 100
    risk.set_dynamics(key, multiple, impact)
    sigma, depth = pow(multiple, -1, WAD), (impact * WAD - 1) // (10**10 + 1)
    assert (multiple * sigma % WAD, impact * WAD % depth) == (1, 1)
    risk.measure(key, sigma, depth=depth)
    risk.chain.warp(HOUR)
    risk.poke(key)
    assert target(risk, key) == (9 * PERCENT + 2, MARGIN.cap, 10**10 + 2)


def test_poke__measurements_that_fell__back_to_what_the_owner_set(risk: Risk, key: int) -> None:
    risk.measure(key, WAD // 2 + 1, depth=2 * 10**6 * WAD - 1)
    risk.poke(key)
    assert target(risk, key) == (MARGIN.floor + 1, MARGIN.cap, MARGIN.size_slope + 1)
    risk.chain.warp(HOUR)
    risk.measure(key, 0, depth=2**255)
    risk.poke(key)
    assert target(risk, key) == (MARGIN.floor, MARGIN.cap, MARGIN.size_slope)


def test_poke__same_measurements__the_ramp_goes_on(risk: Risk, key: int) -> None:
    state = risk.engine.margin_of(key)
    assert risk.poke(key).events == []
    assert risk.engine.margin_of(key) == state
    assert state.since == risk.chain.timestamp() - HOUR


def test_poke__within_the_hour__only_notes_what_is_due(risk: Risk, key: int) -> None:
    risk.measure(key, WAD, 77, 10**5 * WAD)
    risk.poke(key)
    risk.chain.warp(HOUR - 1)
    risk.measure(key, 2 * WAD, 78, 10**4 * WAD)
    receipt = risk.poke(key)
    assert receipt.events == [risk.engine.event("Aimed", key=key, floor=10 * PERCENT, size_slope=2 * 10**11, due=78)]
    assert target(risk, key) == (10 * PERCENT, MARGIN.cap, 2 * 10**11)
    risk.chain.warp(1)
    risk.poke(key)
    assert target(risk, key) == (20 * PERCENT, MARGIN.cap, 2 * 10**12)


@pytest.mark.parametrize(
    ("sigma", "due"),
    [(None, 0), (MAX_SIGMA + 1, 5), (2**256 - 1, NEVER), (2**255, 2**256 - 1), (WAD, NEVER), (WAD, 2**256 - 1)],
)
@pytest.mark.parametrize("depth", [None, 10**5 * WAD])
def test_poke__source_fails_or_talks_nonsense__its_target_stays(
    risk: Risk, key: int, sigma: int | None, due: int, depth: int | None
) -> None:
    before = risk.dynamics_of(key)
    risk.measure(key, sigma, due, depth)
    risk.poke(key)
    assert target(risk, key) == (8 * PERCENT, MARGIN.cap, 2 * 10**10 if depth is None else 2 * 10**11)
    assert risk.dynamics_of(key) == before


@pytest.mark.parametrize("answer", [b"", b"\1" * 31, b"\0" * 33, b"\0" * 64, b"\0" * 1024])
def test_poke__answers_of_the_wrong_length__targets_stay(risk: Risk, key: int, answer: bytes) -> None:
    gauges = risk.gauges[key]
    gauges.depth.script(risk.selector("depth()"), 0, answer, sender=risk.owner)
    gauges.volatility.script(risk.selector("measure(uint256)"), 0, answer[:63], sender=risk.owner)
    assert risk.engine.poke(key, sender=risk.stranger).events == []
    assert target(risk, key) == (8 * PERCENT, MARGIN.cap, 2 * 10**10)


def test_poke__sources_revert_with_what_looks_like_an_answer__targets_stay(risk: Risk, key: int) -> None:
    for gauge, name, size in zip(risk.gauges[key], ("measure(uint256)", "depth()"), (64, 32), strict=True):
        gauge.script(risk.selector(name), 1, bytes(size), sender=risk.owner)
    assert risk.engine.poke(key, sender=risk.stranger).events == []
    assert target(risk, key) == (8 * PERCENT, MARGIN.cap, 2 * 10**10)


def test_poke__source_burns_its_gas__targets_stay(risk: Risk, key: int) -> None:
    for gauge, name in zip(risk.gauges[key], ("measure(uint256)", "depth()"), strict=True):
        gauge.script(risk.selector(name), 2, b"", sender=risk.owner)
    assert risk.engine.poke(key, sender=risk.stranger).events == []
    assert target(risk, key) == (8 * PERCENT, MARGIN.cap, 2 * 10**10)


def test_poke__a_callers_gas_limit_changes_no_answer(risk: Risk, key: int) -> None:
    """Failure 17: with whatever gas the poke either does all it does with plenty, or reverts."""
    risk.measure(key, WAD, depth=10**5 * WAD)
    done: list[tuple[int, ...]] = []
    for gas in (*range(30_000, 3_600_000, 70_001), None):
        with risk.chain.isolate():
            try:
                risk.engine.poke(key, sender=risk.stranger, gas=gas)
            except Revert as error:
                assert error.halt or error.reason == "margin: gas"
                assert not done
                continue
            done.append(tuple(risk.engine.margin_of(key).target)[:3])
    assert set(done) == {(10 * PERCENT, MARGIN.cap, 2 * 10**11)}
    with reverts("margin: gas"):
        risk.engine.poke(key, sender=risk.stranger, gas=2_500_000)


@pytest.mark.parametrize(("multiple", "impact", "gas"), [(MULTIPLE, 0, 125_000), (0, IMPACT, 3_050_000)])
def test_poke__less_gas_than_gives_a_source_all_it_may_use__reverts(
    risk: Risk, multiple: int, impact: int, gas: int
) -> None:
    """Also where the source would have done with much less: 100,000 for a volatility, 3,000,000 for a depth."""
    key = risk.list_asset()
    risk.set_dynamics(key, multiple, impact)
    risk.measure(key, WAD, depth=10**5 * WAD)
    risk.chain.warp(HOUR)
    with reverts("margin: gas"):
        risk.engine.poke(key, sender=risk.stranger, gas=gas)
    risk.engine.poke(key, sender=risk.stranger)


def test_poke__arrived__aims_and_stores(risk: Risk, key: int) -> None:
    risk.chain.warp(400 * DAY)
    risk.measure(key, 8 * WAD // 10, 5, 10**6 * WAD)
    receipt = risk.poke(key)
    assert receipt.events == [
        risk.engine.event("Aimed", key=key, floor=8 * PERCENT, size_slope=2 * 10**10, due=5),
        risk.engine.event("Poked", key=key, floor=8 * PERCENT, cap=MARGIN.cap, size_slope=2 * 10**10),
    ]
    assert target(risk, key) == (8 * PERCENT, MARGIN.cap, 2 * 10**10)
    assert not risk.engine.margin_of(key).moving
    assert risk.dynamics_of(key).due == 5


def test_poke__the_worst_measurements_keep_the_promise_of_notice(risk: Risk, key: int) -> None:
    """Every hour sources ask for all there is, and the owner allows the most: no rate passes rho times its start."""
    worth, now = 10**6 * WAD, risk.chain.timestamp()
    start = risk.engine.effective_rate(key, worth, now)
    for hour in range(NOTICE // HOUR):
        risk.measure(key, (hour + 2) * WAD, depth=10**5 * WAD // (hour + 1))
        risk.poke(key)
        floor = 49 * PERCENT
        base, _, _ = margin_rate.in_force(risk.margins[key], risk.chain.timestamp())
        up = margin_rate.max_ramp_up(min(base, floor), risk.initial_ratio, risk.notice)
        up -= up % margin_rate.RAMP_UNIT
        risk.set_margin(key, MARGIN._replace(floor=floor, cap=floor, ramp_up=up))
        risk.chain.warp(HOUR)
    assert risk.engine.effective_rate(key, worth, risk.chain.timestamp()) * WAD <= start * risk.initial_ratio
    assert risk.engine.effective_rate(key, worth, risk.chain.timestamp()) > start * 11 // 10


@pytest.mark.parametrize("slope", [MIN_SLOPE, 10**9])
def test_poke__at_every_chance__freezes_nothing(risk: Risk, slope: int) -> None:
    """With the slowest ramps a poked asset may have, a ramp that restarts every hour keeps nine tenths of its speed."""
    margin = MARGIN._replace(size_slope=slope, ramp_up=10**13, ramp_down=24 * 10**13, cap=49 * PERCENT)
    key = risk.list_asset(margin=margin)
    undisturbed = margin_rate.list_asset(margin, risk.chain.timestamp())
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    risk.measure(key, 4 * WAD, depth=10**4 * WAD)
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    undisturbed = margin_rate.set_target(undisturbed, risk.margins[key].target, risk.chain.timestamp())
    for hour in range(100):
        risk.chain.warp(HOUR)
        other = (hour + 1) % 2
        risk.measure(key, 4 * WAD - 10 * other, depth=(10**4 - other) * WAD)
        risk.poke(key)
        assert risk.margins[key].since == risk.chain.timestamp()
    start, now = margin[:3], risk.chain.timestamp()
    for moved, free, began in zip(
        margin_rate.in_force(risk.margins[key], now), margin_rate.in_force(undisturbed, now), start, strict=True
    ):
        assert (moved - began) * 10 >= (free - began) * 9
        assert moved <= free
    assert target(risk, key)[0] in (40 * PERCENT, 40 * PERCENT - 1)
