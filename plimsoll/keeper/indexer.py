"""Follows the chain: headers and logs into the store and the state, reorgs out of them again.

A block is accepted when its parent is the block before it and every log that the node returns for it carries its hash.
Log subscriptions do not report what a reorg removed, so nothing here relies on one: whenever a header does not continue
the chain that is stored, the common ancestor is looked for and everything above it is taken back, then the new branch
is applied. Blocks older than `window` are taken as final and read in ranges; a reorg deeper than that builds the books
again from the start block.

What can go wrong on the node's side, and what happens:

* logs of another fork than the headers, or headers that do not link: the range is asked for again, then left for the
  next `sync`;
* logs that are missing: a header's bloom filter that promises logs of ours gets a second question, the newest blocks'
  logs are asked for once more with the next block, and events that cannot follow from the state (`Inconsistent`) get
  the whole range asked for again, then the books are built again;
* logs twice, removed logs, logs that were not asked for: dropped, unless two different logs claim one place;
* a node that is behind: nothing happens until it has caught up.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from eth_utils.crypto import keccak

from plimsoll.keeper.events import decoder_of
from plimsoll.keeper.pools import Inconsistent
from plimsoll.keeper.source import Header, LogSource, RangeTooWide, RawLog, SourceError
from plimsoll.keeper.state import DISCOVERIES, Entry, State
from plimsoll.keeper.store import Store, StoreDamaged, Written

_LOGGER = logging.getLogger(__name__)

WINDOW = 256
MOST_BLOCKS = 50_000
ATTEMPTS = 3
LATE = 4
"""Blocks whose logs are asked for once more with the next block."""

Progress = Callable[[int, int], None]
"""Called during a long catch-up with the block reached and the newest one."""


@dataclass(slots=True)
class Sync:
    """What one `sync` did. `accounts` are those whose books changed, also in calls before it that failed half-way;
    `tip` is the block the books are at (None: none yet).

    `complete` is False when the node's answers did not fit together, or it is behind: ask again.
    """

    tip: Header | None
    accounts: set[int] = field(default_factory=set)
    applied: int = 0
    unwound: int = 0
    rebuilt: bool = False
    complete: bool = True


class _MixedError(SourceError):
    """Answers of two chains, or of a node that changed its chain meanwhile."""


class Indexer:
    """Keeps a store and a state at the head of a source's chain."""

    def __init__(
        self,
        source: LogSource,
        store: Store,
        state: State,
        start_block: int,
        *,
        window: int = WINDOW,
        first_range: int = 2_000,
        progress: Progress | None = None,
    ) -> None:
        self._source = source
        self._store = store
        self._state = state
        self._start = start_block
        self._window = window
        self._range = first_range
        self._progress = progress
        self._unsure = False
        self.pending: set[int] = set()
        """Accounts that changed since the last `sync` that returned."""

    def load(self) -> Header | None:
        """Read the state from the store; return the block it is at. StoreDamaged if a row is damaged."""
        self._state.clear()
        self._state.restore(self._store.rows())
        self._unsure = False
        return self._store.cursor()

    def sync(self) -> Sync:
        """Bring the books to the newest block.

        SourceError when the node cannot be used (everything done so far is kept), StoreError when the file cannot,
        Inconsistent when the node's logs do not fit together even from the start block on.
        """
        if self._unsure:
            self.pending |= set(self._state.accounts)
            self.load()
            self.pending |= set(self._state.accounts)
        done = Sync(self._store.cursor(), self.pending, complete=False)
        done = self._follow(done)
        self.pending = set()
        return done

    def _follow(self, done: Sync) -> Sync:
        failure: Inconsistent | None = None
        for _ in range(ATTEMPTS):
            try:
                done.complete = self._advance(done)
            except _MixedError as error:
                failure = None
                _LOGGER.info("%s: asking again", error)
            except Inconsistent as error:
                failure = error
                _LOGGER.warning("%s: asking for the logs again", error)
            else:
                return done
        if failure is not None:
            _LOGGER.warning("%s: building the books again from block %d", failure, self._start)
            self._rebuild(done)
            done.complete = self._advance(done)
        return done

    def _advance(self, done: Sync) -> bool:
        """Go as far as the node's answers allow; return whether that is its newest block."""
        tip = self._source.get_block()
        if tip is None:
            raise SourceError("the node has no newest block")
        cursor = self._agree(tip, done)
        if cursor is not None and tip.number < cursor.number:
            return False
        if cursor is not None and tip.number > cursor.number:
            cursor = self._look_again(cursor, done)
        final = tip.number - self._window
        first = self._start if cursor is None else cursor.number + 1
        while first <= final:
            try:
                cursor = self._apply_range(first, min(first + self._range - 1, final), cursor, None, tip, done)
            except RangeTooWide:
                if self._range == 1:
                    raise
                self._range = min(self._range, final - first + 1) // 2 or 1
            else:
                first = cursor.number + 1
        if first <= tip.number:
            self._apply_range(first, tip.number, cursor, self._headers(first, tip, cursor), tip, done)
        return True

    # Reorgs

    def _agree(self, tip: Header, done: Sync) -> Header | None:
        """Unwind to the last stored block that is on the node's chain and return it; None when the books are empty.

        A node whose newest block is one of ours is behind, not on another chain.
        """
        cursor = self._store.cursor()
        if cursor is None:
            return None
        if self._is_ours(tip if tip.number <= cursor.number else self._read_one(cursor.number)):
            return cursor
        ancestor = self._ancestor(min(cursor.number, tip.number) - 1)
        if ancestor is None:
            _LOGGER.warning("a reorg below block %d: building the books again", self._store.floor())
            self._rebuild(done)
            return None
        depth = cursor.number - ancestor.number
        _LOGGER.info("a reorg of %d blocks, back to block %d", depth, ancestor.number)
        done.accounts |= self._state.restore(self._store.unwind(ancestor))
        done.unwound += depth
        done.tip = ancestor
        return ancestor

    def _is_ours(self, header: Header) -> bool:
        stored = self._store.header(header.number)
        return stored is not None and stored.hash == header.hash

    def _ancestor(self, high: int) -> Header | None:
        """Return the highest stored block up to `high` that is on the node's chain; None below the floor."""
        size, floor = 4, max(self._store.floor(), self._start)
        while high >= floor:
            numbers = range(high, max(high - size, floor - 1), -1)
            for number, header in zip(numbers, self._source.get_blocks(numbers), strict=True):
                if header is None:
                    raise _MixedError(f"the node has no block {number}")
                if self._is_ours(header):
                    return self._store.header(number)
            high, size = numbers[-1] - 1, size * 4
        return None

    def _rebuild(self, done: Sync) -> None:
        done.accounts |= set(self._state.accounts)
        self._store.reset()
        self._state.clear()
        done.tip, done.rebuilt = None, True

    def _look_again(self, cursor: Header, done: Sync) -> Header:
        """Ask for the newest stored blocks' logs once more, unwind to before the first that brings new ones, and return
        where the books are then: a node may show a block before it has indexed its logs."""
        first = max(cursor.number - LATE + 1, self._store.floor() + 1, self._start + 1)
        known = {(entry.number, entry.position) for entry in self._store.entries(first, cursor.number)}
        late = [
            log.block_number
            for log in (self._logs(first, cursor.number, self._state.addresses()) if first <= cursor.number else [])
            if (log.block_number, log.log_index) not in known and self._is_stored(log)
        ]
        ancestor = self._store.header(min(late) - 1) if late else None
        if ancestor is None:
            return cursor
        _LOGGER.warning("logs of block %d came late: reading it again", min(late))
        done.accounts |= self._state.restore(self._store.unwind(ancestor))
        done.unwound += cursor.number - ancestor.number
        done.tip = ancestor
        return ancestor

    def _is_stored(self, log: RawLog) -> bool:
        stored = self._store.header(log.block_number)
        return stored is not None and stored.hash == log.block_hash

    # Reading the node

    def _headers(self, first: int, tip: Header, cursor: Header | None) -> list[Header]:
        """Return the headers from `first` to the tip, each the child of the one before."""
        found = [*self._source.get_blocks(range(first, tip.number)), tip]
        headers: list[Header] = []
        parent = cursor
        for number, header in enumerate(found, first):
            if header is None or header.number != number:
                raise _MixedError(f"the node has no block {number}")
            if parent is not None and header.parent_hash != parent.hash:
                raise _MixedError(f"block {number} does not follow block {number - 1}")
            headers.append(header)
            parent = header
        return headers

    def _logs(self, first: int, last: int, addresses: Sequence[str]) -> list[RawLog]:
        """Return the logs of a range in order, each once."""
        return _ordered(self._source.get_logs(first, last, addresses), addresses)

    def _all_logs(self, first: int, last: int, addresses: Sequence[str]) -> list[RawLog]:
        """Return the same of a range of any size, in as many parts as the node wants."""
        logs: list[RawLog] = []
        size = last - first + 1
        while first <= last:
            try:
                logs += self._logs(first, min(first + size - 1, last), addresses)
            except RangeTooWide:
                if size == 1:
                    raise
                size = min(size, last - first + 1) // 2 or 1
            else:
                first += size
        return logs

    def _checked(self, logs: Sequence[RawLog], headers: Mapping[int, Header]) -> None:
        for log in logs:
            header = headers.get(log.block_number)
            if header is None or header.hash != log.block_hash:
                raise _MixedError(f"the logs of block {log.block_number} are of another fork")

    def _promised(self, headers: Sequence[Header], logs: list[RawLog]) -> list[RawLog]:
        """Ask again for blocks whose bloom filter promises logs of ours that did not come."""
        came = {log.block_number for log in logs}
        found: list[RawLog] = []
        for header in headers:
            if header.logs_bloom and header.number not in came:
                bloom = int.from_bytes(header.logs_bloom, "big")
                suspects = [address for address in self._state.addresses() if self._promises(bloom, address)]
                if suspects:
                    found += self._logs(header.number, header.number, suspects)
        return _ordered([*logs, *found], self._state.addresses()) if found else logs

    def _promises(self, bloom: int, address: str) -> bool:
        artifact = self._state.artifact_of(address)
        if artifact is None or not _holds(bloom, bytes.fromhex(address[2:])):
            return False
        return any(_holds(bloom, topic) for topic in decoder_of(artifact).topics)

    # Applying

    def _apply_range(
        self, first: int, last: int, cursor: Header | None, known: list[Header] | None, tip: Header, done: Sync
    ) -> Header:
        """Apply the blocks `first` to `last` in one transaction and return the last header.

        `known` are their headers; without them, the blocks are final and only the headers that are needed are read.
        """
        if known is None:
            logs = self._logs(first, last, self._state.addresses())
            numbers = sorted({log.block_number for log in logs} | {last})
            headers = self._read(numbers)
        else:
            logs = self._promised(known, self._all_logs(first, last, self._state.addresses()))
            headers = {header.number: header for header in known}
        self._checked(logs, headers)
        if known is not None and self._read_one(last).hash != headers[last].hash:
            raise _MixedError(f"block {last} was replaced meanwhile")

        written: list[Written] = []
        touched: set[int] = set()
        entries = deque(self._entry(log, headers) for log in logs)
        try:
            while entries:
                header = headers[entries[0].number]
                batch: list[Entry] = []
                while entries and entries[0].number == header.number:
                    batch.append(entries.popleft())
                self._state.begin()
                past, batch = self._discover(header, batch, entries, headers, last)
                for entry in batch:
                    self._state.apply(entry)
                touched |= self._state.touched()
                written.append(Written(header, batch, *self._state.frame(), past))
            self._store.write(written, cursor, known or [headers[last]], tip.number - self._window + 1)
        except Exception:
            self._forget(written)
            raise
        except BaseException:
            self._unsure = True  # stopped anywhere, also after the commit
            raise
        self._state.begin()
        done.accounts |= touched
        done.applied += last - first + 1
        done.tip = headers[last]
        if known is None:
            self._report(last, tip.number, last - first + 1)
        return headers[last]

    def _forget(self, written: Sequence[Written]) -> None:
        """Take back what was applied to the state and not stored."""
        self._state.roll_back()
        for block in reversed(written):
            self._state.restore([(kind, name, text) for (kind, name), text in block.before.items()])

    def _discover(
        self, header: Header, batch: list[Entry], later: deque[Entry], headers: dict[int, Header], last: int
    ) -> tuple[list[Header], list[Entry]]:
        """Follow the contracts that a block's events name, with their logs up to `last`.

        Their past comes first in the block's batch, what is of the same block takes its place in it, the rest joins
        `later`. Returns the past's headers and the batch.
        """
        past: list[Header] = []
        checked = 0
        while checked < len(batch):
            entry = batch[checked]
            checked += 1
            found = DISCOVERIES.get((self._state.artifact_of(entry.address) or "", entry.event))
            if found is None or self._state.artifact_of(entry.args[found[0]]) is not None:
                continue
            address: str = entry.args[found[0]]
            self._state.follow(address, found[1])
            logs = self._all_logs(self._start, last, [address])
            headers.update(self._read(sorted({log.block_number for log in logs} - set(headers))))
            self._checked(logs, headers)
            new = [self._entry(log, headers) for log in logs]
            past += [headers[number] for number in sorted({e.number for e in new if e.number < header.number})]
            batch = sorted([*batch, *(e for e in new if e.number <= header.number)], key=_place)
            merged = sorted([*later, *(e for e in new if e.number > header.number)], key=_place)
            later.clear()
            later.extend(merged)
            checked = 0
        return past, batch

    def _read(self, numbers: Sequence[int]) -> dict[int, Header]:
        found: dict[int, Header] = {}
        for number, header in zip(numbers, self._source.get_blocks(numbers), strict=True):
            if header is None or header.number != number:
                raise _MixedError(f"the node has no block {number}")
            stored = self._store.header(number)
            if stored is not None and stored.hash != header.hash:
                raise _MixedError(f"block {number} was replaced meanwhile")
            found[number] = header
        return found

    def _read_one(self, number: int) -> Header:
        header = self._source.get_block(number)
        if header is None or header.number != number:
            raise _MixedError(f"the node has no block {number}")
        return header

    def _entry(self, log: RawLog, headers: Mapping[int, Header]) -> Entry:
        artifact = self._state.artifact_of(log.address)
        assert artifact is not None, log.address
        name, args = decoder_of(artifact).decode(log)
        timestamp = headers[log.block_number].timestamp
        return Entry(log.block_number, timestamp, log.log_index, log.address, name, args)

    def _report(self, reached: int, newest: int, size: int) -> None:
        if size >= self._range:
            self._range = min(self._range * 2, MOST_BLOCKS)
        if self._progress is not None:
            self._progress(reached, newest)


