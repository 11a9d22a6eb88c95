"""OperatorRegistry.charge_loss: the engine books what an operator's trade lost."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Revert
from plimsoll.model import operator_registry as model
from tests.support import reverts
from tests.unit.operator_registry.conftest import World

Appoint = Callable[..., None]


def test_charge_loss__loss__uses_up_the_budget(world: World, appoint: Appoint) -> None:
    appoint(max_loss=100, loss_budget=10**19)
    receipt = world.registry.charge_loss(world.account, world.operator, 10**20, 10**20 - 10**18, sender=world.engine)
    assert world.registry.operator_of(world.account, world.operator).loss_budget == 9 * 10**18
    assert receipt.events == [
        world.registry.event(
            "LossCharged", scope=world.account, operator=world.operator, loss=10**18, budget_left=9 * 10**18
        )
    ]


@pytest.mark.parametrize("bought", [10**20, 10**20 + 1, 2**256 - 1])
def test_charge_loss__no_loss__costs_nothing(world: World, appoint: Appoint, bought: int) -> None:
    appoint(max_loss=0, loss_budget=0)
    receipt = world.registry.charge_loss(world.account, world.operator, 10**20, bought, sender=world.engine)
    assert receipt.events == []
    assert world.registry.operator_of(world.account, world.operator).loss_budget == 0


def test_charge_loss__anyone_but_the_engine__reverts(world: World, appoint: Appoint) -> None:
    appoint()
    for caller in (world.owner, world.operator, world.stranger, world.deployer):
        with reverts("operators: engine only"):
            world.registry.charge_loss(world.account, world.operator, 2, 1, sender=caller)


def test_charge_loss__unbound__nobody_charges(world: World) -> None:
    registry = world.chain.deploy("OperatorRegistry", sender=world.deployer)
    with reverts("operators: engine only"):
        registry.charge_loss(world.account, world.operator, 2, 1, sender=world.engine)


def test_charge_loss__max_loss__both_sides_of_the_boundary(world: World, appoint: Appoint) -> None:
    appoint(max_loss=100)
    world.registry.charge_loss(world.account, world.operator, 10_000, 9_900, sender=world.engine)
    with reverts("operators: max loss"):
        world.registry.charge_loss(world.account, world.operator, 10_000, 9_899, sender=world.engine)


def test_charge_loss__budget__both_sides_of_the_boundary(world: World, appoint: Appoint) -> None:
    appoint(max_loss=10_000, loss_budget=1_000)
    world.registry.charge_loss(world.account, world.operator, 600, 0, sender=world.engine)
    with reverts("operators: loss budget"):
        world.registry.charge_loss(world.account, world.operator, 401, 0, sender=world.engine)
    world.registry.charge_loss(world.account, world.operator, 400, 0, sender=world.engine)
    assert world.registry.operator_of(world.account, world.operator).loss_budget == 0


def test_charge_loss__one_scope__leaves_the_other_and_the_other_members(world: World, appoint: Appoint) -> None:
    appoint(loss_budget=50, max_loss=10_000)
    appoint(world.owner_scope, loss_budget=60, max_loss=10_000)
    world.registry.charge_loss(world.account, world.operator, 50, 0, sender=world.engine)
    assert tuple(world.registry.operator_of(world.account, world.operator)) == world.grant(
        loss_budget=0, max_loss=10_000
    )
    assert world.registry.operator_of(world.owner_scope, world.operator).loss_budget == 60


def test_charge_loss__no_grant__reverts(world: World) -> None:
    with reverts("operators: max loss"):
        world.registry.charge_loss(world.account, world.operator, 1, 0, sender=world.engine)


@given(
    max_loss=st.integers(0, 10_000),
    loss_budget=st.one_of(st.integers(0, 10**6), st.integers(0, 2**128 - 1)),
    trades=st.lists(
        st.tuples(st.integers(0, 2**150), st.integers(0, 10_001)).map(lambda t: (t[0], t[0] * t[1] // 10_000)),
        max_size=5,
    ),
)
def test_charge_loss__any_trades__equal_the_model(
    world: World, max_loss: int, loss_budget: int, trades: list[tuple[int, int]]
) -> None:
    grant = model.Grant(15, world.chain.timestamp() + 9, max_loss, loss_budget)
    twin = model.OperatorRegistry()
    operator = int(world.operator, 16)
    twin.set_operator(int(world.owner, 16), world.account, operator, grant)
    world.registry.set_operator(
        world.account, world.operator, (15, grant.expiry, max_loss, loss_budget), sender=world.owner
    )
    for sold, bought in trades:
        predicted = actual = ""
        try:
            twin.charge_loss(world.account, operator, sold, bought)
        except ValueError as error:
            predicted = str(error)
        try:
            world.registry.charge_loss(world.account, world.operator, sold, bought, sender=world.engine)
        except Revert as error:
            actual = error.reason
        assert actual == predicted
        left = world.registry.operator_of(world.account, world.operator).loss_budget
        assert left == twin.operator_of(world.account, operator).loss_budget
