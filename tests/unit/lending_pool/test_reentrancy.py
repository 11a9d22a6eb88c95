"""A token that calls back in the middle of a transfer finds the pool locked, views included, but for flash loans."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import Contract, RevmChain
from tests.support import reverts
from tests.support.pool import PoolTwin, deploy_pool

OPEN = {"flashLoan"}
"""Reentrant by design; see the contract."""
TOKEN = {
    *("transfer", "transferFrom", "approve", "permit", "nonces", "DOMAIN_SEPARATOR", "eip712Domain"),
    *("name", "symbol", "decimals", "totalSupply", "balanceOf", "allowance"),
}
"""The shares' own functions (snekmate's, without a lock): a balance is changed before the token is called."""
FIXED = {"asset", "engine", "fund"}
"""Immutable."""
OWNERSHIP = {"owner", "pending_owner", "transfer_ownership", "accept_ownership"}
"""snekmate's, without a lock: they touch nothing else."""


@pytest.fixture
def hooked(chain: RevmChain) -> PoolTwin:
    twin = deploy_pool(chain, token="MockERC20Hook", decimals=6)
    twin.deposit(10**12, twin.lender)
    twin.borrow(1, 10**9)
    return twin


def sample(kind: str, components: list[dict[str, Any]] | None) -> Any:
    if kind == "tuple":
        return tuple(sample(member["type"], member.get("components")) for member in components or [])
    return {"address": "0x" + "11" * 20, "uint256": 1, "uint8": 27, "bytes32": b"\x00" * 32, "bytes": b""}[kind]


def calls(contract: Contract) -> list[tuple[str, bytes]]:
    found = []
    for entry in contract.abi:
        if entry["type"] == "function":
            arguments = [sample(argument["type"], argument.get("components")) for argument in entry["inputs"]]
            found.append((entry["name"], contract.method(entry["name"]).encode(*arguments)))
    return found


def test_every_function__called_back_by_the_token__reverts(hooked: PoolTwin) -> None:
    """Enumerated from the ABI, so that a new function cannot be forgotten."""
    hooked.fund_with(hooked.other, 10)
    tried = 0
    for name, data in calls(hooked.pool):
        if name in OPEN | TOKEN | FIXED | OWNERSHIP:
            continue
        hooked.token.set_hook(hooked.pool, data, True, sender=hooked.attacker)
        with hooked.chain.isolate():
            hooked.pool.deposit(10, hooked.other, sender=hooked.other)
            assert hooked.token.hook_succeeded() is False, f"{name} ran inside a deposit"
            assert hooked.token.hook_result() == b"", f"{name} was refused for another reason than the lock"
        tried += 1
    assert tried > 35


@pytest.mark.parametrize("name", ["withdraw", "redeem", "borrow", "repay", "deposit", "mint"])
def test_views__read_half_way_through__revert(hooked: PoolTwin, name: str) -> None:
    pool, lender = hooked.pool, hooked.lender
    hooked.fund_with(lender, 10**6)
    hooked.donate(2 * 10**9)
    hooked.token.set_hook(pool, pool.convertToAssets.encode(10**18), False, sender=hooked.attacker)
    arguments: dict[str, tuple[tuple[Any, ...], str]] = {
        "withdraw": ((10, lender, lender), lender),
        "redeem": ((10**7, lender, lender), lender),
        "borrow": ((1, 5, lender), hooked.engine),
        "repay": ((1, 2 * 10**9), hooked.engine),
        "deposit": ((10, lender), lender),
        "mint": ((10**7, lender), lender),
    }
    inputs, sender = arguments[name]
    with reverts(""):
        pool.method(name)(*inputs, sender=sender)
