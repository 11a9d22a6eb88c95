"""What happened inside a transaction: a node's callTracer tells it, and it is said here by the names of the world.

One line per call, indented by its depth: who is called, how if it is no plain call, the function with its arguments,
what it returned or why it reverted, and the gas it used.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from plimsoll.artifacts import load
from plimsoll.chain.abi import FunctionAbi, checksum, contract_abi
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.chain.base import GAS_LIMIT, revert_reason
from plimsoll.errors import ChainError
from plimsoll.verify.campaign.backend import ChainBackend
from plimsoll.verify.campaign.world import DEPLOYED, HELPERS, UNISWAP, World

CallTree = dict[str, Any]
"""A node of a callTracer's answer: type, to, input, output, error, gasUsed, calls."""
Traced = CallTree | str
"""A transaction's calls, or why the node did not tell them."""

SHOWN = 40
"""Bytes of a value that are shown."""
PRECOMPILES = 0x11


class TracingBackend(ChainBackend):
    """A node that is asked for the calls of every transaction: `trees`, in order."""

    def __init__(self, chain: ApeChain) -> None:
        super().__init__(chain)
        self.trees: list[Traced] = []
        self._node = chain

    def call(self, sender: str, to: str, data: bytes, gas: int = GAS_LIMIT) -> str:
        """See `Backend.call`; what reverted was not sent, so the call is traced in its place."""
        outcome = super().call(sender, to, data, gas)
        try:
            tree = self._node.trace_call(to, data, sender, gas) if outcome else self._node.trace(self.sent)
        except ChainError as error:
            self.trees.append(str(error))
        else:
            self.trees.append(tree)
        return outcome


def names_of(world: World) -> dict[str, str]:
    """Return the role of every address of the world."""
    return {address: role for role, address in {**world.at, **world.roles}.items()}


def said(value: object, names: dict[str, str]) -> str:
    """Return a value as text: known addresses and accounts by their role."""
    if isinstance(value, bytes):
        return f"0x{value[:SHOWN].hex()}{'...' if len(value) > SHOWN else ''}"
    if isinstance(value, str):
        return names.get(value, value)
    if isinstance(value, int) and value >> 96 > 0:
        owner = next((role for address, role in names.items() if int(address, 16) == value >> 96), None)
        return f"{owner}#{value & (1 << 96) - 1}" if owner else hex(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(said(each, names) for each in value) + "]"
    return str(value)


def said_call(function: FunctionAbi, data: bytes, names: dict[str, str]) -> str:
    """Return a call's function with its arguments by name; ValueError when the calldata is not the function's."""
    arguments = function.decode_arguments(data[4:])
    return f"{function.name}({', '.join(f'{name}={said(value, names)}' for name, value in arguments.items())})"


class Teller:
    """Tells the calls of one world's transactions."""

    def __init__(self, world: World) -> None:
        self.names = names_of(world)
        self._kinds = {address: world.kinds[role] for role, address in world.at.items()}
        self._selectors: dict[bytes, FunctionAbi] = {}
        for name in (*DEPLOYED, *HELPERS, UNISWAP):
            for overloads in contract_abi(load(name).abi).functions.values():
                for function in overloads.values():
                    self._selectors.setdefault(function.selector, function)

    def lines(self, call: Traced, depth: int = 0) -> Iterator[str]:
        """Return a call and all below it, each as a line."""
        if isinstance(call, str):
            yield call
            return
        kind = call["type"].lower()
        how = "" if kind == "call" else f"{kind} "
        gas = int(call["gasUsed"], 16)
        address = checksum(call.get("to") or "0x" + "00" * 20)
        function = self.function_of(address, _bytes(call, "input")[:4])
        yield f"{'  ' * depth}{how}{self.callee(call, address, function)} {self.end(call, function)} [{gas:,} gas]"
        for inner in call.get("calls", ()):
            yield from self.lines(inner, depth + 1)

    def function_of(self, address: str, selector: bytes) -> FunctionAbi | None:
        """Return the function that a call is to: of the contract there, else of any that has one of this selector."""
        kind = self._kinds.get(address)
        known = contract_abi(load(kind).abi).function_of(selector) if kind else None
        return known or self._selectors.get(selector)

    def callee(self, call: CallTree, address: str, function: FunctionAbi | None) -> str:
        """Return who is called, and what for."""
        data = _bytes(call, "input")
        if call["type"].startswith("CREATE"):
            return f"{address} of {len(data)} bytes"
        name = self.names.get(address, address)
        if int(address, 16) < PRECOMPILES:
            name = f"precompile {int(address, 16)}"
        if function is None:
            return f"{name}.{said(data, self.names)}"
        try:
            return f"{name}.{said_call(function, data, self.names)}"
        except ValueError:
            return f"{name}.{function.name}({said(data[4:], self.names)})"

    def end(self, call: CallTree, function: FunctionAbi | None) -> str:
        """Return how a call ended: with its result, or reverted and why."""
        output = _bytes(call, "output")
        if call.get("error"):
            reason = revert_reason(output)
            return f"reverted: {reason}" if reason else f"failed: {call['error']}"
        if call["type"].startswith("CREATE"):
            return "-> deployed"
        try:
            result = function.decode(output) if function else output
        except ValueError:
            result = output
        return "-> done" if result in (None, b"") else f"-> {said(result, self.names)}"


def _bytes(call: CallTree, field: str) -> bytes:
    return bytes.fromhex(call.get(field, "0x")[2:])
