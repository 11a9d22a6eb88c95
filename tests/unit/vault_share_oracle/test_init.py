"""Deployment: every bound, where the line starts, and which vaults are refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, Contract, Revert, RevmChain
from plimsoll.model import vault_share
from plimsoll.model.price_source import Reading
from tests.support import reverts
from tests.support.pool import PoolTwin, deploy_pool
from tests.unit.vault_share_oracle.conftest import DOLLAR, WAD, YEARLY_CAP, OpenOracle, Vault, answers, open_vault

SAMPLE = 10**12
VIEWS = ("previewRedeem", "convertToAssets", "previewMint", "previewDeposit", "previewWithdraw", "convertToShares")


def test_init__the_line_starts_at_the_spot(vault: Vault, open_oracle: OpenOracle, chain: RevmChain) -> None:
    vault.donate(10**11)
    oracle = open_oracle(vault.contract)
    assert oracle.contract.rate() == (11 * 10**11, 11 * 10**11, 11 * 10**11, chain.timestamp())
    assert oracle.contract.deployment is not None
    assert oracle.contract.deployment.events == [
        oracle.contract.event("OwnershipTransferred", previous_owner=ZERO_ADDRESS, new_owner=oracle.owner),
        oracle.contract.event("OwnershipTransferred", previous_owner=oracle.owner, new_owner=oracle.owner),
        oracle.contract.event("AnchorSet", anchor=11 * 10**11, spot=11 * 10**11),
    ]


def test_init__a_donation_before_the_deployment__the_line_starts_where_it_was_named(
    vault: Vault, open_oracle: OpenOracle
) -> None:
    vault.donate(10**12)
    oracle = open_oracle(vault.contract, most=10**12)
    assert oracle.contract.rate()[:3] == (2 * 10**12, 10**12, 10**12)
    assert oracle.read().price == DOLLAR


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"sample": 10**6 - 1}, "shares: sample"),
        ({"sample": 2**112}, "shares: sample"),
        ({"yearly_cap": 0}, "shares: growth"),
        ({"yearly_cap": WAD + 1}, "shares: growth"),
        ({"most": 0}, "shares: anchor"),
    ],
)
def test_init__out_of_bounds__reverts(
    vault: Vault, open_oracle: OpenOracle, arguments: dict[str, Any], reason: str
) -> None:
    with reverts(reason):
        open_oracle(vault.contract, **arguments)


@pytest.mark.parametrize(
    "arguments",
    [{"sample": 10**6}, {"sample": 2**112 - 1}, {"yearly_cap": 1}, {"yearly_cap": WAD}, {"most": 1}],
)
def test_init__at_the_bounds__works(vault: Vault, open_oracle: OpenOracle, arguments: dict[str, Any]) -> None:
    oracle = open_oracle(vault.contract, **arguments)
    assert oracle.read() == oracle.model_read()
    assert oracle.read().price > 0


def test_init__sample_is_worth_too_little_to_round__reverts(pool: PoolTwin, open_oracle: OpenOracle) -> None:
    with reverts("shares: assets"):
        open_oracle(pool.pool, sample=10**12 - 1)
    open_oracle(pool.pool, sample=10**12)


def test_init__sample_is_worth_more_than_fits__reverts(chain: RevmChain, open_oracle: OpenOracle) -> None:
    vault = open_vault(chain)
    vault.donate(10**12)
    with reverts("shares: assets"):
        open_oracle(vault.contract, sample=2**111)
    open_oracle(vault.contract, sample=2**111 - 1)


def test_init__zero_owner__reverts(chain: RevmChain, vault: Vault, source: Contract, owner: str) -> None:
    arguments = (vault.contract, vault.token, source, SAMPLE, SAMPLE, YEARLY_CAP, ZERO_ADDRESS)
    with reverts("shares: zero address"):
        chain.deploy("VaultShareOracle", *arguments, sender=owner)


def test_init__no_vault__reverts(chain: RevmChain, vault: Vault, source: Contract, owner: str) -> None:
    for address in (ZERO_ADDRESS, owner):
        with reverts("shares: asset"):
            chain.deploy(
                "VaultShareOracle", address, vault.token, source, SAMPLE, SAMPLE, YEARLY_CAP, owner, sender=owner
            )


def test_init__another_asset__reverts(chain: RevmChain, vault: Vault, source: Contract, owner: str) -> None:
    arguments = (vault.contract, source, source, SAMPLE, SAMPLE, YEARLY_CAP, owner)
    with reverts("shares: asset"):
        chain.deploy("VaultShareOracle", *arguments, sender=owner)


def test_init__source_without_code__reverts(chain: RevmChain, vault: Vault, owner: str) -> None:
    arguments = (vault.contract, vault.token, owner, SAMPLE, SAMPLE, YEARLY_CAP, owner)
    with reverts("shares: source"):
        chain.deploy("VaultShareOracle", *arguments, sender=owner)


@pytest.mark.parametrize("numbers", [(0, DOLLAR), (DOLLAR, 0), (2**128, DOLLAR), (DOLLAR, 2**128)])
def test_init__source_without_a_price__reverts(
    vault: Vault, open_oracle: OpenOracle, source: Contract, owner: str, numbers: tuple[int, int]
) -> None:
    source.set_reading((*numbers, 0, 1, 1), sender=owner)
    with reverts("shares: source"):
        open_oracle(vault.contract)


@pytest.mark.parametrize("dear", [(10**36 + 1, 10**36), (10**36, 10**36 + 1)])
def test_init__a_raw_share_is_worth_more_than_a_dollar__reverts(
    vault: Vault, open_oracle: OpenOracle, source: Contract, owner: str, dear: tuple[int, int]
) -> None:
    source.set_reading((*dear, 0, 1, 1), sender=owner)
    with reverts("shares: price scale"):
        open_oracle(vault.contract)
    source.set_reading((10**36, 10**36, 0, 1, 1), sender=owner)
    assert open_oracle(vault.contract).read().price == 10**36


@pytest.mark.parametrize("view", VIEWS)
def test_init__an_answer_does_not_agree__reverts(vault: Vault, open_oracle: OpenOracle, view: str, owner: str) -> None:
    """Each view bent either way, in favour of who goes through the vault or by more than a fee may take."""
    selector = getattr(vault.contract, view).encode(0)[:4]
    for bps in (9_400, 10_001, 20_000):
        vault.contract.set_bend(selector, bps, sender=owner)
        if bps == 10_001 and view in ("convertToAssets", "previewMint"):
            open_oracle(vault.contract)
        else:
            with reverts("shares: round trip"):
                open_oracle(vault.contract)
    vault.contract.set_bend(selector, 0, sender=owner)
    open_oracle(vault.contract)


def test_init__a_fee_to_leave__accepted_up_to_its_bound(vault: Vault, open_oracle: OpenOracle, owner: str) -> None:
    vault.contract.set_exit_fee(500, sender=owner)
    assert open_oracle(vault.contract).read().price == DOLLAR * 95 // 100
    vault.contract.set_exit_fee(501, sender=owner)
    with reverts("shares: round trip"):
        open_oracle(vault.contract)


def test_init__vault_that_does_not_preview__reverts(vault: Vault, open_oracle: OpenOracle, owner: str) -> None:
    vault.contract.set_behaviour(1, sender=owner)
    with reverts("mock: told to revert"):
        open_oracle(vault.contract)


@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
def test_init__own_pools__empty_and_full__accepted(chain: RevmChain, open_oracle: OpenOracle, decimals: int) -> None:
    twin = deploy_pool(chain, decimals=decimals)
    sample = 10 ** max(decimals + 6, 12)
    assert open_oracle(twin.pool, sample).spot == sample // 10**6
    twin.deposit(7 * 10**decimals + 3, twin.lender)
    twin.borrow(1, 10**decimals)
    twin.warp(86_400)
    assert open_oracle(twin.pool, sample).spot >= sample // 10**6


def test_init__own_pool_with_a_large_provision__refused(pool: PoolTwin, open_oracle: OpenOracle) -> None:
    pool.provision(1, 4 * 10**10)
    open_oracle(pool.pool)
    pool.provision(1, 6 * 10**10)
    with reverts("shares: round trip"):
        open_oracle(pool.pool)


@given(
    sample=st.integers(10**5, 2**113),
    donated=st.integers(0, 10**14),
    fee=st.integers(0, 700),
    most=st.integers(0, 2**113),
    price=st.integers(0, 2**129),
    yearly_cap=st.integers(0, WAD + 1),
)
def test_init__refuses_what_the_twin_refuses(
    vault: Vault,
    open_oracle: OpenOracle,
    source: Contract,
    owner: str,
    sample: int,
    donated: int,
    fee: int,
    most: int,
    price: int,
    yearly_cap: int,
) -> None:
    chain = vault.chain
    with chain.isolate():
        vault.donate(donated)
        vault.contract.set_exit_fee(fee, sender=owner)
        reading = Reading(price, price, 0, 1, 1)
        source.set_reading(reading, sender=owner)
        parameters = vault_share.Parameters(sample, yearly_cap)
        told = answers(vault.contract, sample)
        expected: vault_share.Anchor | str
        try:
            expected = vault_share.first_anchor(parameters, told, most, reading, chain.timestamp())
        except ValueError as error:
            expected = str(error)
        found: vault_share.Anchor | str
        try:
            found = open_oracle(vault.contract, sample, most, yearly_cap).anchor
        except Revert as error:
            found = error.reason
        assert found == expected
