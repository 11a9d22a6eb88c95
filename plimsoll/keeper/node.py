"""A node as the keeper uses it: blocks, logs, calls, fees and transactions as values with types.

Quantities are integers, hashes of blocks 32 bytes, hashes of transactions hex text (they name things in logs and
files), addresses checksummed strings. A reverted call is a `plimsoll.chain.Revert`; what the node refuses otherwise is
an `RpcError`, what it does not answer an `RpcUnavailable`, what makes no sense a `SourceError`.

The Ethereum JSON-RPC specification: https://ethereum.github.io/execution-apis/
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from plimsoll.chain import Log, Revert
from plimsoll.chain.abi import FunctionAbi, checksum
from plimsoll.keeper import verbs
from plimsoll.keeper.rpc import Rpc, RpcError, RpcUnavailable
from plimsoll.keeper.source import (
    AccountReading,
    Header,
    LogSource,
    PoolReading,
    RangeTooWide,
    RawLog,
    SourceError,
)

T = TypeVar("T")

_FEW_ROUNDS = 2
"""How often a range of logs is asked for before a smaller one is: a node that is too slow for it does not say so."""
_REVERT_CODES = (3, -32015)
_OUT_OF_GAS = ("out of gas", "outofgas", "gas required exceeds", "intrinsic gas")
_UNSUPPORTED_CODES = (-32601, -32004)
_UNSUPPORTED_WORDS = ("method not found", "not supported", "does not exist", "not available", "not whitelisted")


class Unanswered(Revert):
    """What one of several calls got in place of an answer: the node failed over this one, and says why.

    Whether the call would succeed is not known; the others are.
    """


class Call(NamedTuple):
    """A call to simulate."""

    to: str
    data: bytes
    sender: str | None = None
    gas: int | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a mined transaction; `price` is wei per gas actually paid."""

    tx_hash: str
    block_number: int
    block_hash: str
    succeeded: bool
    gas_used: int
    price: int
    logs: tuple[Log, ...] = ()


@dataclass(frozen=True, slots=True)
class Simulated:
    """What a transaction would do. `logs` is None where the node can only say whether it would succeed."""

    gas_used: int
    logs: tuple[Log, ...] | None


