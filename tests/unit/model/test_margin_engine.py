"""The engine's model equals the engine: every return value, every reason, every number afterwards."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plimsoll.chain import RevmChain
from plimsoll.model.lending_pool import Pool
from plimsoll.model.margin_engine import MarginEngine, Risk
from plimsoll.model.operator_registry import Grant, OperatorRegistry
from tests.support.scenario import DEAD, OK, STALE, WIDE, World, deploy_world
from tests.support.twin import EVERYTHING, Batch, Deposit, Trade, Transfer, Twin, Verb, Withdraw

SYMBOLS = ("USDC", "WETH", "WBTC", "USDT", "TAIL")
SPREAD = (1, 2 * 10**16, 10**15, 0, 10**16)


@pytest.fixture(scope="module")
def deployed(session_chain: RevmChain) -> World:
    world = deploy_world(session_chain, price_parameters=SPREAD)
    for symbol, amount in (("USDC", 10**6), ("WETH", 500), ("WBTC", 20), ("USDT", 10**5), ("TAIL", 10**5)):
        world.lend(symbol, amount)
    for role in ("trader", "operator", "stranger"):
        for symbol in SYMBOLS:
            world.fund(role, symbol, 10**9, world.engine)
    return world


@pytest.fixture
def twin(chain: RevmChain, deployed: World) -> Twin:
    world = deployed.copy()
    return Twin(world, [world.account("trader", i) for i in range(3)])


def dollars(symbol: str, world: World, amount: int) -> int:
    """Raw units worth a number of cents."""
    return max(int(amount * 10 ** world[symbol].decimals / world[symbol].price / 100), 1)


symbols = st.sampled_from(SYMBOLS)
places = st.integers(0, 2)
cents = st.one_of(st.integers(1, 10**4), st.integers(10**4, 10**7))
limits = st.sampled_from([0, 10**5, 10**7, EVERYTHING, EVERYTHING, EVERYTHING])
fairness = st.sampled_from([0, 900, 989, 990, 991, 999, 1_000, 1_001, 1_100])

Build = Callable[[Twin], Verb]


@st.composite
def verbs(draw: st.DrawFn) -> Build:
    kind = draw(st.sampled_from(["deposit", "withdraw", "trade", "transfer"]))
    place, step, symbol, turn = draw(places), draw(st.integers(1, 2)), draw(symbols), draw(st.integers(1, 4))
    other = SYMBOLS[(SYMBOLS.index(symbol) + turn) % 5]
    amount, limit, fair, whole, reduce_only = (
        draw(cents),
        draw(limits),
        draw(fairness),
        draw(st.booleans()),
        draw(st.booleans()),
    )

    def build(twin: Twin) -> Verb:
        world, account = twin.world, twin.accounts[place]
        units = dollars(symbol, world, amount)
        borrow = limit if limit in (0, EVERYTHING) else dollars(symbol, world, limit)
        if whole and world.balance(account, symbol) > 0:
            units = world.balance(account, symbol)
        if kind == "deposit":
            return Deposit(account, symbol, units)
        if kind == "withdraw":
            return Withdraw(account, symbol, EVERYTHING if whole else units, borrow)
        if kind == "transfer":
            return Transfer(account, twin.accounts[(place + step) % 3], symbol, units)
        bought = twin.worth(symbol, units, other) * fair // 1_000
        if reduce_only and borrow != EVERYTHING:
            borrow = 0
        return Trade(
            account, symbol, units, borrow, other, bought, min_buy=bought - 1 if fair else 0, reduce_only=reduce_only
        )

    return build


@given(
    calls=st.lists(st.tuples(st.sampled_from(["trader", "operator", "stranger"]), verbs()), min_size=1, max_size=12),
    permissions=st.integers(0, 15),
    seconds=st.integers(0, 10**6),
    paused=st.booleans(),
    statuses=st.lists(st.sampled_from([OK, OK, OK, WIDE, STALE, DEAD]), min_size=5, max_size=5),
    price=st.integers(1_500, 2_500),
    caps=st.dictionaries(symbols, st.sampled_from([50, 99, 100, 101, 150]), max_size=2),
    refused=st.dictionaries(symbols, st.sets(st.tuples(places, st.booleans()), max_size=2), max_size=2),
)
def test_verbs__any_sequence__equals_the_contract(
    twin: Twin,
    calls: list[tuple[str, Build]],
    permissions: int,
    seconds: int,
    paused: bool,
    statuses: list[int],
    price: int,
    caps: dict[str, int],
    refused: dict[str, set[tuple[int, bool]]],
) -> None:
    with twin.world.chain.isolate():
        twin = Twin(twin.world.copy(), twin.accounts)
        twin.grant(twin.accounts[0], "operator", Grant(permissions, twin.now + seconds, 500, 10**21))
        setup = [
            Deposit(twin.accounts[0], "USDC", 10**10),
            Deposit(twin.accounts[1], "WETH", 10**19),
            Trade(twin.accounts[0], "USDC", 5 * 10**10, 4 * 10**10, "WETH", 25 * 10**18),
            Withdraw(twin.accounts[1], "USDC", 10**10, 10**10),
        ]
        for call in setup:
            assert twin.run("trader", call) == ""
        half = len(calls) // 2
        for role, build in calls[:half]:
            twin.run(role, build(twin))
        twin.world.chain.warp(seconds)
        twin.set_price("WETH", price)
        for symbol, status in zip(SYMBOLS, statuses, strict=True):
            if status != OK:
                twin.set_status(symbol, status)
        if paused:
            twin.world.engine.pause(sender=twin.world.roles["guardian"])
            twin.model.paused = True
        for symbol, percent in caps.items():
            twin.set_cap(symbol, twin.world[symbol].token.balanceOf(twin.world.engine) * percent // 100)
        for symbol, whom in refused.items():
            twin.set_gate(symbol, {(twin.accounts[place], owed) for place, owed in whom})
        twin.compare()
        for role, build in calls[half:]:
            twin.run(role, build(twin))
        twin.compare()


@given(calls=st.lists(verbs(), min_size=1, max_size=8), role=st.sampled_from(["trader", "trader", "operator"]))
def test_batch__any_calls__equals_the_contract(twin: Twin, calls: list[Build], role: str) -> None:
    with twin.world.chain.isolate():
        twin = Twin(twin.world.copy(), twin.accounts)
        twin.grant(twin.address("trader"), "operator", Grant(15, twin.now, 10_000, 10**24))
        for call in (Deposit(twin.accounts[0], "USDC", 10**10), Deposit(twin.accounts[1], "WETH", 10**19)):
            assert twin.run("trader", call) == ""
        twin.run(role, Batch(tuple(build(twin) for build in calls)))
        twin.compare()


@given(
    price=st.integers(1_400, 1_800),
    sell=st.integers(1, 10**19),
    loss=st.integers(-5, 5),
    scale=st.sampled_from([0, 1, 10**4, 10**7]),
    buy=st.sampled_from(["USDC", "USDT", "WBTC"]),
)
def test_reduce_only__around_every_boundary__equals_the_contract(
    twin: Twin, price: int, sell: int, loss: int, scale: int, buy: str
) -> None:
    """A 5x long from solvent to insolvent sells at, and a few units around, the three prices that decide."""
    with twin.world.chain.isolate():
        twin = Twin(twin.world.copy(), twin.accounts)
        account = twin.accounts[0]
        for call in (
            Deposit(account, "USDC", 10**10),
            Trade(account, "USDC", 4 * 10**10, 3 * 10**10, "WETH", 2 * 10**19),
        ):
            assert twin.run("trader", call) == ""
        twin.set_price("WETH", price)
        health = twin.world.health(account)
        fair = twin.worth("WETH", sell, buy)
        kept = fair - fair * health.equity * 2 // max(health.maintenance * 20, 1) if health.equity > 0 else fair
        for target in (fair, fair * 99 // 100, kept):
            bought = max(target + loss * scale, 0)
            with twin.world.chain.isolate():
                before = twin.model
                twin.run("trader", Trade(account, "WETH", sell, 0, buy, bought, reduce_only=True))
                twin.compare()
            twin.model = before


# What the model says by itself


@pytest.fixture
def empty() -> MarginEngine:
    return MarginEngine(OperatorRegistry(), Risk({}, {}, 12 * 10**17), min_debt=0)


def test_model__unknown_asset__raises(empty: MarginEngine) -> None:
    with pytest.raises(ValueError, match="engine: unknown asset"):
        empty.deposit(0, 1, 1 << 96, 1, 5)


def test_model__batch__nested_or_empty__raises(empty: MarginEngine) -> None:
    with pytest.raises(ValueError, match="engine: empty batch"):
        empty.batch(0, [])
    with pytest.raises(ValueError, match="engine: nested batch"):
        empty.batch(0, [lambda: empty.batch(0, [lambda: None])])


def test_model__copy__shares_nothing_that_a_verb_changes(twin: Twin) -> None:
    account, copy = twin.accounts[0], twin.model.copy()
    untouched = twin.model.copy()
    now, trader = twin.now, twin.address("trader")
    usdc, weth = twin.world["USDC"].key, twin.world["WETH"].key
    copy.deposit(now, trader, account, usdc, 10**10)
    copy.trade(now, trader, account, usdc, 2 * 10**10, 10**10, weth, min_buy=0, bought=10**19)
    assert twin.model == untouched
    assert isinstance(copy.pools[usdc], Pool)
    assert copy.balance_of(now, account, usdc) == -(10**10)
