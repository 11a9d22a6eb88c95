from __future__ import annotations

import pytest

from plimsoll.chain import RevmChain
from plimsoll.model import margin_rate
from plimsoll.model.margin_rate import RAMP_UNIT, Parameters
from tests.support import reverts
from tests.support.risk import DAY, HOUR, MARGIN, NOTICE, PERCENT, WAD, Risk

SLOW = Parameters(floor=5 * PERCENT, cap=20 * PERCENT, size_slope=10**10, ramp_up=RAMP_UNIT, ramp_down=RAMP_UNIT)


def test_set_margin__nothing_jumps(risk: Risk) -> None:
    key = risk.list_asset()
    now = risk.chain.timestamp()
    worths = [0, 10**6 * WAD, 10**7 * WAD, 10**9 * WAD]
    before = [risk.engine.effective_rate(key, worth, now) for worth in worths]
    target = Parameters(10 * PERCENT, 30 * PERCENT, 10**11, MARGIN.ramp_up, MARGIN.ramp_down)
    receipt = risk.engine.set_margin(key, target, sender=risk.owner)
    assert receipt.events == [risk.engine.event("MarginSet", key=key, parameters=target)]
    assert [risk.engine.effective_rate(key, worth, now) for worth in worths] == before
    state = risk.engine.margin_of(key)
    assert (tuple(state)[:5], tuple(state.target)) == ((*MARGIN[:3], now, True), target)


def test_set_margin__rises_at_half_the_ramp_and_arrives(risk: Risk) -> None:
    key = risk.list_asset()
    now = risk.chain.timestamp()
    risk.set_margin(key, MARGIN._replace(floor=6 * PERCENT, cap=30 * PERCENT))
    rate = risk.engine.effective_rate
    # 0.08 % per hour: the floor rises by 0.04 % per hour, 1 % in 25 hours, and the cap by 10 % in 250 hours
    assert rate(key, 0, now + HOUR) == 504 * 10**14
    assert rate(key, 0, now + 25 * HOUR - 1) < 6 * PERCENT
    assert rate(key, 0, now + 25 * HOUR) == rate(key, 0, now + 10**9) == rate(key, 0, 2**256 - 1) == 6 * PERCENT
    huge = 10**12 * WAD
    assert rate(key, huge, now + HOUR) == 2004 * 10**14
    assert rate(key, huge, now + 250 * HOUR - 1) < 30 * PERCENT
    assert rate(key, huge, now + 250 * HOUR) == 30 * PERCENT


def test_set_margin__falls_at_half_the_ramp_and_arrives(risk: Risk) -> None:
    key = risk.list_asset()
    now = risk.chain.timestamp()
    risk.set_margin(key, MARGIN._replace(floor=4 * PERCENT, cap=4 * PERCENT, ramp_up=RAMP_UNIT))
    rate = risk.engine.effective_rate
    assert rate(key, 0, now + DAY) == 45 * 10**15
    assert rate(key, 0, now + 2 * DAY - 9) > 4 * PERCENT
    assert rate(key, 0, now + 2 * DAY) == 4 * PERCENT
    huge = 10**12 * WAD
    assert rate(key, huge, now + DAY) == 195 * 10**15
    assert rate(key, huge, now + 32 * DAY) == 4 * PERCENT


