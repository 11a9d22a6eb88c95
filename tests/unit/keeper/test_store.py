"""The file: what kill -9, damage, a wrong path and a second keeper do to it."""

from __future__ import annotations

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from plimsoll.keeper.books import Books
from plimsoll.keeper.store import SCHEMA, Store, StoreError
from tests.unit.keeper.conftest import Open
from tests.unit.keeper.ledger import DEPLOYMENT, USDC, Story
from tests.unit.keeper.test_indexer import check

ROOT = Path(__file__).parents[3]


def killed_at(statement: int, path: Path, story: Story) -> bool:
    """Sync in a process of its own that is killed (-9) at its n-th SQL statement; return whether it got that far."""
    child = os.fork()
    if child == 0:
        books = Books.open(path, DEPLOYMENT, story.chain)
        seen = 0

        def count(_: str) -> None:
            nonlocal seen
            seen += 1
            if seen == statement:
                os.kill(os.getpid(), signal.SIGKILL)

        books._store._connection.set_trace_callback(count)
        books.sync()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0
    return False


def test_kill_9__at_every_statement_of_a_block__nothing_lost_nothing_twice(
    story: Story, open_books: Open, tmp_path: Path
) -> None:
    path = tmp_path / "keeper.sqlite"
    open_books(story.chain).sync()
    story.go_on(1, things=4)
    statement = 1
    while killed_at(statement, path, story):
        books = open_books(story.chain)
        assert books.tip is not None
        whole = books.tip.number == story.chain.height
        assert books.sync().applied == (0 if whole else 1)
        check(books, story, open_books, f"afresh-{statement}.sqlite")
        books.close()
        story.go_on(1, things=4)
        statement += 1
    assert statement > 15


@pytest.mark.parametrize("depth", [1, 7])
def test_kill_9__at_every_statement_of_a_reorg(story: Story, open_books: Open, tmp_path: Path, depth: int) -> None:
    path = tmp_path / "keeper.sqlite"
    statement = 1
    while True:
        story.go_on(depth + 1, things=3)
        open_books(story.chain).sync()
        story.go_back(depth)
        story.go_on(depth + 1, things=3)
        if not killed_at(statement, path, story):
            break
        books = open_books(story.chain)
        assert books.sync().complete
        check(books, story, open_books, f"afresh-{statement}.sqlite")
        statement += 3
    assert statement > 15


def test_kill_9__of_a_keepers_process_in_a_long_catch_up(tmp_path: Path, open_books: Open) -> None:
    """A real process, killed at whatever it is doing, again and again until it arrives."""
    program = (
        "import sys; from pathlib import Path; from random import Random\n"
        "from plimsoll.keeper.books import Books; from tests.unit.keeper.ledger import DEPLOYMENT, Story\n"
        "story = Story(Random(11)).begin(); story.go_on(300); story.chain.limit = 20\n"
        "books = Books.open(Path(sys.argv[1]), DEPLOYMENT, story.chain, window=30)\n"
        "print('open', flush=True); books.sync(); print('done', flush=True)\n"
    )
    path = tmp_path / "keeper.sqlite"
    random = Random(5)
    for attempt in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        if attempt < 5:
            time.sleep(random.uniform(0.0, 0.04))
            process.kill()
        rest = process.communicate()[0]
    assert rest == "done\n"
    story = Story(Random(11)).begin()
    story.go_on(300)
    check(open_books(story.chain), story, open_books)


