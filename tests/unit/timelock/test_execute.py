"""Timelock.execute and execute_batch: anybody, once it is due, once."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.unit.timelock.conftest import DELAY, DONE, NOT_READY, NOTHING, READY, World


@pytest.mark.parametrize("who", ["owner", "guardian", "successor", "stranger"])
def test_execute__due__by_anybody(world: World, who: str) -> None:
    id_ = world.schedule(world.setting(2))
    world.chain.warp(DELAY)
    assert world.timelock.get_operation_state(id_) == READY
    receipt = world.execute(world.setting(2), sender=getattr(world, who))
    assert receipt.events[1:] == [
        world.timelock.event("CallExecuted", id=id_, index=0, target=world.feed, amount=0, payload=world.setting(2))
    ]
    assert receipt.events[0].name == "AnswerUpdated"
    assert world.answer() == 2
    assert world.timelock.get_operation_state(id_) == DONE


def test_execute__a_second_early__reverts(world: World) -> None:
    world.schedule(world.setting(2))
    world.chain.warp(DELAY - 1)
    with reverts(NOT_READY):
        world.execute(world.setting(2))


def test_execute__never_scheduled__reverts(world: World) -> None:
    with reverts(NOT_READY):
        world.execute(world.setting(2))


def test_execute__other_call_than_scheduled__reverts(world: World) -> None:
    world.schedule(world.setting(2))
    world.chain.warp(DELAY)
    with reverts(NOT_READY):
        world.execute(world.setting(3))


def test_execute__twice__reverts(world: World) -> None:
    world.schedule(world.setting(2))
    world.chain.warp(DELAY)
    world.execute(world.setting(2))
    with reverts(NOT_READY):
        world.execute(world.setting(2))


def test_execute__call_fails__its_reason_and_still_due(world: World) -> None:
    payload = world.timelock.update_delay.encode(1)
    id_ = world.schedule(payload, world.timelock)
    world.chain.warp(DELAY)
    with reverts("timelock: delay"):
        world.execute(payload, world.timelock)
    assert world.timelock.is_operation_ready(id_)


def test_execute__predecessor_first(world: World) -> None:
    first = world.schedule(world.setting(2))
    world.schedule(world.setting(3), predecessor=first)
    world.chain.warp(DELAY)
    with reverts("timelock_controller: missing dependency"):
        world.execute(world.setting(3), predecessor=first)
    world.execute(world.setting(2))
    world.execute(world.setting(3), predecessor=first)
    assert world.answer() == 3


def test_execute_batch__all_in_order(world: World) -> None:
    arguments = world.batch([world.setting(2), world.setting(3)])
    world.timelock.schedule_batch(*arguments, DELAY, sender=world.owner)
    world.chain.warp(DELAY)
    receipt = world.timelock.execute_batch(*arguments, sender=world.stranger)
    assert [event.args["index"] for event in receipt.find("CallExecuted")] == [0, 1]
    assert world.answer() == 3


def test_execute_batch__one_fails__none_is_made(world: World) -> None:
    payloads = [world.setting(2), world.timelock.update_delay.encode(1)]
    arguments = world.batch(payloads, [world.feed, world.timelock])
    world.timelock.schedule_batch(*arguments, DELAY, sender=world.owner)
    world.chain.warp(DELAY)
    with reverts("timelock: delay"):
        world.timelock.execute_batch(*arguments, sender=world.stranger)
    assert world.answer() == 1


def test_execute_batch__early__reverts(world: World) -> None:
    arguments = world.batch([world.setting(2)])
    world.timelock.schedule_batch(*arguments, DELAY, sender=world.owner)
    world.chain.warp(DELAY - 1)
    with reverts(NOT_READY):
        world.timelock.execute_batch(*arguments, sender=world.owner)


def test_execute_batch__twenty_calls__within_a_transactions_gas(world: World) -> None:
    arguments = world.batch([world.setting(answer) for answer in range(20)])
    world.timelock.schedule_batch(*arguments, DELAY, sender=world.owner)
    world.chain.warp(DELAY)
    world.timelock.execute_batch(*arguments, sender=world.stranger)
    assert world.answer() == 19


def test_execute__another_operation__once(world: World) -> None:
    inner = world.timelock.execute.encode(*world.operation(world.setting(2)))
    world.schedule(world.setting(2))
    world.schedule(inner, world.timelock)
    world.chain.warp(DELAY)
    world.execute(inner, world.timelock)
    assert world.answer() == 2
    with reverts(NOT_READY):
        world.execute(world.setting(2))


def test_execute__ether__is_passed_on_only_with_the_operation(world: World) -> None:
    with reverts(""):
        world.chain.raw_call(world.timelock, b"", world.stranger, value=1)
    world.timelock.schedule(world.stranger, 7, b"", NOTHING, NOTHING, DELAY, sender=world.owner)
    world.chain.warp(DELAY)
    before = world.chain.balance(world.stranger)
    world.timelock.execute(world.stranger, 7, b"", NOTHING, NOTHING, sender=world.owner, value=7)
    assert world.chain.balance(world.stranger) == before + 7
