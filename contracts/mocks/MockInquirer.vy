# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title What stands before another contract, passes every question on to it, and asks one of its own first
@license AGPL-3.0
@notice For tests of what can be read half-way through a call. Anyone may set it up. Never deployed to a live network.
@dev No lock. It makes static calls alone.
"""

target: address
asked: address
question: Bytes[256]


@external
def set_target(target: address):
    """
    @notice Whom every question is passed on to.
    """
    self.target = target


@external
def set_question(asked: address, question: Bytes[256]):
    """
    @notice What to ask whom from now on before any question is passed on; there is no answer to anybody while this has none.
    @param asked The zero address for nobody.
    """
    self.asked = asked
    self.question = question


@external
@raw_return
def __default__() -> Bytes[1024]:
    """
    @dev Errors: "inquirer: no answer", and the target's.
    """
    if self.asked != empty(address):
        assert raw_call(
            self.asked, self.question, is_static_call=True, revert_on_failure=False
        ), "inquirer: no answer"
    return raw_call(self.target, msg.data, max_outsize=1024, is_static_call=True)
