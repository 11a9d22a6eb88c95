# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The pool_ledger module, deployable for tests
@license AGPL-3.0
@notice A ledger comes in with each call, as the two words that a pool keeps.
"""

from contracts.interfaces import ILendingPool
from contracts.modules import pool_ledger
from contracts.modules import pool_words

initializes: pool_ledger


@deploy
def __init__(asset: address):
    pool_ledger.__init__(asset, 0)


@external
def accrued(
    totals: uint256, debts: uint256, configuration: uint256
) -> (ILendingPool.Ledger, uint256, uint256, uint256):
    pool_ledger.totals = totals
    pool_ledger.debts = debts
    return pool_ledger._accrued(configuration)


@pure
@external
def utilisation(totals: uint256, debts: uint256) -> uint256:
    return pool_ledger._utilisation(pool_words._unpack(totals, debts))


@pure
@external
def lenders_assets(totals: uint256, debts: uint256) -> uint256:
    return pool_ledger._lenders_assets(pool_words._unpack(totals, debts))


@pure
@external
def reduced(totals: uint256, debts: uint256, amount: uint256, shares: uint256) -> ILendingPool.Ledger:
    return pool_ledger._reduced(pool_words._unpack(totals, debts), amount, shares)
