from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model import margin_rate
from plimsoll.model.margin_rate import BPS, MAX_IMPACT, NEVER, RAMP_UNIT
from tests.support import reverts
from tests.support.risk import DAY, HOUR, MARGIN, PERCENT, WAD, Risk

MULTIPLE = 10 * PERCENT
IMPACT = 2 * PERCENT
NONE = (ZERO_ADDRESS, 0, ZERO_ADDRESS, 0, 0)


def test_set_dynamics__aims_at_what_the_sources_say(risk: Risk) -> None:
    """10 % per volatility of 0.8 is 8 %; 2 % of impact over 250,000 dollars of depth is 8 % per million."""
    key = risk.list_asset()
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    due = risk.chain.timestamp() + DAY
    risk.measure(key, 8 * WAD // 10, due, 250_000 * WAD)
    receipt = risk.set_dynamics(key, MULTIPLE, IMPACT, 50 * PERCENT)
    gauges = risk.gauges[key]
    parameters = (gauges.volatility.address, MULTIPLE, gauges.depth.address, IMPACT, 50 * PERCENT)
    assert receipt.events == [
        risk.engine.event("DynamicsSet", key=key, parameters=parameters),
        risk.engine.event("Aimed", key=key, floor=8 * PERCENT, size_slope=8 * 10**10, due=due),
    ]
    state = risk.engine.margin_of(key)
    assert tuple(state) == tuple(risk.margins[key])
    assert tuple(state.target) == MARGIN._replace(floor=8 * PERCENT, size_slope=8 * 10**10)
    assert tuple(risk.engine.dynamics_of(key)) == (*parameters, MARGIN.floor, MARGIN.size_slope, due)
    assert risk.dynamics_of(key) == risk.dynamics[key]


def test_set_dynamics__nothing_jumps(risk: Risk) -> None:
    key = risk.list_asset()
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    risk.measure(key, 100 * WAD, depth=0)
    now, worths = risk.chain.timestamp(), [0, 10**6 * WAD, 10**9 * WAD]
    before = [risk.engine.effective_rate(key, worth, now) for worth in worths]
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    assert risk.margins[key].target[:3] == (MARGIN.cap, MARGIN.cap, margin_rate.MAX_SLOPE)
    assert [risk.engine.effective_rate(key, worth, now) for worth in worths] == before
    risk.chain.warp(HOUR)
    assert risk.engine.effective_rate(key, 0, now + HOUR) == MARGIN.floor + MARGIN.ramp_up // 2


def test_set_dynamics__none__targets_are_what_the_owner_set(risk: Risk) -> None:
    """And a `due` of the source that is gone does not stay."""
    key = risk.list_asset()
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    risk.measure(key, WAD, risk.chain.timestamp(), 10**4 * WAD)
    risk.poke(key)
    risk.set_dynamics(key, MULTIPLE, IMPACT, BPS)
    assert risk.dynamics_of(key).due != NEVER
    risk.chain.warp(DAY)
    receipt = risk.engine.set_dynamics(key, NONE, sender=risk.owner)
    assert receipt.events == [
        risk.engine.event("DynamicsSet", key=key, parameters=NONE),
        risk.engine.event("Aimed", key=key, floor=MARGIN.floor, size_slope=MARGIN.size_slope, due=NEVER),
    ]
    assert risk.engine.set_dynamics(key, NONE, sender=risk.owner).events == receipt.events[:1]
    assert tuple(risk.engine.margin_of(key).target) == MARGIN
    assert risk.dynamics_of(key) == margin_rate.first_dynamics(MARGIN)


def test_set_dynamics__sources_that_do_not_answer__targets_stay(risk: Risk) -> None:
    key = risk.list_asset()
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    assert tuple(risk.engine.margin_of(key).target) == MARGIN
    risk.measure(key, WAD, depth=10**5 * WAD)
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    measured = risk.engine.margin_of(key).target
    assert measured.floor == 10 * PERCENT
    risk.measure(key)
    risk.set_dynamics(key, MULTIPLE // 2, IMPACT)
    assert tuple(risk.engine.margin_of(key).target) == tuple(measured)


@pytest.mark.parametrize("caller", ["guardian", "stranger"])
def test_set_dynamics__not_owner__reverts(risk: Risk, caller: str) -> None:
    key = risk.list_asset()
    with reverts("roles: owner only"):
        risk.engine.set_dynamics(key, NONE, sender=getattr(risk, caller))


@pytest.mark.parametrize("key", [0, 2, 1 << 64 | 1, 2**256 - 1])
def test_set_dynamics__unknown_asset__reverts(risk: Risk, key: int) -> None:
    assert risk.list_asset() == 1
    with reverts("risk: unknown asset"):
        risk.engine.set_dynamics(key, NONE, sender=risk.owner)


@pytest.mark.parametrize(
    ("place", "value", "reason"),
    [
        (0, ZERO_ADDRESS, "margin: source"),
        (0, "stranger", "margin: source"),
        (1, 0, "margin: source"),
        (1, WAD + 1, "margin: source"),
        (1, 2**256 - 1, "margin: source"),
        (1, 2**96, "margin: source"),
        (2, ZERO_ADDRESS, "margin: source"),
        (2, "stranger", "margin: source"),
        (3, 0, "margin: source"),
        (3, MAX_IMPACT + 1, "margin: source"),
        (4, WAD + BPS, "margin: size limit"),
        (4, 1, "margin: size limit"),
        (4, 2**256 - 1, "margin: size limit"),
    ],
)
def test_set_dynamics__bounds__reverts(risk: Risk, place: int, value: Any, reason: str) -> None:
    key = risk.list_asset()
    gauge = risk.chain.deploy("ScriptedAnswers", sender=risk.owner)
    parameters: list[Any] = [gauge, MULTIPLE, gauge, IMPACT, BPS]
    risk.engine.set_dynamics(key, parameters, sender=risk.owner)
    parameters[place] = risk.stranger if value == "stranger" else value
    with reverts(reason):
        risk.engine.set_dynamics(key, parameters, sender=risk.owner)


def test_set_dynamics__at_the_bounds(risk: Risk) -> None:
    key = risk.list_asset()
    risk.set_dynamics(key, WAD, MAX_IMPACT, WAD)
    assert risk.dynamics_of(key) == risk.dynamics[key]
    assert risk.dynamics_of(key)[:3] == (WAD, MAX_IMPACT, WAD)


def test_set_dynamics__source_and_factor_do_not_go_together__reverts(risk: Risk) -> None:
    key = risk.list_asset()
    shifted_out = (ZERO_ADDRESS, 2**96, ZERO_ADDRESS, 0, 0)
    for parameters in ((risk.stranger, 0, ZERO_ADDRESS, 0, 0), (ZERO_ADDRESS, 0, risk.stranger, 0, 0), shifted_out):
        with reverts("margin: source"):
            risk.engine.set_dynamics(key, parameters, sender=risk.owner)


@pytest.mark.parametrize("change", [{"ramp_up": 10**13 - RAMP_UNIT}, {"ramp_down": 24 * 10**13 - RAMP_UNIT}])
def test_set_dynamics__ramp_too_slow__reverts(risk: Risk, change: dict[str, int]) -> None:
    """Poked ramps must be fast enough that restarts cost them nothing; ones without sources need not."""
    slow = MARGIN._replace(ramp_up=10**13, ramp_down=24 * 10**13)
    key = risk.list_asset(margin=slow._replace(**change))
    gauge = risk.chain.deploy("ScriptedAnswers", sender=risk.owner)
    for parameters in ((gauge, MULTIPLE, ZERO_ADDRESS, 0, 0), (ZERO_ADDRESS, 0, gauge, IMPACT, 0)):
        with reverts("margin: ramp too slow"):
            risk.engine.set_dynamics(key, parameters, sender=risk.owner)
    with pytest.raises(ValueError, match="margin: ramp too slow"):
        margin_rate.check_dynamics(MULTIPLE, 0, 0, slow._replace(**change))
    risk.set_dynamics(key, 0, 0, BPS)
    risk.set_margin(key, slow)
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    with reverts("margin: ramp too slow"):
        risk.engine.set_margin(key, slow._replace(**change), sender=risk.owner)


def test_set_margin__with_dynamics__measurements_stay_above_it(risk: Risk) -> None:
    key = risk.list_asset()
    risk.set_dynamics(key, MULTIPLE, IMPACT)
    risk.measure(key, WAD, depth=10**5 * WAD)
    wanted = MARGIN._replace(floor=4 * PERCENT, cap=9 * PERCENT, ramp_up=6 * 10**14)
    receipt = risk.set_margin(key, wanted)
    assert receipt.events == [
        risk.engine.event("MarginSet", key=key, parameters=wanted),
        risk.engine.event("Aimed", key=key, floor=9 * PERCENT, size_slope=2 * 10**11, due=NEVER - 1),
    ]
    assert tuple(risk.engine.margin_of(key)) == tuple(risk.margins[key])
    assert risk.dynamics_of(key)[3:5] == (4 * PERCENT, MARGIN.size_slope)
    # the same again says the same again: a reader of the events takes MarginSet for the target
    assert risk.set_margin(key, wanted).events == [
        risk.engine.event("MarginSet", key=key, parameters=wanted),
        risk.engine.event("Aimed", key=key, floor=9 * PERCENT, size_slope=2 * 10**11, due=NEVER - 1),
    ]
    # without an answer the target stays, within the new bounds
    risk.measure(key)
    risk.set_margin(key, wanted._replace(cap=8 * PERCENT))
    assert risk.engine.margin_of(key).target[:3] == (8 * PERCENT, 8 * PERCENT, 2 * 10**11)
    risk.set_margin(key, wanted._replace(cap=20 * PERCENT, size_slope=10**12))
    assert risk.engine.margin_of(key).target[:3] == (8 * PERCENT, 20 * PERCENT, 10**12)
    assert tuple(risk.engine.margin_of(key)) == tuple(risk.margins[key])


def test_tighten_margin__with_dynamics__is_compared_with_what_the_owner_set(risk: Risk) -> None:
    """A volatile week does not keep the guardian from raising the floor under it."""
    key = risk.list_asset()
    risk.set_dynamics(key, MULTIPLE)
    risk.measure(key, WAD)
    risk.chain.warp(HOUR)
    risk.poke(key)
    assert risk.engine.margin_of(key).target.floor == 10 * PERCENT
    risk.engine.tighten_margin(key, MARGIN._replace(floor=6 * PERCENT), sender=risk.guardian)
    assert risk.dynamics_of(key).floor == 6 * PERCENT
    assert risk.engine.margin_of(key).target.floor == 10 * PERCENT
    with reverts("risk: not tighter"):
        risk.engine.tighten_margin(key, MARGIN, sender=risk.guardian)
