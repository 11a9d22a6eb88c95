"""OperatorRegistry.set_operator: the owner of the scope, and nobody else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model import account_word
from tests.support import reverts
from tests.unit.operator_registry.conftest import World


def test_set_operator__account_scope__stores_and_logs(world: World) -> None:
    grant = world.grant(permissions=5, max_loss=30, loss_budget=7 * 10**18)
    receipt = world.registry.set_operator(world.account, world.operator, grant, sender=world.owner)
    assert tuple(world.registry.operator_of(world.account, world.operator)) == grant
    assert receipt.events == [
        world.registry.event("OperatorSet", scope=world.account, operator=world.operator, grant=grant)
    ]
    assert tuple(world.registry.operator_of(world.owner_scope, world.operator)) == (0, 0, 0, 0)


def test_set_operator__owner_scope__stores(world: World) -> None:
    grant = world.grant()
    world.registry.set_operator(world.owner_scope, world.operator, grant, sender=world.owner)
    assert tuple(world.registry.operator_of(world.owner_scope, world.operator)) == grant
    assert tuple(world.registry.operator_of(world.account, world.operator)) == (0, 0, 0, 0)


def test_set_operator__again__replaces_everything(world: World) -> None:
    world.registry.set_operator(world.account, world.operator, world.grant(), sender=world.owner)
    world.registry.charge_loss(world.account, world.operator, 10**21, 10**21 - 10**18, sender=world.engine)
    grant = world.grant(permissions=1, seconds=5, max_loss=0, loss_budget=3)
    world.registry.set_operator(world.account, world.operator, grant, sender=world.owner)
    assert tuple(world.registry.operator_of(world.account, world.operator)) == grant


def test_set_operator__permissions_zero__revokes(world: World) -> None:
    world.registry.set_operator(world.account, world.operator, world.grant(), sender=world.owner)
    assert world.registry.is_operator(world.account, world.operator)
    world.registry.set_operator(world.account, world.operator, (0, 0, 0, 0), sender=world.owner)
    assert not world.registry.is_operator(world.account, world.operator)


def test_set_operator__every_wrong_caller__reverts(world: World) -> None:
    world.registry.set_operator(world.owner_scope, world.operator, world.grant(), sender=world.owner)
    for caller in (world.operator, world.stranger, world.engine, world.deployer):
        for scope in (world.account, world.owner_scope):
            for appointed in (caller, world.stranger):
                with reverts("operators: not the owner"):
                    world.registry.set_operator(scope, appointed, world.grant(), sender=caller)


@pytest.mark.parametrize("scope", [0, 1, 2**96 - 1, 2**256 - 1])
def test_set_operator__scope_of_nobody__reverts(world: World, scope: int) -> None:
    with reverts("operators: not the owner"):
        world.registry.set_operator(scope, world.operator, world.grant(), sender=world.stranger)


def test_set_operator__neighbouring_owner__reverts(world: World) -> None:
    for neighbour in (world.owner_scope - 1, world.owner_scope + 1):
        with reverts("operators: not the owner"):
            world.registry.set_operator(
                account_word.account(neighbour, 7), world.operator, world.grant(), sender=world.owner
            )


def test_set_operator__zero_operator__reverts(world: World) -> None:
    with reverts("operators: zero address"):
        world.registry.set_operator(world.account, ZERO_ADDRESS, world.grant(), sender=world.owner)


@pytest.mark.parametrize(
    ("member", "bound", "reason"),
    [
        (0, 15, "operators: permissions"),
        (1, 2**40 - 1, "operators: expiry"),
        (2, 10_000, "operators: max loss"),
        (3, 2**128 - 1, "operators: loss budget"),
    ],
)
def test_set_operator__each_bound__accepted_at_and_refused_beyond(
    world: World, member: int, bound: int, reason: str
) -> None:
    grant = list(world.grant())
    grant[member] = bound
    world.registry.set_operator(world.account, world.operator, grant, sender=world.owner)
    assert list(world.registry.operator_of(world.account, world.operator)) == grant
    for beyond in (bound + 1, 2**256 - 1):
        grant[member] = beyond
        with reverts(reason):
            world.registry.set_operator(world.account, world.operator, grant, sender=world.owner)


@given(
    permissions=st.integers(0, 15),
    expiry=st.integers(0, 2**40 - 1),
    max_loss=st.integers(0, 10_000),
    loss_budget=st.integers(0, 2**128 - 1),
)
def test_set_operator__any_grant__reads_back(
    world: World, permissions: int, expiry: int, max_loss: int, loss_budget: int
) -> None:
    grant = (permissions, expiry, max_loss, loss_budget)
    world.registry.set_operator(world.account, world.operator, grant, sender=world.owner)
    assert tuple(world.registry.operator_of(world.account, world.operator)) == grant
