"""Swaps: the same output as Uniswap's router, nothing left behind, and every refusal."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, Contract
from plimsoll.uniswap import encode_path
from tests.support import reverts
from tests.unit.uniswap_v3_swapper.conftest import DEPTH, Desk

WAD = 10**18


@pytest.mark.parametrize("reverse", [False, True])
def test_swap__one_hop__equals_the_router(desk: Desk, tokens: list[Contract], reverse: bool) -> None:
    path = tokens[1::-1] if reverse else tokens[:2]
    expected = desk.router_output(path, [3_000], WAD)
    receipt = desk.swap(path, [3_000], WAD, min_buy=expected)
    pool = desk.uniswap.pool(path[0], path[1], 3_000)
    swap = receipt.events[2]
    assert swap.contract == pool.address
    assert (swap.args["sender"], swap.args["recipient"]) == (desk.swapper.address, desk.vault)
    assert receipt.events == [
        path[1].event("Transfer", sender=pool.address, receiver=desk.vault, value=expected),
        path[0].event("Transfer", sender=desk.swapper.address, receiver=pool.address, value=WAD),
        pool.contract.event("Swap", **swap.args),
    ]
    assert path[1].balanceOf(desk.vault) == expected > 0
    assert desk.held(tokens) == [0, 0, 0]


@given(
    route=st.sampled_from([[0, 1], [1, 0], [1, 2], [0, 1, 2], [2, 1, 0], [0, 1, 0, 1], [0, 1, 2, 1, 0, 1, 2]]),
    amount=st.one_of(st.integers(10**9, 10**27), st.integers(10**5, 10**9)),
)
def test_swap__any_route__equals_the_router(desk: Desk, tokens: list[Contract], route: list[int], amount: int) -> None:
    path = [tokens[i] for i in route]
    fees = [3_000 if {a, b} == {0, 1} else 500 for a, b in pairwise(route)]
    with desk.chain.isolate():
        expected = desk.router_output(path, fees, amount)
        desk.swap(path, fees, amount, min_buy=expected)
        assert path[-1].balanceOf(desk.vault) == expected
        assert desk.held(tokens) == [0, 0, 0]


def test_swap__two_hops__intermediate_tokens_pass_through(desk: Desk, tokens: list[Contract]) -> None:
    receipt = desk.swap(tokens, [3_000, 500], WAD)
    transfers = receipt.find("Transfer")
    assert [(each.contract, each.args["receiver"]) for each in transfers] == [
        (tokens[1].address, desk.swapper.address),
        (tokens[0].address, desk.uniswap.pool(tokens[0], tokens[1], 3_000).address),
        (tokens[2].address, desk.vault),
        (tokens[1].address, desk.uniswap.pool(tokens[1], tokens[2], 500).address),
    ]
    assert transfers[0].args["value"] == transfers[3].args["value"]
    assert desk.held(tokens) == [0, 0, 0]


def test_swap__43_hops__is_the_longest_path(desk: Desk, tokens: list[Contract]) -> None:
    path = [tokens[i % 2] for i in range(44)]
    expected = desk.router_output(path, [3_000] * 43, WAD)
    desk.swap(path, [3_000] * 43, WAD, min_buy=expected)
    assert tokens[1].balanceOf(desk.vault) == expected > 0
    longer = encode_path([token.address for token in [tokens[1], *path]], [3_000] * 44)
    assert len(longer) == 1_032
    with reverts(""):
        desk.swap(path, [], WAD, path=longer)


@pytest.mark.parametrize("fee", [1, 3_001, 999_999])
def test_swap__a_fee_of_every_bit(desk: Desk, fee: int) -> None:
    desk.uniswap.factory.enableFeeAmount(fee, 60, sender=desk.deployer)
    path = [desk.token(), desk.token()]
    desk.pool(path[0], path[1], fee)
    expected = desk.router_output(path, [fee], WAD)
    desk.swap(path, [fee], WAD, min_buy=expected)
    assert path[1].balanceOf(desk.vault) == expected > 0


@pytest.mark.parametrize("position", [0, 1, 2])
def test_swap__a_token_that_returns_nothing(desk: Desk, position: int) -> None:
    path = [desk.token("MockERC20NoReturn" if i == position else "MockERC20") for i in range(3)]
    desk.pool(path[0], path[1])
    desk.pool(path[1], path[2])
    expected = desk.router_output(path, [3_000, 3_000], WAD)
    desk.swap(path, [3_000, 3_000], WAD, min_buy=expected)
    assert path[2].balanceOf(desk.vault) == expected
    assert desk.held(path) == [0, 0, 0]


def test_swap__a_token_that_returns_false__reverts(desk: Desk) -> None:
    sold, bought = desk.token("MockERC20False"), desk.token()
    desk.pool(sold, bought)
    sold.transfer(desk.swapper, WAD, sender=desk.trader)
    sold.set_refusing(True, sender=desk.deployer)
    path = encode_path([sold.address, bought.address], [3_000])
    with reverts("token: transfer failed"):
        desk.swapper.swap(sold, bought, WAD, 0, desk.vault, path, sender=desk.trader)


@pytest.mark.parametrize("position", [0, 1])
def test_swap__a_token_with_a_fee__reverts(desk: Desk, position: int) -> None:
    path = [desk.token("MockERC20Fee" if i == position else "MockERC20") for i in range(3)]
    desk.pool(path[0], path[1])
    desk.pool(path[1], path[2])
    path[position].set_fee(100, sender=desk.deployer)
    path[position].mint(desk.swapper, WAD, sender=desk.deployer)
    with reverts("IIA"):
        desk.swap(path, [3_000, 3_000], WAD)


def test_swap__min_buy__is_the_least_accepted(desk: Desk, tokens: list[Contract]) -> None:
    expected = desk.router_output(tokens, [3_000, 500], WAD)
    with reverts("swapper: min buy"):
        desk.swap(tokens, [3_000, 500], WAD, min_buy=expected + 1)
    desk.swap(tokens, [3_000, 500], WAD, min_buy=expected)


def test_swap__zero_amount__reverts(desk: Desk, tokens: list[Contract]) -> None:
    with reverts("swapper: zero amount"):
        desk.swap(tokens[:2], [3_000], 0)


def test_swap__to_nobody_or_itself__reverts(desk: Desk, tokens: list[Contract]) -> None:
    for to in (ZERO_ADDRESS, desk.swapper.address):
        with reverts("swapper: recipient"):
            desk.swap(tokens[:2], [3_000], WAD, to=to)


def test_swap__same_token__reverts(desk: Desk, tokens: list[Contract]) -> None:
    with reverts("swapper: same token"):
        desk.swap([tokens[0], tokens[1], tokens[0]], [3_000, 3_000], WAD)


@pytest.mark.parametrize("size", [0, 1, 19, 20, 21, 42, 44, 65, 67, 1_008, 1_010, 1_024])
def test_swap__path_of_no_whole_hops__reverts(desk: Desk, tokens: list[Contract], size: int) -> None:
    whole = encode_path([tokens[i % 2].address for i in range(46)], [3_000] * 45)
    with reverts("swapper: path"):
        desk.swap(tokens[:2], [], WAD, path=whole[:size])


def test_swap__path_of_other_ends__reverts(desk: Desk, tokens: list[Contract]) -> None:
    a, b, c = tokens
    for path in ([c, b], [a, c], [b, a], [b, c]):
        fees = [3_000] * (len(path) - 1)
        with reverts("swapper: path ends"):
            desk.swap([a, b], [], WAD, path=encode_path([token.address for token in path], fees))


def test_swap__path_of_garbage__reverts(desk: Desk, tokens: list[Contract]) -> None:
    for path in (b"\x00" * 43, b"\xff" * 66):
        with reverts("swapper: path ends"):
            desk.swap(tokens[:2], [], WAD, path=path)


def test_swap__unknown_pool__reverts(desk: Desk, tokens: list[Contract]) -> None:
    for path, fees in ((tokens[:2], [500]), ([tokens[0], tokens[2]], [3_000]), (tokens, [3_000, 3_000])):
        with reverts("swapper: unknown pool"):
            desk.swap(path, fees, WAD)
    twice = encode_path([tokens[0].address, tokens[0].address, tokens[1].address], [3_000, 3_000])
    with reverts("swapper: unknown pool"):
        desk.swap(tokens[:2], [], WAD, path=twice)


def test_swap__pool_not_initialised__reverts(desk: Desk, tokens: list[Contract]) -> None:
    desk.uniswap.factory.createPool(tokens[0], tokens[2], 3_000, sender=desk.deployer)
    with reverts("LOK"):
        desk.swap([tokens[0], tokens[2]], [3_000], WAD)


@pytest.mark.parametrize("reverse", [False, True])
def test_swap__more_than_the_pool_can_take__reverts(desk: Desk, reverse: bool) -> None:
    a, b = desk.token(), desk.token()
    pool = desk.uniswap.create_pool(a, b, 3_000, Fraction(1), desk.deployer)
    desk.uniswap.add_liquidity(pool, {a: 10**20, b: 10**20}, desk.deployer, (-600, 600))
    path = [b, a] if reverse else [a, b]
    with reverts("swapper: partial fill"):
        desk.swap(path, [3_000], 10**21)
    desk.swap(path, [3_000], 10**19)


def test_swap__down_to_the_lowest_price__sells(desk: Desk) -> None:
    """One above the lowest limit that a pool accepts; the fee takes the one unit, so that the price stays."""
    token0, token1 = sorted((desk.token(), desk.token()), key=lambda token: int(token.address, 16))
    desk.uniswap.factory.enableFeeAmount(100, 1, sender=desk.deployer)
    desk.uniswap.factory.createPool(token0, token1, 100, sender=desk.deployer)
    pool = desk.uniswap.pool(token0, token1, 100)
    pool.contract.initialize(4_295_128_741, sender=desk.deployer)
    desk.uniswap.add_liquidity(pool, {token0: DEPTH, token1: 1}, desk.deployer)
    receipt = desk.swap([token0, token1], [100], 1)
    (swap,) = receipt.find("Swap")
    assert (swap.args["amount0"], swap.args["amount1"], swap.args["sqrtPriceX96"]) == (1, 0, 4_295_128_741)
    assert pool.contract.liquidity() > 0
    assert desk.held([token0, token1]) == [0, 0]


def test_swap__input_was_not_pushed__reverts(desk: Desk, tokens: list[Contract]) -> None:
    path = encode_path([token.address for token in tokens[:2]], [3_000])
    with reverts("erc20: balance"):
        desk.swapper.swap(tokens[0], tokens[1], WAD, 0, desk.vault, path, sender=desk.trader)


def test_swap__amount_over_255_bits__reverts(desk: Desk, tokens: list[Contract]) -> None:
    path = encode_path([token.address for token in tokens[:2]], [3_000])
    with reverts(""):
        desk.swapper.swap(tokens[0], tokens[1], 2**255, 0, desk.vault, path, sender=desk.trader)


def test_swap__leaves_a_donation_alone(desk: Desk, tokens: list[Contract]) -> None:
    for token in tokens:
        token.transfer(desk.swapper, 7 * WAD, sender=desk.deployer)
    expected = desk.router_output(tokens, [3_000, 500], WAD)
    desk.swap(tokens, [3_000, 500], WAD)
    assert desk.held(tokens) == [7 * WAD] * 3
    assert tokens[2].balanceOf(desk.vault) == expected
