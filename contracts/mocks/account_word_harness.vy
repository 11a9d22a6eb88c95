# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title The account_word module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import account_word


@pure
@external
def account(owner: address, index: uint256) -> uint256:
    return account_word._account(owner, index)


@pure
@external
def owner(account: uint256) -> address:
    return account_word._owner(account)


@pure
@external
def held(word: uint256) -> uint256:
    return account_word._held(word)


@pure
@external
def owed(word: uint256) -> uint256:
    return account_word._owed(word)


@pure
@external
def holds(word: uint256, key: uint256) -> bool:
    return account_word._holds(word, key)


@pure
@external
def owes(word: uint256, key: uint256) -> bool:
    return account_word._owes(word, key)


@pure
@external
def at_risk(word: uint256) -> bool:
    return account_word._at_risk(word)


@pure
@external
def hold(word: uint256, key: uint256) -> uint256:
    return account_word._hold(word, key)


@pure
@external
def owe(word: uint256, key: uint256) -> uint256:
    return account_word._owe(word, key)


@pure
@external
def release(word: uint256, key: uint256) -> uint256:
    return account_word._release(word, key)


@pure
@external
def clear(word: uint256, key: uint256) -> uint256:
    return account_word._clear(word, key)


@pure
@external
def within_limits(word: uint256) -> bool:
    return account_word._within_limits(word)


@pure
@external
def first(field: uint256) -> uint256:
    return account_word._first(field)
