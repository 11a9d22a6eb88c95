# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title A lending pool of one asset
@license AGPL-3.0
@notice ERC-4626 (with ERC-20 and ERC-2612) for lenders, debt of the engine's accounts, ERC-3156 flash loans.
        ILendingPool specifies it; shares have the asset's decimals plus six.

        What stops it: deposits stop at the supply cap and when a share lost all but a millionth of its first price,
        withdrawals where the cash ends, borrowing at the borrow cap and where the cash ends. What stays open: nothing
        here stops a repayment of what is owed, a provision, a write-off, an accrual or, while there is cash, a withdrawal. Nobody can
        pause the pool; the owner moves parameters within their bounds, and the guardian lowers caps.
@dev Everything is kept in a ledger; the pool's own token balance is read only around a transfer to it, so that a
     donation changes nothing. State is written before a token moves. Liquidity is never promised: see maxWithdraw.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC20Detailed
from ethereum.ercs import IERC4626

from contracts.interfaces import IFlashBorrower
from contracts.interfaces import ILendingPool
from contracts.modules import adaptive_rate
from contracts.modules import lender_shares
from contracts.modules import pool_ledger
from contracts.modules import pool_parameters
from contracts.modules import pool_words
from contracts.modules import roles
from contracts.modules import share_math
from contracts.modules import token as tokens
from snekmate.auth import ownable
from snekmate.tokens import erc20

implements: IERC20
implements: IERC20Detailed
implements: IERC4626
implements: ILendingPool

initializes: ownable
initializes: roles[ownable := ownable]
initializes: erc20[ownable := ownable]
initializes: pool_ledger
initializes: pool_parameters[pool_ledger := pool_ledger, roles := roles]
initializes: lender_shares[pool_ledger := pool_ledger, erc20 := erc20]

exports: (
    erc20.name,
    erc20.symbol,
    erc20.decimals,
    erc20.totalSupply,
    erc20.balanceOf,
    erc20.allowance,
    erc20.transfer,
    erc20.transferFrom,
    erc20.approve,
    erc20.permit,
    erc20.nonces,
    erc20.DOMAIN_SEPARATOR,
    erc20.eip712Domain,
)
exports: (
    lender_shares.deposit,
    lender_shares.mint,
    lender_shares.withdraw,
    lender_shares.redeem,
    lender_shares.totalAssets,
    lender_shares.convertToShares,
    lender_shares.convertToAssets,
    lender_shares.previewDeposit,
    lender_shares.previewMint,
    lender_shares.previewWithdraw,
    lender_shares.previewRedeem,
    lender_shares.maxDeposit,
    lender_shares.maxMint,
    lender_shares.maxWithdraw,
    lender_shares.maxRedeem,
    lender_shares.mint_fees,
    lender_shares.fund,
    lender_shares.provision_of,
)
exports: (
    pool_ledger.asset,
    pool_ledger.accrue,
    pool_ledger.ledger,
    pool_ledger.cash,
    pool_ledger.total_debt,
)
exports: (
    pool_parameters.set_caps,
    pool_parameters.lower_caps,
    pool_parameters.set_rates,
    pool_parameters.set_fees,
    pool_parameters.caps,
    pool_parameters.fees,
    pool_parameters.rate_parameters,
)
exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
    roles.guardian,
    roles.set_guardian,
)

WAD: constant(uint256) = 10**18
FLASH_LOAN_SUCCESS: constant(bytes32) = keccak256("ERC3156FlashBorrower.onFlashLoan")
SHARE_DECIMALS: constant(uint8) = 6   # more than the asset has

engine: public(immutable(address))
debt_shares_of: public(HashMap[uint256, uint256])


@deploy
def __init__(
    asset_: address,
    name_: String[25],
    symbol_: String[5],
    engine_: address,
    fund_: address,
    owner_: address,
    guardian_: address,
    rates: ILendingPool.RateParameters,
    initial_rate_at_target: uint256,
    supply_cap: uint256,
    borrow_cap: uint256,
    reserve_factor: uint256,
    flash_fee: uint256,
):
    """
    @notice A pool for one asset, forever bound to one engine and one reserve fund.
    @param asset_ An ERC-20 of at most 18 decimals.
    @param rates, supply_cap, borrow_cap, reserve_factor, flash_fee As in the setters.
    @param initial_rate_at_target WAD per year, within the rates' bounds.
    @dev Errors: "pool: zero address", "pool: decimals", "pool: initial rate", "roles: zero address", and the setters'.
    """
    assert engine_ != empty(address), "pool: zero address"
    assert rates.min_rate <= initial_rate_at_target and initial_rate_at_target <= rates.max_rate, "pool: initial rate"
    engine = engine_
    ownable.__init__()
    roles.__init__(owner_, guardian_)
    pool_ledger.__init__(asset_, initial_rate_at_target)
    pool_parameters.__init__(rates, supply_cap, borrow_cap, reserve_factor, flash_fee)
    erc20.__init__(name_, symbol_, pool_ledger.DECIMALS + SHARE_DECIMALS, name_, "1")
    lender_shares.__init__(fund_)


