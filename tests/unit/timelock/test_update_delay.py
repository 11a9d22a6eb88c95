"""Timelock.update_delay: by an operation alone, within bounds, for what is scheduled later."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.unit.timelock.conftest import DAY, DELAY, HOUR, NOT_READY, World


@pytest.mark.parametrize("delay", [HOUR, 30 * DAY])
def test_update_delay__by_an_operation(world: World, delay: int) -> None:
    receipt = world.make_itself("update_delay", delay)
    assert receipt.find("MinimumDelayChange") == [
        world.timelock.event("MinimumDelayChange", old_duration=DELAY, new_duration=delay)
    ]
    assert world.timelock.get_minimum_delay() == delay
    with reverts("timelock_controller: insufficient delay"):
        world.schedule(world.setting(2), delay=delay - 1)
    world.schedule(world.setting(2), delay=delay)


def test_update_delay__shorter__what_is_queued_waits_as_it_was(world: World) -> None:
    world.timelock.schedule(
        *world.operation(world.timelock.update_delay.encode(HOUR), world.timelock), DELAY, sender=world.owner
    )
    world.chain.warp(DAY)
    world.schedule(world.setting(2))
    world.chain.warp(DELAY - DAY)
    world.execute(world.timelock.update_delay.encode(HOUR), world.timelock)
    with reverts(NOT_READY):
        world.execute(world.setting(2))


@pytest.mark.parametrize("delay", [0, HOUR - 1, 30 * DAY + 1, 2**256 - 1])
def test_update_delay__out_of_bounds__reverts(world: World, delay: int) -> None:
    with reverts("timelock: delay"):
        world.make_itself("update_delay", delay)


@pytest.mark.parametrize("who", ["owner", "guardian", "successor", "stranger"])
def test_update_delay__not_the_timelock__reverts(world: World, who: str) -> None:
    with reverts("timelock: self only"):
        world.timelock.update_delay(DAY, sender=getattr(world, who))
