# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A swapper that does what an attacker tells it to before it delivers
@license AGPL-3.0
@notice For tests. Anyone may drive it. It can own accounts and lend (`execute`), act inside a swap (`set_swap`) and inside a flash loan's
        callback (`set_callback`); what its calls did is kept in `succeeded` and `results`.
@dev No lock: being entered again is its trade.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import ISwapper

implements: ISwapper

MAX_DATA: constant(uint256) = 4096
MAX_RESULT: constant(uint256) = 256
FLASH_LOAN_SUCCESS: constant(bytes32) = keccak256("ERC3156FlashBorrower.onFlashLoan")

struct Action:
    target: address
    data: Bytes[MAX_DATA]

swap_actions: DynArray[Action, 8]
callback_actions: DynArray[Action, 8]
bubbling: bool
delivery: uint256
succeeded: public(DynArray[bool, 16])
results: public(DynArray[Bytes[MAX_RESULT], 16])


@external
def set_swap(actions: DynArray[Action, 8], delivery: uint256, bubbling: bool):
    """
    @notice What to do in the next swaps.
    @param delivery Raw units of the bought token sent afterwards.
    @param bubbling Whether a failing action fails the swap, with the action's own reason.
    """
    self.swap_actions = actions
    self.delivery = delivery
    self.bubbling = bubbling


@external
def set_callback(actions: DynArray[Action, 8]):
    """
    @notice What to do in a flash loan's callback; a failing action fails the loan.
    """
    self.callback_actions = actions


@external
@payable
def execute(target: address, data: Bytes[MAX_DATA]) -> Bytes[MAX_RESULT]:
    """
    @notice Call anything in this contract's name.
    """
    return raw_call(target, data, max_outsize=MAX_RESULT, value=msg.value)


@external
def swap(sell: address, buy: address, amount: uint256, min_buy: uint256, to: address, data: Bytes[1024]):
    """
    @notice Do the actions, then deliver.
    """
    self.succeeded = []
    self.results = []
    for action: Action in self.swap_actions:
        success: bool = False
        result: Bytes[MAX_RESULT] = b""
        success, result = raw_call(action.target, action.data, max_outsize=MAX_RESULT, revert_on_failure=False)
        if self.bubbling and not success:
            raw_revert(result)
        self.succeeded.append(success)
        self.results.append(result)
    if self.delivery != 0:
        assert extcall IERC20(buy).transfer(to, self.delivery, default_return_value=True), "swapper: transfer failed"


@external
def onFlashLoan(initiator: address, token: address, amount: uint256, fee: uint256, data: Bytes[1024]) -> bytes32:
    """
    @notice Do the actions of a flash loan, then let the lender take it back.
    """
    for action: Action in self.callback_actions:
        raw_call(action.target, action.data)
    extcall IERC20(token).approve(msg.sender, amount + fee, default_return_value=True)
    return FLASH_LOAN_SUCCESS
