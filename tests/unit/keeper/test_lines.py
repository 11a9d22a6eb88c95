"""The index against the model's verdict on every account: nothing missed, nothing said that is not so."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.keeper import lines
from plimsoll.keeper.lines import LineIndex
from plimsoll.keeper.state import AccountState
from plimsoll.keeper.valuation import Line, Market
from tests.unit.keeper.portfolios import Mover, is_below, margin, random_account, random_market

WAD = 10**18
USDC, WETH, WBTC = 1, 2, 4
DOLLAR, ETHER, BITCOIN = 10**30, 2_000 * 10**18, 60_000 * 10**28


class Index:
    """A LineIndex over a dict of accounts."""

    def __init__(self, accounts: dict[int, AccountState]) -> None:
        self.accounts = accounts
        self.lines = LineIndex()
        for account, row in accounts.items():
            self.lines.put(account, row)

    def move(self, market: Market) -> lines.Crossing:
        return self.lines.move(market, lambda account: market.value(self.accounts[account]).liquidatable)

    def verdicts(self, market: Market) -> set[int]:
        return {account for account, row in self.accounts.items() if is_below(market, row)}


@given(seed=st.integers(0, 2**32), count=st.integers(1, 120), anchored=st.booleans())
@settings(max_examples=60)
def test_any_moves__below_is_exactly_what_the_model_says(seed: int, count: int, anchored: bool) -> None:
    random = Random(seed)
    mover = Mover(random, random_market(random))
    start = mover.market
    index = Index({number: random_account(random, start) for number in range(count)})
    below: set[int] = set()
    for step in range(12):
        crossing = index.move(mover.market)
        expected = index.verdicts(mover.market)
        assert set(crossing.crossed) == expected - below
        assert set(crossing.recovered) == below - expected
        assert set(index.lines.below()) == expected
        below = expected
        if anchored and step % 5 == 0:
            index.lines.anchor(mover.market)
        changed = random.randrange(count)
        if random.random() < 0.3:
            index.accounts[changed] = random_account(random, start)
            index.lines.put(changed, index.accounts[changed])
        mover.anything()


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_small_moves_from_an_anchor__nothing_missed(seed: int) -> None:
    """Where the index does not sweep: moves of up to a few percent of several prices, interest and ramps together."""
    random = Random(seed)
    mover = Mover(random, random_market(random))
    index = Index({number: random_account(random, mover.market) for number in range(300)})
    index.move(mover.market)
    index.lines.anchor(mover.market)
    for _ in range(6):
        for key in mover.market.lines:
            mover.price(key, 1 + random.choice([0, 0, 1e-12, 1e-6, -1e-4, 1e-3, -0.01, 0.02, -0.05]))
            mover.interest(key, 1 + random.choice([0, 1e-12, 1e-8, 1e-5]))
        crossing = index.move(mover.market)
        assert not crossing.swept
        assert set(index.lines.below()) == index.verdicts(mover.market)


def longs(count: int, market: Market) -> dict[int, AccountState]:
    """Return accounts that hold ether and owe dollars, with lines evenly from 50 % to just under the price."""
    accounts = {}
    ether, dollar = market.line(WETH), market.line(USDC)
    for number in range(count):
        part = 0.5 + 0.499 * number / count
        worth = ether.held_price * 10 * part * (1 - ether.margin.base / WAD) / (1 + dollar.margin.base / WAD)
        units = int(worth * 10**18 / dollar.owed_price)
        accounts[number] = AccountState({WETH: 10 * 10**18}, {USDC: units * dollar.debt_shares // dollar.debt})
    return accounts


def plain_market() -> Market:
    flat = margin(5 * 10**16, 40 * 10**16, 10**6)
    pool = (2 * 10**12, 10**18)
    lines_ = {
        USDC: Line(DOLLAR, DOLLAR, flat, *pool),
        WETH: Line(ETHER, ETHER, flat, *pool),
        WBTC: Line(BITCOIN, BITCOIN, flat, *pool),
    }
    return Market(lines_, 0)


@pytest.mark.parametrize("fall", [0.9999, 0.998, 0.99, 0.9, 0.75, 0.51])
def test_one_price_moves__examined_are_exactly_those_that_cross(fall: float) -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(5_000, mover.market))
    index.move(mover.market)
    index.lines.anchor(mover.market)
    mover.price(WETH, fall)
    crossing = index.move(mover.market)
    assert crossing.examined == len(crossing.crossed)
    assert set(crossing.crossed) == index.verdicts(mover.market)


def test_one_price_moves_up__nobody_is_examined() -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(1_000, mover.market))
    index.move(mover.market)
    index.lines.anchor(mover.market)
    mover.price(WETH, 1.5)
    assert index.move(mover.market).examined == 0


def test_interest_alone__wakes_who_it_takes_across() -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(5_000, mover.market))
    index.move(mover.market)
    index.lines.anchor(mover.market)
    mover.interest(USDC, 1.02)
    crossing = index.move(mover.market)
    assert 0 < len(crossing.crossed) == crossing.examined
    assert set(crossing.crossed) == index.verdicts(mover.market)


def test_margins_rise__wakes_who_they_take_across() -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(5_000, mover.market))
    index.move(mover.market)
    index.lines.anchor(mover.market)
    mover.margins(WETH, margin(6 * 10**16, 40 * 10**16, 10**6))
    crossing = index.move(mover.market)
    assert 0 < len(crossing.crossed) <= crossing.examined < 5 * len(crossing.crossed)
    assert set(crossing.crossed) == index.verdicts(mover.market)


def test_a_price_moves_and_interest_runs__few_are_examined_in_vain() -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(5_000, mover.market))
    index.move(mover.market)
    index.lines.anchor(mover.market)
    mover.price(WETH, 0.9)
    mover.interest(USDC, 1 + 1e-7)
    crossing = index.move(mover.market)
    assert set(crossing.crossed) == index.verdicts(mover.market)
    assert crossing.examined < 1.02 * len(crossing.crossed)


def test_what_is_below_is_not_reported_twice_and_recovers() -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(100, mover.market))
    index.move(mover.market)
    index.lines.anchor(mover.market)
    mover.price(WETH, 0.8)
    first = index.move(mover.market)
    assert index.move(mover.market).crossed == []
    mover.price(WETH, 1.25)
    assert set(index.move(mover.market).recovered) == set(first.crossed)
    assert index.lines.below() == []


def test_would_be_below__changes_nothing() -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(100, mover.market))
    index.move(mover.market)
    there = Mover(Random(0), mover.market)
    there.price(WETH, 0.7)
    fallen = index.lines.would_be_below(
        there.market, lambda account: there.market.value(index.accounts[account]).liquidatable
    )
    assert fallen == index.verdicts(there.market)
    assert fallen
    assert index.lines.below() == []


def test_an_account_without_debt_is_forgotten() -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(3, mover.market))
    index.lines.put(1, AccountState({WETH: 1}, {}))
    assert len(index.lines) == 2
    assert 1 not in index.lines
    mover.price(WETH, 0.01)
    assert set(index.move(mover.market).crossed) == {0, 2}


def test_a_changed_account_below_its_line_is_not_reported_again() -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(10, mover.market))
    mover.price(WETH, 0.3)
    assert len(index.move(mover.market).crossed) == 10
    index.accounts[4] = AccountState({WETH: 9 * 10**18}, index.accounts[4].owed)
    index.lines.put(4, index.accounts[4])
    assert index.move(mover.market).crossed == []
    assert index.lines.is_below(4)


def test_stale__after_many_changes_and_not_after_an_anchor() -> None:
    mover = Mover(Random(0), plain_market())
    index = Index(longs(2_000, mover.market))
    assert index.lines.is_stale
    index.move(mover.market)
    index.lines.anchor(mover.market)
    assert not index.lines.is_stale
    for number in range(700):
        index.lines.put(number, index.accounts[number])
    assert index.lines.is_stale
    index.lines.anchor(mover.market)
    assert not index.lines.is_stale
    assert set(index.lines.below()) == index.verdicts(mover.market)


def test_exactly_at_the_line__decided_in_integers() -> None:
    """Equity equal to the requirement is healthy; one raw unit of debt more is not."""
    market = plain_market()
    row = AccountState({WETH: 10**18}, {USDC: 10**15})
    price = market.line_price(row, WETH)
    assert price is not None
    index = Index({7: row})
    index.move(market)
    index.lines.anchor(market)
    for distance, below in ((1, False), (0, True), (-1, True), (1, False)):
        line = market.line(WETH)._replace(held_price=price + distance, owed_price=price + distance)
        crossing = index.move(Market({**market.lines, WETH: line}, 0))
        assert index.lines.is_below(7) is below
        assert crossing.exact == 1


def capped_market(keys: tuple[int, ...]) -> Market:
    """Return assets of a dollar whose rate rises from 5 % to its cap of 45 % at a million dollars."""
    steep = margin(5 * 10**16, 45 * 10**16, 4 * 10**11)
    return Market({key: Line(DOLLAR, DOLLAR, steep, 10**18, 10**18) for key in (*keys, 128)}, 0)


def balanced(held: dict[int, int], owed: dict[int, int], slack: int, market: Market) -> AccountState:
    """Return the account with as much of asset 128 besides as leaves it this slack (dollars)."""

    def room(extra: int) -> int:
        value = market.value(AccountState({**held, 128: extra}, owed))
        return (value.equity - value.requirement) // WAD

    low, high = 0, 10**15
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if room(middle) > slack else (middle, high)
    return AccountState({**held, 128: high}, owed)


def test_debts_that_grow_into_their_cap__together_they_cross_before_their_distances_add_up() -> None:
    """Up to the cap a debt takes more off than on average to the line: half the way of two is more than one whole."""
    market = capped_market((1, 2))
    row = balanced({}, {1: 800_000 * 10**6, 2: 800_000 * 10**6}, 500_000, market)
    index = Index({0: row})
    index.move(market)
    index.lines.anchor(market)
    mover = Mover(Random(0), market)
    for key in (1, 2):
        mover.price(key, 1.182)
    assert is_below(mover.market, row)
    assert index.move(mover.market).crossed == [0]


def test_holdings_that_fall_out_of_their_cap__together_they_cross_before_their_distances_add_up() -> None:
    """A balance far beyond its cap loses most at first."""
    keys = (1, 2, 4, 8)
    market = capped_market((*keys, 64))
    held = dict.fromkeys(keys, 1_100_000 * 10**6)
    row = AccountState(held, {64: 1_531_000 * 10**6})
    value = market.value(row)
    assert 0 < value.equity - value.requirement < 210_000 * WAD
    index = Index({0: row})
    index.move(market)
    index.lines.anchor(market)
    mover = Mover(Random(0), market)
    for key in keys:
        mover.price(key, 0.909)
    assert is_below(mover.market, row)
    crossing = index.move(mover.market)
    assert not crossing.swept
    assert crossing.crossed == [0]