@pytest.mark.parametrize("damage", ["page", "header", "cut", "garbage", "empty pages"])
def test_damaged_file__moved_aside_said_and_built_again(
    story: Story, open_books: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    path = tmp_path / "keeper.sqlite"
    story.go_on(60, things=4)
    books = open_books(story.chain)
    books.sync()
    books._store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    books.close()
    content = bytearray(path.read_bytes())
    if damage == "page":
        content[3 * 4096 : 3 * 4096 + 2000] = b"\xff" * 2000
    elif damage == "header":
        content[:100] = b"\0" * 100
    elif damage == "cut":
        content = content[: len(content) // 2 // 4096 * 4096]
    elif damage == "garbage":
        content = bytearray(Random(1).randbytes(20_000))
    else:
        content[4096:] = b"\0" * (len(content) - 4096)
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        books = open_books(story.chain)
    assert books.tip is None
    assert "moved to keeper.sqlite.damaged-1, building it again from the chain" in caplog.text
    assert (tmp_path / "keeper.sqlite.damaged-1").read_bytes() == content
    assert books.sync().complete
    check(books, story, open_books)


def test_damaged_twice__both_are_kept(story: Story, open_books: Open, tmp_path: Path) -> None:
    path = tmp_path / "keeper.sqlite"
    for _ in range(2):
        path.write_bytes(b"nonsense" * 1_000)
        open_books(story.chain).close()
    assert (tmp_path / "keeper.sqlite.damaged-2").exists()


def test_damaged_row__built_again(story: Story, open_books: Open, caplog: pytest.LogCaptureFixture) -> None:
    """A balance that changed on the disk: SQLite sees nothing wrong, the row's checksum does."""
    story.ledger.deposit(1 << 96, USDC, 500)
    story.mine()
    books = open_books(story.chain)
    books.sync()
    books._store._connection.execute("UPDATE rows SET value = replace(value, '500', '900') WHERE kind = 'account'")
    books.close()
    with caplog.at_level(logging.WARNING):
        books = open_books(story.chain)
    assert "is damaged (row account" in caplog.text
    books.sync()
    check(books, story, open_books)


def test_damaged_while_running__built_again(story: Story, open_books: Open, caplog: pytest.LogCaptureFixture) -> None:
    story.go_on(30, things=4)
    books = open_books(story.chain)
    books.sync()
    story.go_on(1, things=4)
    connection = books._store._connection
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = books._store.path.stat().st_size
    with books._store.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    connection.execute("PRAGMA shrink_memory")
    with caplog.at_level(logging.WARNING):
        done = books.sync()
    assert done.rebuilt
    assert done.complete
    assert "is damaged (database disk image is malformed); moved to keeper.sqlite.damaged-1" in caplog.text
    check(books, story, open_books)


def test_another_schema__moved_aside_and_built_again(
    story: Story, open_books: Open, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    books = open_books(story.chain)
    books.sync()
    books._store._connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    books.close()
    with caplog.at_level(logging.WARNING):
        books = open_books(story.chain)
    assert f"has schema {SCHEMA + 1}, this version has {SCHEMA}" in caplog.text
    assert books.sync().complete


def test_another_deployment__refused_and_left_alone(story: Story, open_books: Open, tmp_path: Path) -> None:
    books = open_books(story.chain)
    books.sync()
    books.close()
    with pytest.raises(StoreError, match=r"of another deployment \(chain 1, .*\), not of chain 2: name another file"):
        Store.open(tmp_path / "keeper.sqlite", "chain 2")
    assert open_books(story.chain).tip is not None


def test_a_database_of_something_else__refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE photos (name TEXT)")
    connection.close()
    with pytest.raises(StoreError, match="is a database of something else"):
        Store.open(path, "chain 1")
    assert path.exists()


def test_a_path_that_is_a_folder__store_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open"):
        Store.open(tmp_path, "chain 1")


def test_two_keepers_on_one_file__the_second_is_told(story: Story, open_books: Open) -> None:
    first, second = open_books(story.chain), open_books(story.chain)
    first.sync()
    story.go_on(3)
    first.sync()
    with pytest.raises(StoreError, match="another process writes to this file"):
        second._indexer._store.write([], None, [story.chain.blocks[0]], 0)
    check(first, story, open_books)


def test_locked_file__store_error_and_the_state_is_as_before(story: Story, open_books: Open) -> None:
    books = open_books(story.chain)
    books.sync()
    story.go_on(3, things=4)
    before = dict(books.state.accounts.items())
    books._store._connection.execute("PRAGMA busy_timeout = 10")
    other = sqlite3.connect(books._store.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="database is locked"):
        books.sync()
    assert dict(books.state.accounts.items()) == before
    other.execute("ROLLBACK")
    other.close()
    assert books.sync().complete
    check(books, story, open_books)


def test_unwind__below_the_floor__refused(story: Story, open_books: Open) -> None:
    story.go_on(30)
    books = open_books(story.chain, window=5)
    books.sync()
    with pytest.raises(ValueError, match="below the floor"):
        books._store.unwind(story.chain.blocks[0])
