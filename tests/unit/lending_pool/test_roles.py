"""The roles module on its own: an owner in two steps, a guardian he appoints, nobody else."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract, RevmChain
from tests.support import reverts
from tests.support.pool import PoolTwin


class Roles(NamedTuple):
    harness: Contract
    deployer: str
    owner: str
    guardian: str
    other: str


@pytest.fixture
def roles(chain: RevmChain) -> Roles:
    deployer, owner, guardian, other = chain.accounts()[:4]
    return Roles(chain.deploy("roles_harness", owner, guardian, sender=deployer), deployer, owner, guardian, other)


def test_constructor__logs_who_is_in_charge(roles: Roles) -> None:
    harness = roles.harness
    assert harness.deployment is not None
    assert harness.deployment.events == [
        harness.event("OwnershipTransferred", previous_owner=ZERO_ADDRESS, new_owner=roles.deployer),
        harness.event("OwnershipTransferred", previous_owner=roles.deployer, new_owner=roles.owner),
        harness.event("GuardianSet", guardian=roles.guardian),
    ]
    assert (harness.owner(), harness.guardian(), harness.pending_owner()) == (
        roles.owner,
        roles.guardian,
        ZERO_ADDRESS,
    )


def test_constructor__zero_address__reverts(chain: RevmChain, roles: Roles) -> None:
    for owner, guardian in ((ZERO_ADDRESS, roles.guardian), (roles.owner, ZERO_ADDRESS)):
        with reverts("roles: zero address"):
            chain.deploy("roles_harness", owner, guardian, sender=roles.deployer)


def test_only_owner(roles: Roles) -> None:
    assert roles.harness.only_owner(sender=roles.owner) is True
    for caller in (roles.deployer, roles.guardian, roles.other):
        with reverts("roles: owner only"):
            roles.harness.only_owner(sender=caller)


def test_only_guardian__or_the_owner(roles: Roles) -> None:
    for caller in (roles.owner, roles.guardian):
        assert roles.harness.only_guardian(sender=caller) is True
    for caller in (roles.deployer, roles.other):
        with reverts("roles: guardian only"):
            roles.harness.only_guardian(sender=caller)


def test_set_guardian__owner_only(roles: Roles) -> None:
    harness = roles.harness
    for caller in (roles.deployer, roles.guardian, roles.other):
        with reverts("roles: owner only"):
            harness.set_guardian(roles.other, sender=caller)
    with reverts("roles: zero address"):
        harness.set_guardian(ZERO_ADDRESS, sender=roles.owner)
    receipt = harness.set_guardian(roles.other, sender=roles.owner)
    assert receipt.events == [harness.event("GuardianSet", guardian=roles.other)]
    assert harness.guardian() == roles.other


def test_ownership__moves_when_the_new_owner_accepts(roles: Roles) -> None:
    harness = roles.harness
    with reverts("ownable: caller is not the owner"):
        harness.transfer_ownership(roles.other, sender=roles.other)
    harness.transfer_ownership(roles.other, sender=roles.owner)
    assert (harness.owner(), harness.pending_owner()) == (roles.owner, roles.other)
    with reverts("ownable_2step: caller is not the new owner"):
        harness.accept_ownership(sender=roles.guardian)
    harness.accept_ownership(sender=roles.other)
    assert (harness.owner(), harness.pending_owner()) == (roles.other, ZERO_ADDRESS)


def test_ownership__cannot_be_renounced(roles: Roles) -> None:
    assert "renounce_ownership" not in {entry.get("name") for entry in roles.harness.abi}


def test_pool__ownership_in_two_steps(twin: PoolTwin) -> None:
    twin.pool.transfer_ownership(twin.other, sender=twin.owner)
    with reverts("roles: owner only"):
        twin.pool.set_fees(0, 0, sender=twin.other)
    twin.pool.accept_ownership(sender=twin.other)
    twin.pool.set_fees(0, 0, sender=twin.other)
    with reverts("roles: owner only"):
        twin.pool.set_fees(0, 0, sender=twin.owner)


def test_pool__a_new_guardian_replaces_the_old(twin: PoolTwin) -> None:
    twin.pool.set_guardian(twin.other, sender=twin.owner)
    twin.pool.lower_caps(0, 0, sender=twin.other)
    with reverts("roles: guardian only"):
        twin.pool.lower_caps(0, 0, sender=twin.guardian)
