"""Decoded logs against eth_abi and the chain backends' decoder."""

from __future__ import annotations

import json
from typing import Any

import pytest
from eth_abi.abi import default_codec
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from plimsoll import artifacts
from plimsoll.chain.abi import EventAbi, type_string
from plimsoll.keeper.events import UNKNOWN, EventDecoder, decoder_of
from plimsoll.keeper.source import RawLog, SourceError

CONTRACTS = ("MarginEngine", "LendingPool", "RiskEngine", "OperatorRegistry")
EVENTS = [(name, entry) for name in CONTRACTS for entry in artifacts.load(name).abi if entry["type"] == "event"]


def values(item: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Return values of an ABI type as eth_abi takes them."""
    kind: str = item["type"]
    if kind.endswith("[]"):
        return st.lists(values({**item, "type": kind[:-2]}), max_size=3)
    if kind.endswith("]"):
        size = int(kind[kind.rindex("[") + 1 : -1])
        return st.lists(values({**item, "type": kind[: kind.rindex("[")]}), min_size=size, max_size=size)
    if kind == "tuple":
        return st.tuples(*(values(part) for part in item["components"]))
    if kind.startswith("uint"):
        return st.integers(0, 2 ** int(kind[4:] or 256) - 1)
    if kind.startswith("int"):
        bits = int(kind[3:] or 256)
        return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if kind == "bool":
        return st.booleans()
    if kind == "address":
        return st.binary(min_size=20, max_size=20).map(lambda raw: f"0x{raw.hex()}")
    if kind == "string":
        return st.text(max_size=40)
    if kind == "bytes":
        return st.binary(max_size=70)
    size = int(kind.removeprefix("bytes"))
    return st.binary(min_size=size, max_size=size)


def plain(item: dict[str, Any], value: Any) -> Any:
    """Return what the decoder should make of a value."""
    kind: str = item["type"]
    if kind.endswith("]"):
        return [plain({**item, "type": kind[: kind.rindex("[")]}, each) for each in value]
    if kind == "tuple":
        return {part["name"]: plain(part, each) for part, each in zip(item["components"], value, strict=True)}
    if kind == "address":
        return to_checksum_address(value)
    return f"0x{value.hex()}" if isinstance(value, bytes) else value


def logged(entry: dict[str, Any], args: dict[str, Any]) -> RawLog:
    kinds = {item["name"]: type_string(item) for item in entry["inputs"]}
    topics = [keccak(text=f"{entry['name']}({','.join(kinds.values())})")]
    topics += [default_codec.encode([kinds[i["name"]]], [args[i["name"]]]) for i in entry["inputs"] if i["indexed"]]
    unindexed = [item["name"] for item in entry["inputs"] if not item["indexed"]]
    data = default_codec.encode([kinds[name] for name in unindexed], [args[name] for name in unindexed])
    return RawLog("0x" + "00" * 20, tuple(topics), data, 1, b"\1" * 32, 0)


@pytest.mark.parametrize(("contract", "entry"), EVENTS, ids=lambda of: of if isinstance(of, str) else of["name"])
@given(data=st.data())
def test_every_event_of_the_protocol__as_eth_abi_encodes_it(contract: str, entry: dict[str, Any], data: Any) -> None:
    args = {item["name"]: data.draw(values(item)) for item in entry["inputs"]}
    log = logged(entry, args)
    name, decoded = decoder_of(contract).decode(log)
    assert name == entry["name"]
    assert decoded == {item["name"]: plain(item, args[item["name"]]) for item in entry["inputs"]}
    assert json.loads(json.dumps(decoded)) == decoded
    elsewhere = EventAbi(entry).decode(log.topics, log.data)
    assert {key: value for key, value in elsewhere.items() if isinstance(value, int | str)} == {
        key: value for key, value in decoded.items() if isinstance(elsewhere[key], int | str)
    }


EXOTIC = {
    "type": "event",
    "name": "Exotic",
    "inputs": [
        {"name": "key", "type": "int24", "indexed": True},
        {"name": "text", "type": "string", "indexed": False},
        {"name": "rows", "type": "tuple[]", "indexed": False, "components": [
            {"name": "who", "type": "address"},
            {"name": "parts", "type": "uint256[]"},
            {"name": "note", "type": "bytes"},
        ]},
        {"name": "grid", "type": "int128[2][]", "indexed": False},
        {"name": "pair", "type": "tuple", "indexed": False, "components": [
            {"name": "tag", "type": "bytes4"},
            {"name": "flags", "type": "bool[3]"},
        ]},
        {"name": "names", "type": "string[2]", "indexed": False},
    ],
}  # fmt: skip
EMPTY = {"key": 1, "text": "", "rows": [], "grid": [], "pair": (b"1234", [True] * 3), "names": ["", ""]}


@given(data=st.data())
def test_nested_and_dynamic_types__as_eth_abi_encodes_them(data: Any) -> None:
    args = {item["name"]: data.draw(values(item)) for item in EXOTIC["inputs"]}
    name, decoded = EventDecoder([EXOTIC]).decode(logged(EXOTIC, args))
    assert name == "Exotic"
    assert decoded == {item["name"]: plain(item, args[item["name"]]) for item in EXOTIC["inputs"]}


@given(data=st.data(), cut=st.integers(1, 300))
def test_data_that_is_cut__source_error_and_nothing_else(data: Any, cut: int) -> None:
    args = {item["name"]: data.draw(values(item)) for item in EXOTIC["inputs"]}
    log = logged(EXOTIC, args)
    log = log._replace(data=log.data[: max(len(log.data) - cut, 0)])
    try:
        EventDecoder([EXOTIC]).decode(log)
    except SourceError as error:
        assert "block 1, log 0" in str(error)


@given(noise=st.binary(max_size=600))
def test_noise__source_error_and_nothing_else(noise: bytes) -> None:
    log = logged(EXOTIC, EMPTY)
    try:
        EventDecoder([EXOTIC]).decode(log._replace(data=noise))
    except SourceError as error:
        assert "is no Exotic" in str(error)


def test_a_length_beyond_all_bounds__source_error() -> None:
    log = logged(EXOTIC, EMPTY)
    data = bytearray(log.data)
    offset = int.from_bytes(data[:32], "big")
    data[offset : offset + 32] = b"\xff" * 32
    with pytest.raises(SourceError, match="is no Exotic"):
        EventDecoder([EXOTIC]).decode(log._replace(data=bytes(data)))


def test_too_few_topics__source_error() -> None:
    log = logged(EXOTIC, EMPTY)
    with pytest.raises(SourceError, match="1 topics"):
        EventDecoder([EXOTIC]).decode(log._replace(topics=log.topics[:1]))


def test_unknown_event_and_no_topics__kept_as_they_are() -> None:
    decoder = decoder_of("MarginEngine")
    log = RawLog("0x" + "00" * 20, (b"\2" * 32,), b"\3", 1, b"\1" * 32, 0)
    assert decoder.decode(log) == (UNKNOWN, {"topics": ["0x" + "02" * 32], "data": "0x03"})
    assert decoder.decode(log._replace(topics=())) == (UNKNOWN, {"topics": [], "data": "0x03"})
