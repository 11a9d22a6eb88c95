# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The module pool_words, deployable for tests
@license AGPL-3.0
"""

from contracts.interfaces import ILendingPool
from contracts.modules import pool_words


@pure
@external
def pack(ledger: ILendingPool.Ledger) -> (uint256, uint256):
    return pool_words._totals(ledger), pool_words._debts(ledger)


@pure
@external
def unpack(totals: uint256, debts: uint256) -> ILendingPool.Ledger:
    return pool_words._unpack(totals, debts)


@pure
@external
def configure(
    word: uint256,
    supply_cap: uint256,
    borrow_cap: uint256,
    reserve_factor: uint256,
    flash_fee: uint256,
    parameters: ILendingPool.RateParameters,
    provisioned: bool,
) -> uint256:
    configuration: uint256 = pool_words._with_caps(word, supply_cap, borrow_cap)
    configuration = pool_words._with_fees(configuration, reserve_factor, flash_fee)
    configuration = pool_words._with_rate_parameters(configuration, parameters)
    return pool_words._with_provisioned(configuration, provisioned)


@pure
@external
def read(word: uint256) -> (uint256, uint256, uint256, uint256, ILendingPool.RateParameters, bool):
    return (
        pool_words._supply_cap(word),
        pool_words._borrow_cap(word),
        pool_words._reserve_factor(word),
        pool_words._flash_fee(word),
        pool_words._rate_parameters(word),
        pool_words._is_provisioned(word),
    )
