"""Chains for tests of the books: one of blocks and logs that can fork and misbehave, and RevmChain as a node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from eth_abi.abi import default_codec
from eth_utils.crypto import keccak

from plimsoll import artifacts
from plimsoll.chain import Receipt, RevmChain
from plimsoll.chain.abi import type_string
from plimsoll.keeper.source import AccountReading, Header, LogSource, PoolReading, RangeTooWide, RawLog, SourceError

GENESIS_TIME = 1_700_000_000
BLOCK_TIME = 12

Event = tuple[str, str, str, dict[str, Any]]
"""Address, artifact, event, arguments."""


@cache
def _entry(artifact: str, name: str) -> tuple[dict[str, Any], bytes, dict[str, str]]:
    entry = next(e for e in artifacts.load(artifact).abi if e["type"] == "event" and e["name"] == name)
    kinds = {item["name"]: type_string(item) for item in entry["inputs"]}
    return entry, keccak(text=f"{name}({','.join(kinds.values())})"), kinds


def encode_event(artifact: str, name: str, args: dict[str, Any]) -> tuple[tuple[bytes, ...], bytes]:
    """Return topics and data of an event. Structs may be dicts."""
    entry, topic, kinds = _entry(artifact, name)
    topics = [topic]
    data = b""
    for item in entry["inputs"]:
        value = args[item["name"]]
        word = _encode(kinds[item["name"]], list(value.values()) if isinstance(value, dict) else value)
        if item["indexed"]:
            topics.append(word)
        else:
            data += word
    return tuple(topics), data


def _encode(kind: str, value: Any) -> bytes:
    """Return a value of a static type (eth_abi is slow, and there are many)."""
    if kind == "address":
        return bytes.fromhex(value[2:]).rjust(32, b"\0")
    if kind in ("uint256", "bool"):
        return int(value).to_bytes(32, "big")
    return default_codec.encode([kind], [value])


def bloom_of(logs: Iterable[RawLog]) -> bytes:
    """Return the bloom filter of a block's logs (Yellow Paper, 4.3.1)."""
    bits = 0
    for log in logs:
        for item in (bytes.fromhex(log.address[2:]), *log.topics):
            digest = keccak(item)
            for i in (0, 2, 4):
                bits |= 1 << (int.from_bytes(digest[i : i + 2], "big") & 2047)
    return bits.to_bytes(256, "big")


@dataclass
class FakeChain(LogSource):
    """A chain from block `first` on. Faults: `limit` of blocks per request, `lost` blocks whose logs the node has not
    indexed (for so many requests), `twice` every log, `noise` logs that nobody asked for, `with_bloom` headers."""

    first: int = 100
    blocks: list[Header] = field(default_factory=list)
    logs: dict[int, list[RawLog]] = field(default_factory=dict)
    limit: int | None = None
    lost: dict[int, int] = field(default_factory=dict)
    twice: bool = False
    with_bloom: bool = False
    behind: int = 0
    offline: bool = False
    before_logs: Callable[[], None] | None = None
    salt: int = 0
    requests: list[tuple[int, int]] = field(default_factory=list)

    @property
    def height(self) -> int:
        """The newest block's number."""
        return self.first + len(self.blocks) - 1

    def mine(self, events: Sequence[Event] = (), seconds: int = BLOCK_TIME) -> Header:
        """Append a block with these events."""
        number = self.height + 1
        timestamp = self.blocks[-1].timestamp + seconds if self.blocks else GENESIS_TIME
        parent = self.blocks[-1].hash if self.blocks else b"\0" * 32
        coded = [(address, *encode_event(artifact, name, args)) for address, artifact, name, args in events]
        digest = keccak(repr((parent, number, timestamp, coded, self.salt)).encode())
        logs = [RawLog(address, topics, data, number, digest, i) for i, (address, topics, data) in enumerate(coded)]
        header = Header(number, digest, parent, timestamp, bloom_of(logs) if self.with_bloom else b"")
        self.blocks.append(header)
        self.logs[number] = logs
        return header

    def drop(self, depth: int) -> None:
        """Forget the newest blocks: what is mined next is another branch."""
        for _ in range(depth):
            self.logs.pop(self.blocks.pop().number)
        self.salt += 1

    def get_block(self, number: int | None = None) -> Header | None:
        if self.offline:
            raise SourceError("the node is offline")
        top = self.height - self.behind
        number = top if number is None else number
        return self.blocks[number - self.first] if self.first <= number <= top else None

    def get_logs(self, first: int, last: int, addresses: Sequence[str]) -> list[RawLog]:
        if self.offline:
            raise SourceError("the node is offline")
        self.requests.append((first, last))
        if self.limit is not None and last - first + 1 > self.limit:
            raise RangeTooWide(f"at most {self.limit} blocks")
        if self.before_logs is not None:
            self.before_logs()
        found: list[RawLog] = []
        for number in range(first, last + 1):
            if self.lost.get(number, 0) > 0:
                self.lost[number] -= 1
                continue
            found += [log for log in self.logs.get(number, []) if log.address in addresses]
        return found * 2 if self.twice else found


