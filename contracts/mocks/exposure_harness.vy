# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title The exposure module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import exposure


@pure
@external
def pack(key: uint256, debt: bool, amount: uint256) -> uint256:
    return exposure._pack(key, debt, amount)


@pure
@external
def unpack(packed: uint256) -> (uint256, bool, uint256):
    return exposure._unpack(packed)


@pure
@external
def worth(amount: uint256, price: uint256) -> uint256:
    return exposure._worth(amount, price)


@pure
@external
def owed_worth(amount: uint256, price: uint256) -> uint256:
    return exposure._owed_worth(amount, price)
