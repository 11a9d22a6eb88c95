"""Timelock's constructor: its bounds, and that nobody else has a role."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts
from tests.unit.timelock.conftest import DAY, DELAY, HOUR, World


def test_constructor__owner_and_guardian(world: World) -> None:
    assert world.timelock.owner() == world.owner
    assert world.timelock.pending_owner() == ZERO_ADDRESS
    assert world.timelock.guardian() == world.guardian
    assert world.timelock.get_minimum_delay() == DELAY
    everybody = world.chain.accounts()
    assert [who for who in everybody if world.can_schedule(who)] == [world.owner]
    assert [who for who in everybody if world.can_cancel(who)] == [world.owner, world.guardian]
    administrators = [who for who in [*everybody, world.timelock] if world.timelock.hasRole(bytes(32), who)]
    assert administrators == [world.timelock]


def test_constructor__roles__cannot_be_granted_or_renounced(world: World) -> None:
    functions = {entry["name"] for entry in world.timelock.abi if entry["type"] == "function"}
    assert not functions & {"grantRole", "revokeRole", "renounceRole", "set_role_admin", "renounce_ownership"}


@pytest.mark.parametrize("delay", [HOUR, 30 * DAY])
def test_constructor__delay__bounds(chain: RevmChain, delay: int) -> None:
    owner, guardian = chain.accounts()[:2]
    assert chain.deploy("Timelock", delay, owner, guardian, sender=owner).get_minimum_delay() == delay


@pytest.mark.parametrize("delay", [0, HOUR - 1, 30 * DAY + 1])
def test_constructor__delay__out_of_bounds__reverts(chain: RevmChain, delay: int) -> None:
    owner, guardian = chain.accounts()[:2]
    with reverts("timelock: delay"):
        chain.deploy("Timelock", delay, owner, guardian, sender=owner)


def test_constructor__zero_owner__reverts(chain: RevmChain) -> None:
    guardian = chain.accounts()[1]
    with reverts("timelock: zero address"):
        chain.deploy("Timelock", DELAY, ZERO_ADDRESS, guardian, sender=guardian)


def test_constructor__zero_guardian__reverts(chain: RevmChain) -> None:
    owner = chain.accounts()[0]
    with reverts("timelock: zero address"):
        chain.deploy("Timelock", DELAY, owner, ZERO_ADDRESS, sender=owner)
