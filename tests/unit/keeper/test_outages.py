"""Outages as the keeper sees them, against the chain: lost prices, silenced sources, a sequencer that was down.

What the keeper decides from its books and what it reads of prices is what the engine does: an account that it thinks
below its line is started, one that it thinks healthy is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from eth_utils.crypto import keccak
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.chain import Revert
from plimsoll.keeper.books import Books
from plimsoll.keeper.node import Node, Unanswered
from plimsoll.keeper.prices import PriceReader, Prices
from plimsoll.keeper.source import SourceError
from plimsoll.model import cure
from tests.support.scenario import DEAD, OK, STALE, WIDE, WIDE_DELAY, World, deploy_world
from tests.support.venues import FOLLOWED, follow, say_sequencer
from tests.unit.keeper.chains import RecordingChain, RevmSource
from tests.unit.keeper.operations import accounts, deployment
from tests.unit.keeper.orders.conftest import RevmNode

WAD = 10**18
CURE_WINDOW = 3_600
FOLLOWS = ("WETH", "WBTC")
TWO_SOURCES = (1, 2 * WAD // 100, 0, 0, WAD // 100)

REFUSALS = {
    "auction: below the line",
    "auction: bonus",
    "auction: healthy",
    "auction: none",
    "auction: nothing to take",
    "auction: price status",
    "auction: remainder",
    "auction: running",
    "engine: initial margin",
    "engine: min debt",
    "engine: not under auction",
    "engine: opposite balance",
    "engine: price status",
    "engine: too many assets",
    "engine: under auction",
    "oracle: silenced lately",
    "volatility: not OK",
    "volatility: too early",
}


@dataclass
class Place:
    """A world with a sequencer, two sources of WETH, and a volatility oracle; and a keeper's eyes on it."""

    world: World
    feed: Any
    second: Any
    volatility: Any

    @property
    def chain(self) -> RecordingChain:
        return cast("RecordingChain", self.world.chain)

    def sequencer(self, status: int, since: int) -> None:
        say_sequencer(self.feed, status, since, self.world.roles["deployer"])

    def reader(self) -> PriceReader:
        return PriceReader(cast("Node", RevmNode(self.chain)), self.world.risk_engine.address)

    def key(self, symbol: str) -> int:
        return self.world[symbol].key

    def look(self, books: Books, reader: PriceReader) -> Prices:
        """Let the keeper see the block that is sealed now."""
        self.chain.warp(12)
        assert books.sync().complete
        now = self.chain.timestamp()
        found = reader.read(books.state.keys, now)
        books.reprice(found.report, now, found.settled, found.grants)
        return found

    def starts(self, account: int) -> bool:
        """Return whether the engine would start an auction now."""
        data = self.world.engine.liquidate.encode(account)
        try:
            self.chain.simulate(self.world.engine, data, self.world.roles["stranger"])
        except Revert as refusal:
            assert refusal.reason in ("auction: healthy", "auction: running")
            return False
        return True

    def ends(self, account: int) -> bool:
        """Return whether the engine would end an auction now."""
        data = self.world.engine.cancel.encode(account)
        try:
            self.chain.simulate(self.world.engine, data, self.world.roles["stranger"])
        except Revert as refusal:
            assert refusal.reason in ("auction: below the line", "auction: price status")
            return False
        return True

    def check(self, books: Books) -> set[int]:
        """Assert that the keeper's values and verdicts are the chain's; return who is below."""
        below = set()
        for account in accounts(self.world):
            on_chain = self.world.risk_engine.assess_liquidation(self.world.engine.exposures(account))
            sides = books.sides(account)
            assert sides._asdict() == {name: getattr(on_chain, name) for name in sides._fields}
            assert books.value(account) == (sides.equity, sides.requirement, sides.debt)
            if books.account(account).auction is None and books.account(account).owed:
                assert (account in books.below()) is self.starts(account)
            if books.account(account).auction is not None:
                assert books.is_over(account) is self.ends(account)
            if account in books.below():
                below.add(account)
        return below


