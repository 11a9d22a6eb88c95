"""Cream, October 2021, Inverse, June 2022, and Warp, December 2020: shares priced by what their vault holds just now.

The attacker borrowed a fortune for one transaction, made the vault behind his collateral look rich with it, borrowed
all there was against the dear shares, and took his fortune back. Here a share is worth what redeeming it pays, but no
more than a line that grows by a yearly cap: within a transaction it cannot rise at all.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import reverts
from tests.support.scenario import (
    CAP,
    FLASH_FEE,
    FOREVER,
    MARGIN,
    PRICE_PARAMETERS,
    RATE_AT_TARGET,
    RATES,
    RESERVE_FACTOR,
    Asset,
    World,
)
from tests.unit.liquidation.conftest import WAD

YEARLY_CAP = WAD // 10
MILLION = 10**12


@pytest.fixture
def shared(world: World) -> World:
    """The world with SHARE: a vault of USDC whose share price is its balance over its shares, a million of each."""
    add_share(world)
    return world


def add_share(world: World) -> Asset:
    """List a vault of USDC that anybody can make look rich, priced by VaultShareOracle; return its asset."""
    usdc, deployer, owner = world["USDC"], world.roles["deployer"], world.roles["owner"]
    vault: Any = world.chain.deploy("MockVault", usdc.token, sender=deployer)
    usdc.token.mint(deployer, MILLION, sender=deployer)
    usdc.token.approve(vault, MILLION, sender=deployer)
    vault.deposit(MILLION, deployer, sender=deployer)
    arguments = (vault, usdc.token, usdc.source, 10**12, 2**112 - 1, YEARLY_CAP, owner)
    oracle: Any = world.chain.deploy("VaultShareOracle", *arguments, sender=deployer)
    world.risk_engine.list_asset(vault, False, [oracle], PRICE_PARAMETERS, MARGIN, sender=owner)
    caps = (CAP * 10**6, CAP * 10**6)
    people = (world.engine, world.roles["fund"], owner, world.roles["guardian"])
    terms = (RATES, RATE_AT_TARGET, *caps, RESERVE_FACTOR, FLASH_FEE)
    pool = world.chain.deploy("LendingPool", vault, "Lent SHARE", "pSH", *people, *terms, sender=deployer)
    world.engine.add_asset(vault, pool, sender=owner)
    share = Asset("SHARE", 6, vault, oracle, pool, world.risk_engine.key_of(vault), usdc.price)
    world.assets["SHARE"] = share
    return share


def hold_shares(world: World, holder: Any, account: int, amount: int) -> None:
    """Give a contract shares, and let it deposit them into its account."""
    share, deployer = world["SHARE"], world.roles["deployer"]
    share.token.transfer(holder, amount, sender=deployer)
    approve = share.token.approve.encode(world.engine, amount)
    holder.execute(share.token, approve, sender=world.roles["attacker"])
    deposit = world.engine.deposit.encode(account, share.token, amount)
    holder.execute(world.engine, deposit, sender=world.roles["attacker"])


@pytest.fixture
def attacker(shared: World) -> Any:
    """The attacker's contract, with 100,000 shares in its account and tokens to spend."""
    sender = shared.roles["attacker"]
    contract = shared.chain.deploy("AttackSwapper", sender=sender)
    shared.roles["contract"] = contract.address
    hold_shares(shared, contract, shared.account("contract"), 10**11)
    shared["USDC"].token.mint(contract, 100 * MILLION, sender=sender)
    return contract


@pytest.mark.parametrize("gift", [10**11, MILLION, 50 * MILLION])
def test_gift_and_borrow_in_one_transaction__the_share_is_worth_what_it_was(
    shared: World, attacker: Any, gift: int
) -> None:
    """In the middle of a trade he makes the vault rich; the check at its end knows the price before."""
    engine, usdc, vault, sender = shared.engine, shared["USDC"], shared["SHARE"].token, shared.roles["attacker"]
    key = shared["SHARE"].key
    before = shared.risk_engine.prices([key])[0]
    account = shared.account("contract")
    attacker.set_swap([(usdc.token, usdc.token.transfer.encode(vault, gift))], 0, True, sender=sender)
    trade = (account, usdc.token, 2 * 10**11, 2 * 10**11, shared["WETH"].token, 0, attacker, b"", FOREVER, False)
    with reverts("engine: initial margin"):
        attacker.execute(engine, engine.trade.encode(*trade), sender=sender)
    attacker.execute(usdc.token, usdc.token.transfer.encode(vault, gift), sender=sender)
    assert vault.previewRedeem(10**12) == 10**12 + gift, "what the vault itself says"
    assert shared.risk_engine.prices([key])[0] == before
    borrow = engine.withdraw.encode(account, usdc.token, 2 * 10**11, attacker, 2 * 10**11)
    with reverts("engine: initial margin"):
        attacker.execute(engine, borrow, sender=sender)


def test_a_flash_loan_put_into_the_vault_and_out_again__changes_no_price(shared: World, attacker: Any) -> None:
    """The fortune of one transaction: lent by a pool here, deposited, and redeemed before it goes back."""
    usdc, vault, sender = shared["USDC"], shared["SHARE"].token, shared.roles["attacker"]
    key, loan = shared["SHARE"].key, 10**12
    account = shared.account("contract")
    borrow = shared.engine.withdraw.encode(account, usdc.token, 2 * 10**11, attacker, 2 * 10**11)
    before = shared.risk_engine.prices([key])[0]
    attacker.set_callback(
        [
            (usdc.token, usdc.token.approve.encode(vault, loan)),
            (vault, vault.deposit.encode(loan, attacker)),
            (shared.engine, borrow),
            (vault, vault.redeem.encode(loan, attacker, attacker)),
        ],
        sender=sender,
    )
    flash = usdc.pool.flashLoan.encode(attacker, usdc.token, loan, b"")
    with reverts("engine: initial margin"):
        attacker.execute(usdc.pool, flash, sender=sender)
    assert shared.risk_engine.prices([key])[0] == before


def test_a_loss_of_the_vault__counts_at_once(shared: World, attacker: Any) -> None:
    """The line holds a price down, never up."""
    vault, key = shared["SHARE"].token, shared["SHARE"].key
    before = shared.risk_engine.prices([key])[0].mid
    vault.lose(MILLION // 2, sender=shared.roles["stranger"])
    assert shared.risk_engine.prices([key])[0].mid == before // 2
