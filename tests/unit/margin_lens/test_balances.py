"""MarginLens.balances."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.chain.abi import checksum
from tests.support.scenario import World

addresses = st.integers(0, 2**160 - 1).map(lambda number: checksum(f"0x{number:040x}"))


def test_balances__every_pair__equals_the_direct_views(world: World) -> None:
    accounts = [
        world.account("trader", 1),
        world.account("trader", 2),
        world.account("keeper"),
        world.account("attacker"),
        0,
    ]
    tokens = [asset.token for asset in world.assets.values()]
    known, balances = world.lens.balances(accounts, tokens)
    assert known == [2 ** len(tokens) - 1] * len(accounts)
    for i, account in enumerate(accounts):
        for j, token in enumerate(tokens):
            direct = world.engine.balance_of(account, token) - world.engine.debt_of(account, token)
            assert balances[i * len(tokens) + j] == direct
    assert any(balance > 0 for balance in balances)
    assert any(balance < 0 for balance in balances)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_balances__token_unknown__only_its_bit_is_missing(world: World, position: int) -> None:
    account = world.account("trader", 1)
    tokens = [world["USDC"].token.address, world["WETH"].token.address]
    tokens.insert(position, ZERO_ADDRESS)
    known, balances = world.lens.balances([account], tokens)
    assert known == [0b111 ^ 1 << position]
    assert balances[position] == 0
    assert balances[tokens.index(world["USDC"].token.address)] == -world.engine.debt_of(account, world["USDC"].token)


def test_balances__same_token_twice__is_told_twice(world: World) -> None:
    account = world.account("trader", 1)
    known, balances = world.lens.balances([account, account], [world["WETH"].token] * 2)
    assert known == [3, 3]
    assert balances == [world.engine.balance_of(account, world["WETH"].token)] * 4


def test_balances__largest_batch__fits_thirty_million_gas(world: World) -> None:
    account = world.account("trader", 2)
    tokens = [world["WETH"].token] * 16
    known, balances = world.lens.balances([account] * 100, tokens, gas=30_000_000)
    assert known == [2**16 - 1] * 100
    assert balances == [-world.engine.debt_of(account, world["WETH"].token)] * 1_600


@given(accounts=st.lists(st.integers(0, 2**256 - 1), max_size=5), tokens=st.lists(addresses, max_size=5))
def test_balances__unknown_everything__nothing_is_known(
    deployed_world: World, accounts: list[int], tokens: list[str]
) -> None:
    known, balances = deployed_world.lens.balances(accounts, tokens)
    assert known == [0] * len(accounts)
    assert balances == [0] * len(accounts) * len(tokens)
