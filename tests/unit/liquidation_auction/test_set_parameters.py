"""LiquidationAuction.set_parameters: the owner's, within named bounds, for auctions started later."""

from __future__ import annotations

import pytest

from plimsoll.chain import RevmChain
from tests.support import reverts
from tests.support.counters import wind_on
from tests.support.scenario import AUCTION, World
from tests.unit.liquidation.conftest import TAU, WAD

TAU_, TAIL, KAPPA, LEVEL, TARGET, STARTER, FUND, LEAST, MOST = range(9)
BP = 10**14


def changed(**by_index: int) -> tuple[int, ...]:
    values = list(AUCTION)
    for name, value in by_index.items():
        values[int(name[1:])] = value
    return tuple(values)


def test_set_parameters__owner__whole_receipt(world: World) -> None:
    parameters = (1_200, 3_600, 3 * WAD, -WAD // 5, WAD // 4, 2 * BP, 3 * BP, 20 * BP, 1_500 * BP)
    receipt = world.auction.set_parameters(parameters, sender=world.roles["owner"])
    assert receipt.events == [world.auction.event("ParametersSet", version=2, parameters=parameters)]
    assert tuple(world.auction.parameters()) == parameters
    assert world.auction.version() == 2


def test_set_parameters__every_wrong_caller__reverts(world: World) -> None:
    for role, sender in world.roles.items():
        if role != "owner":
            with reverts("roles: owner only"):
                world.auction.set_parameters(AUCTION, sender=sender)


@pytest.mark.parametrize(
    ("index", "value", "reason"),
    [
        (TAU_, 59, "auction: tau"),
        (TAU_, 86_401, "auction: tau"),
        (TAU_, 2**256 - 1, "auction: tau"),
        (TAIL, 599, "auction: tail"),
        (TAIL, 7 * 86_400 + 1, "auction: tail"),
        (KAPPA, 100 * WAD + 1, "auction: kappa"),
        (KAPPA, BP + 1, "auction: precision"),
        (LEVEL, 0, "auction: start level"),
        (LEVEL, BP, "auction: start level"),
        (LEVEL, -WAD - 1, "auction: start level"),
        (LEVEL, -(2**255), "auction: start level"),
        (LEVEL, -BP - 1, "auction: precision"),
        (TARGET, 0, "auction: target share"),
        (TARGET, WAD + 1, "auction: target share"),
        (TARGET, BP + 1, "auction: precision"),
        (STARTER, WAD // 2 + 1, "auction: bonus shares"),
        (STARTER, 1, "auction: precision"),
        (FUND, WAD // 2 + 1, "auction: bonus shares"),
        (FUND, 1, "auction: precision"),
        (LEAST, 10 * BP - 1, "auction: penalty"),
        (LEAST, WAD // 5 + 1, "auction: penalty"),
        (LEAST, 10 * BP + 1, "auction: precision"),
        (MOST, WAD // 5 + 1, "auction: penalty"),
        (MOST, WAD // 100 - 1, "auction: penalty"),
        (MOST, WAD // 5 - 1, "auction: precision"),
    ],
)
def test_set_parameters__beyond_a_bound__reverts(world: World, index: int, value: int, reason: str) -> None:
    with reverts(reason):
        world.auction.set_parameters(changed(**{f"_{index}": value}), sender=world.roles["owner"])


@pytest.mark.parametrize(
    "parameters",
    [
        (60, 60, 0, -BP, BP, 0, 0, 10 * BP, 10 * BP),
        (86_400, 7 * 86_400, 100 * WAD, -WAD, WAD, WAD // 2, WAD // 2, WAD // 5, WAD // 5),
    ],
)
def test_set_parameters__on_every_bound__read_back(world: World, parameters: tuple[int, ...]) -> None:
    world.auction.set_parameters(parameters, sender=world.roles["owner"])
    assert tuple(world.auction.parameters()) == parameters


def test_set_parameters__the_last_version__stays() -> None:
    """A version has 16 bits beside an auction: one more would be taken for another."""
    chain = RevmChain()
    owner = chain.accounts()[0]
    auction = chain.deploy("LiquidationAuction", owner, AUCTION, owner, owner, sender=owner)
    wind_on(chain, auction, lambda: auction.set_parameters(AUCTION, sender=owner), 2**16 - 2, 1 << 168)
    assert auction.set_parameters(AUCTION, sender=owner).find("ParametersSet")[0].args["version"] == 2**16 - 1
    with reverts("auction: versions"):
        auction.set_parameters(AUCTION, sender=owner)
    assert auction.version() == 2**16 - 1


def test_set_parameters__auction_that_runs__keeps_its_own(world: World, auctioned: int, long: int) -> None:
    world.chain.warp(TAU // 2)
    world.refresh()
    before = world.auction.quote(auctioned)
    world.auction.set_parameters((60, 60, 0, -WAD, WAD, 0, 0, WAD // 5, WAD // 5), sender=world.roles["owner"])
    assert world.auction.quote(auctioned) == before
    assert world.auction.auction_of(auctioned).version == 1
    world.set_price("WETH", 1_800)
    world.engine.cancel(auctioned, sender=world.roles["trader"])
    world.set_price("WETH", 1_760)
    world.engine.liquidate(auctioned, sender=world.roles["keeper"])
    after = world.auction.auction_of(auctioned)
    assert (after.version, after.penalty) == (2, WAD // 5)
    assert world.auction.quote(auctioned).bonus == -WAD // 5
