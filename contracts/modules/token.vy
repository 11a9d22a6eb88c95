# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Moving ERC-20 tokens of every habit
@license AGPL-3.0
@notice Stateless. Accepts tokens that return nothing, refuses those that return false, and refuses on the way in what
        does not arrive whole (a fee on transfer, a rebase on transfer).
"""

from ethereum.ercs import IERC20


@internal
def _pull(token: address, source: address, to: address, amount: uint256):
    """
    @notice Move `amount` from `source`, who approved this contract, and insist that `to` received exactly that.
    @param amount Raw units.
    @dev Errors: "token: transferFrom failed", "token: received differs", and the token's own. `source` must differ from `to`.
    """
    before: uint256 = staticcall IERC20(token).balanceOf(to)
    self._transfer_from(token, source, to, amount)
    assert unsafe_sub(staticcall IERC20(token).balanceOf(to), before) == amount, "token: received differs"


@internal
def _transfer_from(token: address, source: address, to: address, amount: uint256):
    """
    @notice Move `amount` from `source`, who approved this contract; the caller measures what arrived.
    @param amount Raw units.
    @dev Errors: "token: transferFrom failed", and the token's own.
    """
    assert extcall IERC20(token).transferFrom(
        source, to, amount, default_return_value=True
    ), "token: transferFrom failed"


@internal
def _push(token: address, to: address, amount: uint256):
    """
    @notice Send `amount` of this contract's tokens.
    @param amount Raw units.
    @dev Errors: "token: transfer failed", and the token's own.
    """
    assert extcall IERC20(token).transfer(to, amount, default_return_value=True), "token: transfer failed"
