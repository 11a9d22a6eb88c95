# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A contract that answers every call with what a test put there
@notice Stands in for any contract that misbehaves. Never deployed to a live network.
@dev What was not scripted is answered with nothing. Nothing stops it, nothing is restricted.
"""

FAIL: constant(uint256) = 1
BURN: constant(uint256) = 2

answers: HashMap[bytes4, Bytes[1024]]
manners: HashMap[bytes4, uint256]


@external
def script(selector: bytes4, manner: uint256, answer: Bytes[1024]):
    """
    @notice Set what calls with a selector get; anyone may call
    @param selector Of the function that is called
    @param manner 0 returns the answer, 1 reverts with it, 2 burns all gas
    @param answer Any bytes
    """
    assert manner <= BURN, "scripted: manner"
    self.answers[selector] = answer
    self.manners[selector] = manner


@external
@payable
@raw_return
def __default__() -> Bytes[1024]:
    selector: bytes4 = convert(slice(msg.data, 0, 4), bytes4)
    manner: uint256 = self.manners[selector]
    if manner == FAIL:
        raw_revert(self.answers[selector])
    assert manner != BURN, UNREACHABLE
    return self.answers[selector]
