"""An anvil node of its own for each measurement: same start, same clock, same numbers on every machine.

The node runs hardfork prague with a gas price and base fee of 0, starts at `GENESIS_TIME` and puts `SECONDS_PER_BLOCK`
between blocks, one transaction each, whatever the clock on the wall says. So addresses, times, interest and gas are
equal to the unit between runs.
"""

from __future__ import annotations

import http.client
import json
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from plimsoll import artifacts
from plimsoll.chain.abi import ContractAbi, checksum
from plimsoll.chain.base import Account, Contract, ContractChain, Log, Receipt, Revert, address_of
from plimsoll.chain.keys import COUNT, MNEMONIC, test_keys
from plimsoll.errors import ChainError

HARDFORK = "prague"
STATES = 512
"""Past blocks whose state the node keeps, in memory; without a limit it leaves gigabytes in the home folder."""
GENESIS_TIME = 1_800_000_000
SECONDS_PER_BLOCK = 60
TRANSACTION_GAS = 16_000_000
CHAIN_ID = 31_337

_START_TIMEOUT = 20.0
_STOP_TIMEOUT = 5.0
_START_POLL = 0.01
_POLL = 0.001
_REPLY_TIMEOUT = 60.0
_LISTENING = "Listening on "


class AnvilChain(ContractChain):
    """A running anvil node; see `anvil`, which starts and stops it."""

    def __init__(self, rpc: Rpc) -> None:
        super().__init__()
        self.rpc = rpc
        self.labels: dict[str, str] = {}
        """Names for reports by checksummed address; a contract without one goes by its artifact's name."""
        self._names: dict[str, str] = {}
        self._taken: dict[int, str] = {}
        rpc("anvil_setBlockTimestampInterval", SECONDS_PER_BLOCK)

    @property
    def name(self) -> str:
        """ "anvil"."""
        return "anvil"

    @property
    def url(self) -> str:
        """Where the node listens."""
        return self.rpc.url

    @property
    def chain_id(self) -> int:
        """The id the node was started with."""
        return CHAIN_ID

    @property
    def is_local(self) -> bool:
        """Always true."""
        return True

    def accounts(self) -> list[Account]:
        """Return the node's unlocked accounts."""
        return list(test_keys())

    def key(self, account: Account) -> str:
        """Return the private key of a test account in hex; KeyError for any other."""
        return test_keys()[account]

    def name_of(self, address: str) -> str:
        """Return what to call an address in a report."""
        known = checksum(address)
        return self.labels.get(known) or self._names.get(known, known)

    def raw_call(
        self, to: Contract | str, data: bytes, sender: Account, value: int = 0, gas: int | None = None
    ) -> Receipt:
        """Send a transaction; Revert if it fails. The receipt carries no return data."""
        return self._receipt(self._send(_transaction(to, data, sender, value, gas)))

    def simulate(
        self, to: Contract | str, data: bytes, sender: Account | None = None, value: int = 0, gas: int | None = None
    ) -> bytes:
        """Return what a call would return in the latest block."""
        try:
            output = self.rpc("eth_call", _transaction(to, data, sender or self.accounts()[0], value, gas), "latest")
        except RpcError as error:
            raise Revert.from_output(error.data) from None
        return bytes.fromhex(output[2:])

    def timestamp(self) -> int:
        """Return the time of the latest block."""
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def block_number(self) -> int:
        """Return the number of the latest block."""
        return int(self.rpc("eth_blockNumber"), 16)

    def warp(self, seconds: int) -> None:
        """Mine a block `seconds` after the latest one."""
        self.rpc("evm_setNextBlockTimestamp", self.timestamp() + seconds)
        self.rpc("evm_mine")

    def fund(self, address: Contract | str, wei: int) -> None:
        """Give an address ether."""
        self.rpc("anvil_setBalance", address_of(address), hex(self.balance(address) + wei))

    def balance(self, address: Contract | str) -> int:
        """Return an address's ether in wei."""
        return int(self.rpc("eth_getBalance", address_of(address), "latest"), 16)

    def code(self, address: Contract | str) -> bytes:
        """Return the runtime code at an address, empty if there is none."""
        return bytes.fromhex(self.rpc("eth_getCode", address_of(address), "latest")[2:])

    def snapshot(self) -> int:
        """Remember the state, block and time."""
        number = len(self._taken) + 1
        self._taken[number] = self.rpc("evm_snapshot")
        return number

    def revert(self, snapshot: int) -> None:
        """Return to a snapshot, which stays valid; those taken after it do not."""
        if snapshot not in self._taken:
            raise ValueError(f"snapshot {snapshot} was never taken, or an older one was restored")
        self.rpc("evm_revert", self._taken[snapshot])
        for later in [number for number in self._taken if number > snapshot]:
            del self._taken[later]
        self._taken[snapshot] = self.rpc("evm_snapshot")

    def _register(self, name: str, address: str, coder: ContractAbi, receipt: Receipt | None) -> Contract:
        self._names[address] = name.rpartition(":")[2]
        return super()._register(name, address, coder, receipt)

    def _create(self, code: bytes, sender: Account, value: int, gas: int | None) -> tuple[str, Receipt]:
        answer = self._send(_transaction(None, code, sender, value, gas))
        return checksum(answer["contractAddress"]), self._receipt(answer)

    def _logs_since(self, address: str, block: int) -> Sequence[Log]:
        wanted = {"address": address, "fromBlock": hex(block), "toBlock": "latest"}
        return _logs({"logs": self.rpc("eth_getLogs", wanted)})

    def _nonce(self, sender: Account) -> int:
        return int(self.rpc("eth_getTransactionCount", sender, "latest"), 16)

    def _send(self, transaction: dict[str, str]) -> dict[str, Any]:
        """Send and wait for the node's receipt, which may not be there right after the sending."""
        tx_hash = self.rpc("eth_sendTransaction", transaction)
        deadline = time.monotonic() + _REPLY_TIMEOUT
        while (answer := self.rpc("eth_getTransactionReceipt", tx_hash)) is None:
            if time.monotonic() > deadline:
                raise ChainError(f"anvil did not mine transaction {tx_hash}")
            time.sleep(_POLL)
        if int(answer["status"], 16) != 1:
            raise self._failure(transaction)
        return dict(answer)

    def _failure(self, transaction: dict[str, str]) -> Revert:
        """Find the reason by simulating in the next block, where a reason that depends on the state is still true."""
        try:
            self.rpc("eth_call", transaction, "latest")
        except RpcError as error:
            return Revert.from_output(error.data)
        return Revert(halt="reverted in its block, but not in the next")

    def _receipt(self, answer: dict[str, Any]) -> Receipt:
        block = int(answer["blockNumber"], 16)
        return Receipt(
            gas_used=int(answer["gasUsed"], 16),
            return_data=b"",
            block_number=block,
            timestamp=int(self.rpc("eth_getBlockByNumber", hex(block), False)["timestamp"], 16),
            logs=lambda: _logs(answer),
            read_events=self.read_events,
            tx_hash=str(answer["transactionHash"]),
        )


