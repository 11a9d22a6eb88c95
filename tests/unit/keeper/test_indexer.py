"""Following a chain that forks, and a node that lies: the books are always those of somebody who read it afresh."""

from __future__ import annotations

import logging
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from plimsoll.keeper.books import Books
from plimsoll.keeper.indexer import LATE
from plimsoll.keeper.pools import Inconsistent
from plimsoll.keeper.source import RangeTooWide, RawLog, SourceError
from plimsoll.model import share_math
from tests.unit.keeper.conftest import Open
from tests.unit.keeper.ledger import DEPLOYMENT, POOLS, USDC, Story


def rows(books: Books) -> list[Any]:
    """Return the state's rows as stored."""
    return sorted(books._store.rows())


def check(books: Books, story: Story, open_books: Open, name: str = "afresh.sqlite") -> None:
    """Assert that the books are the story's, and what reading the chain afresh gives."""
    state = books.state
    for key, pool in story.ledger.pools.items():
        known = state.pool(key).ledger
        # nothing is logged, and nothing depends on it, when an empty pool is touched
        updated = pool.ledger.updated if known.cash + known.debt else known.updated
        assert known == replace(pool.ledger, updated=updated)
        owed = {account: row.owed[key] for account, row in state.accounts.items() if key in row.owed}
        assert owed == pool.debt_shares
        held = {account: row.held[key] for account, row in state.accounts.items() if key in row.held}
        assert held == {account: held[key] for account, held in story.ledger.held.items() if held.get(key)}
        ledger = state.pool(key).at(story.ledger.now)
        for account, shares in owed.items():
            debt = share_math.debt_up(shares, ledger.debt, ledger.debt_shares)
            assert debt == pool.debt_of(story.ledger.now, account)
    afresh = open_books(story.chain, name)
    assert afresh.sync().complete
    assert rows(books) == rows(afresh)
    assert books._store.entries() == afresh._store.entries()
    reopened = open_books(story.chain, books._store.path.name)
    assert sorted(reopened.state.accounts.items()) == sorted(state.accounts.items())


def test_sync__from_the_start_to_the_newest_block(story: Story, open_books: Open) -> None:
    story.go_on(50)
    books = open_books(story.chain)
    done = books.sync()
    assert (done.applied, done.unwound, done.rebuilt, done.complete) == (51, 0, False, True)
    assert books.tip is not None
    assert books.tip.hash == story.chain.blocks[-1].hash
    check(books, story, open_books)
    assert books.sync().applied == 0


@pytest.mark.parametrize("depth", range(1, 31))
def test_reorg__is_unwound_by_parent_hash(story: Story, open_books: Open, depth: int) -> None:
    story.go_on(40)
    books = open_books(story.chain)
    books.sync()
    story.go_back(depth)
    story.random = Random(depth)
    story.go_on(depth + depth % 3)
    done = books.sync()
    assert (done.unwound, done.rebuilt, done.complete) == (depth, False, True)
    check(books, story, open_books)


def test_reorgs__one_after_the_other_with_restarts(story: Story, open_books: Open) -> None:
    random = Random(3)
    for step in range(30):
        story.go_on(random.randrange(1, 8))
        books = open_books(story.chain)
        assert books.sync().complete
        if random.random() < 0.6:
            story.go_back(random.randrange(1, min(12, len(story.past))))
            story.go_on(random.randrange(1, 14))
            assert books.sync().complete
        if step % 6 == 0:
            check(books, story, open_books, f"afresh-{step}.sqlite")
        books.close()


def test_reorg__to_a_shorter_branch(story: Story, open_books: Open) -> None:
    story.go_on(20)
    books = open_books(story.chain)
    books.sync()
    story.go_back(10)
    story.go_on(4)
    done = books.sync()
    assert (done.unwound, done.applied, done.complete) == (10, 4, True)
    check(books, story, open_books)


def test_reorg__while_the_keeper_was_away(story: Story, open_books: Open) -> None:
    story.go_on(20)
    open_books(story.chain).sync()
    story.go_back(5)
    story.go_on(30)
    books = open_books(story.chain)
    assert books.sync().unwound == 5
    check(books, story, open_books)


def test_reorg__accounts_of_both_branches_are_reported(story: Story, open_books: Open) -> None:
    story.go_on(3)
    books = open_books(story.chain)
    books.sync()
    story.ledger.deposit(77 << 96, USDC, 5)
    story.mine()
    books.sync()
    story.go_back(1)
    story.ledger.deposit(78 << 96, USDC, 5)
    story.mine()
    story.mine()
    assert books.sync().accounts == {77 << 96, 78 << 96}