@dataclass(frozen=True, slots=True)
class FeeHistory:
    """Base fees of recent blocks, the last one that of the next block, and the tips paid at a percentile; all wei."""

    base_fees: tuple[int, ...]
    tips: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How many transactions of an address are mined and known, fees, and receipts by hash of transaction.

    `known` counts those that wait without a gap, so that it is the next nonce the node expects.
    """

    mined: int
    known: int
    fees: FeeHistory
    receipts: dict[str, Receipt]


class Node(LogSource):
    """A node behind an `Rpc`. Also the data half's LogSource and AccountReader (`bind_account_views` first)."""

    def __init__(self, rpc: Rpc) -> None:
        self.rpc = rpc
        self.unanswered = 0
        """Calls among several that got no answer, since the start; `last_unanswered` says why the last one did."""
        self.last_unanswered = ""
        self._simulates = True
        self._account_views: tuple[str, FunctionAbi, FunctionAbi] | None = None

    # Blocks and logs

    def chain_id(self) -> int:
        """Return the chain's id."""
        return self._ask("eth_chainId", read=_quantity)

    def head(self) -> Header:
        """Return the newest block's header."""
        header = self.get_block(None)
        if header is None:
            raise SourceError("the node has no newest block")
        return header

    def get_block(self, number: int | None = None) -> Header | None:
        """Return a block's header, of the newest one for None; None when the node has no such block."""
        return self.get_blocks([number])[0]

    def get_blocks(self, numbers: Sequence[int | None]) -> list[Header | None]:
        """Return several headers in one round trip."""
        with _as_source_errors():
            answers = self.rpc.batch([("eth_getBlockByNumber", (_tag(number), False)) for number in numbers])
            return [None if answer is None else _header(answer) for answer in map(_raised, answers)]

    def get_logs(self, first: int, last: int, addresses: Sequence[str]) -> list[RawLog]:
        """Return every log of these addresses in the blocks `first` to `last`; RangeTooWide to ask for fewer."""
        if not addresses:
            return []
        with _as_source_errors():
            wanted = {"fromBlock": hex(first), "toBlock": hex(last), "address": list(addresses)}
            try:
                answer = self.rpc.call("eth_getLogs", wanted, rounds=None if first == last else _FEW_ROUNDS)
            except RpcUnavailable as error:
                raise (SourceError if first == last else RangeTooWide)(str(error)) from error
            if not isinstance(answer, list):
                raise SourceError("eth_getLogs answered no list")
            return [_raw_log(entry) for entry in answer]

    # Accounts of the engine, for the data half

    def bind_account_views(self, engine: str, word_of: FunctionAbi, exposures: FunctionAbi) -> None:
        """Say which contract `read_account` reads, and how."""
        self._account_views = (engine, word_of, exposures)

    def read_account(self, account: int, block: Header) -> AccountReading:
        """Return an account as of the end of a block; SourceError when the node is not on this block's chain."""
        assert self._account_views is not None, "bind_account_views comes first"
        engine, word_of, exposures = self._account_views
        at = {"blockHash": _hex(block.hash)}
        calls = [(engine, word_of.encode([account])), (engine, exposures.encode([account]))]
        with _as_source_errors():
            answers = self.rpc.batch(
                [("eth_call", ({"to": to, "data": _hex(data)}, at)) for to, data in calls],
            )
            word, held = (_bytes(_raised(answer)) for answer in answers)
            return AccountReading(word_of.decode(word), tuple(exposures.decode(held)), block.timestamp)

    def read_pool(self, pool: str, block: Header) -> PoolReading:
        """Return a pool as of the end of a block; SourceError when the node is not on this block's chain."""
        with _as_source_errors():
            call = {"to": pool, "data": _hex(verbs.POOL_STATE.encode([]))}
            answer = self.rpc.call("eth_call", call, {"blockHash": _hex(block.hash)})
            state = verbs.POOL_STATE.decode(_bytes(answer))
            return PoolReading(int(state[1]), int(state[2]), block.timestamp)

    # Calls

    def call(self, call: Call, block: int | None = None) -> bytes:
        """Return what a call would return at a block, the newest one for None; Revert if it would fail."""
        answer = self.calls([call], block)[0]
        if isinstance(answer, Unanswered):
            raise SourceError(str(answer))
        if isinstance(answer, Revert):
            raise answer
        return answer

    def calls(self, calls: Sequence[Call], block: int | None = None) -> list[bytes | Revert]:
        """Return what several calls would return, each on its own, in one round trip.

        A call that the node has no answer for is Unanswered, a Revert too: one of them must not cost the others.
        """
        answers = self.rpc.batch([("eth_call", (_call(call), _tag(block))) for call in calls])
        return self._counted([_output(answer) for answer in answers])

    def simulate(self, calls: Sequence[Call]) -> list[Simulated | Revert]:
        """Return what transactions would do in the next block, each on its own, in one round trip.

        By eth_simulateV1 where the node has it: exact gas, and logs. Elsewhere by eth_estimateGas, without logs.
        """
        if self._simulates:
            answers = self.rpc.batch([_simulation([call]) for call in calls])
            if not any(isinstance(answer, RpcError) and _is_unsupported(answer) for answer in answers):
                return self._counted([_simulated(answer) for answer in answers])
            self._simulates = False
        answers = self.rpc.batch([("eth_estimateGas", (_call(call), "latest")) for call in calls])
        return self._counted([_estimated(answer) for answer in answers])

    def simulate_in_order(self, calls: Sequence[Call]) -> list[Simulated | Revert]:
        """Return what transactions would do in the next block one after the other; those that fail change nothing.

        Where the node has no eth_simulateV1, each is tried on its own.
        """
        if self._simulates and calls:
            (answer,) = self.rpc.batch([_simulation(calls)])
            if not isinstance(answer, RpcError):
                with _as_source_errors():
                    return [_read_simulated(result) for result in answer[0]["calls"]]
        return self.simulate(calls)

    def estimate(self, calls: Sequence[Call]) -> list[int | Revert]:
        """Return the least gas limit with which each transaction succeeds now, each on its own, in one round trip."""
        answers = self.rpc.batch([("eth_estimateGas", (_call(call), "latest")) for call in calls])
        found = self._counted([_estimated(answer) for answer in answers])
        return [each if isinstance(each, Revert) else each.gas_used for each in found]

    # Fees and transactions

    def fee_history(self, blocks: int, percentile: int) -> FeeHistory:
        """Return base fees and tips of the last `blocks` blocks."""
        return self._ask("eth_feeHistory", hex(blocks), "latest", [percentile], read=_fee_history)

    def nonce(self, address: str, tag: str = "latest") -> int:
        """Return how many transactions of an address are mined ("latest"), or known ("pending")."""
        return self._ask("eth_getTransactionCount", address, tag, read=_quantity)

    def balance(self, address: str) -> int:
        """Return an address's ether in wei."""
        return self._ask("eth_getBalance", address, "latest", read=_quantity)

    def send_raw(self, raw: bytes, *, rounds: int | None = None) -> str:
        """Hand a signed transaction to the node and return its hash."""
        return str(self.rpc.call("eth_sendRawTransaction", _hex(raw), rounds=rounds))

    def send_private(self, raw: bytes, last_block: int, *, rounds: int | None = None) -> str:
        """Hand a signed transaction to an endpoint that keeps it from the public pool until a block."""
        wanted = {"tx": _hex(raw), "maxBlockNumber": hex(last_block)}
        return str(self.rpc.call("eth_sendPrivateTransaction", wanted, rounds=rounds))

    def progress(self, address: str, hashes: Sequence[str], blocks: int, percentile: int) -> Progress:
        """Return all that a sender needs of a new block in one round trip.

        The count of mined transactions is asked for first: a receipt that is missing beside a higher count is late, or
        not ours.
        """
        requests: list[tuple[str, Sequence[Any]]] = [
            ("eth_getTransactionCount", (address, "latest")),
            ("eth_getTransactionCount", (address, "pending")),
            ("eth_feeHistory", (hex(blocks), "latest", [percentile])),
        ]
        requests += [("eth_getTransactionReceipt", (each,)) for each in hashes]
        mined, known, fees, *receipts = map(_raised, self.rpc.batch(requests))
        with _as_source_errors():
            found = [_receipt(each) for each in receipts if each is not None and each.get("blockNumber") is not None]
            count = _quantity(mined)
            receipts_by_hash = {each.tx_hash: each for each in found}
            return Progress(count, max(count, _quantity(known)), _fee_history(fees), receipts_by_hash)

    def known(self, hashes: Sequence[str]) -> list[bool]:
        """Return for each transaction whether the node has it, mined or not."""
        answers = self.rpc.batch([("eth_getTransactionByHash", (each,)) for each in hashes])
        return [not isinstance(answer, RpcError) and answer is not None for answer in answers]

    def _counted(self, results: list[T]) -> list[T]:
        """Count what got no answer, and return the results."""
        for result in results:
            if isinstance(result, Unanswered):
                self.unanswered += 1
                self.last_unanswered = str(result)
        return results

    def _ask(self, method: str, *params: Any, read: Callable[[Any], T]) -> T:
        answer = self.rpc.call(method, *params)
        with _as_source_errors():
            return read(answer)


