"""Reading a contract's past events, calls in words, and blueprints: on every backend alike."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_abi.abi import default_codec
from web3.exceptions import Web3RPCError

from plimsoll import artifacts
from plimsoll.chain import Chain, Contract, Event, Revert, RevmChain
from plimsoll.chain.abi import FunctionAbi, contract_abi
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.errors import ChainError

POINT = (1, -2, "0x" + "00" * 20)


@pytest.fixture(params=["revm", "ethereum:local:test"])
def any_chain(request: pytest.FixtureRequest) -> Iterator[Chain]:
    if request.param == "revm":
        yield RevmChain()
        return
    with ApeChain.connect(request.param) as chain:
        yield chain


def sample(contract: Contract, *values: int) -> list[Event]:
    events: list[Event] = contract.sample(list(values), POINT, sender=contract.chain.accounts()[0]).events
    return events


def test_events_of__one_contract__in_order(small_home: Path, any_chain: Chain) -> None:
    alice = any_chain.accounts()[0]
    mine, other = (any_chain.deploy("Sampler", 7, sender=alice) for _ in range(2))
    start = any_chain.block_number()
    expected = [*sample(mine, 1), *sample(mine, 2, 3)]
    sample(other, 4)
    assert any_chain.events_of(mine, start) == expected
    assert any_chain.events_of(mine.address, 0)[-2:] == expected
    any_chain.warp(5)
    later = any_chain.block_number()
    assert any_chain.events_of(mine, later) == []
    assert any_chain.events_of(mine, later) + sample(mine, 5) == any_chain.events_of(mine, later)


def test_events_of__after_a_revert__forgotten(small_home: Path, any_chain: Chain) -> None:
    mine = any_chain.deploy("Sampler", 7, sender=any_chain.accounts()[0])
    kept = sample(mine, 1)
    with any_chain.isolate():
        sample(mine, 2)
        assert len(any_chain.events_of(mine, 0)) == 2
    assert any_chain.events_of(mine, 0) == kept


def test_events_of__what_failed_or_was_simulated__is_none(sampler: Contract, alice: str) -> None:
    sampler.sample.call([1], POINT, sender=alice)
    with pytest.raises(Revert):
        sampler.refuse(sender=alice)
    assert sampler.chain.events_of(sampler, 0) == []


def test_events_of__node_refuses_wide_ranges__asked_in_halves(
    small_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ApeChain.connect("ethereum:local:test") as chain:
        mine = chain.deploy("Sampler", 7, sender=chain.accounts()[0])
        expected = [event for value in range(6) for event in sample(mine, value)]
        eth: Any = chain._web3.eth
        whole, asked = eth.get_logs, []

        def get_logs(wanted: dict[str, Any]) -> Any:
            width = wanted["toBlock"] - wanted["fromBlock"] + 1
            asked.append(width)
            if width > 2:
                raise Web3RPCError("range too wide")
            return whole(wanted)

        monkeypatch.setattr(eth, "get_logs", get_logs)
        assert chain.events_of(mine, 0) == expected
        assert max(asked) > 2
        monkeypatch.setattr(eth, "get_logs", lambda wanted: get_logs({"fromBlock": 0, "toBlock": 9}))
        with pytest.raises(ChainError) as caught:
            chain.events_of(mine, 0)
        assert str(caught.value) == "ethereum:local:test refused: range too wide"


def test_decode_arguments__what_was_encoded__by_name(sampler: Contract, alice: str) -> None:
    payload = sampler.sample.encode([1, 2], (3, -4, alice))
    function = contract_abi(sampler.abi).function_of(payload[:4])
    assert function is not None
    assert function.name == "sample"
    arguments = function.decode_arguments(payload[4:])
    assert list(arguments) == ["values", "point"]
    assert arguments["values"] == [1, 2]
    assert arguments["point"]._asdict() == {"x": 3, "y": -4, "owner": alice}


def test_decode_arguments__too_short__says_so(sampler: Contract) -> None:
    function = contract_abi(sampler.abi).function_of(sampler.sample.encode([1], POINT)[:4])
    assert function is not None
    with pytest.raises(ValueError, match=r"^sample\(.*\): 5 bytes do not decode: "):
        function.decode_arguments(bytes(5))


@pytest.mark.parametrize("strict", [True, False])
def test_decode__too_short__says_so_whatever_the_codec_pads(monkeypatch: pytest.MonkeyPatch, strict: bool) -> None:
    entry = {"name": "f", "inputs": [], "outputs": [{"name": "", "type": "uint256"}], "stateMutability": "view"}
    plain = default_codec.decode
    monkeypatch.setattr(default_codec, "decode", lambda types, data: plain(types, data, strict=strict))
    function = FunctionAbi(entry)
    assert function.decode((5).to_bytes(32, "big")) == 5
    for data in (b"", b"\5", bytes(31)):
        with pytest.raises(ValueError, match=rf"^f\(\) returned {len(data)} bytes that do not decode: "):
            function.decode(data)


def test_function_of__unknown_selector__none(sampler: Contract) -> None:
    assert contract_abi(sampler.abi).function_of(b"\0\1\2\3") is None


def test_deploy_blueprint__creation_code_behind_the_preamble(small_home: Path, any_chain: Chain) -> None:
    address = any_chain.deploy_blueprint("Sampler", any_chain.accounts()[0])
    artifact = artifacts.load("Sampler")
    assert any_chain.code(address) == bytes.fromhex("fe7100") + artifact.init_code
    assert artifact.blueprint_rest == b""


def test_blueprint__longer_than_a_contract__the_rest_is_kept() -> None:
    code = bytes(range(256)) * 100
    artifact = artifacts.Artifact("Long", [], code, 0, Path("Long.vy"))
    assert len(artifact.blueprint) == artifacts.RUNTIME_LIMIT
    assert artifact.blueprint + artifact.blueprint_rest == bytes.fromhex("fe7100") + code
