"""MarginEngine.lower_cap: the guardian or the owner, at once and only down."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, Revert, RevmChain
from plimsoll.model.restrictions import MAX_CAP, Restrictions
from tests.support import reverts
from tests.support.scenario import World


@pytest.mark.parametrize("role", ["guardian", "owner"])
def test_lower_cap__event_and_view(world: World, role: str) -> None:
    token, sender = world["WETH"].token, world.roles[role]
    for amount in (10**21, 10**21, 10**21 - 1, 1):
        receipt = world.engine.lower_cap(token, amount, sender=sender)
        assert receipt.events == [world.engine.event("CapSet", token=token, cap=amount)]
        assert list(world.engine.restrictions_of(token)) == [ZERO_ADDRESS, amount]


def test_lower_cap__binds_at_once(world: World, long: int) -> None:
    world.borrow(long, "USDC", 1)
    world.engine.lower_cap(world["WETH"].token, 10**18, sender=world.roles["guardian"])
    with reverts("engine: supply cap"):
        world.borrow(long, "USDC", 1)


def test_lower_cap__up_or_away__reverts(world: World) -> None:
    token = world["WETH"].token
    world.engine.set_cap(token, 10**18, sender=world.roles["owner"])
    for role in ("guardian", "owner"):
        for amount in (0, 10**18 + 1, MAX_CAP, 2**256 - 1):
            with reverts("engine: cap only down"):
                world.engine.lower_cap(token, amount, sender=world.roles[role])
    assert world.engine.restrictions_of(token)[1] == 10**18


def test_lower_cap__none_yet__sets_one_but_takes_none_for_none(world: World) -> None:
    token, guardian = world["WETH"].token, world.roles["guardian"]
    with reverts("engine: cap only down"):
        world.engine.lower_cap(token, 0, sender=guardian)
    with reverts("engine: cap bound"):
        world.engine.lower_cap(token, MAX_CAP, sender=guardian)
    world.engine.lower_cap(token, MAX_CAP - 1, sender=guardian)
    assert world.engine.restrictions_of(token)[1] == MAX_CAP - 2**32


def test_lower_cap__unknown_token__reverts(world: World) -> None:
    with reverts("engine: unknown asset"):
        world.engine.lower_cap(world.roles["stranger"], 1, sender=world.roles["guardian"])


def test_lower_cap__every_wrong_caller__reverts(world: World) -> None:
    for role in ("deployer", "trader", "stranger", "attacker"):
        with reverts("roles: guardian only"):
            world.engine.lower_cap(world["WETH"].token, 1, sender=world.roles[role])


@given(caps=st.lists(st.integers(0, 3) | st.integers(0, MAX_CAP) | st.integers(2**95 - 2, 2**95 + 2), max_size=6))
def test_lower_cap__any__as_the_model_says(chain: RevmChain, world: World, caps: list[int]) -> None:
    model, token = Restrictions(), world["WETH"].token
    with chain.isolate():
        for amount in caps:
            try:
                kept = model.lower_cap(1, amount)
            except ValueError as error:
                with pytest.raises(Revert) as caught:
                    world.engine.lower_cap(token, amount, sender=world.roles["guardian"])
                assert caught.value.reason == str(error)
                kept = model.caps.get(1, 0)
            else:
                world.engine.lower_cap(token, amount, sender=world.roles["guardian"])
            assert world.engine.restrictions_of(token)[1] == kept
