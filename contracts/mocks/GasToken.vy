# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title The plain ERC-20 of the gas measurements
@notice As little as a token can be, so that the figures are the protocol's own: a transfer costs what the peers' token
        cost when they were measured. Never deployed to a live network.
@dev Anyone may mint. It calls nobody, so it carries no lock. What is short reverts without a reason. An allowance of
     `max_value(uint256)` is never reduced.
"""

from ethereum.ercs import IERC20

implements: IERC20

decimals: public(constant(uint8)) = 18

balanceOf: public(HashMap[address, uint256])
allowance: public(HashMap[address, HashMap[address, uint256]])
totalSupply: public(uint256)


@external
def mint(to: address, amount: uint256):
    """
    @notice Create `amount` raw units for `to`. Anyone.
    """
    self.balanceOf[to] += amount
    self.totalSupply += amount


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let `spender` move up to `amount` of the caller's tokens.
    """
    self.allowance[msg.sender][spender] = amount
    log IERC20.Approval(owner=msg.sender, spender=spender, value=amount)
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Move the caller's tokens.
    """
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=msg.sender, receiver=to, value=amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Move the tokens of an owner who approved the caller.
    """
    allowed: uint256 = self.allowance[owner][msg.sender]
    if allowed != max_value(uint256):
        self.allowance[owner][msg.sender] = allowed - amount
    self.balanceOf[owner] -= amount
    self.balanceOf[to] += amount
    log IERC20.Transfer(sender=owner, receiver=to, value=amount)
    return True
