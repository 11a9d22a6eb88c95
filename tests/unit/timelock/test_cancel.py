"""Timelock.cancel: the owner and the guardian, whatever was scheduled."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.unit.timelock.conftest import DELAY, NO_ROLE, NOT_READY, UNSET, World


@pytest.mark.parametrize("who", ["owner", "guardian"])
@pytest.mark.parametrize("waited", [0, DELAY])
def test_cancel__forgotten(world: World, who: str, waited: int) -> None:
    id_ = world.schedule(world.setting(2))
    world.chain.warp(waited)
    receipt = world.timelock.cancel(id_, sender=getattr(world, who))
    assert receipt.events == [world.timelock.event("Cancelled", id=id_)]
    assert world.timelock.get_operation_state(id_) == UNSET
    world.chain.warp(DELAY)
    with reverts(NOT_READY):
        world.execute(world.setting(2))


@pytest.mark.parametrize("who", ["successor", "stranger"])
def test_cancel__neither_owner_nor_guardian__reverts(world: World, who: str) -> None:
    id_ = world.schedule(world.setting(2))
    with reverts(NO_ROLE):
        world.timelock.cancel(id_, sender=getattr(world, who))


def test_cancel__not_queued__reverts(world: World) -> None:
    with reverts("timelock_controller: operation cannot be cancelled"):
        world.timelock.cancel(b"\1" * 32, sender=world.guardian)


def test_cancel__executed__reverts(world: World) -> None:
    id_ = world.schedule(world.setting(2))
    world.chain.warp(DELAY)
    world.execute(world.setting(2))
    with reverts("timelock_controller: operation cannot be cancelled"):
        world.timelock.cancel(id_, sender=world.guardian)


def test_cancel__then_scheduled_anew__waits_anew(world: World) -> None:
    id_ = world.schedule(world.setting(2))
    world.chain.warp(DELAY)
    world.timelock.cancel(id_, sender=world.guardian)
    world.schedule(world.setting(2))
    with reverts(NOT_READY):
        world.execute(world.setting(2))


def test_cancel__guardians_own_dismissal(world: World) -> None:
    payload = world.timelock.set_guardian.encode(world.stranger)
    id_ = world.schedule(payload, world.timelock)
    world.timelock.cancel(id_, sender=world.guardian)
    world.chain.warp(DELAY)
    with reverts(NOT_READY):
        world.execute(payload, world.timelock)