@pytest.mark.parametrize("up", [True, False])
def test_set_margin__slope_moves_by_a_factor(risk: Risk, up: bool) -> None:
    key = risk.list_asset()
    now = risk.chain.timestamp()
    risk.set_margin(key, MARGIN._replace(size_slope=10**12 if up else 10**8))
    worth, rate = 10**6 * WAD, risk.engine.effective_rate
    # up: x = 0.08 % * 50 / (2 * 20 %) = 0.1 in 50 hours; down: x = 1 % * 4 / (2 * 20 %) = 0.1 in 4 days
    # 1 + x + x**2 / 2 = 1.105; the slope of 1e10 is 1 % for a million dollars
    later = now + (50 * HOUR if up else 4 * DAY)
    moved = 1_105 * 10**13 if up else -(-PERCENT * 1_000 // 1_105 // 10**6) * 10**6
    assert rate(key, worth, later) - MARGIN.floor == pytest.approx(moved, abs=10**6)
    assert rate(key, worth, now + 10**9) - MARGIN.floor == (15 * PERCENT if up else PERCENT // 100)


def test_set_margin__falling_slope__the_smallest_remainder_counts(risk: Risk) -> None:
    """After 4,919 seconds the slope, divided by the ramp's factor, is 55,457,804,351,951 and the least part more."""
    slope = 55_536_794_826_059
    fast = margin_rate.factor(MARGIN.ramp_down * 4_919, 2 * DAY, MARGIN.cap)
    assert slope * WAD % fast == 1
    key = risk.list_asset(margin=MARGIN._replace(size_slope=slope))
    risk.set_margin(key, MARGIN)
    risk.chain.warp(4_919)
    assert risk.engine.effective_rate(key, WAD, risk.chain.timestamp()) == MARGIN.floor + 55_457_804_351_952


def test_set_margin__mid_ramp_starts_where_the_ramp_is(risk: Risk) -> None:
    key = risk.list_asset()
    risk.set_margin(key, MARGIN._replace(floor=10 * PERCENT, size_slope=10**11))
    risk.chain.warp(10 * HOUR + 7)
    now = risk.chain.timestamp()
    worths = [0, 3 * 10**6 * WAD, 10**9 * WAD]
    there = [risk.engine.effective_rate(key, worth, now) for worth in worths]
    risk.set_margin(key, MARGIN._replace(floor=3 * PERCENT, cap=4 * PERCENT, ramp_up=RAMP_UNIT))
    assert [risk.engine.effective_rate(key, worth, now) for worth in worths] == there
    assert risk.engine.margin_of(key).base == 504 * 10**14 + 36 * 10**14 + 4 * 10**14 * 7 // HOUR
    assert tuple(risk.engine.margin_of(key))[:5] == tuple(risk.margins[key])[:5]


def test_set_margin__same_targets_while_at_rest__not_moving(risk: Risk) -> None:
    key = risk.list_asset()
    risk.set_margin(key, MARGIN)
    assert not risk.engine.margin_of(key).moving


@pytest.mark.parametrize("caller", ["guardian", "stranger"])
def test_set_margin__not_owner__reverts(risk: Risk, caller: str) -> None:
    key = risk.list_asset()
    with reverts("roles: owner only"):
        risk.engine.set_margin(key, MARGIN, sender=getattr(risk, caller))


@pytest.mark.parametrize("key", [0, 2, 3, 1 << 64 | 1, 2**256 - 1])
def test_set_margin__unknown_asset__reverts(risk: Risk, key: int) -> None:
    assert risk.list_asset() == 1
    with reverts("risk: unknown asset"):
        risk.engine.set_margin(key, MARGIN, sender=risk.owner)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"floor": 0}, "margin: floor"),
        ({"floor": 10**15 - 1}, "margin: floor"),
        ({"floor": 20 * PERCENT + 1}, "margin: floor"),
        ({"cap": 5 * PERCENT - 1}, "margin: floor"),
        ({"cap": WAD // 2}, "margin: cap"),
        ({"cap": 2**256 - 1}, "margin: cap"),
        ({"size_slope": 0}, "margin: slope"),
        ({"size_slope": 10**6 - 1}, "margin: slope"),
        ({"size_slope": 10**14 + 1}, "margin: slope"),
        ({"ramp_up": 0}, "margin: ramp up"),
        ({"ramp_up": RAMP_UNIT - 1}, "margin: ramp up"),
        ({"ramp_up": WAD + 1}, "margin: ramp up"),
        ({"ramp_up": WAD}, "margin: notice"),
        ({"ramp_down": 0}, "margin: ramp down"),
        ({"ramp_down": 10 * PERCENT + 1}, "margin: ramp down"),
        ({"ramp_up": RAMP_UNIT + 1}, "margin: ramp unit"),
        ({"ramp_down": 10 * PERCENT - 1}, "margin: ramp unit"),
    ],
)
def test_set_margin__bounds__reverts(risk: Risk, change: dict[str, int], reason: str) -> None:
    key = risk.list_asset()
    with reverts(reason):
        risk.engine.set_margin(key, SLOW._replace(**change), sender=risk.owner)
    with pytest.raises(ValueError, match=reason):
        margin_rate.check(SLOW._replace(**change), MARGIN.floor, risk.initial_ratio, risk.notice)


