# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title What a share of a vault counts for
@license AGPL-3.0
@notice Amounts of assets are raw units for a sample of shares, fixed once, so large that rounding does not count.
@dev Pure. Nothing stops it. No product here overflows: anchors are below 2**112, prices below 2**128, and a line below 2**128 for the
     next 60,000 years.
"""

WAD: constant(uint256) = 10**18
YEAR: constant(uint256) = 365 * 86_400
BPS: constant(uint256) = 10_000
LEAST_BACK: constant(uint256) = 9_500   # of what is put in: basis points


@pure
@internal
def _line(anchor: uint256, since: uint256, yearly_cap: uint256, now: uint256) -> uint256:
    """
    @notice The most assets that count, rounded down.
    @param anchor Below 2**112.
    @param since, now Unix times, now not before since.
    @param yearly_cap WAD, at most 1.
    """
    growth: uint256 = unsafe_mul(unsafe_mul(anchor, yearly_cap), unsafe_sub(now, since))
    return unsafe_add(anchor, unsafe_div(growth, WAD * YEAR))


@pure
@internal
def _price(price: uint256, assets: uint256, sample: uint256) -> uint256:
    """
    @notice The price of a raw share, rounded down, at least 1.
    @param price Of a raw unit of the asset, below 2**128.
    @param assets That `sample` shares count for, below 2**128.
    @param sample Raw shares, not 0.
    """
    return max(unsafe_div(unsafe_mul(price, assets), sample), 1)


@pure
@internal
def _is_fair(
    sample: uint256,
    redeemed: uint256,
    converted: uint256,
    minted_for: uint256,
    deposited_for: uint256,
    withdrawn_for: uint256,
    shares: uint256,
) -> bool:
    """
    @notice Whether a vault's answers agree: no way through it, in by deposit or mint and out by redeem or withdraw, pays, and none loses
            more than 5 %, which is what fees and booked losses may take.
    @param sample Shares.
    @param redeemed Assets that redeeming the sample pays.
    @param converted Assets that the sample converts to.
    @param minted_for Assets that minting the sample costs.
    @param deposited_for Shares that depositing `redeemed` makes.
    @param withdrawn_for Shares that withdrawing `redeemed` costs.
    @param shares Shares that `redeemed` converts to.
    """
    return (
        self._is_little_less(redeemed, converted)
        and self._is_little_less(redeemed, minted_for)
        and self._is_little_less(deposited_for, sample)
        and self._is_little_less(withdrawn_for, sample)
        and self._is_little_less(shares, sample)
    )


@pure
@internal
def _is_little_less(part: uint256, whole: uint256) -> bool:
    """
    @notice Whether a number is at most another one, and at least 95 % of it.
    """
    return part <= whole and part >= unsafe_div(whole, BPS) * LEAST_BACK
