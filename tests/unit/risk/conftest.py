"""Worlds for the desk: one written down by hand, and the protocol over settable prices with a manifest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from plimsoll.chain import RevmChain
from plimsoll.keeper.state import AccountState
from plimsoll.manifest import Deployed, ListedAsset, Manifest
from plimsoll.model import margin_rate, price_oracle
from plimsoll.model.liquidation_auction import Parameters as AuctionParameters
from plimsoll.model.margin_rate import Margin
from plimsoll.model.price_source import Reading
from plimsoll.protocol import Protocol
from plimsoll.risk import World
from plimsoll.risk.world import AssetFacts, Pool, Source
from tests.support import scenario
from tests.support.scenario import deploy_world

WAD = 10**18
NOW = 1_700_000_000
USD, ETH = 1, 2
ACCOUNT = 0xABC << 96 | 7
SOURCES = {USD: "0xa0", ETH: "0xb0"}


def asset(key: int, symbol: str, price: int, floor: int, *, fund: int = 0, sources: int = 1) -> AssetFacts:
    """Return an asset of 18 decimals at `price` dollars with a margin of `floor` percent, whatever the size."""
    parameters = margin_rate.Parameters(floor * WAD // 100, 4 * WAD // 10, 0, 10**12, 10**16)
    reading = Reading(price * WAD, price * WAD, NOW, 1, 1)
    combined = price_oracle.Parameters(sources, 2 * WAD // 100, 0, 0, 0)
    return AssetFacts(
        key=key,
        symbol=symbol,
        token=f"0x{key:040x}",
        decimals=18,
        price=price_oracle.price([reading] * sources, combined, NOW),
        parameters=combined,
        sources=tuple(
            Source(f"{SOURCES[key]}{i}", "FeedOracle", None, reading, price_oracle.TRUSTED) for i in range(sources)
        ),
        margin=Margin(*parameters[:3], NOW, False, parameters),
        dynamics=margin_rate.first_dynamics(parameters),
        pool=Pool(f"0x{key:040x}", 10**6 * WAD, 10**6 * WAD, 800 * WAD, 800 * 10**24, 0, fund, 10**24, 10**24, 0),
    )


def world_of(accounts: dict[int, AccountState], **changes: Any) -> World:
    """Return a world of dollars (margin 2 %) and ether at a hundred dollars (margin 10 %), its reserve 100 dollars."""
    world = World(
        chain="paper",
        chain_id=1,
        block=5,
        now=NOW,
        initial_ratio=125 * WAD // 100,
        notice=86_400,
        wide_delay=7_200,
        min_debt=10 * WAD,
        paused=False,
        auction=AuctionParameters(600, 7_200, 0, -WAD // 10, WAD // 2, 0, 0, WAD // 100, WAD // 5),
        assets={USD: asset(USD, "USD", 1, 2, fund=100 * WAD), ETH: asset(ETH, "ETH", 100, 10)},
        accounts=accounts,
    )
    return replace(world, **changes)


@pytest.fixture
def long() -> World:
    """Ten ether held, 800 dollars owed."""
    return world_of({ACCOUNT: AccountState({ETH: 10 * WAD}, {USD: 800 * 10**24})})


@pytest.fixture(scope="session")
def _deployed() -> scenario.World:
    world = deploy_world(RevmChain())
    for symbol, amount in (("USDC", 1_000_000), ("WETH", 500), ("TAIL", 10_000)):
        world.lend(symbol, amount)
    return world


@pytest.fixture
def deployed(_deployed: scenario.World) -> Iterator[scenario.World]:
    with _deployed.chain.isolate():
        yield _deployed.copy()


def manifest_of(world: scenario.World) -> Manifest:
    """Return a manifest of a world, so that a `Protocol` finds its contracts."""
    roles = {
        "engine": ("MarginEngine", world.engine),
        "risk_engine": ("RiskEngine", world.risk_engine),
        "operators": ("OperatorRegistry", world.registry),
        "auction": ("LiquidationAuction", world.auction),
        "lens": ("MarginLens", world.lens),
        "swapper": ("MockSwapper", world.swapper),
        "orders": ("ProtectionOrders", world.swapper),
    }
    contracts = {role: Deployed(name, contract.address, [], "") for role, (name, contract) in roles.items()}
    contracts["reserve_fund"] = Deployed("ReserveFund", world.roles["fund"], [], "")
    assets = {
        each.symbol: ListedAsset(each.token.address, each.decimals, hex(each.key), each.pool.address, False, [])
        for each in world.assets.values()
    }
    return Manifest(world.chain.chain_id, "revm", 0, world.roles["deployer"], contracts, assets)


def protocol_of(world: scenario.World) -> Protocol:
    """Return the client of a world."""
    return Protocol(world.chain, manifest_of(world), check=False)
