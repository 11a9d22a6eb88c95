# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title A pool that does what an attacker tells it to while the reserve fund calls it
@license AGPL-3.0
@notice For tests. Anyone may drive it. Its shares are a token that anybody mints and burns, in whoever's hands; in `mint_fees`, `transfer` and
        `transferFrom` it makes the call that was set, once, and keeps what came of it.
@dev No lock: being entered again is its trade.
"""

from contracts.interfaces import ILendingPool
from contracts.mocks.modules import mock_erc20

initializes: mock_erc20

exports: (mock_erc20.balanceOf, mock_erc20.allowance, mock_erc20.totalSupply, mock_erc20.mint, mock_erc20.burn)

MAX_DATA: constant(uint256) = 4_096
BPS: constant(uint256) = 10_000

fund: public(address)
provisions: public(uint256)
keeps: public(uint256)
target: public(address)
data: public(Bytes[MAX_DATA])
succeeded: public(bool)
result: public(Bytes[256])
called: public(uint256)


@deploy
def __init__(fund: address):
    """
    @param fund The fund it names as its own.
    """
    mock_erc20.__init__("Malicious", "MAL", 18)
    self.fund = fund


@external
def set_call(target: address, data: Bytes[MAX_DATA]):
    """
    @notice What to call the next time the fund calls.
    """
    self.target = target
    self.data = data


@external
def set_provisions(provisions: uint256):
    """
    @notice What `state` says of provisions from now on.
    """
    self.provisions = provisions


@external
def set_keeps(keeps: uint256):
    """
    @notice Basis points of every transfer that do not arrive, from now on.
    """
    self.keeps = keeps


@external
def mint_fees() -> uint256:
    """
    @notice Mints nothing.
    """
    self._call()
    return 0


@view
@external
def state() -> ILendingPool.State:
    """
    @notice Nothing but provisions.
    """
    return ILendingPool.State(
        total_assets=0,
        cash=0,
        total_debt=0,
        unminted_fee=0,
        provisions=self.provisions,
        total_supply=0,
        borrow_rate=0,
        rate_at_target=0,
        utilisation=0,
        reserve_factor=0,
        supply_cap=0,
        borrow_cap=0,
    )


@external
def approve(spender: address, amount: uint256) -> bool:
    """
    @notice Let `spender` move up to `amount` of the caller's shares.
    """
    mock_erc20._approve(msg.sender, spender, amount)
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    """
    @notice Move the caller's shares.
    """
    self._call()
    self._move(msg.sender, to, amount)
    return True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    """
    @notice Move shares of an owner who approved the caller.
    """
    self._call()
    assert mock_erc20._spend(owner, msg.sender, amount), "erc20: allowance"
    self._move(owner, to, amount)
    return True


@internal
def _move(owner: address, to: address, amount: uint256):
    kept: uint256 = amount * self.keeps // BPS
    assert mock_erc20._move(owner, to, amount - kept), "erc20: balance"
    if kept != 0:
        assert mock_erc20._move(owner, self, kept), "erc20: balance"


@internal
def _call():
    target: address = self.target
    if target == empty(address):
        return
    self.target = empty(address)
    self.called += 1
    self.succeeded, self.result = raw_call(target, self.data, max_outsize=256, revert_on_failure=False)
