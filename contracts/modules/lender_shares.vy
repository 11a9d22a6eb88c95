# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Shares of a lending pool: ERC-4626, the fund's fee, provisions for losses
@license AGPL-3.0
@notice What enters is priced on all of the lenders' assets, what leaves on those less the provisions that the fund's
        shares do not cover: nobody leaves ahead of a loss that is already booked.
@dev Previews equal results; the maxima never revert and can be executed: they know cash, caps, provisions and flash
     loans.
     Totals are bounded so that no product of shares and assets overflows (see share_math).
"""

from contracts.interfaces import ILendingPool
from contracts.modules import pool_ledger
from contracts.modules import pool_words
from contracts.modules import share_math
from contracts.modules import token as tokens
from snekmate.tokens import erc20

uses: pool_ledger
uses: erc20

SUPPLY_LIMIT: constant(uint256) = 2**142 - 1   # of shares; deposits cannot reach it below the largest supply cap
PROVISION_LIMIT: constant(uint256) = 2**112 - 1

fund: public(immutable(address))
provision_of: public(HashMap[uint256, uint256])
provisions: uint256   # their sum, read only while the configuration says that there is one


@deploy
def __init__(fund_: address):
    assert fund_ != empty(address), "pool: zero address"
    fund = fund_


@external
def deposit(assets: uint256, receiver: address) -> uint256:
    """
    @notice Lend `assets`, pulled from the caller, who has approved the pool. Anyone.
    @param assets Raw units, at least 1.
    @param receiver Who gets the shares.
    @return Shares, rounded down.
    @dev Errors: "pool: zero assets", "pool: zero shares" (worth none), "pool: supply cap", "pool: share price",
         "erc20: mint to the zero address", "token: transferFrom failed", "token: received differs".
    """
    configuration: uint256 = pool_ledger.configuration
    ledger: ILendingPool.Ledger = pool_ledger._accrue(configuration)
    total: uint256 = pool_ledger._lenders_assets(ledger)
    supply: uint256 = erc20.totalSupply
    self._check_room(configuration, total, supply, assets)
    shares: uint256 = share_math._shares_down(assets, total, supply)
    self._enter(ledger, assets, shares, receiver)
    return shares


@external
def mint(shares: uint256, receiver: address) -> uint256:
    """
    @notice Lend what `shares` cost, pulled from the caller, who has approved the pool. Anyone.
    @param shares At least 1.
    @param receiver Who gets the shares.
    @return Raw units, rounded up.
    @dev Errors: those of deposit; an absurd number of shares reverts without a reason.
    """
    configuration: uint256 = pool_ledger.configuration
    ledger: ILendingPool.Ledger = pool_ledger._accrue(configuration)
    total: uint256 = pool_ledger._lenders_assets(ledger)
    supply: uint256 = erc20.totalSupply
    assets: uint256 = share_math._assets_up(shares, total, supply)
    self._check_room(configuration, total, supply, assets)
    self._enter(ledger, assets, shares, receiver)
    return assets


@external
def withdraw(assets: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Take back `assets`, if the pool has that much cash. The shares' owner, or a spender he allowed that many.
    @param assets Raw units, at least 1.
    @param receiver Who gets the assets; not the zero address.
    @param owner Whose shares are burned.
    @return Shares, rounded up.
    @dev Errors: "pool: zero assets", "pool: zero address", "pool: cash", "erc20: insufficient allowance",
         "erc20: burn amount exceeds balance", "token: transfer failed".
    """
    configuration: uint256 = pool_ledger.configuration
    ledger: ILendingPool.Ledger = pool_ledger._accrue(configuration)
    pool_ledger._check_cash(assets, ledger.cash)
    supply: uint256 = erc20.totalSupply
    total: uint256 = self._withdrawable(configuration, pool_ledger._lenders_assets(ledger), supply)
    shares: uint256 = share_math._shares_up(assets, total, supply)
    self._leave(ledger, assets, shares, receiver, owner)
    return shares


@external
def redeem(shares: uint256, receiver: address, owner: address) -> uint256:
    """
    @notice Take back what `shares` are worth, if the pool has that much cash. Their owner, or a spender he allowed them.
    @param shares At least 1, and worth at least 1 raw unit.
    @param receiver Who gets the assets; not the zero address.
    @param owner Whose shares are burned.
    @return Raw units, rounded down.
    @dev Errors: those of withdraw; an absurd number of shares reverts without a reason.
    """
    configuration: uint256 = pool_ledger.configuration
    ledger: ILendingPool.Ledger = pool_ledger._accrue(configuration)
    supply: uint256 = erc20.totalSupply
    total: uint256 = self._withdrawable(configuration, pool_ledger._lenders_assets(ledger), supply)
    assets: uint256 = share_math._assets_down(shares, total, supply)
    pool_ledger._check_cash(assets, ledger.cash)
    self._leave(ledger, assets, shares, receiver, owner)
    return assets


