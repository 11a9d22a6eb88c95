"""What the keeper's data half asks of a node, as interfaces: blocks, logs, and one account as the chain sees it.

Hashes are 32 bytes, addresses checksummed strings, times unix seconds. Whoever implements these raises `SourceError`
for a node that cannot be reached or talks nonsense, and `RangeTooWide` where asking for fewer blocks could help (too
many results, a limit on the range, a timeout of `get_logs`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from plimsoll.errors import PlimsollError


class SourceError(PlimsollError):
    """The node cannot be reached, or its answer makes no sense."""


class RangeTooWide(SourceError):  # noqa: N818  what to do about it, and the word
    """The node would answer for fewer blocks."""


class Header(NamedTuple):
    """A block's header."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp: int
    logs_bloom: bytes = b""
    """The header's bloom filter, 256 bytes; empty if the node did not say. With it, logs that the node has not indexed
    yet are noticed."""


class RawLog(NamedTuple):
    """A log as the node gives it."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes
    block_number: int
    block_hash: bytes
    log_index: int
    removed: bool = False


class LogSource(Protocol):
    """A node that knows blocks and logs. Subclass it: `get_blocks` comes with it."""

    def get_block(self, number: int | None = None) -> Header | None:
        """Return the header of a block of the chain the node is on now, of the newest one for None.

        None when the node has no such block.
        """

    def get_logs(self, first: int, last: int, addresses: Sequence[str]) -> list[RawLog]:
        """Return every log of these addresses in the blocks `first` to `last`, both included."""

    def get_blocks(self, numbers: Sequence[int]) -> list[Header | None]:
        """Return several headers; override it where the node takes batches."""
        return [self.get_block(number) for number in numbers]


class AccountReading(NamedTuple):
    """An account as the engine's views show it in one block."""

    word: int
    exposures: tuple[int, ...]
    timestamp: int
    """The time that the views saw: debts are as of then."""


class PoolReading(NamedTuple):
    """A pool as its view shows it in one block: raw units, interest included up to `timestamp`."""

    cash: int
    debt: int
    timestamp: int


class AccountReader(Protocol):
    """Reads accounts and pools from the chain, to hold the books against."""

    def read_account(self, account: int, block: Header) -> AccountReading:
        """Return engine.word_of and engine.exposures as of the end of this block.

        SourceError when the node is not on this block's chain.
        """

    def read_pool(self, pool: str, block: Header) -> PoolReading:
        """Return what LendingPool.state says as of the end of this block.

        SourceError when the node is not on this block's chain.
        """
