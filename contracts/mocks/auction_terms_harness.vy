# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title The auction_terms module, deployable for tests
@license AGPL-3.0
"""

from contracts.modules import auction_terms


@pure
@external
def penalty(requirement: uint256, debt: uint256, least: uint256, most: uint256) -> uint256:
    return auction_terms._penalty(requirement, debt, least, most)


@pure
@external
def curve(y: uint256, start_level: int256) -> int256:
    return auction_terms._curve(y, start_level)


@pure
@external
def bonus(
    elapsed: uint256,
    tau: uint256,
    kappa: uint256,
    start_level: int256,
    penalty: uint256,
    equity: int256,
    requirement: uint256,
    debt: uint256,
) -> int256:
    return auction_terms._bonus(elapsed, tau, kappa, start_level, penalty, equity, requirement, debt)


@pure
@external
def paid(debt: uint256, bonus: int256) -> uint256:
    return auction_terms._paid(debt, bonus)


@pure
@external
def max_fraction(
    equity: int256, positive: uint256, debt: uint256, target_positive: uint256, target_debt: uint256, bonus: int256
) -> uint256:
    """
    @dev As the auction asks for it: with what a taker of the whole debt receives at this bonus.
    """
    paid: uint256 = auction_terms._paid(debt, bonus)
    return auction_terms._max_fraction(equity, positive, debt, target_positive, target_debt, paid)


@pure
@external
def scaled(amount: uint256, rate: int256) -> int256:
    return auction_terms._scaled(amount, rate)