# Views: interest is included up to now; none reverts but by overflow on an absurd argument.


@view
@external
def totalAssets() -> uint256:
    """
    @notice What belongs to lenders: cash + debt - unminted fee, raw units.
    """
    return self._total_now()


@view
@external
def convertToShares(assets: uint256) -> uint256:
    """
    @notice Shares that `assets` buy, at the price of deposits, rounded down.
    """
    return self._shares_for(assets)


@view
@external
def convertToAssets(shares: uint256) -> uint256:
    """
    @notice Raw units that `shares` are worth to who leaves (provisions deducted), rounded down.
    """
    return self._assets_for(shares)


@view
@external
def previewDeposit(assets: uint256) -> uint256:
    """
    @notice What deposit would return, limits aside.
    """
    return self._shares_for(assets)


@view
@external
def previewMint(shares: uint256) -> uint256:
    """
    @notice What mint would return, limits aside.
    """
    return share_math._assets_up(shares, self._total_now(), erc20.totalSupply)


@view
@external
def previewWithdraw(assets: uint256) -> uint256:
    """
    @notice What withdraw would return, limits aside.
    """
    return share_math._shares_up(assets, self._withdrawable_now(pool_ledger._current()), erc20.totalSupply)


@view
@external
def previewRedeem(shares: uint256) -> uint256:
    """
    @notice What redeem would return, limits aside.
    """
    return self._assets_for(shares)


@view
@external
def maxDeposit(receiver: address) -> uint256:
    """
    @notice The most that deposit takes now: the supply cap's room; 0 where deposits are refused. Never reverts.
    """
    return self._max_enter(receiver)[0]


@view
@external
def maxMint(receiver: address) -> uint256:
    """
    @notice Shares for the most that deposit takes now. Never reverts.
    """
    return self._max_enter(receiver)[1]


@view
@external
def maxWithdraw(owner: address) -> uint256:
    """
    @notice The most that `owner` can withdraw now: what his shares are worth, as far as the cash goes. Never reverts.
    """
    ledger: ILendingPool.Ledger = pool_ledger._current()
    worth: uint256 = share_math._assets_down(erc20.balanceOf[owner], self._withdrawable_now(ledger), erc20.totalSupply)
    return min(worth, pool_ledger._available(ledger.cash))


@view
@external
def maxRedeem(owner: address) -> uint256:
    """
    @notice The most shares that `owner` can redeem now: his own, as far as the cash goes; 0 where they are worth
            nothing. Never reverts.
    """
    ledger: ILendingPool.Ledger = pool_ledger._current()
    total: uint256 = self._withdrawable_now(ledger)
    supply: uint256 = erc20.totalSupply
    shares: uint256 = erc20.balanceOf[owner]
    available: uint256 = pool_ledger._available(ledger.cash)
    if share_math._assets_down(shares, total, supply) > available:
        shares = share_math._shares_down(available, total, supply)
    if share_math._assets_down(shares, total, supply) == 0:
        return 0
    return shares


@external
def mint_fees() -> uint256:
    """
    @notice Turn the accumulated fee into shares of the reserve fund. Anyone.
    @return Shares minted; 0 while the fee is not worth a share, and it stays.
    """
    ledger: ILendingPool.Ledger = pool_ledger._accrue(pool_ledger.configuration)
    shares: uint256 = self._mintable(ledger, ledger.fee)
    fee: uint256 = ledger.fee
    if shares != 0:
        ledger.fee = 0
    pool_ledger._store(ledger)
    self._mint_fee(fee, shares)
    return shares


# Prices and limits


@view
@internal
def _total_now() -> uint256:
    return pool_ledger._lenders_assets(pool_ledger._current())


@view
@internal
def _shares_for(assets: uint256) -> uint256:
    return share_math._shares_down(assets, self._total_now(), erc20.totalSupply)


@view
@internal
def _assets_for(shares: uint256) -> uint256:
    return share_math._assets_down(shares, self._withdrawable_now(pool_ledger._current()), erc20.totalSupply)