def test_reorg__of_the_block_that_lists_an_asset(story: Story, open_books: Open) -> None:
    """The pool is found, forgotten and found again, with its past each time."""
    story = Story(Random(1))
    story.mine()
    books = open_books(story.chain)
    books.sync()
    story.ledger.deploy()
    added = [event for event in story.ledger.events if event[2] == "AssetAdded"]
    story.ledger.events = [event for event in story.ledger.events if event[2] != "AssetAdded"]
    story.ledger.lend(USDC, 10**9)
    story.mine()
    story.mine()
    for _ in range(3):
        story.ledger.events += added
        story.ledger.lend(USDC, 10**8)
        story.mine()
        story.go_on(3)
        assert books.sync().complete
        check(books, story, open_books, f"afresh-{story.chain.salt}.sqlite")
        story.go_back(4)
        story.mine()


def test_reorg__below_the_window__built_again(story: Story, open_books: Open, caplog: pytest.LogCaptureFixture) -> None:
    story.go_on(40)
    books = open_books(story.chain, window=8)
    books.sync()
    story.go_back(12)
    story.go_on(15)
    with caplog.at_level(logging.WARNING):
        done = books.sync()
    assert (done.rebuilt, done.complete) == (True, True)
    assert "building the books again" in caplog.text
    check(books, story, open_books)


def test_window__keeps_what_it_promises_and_not_more(story: Story, open_books: Open) -> None:
    story.go_on(100, things=1)
    books = open_books(story.chain, window=16)
    books.sync()
    story.go_on(30, things=1)
    books.sync()
    newest = story.chain.height
    kept = {number for (number,) in books._store._connection.execute("SELECT number FROM undo")}
    assert min(kept) > newest - 16
    bare = "SELECT number FROM blocks WHERE hash NOT IN (SELECT block_hash FROM logs)"
    assert min(number for (number,) in books._store._connection.execute(bare)) >= newest - 16
    story.go_back(16)
    story.go_on(20)
    assert books.sync().unwound == 16
    check(books, story, open_books)


def test_catch_up__in_ranges_and_only_the_headers_it_needs(story: Story, open_books: Open) -> None:
    story.go_on(600, things=1)
    seen: list[tuple[int, int]] = []
    story.chain.limit = 70
    books = open_books(story.chain, window=20, progress=lambda *at: seen.append(at))
    assert books.sync().complete
    answered = [(first, last) for first, last in story.chain.requests if last - first < 70]
    assert answered[0][0] == 100
    assert answered[-1][1] == 700
    assert seen[-1] == (680, 700)
    story.chain.limit = None
    check(books, story, open_books)


def test_catch_up__interrupted__goes_on_where_it_was(story: Story, open_books: Open) -> None:
    """The node goes away in the middle; nothing is read twice but the range in flight."""
    story.go_on(400, things=1)
    story.chain.limit = 50
    books = open_books(story.chain, window=20)
    calls = 0

    def fail_now_and_then() -> None:
        nonlocal calls
        calls += 1
        if calls % 7 == 0:
            raise SourceError("gone")

    story.chain.before_logs = fail_now_and_then
    reached: list[int] = []
    done = None
    for _ in range(20):
        try:
            done = books.sync()
        except SourceError:
            reached.append(0 if books._store.cursor() is None else books._store.cursor().number)  # type: ignore[union-attr]
        else:
            break
    assert done is not None
    assert reached == sorted(reached)
    assert reached[-1] > reached[0]
    story.chain.before_logs = None
    check(books, story, open_books)


def test_catch_up__ctrl_c__keeps_what_was_done(story: Story, open_books: Open) -> None:
    story.go_on(400, things=1)
    story.chain.limit = 50
    books = open_books(story.chain, window=20)
    calls = 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls == 8:
            raise KeyboardInterrupt

    story.chain.before_logs = stop
    with pytest.raises(KeyboardInterrupt):
        books.sync()
    assert books._store.cursor() is not None
    story.chain.before_logs = None
    assert books.sync().complete
    check(books, story, open_books)


def test_range_too_wide__even_for_one_block__is_the_callers(story: Story, open_books: Open) -> None:
    story.go_on(5)
    story.chain.limit = 0
    with pytest.raises(RangeTooWide):
        open_books(story.chain).sync()


def test_node_offline__the_books_stay(story: Story, open_books: Open) -> None:
    story.go_on(5)
    books = open_books(story.chain)
    books.sync()
    before = rows(books)
    story.go_on(5)
    story.chain.offline = True
    with pytest.raises(SourceError, match="offline"):
        books.sync()
    assert rows(books) == before
    story.chain.offline = False
    assert books.sync().applied == 5
    check(books, story, open_books)


