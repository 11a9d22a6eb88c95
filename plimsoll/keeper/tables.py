"""Tables in memory that remember what a block changed, so that the block can be taken back.

A frame collects, for every row that is touched, the value it had before. Rows are immutable values: changing one means
putting another. Frames are what the store keeps beside the rows: applying them backwards unwinds blocks exactly, at
the cost of what those blocks touched, and a restart reads the rows and replays nothing. (The alternative, snapshots and
replay, pauses for the size of the whole state at every snapshot, and replays an interval for a reorg of depth one.)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

Frame = dict[tuple[str, str], str | None]
"""Table and key of a row, both as text, to its encoded value; None where there is no row."""


class Table(Generic[K, V]):
    """Rows by key. `changed` is what the rows touched since `begin` were before."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.changed: dict[K, V | None] = {}
        self._rows: dict[K, V] = {}

    def get(self, key: K) -> V | None:
        """Return a row; None if there is none."""
        return self._rows.get(key)

    def __getitem__(self, key: K) -> V:
        return self._rows[key]

    def __contains__(self, key: K) -> bool:
        return key in self._rows

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[K]:
        return iter(self._rows)

    def items(self) -> Iterator[tuple[K, V]]:
        """Return every row."""
        return iter(self._rows.items())

    def put(self, key: K, value: V | None) -> None:
        """Set a row, or remove it with None."""
        if key not in self.changed:
            self.changed[key] = self._rows.get(key)
        self.restore(key, value)

    def restore(self, key: K, value: V | None) -> None:
        """Set a row without noting it."""
        if value is None:
            self._rows.pop(key, None)
        else:
            self._rows[key] = value

    def begin(self) -> None:
        """Forget what changed: a new frame."""
        self.changed = {}

    def roll_back(self) -> None:
        """Undo what changed since `begin`."""
        for key, value in self.changed.items():
            self.restore(key, value)
        self.changed = {}

    def clear(self) -> None:
        """Remove everything."""
        self._rows.clear()
        self.changed = {}
