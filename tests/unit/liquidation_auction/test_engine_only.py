"""LiquidationAuction.start, take, end, write_off: the engine's alone, whoever asks, with whatever arguments."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import reverts
from tests.support.scenario import ROLES, World
from tests.unit.liquidation.conftest import WAD


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("function", ["start", "take", "end", "write_off"])
def test_engine_only__every_wrong_caller__reverts(world: World, auctioned: int, function: str, role: str) -> None:
    sender = world.roles[role]
    values = tuple(world.risk_engine.assess_liquidation(world.engine.exposures(auctioned)))
    arguments: dict[str, tuple[Any, ...]] = {
        "start": (auctioned, sender, values),
        "take": (auctioned, WAD, -WAD, 0, values),
        "end": (auctioned, False, values),
        "write_off": (auctioned, 2**255, values),
    }
    before = world.auction.auction_of(auctioned)
    with reverts("auction: engine only"):
        world.auction.method(function)(*arguments[function], sender=sender)
    assert world.auction.auction_of(auctioned) == before


def test_constructor__names_its_engine(world: World) -> None:
    assert world.auction.margin_engine() == world.engine.address


def test_constructor__no_engine__reverts(world: World) -> None:
    owner, guardian = world.roles["owner"], world.roles["guardian"]
    with reverts("auction: zero address"):
        world.chain.deploy(
            "LiquidationAuction", "0x" + "0" * 40, tuple(world.auction.parameters()), owner, guardian, sender=owner
        )
