# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy off
"""
@title A flash borrower that does what it is told, for tests
@license AGPL-3.0
@notice In its first callback it runs its plan, a list of calls, and records what the lender's views say. Nothing is
        restricted. No lock: a loan within a loan calls it back.
"""

from ethereum.ercs import IERC20

from contracts.interfaces import IFlashBorrower

implements: IFlashBorrower


struct Call:
    target: address
    data: Bytes[1024]


struct Loan:
    lender: address
    initiator: address
    token: address
    amount: uint256
    fee: uint256
    data: Bytes[4096]
    held: uint256            # of the token, when called
    total_assets: uint256    # the lender's, when called; the largest number where its view reverts
    max_withdraw: uint256    # this contract's own, likewise

interface Lender:
    def flashLoan(receiver: address, token: address, amount: uint256, data: Bytes[4096]) -> bool: nonpayable
    def maxFlashLoan(token: address) -> uint256: view

answer: public(bytes32)
plan: DynArray[Call, 6]
loans: public(DynArray[Loan, 6])


@deploy
def __init__():
    self.answer = keccak256("ERC3156FlashBorrower.onFlashLoan")


@external
def set_answer(answer: bytes32):
    self.answer = answer


@external
def set_plan(plan: DynArray[Call, 6]):
    self.plan = plan


@external
def act(target: address, data: Bytes[1024]):
    """
    @notice Call anything as this contract.
    """
    raw_call(target, data)


@external
def borrow_most(lender: Lender, token: address):
    """
    @notice Take the largest loan that the lender names, for itself.
    """
    extcall lender.flashLoan(self, token, staticcall lender.maxFlashLoan(token), b"most")


@external
def onFlashLoan(initiator: address, token: address, amount: uint256, fee: uint256, data: Bytes[4096]) -> bytes32:
    self.loans.append(
        Loan(
            lender=msg.sender,
            initiator=initiator,
            token=token,
            amount=amount,
            fee=fee,
            data=data,
            held=staticcall IERC20(token).balanceOf(self),
            total_assets=self._read(msg.sender, abi_encode(b"", method_id=method_id("totalAssets()"))),
            max_withdraw=self._read(msg.sender, abi_encode(self, method_id=method_id("maxWithdraw(address)"))),
        )
    )
    if len(self.loans) == 1:
        for step: Call in self.plan:
            raw_call(step.target, step.data)
    return self.answer


@view
@internal
def _read(lender: address, data: Bytes[100]) -> uint256:
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(lender, data, max_outsize=32, is_static_call=True, revert_on_failure=False)
    if not success:
        return max_value(uint256)
    return abi_decode(answer, uint256)
