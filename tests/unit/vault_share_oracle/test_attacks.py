"""Through the risk engine: vaults that lie, fail or are read half-way through a call, and what that does to a price."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plimsoll.chain import Contract, RevmChain
from plimsoll.model.price_source import Reading
from tests.support.pool import PoolTwin, deploy_pool
from tests.support.risk import MARGIN, PRICES, Risk
from tests.support.scenario import DEAD, OK, WIDE
from tests.unit.vault_share_oracle.conftest import DOLLAR, MAX, OpenOracle, Oracle, Vault, open_vault

HALF_WAY = 10**11


@pytest.fixture
def risk(chain: RevmChain) -> Risk:
    return Risk.deploy(chain)


def listed(risk: Risk, token: Contract, *sources: Contract) -> int:
    """List a share with these sources; return its key."""
    receipt = risk.engine.list_asset(token, False, list(sources), PRICES, MARGIN, sender=risk.owner)
    key: int = receipt.return_value
    return key


def price(risk: Risk, key: int) -> Any:
    return risk.engine.prices([key])[0]


def words(answer: bytes) -> list[int]:
    """Return an answer word by word."""
    return [int.from_bytes(answer[i : i + 32], "big") for i in range(0, len(answer), 32)]


def read_by_the_token(token: Contract, oracle: Oracle, act: Callable[[], Any]) -> Reading | None:
    """Have the token read the oracle half-way through `act`; None where that reverts."""
    token.set_hook(oracle.contract, oracle.contract.read.encode(), True, sender=oracle.owner)
    act()
    assert token.hook_calls() > 0
    return Reading(*words(token.hook_result())) if token.hook_succeeded() else None


@pytest.mark.parametrize("behaviour", [1, 2])
def test_vault_fails__the_asset_has_no_price_and_the_others_are_untouched(
    risk: Risk, vault: Vault, oracle: Oracle, source: Contract, behaviour: int
) -> None:
    share, plain = listed(risk, vault.contract, oracle.contract), listed(risk, vault.token, source)
    assert price(risk, share).status == OK
    vault.contract.set_behaviour(behaviour, sender=oracle.owner)
    assert price(risk, share) == (0, 0, 0, DEAD)
    assert price(risk, plain).status == OK


def test_vault_fails__beside_a_second_source__wide(risk: Risk, vault: Vault, oracle: Oracle, source: Contract) -> None:
    key = listed(risk, vault.contract, oracle.contract, source)
    assert price(risk, key).status == OK
    vault.contract.set_behaviour(1, sender=oracle.owner)
    assert price(risk, key)[1:2] == (DOLLAR,)
    assert price(risk, key).status == WIDE


def test_donation__lends_nothing_above_the_line(risk: Risk, vault: Vault, oracle: Oracle) -> None:
    key = listed(risk, vault.contract, oracle.contract)
    before = price(risk, key)
    vault.donate(10**15)
    assert price(risk, key) == before


def test_read_half_way__outside_vault_that_burns_first__no_dearer_than_the_line(vault: Vault, oracle: Oracle) -> None:
    contract, lender = vault.contract, vault.lender
    contract.set_pays_first(False, sender=lender)
    contract.set_listener(oracle.contract, oracle.contract.rate.encode(), sender=lender)
    contract.redeem(9 * HALF_WAY, lender, lender, sender=lender)
    assert words(contract.heard())[0] == 10 * oracle.spot, "ten times what a share is worth"
    contract.deposit(9 * HALF_WAY, lender, sender=lender)
    contract.set_listener(oracle.contract, oracle.contract.read.encode(), sender=lender)
    contract.redeem(9 * HALF_WAY, lender, lender, sender=lender)
    assert words(contract.heard()) == [*oracle.read()]
    assert oracle.read().price == DOLLAR


def test_read_half_way__outside_vault_that_pays_first__cheap_and_caught_by_a_second_source(
    risk: Risk, vault: Vault, oracle: Oracle, source: Contract
) -> None:
    """What stays open for such a vault alone: beside a second source it is WIDE, at prices that favour the account."""
    key = listed(risk, vault.contract, oracle.contract, source)
    before = price(risk, key)
    vault.contract.set_listener(risk.engine, risk.engine.prices.encode([key]), sender=oracle.owner)
    vault.contract.redeem(5 * HALF_WAY, vault.lender, vault.lender, sender=vault.lender)
    bid, _, ask, status = words(vault.contract.heard())[2:]
    assert status == WIDE
    assert bid < before.bid
    assert ask == before.ask, "a liquidation values the balance at no less"
    assert price(risk, key) == before


@pytest.mark.parametrize("name", ["deposit", "mint", "withdraw", "redeem", "borrow", "repay"])
def test_read_half_way__own_pool__no_answer_rather_than_a_wrong_one(
    chain: RevmChain, open_oracle: OpenOracle, name: str
) -> None:
    pool = hooked_pool(chain)
    oracle = open_oracle(pool.pool)
    pool.fund_with(pool.lender, 10**9)
    contract, lender = pool.pool, pool.lender
    pool.donate(2 * 10**12)
    calls: dict[str, Callable[[], Any]] = {
        "deposit": lambda: contract.deposit(10**9, lender, sender=lender),
        "mint": lambda: contract.mint(10**14, lender, sender=lender),
        "withdraw": lambda: contract.withdraw(HALF_WAY, lender, lender, sender=lender),
        "redeem": lambda: contract.redeem(10**17, lender, lender, sender=lender),
        "borrow": lambda: contract.borrow(1, HALF_WAY, lender, sender=pool.engine),
        "repay": lambda: contract.repay(1, 10**12, sender=pool.engine),
    }
    assert read_by_the_token(pool.token, oracle, calls[name]) is None
    pool.token.set_hook(pool.token, b"", True, sender=lender)
    assert oracle.read() == oracle.model_read()


def test_flash_loan__own_pool__the_same_before_during_and_after(chain: RevmChain, open_oracle: OpenOracle) -> None:
    pool = hooked_pool(chain)
    oracle = open_oracle(pool.pool)
    borrower = chain.deploy("MockFlashBorrower", sender=pool.attacker)
    pool.token.mint(borrower, 10**12, sender=pool.attacker)
    borrower.act(pool.token, pool.token.approve.encode(pool.pool, MAX), sender=pool.attacker)
    before = oracle.read()
    during = read_by_the_token(
        pool.token,
        oracle,
        lambda: pool.pool.flashLoan(borrower, pool.token, 4 * HALF_WAY, b"", sender=pool.attacker),
    )
    assert during == before
    after = oracle.read()
    assert 0 <= after.price - before.price <= before.price // 1_000, "the fee is all that it leaves"


def test_inflation__first_depositor_of_a_vault_without_virtual_shares__held_by_the_line(
    chain: RevmChain, open_oracle: OpenOracle
) -> None:
    """One share and a large donation: such a vault eats deposits by rounding, but its price stays below the line."""
    vault = open_vault(chain, assets=0)
    oracle = open_oracle(vault.contract)
    vault.token.mint(vault.lender, 10**12, sender=vault.lender)
    vault.contract.deposit(1, vault.lender, sender=vault.lender)
    vault.donate(10**12)
    assert vault.contract.previewRedeem(1) > 10**11
    assert oracle.read().price == DOLLAR


def hooked_pool(chain: RevmChain) -> PoolTwin:
    """A pool of a token that calls back, half lent."""
    pool = deploy_pool(chain, decimals=6, token="MockERC20Hook")
    pool.deposit(10**12, pool.lender)
    pool.borrow(1, 5 * HALF_WAY)
    pool.token.approve(pool.pool, MAX, sender=pool.lender)
    return pool
