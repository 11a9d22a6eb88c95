"""MarginLens.prices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.chain.abi import checksum
from tests.support.scenario import World

NOTHING = (0, 0, 0, 0)


def test_prices__listed_tokens__equal_the_risk_engine(world: World) -> None:
    assets = list(world.assets.values())
    entries = world.lens.prices([asset.token for asset in assets])
    direct = world.risk_engine.prices([asset.key for asset in assets])
    assert entries == [
        (True, asset.token.address, asset.key, price) for asset, price in zip(assets, direct, strict=True)
    ]
    assert all(price.bid > 0 for price in direct)


def test_prices__token_not_listed__only_its_entry_is_not_ok(world: World) -> None:
    weth, person = world["WETH"].token.address, world.roles["trader"]
    entries = world.lens.prices([ZERO_ADDRESS, weth, person, world.engine.address, weth])
    assert [entry.ok for entry in entries] == [False, True, False, False, True]
    assert entries[0] == (False, ZERO_ADDRESS, 0, NOTHING)
    assert entries[2] == (False, person, 0, NOTHING)
    assert entries[1] == entries[4]


@pytest.mark.parametrize("failure", ["set_revert", "set_burn"])
def test_prices__source_fails__is_dead_and_ok(world: World, failure: str) -> None:
    asset = world["WETH"]
    asset.source.method(failure)(sender=world.roles["deployer"])
    assert world.lens.prices([asset.token, world["USDC"].token])[0] == (
        True,
        asset.token.address,
        asset.key,
        (0, 0, 0, 3),
    )
    assert world.lens.prices([asset.token, world["USDC"].token])[1].price.status == 0


@given(number=st.integers(0, 2**160 - 1))
def test_prices__any_address__is_not_ok(deployed_world: World, number: int) -> None:
    token = checksum(f"0x{number:040x}")
    assert deployed_world.lens.prices([token]) == [(False, token, 0, NOTHING)]
