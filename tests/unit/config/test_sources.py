"""Shares of vaults and measured depths in a configuration, and a file that adds assets to another."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from plimsoll import config
from plimsoll.artifacts import home
from plimsoll.config import DepthConfig, VaultConfig, most_of, sample_of
from plimsoll.devnet import CONFIG, YIELD
from plimsoll.errors import ConfigError
from plimsoll.fields import Table

DATA: dict[str, Any] = tomllib.loads((home() / CONFIG).read_text(), parse_float=Decimal)
SHARES: dict[str, Any] = tomllib.loads((home() / YIELD).read_text(), parse_float=Decimal)["assets"]["pUSDC"]
TOKEN = "0x" + "22" * 20


def with_shares(**fields: Any) -> dict[str, Any]:
    """Return the devnet's configuration with pUSDC, some of its fields replaced; None leaves a field out."""
    data = deepcopy(DATA)
    changed = {**deepcopy(SHARES), **fields}
    data["assets"]["pUSDC"] = {key: value for key, value in changed.items() if value is not None}
    return data


def with_source(**fields: Any) -> dict[str, Any]:
    """Return it with some fields of its source replaced."""
    return with_shares(sources=[{**SHARES["sources"][0], **fields}])


def with_depth(symbol: str, depth: Any) -> dict[str, Any]:
    data = deepcopy(DATA)
    data["assets"][symbol]["depth"] = depth
    return data


def message_of(data: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        config.check(Table(data, ""))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_load__shares_of_a_pool__exact_integers() -> None:
    loaded = config.check(Table(with_source(anchor=Decimal("1.25"), sample=2_000), ""))
    asset = loaded.asset("pUSDC")
    source = asset.sources[0]
    assert source == VaultConfig("USDC", 0, 2_000, 125 * 10**16, 25 * 10**16)
    assert isinstance(source, VaultConfig)
    assert (asset.token, asset.shares_of, asset.feed) == (None, "USDC", None)
    assert sample_of(source, asset) == 2_000 * 10**12
    assert most_of(source, loaded.asset("USDC")) == 2_500 * 10**6


def test_load__outside_vault__has_a_token_and_any_decimals() -> None:
    loaded = config.check(Table(with_shares(shares_of=None, token=TOKEN, decimals=6), ""))
    assert (loaded.asset("pUSDC").token, loaded.asset("pUSDC").shares_of) == (TOKEN, None)


def test_load__depth() -> None:
    loaded = config.check(Table(with_depth("WETH", {"reach": 198}), ""))
    assert loaded.asset("WETH").depth == DepthConfig(198)
    assert loaded.asset("WBTC").depth is None


@pytest.mark.parametrize(
    ("symbol", "depth", "expected"),
    [
        ("WETH", {"reach": 9}, "assets.WETH.depth.reach: 9 is not in [10, 1000]"),
        ("WETH", {"reach": 1_001}, "assets.WETH.depth.reach: 1001 is not in [10, 1000]"),
        ("WETH", {"reach": "far"}, "assets.WETH.depth.reach: 'far' is no whole number"),
        ("WETH", {}, "assets.WETH.depth.reach: is missing"),
        ("WETH", {"reach": 10, "colour": 1}, "assets.WETH.depth.colour: unknown field"),
        ("WETH", 7, "assets.WETH.depth: 7 is no table"),
        ("USDC", {"reach": 10}, 'assets.USDC.depth: needs a mean to measure around, a source of kind "twap"'),
    ],
)
def test_load__depth_wrong__names_field_and_bound(symbol: str, depth: Any, expected: str) -> None:
    assert message_of(with_depth(symbol, depth)) == expected


SOURCE = "assets.pUSDC.sources[0]"
RAW = f"[1000000, {2**112 - 1}]"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"asset": "DAI"}, f"{SOURCE}.asset: 'DAI' is no asset here"),
        ({"asset": "pUSDC"}, f"{SOURCE}.asset: 'pUSDC' is the asset itself"),
        ({"asset": "WETH"}, f"{SOURCE}.asset: 'WETH' is not 'USDC', whose pool's shares it prices"),
        ({"asset": 3}, f"{SOURCE}.asset: 3 is no text"),
        ({"source": 1}, f"{SOURCE}.source: 1 is not in [0, 0], the sources of 'USDC'"),
        ({"source": 3}, f"{SOURCE}.source: 3 is not in [0, 2]"),
        ({"sample": 0}, f"{SOURCE}.sample: 0 is not in [1, 1000000000000000]"),
        ({"sample": 10**15 + 1}, f"{SOURCE}.sample: 1000000000000001 is not in [1, 1000000000000000]"),
        ({"anchor": 0}, f"{SOURCE}.anchor: 0 is not in (0, 1000000000000000000]"),
        ({"anchor": 10**18 + 1}, f"{SOURCE}.anchor: 1000000000000000001 is not in (0, 1000000000000000000]"),
        ({"yearly_cap": 0}, f"{SOURCE}.yearly_cap: 0 is not in (0, 1]"),
        ({"yearly_cap": Decimal("1.1")}, f"{SOURCE}.yearly_cap: 1.1 is not in (0, 1]"),
        ({"colour": 1}, f"{SOURCE}.colour: unknown field"),
        (
            {"sample": 1, "anchor": Decimal("0.5")},
            f"{SOURCE}.sample: 1 is 500000 raw units of USDC at the anchor, which is not in {RAW}",
        ),
        (
            {"sample": 10**15, "anchor": 10**18},
            f"{SOURCE}.sample: {10**15} is {10**39} raw units of USDC at the anchor, which is not in {RAW}",
        ),
    ],
)
def test_load__vault_source_wrong__names_field_and_bound(fields: dict[str, Any], expected: str) -> None:
    assert message_of(with_source(**fields)) == expected


