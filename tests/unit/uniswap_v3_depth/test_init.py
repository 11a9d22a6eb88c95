"""Deployment: the mean it measures around, and how far."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract, RevmChain
from tests.support import reverts
from tests.support.uniswap import open_market
from tests.unit.uniswap_v3_depth.conftest import REACH, Depth, OpenDepth


@pytest.mark.parametrize("base_is_token0", [True, False])
def test_settings(chain: RevmChain, open_depth: OpenDepth, base_is_token0: bool) -> None:
    market = open_market(chain, base_is_token0=base_is_token0)
    depth = open_depth(market)
    assert depth.contract.settings() == (depth.oracle.address, market.pool.address, REACH)


@pytest.mark.parametrize("reach", [0, 9, 1_001, 2**256 - 1])
def test_init__reach_out_of_bounds__reverts(depth: Depth, reach: int) -> None:
    with reverts("depth: reach"):
        depth.market.chain.deploy("UniswapV3Depth", depth.oracle, reach, sender=depth.market.trader)


@pytest.mark.parametrize("reach", [10, 1_000])
def test_init__reach_at_its_bounds__measures(depth: Depth, open_depth: OpenDepth, reach: int) -> None:
    found = open_depth(depth.market, reach, over=depth.oracle)
    assert found.measure() == found.model_measure()
    assert found.measure().complete


@pytest.mark.parametrize("oracle", [ZERO_ADDRESS, "0x00000000000000000000000000000000000000AA"])
def test_init__oracle_is_no_contract__reverts(chain: RevmChain, oracle: str) -> None:
    with reverts("depth: oracle"):
        chain.deploy("UniswapV3Depth", oracle, REACH, sender=chain.accounts()[0])


def test_init__oracle_without_settings__reverts(chain: RevmChain, quote_source: Contract) -> None:
    with reverts(""):
        chain.deploy("UniswapV3Depth", quote_source, REACH, sender=chain.accounts()[0])
