"""The orders that owners handed to this keeper: signed files in, one SQLite file that keeps them.

An order comes as a JSON file (`plimsoll.protocol.order_file`) dropped into a folder, or by `ape run keeper order add`,
which writes here while a keeper runs. It is kept if it is for this contract on this chain, not expired, and signed by
the owner of its account. The file is apart from the index of the chain, which can be built again: this cannot.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from plimsoll.errors import ConfigError, PlimsollError
from plimsoll.keeper.order_facts import owner_of
from plimsoll.model import account_word
from plimsoll.protocol import order_file
from plimsoll.protocol.order_file import OrderFile
from plimsoll.protocol.orders import Domain

SUFFIX = ".json"
FILES_PER_LOOK = 100
"""Files that are read at most before the keeper turns to something else."""
_TABLE = "CREATE TABLE IF NOT EXISTS orders (digest TEXT PRIMARY KEY, text TEXT NOT NULL) STRICT"

AcceptedByOwner = Callable[[str, bytes, bytes], bool]
"""Whether an owner that is a contract accepts a digest and a signature (ERC-1271)."""


class OrderBookError(PlimsollError):
    """The file cannot be used."""


@dataclass(slots=True)
class Intake:
    """What a look at folder and file brought: orders new to the book, and files that were refused, with the reason."""

    added: list[OrderFile] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


class OrderBook:
    """See the module's docstring. Close it, or use it in a ``with``."""

    def __init__(self, path: Path, domain: Domain, inbox: Path | None, accepts: AcceptedByOwner) -> None:
        """Open or create the file; one that is damaged is set aside, and `was_damaged` names it.

        `inbox` is the folder that is looked through; None for none.
        """
        self.orders: dict[str, OrderFile] = {}
        """By digest, in hex."""
        self.was_damaged: Path | None = None
        self._path = path
        self._domain = domain
        self._inbox = inbox
        self._accepts = accepts
        self._seen: dict[str, tuple[int, int]] = {}
        """By name of a file that was looked at, its time and size then."""
        self._version = -1
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._db = _opened(path)
        except sqlite3.OperationalError as error:
            raise OrderBookError(f"{path}: {error}") from error
        except sqlite3.DatabaseError:
            self.was_damaged = _set_aside(path)
            self._db = _opened(path)

    def __enter__(self) -> OrderBook:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def refresh(self, now: int) -> Intake:
        """Take in what others wrote into the file, and what is new in the folder; a file that is wrong is refused."""
        intake = Intake()
        self._read(intake)
        for path in self._new_files():
            try:
                found = order_file.load(path)
                if found.digest not in self.orders:
                    self.add(found, now)
                    intake.added.append(found)
            except ConfigError as error:
                intake.refused.append((path.name, str(error).removeprefix(f"{path}: ")))
        return intake

    def add(self, found: OrderFile, now: int) -> None:
        """Keep an order; ConfigError, one line, when it is not for this keeper or its signature is not the owner's."""
        check(found, self._domain, now, self._accepts)
        with self._errors():
            self._db.execute("INSERT OR IGNORE INTO orders VALUES (?, ?)", (found.digest, found.text()))
        self.orders[found.digest] = found

    def remove(self, digests: Iterable[str]) -> None:
        """Forget orders; their files in the folder stay."""
        for digest in digests:
            with self._errors():
                self._db.execute("DELETE FROM orders WHERE digest = ?", (digest,))
            self.orders.pop(digest, None)

    def _read(self, intake: Intake) -> None:
        """Read the file if another process wrote to it since."""
        with self._errors():
            version = int(self._db.execute("PRAGMA data_version").fetchone()[0])
            if version == self._version:
                return
            rows = self._db.execute("SELECT digest, text FROM orders").fetchall()
        self._version = version
        for digest, text in rows:
            if digest in self.orders:
                continue
            try:
                found = order_file.parse(text)
                if found.domain != self._domain or found.digest != digest:
                    raise ConfigError("is of another contract, or not what was written")
            except ConfigError as error:
                intake.refused.append((digest, str(error)))
                continue
            self.orders[digest] = found
            intake.added.append(found)

    def _new_files(self) -> list[Path]:
        """Return the files of the folder that came or changed since the last look."""
        if self._inbox is None or not self._inbox.is_dir():
            return []
        seen: dict[str, tuple[int, int]] = {}
        with os.scandir(self._inbox) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.name.endswith(SUFFIX):
                    continue
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat()
                    seen[entry.name] = (status.st_mtime_ns, status.st_size)
        new = sorted(name for name, mark in seen.items() if self._seen.get(name) != mark)
        for name in new[FILES_PER_LOOK:]:
            del seen[name]
        self._seen = seen
        return [self._inbox / name for name in new[:FILES_PER_LOOK]]

    @contextlib.contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OrderBookError(f"{self._path}: {error}") from error


def check(found: OrderFile, domain: Domain, now: int, accepts: AcceptedByOwner) -> None:
    """Raise ConfigError unless an order is for this contract on this chain, not expired, and signed by its owner."""
    order = found.signed.order
    if found.domain != domain:
        raise ConfigError(
            f"is for chain {found.chain_id}, {found.contract}, not for chain {domain.chain_id}, {domain.verifier}"
        )
    if account_word.owner(order.account) == 0:
        raise ConfigError("its account has no owner")
    if now > order.deadline:
        raise ConfigError("expired")
    owner = owner_of(order.account)
    if found.signed.signer(domain) != owner and not accepts(owner, order.digest(domain), found.signed.signature):
        raise ConfigError(f"is not signed by {owner}, the owner of its account")


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        if db.execute("PRAGMA quick_check").fetchone() != ("ok",):
            raise sqlite3.DatabaseError("damaged")
        db.execute(_TABLE)
        db.execute("SELECT digest, text FROM orders LIMIT 1").fetchone()
    except BaseException:
        db.close()
        raise
    return db


def _set_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside
