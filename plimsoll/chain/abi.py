"""ABI coding for the chain backends: calldata from Python values and back, events from logs.

Going in, an address may be a string or anything with an ``address`` attribute, a struct a sequence or a dict by member
name. Coming out, addresses are checksummed strings, structs and several named outputs are named tuples, arrays are
lists.
"""

from __future__ import annotations

import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Sequence
from functools import cache, lru_cache
from keyword import iskeyword
from typing import Any, cast

from eth_abi.abi import default_codec
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from plimsoll.artifacts import Abi

Json = dict[str, Any]
Adapter = Callable[[Any], Any]

_WORD = 32
_ELEMENTARY = re.compile(r"^(?:(u?int)(\d+)|bytes(\d+)|address|bool)$")


@lru_cache(maxsize=65_536)
def checksum(address: str) -> str:
    """Return the checksummed form of a hex address; ValueError if it is none."""
    return cast("str", to_checksum_address(address))


def type_string(item: Json) -> str:
    """Return the canonical type of an ABI parameter, with tuples spelled out."""
    kind: str = item["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(type_string, item['components']))}){kind.removeprefix('tuple')}"


class FunctionAbi:
    """One function (or the constructor): its selector, and how its arguments and results are coded."""

    __slots__ = (
        "_decoders",
        "_encoders",
        "_in",
        "_inputs",
        "_out",
        "_out_types",
        "_result",
        "_types",
        "is_view",
        "name",
        "selector",
        "size",
    )

    def __init__(self, entry: Json) -> None:
        inputs: list[Json] = entry["inputs"]
        outputs: list[Json] = entry.get("outputs", [])
        self.name: str = entry.get("name", "constructor")
        self.size = len(inputs)
        self.is_view = entry.get("stateMutability") in ("view", "pure")
        self._inputs = inputs
        self._types = [type_string(item) for item in inputs]
        self._out_types = [type_string(item) for item in outputs]
        self.selector: bytes = keccak(text=self.signature)[:4]
        self._encoders = _all_or_none([_word_encoder(kind) for kind in self._types])
        self._decoders = _all_or_none([_word_decoder(kind) for kind in self._out_types])
        self._in = [_input_adapter(item) for item in inputs]
        self._out = [_output_adapter(item) for item in outputs]
        self._result = _result_type([item.get("name", "") for item in outputs])

    @property
    def signature(self) -> str:
        """The function's name and argument types."""
        return f"{self.name}({','.join(self._types)})"

    def encode(self, args: Sequence[Any]) -> bytes:
        """Return selector and arguments as calldata; ValueError names the argument that does not fit."""
        return self.selector + self.encode_arguments(args)

    def encode_arguments(self, args: Sequence[Any]) -> bytes:
        """Return the arguments alone."""
        if len(args) != self.size:
            raise ValueError(f"{self.signature} takes {self.size} arguments, got {len(args)}")
        if self._encoders is not None:
            return b"".join([self._word(i, arg) for i, arg in enumerate(args)])
        values = [adapt(arg) if adapt else arg for adapt, arg in zip(self._in, args, strict=True)]
        try:
            return default_codec.encode(self._types, values)
        except Exception as error:
            raise ValueError(f"{self.signature}: {error}") from error

    def decode(self, data: bytes) -> Any:
        """Return the decoded result: None, the value, or a (named) tuple of several values."""
        if not self._out_types:
            return None
        if self._decoders is not None and len(data) >= _WORD * len(self._decoders):
            values = [decode(data[_WORD * i : _WORD * i + _WORD]) for i, decode in enumerate(self._decoders)]
        else:
            try:
                if len(data) < _WORD * len(self._out_types):  # the codec may pad
                    raise ValueError("too short")
                raw = default_codec.decode(self._out_types, data)
            except Exception as error:
                raise ValueError(f"{self.signature} returned {len(data)} bytes that do not decode: {error}") from error
            values = [adapt(value) if adapt else value for adapt, value in zip(self._out, raw, strict=True)]
        return values[0] if len(values) == 1 else self._result(values)

    def decode_arguments(self, data: bytes) -> dict[str, Any]:
        """Return the arguments in calldata by name, the selector left out; ValueError when it is not their encoding.

        Encoded again they have to give the same bytes: a decoder may be lenient, and what it pads was never said.
        """
        try:
            raw = default_codec.decode(self._types, data)
            if default_codec.encode(self._types, raw) != data:
                raise ValueError("not the arguments' own encoding")
        except Exception as error:
            raise ValueError(f"{self.signature}: {len(data)} bytes do not decode: {error}") from error
        adapters = map(_output_adapter, self._inputs)
        values = [adapt(value) if adapt else value for adapt, value in zip(adapters, raw, strict=True)]
        return {item["name"]: value for item, value in zip(self._inputs, values, strict=True)}

    def _word(self, index: int, arg: Any) -> bytes:
        assert self._encoders is not None
        try:
            return cast("bytes", self._encoders[index](arg))
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            kind = self._types[index]
            raise ValueError(f"{self.signature}: argument {index} is no {kind}: {arg!r}") from error


class EventAbi:
    """One event: its topic, and how its arguments are read from a log."""

    __slots__ = ("_data", "_data_types", "_names", "_topics", "indexed", "inputs", "name", "topic")

    def __init__(self, entry: Json) -> None:
        self.name: str = entry["name"]
        self.inputs: list[Json] = entry["inputs"]
        self.topic: bytes = keccak(text=f"{self.name}({','.join(map(type_string, self.inputs))})")
        indexed = [item for item in self.inputs if item["indexed"]]
        plain = [item for item in self.inputs if not item["indexed"]]
        self.indexed = len(indexed)
        self._topics = [(item["name"], _topic_decoder(item)) for item in indexed]
        self._data = [(item["name"], _output_adapter(item)) for item in plain]
        self._data_types = [type_string(item) for item in plain]
        self._names = [item["name"] for item in self.inputs]

    @property
    def argument_names(self) -> list[str]:
        """Names of the arguments in the order of their declaration."""
        return list(self._names)

    def decode(self, topics: Sequence[bytes], data: bytes) -> dict[str, Any]:
        """Return the arguments by name, in declaration order; an indexed string or bytes stays the hash it is."""
        found = {name: decode(topic) for (name, decode), topic in zip(self._topics, topics[1:], strict=True)}
        values = default_codec.decode(self._data_types, data)
        for (name, adapt), value in zip(self._data, values, strict=True):
            found[name] = adapt(value) if adapt else value
        return {name: found[name] for name in self._names}


class ContractAbi:
    """A contract's functions by name and number of arguments, and its events by topic."""

    __slots__ = ("abi", "constructor", "events", "functions")

    def __init__(self, abi: Abi) -> None:
        self.abi = abi
        self.functions: dict[str, dict[int, FunctionAbi]] = {}
        self.events: dict[bytes, EventAbi] = {}
        self.constructor = FunctionAbi({"inputs": []})
        for entry in abi:
            if entry["type"] == "function":
                self.functions.setdefault(entry["name"], {})[len(entry["inputs"])] = FunctionAbi(entry)
            elif entry["type"] == "event":
                event = EventAbi(entry)
                self.events[event.topic] = event
            elif entry["type"] == "constructor":
                self.constructor = FunctionAbi(entry)

    def function_of(self, selector: bytes) -> FunctionAbi | None:
        """Return the function with this selector; None if there is none."""
        functions = (function for overloads in self.functions.values() for function in overloads.values())
        return next((function for function in functions if function.selector == selector), None)


_by_identity: dict[int, ContractAbi] = {}


def contract_abi(abi: Abi) -> ContractAbi:
    """Return the coder of an ABI, built once per ABI object."""
    known = _by_identity.get(id(abi))
    if known is None:
        known = _by_identity[id(abi)] = ContractAbi(abi)  # holds the list, so that its identity stays taken
    return known


def _all_or_none(coders: list[Adapter | None]) -> list[Adapter] | None:
    return None if any(coder is None for coder in coders) else cast("list[Adapter]", coders)


def _word_encoder(kind: str) -> Adapter | None:
    match = _ELEMENTARY.match(kind)
    if match is None:
        return None
    if match[1]:
        return _integer_encoder(int(match[2]), signed=match[1] == "int")
    if match[3]:
        return _bytes_encoder(int(match[3]))
    return _encode_address if kind == "address" else _encode_bool


def _integer_encoder(bits: int, *, signed: bool) -> Adapter:
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)

    def encode(value: Any) -> bytes:
        if isinstance(value, bool) or not low <= value < high:
            raise ValueError(value)
        return cast("bytes", value.to_bytes(_WORD, "big", signed=signed))

    return encode


