"""[isolated]: what anybody may list long-tail assets with."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from typing import Any

import pytest

from plimsoll import config
from plimsoll.artifacts import home
from plimsoll.config import Config, IsolatedConfig
from plimsoll.devnet import CONFIG
from plimsoll.errors import ConfigError
from plimsoll.fields import Table

WAD = 10**18


def loaded(**changes: Any) -> Config:
    data = tomllib.loads((home() / CONFIG).read_text(), parse_float=Decimal)
    data["isolated"] |= changes
    return config.check(Table(data, ""))


def refusal(**changes: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        loaded(**changes)
    return str(caught.value)


def quotes(*symbols: str) -> list[dict[str, str]]:
    return [{"asset": symbol} for symbol in symbols]


def test_check__devnet() -> None:
    assert loaded().isolated == IsolatedConfig(("USDC", "WETH"), 25_000 * WAD, 250_000 * WAD, WAD // 4, ())


def test_check__reserved() -> None:
    tokens = [f"0x{i:040x}" for i in range(1, 101)]
    found = loaded(reserved=[{"token": token} for token in tokens]).isolated
    assert found is not None
    assert [token.lower() for token in found.reserved] == tokens


def test_check__left_out() -> None:
    data = tomllib.loads((home() / CONFIG).read_text(), parse_float=Decimal)
    del data["isolated"]
    assert config.check(Table(data, "")).isolated is None


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"least_depth": 999}, "isolated.least_depth: 999 is not in [1000, 1000000000]"),
        ({"least_depth": 10**9 + 1}, "isolated.least_depth: 1000000001 is not in [1000, 1000000000]"),
        ({"cap_value": 0}, "isolated.cap_value: 0 is not in [1000, 1000000000]"),
        ({"floor": Decimal("0.19")}, "isolated.floor: 0.19 is not in [0.2, 0.3]"),
        ({"floor": Decimal("0.31")}, "isolated.floor: 0.31 is not in [0.2, 0.3]"),
        ({"reserved": [{"token": "0x12"}]}, "isolated.reserved[0].token: '0x12' is no address"),
        ({"reserved": [{"token": f"0x{7:040x}"}] * 101}, "isolated.reserved: 101 of them; there are at most 100"),
        ({"quotes": []}, "isolated.quotes: 0 of them; there are 1 to 4"),
        ({"quotes": quotes(*["USDC"] * 5)}, "isolated.quotes: 5 of them; there are 1 to 4"),
        ({"quotes": quotes("DOGE")}, "isolated.quotes[0].asset: 'DOGE' is no asset here"),
        ({"quotes": quotes("USDC", "USDC")}, "isolated.quotes[1].asset: 'USDC' is a duplicate"),
    ],
)
def test_check__wrong__names_field_and_bound(changes: dict[str, Any], expected: str) -> None:
    assert refusal(**changes) == expected


def test_check__quote_of_the_isolated_tier() -> None:
    data = tomllib.loads((home() / CONFIG).read_text(), parse_float=Decimal)
    data["assets"]["WETH"]["isolated"] = True
    with pytest.raises(ConfigError) as caught:
        config.check(Table(data, ""))
    assert str(caught.value) == "isolated.quotes[1].asset: 'WETH' is of the isolated tier"