@pytest.fixture(scope="module")
def built() -> Place:
    chain = RecordingChain()
    feed = chain.deploy("ScriptedAnswers", sender=chain.accounts()[0])
    world = deploy_world(chain, sequencer=(feed, CURE_WINDOW))
    second = chain.deploy("MockPriceSource", sender=world.roles["deployer"])
    place = Place(world, feed, second, None)
    place.sequencer(cure.UP, 1)
    weth = world["WETH"]
    second.set_price(int(weth.price * WAD), sender=world.roles["deployer"])
    world.risk_engine.set_sources(weth.key, [weth.source, second], TWO_SOURCES, sender=world.roles["owner"])
    place.volatility = follow(world, *FOLLOWS)
    for symbol, amount in (("USDC", 5_000_000), ("WETH", 2_000), ("WBTC", 50), ("USDT", 2_000_000)):
        world.lend(symbol, amount)
    for number, account in enumerate(accounts(world)):
        world.deposit(account, "USDC", 10_000 + 500 * number)
        world.open(account, "USDC", 30_000, "WETH")
        if number % 2:
            world.open(account, "USDT", 10_000, "WBTC")
        if number % 3 == 0:
            world.open(account, "WBTC", Fraction(1, 5), "USDC")
    for role in ("lender", "stranger"):
        world.deposit(world.account(role, 0), "WETH", 2_000)
    chain.warp(12)
    return place


@pytest.fixture
def place(built: Place) -> Iterator[Place]:
    with built.chain.isolate():
        yield Place(built.world.copy(), built.feed, built.second, built.volatility)


@pytest.fixture
def books(place: Place, tmp_path: Path) -> Iterator[Books]:
    found = books_of(place, tmp_path)
    yield found
    found.close()


def books_of(place: Place, folder: Path) -> Books:
    source = RevmSource(place.chain, place.world.engine)
    return Books.open(folder / "keeper.sqlite", deployment(place.chain, place.world), source, source)


