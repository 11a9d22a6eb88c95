# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title VaultSwapper
@license AGPL-3.0
@notice Turns shares of an ERC-4626 vault into its asset by redeeming them, and the asset into shares by depositing it. The whole amount
        goes one way, so it holds nothing between calls; what is left here by mistake belongs to whoever calls next.
@dev Nobody owns it and nothing stops it but the vault: its cash, its caps, its own rules. Anyone may call: it has no allowance that
     outlives a call and no state. Whatever contract says that it is a vault is believed, also in what it says it paid: it gets what its
     caller brought and nothing else, and the engine measures what arrived.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC4626

from contracts.interfaces import ISwapper

implements: ISwapper


@external
def swap(sell: address, buy: address, amount: uint256, min_buy: uint256, to: address, data: Bytes[1024]):
    """
    @notice Redeem or deposit exactly `amount` of `sell`, which this contract already holds. Anyone may call.
    @param sell Shares of a vault of `buy`, or the asset of the vault `buy`
    @param buy What comes out
    @param amount Raw units
    @param min_buy Least raw units of `buy` that the vault says it paid
    @param to Receives `buy` from the vault
    @param data Empty
    @dev Errors: "swapper: zero amount", "swapper: recipient", "swapper: data", "swapper: no vault", "swapper: partial fill",
         "swapper: min buy", the tokens' and the vault's.
    """
    assert amount != 0, "swapper: zero amount"
    assert to != empty(address) and to != self, "swapper: recipient"
    assert len(data) == 0, "swapper: data"
    held: uint256 = staticcall IERC20(sell).balanceOf(self)
    bought: uint256 = 0
    if self._asset_of(sell) == buy:
        bought = extcall IERC4626(sell).redeem(amount, to, self)
    else:
        assert self._asset_of(buy) == sell, "swapper: no vault"
        self._approve(sell, buy, amount)
        bought = extcall IERC4626(buy).deposit(amount, to)
        self._approve(sell, buy, 0)
    assert staticcall IERC20(sell).balanceOf(self) + amount == held, "swapper: partial fill"
    assert bought >= min_buy, "swapper: min buy"


@view
@internal
def _asset_of(vault: address) -> address:
    """
    @notice The asset of an ERC-4626 vault; the zero address for whatever does not say that it is one.
    """
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        vault, method_id("asset()"), max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    if not success or len(answer) != 32:
        return empty(address)
    return convert(convert(answer, uint256) & (2**160 - 1), address)


@internal
def _approve(token: address, spender: address, amount: uint256):
    """
    @notice Let a vault take so much. A token that refuses without a revert makes the deposit fail.
    """
    extcall IERC20(token).approve(spender, amount, default_return_value=True)
