# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title A swapper with fixed rates and an inventory of its own
@license AGPL-3.0
@notice For devnets and tests. Anyone may set it. It does not look at `min_buy`: whoever trades through it has to.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import ISwapper

implements: ISwapper

WAD: constant(uint256) = 10**18

rates: public(HashMap[address, HashMap[address, uint256]])
shortfall: public(uint256)


@external
def set_rate(sell: address, buy: address, rate: uint256):
    """
    @notice Pay `rate` / 1e18 raw units of `buy` for one of `sell` from now on.
    """
    self.rates[sell][buy] = rate


@external
def set_shortfall(shortfall: uint256):
    """
    @notice Deliver so many raw units less than the rate says, from now on.
    """
    self.shortfall = shortfall


@view
@external
def quote(sell: address, buy: address, amount: uint256) -> uint256:
    """
    @notice What a swap would deliver, rounded down.
    """
    return amount * self.rates[sell][buy] // WAD - self.shortfall


@external
def swap(sell: address, buy: address, amount: uint256, min_buy: uint256, to: address, data: Bytes[1024]):
    """
    @notice Deliver the rate, or exactly what `data` says if it is one word.
    """
    bought: uint256 = 0
    if len(data) == 32:
        bought = convert(slice(data, 0, 32), uint256)
    else:
        bought = amount * self.rates[sell][buy] // WAD - self.shortfall
    if bought != 0:
        assert extcall IERC20(buy).transfer(to, bought, default_return_value=True), "swapper: transfer failed"
