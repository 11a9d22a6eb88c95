# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title A contract wallet that signs by ERC-1271
@license AGPL-3.0
@notice For tests. Whoever deployed it drives it and says which hashes it signed.
"""

MAGIC: constant(bytes4) = 0x1626BA7E
MAX_DATA: constant(uint256) = 4096

OWNER: immutable(address)

signed: public(HashMap[bytes32, bool])
failing: public(bool)
asked: public(address)
question: public(Bytes[MAX_DATA])


@deploy
def __init__():
    OWNER = msg.sender


@external
def sign(hash: bytes32, valid: bool):
    """
    @notice Sign a hash, or take the signature back. Owner only.
    """
    assert msg.sender == OWNER, "wallet: owner only"
    self.signed[hash] = valid


@external
def set_failing(failing: bool):
    """
    @notice Revert whenever a signature is asked for, from now on. Owner only.
    """
    assert msg.sender == OWNER, "wallet: owner only"
    self.failing = failing


@external
def set_question(asked: address, question: Bytes[MAX_DATA]):
    """
    @notice Ask this whenever a signature is asked for, from now on, and revert if there is no answer. Owner only.
    """
    assert msg.sender == OWNER, "wallet: owner only"
    self.asked = asked
    self.question = question


@external
def execute(target: address, data: Bytes[MAX_DATA]) -> Bytes[256]:
    """
    @notice Call anything in the wallet's name. Owner only.
    """
    assert msg.sender == OWNER, "wallet: owner only"
    return raw_call(target, data, max_outsize=256)


@external
@reentrant
def delegate(target: address, data: Bytes[MAX_DATA]):
    """
    @notice Run anybody's code on the wallet's own storage. Owner only.
    @dev Without the lock, because the code that runs may take it, in the same slot.
    """
    assert msg.sender == OWNER, "wallet: owner only"
    raw_call(target, data, is_delegate_call=True)


@view
@external
def isValidSignature(hash: bytes32, signature: Bytes[65]) -> bytes4:
    """
    @notice The magic value if the hash was signed; the signature itself says nothing.
    """
    assert not self.failing, "wallet: failing"
    if self.asked != empty(address):
        raw_call(self.asked, self.question, is_static_call=True)
    if self.signed[hash]:
        return MAGIC
    return 0xffffffff
