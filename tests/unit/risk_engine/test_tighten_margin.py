from __future__ import annotations

import pytest

from plimsoll.model import margin_rate
from tests.support import reverts
from tests.support.risk import DAY, HOUR, MARGIN, NOTICE, PERCENT, Risk

TIGHTER = MARGIN._replace(floor=6 * PERCENT, cap=25 * PERCENT, size_slope=2 * 10**10)


def tighten(risk: Risk, key: int, parameters: margin_rate.Parameters, sender: str | None = None) -> object:
    receipt = risk.engine.tighten_margin(key, parameters, sender=sender or risk.guardian)
    risk.margins[key] = margin_rate.set_target(risk.margins[key], parameters, risk.chain.timestamp())
    return receipt.events


@pytest.mark.parametrize("caller", ["guardian", "owner"])
def test_tighten_margin__event_and_targets(risk: Risk, caller: str) -> None:
    key = risk.list_asset()
    assert tighten(risk, key, TIGHTER, getattr(risk, caller)) == [
        risk.engine.event("MarginSet", key=key, parameters=TIGHTER)
    ]
    assert tuple(risk.engine.margin_of(key).target) == TIGHTER


@pytest.mark.parametrize("worth", [0, 10**24, 10**28])
def test_tighten_margin__no_rate_jumps__as_by_the_owner(risk: Risk, worth: int) -> None:
    key = risk.list_asset()
    tighten(risk, key, TIGHTER)
    for wait in (0, HOUR, NOTICE, 10 * DAY):
        at_time = risk.chain.timestamp() + wait
        assert risk.engine.effective_rate(key, worth, at_time) == margin_rate.rate(risk.margins[key], worth, at_time)
    now = risk.chain.timestamp()
    first = risk.engine.effective_rate(key, worth, now)
    assert risk.engine.effective_rate(key, worth, now + NOTICE) <= first * risk.initial_ratio // 10**18


def test_tighten_margin__as_it_is__accepted(risk: Risk) -> None:
    key = risk.list_asset()
    tighten(risk, key, MARGIN)
    assert not risk.engine.margin_of(key).moving


def test_tighten_margin__while_a_ramp_falls__it_turns(risk: Risk) -> None:
    """What the owner loosened is not in force yet: the guardian may keep the higher rate, aimed at by him."""
    key = risk.list_asset()
    risk.set_margin(key, MARGIN._replace(floor=3 * PERCENT, ramp_up=4 * 10**14))
    risk.chain.warp(HOUR)
    before = risk.engine.effective_rate(key, 0, risk.chain.timestamp())
    tighten(risk, key, MARGIN._replace(floor=5 * PERCENT, ramp_up=4 * 10**14))
    assert risk.engine.effective_rate(key, 0, risk.chain.timestamp() + HOUR) > before


@pytest.mark.parametrize(
    "change",
    [
        {"floor": MARGIN.floor - 1},
        {"cap": MARGIN.cap - 1},
        {"size_slope": MARGIN.size_slope - 1},
        {"ramp_up": MARGIN.ramp_up - 10**11},
        {"ramp_up": MARGIN.ramp_up + 10**11},
        {"ramp_down": MARGIN.ramp_down - 10**11},
        {"ramp_down": MARGIN.ramp_down + 10**11},
    ],
)
@pytest.mark.parametrize("caller", ["guardian", "owner"])
def test_tighten_margin__looser_or_other_speeds__reverts(risk: Risk, change: dict[str, int], caller: str) -> None:
    key = risk.list_asset()
    with reverts("risk: not tighter"):
        risk.engine.tighten_margin(key, MARGIN._replace(**change), sender=getattr(risk, caller))


def test_tighten_margin__below_what_the_guardian_set_before__reverts(risk: Risk) -> None:
    """What was tightened is loosened by the owner only."""
    key = risk.list_asset()
    tighten(risk, key, TIGHTER)
    with reverts("risk: not tighter"):
        risk.engine.tighten_margin(key, MARGIN, sender=risk.guardian)
    risk.set_margin(key, MARGIN)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"floor": MARGIN.cap + 1}, "margin: floor"),
        ({"cap": margin_rate.MAX_CAP}, "margin: cap"),
        ({"size_slope": margin_rate.MAX_SLOPE + 1}, "margin: slope"),
    ],
)
def test_tighten_margin__bounds__reverts(risk: Risk, change: dict[str, int], reason: str) -> None:
    key = risk.list_asset()
    with reverts(reason):
        risk.engine.tighten_margin(key, MARGIN._replace(**change), sender=risk.guardian)


def test_tighten_margin__not_guardian__reverts(risk: Risk) -> None:
    key = risk.list_asset()
    for sender in (risk.stranger, risk.chain.accounts()[0]):
        with reverts("roles: guardian only"):
            risk.engine.tighten_margin(key, TIGHTER, sender=sender)


@pytest.mark.parametrize("key", [0, 2, 1 << 64 | 1, 2**256 - 1])
def test_tighten_margin__unknown_asset__reverts(risk: Risk, key: int) -> None:
    assert risk.list_asset() == 1
    with reverts("risk: unknown asset"):
        risk.engine.tighten_margin(key, TIGHTER, sender=risk.guardian)
