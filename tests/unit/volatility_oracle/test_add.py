from __future__ import annotations

from typing import Any

import pytest

from plimsoll.model import volatility_oracle
from tests.support import reverts
from tests.support.risk import ETHER_18, WAD, reading
from tests.unit.volatility_oracle.conftest import PARAMETERS, Oracle


def test_add__takes_the_first_sample(oracle: Oracle) -> None:
    key = oracle.risk.list_asset(ETHER_18 // 4)
    receipt = oracle.contract.add(key, PARAMETERS, sender=oracle.risk.owner)
    assert receipt.events == [
        oracle.contract.event("AssetAdded", key=key, mid=ETHER_18 // 4),
        oracle.contract.event("ParametersSet", key=key, parameters=PARAMETERS),
    ]
    mean = 64 * WAD // 100
    assert tuple(oracle.contract.state_of(key)) == (ETHER_18 // 4, oracle.now, mean, mean)
    assert oracle.contract.sigma(key) == PARAMETERS.start_sigma
    assert oracle.contract.due(key) == oracle.now + PARAMETERS.patience
    oracle.agrees()


@pytest.mark.parametrize("caller", ["guardian", "stranger"])
def test_add__not_owner__reverts(oracle: Oracle, caller: str) -> None:
    key = oracle.risk.list_asset()
    with reverts("roles: owner only"):
        oracle.contract.add(key, PARAMETERS, sender=getattr(oracle.risk, caller))


def test_add__again__reverts(oracle: Oracle) -> None:
    with reverts("volatility: added already"):
        oracle.contract.add(oracle.key, PARAMETERS, sender=oracle.risk.owner)


@pytest.mark.parametrize("key", [0, 2, 2**256 - 1])
def test_add__unlisted_asset__reverts(oracle: Oracle, key: int) -> None:
    with reverts("volatility: not OK"):
        oracle.contract.add(key, PARAMETERS, sender=oracle.risk.owner)


@pytest.mark.parametrize("answer", ["stale", "untrusted", "dead"])
def test_add__price_in_doubt__reverts(oracle: Oracle, answer: str) -> None:
    key = oracle.risk.list_asset()
    said: Any = {
        "stale": reading(ETHER_18, oracle.now, fresh=0),
        "untrusted": reading(ETHER_18, oracle.now, trusted=0),
        "dead": None,
    }[answer]
    oracle.risk.answer(key, said)
    with reverts("volatility: not OK"):
        oracle.contract.add(key, PARAMETERS, sender=oracle.risk.owner)


def test_add__bounds__reverts(oracle: Oracle) -> None:
    key = oracle.risk.list_asset()
    with reverts("volatility: interval"):
        oracle.contract.add(key, PARAMETERS._replace(interval=0), sender=oracle.risk.owner)


@pytest.mark.parametrize("start", [0, 1, 12_345_678_901, 20 * WAD])
def test_add__start_sigma__at_the_bounds(oracle: Oracle, start: int) -> None:
    key = oracle.risk.list_asset()
    parameters = PARAMETERS._replace(start_sigma=start)
    oracle.contract.add(key, parameters, sender=oracle.risk.owner)
    state = volatility_oracle.add(parameters, ETHER_18, oracle.now)
    assert tuple(oracle.contract.state_of(key)) == state
    assert oracle.contract.sigma(key) == volatility_oracle.sigma(state) <= start
