"""Moving a market's price while others trade."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import Contract, Revert
from plimsoll.devnet import Devnet
from plimsoll.uniswap import MOVES, Pool, Uniswap, sqrt_price


def weth_market(devnet: Devnet) -> tuple[Pool, Contract]:
    return devnet.pool(devnet.markets("WETH")[0]), devnet.token("WETH")


def overtaken(devnet: Devnet, monkeypatch: pytest.MonkeyPatch, times: int) -> list[int]:
    """Let somebody move the price past the target just before a move, so many times; return the prices seen."""
    plain = Uniswap._move
    seen: list[int] = []

    def move(self: Uniswap, pool: Pool, target: int, down: bool, sender: str) -> Any:
        seen.append(pool.sqrt_price)
        if len(seen) <= times:
            beyond = target * 99 // 100 if down else target * 101 // 100
            plain(self, pool, beyond, down, sender)
        return plain(self, pool, target, down, sender)

    monkeypatch.setattr(Uniswap, "_move", move)
    return seen


@pytest.mark.parametrize("times", [0, 1, MOVES - 1])
def test_move_price__overtaken__comes_back(devnet: Devnet, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    pool, weth = weth_market(devnet)
    price = pool.price_of(weth) * Fraction(9, 10)
    seen = overtaken(devnet, monkeypatch, times)
    assert devnet.uniswap.move_price(pool, weth, price, devnet.maker) is not None
    assert len(seen) == times + 1
    assert pool.sqrt_price == sqrt_price(price if weth == pool.token0 else 1 / price)


def test_move_price__overtaken_every_time__says_so(devnet: Devnet, monkeypatch: pytest.MonkeyPatch) -> None:
    pool, weth = weth_market(devnet)
    overtaken(devnet, monkeypatch, MOVES)
    with pytest.raises(Revert, match="SPL"):
        devnet.uniswap.move_price(pool, weth, pool.price_of(weth) * Fraction(9, 10), devnet.maker)
