"""MarginLens.operators."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.chain.abi import checksum
from tests.support.scenario import WAD, World


@pytest.mark.parametrize("whole_owner", [False, True])
def test_operators__granted__equals_the_registry(world: World, whole_owner: bool) -> None:
    trader, operator = world.roles["trader"], world.roles["operator"]
    scope = int(trader, 16) if whole_owner else world.account("trader", 1)
    expiry = world.chain.timestamp() + 100
    world.registry.set_operator(scope, operator, (3, expiry, 50, 1_000 * WAD), sender=trader)
    (entry,) = world.lens.operators(scope, [operator])
    assert entry == (True, operator, True, 3, expiry, 50, 1_000 * WAD)
    assert entry[3:] == world.registry.operator_of(scope, operator)


@pytest.mark.parametrize(("wait", "active"), [(99, True), (100, True), (101, False)])
def test_operators__around_expiry__active_until_its_last_second(world: World, wait: int, active: bool) -> None:
    trader, operator = world.roles["trader"], world.roles["operator"]
    scope = world.account("trader", 1)
    expiry = world.chain.timestamp() + 100
    world.registry.set_operator(scope, operator, (1, expiry, 0, 0), sender=trader)
    world.chain.warp(wait)
    assert world.lens.operators(scope, [operator]) == [(True, operator, active, 1, expiry, 0, 0)]
    assert world.registry.is_operator(scope, operator) is active


def test_operators__revoked__is_not_active(world: World) -> None:
    trader, operator = world.roles["trader"], world.roles["operator"]
    scope = world.account("trader", 1)
    expiry = world.chain.timestamp() + 100
    world.registry.set_operator(scope, operator, (0, expiry, 0, 0), sender=trader)
    assert world.lens.operators(scope, [operator]) == [(True, operator, False, 0, expiry, 0, 0)]


@given(scope=st.integers(0, 2**256 - 1), numbers=st.lists(st.integers(0, 2**160 - 1), max_size=4))
def test_operators__never_granted__are_ok_with_zeros(deployed_world: World, scope: int, numbers: list[int]) -> None:
    candidates = [ZERO_ADDRESS, *(checksum(f"0x{number:040x}") for number in numbers)]
    assert deployed_world.lens.operators(scope, candidates) == [
        (True, candidate, False, 0, 0, 0, 0) for candidate in candidates
    ]