@dataclass
class Trouble:
    """Whatever may happen to prices, margins and the sequencer, and who acts meanwhile."""

    place: Place
    random: Random
    done: dict[str, int] = field(default_factory=dict)

    def run(self, count: int) -> None:
        verbs: list[Callable[[], None]] = [
            *[self.price] * 4, *[self.warp] * 3, *[self.status] * 3, self.apart, self.silence, self.unsilence,
            self.sample, self.aim, self.mark, self.wait, self.down, self.restart, self.up, self.broken,
            *[self.liquidate] * 3, *[self.take] * 2, self.cancel, self.cure,
        ]  # fmt: skip
        for _ in range(count):
            verb = self.random.choice(verbs)
            try:
                verb()
            except Revert as refusal:
                assert refusal.reason in REFUSALS, f"{verb.__name__}: {refusal.reason or refusal}"
            else:
                self.done[verb.__name__] = self.done.get(verb.__name__, 0) + 1

    def price(self) -> None:
        symbol, normal = self.random.choice([("WETH", 2_000), ("WETH", 2_000), ("WBTC", 60_000), ("USDT", 1)])
        spread = (0.4, 1.1) if symbol != "USDT" else (0.95, 1.05)
        self.place.world.set_price(symbol, Fraction(int(normal * self.random.uniform(*spread) * 1_000), 1_000))
        if symbol == "WETH":
            self._second(self.place.world[symbol].price)

    def apart(self) -> None:
        """Let the second source of WETH say something else."""
        self._second(self.place.world["WETH"].price * Fraction(self.random.randrange(90, 111), 100))

    def _second(self, price: Fraction) -> None:
        self.place.second.set_price(int(price * WAD), sender=self.place.world.roles["deployer"])

    def status(self) -> None:
        symbol = self.random.choice(["WETH", "WETH", "WBTC", "WBTC", "USDT", "USDC"])
        status = self.random.choice([OK, OK, WIDE, STALE, DEAD])
        self.place.world.set_status(symbol, status)
        if symbol == "WETH" and status == DEAD and self.random.randrange(2):
            self.place.second.set_revert(sender=self.place.world.roles["deployer"])

    def silence(self) -> None:
        world = self.place.world
        duration = self.random.choice([60, 600, 7_200])
        index = self.random.randrange(2)
        world.risk_engine.silence(world["WETH"].key, index, duration, sender=world.roles["guardian"])

    def unsilence(self) -> None:
        world = self.place.world
        world.risk_engine.unsilence(world["WETH"].key, sender=world.roles["owner"])

    def sample(self) -> None:
        key = self.place.key(self.random.choice(FOLLOWS))
        self.place.volatility.sample(key, sender=self.place.world.roles["stranger"])

    def aim(self) -> None:
        key = self.place.key(self.random.choice(FOLLOWS))
        self.place.world.risk_engine.poke(key, sender=self.place.world.roles["stranger"])

    def mark(self) -> None:
        keys = [asset.key for asset in self.place.world.assets.values()]
        self.place.world.risk_engine.mark(keys, sender=self.place.world.roles["stranger"])

    def wait(self) -> None:
        """Keep the clocks for as long as prices in doubt favour accounts."""
        for _ in range(6):
            self.place.chain.warp(1_500)
            self.mark()

    def down(self) -> None:
        self.place.sequencer(cure.DOWN, self.place.chain.timestamp() - self.random.choice([0, 600, cure.MAX_OUTAGE]))

    def restart(self) -> None:
        self.place.sequencer(cure.UP, self.place.chain.timestamp() - self.random.choice([0, 600, CURE_WINDOW]))

    def up(self) -> None:
        self.place.sequencer(cure.UP, 1)

    def broken(self) -> None:
        """Let the sequencer's feed fail, or answer nonsense."""
        selector, sender = keccak(text="latestRoundData()")[:4], self.place.world.roles["deployer"]
        answer = self.random.choice([b"", b"\x01" * 64, b"\xff" * 160])
        self.place.feed.script(selector, self.random.randrange(2), answer, sender=sender)

    def account(self) -> int:
        return self.random.choice(accounts(self.place.world))

    def liquidate(self) -> None:
        """Start the auctions of some that may be."""
        for account in self.random.sample(accounts(self.place.world), 3):
            if self.place.starts(account):
                self.place.world.engine.liquidate(account, sender=self.place.world.roles["stranger"])

    def auctioned(self) -> int:
        """Return an account under auction, if there is one."""
        world = self.place.world
        running = [each for each in accounts(world) if world.auction.auction_of(each).started_at]
        return self.random.choice(running or accounts(world))

    def take(self) -> None:
        world, fraction = self.place.world, self.random.choice([WAD, WAD // 2])
        world.engine.take(self.auctioned(), fraction, world.account("lender", 0), -WAD, sender=world.roles["lender"])

    def cancel(self) -> None:
        self.place.world.engine.cancel(self.auctioned(), sender=self.place.world.roles["stranger"])

    def cure(self) -> None:
        self.place.world.deposit(self.auctioned(), "USDC", self.random.choice([1, 500, 5_000]))

    def warp(self) -> None:
        seconds = self.random.choice([12, 600, 1_800, 3_599, 7_200])
        if self.random.randrange(3):
            self.place.chain.warp(seconds)
        else:
            self.place.world.warp(seconds)
            self._second(self.place.world["WETH"].price)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=12)
def test_live__whatever_happens__the_keepers_verdict_is_the_engines(
    built: Place, tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    with built.chain.isolate():
        place = Place(built.world.copy(), built.feed, built.second, built.volatility)
        books, reader = books_of(place, tmp_path_factory.mktemp("books")), place.reader()
        trouble = Trouble(place, Random(seed))
        for _ in range(12):
            trouble.run(8)
            place.look(books, reader)
            place.check(books)
            books.rest()
        books.close()


def test_live__every_kind_of_trouble_is_met(built: Place, tmp_path: Path) -> None:
    """What the random sequences are made of happens, and makes a difference: a seed of theirs, counted."""
    with built.chain.isolate():
        place = Place(built.world.copy(), built.feed, built.second, built.volatility)
        books, reader, trouble = books_of(place, tmp_path), place.reader(), Trouble(place, Random(4))
        curing, kept, settled, below = 0, 0, 0, set()
        for _ in range(60):
            trouble.run(8)
            found = place.look(books, reader)
            below |= place.check(books)
            market = books.market(place.chain.timestamp())
            curing += found.grants.curing
            settled += len(found.settled)
            kept += sum(not market.is_judged(books.account(account)) for account in accounts(place.world))
        books.close()
    assert len(trouble.done) == 18
    assert min(curing, kept, settled, len(below)) > 0


def fall(place: Place, price: int) -> None:
    """Let both sources of WETH say a price."""
    place.world.set_price("WETH", price)
    place.second.set_price(price * WAD, sender=place.world.roles["deployer"])


def test_restart__nobody_is_started_who_was_healthy_at_the_last_good_price(place: Place, books: Books) -> None:
    reader = place.reader()
    assert place.look(books, reader).grants.curing is False
    fall(place, 1_500)
    place.sequencer(cure.UP, place.chain.timestamp())
    assert place.look(books, reader).grants.curing
    assert place.check(books) == set()
    assert not books.sides(accounts(place.world)[0]).certain
    place.chain.warp(CURE_WINDOW)
    assert not place.look(books, reader).grants.curing
    assert place.check(books) != set()


def test_restart__who_is_far_below_is_started(place: Place, books: Books) -> None:
    fall(place, 900)
    place.sequencer(cure.DOWN, place.chain.timestamp())
    assert place.look(books, place.reader()).grants.curing
    assert place.check(books) != set()


def test_silenced__in_doubt_until_the_silence_is_over(place: Place, books: Books) -> None:
    reader, weth = place.reader(), place.key("WETH")
    place.world.risk_engine.silence(weth, 1, 600, sender=place.world.roles["guardian"])
    assert place.look(books, reader).report[weth][3] == WIDE
    place.check(books)
    place.chain.warp(600)
    assert place.look(books, reader).report[weth][3] == OK
    assert place.check(books) == set()


def test_without_a_price__not_judged_until_its_delay_is_over(place: Place, books: Books) -> None:
    """The collateral's source dies in a crash of what else they hold: nobody judges, until it has lasted."""
    reader, weth, deployer = place.reader(), place.key("WETH"), place.world.roles["deployer"]
    account = accounts(place.world)[0]
    place.world.set_status("WETH", DEAD)
    place.second.set_revert(sender=deployer)
    assert weth in place.look(books, reader).due
    assert place.check(books) == set()
    assert books.value(account) == (0, 0, 0)
    owed = books.market(place.chain.timestamp()).debt(books.account(account))
    assert owed > 20_000 * WAD, "what a mark is worth does not hang on it"
    token = books.state.token(weth)
    assert books.explain(account).reason == (
        f"not liquidatable: not judged, what it holds of DEAD {token} may cover its requirement"
    )
    line = next(leg.line_price for leg in books.explain(account).legs if leg.position.key == weth)
    assert line is not None
    assert 1_000 * WAD < line < 2_000 * WAD
    seen = place.volatility.last(weth)[1]
    place.chain.warp(seen + WIDE_DELAY - place.chain.timestamp() - 12)
    place.look(books, reader)
    assert place.check(books) == set()
    place.look(books, reader)
    assert account in place.check(books)


def test_a_sample__puts_off_that_an_asset_counts_at_mid(place: Place, books: Books) -> None:
    """It proves that the price was OK meanwhile: a clock that nobody stopped settles no earlier."""
    reader, wbtc, stranger = place.reader(), place.key("WBTC"), place.world.roles["stranger"]
    place.world.set_status("WBTC", WIDE)
    place.world.risk_engine.mark([wbtc], sender=stranger)
    place.chain.warp(FOLLOWED[0])
    place.world.set_price("WBTC", 50_000)
    place.volatility.sample(wbtc, sender=stranger)
    sampled = place.chain.timestamp()
    place.world.set_status("WBTC", WIDE)
    settled = []
    for _ in range(9):
        place.world.risk_engine.mark([wbtc], sender=stranger)
        found = place.look(books, reader)
        settled.append(wbtc in found.settled)
        assert settled[-1] is (place.chain.timestamp() >= sampled + WIDE_DELAY)
        place.check(books)
        place.chain.warp(1_000)
    assert settled[0] is not settled[-1]


def test_margins__follow_pokes_of_anybody(place: Place, books: Books) -> None:
    reader, weth, roles = place.reader(), place.key("WETH"), place.world.roles
    place.world.risk_engine.set_dynamics(
        weth, (place.volatility, WAD // 5, "0x" + "00" * 20, 0, 0), sender=roles["owner"]
    )
    for price in (1_900, 2_200, 1_800, 2_100):
        place.chain.warp(FOLLOWED[0])
        fall(place, price)
        place.volatility.sample(weth, sender=roles["stranger"])
        place.world.risk_engine.poke(weth, sender=roles["stranger"])
        place.look(books, reader)
        place.check(books)
        margin = books.state.margin(weth)
        assert tuple(margin[:5]) == tuple(place.world.risk_engine.margin_of(weth))[:5]
        assert tuple(margin.target) == tuple(place.world.risk_engine.margin_of(weth).target)
    assert books.state.margin(weth).target.floor > 5 * WAD // 100


def test_a_node_that_does_not_answer_for_the_sequencer__is_no_sequencer_that_is_up(place: Place) -> None:
    node = RevmNode(place.chain)
    reader = PriceReader(cast("Node", node), place.world.risk_engine.address)
    whole = node.calls
    node.calls = lambda calls: [  # type: ignore[method-assign]
        Unanswered("later") if call.to == place.feed.address else answer
        for call, answer in zip(calls, whole(calls), strict=True)
    ]
    with pytest.raises(SourceError, match="no answer for"):
        reader.read([place.key("WETH")], place.chain.timestamp())
