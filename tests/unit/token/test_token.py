"""The token module: tokens of every habit come in whole or not at all, and leave or revert."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import RevmChain
from tests.support import reverts

AMOUNT = 10**9
HABITS = {"MockERC20": 18, "MockERC20NoReturn": 6, "MockERC20False": 8, "MockERC20Hook": 0, "MockERC20Fee": 18}


class World:
    def __init__(self, chain: RevmChain) -> None:
        self.chain = chain
        self.payer, self.receiver = chain.accounts()[:2]
        self.harness = chain.deploy("token_harness", sender=self.payer)

    def token(self, habit: str) -> Any:
        token = self.chain.deploy(habit, "Token", "TKN", HABITS[habit], sender=self.payer)
        token.mint(self.payer, AMOUNT, sender=self.payer)
        token.approve(self.harness, AMOUNT, sender=self.payer)
        return token

    def pull(self, token: Any, amount: int) -> None:
        self.harness.pull(token, self.payer, self.harness, amount, sender=self.receiver)


@pytest.fixture
def world(chain: RevmChain) -> World:
    return World(chain)


@pytest.mark.parametrize("habit", HABITS)
def test_pull_and_push__every_habit__moves_exactly(world: World, habit: str) -> None:
    token = world.token(habit)
    world.pull(token, AMOUNT)
    assert (token.balanceOf(world.harness), token.balanceOf(world.payer)) == (AMOUNT, 0)
    world.harness.push(token, world.receiver, 1, sender=world.payer)
    assert (token.balanceOf(world.harness), token.balanceOf(world.receiver)) == (AMOUNT - 1, 1)


@pytest.mark.parametrize("habit", ["MockERC20", "MockERC20NoReturn", "MockERC20Hook"])
def test_pull__more_than_allowed__the_tokens_own_reason(world: World, habit: str) -> None:
    token = world.token(habit)
    token.mint(world.payer, 1, sender=world.payer)
    with reverts("erc20: allowance"):
        world.pull(token, AMOUNT + 1)


@pytest.mark.parametrize("habit", ["MockERC20", "MockERC20NoReturn", "MockERC20Hook"])
def test_push__more_than_there_is__the_tokens_own_reason(world: World, habit: str) -> None:
    token = world.token(habit)
    with reverts("erc20: balance"):
        world.harness.push(token, world.receiver, 1, sender=world.payer)


def test_false__in_and_out__reverts_and_nothing_moves(world: World) -> None:
    token = world.token("MockERC20False")
    world.pull(token, 10)
    token.set_refusing(True, sender=world.payer)
    with reverts("token: transferFrom failed"):
        world.pull(token, 1)
    with reverts("token: transferFrom failed"):
        world.harness.transfer_from(token, world.payer, world.harness, 1, sender=world.receiver)
    with reverts("token: transfer failed"):
        world.harness.push(token, world.receiver, 1, sender=world.payer)
    assert (token.balanceOf(world.payer), token.balanceOf(world.harness)) == (AMOUNT - 10, 10)


def test_pull__fee_on_transfer__reverts_and_nothing_moves(world: World) -> None:
    token = world.token("MockERC20Fee")
    token.set_fee(1, sender=world.payer)
    with reverts("token: received differs"):
        world.pull(token, 10_000)
    assert token.balanceOf(world.payer) == AMOUNT
    world.pull(token, 9_999)


def test_transfer_from__fee_on_transfer__leaves_measuring_to_the_caller(world: World) -> None:
    token = world.token("MockERC20Fee")
    token.set_fee(100, sender=world.payer)
    world.harness.transfer_from(token, world.payer, world.harness, 100, sender=world.receiver)
    assert token.balanceOf(world.harness) == 99


def test_pull__more_arrives_than_was_sent__reverts(world: World) -> None:
    """A hook that adds a donation: nobody's gift may pass for the payer's tokens."""
    token = world.token("MockERC20Hook")
    token.set_hook(token, token.mint.encode(world.harness, 1), False, sender=world.payer)
    with reverts("token: received differs"):
        world.pull(token, 10)


def test_pull__to_its_own_source__reverts(world: World) -> None:
    token = world.token("MockERC20")
    with reverts("token: received differs"):
        world.harness.pull(token, world.payer, world.payer, 10, sender=world.receiver)


@pytest.mark.parametrize("call", ["pull", "push", "transfer_from"])
def test_any__no_code_at_the_token__reverts(world: World, call: str) -> None:
    nobody = world.chain.accounts()[9]
    arguments: tuple[Any, ...] = (nobody, world.receiver, 1)
    if call != "push":
        arguments = (nobody, world.payer, world.receiver, 1)
    with reverts(""):
        getattr(world.harness, call)(*arguments, sender=world.payer)
