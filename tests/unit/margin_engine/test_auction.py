"""MarginEngine's auction: for good, known beforehand; an engine whose auction is a wrong address does nothing."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import Contract
from tests.support import reverts
from tests.support.scenario import AUCTION, MIN_DEBT, World

WRONG = ("nobody", "a person", "another engine's auction", "a token", "a pool of its own", "the engine itself")


def bare_engine(world: World, auction: Contract | str) -> Any:
    roles = world.roles
    arguments = (world.risk_engine, world.registry, auction, MIN_DEBT, roles["owner"], roles["guardian"])
    return world.chain.deploy("MarginEngine", *arguments, sender=roles["deployer"])


def engine_with(world: World, wrong: str) -> Any:
    deployer = world.roles["deployer"]
    addresses: dict[str, Contract | str] = {
        "nobody": world.chain.next_address(deployer, ahead=1),
        "a person": world.roles["stranger"],
        "another engine's auction": world.auction,
        "a token": world["USDC"].token,
        "a pool of its own": world.chain.next_address(deployer, ahead=1),
        "the engine itself": world.chain.next_address(deployer),
    }
    return bare_engine(world, addresses[wrong])


def new_pool(world: World, engine: Contract, sender: str = "stranger") -> Contract:
    roles, old = world.roles, world["USDC"].pool
    rates = tuple(old.rate_parameters())
    people = (engine, roles["fund"], roles["owner"], roles["guardian"])
    caps = (*old.caps(), *old.fees())
    return world.chain.deploy(
        "LendingPool", world["USDC"].token, "Lent USDC", "pUSDC", *people, rates, rates[3], *caps, sender=roles[sender]
    )


def test_auction__computed_beforehand__is_the_one(world: World) -> None:
    deployer, owner = world.roles["deployer"], world.roles["owner"]
    engine = bare_engine(world, world.chain.next_address(deployer, ahead=1))
    guardian = world.roles["guardian"]
    auction = world.chain.deploy("LiquidationAuction", engine, AUCTION, owner, guardian, sender=deployer)
    assert (engine.auction(), auction.margin_engine()) == (auction.address, engine.address)
    engine.add_asset(world["USDC"].token, new_pool(world, engine), sender=owner)
    assert engine.token_of(world["USDC"].key) == world["USDC"].token.address


@pytest.mark.parametrize("wrong", WRONG)
def test_auction__wrong_address__no_asset_is_accepted(world: World, wrong: str) -> None:
    engine = engine_with(world, wrong)
    own = wrong == "a pool of its own"
    pool = new_pool(world, engine, "deployer" if own else "stranger")
    assert (pool.address == engine.auction()) is own
    reason = "engine: auction" if wrong in WRONG[:3] else ""
    with reverts(reason):
        engine.add_asset(world["USDC"].token, pool, sender=world.roles["owner"])
    account = world.account("trader")
    with reverts("engine: unknown asset"):
        engine.deposit(account, world["USDC"].token, 1, sender=world.roles["trader"])


@pytest.mark.parametrize("wrong", WRONG)
def test_auction__wrong_address__liquidation_does_nothing(world: World, wrong: str) -> None:
    engine, account, keeper = engine_with(world, wrong), world.account("trader"), world.roles["keeper"]
    reason = "auction: engine only" if wrong == "another engine's auction" else ""
    own = world.account("keeper")
    for function, arguments in (
        ("liquidate", (account,)),
        ("take", (account, 1, own, 0)),
        ("cancel", (account,)),
        ("write_off", (account,)),
    ):
        with reverts(reason):
            engine.method(function)(*arguments, sender=keeper)
    assert engine.word_of(account) == engine.word_of(own) == 0


def test_auction__deployed_later__nobody_else_can_be_it(world: World) -> None:
    deployer = world.roles["deployer"]
    engine = bare_engine(world, world.chain.next_address(deployer, ahead=1))
    owner, guardian, stranger = (world.roles[role] for role in ("owner", "guardian", "stranger"))
    false = world.chain.deploy("LiquidationAuction", engine, AUCTION, owner, guardian, sender=stranger)
    assert false.address != engine.auction()
    with reverts("engine: auction"):
        engine.add_asset(world["USDC"].token, new_pool(world, engine), sender=owner)
