# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title One signed balance in one word, and what it is worth
@license AGPL-3.0
@notice Layout, from the low end:

            amount 128 | free 55 | debt 1 | key 72

        `value = amount * price / 1e18` in WAD dollars; what the account has rounds down, what it owes rounds up, so that
        a debt of one raw unit is worth at least one wei of a dollar at every price that is not zero.
@dev Pure and total: amounts and prices below 2**128 cannot overflow, and the free bits are ignored.
"""

WAD: constant(uint256) = 10**18
AMOUNT: constant(uint256) = 2**128 - 1
DEBT: constant(uint256) = 1 << 183
KEY_BITS: constant(uint256) = 184


@pure
@internal
def _pack(key: uint256, debt: bool, amount: uint256) -> uint256:
    """
    @param key An asset key, below 2**72.
    @param amount Raw units, below 2**128.
    """
    return key << KEY_BITS | (DEBT if debt else 0) | amount


@pure
@internal
def _unpack(exposure: uint256) -> (uint256, bool, uint256):
    """
    @return Asset key, whether it is owed, raw units.
    """
    return exposure >> KEY_BITS, exposure & DEBT != 0, exposure & AMOUNT


@pure
@internal
def _worth(amount: uint256, price: uint256) -> uint256:
    """
    @return WAD dollars of a positive balance, rounded down.
    """
    return unsafe_div(unsafe_mul(amount, price), WAD)


@pure
@internal
def _owed_worth(amount: uint256, price: uint256) -> uint256:
    """
    @return WAD dollars of a debt, rounded up.
    @dev (2**128 - 1)**2 + 1e18 is below 2**256.
    """
    return unsafe_div(unsafe_add(unsafe_mul(amount, price), WAD - 1), WAD)
