# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The collateral_vault module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import collateral_vault as vault

initializes: vault


@external
def add_asset(token: address, key: uint256, pool: address):
    vault._add_asset(token, key, pool)


@external
def credit(account: uint256, word: uint256, key: uint256, amount: uint256) -> uint256:
    return vault._credit(account, word, key, amount)


@external
def debit(account: uint256, word: uint256, key: uint256, amount: uint256) -> (uint256, uint256):
    return vault._debit(account, word, key, amount)


@view
@external
def asset(token: address) -> (uint256, address):
    return vault._asset(token)


@view
@external
def balance_of(account: uint256, key: uint256) -> uint256:
    return vault.balances[account][key]


@view
@external
def token_of(key: uint256) -> address:
    return vault.tokens[key]


@view
@external
def pool_of(key: uint256) -> address:
    return vault.pools[key]
