# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A gate that a test opens and shuts
@notice For tests: everybody may set it, and it lets everybody in whom it was not told to refuse. Never deployed to a live network.
@dev It can also make its answer depend on its gas, or on whether a call that it makes succeeds.
"""

from contracts.interfaces import IGate

implements: IGate

refused: public(HashMap[uint256, HashMap[uint256, HashMap[bool, bool]]])
least_gas: uint256
target: address
question: Bytes[1024]


@external
def refuse(account: uint256, key: uint256, owed: bool, refused: bool):
    """
    @notice Refuse an account an asset, or let it in again. Anyone.
    @param account Account id.
    @param key Of the asset.
    @param owed Whether as a debt, or as what it holds.
    @param refused Whether it is refused.
    """
    self.refused[account][key][owed] = refused


@external
def set_least_gas(least: uint256):
    """
    @notice Refuse whoever asks with less gas. Anyone.
    @param least Gas that is left when the gate begins.
    """
    self.least_gas = least


@external
def set_probe(target: address, question: Bytes[1024]):
    """
    @notice Let nobody in while a static call fails. Anyone.
    @param target Who is called; the zero address for nobody.
    @param question The calldata.
    """
    self.target = target
    self.question = question


@view
@external
def allows(account: uint256, key: uint256, owed: bool) -> bool:
    """
    @notice See IGate. Anyone.
    @param account Account id.
    @param key Of the asset.
    @param owed Whether as a debt.
    """
    if msg.gas < self.least_gas:
        return False
    if self.target != empty(address) and not raw_call(
        self.target, self.question, is_static_call=True, revert_on_failure=False
    ):
        return False
    return not self.refused[account][key][owed]
