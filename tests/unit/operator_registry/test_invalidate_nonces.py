"""OperatorRegistry.invalidate_nonces: the caller's own nonces, for good."""

from __future__ import annotations

from tests.support import reverts
from tests.unit.operator_registry.conftest import World


def test_invalidate_nonces__mask__adds_to_what_was_used(world: World) -> None:
    receipt = world.registry.invalidate_nonces(3, 0b101, sender=world.owner)
    assert receipt.events == [world.registry.event("NoncesInvalidated", owner=world.owner, word=3, mask=0b101)]
    world.registry.invalidate_nonces(3, 0b110, sender=world.owner)
    assert world.registry.used_nonces(world.owner, 3) == 0b111
    assert world.registry.used_nonces(world.owner, 2) == 0


def test_invalidate_nonces__touches_the_caller_only(world: World) -> None:
    world.registry.invalidate_nonces(0, 2**256 - 1, sender=world.stranger)
    assert world.registry.used_nonces(world.owner, 0) == 0
    assert world.registry.used_nonces(world.stranger, 0) == 2**256 - 1


def test_invalidate_nonces__last_word__works_and_next_does_not(world: World) -> None:
    world.registry.invalidate_nonces(2**248 - 1, 1, sender=world.owner)
    assert world.registry.used_nonces(world.owner, 2**248 - 1) == 1
    with reverts("operators: nonce word"):
        world.registry.invalidate_nonces(2**248, 1, sender=world.owner)
