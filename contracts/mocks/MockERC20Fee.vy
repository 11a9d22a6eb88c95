# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A token that keeps a part of every transfer
@notice Anyone may mint and burn. Never deployed to a live network.
@dev The fee is burned: the receiver gets less than was sent. Reverts as MockERC20 does, and with `erc20: fee`.
     It calls nobody, so it carries no lock.
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

BPS: constant(uint256) = 10_000

fee_bps: public(uint256)


@deploy
def __init__(name: String[32], symbol: String[32], decimals: uint8):
    """
    @param name The token's name
    @param symbol The token's symbol
    @param decimals The number of decimals a screen shows
    """
    mock_erc20.__init__(name, symbol, decimals)


@external
def set_fee(fee_bps: uint256):
    """
    @notice Set what a transfer keeps; anyone may call
    @param fee_bps Basis points of the amount, at most 10,000
    """
    assert fee_bps <= BPS, "erc20: fee"
    self.fee_bps = fee_bps


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Move the caller's tokens
    @param to Who receives them
    @param amount Raw units, at most the caller's balance
    @return Always True; a failure reverts
    """
    self._move_less_fee(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Move the tokens of an owner who approved the caller
    @param owner Whose tokens move
    @param to Who receives them
    @param amount Raw units, at most the balance and the caller's allowance
    @return Always True; a failure reverts
    """
    assert mock_erc20._spend(owner, msg.sender, amount), "erc20: allowance"
    self._move_less_fee(owner, to, amount)
    return True


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


@internal
def _move_less_fee(sender: address, to: address, amount: uint256):
    fee: uint256 = amount * self.fee_bps // BPS
    assert mock_erc20._move(sender, to, amount - fee), "erc20: balance"
    if fee > 0:
        assert mock_erc20._move(sender, empty(address), fee), "erc20: balance"
        mock_erc20.balanceOf[empty(address)] -= fee
        mock_erc20.totalSupply -= fee
