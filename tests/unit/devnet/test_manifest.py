"""A manifest is written, read back, and checked against the chain."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plimsoll import manifest
from plimsoll.chain import RevmChain
from plimsoll.devnet import Devnet
from plimsoll.errors import ManifestError
from plimsoll.protocol import Protocol


def saved(devnet: Devnet, tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    path = tmp_path / "deep" / "31337.json"
    devnet.manifest.save(path)
    return path, json.loads(path.read_text())


def refusal(path: Path, data: Any) -> str:
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    with pytest.raises(ManifestError) as caught:
        manifest.load(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ")
    assert "\n" not in text
    return text.removeprefix(f"{path}: ")


def test_save__load__same(devnet: Devnet, tmp_path: Path) -> None:
    path, data = saved(devnet, tmp_path)
    loaded = manifest.load(path)
    assert loaded == devnet.manifest
    assert data["format"] == 1
    assert data["chain_id"] == 31_337
    assert data["contracts"]["engine"]["contract"] == "MarginEngine"
    assert data["contracts"]["risk_engine"]["arguments"][:2] == ["1250000000000000000", "86400"]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_save__replaces(devnet: Devnet, tmp_path: Path) -> None:
    path, _ = saved(devnet, tmp_path)
    replace(devnet.manifest, block=7).save(path)
    assert manifest.load(path).block == 7


def test_load__missing(tmp_path: Path) -> None:
    path = tmp_path / "none.json"
    with pytest.raises(ManifestError) as caught:
        manifest.load(path)
    assert str(caught.value) == f"{path}: there is no manifest: deploy first, or name another one"


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null"])
def test_load__corrupt(tmp_path: Path, text: str) -> None:
    assert refusal(tmp_path / "corrupt.json", text).startswith("is no JSON")


def test_load__half_written(devnet: Devnet, tmp_path: Path) -> None:
    path, _ = saved(devnet, tmp_path)
    assert refusal(path, path.read_text()[:-20]).startswith("is no JSON")


@pytest.mark.parametrize(
    ("where", "value", "expected"),
    [
        (("format",), 2, "format: 2 is not 1, the one this version reads"),
        (("chain_id",), "1", "chain_id: '1' is no whole number"),
        (("deployer",), "me", "deployer: 'me' is no address"),
        (("contracts",), [], "contracts: [] is no table"),
        (("contracts", "engine", "address"), "0x1", "contracts.engine.address: '0x1' is no address"),
        (("contracts", "engine", "arguments"), 3, "contracts.engine.arguments: 3 is no list"),
        (("assets", "WETH", "decimals"), 19, "assets.WETH.decimals: 19 is not in [0, 18]"),
        (("assets", "WETH", "key"), "two", "assets.WETH.key: 'two' is no number in hex"),
        (("assets", "WETH", "sources"), [1], "assets.WETH.sources: [1] is no list of texts"),
        (("markets", 0, "fee"), "500", "markets[0].fee: '500' is no whole number"),
        (("extra",), 1, "extra: unknown field"),
    ],
)
def test_load__wrong_member__names_it(
    devnet: Devnet, tmp_path: Path, where: tuple[str | int, ...], value: Any, expected: str
) -> None:
    path, data = saved(devnet, tmp_path)
    inner: Any = data
    for part in where[:-1]:
        inner = inner[part]
    inner[where[-1]] = value
    assert refusal(path, data) == expected


MEMBERS = ("format", "chain_id", "network", "block", "deployer", "contracts", "assets", "markets")


@pytest.mark.parametrize("member", MEMBERS)
def test_load__member_missing__names_it(devnet: Devnet, tmp_path: Path, member: str) -> None:
    path, data = saved(devnet, tmp_path)
    del data[member]
    assert refusal(path, data) == f"{member}: is missing"


def test_check__another_chain_id(devnet: Devnet) -> None:
    with pytest.raises(ManifestError) as caught:
        Protocol(devnet.chain, replace(devnet.manifest, chain_id=1))
    assert str(caught.value) == "the manifest is of chain 1, but revm is chain 31337"


def test_check__restarted_chain(devnet: Devnet) -> None:
    with pytest.raises(ManifestError) as caught:
        Protocol(RevmChain(), devnet.manifest)
    assert str(caught.value).startswith("risk_engine: no code at 0x")


def test_check__other_code(devnet: Devnet) -> None:
    contracts = dict(devnet.manifest.contracts)
    contracts["engine"] = replace(contracts["engine"], address=contracts["lens"].address)
    with pytest.raises(ManifestError) as caught:
        Protocol(devnet.chain, replace(devnet.manifest, contracts=contracts))
    assert str(caught.value).startswith(f"engine: the code at {contracts['lens'].address} has the hash 0x")


def test_address__unknown_role(devnet: Devnet) -> None:
    with pytest.raises(ManifestError) as caught:
        devnet.manifest.address("treasury")
    assert str(caught.value) == "the manifest has no contract in the role 'treasury'"


def test_manifest__holds_every_contract(devnet: Devnet) -> None:
    roles = set(devnet.manifest.contracts)
    assert roles == {
        *("risk_engine", "operators", "engine", "auction", "reserve_fund", "orders", "swapper", "lens", "factory"),
        "volatility",
        *("uniswap.factory", "uniswap.router", "uniswap.position_manager"),
        *(f"{part}.{symbol}" for symbol in ("USDC", "WETH", "WBTC") for part in ("token", "feed", "pool")),
        *("source.USDC.0", "source.WETH.0", "source.WETH.1", "source.WBTC.0", "source.WBTC.1"),
    }
