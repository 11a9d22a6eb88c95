"""Where gas goes: nothing is lost between the trace and the table."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.report.anvil import anvil
from plimsoll.report.gas_profile import attribute, profile, profiles
from plimsoll.report.gas_scenario import Use

TOKEN = "0x" + "00" * 19 + "aa"
NAMES = {"engine": "engine", TOKEN: "token"}


def step(op: str, depth: int, gas: int, cost: int, stack: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"op": op, "depth": depth, "gas": gas, "gasCost": cost, "stack": list(stack)}


def test_attribute__a_call__charges_each_contract_its_own() -> None:
    steps = [
        step("SLOAD", 1, 1_000, 200),
        step("CALL", 1, 800, 700, ("0x0", "0xaa", "0x5")),  # 30 for the call, 600 for the callee
        step("SSTORE", 2, 600, 50),
        step("RETURN", 2, 550, 10),
        step("LOG2", 1, 710, 100),
        step("STOP", 1, 610, 0),
    ]
    made = attribute(steps, "engine", 30_000, NAMES.__getitem__)
    assert made.gas == {
        "engine": {"sload": 200, "log": 100, "rest": 0},
        "token": {"reached by": 30, "sstore": 50, "rest": 10},
    }
    assert made.opcodes["token"] == {"SSTORE": 1, "RETURN": 1}
    assert made.outside == 30_000 - 390


def test_attribute__delegatecall__stays_in_the_contract() -> None:
    steps = [
        step("DELEGATECALL", 1, 800, 700, ("0x0", "0xaa", "0x5")),
        step("STOP", 2, 600, 0),
        step("STOP", 1, 700, 0),
    ]
    assert attribute(steps, "engine", 1_000, NAMES.__getitem__).gas == {"engine": {"rest": 0, "reached by": 100}}


@pytest.fixture(scope="module")
def transfer() -> tuple[Any, Any, int]:
    with anvil(tracing=True) as chain:
        admin, other = chain.accounts()[:2]
        token = chain.deploy("GasToken", sender=admin)
        token.mint(admin, 10, sender=admin)
        receipt = token.transfer(other, 1, sender=admin)
        use = Use(receipt.gas_used, token.address, str(receipt.tx_hash), receipt.gas_used)
        return profile(chain, use), profiles(chain, {"transfer": use}), receipt.gas_used


def test_profile__real_transaction__adds_up(transfer: tuple[Any, Any, int]) -> None:
    made, _, gas_used = transfer
    assert set(made.gas) == {"GasToken"}
    assert made.gas["GasToken"]["sload"] == 2 * 2_100
    assert made.gas["GasToken"]["sstore"] == 20_000 + 2_900
    assert 21_000 < made.outside < 22_000
    assert made.gas["GasToken"].total() + made.outside == gas_used


def test_profiles__one_table_each(transfer: tuple[Any, Any, int]) -> None:
    assert [shown.title for shown in transfer[1]] == [f"transfer: {transfer[2]:,}"]
