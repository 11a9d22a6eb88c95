"""Moving the anchor: the owner only, never above the spot, never lowering the price of the moment."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import Revert, RevmChain
from plimsoll.model import vault_share
from tests.support import reverts
from tests.support.pool import YEAR, PoolTwin
from tests.unit.vault_share_oracle.conftest import DOLLAR, MAX, OpenOracle, Oracle, Vault

FIRST = 10**12
AMOUNTS = st.integers(0, 5 * FIRST)


def test_set_anchor__the_line_starts_at_the_spot(vault: Vault, oracle: Oracle, chain: RevmChain) -> None:
    vault.donate(2 * FIRST)
    chain.warp(YEAR)
    receipt = oracle.contract.set_anchor(0, MAX, sender=oracle.owner)
    assert receipt.events == [oracle.contract.event("AnchorSet", anchor=3 * FIRST, spot=3 * FIRST)]
    assert oracle.contract.rate() == (3 * FIRST, 3 * FIRST, 3 * FIRST, chain.timestamp())
    assert oracle.read().price == 3 * DOLLAR


def test_set_anchor__a_spot_raised_for_the_moment__no_further_than_named(
    vault: Vault, oracle: Oracle, chain: RevmChain
) -> None:
    vault.donate(FIRST // 2)
    chain.warp(30)
    vault.donate(9 * FIRST)
    receipt = oracle.contract.set_anchor(0, FIRST * 3 // 2, sender=oracle.owner)
    assert receipt.events == [oracle.contract.event("AnchorSet", anchor=FIRST * 3 // 2, spot=FIRST * 21 // 2)]
    assert oracle.read().price == DOLLAR * 3 // 2


def test_set_anchor__after_a_fall__takes_back_the_room_above_the_spot(vault: Vault, oracle: Oracle) -> None:
    vault.lose(FIRST // 10)
    before = oracle.read()
    oracle.set_anchor(FIRST * 9 // 10)
    assert oracle.read() == before == oracle.model_read()
    vault.donate(FIRST)
    assert oracle.read().price == DOLLAR * 9 // 10, "the recovery is not counted any more"


@pytest.mark.parametrize("donated", [0, FIRST])
def test_set_anchor__below_what_counts_now__reverts(vault: Vault, oracle: Oracle, donated: int) -> None:
    vault.donate(donated)
    with reverts("shares: anchor"):
        oracle.contract.set_anchor(0, FIRST - 1, sender=oracle.owner)
    oracle.set_anchor(FIRST)
    assert oracle.read().price == DOLLAR


def test_set_anchor__a_spot_lowered_for_the_moment__reverts(vault: Vault, oracle: Oracle) -> None:
    """Half-way through a redemption the vault looks cheap: whoever executes the owner's call cannot choose that."""
    arguments = oracle.contract.set_anchor.encode(FIRST * 99 // 100, MAX)
    oracle.contract.transfer_ownership(vault.contract.address, sender=oracle.owner)
    vault.contract.set_listener(oracle.contract, oracle.contract.accept_ownership.encode(), sender=oracle.owner)
    vault.contract.redeem(1, vault.lender, vault.lender, sender=vault.lender)
    vault.contract.set_listener(oracle.contract, arguments, sender=oracle.owner)
    with reverts("shares: anchor"):
        vault.contract.redeem(FIRST // 2, vault.lender, vault.lender, sender=vault.lender)
    assert oracle.contract.owner() == vault.contract.address
    vault.contract.redeem(FIRST // 1_000, vault.lender, vault.lender, sender=vault.lender)
    assert oracle.read().price >= DOLLAR * 99 // 100


def test_set_anchor__least_above_most_or_above_the_spot__reverts(vault: Vault, oracle: Oracle) -> None:
    vault.donate(FIRST)
    for least, most in ((2 * FIRST + 1, MAX), (FIRST + 1, FIRST)):
        with reverts("shares: anchor"):
            oracle.contract.set_anchor(least, most, sender=oracle.owner)
    oracle.set_anchor(2 * FIRST, 2 * FIRST)
    assert oracle.contract.rate().anchor == 2 * FIRST


def test_set_anchor__shares_pay_nothing__reverts(vault: Vault, oracle: Oracle) -> None:
    vault.lose(FIRST)
    with reverts("shares: anchor"):
        oracle.contract.set_anchor(0, MAX, sender=oracle.owner)


def test_set_anchor__a_spot_that_does_not_fit__reverts(vault: Vault, open_oracle: OpenOracle) -> None:
    oracle = open_oracle(vault.contract, sample=2**111)
    vault.donate(FIRST)
    with reverts("shares: anchor"):
        oracle.contract.set_anchor(0, MAX, sender=oracle.owner)
    with reverts("shares: anchor"):
        oracle.contract.set_anchor(0, 2**112, sender=oracle.owner)
    oracle.set_anchor(2**112 - 1)
    assert oracle.read() == oracle.model_read()


def test_set_anchor__not_the_owner__reverts(oracle: Oracle, chain: RevmChain, vault: Vault) -> None:
    for caller in set(chain.accounts()) - {oracle.owner}:
        with reverts("shares: owner only"):
            oracle.contract.set_anchor(0, FIRST, sender=caller)


def test_set_anchor__vault_reverts__reverts(oracle: Oracle, vault: Vault) -> None:
    vault.contract.set_behaviour(1, sender=oracle.owner)
    with reverts("mock: told to revert"):
        oracle.contract.set_anchor(0, FIRST, sender=oracle.owner)


def test_set_anchor__a_vault_that_reads_the_oracle_meanwhile__finds_it_locked(
    vault: Vault, open_oracle: OpenOracle, chain: RevmChain
) -> None:
    asking = chain.deploy("MockInquirer", sender=vault.lender)
    asking.set_target(vault.contract, sender=vault.lender)
    oracle = open_oracle(chain.at("MockVault", asking.address))
    asking.set_question(oracle.contract, oracle.contract.settings.encode(), sender=vault.lender)
    assert oracle.read().price == DOLLAR
    with reverts("inquirer: no answer"):
        oracle.contract.set_anchor(0, MAX, sender=oracle.owner)
    asking.set_question(oracle.contract, oracle.contract.owner.encode(), sender=vault.lender)
    oracle.set_anchor(MAX)


def test_set_anchor__own_pool__keeps_up_with_its_interest(pool: PoolTwin, open_oracle: OpenOracle) -> None:
    oracle = open_oracle(pool.pool, yearly_cap=10**15)
    for _ in range(3):
        pool.warp(YEAR // 4)
        held_back = oracle.read().price
        oracle.set_anchor(MAX)
        assert oracle.read() == oracle.model_read()
        assert oracle.read().price > held_back
        assert oracle.read().price == DOLLAR * oracle.spot // oracle.parameters.sample


@given(
    steps=st.lists(
        st.tuples(AMOUNTS, st.integers(0, 2 * 10**11), st.integers(0, YEAR), AMOUNTS, AMOUNTS),
        max_size=6,
    )
)
def test_set_anchor__any_history__the_price_never_falls_by_it_and_the_line_starts_below_the_spot(
    chain: RevmChain, vault: Vault, oracle: Oracle, steps: list[tuple[int, int, int, int, int]]
) -> None:
    with chain.isolate():
        anchor = oracle.anchor
        for donated, lost, elapsed, least, most in steps:
            vault.donate(donated)
            vault.lose(lost)
            chain.warp(elapsed)
            before, spot = oracle.read(), oracle.spot
            expected = ""
            try:
                anchor = vault_share.set_anchor(oracle.parameters, anchor, spot, least, most, oracle.now)
            except ValueError as error:
                expected = str(error)
            found = ""
            try:
                oracle.contract.set_anchor(least, most, sender=oracle.owner)
            except Revert as error:
                found = error.reason
            assert found == expected
            rate = oracle.contract.rate()
            assert (rate.anchor, rate.since) == anchor
            after = oracle.read()
            assert after.price >= before.price
            if not found:
                assert rate.line <= spot
                assert least <= rate.anchor <= most
            else:
                assert after == before