@contextmanager
def _as_source_errors() -> Iterator[None]:
    """Turn what can go wrong with a node into SourceError, the data half's word for it."""
    try:
        yield
    except RpcError as error:
        raise (RangeTooWide if error.is_range else SourceError)(str(error)) from error
    except RpcUnavailable as error:
        raise SourceError(str(error)) from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SourceError(f"the node's answer makes no sense: {type(error).__name__} {error}") from error


def _raised(answer: Any) -> Any:
    if isinstance(answer, RpcError):
        raise answer
    return answer


def _tag(number: int | None) -> str:
    return "latest" if number is None else hex(number)


def _quantity(value: Any) -> int:
    return int(value, 16)


def _bytes(value: Any) -> bytes:
    if not isinstance(value, str) or value[:2] != "0x":
        raise SourceError(f"the node answered {value!r:.60} for bytes")
    return bytes.fromhex(value[2:])


def _hex(data: bytes) -> str:
    return f"0x{data.hex()}"


def _header(block: dict[str, Any]) -> Header:
    return Header(
        _quantity(block["number"]),
        _bytes(block["hash"]),
        _bytes(block["parentHash"]),
        _quantity(block["timestamp"]),
        _bytes(block.get("logsBloom") or "0x"),
    )


def _log(entry: dict[str, Any]) -> Log:
    return Log(checksum(entry["address"]), tuple(map(_bytes, entry["topics"])), _bytes(entry["data"]))