def load_or_reset(indexer: Indexer, store: Store) -> Header | None:
    """Load the state from the store; a damaged row makes the books start again. Return the block they are at."""
    try:
        return indexer.load()
    except StoreDamaged as error:
        _LOGGER.warning("%s: %s; building the books again from the chain", store.path, error)
        store.reset()
        return indexer.load()


def _place(entry: Entry) -> tuple[int, int]:
    return entry.number, entry.position


def _ordered(logs: Sequence[RawLog], addresses: Sequence[str]) -> list[RawLog]:
    """Return logs of these addresses in order, each once; _MixedError if two claim one place."""
    wanted = set(addresses)
    unique: dict[tuple[int, int], RawLog] = {}
    for log in logs:
        if log.removed or log.address not in wanted:
            continue
        place = (log.block_number, log.log_index)
        if unique.setdefault(place, log) != log:
            raise _MixedError(f"two logs claim block {place[0]}, log {place[1]}")
    return [unique[place] for place in sorted(unique)]


def _holds(bloom: int, item: bytes) -> bool:
    bits = _bloom_bits(item)
    return bloom & bits == bits


@lru_cache(maxsize=1_024)
def _bloom_bits(item: bytes) -> int:
    """Return the three bits of an item in a header's bloom filter (Yellow Paper, 4.3.1)."""
    digest = keccak(item)
    bits = 0
    for i in (0, 2, 4):
        bits |= 1 << (int.from_bytes(digest[i : i + 2], "big") & 2047)
    return bits
