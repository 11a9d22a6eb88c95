"""Harness contracts on the in-process EVM, called with packed words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from eth_utils.crypto import keccak

from plimsoll import artifacts
from plimsoll.chain import Contract, RevmChain
from plimsoll.chain.abi import contract_abi
from plimsoll.chain.base import revert_reason

WORD = 2**256 - 1
GAS = 30_000_000

_CALLER = "0x" + "ca" * 20
_RELAY = contract_abi(artifacts.load("MockRelay").abi).functions["relay"][2]


def selector(signature: str) -> bytes:
    """Return a function's four bytes from its name and types."""
    return keccak(text=signature)[:4]


def pack(words: Iterable[int]) -> bytes:
    """Return words one after the other, negative ones as two's complement."""
    return b"".join([(word & WORD).to_bytes(32, "big") for word in words])


def unpack(output: bytes) -> list[int]:
    """Return the words of an answer."""
    return [int.from_bytes(output[at : at + 32], "big") for at in range(0, len(output), 32)]


class Bench:
    """A chain with the harnesses on it, each deployed once per set of constructor arguments."""

    def __init__(self) -> None:
        self.chain = RevmChain()
        self._deployed: dict[tuple[str, int, tuple[Any, ...]], Contract] = {}
        evm: Any = self.chain._evm
        self._call = evm.message_call
        self._forget = evm.reset_transient_storage
        self._reasons: dict[str, str] = {}

    def deploy(self, name: str, *arguments: Any, number: int = 0) -> Contract:
        """Return a contract with these constructor arguments; of several like it the one with this number."""
        known = self._deployed.get((name, number, arguments))
        if known is None:
            known = self.chain.deploy(name, *arguments, sender=self.chain.accounts()[0])
            self._deployed[name, number, arguments] = known
        return known

    @contextmanager
    def isolated(self, later: int = 0) -> Iterator[None]:
        """Start from a chain `later` seconds older, and leave nothing behind."""
        known = dict(self._deployed)
        with self.chain.isolate():
            self.chain.warp(later)
            yield
        self._deployed = known

    def ask(self, to: str, calldata: bytes, sender: str = _CALLER) -> bytes | str:
        """Return what a call answers, or the reason of its revert; a halt is a reason of its own."""
        self._forget()
        try:
            return bytes(self._call(sender, to, calldata, None, GAS))
        except RuntimeError as error:
            return self._reason(str(error))

    def ask_together(self, to: str, calls: Sequence[bytes]) -> list[bytes | str]:
        """Return what several calls answer that are made in one transaction by `relay`."""
        output = self.ask(self.relay.address, _RELAY.encode((to, calls)))
        assert isinstance(output, bytes), output
        answers = _RELAY.decode(output)
        return [bytes(data) if success else revert_reason(data) for success, data in answers]

    @property
    def relay(self) -> Contract:
        """Who makes several calls in one transaction."""
        return self.deploy("MockRelay")

    def _reason(self, text: str) -> str:
        if not text.startswith("Revert {"):
            return f"halt: {text}"
        output = text[text.index("output: 0x") + 10 :].rstrip(" }")
        reason = self._reasons.get(output)
        if reason is None:
            reason = self._reasons[output] = revert_reason(bytes.fromhex(output))
        return reason
