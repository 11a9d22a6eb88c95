"""Rpc: every way in which an endpoint fails, and what the keeper makes of it."""

from __future__ import annotations

import pytest

from plimsoll.chain import Revert
from plimsoll.keeper.node import Call, Node
from plimsoll.keeper.rpc import Fault, RetryPolicy, Rpc, RpcError, RpcUnavailable
from plimsoll.keeper.source import RangeTooWide, SourceError
from tests.unit.keeper.acting.fake_chain import CHAIN_ID, FakeChain, FakeClock, Refused, Wire

FAULTS = ["timeout", "lost", "refused", "429", "500", "garbage", "html", "empty", "busy"]


@pytest.fixture
def chain() -> FakeChain:
    return FakeChain()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def make(clock: FakeClock, *wires: Wire, rounds: int = 4, chain_id: int | None = None) -> tuple[Rpc, list[Fault]]:
    seen: list[Fault] = []
    policy = RetryPolicy(rounds=rounds, base=0.2, longest=5.0)
    return Rpc(wires, clock, policy=policy, chain_id=chain_id, on_fault=seen.append, seed=7), seen


@pytest.mark.parametrize("fault", FAULTS)
def test_call__fault__asked_again_and_reported(chain: FakeChain, clock: FakeClock, fault: str) -> None:
    wire = chain.wire()
    rpc, seen = make(clock, wire)
    wire.faults = [fault]
    assert rpc.call("eth_chainId") == hex(CHAIN_ID)
    assert [each.endpoint for each in seen] == ["fake"]
    assert rpc.stats.faults == {"fake": 1}
    assert len(clock.slept) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_call__every_round_fails__unavailable(chain: FakeChain, clock: FakeClock, fault: str) -> None:
    wire = chain.wire()
    rpc, seen = make(clock, wire)
    wire.faults = [fault] * 4
    with pytest.raises(RpcUnavailable, match="no answer, asked 4 times: fake: "):
        rpc.call("eth_chainId")
    assert len(seen) == 4


def test_call__pauses_double_with_jitter(chain: FakeChain, clock: FakeClock) -> None:
    wire = chain.wire()
    rpc, _ = make(clock, wire, rounds=8)
    wire.down = True
    with pytest.raises(RpcUnavailable):
        rpc.call("eth_chainId")
    assert len(clock.slept) == 7
    for i, pause in enumerate(clock.slept):
        whole = min(0.2 * 2**i, 5.0)
        assert whole / 2 <= pause <= whole


def test_call__server_names_a_wait__waits_that_long(chain: FakeChain, clock: FakeClock) -> None:
    wire = chain.wire()
    rpc, _ = make(clock, wire)
    wire.faults = ["429"]
    rpc.call("eth_chainId")
    assert clock.slept == [2.0]


def test_call__first_endpoint_down__second_is_used_without_a_pause(chain: FakeChain, clock: FakeClock) -> None:
    first, second = Wire(chain, "first"), Wire(chain, "second")
    rpc, _ = make(clock, first, second)
    first.down = True
    assert rpc.call("eth_chainId") == hex(CHAIN_ID)
    assert clock.slept == []
    assert rpc.endpoints == [("first", False), ("second", True)]


def test_call__first_endpoint_back__preferred_again_after_its_rest(chain: FakeChain, clock: FakeClock) -> None:
    first, second = Wire(chain, "first"), Wire(chain, "second")
    rpc, _ = make(clock, first, second)
    first.down = True
    rpc.call("eth_chainId")
    first.down = False
    rpc.call("eth_chainId")
    assert len(second.requests) == 2
    clock.time += 60
    rpc.call("eth_chainId")
    assert len(second.requests) == 2


def test_call__endpoint_of_another_chain__never_used(chain: FakeChain, clock: FakeClock) -> None:
    wire = chain.wire()
    rpc, seen = make(clock, wire, chain_id=1)
    with pytest.raises(RpcUnavailable, match="is chain 31337, not 1"):
        rpc.call("eth_blockNumber")
    assert len(wire.requests) == 1
    assert "never used again" in seen[0].what


def test_call__refused_by_the_node__typed_and_not_repeated(chain: FakeChain, clock: FakeClock) -> None:
    wire = chain.wire()
    rpc, _ = make(clock, wire)
    with pytest.raises(RpcError, match="eth_nothing: the method") as caught:
        rpc.call("eth_nothing")
    assert caught.value.code == -32601
    assert len(wire.requests) == 1


def test_batch__one_refused__others_answered_in_order(chain: FakeChain, clock: FakeClock) -> None:
    rpc, _ = make(clock, chain.wire())
    answers = rpc.batch([("eth_chainId", ()), ("eth_nothing", ()), ("eth_getBalance", ("0x", "latest"))])
    assert answers[0] == hex(CHAIN_ID)
    assert isinstance(answers[1], RpcError)
    assert answers[2] == hex(chain.balance)


def test_batch__longer_than_a_body__split(chain: FakeChain, clock: FakeClock) -> None:
    wire = chain.wire()
    rpc, _ = make(clock, wire)
    assert rpc.batch([("eth_chainId", ())] * 250) == [hex(CHAIN_ID)] * 250
    assert [len(body) for body in wire.requests] == [100, 100, 50]


