# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title The ledger that every mock token shares
@notice Anyone may mint and burn. Never deployed to a live network.
@dev It calls nobody, so it carries no lock. `_move` and `_spend` say whether they could; what a token does when they could
     not is its own affair.
"""

from ethereum.ercs import IERC20

name: public(String[32])
symbol: public(String[32])
decimals: public(uint8)
totalSupply: public(uint256)
balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])


@deploy
def __init__(name_: String[32], symbol_: String[32], decimals_: uint8):
    """
    @param name_ The token's name
    @param symbol_ The token's symbol
    @param decimals_ The number of decimals a screen shows
    """
    self.name = name_
    self.symbol = symbol_
    self.decimals = decimals_


@external
def mint(to: address, amount: uint256):
    """
    @notice Create `amount` raw units for `to`; anyone may call
    @param to Who receives them
    @param amount Raw units
    """
    self.totalSupply += amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=empty(address), receiver=to, value=amount)


@external
def burn(holder: address, amount: uint256):
    """
    @notice Destroy `amount` raw units of `holder`; anyone may call
    @param holder Whose units vanish
    @param amount Raw units, at most the holder's balance
    """
    assert self.balanceOf[holder] >= amount, "erc20: balance"
    self.balanceOf[holder] -= amount
    self.totalSupply -= amount
    log IERC20.Transfer(sender=holder, receiver=empty(address), value=amount)


@internal
def _approve(owner: address, spender: address, amount: uint256):
    self.allowance[owner][spender] = amount
    log IERC20.Approval(owner=owner, spender=spender, value=amount)


@internal
def _move(sender: address, to: address, amount: uint256) -> bool:
    """
    @notice Move `amount` if `sender` has it
    @return Whether it moved
    """
    balance: uint256 = self.balanceOf[sender]
    if balance < amount:
        return False
    self.balanceOf[sender] = balance - amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=sender, receiver=to, value=amount)
    return True


@internal
def _spend(owner: address, spender: address, amount: uint256) -> bool:
    """
    @notice Use up an allowance; the largest number is never reduced
    @return Whether it was enough
    """
    allowed: uint256 = self.allowance[owner][spender]
    if allowed == max_value(uint256):
        return True
    if allowed < amount:
        return False
    self.allowance[owner][spender] = allowed - amount
    return True
