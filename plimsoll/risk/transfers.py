"""What arrives of a transfer, found without making it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from plimsoll import artifacts
from plimsoll.chain import Chain, Revert
from plimsoll.chain.abi import contract_abi
from plimsoll.errors import ChainError
from plimsoll.keeper.node import Node
from plimsoll.keeper.rpc import RpcError
from plimsoll.risk.accounts import node_at

SINK = "0x000000000000000000000000000000000000dEaD"
"""Where the simulated transfer goes."""

Received = Callable[[str, str, int], int | None]
"""What arrives of so many raw units that a holder sends: token, holder, amount; None where that cannot be told."""


@contextmanager
def received_on(chain: Chain, url: str | None) -> Iterator[Received]:
    """Yield how to find what arrives of a transfer: by the chain's node where there is one, else in this process."""
    if url is None:
        yield received_in_process(chain)
        return
    with node_at(url, chain.chain_id) as node:
        yield received_by_node(node)


def received_by_node(node: Node) -> Received:
    """Return how to find what arrives of a transfer by eth_simulateV1, on a node that has it."""

    def received(token: str, holder: str, amount: int) -> int | None:
        transfer, balance = _calldata(amount)
        calls = [
            {"to": token, "data": f"0x{balance.hex()}"},
            {"from": holder, "to": token, "data": f"0x{transfer.hex()}"},
            {"to": token, "data": f"0x{balance.hex()}"},
        ]
        try:
            answer = node.rpc.call("eth_simulateV1", {"blockStateCalls": [{"calls": calls}]}, "latest")
            before, _, after = (int(each["returnData"], 16) for each in answer[0]["calls"])
        except (RpcError, KeyError, IndexError, ValueError, TypeError):
            return None
        return after - before

    return received


def received_in_process(chain: Chain) -> Received:
    """Return how to find it on a chain where anybody can send: make the transfer and undo it."""

    def received(token: str, holder: str, amount: int) -> int | None:
        contract: Any = chain.at("MockERC20", token)
        with chain.isolate():
            before = contract.balanceOf(SINK)
            try:
                chain.raw_call(token, _calldata(amount)[0], sender=holder)
            except (ChainError, Revert):
                return None
            return int(contract.balanceOf(SINK) - before)

    return received


def _calldata(amount: int) -> tuple[bytes, bytes]:
    """Return the calldata of a transfer to the sink and of its balance."""
    functions = contract_abi(artifacts.load("MockERC20").abi).functions
    return functions["transfer"][2].encode([SINK, amount]), functions["balanceOf"][1].encode([SINK])
