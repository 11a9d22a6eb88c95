"""MarginEngine.set_auction: the owner names the auction contract, once."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract, RevmChain
from tests.support import reverts
from tests.support.scenario import INITIAL_RATIO, MIN_DEBT, NOTICE, ROLES, WIDE_DELAY, World


@pytest.fixture
def roles(chain: RevmChain) -> dict[str, str]:
    return dict(zip(ROLES, chain.accounts(), strict=False))


@pytest.fixture
def bare(chain: RevmChain, roles: dict[str, str]) -> Contract:
    """An engine without an auction."""
    owner, guardian, deployer = roles["owner"], roles["guardian"], roles["deployer"]
    risk = chain.deploy("RiskEngine", INITIAL_RATIO, NOTICE, WIDE_DELAY, owner, guardian, sender=deployer)
    registry = chain.deploy("OperatorRegistry", sender=deployer)
    return chain.deploy("MarginEngine", risk, registry, MIN_DEBT, owner, guardian, sender=deployer)


def test_set_auction__owner__once(bare: Contract, roles: dict[str, str], world: World) -> None:
    assert bare.auction() == ZERO_ADDRESS
    receipt = bare.set_auction(world.auction, sender=roles["owner"])
    assert receipt.events == [bare.event("AuctionSet", auction=world.auction)]
    assert bare.auction() == world.auction.address
    with reverts("engine: auction set"):
        bare.set_auction(world.auction, sender=roles["owner"])


def test_set_auction__every_wrong_caller__reverts(bare: Contract, roles: dict[str, str], world: World) -> None:
    for role, sender in roles.items():
        if role != "owner":
            with reverts("roles: owner only"):
                bare.set_auction(world.auction, sender=sender)


def test_set_auction__no_contract__reverts(bare: Contract, roles: dict[str, str]) -> None:
    for address in (ZERO_ADDRESS, roles["stranger"]):
        with reverts("engine: zero address"):
            bare.set_auction(address, sender=roles["owner"])
