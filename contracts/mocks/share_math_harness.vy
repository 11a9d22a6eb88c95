# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The module share_math, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import share_math


@pure
@external
def shares_down(assets: uint256, total: uint256, supply: uint256) -> uint256:
    return share_math._shares_down(assets, total, supply)


@pure
@external
def shares_up(assets: uint256, total: uint256, supply: uint256) -> uint256:
    return share_math._shares_up(assets, total, supply)


@pure
@external
def assets_down(shares: uint256, total: uint256, supply: uint256) -> uint256:
    return share_math._assets_down(shares, total, supply)


@pure
@external
def assets_up(shares: uint256, total: uint256, supply: uint256) -> uint256:
    return share_math._assets_up(shares, total, supply)


@pure
@external
def is_ruined(total: uint256, supply: uint256) -> bool:
    return share_math._is_ruined(total, supply)


@pure
@external
def debt_shares_up(amount: uint256, debt: uint256, debt_shares: uint256) -> uint256:
    return share_math._debt_shares_up(amount, debt, debt_shares)


@pure
@external
def debt_shares_down(amount: uint256, debt: uint256, debt_shares: uint256) -> uint256:
    return share_math._debt_shares_down(amount, debt, debt_shares)


@pure
@external
def debt_up(shares: uint256, debt: uint256, debt_shares: uint256) -> uint256:
    return share_math._debt_up(shares, debt, debt_shares)
