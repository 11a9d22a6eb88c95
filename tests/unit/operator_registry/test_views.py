"""OperatorRegistry.is_operator, operator_of, used_nonces, eip712Domain."""

from __future__ import annotations

from collections.abc import Callable

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.unit.operator_registry.conftest import World


def test_is_operator__any_permission_in_either_scope(world: World, appoint: Callable[..., None]) -> None:
    assert not world.registry.is_operator(world.account, world.operator)
    for permissions in (1, 2, 4, 8):
        appoint(permissions=permissions)
        assert world.registry.is_operator(world.account, world.operator)
        assert not world.registry.is_operator(world.account + 1, world.operator)
    appoint(permissions=0)
    assert not world.registry.is_operator(world.account, world.operator)
    appoint(world.owner_scope, permissions=8)
    assert world.registry.is_operator(world.account, world.operator)
    assert world.registry.is_operator(world.account + 1, world.operator)
    assert not world.registry.is_operator(world.account, world.stranger)


def test_is_operator__expired__no_longer(world: World, appoint: Callable[..., None]) -> None:
    appoint(seconds=3)
    world.chain.warp(3)
    assert world.registry.is_operator(world.account, world.operator)
    world.chain.warp(1)
    assert not world.registry.is_operator(world.account, world.operator)
    assert world.registry.operator_of(world.account, world.operator).permissions == 15


def test_used_nonces__nobody__zero(world: World) -> None:
    assert world.registry.used_nonces(ZERO_ADDRESS, 0) == 0


def test_eip712_domain__names_this_contract_and_chain(world: World) -> None:
    _, name, version, chain_id, contract, _, _ = world.registry.eip712Domain()
    assert (name, version, chain_id, contract) == (
        "Plimsoll operators",
        "1",
        world.chain.chain_id,
        world.registry.address,
    )


def test_unknown_function__reverts(world: World) -> None:
    with reverts(""):
        world.chain.raw_call(world.registry, b"\x01\x02\x03\x04", sender=world.stranger)


def test_ether__is_refused(world: World) -> None:
    with reverts(""):
        world.registry.set_operator(world.account, world.operator, world.grant(), sender=world.owner, value=1)
