"""Timelock's views of its queue."""

from __future__ import annotations

from tests.support import reverts
from tests.unit.timelock.conftest import DELAY, World


def test_timestamps__queued_executed_and_unknown(world: World) -> None:
    executed = world.schedule(world.setting(2))
    world.chain.warp(DELAY)
    world.execute(world.setting(2))
    now = world.chain.timestamp()
    queued = world.schedule(world.setting(3))
    assert world.timelock.timestamps([queued, bytes(32), executed, queued]) == [now + DELAY, 0, 1, now + DELAY]
    assert world.timelock.timestamps([]) == []


def test_timestamps__255_at_most(world: World) -> None:
    assert world.timelock.timestamps([bytes(32)] * 255) == [0] * 255
    with reverts(""):
        world.timelock.timestamps([bytes(32)] * 256)


def test_states__one_by_one(world: World) -> None:
    id_ = world.schedule(world.setting(2))
    timelock = world.timelock
    views = (
        timelock.is_operation,
        timelock.is_operation_pending,
        timelock.is_operation_ready,
        timelock.is_operation_done,
    )
    assert [view(bytes(32)) for view in views] == [False, False, False, False]
    assert [view(id_) for view in views] == [True, True, False, False]
    world.chain.warp(DELAY)
    assert [view(id_) for view in views] == [True, True, True, False]
    world.execute(world.setting(2))
    assert [view(id_) for view in views] == [True, False, False, True]


def test_hash_operation__every_argument_counts(world: World) -> None:
    one = world.operation(world.setting(2))
    others = [
        (world.timelock, *one[1:]),
        (one[0], 1, *one[2:]),
        (*one[:2], world.setting(3), *one[3:]),
        (*one[:3], b"\1" * 32, one[4]),
        (*one[:4], b"\1" * 32),
    ]
    ids = {world.timelock.hash_operation(*each) for each in [one, *others]}
    ids.add(world.timelock.hash_operation_batch(*world.batch([world.setting(2)])))
    assert len(ids) == 7
