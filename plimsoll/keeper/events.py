"""Logs to plain data, by the ABI of the contract that logged them.

Arguments come out as what JSON can hold, so that a log read back from the store equals the one decoded: integers,
booleans, text, checksummed addresses, bytes as hex text, lists, and structs as dicts by member name. A log whose topic
the ABI does not know has no name and keeps its words, so that a later ABI can read it.

Written by hand because a keeper decodes every log of the protocol: a log of static words takes microseconds.
ABI: https://docs.soliditylang.org/en/latest/abi-spec.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

from eth_utils.crypto import keccak

from plimsoll import artifacts
from plimsoll.artifacts import Abi
from plimsoll.chain.abi import checksum, type_string
from plimsoll.keeper.source import RawLog, SourceError

Args = dict[str, Any]
Json = dict[str, Any]
Reader = Callable[[bytes, int], Any]
"""Reads a value whose head is at an offset of the data it is given."""

UNKNOWN = ""
"""Name of an event that the ABI does not know."""

_ARRAY = re.compile(r"^(.*)\[(\d*)\]$")
_NUMBER = re.compile(r"^(u?)int(\d+)$")


class _Type:
    """How a value of one ABI type is read: words it takes in the head, whether its tail is elsewhere, the reader."""

    __slots__ = ("dynamic", "read", "size")

    def __init__(self, size: int, dynamic: bool, read: Reader) -> None:
        self.size = size
        self.dynamic = dynamic
        self.read = read


class EventDecoder:
    """The events of one contract."""

    def __init__(self, abi: Abi) -> None:
        entries = [entry for entry in abi if entry["type"] == "event"]
        self._events = {_topic(entry): _Event(entry) for entry in entries}

    @property
    def topics(self) -> list[bytes]:
        """First topics of the known events."""
        return list(self._events)

    def decode(self, log: RawLog) -> tuple[str, Args]:
        """Return name and arguments; SourceError if the log is no encoding of the event its topic names."""
        event = self._events.get(log.topics[0]) if log.topics else None
        if event is None:
            return UNKNOWN, {"topics": [_hex(topic) for topic in log.topics], "data": _hex(log.data)}
        try:
            return event.name, event.decode(log)
        except (IndexError, ValueError, UnicodeDecodeError) as error:
            where = f"block {log.block_number}, log {log.log_index} of {log.address}"
            raise SourceError(f"{where} is no {event.name}: {error or 'data is short'}") from error


@lru_cache(maxsize=64)
def decoder_of(artifact: str) -> EventDecoder:
    """Return the decoder of a contract's artifact; ArtifactError if there is none."""
    return EventDecoder(artifacts.load(artifact).abi)


class _Event:
    __slots__ = ("_indexed", "_plain", "_size", "name")

    def __init__(self, entry: Json) -> None:
        self.name: str = entry["name"]
        inputs: list[Json] = entry["inputs"]
        self._indexed = [(item["name"], _indexed(item)) for item in inputs if item["indexed"]]
        self._plain: list[tuple[str, int, Reader]] = []
        offset = 0
        for item in inputs:
            if not item["indexed"]:
                kind = _type(item)
                self._plain.append((item["name"], offset, _by_head(kind)))
                offset += 32 * kind.size
        self._size = offset

    def decode(self, log: RawLog) -> Args:
        topics, data = log.topics, log.data
        if len(topics) != len(self._indexed) + 1 or len(data) < self._size:
            raise ValueError(f"{len(topics)} topics and {len(data)} bytes")
        args = {name: read(topics[i + 1], 0) for i, (name, read) in enumerate(self._indexed)}
        for name, offset, read in self._plain:
            args[name] = read(data, offset)
        return args


def _topic(entry: Json) -> bytes:
    return bytes(keccak(text=f"{entry['name']}({','.join(map(type_string, entry['inputs']))})"))


def _indexed(item: Json) -> Reader:
    kind = _type(item)
    return _read_word if kind.dynamic or kind.size != 1 or item["type"].startswith("tuple") else kind.read


def _type(item: Json) -> _Type:
    """Return how an ABI parameter is read."""
    name: str = item["type"]
    array = _ARRAY.match(name)
    if array:
        element = _type({**item, "type": array[1]})
        return _dynamic_array(element) if array[2] == "" else _tuple([element] * int(array[2]), list)
    if name == "tuple":
        parts: list[Json] = item["components"]
        names = [part["name"] for part in parts]
        return _tuple([_type(part) for part in parts], lambda values: dict(zip(names, values, strict=True)))
    if name == "string":
        return _Type(1, True, lambda data, at: _tail(data, at).decode())
    if name == "bytes":
        return _Type(1, True, lambda data, at: _hex(_tail(data, at)))
    return _Type(1, False, _word_reader(name))


def _word_reader(name: str) -> Reader:
    number = _NUMBER.match(name)
    if number:
        return _read_unsigned if number[1] else _read_signed
    if name == "address":
        return _read_address
    if name == "bool":
        return _read_bool
    if name.startswith("bytes"):
        size = int(name[5:])
        return lambda data, at: _hex(_slice(data, at, size))
    raise ValueError(f"no ABI type {name}")


def _dynamic_array(element: _Type) -> _Type:
    read, step = _by_head(element), 32 * element.size

    def read_array(data: bytes, at: int) -> list[Any]:
        count = _read_unsigned(data, at)
        if count * step > len(data):
            raise ValueError(f"an array of {count}")
        tail = data[at + 32 :]
        return [read(tail, step * i) for i in range(count)]

    return _Type(1, True, read_array)


def _tuple(parts: list[_Type], build: Callable[[Iterable[Any]], Any]) -> _Type:
    size = sum(part.size for part in parts)
    readers: list[tuple[int, Reader]] = []
    offset = 0
    for part in parts:
        readers.append((offset, _by_head(part)))
        offset += 32 * part.size
    if any(part.dynamic for part in parts):
        return _Type(1, True, lambda data, at: _read_members(readers, build, data[at:]))
    return _Type(size, False, lambda data, at: build([read(data, at + offset) for offset, read in readers]))


def _read_members(readers: list[tuple[int, Reader]], build: Callable[[Iterable[Any]], Any], data: bytes) -> Any:
    return build([read(data, offset) for offset, read in readers])


def _by_head(kind: _Type) -> Reader:
    """Return a reader at the head: of the value itself, or of where in the data it is."""
    if not kind.dynamic:
        return kind.read
    read = kind.read
    return lambda data, at: read(data, _read_unsigned(data, at))


def _slice(data: bytes, at: int, size: int) -> bytes:
    part = data[at : at + size]
    if len(part) != size:
        raise IndexError
    return part


def _tail(data: bytes, at: int) -> bytes:
    return _slice(data, at + 32, _read_unsigned(data, at))


def _read_word(data: bytes, at: int) -> str:
    return _hex(_slice(data, at, 32))


def _read_unsigned(data: bytes, at: int) -> int:
    return int.from_bytes(_slice(data, at, 32), "big")


def _read_signed(data: bytes, at: int) -> int:
    return int.from_bytes(_slice(data, at, 32), "big", signed=True)


def _read_bool(data: bytes, at: int) -> bool:
    return _read_unsigned(data, at) != 0


def _read_address(data: bytes, at: int) -> str:
    return checksum(f"0x{_slice(data, at, 32)[12:].hex()}")


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"
