"""What the keeper sent and is about to send, in a file that survives being killed.

An *intent* is one action at one nonce. An *attempt* is one signed transaction for it: the action itself, again with
higher fees, or a transfer of nothing to oneself that cancels it. At most one attempt of an intent is ever mined,
because they share the nonce; and no two intents share one. Every step is on disk before the next one is taken:

    planned    the nonce is taken, nothing is signed
    signed     an attempt is stored and may have left this machine
    sent       a node took an attempt
    mined      the action is in a block (its receipt says whether it succeeded)
    cancelled  the cancellation is in a block
    lost       the nonce was used by a transaction that is not in here
    dropped    nothing left this machine, or every node refused it: the nonce is free again

The last four are *resolved*; a reorg takes an intent from there back to `sent`. The file belongs to one key on one
chain, which it knows by its id and the hash of its first block, and one process holds it at a time.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from plimsoll.errors import PlimsollError
from plimsoll.keeper.fees import Fees
from plimsoll.keeper.node import Receipt

FORMAT = 1

_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE intents (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    state TEXT NOT NULL,
    target TEXT NOT NULL,
    data BLOB NOT NULL,
    gas INTEGER NOT NULL,
    budget TEXT NOT NULL,
    planned_at INTEGER NOT NULL,
    planned_block INTEGER NOT NULL,
    last_block INTEGER NOT NULL,
    resolved_block INTEGER,
    note TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_intent_per_nonce ON intents (nonce) WHERE state <> 'dropped';
CREATE INDEX intents_by_state ON intents (state, resolved_block);
CREATE TABLE attempts (
    intent INTEGER NOT NULL REFERENCES intents (id),
    hash TEXT NOT NULL,
    kind TEXT NOT NULL,
    raw BLOB NOT NULL,
    gas INTEGER NOT NULL,
    most INTEGER NOT NULL,
    tip INTEGER NOT NULL,
    signed_block INTEGER NOT NULL,
    exposure TEXT NOT NULL,
    error TEXT NOT NULL DEFAULT '',
    block_number INTEGER,
    block_hash TEXT,
    succeeded INTEGER,
    gas_used INTEGER,
    price INTEGER,
    mined_at INTEGER,
    UNIQUE (intent, hash)
) STRICT;
"""


class JournalError(PlimsollError):
    """The journal is of another key or chain, is held by another process, or cannot be used."""


class State(StrEnum):
    """Where an intent is; see the module's docstring."""

    PLANNED = "planned"
    SIGNED = "signed"
    SENT = "sent"
    MINED = "mined"
    CANCELLED = "cancelled"
    LOST = "lost"
    DROPPED = "dropped"


OPEN = (State.PLANNED, State.SIGNED, State.SENT)


class Kind(StrEnum):
    """What an attempt does."""

    ACTION = "action"
    CANCEL = "cancel"


class Exposure(StrEnum):
    """Whether an attempt may be out there: it may, a node took it, or every node refused it."""

    MAYBE = "maybe"
    TAKEN = "taken"
    REFUSED = "refused"


@dataclass(slots=True)
class Attempt:
    """A signed transaction of an intent; `receipt` when it is in a block."""

    tx_hash: str
    kind: Kind
    raw: bytes
    gas: int
    fees: Fees
    signed_block: int
    exposure: Exposure = Exposure.MAYBE
    error: str = ""
    receipt: Receipt | None = None


