# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title When a protection order is triggered, and on what terms it sells
@license AGPL-3.0
@notice Pure. Mids are dollars (WAD) per raw unit scaled by 1e18, below 2**128 and not 0; amounts raw units; costs basis points. Every rounding is in favour
        of the account: a trigger needs its whole distance, fees round down, the least purchase up.
@dev Amounts below 2**112: a product of an amount, a mid and basis points is below 2**254.
"""

WAD: constant(uint256) = 10**18
BPS: constant(uint256) = 10_000
AMOUNT_LIMIT: constant(uint256) = 2**112

BELOW: constant(uint256) = 0
ABOVE: constant(uint256) = 1
TRAIL_BELOW: constant(uint256) = 2
TRAIL_ABOVE: constant(uint256) = 3


@pure
@internal
def _best(kind: uint256, start: uint256, stored: uint256, mid: uint256) -> uint256:
    """
    @param kind TRAIL_BELOW or TRAIL_ABOVE.
    @param start What the order starts from.
    @param stored The best so far, 0 if there is none.
    @return The highest, or lowest, of all.
    """
    if kind == TRAIL_BELOW:
        return max(max(start, stored), mid)
    best: uint256 = min(start, mid)
    return best if stored == 0 else min(best, stored)


@pure
@internal
def _triggered(kind: uint256, trigger: uint256, trail: uint256, mid: uint256) -> bool:
    """
    @param trigger The mid to reach; of a trailing order the best so far.
    @param trail Basis points, below 10,000; read for a trailing order only.
    """
    if kind == BELOW:
        return mid <= trigger
    if kind == ABOVE:
        return mid >= trigger
    if kind == TRAIL_BELOW:
        return mid * BPS <= trigger * (BPS - trail)
    return mid * BPS >= trigger * (BPS + trail)


@pure
@internal
def _fee(amount: uint256, fee: uint256) -> uint256:
    """
    @return Raw units of what is sold, rounded down.
    """
    return amount * fee // BPS


@pure
@internal
def _least_bought(sold: uint256, sell_mid: uint256, buy_mid: uint256, cost: uint256) -> uint256:
    """
    @param cost What of the value sold may be lost, at most BPS.
    @return Raw units, rounded up.
    """
    worth: uint256 = buy_mid * BPS
    return (sold * sell_mid * (BPS - cost) + (worth - 1)) // worth


@pure
@internal
def _least_at_rate(sold: uint256, rate: uint256) -> uint256:
    """
    @param rate Raw units for one, WAD, below 2**128.
    @return Raw units, rounded up.
    """
    return (sold * rate + (WAD - 1)) // WAD


@pure
@internal
def _most_for_debt(debt: uint256, sell_mid: uint256, buy_mid: uint256, cost: uint256, fee: uint256) -> uint256:
    """
    @notice The sale, fee included, that repays a debt even if it loses all that it may.
    @param debt Raw units of what is bought.
    @param cost, fee Together below BPS.
    @return Raw units, rounded up; at most what any balance can be.
    """
    worth: uint256 = sell_mid * (BPS - cost)
    swapped: uint256 = min((debt * buy_mid * BPS + (worth - 1)) // worth, AMOUNT_LIMIT)
    kept: uint256 = BPS - fee
    return min((swapped * BPS + (kept - 1)) // kept, AMOUNT_LIMIT)


@pure
@internal
def _at_most(equity: int256, maintenance: uint256, ratio: uint256) -> bool:
    """
    @notice Whether equity over maintenance requirement is at most `ratio`, exactly.
    @param equity, maintenance WAD dollars, of sums of at most 12 values of amounts below 2**112.
    @param ratio WAD, at most 100.
    """
    return equity * convert(WAD, int256) <= convert(maintenance * ratio, int256)
