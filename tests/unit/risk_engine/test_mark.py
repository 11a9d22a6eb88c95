from __future__ import annotations

import pytest

from plimsoll.chain import Revert
from plimsoll.model.price_oracle import DEAD, MAX_MARK_GAP, NO_CLOCK, OK, STALE, WIDE, Clock
from plimsoll.model.price_source import Reading
from tests.support import reverts
from tests.support.risk import ETHER_18, HOUR, Answer, Risk, reading

NOT_OK = [WIDE, STALE, DEAD]


def answer(status: int, now: int) -> Answer:
    """What a lone source says that makes its asset this."""
    if status == DEAD:
        return None
    return reading(ETHER_18, now, fresh=int(status != STALE), trusted=int(status == OK))


def become(risk: Risk, key: int, status: int) -> None:
    risk.answer(key, answer(status, risk.chain.timestamp()))
    assert risk.price(key).status == status


@pytest.mark.parametrize("status", NOT_OK)
def test_mark__not_ok__starts(risk: Risk, status: int) -> None:
    key = risk.list_asset()
    become(risk, key, status)
    receipt = risk.mark(key)
    now = risk.chain.timestamp()
    assert receipt.events == [risk.engine.event("Marked", key=key, since=now)]
    assert risk.clock(key) == Clock(now, now, now if status == DEAD else 0) == risk.clocks[key]


def test_mark__ok__nothing(risk: Risk) -> None:
    key = risk.list_asset()
    assert risk.mark(key).events == []
    assert risk.clock(key) == NO_CLOCK


@pytest.mark.parametrize("status", NOT_OK)
def test_mark__again__continues_and_says_nothing(risk: Risk, status: int) -> None:
    key = risk.list_asset()
    become(risk, key, status)
    risk.mark(key)
    start = risk.chain.timestamp()
    for _ in range(5):
        risk.chain.warp(MAX_MARK_GAP)
        assert risk.mark(key).events == []
    assert risk.clock(key) == Clock(start, start + 5 * MAX_MARK_GAP, start if status == DEAD else 0)
    assert risk.clock(key) == risk.clocks[key]


@pytest.mark.parametrize("status", NOT_OK)
def test_mark__a_second_too_late__starts_anew(risk: Risk, status: int) -> None:
    key = risk.list_asset()
    become(risk, key, status)
    risk.mark(key)
    risk.chain.warp(MAX_MARK_GAP + 1)
    receipt = risk.mark(key)
    now = risk.chain.timestamp()
    assert receipt.events == [risk.engine.event("Marked", key=key, since=now)]
    assert risk.clock(key) == Clock(now, now, now if status == DEAD else 0) == risk.clocks[key]


@pytest.mark.parametrize("wait", [0, MAX_MARK_GAP, MAX_MARK_GAP + 1])
def test_mark__ok__stops(risk: Risk, wait: int) -> None:
    key = risk.list_asset()
    become(risk, key, DEAD)
    risk.mark(key)
    risk.chain.warp(wait)
    become(risk, key, OK)
    assert risk.mark(key).events == [risk.engine.event("Marked", key=key, since=0)]
    assert risk.clock(key) == NO_CLOCK
    assert risk.mark(key).events == []


