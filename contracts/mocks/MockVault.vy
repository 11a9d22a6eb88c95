# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A vault whose share price is its balance over its shares, and what can be wrong with such a vault
@license AGPL-3.0
@notice For devnets and tests; anyone may set it up. An ERC-4626 vault without virtual shares: whoever sends it tokens raises its share
        price. It takes a fee on the way out, and its answers can be bent one by one. Never deployed to a live network.
@dev No lock. Half-way through a redemption it lets a listener look: its shares are cheap then where it pays before it burns them,
     and dear where it burns them before it pays.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed

BPS: constant(uint256) = 10_000

REVERT: constant(uint256) = 1
BURN: constant(uint256) = 2

asset: public(immutable(address))
decimals: public(immutable(uint8))
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
exit_fee: public(uint256)   # basis points
greed: uint256   # basis points of an amount that are taken, 0 for all
behaviour: uint256
bends: HashMap[bytes4, uint256]   # by selector: the answer in basis points of the true one, 0 for unbent
pays_first: bool
listener: address
question: Bytes[256]
heard: public(Bytes[256])   # what the listener's answer was, half-way through the last redemption


@deploy
def __init__(asset_: address):
    asset = asset_
    decimals = staticcall IERC20Detailed(asset_).decimals()
    self.pays_first = True


@external
def set_exit_fee(bps: uint256):
    """
    @notice Keep so many basis points of what is redeemed.
    """
    self.exit_fee = bps


@external
def set_greed(bps: uint256):
    """
    @notice From now on take only so many basis points of what is deposited or redeemed.
    """
    self.greed = bps


@external
def set_bend(selector: bytes4, bps: uint256):
    """
    @notice Answer a view by so many basis points of the truth, 0 for the truth.
    """
    self.bends[selector] = bps


@external
def set_behaviour(behaviour: uint256):
    """
    @notice From now on previewRedeem answers (0), reverts (1), uses up all gas (2).
    """
    self.behaviour = behaviour


@external
def set_pays_first(pays_first: bool):
    """
    @notice Whether a redemption pays before it burns the shares (as it does at first), or burns them before it pays.
    """
    self.pays_first = pays_first


@external
def set_listener(listener: address, question: Bytes[256]):
    """
    @notice Whom to call half-way through a redemption, and with what.
    """
    self.listener = listener
    self.question = question


@external
def lose(amount: uint256):
    """
    @notice Lose so many tokens.
    """
    extcall IERC20(asset).transfer(0x000000000000000000000000000000000000dEaD, amount)


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice ERC-20.
    """
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice ERC-20.
    """
    self.allowance[owner][msg.sender] -= amount
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount
    return True


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice ERC-20.
    """
    self.allowance[msg.sender][spender] = amount
    return True


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice ERC-4626.
    """
    shares: uint256 = self._shares(assets)
    extcall IERC20(asset).transferFrom(msg.sender, self, self._taken(assets), default_return_value=True)
    self.totalSupply += shares
    self.balanceOf[receiver] += shares
    return shares


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice ERC-4626; the owner himself only.
    """
    assert msg.sender == owner, "mock: owner only"
    assets: uint256 = self._less_fee(self._assets(shares))
    if self.pays_first:
        extcall IERC20(asset).transfer(receiver, assets)
    else:
        self.totalSupply -= shares
    if self.listener != empty(address):
        self.heard = raw_call(self.listener, self.question, max_outsize=256)
    if self.pays_first:
        self.totalSupply -= shares
    else:
        extcall IERC20(asset).transfer(receiver, assets)
    self.balanceOf[owner] -= self._taken(shares)
    return assets


@view
@external
def totalAssets() -> uint256:
    """
    @notice ERC-4626: the balance.
    """
    return staticcall IERC20(asset).balanceOf(self)


@view
@external
def convertToAssets(shares: uint256) -> uint256:
    """
    @notice ERC-4626.
    """
    return self._bent(self._assets(shares))


@view
@external
def convertToShares(assets: uint256) -> uint256:
    """
    @notice ERC-4626.
    """
    return self._bent(self._shares(assets))


@view
@external
def previewDeposit(assets: uint256) -> uint256:
    """
    @notice ERC-4626.
    """
    return self._bent(self._shares(assets))


@view
@external
def previewMint(shares: uint256) -> uint256:
    """
    @notice ERC-4626.
    """
    if self.totalSupply == 0:
        return self._bent(shares)
    held: uint256 = staticcall IERC20(asset).balanceOf(self)
    return self._bent((shares * held + self.totalSupply - 1) // self.totalSupply)


@view
@external
def previewRedeem(shares: uint256) -> uint256:
    """
    @notice ERC-4626.
    @dev Errors: "mock: told to revert"; an INVALID opcode, which takes all gas, when told to burn it.
    """
    assert self.behaviour != REVERT, "mock: told to revert"
    assert self.behaviour != BURN, UNREACHABLE
    return self._bent(self._less_fee(self._assets(shares)))


@view
@external
def previewWithdraw(assets: uint256) -> uint256:
    """
    @notice ERC-4626.
    """
    gross: uint256 = (assets * BPS + BPS - self.exit_fee - 1) // (BPS - self.exit_fee)
    if self.totalSupply == 0:
        return self._bent(gross)
    held: uint256 = staticcall IERC20(asset).balanceOf(self)
    return self._bent((gross * self.totalSupply + held - 1) // held)


@view
@internal
def _assets(shares: uint256) -> uint256:
    if self.totalSupply == 0:
        return shares
    return shares * staticcall IERC20(asset).balanceOf(self) // self.totalSupply


@view
@internal
def _shares(assets: uint256) -> uint256:
    if self.totalSupply == 0:
        return assets
    return assets * self.totalSupply // staticcall IERC20(asset).balanceOf(self)


@view
@internal
def _less_fee(assets: uint256) -> uint256:
    return assets * (BPS - self.exit_fee) // BPS


@view
@internal
def _taken(amount: uint256) -> uint256:
    if self.greed == 0:
        return amount
    return amount * self.greed // BPS


@view
@internal
def _bent(answer: uint256) -> uint256:
    bps: uint256 = self.bends[convert(slice(msg.data, 0, 4), bytes4)]
    if bps == 0:
        return answer
    return answer * bps // BPS
