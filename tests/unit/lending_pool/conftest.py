"""A pool of a token with 6 decimals, beside its model; `busy` has lenders, two debts and a day of interest."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import Event, RevmChain
from tests.support.pool import PoolTwin, account, deploy_pool


@pytest.fixture(scope="session")
def deployed(session_chain: RevmChain) -> PoolTwin:
    return deploy_pool(session_chain, decimals=6)


@pytest.fixture
def twin(chain: RevmChain, deployed: PoolTwin) -> PoolTwin:
    """An empty pool."""
    return deployed.copy()


@pytest.fixture
def long(twin: PoolTwin) -> int:
    """The trader's account 0."""
    return account(twin.trader)


@pytest.fixture
def short(twin: PoolTwin) -> int:
    """The trader's account 1."""
    return account(twin.trader, 1)


@pytest.fixture
def busy(twin: PoolTwin, long: int, short: int) -> PoolTwin:
    """Lenders supplied 1,500,000 tokens, two accounts owe 1,200,000, a day has passed since."""
    twin.deposit(1_000_000 * twin.unit, twin.lender)
    twin.deposit(500_000 * twin.unit, twin.other)
    twin.borrow(long, 900_000 * twin.unit)
    twin.borrow(short, 300_000 * twin.unit)
    twin.warp(86_400)
    return twin


def accrued(twin: PoolTwin) -> Event:
    """The event that an accrual at this moment logs."""
    from plimsoll.model import pool_ledger

    parameters = twin.model.parameters
    after = pool_ledger.accrued(twin.model.ledger, twin.now, parameters.rates, parameters.reserve_factor)
    return twin.pool.event(
        "Accrued",
        interest=after.interest,
        fee=after.fee,
        rate=after.rate,
        rate_at_target=after.ledger.rate_at_target,
    )


def moved(contract: Any, sender: str, receiver: Any, value: int) -> Event:
    """An ERC-20 transfer of the token or of shares."""
    event: Event = contract.event("Transfer", sender=sender, receiver=receiver, value=value)
    return event
