"""How an asset's margin follows measurements, in a configuration."""

from __future__ import annotations

import tomllib
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest

from plimsoll import config
from plimsoll.artifacts import home
from plimsoll.config import DynamicsConfig, slowest_window
from plimsoll.devnet import CONFIG, YIELD
from plimsoll.errors import ConfigError
from plimsoll.fields import Table
from plimsoll.model import margin_rate, volatility, volatility_oracle

DATA: dict[str, Any] = tomllib.loads((home() / CONFIG).read_text(), parse_float=Decimal)
WAD = 10**18


def with_dynamics(symbol: str = "WETH", *, depth: bool = False, margin: Any = None, **fields: Any) -> dict[str, Any]:
    """Return the devnet's configuration with fields of an asset's dynamics replaced; None leaves a field out."""
    data = deepcopy(DATA)
    asset = data["assets"][symbol]
    asset["dynamics"].update(fields)
    asset["dynamics"] = {key: value for key, value in asset["dynamics"].items() if value is not None}
    asset["margin"].update(margin or {})
    if depth:
        asset["depth"] = {"reach": 198}
    return data


def message_of(data: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        config.check(Table(data, ""))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_load__dynamics__exact_integers() -> None:
    loaded = config.check(Table(with_dynamics(depth=True, impact=Decimal("0.02")), ""))
    assert loaded.asset("WETH").dynamics == DynamicsConfig(
        deviations=3 * WAD,
        horizon=14_400,
        interval=3_600,
        fast_half_life=86_400,
        slow_half_life=14 * 86_400,
        patience=14 * 86_400,
        max_sigma=20 * WAD,
        start_sigma=8 * WAD // 10,
        size_limit=25 * 10**16,
        impact=2 * 10**16,
    )


def test_load__no_dynamics__none() -> None:
    data = deepcopy(DATA)
    del data["assets"]["WETH"]["dynamics"]
    assert config.check(Table(data, "")).asset("WETH").dynamics is None


def test_devnet_toml__starts_below_its_floors() -> None:
    """What the devnet's assets require is what the file says until a price becomes volatile."""
    loaded = config.check(Table(deepcopy(DATA), ""))
    for asset in loaded.assets:
        dynamics = asset.dynamics
        assert dynamics is not None
        assert (
            volatility.multiple(dynamics.deviations, dynamics.horizon) * dynamics.start_sigma // WAD
            < asset.margin.floor
        )


def test_bounds__are_the_contracts() -> None:
    assert config.INTERVAL.low == volatility_oracle.MIN_INTERVAL
    assert config.INTERVAL.high == volatility_oracle.MAX_INTERVAL
    assert config.HALF_LIFE.high == volatility_oracle.MAX_HALF_LIFE
    assert config.PATIENCE.high == volatility_oracle.MAX_PATIENCE
    assert config.MAX_SIGMA.low * WAD == volatility_oracle.MIN_MAX_SIGMA
    assert config.MAX_SIGMA.high * WAD == volatility_oracle.MAX_MAX_SIGMA
    assert config.IMPACT.high * WAD == margin_rate.MAX_IMPACT
    assert config.AIMED_UP.low * WAD == margin_rate.MIN_AIMED_UP
    assert config.AIMED_DOWN.low * WAD == margin_rate.MIN_AIMED_DOWN
    most = volatility.multiple(int(config.DEVIATIONS.high * WAD), int(config.HORIZON.high))
    assert most <= margin_rate.MAX_MULTIPLE


def test_slowest_window() -> None:
    """Shares are as slow as what prices their asset."""
    loaded = config.extend(config.load(home() / CONFIG), home() / YIELD)
    windows = {asset.symbol: slowest_window(loaded, asset) for asset in loaded.assets}
    assert windows == {"USDC": 0, "WETH": 1_800, "WBTC": 1_800, "pUSDC": 0}


WHERE = "assets.WETH.dynamics"


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        *[({name: None}, f"{WHERE}.{name}: is missing") for name in DATA["assets"]["WETH"]["dynamics"]],
        ({"colour": 1}, f"{WHERE}.colour: unknown field"),
        ({"deviations": 0}, f"{WHERE}.deviations: 0 is not in [0.1, 10]"),
        ({"horizon": 259_201}, f"{WHERE}.horizon: 259201 is not in [600, 259200]"),
        ({"interval": 599}, f"{WHERE}.interval: 599 is not in [600, 86400]"),
        ({"interval": 3_599}, f"{WHERE}.interval: 3599 is below 3600, twice the slowest mean's window"),
        ({"fast_half_life": 3_599}, f"{WHERE}.fast_half_life: 3599 is not in [3600, 31536000]"),
        ({"slow_half_life": 86_399}, f"{WHERE}.slow_half_life: 86399 is not in [86400, 31536000]"),
        ({"patience": 7_199}, f"{WHERE}.patience: 7199 is not in [7200, 2592000]"),
        ({"max_sigma": 101}, f"{WHERE}.max_sigma: 101 is not in [0.01, 100]"),
        ({"start_sigma": 21}, f"{WHERE}.start_sigma: 21 is not in [0, 20]"),
        ({"size_limit": Decimal("1.1")}, f"{WHERE}.size_limit: 1.1 is not in [0, 1]"),
        ({"depth": True, "impact": 0}, f"{WHERE}.impact: 0 is not in (0, 100]"),
        ({"impact": Decimal("0.02")}, f"{WHERE}.impact: 0.02 without a measured depth"),
        (
            {"margin": {"ramp_up": Decimal("0.000009")}},
            "assets.WETH.margin.ramp_up: 0.000009 is not in [0.00001, 1], because its margin is dynamic",
        ),
        (
            {"margin": {"ramp_down": Decimal("0.000239")}},
            "assets.WETH.margin.ramp_down: 0.000239 is not in [0.00024, 0.1], because its margin is dynamic",
        ),
    ],
)
def test_load__dynamics_wrong__names_field_and_bound(fields: dict[str, Any], expected: str) -> None:
    assert message_of(with_dynamics(**fields)) == expected