@view
@internal
def _withdrawable(configuration: uint256, total: uint256, supply: uint256) -> uint256:
    """
    @notice What withdrawals are priced on: the lenders' assets less the provisions that the fund's shares do not cover.
    """
    if not pool_words._is_provisioned(configuration):
        return total
    cover: uint256 = share_math._assets_down(erc20.balanceOf[fund], total, supply)
    provisions: uint256 = self.provisions
    return total - min(total, provisions - min(provisions, cover))


@view
@internal
def _withdrawable_now(ledger: ILendingPool.Ledger) -> uint256:
    return self._withdrawable(pool_ledger.configuration, pool_ledger._lenders_assets(ledger), erc20.totalSupply)


@view
@internal
def _room(configuration: uint256, total: uint256) -> uint256:
    """
    @notice What the supply cap leaves for deposits, raw units.
    """
    cap: uint256 = unsafe_mul(pool_words._supply_cap(configuration), pool_ledger.UNIT)
    return unsafe_sub(cap, min(cap, total))


@view
@internal
def _max_enter(receiver: address) -> (uint256, uint256):
    """
    @notice The largest deposit, and the shares for it; zeros where none is possible.
    """
    total: uint256 = self._total_now()
    supply: uint256 = erc20.totalSupply
    if receiver == empty(address) or share_math._is_ruined(total, supply):
        return 0, 0
    assets: uint256 = self._room(pool_ledger.configuration, total)
    shares: uint256 = share_math._shares_down(assets, total, supply)
    if shares == 0:
        return 0, 0
    return assets, shares


@view
@internal
def _check_room(configuration: uint256, total: uint256, supply: uint256, assets: uint256):
    assert assets <= self._room(configuration, total), "pool: supply cap"
    assert not share_math._is_ruined(total, supply), "pool: share price"


@pure
@internal
def _check_amounts(assets: uint256, shares: uint256):
    assert assets != 0, "pool: zero assets"
    assert shares != 0, "pool: zero shares"


@internal
def _enter(ledger: ILendingPool.Ledger, assets: uint256, shares: uint256, receiver: address):
    self._check_amounts(assets, shares)
    changed: ILendingPool.Ledger = ledger
    changed.cash = unsafe_add(ledger.cash, assets)
    pool_ledger._store(changed)
    erc20._mint(receiver, shares)
    tokens._pull(pool_ledger.asset, msg.sender, self, assets)
    log ILendingPool.Deposit(sender=msg.sender, owner=receiver, assets=assets, shares=shares)


@internal
def _leave(ledger: ILendingPool.Ledger, assets: uint256, shares: uint256, receiver: address, owner: address):
    assert receiver != empty(address), "pool: zero address"
    self._check_amounts(assets, shares)
    changed: ILendingPool.Ledger = ledger
    changed.cash = unsafe_sub(ledger.cash, assets)
    pool_ledger._store(changed)
    if msg.sender != owner:
        erc20._spend_allowance(owner, msg.sender, shares)
    erc20._burn(owner, shares)
    tokens._push(pool_ledger.asset, receiver, assets)
    log ILendingPool.Withdraw(sender=msg.sender, receiver=receiver, owner=owner, assets=assets, shares=shares)


# The fund's fee, provisions


@view
@internal
def _mintable(ledger: ILendingPool.Ledger, assets: uint256) -> uint256:
    """
    @notice Shares that `assets` buy at the price before they join the lenders' assets, rounded down; 0 where a share is worth
            too little to mint more of them.
    """
    total: uint256 = pool_ledger._lenders_assets(ledger)
    supply: uint256 = erc20.totalSupply
    if share_math._is_ruined(total, supply):
        return 0
    shares: uint256 = share_math._shares_down(assets, total, supply)
    if supply + shares > SUPPLY_LIMIT:
        return 0
    return shares


@internal
def _mint_fee(fee: uint256, shares: uint256):
    if shares == 0:
        return
    erc20._mint(fund, shares)
    log ILendingPool.FeesMinted(assets=fee, shares=shares)


@internal
def _release(account: uint256, debt_shares: uint256):
    """
    @notice Release what was provisioned for an account of which no debt is left: it cannot be lost any more.
    """
    if debt_shares == 0 and pool_words._is_provisioned(pool_ledger.configuration):
        self._provision(account, 0)


@internal
def _provision(account: uint256, amount: uint256):
    before: uint256 = self.provision_of[account]
    if amount == before:
        return
    total: uint256 = self.provisions - before + amount
    self.provision_of[account] = amount
    self.provisions = total
    pool_ledger.configuration = pool_words._with_provisioned(pool_ledger.configuration, total != 0)
    log ILendingPool.Provisioned(account=account, amount=amount, total=total)
