"""Whoever pays has what he pays with, also where a debt outgrew everything that he was given."""

from __future__ import annotations

import pytest

from plimsoll.verify.campaign.backend import RevmBackend
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.leaving import everybody_leaves
from plimsoll.verify.campaign.machine import LEDGER_LIMIT, WAD, Machine
from plimsoll.verify.campaign.rules_adversary import flash_loan
from plimsoll.verify.campaign.rules_traders import put, swap
from plimsoll.verify.campaign.rules_world import refresh
from plimsoll.verify.campaign.world import DAY, MASK_256, PLENTY, Asset, World, word_of

ALL = 0
"""The first number of `Draws.part`."""


@pytest.fixture
def machine(world: World, backend: RevmBackend) -> Machine:
    """A machine at the start of a run."""
    return Machine(world, backend, Draws(1))


@pytest.fixture
def dai(world: World) -> Asset:
    """The asset whose pool charges the highest rates there are."""
    return world.asset("DAI")


@pytest.fixture
def accounts(machine: Machine, dai: Asset) -> list[int]:
    """Accounts whose debts grew beyond what anybody was given at first."""
    m = machine
    lender, gold = m.roles["lender"], m.world.asset("GOLD")
    accounts = m.accounts[:3]
    money = m.units(dai, 10**8)
    lent = m.fn("LendingPool.deposit")(money * len(accounts), word_of(lender))
    m.call("", "LendingPool.deposit", lender, lent, {""}, to=dai.pool)
    m.holders[dai.key].add(lender)
    rates = m.fn("LendingPool.set_rates")(WAD // 2, 100 * WAD, 50 * WAD, 10 * WAD, 10 * WAD)
    m.call("", "LendingPool.set_rates", m.roles["owner"], rates, {""}, to=dai.pool)
    for part, account in enumerate(accounts, 1):
        owner, amount = m.owner_of(account), money // part
        bought = m.worth(dai, amount, gold)
        assert put(m, account, gold, m.units(gold, 10**9), owner)
        assert swap(m, account, dai, amount, MASK_256, gold, bought, bought, False, owner)
    grow(m, dai, 3 * PLENTY)
    return accounts


def grow(m: Machine, asset: Asset, debt: int) -> None:
    """Let the debt of a pool grow to so many units."""
    while m.pool(asset).debt < debt:
        m.warp(DAY)
        m.call("", "LendingPool.accrue", m.roles["stranger"], m.fn("LendingPool.accrue")(), {""}, to=asset.pool)
    refresh(m)


def test_put__a_debt_beyond_plenty__is_repaid(machine: Machine, dai: Asset, accounts: list[int]) -> None:
    debt = machine.holding(accounts[0]).owed[dai.key]
    assert debt > PLENTY
    assert put(machine, accounts[0], dai, debt, machine.roles["stranger"])
    assert dai.key not in machine.holding(accounts[0]).owed


def test_put__a_debt_beyond_plenty__leaves_its_payer_what_he_had(
    machine: Machine, dai: Asset, accounts: list[int]
) -> None:
    payer = machine.roles["stranger"]
    before = machine.balance(dai.token, payer)
    put(machine, accounts[0], dai, machine.holding(accounts[0]).owed[dai.key], payer)
    assert machine.balance(dai.token, payer) == before
    assert put(machine, accounts[1], dai, dai.unit, payer)


def test_flash_loan__a_fee_beyond_plenty__is_paid(machine: Machine, dai: Asset, accounts: list[int]) -> None:
    m = machine
    fees = m.fn("LendingPool.set_fees")(0, WAD // 100)
    m.call("", "LendingPool.set_fees", m.roles["owner"], fees, {""}, to=dai.pool)
    grow(m, dai, 300 * PLENTY)
    assert put(m, accounts[0], dai, m.holding(accounts[0]).owed[dai.key], m.roles["stranger"])
    assert m.pool(dai).cash // 100 > PLENTY
    flash_loan(m, Draws(None, [m.assets.index(dai), ALL]))
    assert m.stats.flows["", "LendingPool.flashLoan", ""] == 1


def test_everybody_leaves__debts_beyond_plenty__are_repaid(machine: Machine, dai: Asset, accounts: list[int]) -> None:
    everybody_leaves(machine, Draws(None))
    assert all(machine.holding(account).owed == {} for account in accounts)


def test_everybody_leaves__debts_at_the_ledgers_limit__are_repaid(
    machine: Machine, dai: Asset, accounts: list[int]
) -> None:
    grow(machine, dai, LEDGER_LIMIT)
    everybody_leaves(machine, Draws(None))
    assert all(machine.holding(account).owed == {} for account in accounts)
