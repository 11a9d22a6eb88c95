"""A node in memory, behind the same bytes as a real one: a pool, blocks, reorgs, and everything that goes wrong.

chain = FakeChain()
wire = chain.wire()                  # a Transport
wire.faults = ["timeout", "garbage"] # what happens to the next two requests
chain.mine()
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import rlp
from eth_account import Account
from eth_utils.crypto import keccak

from plimsoll.keeper.transport import TransportError

CHAIN_ID = 31_337
GWEI = 10**9
ETHER = 10**18


class FakeClock:
    """Time that passes only when somebody sleeps."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.time = now
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def monotonic(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@dataclass(frozen=True)
class Tx:
    raw: bytes
    hash: str
    sender: str
    nonce: int
    tip: int
    most: int
    gas: int
    to: str
    data: bytes


@dataclass
class Block:
    number: int
    hash: str
    parent: str
    time: int
    base_fee: int
    txs: list[Tx] = field(default_factory=list)


class Refused(Exception):  # noqa: N818
    def __init__(self, message: str, code: int = -32000, data: Any = None) -> None:
        super().__init__(message)
        self.code = code
        self.data = data


@dataclass
class FakeChain:
    """One chain. `bump` is the least percentage by which a replacement must beat what it replaces."""

    base_fee: int = 10 * GWEI
    market_tip: int = GWEI
    bump: int = 10
    balance: int = 100 * ETHER
    start: int = 100
    automine: bool = False
    call: Callable[[dict[str, str]], str] = lambda call: "0x"
    """What eth_call answers; raise Refused for a revert."""
    fails: Callable[[Tx], bool] = lambda tx: False
    """Whether a mined transaction reverts."""
    refuses: str = ""
    """What eth_sendRawTransaction says to everybody, if anything."""
    late_receipts: int = 0
    """Blocks after which receipts appear."""

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.forks = 0
        self._counts: dict[str, int] = {}
        self._indexed: tuple[Any, dict[str, tuple[Block, Tx]]] = (None, {})
        self.blocks: list[Block] = []
        self.pool: dict[tuple[str, int], Tx] = {}
        self.sends: list[Tx] = []
        self.extra: dict[str, int] = {}
        for number in range(self.start + 1):
            self._append(number)

    # What a test does

    @property
    def head(self) -> Block:
        return self.blocks[-1]

    def mine(self, blocks: int = 1, *, only: Callable[[Tx], bool] = lambda tx: True) -> None:
        """Mine blocks; transactions that offer the base fee and follow on each other get in."""
        with self.lock:
            for _ in range(blocks):
                block = self._append(len(self.blocks))
                counts = {sender: self.count(sender) for sender, _ in self.pool}
                for sender, nonce in sorted(self.pool):
                    tx = self.pool[sender, nonce]
                    if nonce == counts[sender] and tx.most >= block.base_fee and only(tx):
                        block.txs.append(tx)
                        counts[sender] += 1
                self.pool = {key: tx for key, tx in self.pool.items() if tx not in block.txs}

    def reorg(self, depth: int, *, forget: bool = False, regrow: bool = True) -> None:
        """Replace the last blocks by as many empty ones and one more; their transactions go back to the pool."""
        with self.lock:
            self.forks += 1
            gone, self.blocks = self.blocks[-depth:], self.blocks[:-depth]
            if not forget:
                for block in gone:
                    for tx in block.txs:
                        self.pool[tx.sender, tx.nonce] = tx
            for _ in range(depth + 1 if regrow else 0):
                self._append(len(self.blocks))

    def forget_pool(self) -> None:
        self.pool.clear()

    def count(self, sender: str) -> int:
        places = self._places()
        if sender not in self._counts:
            self._counts[sender] = sum(tx.sender == sender for _, tx in places.values())
        return self.extra.get(sender, 0) + self._counts[sender]

    def mined(self, sender: str) -> list[Tx]:
        return [tx for block in self.blocks for tx in block.txs if tx.sender == sender]

    def put(self, raw: bytes) -> str:
        """Take a transaction into the pool by the rules of a node."""
        with self.lock:
            tx = decode(raw)
            self.sends.append(tx)
            if self.refuses:
                raise Refused(self.refuses)
            if tx.hash in self._places() or tx in self.pool.values():
                raise Refused("already known")
            if tx.nonce < self.count(tx.sender):
                raise Refused(f"nonce too low: next nonce {self.count(tx.sender)}, tx nonce {tx.nonce}")
            if tx.gas * tx.most > self.balance:
                raise Refused("insufficient funds for gas * price + value")
            rival = self.pool.get((tx.sender, tx.nonce))
            if rival is not None and min(tx.most * 100 // max(rival.most, 1), tx.tip * 100 // max(rival.tip, 1)) < (
                100 + self.bump
            ):
                raise Refused("replacement transaction underpriced")
            self.pool[tx.sender, tx.nonce] = tx
            if self.automine:
                self.mine()
            return tx.hash

    def wire(self) -> Wire:
        return Wire(self)

    def _places(self) -> dict[str, tuple[Block, Tx]]:
        """Return where every mined transaction is, by hash; computed once per head."""
        head = self.head.hash, len(self.head.txs)
        if self._indexed[0] != head:
            self._counts = {}
            self._indexed = head, {tx.hash: (block, tx) for block in self.blocks for tx in block.txs}
        return self._indexed[1]

    # What a node does

    def answer(self, method: str, params: list[Any]) -> Any:
        with self.lock:
            handler = getattr(self, f"_{method}", None)
            if handler is None:
                raise Refused(f"the method {method} does not exist/is not available", -32601)
            return handler(*params)

    def _eth_chainId(self) -> str:
        return hex(CHAIN_ID)

    def _eth_getBlockByNumber(self, tag: str, full: bool) -> Any:
        number = len(self.blocks) - 1 if tag == "latest" else int(tag, 16)
        if number >= len(self.blocks):
            return None
        block = self.blocks[number]
        return {
            "number": hex(number),
            "hash": block.hash,
            "parentHash": block.parent,
            "timestamp": hex(block.time),
            "logsBloom": "0x" + "00" * 256,
            "baseFeePerGas": hex(block.base_fee),
        }

    def _eth_getTransactionCount(self, address: str, tag: str) -> str:
        count = self.count(address)
        if tag == "pending":
            while (address, count) in self.pool:
                count += 1
        return hex(count)

    def _eth_feeHistory(self, blocks: str, tag: str, percentiles: list[int]) -> Any:
        number = int(blocks, 16)
        fees = [hex(block.base_fee) for block in self.blocks[-number:]] + [hex(self.base_fee)]
        return {"baseFeePerGas": fees, "reward": [[hex(self.market_tip)]] * number}

    def _eth_getTransactionReceipt(self, tx_hash: str) -> Any:
        place = self._places().get(tx_hash)
        if place is None or place[0].number >= len(self.blocks) - self.late_receipts:
            return None
        block, tx = place
        return {
            "transactionHash": tx.hash,
            "blockNumber": hex(block.number),
            "blockHash": block.hash,
            "status": hex(int(not self.fails(tx))),
            "gasUsed": hex(tx.gas // 2),
            "effectiveGasPrice": hex(min(tx.most, block.base_fee + tx.tip)),
            "logs": [],
        }

    def _eth_getBalance(self, address: str, tag: str) -> str:
        return hex(self.balance)

    def _eth_sendRawTransaction(self, raw: str) -> str:
        return self.put(bytes.fromhex(raw[2:]))

    def _eth_sendPrivateTransaction(self, wanted: dict[str, str]) -> str:
        return self.put(bytes.fromhex(wanted["tx"][2:]))

    def _eth_call(self, call: dict[str, str], tag: Any) -> str:
        return self.call(call)

    def _append(self, number: int) -> Block:
        parent = self.blocks[-1].hash if self.blocks else "0x" + "00" * 32
        block_hash = f"0x{keccak(f'{number}/{self.forks}/{parent}'.encode()).hex()}"
        block = Block(number, block_hash, parent, 1_800_000_000 + 12 * number, self.base_fee)
        self.blocks.append(block)
        return block


def respond(chain: FakeChain, body: bytes) -> bytes:
    """Answer a request or a batch as JSON-RPC."""
    request = json.loads(body)
    if isinstance(request, list):
        return json.dumps([_respond(chain, each) for each in request]).encode()
    return json.dumps(_respond(chain, request)).encode()


def _respond(chain: FakeChain, request: dict[str, Any]) -> dict[str, Any]:
    base = {"jsonrpc": "2.0", "id": request["id"]}
    try:
        return {**base, "result": chain.answer(request["method"], request["params"])}
    except Refused as error:
        return {**base, "error": {"code": error.code, "message": str(error), "data": error.data}}


class Wire:
    """A transport to a chain. `faults` are consumed one per request:

    "timeout" (nothing arrived there), "lost" (it arrived, the answer did not), "refused", "429", "500", "garbage",
    "html", "empty", "busy" (a JSON-RPC error that passes), "ok".
    """

    def __init__(self, chain: FakeChain, label: str = "fake") -> None:
        self.chain = chain
        self._label = label
        self.faults: list[str] = []
        self.requests: list[Any] = []
        self.down = False

    @property
    def label(self) -> str:
        return self._label

    def exchange(self, body: bytes, timeout: float) -> bytes:
        self.requests.append(json.loads(body))
        fault = "refused" if self.down else self.faults.pop(0) if self.faults else "ok"
        if fault == "timeout":
            raise TransportError("timed out")
        if fault == "refused":
            raise TransportError("connection refused")
        if fault == "429":
            raise TransportError("HTTP 429", wait=2.0)
        if fault == "500":
            raise TransportError("HTTP 500")
        answer = respond(self.chain, body)
        if fault == "lost":
            raise TransportError("timed out")
        if fault == "busy":
            error = {"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "rate limit"}}
            return json.dumps(error).encode()
        return {"garbage": answer[: len(answer) // 2], "html": b"<html>", "empty": b""}.get(fault, answer)

    def close(self) -> None:
        pass


@contextmanager
def served(chain: FakeChain) -> Iterator[str]:
    """Serve a chain over HTTP on 127.0.0.1; yields the URL."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer = respond(chain, self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *args: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_decoded: dict[bytes, Tx] = {}


def decode(raw: bytes) -> Tx:
    """Read a signed EIP-1559 transaction."""
    if raw not in _decoded:
        assert raw[0] == 2, "an EIP-1559 transaction"
        fields = rlp.decode(raw[1:])
        chain_id, nonce, tip, most, gas = (int.from_bytes(each, "big") for each in fields[:5])
        assert chain_id == CHAIN_ID
        _decoded[raw] = Tx(
            raw,
            f"0x{keccak(raw).hex()}",
            Account.recover_transaction(raw),
            nonce,
            tip,
            most,
            gas,
            f"0x{fields[5].hex()}",
            bytes(fields[7]),
        )
    return _decoded[raw]
