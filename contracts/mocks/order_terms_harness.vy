# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title order_terms, callable from tests
@license AGPL-3.0
"""

from contracts.modules import order_terms


@pure
@external
def best(kind: uint256, start: uint256, stored: uint256, mid: uint256) -> uint256:
    return order_terms._best(kind, start, stored, mid)


@pure
@external
def triggered(kind: uint256, trigger: uint256, trail: uint256, mid: uint256) -> bool:
    return order_terms._triggered(kind, trigger, trail, mid)


@pure
@external
def fee(amount: uint256, fee: uint256) -> uint256:
    return order_terms._fee(amount, fee)


@pure
@external
def least_bought(sold: uint256, sell_mid: uint256, buy_mid: uint256, cost: uint256) -> uint256:
    return order_terms._least_bought(sold, sell_mid, buy_mid, cost)


@pure
@external
def least_at_rate(sold: uint256, rate: uint256) -> uint256:
    return order_terms._least_at_rate(sold, rate)


@pure
@external
def most_for_debt(debt: uint256, sell_mid: uint256, buy_mid: uint256, cost: uint256, fee: uint256) -> uint256:
    return order_terms._most_for_debt(debt, sell_mid, buy_mid, cost, fee)


@pure
@external
def at_most(equity: int256, maintenance: uint256, ratio: uint256) -> bool:
    return order_terms._at_most(equity, maintenance, ratio)
