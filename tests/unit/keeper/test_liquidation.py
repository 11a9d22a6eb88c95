"""Auctions, takes, provisions and write-offs as the books see them, against the chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.chain import Revert
from plimsoll.keeper.books import Books
from plimsoll.keeper.state import Auction
from plimsoll.keeper.valuation import market
from plimsoll.model import liquidation_auction
from plimsoll.model.price_oracle import DEAD, OK, STALE, WIDE, Clock, Price, is_settled
from tests.support import scenario
from tests.support.scenario import World, deploy_world
from tests.unit.keeper.chains import RecordingChain, RevmSource
from tests.unit.keeper.operations import accounts, deployment

WAD = 10**18

REFUSALS = {
    "auction: below the line",
    "auction: bonus",
    "auction: healthy",
    "auction: none",
    "auction: not dust",
    "auction: nothing to take",
    "auction: price status",
    "auction: remainder",
    "auction: running",
    "auction: solvent",
    "engine: initial margin",
    "engine: insufficient balance",
    "engine: isolated",
    "engine: min debt",
    "engine: not under auction",
    "engine: opposite balance",
    "engine: price status",
    "engine: reduce only",
    "engine: too many assets",
    "engine: under auction",
}


@pytest.fixture(scope="module")
def deployed() -> tuple[RecordingChain, World]:
    chain = RecordingChain()
    world = deploy_world(chain)
    for symbol, amount in (("USDC", 5_000_000), ("WETH", 2_000), ("WBTC", 50), ("USDT", 2_000_000), ("TAIL", 300_000)):
        world.lend(symbol, amount)
    for number, account in enumerate(accounts(world)):
        world.deposit(account, "USDC", 10_000)
        world.open(account, "USDC", 30_000, "WETH")
        if number % 2:
            world.open(account, "USDT", 10_000, "WBTC")
    for role in ("lender", "stranger"):
        world.deposit(world.account(role, 0), "WETH", 2_000)
    chain.warp(12)
    return chain, world


@dataclass
class Crash:
    """Random prices, and everybody who may act on accounts that fall."""

    world: World
    random: Random
    done: dict[str, int] = field(default_factory=dict)

    def run(self, count: int) -> None:
        verbs: list[Callable[[], None]] = [
            self.price, self.price, self.liquidate, self.liquidate, self.liquidate, self.take, self.take, self.take,
            self.cancel, self.poke, self.write_off, self.cure, self.sell, self.warp, self.status, self.mark,
        ]  # fmt: skip
        for _ in range(count):
            verb = self.random.choice(verbs)
            try:
                verb()
            except Revert as refusal:
                assert refusal.reason in REFUSALS, f"{verb.__name__}: {refusal.reason or refusal}"
            else:
                self.done[verb.__name__] = self.done.get(verb.__name__, 0) + 1

    def account(self) -> int:
        return self.random.choice(accounts(self.world))

    def price(self) -> None:
        symbol, normal = self.random.choice([("WETH", 2_000), ("WETH", 2_000), ("WBTC", 60_000), ("USDT", 1)])
        spread = (0.3, 1.2) if symbol != "USDT" else (0.9, 1.1)
        self.world.set_price(symbol, Fraction(int(normal * self.random.uniform(*spread) * 1_000), 1_000))

    def status(self) -> None:
        symbol = self.random.choice(["WETH", "WBTC", "USDT", "USDC"])
        self.world.set_status(symbol, self.random.choice([OK, OK, OK, WIDE, STALE, DEAD]))

    def mark(self) -> None:
        keys = [asset.key for asset in self.world.assets.values()]
        self.world.risk_engine.mark(keys, sender=self.world.roles["stranger"])

    def liquidate(self) -> None:
        self.world.engine.liquidate(self.account(), sender=self.world.roles["stranger"])

    def take(self) -> None:
        taker = self.random.choice(["lender", "stranger"])
        fraction = self.random.choice([WAD, WAD, self.random.randrange(1, WAD)])
        to_account = self.world.account(taker, self.random.choice([0, 0, 1]))
        self.world.engine.take(self.account(), fraction, to_account, -WAD, sender=self.world.roles[taker])

    def cancel(self) -> None:
        self.world.engine.cancel(self.account(), sender=self.world.roles["stranger"])

    def poke(self) -> None:
        self.world.engine.poke(self.account(), sender=self.world.roles["stranger"])

    def write_off(self) -> None:
        self.world.engine.write_off(self.account(), sender=self.world.roles["stranger"])

    def cure(self) -> None:
        """Repay a debt, a part of it or more than all of it."""
        account = self.account()
        symbol = self.random.choice(["USDC", "USDT"])
        self.world.deposit(account, symbol, self.random.choice([1, 500, 5_000, 50_000]))

    def sell(self) -> None:
        self.world.trade(self.account(), "WETH", self.random.choice([1, 5, 10]), "USDC", reduce_only=True)

    def warp(self) -> None:
        self.world.warp(self.random.choice([12, 60, 600, 3_000, 86_400]))


def told(chain: RecordingChain, world: World, tmp_path_factory: pytest.TempPathFactory) -> Books:
    source = RevmSource(chain, world.engine)
    path = tmp_path_factory.mktemp("books") / "keeper.sqlite"
    return Books.open(path, deployment(chain, world), source, source)


def check(books: Books, world: World) -> None:
    """Assert that accounts, pools, auctions and provisions are the chain's."""
    everybody = [*accounts(world), *(world.account(role, index) for role in ("lender", "stranger") for index in (0, 1))]
    auctions = books.auctions()
    for account in everybody:
        assert books.verify(account) == []
        on_chain = world.auction.auction_of(account)
        auction = auctions.get(account)
        assert (auction is None) is (on_chain.started_at == 0)
        if auction is not None:
            assert auction == Auction(on_chain.started_at, on_chain.starter, on_chain.penalty, on_chain.version)
        for asset in world.assets.values():
            assert books.account(account).provisions.get(asset.key, 0) == asset.pool.provision_of(account)
    for asset in world.assets.values():
        ledger = books.state.pool(asset.key).ledger
        assert tuple(getattr(ledger, name) for name in ledger.__slots__) == tuple(asset.pool.ledger())
    assert tuple(books.state.terms(1).values()) == tuple(world.auction.parameters())  # type: ignore[union-attr]


