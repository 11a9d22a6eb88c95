# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title What may be changed about a lending pool
@license AGPL-3.0
@notice Caps, rate curve and fees, each with one setter that names every bound. The owner sets, the guardian lowers
        caps.
"""

from contracts.interfaces import ILendingPool
from contracts.modules import adaptive_rate
from contracts.modules import pool_ledger
from contracts.modules import pool_words
from contracts.modules import roles

uses: pool_ledger
uses: roles

WAD: constant(uint256) = 10**18
SUPPLY_CAP_LIMIT: constant(uint256) = 2**100 - 1
BORROW_CAP_LIMIT: constant(uint256) = 2**92 - 1
MIN_TARGET: constant(uint256) = WAD // 10
MAX_TARGET: constant(uint256) = 99 * WAD // 100
MAX_STEEPNESS: constant(uint256) = 100 * WAD
MAX_SPEED: constant(uint256) = 200 * WAD
MIN_RATE: constant(uint256) = WAD // 10_000
MAX_RATE: constant(uint256) = 10 * WAD
MAX_RESERVE_FACTOR: constant(uint256) = WAD // 2
MAX_FLASH_FEE: constant(uint256) = WAD // 100


@deploy
def __init__(
    rates: ILendingPool.RateParameters,
    supply_cap: uint256,
    borrow_cap: uint256,
    reserve_factor: uint256,
    flash_fee: uint256,
):
    self._set_rates(rates)
    self._set_caps(supply_cap, borrow_cap)
    self._set_fees(reserve_factor, flash_fee)


@external
def set_caps(supply_cap: uint256, borrow_cap: uint256):
    """
    @notice Limit what lenders may supply and accounts may owe. Owner only. What is above a new cap stays, and may not
            grow but by interest.
    @param supply_cap Of lenders' assets: raw units, a whole number of tokens, below 2**48 tokens and below 2**100.
    @param borrow_cap Of total debt: the same, and below 2**92.
    @dev Errors: "roles: owner only", "pool: cap bounds", "pool: precision".
    """
    roles._only_owner()
    self._set_caps(supply_cap, borrow_cap)


@external
def lower_caps(supply_cap: uint256, borrow_cap: uint256):
    """
    @notice Lower one or both caps. Guardian or owner.
    @dev Errors: "roles: guardian only", "pool: caps only down", and those of set_caps.
    """
    roles._only_guardian()
    most_supply: uint256 = 0
    most_borrow: uint256 = 0
    most_supply, most_borrow = self._caps(pool_ledger.configuration)
    assert supply_cap <= most_supply and borrow_cap <= most_borrow, "pool: caps only down"
    self._set_caps(supply_cap, borrow_cap)


@external
def set_rates(parameters: ILendingPool.RateParameters):
    """
    @notice Replace the rate curve from now on; time that passed pays the old one. Owner only.
    @param parameters target 10 %..99 % and steepness 1..100, both in steps of 0.01 %; speed 0..200 in steps of 0.001;
           min_rate and max_rate 0.01 %..1,000 % in steps of 0.0001 %. The rate at target is moved into
           [min_rate, max_rate], so that equal bounds set it.
    @dev Errors: "roles: owner only", "pool: target bounds", "pool: steepness bounds", "pool: speed bounds",
         "pool: rate bounds", "pool: precision".
    """
    roles._only_owner()
    ledger: ILendingPool.Ledger = pool_ledger._accrue(pool_ledger.configuration)
    self._set_rates(parameters)
    ledger.rate_at_target = adaptive_rate._within(
        ledger.rate_at_target, parameters.min_rate, parameters.max_rate
    )
    pool_ledger._store(ledger)


@external
def set_fees(reserve_factor: uint256, flash_fee: uint256):
    """
    @notice Set the reserve's share of the interest from now on, and the price of flash loans. Owner only.
    @param reserve_factor WAD, at most 50 %, in steps of 0.01 %.
    @param flash_fee WAD, at most 1 %, in steps of 0.0001 %.
    @dev Errors: "roles: owner only", "pool: fee bounds", "pool: precision".
    """
    roles._only_owner()
    pool_ledger._store(pool_ledger._accrue(pool_ledger.configuration))
    self._set_fees(reserve_factor, flash_fee)


@view
@external
def caps() -> (uint256, uint256):
    """
    @notice Supply cap and borrow cap, raw units.
    """
    return self._caps(pool_ledger.configuration)


@view
@external
def fees() -> (uint256, uint256):
    """
    @notice Reserve factor and flash fee, WAD.
    """
    configuration: uint256 = pool_ledger.configuration
    return pool_words._reserve_factor(configuration), pool_words._flash_fee(configuration)


@view
@external
def rate_parameters() -> ILendingPool.RateParameters:
    """
    @notice The rate curve.
    """
    return pool_words._rate_parameters(pool_ledger.configuration)


@internal
def _set_caps(supply_cap: uint256, borrow_cap: uint256):
    most: uint256 = pool_words.CAP_LIMIT * pool_ledger.UNIT
    assert supply_cap <= min(SUPPLY_CAP_LIMIT, most) and borrow_cap <= min(BORROW_CAP_LIMIT, most), "pool: cap bounds"
    configuration: uint256 = pool_words._with_caps(
        pool_ledger.configuration, supply_cap // pool_ledger.UNIT, borrow_cap // pool_ledger.UNIT
    )
    kept_supply_cap: uint256 = 0
    kept_borrow_cap: uint256 = 0
    kept_supply_cap, kept_borrow_cap = self._caps(configuration)
    self._keep(configuration, supply_cap == kept_supply_cap and borrow_cap == kept_borrow_cap)
    log ILendingPool.CapsSet(supply_cap=supply_cap, borrow_cap=borrow_cap)


@internal
def _set_rates(parameters: ILendingPool.RateParameters):
    assert MIN_TARGET <= parameters.target and parameters.target <= MAX_TARGET, "pool: target bounds"
    assert WAD <= parameters.steepness and parameters.steepness <= MAX_STEEPNESS, "pool: steepness bounds"
    assert parameters.speed <= MAX_SPEED, "pool: speed bounds"
    assert (
        MIN_RATE <= parameters.min_rate
        and parameters.min_rate <= parameters.max_rate
        and parameters.max_rate <= MAX_RATE
    ), "pool: rate bounds"
    configuration: uint256 = pool_words._with_rate_parameters(pool_ledger.configuration, parameters)
    kept: ILendingPool.RateParameters = pool_words._rate_parameters(configuration)
    self._keep(configuration, keccak256(abi_encode(kept)) == keccak256(abi_encode(parameters)))
    log ILendingPool.RatesSet(parameters=parameters)


@internal
def _set_fees(reserve_factor: uint256, flash_fee: uint256):
    assert reserve_factor <= MAX_RESERVE_FACTOR and flash_fee <= MAX_FLASH_FEE, "pool: fee bounds"
    configuration: uint256 = pool_words._with_fees(pool_ledger.configuration, reserve_factor, flash_fee)
    same_factor: bool = pool_words._reserve_factor(configuration) == reserve_factor
    self._keep(configuration, same_factor and pool_words._flash_fee(configuration) == flash_fee)
    log ILendingPool.FeesSet(reserve_factor=reserve_factor, flash_fee=flash_fee)


@view
@internal
def _caps(configuration: uint256) -> (uint256, uint256):
    """
    @notice Supply cap and borrow cap, raw units.
    """
    return (
        unsafe_mul(pool_words._supply_cap(configuration), pool_ledger.UNIT),
        unsafe_mul(pool_words._borrow_cap(configuration), pool_ledger.UNIT),
    )


@internal
def _keep(configuration: uint256, exact: bool):
    """
    @notice Store a configuration, if it says exactly what was asked for.
    """
    assert exact, "pool: precision"
    pool_ledger.configuration = configuration
