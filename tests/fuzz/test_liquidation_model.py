"""Contract against model to the unit: portfolios of 1-8 positive assets and 1-4 debts, and their auctions."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.model import account_word
from tests.support.liquidation import LiquidationTwin
from tests.support.scenario import DEAD, MIN_DEBT, OK, STALE, WIDE, World, deploy_world
from tests.support.twin import Deposit, Withdraw

WAD = 10**18
DECIMALS = (18, 0, 2, 6, 8, 9, 12, 15, 6, 18, 8, 0)
PRICES: tuple[int | Fraction, ...] = (2_000, Fraction(1, 2), 1, 1, 60_000, 3, 10, 100, 1, 1, 1_000, 1)
HELD, OWED = range(8), range(8, 12)
"""The first asset is in every portfolio, and is what the taker has."""


@dataclass(frozen=True)
class Step:
    """Time, prices, and a verb."""

    seconds: int
    moves: tuple[tuple[int, Fraction], ...]
    status: tuple[int, int] | None
    verb: str
    fraction: int


@dataclass(frozen=True)
class Portfolio:
    """Dollars held, weights of the debts, percent of the margin used, E / R after the fall, and what happens then."""

    held: tuple[tuple[int, int], ...]
    owed: tuple[tuple[int, int], ...]
    used: int
    health: Fraction
    steps: tuple[Step, ...]


factors = st.integers(93, 104).map(lambda percent: Fraction(percent, 100))
steps = st.builds(
    Step,
    st.integers(0, 900) | st.integers(0, 90_000),
    st.lists(st.tuples(st.integers(0, 11), factors), max_size=2).map(tuple),
    st.none() | st.tuples(st.integers(0, 11), st.sampled_from([OK, WIDE, STALE, DEAD])),
    st.sampled_from(["take", "take", "take", "take", "poke", "cancel", "liquidate", "write_off"]),
    st.just(WAD) | st.integers(1, 99).map(lambda percent: percent * WAD // 100),
)
portfolios = st.builds(
    Portfolio,
    st.dictionaries(st.sampled_from(HELD[1:]), st.integers(20, 100_000), max_size=7).map(
        lambda others: tuple(sorted(others.items()))
    ),
    st.dictionaries(st.sampled_from(OWED), st.integers(1, 10), min_size=1, max_size=4).map(
        lambda debts: tuple(sorted(debts.items()))
    ),
    st.integers(80, 99),
    st.integers(75, 99).map(lambda percent: Fraction(percent, 100))
    | st.integers(-100, 99).map(lambda percent: Fraction(percent, 100)),
    st.lists(steps, min_size=1, max_size=6).map(tuple),
)


@pytest.fixture(scope="session")
def deployed(session_chain: RevmChain) -> World:
    tokens = [
        (f"T{index}", "MockERC20", decimals, price, False)
        for index, (decimals, price) in enumerate(zip(DECIMALS, PRICES, strict=True))
    ]
    world = deploy_world(session_chain, tokens)
    for index, price in enumerate(PRICES):
        world.lend(f"T{index}", int(20_000_000 / price))
    return world


@settings(max_examples=25)
@given(portfolio=portfolios)
def test_liquidation__equals_the_model(chain: RevmChain, deployed: World, portfolio: Portfolio) -> None:
    with chain.isolate():
        world = deployed.copy()
        account, taker = world.account("trader", 1), world.account("keeper", 1)
        twin = LiquidationTwin(world, [account, taker])
        _fill(twin, account, portfolio)
        _deposit(twin, "keeper", taker, 0, 5_000_000)
        values = twin.values(account)
        line = values.debt + portfolio.health * values.debt_requirement
        fall = (line / (values.positive - portfolio.health * values.positive_requirement)).limit_denominator(10**6)
        for index in HELD:
            twin.set_price(f"T{index}", world[f"T{index}"].price * fall)
        twin.act("stranger", "liquidate", account)
        twin.compare()
        for step in portfolio.steps:
            _step(twin, account, taker, step)
            twin.compare()


def _deposit(twin: LiquidationTwin, role: str, account: int, index: int, dollars: int | Fraction) -> None:
    symbol = f"T{index}"
    amount = max(1, twin.world.raw(symbol, Fraction(dollars) / twin.world[symbol].price))
    owner, token = twin.world.roles[role], twin.world[symbol].token
    token.mint(owner, amount, sender=owner)
    token.approve(twin.world.engine, 2**256 - 1, sender=owner)
    assert twin.run(role, Deposit(account, symbol, amount)) == ""


def _fill(twin: LiquidationTwin, account: int, portfolio: Portfolio) -> None:
    """Deposit what is held, then borrow a part of what initial margin allows."""
    for index, worth in (dict(portfolio.held) | {0: 5_000}).items():
        _deposit(twin, "trader", account, index, worth)
    health = twin.world.health(account)
    room = Fraction(health.equity - health.initial, WAD) * portfolio.used / 100
    weights = sum(weight for _, weight in portfolio.owed)
    for index, weight in portfolio.owed:
        symbol = f"T{index}"
        dollars = (room - room / 15) * weight / weights
        amount = max(1, twin.world.raw(symbol, dollars / twin.world[symbol].price))
        twin.run("trader", Withdraw(account, symbol, amount, amount))


def _step(twin: LiquidationTwin, account: int, taker: int, step: Step) -> None:
    for index, factor in step.moves:
        asset = twin.world[f"T{index}"]
        if Fraction(PRICES[index]) / 20 < asset.price * factor <= 10**asset.decimals:
            twin.set_price(asset.symbol, asset.price * factor)
    twin.warp(step.seconds)
    if step.status is not None:
        twin.set_status(f"T{step.status[0]}", step.status[1])
    before = twin.values(account)
    quote = twin.world.auction.quote(account)
    if step.verb != "take":
        twin.act("stranger", step.verb, account)
        return
    reason = twin.act("keeper", "take", account, step.fraction, taker, -WAD)
    if reason == "":
        _check_take(twin, account, before.equity, quote.bonus)
    elif step.fraction == WAD and quote.takeable:
        assert reason in ("engine: price status", "engine: initial margin", "engine: min debt"), "the taker's own"


def _check_take(twin: LiquidationTwin, account: int, equity: int, bonus: int) -> None:
    after = twin.values(account)
    word = twin.model.word_of(account)
    if word & account_word.UNDER_AUCTION and after.certain:
        units = sum(twin.price(symbol).mid for symbol in twin.world.assets) // WAD + 12
        assert after.debt >= MIN_DEBT - units
        assert after.positive > MIN_DEBT // 4
        assert bonus > 0 or after.equity >= equity - units, "a bonus that is not positive costs nothing"
