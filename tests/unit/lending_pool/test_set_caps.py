"""set_caps: the owner limits what is supplied and borrowed."""

from __future__ import annotations

import pytest

from plimsoll.chain import RevmChain
from tests.support import reverts
from tests.support.pool import ROLES, WAD, PoolTwin, deploy_pool


@pytest.mark.parametrize("role", [role for role in ROLES if role != "owner"])
def test_set_caps__anyone_but_the_owner__reverts(busy: PoolTwin, role: str) -> None:
    with reverts("roles: owner only"):
        busy.pool.set_caps(0, 0, sender=busy.roles[role])


def test_set_caps__whole_receipt(busy: PoolTwin) -> None:
    receipt = busy.pool.set_caps(5 * busy.unit, 3 * busy.unit, sender=busy.owner)
    assert receipt.events == [busy.pool.event("CapsSet", supply_cap=5 * busy.unit, borrow_cap=3 * busy.unit)]
    assert busy.pool.caps() == (5 * busy.unit, 3 * busy.unit)


@pytest.mark.parametrize(
    ("decimals", "supply", "borrow"),
    [
        (0, 2**48 - 1, 2**48 - 1),
        (6, (2**48 - 1) * 10**6, (2**48 - 1) * 10**6),
        (18, (2**100 - 1) // 10**18 * 10**18, (2**92 - 1) // 10**18 * 10**18),
    ],
)
def test_set_caps__bounds(chain: RevmChain, decimals: int, supply: int, borrow: int) -> None:
    twin = deploy_pool(chain, decimals=decimals)
    twin.set_caps(supply, borrow)
    assert twin.pool.caps() == (supply, borrow)
    for caps in ((supply + twin.unit, borrow), (supply, borrow + twin.unit)):
        with reverts("pool: cap bounds"):
            twin.pool.set_caps(*caps, sender=twin.owner)


@pytest.mark.parametrize(
    ("caps", "reason"),
    [
        ((2**100, 0), "pool: cap bounds"),
        ((2**100 - 1, 0), "pool: precision"),
        ((0, 2**92), "pool: cap bounds"),
        ((0, 2**92 - 1), "pool: precision"),
    ],
)
def test_set_caps__eighteen_decimals__bounds_between_two_tokens(
    chain: RevmChain, caps: tuple[int, int], reason: str
) -> None:
    twin = deploy_pool(chain)
    with reverts(reason):
        twin.pool.set_caps(*caps, sender=twin.owner)


@pytest.mark.parametrize("caps", [(1, 0), (0, 1), (10**6 + 1, 10**6), (10**6, 10**6 - 1)])
def test_set_caps__a_part_of_a_token__reverts(busy: PoolTwin, caps: tuple[int, int]) -> None:
    with reverts("pool: precision"):
        busy.pool.set_caps(*caps, sender=busy.owner)


def test_set_caps__changes_nothing_else(busy: PoolTwin, long: int) -> None:
    busy.provision(long, 7)
    busy.set_fees(1_001 * WAD // 10_000, 0)
    before = (busy.pool.fees(), tuple(busy.pool.rate_parameters()), busy.pool.convertToAssets(10**18))
    busy.set_caps(0, 0)
    assert (busy.pool.fees(), tuple(busy.pool.rate_parameters()), busy.pool.convertToAssets(10**18)) == before
    busy.check()