# The engine


@external
def borrow(account: uint256, amount: uint256, to: address) -> uint256:
    """
    @notice Lend `amount` to an account and send it to `to`. Engine only.
    @param amount Raw units, at least 1.
    @return The account's debt afterwards, rounded up.
    @dev Errors: "pool: engine only", "pool: zero amount", "pool: cash", "pool: borrow cap", "pool: overflow", and the
         token's.
    """
    self._only_engine()
    configuration: uint256 = pool_ledger.configuration
    ledger: ILendingPool.Ledger = pool_ledger._accrue(configuration)
    self._check_amount(amount, ledger.cash)
    debt: uint256 = ledger.debt + amount
    assert debt <= pool_words._borrow_cap(configuration) * pool_ledger.UNIT, "pool: borrow cap"

    shares: uint256 = share_math._debt_shares_up(amount, ledger.debt, ledger.debt_shares)
    ledger.cash = unsafe_sub(ledger.cash, amount)
    ledger.debt = debt
    ledger.debt_shares += shares
    assert ledger.debt_shares <= pool_words.DEBT_SHARES_LIMIT, "pool: overflow"
    account_shares: uint256 = self.debt_shares_of[account] + shares
    self.debt_shares_of[account] = account_shares
    pool_ledger._store(ledger)
    log ILendingPool.Borrowed(account=account, to=to, amount=amount, shares=shares)

    tokens._push(pool_ledger.asset, to, amount)
    return share_math._debt_up(account_shares, debt, ledger.debt_shares)


@external
def repay(account: uint256, amount: uint256) -> (uint256, uint256):
    """
    @notice Book a repayment of tokens that the engine has seen arrive. Engine only. What exceeds the debt is sent on to
            the engine.
    @param amount Raw units.
    @return What was used, and the debt that is left (rounded up); 0 is left exactly when no debt share is.
    @dev Nothing here can stop a repayment of no more than the debt. Errors: "pool: engine only", "token: received differs" (a token
         that takes a fee: less than the rest would arrive at the engine, which credits it whole).
    """
    self._only_engine()
    ledger: ILendingPool.Ledger = pool_ledger._accrue(pool_ledger.configuration)
    account_shares: uint256 = self.debt_shares_of[account]
    used: uint256 = share_math._debt_up(account_shares, ledger.debt, ledger.debt_shares)
    burned: uint256 = account_shares
    if amount < used:
        used = amount
        burned = share_math._debt_shares_down(amount, ledger.debt, ledger.debt_shares)
    account_shares = unsafe_sub(account_shares, burned)
    self.debt_shares_of[account] = account_shares
    ledger = pool_ledger._reduced(ledger, used, burned)
    ledger.cash = min(ledger.cash + used, pool_words.CASH_LIMIT)
    pool_ledger._store(ledger)
    log ILendingPool.Repaid(account=account, amount=used, shares=burned)
    lender_shares._release(account, account_shares)

    if amount > used:
        rest: uint256 = unsafe_sub(amount, used)
        before: uint256 = staticcall IERC20(pool_ledger.asset).balanceOf(engine)
        tokens._push(pool_ledger.asset, engine, rest)
        arrived: uint256 = unsafe_sub(staticcall IERC20(pool_ledger.asset).balanceOf(engine), before)
        assert arrived == rest, "token: received differs"
    return used, share_math._debt_up(account_shares, ledger.debt, ledger.debt_shares)


