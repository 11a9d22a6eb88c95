# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
# pragma nonreentrancy on
"""
@title A lending pool that can be put into any state, for tests
@license AGPL-3.0
@notice LendingPool itself, plus a door that no product has.
"""

from contracts import LendingPool
from contracts.interfaces import ILendingPool
from contracts.modules import pool_ledger
from snekmate.tokens import erc20

initializes: LendingPool
uses: pool_ledger
uses: erc20

exports: LendingPool.__interface__


@deploy
def __init__(
    asset_: address,
    name_: String[25],
    symbol_: String[5],
    engine_: address,
    fund_: address,
    owner_: address,
    guardian_: address,
    rates: ILendingPool.RateParameters,
    initial_rate_at_target: uint256,
    supply_cap: uint256,
    borrow_cap: uint256,
    reserve_factor: uint256,
    flash_fee: uint256,
):
    LendingPool.__init__(
        asset_,
        name_,
        symbol_,
        engine_,
        fund_,
        owner_,
        guardian_,
        rates,
        initial_rate_at_target,
        supply_cap,
        borrow_cap,
        reserve_factor,
        flash_fee,
    )


@external
def force(ledger: ILendingPool.Ledger, account: uint256, debt_shares: uint256, holder: address, shares: uint256):
    """
    @notice Write a ledger, one account's debt shares, and one holder's shares on top of those that exist.
    """
    pool_ledger._store(ledger)
    LendingPool.debt_shares_of[account] = debt_shares
    erc20._mint(holder, shares)