@pytest.mark.parametrize(
    "change",
    [
        {"floor": 10**15},
        {"floor": 20 * PERCENT},
        {"cap": 5 * PERCENT},
        {"cap": WAD // 2 - 1},
        {"size_slope": 10**6},
        {"size_slope": 10**14},
        {"ramp_down": 10 * PERCENT},
    ],
)
def test_set_margin__at_the_bounds(risk: Risk, change: dict[str, int]) -> None:
    key = risk.list_asset()
    risk.set_margin(key, SLOW._replace(**change))
    assert tuple(risk.engine.margin_of(key).target) == SLOW._replace(**change)


@pytest.mark.parametrize(("ratio", "most"), [(3 * WAD, WAD // 3), (25 * 10**17, 40 * PERCENT - 1)])
def test_set_margin__cap_leaves_room_for_a_position(chain: RevmChain, ratio: int, most: int) -> None:
    """A long at the cap needs initial margin of less than all of its worth: cap * rho < 1."""
    risk = Risk.deploy(chain, initial_ratio=ratio)
    key = risk.list_asset()
    assert most * ratio < WAD * WAD <= (most + 1) * ratio
    with reverts("margin: cap"):
        risk.engine.set_margin(key, SLOW._replace(cap=most + 1), sender=risk.owner)
    risk.set_margin(key, SLOW._replace(cap=most))


@pytest.mark.parametrize("ratio", [12 * 10**17, 15 * 10**17, 3 * WAD])
@pytest.mark.parametrize("notice", [HOUR, DAY, 30 * DAY])
@pytest.mark.parametrize(
    ("base", "floor"),
    [
        (5 * PERCENT, 5 * PERCENT),
        (5 * PERCENT, 20 * PERCENT),
        (5 * PERCENT, 10**15 * 3),
        (6 * PERCENT, 6 * PERCENT),  # of a ratio of 3 and an hour the fastest ramp fills the rule to the unit
    ],
)
def test_set_margin__notice(chain: RevmChain, ratio: int, notice: int, base: int, floor: int) -> None:
    """The ramp is bound by the lower of the base in force and the floor aimed at."""
    risk = Risk.deploy(chain, initial_ratio=ratio, notice=notice)
    key = risk.list_asset(margin=SLOW._replace(floor=base, ramp_up=RAMP_UNIT))
    most = margin_rate.max_ramp_up(min(base, floor), ratio, notice) // RAMP_UNIT * RAMP_UNIT
    rho, hours = ratio / WAD, notice / HOUR
    assert most / WAD * hours < 4 * (rho - 1) / (rho + 3) * min(base, floor) / WAD < (rho - 1) * min(base, floor) / WAD
    with reverts("margin: notice"):
        risk.engine.set_margin(key, SLOW._replace(floor=floor, ramp_up=most + RAMP_UNIT), sender=risk.owner)
    risk.set_margin(key, SLOW._replace(floor=floor, ramp_up=most))
    margin_rate.check(SLOW._replace(floor=floor, ramp_up=most), base, ratio, notice)


def test_set_margin__the_worst_sequence_of_setters_keeps_the_promise(risk: Risk) -> None:
    """Raise the speed each hour as far as the risen base allows: no rate passes rho times its start within `notice`."""
    key = risk.list_asset()
    start, worth = risk.engine.effective_rate(key, 10**6 * WAD, risk.chain.timestamp()), 10**6 * WAD
    floor = risk.engine.effective_rate(key, 0, risk.chain.timestamp())
    for _ in range(NOTICE // HOUR):
        base, _, _ = margin_rate.in_force(risk.margins[key], risk.chain.timestamp())
        up = margin_rate.max_ramp_up(base, risk.initial_ratio, risk.notice) // RAMP_UNIT * RAMP_UNIT
        risk.set_margin(key, Parameters(49 * PERCENT, 49 * PERCENT, 10**14, up, RAMP_UNIT))
        risk.chain.warp(HOUR)
    now = risk.chain.timestamp()
    assert risk.engine.effective_rate(key, worth, now) * WAD <= start * risk.initial_ratio
    assert floor * 12 // 10 < risk.engine.effective_rate(key, 0, now) < floor * 125 // 100