def test_node_behind__nothing_is_unwound(story: Story, open_books: Open) -> None:
    story.go_on(20)
    books = open_books(story.chain)
    books.sync()
    story.chain.behind = 7
    done = books.sync()
    assert (done.unwound, done.applied, done.complete) == (0, 0, False)
    story.chain.behind = 0
    assert books.sync().complete
    check(books, story, open_books)


def test_logs_twice_and_removed_ones__count_once(story: Story, open_books: Open) -> None:
    story.chain.twice = True
    for _ in range(10):
        story.go_on(2)
        for logs in story.chain.logs.values():
            logs += [log._replace(removed=True, log_index=log.log_index + 50) for log in logs if not log.removed][:1]
    books = open_books(story.chain)
    assert books.sync().complete
    check(books, story, open_books)


def test_two_logs_in_one_place__never_applied(story: Story, open_books: Open) -> None:
    story.go_on(3)
    story.ledger.deposit(1 << 96, USDC, 5)
    story.mine()
    books = open_books(story.chain)
    newest = story.chain.logs[story.chain.height]
    newest.append(newest[-1]._replace(data=b"\1" * 96))
    done = books.sync()
    assert not done.complete
    assert books.tip is None
    newest.pop()
    assert books.sync().complete
    check(books, story, open_books)


def test_logs_of_another_fork_than_the_headers__asked_for_again(story: Story, open_books: Open) -> None:
    """The chain reorganises between the headers and the logs, once: the second answer fits."""
    story.go_on(10)
    books = open_books(story.chain)
    books.sync()
    story.go_on(3, things=4)

    def reorganise() -> None:
        story.chain.before_logs = None
        story.go_back(3)
        story.go_on(5, things=4)

    story.chain.before_logs = reorganise
    assert books.sync().complete
    check(books, story, open_books)


def test_logs_of_another_fork__none_of_them_ours__the_newest_header_tells(story: Story, open_books: Open) -> None:
    """The new branch has no logs that could carry its hash: the headers are compared once more after the logs."""
    story.go_on(10)
    books = open_books(story.chain)
    books.sync()
    story.ledger.deposit(1 << 96, USDC, 5)
    story.mine()

    def reorganise() -> None:
        story.chain.before_logs = None
        story.go_back(1)
        story.mine()

    story.chain.before_logs = reorganise
    assert books.sync().complete
    assert books.tip is not None
    assert books.tip.hash == story.chain.blocks[-1].hash
    check(books, story, open_books)


def test_a_node_that_never_agrees_with_itself__nothing_is_applied(story: Story, open_books: Open) -> None:
    story.go_on(5)
    books = open_books(story.chain)
    books.sync()
    before = rows(books)
    story.ledger.deposit(1 << 96, USDC, 5)
    story.mine()
    number = story.chain.height
    story.chain.logs[number] = [log._replace(block_hash=b"\7" * 32) for log in story.chain.logs[number]]
    assert not books.sync().complete
    assert rows(books) == before


def test_headers_that_do_not_link__nothing_is_applied(story: Story, open_books: Open) -> None:
    """Empty blocks, so that nothing but the parent's hash can tell."""
    story.go_on(5)
    books = open_books(story.chain)
    books.sync()
    for _ in range(3):
        story.mine()
    right = story.chain.blocks[-2]
    story.chain.blocks[-2] = right._replace(hash=b"\7" * 32)
    assert not books.sync().complete
    assert books.tip is not None
    assert books.tip.number == story.chain.height - 3
    story.chain.blocks[-2] = right
    assert books.sync().complete
    check(books, story, open_books)


def test_a_block_that_fails_half_way__what_it_did_before_is_undone(story: Story, open_books: Open) -> None:
    """A deposit of an account counts, then a log that cannot follow: asked for again, the deposit must count once."""
    books = open_books(story.chain)
    books.sync()
    story.ledger.deposit(1 << 96, USDC, 500)
    story.ledger.withdraw(2 << 96, USDC, 10**8)
    story.mine()
    number = story.chain.height
    right = story.chain.logs[number]
    wrong = next(i for i, log in enumerate(right) if log.address == POOLS[USDC])
    answers = [[*right[:wrong], *right[wrong + 1 :]], right]

    def answer() -> None:
        story.chain.logs[number] = answers.pop(0) if answers else right

    story.chain.before_logs = answer
    done = books.sync()
    assert (done.complete, done.rebuilt) == (True, False)
    assert books.account(1 << 96).held == {USDC: 500}
    check(books, story, open_books)


