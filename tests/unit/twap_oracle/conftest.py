"""A market with half an hour of history, a dollar source for its quote token, and a factory of oracles over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import twap
from plimsoll.model.price_source import Reading
from tests.support.uniswap import DOLLAR, Market, open_market

WINDOW = 1_800
MAX_AGE = 86_400
TICKS_PER_HOUR = 4_000
MIN_LIQUIDITY = 10**12


@dataclass
class Oracle:
    """A deployed oracle and its twin, which follows every checkpoint."""

    contract: Contract
    market: Market
    quote_source: Contract
    parameters: twap.Parameters
    checkpoints: twap.Checkpoints = field(init=False)

    def __post_init__(self) -> None:
        self.checkpoints = twap.first_checkpoints(self._recalled(), self._accumulators(), self.now)

    @property
    def now(self) -> int:
        return self.market.chain.timestamp()

    def mean(self) -> twap.Mean:
        return twap.Mean(*self.contract.mean())

    def read(self) -> Reading:
        return Reading(*self.contract.read())

    def model_mean(self) -> twap.Mean:
        return twap.mean(self.parameters, self.checkpoints, self._recalled(), self._accumulators(), self.now)

    def model_read(self) -> Reading:
        return twap.read(self.parameters, self.model_mean(), Reading(*self.quote_source.read()), self.now)

    def model_checkpoint(self) -> int:
        """Take the twin's checkpoint; return the mean tick at it."""
        self.checkpoints, tick = twap.checkpoint(
            self.parameters, self.checkpoints, self._recalled(), self._accumulators(), self.now
        )
        return tick

    def checkpoint(self) -> int:
        """Take a checkpoint on both; return the mean tick at it."""
        self.contract.checkpoint(sender=self.market.trader)
        return self.model_checkpoint()

    def _recalled(self) -> int | None:
        return self.market.recalled(self.parameters.window)

    def _accumulators(self) -> twap.Accumulators:
        return twap.accumulators(self.market.state(), self.now)


OpenOracle = Callable[..., Oracle]


@pytest.fixture
def market(chain: RevmChain) -> Market:
    """Ether at 2,000 dollars, a million dollars on each side, trading for two windows already."""
    market = open_market(chain)
    chain.warp(2 * WINDOW)
    return market


@pytest.fixture
def quote_source(chain: RevmChain) -> Contract:
    """A source that says one dollar, now, fresh and trusted."""
    source = chain.deploy("MockPriceSource", sender=chain.accounts()[0])
    source.set_price(DOLLAR, sender=chain.accounts()[0])
    return source


@pytest.fixture
def open_oracle(quote_source: Contract) -> OpenOracle:
    """Deploy an oracle over a market, every parameter at its default unless given."""

    def open_oracle(
        market: Market,
        window: int = WINDOW,
        max_age: int = MAX_AGE,
        max_ticks_per_hour: int = TICKS_PER_HOUR,
        min_liquidity: int = MIN_LIQUIDITY,
        source: Contract | None = None,
    ) -> Oracle:
        quote = source or quote_source
        arguments = (market.pool.contract, market.base, quote, window, max_age, max_ticks_per_hour, min_liquidity)
        contract = market.chain.deploy("TwapOracle", *arguments, sender=market.trader)
        is_token0 = market.base == market.pool.token0
        parameters = twap.Parameters(is_token0, window, max_age, max_ticks_per_hour, min_liquidity)
        return Oracle(contract, market, quote, parameters)

    return open_oracle


@pytest.fixture
def oracle(market: Market, open_oracle: OpenOracle) -> Oracle:
    """An oracle just deployed over `market`."""
    return open_oracle(market)