def _bytes_encoder(size: int) -> Adapter:
    def encode(value: Any) -> bytes:
        raw = bytes.fromhex(value.removeprefix("0x")) if isinstance(value, str) else bytes(memoryview(value))
        if len(raw) != size:
            raise ValueError(value)
        return raw.ljust(_WORD, b"\0")

    return encode


def _encode_address(value: Any) -> bytes:
    text = value if isinstance(value, str) else value.address
    if len(text) != 42 or text[:2] != "0x":
        raise ValueError(text)
    return b"\0" * 12 + bytes.fromhex(text[2:])


def _encode_bool(value: Any) -> bytes:
    if not isinstance(value, bool):
        raise TypeError(value)
    return value.to_bytes(_WORD, "big")


def _word_decoder(kind: str) -> Adapter | None:
    match = _ELEMENTARY.match(kind)
    if match is None:
        return None
    if match[1] == "uint":
        return lambda word: int.from_bytes(word, "big")
    if match[1] == "int":
        return lambda word: int.from_bytes(word, "big", signed=True)
    if match[3]:
        size = int(match[3])
        return lambda word: bytes(word[:size])
    if kind == "address":
        return lambda word: checksum("0x" + word[12:].hex())
    return lambda word: word[-1] == 1


def _topic_decoder(item: Json) -> Adapter:
    return _word_decoder(item["type"]) or bytes


