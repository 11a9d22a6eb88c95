"""A permissioned market end to end: the engine asks a real allow list; attestations are signed, brought, and expire."""

from __future__ import annotations

import pytest

from plimsoll.chain import RevmChain
from plimsoll.protocol.attestations import AllowListGate, sign
from tests.support import reverts
from tests.support.scenario import World, deploy_world

DAY = 86_400
WAD = 10**18


@pytest.fixture
def world(chain: RevmChain) -> World:
    world = deploy_world(chain)
    world.lend("USDC", 1_000_000)
    return world


@pytest.fixture
def gate(world: World) -> AllowListGate:
    """An allow list before WETH, whose attester is the operator."""
    roles = world.roles
    contract = world.chain.deploy("AllowListGate", roles["owner"], roles["operator"], sender=roles["deployer"])
    world.engine.set_gate(world["WETH"].token, contract, sender=roles["owner"])
    return AllowListGate(world.chain, contract)


def vouch(world: World, gate: AllowListGate, role: str, seconds: int = DAY) -> None:
    """Let the attester sign for a role, and a stranger bring it."""
    attestation = gate.attestation(world.roles[role], world.chain.timestamp() + seconds)
    signed = sign(attestation, gate.domain(), world.chain.key(world.roles["operator"]))
    gate.attest(signed, sender=world.roles["stranger"])


def test_permissioned__attested_until_it_expires__then_only_the_way_out(world: World, gate: AllowListGate) -> None:
    trader, weth = world.roles["trader"], world["WETH"].token
    account = world.account("trader")
    world.deposit(account, "WETH", 10)
    with reverts("engine: gate"):
        world.borrow(account, "USDC", 1_000)
    vouch(world, gate, "trader")
    world.borrow(account, "USDC", 1_000)
    world.warp(DAY + 1)
    with reverts("engine: gate"):
        world.borrow(account, "USDC", 1_000)
    with reverts("engine: gate"):
        world.engine.withdraw(account, weth, 1, trader, 0, sender=trader)
    world.trade(account, "WETH", 1, "USDC", reduce_only=True)
    assert world.engine.debt_of(account, world["USDC"].token) == 0
    world.engine.withdraw(account, weth, 2**256 - 1, trader, 0, sender=trader)


def test_permissioned__liquidated_by_who_is_attested_alone(world: World, gate: AllowListGate) -> None:
    keeper, attacker = world.account("keeper"), world.account("attacker")
    for account in (keeper, attacker):
        world.deposit(account, "WBTC", 1)
    vouch(world, gate, "trader")
    account = world.open_position(amount=50_000)
    world.set_price("WETH", 1_760)
    world.engine.liquidate(account, sender=world.roles["stranger"])
    vouch(world, gate, "keeper")
    with reverts("engine: gate"):
        world.engine.take(account, WAD, attacker, -WAD, sender=world.roles["attacker"])
    world.engine.take(account, WAD, keeper, -WAD, sender=world.roles["keeper"])
    assert world.balance(keeper, "WETH") > 0
    gate.revoke(world.roles["trader"], sender=world.roles["operator"])
    world.deposit(account, "USDC", 40_000)
    world.trade(account, "WETH", 1, "USDC", reduce_only=True)
