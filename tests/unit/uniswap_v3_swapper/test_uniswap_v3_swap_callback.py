"""The payment callback: the expected pool alone, once per hop, whoever tries in between."""

from __future__ import annotations

from fractions import Fraction

import pytest

from plimsoll.chain import Contract
from plimsoll.uniswap import encode_path
from tests.support import reverts
from tests.unit.uniswap_v3_swapper.conftest import Desk

WAD = 10**18


def callback(desk: Desk, amount: int = WAD) -> bytes:
    return desk.swapper.uniswapV3SwapCallback.encode(amount, 0, b"")


@pytest.mark.parametrize("amounts", [(WAD, 0), (0, WAD), (-1, -1), (0, 0)])
def test_callback__a_stranger__reverts(desk: Desk, tokens: list[Contract], amounts: tuple[int, int]) -> None:
    tokens[0].transfer(desk.swapper, WAD, sender=desk.trader)
    for stranger in (desk.trader, desk.deployer):
        with reverts("swapper: callback"):
            desk.swapper.uniswapV3SwapCallback(*amounts, b"", sender=stranger)


def test_callback__a_real_pool_that_is_not_swapping__reverts(desk: Desk, tokens: list[Contract]) -> None:
    """Nobody can make a pool call the swapper but the swapper: a pool calls back its own caller."""
    wallet = desk.chain.deploy("MockWallet", sender=desk.trader)
    pool = desk.uniswap.pool(tokens[0], tokens[1], 3_000)
    tokens[0].transfer(desk.swapper, WAD, sender=desk.trader)
    swap = pool.contract.swap.encode(desk.vault, True, WAD, 4_295_128_740, b"")
    with reverts(""):
        wallet.execute(pool.contract, swap, sender=desk.trader)
    assert tokens[0].balanceOf(desk.swapper) == WAD


@pytest.mark.parametrize(("position", "reason"), [(0, "swapper: callback"), (1, "TF"), (2, "TF")])
def test_callback__by_a_token_during_a_swap__is_refused(desk: Desk, position: int, reason: str) -> None:
    """Intolerant, the token takes its own transfer with it: of which Uniswap says "TF" when the pool pays it out."""
    path = hostile_path(desk, position)
    hostile = path[position]
    expected = desk.router_output(path, [3_000, 3_000], WAD)
    hostile.set_hook(desk.swapper, callback(desk), True, sender=desk.trader)
    desk.swap(path, [3_000, 3_000], WAD, min_buy=expected)
    assert hostile.hook_calls() > 0
    assert not hostile.hook_succeeded()
    assert b"swapper: callback" in hostile.hook_result()
    assert path[2].balanceOf(desk.vault) == expected
    assert desk.held(path) == [0, 0, 0]

    hostile.set_hook(desk.swapper, callback(desk), False, sender=desk.trader)
    with reverts(reason):
        desk.swap(path, [3_000, 3_000], WAD)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_swap__entered_again_by_a_token__is_refused(desk: Desk, position: int) -> None:
    path = hostile_path(desk, position)
    hostile = path[position]
    route = encode_path([token.address for token in path], [3_000, 3_000])
    again = desk.swapper.swap.encode(path[0], path[2], 1, 0, desk.trader, route)
    expected = desk.router_output(path, [3_000, 3_000], WAD)
    hostile.set_hook(desk.swapper, again, True, sender=desk.trader)
    desk.swap(path, [3_000, 3_000], WAD, min_buy=expected)
    assert hostile.hook_calls() > 0
    assert (hostile.hook_succeeded(), hostile.hook_result()) == (False, b"")
    assert path[2].balanceOf(desk.vault) == expected
    assert desk.held(path) == [0, 0, 0]


def test_swap__a_token_moves_the_next_pool__min_buy_protects(desk: Desk) -> None:
    path = hostile_path(desk, 1)
    expected = desk.router_output(path, [3_000, 3_000], WAD)
    robber = desk.chain.deploy("AttackSwapper", sender=desk.trader)
    path[1].mint(robber, 10**30, sender=desk.deployer)
    amount = 10**24
    robber.execute(path[1], path[1].approve.encode(desk.uniswap.router, amount), sender=desk.trader)
    route = encode_path([path[1].address, path[2].address], [3_000])
    front_run = desk.uniswap.router.exactInput.encode((route, desk.trader, 2**256 - 1, amount, 0))
    path[1].set_hook(robber, robber.execute.encode(desk.uniswap.router, front_run), True, sender=desk.trader)
    with desk.chain.isolate(), reverts("swapper: min buy"):
        desk.swap(path, [3_000, 3_000], WAD, min_buy=expected)
    before = path[2].balanceOf(desk.vault)
    desk.swap(path, [3_000, 3_000], WAD, min_buy=expected // 5)
    assert expected // 5 <= path[2].balanceOf(desk.vault) - before < expected // 2
    assert desk.held(path) == [0, 0, 0]


@pytest.mark.parametrize(
    ("asked", "taken", "reason"),
    [
        ([WAD], WAD, None),
        ([WAD, 1], WAD, "swapper: callback"),
        ([], WAD, None),
        ([WAD + 1], WAD, "erc20: balance"),
        ([WAD], WAD - 1, "swapper: partial fill"),
        ([WAD], WAD + 1, "swapper: partial fill"),
        ([WAD], -WAD, "swapper: partial fill"),
    ],
)
def test_callback__a_hostile_factory__gets_what_was_pushed_at_most(
    desk: Desk, asked: list[int], taken: int, reason: str | None
) -> None:
    """Who trusts a hostile factory can lose what he pushed, and what he measures protects it; nothing else is here."""
    sold, bought = desk.token(), desk.token()
    hostile = desk.chain.deploy("HostileFactory", sender=desk.deployer)
    swapper = desk.chain.deploy("UniswapV3Swapper", hostile, sender=desk.deployer)
    hostile.set_up(asked, taken, WAD, sender=desk.deployer)
    sold.transfer(swapper, WAD, sender=desk.trader)
    arguments = (sold, bought, WAD, 0, desk.vault, encode_path([sold.address, bought.address], [3_000]))
    if reason is None:
        swapper.swap(*arguments, sender=desk.trader)
        assert sold.balanceOf(hostile) == sum(asked)
    else:
        with reverts(reason):
            swapper.swap(*arguments, sender=desk.trader)
    with reverts("swapper: callback"):
        hostile.ask(swapper, 1, sender=desk.trader)


def hostile_path(desk: Desk, position: int) -> list[Contract]:
    """Return three tokens with pools at par, the one at `position` calling its hook on every transfer."""
    path = [desk.token("MockERC20Hook" if i == position else "MockERC20") for i in range(3)]
    desk.pool(path[0], path[1], price=Fraction(1))
    desk.pool(path[1], path[2], price=Fraction(1))
    return path
