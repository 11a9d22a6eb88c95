# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A token whose answers are attacks
@notice Whoever deployed it says how it answers. Never deployed to a live network.
@dev It carries no lock, so that it can try to be entered from itself.
"""

from ethereum.ercs import IERC20
from contracts.mocks.modules import mock_erc20

implements: IERC20
initializes: mock_erc20

exports: (
    mock_erc20.name,
    mock_erc20.symbol,
    mock_erc20.totalSupply,
    mock_erc20.balanceOf,
    mock_erc20.allowance,
    mock_erc20.mint,
)

BOMB: constant(uint256) = 4_096

flag Habit:
    HONEST
    REVERTS    # decimals() fails
    BURNS      # decimals() uses up all gas
    BOMBS      # decimals() answers 128 kB, the first word of which is right
    SHORT      # decimals() answers 31 bytes
    LIES       # decimals() tells one caller something else than others
    ENTERS     # decimals() makes a call

habit: public(Habit)
told: uint256
told_to: address
target: address
payload: Bytes[1024]


@deploy
def __init__(name: String[32], symbol: String[32], decimals: uint8):
    mock_erc20.__init__(name, symbol, decimals)
    self.habit = Habit.HONEST


@external
def behave(habit: Habit):
    """
    @notice Change the habit; anyone may call
    """
    self.habit = habit


@external
def lie(to: address, decimals: uint256):
    """
    @notice Tell one caller other decimals from now on; anyone may call
    """
    self.habit = Habit.LIES
    self.told_to = to
    self.told = decimals


@external
def enter(target: address, payload: Bytes[1024]):
    """
    @notice Make a call whenever decimals are asked for; anyone may call
    """
    self.habit = Habit.ENTERS
    self.target = target
    self.payload = payload


@external
@raw_return
def decimals() -> Bytes[BOMB * 32]:
    """
    @notice By the habit
    """
    decimals: uint256 = convert(mock_erc20.decimals, uint256)
    if self.habit == Habit.REVERTS:
        raise "hostile: no decimals"
    if self.habit == Habit.BURNS:
        for i: uint256 in range(2**64):
            decimals = (decimals + 1) % 2**64
    if self.habit == Habit.BOMBS:
        bomb: uint256[BOMB] = empty(uint256[BOMB])
        bomb[0] = decimals
        return abi_encode(bomb)
    if self.habit == Habit.SHORT:
        return slice(abi_encode(decimals), 0, 31)
    if self.habit == Habit.LIES and msg.sender == self.told_to:
        decimals = self.told
    if self.habit == Habit.ENTERS:
        raw_call(self.target, self.payload)
    return abi_encode(decimals)


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Move the caller's tokens
    """
    assert mock_erc20._move(msg.sender, to, amount), "erc20: balance"
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Move the tokens of an owner who approved the caller
    """
    assert mock_erc20._spend(owner, msg.sender, amount), "erc20: allowance"
    assert mock_erc20._move(owner, to, amount), "erc20: balance"
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let `spender` move up to `amount` of the caller's tokens
    """
    mock_erc20._approve(msg.sender, spender, amount)
    return True
