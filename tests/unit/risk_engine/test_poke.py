from __future__ import annotations

import pytest

from plimsoll.model import margin_rate
from tests.support import reverts
from tests.support.risk import DAY, HOUR, MARGIN, PERCENT, WAD, Risk

TARGET = MARGIN._replace(floor=6 * PERCENT)


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
