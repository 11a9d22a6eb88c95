"""What the oracle was deployed with, and what a share pays."""

from __future__ import annotations

from plimsoll.chain import Contract, RevmChain
from tests.support import reverts
from tests.support.pool import YEAR
from tests.unit.vault_share_oracle.conftest import YEARLY_CAP, OpenOracle, Oracle, Vault


def test_settings(vault: Vault, open_oracle: OpenOracle, source: Contract) -> None:
    oracle = open_oracle(vault.contract, sample=5 * 10**9)
    expected = (vault.contract.address, vault.token.address, source.address, 5 * 10**9, YEARLY_CAP)
    assert oracle.contract.settings() == expected


def test_rate__spot_and_line(vault: Vault, oracle: Oracle, chain: RevmChain) -> None:
    start = chain.timestamp()
    assert oracle.contract.rate() == (10**12, 10**12, 10**12, start)
    vault.lose(10**11)
    chain.warp(YEAR // 5)
    assert oracle.contract.rate() == (9 * 10**11, 105 * 10**10, 10**12, start)


def test_rate__vault_reverts__reverts(vault: Vault, oracle: Oracle) -> None:
    vault.contract.set_behaviour(1, sender=oracle.owner)
    with reverts("mock: told to revert"):
        oracle.contract.rate()
