# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A factory that is its own only pool, and a pool that does not keep to Uniswap's ways
@license AGPL-3.0
@notice For tests of whoever trusts a factory. Anyone may set it up.
@dev No lock: being entered again is its trade.
"""

interface Payer:
    def uniswapV3SwapCallback(amount0_delta: int256, amount1_delta: int256, data: Bytes[32]): nonpayable

asked: DynArray[uint256, 4]
taken: int256
given: int256


@external
def set_up(asked: DynArray[uint256, 4], taken: int256, given: int256):
    """
    @notice In swaps ask for these amounts, one callback each, and say that `taken` came in and `given` went out.
    """
    self.asked = asked
    self.taken = taken
    self.given = given


@view
@external
def getPool(token_a: address, token_b: address, fee: uint24) -> address:
    """
    @notice This contract, whatever the tokens.
    """
    return self


@external
def swap(
    recipient: address, zero_for_one: bool, amount_specified: int256, sqrt_price_limit_x96: uint160, data: Bytes[32]
) -> (int256, int256):
    """
    @notice Ask as set up, pay nothing.
    """
    for amount: uint256 in self.asked:
        extcall Payer(msg.sender).uniswapV3SwapCallback(convert(amount, int256), 0, data)
    if zero_for_one:
        return self.taken, -self.given
    return -self.given, self.taken


@external
def ask(payer: address, amount: uint256):
    """
    @notice Ask for a payment out of turn.
    """
    extcall Payer(payer).uniswapV3SwapCallback(convert(amount, int256), 0, b"")
