"""AllowListGate.revoke: what was recorded ends, and what was signed before is void."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.unit.allow_list_gate.conftest import World


@pytest.mark.parametrize("who", ["attester", "owner"])
def test_revoke__ends(world: World, who: str) -> None:
    world.bring(world.signed())
    receipt = world.gate.revoke(world.subject, sender=getattr(world, who))
    assert receipt.events == [world.gate.event("Revoked", subject=world.subject, nonce=1)]
    assert world.gate.record_of(world.subject) == (0, 2)
    assert not world.allows()


@pytest.mark.parametrize("who", ["subject", "successor", "stranger"])
def test_revoke__neither_attester_nor_owner__reverts(world: World, who: str) -> None:
    world.bring(world.signed())
    with reverts("gate: attester only"):
        world.gate.revoke(world.subject, sender=getattr(world, who))
    assert world.allows()


def test_revoke__signed_before_and_not_brought__void(world: World) -> None:
    world.bring(world.signed())
    renewal = world.signed()
    world.gate.revoke(world.subject, sender=world.attester)
    with reverts("gate: nonce"):
        world.bring(renewal)


def test_revoke__never_attested__first_signature_void(world: World) -> None:
    signed = world.signed()
    world.gate.revoke(world.subject, sender=world.attester)
    with reverts("gate: nonce"):
        world.bring(signed)


def test_revoke__then_attested_anew(world: World) -> None:
    world.bring(world.signed())
    world.client.revoke(world.subject, world.attester)
    world.client.attest(world.signed(), world.stranger)
    assert world.allows()


def test_revoke__others_stay(world: World) -> None:
    world.bring(world.signed())
    world.gate.revoke(world.stranger, sender=world.attester)
    assert world.allows()
