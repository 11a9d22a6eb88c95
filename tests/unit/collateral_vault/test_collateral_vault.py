"""The collateral_vault module: balances, and the word that says which there are."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import ZERO_ADDRESS, Revert, RevmChain
from plimsoll.chain.abi import checksum
from plimsoll.model import account_word
from plimsoll.model.collateral_vault import MAX_BALANCE, CollateralVault
from tests.support import reverts

CORE, OTHER, ISOLATED = 1 << 3, 1 << 63, 1 << 64 | 9
KEYS = (CORE, OTHER, ISOLATED)
ALICE, BOB = 5 << 96, 6 << 96 | 1


@pytest.fixture
def vault(chain: RevmChain) -> Any:
    return chain.deploy("collateral_vault_harness", sender=chain.accounts()[0])


@pytest.fixture
def sender(chain: RevmChain) -> str:
    return chain.accounts()[0]


def address(number: int) -> str:
    return checksum(f"0x{number:040x}")


def test_add_asset__each_tier__reads_back(vault: Any, sender: str) -> None:
    for i, key in enumerate((1, OTHER, ISOLATED, 1 << 64 | 2**64 - 1)):
        token, pool = address(2**160 - 1 - i), address(2**159 + i)
        vault.add_asset(token, key, pool, sender=sender)
        assert list(vault.asset(token)) == [key, pool]
        assert (vault.token_of(key), vault.pool_of(key)) == (token, pool)


def test_asset__unknown__zeros(vault: Any) -> None:
    assert list(vault.asset(address(77))) == [0, ZERO_ADDRESS]


def test_add_asset__token_twice__reverts(vault: Any, sender: str) -> None:
    vault.add_asset(address(1), CORE, address(2), sender=sender)
    with reverts("vault: added already"):
        vault.add_asset(address(1), OTHER, address(3), sender=sender)


def test_add_asset__key_twice__reverts(vault: Any, sender: str) -> None:
    """Two tokens under one key would share their balances."""
    vault.add_asset(address(1), ISOLATED, address(2), sender=sender)
    with reverts("vault: added already"):
        vault.add_asset(address(4), ISOLATED, address(3), sender=sender)
    assert vault.token_of(ISOLATED) == address(1)


def test_credit__first_balance__enters_the_word(vault: Any, sender: str) -> None:
    receipt = vault.credit(ALICE, OTHER, CORE, 10, sender=sender)
    assert receipt.return_value == CORE | OTHER
    assert [vault.balance_of(*each) for each in ((ALICE, CORE), (BOB, CORE), (ALICE, OTHER))] == [10, 0, 0]


def test_credit__nothing__changes_nothing(vault: Any, sender: str) -> None:
    assert vault.credit(ALICE, 0, CORE, 0, sender=sender).return_value == 0
    assert vault.balance_of(ALICE, CORE) == 0


def test_credit__balance__is_limited(vault: Any, sender: str) -> None:
    vault.credit(ALICE, 0, CORE, MAX_BALANCE - 5, sender=sender)
    with reverts("vault: balance limit"):
        vault.credit(ALICE, CORE, CORE, 6, sender=sender)
    vault.credit(ALICE, CORE, CORE, 5, sender=sender)
    vault.credit(ALICE, CORE, OTHER, MAX_BALANCE, sender=sender)
    vault.credit(BOB, 0, CORE, MAX_BALANCE, sender=sender)
    for account in (ALICE, BOB):
        for amount in (1, MAX_BALANCE):
            with reverts("vault: balance limit"):
                vault.credit(account, CORE, CORE, amount, sender=sender)
        assert vault.balance_of(account, CORE) == MAX_BALANCE


def test_credit__amount_that_overflows__reverts(vault: Any, sender: str) -> None:
    vault.credit(ALICE, 0, CORE, 1, sender=sender)
    with reverts(""):
        vault.credit(ALICE, CORE, CORE, 2**256 - 1, sender=sender)


def test_debit__part__keeps_the_bit(vault: Any, sender: str) -> None:
    vault.credit(ALICE, 0, CORE, 10, sender=sender)
    assert list(vault.debit(ALICE, CORE, CORE, 9, sender=sender).return_value) == [9, CORE]
    assert vault.balance_of(ALICE, CORE) == 1


@pytest.mark.parametrize("amount", [10, 11, 2**256 - 1])
def test_debit__all_or_more__takes_what_is_there_and_clears_the_bit(vault: Any, sender: str, amount: int) -> None:
    vault.credit(BOB, 0, CORE, 4, sender=sender)
    vault.credit(ALICE, 0, CORE, 10, sender=sender)
    assert list(vault.debit(ALICE, CORE | OTHER, CORE, amount, sender=sender).return_value) == [10, OTHER]
    assert (vault.balance_of(ALICE, CORE), vault.balance_of(BOB, CORE)) == (0, 4)


def test_debit__not_held__takes_nothing(vault: Any, sender: str) -> None:
    assert list(vault.debit(ALICE, OTHER, CORE, 5, sender=sender).return_value) == [0, OTHER]


def test_credit__beside_an_isolated_asset__reverts(vault: Any, sender: str) -> None:
    for word, key in ((CORE, ISOLATED), (ISOLATED, CORE), (ISOLATED, 1 << 64 | 8)):
        with reverts("engine: isolated"):
            vault.credit(ALICE, word, key, 1, sender=sender)


amounts = st.one_of(st.integers(0, 20), st.integers(0, MAX_BALANCE), st.just(MAX_BALANCE))


@given(
    steps=st.lists(
        st.tuples(st.booleans(), st.sampled_from((ALICE, BOB)), st.sampled_from(KEYS), amounts), min_size=1, max_size=12
    )
)
def test_credit_and_debit__any_sequence__equal_the_model(
    vault: Any, sender: str, chain: RevmChain, steps: list[tuple[bool, int, int, int]]
) -> None:
    with chain.isolate():
        twin = CollateralVault()
        words = {ALICE: 0, BOB: 0}
        for is_credit, account, key, amount in steps:
            try:
                if is_credit:
                    expected: Any = twin.credit(account, words[account], key, amount)
                else:
                    expected = twin.debit(account, words[account], key, amount)
            except ValueError as error:
                expected = str(error)
            act = vault.credit if is_credit else vault.debit
            try:
                actual = act(account, words[account], key, amount, sender=sender).return_value
            except Revert as error:
                actual = error.reason
            assert actual == expected if is_credit or isinstance(expected, str) else tuple(actual) == expected
            if not isinstance(expected, str):
                words[account] = expected if is_credit else expected[1]
            for each in KEYS:
                for owner, word in words.items():
                    assert vault.balance_of(owner, each) == twin.balance_of(owner, each)
                    assert account_word.holds(word, each) == (twin.balance_of(owner, each) > 0)
