"""OperatorRegistry.authorise: all of the bits, in one grant, not expired; the account's grant before the owner's."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Revert
from plimsoll.model import account_word
from plimsoll.model import operator_registry as model
from tests.support import reverts
from tests.unit.operator_registry.conftest import World

Appoint = Callable[..., None]


@pytest.mark.parametrize("held", range(16))
def test_authorise__every_combination_of_bits(world: World, appoint: Appoint, held: int) -> None:
    appoint(permissions=held)
    for needed in range(1, 16):
        if held & needed == needed:
            assert world.registry.authorise(world.account, world.operator, needed) == world.account
        else:
            with reverts("operators: not allowed"):
                world.registry.authorise(world.account, world.operator, needed)


def test_authorise__account_first_then_owner(world: World, appoint: Appoint) -> None:
    appoint(world.owner_scope, permissions=3)
    assert world.registry.authorise(world.account, world.operator, 1) == world.owner_scope
    appoint(permissions=1)
    assert world.registry.authorise(world.account, world.operator, 1) == world.account
    assert world.registry.authorise(world.account, world.operator, 3) == world.owner_scope


def test_authorise__bits_of_two_grants__do_not_add_up(world: World, appoint: Appoint) -> None:
    appoint(permissions=1)
    appoint(world.owner_scope, permissions=2)
    with reverts("operators: not allowed"):
        world.registry.authorise(world.account, world.operator, 3)


def test_authorise__other_account__needs_the_owner_scope(world: World, appoint: Appoint) -> None:
    appoint()
    with reverts("operators: not allowed"):
        world.registry.authorise(world.account + 1, world.operator, 1)
    appoint(world.owner_scope)
    assert world.registry.authorise(world.account + 1, world.operator, 1) == world.owner_scope


def test_authorise__expiry__last_second_works_next_does_not(world: World, appoint: Appoint) -> None:
    appoint(seconds=60)
    world.chain.warp(60)
    assert world.registry.authorise(world.account, world.operator, 15) == world.account
    world.chain.warp(1)
    with reverts("operators: not allowed"):
        world.registry.authorise(world.account, world.operator, 1)


def test_authorise__nobody_was_appointed__reverts_even_for_nothing(world: World) -> None:
    for needed in (0, 1, 2**256 - 1):
        with reverts("operators: not allowed"):
            world.registry.authorise(world.account, world.stranger, needed)


@pytest.mark.parametrize("bit", range(4, 256))
def test_authorise__a_bit_that_is_no_permission__reverts(world: World, appoint: Appoint, bit: int) -> None:
    world.registry.set_operator(world.account, world.operator, (15, 2**40 - 1, 10_000, 2**128 - 1), sender=world.owner)
    with reverts("operators: not allowed"):
        world.registry.authorise(world.account, world.operator, 1 << bit)


@given(
    on_account=st.tuples(st.integers(0, 15), st.integers(-2, 2)),
    on_owner=st.tuples(st.integers(0, 15), st.integers(-2, 2)),
    needed=st.integers(0, 31),
)
def test_authorise__any_grants__equal_the_model(
    world: World, on_account: tuple[int, int], on_owner: tuple[int, int], needed: int
) -> None:
    now = world.chain.timestamp()
    twin = model.OperatorRegistry()
    owner, operator = int(world.owner, 16), int(world.operator, 16)
    for scope, (permissions, seconds) in ((world.account, on_account), (world.owner_scope, on_owner)):
        twin.set_operator(owner, scope, operator, model.Grant(permissions, now + seconds, 1, 1))
        world.registry.set_operator(scope, world.operator, (permissions, now + seconds, 1, 1), sender=world.owner)
    try:
        expected: int | str = twin.authorise(world.account, operator, needed, now)
    except ValueError as error:
        expected = str(error)
    try:
        actual: int | str = world.registry.authorise(world.account, world.operator, needed)
    except Revert as error:
        actual = error.reason
    assert actual == expected
    assert world.registry.is_operator(world.account, world.operator) == twin.is_operator(world.account, operator, now)


def test_set_operator__model__refuses_what_the_contract_refuses() -> None:
    twin = model.OperatorRegistry()
    account = account_word.account(5, 0)
    for scope, operator, grant, reason in [
        (account, 0, model.Grant(), "operators: zero address"),
        (account_word.account(6, 0), 1, model.Grant(), "operators: not the owner"),
        (account, 1, model.Grant(16), "operators: permissions"),
        (account, 1, model.Grant(1, 2**40), "operators: expiry"),
        (account, 1, model.Grant(1, 1, 10_001), "operators: max loss"),
        (account, 1, model.Grant(1, 1, 1, 2**128), "operators: loss budget"),
    ]:
        with pytest.raises(ValueError, match=reason):
            twin.set_operator(5, scope, operator, grant)