def _raw_log(entry: dict[str, Any]) -> RawLog:
    return RawLog(
        checksum(entry["address"]),
        tuple(map(_bytes, entry["topics"])),
        _bytes(entry["data"]),
        _quantity(entry["blockNumber"]),
        _bytes(entry["blockHash"]),
        _quantity(entry["logIndex"]),
        bool(entry.get("removed", False)),
    )


def _receipt(entry: dict[str, Any]) -> Receipt:
    return Receipt(
        tx_hash=str(entry["transactionHash"]),
        block_number=_quantity(entry["blockNumber"]),
        block_hash=str(entry["blockHash"]),
        succeeded=_quantity(entry["status"]) == 1,
        gas_used=_quantity(entry["gasUsed"]),
        price=_quantity(entry.get("effectiveGasPrice") or "0x0"),
        logs=tuple(_log(log) for log in entry.get("logs", [])),
    )


def _fee_history(answer: dict[str, Any]) -> FeeHistory:
    base_fees = tuple(_quantity(each) for each in answer["baseFeePerGas"])
    if not base_fees:
        raise ValueError("no base fees")
    rewards = answer.get("reward") or []
    return FeeHistory(base_fees, tuple(_quantity(each[0]) for each in rewards if each))


def _call(call: Call) -> dict[str, str]:
    fields = {"to": call.to, "data": _hex(call.data)}
    if call.sender is not None:
        fields["from"] = call.sender
    if call.gas is not None:
        fields["gas"] = hex(call.gas)
    return fields


def _simulation(calls: Sequence[Call]) -> tuple[str, Sequence[Any]]:
    """Return the request that runs calls one after the other in one block."""
    fields = [{"input" if name == "data" else name: value for name, value in _call(call).items()} for call in calls]
    return "eth_simulateV1", ({"blockStateCalls": [{"calls": fields}]}, "latest")


def _output(answer: Any) -> bytes | Revert:
    if isinstance(answer, RpcError):
        return _revert_of(answer)
    return _bytes(answer)


def _revert_of(error: RpcError) -> Revert:
    """Return the Revert that an error stands for; Unanswered when it stands for something else."""
    text = error.message.lower()
    if any(word in text for word in _OUT_OF_GAS):
        return Revert(halt="OutOfGas")
    if error.code in _REVERT_CODES or "revert" in text:
        data = error.data.get("data") if isinstance(error.data, dict) else error.data
        if isinstance(data, str) and data.startswith("0x"):
            return Revert.from_output(bytes.fromhex(data[2:]))
        _, found, reason = error.message.partition("reverted: ")
        return Revert(reason if found else "")
    return Unanswered(str(error))


def _simulated(answer: Any) -> Simulated | Revert:
    if isinstance(answer, RpcError):
        return _revert_of(answer)
    with _as_source_errors():
        return _read_simulated(answer[0]["calls"][0])


def _read_simulated(result: dict[str, Any]) -> Simulated | Revert:
    if _quantity(result["status"]) == 1:
        return Simulated(_quantity(result["gasUsed"]), tuple(_log(log) for log in result.get("logs", [])))
    error = result.get("error") or {}
    data = error.get("data")
    output = _bytes(data if isinstance(data, str) else result.get("returnData") or "0x")
    if not output and any(word in str(error.get("message", "")).lower() for word in _OUT_OF_GAS):
        return Revert(halt="OutOfGas")
    return Revert.from_output(output)


def _estimated(answer: Any) -> Simulated | Revert:
    if isinstance(answer, RpcError):
        return _revert_of(answer)
    return Simulated(_quantity(answer), None)


def _is_unsupported(error: RpcError) -> bool:
    text = error.message.lower()
    return error.code in _UNSUPPORTED_CODES or any(word in text for word in _UNSUPPORTED_WORDS)
