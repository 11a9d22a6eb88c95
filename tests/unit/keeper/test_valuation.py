"""Values and line prices against the model of the RiskEngine, to the unit."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.keeper.state import AccountState
from plimsoll.keeper.valuation import Line, Market, in_force, liquidation_prices
from plimsoll.model import margin_rate
from plimsoll.model.price_oracle import DEAD, OK, PRICE_LIMIT, STALE, WIDE, Price
from tests.unit.keeper.portfolios import Mover, assess, is_below, margin, random_account, random_market

WAD = 10**18
USDC, WETH = 1, 2


@given(seed=st.integers(0, 2**32))
@settings(max_examples=200)
def test_value__is_the_models(seed: int) -> None:
    random = Random(seed)
    mover = Mover(random, random_market(random))
    account = random_account(random, mover.market)
    for _ in range(3):
        value, health = mover.market.value(account), assess(mover.market, account)
        assert (value.equity, value.requirement, value.debt) == (health.equity, health.maintenance, health.debt)
        positions = mover.market.positions(account)
        assert sum(p.requirement for p in positions) == health.maintenance
        assert sum(-p.worth if p.is_debt else p.worth for p in positions) == health.equity
        mover.anything()


@given(seed=st.integers(0, 2**32))
@settings(max_examples=200)
def test_line_price__one_step_further_is_the_other_side(seed: int) -> None:
    random = Random(seed)
    market = random_market(random)
    account = random_account(random, market)

    def below_at(key: int, price: int) -> bool:
        return is_below(market_at(market, price, key), account)

    for key in account.held:
        line = market.line_price(account, key)
        if line is None:
            assert not below_at(key, 1)
            continue
        assert below_at(key, line)
        for step in (1, 2, line // 10**18 + 1, line // 1_000 + 1, line):
            assert line + step >= PRICE_LIMIT or not below_at(key, line + step), step
    for key in account.owed:
        line = market.line_price(account, key)
        if line is None:
            assert not below_at(key, PRICE_LIMIT - 1)
            continue
        assert below_at(key, line)
        for step in (1, 2, line // 10**18 + 1, line // 1_000 + 1, line - 1):
            assert step == 0 or line - step < 1 or not below_at(key, line - step), step


@pytest.mark.parametrize("odd", range(12))
def test_line_price__of_a_holding__is_the_highest_where_the_rate_steps(odd: int) -> None:
    """Where the size term steps, a lower worth can need less: here by thousands, all of which are tried."""
    slope = 10**14
    steep, flat = margin(10**15, 499 * 10**15, slope), margin(10**15, 10**15, slope)
    market = Market({USDC: Line(WAD, WAD, flat, 1, 1), WETH: Line(WAD, WAD, steep, 0, 0)}, 0)
    account = AccountState({WETH: WAD}, {USDC: 2_400 * WAD + 1_009 * odd})
    line = market.line_price(account, WETH)
    assert line is not None
    liquidatable = [
        price for price in range(line - 10_000, line + 40_000) if market_at(market, price).value(account).liquidatable
    ]
    assert line == max(liquidatable)


def market_at(market: Market, price: int, key: int = WETH) -> Market:
    return Market({**market.lines, key: market.line(key)._replace(held_price=price, owed_price=price)}, 0)


def test_line_price__of_an_asset_that_is_neither_held_nor_owed__none() -> None:
    market = random_market(Random(1))
    account = AccountState({WETH: 10**18}, {USDC: 10**9})
    assert market.line_price(account, 4) is None


def test_line_price__without_debt__none() -> None:
    market = random_market(Random(1))
    assert market.line_price(AccountState({WETH: 10**18}, {}), WETH) is None


def test_no_debt__never_liquidatable() -> None:
    market = random_market(Random(1))
    assert not market.value(AccountState({WETH: 10**18}, {})).liquidatable


@pytest.mark.parametrize(
    ("status", "certain", "expected"),
    [
        (OK, True, (200, 200)),
        (WIDE, False, (300, 100)),
        (STALE, False, (300, 100)),
        (WIDE, True, (200, 200)),
        (DEAD, False, (0, 0)),
        (DEAD, True, (0, 0)),
    ],
)
def test_liquidation_prices__in_doubt_the_side_that_favours_the_account(
    status: int, certain: bool, expected: tuple[int, int]
) -> None:
    price = Price(0, 0, 0, DEAD) if status == DEAD else Price(100, 200, 300, status)
    assert liquidation_prices(price, certain) == expected


@given(
    since=st.integers(0, 10**6),
    elapsed=st.integers(0, 10**7),
    worth=st.integers(0, 10**27),
    slopes=st.tuples(st.integers(10**6, 10**14), st.integers(10**6, 10**14)),
    bases=st.tuples(st.integers(10**15, 2 * 10**17), st.integers(10**15, 2 * 10**17)),
)
def test_in_force__a_standing_margin_with_the_rates_of_the_moment(
    since: int, elapsed: int, worth: int, slopes: tuple[int, int], bases: tuple[int, int]
) -> None:
    target = margin_rate.Parameters(bases[1], 4 * 10**17, slopes[1], 10**14, 10**16)
    moving = margin_rate.Margin(bases[0], 3 * 10**17, slopes[0], since, True, target)
    standing = in_force(moving, since + elapsed)
    assert margin_rate.rate(standing, worth, 0) == margin_rate.rate(moving, worth, since + elapsed)
