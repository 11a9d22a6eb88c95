# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy off
"""
@title A flash borrower that does what it is told, for tests
@license AGPL-3.0
@notice In its first callback it runs its plan, a list of calls, and records what the lender's views say. Nothing is restricted. No lock:
        a loan within a loan calls it back.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC4626

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
    total_assets: uint256    # the lender's, when called
    max_withdraw: uint256    # this contract's own, when called

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
            total_assets=staticcall IERC4626(msg.sender).totalAssets(),
            max_withdraw=staticcall IERC4626(msg.sender).maxWithdraw(self),
        )
    )
    if len(self.loans) == 1:
        for step: Call in self.plan:
            raw_call(step.target, step.data)
    return self.answer
