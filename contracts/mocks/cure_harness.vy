# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The cure module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import cure

initializes: cure

exports: (cure.sequencer_feed, cure.cure_window)


@deploy
def __init__(sequencer_feed: address, cure_window: uint256):
    cure.__init__(sequencer_feed, cure_window)


@view
@external
def is_open(answer: Bytes[96]) -> bool:
    return cure._is_open(answer)


@view
@external
def last_good(answer: Bytes[96]) -> (uint256, uint256):
    return cure._last_good(answer)


@view
@external
def granted(debt: bool, mid: uint256, favourable: uint256, last_good: uint256) -> uint256:
    return cure._granted(debt, mid, favourable, last_good)
