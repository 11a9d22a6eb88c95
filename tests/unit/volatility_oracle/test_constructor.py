from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts
from tests.support.risk import Risk
from tests.unit.volatility_oracle.conftest import Oracle


def test_constructor__who_is_who(oracle: Oracle) -> None:
    contract, risk = oracle.contract, oracle.risk
    assert (contract.owner(), contract.guardian(), contract.engine()) == (
        risk.owner,
        risk.guardian,
        risk.engine.address,
    )


@pytest.mark.parametrize("engine", [ZERO_ADDRESS, "stranger"])
def test_constructor__engine_without_code__reverts(chain: RevmChain, engine: str) -> None:
    risk = Risk.deploy(chain)
    address = risk.stranger if engine == "stranger" else engine
    with reverts("volatility: engine"):
        chain.deploy("VolatilityOracle", address, risk.owner, risk.guardian, sender=risk.stranger)


@pytest.mark.parametrize("place", [0, 1])
def test_constructor__zero_address__reverts(chain: RevmChain, place: int) -> None:
    risk = Risk.deploy(chain)
    people = [risk.owner, risk.guardian]
    people[place] = ZERO_ADDRESS
    with reverts("roles: zero address"):
        chain.deploy("VolatilityOracle", risk.engine, *people, sender=risk.stranger)


def test_abi__only_these_can_change_state(oracle: Oracle) -> None:
    """A new one needs tests of every wrong caller."""
    changing = {
        entry["name"]
        for entry in oracle.contract.abi
        if entry["type"] == "function" and entry["stateMutability"] not in ("view", "pure")
    }
    assert changing == {
        "add",
        "set_parameters",
        "sample",
        "transfer_ownership",
        "accept_ownership",
        "set_guardian",
    }