def check_values(books: Books, world: World) -> None:
    """Assert that liquidation values every account as the RiskEngine does, whatever the prices' status."""
    now = world.chain.timestamp()
    keys = [asset.key for asset in world.assets.values()]
    prices = {key: Price(*price) for key, price in zip(keys, world.risk_engine.prices(keys), strict=True)}
    settled = set()
    for key in keys:
        clock = Clock(*world.risk_engine.not_ok_since(key))
        if is_settled(clock, prices[key].status, scenario.WIDE_DELAY, now):
            settled.add(key)
    there = market(books.state, prices, now, frozenset(settled))
    books.reprice(prices, now, settled)
    for account in accounts(world):
        sides = there.sides(books.account(account))
        on_chain = world.risk_engine.assess_liquidation(world.engine.exposures(account))
        assert sides._asdict() == {name: getattr(on_chain, name) for name in sides._fields}
        assert books.value(account) == (sides.equity, sides.requirement, sides.debt)
        liquidatable = sides.debt > 0 and sides.equity < sides.requirement
        assert (account in books.below()) is liquidatable


@given(seed=st.integers(0, 2**32))
@settings(max_examples=12)
def test_a_crash__books_are_the_chains(
    deployed: tuple[RecordingChain, World], tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chain, original = deployed
    with chain.isolate():
        world = original.copy()
        books = told(chain, world, tmp_path_factory)
        crash = Crash(world, Random(seed))
        for _ in range(6):
            crash.run(25)
            chain.warp(12)
            assert books.sync().complete
            check(books, world)
            check_values(books, world)
        books.close()


@pytest.fixture
def doomed(
    deployed: tuple[RecordingChain, World], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[World, Books, int]]:
    """A world, its books, and an account with two debts that fell deep."""
    chain, original = deployed
    with chain.isolate():
        world = original.copy()
        books = told(chain, world, tmp_path_factory)
        account = accounts(world)[1]
        world.set_price("WETH", 1_000)
        world.engine.liquidate(account, sender=world.roles["stranger"])
        yield world, books, account
        books.close()


def test_dust_of_a_write_off__is_the_funds(doomed: tuple[World, Books, int]) -> None:
    world, books, account = doomed
    world.set_price("WETH", 1)
    world.set_price("WBTC", 1)
    receipt = world.engine.write_off(account, sender=world.roles["stranger"])
    assert len(receipt.find("Collected")) == 2
    world.chain.warp(12)
    books.sync()
    check(books, world)
    assert account not in books.state.accounts
    for symbol in ("WETH", "WBTC"):
        assert books.verify(world.account("fund", world[symbol].key)) == []
        assert world.engine.exposures(world.account("fund", world[symbol].key))


def test_quote__from_the_books_alone(doomed: tuple[World, Books, int]) -> None:
    """What a take would get now, by the model on the books' sides and auction, is what the chain quotes."""
    world, books, account = doomed
    world.set_price("WETH", 1_500)
    world.chain.warp(120)
    world.refresh()
    books.sync()
    check_values(books, world)
    auction, sides, now = books.auction(account), books.sides(account), world.chain.timestamp()
    assert auction is not None
    quote = world.auction.quote(account)
    assert quote.takeable
    assert liquidation_auction.bonus(auction, sides, now) == quote.bonus
    most = liquidation_auction.most(auction, sides, now, scenario.MIN_DEBT, scenario.INITIAL_RATIO)
    fraction, share, _ = liquidation_auction.shares(most, sides, quote.bonus, scenario.MIN_DEBT)
    assert (fraction, share) == (quote.max_fraction, quote.share)
    assert books.auction(accounts(world)[0]) is None


def test_explain__under_auction_below_and_cured(doomed: tuple[World, Books, int]) -> None:
    world, books, account = doomed
    world.chain.warp(12)
    books.sync()
    check_values(books, world)
    assert books.explain(account).reason == "under auction, and below its line: its equity is negative"
    world.set_price("WETH", 2_500)
    check_values(books, world)
    assert books.explain(account).reason == (
        "under auction, but its equity covers its requirement: the auction can be cancelled by anyone"
    )


def test_reorg__of_a_take(doomed: tuple[World, Books, int]) -> None:
    """A taker's account and the one taken from are as before when the take is reorganised away."""
    world, books, account = doomed
    chain = world.chain
    world.chain.warp(600)
    world.refresh()
    before = chain.snapshot()
    world.engine.take(account, WAD, world.account("stranger"), -WAD, sender=world.roles["stranger"])
    chain.warp(12)
    books.sync()
    check(books, world)
    chain.revert(before)
    chain.warp(12)
    chain.warp(12)
    done = books.sync()
    assert done.unwound == 1
    assert {account, world.account("stranger")} <= done.accounts
    check(books, world)
    assert account in books.auctions()


def test_take__what_has_no_price_stays_where_it_is(doomed: tuple[World, Books, int]) -> None:
    world, books, account = doomed
    world.chain.warp(600)
    world.refresh()
    world.set_status("WBTC", DEAD)
    taker = world.account("stranger")
    receipt = world.engine.take(account, WAD, taker, -WAD, sender=world.roles["stranger"])
    (taken,) = receipt.find("Taken", world.engine)
    assert taken.args["excluded"] == 0b10
    world.chain.warp(12)
    books.sync()
    assert books.account(account).held == {world["WBTC"].key: world.engine.balance_of(account, world["WBTC"].token)}
    check(books, world)