@external
def move_debt(
    source: uint256, target: uint256, fraction: uint256, starter: address, starter_rate: uint256, fund_rate: uint256
) -> (uint256, uint256):
    """
    @notice Let `target` assume a part of `source`'s debt, and a little more, which the starter of the auction and the fund
            are paid. Engine only.
    @param fraction Of the source's debt, WAD, at most 1; 1 leaves nothing.
    @param starter Receives shares for what the target owes him.
    @param starter_rate On top of the debt moved, WAD, to the starter.
    @param fund_rate On top of the debt moved, WAD, to the fund.
    @return The debts of source and target afterwards, rounded up; 0 exactly when no debt share is left.
    @dev Rounded against the target; no cash moves and no cap counts, so nothing here can stop a take. What does not fit in the ledger's
         words is not charged. Errors: "pool: engine only".
    """
    self._only_engine()
    ledger: ILendingPool.Ledger = pool_ledger._accrue(pool_ledger.configuration)
    shares: uint256 = self.debt_shares_of[source]
    moved: uint256 = unsafe_div(shares * fraction + (WAD - 1), WAD)
    amount: uint256 = share_math._debt_up(moved, ledger.debt, ledger.debt_shares)
    for_starter: uint256 = 0
    for_fund: uint256 = 0
    extra_shares: uint256 = 0
    minted: uint256 = 0
    if starter_rate | fund_rate != 0:
        for_starter = unsafe_div(amount * starter_rate + (WAD - 1), WAD)
        for_fund = min(
            unsafe_div(amount * fund_rate + (WAD - 1), WAD), unsafe_sub(pool_words.FEE_LIMIT, ledger.fee)
        )
        extra: uint256 = for_starter + for_fund
        extra_shares = share_math._debt_shares_up(extra, ledger.debt, ledger.debt_shares)
        if for_starter != 0:
            minted = lender_shares._mintable(ledger, for_starter)
        debt: uint256 = ledger.debt + extra
        debt_shares: uint256 = ledger.debt_shares + extra_shares
        if debt > pool_words.DEBT_LIMIT or debt_shares > pool_words.DEBT_SHARES_LIMIT:
            extra_shares = 0
            for_starter = 0
            for_fund = 0
            minted = 0
        else:
            ledger.debt = debt
            ledger.debt_shares = debt_shares
            ledger.fee = unsafe_add(ledger.fee, for_fund)
    shares = unsafe_sub(shares, moved)
    self.debt_shares_of[source] = shares
    target_shares: uint256 = self.debt_shares_of[target] + moved + extra_shares
    self.debt_shares_of[target] = target_shares
    pool_ledger._store(ledger)
    if minted != 0:
        erc20._mint(starter, minted)
    log ILendingPool.DebtMoved(
        source=source,
        target=target,
        amount=amount,
        shares=moved,
        extra_shares=extra_shares,
        starter_assets=for_starter,
        starter_shares=minted,
        fund_assets=for_fund,
    )
    lender_shares._release(source, shares)
    return (
        share_math._debt_up(shares, ledger.debt, ledger.debt_shares),
        share_math._debt_up(target_shares, ledger.debt, ledger.debt_shares),
    )


@external
def provision(account: uint256, amount: uint256):
    """
    @notice Set the expected loss of an account under auction; 0 releases it. Engine only.
    @param amount Raw units; counted as 2**112 - 1 if it is more.
    @dev Errors: "pool: engine only".
    """
    self._only_engine()
    lender_shares._provision(account, min(amount, lender_shares.PROVISION_LIMIT))


@external
def write_off(account: uint256) -> (uint256, uint256):
    """
    @notice Give up an account's whole debt: fees are minted first, the reserve fund's shares are burned next, lenders
            bear the rest. Releases the account's provision in the same step. Engine only.
    @return The loss, and how much of it the fund covered (raw units).
    @dev Nothing here can stop a write-off. A fee too small for a share goes to the lenders. Errors: "pool: engine only".
    """
    self._only_engine()
    ledger: ILendingPool.Ledger = pool_ledger._accrue(pool_ledger.configuration)
    lender_shares._mint_fee(ledger.fee, lender_shares._mintable(ledger, ledger.fee))
    ledger.fee = 0
    total: uint256 = pool_ledger._lenders_assets(ledger)
    supply: uint256 = erc20.totalSupply

    account_shares: uint256 = self.debt_shares_of[account]
    loss: uint256 = ledger.debt
    self.debt_shares_of[account] = 0
    ledger = pool_ledger._reduced(
        ledger, share_math._debt_up(account_shares, ledger.debt, ledger.debt_shares), account_shares
    )
    loss -= ledger.debt
    pool_ledger._store(ledger)

    burned: uint256 = min(erc20.balanceOf[lender_shares.fund], share_math._shares_down(loss, total, supply))
    covered: uint256 = min(loss, share_math._assets_up(burned, total, supply))
    if burned != 0:
        erc20._burn(lender_shares.fund, burned)
    log ILendingPool.WrittenOff(account=account, loss=loss, covered=covered, burned=burned)
    lender_shares._provision(account, 0)
    return loss, covered


@external
def accrued_debt(account: uint256) -> uint256:
    """
    @notice Bring interest up to date, for who goes on to change the debt in the same transaction. Anyone.
    @return The account's debt, rounded up.
    """
    ledger: ILendingPool.Ledger = pool_ledger._accrue(pool_ledger.configuration)
    pool_ledger._store(ledger)
    return share_math._debt_up(self.debt_shares_of[account], ledger.debt, ledger.debt_shares)


