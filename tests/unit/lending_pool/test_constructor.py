"""Construction: what it stores, and every argument it refuses."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts
from tests.support.pool import (
    FLASH_FEE,
    RATE_AT_TARGET,
    RATES,
    RESERVE_FACTOR,
    ROLES,
    WAD,
    PoolTwin,
    constructor_arguments,
    deploy_pool,
)

ASSET, NAME, SYMBOL, ENGINE, FUND, OWNER, GUARDIAN, CURVE, INITIAL, SUPPLY, BORROW, RESERVE, FLASH = range(13)


def deploy(chain: RevmChain, changes: dict[int, Any], token: str = "MockERC20", decimals: int = 6) -> Any:
    roles = dict(zip(ROLES, chain.accounts(), strict=False))
    asset = chain.deploy(token, "Token", "TKN", decimals, sender=roles["deployer"])
    arguments = constructor_arguments(roles, asset)
    for position, value in changes.items():
        arguments[position] = value
    return chain.deploy("LendingPool", *arguments, sender=roles["deployer"])


@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
def test_constructor__stores_everything(chain: RevmChain, decimals: int) -> None:
    twin = deploy_pool(chain, decimals=decimals)
    pool = twin.pool
    assert (pool.method("name")(), pool.symbol(), pool.decimals()) == ("Plimsoll Token", "pTKN", decimals + 6)
    assert (pool.asset(), pool.engine(), pool.fund()) == (twin.token.address, twin.engine, twin.fund)
    assert (pool.owner(), pool.guardian(), pool.pending_owner()) == (twin.owner, twin.guardian, ZERO_ADDRESS)
    assert tuple(pool.rate_parameters()) == RATES
    assert pool.caps() == (10**9 * twin.unit, 10**9 * twin.unit)
    assert pool.fees() == (RESERVE_FACTOR, FLASH_FEE)
    assert tuple(pool.ledger()) == (0, 0, chain.timestamp(), 0, RATE_AT_TARGET, 0, 0)
    twin.check()


def test_constructor__logs_what_it_sets(chain: RevmChain) -> None:
    pool = deploy(chain, {SUPPLY: 5 * 10**6, BORROW: 3 * 10**6})
    names = [event.name for event in pool.deployment.events if event.name.endswith("Set")]
    assert names == ["GuardianSet", "RatesSet", "CapsSet", "FeesSet"]
    assert pool.deployment.find("CapsSet") == [pool.event("CapsSet", supply_cap=5 * 10**6, borrow_cap=3 * 10**6)]
    assert pool.deployment.find("RatesSet") == [pool.event("RatesSet", parameters=RATES)]


@pytest.mark.parametrize("position", [ASSET, ENGINE, FUND])
def test_constructor__zero_address__reverts(chain: RevmChain, position: int) -> None:
    with reverts("pool: zero address"):
        deploy(chain, {position: ZERO_ADDRESS})


@pytest.mark.parametrize("position", [OWNER, GUARDIAN])
def test_constructor__nobody_in_charge__reverts(chain: RevmChain, position: int) -> None:
    with reverts("roles: zero address"):
        deploy(chain, {position: ZERO_ADDRESS})


def test_constructor__more_than_18_decimals__reverts(chain: RevmChain) -> None:
    with reverts("pool: decimals"):
        deploy(chain, {}, decimals=19)


@pytest.mark.parametrize("initial", [RATES.min_rate, RATES.max_rate])
def test_constructor__initial_rate_at_a_bound__accepted(chain: RevmChain, initial: int) -> None:
    twin = deploy_pool(chain, rate_at_target=initial)
    assert twin.pool.ledger().rate_at_target == initial
    twin.check()


@pytest.mark.parametrize("initial", [RATES.min_rate - 1, RATES.max_rate + 1])
def test_constructor__initial_rate_out_of_bounds__reverts(chain: RevmChain, initial: int) -> None:
    with reverts("pool: initial rate"):
        deploy(chain, {INITIAL: initial})


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({CURVE: RATES._replace(target=0)}, "pool: target bounds"),
        ({SUPPLY: 1}, "pool: precision"),
        ({BORROW: 2**93}, "pool: cap bounds"),
        ({RESERVE: WAD}, "pool: fee bounds"),
        ({FLASH: WAD}, "pool: fee bounds"),
    ],
)
def test_constructor__checks_as_the_setters_do(chain: RevmChain, changes: dict[int, Any], reason: str) -> None:
    with reverts(reason):
        deploy(chain, changes)


def test_constructor__initial_rate_between_two_units__rounds_down(chain: RevmChain) -> None:
    assert deploy(chain, {INITIAL: RATE_AT_TARGET + 99_999}).ledger().rate_at_target == RATE_AT_TARGET


def test_constructor__minting_is_closed(twin: PoolTwin) -> None:
    """snekmate's erc20 makes the deployer a minter; nothing that minters may do is exported."""
    exported = {entry["name"] for entry in twin.pool.abi if entry["type"] == "function"}
    assert not exported & {"set_minter", "is_minter", "burn", "burn_from", "renounce_ownership"}
    minting = [entry for entry in twin.pool.abi if entry.get("name") == "mint"]
    assert [[argument["type"] for argument in entry["inputs"]] for entry in minting] == [["uint256", "address"]]
