# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title The keeper's contract of the gas measurements
@notice Starts an auction, takes from it into an account of its own and repays what it assumed from cash in hand, in one transaction.
        Never deployed to a live network.
@dev Anyone may drive it, and spend what it holds. It keeps nothing, so it carries no lock.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import IMarginEngine


@external
def approve(token: address, spender: address):
    """
    @notice Let `spender` move all of the contract's tokens. Anyone.
    """
    extcall IERC20(token).approve(spender, max_value(uint256))


@external
def deposit(engine: address, account: uint256, token: address, amount: uint256):
    """
    @notice Deposit the contract's tokens into an account of its own. Anyone.
    """
    extcall IMarginEngine(engine).deposit(account, token, amount)


@external
def liquidate(engine: address, account: uint256, fraction: uint256, to_account: uint256, token: address, amount: uint256):
    """
    @notice Start an auction of `account`, take `fraction` of it into `to_account`, and repay `amount` of `token` there. Anyone.
    """
    extcall IMarginEngine(engine).liquidate(account)
    extcall IMarginEngine(engine).take(account, fraction, to_account, min_value(int256))
    extcall IMarginEngine(engine).deposit(to_account, token, amount)
