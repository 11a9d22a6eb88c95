from __future__ import annotations

import pytest

from plimsoll.model import volatility_oracle
from tests.support import reverts
from tests.support.risk import DAY, ETHER_18, HOUR, PERCENT, WAD
from tests.unit.volatility_oracle.conftest import PARAMETERS, Oracle


def test_set_parameters__means_stay(oracle: Oracle) -> None:
    oracle.sample(ETHER_18 * 102 // 100)
    changed = PARAMETERS._replace(interval=2 * HOUR, window=HOUR, fast_half_life=2 * DAY, patience=DAY, start_sigma=0)
    receipt = oracle.contract.set_parameters(oracle.key, changed, sender=oracle.risk.owner)
    assert receipt.events == [oracle.contract.event("ParametersSet", key=oracle.key, parameters=changed)]
    oracle.parameters = changed
    oracle.agrees()
    oracle.sample(ETHER_18)
    oracle.agrees()


def test_set_parameters__lower_max_sigma__bounds_the_means(oracle: Oracle) -> None:
    """Both, each for itself; and a higher one does not bring back what was cut."""
    oracle.sample(ETHER_18 * 105 // 100)
    fast, slow = oracle.state.fast, oracle.state.slow
    assert slow < 81 * WAD // 100 < fast
    lower = PARAMETERS._replace(max_sigma=9 * WAD // 10)
    for parameters in (lower, PARAMETERS):
        oracle.contract.set_parameters(oracle.key, parameters, sender=oracle.risk.owner)
        oracle.state = volatility_oracle.set_parameters(oracle.state, parameters)
        oracle.parameters = parameters
        oracle.agrees()
        assert (oracle.state.fast, oracle.state.slow) == (81 * WAD // 100, slow)


@pytest.mark.parametrize("caller", ["guardian", "stranger"])
def test_set_parameters__not_owner__reverts(oracle: Oracle, caller: str) -> None:
    with reverts("roles: owner only"):
        oracle.contract.set_parameters(oracle.key, PARAMETERS, sender=getattr(oracle.risk, caller))


@pytest.mark.parametrize("key", [0, 2, 2**256 - 1])
def test_set_parameters__unknown_asset__reverts(oracle: Oracle, key: int) -> None:
    with reverts("volatility: unknown asset"):
        oracle.contract.set_parameters(key, PARAMETERS, sender=oracle.risk.owner)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"interval": 599, "window": 0}, "volatility: interval"),
        ({"interval": DAY + 1, "fast_half_life": 2 * DAY}, "volatility: interval"),
        ({"interval": 2**256 - 1}, "volatility: interval"),
        ({"window": HOUR // 2 + 1}, "volatility: window"),
        ({"window": 2**256 - 1}, "volatility: window"),
        ({"fast_half_life": HOUR - 1}, "volatility: half life"),
        ({"fast_half_life": 14 * DAY + 1}, "volatility: half life"),
        ({"slow_half_life": DAY - 1}, "volatility: half life"),
        ({"slow_half_life": 365 * DAY + 1}, "volatility: half life"),
        ({"patience": 2 * HOUR - 1}, "volatility: patience"),
        ({"patience": 30 * DAY + 1}, "volatility: patience"),
        ({"max_sigma": PERCENT - 1, "start_sigma": 0}, "volatility: max sigma"),
        ({"max_sigma": 100 * WAD + 1}, "volatility: max sigma"),
        ({"start_sigma": 20 * WAD + 1}, "volatility: start sigma"),
    ],
)
def test_set_parameters__bounds__reverts(oracle: Oracle, change: dict[str, int], reason: str) -> None:
    parameters = PARAMETERS._replace(**change)
    with reverts(reason):
        oracle.contract.set_parameters(oracle.key, parameters, sender=oracle.risk.owner)
    with pytest.raises(ValueError, match=reason):
        volatility_oracle.check(parameters)


@pytest.mark.parametrize(
    "change",
    [
        {"interval": 600, "window": 300},
        {"interval": DAY, "fast_half_life": DAY, "patience": 2 * DAY},
        {"window": 0},
        {"fast_half_life": 365 * DAY, "slow_half_life": 365 * DAY},
        {"patience": 2 * HOUR},
        {"patience": 30 * DAY},
        {"max_sigma": PERCENT, "start_sigma": PERCENT},
        {"max_sigma": 100 * WAD, "start_sigma": 100 * WAD},
    ],
)
def test_set_parameters__at_the_bounds(oracle: Oracle, change: dict[str, int]) -> None:
    parameters = PARAMETERS._replace(**change)
    oracle.contract.set_parameters(oracle.key, parameters, sender=oracle.risk.owner)
    oracle.parameters = parameters
    oracle.state = volatility_oracle.set_parameters(oracle.state, parameters)
    volatility_oracle.check(parameters)
    oracle.agrees()
