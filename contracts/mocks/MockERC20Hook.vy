# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A token that calls somebody on every transfer, as ERC-777 does
@notice Anyone may mint, burn and set the hook. Never deployed to a live network.
@dev After the balances changed, `target` is called with `data`; what that call does to whom is what tests are about, so
     this token carries no lock. A hook that reverts takes the transfer with it, with the hook's own reason, unless
     `tolerant`; `hook_succeeded` and `hook_result` keep what the last one did. The hook does not run inside itself.
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

MAX_DATA: constant(uint256) = 4_096

target: public(address)
data: public(Bytes[MAX_DATA])
tolerant: public(bool)
hook_calls: public(uint256)
hook_succeeded: public(bool)
hook_result: public(Bytes[1_024])
running: transient(bool)


@deploy
def __init__(name: String[32], symbol: String[32], decimals: uint8):
    """
    @param name The token's name
    @param symbol The token's symbol
    @param decimals The number of decimals a screen shows
    """
    mock_erc20.__init__(name, symbol, decimals)


@external
def set_hook(target: address, data: Bytes[MAX_DATA], tolerant: bool):
    """
    @notice Set what is called on every transfer; anyone may call
    @param target Whom to call, the zero address for nobody
    @param data The calldata
    @param tolerant Whether a transfer survives a hook that reverts
    """
    self.target = target
    self.data = data
    self.tolerant = tolerant


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Move the caller's tokens
    @param to Who receives them
    @param amount Raw units, at most the caller's balance
    @return Always True; a failure reverts
    """
    self._move_and_call(msg.sender, to, amount)
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
    self._move_and_call(owner, to, amount)
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
def _move_and_call(sender: address, to: address, amount: uint256):
    assert mock_erc20._move(sender, to, amount), "erc20: balance"
    if self.target == empty(address) or self.running:
        return
    self.running = True
    self.hook_calls += 1
    if self.tolerant:
        self.hook_succeeded, self.hook_result = raw_call(
            self.target, self.data, max_outsize=1_024, revert_on_failure=False
        )
    else:
        self.hook_result = raw_call(self.target, self.data, max_outsize=1_024)
        self.hook_succeeded = True
    self.running = False
