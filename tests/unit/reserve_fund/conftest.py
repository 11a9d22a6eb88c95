"""A fund with a pool of a token with 6 decimals, beside their models; `busy` has two stakes and a year of interest."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS, Event, RevmChain
from plimsoll.model import pool_ledger
from tests.support.pool import MAX, YEAR, PoolTwin
from tests.support.reserve import ReserveTwin, deploy_reserve

DEBTOR = 7
"""The account that owes in `busy`."""


@pytest.fixture(scope="session")
def deployed(session_chain: RevmChain) -> ReserveTwin:
    return deploy_reserve(session_chain)


@pytest.fixture
def twin(chain: RevmChain, deployed: ReserveTwin) -> ReserveTwin:
    """An empty fund, and a pool to which a lender gave a million."""
    twin = deployed.copy()
    twin.pool.deposit(1_000_000 * twin.pool.unit, twin.lender)
    return twin


@pytest.fixture
def busy(twin: ReserveTwin) -> ReserveTwin:
    """Staker 10,000 and second 30,000 tokens' worth, half of the pool lent for a year; the fee is not minted yet."""
    twin.stake_tokens(10_000, twin.staker)
    twin.stake_tokens(30_000, twin.second)
    twin.pool.borrow(DEBTOR, 500_000 * twin.pool.unit)
    twin.warp(YEAR)
    return twin


@pytest.fixture
def malicious(twin: ReserveTwin) -> Any:
    """A pool in the attacker's hands that names the fund; he has its shares, approved."""
    pool: Any = twin.pool.chain.deploy("MaliciousPool", twin.fund, sender=twin.attacker)
    pool.mint(twin.attacker, 10**30, sender=twin.attacker)
    pool.approve(twin.fund, MAX, sender=twin.attacker)
    return pool


def minting(pool: PoolTwin) -> list[Event]:
    """The events with which a pool mints its fee at this moment."""
    parameters, model = pool.model.parameters, pool.model
    after = pool_ledger.accrued(model.ledger, pool.now, parameters.rates, parameters.reserve_factor)
    events = []
    if after.interest or pool.model.ledger.updated != after.ledger.updated:
        events.append(
            pool.pool.event(
                "Accrued",
                interest=after.interest,
                fee=after.fee,
                rate=after.rate,
                rate_at_target=after.ledger.rate_at_target,
            )
        )
    shares = pool.copy().model.mint_fees(pool.now)
    if shares:
        events.append(moved(pool, ZERO_ADDRESS, pool.fund, shares))
        events.append(pool.pool.event("FeesMinted", assets=after.ledger.fee, shares=shares))
    return events


def moved(pool: PoolTwin, sender: str, receiver: Any, shares: int) -> Event:
    """A transfer of pool shares."""
    event: Event = pool.pool.event("Transfer", sender=sender, receiver=receiver, value=shares)
    return event
