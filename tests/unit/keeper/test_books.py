"""The books as the bot uses them: prices in, accounts out, and never one missed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import cast

import pytest

from plimsoll.keeper.books import Books, Deployment
from plimsoll.keeper.pools import PoolState
from plimsoll.keeper.source import Header, SourceError
from plimsoll.keeper.state import OPERATORS, RISK_ENGINE
from plimsoll.manifest import Deployed, Manifest
from plimsoll.model import account_word, risk_engine
from plimsoll.model.price_oracle import OK, STALE, WIDE, Price
from tests.support.scenario import World, deploy_world
from tests.unit.keeper.chains import RecordingChain, RevmSource
from tests.unit.keeper.conftest import Open
from tests.unit.keeper.ledger import ENGINE_AT, USDC, WETH, Story
from tests.unit.keeper.operations import Operations, accounts, deployment
from tests.unit.keeper.test_indexer import check

WAD = 10**18
Quote = tuple[int, int, int, int]


def dollars(price: float, status: int = OK, spread: float = 0.0) -> Quote:
    """Return what is reported of the 6-decimals dollar."""
    return quoted(int(price * 10**12) * 10**18, status, spread)


def ether(price: float, status: int = OK, spread: float = 0.0) -> Quote:
    """Return what is reported of the 18-decimals ether."""
    return quoted(int(price * 10**6) * 10**12, status, spread)


def quoted(price: int, status: int, spread: float) -> Quote:
    return int(price * (1 - spread)) if spread else price, price, int(price * (1 + spread)) if spread else price, status


def verdicts(books: Books, prices: dict[int, Quote], now: int) -> set[int]:
    """Return the accounts below their line by the model of the RiskEngine over the exposures of the state."""
    margins = {key: books.state.margin(key) for key in books.state.keys}
    quotes = {key: Price(*price) for key, price in prices.items()}
    below = set()
    for account in books.state.debtors():
        health = risk_engine.assess(books.state.exposures(account, now), [], quotes, margins, 12 * WAD // 10, now)
        if health.equity < health.maintenance:
            below.add(account)
    return below


def position(story: Story, number: int, collateral: int, debt: int) -> int:
    """Open an account that holds ether (wei) and owes dollars (raw units)."""
    account = account_word.account(number, 0)
    story.ledger.deposit(account, WETH, collateral)
    story.ledger.withdraw(account, USDC, debt)
    return account


@pytest.fixture
def books(story: Story, open_books: Open) -> Books:
    """Books of a chain with 1,000 longs of 1 ether whose lines are from 500 to about 1,500 dollars."""
    for number in range(1, 1_001):
        position(story, number, 10**18, 450 * 10**6 + number * 10**6)
        if number % 100 == 0:
            story.mine()
    books = open_books(story.chain)
    books.sync()
    return books


PRICES = {USDC: dollars(1), WETH: ether(2_000)}


def test_a_fall_in_steps__exactly_those_below(story: Story, books: Books) -> None:
    now = story.ledger.now
    assert books.reprice(PRICES, now).crossed == []
    books.rest()
    below: set[int] = set()
    for price in (1_700, 1_600, 1_500, 1_499.999999, 1_200, 1_250, 800, 2_000, 100):
        prices = PRICES | {WETH: ether(price)}
        crossing = books.reprice({WETH: prices[WETH]}, now)
        expected = verdicts(books, prices, now)
        assert set(crossing.crossed) == expected - below
        assert set(crossing.recovered) == below - expected
        assert set(books.below()) == expected
        below = expected
    assert len(below) == 1_000


def test_time_alone__interest_takes_them_across(story: Story, books: Books) -> None:
    now = story.ledger.now
    prices = PRICES | {WETH: ether(1_000)}
    books.reprice(prices, now)
    books.rest()
    for days in (1, 10, 100, 365):
        books.reprice({}, now + days * 86_400)
        assert set(books.below()) == verdicts(books, prices, now + days * 86_400)


def test_sync__new_debts_and_repayments_count_at_the_next_report(story: Story, books: Books) -> None:
    now = story.ledger.now
    prices = PRICES | {WETH: ether(1_000)}
    books.reprice(prices, now)
    safe, doomed = books.below()[0], position(story, 5_000, 10**18, 1_000 * 10**6)
    story.ledger.deposit(safe, USDC, 2_000 * 10**6)
    story.mine()
    books.sync()
    crossing = books.reprice({}, story.ledger.now)
    assert crossing.crossed == [doomed]
    assert safe not in books.below()
    assert set(books.below()) == verdicts(books, prices, story.ledger.now)


def test_reorg__the_verdicts_are_the_new_branchs(story: Story, books: Books) -> None:
    prices = PRICES | {WETH: ether(1_000)}
    doomed = position(story, 5_000, 10**18, 1_000 * 10**6)
    story.mine()
    books.sync()
    books.reprice(prices, story.ledger.now)
    assert doomed in books.below()
    story.go_back(1)
    story.mine()
    story.mine()
    books.sync()
    books.reprice({}, story.ledger.now)
    assert doomed not in books.below()
    assert set(books.below()) == verdicts(books, prices, story.ledger.now)


def test_a_sync_that_fails_half_way__its_accounts_are_not_forgotten(story: Story, open_books: Open) -> None:
    books = open_books(story.chain, window=4)
    books.sync()
    doomed = position(story, 5_000, 10**18, 1_990 * 10**6)
    story.mine()
    story.go_on(200, things=0)
    story.chain.limit = 30
    calls = 0

    def fail() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise SourceError("gone")

    story.chain.before_logs = fail
    with pytest.raises(SourceError):
        books.sync()
    assert books.reprice(PRICES, story.ledger.now).crossed == [doomed]
    assert doomed in books.sync().accounts


def test_a_stop_between_commit_and_memory__read_again_from_the_file(
    story: Story, open_books: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = open_books(story.chain)
    books.sync()
    doomed = position(story, 5_000, 10**18, 1_990 * 10**6)
    story.mine()
    write = books._store.write

    def write_and_stop(*args: object) -> None:
        write(*args)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(books._store, "write", write_and_stop)
    with pytest.raises(KeyboardInterrupt):
        books.sync()
    monkeypatch.undo()
    assert doomed in books.sync().accounts
    assert books.reprice(PRICES, story.ledger.now).crossed == [doomed]
    check(books, story, open_books)


def test_restart__same_verdicts(story: Story, books: Books, open_books: Open) -> None:
    prices = PRICES | {WETH: ether(1_000)}
    books.reprice(prices, story.ledger.now)
    again = open_books(story.chain)
    assert again.debtors() == books.debtors() == 1_000
    assert set(again.reprice(prices, story.ledger.now).crossed) == set(books.below())


def test_rebuild__same_verdicts(story: Story, books: Books) -> None:
    prices = PRICES | {WETH: ether(1_000)}
    books.reprice(prices, story.ledger.now)
    before = set(books.below())
    done = books.rebuild()
    assert done.rebuilt
    assert len(done.accounts) == 1_000
    books.reprice({}, story.ledger.now)
    assert set(books.below()) == before


@pytest.mark.parametrize(
    ("weth", "settled", "below"),
    [
        (ether(1_000, OK, 0.5), (), True),
        (ether(1_000, WIDE, 0.5), (), False),
        (ether(1_000, STALE, 0.5), (), False),
        (ether(1_000, WIDE, 0.5), (WETH,), True),
        (ether(1_000, WIDE, 0.01), (), True),
        ((0, 0, 0, 3), (), True),
    ],
)
def test_price_statuses__in_doubt_the_account_is_favoured(
    story: Story, open_books: Open, weth: Quote, settled: tuple[int, ...], below: bool
) -> None:
    account = position(story, 1, 10**18, 1_200 * 10**6)
    story.mine()
    books = open_books(story.chain)
    books.sync()
    books.reprice({USDC: dollars(1), WETH: weth}, story.ledger.now, settled)
    assert (books.below() == [account]) is below


def test_would_be_below__asks_without_moving(story: Story, books: Books) -> None:
    now = story.ledger.now
    books.reprice(PRICES, now)
    fallen = PRICES | {WETH: ether(1_200)}
    assert books.would_be_below({WETH: fallen[WETH]}, now) == verdicts(books, fallen, now)
    assert books.below() == []
    assert books.prices[WETH].mid == PRICES[WETH][1]


def test_explain__at_the_line_prices_it_is_as_told(story: Story, books: Books) -> None:
    account = account_word.account(700, 0)
    now = story.ledger.now
    books.reprice(PRICES, now)
    told = books.explain(account)
    assert not told.liquidatable
    assert told.reason == "not liquidatable: its equity covers its requirement"
    assert (told.owner, told.index) == (f"0x{700:040x}", 0)
    assert told.value == books.value(account)
    assert [leg.position.key for leg in told.legs] == [WETH, USDC]
    assert told.legs[0].move == pytest.approx(-0.39, abs=0.03)
    for leg, step in zip(told.legs, (1, -1), strict=True):
        assert leg.line_price is not None
        for price, expected in ((leg.line_price, True), (leg.line_price + step, False)):
            assert (account in books.would_be_below({leg.position.key: (price, price, price, OK)}, now)) is expected
    assert told.crosses_at is not None
    assert account not in books.would_be_below({}, told.crosses_at - 1)
    assert account in books.would_be_below({}, told.crosses_at)


def test_explain__below_and_in_doubt(story: Story, books: Books) -> None:
    account = account_word.account(700, 0)
    books.reprice(PRICES | {WETH: ether(1_200)}, story.ledger.now)
    told = books.explain(account)
    assert told.liquidatable
    assert told.crosses_at == story.ledger.now
    assert told.reason == "liquidatable: its equity is below its requirement"
    books.reprice({WETH: ether(500)}, story.ledger.now)
    assert books.explain(account).reason == "liquidatable: its equity is negative"
    books.reprice({WETH: ether(1_200, WIDE, 0.5)}, story.ledger.now)
    token = books.state.token(WETH)
    assert books.explain(account).reason == (
        f"not liquidatable: its equity covers its requirement; in its favour: WIDE {token}"
    )


def test_explain__without_debt_and_unknown(story: Story, books: Books) -> None:
    books.reprice(PRICES, story.ledger.now)
    told = books.explain(account_word.account(77, 7))
    assert (told.legs, told.crosses_at) == ((), None)
    assert told.reason == "not liquidatable: it owes nothing"


def test_deployment__of_a_manifest() -> None:
    somebody = [ENGINE_AT] * 4
    pool = [ENGINE_AT, "name", "symbol", *somebody, ["1"], "40000000000000000", "1", "1", "0", "0"]
    roles = ("engine", "risk_engine", "operators", "pool.X")
    addresses = {role: f"0x{number:040x}" for number, role in enumerate(roles)}
    contracts = {
        "engine": Deployed("MarginEngine", addresses["engine"], [], ""),
        "risk_engine": Deployed("RiskEngine", addresses["risk_engine"], [], ""),
        "operators": Deployed("OperatorRegistry", addresses["operators"], [], ""),
        "pool.X": Deployed("LendingPool", addresses["pool.X"], pool, ""),
    }
    told = Deployment.of(Manifest(31_337, "test", 12, ENGINE_AT, contracts))
    assert told.start_block == 12
    assert told.initial_rates == {addresses["pool.X"]: 4 * 10**16}
    assert told.seeds()[addresses["risk_engine"]] == RISK_ENGINE
    assert told.seeds()[addresses["operators"]] == OPERATORS
    assert (told.auction, told.fund) == (None, ENGINE_AT)


# Against the chain


@pytest.fixture(scope="module")
def deployed() -> tuple[RecordingChain, World]:
    chain = RecordingChain()
    world = deploy_world(chain)
    for symbol, amount in (("USDC", 2_000_000), ("WETH", 500), ("WBTC", 10), ("USDT", 500_000), ("TAIL", 300_000)):
        world.lend(symbol, amount)
    chain.warp(12)
    return chain, world


@pytest.fixture
def live(deployed: tuple[RecordingChain, World], tmp_path: Path) -> Iterator[tuple[World, Books]]:
    """A world with busy accounts, and books over it."""
    chain, original = deployed
    with chain.isolate():
        world = original.copy()
        for account in accounts(world):
            world.deposit(account, "USDC", 15_000)
            world.open(account, "USDC", 40_000, "WETH")
        Operations(world, Random(4)).run(60)
        chain.warp(12)
        source = RevmSource(chain, world.engine)
        books = Books.open(tmp_path / "keeper.sqlite", deployment(chain, world), source, source)
        books.sync()
        yield world, books
        books.close()


def on_chain(world: World) -> dict[int, Quote]:
    """Return the prices the RiskEngine reports."""
    return {asset.key: tuple(world.risk_engine.prices([asset.key])[0]) for asset in world.assets.values()}


def test_live__who_is_below_is_what_the_engine_says(live: tuple[World, Books]) -> None:
    world, books = live
    leveraged = [world.account("stranger", index) for index in range(2)]
    for account, equity in zip(leveraged, (9_000, 12_000), strict=True):
        world.deposit(account, "USDC", equity)
        world.open(account, "USDC", 40_000, "WETH")
    world.chain.warp(12)
    books.sync()
    seen = set()
    for price in (2_000, 1_900, 1_800, 1_700, 1_600, 1_500, 1_400, 1_300, 1_200, 3_000, 4_500):
        world.set_price("WETH", price)
        world.refresh()
        books.reprice(on_chain(world), world.chain.timestamp())
        expected = set()
        for account in (*accounts(world), *leveraged):
            health = world.health(account)
            assert books.value(account) == (health.equity, health.maintenance, health.debt)
            if health.equity < health.maintenance:
                expected.add(account)
        assert set(books.below()) == expected
        seen.add(len(expected))
    assert len(seen) > 2


def test_live__after_days_of_interest_and_ramps(live: tuple[World, Books]) -> None:
    world, books = live
    world.set_price("WETH", 1_750)
    for _ in range(20):
        world.warp(86_400)
        books.sync()
        books.reprice(on_chain(world), world.chain.timestamp())
        for account in accounts(world):
            health = world.health(account)
            assert books.value(account) == (health.equity, health.maintenance, health.debt)
            assert (account in books.below()) is (health.equity < health.maintenance)


def test_live__verify_and_audit__find_what_differs(live: tuple[World, Books]) -> None:
    world, books = live
    everybody = list(books.state.accounts)
    assert books.audit(5) == {}
    assert books.audit(1_000) == {}
    wrong = everybody[2]
    row = books.account(wrong)
    key = next(iter(row.held))
    books.state.accounts.restore(wrong, replace(row, held={**row.held, key: row.held[key] + 1}))
    (different,) = books.verify(wrong)
    assert different.startswith("exposures [")
    assert list(books.audit(1_000)) == [f"account {wrong:#x}"]
    books.rebuild()
    assert books.audit(1_000) == {}
    assert books.verify(world.account("stranger", 9)) == []


def test_live__a_node_loses_a_new_debt_and_no_filter_tells__audit_finds_it_and_a_rebuild_repairs(
    live: tuple[World, Books],
) -> None:
    """The books know nothing of the account: its debt is missing in the pool's sum. Nothing else would show it."""
    world, books = live
    source = cast("RevmSource", books._source)
    whole, start = source.get_logs, world.chain.block_number()
    account = world.account("stranger", 3)
    world.deposit(account, "USDC", 15_000)
    world.open(account, "USDC", 40_000, "WETH")
    world.chain.warp(12)
    lossy = range(start, start + 100)
    source.get_logs = lambda first, last, addresses: [  # type: ignore[method-assign]
        log for log in whole(first, last, addresses) if log.block_number not in lossy
    ]
    source.get_block = without_bloom(source.get_block)  # type: ignore[method-assign]
    books.sync()
    assert books.account(account).owed == {}
    found: dict[str, list[str]] = {}
    for _ in range(len(books.state.keys)):
        found |= books.audit(1)
    pool = books.state.pool_address(world.assets["USDC"].key)
    assert [line.split()[0] for line in found[f"pool {pool}"]] == ["cash", "debt"]
    books.suspect(account)
    assert f"account {account:#x}" in books.audit(1)
    source.get_logs = whole  # type: ignore[method-assign]
    books.rebuild()
    assert books.account(account).owed
    assert books.audit(1_000) == {}
    assert all(books.verify_pool(key) == [] for key in books.state.keys)


