"""Timelock.schedule and schedule_batch: the owner alone, no earlier than the delay."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.unit.timelock.conftest import DELAY, NO_ROLE, NOTHING, WAITING, World

SALT = b"\0" * 31 + b"\7"


def test_schedule__queued_and_told(world: World) -> None:
    now = world.chain.timestamp()
    receipt = world.timelock.schedule(world.feed, 0, world.setting(2), NOTHING, SALT, DELAY + 5, sender=world.owner)
    id_ = world.timelock.hash_operation(world.feed, 0, world.setting(2), NOTHING, SALT)
    assert receipt.events == [
        world.timelock.event(
            "CallScheduled",
            id=id_,
            index=0,
            target=world.feed,
            amount=0,
            payload=world.setting(2),
            predecessor=NOTHING,
            delay=DELAY + 5,
        ),
        world.timelock.event("CallSalt", id=id_, salt=SALT),
    ]
    assert world.timelock.get_timestamp(id_) == now + DELAY + 5
    assert world.timelock.get_operation_state(id_) == WAITING
    assert world.answer() == 1


@pytest.mark.parametrize("who", ["guardian", "successor", "stranger"])
def test_schedule__not_the_owner__reverts(world: World, who: str) -> None:
    with reverts(NO_ROLE):
        world.schedule(world.setting(2), sender=getattr(world, who))


def test_schedule__less_than_the_delay__reverts(world: World) -> None:
    with reverts("timelock_controller: insufficient delay"):
        world.schedule(world.setting(2), delay=DELAY - 1)


def test_schedule__queued_already__reverts(world: World) -> None:
    world.schedule(world.setting(2))
    with reverts("timelock_controller: operation already scheduled"):
        world.schedule(world.setting(2))


def test_schedule__executed_already__reverts(world: World) -> None:
    world.schedule(world.setting(2))
    world.chain.warp(DELAY)
    world.execute(world.setting(2))
    with reverts("timelock_controller: operation already scheduled"):
        world.schedule(world.setting(2))


def test_schedule__payload_too_long__reverts(world: World) -> None:
    world.schedule(bytes(1_024))
    with reverts(""):
        world.schedule(bytes(1_025))


def test_schedule_batch__each_call_told(world: World) -> None:
    arguments = world.batch([world.setting(2), world.setting(3)])
    receipt = world.timelock.schedule_batch(*arguments, DELAY, sender=world.owner)
    id_ = world.timelock.hash_operation_batch(*arguments)
    assert receipt.events == [
        world.timelock.event(
            "CallScheduled",
            id=id_,
            index=index,
            target=world.feed,
            amount=0,
            payload=world.setting(answer),
            predecessor=NOTHING,
            delay=DELAY,
        )
        for index, answer in enumerate((2, 3))
    ]


@pytest.mark.parametrize("who", ["guardian", "successor", "stranger"])
def test_schedule_batch__not_the_owner__reverts(world: World, who: str) -> None:
    with reverts(NO_ROLE):
        world.timelock.schedule_batch(*world.batch([world.setting(2)]), DELAY, sender=getattr(world, who))


def test_schedule_batch__less_than_the_delay__reverts(world: World) -> None:
    with reverts("timelock_controller: insufficient delay"):
        world.timelock.schedule_batch(*world.batch([world.setting(2)]), DELAY - 1, sender=world.owner)


def test_schedule_batch__lengths_differ__reverts(world: World) -> None:
    with reverts("timelock_controller: length mismatch"):
        world.timelock.schedule_batch(
            [world.feed], [0, 0], [world.setting(2)], NOTHING, NOTHING, DELAY, sender=world.owner
        )