def _element(item: Json) -> Json | None:
    """Return the parameter of an array's element, None if `item` is no array."""
    kind: str = item["type"]
    return {**item, "type": kind[: kind.rindex("[")]} if kind.endswith("]") else None


def _input_adapter(item: Json) -> Adapter | None:
    element = _element(item)
    if element is not None:
        inner = _input_adapter(element)
        return None if inner is None else lambda values: [inner(value) for value in values]
    if item["type"] == "tuple":
        return _struct_input(item["components"])
    return _plain_address if item["type"] == "address" else None


def _plain_address(value: Any) -> str:
    return value if isinstance(value, str) else cast("str", value.address)


def _struct_input(components: list[Json]) -> Adapter:
    names = [part["name"] for part in components]
    adapters = [_input_adapter(part) for part in components]

    def adapt(value: Any) -> list[Any]:
        if isinstance(value, dict):
            if set(value) != set(names):
                raise ValueError(f"struct members are {', '.join(names)}, got {', '.join(value)}")
            value = [value[name] for name in names]
        if len(value) != len(names):
            raise ValueError(f"struct has {len(names)} members ({', '.join(names)}), got {len(value)}")
        return [inner(part) if inner else part for inner, part in zip(adapters, value, strict=True)]

    return adapt


def _output_adapter(item: Json) -> Adapter | None:
    element = _element(item)
    if element is not None:
        inner = _output_adapter(element)
        return list if inner is None else lambda values: [inner(value) for value in values]
    if item["type"] == "tuple":
        return _struct_output(item["components"])
    return checksum if item["type"] == "address" else None


def _struct_output(components: list[Json]) -> Adapter:
    adapters = [_output_adapter(part) for part in components]
    build = _result_type([part["name"] for part in components])

    def adapt(value: Any) -> Any:
        return build([inner(part) if inner else part for inner, part in zip(adapters, value, strict=True)])

    return adapt


def _result_type(names: list[str]) -> Callable[[Iterable[Any]], Any]:
    """Return a maker of named tuples, or of plain ones when a name is missing."""
    return _named(tuple(names)) if names and all(names) else tuple


@cache
def _named(names: tuple[str, ...]) -> Callable[[Iterable[Any]], Any]:
    fields = [f"{name}_" if iskeyword(name) else name.lstrip("_") for name in names]
    made: Any = namedtuple("Struct", fields, rename=True)  # type: ignore[misc]  # the fields are data
    return cast("Callable[[Iterable[Any]], Any]", made._make)
