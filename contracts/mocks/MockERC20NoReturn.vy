# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A token whose functions return nothing, as USDT does
@notice Anyone may mint and burn. Never deployed to a live network.
@dev Reverts as MockERC20 does; it calls nobody, so it carries no lock.
"""

from contracts.mocks.modules import mock_erc20

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


@deploy
def __init__(name: String[32], symbol: String[32], decimals: uint8):
    """
    @param name The token's name
    @param symbol The token's symbol
    @param decimals The number of decimals a screen shows
    """
    mock_erc20.__init__(name, symbol, decimals)


@external
def transfer(to: address, amount: uint256):
    """
    @notice Move the caller's tokens
    @param to Who receives them
    @param amount Raw units, at most the caller's balance
    """
    assert mock_erc20._move(msg.sender, to, amount), "erc20: balance"


@external
def transferFrom(owner: address, to: address, amount: uint256):
    """
    @notice Move the tokens of an owner who approved the caller
    @param owner Whose tokens move
    @param to Who receives them
    @param amount Raw units, at most the balance and the caller's allowance
    """
    assert mock_erc20._spend(owner, msg.sender, amount), "erc20: allowance"
    assert mock_erc20._move(owner, to, amount), "erc20: balance"


@external
def approve(spender: address, amount: uint256):
    """
    @notice Let `spender` move up to `amount` of the caller's tokens
    @param spender Who may move them
    @param amount Raw units; the largest number means without end
    """
    mock_erc20._approve(msg.sender, spender, amount)
