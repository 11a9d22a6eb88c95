"""Caps and gates of a configuration: optional, in raw units and checksummed."""

from __future__ import annotations

import pytest

from tests.unit.config.test_config import DATA, WETH, check, with_field

GATE = "0x52908400098527886e0f7030069857d2e4169ee7"


def test_load__neither__none() -> None:
    for asset in check(DATA).assets:
        assert (asset.collateral_cap, asset.gate) == (0, None)


@pytest.mark.parametrize(("symbol", "decimals"), [("USDC", 6), ("WETH", 18), ("WBTC", 8)])
def test_load__cap__in_raw_units(symbol: str, decimals: int) -> None:
    for whole in (0, 1, 500_000, 2**48):
        loaded = check(with_field(("assets", symbol, "collateral_cap"), whole))
        assert loaded.asset(symbol).collateral_cap == whole * 10**decimals


def test_load__gate__checksummed() -> None:
    assert check(with_field((*WETH, "gate"), GATE)).asset("WETH").gate == "0x52908400098527886E0F7030069857D2E4169EE7"