def without_bloom(get_block: Callable[..., Header | None]) -> Callable[..., Header | None]:
    """Return what a node says of blocks that keeps no filters."""

    def answer(number: int | None = None) -> Header | None:
        header = get_block(number)
        return header and header._replace(logs_bloom=b"")

    return answer


def test_live__verify__a_missing_asset_shows_in_the_word(live: tuple[World, Books]) -> None:
    _, books = live
    account = next(iter(books.state.debtors()))
    row = books.account(account)
    books.state.accounts.restore(account, replace(row, owed={}))
    assert [line.split()[0] for line in books.verify(account)] == ["word", "exposures"]


def test_live__pool_at_a_time_before_its_last_event__is_its_last_event(live: tuple[World, Books]) -> None:
    world, books = live
    pool: PoolState = books.state.pool(world["USDC"].key)
    assert pool.at(0) == pool.ledger


# Many


def test_20_000_accounts_5_000_cross_in_one_block(story: Story, open_books: Open) -> None:
    """The price falls in the same block in which hundreds of accounts change."""
    random = Random(1)
    story.ledger.lend(USDC, 10**14)
    for number in range(1, 20_001):
        position(story, number, 10**18, random.randrange(900 * 10**6, 1_800 * 10**6))
        if number % 500 == 0:
            story.chain.mine(story.ledger.events)
            story.ledger.events = []
            story.ledger.now = story.chain.blocks[-1].timestamp + 12
    books = open_books(story.chain)
    assert books.sync().complete
    books.reprice(PRICES, story.ledger.now)
    books.rest()
    for number in range(1, 400):
        story.ledger.deposit(account_word.account(number, 0), USDC, random.randrange(1, 500 * 10**6))
    story.chain.mine(story.ledger.events)
    now = story.chain.blocks[-1].timestamp + 12
    books.sync()
    prices = PRICES | {WETH: ether(1_745)}
    crossing = books.reprice({WETH: prices[WETH]}, now)
    expected = verdicts(books, prices, now)
    assert 4_500 < len(expected) < 5_500
    assert set(crossing.crossed) == expected == set(books.below())
    assert crossing.examined < len(expected) + 1_000
