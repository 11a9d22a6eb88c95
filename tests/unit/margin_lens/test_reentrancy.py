"""Failure 21: a view read half-way through a call. Whoever asks the lens from inside one learns nothing."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import RevmChain
from tests.support.scenario import World, deploy_world

VIEWS = ["health", "liquidation_quote", "positions", "balances", "prices", "pools", "operators"]
OK_WORD = {"health": 2, "liquidation_quote": 0, "positions": 0, "balances": 3, "prices": 2, "pools": 2, "operators": 2}
"""Where the first ok flag (of balances the first bitmap) stands in the encoded answer, by view."""


def arguments(world: World, view: str, account: int, symbol: str) -> tuple[Any, ...]:
    token = world[symbol].token
    return {
        "health": ([account],),
        "positions": (account,),
        "liquidation_quote": (account,),
        "balances": ([account], [token]),
        "prices": ([token],),
        "pools": ([token],),
        "operators": (account, [world.roles["operator"]]),
    }[view]


def ok_word(view: str, answer: bytes) -> int:
    return int.from_bytes(answer[32 * OK_WORD[view] : 32 * OK_WORD[view] + 32], "big")


@pytest.mark.parametrize("view", VIEWS)
def test_every_view__in_the_middle_of_a_trade__is_not_ok(world: World, view: str) -> None:
    account, attacker = world.account("trader", 1), world.roles["attacker"]
    call = world.lens.method(view).encode(*arguments(world, view, account, "WETH"))
    assert ok_word(view, world.chain.simulate(world.lens, call)) == 1
    swapper = world.chain.deploy("AttackSwapper", sender=attacker)
    world.fund("attacker", "USDC", 2_000, swapper)
    world["USDC"].token.transfer(swapper, world.raw("USDC", 2_000), sender=attacker)
    swapper.set_swap([(world.lens, call)], world.raw("USDC", 2_000), False, sender=attacker)
    world.trade(account, "WETH", 1, "USDC", swapper=swapper)
    assert swapper.succeeded(0)
    assert ok_word(view, swapper.results(0)) == 0
    assert ok_word(view, world.chain.simulate(world.lens, call)) == 1


@pytest.fixture
def hooked(chain: RevmChain) -> World:
    """A lender, and an account that owes a token which calls somebody on every transfer."""
    world = deploy_world(chain, (("WETH", "MockERC20", 18, 2_000, False), ("HOOK", "MockERC20Hook", 18, 1, False)))
    world.lend("HOOK", 1_000_000)
    world.deposit(world.account("trader"), "WETH", 10)
    world.borrow(world.account("trader"), "HOOK", 1_000)
    world.deposit(world.account("keeper"), "WETH", 1)
    return world


@pytest.mark.parametrize(
    ("view", "role", "symbol", "ok"),
    [
        ("pools", "trader", "HOOK", 0),
        ("health", "trader", "HOOK", 0),
        ("positions", "trader", "HOOK", 0),
        ("balances", "trader", "HOOK", 0),
        ("pools", "trader", "WETH", 1),
        ("health", "keeper", "WETH", 1),
        ("prices", "keeper", "HOOK", 1),
    ],
)
def test_every_view__in_the_middle_of_a_lenders_withdrawal__needs_another_pool(
    hooked: World, view: str, role: str, symbol: str, ok: int
) -> None:
    """The pool is half-way: what depends on it is not ok, everything else is."""
    lender = hooked.roles["lender"]
    call = hooked.lens.method(view).encode(*arguments(hooked, view, hooked.account(role), symbol))
    token = hooked["HOOK"].token
    token.set_hook(hooked.lens, call, False, sender=hooked.roles["attacker"])
    hooked["HOOK"].pool.withdraw(10**18, lender, lender, sender=lender)
    assert token.hook_calls() == 1
    assert ok_word(view, token.hook_result()) == ok
    token.set_hook(hooked.lens, b"", False, sender=hooked.roles["attacker"])
    assert ok_word(view, hooked.chain.simulate(hooked.lens, call)) == 1