@pytest.mark.parametrize("field", ["asset", "sample", "anchor", "yearly_cap"])
def test_load__vault_source_incomplete__names_the_field(field: str) -> None:
    source = {key: value for key, value in SHARES["sources"][0].items() if key != field}
    assert message_of(with_shares(sources=[source])) == f"{SOURCE}.{field}: is missing"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"token": TOKEN}, "assets.pUSDC.token: is not given for shares of a pool here"),
        ({"shares_of": "DAI"}, "assets.pUSDC.shares_of: 'DAI' is no asset here"),
        ({"shares_of": "pUSDC"}, "assets.pUSDC.shares_of: 'pUSDC' is the asset itself"),
        ({"shares_of": 5}, "assets.pUSDC.shares_of: 5 is no text"),
        ({"decimals": 6}, "assets.pUSDC.decimals: 6, but shares of 'USDC' have 12"),
        (
            {"sources": [{"kind": "feed", "low": 1, "high": 2, "max_age": 60}]},
            'assets.pUSDC.sources: shares of a pool here need a source of kind "vault"',
        ),
    ],
)
def test_load__shares_wrong__names_the_field(fields: dict[str, Any], expected: str) -> None:
    assert message_of(with_shares(**fields)) == expected


def test_load__shares_before_their_asset__refused() -> None:
    data = with_shares()
    data["assets"] = dict(sorted(data["assets"].items(), key=lambda entry: entry[0] != "pUSDC"))
    assert message_of(data) == (
        "assets.pUSDC.shares_of: 'USDC' has to stand before 'pUSDC': assets are listed in this order"
    )


def test_load__vault_of_a_vault__refused() -> None:
    data = with_shares()
    second = {**deepcopy(SHARES), "shares_of": None, "token": TOKEN}
    second["sources"][0]["asset"] = "pUSDC"
    data["assets"]["ppUSDC"] = {key: value for key, value in second.items() if value is not None}
    assert message_of(data) == "assets.ppUSDC.sources[0].source: 0 of 'pUSDC' is a vault's itself"


def test_load__market_of_shares__refused() -> None:
    data = with_shares()
    data["markets"].append({"base": "pUSDC", "quote": "USDC", "fee": 500})
    assert message_of(data) == "markets[2].base: 'pUSDC' has no token before its pool is deployed"


def test_extend__adds_its_assets() -> None:
    base = config.load(home() / CONFIG)
    extended = config.extend(base, home() / YIELD)
    assert extended.assets[:-1] == base.assets
    assert extended == config.check(Table(with_shares(), ""))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"USDC"', '"DAI"', "assets.pUSDC.shares_of: 'DAI' is no asset here"),
        ("[assets.pUSDC]", "[protocol]\n[assets.pUSDC]", "protocol: unknown field"),
        ("pUSDC", "WETH", "assets.WETH: is listed already"),
        ("floor = 0.04", "floor = 0.5", "assets.pUSDC.margin.floor: 0.5 is not in [0.001, 0.5)"),
        ("ramp_up = 0.00039", "ramp_up = 0.0004", "assets.pUSDC.margin.ramp_up: 0.0004 is not in (0, 0.000392]"),
    ],
)
def test_extend__wrong__names_file_and_field(tmp_path: Path, old: str, new: str, expected: str) -> None:
    path = tmp_path / "more.toml"
    path.write_text((home() / YIELD).read_text().replace(old, new))
    with pytest.raises(ConfigError) as caught:
        config.extend(config.load(home() / CONFIG), path)
    assert str(caught.value).startswith(f"{path}: {expected}")


def test_pusdc_toml__documents_the_fields_of_its_own() -> None:
    previous, documented = "", set()
    for line in (home() / YIELD).read_text().splitlines():
        if "=" in line and previous.startswith("#"):
            documented.add(line.split("=")[0].strip().lstrip("# "))
        previous = line
    assert {"shares_of", "kind", "asset", "source", "sample", "anchor", "yearly_cap"} <= documented
