"""The devnet: what it starts with, and moving its prices and its time."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from plimsoll.chain import RevmChain
from plimsoll.deploy import plan
from plimsoll.devnet import Devnet, attach, default_config, plan_world, start
from plimsoll.errors import ChainError, DeployError
from plimsoll.manifest import Manifest
from plimsoll.protocol import Status

HALF_PERCENT = Decimal("0.005")


def near(found: Decimal, wanted: str) -> bool:
    """Return whether a mid is within half a percent: a tick, a push and the mean of two sources."""
    return abs(found / Decimal(wanted) - 1) < HALF_PERCENT


def test_start__prices_ok(devnet: Devnet) -> None:
    prices = devnet.protocol.prices()
    assert [price.status for price in prices] == [Status.OK] * 3
    assert [near(price.mid, wanted) for price, wanted in zip(prices, ("1", "2000", "60000"), strict=True)] == [True] * 3
    assert all(price.bid < price.mid < price.ask for price in prices)


def test_start__two_sources_agree(devnet: Devnet) -> None:
    for symbol, wanted in (("WETH", "2000"), ("WBTC", "60000")):
        roles = devnet.manifest.assets[symbol].sources
        assert roles == [f"source.{symbol}.0", f"source.{symbol}.1"]
        decimals = devnet.protocol.asset(symbol).decimals
        for role in roles:
            deployed = devnet.manifest.contracts[role]
            reading = devnet.chain.at(deployed.contract, deployed.address).read()
            assert near(Decimal(reading.price).scaleb(decimals - 36), wanted)
            assert reading.fresh == reading.trusted == 1


def test_start__progress__every_step_once() -> None:
    seen: list[tuple[int, int, str]] = []
    start(RevmChain(), progress=lambda number, total, title: seen.append((number, total, title)))
    config = default_config()
    titles = [*plan_world(config), *plan(config)]
    assert seen == [*((i, len(titles), title) for i, title in enumerate(titles)), (len(titles), len(titles), "")]


def test_set_price__feed_and_pool_at_once__mean_lags(devnet: Devnet) -> None:
    devnet.set_price("WETH", "2200")
    market = devnet.markets("WETH")[0]
    weth = devnet.token("WETH")
    pool_price = devnet.pool(market).price_of(weth) * 10**12
    assert abs(float(pool_price) / 2200 - 1) < 1e-4
    assert devnet.price("WETH") == Decimal(2200)
    price = devnet.protocol.price("WETH")
    assert price.status == Status.WIDE
    assert price.bid < Decimal(2005) < Decimal(2195) < price.ask


@pytest.mark.parametrize("price", ["2200", "1900", "1000"])
def test_settle__sources_agree_again(devnet: Devnet, price: str) -> None:
    devnet.set_price("WETH", price)
    devnet.settle()
    assert devnet.protocol.price("WETH").status == Status.OK
    assert near(devnet.protocol.price("WETH").mid, price)


def test_settle__after_weeks(devnet: Devnet) -> None:
    devnet.warp(30 * 86_400)
    assert devnet.protocol.price("WETH").status == Status.STALE
    devnet.settle()
    assert [price.status for price in devnet.protocol.prices()] == [Status.OK] * 3


def test_checkpoint__only_when_due(devnet: Devnet) -> None:
    devnet.warp(1_800)
    assert devnet.checkpoint() == ["source.WETH.1", "source.WBTC.1"]
    assert devnet.checkpoint() == []
    devnet.warp(1_799)
    assert devnet.checkpoint() == []


def test_mint__tokens_and_gas(devnet: Devnet) -> None:
    stranger = "0x00000000000000000000000000000000000000AB"
    assert devnet.mint("USDC", stranger, "12.5") == 12_500_000
    assert devnet.protocol.wallet(stranger, "USDC").human == Decimal("12.5")
    assert devnet.chain.balance(stranger) > 0


def test_attach__finds_everything(devnet: Devnet) -> None:
    again = attach(devnet.chain, devnet.manifest)
    again.set_price("WBTC", "61000")
    assert devnet.price("WBTC") == Decimal(61_000)
    assert again.maker == devnet.maker
    assert list(again.protocol.assets) == list(devnet.protocol.assets)


def test_start__first_price_missing() -> None:
    config = default_config()
    with pytest.raises(DeployError) as caught:
        start(RevmChain(), replace(config, prices={"USDC": 10**18}))
    assert str(caught.value) == "devnet.prices.WETH: is missing: a devnet needs a first price for every asset"


class LiveChain(RevmChain):
    """A chain that is nobody's toy."""

    @property
    def is_local(self) -> bool:
        return False


def test_start__live_chain__refused() -> None:
    with pytest.raises(ChainError) as caught:
        start(LiveChain())
    assert str(caught.value) == "revm is not a local chain: a devnet mints tokens and moves time"


def test_start__same_everywhere(devnet: Devnet) -> None:
    def code(manifest: Manifest) -> dict[str, str]:
        return {role: deployed.contract for role, deployed in manifest.contracts.items()}

    assert code(start(RevmChain(chain_id=1)).manifest) == code(devnet.manifest)
