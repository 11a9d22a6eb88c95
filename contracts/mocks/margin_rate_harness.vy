# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The margin_rate module, deployable for tests
@license AGPL-3.0
"""

from contracts.interfaces import IRiskEngine
from contracts.modules import margin_rate

initializes: margin_rate
exports: (margin_rate.initial_ratio, margin_rate.notice)


@deploy
def __init__(initial_ratio: uint256, notice: uint256):
    margin_rate.__init__(initial_ratio, notice)


@external
def list(key: uint256, parameters: IRiskEngine.MarginParameters):
    margin_rate._list(key, parameters)


@external
def set(key: uint256, parameters: IRiskEngine.MarginParameters):
    margin_rate._set(key, parameters)


@external
def settle(key: uint256):
    margin_rate._settle(key)


@view
@external
def now(key: uint256, at_time: uint256) -> (uint256, uint256, uint256):
    return margin_rate._now(key, at_time)


@view
@external
def rate(key: uint256, worth: uint256, at_time: uint256) -> uint256:
    return margin_rate._rate(key, worth, at_time)


@view
@external
def requirements(key: uint256, worth: uint256) -> (uint256, uint256):
    return margin_rate._requirements(key, worth)


@view
@external
def state(key: uint256) -> IRiskEngine.Margin:
    return margin_rate._state(key)
