"""A market with half an hour of history, a mean over it, and a factory of depth sources with their twin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import market_depth
from plimsoll.model.market_depth import Book, Measurement
from plimsoll.model.price_source import Reading
from tests.support.uniswap import DOLLAR, Market, open_market

WINDOW = 1_800
REACH = 198
"""Two per cent."""
WAD = 10**18


@dataclass(frozen=True)
class Depth:
    """A deployed depth source over a market's mean, and its twin."""

    contract: Contract
    oracle: Contract
    market: Market
    source: Contract
    reach: int

    def measure(self) -> Measurement:
        return Measurement(*self.contract.measure())

    def book(self) -> Book:
        """Return the pool as the model wants it, with every initialised tick within a thousand beyond reach."""
        pool = self.market.pool
        mean, spacing = self.oracle.mean().tick, pool.contract.tickSpacing()
        found = {}
        for word in range((mean - self.reach) // spacing >> 8, ((mean + self.reach) // spacing >> 8) + 1):
            bits = pool.contract.tickBitmap(word)
            for bit in range(256):
                if bits >> bit & 1:
                    tick = (256 * word + bit) * spacing
                    found[tick] = pool.contract.ticks(tick)[1]
        return Book(pool.tick, pool.contract.liquidity(), found)

    def model_measure(self) -> Measurement:
        mean = self.oracle.mean()
        is_token0 = self.market.base == self.market.pool.token0
        source = Reading(*self.source.read())
        return market_depth.measure(self.book(), mean.tick, mean.liquidity, self.reach, source, is_token0)

    def add(self, lower: int, upper: int, whole: int) -> int:
        """Open a position of `whole` quote tokens a side over ticks relative to the mean, widened to usable ones.

        Returns the position's number.
        """
        market, mean = self.market, self.oracle.mean().tick
        spacing = market.pool.contract.tickSpacing()
        ticks = (mean + lower) // spacing * spacing, -(-(mean + upper) // spacing) * spacing
        quote = whole * 10 ** int(market.quote.decimals())
        amounts = {market.quote: quote, market.base: int(quote / market.pool.price_of(market.base))}
        receipt = market.uniswap.add_liquidity(market.pool, amounts, market.trader, ticks)
        return int(receipt.return_value[0])

    def remove(self, position: int) -> None:
        """Take a position's liquidity out."""
        take_out(self.market, position, self.market.trader)


def take_out(market: Market, position: int, holder: str) -> None:
    """Take all liquidity of a holder's position out of a market's pool."""
    manager = market.uniswap.position_manager
    liquidity = manager.positions(position)[7]
    arguments = {"tokenId": position, "liquidity": liquidity, "amount0Min": 0, "amount1Min": 0, "deadline": 2**40}
    manager.decreaseLiquidity(arguments, sender=holder)


OpenDepth = Callable[..., Depth]


@pytest.fixture
def quote_source(chain: RevmChain) -> Contract:
    """A source that says one dollar, now, fresh and trusted."""
    source = chain.deploy("MockPriceSource", sender=chain.accounts()[0])
    source.set_price(DOLLAR, sender=chain.accounts()[0])
    return source


@pytest.fixture
def market(chain: RevmChain) -> Market:
    """Ether at 2,000 dollars, a million dollars a side over the full range, in a pool of usable ticks ten apart."""
    return open_market(chain, fee=500)


@pytest.fixture
def open_depth(chain: RevmChain, quote_source: Contract) -> OpenDepth:
    """Let a market stand for two windows and deploy a mean and a depth source over it."""

    def open_depth(market: Market, reach: int = REACH, over: Contract | None = None) -> Depth:
        chain.warp(2 * WINDOW)
        arguments = (market.pool.contract, market.base, quote_source, WINDOW, 10**6, 4_000, 1)
        oracle = over or chain.deploy("TwapOracle", *arguments, sender=market.trader)
        contract = chain.deploy("UniswapV3Depth", oracle, reach, sender=market.trader)
        return Depth(contract, oracle, market, quote_source, reach)

    return open_depth


@pytest.fixture
def depth(market: Market, open_depth: OpenDepth) -> Depth:
    """A depth source of two per cent over `market`."""
    return open_depth(market)
