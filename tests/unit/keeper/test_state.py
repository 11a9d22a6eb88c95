"""The state that events alone give, against the chain that logged them, to the unit."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plimsoll.keeper.books import Books, Deployment
from plimsoll.keeper.pools import Inconsistent
from plimsoll.keeper.state import ENGINE, PROVISIONED, UNDER_AUCTION, Auction, Entry, State
from plimsoll.model import account_word, adaptive_rate
from plimsoll.model.margin_rate import Margin, Parameters
from tests.support.scenario import World, deploy_world
from tests.unit.keeper.chains import RecordingChain, RevmSource
from tests.unit.keeper.operations import Operations, accounts, deployment

WAD = 10**18
SEEDS = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def deployed() -> tuple[RecordingChain, World]:
    chain = RecordingChain()
    world = deploy_world(chain)
    for symbol, amount in (("USDC", 2_000_000), ("WETH", 500), ("WBTC", 10), ("USDT", 500_000), ("TAIL", 300_000)):
        world.lend(symbol, amount)
    for account in accounts(world):
        world.deposit(account, "USDC", 15_000)
        world.open(account, "USDC", 10_000, "WETH")
    chain.warp(12)
    return chain, world


def check(books: Books, world: World, now: int) -> None:
    """Assert that every account, pool and margin is what the chain says."""
    state = books.state
    for account in accounts(world):
        assert books.verify(account) == []
    for asset in world.assets.values():
        pool, on_chain = state.pool(asset.key), asset.pool
        assert tuple(getattr(pool.ledger, name) for name in pool.ledger.__slots__) == tuple(on_chain.ledger())
        assert pool.at(now).debt == on_chain.total_debt()
        assert (pool.supply_cap, pool.borrow_cap) == tuple(on_chain.caps())
        assert (pool.reserve_factor, pool.flash_fee) == tuple(on_chain.fees())
        assert tuple(pool.rates) == tuple(on_chain.rate_parameters())
        margin = world.risk_engine.margin_of(asset.key)
        # `since` of a ramp that has not started, or has arrived, is of no consequence
        since = margin.since if margin.moving else state.margin(asset.key).since
        expected = Margin(margin.base, margin.cap, margin.size_slope, since, margin.moving, Parameters(*margin.target))
        assert state.margin(asset.key) == expected
    risk_engine, min_debt, paused = world.engine.settings()
    assert (state.engine.risk_engine, state.engine.min_debt, state.engine.paused) == (risk_engine, min_debt, paused)


@given(seed=SEEDS)
@settings(max_examples=8)
def test_random_operations__state_is_the_chains(
    deployed: tuple[RecordingChain, World], tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    chain, world = deployed
    with chain.isolate():
        source = RevmSource(chain, world.engine)
        path = tmp_path_factory.mktemp("books") / "keeper.sqlite"
        books = Books.open(path, deployment(chain, world), source, source)
        operations = Operations(world.copy(), Random(seed))
        for _ in range(4):
            operations.run(40)
            chain.warp(12)
            assert books.sync().complete
            check(books, world, chain.timestamp())
        assert operations.done > operations.refused
        books.close()


@given(seed=SEEDS, blocks=st.integers(1, 30))
@settings(max_examples=8)
def test_reorg__state_is_the_new_branchs(
    deployed: tuple[RecordingChain, World], tmp_path_factory: pytest.TempPathFactory, seed: int, blocks: int
) -> None:
    chain, world = deployed
    random = Random(seed)
    with chain.isolate():
        source = RevmSource(chain, world.engine)
        path = tmp_path_factory.mktemp("books") / "keeper.sqlite"
        books = Books.open(path, deployment(chain, world), source, source)
        Operations(world.copy(), random).run(30)
        chain.warp(12)
        books.sync()
        before = chain.snapshot()
        fork = chain.block_number()
        for _ in range(blocks):
            Operations(world.copy(), random).run(3)
            chain.warp(12)
        books.sync()
        unwound = books.tip.number - fork + 1  # type: ignore[union-attr]
        chain.revert(before)
        while chain.block_number() <= fork + unwound:
            Operations(world.copy(), random).run(3)
            chain.warp(12)
        done = books.sync()
        assert done.unwound == unwound
        assert not done.rebuilt
        check(books, world, chain.timestamp())
        books.close()


def test_restart__nothing_is_read_again(deployed: tuple[RecordingChain, World], tmp_path: Path) -> None:
    chain, world = deployed
    with chain.isolate():
        source = RevmSource(chain, world.engine)
        told = deployment(chain, world)
        for round_ in range(5):
            books = Books.open(tmp_path / "keeper.sqlite", told, source, source)
            known = books.tip
            if round_:
                check(books, world, chain.timestamp())
            Operations(world.copy(), Random(round_)).run(20)
            chain.warp(12)
            done = books.sync()
            assert done.applied == chain.block_number() - (known.number + 1 if known else chain.start)
            check(books, world, chain.timestamp())
            books.close()


def test_contracts_found_in_events__with_their_past(tmp_path: Path) -> None:
    """Pools and risk engine are known by the engine's events only, in blocks after their own first ones."""
    chain = RecordingChain()
    world = deploy_world(chain, ())
    source = RevmSource(chain, world.engine)
    chain.warp(12)
    told = Deployment(chain.chain_id, world.engine.address, chain.start)
    books = Books.open(tmp_path / "keeper.sqlite", told, source, source)
    for symbol, price, decimals in (("USDC", 1, 6), ("WETH", 2_000, 18)):
        world.list_asset(symbol, "MockERC20", decimals, price)
        chain.warp(12)
        world.lend(symbol, 1_000_000 // price)
        chain.warp(3_600)
        books.sync()
    world.open_position()
    chain.warp(3_600)
    books.sync()
    check_pools = [books.state.pool(asset.key).ledger.debt for asset in world.assets.values()]
    assert check_pools == [asset.pool.ledger().debt for asset in world.assets.values()]
    assert books.verify(world.account("trader")) == []


def test_late_listing__pool_with_a_long_past__one_sync(tmp_path: Path) -> None:
    """The pool lends, earns and is listed within what is read at once, and its events before that count."""
    chain = RecordingChain()
    world = deploy_world(chain)
    world.lend("USDC", 1_000_000)
    for _ in range(3):
        chain.warp(86_400)
        world.lend("WETH", 10)
    world.refresh()
    world.open_position()
    chain.warp(86_400)
    source = RevmSource(chain, world.engine)
    books = Books.open(tmp_path / "keeper.sqlite", deployment(chain, world), source, source)
    assert books.sync().complete
    check(books, world, chain.timestamp())


def test_initial_rate_unknown__debt_is_bounded_until_the_first_accrual_and_exact_after(
    deployed: tuple[RecordingChain, World], tmp_path: Path
) -> None:
    chain = RecordingChain()
    world = deploy_world(chain)
    world.lend("USDC", 1_000_000)
    account = world.open_position()
    source = RevmSource(chain, world.engine)
    told = Deployment(chain.chain_id, world.engine.address, chain.start)
    chain.warp(86_400)
    books = Books.open(tmp_path / "keeper.sqlite", told, source, source)
    books.sync()
    key = world["USDC"].key
    assert not books.state.pool(key).rate_known
    assert books.state.pool(key).at(chain.timestamp()).debt > world["USDC"].pool.total_debt()
    world["USDC"].pool.accrue(sender=world.roles["stranger"])
    chain.warp(86_400)
    books.sync()
    assert books.state.pool(key).rate_known
    assert books.verify(account) == []


# Events of contracts that are not deployed here: the transitions by themselves


ENGINE_ADDRESS, TOKEN, POOL_ADDRESS, AUCTION_ADDRESS = (f"0x{digit * 40}" for digit in "1234")
ALICE, BOB = 1 << 96, 2 << 96
KEY = 1


def bare_state() -> State:
    """Return a state with one asset, an auction contract, and 1,000 units of which Alice owes half."""
    state = State({ENGINE_ADDRESS: ENGINE, AUCTION_ADDRESS: "LiquidationAuction"}, {POOL_ADDRESS: WAD // 10})
    rates = {"target": 9 * WAD // 10, "steepness": 4 * WAD, "speed": 0, "min_rate": WAD // 10, "max_rate": WAD // 10}
    state.follow(POOL_ADDRESS, "LendingPool")
    for address, event, args in (
        (POOL_ADDRESS, "RatesSet", {"parameters": rates}),
        (ENGINE_ADDRESS, "AssetAdded", {"token": TOKEN, "key": KEY, "pool": POOL_ADDRESS}),
        (POOL_ADDRESS, "Deposit", {"assets": 1_000, "shares": 10**9}),
        (POOL_ADDRESS, "Borrowed", {"account": ALICE, "to": TOKEN, "amount": 500, "shares": 500 * 10**6}),
    ):
        log(state, address, event, **args)
    return state


def log(state: State, address: str, event: str, at: int = 1_000, **args: object) -> None:
    state.apply(Entry(1, at, 0, address, event, args))


def test_auction__starts_is_raised_taken_and_ends() -> None:
    state = bare_state()
    log(state, AUCTION_ADDRESS, "ParametersSet", version=3, parameters={"tau": 600})
    log(state, AUCTION_ADDRESS, "Started", account=ALICE, starter=TOKEN, penalty=WAD // 20, at=2_000)
    assert state.auctions() == {ALICE: Auction(2_000, TOKEN, WAD // 20, 3)}
    assert account_word.flags(state.word(ALICE)) == UNDER_AUCTION
    log(state, AUCTION_ADDRESS, "Raised", account=ALICE, penalty=WAD // 10)
    log(state, ENGINE_ADDRESS, "Taken", account=ALICE, target=BOB, fraction=WAD // 2, share=0, bonus=0, excluded=0)
    assert state.auctions() == {ALICE: Auction(2_000, TOKEN, WAD // 10, 3)}
    log(state, AUCTION_ADDRESS, "Ended", account=ALICE)
    assert state.auctions() == {}
    assert account_word.flags(state.word(ALICE)) == 0
    assert state.terms(3) == {"tau": 600}


def test_auction__ends_that_never_started__inconsistent() -> None:
    with pytest.raises(Inconsistent, match=r"LiquidationAuction .* Ended: the auction never started"):
        log(bare_state(), AUCTION_ADDRESS, "Ended", account=ALICE)


def test_provision__sets_its_flag_and_clears_it() -> None:
    state = bare_state()
    log(state, POOL_ADDRESS, "Provisioned", account=ALICE, amount=70, total=70)
    assert account_word.flags(state.word(ALICE)) == PROVISIONED
    assert state.account(ALICE).provisions == {KEY: 70}
    log(state, POOL_ADDRESS, "Provisioned", account=ALICE, amount=0, total=0)
    assert account_word.flags(state.word(ALICE)) == 0


def test_write_off__debt_and_fee_are_gone() -> None:
    state = bare_state()
    log(state, POOL_ADDRESS, "WrittenOff", account=ALICE, loss=500, covered=0, burned=0)
    ledger = state.pool(KEY).ledger
    assert (ledger.debt, ledger.debt_shares, ledger.cash, ledger.fee) == (0, 0, 500, 0)
    assert state.word(ALICE) == 0
    assert ALICE not in state.accounts


@pytest.mark.parametrize(
    ("address", "event", "args", "message"),
    [
        (POOL_ADDRESS, "Borrowed", {"account": BOB, "to": TOKEN, "amount": 100, "shares": 1}, "the debt shares"),
        (POOL_ADDRESS, "Borrowed", {"account": BOB, "to": TOKEN, "amount": 501, "shares": 501 * 10**6}, "more cash"),
        (POOL_ADDRESS, "Repaid", {"account": ALICE, "amount": 501, "shares": 1}, "more debt went"),
        (POOL_ADDRESS, "Repaid", {"account": BOB, "amount": 1, "shares": 10**6}, "would be -1000000"),
        (POOL_ADDRESS, "Withdraw", {"assets": 501, "shares": 1}, "more cash"),
        (POOL_ADDRESS, "FeesMinted", {"assets": 1, "shares": 1}, "the fee is another"),
        (POOL_ADDRESS, "WrittenOff", {"account": ALICE, "loss": 499, "covered": 0, "burned": 0}, "the loss"),
        (POOL_ADDRESS, "Accrued", {"interest": 0, "fee": 0, "rate": 1, "rate_at_target": 1}, "none is due"),
        (ENGINE_ADDRESS, "Withdrawn", {"account": BOB, "token": TOKEN, "amount": 1, "borrowed": 0}, "would be -1"),
        (ENGINE_ADDRESS, "Deposited", {"account": BOB, "token": ALICE, "amount": 1, "repaid": 0}, "never added"),
        (AUCTION_ADDRESS, "Raised", {"account": BOB, "penalty": 1}, "never started"),
    ],
)
def test_events_that_cannot_follow__inconsistent(
    address: str, event: str, args: dict[str, object], message: str
) -> None:
    state = bare_state()
    with pytest.raises(Inconsistent, match=f"block 1, log 0: .* {event}: .*{message}"):
        log(state, address, event, **args)


def test_interest_that_was_not_booked__inconsistent() -> None:
    """A lost Accrued shows at the next event that touches the pool."""
    state = bare_state()
    with pytest.raises(Inconsistent, match="interest was not booked first"):
        log(state, POOL_ADDRESS, "Repaid", account=ALICE, amount=1, shares=10**6, at=1_012)


def test_another_interest_than_the_models__inconsistent() -> None:
    """A lost loan changes the debt that interest is paid on; at a flat rate curve only the interest tells."""
    state = bare_state()
    pool = state.pool(KEY)
    rate, after = adaptive_rate.rates(WAD // 2, WAD // 10, 10**6, pool.rates)
    right = pool.at(1_000 + 10**6).debt - 500
    assert right > 0
    args = {"fee": 0, "rate": rate, "rate_at_target": after // 10**5 * 10**5}
    with pytest.raises(Inconsistent, match="the interest is another"):
        log(state, POOL_ADDRESS, "Accrued", interest=right + 1, at=1_000 + 10**6, **args)
    log(state, POOL_ADDRESS, "Accrued", interest=right, at=1_000 + 10**6, **args)


def test_another_rate_than_the_models__inconsistent() -> None:
    """A lost deposit changes the utilisation, hence the rate of the next period."""
    state = bare_state()
    with pytest.raises(Inconsistent, match="the rate is another"):
        log(state, POOL_ADDRESS, "Accrued", interest=1, fee=0, rate=WAD // 5, rate_at_target=WAD // 10, at=10**6)
