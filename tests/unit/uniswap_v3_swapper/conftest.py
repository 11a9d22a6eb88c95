"""A real Uniswap with pools between any tokens, and a swapper that is fed as the engine feeds it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import pytest

from plimsoll.chain import Contract, Receipt, RevmChain
from plimsoll.uniswap import Pool, Uniswap, encode_path

DEPTH = 10**24


@dataclass(frozen=True)
class Desk:
    """Everything a swap needs. `deployer` owns the liquidity, `trader` sells, `vault` receives."""

    chain: RevmChain
    uniswap: Uniswap
    swapper: Contract
    deployer: str
    trader: str
    vault: str

    def token(self, kind: str = "MockERC20") -> Contract:
        """Deploy a token of 18 decimals and make the deployer and the trader rich in it."""
        token = self.chain.deploy(kind, kind, "T", 18, sender=self.deployer)
        for rich in (self.deployer, self.trader):
            token.mint(rich, 10**30, sender=self.deployer)
        return token

    def pool(self, a: Contract, b: Contract, fee: int = 3_000, price: Fraction = Fraction(1)) -> Pool:
        """Open a pool where one `a` costs `price` of `b`, with a million whole `a` and as much worth of `b`."""
        pool = self.uniswap.create_pool(a, b, fee, price, self.deployer)
        self.uniswap.add_liquidity(pool, {a: DEPTH, b: int(DEPTH * price)}, self.deployer)
        return pool

    def swap(
        self,
        tokens: Sequence[Contract],
        fees: Sequence[int],
        amount: int,
        min_buy: int = 0,
        path: bytes | None = None,
        to: str | None = None,
    ) -> Receipt:
        """Push the input to the swapper, then call it, as the engine does."""
        data = encode_path([token.address for token in tokens], fees) if path is None else path
        if amount:
            tokens[0].transfer(self.swapper, amount, sender=self.trader)
        recipient = self.vault if to is None else to
        receipt: Receipt = self.swapper.swap(
            tokens[0], tokens[-1], amount, min_buy, recipient, data, sender=self.trader
        )
        return receipt

    def router_output(self, tokens: Sequence[Contract], fees: Sequence[int], amount: int) -> int:
        """Return what Uniswap's own router would pay out now."""
        with self.chain.isolate():
            return self.uniswap.swap(tokens, fees, amount, self.trader, to=self.vault)

    def held(self, tokens: Sequence[Contract]) -> list[int]:
        """Return what the swapper holds."""
        return [int(token.balanceOf(self.swapper)) for token in tokens]


@pytest.fixture
def desk(chain: RevmChain) -> Desk:
    deployer, trader, vault = chain.accounts()[:3]
    weth = chain.deploy("MockERC20", "WETH", "WETH", 18, sender=deployer)
    uniswap = Uniswap.deploy(chain, weth, deployer)
    swapper = chain.deploy("UniswapV3Swapper", uniswap.factory, sender=deployer)
    return Desk(chain, uniswap, swapper, deployer, trader, vault)


@pytest.fixture
def tokens(desk: Desk) -> list[Contract]:
    """Three tokens; a pool of the first two at 2,000 with fee 0.3 %, one of the last two at 1/30 with fee 0.05 %."""
    a, b, c = (desk.token() for _ in range(3))
    desk.pool(a, b, 3_000, Fraction(2_000))
    desk.pool(b, c, 500, Fraction(1, 30))
    return [a, b, c]
