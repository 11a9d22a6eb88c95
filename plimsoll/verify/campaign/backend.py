"""What a machine needs of a chain, and two that have it: the in-process EVM without its comforts, and any other chain.

Here a call is a sender, an address and calldata; what comes back is "" when it succeeded, else why it did not: the
contract's reason, `NO_REASON` for a revert without data, or "halt: ..." for an exceptional one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from plimsoll.chain import Chain, Revert, RevmChain
from plimsoll.chain.base import GAS_LIMIT, revert_reason

NO_REASON = "(no reason)"
HALT = "halt: "

_VIEWER = "0x" + "00" * 19 + "ca"


class Backend(Protocol):
    """A chain to run a machine on."""

    chain: Chain
    output: bytes
    """What the last successful call returned."""
    now: int
    """The time that a call made now sees."""

    def call(self, sender: str, to: str, data: bytes, gas: int = GAS_LIMIT) -> str:
        """Send a transaction; return "" or why it failed."""

    def view(self, to: str, data: bytes) -> bytes | None:
        """Return what a view returns; None when it reverts."""

    def warp(self, seconds: int) -> None:
        """Start a new block `seconds` later."""

    def snapshot(self) -> int:
        """Remember state and time."""

    def revert(self, snapshot: int) -> None:
        """Return to a snapshot, which stays valid."""


class RevmBackend:
    """The in-process EVM: no ABI coder, no receipt, no checksum; a revert's text is read once.

    `seconds_per_call` is what every successful call takes, 0 here and 1 on a node that mines a block for each.
    """

    def __init__(self, chain: RevmChain, seconds_per_call: int = 0) -> None:
        self.chain: Chain = chain
        self.output = b""
        self.now = chain.timestamp()
        self._revm = chain
        evm: Any = chain._evm
        self._message_call: Callable[..., bytes] = evm.message_call
        self._forget: Callable[[], None] = evm.reset_transient_storage
        self._seconds = seconds_per_call
        self.takes_time = seconds_per_call != 0

    def call(self, sender: str, to: str, data: bytes, gas: int = GAS_LIMIT) -> str:
        """See `Backend.call`."""
        self._forget()
        try:
            self.output = self._message_call(sender, to, data, None, gas)
        except RuntimeError as error:
            return failure(str(error))
        if self._seconds:
            self.warp(self._seconds)
        return ""

    def view(self, to: str, data: bytes) -> bytes | None:
        """See `Backend.view`."""
        self._forget()
        try:
            return self._message_call(_VIEWER, to, data, None, 60_000_000)
        except RuntimeError:
            return None

    def warp(self, seconds: int) -> None:
        """See `Backend.warp`."""
        self._revm.warp(seconds)
        self.now = self._revm.timestamp()

    def snapshot(self) -> int:
        """See `Backend.snapshot`."""
        return self._revm.snapshot()

    def revert(self, snapshot: int) -> None:
        """See `Backend.revert`."""
        self._revm.revert(snapshot)
        self.now = self._revm.timestamp()


class ChainBackend:
    """Any chain that Plimsoll runs on, through its ordinary interface: anvil, or ape's py-evm. `sent` is the hash of
    the last transaction that succeeded.
    """

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.output = b""
        self.sent = ""
        self.now = chain.timestamp()

    def call(self, sender: str, to: str, data: bytes, gas: int = GAS_LIMIT) -> str:
        """See `Backend.call`."""
        try:
            receipt = self.chain.raw_call(to, data, sender, gas=gas)
        except Revert as error:
            return _reason_of(error)
        self.output = receipt.return_data
        self.sent = receipt.tx_hash or ""
        self.now = self.chain.timestamp()
        return ""

    def view(self, to: str, data: bytes) -> bytes | None:
        """See `Backend.view`."""
        try:
            return self.chain.simulate(to, data)
        except Revert:
            return None

    def warp(self, seconds: int) -> None:
        """See `Backend.warp`; a node takes a second at least."""
        self.chain.warp(seconds)
        self.now = self.chain.timestamp()

    def snapshot(self) -> int:
        """See `Backend.snapshot`."""
        return self.chain.snapshot()

    def revert(self, snapshot: int) -> None:
        """See `Backend.revert`."""
        self.chain.revert(snapshot)
        self.now = self.chain.timestamp()


_known: dict[str, str] = {}


def failure(text: str) -> str:
    """Return why a call failed, from pyrevm's text "Revert { gas_used: 1, output: 0x }" or "Halt { reason: ... }"."""
    at = text.find("output: 0x")
    if at < 0:
        return HALT + _halt(text)
    key = text[at:]
    reason = _known.get(key)
    if reason is None:
        reason = revert_reason(bytes.fromhex(key[10:].rstrip(" }"))) or NO_REASON
        if len(_known) < 65_536:
            _known[key] = reason
    return reason


def _halt(text: str) -> str:
    """Return "OutOfGas" of "Halt { reason: OutOfGas(Basic), gas_used: 1 }"."""
    if "reason: " not in text:
        return text
    name = text[text.index("reason: ") + 8 :]
    return name.split("(")[0].split(",")[0]


def _reason_of(error: Revert) -> str:
    if not error.halt:
        return error.reason or NO_REASON
    name = error.halt.removeprefix("EVM error ").removeprefix("intrinsic gas too high -- ")
    name = name.split("(")[0].split(":")[0]
    return HALT + ("OutOfGas" if name == "Out of gas" or name.endswith("OOG") else name)
