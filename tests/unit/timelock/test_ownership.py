"""Timelock's two-step owner: the rights to schedule and to cancel move with it, and with nothing else."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.unit.timelock.conftest import DELAY, NO_ROLE, World

NOT_THE_NEW_OWNER = "ownable_2step: caller is not the new owner"


def hand_over(world: World, to: str) -> None:
    world.timelock.transfer_ownership(to, sender=world.timelock.owner())
    world.timelock.accept_ownership(sender=to)


def rights(world: World) -> tuple[set[str], set[str]]:
    people = {"owner", "guardian", "successor", "stranger"}
    able = {name for name in people if world.can_schedule(getattr(world, name))}
    return able, {name for name in people if world.can_cancel(getattr(world, name))}


@pytest.mark.parametrize("who", ["guardian", "successor", "stranger"])
def test_transfer_ownership__not_the_owner__reverts(world: World, who: str) -> None:
    with reverts("ownable: caller is not the owner"):
        world.timelock.transfer_ownership(world.stranger, sender=getattr(world, who))


def test_transfer_ownership__changes_nothing_before_it_is_accepted(world: World) -> None:
    world.timelock.transfer_ownership(world.successor, sender=world.owner)
    assert rights(world) == ({"owner"}, {"owner", "guardian"})
    with reverts(NO_ROLE):
        world.schedule(world.setting(2), sender=world.successor)
    world.timelock.transfer_ownership(ZERO_ADDRESS, sender=world.owner)
    with reverts(NOT_THE_NEW_OWNER):
        world.timelock.accept_ownership(sender=world.successor)


@pytest.mark.parametrize("who", ["owner", "guardian", "stranger"])
def test_accept_ownership__not_the_pending_owner__reverts(world: World, who: str) -> None:
    world.timelock.transfer_ownership(world.successor, sender=world.owner)
    with reverts(NOT_THE_NEW_OWNER):
        world.timelock.accept_ownership(sender=getattr(world, who))


def test_accept_ownership__rights_move_and_the_queue_stays(world: World) -> None:
    queued = world.schedule(world.setting(2))
    world.timelock.transfer_ownership(world.successor, sender=world.owner)
    receipt = world.timelock.accept_ownership(sender=world.successor)
    assert [event.name for event in receipt.events] == [
        "RoleRevoked",
        "RoleRevoked",
        "OwnershipTransferred",
        "RoleGranted",
        "RoleGranted",
    ]
    assert (world.timelock.owner(), world.timelock.pending_owner()) == (world.successor, ZERO_ADDRESS)
    assert rights(world) == ({"successor"}, {"successor", "guardian"})
    with reverts(NO_ROLE):
        world.timelock.cancel(queued, sender=world.owner)
    world.chain.warp(DELAY)
    world.execute(world.setting(2))
    world.schedule(world.setting(3), sender=world.successor)
    assert world.answer() == 2


def test_accept_ownership__twice__reverts(world: World) -> None:
    hand_over(world, world.successor)
    with reverts(NOT_THE_NEW_OWNER):
        world.timelock.accept_ownership(sender=world.successor)


def test_accept_ownership__to_oneself__keeps_the_rights(world: World) -> None:
    hand_over(world, world.owner)
    assert rights(world) == ({"owner"}, {"owner", "guardian"})


def test_accept_ownership__the_guardian_becomes_owner_and_hands_on__still_cancels(world: World) -> None:
    hand_over(world, world.guardian)
    assert rights(world) == ({"guardian"}, {"guardian"})
    hand_over(world, world.successor)
    assert rights(world) == ({"successor"}, {"successor", "guardian"})


def test_accept_ownership__the_timelock_itself__reverts(world: World) -> None:
    world.timelock.transfer_ownership(world.timelock, sender=world.owner)
    payload = world.timelock.accept_ownership.encode()
    world.schedule(payload, world.timelock)
    world.chain.warp(DELAY)
    with reverts("timelock: own owner"):
        world.execute(payload, world.timelock)


def test_set_guardian__by_an_operation__the_right_moves(world: World) -> None:
    receipt = world.make_itself("set_guardian", world.stranger)
    assert receipt.find("GuardianSet") == [world.timelock.event("GuardianSet", guardian=world.stranger)]
    assert world.timelock.guardian() == world.stranger
    assert rights(world) == ({"owner"}, {"owner", "stranger"})


def test_set_guardian__the_owner_and_back__the_owner_still_cancels(world: World) -> None:
    world.make_itself("set_guardian", world.owner)
    assert rights(world) == ({"owner"}, {"owner"})
    world.make_itself("set_guardian", world.guardian)
    assert rights(world) == ({"owner"}, {"owner", "guardian"})


def test_set_guardian__the_same_again__still_cancels(world: World) -> None:
    world.make_itself("set_guardian", world.guardian)
    assert rights(world) == ({"owner"}, {"owner", "guardian"})


@pytest.mark.parametrize("who", ["owner", "guardian", "successor", "stranger"])
def test_set_guardian__not_the_timelock__reverts(world: World, who: str) -> None:
    with reverts("timelock: self only"):
        world.timelock.set_guardian(world.stranger, sender=getattr(world, who))


def test_set_guardian__zero_address__reverts(world: World) -> None:
    with reverts("timelock: zero address"):
        world.make_itself("set_guardian", ZERO_ADDRESS)
