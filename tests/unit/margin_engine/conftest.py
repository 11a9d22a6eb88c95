"""The protocol with every kind of token, deployed once and restored after each test; prices have a spread of 0.1 %."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import RevmChain
from tests.support.scenario import TOKENS, World, deploy_world

WAD = 10**18
SPREAD = (1, 2 * WAD // 100, WAD // 1_000, 0, WAD // 100)
MORE_TOKENS: tuple[tuple[str, str, int, int | Fraction, bool], ...] = (
    ("PTS", "MockERC20", 0, Fraction(1, 2), False),
    ("TAIL2", "MockERC20", 18, 5, True),
    ("HOOK", "MockERC20Hook", 18, 1, False),
    ("FEE", "MockERC20Fee", 18, 1, False),
    ("FALSE", "MockERC20False", 6, 1, False),
)
LENT = {"USDC": 5_000_000, "WETH": 2_000, "WBTC": 100, "USDT": 1_000_000, "TAIL": 1_000_000, "HOOK": 1_000_000}

Appoint = Callable[..., str]


@pytest.fixture(scope="session")
def deployed(session_chain: RevmChain) -> World:
    world = deploy_world(session_chain, (*TOKENS, *MORE_TOKENS), SPREAD)
    for symbol, amount in LENT.items():
        world.lend(symbol, amount)
    return world


@pytest.fixture
def world(chain: RevmChain, deployed: World) -> World:
    return deployed.copy()


@pytest.fixture
def account(world: World) -> int:
    """The trader's account 1, empty."""
    return world.account("trader", 1)


@pytest.fixture
def long(world: World) -> int:
    """The trader's account 0: 10,000 USDC of his own and 30,000 borrowed, in 20 WETH. Equity 10,000."""
    return world.open_position()


@pytest.fixture
def appoint(world: World) -> Appoint:
    """Make `operator` the trader's operator in a scope; return his address."""

    def give(
        scope: int, permissions: int = 15, *, max_loss: int = 10_000, budget: int = 2**100, expiry: int = 2**39
    ) -> str:
        operator = world.roles["operator"]
        world.registry.set_operator(
            scope, operator, (permissions, expiry, max_loss, budget), sender=world.roles["trader"]
        )
        return operator

    return give


@pytest.fixture
def attacker(world: World) -> Any:
    """The attacker's contract: a swapper, an owner of accounts, a lender and a flash borrower."""
    contract = world.chain.deploy("AttackSwapper", sender=world.roles["attacker"])
    world.roles["attack_contract"] = contract.address
    return contract
