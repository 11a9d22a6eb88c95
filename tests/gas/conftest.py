"""One measurement of every operation, on an anvil of its own, for all tests here."""

from __future__ import annotations

import pytest

from plimsoll.report.anvil import anvil
from plimsoll.report.gas import Cost
from plimsoll.report.gas_scenario import Use, measure


@pytest.fixture(scope="session")
def uses() -> dict[str, list[Use]]:
    with anvil() as chain:
        return measure(chain, lambda row: None)


@pytest.fixture(scope="session")
def costs(uses: dict[str, list[Use]]) -> dict[str, Cost]:
    return {name: Cost(made[0].gas, made[-1].gas) for name, made in uses.items()}
