# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title The fixed-rate router of the gas measurements
@notice Swaps at a rate that was set, from its own stock, so that what a trade costs is the protocol's own. As ISwapper it is
        paid by push before it is called. Never deployed to a live network.
@dev Anyone may set the rates. It trusts that it was paid.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import ISwapper

implements: ISwapper

rates: HashMap[address, HashMap[address, uint256]]


@external
def set_rate(sell: address, buy: address, rate: uint256):
    """
    @notice Give `rate` / 1e18 raw units of `buy` for each of `sell`. Anyone.
    """
    self.rates[sell][buy] = rate


@external
def swap(sell: address, buy: address, amount: uint256, min_buy: uint256, to: address, data: Bytes[1024]):
    """
    @notice Send `to` what `amount` of `sell` is worth.
    """
    extcall IERC20(buy).transfer(to, amount * self.rates[sell][buy] // 10**18)
