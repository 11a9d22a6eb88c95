# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title snekmate's ERC-4626 vault
@license AGPL-3.0
@notice For tests: an ordinary vault that somebody else wrote. Its share price follows its balance. Never deployed to a live network.
@dev No lock, like the original.
"""

from ethereum.ercs import IERC20
from snekmate.extensions import erc4626

initializes: erc4626

exports: erc4626.__interface__


@deploy
def __init__(asset: address, decimals_offset: uint8):
    """
    @param asset What is lent
    @param decimals_offset Decimals that shares have more than the asset
    """
    erc4626.__init__("Vault", "VLT", IERC20(asset), decimals_offset, "Vault", "1")