def test_mark__ok_in_between__seen__starts_anew(risk: Risk) -> None:
    key = risk.list_asset()
    become(risk, key, WIDE)
    risk.mark(key)
    become(risk, key, OK)
    risk.mark(key)
    risk.chain.warp(HOUR // 2)
    become(risk, key, WIDE)
    risk.mark(key)
    now = risk.chain.timestamp()
    assert risk.clock(key) == Clock(now, now, 0)


@pytest.mark.parametrize("first", [WIDE, STALE])
@pytest.mark.parametrize("then", [WIDE, STALE])
def test_mark__dead__counts_as_not_ok_but_from_its_own_start(risk: Risk, first: int, then: int) -> None:
    """Without a price it is worth nothing once settled, so the time in which it had one does not count for that."""
    key = risk.list_asset()
    start = risk.chain.timestamp()
    seen = []
    for status in (first, DEAD, DEAD, then, DEAD):
        become(risk, key, status)
        risk.mark(key)
        seen.append(risk.clock(key))
        assert risk.clock(key) == risk.clocks[key]
        risk.chain.warp(HOUR)
    times = [start + hours * HOUR for hours in range(5)]
    assert [clock.since for clock in seen] == [start] * 5
    assert [clock.marked for clock in seen] == times
    assert [clock.dead_since for clock in seen] == [0, times[1], times[1], 0, times[4]]


def test_mark__dead__a_second_too_late__dead_anew(risk: Risk) -> None:
    key = risk.list_asset()
    become(risk, key, DEAD)
    risk.mark(key)
    risk.chain.warp(MAX_MARK_GAP + 1)
    become(risk, key, WIDE)
    risk.mark(key)
    now = risk.chain.timestamp()
    assert risk.clock(key) == Clock(now, now, 0)


def test_mark__twice_in_one_call__once(risk: Risk) -> None:
    key = risk.list_asset()
    become(risk, key, WIDE)
    now = risk.chain.timestamp()
    assert risk.mark(key, key).events == [risk.engine.event("Marked", key=key, since=now)]
    become(risk, key, OK)
    assert risk.mark(key, key).events == [risk.engine.event("Marked", key=key, since=0)]


def test_mark__many__each_its_own_clock(risk: Risk) -> None:
    keys = [risk.list_asset() for _ in range(16)]
    statuses = [OK, WIDE, STALE, DEAD] * 4
    for key, status in zip(keys, statuses, strict=True):
        become(risk, key, status)
    receipt = risk.mark(*keys)
    now = risk.chain.timestamp()
    doubtful = [key for key, status in zip(keys, statuses, strict=True) if status != OK]
    assert receipt.events == [risk.engine.event("Marked", key=key, since=now) for key in doubtful]
    assert [risk.clock(key) for key in keys] == [risk.clocks[key] for key in keys]


def test_mark__nothing(risk: Risk) -> None:
    assert risk.mark().events == []


def test_mark__anyone(risk: Risk) -> None:
    key = risk.list_asset()
    become(risk, key, WIDE)
    for caller in (risk.owner, risk.guardian, risk.stranger):
        risk.engine.mark([key], sender=caller)
        risk.chain.warp(1)
    assert risk.clock(key).marked == risk.chain.timestamp() - 1


@pytest.mark.parametrize("key", [0, 2, 3, 1 << 64, 1 << 64 | 1, 2**256 - 1])
def test_mark__unknown_asset__reverts(risk: Risk, key: int) -> None:
    """All of the call: an unlisted key never gets a clock, so that it is never settled."""
    listed = risk.list_asset()
    become(risk, listed, WIDE)
    with reverts("risk: unknown asset"):
        risk.engine.mark([listed, key], sender=risk.stranger)
    assert risk.clock(listed) == risk.clock(key) == NO_CLOCK


def test_mark__seventeen_keys__reverts(risk: Risk) -> None:
    key = risk.list_asset()
    with reverts(""):
        risk.engine.mark([key] * 17, sender=risk.stranger)


def test_mark__too_little_gas__reverts(risk: Risk) -> None:
    """Failure 17: whoever brings little gas cannot make an asset look DEAD."""
    key = risk.list_asset()
    with reverts("oracle: gas"):
        risk.engine.mark([key], sender=risk.stranger, gas=220_000)
    assert risk.clock(key) == NO_CLOCK


def test_mark__gas_starved__never_starts_the_clock_of_an_asset_that_is_ok(risk: Risk) -> None:
    key = risk.list_asset(ETHER_18, ETHER_18)
    now = risk.chain.timestamp()
    risk.sources[key][1].set_spend(reading(ETHER_18, now), 150_000, sender=risk.owner)
    marked = 0
    for gas in range(230_000, 600_000, 5_003):
        with risk.chain.isolate():
            try:
                receipt = risk.engine.mark([key], sender=risk.stranger, gas=gas)
            except Revert as error:
                assert error.reason == "oracle: gas" or error.halt
                continue
            assert receipt.events == []
            assert risk.clock(key) == NO_CLOCK
            marked += 1
    assert marked


def test_mark__a_lone_source_that_outruns_its_limit__runs(risk: Risk) -> None:
    key = risk.list_asset()
    risk.answer(key, Reading(ETHER_18 * 7 // 10, ETHER_18, risk.chain.timestamp(), 1, 1))
    risk.mark(key)
    assert risk.clock(key).since == risk.chain.timestamp()


# New sources


@pytest.mark.parametrize("status", NOT_OK)
def test_set_sources__stops_the_clock(risk: Risk, status: int) -> None:
    key = risk.list_asset()
    become(risk, key, status)
    risk.mark(key)
    receipt = risk.set_sources(key, ETHER_18)
    sources = [source.address for source in risk.sources[key]]
    assert receipt.events == [
        risk.engine.event("SourcesSet", key=key, sources=sources, parameters=risk.parameters[key]),
        risk.engine.event("Marked", key=key, since=0),
    ]
    assert risk.clock(key) == NO_CLOCK


def test_set_sources__leaves_other_clocks_alone(risk: Risk) -> None:
    key, other = risk.list_asset(), risk.list_asset()
    become(risk, other, WIDE)
    risk.mark(other)
    before = risk.clock(other)
    assert [event.name for event in risk.set_sources(key, ETHER_18).events] == ["SourcesSet"]
    assert risk.clock(other) == before != NO_CLOCK