@pytest.mark.parametrize("fault", FAULTS)
def test_batch__fault__asked_again(chain: FakeChain, clock: FakeClock, fault: str) -> None:
    wire = chain.wire()
    rpc, _ = make(clock, wire)
    wire.faults = [fault]
    assert rpc.batch([("eth_chainId", ())] * 3) == [hex(CHAIN_ID)] * 3


def test_batch__one_answer_says_busy__all_asked_again(chain: FakeChain, clock: FakeClock) -> None:
    answers = iter([Refused("rate limit", -32005), "0x7"])

    def number() -> str:
        answer = next(answers)
        if isinstance(answer, Refused):
            raise answer
        return answer

    chain._eth_blockNumber = number  # type: ignore[attr-defined]
    rpc, seen = make(clock, chain.wire())
    assert rpc.batch([("eth_chainId", ()), ("eth_blockNumber", ())]) == [hex(CHAIN_ID), "0x7"]
    assert "rate limit" in seen[0].what


def test_batch__endpoint_without_batches__asked_one_by_one(chain: FakeChain, clock: FakeClock) -> None:
    class Plain(Wire):
        def exchange(self, body: bytes, timeout: float) -> bytes:
            if body.startswith(b"["):
                self.requests.append("batch")
                return b'{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"batches are not supported"}}'
            return super().exchange(body, timeout)

    wire = Plain(chain)
    rpc, _ = make(clock, wire)
    for _ in range(2):
        assert rpc.batch([("eth_chainId", ())] * 2) == [hex(CHAIN_ID)] * 2
    assert wire.requests.count("batch") == 1


def test_call__answer_to_another_request__asked_again(chain: FakeChain, clock: FakeClock) -> None:
    class Late(Wire):
        def exchange(self, body: bytes, timeout: float) -> bytes:
            answer = super().exchange(body, timeout)
            if len(self.requests) == 1:
                return b'{"jsonrpc":"2.0","id":12345,"result":"0x1"}'
            return answer

    rpc, _ = make(clock, Late(chain))
    assert rpc.call("eth_chainId") == hex(CHAIN_ID)


# Node


def make_node(chain: FakeChain, clock: FakeClock) -> Node:
    return Node(make(clock, chain.wire())[0])


def test_call__reverted__reason(chain: FakeChain, clock: FakeClock) -> None:
    def revert(call: dict[str, str]) -> str:
        data = "08c379a0" + "20".rjust(64, "0") + "0a".rjust(64, "0") + b"pool: cash".hex().ljust(64, "0")
        raise Refused("execution reverted: pool: cash", 3, f"0x{data}")

    chain.call = revert
    with pytest.raises(Revert) as caught:
        make_node(chain, clock).call(Call("0x", b""))
    assert caught.value.reason == "pool: cash"


def test_calls__one_reverts__the_others_answer(chain: FakeChain, clock: FakeClock) -> None:
    def answer(call: dict[str, str]) -> str:
        if call["data"] == "0x01":
            raise Refused("execution reverted", 3, "0x")
        return "0x1234"

    chain.call = answer
    found = make_node(chain, clock).calls([Call("0x", b"\0"), Call("0x", b"\1"), Call("0x", b"\2")])
    assert found[0] == found[2] == b"\x12\x34"
    assert isinstance(found[1], Revert)


def test_simulate__node_without_eth_simulateV1__estimates(chain: FakeChain, clock: FakeClock) -> None:
    chain._eth_estimateGas = lambda call, tag: "0x5208"  # type: ignore[attr-defined]
    node = make_node(chain, clock)
    for _ in range(2):
        (simulated,) = node.simulate([Call("0x", b"")])
        assert not isinstance(simulated, Revert)
        assert (simulated.gas_used, simulated.logs) == (21_000, None)


def test_get_logs__too_many__range_too_wide(chain: FakeChain, clock: FakeClock) -> None:
    def too_many(wanted: object) -> None:
        raise Refused("query returned more than 10000 results", -32005)

    chain._eth_getLogs = too_many  # type: ignore[attr-defined]
    with pytest.raises(RangeTooWide):
        make_node(chain, clock).get_logs(0, 10**6, ["0x" + "11" * 20])


@pytest.mark.parametrize("answer", [None, 7, "no list", [{"address": "0x"}], [{}], [[]]])
def test_get_logs__nonsense__source_error(chain: FakeChain, clock: FakeClock, answer: object) -> None:
    chain._eth_getLogs = lambda wanted: answer  # type: ignore[attr-defined]
    with pytest.raises(SourceError):
        make_node(chain, clock).get_logs(0, 1, ["0x" + "11" * 20])


def test_get_blocks__beyond_the_head__none(chain: FakeChain, clock: FakeClock) -> None:
    node = make_node(chain, clock)
    found = node.get_blocks([chain.head.number, chain.head.number + 1])
    assert found[0] is not None
    assert found[0].number == chain.head.number
    assert found[1] is None


def test_get_block__node_down__source_error(chain: FakeChain, clock: FakeClock) -> None:
    wire = chain.wire()
    wire.down = True
    with pytest.raises(SourceError, match="no answer"):
        Node(make(clock, wire)[0]).get_block()
