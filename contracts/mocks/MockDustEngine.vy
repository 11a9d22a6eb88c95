# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title An engine with nothing but an account that liquidations left something in
@license AGPL-3.0
@notice For tests of the reserve fund. Anyone may set it. It pays from tokens of its own.
@dev No lock: it makes the call that was set while it pays.
"""

from ethereum.ercs import IERC20

MAX_DATA: constant(uint256) = 4_096

keys: HashMap[address, uint256]
pools: HashMap[address, address]
balances: HashMap[uint256, HashMap[address, uint256]]
shortfall: public(uint256)
target: public(address)
data: public(Bytes[MAX_DATA])


@external
def add_asset(token: address, key: uint256, pool: address):
    """
    @notice List a token.
    """
    self.keys[token] = key
    self.pools[token] = pool


@external
def set_balance(account: uint256, token: address, balance: uint256):
    """
    @notice What an account has.
    """
    self.balances[account][token] = balance


@external
def set_shortfall(shortfall: uint256):
    """
    @notice Pay so much less than asked for, from now on.
    """
    self.shortfall = shortfall


@external
def set_call(target: address, data: Bytes[MAX_DATA]):
    """
    @notice What to call in every withdrawal.
    """
    self.target = target
    self.data = data


@external
def withdraw(account: uint256, token: address, amount: uint256, to: address, max_borrow: uint256) -> uint256:
    """
    @notice Pay an account's owner.
    """
    assert convert(account >> 96, address) == msg.sender, "engine: not the owner"
    assert max_borrow == 0, "engine: max_borrow"
    self.balances[account][token] -= amount
    if self.target != empty(address):
        raw_call(self.target, self.data)
    assert extcall IERC20(token).transfer(to, amount - self.shortfall, default_return_value=True), "token: transfer failed"
    return 0


@view
@external
def asset_of(token: address) -> (uint256, address):
    """
    @return Key and pool of a token.
    """
    return self.keys[token], self.pools[token]


@view
@external
def balance_of(account: uint256, token: address) -> uint256:
    """
    @return What an account has.
    """
    return self.balances[account][token]
