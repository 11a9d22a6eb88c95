"""What happened inside a transaction is told by the world's names, whatever a node says of it."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain.abi import checksum
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.verify.campaign.__main__ import main
from plimsoll.verify.campaign.machine import WAD
from plimsoll.verify.campaign.replay import chain_of
from plimsoll.verify.campaign.traces import CallTree, Teller, TracingBackend, said
from plimsoll.verify.campaign.world import World, word_of

NOWHERE = "0x" + "ab" * 20


def node(to: str, data: bytes = b"", output: bytes = b"", kind: str = "CALL", **more: Any) -> CallTree:
    """A node of a callTracer's answer, as anvil says it: what is empty is left out."""
    call: CallTree = {"type": kind, "from": NOWHERE, "to": to.lower(), "input": f"0x{data.hex()}", "gasUsed": "0x3e8"}
    if output:
        call["output"] = f"0x{output.hex()}"
    return call | more


def word(number: int) -> bytes:
    """A number as the EVM returns it."""
    return number.to_bytes(32, "big")


def error(reason: str) -> bytes:
    """A revert's data with a reason."""
    text = reason.encode()
    return bytes.fromhex("08c379a0") + word(32) + word(len(text)) + text.ljust(32, b"\0")


@pytest.fixture
def teller(world: World) -> Teller:
    """The campaign world's."""
    return Teller(world)


def test_lines__a_transaction__is_told_by_depth_with_names_results_and_gas(teller: Teller, world: World) -> None:
    trader = world.roles["trader"]
    account = word_of(trader) << 96 | 2
    dai = world.asset("DAI")
    deposit = world.fn("MarginEngine.deposit")(account, dai.word, 5)
    pull = world.fn("MockERC20.transferFrom")(word_of(trader), word_of(world.at["engine"]), 5)
    debt = world.fn("LendingPool.debt_of")(account)
    inner = node(dai.pool, debt, word(0), "STATICCALL")
    tree = node(world.at["engine"], deposit, word(0), calls=[inner, node(dai.token, pull, word(1), calls=[inner])])
    assert list(teller.lines(tree)) == [
        "engine.deposit(account=trader#2, token=token.DAI, amount=5) -> 0 [1,000 gas]",
        "  staticcall pool.DAI.debt_of(account=trader#2) -> 0 [1,000 gas]",
        "  token.DAI.transferFrom(owner=trader, to=engine, amount=5) -> True [1,000 gas]",
        "    staticcall pool.DAI.debt_of(account=trader#2) -> 0 [1,000 gas]",
    ]


@pytest.mark.parametrize(
    ("output", "reported", "said_so"),
    [
        (error("pool: cash"), "execution reverted", "reverted: pool: cash"),
        (b"", "execution reverted", "failed: execution reverted"),
        (b"", "out of gas", "failed: out of gas"),
        (b"\x01\x02", "execution reverted", "reverted: 0x0102"),
    ],
)
def test_lines__a_call_that_failed__says_why(
    teller: Teller, world: World, output: bytes, reported: str, said_so: str
) -> None:
    tree = node(world.at["engine"], world.fn("MarginEngine.pause")(), output, error=reported)
    assert list(teller.lines(tree)) == [f"engine.pause() {said_so} [1,000 gas]"]


def test_lines__what_nobody_knows__is_told_as_bytes(teller: Teller, world: World) -> None:
    engine = world.at["engine"]
    unknown = "0x" + "00" * 19 + "01"
    assert list(teller.lines(node(unknown, b"\x01" * 41, b"\x02"))) == [
        f"precompile 1.0x{'01' * 40}... -> 0x02 [1,000 gas]"
    ]
    assert list(teller.lines(node(engine, b"\xff\xff\xff\xff"))) == ["engine.0xffffffff -> done [1,000 gas]"]
    assert list(teller.lines(node(engine, world.fn("MarginEngine.pause")() + b"\x07"))) == [
        "engine.pause(0x07) -> done [1,000 gas]"
    ]
    accrue = world.fn("LendingPool.accrue")()
    assert list(teller.lines(node(NOWHERE, accrue))) == [f"{checksum(NOWHERE)}.accrue() -> done [1,000 gas]"]
    assert list(teller.lines(node(engine, world.fn("LendingPool.debt_of")(1), b"\x05"))) == [
        "engine.debt_of(account=1) -> 0x05 [1,000 gas]"
    ]


def test_lines__a_creation__is_told_by_its_size(teller: Teller) -> None:
    assert list(teller.lines(node(NOWHERE, b"\x60" * 300, b"\x60" * 200, "CREATE"))) == [
        f"create {checksum(NOWHERE)} of 300 bytes -> deployed [1,000 gas]"
    ]


def test_lines__no_trace__says_why(teller: Teller) -> None:
    assert list(teller.lines("it gives no trace")) == ["it gives no trace"]


def test_said__numbers_below_zero_and_beyond_an_account(teller: Teller) -> None:
    assert said([-WAD, 2**200, True, b"\0"], teller.names) == f"[{-WAD}, {hex(2**200)}, True, 0x00]"


def test_tracing_backend__on_anvil__keeps_the_calls_of_each_transaction() -> None:
    with chain_of("anvil") as chain:
        assert isinstance(chain, ApeChain)
        owner, holder, other = chain.accounts()[:3]
        token = chain.deploy("MockERC20", "Token", "TKN", 18, sender=owner)
        backend = TracingBackend(chain)
        assert backend.call(owner, token.address, token.mint.encode(holder, 5)) == ""
        assert backend.call(holder, token.address, token.transfer.encode(other, 6)) == "erc20: balance"
        assert backend.call(holder, token.address, token.transfer.encode(other, 5)) == ""
        assert backend.call(holder, token.address, token.transfer.encode(other, 0), gas=25_000) == "halt: OutOfGas"
        barred = backend.call(holder, token.address, token.transfer.encode(other, 0), gas=21_000)
        assert barred == "halt: CallGasCostMoreThanGasLimit"
    minted, refused, sent, starved, untold = backend.trees
    assert isinstance(minted, dict)
    assert isinstance(refused, dict)
    assert isinstance(sent, dict)
    assert minted["input"] == f"0x{token.mint.encode(holder, 5).hex()}"
    assert "error" not in minted
    assert (refused["error"], refused["output"]) == ("execution reverted", f"0x{error('erc20: balance').hex()}")
    assert int(sent["output"], 16) == 1
    assert isinstance(starved, dict)
    assert starved["error"].startswith("out of gas")
    assert str(untold).startswith("ethereum:local:foundry gives no trace: ")


def test_replay__traces_of_a_chain_that_has_none__are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", "no.json", "--trace-all"]) == 2
    assert "--on anvil" in capsys.readouterr().out