def test_missing_logs__the_bloom_filter_tells(story: Story, open_books: Open) -> None:
    """The node has the header and has not indexed the logs yet: a deposit, which no later event would show."""
    story.chain.with_bloom = True
    books = open_books(story.chain)
    story.ledger.deposit(1 << 96, USDC, 5)
    story.mine()
    story.chain.lost[story.chain.height] = 1
    assert books.sync().complete
    check(books, story, open_books)


def test_missing_logs__later_events_tell_and_the_range_is_asked_for_again(
    story: Story, open_books: Open, caplog: pytest.LogCaptureFixture
) -> None:
    books = open_books(story.chain)
    books.sync()
    story.ledger.lend(USDC, 10**9)
    story.mine()
    story.chain.lost[story.chain.height] = 1
    story.ledger.withdraw(1 << 96, USDC, 10**8)
    story.mine()
    with caplog.at_level(logging.WARNING):
        assert books.sync().complete
    assert f"{POOLS[USDC]} Accrued: the rate is another: asking for the logs again" in caplog.text
    check(books, story, open_books)


def test_missing_logs__come_late__found_with_the_next_block(
    story: Story, open_books: Open, caplog: pytest.LogCaptureFixture
) -> None:
    """No filter tells, no later event does, and a node that shows a block before its logs is no rare thing."""
    books = open_books(story.chain)
    books.sync()
    story.ledger.deposit(1 << 96, USDC, 5)
    story.mine()
    story.chain.lost[story.chain.height] = 1
    books.sync()
    assert books.account(1 << 96).held == {}
    story.ledger.deposit(2 << 96, USDC, 7)
    story.mine()
    with caplog.at_level(logging.WARNING):
        done = books.sync()
    assert (done.unwound, done.rebuilt, done.complete) == (1, False, True)
    assert {1 << 96, 2 << 96} <= done.accounts
    assert "came late: reading it again" in caplog.text
    check(books, story, open_books)


def test_missing_logs__of_a_block_followed_long_ago__the_books_are_built_again(
    story: Story, open_books: Open, caplog: pytest.LogCaptureFixture
) -> None:
    books = open_books(story.chain)
    books.sync()
    story.ledger.lend(USDC, 10**9)
    story.mine()
    lost = story.chain.height
    story.chain.lost[lost] = LATE + 3
    for _ in range(LATE + 2):
        books.sync()
        story.mine()
    story.chain.lost.clear()
    story.ledger.withdraw(1 << 96, USDC, 10**8)
    story.mine()
    with caplog.at_level(logging.WARNING):
        done = books.sync()
    assert (done.rebuilt, done.complete) == (True, True)
    assert "building the books again from block 100" in caplog.text
    check(books, story, open_books)


def test_missing_logs__for_good__refused(story: Story, open_books: Open) -> None:
    books = open_books(story.chain)
    books.sync()
    story.ledger.lend(USDC, 10**9)
    story.mine()
    story.chain.lost[story.chain.height] = 100
    story.ledger.withdraw(1 << 96, USDC, 10**8)
    story.mine()
    with pytest.raises(Inconsistent, match="the rate is another"):
        books.sync()
    assert books.state.accounts.get(1 << 96) is None


def test_start_block_too_late__said(story: Story, open_books: Open) -> None:
    story.go_on(10)
    story.ledger.deposit(1 << 96, USDC, 5)
    story.mine()
    books = open_books(story.chain, deployment=replace(DEPLOYMENT, start_block=101))
    with pytest.raises(Inconsistent, match="was never added"):
        books.sync()


def test_a_log_that_is_no_encoding_of_its_event__source_error(story: Story, open_books: Open) -> None:
    story.ledger.deposit(1 << 96, USDC, 5)
    story.mine()
    logs = story.chain.logs[story.chain.height]
    logs[-1] = logs[-1]._replace(data=logs[-1].data[:-1])
    with pytest.raises(SourceError, match="is no Deposited"):
        open_books(story.chain).sync()


def test_events_that_are_not_known__are_kept_and_change_nothing(story: Story, open_books: Open) -> None:
    story.mine()
    number = story.chain.height
    log = RawLog(POOLS[USDC], (b"\5" * 32, b"\6" * 32), b"\7", number, story.chain.blocks[-1].hash, 0)
    story.chain.logs[number] = [log]
    books = open_books(story.chain)
    books.sync()
    (entry,) = books._store.entries(number, number)
    assert (entry.event, entry.args) == ("", {"topics": ["0x" + "05" * 32, "0x" + "06" * 32], "data": "0x07"})
    check(books, story, open_books)
