"""What the oracle was deployed with."""

from __future__ import annotations

import pytest

from plimsoll.chain import Contract, RevmChain
from tests.support.uniswap import open_market
from tests.unit.twap_oracle.conftest import MAX_AGE, MIN_LIQUIDITY, TICKS_PER_HOUR, WINDOW, OpenOracle


@pytest.mark.parametrize("base_is_token0", [True, False])
def test_settings(chain: RevmChain, open_oracle: OpenOracle, quote_source: Contract, base_is_token0: bool) -> None:
    market = open_market(chain, base_is_token0=base_is_token0)
    chain.warp(WINDOW)
    settings = open_oracle(market).contract.settings()
    assert settings == (
        market.pool.address,
        market.base.address,
        quote_source.address,
        WINDOW,
        MAX_AGE,
        TICKS_PER_HOUR,
        MIN_LIQUIDITY,
    )
