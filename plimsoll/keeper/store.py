"""The keeper's memory: one SQLite file with the blocks it followed, their logs, the state's rows, and how to undo them.

    blocks   the chain as last seen: every block of the kept window, and older ones that had logs
    logs     decoded logs by block hash
    rows     the state (see `plimsoll.keeper.state`), one row per account, pool, asset, ...
    undo     what each block of the window changed in `rows`: the values before it
    meta     schema, deployment, the cursor: the last block of which everything is here, and the lowest one to unwind to

What a block brings is written in one transaction, so a process killed at any point finds everything of a block or
nothing. The file is in WAL mode; losing power may lose the newest transactions, never a part of one.
"""

from __future__ import annotations

import contextlib
import json
import logging
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from plimsoll.errors import PlimsollError
from plimsoll.keeper.source import Header
from plimsoll.keeper.state import Entry
from plimsoll.keeper.tables import Frame

SCHEMA = 1
APPLICATION_ID = 0x504C4D4B
"""PLMK, in the file's header."""

_LOGGER = logging.getLogger(__name__)

_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE blocks (
    number INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE, parent BLOB NOT NULL, timestamp INTEGER NOT NULL
);
CREATE TABLE logs (
    block_hash BLOB NOT NULL, position INTEGER NOT NULL, number INTEGER NOT NULL,
    address TEXT NOT NULL, event TEXT NOT NULL, args TEXT NOT NULL,
    PRIMARY KEY (block_hash, position)
) WITHOUT ROWID;
CREATE INDEX logs_by_number ON logs (number, position);
CREATE TABLE rows (
    kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, checksum INTEGER NOT NULL, PRIMARY KEY (kind, name)
) WITHOUT ROWID;
CREATE TABLE undo (
    number INTEGER NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT, PRIMARY KEY (number, kind, name)
) WITHOUT ROWID;
"""


class StoreError(PlimsollError):
    """A file that cannot be used: it is of another deployment, or cannot be opened."""


class StoreDamaged(StoreError):  # noqa: N818  what it is
    """A file whose content is damaged: it can only be built again."""


class Written(NamedTuple):
    """What one block brings: its logs, the rows it changed as they were and as they are.

    `past` are headers of earlier blocks whose logs are among the entries: a contract that is followed from this block
    on brings its own past.
    """

    header: Header
    entries: Sequence[Entry]
    before: Frame
    after: Frame
    past: Sequence[Header] = ()


class Store:
    """An open file; see the module's docstring. Not for several threads at once."""

    def __init__(self, path: Path, connection: sqlite3.Connection) -> None:
        self.path = path
        self._connection = connection

    @classmethod
    def open(cls, path: Path, deployment: str) -> Store:
        """Open the file or create it; `deployment` names what is followed (chain and contracts).

        A damaged file, or one of another schema, is moved aside and an empty one takes its place, with a line in the
        log. StoreError for a file of another deployment: that is a wrong path, not damage.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            store = cls._open(path)
        except StoreDamaged as error:
            return cls.replaced(path, deployment, str(error))
        found = store.meta("deployment")
        if found is None:
            with store._transaction() as cursor:
                cursor.execute("INSERT INTO meta VALUES ('deployment', ?)", (deployment,))
        elif found != deployment:
            store.close()
            raise StoreError(f"{path} is of another deployment ({found}), not of {deployment}: name another file")
        return store

    @classmethod
    def replaced(cls, path: Path, deployment: str, reason: str) -> Store:
        """Move a file aside and open an empty one in its place."""
        aside = _move_aside(path)
        _LOGGER.warning("%s: %s; moved to %s, building it again from the chain", path, reason, aside.name)
        return cls.open(path, deployment)

    @classmethod
    def _open(cls, path: Path) -> Store:
        try:
            connection = sqlite3.connect(path, isolation_level=None)
        except sqlite3.Error as error:
            raise StoreError(f"{path}: {error}") from error
        try:
            _prepare(connection, path)
        except sqlite3.OperationalError as error:
            connection.close()
            raise StoreError(f"{path}: {error}") from error
        except sqlite3.DatabaseError as error:
            connection.close()
            raise StoreDamaged(f"is damaged ({error})") from error
        except StoreError:
            connection.close()
            raise
        return cls(path, connection)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    # Reading

    def meta(self, name: str) -> str | None:
        """Return a named value; None if it was never set."""
        found = self._read("SELECT value FROM meta WHERE name = ?", (name,))
        return str(found[0][0]) if found else None

    def cursor(self) -> Header | None:
        """Return the last block of which everything is here; None in an empty file."""
        number = self.meta("cursor")
        return None if number is None else self.header(int(number))

    def floor(self) -> int:
        """Return the lowest block that can be unwound to."""
        return int(self.meta("floor") or 0)

    def header(self, number: int) -> Header | None:
        """Return a stored header; None if that block is not kept."""
        found = self._read("SELECT number, hash, parent, timestamp FROM blocks WHERE number = ?", (number,))
        return Header(*found[0]) if found else None

    def entries(self, first: int = 0, last: int = 2**62) -> list[Entry]:
        """Return the logs of a range of blocks in order."""
        query = (
            "SELECT l.number, b.timestamp, l.position, l.address, l.event, l.args FROM logs l"
            " JOIN blocks b ON b.hash = l.block_hash WHERE l.number BETWEEN ? AND ? ORDER BY l.number, l.position"
        )
        return [
            Entry(number, timestamp, position, address, event, json.loads(args))
            for number, timestamp, position, address, event, args in self._read(query, (first, last))
        ]

    def rows(self) -> list[tuple[str, str, str | None]]:
        """Return the state's rows; StoreDamaged if one is not what was written."""
        out: list[tuple[str, str, str | None]] = []
        for kind, name, value, checksum in self._read("SELECT kind, name, value, checksum FROM rows"):
            if _checksum(kind, name, value) != checksum:
                raise StoreDamaged(f"is damaged (row {kind} {name})")
            out.append((kind, name, value))
        return out

    def _read(self, query: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with self._errors():
            return self._connection.execute(query, parameters).fetchall()

    # Writing

    def write(
        self, blocks: Sequence[Written], previous: Header | None, headers: Sequence[Header], keep_from: int
    ) -> None:
        """Store what follows the cursor `previous`, in one transaction, and advance it to the last of `headers`.

        Blocks below `keep_from` are final: how to undo them is not kept, nor are headers of theirs that had no logs.
        StoreError if the file's cursor is another: somebody else writes to it.
        """
        with self._transaction() as sql:
            found = self.cursor()
            if (found and found.hash) != (previous and previous.hash):
                raise StoreError(f"{self.path}: another process writes to this file")
            for block in blocks:
                logged = [*block.past, block.header]
                _put_headers(sql, logged)
                _put_logs(sql, {header.number: header.hash for header in logged}, block.entries)
                _put_rows(sql, block.after)
                if block.header.number >= keep_from:
                    undo = [(block.header.number, kind, name, text) for (kind, name), text in block.before.items()]
                    sql.executemany("INSERT INTO undo VALUES (?, ?, ?, ?)", undo)
            _put_headers(sql, headers)
            cursor, old_floor = headers[-1].number, self.floor()
            floor = min(max(keep_from - 1, old_floor), cursor)
            marks = [("cursor", str(cursor)), ("floor", str(floor))]
            sql.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", marks)
            sql.execute("DELETE FROM undo WHERE number <= ?", (floor,))
            sql.execute(
                "DELETE FROM blocks WHERE number >= ? AND number < ?"
                " AND NOT EXISTS (SELECT 1 FROM logs WHERE block_hash = blocks.hash)",
                (old_floor, floor),
            )

    def unwind(self, ancestor: Header) -> list[tuple[str, str, str | None]]:
        """Take back every block above a kept one; return the rows (table, key, value) as they are then.

        ValueError below the floor.
        """
        if ancestor.number < self.floor():
            raise ValueError(f"block {ancestor.number} is below the floor {self.floor()}")
        with self._transaction() as sql:
            rows: Frame = {}
            query = "SELECT kind, name, value FROM undo WHERE number > ? ORDER BY number DESC"
            for kind, name, value in sql.execute(query, (ancestor.number,)):
                rows[kind, name] = value
            _put_rows(sql, rows)
            for table in ("undo", "logs", "blocks"):
                sql.execute(f"DELETE FROM {table} WHERE number > ?", (ancestor.number,))
            sql.execute("INSERT OR REPLACE INTO meta VALUES ('cursor', ?)", (str(ancestor.number),))
        return [(kind, name, value) for (kind, name), value in rows.items()]

    def reset(self) -> None:
        """Forget everything but which deployment this is."""
        with self._transaction() as sql:
            for table in ("undo", "rows", "logs", "blocks"):
                sql.execute(f"DELETE FROM {table}")
            sql.execute("DELETE FROM meta WHERE name IN ('cursor', 'floor')")

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Cursor]:
        with self._errors():
            sql = self._connection.cursor()
            try:
                sql.execute("BEGIN IMMEDIATE")
                yield sql
                sql.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        """Turn SQLite's errors into ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise StoreError(f"{self.path}: {error}") from error
        except sqlite3.DatabaseError as error:
            raise StoreDamaged(f"is damaged ({error})") from error

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    """Check the file, or create the tables in an empty one.

    StoreError if it is of something else, StoreDamaged if it cannot be used.
    """
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    found = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not found:
        connection.execute("BEGIN IMMEDIATE")
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA}")
        connection.execute("COMMIT")
        return
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise StoreError(f"{path} is a database of something else: name another file")
    schema = connection.execute("PRAGMA user_version").fetchone()[0]
    if schema != SCHEMA:
        raise StoreDamaged(f"has schema {schema}, this version has {SCHEMA}")
    verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    if verdict != "ok":
        raise StoreDamaged(f"is damaged ({verdict})")


def _move_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        companion = path.with_name(path.name + suffix)
        if companion.exists():
            companion.rename(aside.with_name(aside.name + suffix))
    return aside


def _put_headers(sql: sqlite3.Cursor, headers: Iterable[Header]) -> None:
    rows = [(header.number, header.hash, header.parent_hash, header.timestamp) for header in headers]
    sql.executemany("INSERT OR IGNORE INTO blocks VALUES (?, ?, ?, ?)", rows)


def _put_logs(sql: sqlite3.Cursor, hashes: Mapping[int, bytes], entries: Sequence[Entry]) -> None:
    rows = [
        (hashes[entry.number], entry.position, entry.number, entry.address, entry.event, json.dumps(entry.args))
        for entry in entries
    ]
    sql.executemany("INSERT OR IGNORE INTO logs VALUES (?, ?, ?, ?, ?, ?)", rows)


def _put_rows(sql: sqlite3.Cursor, rows: Frame) -> None:
    kept = [(kind, name, text, _checksum(kind, name, text)) for (kind, name), text in rows.items() if text is not None]
    gone = [row for row, text in rows.items() if text is None]
    sql.executemany("INSERT OR REPLACE INTO rows VALUES (?, ?, ?, ?)", kept)
    sql.executemany("DELETE FROM rows WHERE kind = ? AND name = ?", gone)


def _checksum(kind: str, name: str, text: str) -> int:
    return zlib.crc32(f"{kind}\0{name}\0{text}".encode())
