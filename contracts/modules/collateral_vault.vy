# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Custody and the ledger of positive balances
@license AGPL-3.0
@notice The importing contract holds the tokens. Every balance change goes through `_credit` and `_debit`, after tokens came and
        before they leave, so the sum of all balances of an asset is never more than the token balance.
@dev Knows no price and lends nothing. Token transfers are `token`'s; the ledger trusts only what the engine measured.
     An asset's record is one word: pool 160 | key 72.
"""

from contracts.modules import account_word

# A balance fits in 112 bits, so that no value computed from one overflows.
MAX_BALANCE: constant(uint256) = 2**112 - 1
ADDRESS: constant(uint256) = 2**160 - 1

balances: HashMap[uint256, HashMap[uint256, uint256]]
records: HashMap[address, uint256]
tokens: HashMap[uint256, address]
pools: HashMap[uint256, address]


@internal
def _add_asset(token: address, key: uint256, pool: address):
    """
    @dev The caller has checked that the risk engine issued `key` for `token` and that `pool` lends it to this engine. A key is
         taken for good: a later risk engine that issues it to another token cannot make two tokens share their balances.
    """
    assert self.records[token] == 0 and self.tokens[key] == empty(address), "vault: added already"
    self.records[token] = convert(pool, uint256) | key << 160
    self.tokens[key] = token
    self.pools[key] = pool


@view
@internal
def _known_asset(token: address) -> (uint256, address):
    """
    @return Asset key and pool of a token that was added.
    """
    record: uint256 = self.records[token]
    assert record != 0, "engine: unknown asset"
    return record >> 160, convert(record & ADDRESS, address)


@view
@internal
def _asset(token: address) -> (uint256, address):
    """
    @return Asset key and pool; (0, zero address) when the token was not added.
    """
    record: uint256 = self.records[token]
    return record >> 160, convert(record & ADDRESS, address)


@internal
def _credit(account: uint256, word: uint256, key: uint256, amount: uint256) -> uint256:
    """
    @notice Add to a balance; the tokens are here already.
    @return The account's word, with the asset in it if the balance is positive.
    """
    if amount == 0:
        return word
    balance: uint256 = self.balances[account][key] + amount
    assert balance <= MAX_BALANCE, "vault: balance limit"
    self.balances[account][key] = balance
    return account_word._hold(word, key)


@internal
def _debit(account: uint256, word: uint256, key: uint256, amount: uint256) -> (uint256, uint256):
    """
    @notice Take from a balance what it has, up to `amount`.
    @return What was taken, and the account's word, without the asset if the balance became zero.
    """
    if not account_word._holds(word, key):
        return 0, word
    balance: uint256 = self.balances[account][key]
    taken: uint256 = min(balance, amount)
    self.balances[account][key] = unsafe_sub(balance, taken)
    if taken == balance:
        return taken, account_word._release(word, key)
    return taken, word


@internal
def _move(
    source: uint256, source_word: uint256, target: uint256, target_word: uint256, key: uint256, amount: uint256
) -> (uint256, uint256):
    """
    @notice Move `amount`, which the source has, to another account.
    @return Both words, without the asset where the balance became zero and with it where it is positive.
    """
    taken: uint256 = 0
    word: uint256 = 0
    taken, word = self._debit(source, source_word, key, amount)
    return word, self._credit(target, target_word, key, taken)
