# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Several calls in one transaction, whatever becomes of each
@license AGPL-3.0
@notice For tests of what lasts for a transaction. Anybody may have it call anything.
"""

struct Answer:
    success: bool
    data: Bytes[1024]


@external
def relay(target: address, calls: DynArray[Bytes[1024], 8]) -> DynArray[Answer, 8]:
    """
    @notice Make calls one after the other; a revert undoes its own call alone.
    @param calls Calldata of each.
    @return What each answered or reverted with, its first 1024 bytes.
    """
    answers: DynArray[Answer, 8] = []
    for data: Bytes[1024] in calls:
        success: bool = False
        answer: Bytes[1024] = b""
        success, answer = raw_call(target, data, max_outsize=1024, revert_on_failure=False)
        answers.append(Answer(success=success, data=answer))
    return answers
