# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title What a lending pool keeps, in three words
@license AGPL-3.0
@notice Pure. From the low end:

            totals         cash 112 | debt 112 | updated 32
            debts          debt shares 112 | rate at target 48 | unminted fee 88 | fraction 8
            configuration  supply cap 48 | borrow cap 48 | reserve factor 16 | flash fee 16 | target 16 | steepness 24
                           | speed 24 | min rate 24 | max rate 24 | provisioned 1

            cash, debt, fee   raw units                        reserve factor, target, steepness   1e14 (0.01 %)
            updated           unix time modulo 2**32          flash fee, min rate, max rate       1e12 (0.0001 %)
            rate at target    1e5 WAD per year                 speed                               1e15 (0.001 per year)
            fraction          1/256 raw units                  caps                                whole tokens
            provisioned       1 while any account has a provision

        Both ledger words change in every operation, the configuration only by its setters and by the first and the last
        provision.
@dev Packing expects values that fit; who writes makes them fit (`CASH_LIMIT` and the like are the largest that do).
"""

from contracts.interfaces import ILendingPool

CASH_LIMIT: constant(uint256) = 2**112 - 1
DEBT_LIMIT: constant(uint256) = 2**112 - 1
DEBT_SHARES_LIMIT: constant(uint256) = 2**112 - 1
FEE_LIMIT: constant(uint256) = 2**88 - 1
CAP_LIMIT: constant(uint256) = 2**48 - 1
TIME_MASK: constant(uint256) = 2**32 - 1
RATE_UNIT: constant(uint256) = 10**5

_M16: constant(uint256) = 2**16 - 1
_M24: constant(uint256) = 2**24 - 1
_M48: constant(uint256) = 2**48 - 1
_M88: constant(uint256) = 2**88 - 1
_M112: constant(uint256) = 2**112 - 1

_BPS: constant(uint256) = 10**14
_PPM: constant(uint256) = 10**12
_PER_MILLE: constant(uint256) = 10**15

_BORROW_CAP: constant(uint256) = 48
_RESERVE_FACTOR: constant(uint256) = 96
_FLASH_FEE: constant(uint256) = 112
_TARGET: constant(uint256) = 128
_STEEPNESS: constant(uint256) = 144
_SPEED: constant(uint256) = 168
_MIN_RATE: constant(uint256) = 192
_MAX_RATE: constant(uint256) = 216
_PROVISIONED: constant(uint256) = 240


@pure
@internal
def _unpack(totals: uint256, debts: uint256) -> ILendingPool.Ledger:
    return ILendingPool.Ledger(
        cash=totals & _M112,
        debt=(totals >> 112) & _M112,
        updated=totals >> 224,
        debt_shares=debts & _M112,
        rate_at_target=unsafe_mul((debts >> 112) & _M48, RATE_UNIT),
        fee=(debts >> 160) & _M88,
        fraction=debts >> 248,
    )


@pure
@internal
def _cash(totals: uint256) -> uint256:
    return totals & _M112


@pure
@internal
def _totals(ledger: ILendingPool.Ledger) -> uint256:
    return ledger.cash | ledger.debt << 112 | ledger.updated << 224


@pure
@internal
def _debts(ledger: ILendingPool.Ledger) -> uint256:
    """
    @dev A rate at target between two units is rounded down.
    """
    return (
        ledger.debt_shares
        | unsafe_div(ledger.rate_at_target, RATE_UNIT) << 112
        | ledger.fee << 160
        | ledger.fraction << 248
    )


@pure
@internal
def _supply_cap(configuration: uint256) -> uint256:
    return configuration & _M48


@pure
@internal
def _borrow_cap(configuration: uint256) -> uint256:
    return (configuration >> _BORROW_CAP) & _M48


@pure
@internal
def _reserve_factor(configuration: uint256) -> uint256:
    return unsafe_mul((configuration >> _RESERVE_FACTOR) & _M16, _BPS)


@pure
@internal
def _flash_fee(configuration: uint256) -> uint256:
    return unsafe_mul((configuration >> _FLASH_FEE) & _M16, _PPM)


@pure
@internal
def _rate_parameters(configuration: uint256) -> ILendingPool.RateParameters:
    return ILendingPool.RateParameters(
        target=unsafe_mul((configuration >> _TARGET) & _M16, _BPS),
        steepness=unsafe_mul((configuration >> _STEEPNESS) & _M24, _BPS),
        speed=unsafe_mul((configuration >> _SPEED) & _M24, _PER_MILLE),
        min_rate=unsafe_mul((configuration >> _MIN_RATE) & _M24, _PPM),
        max_rate=unsafe_mul((configuration >> _MAX_RATE) & _M24, _PPM),
    )


@pure
@internal
def _is_provisioned(configuration: uint256) -> bool:
    return configuration >> _PROVISIONED != 0


@pure
@internal
def _with_caps(configuration: uint256, supply_cap: uint256, borrow_cap: uint256) -> uint256:
    return self._replace(configuration, supply_cap | borrow_cap << _BORROW_CAP, 0, 96)


@pure
@internal
def _with_fees(configuration: uint256, reserve_factor: uint256, flash_fee: uint256) -> uint256:
    field: uint256 = reserve_factor // _BPS | (flash_fee // _PPM) << 16
    return self._replace(configuration, field, _RESERVE_FACTOR, 32)


@pure
@internal
def _with_rate_parameters(configuration: uint256, parameters: ILendingPool.RateParameters) -> uint256:
    field: uint256 = (
        parameters.target // _BPS
        | (parameters.steepness // _BPS) << (_STEEPNESS - _TARGET)
        | (parameters.speed // _PER_MILLE) << (_SPEED - _TARGET)
        | (parameters.min_rate // _PPM) << (_MIN_RATE - _TARGET)
        | (parameters.max_rate // _PPM) << (_MAX_RATE - _TARGET)
    )
    return self._replace(configuration, field, _TARGET, 112)


@pure
@internal
def _with_provisioned(configuration: uint256, provisioned: bool) -> uint256:
    return self._replace(configuration, convert(provisioned, uint256), _PROVISIONED, 1)


@pure
@internal
def _replace(word: uint256, field: uint256, position: uint256, bits: uint256) -> uint256:
    return word & ~(((1 << bits) - 1) << position) | field << position
