# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A token that returns False where others revert
@notice Anyone may mint and burn. Never deployed to a live network.
@dev `set_refusing` makes every transfer return False and move nothing. It calls nobody, so it carries no lock.
"""

from ethereum.ercs import IERC20
from contracts.mocks.modules import mock_erc20

implements: IERC20
initializes: mock_erc20

exports: (
    mock_erc20.name,
    mock_erc20.symbol,
    mock_erc20.decimals,
    mock_erc20.totalSupply,
    mock_erc20.balanceOf,
    mock_erc20.allowance,
    mock_erc20.mint,
    mock_erc20.burn,
)

refusing: public(bool)


@deploy
def __init__(name: String[32], symbol: String[32], decimals: uint8):
    """
    @param name The token's name
    @param symbol The token's symbol
    @param decimals The number of decimals a screen shows
    """
    mock_erc20.__init__(name, symbol, decimals)


@external
def set_refusing(refusing: bool):
    """
    @notice Make every transfer fail from now on, or end that; anyone may call
    @param refusing Whether transfers fail
    """
    self.refusing = refusing


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Move the caller's tokens
    @param to Who receives them
    @param amount Raw units, at most the caller's balance
    @return Whether it moved
    """
    return not self.refusing and mock_erc20._move(msg.sender, to, amount)


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Move the tokens of an owner who approved the caller
    @param owner Whose tokens move
    @param to Who receives them
    @param amount Raw units, at most the balance and the caller's allowance
    @return Whether it moved; an allowance that was too small is left as it is
    """
    if self.refusing or mock_erc20.balanceOf[owner] < amount:
        return False
    return mock_erc20._spend(owner, msg.sender, amount) and mock_erc20._move(owner, to, amount)


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let `spender` move up to `amount` of the caller's tokens
    @param spender Who may move them
    @param amount Raw units; the largest number means without end
    @return Always True
    """
    mock_erc20._approve(msg.sender, spender, amount)
    return True