class RpcError(Exception):
    """The node refused a request; `data` is what a reverted call returned."""

    def __init__(self, method: str, message: str, data: bytes) -> None:
        super().__init__(f"{method}: {message}")
        self.data = data


class Rpc:
    """JSON-RPC over one kept HTTP connection."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_REPLY_TIMEOUT)

    def __call__(self, method: str, *params: Any) -> Any:
        """Return the result of a request; RpcError if the node refuses it."""
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        self._connection.request("POST", "/", body, {"Content-Type": "application/json"})
        answer = json.loads(self._connection.getresponse().read())
        if "error" in answer:
            data = answer["error"].get("data")
            raise RpcError(
                method, answer["error"]["message"], bytes.fromhex(data[2:]) if isinstance(data, str) else b""
            )
        return answer["result"]

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def anvil(*, tracing: bool = False) -> Iterator[AnvilChain]:
    """Start a node on a free port and stop it at the end, whatever happens inside.

    `tracing` keeps what debug_traceTransaction needs. Raises ArtifactError if anvil is not installed, ChainError if it
    does not start.
    """
    with tempfile.TemporaryDirectory() as folder, _stoppable():
        output = Path(folder) / "anvil.log"
        with output.open("wb") as sink:
            process = subprocess.Popen(
                [str(_binary()), *_options(tracing)],
                stdout=sink,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        try:
            rpc = Rpc(_port(process, output))
            try:
                yield AnvilChain(rpc)
            finally:
                rpc.close()
        finally:
            _stop(process)


def _binary() -> Path:
    found = sorted((artifacts.home() / "node_modules" / "@foundry-rs").glob("anvil-*/bin/anvil*"))
    if not found:
        raise artifacts.ArtifactError("anvil is not installed: run `make setup`")
    return found[0]


def _options(tracing: bool) -> list[str]:
    options = ["--port", "0", "--hardfork", HARDFORK, "--gas-price", "0", "--base-fee", "0"]
    options += ["--timestamp", str(GENESIS_TIME), "--chain-id", str(CHAIN_ID)]
    options += ["--mnemonic", MNEMONIC, "--accounts", str(COUNT)]
    options += ["--prune-history", str(STATES)]
    return [*options, "--steps-tracing"] if tracing else options


def _port(process: subprocess.Popen[bytes], output: Path) -> int:
    """Wait for the line in which the node names the port it chose."""
    deadline = time.monotonic() + _START_TIMEOUT
    while time.monotonic() < deadline:
        lines = output.read_text(errors="replace").splitlines()
        for line in lines:
            if line.startswith(_LISTENING):
                return int(line.rpartition(":")[2])
        if process.poll() is not None:
            raise ChainError(f"anvil did not start: {lines[-1] if lines else 'it gave no message'}")
        time.sleep(_START_POLL)
    raise ChainError(f"anvil did not start within {_START_TIMEOUT:.0f} seconds")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@contextmanager
def _stoppable() -> Iterator[None]:
    """Turn SIGTERM into an exception while the ``with`` lasts, so that the node is stopped then as on Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _transaction(
    to: Contract | str | None, data: bytes, sender: Account, value: int, gas: int | None
) -> dict[str, str]:
    fields = {
        "from": sender,
        "data": f"0x{data.hex()}",
        "value": hex(value),
        "gas": hex(gas or TRANSACTION_GAS),
        "gasPrice": "0x0",
    }
    return fields if to is None else {**fields, "to": address_of(to)}


def _logs(answer: dict[str, Any]) -> Sequence[Log]:
    return [
        Log(
            checksum(log["address"]),
            tuple(bytes.fromhex(topic[2:]) for topic in log["topics"]),
            bytes.fromhex(log["data"][2:]),
        )
        for log in answer["logs"]
    ]