class RecordingChain(RevmChain):
    """A RevmChain that is a node as well: its blocks up to the current one, which is open, with made-up hashes."""

    def __init__(self, **settings: Any) -> None:
        self._times: dict[int, int] = {}
        self._receipts: dict[int, list[Receipt]] = {}
        self._saved: dict[int, tuple[dict[int, int], dict[int, list[Receipt]]]] = {}
        self._headers: dict[int, tuple[Header, list[RawLog]]] = {}
        self.branch = 0
        self.branches: dict[int, int] = {}
        """Blocks that were open when the chain was taken back: they are others than before, whatever is in them."""
        super().__init__(**settings)
        self.start = self.block_number()

    def snapshot(self) -> int:
        taken = super().snapshot()
        self._saved[taken] = (dict(self._times), {n: list(found) for n, found in self._receipts.items()})
        return taken

    def revert(self, snapshot: int) -> None:
        super().revert(snapshot)
        times, receipts = self._saved[snapshot]
        self._times, self._receipts = dict(times), {n: list(found) for n, found in receipts.items()}
        self._headers = {}
        self.branch += 1
        self.branches[self.block_number()] = self.branch

    def _receipt(self, output: bytes) -> Receipt:
        receipt = super()._receipt(output)
        self._receipts.setdefault(self.block_number(), []).append(receipt)
        receipt._logs = _fixed(receipt._logs())
        return receipt

    def _set_block(self) -> None:
        super()._set_block()
        self._times[self.block_number()] = self.timestamp()


class RevmSource(LogSource):
    """The sealed blocks of a RecordingChain: move time to seal one."""

    def __init__(self, chain: RecordingChain, engine: Any = None) -> None:
        self.chain = chain
        self.engine = engine

    def get_block(self, number: int | None = None) -> Header | None:
        top = self.chain.block_number() - 1
        number = top if number is None else number
        return self._sealed(number)[0] if self.chain.start <= number <= top else None

    def get_logs(self, first: int, last: int, addresses: Sequence[str]) -> list[RawLog]:
        found: list[RawLog] = []
        for number in range(max(first, self.chain.start), min(last, self.chain.block_number() - 1) + 1):
            found += [log for log in self._sealed(number)[1] if log.address in addresses]
        return found

    def read_account(self, account: int, block: Header) -> AccountReading:
        """Read the engine now: nothing may have happened since the block."""
        newest = self.get_block()
        assert newest is not None
        assert block.hash == newest.hash, "the chain has moved on"
        return AccountReading(
            self.engine.word_of(account), tuple(self.engine.exposures(account)), self.chain.timestamp()
        )

    def read_pool(self, pool: str, block: Header) -> PoolReading:
        """Read a pool now: nothing may have happened since the block."""
        newest = self.get_block()
        assert newest is not None
        assert block.hash == newest.hash, "the chain has moved on"
        state = self.chain.at("LendingPool", pool).state()
        return PoolReading(state.cash, state.total_debt, self.chain.timestamp())

    def _sealed(self, number: int) -> tuple[Header, list[RawLog]]:
        known = self.chain._headers.get(number)
        if known is None:
            parent = self._sealed(number - 1)[0].hash if number > self.chain.start else b"\0" * 32
            logs = [log for receipt in self.chain._receipts.get(number, []) for log in receipt._logs()]
            coded = [(log.address, log.topics, log.data) for log in logs]
            branch = self.chain.branches.get(number)
            digest = keccak(repr((parent, number, branch, self.chain._times[number], coded)).encode())
            raw = [RawLog(*each, number, digest, i) for i, each in enumerate(coded)]
            header = Header(number, digest, parent, self.chain._times[number], bloom_of(raw))
            known = self.chain._headers[number] = (header, raw)
        return known


def _fixed(logs: Sequence[Any]) -> Callable[[], Sequence[Any]]:
    return lambda: logs
