# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title What a call from a contract costs
@notice Measures views for the gas report. Never deployed to a live network.
@dev Keeps nothing and trusts nothing.
"""

from contracts.interfaces import IPriceSource

event Measured:
    gas: uint256


@external
def measure_read(source: address):
    """
    @notice Log the gas that this contract spends on `source.read()`, all in: the first touch of every contract and slot, and
            the answer's decoding.
    """
    before: uint256 = msg.gas
    reading: IPriceSource.Reading = staticcall IPriceSource(source).read()
    log Measured(gas=before - msg.gas)
