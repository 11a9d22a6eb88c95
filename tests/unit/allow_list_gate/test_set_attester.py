"""AllowListGate.set_attester, and the two-step owner who alone calls it."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts
from tests.unit.allow_list_gate.conftest import World

NOT_THE_OWNER = "ownable: caller is not the owner"


def test_set_attester__records_stay(world: World) -> None:
    world.bring(world.signed())
    receipt = world.gate.set_attester(world.successor, False, sender=world.owner)
    assert receipt.events == [world.gate.event("AttesterSet", attester=world.successor, disowned=False)]
    assert (world.gate.attester(), world.gate.generation()) == (world.successor, 2)
    assert world.allows()
    world.bring(world.signed(by=world.successor))


def test_set_attester__disowned__records_end(world: World) -> None:
    world.bring(world.signed())
    world.gate.set_attester(world.successor, True, sender=world.owner)
    assert not world.allows()
    assert world.gate.record_of(world.subject) == (0, 1)
    world.bring(world.signed(by=world.successor))
    assert world.allows()


def test_set_attester__later_without_disowning__disowned_stay_so(world: World) -> None:
    world.bring(world.signed())
    world.gate.set_attester(world.successor, True, sender=world.owner)
    world.gate.set_attester(world.attester, False, sender=world.owner)
    assert not world.allows()


def test_set_attester__old_ones_signature__void(world: World) -> None:
    signed = world.signed()
    world.gate.set_attester(world.successor, False, sender=world.owner)
    with reverts("gate: signature"):
        world.bring(signed)


def test_set_attester__and_back__signatures_of_the_first_time_stay_void(world: World) -> None:
    signed = world.signed()
    world.gate.set_attester(world.successor, False, sender=world.owner)
    world.gate.set_attester(world.attester, False, sender=world.owner)
    with reverts("gate: signature"):
        world.bring(signed)


def test_set_attester__old_one_cannot_revoke(world: World) -> None:
    world.bring(world.signed())
    world.gate.set_attester(world.successor, False, sender=world.owner)
    with reverts("gate: attester only"):
        world.gate.revoke(world.subject, sender=world.attester)


@pytest.mark.parametrize("who", ["attester", "successor", "subject", "stranger"])
def test_set_attester__not_the_owner__reverts(world: World, who: str) -> None:
    with reverts(NOT_THE_OWNER):
        world.gate.set_attester(world.stranger, False, sender=getattr(world, who))


def test_set_attester__zero_address__reverts(world: World) -> None:
    with reverts("gate: attester"):
        world.gate.set_attester(ZERO_ADDRESS, False, sender=world.owner)


def test_ownership__two_steps(world: World) -> None:
    with reverts(NOT_THE_OWNER):
        world.gate.transfer_ownership(world.stranger, sender=world.attester)
    world.gate.transfer_ownership(world.successor, sender=world.owner)
    assert (world.gate.owner(), world.gate.pending_owner()) == (world.owner, world.successor)
    with reverts("ownable_2step: caller is not the new owner"):
        world.gate.accept_ownership(sender=world.stranger)
    world.gate.accept_ownership(sender=world.successor)
    with reverts(NOT_THE_OWNER):
        world.gate.set_attester(world.stranger, False, sender=world.owner)
    world.gate.set_attester(world.stranger, False, sender=world.successor)


def test_constructor__the_first_attester_disowns_nobody(world: World) -> None:
    assert (world.gate.owner(), world.gate.attester(), world.gate.generation()) == (world.owner, world.attester, 1)
    assert world.gate.deployment.find("AttesterSet") == [
        world.gate.event("AttesterSet", attester=world.attester, disowned=False)
    ]


def test_constructor__zero_addresses__revert(chain: RevmChain) -> None:
    somebody = chain.accounts()[0]
    with reverts("gate: owner"):
        chain.deploy("AllowListGate", ZERO_ADDRESS, somebody, sender=somebody)
    with reverts("gate: attester"):
        chain.deploy("AllowListGate", somebody, ZERO_ADDRESS, sender=somebody)
