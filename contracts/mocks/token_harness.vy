# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The token module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import token as tokens


@external
def pull(token: address, source: address, to: address, amount: uint256):
    tokens._pull(token, source, to, amount)


@external
def transfer_from(token: address, source: address, to: address, amount: uint256):
    tokens._transfer_from(token, source, to, amount)


@external
def push(token: address, to: address, amount: uint256):
    tokens._push(token, to, amount)