# Flash loans (ERC-3156)


@external
@reentrant
def flashLoan(receiver: address, token: address, amount: uint256, data: Bytes[4096]) -> bool:
    """
    @notice Lend `amount` until the end of the call (ERC-3156). Anyone.
    @param receiver Its `onFlashLoan` is called; then the pool pulls amount + fee from it, which it has approved.
    @param token The pool's asset.
    @param amount Raw units, at least 1, at most maxFlashLoan.
    @param data Passed on.
    @return Always True; a failure reverts.
    @dev Reentrant by design, so that pool and engine stay usable in the callback. It is safe because the ledger does not
         change while the loan runs, so every view shows the state before it; because principal and fee are pulled and
         measured after the callback, so that nothing deposited or repaid in between counts as their return; and because
         nothing read before the callback is used after it but the arguments. A caller who waits for tokens to arrive
         here must count what is not in the ledger, balance - cash(), not the balance.
         Errors: "pool: token", "pool: zero amount", "pool: cash", "pool: callback", and those of the token.
    """
    self._only_asset(token)
    self._check_amount(amount, self._max_flash_loan())
    fee: uint256 = self._flash_fee(amount)
    pool_ledger.flashed += amount
    tokens._push(token, receiver, amount)
    answer: bytes32 = extcall IFlashBorrower(receiver).onFlashLoan(msg.sender, token, amount, fee, data)
    assert answer == FLASH_LOAN_SUCCESS, "pool: callback"
    tokens._pull(token, receiver, self, amount + fee)
    pool_ledger.flashed -= amount
    if fee != 0:
        ledger: ILendingPool.Ledger = pool_ledger._accrue(pool_ledger.configuration)
        ledger.cash = min(ledger.cash + fee, pool_words.CASH_LIMIT)
        pool_ledger._store(ledger)
    log ILendingPool.FlashLoan(receiver=receiver, amount=amount, fee=fee)
    return True


@view
@external
def maxFlashLoan(token: address) -> uint256:
    """
    @notice The most that can be lent in a flash loan now, raw units; 0 for any other token.
    """
    if token != pool_ledger.asset:
        return 0
    return self._max_flash_loan()


@view
@external
def flashFee(token: address, amount: uint256) -> uint256:
    """
    @notice The fee of a flash loan of `amount`, raw units, rounded up.
    @dev Errors: "pool: token".
    """
    self._only_asset(token)
    return self._flash_fee(amount)


# Views


@view
@external
def state() -> ILendingPool.State:
    """
    @notice The pool in one call, interest included up to now. Never reverts.
    """
    configuration: uint256 = pool_ledger.configuration
    ledger: ILendingPool.Ledger = pool_ledger._current()
    utilisation: uint256 = pool_ledger._utilisation(ledger)
    return ILendingPool.State(
        total_assets=pool_ledger._lenders_assets(ledger),
        cash=ledger.cash,
        total_debt=ledger.debt,
        unminted_fee=ledger.fee,
        provisions=lender_shares.provisions,
        total_supply=erc20.totalSupply,
        borrow_rate=adaptive_rate._rates(
            utilisation, ledger.rate_at_target, 0, pool_words._rate_parameters(configuration)
        )[0],
        rate_at_target=ledger.rate_at_target,
        utilisation=utilisation,
        reserve_factor=pool_words._reserve_factor(configuration),
        supply_cap=pool_words._supply_cap(configuration) * pool_ledger.UNIT,
        borrow_cap=pool_words._borrow_cap(configuration) * pool_ledger.UNIT,
    )


@view
@external
def debt_of(account: uint256) -> uint256:
    """
    @notice An account's debt now, interest included, rounded up.
    """
    ledger: ILendingPool.Ledger = pool_ledger._current()
    return share_math._debt_up(self.debt_shares_of[account], ledger.debt, ledger.debt_shares)


@view
@internal
def _only_engine():
    assert msg.sender == engine, "pool: engine only"


@view
@internal
def _only_asset(token: address):
    assert token == pool_ledger.asset, "pool: token"


@pure
@internal
def _check_amount(amount: uint256, cash: uint256):
    assert amount != 0, "pool: zero amount"
    pool_ledger._check_cash(amount, cash)


@view
@internal
def _max_flash_loan() -> uint256:
    return pool_ledger._available(pool_ledger._stored().cash)


@view
@internal
def _flash_fee(amount: uint256) -> uint256:
    return (amount * pool_words._flash_fee(pool_ledger.configuration) + (WAD - 1)) // WAD