@dataclass(slots=True)
class Intent:
    """One action at one nonce; `key` says what it is about, `budget` (wei) what its gas may cost.

    After `last_block` it is not wanted any more.
    """

    id: int
    key: str
    nonce: int
    state: State
    target: str
    data: bytes
    gas: int
    budget: int
    planned_at: int
    planned_block: int
    last_block: int
    note: dict[str, Any]
    resolved_block: int | None = None
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether it is not known yet what becomes of it."""
        return self.state in OPEN

    @property
    def is_exposed(self) -> bool:
        """Whether one of its attempts may be out there."""
        return any(attempt.exposure is not Exposure.REFUSED for attempt in self.attempts)

    @property
    def is_cancelling(self) -> bool:
        """Whether a cancellation was signed."""
        return any(attempt.kind is Kind.CANCEL for attempt in self.attempts)

    @property
    def newest(self) -> Attempt:
        """The attempt signed last."""
        return self.attempts[-1]

    @property
    def mined(self) -> Attempt | None:
        """The attempt that is in a block."""
        return next((attempt for attempt in self.attempts if attempt.receipt is not None), None)

    @property
    def worst_cost(self) -> int:
        """The most that its gas can still cost, wei."""
        return max((attempt.gas * attempt.fees.most for attempt in self.attempts), default=0)


class Journal:
    """The file; see the module's docstring. Close it, or use it in a ``with``."""

    def __init__(self, path: Path, *, chain_id: int, genesis: str, address: str) -> None:
        """Open or create the file and hold it; JournalError when it belongs to another process, key or chain.

        A file that is damaged is set aside, and `was_damaged` names it.
        """
        self.path = path
        self.was_damaged: Path | None = None
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(path)
        try:
            self._db = self._opened(path)
            self._check({"format": str(FORMAT), "chain": str(chain_id), "genesis": genesis, "address": address})
        except BaseException:
            os.close(self._lock)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and let go of it."""
        self._db.close()
        os.close(self._lock)

    # Writing: each call is on disk when it returns

    def plan(
        self,
        *,
        key: str,
        nonce: int,
        target: str,
        data: bytes,
        gas: int,
        budget: int,
        now: int,
        block: int,
        last_block: int,
        note: dict[str, Any],
    ) -> Intent:
        """Take a nonce for an action."""
        text = json.dumps(note, separators=(",", ":"))
        with self._transaction() as db:
            cursor = db.execute(
                "INSERT INTO intents (key, nonce, state, target, data, gas, budget, planned_at, planned_block,"
                " last_block, note) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (key, nonce, State.PLANNED, target, data, gas, str(budget), now, block, last_block, text),
            )
        assert cursor.lastrowid is not None
        return Intent(
            cursor.lastrowid, key, nonce, State.PLANNED, target, data, gas, budget, now, block, last_block, note
        )

    def sign(self, intent: Intent, attempt: Attempt) -> None:
        """Store a signed attempt; only then may it leave this machine."""
        with self._transaction() as db:
            db.execute(
                "INSERT INTO attempts (intent, hash, kind, raw, gas, most, tip, signed_block, exposure)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    intent.id,
                    attempt.tx_hash,
                    attempt.kind,
                    attempt.raw,
                    attempt.gas,
                    attempt.fees.most,
                    attempt.fees.tip,
                    attempt.signed_block,
                    attempt.exposure,
                ),
            )
            state = State.SIGNED if intent.state is State.PLANNED else intent.state
            db.execute("UPDATE intents SET state = ? WHERE id = ?", (state, intent.id))
        intent.state = state
        intent.attempts.append(attempt)

    def handed_over(self, intent: Intent, attempt: Attempt, exposure: Exposure, error: str = "") -> None:
        """Note what a node made of an attempt."""
        state = State.SENT if exposure is Exposure.TAKEN and intent.is_open else intent.state
        if (attempt.exposure, attempt.error, intent.state) == (exposure, error, state):
            return
        with self._transaction() as db:
            db.execute(
                "UPDATE attempts SET exposure = ?, error = ? WHERE intent = ? AND hash = ?",
                (exposure, error, intent.id, attempt.tx_hash),
            )
            db.execute("UPDATE intents SET state = ? WHERE id = ?", (state, intent.id))
        attempt.exposure, attempt.error, intent.state = exposure, error, state

    def settle(self, intent: Intent, attempt: Attempt, receipt: Receipt, now: int) -> None:
        """Note the block an attempt is in."""
        state = State.MINED if attempt.kind is Kind.ACTION else State.CANCELLED
        with self._transaction() as db:
            self._clear_receipts(db, intent)
            db.execute(
                "UPDATE attempts SET exposure = ?, block_number = ?, block_hash = ?, succeeded = ?, gas_used = ?,"
                " price = ?, mined_at = ? WHERE intent = ? AND hash = ?",
                (
                    Exposure.TAKEN,
                    receipt.block_number,
                    receipt.block_hash,
                    int(receipt.succeeded),
                    receipt.gas_used,
                    receipt.price,
                    now,
                    intent.id,
                    attempt.tx_hash,
                ),
            )
            self._set_state(db, intent, state, receipt.block_number)
        attempt.receipt = replace(receipt, logs=())
        attempt.exposure = Exposure.TAKEN

    def resolve(self, intent: Intent, state: State, block: int) -> None:
        """Note that an intent is lost or dropped."""
        with self._transaction() as db:
            self._set_state(db, intent, state, block)

    def reopen(self, intent: Intent) -> None:
        """Take an intent back to `sent`: its block is gone."""
        with self._transaction() as db:
            self._clear_receipts(db, intent)
            self._set_state(db, intent, State.SENT, None)

    def set_seen(self, count: int) -> None:
        """Store up to which nonce the key's transactions were accounted for."""
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO about VALUES ('seen', ?)", (str(count),))

    # Reading

    def watched(self, since_block: int) -> list[Intent]:
        """Return open intents and those resolved since a block, by nonce; dropped ones are left out."""
        rows = self._db.execute(
            "SELECT id, key, nonce, state, target, data, gas, budget, planned_at, planned_block, last_block, note,"
            " resolved_block FROM intents WHERE state IN ('planned', 'signed', 'sent')"
            " OR (state IN ('mined', 'cancelled', 'lost') AND resolved_block >= ?) ORDER BY nonce",
            (since_block,),
        ).fetchall()
        return [self._intent(row) for row in rows]

    def holds(self, nonce: int) -> bool:
        """Return whether an intent has this nonce."""
        found = self._db.execute("SELECT 1 FROM intents WHERE nonce = ? AND state <> 'dropped'", (nonce,)).fetchone()
        return found is not None

    def count(self, first: int, end: int) -> int:
        """Return how many nonces from `first` to before `end` are in intents."""
        query = "SELECT count(*) FROM intents WHERE nonce >= ? AND nonce < ? AND state <> 'dropped'"
        return int(self._db.execute(query, (first, end)).fetchone()[0])

    def seen(self) -> int | None:
        """Return the count of the key's transactions that `set_seen` stored last."""
        found = self._db.execute("SELECT value FROM about WHERE name = 'seen'").fetchone()
        return None if found is None else int(found[0])

    def spent(self, since: int) -> int:
        """Return the wei paid for gas in blocks that were noted since a time."""
        rows = self._db.execute("SELECT gas_used, price FROM attempts WHERE mined_at >= ?", (since,))
        return sum(int(gas) * int(price) for gas, price in rows)

    def history(self, limit: int = 50) -> list[Intent]:
        """Return the newest intents, newest first."""
        rows = self._db.execute(
            "SELECT id, key, nonce, state, target, data, gas, budget, planned_at, planned_block, last_block, note,"
            " resolved_block FROM intents ORDER BY id DESC LIMIT ?",
            (limit,),
        ).fetchall()
        return [self._intent(row) for row in rows]

    def _intent(self, row: tuple[Any, ...]) -> Intent:
        number, key, nonce, state, target, data, gas, budget, at, block, last, note, resolved = row
        intent = Intent(
            number,
            key,
            nonce,
            State(state),
            target,
            data,
            gas,
            int(budget),
            at,
            block,
            last,
            json.loads(note),
            resolved,
        )
        intent.attempts = [
            _attempt(each)
            for each in self._db.execute(
                "SELECT hash, kind, raw, gas, most, tip, signed_block, exposure, error, block_number, block_hash,"
                " succeeded, gas_used, price FROM attempts WHERE intent = ? ORDER BY rowid",
                (number,),
            )
        ]
        return intent

    def _opened(self, path: Path) -> sqlite3.Connection:
        try:
            return _connected(path)
        except sqlite3.OperationalError as error:
            raise JournalError(f"{path}: {error}") from error
        except sqlite3.DatabaseError:
            aside = _free_name(path)
            path.rename(aside)
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            self.was_damaged = aside
            return _connected(path)

    def _check(self, about: dict[str, str]) -> None:
        found = dict(self._db.execute("SELECT name, value FROM about"))
        if not found:
            with self._transaction() as db:
                db.executemany("INSERT INTO about VALUES (?, ?)", about.items())
            return
        for name, value in about.items():
            if found.get(name) != value:
                self._db.close()
                raise JournalError(
                    f"{self.path}: its {name} is {found.get(name)}, this keeper's is {value}: name another journal"
                )

    def _set_state(self, db: sqlite3.Connection, intent: Intent, state: State, block: int | None) -> None:
        db.execute("UPDATE intents SET state = ?, resolved_block = ? WHERE id = ?", (state, block, intent.id))
        intent.state, intent.resolved_block = state, block

    def _clear_receipts(self, db: sqlite3.Connection, intent: Intent) -> None:
        db.execute(
            "UPDATE attempts SET block_number = NULL, block_hash = NULL, succeeded = NULL, gas_used = NULL,"
            " price = NULL, mined_at = NULL WHERE intent = ?",
            (intent.id,),
        )
        for attempt in intent.attempts:
            attempt.receipt = None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise JournalError(f"{self.path}: {error}") from error


def _locked(path: Path) -> int:
    handle = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise JournalError(f"{path}: another keeper is using it: a key and its journal belong to one keeper") from None
    return handle


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA foreign_keys = ON")
        if db.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")
        if db.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
            db.executescript(f"BEGIN;{_SCHEMA}COMMIT;")
        db.execute("SELECT 1 FROM about, intents, attempts LIMIT 1").fetchone()
        db.execute("CREATE INDEX IF NOT EXISTS attempts_by_time ON attempts (mined_at)")
    except BaseException:
        db.close()
        raise
    path.chmod(0o600)
    return db


def _free_name(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    return aside


def _attempt(row: tuple[Any, ...]) -> Attempt:
    tx_hash, kind, raw, gas, most, tip, block, exposure, error, mined_in, block_hash, succeeded, used, price = row
    receipt = None
    if mined_in is not None:
        receipt = Receipt(tx_hash, mined_in, block_hash, bool(succeeded), used, price)
    return Attempt(tx_hash, Kind(kind), raw, gas, Fees(most, tip), block, Exposure(exposure), error, receipt)
