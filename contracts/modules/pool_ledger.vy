# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The books of a lending pool, and interest
@license AGPL-3.0
@notice Cash, debt, unminted fee and the rate at target, brought up to date by whoever touches the pool. Who changes
        the ledger takes it from `_accrue`, changes it in memory and hands it to `_store` once, before any token moves.
@dev No function here reverts for a reachable ledger: interest stops no repayment and no liquidation. The rate of a
     period is fixed by the utilisation at its start, so whoever changes cash or debt books the past first.
"""

from ethereum.ercs import IERC20Detailed

from contracts.interfaces import ILendingPool
from contracts.modules import adaptive_rate
from contracts.modules import interest
from contracts.modules import pool_words

WAD: constant(uint256) = 10**18

asset: public(immutable(address))
DECIMALS: immutable(uint8)
UNIT: immutable(uint256)   # raw units of one token

totals: uint256            # three words, laid out in pool_words
debts: uint256
configuration: uint256
flashed: transient(uint256)   # lent in flash loans at this moment, raw units


@deploy
def __init__(asset_: address, rate_at_target: uint256):
    """
    @param asset_ An ERC-20 of at most 18 decimals.
    @param rate_at_target WAD per year, within the bounds of the rates.
    """
    assert asset_ != empty(address), "pool: zero address"
    asset = asset_
    DECIMALS = staticcall IERC20Detailed(asset_).decimals()
    assert DECIMALS <= 18, "pool: decimals"
    UNIT = 10 ** convert(DECIMALS, uint256)
    ledger: ILendingPool.Ledger = empty(ILendingPool.Ledger)
    ledger.updated = block.timestamp & pool_words.TIME_MASK
    ledger.rate_at_target = rate_at_target
    self._store(ledger)


@external
def accrue():
    """
    @notice Bring interest up to date. Anyone.
    """
    self._store(self._accrue(self.configuration))


@view
@external
def ledger() -> ILendingPool.Ledger:
    """
    @notice What is stored, as of the last accrual.
    """
    return self._stored()


@view
@external
def cash() -> uint256:
    """
    @notice Ledgered cash, raw units. Never more than the pool's token balance, except inside a flash loan's callback.
    """
    return pool_words._cash(self.totals)


@view
@external
def total_debt() -> uint256:
    """
    @notice All debt now, interest included.
    """
    return self._current().debt


@view
@internal
def _stored() -> ILendingPool.Ledger:
    return pool_words._unpack(self.totals, self.debts)


@internal
def _store(ledger: ILendingPool.Ledger):
    self.totals = pool_words._totals(ledger)
    self.debts = pool_words._debts(ledger)


@view
@internal
def _accrued(configuration: uint256) -> (ILendingPool.Ledger, uint256, uint256, uint256):
    """
    @notice The ledger with interest up to now; the interest, the reserve's part of it, and the period's average rate.
    @dev Interest below a raw unit is kept as a fraction, so that accruing often does not round it away. Debt and fee
         saturate: what does not fit in the debt is not charged, what does not fit in the fee stays the lenders'.
    """
    ledger: ILendingPool.Ledger = pool_words._unpack(self.totals, self.debts)
    seconds: uint256 = unsafe_sub(block.timestamp, ledger.updated) & pool_words.TIME_MASK
    ledger.updated = block.timestamp & pool_words.TIME_MASK
    if seconds == 0 or ledger.cash | ledger.debt == 0:
        return ledger, 0, 0, 0

    rate: uint256 = 0
    rate_at_target: uint256 = 0
    rate, rate_at_target = adaptive_rate._rates(
        self._utilisation(ledger), ledger.rate_at_target, seconds, pool_words._rate_parameters(configuration)
    )
    fine: uint256 = unsafe_add(
        unsafe_div(unsafe_mul(unsafe_mul(ledger.debt, 256), interest._growth(rate, seconds)), WAD), ledger.fraction
    )
    booked: uint256 = min(fine >> 8, unsafe_sub(pool_words.DEBT_LIMIT, ledger.debt))
    fee: uint256 = min(
        unsafe_div(unsafe_mul(booked, pool_words._reserve_factor(configuration)), WAD),
        unsafe_sub(pool_words.FEE_LIMIT, ledger.fee),
    )
    ledger.rate_at_target = unsafe_sub(rate_at_target, rate_at_target % pool_words.RATE_UNIT)
    ledger.debt = unsafe_add(ledger.debt, booked)
    ledger.fee = unsafe_add(ledger.fee, fee)
    ledger.fraction = fine & 255
    return ledger, booked, fee, rate


@internal
def _accrue(configuration: uint256) -> ILendingPool.Ledger:
    """
    @notice The ledger with interest up to now, logged but not stored.
    """
    ledger: ILendingPool.Ledger = empty(ILendingPool.Ledger)
    booked: uint256 = 0
    fee: uint256 = 0
    rate: uint256 = 0
    ledger, booked, fee, rate = self._accrued(configuration)
    if rate != 0:
        log ILendingPool.Accrued(interest=booked, fee=fee, rate=rate, rate_at_target=ledger.rate_at_target)
    return ledger


@view
@internal
def _current() -> ILendingPool.Ledger:
    return self._accrued(self.configuration)[0]


@pure
@internal
def _utilisation(ledger: ILendingPool.Ledger) -> uint256:
    if ledger.debt == 0:
        return 0
    return unsafe_div(unsafe_mul(ledger.debt, WAD), unsafe_add(ledger.cash, ledger.debt))


@pure
@internal
def _reduced(ledger: ILendingPool.Ledger, amount: uint256, shares: uint256) -> ILendingPool.Ledger:
    """
    @notice The ledger with less debt; at least 1 unit of debt stays while anybody has debt shares, and none otherwise.
    """
    reduced: ILendingPool.Ledger = ledger
    reduced.debt -= amount
    reduced.debt_shares -= shares
    if reduced.debt == 0 and reduced.debt_shares != 0:
        reduced.debt = 1
    return reduced


@pure
@internal
def _lenders_assets(ledger: ILendingPool.Ledger) -> uint256:
    return unsafe_sub(unsafe_add(ledger.cash, ledger.debt), ledger.fee)


@view
@internal
def _available(cash: uint256) -> uint256:
    """
    @notice Of the cash, what is not lent in a flash loan at this moment.
    """
    return cash - min(cash, self.flashed)


@pure
@internal
def _check_cash(amount: uint256, cash: uint256):
    assert amount <= cash, "pool: cash"
