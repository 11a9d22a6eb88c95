"""JSON-RPC for a process that must not stop: several endpoints, retries with backoff, errors with types.

One request is one round trip; `batch` sends many in one. What the node refuses is an `RpcError`. What gets no answer
(no connection, a timeout, HTTP 429 or 5xx, bytes that are no JSON-RPC) is tried again, on the next endpoint first and
after a pause that doubles, with jitter, when all of them failed; in the end it is an `RpcUnavailable`. An endpoint that
failed rests for the same kind of pause. An endpoint of another chain is never used.

The JSON-RPC 2.0 specification: https://www.jsonrpc.org/specification
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from plimsoll.errors import ChainError
from plimsoll.keeper.clock import Clock
from plimsoll.keeper.transport import Transport, TransportError

Request = tuple[str, Sequence[Any]]
"""Method and parameters."""

_BUSY_CODES = (-32005, -32097, 429)
_BUSY_WORDS = (
    "rate limit",
    "too many requests",
    "capacity",
    "try again",
    "temporarily",
    "header not found",
    "service unavailable",
)
_RANGE_WORDS = (
    "query returned more than",
    "block range",
    "range is too",
    "range too",
    "response size",
    "too many results",
    "query timeout",
    "log response size",
    "exceed maximum",
    "max results",
)
_NO_BATCH_CODES = (-32600, -32601, -32700)


class RpcError(ChainError):
    """The node answered with an error; `data` is what it added, such as a reverted call's output in hex."""

    def __init__(self, method: str, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{method}: {message} ({code})")
        self.method = method
        self.code = code
        self.message = message
        self.data = data

    @property
    def is_range(self) -> bool:
        """Whether asking for fewer blocks could help."""
        text = self.message.lower()
        return self.method == "eth_getLogs" and any(word in text for word in _RANGE_WORDS)

    @property
    def is_busy(self) -> bool:
        """Whether the same request may well be answered a moment later."""
        if self.is_range:
            return False
        text = self.message.lower()
        return self.code in _BUSY_CODES or any(word in text for word in _BUSY_WORDS)


class RpcUnavailable(ChainError):  # noqa: N818  a state, not a mistake
    """No endpoint gave a usable answer, however often it was asked."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long: pauses are `base` * 2^n seconds up to `longest`, each multiplied by 0.5 to 1."""

    rounds: int = 6
    base: float = 0.2
    longest: float = 15.0
    timeout: float = 10.0
    batch: int = 100
    """Requests in one HTTP body."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that went wrong and is being tried again after `pause` seconds."""

    endpoint: str
    what: str
    pause: float


@dataclass
class RpcStats:
    """Counters since the start."""

    requests: int = 0
    bytes_received: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    """By endpoint."""


class Rpc:
    """A JSON-RPC client over one or more endpoints, the first of which is preferred."""

    def __init__(
        self,
        transports: Sequence[Transport],
        clock: Clock,
        *,
        policy: RetryPolicy | None = None,
        chain_id: int | None = None,
        on_fault: Callable[[Fault], None] = lambda fault: None,
        seed: int | None = None,
    ) -> None:
        if not transports:
            raise ChainError("no endpoint is configured")
        self.policy = policy or RetryPolicy()
        self.stats = RpcStats()
        self.chain_id = chain_id
        self._clock = clock
        self._on_fault = on_fault
        self._random = random.Random(seed)
        self._endpoints = [_Endpoint(transport) for transport in transports]
        self._next_id = 0

    @property
    def endpoints(self) -> list[tuple[str, bool]]:
        """Names of the endpoints, and whether each answered when it was last asked."""
        return [(endpoint.label, endpoint.failures == 0) for endpoint in self._endpoints]

    def call(self, method: str, *params: Any, rounds: int | None = None) -> Any:
        """Return the result of one request; RpcError when the node refuses, RpcUnavailable without an answer.

        `rounds` is how often every endpoint is asked, if not as often as the policy says.
        """
        answer = self.batch([(method, params)], rounds)[0]
        if isinstance(answer, RpcError):
            raise answer
        return answer

    def batch(self, requests: Sequence[Request], rounds: int | None = None) -> list[Any]:
        """Return results in the order of the requests, an RpcError where one was refused.

        RpcUnavailable when no endpoint answered all of them.
        """
        answers: list[Any] = []
        for start in range(0, len(requests), self.policy.batch):
            answers += self._batch(requests[start : start + self.policy.batch], rounds or self.policy.rounds)
        return answers

    def close(self) -> None:
        """Close every connection."""
        for endpoint in self._endpoints:
            endpoint.transport.close()

    def _batch(self, requests: Sequence[Request], rounds: int) -> list[Any]:
        last = "no endpoint may be used"
        for attempt in range(rounds):
            wait = 0.0
            for endpoint in self._usable():
                try:
                    answers = self._ask(endpoint, requests)
                except TransportError as error:
                    last = f"{endpoint.label}: {error}"
                    wait = max(wait, error.wait)
                    self._failed(endpoint, error, attempt)
                    continue
                endpoint.failures = 0
                return answers
            if attempt + 1 < rounds:
                self._clock.sleep(max(self._pause(attempt), min(wait, self.policy.longest)))
        raise RpcUnavailable(f"no answer, asked {rounds} times: {last}")

    def _usable(self) -> list[_Endpoint]:
        """Return endpoints in order of preference: those that rest come last, those of another chain not at all."""
        now = self._clock.monotonic()
        known = [endpoint for endpoint in self._endpoints if not endpoint.banned]
        return sorted(known, key=lambda endpoint: endpoint.rests_until > now)

    def _failed(self, endpoint: _Endpoint, error: TransportError, attempt: int) -> None:
        endpoint.failures += 1
        pause = max(error.wait, self._pause(min(endpoint.failures - 1, 16)))
        if error.final:
            pause = max(pause, self.policy.longest)
        endpoint.rests_until = self._clock.monotonic() + pause
        endpoint.transport.close()
        self.stats.faults[endpoint.label] = self.stats.faults.get(endpoint.label, 0) + 1
        self._on_fault(Fault(endpoint.label, str(error), pause))

    def _pause(self, attempt: int) -> float:
        whole: float = min(self.policy.base * 2**attempt, self.policy.longest)
        return whole * (0.5 + self._random.random() / 2)

    def _ask(self, endpoint: _Endpoint, requests: Sequence[Request]) -> list[Any]:
        self._check_chain(endpoint)
        if len(requests) == 1 or not endpoint.batches:
            return [self._single(endpoint, request) for request in requests]
        self._next_id += len(requests)
        first = self._next_id - len(requests)
        answer = self._exchange(endpoint, [_body(first + i, request) for i, request in enumerate(requests)])
        if isinstance(answer, dict):
            self._read_refused_batch(endpoint, answer)
            return [self._single(endpoint, request) for request in requests]
        if not isinstance(answer, list):
            raise TransportError("the answer to a batch is no list")
        by_id = {entry.get("id"): entry for entry in answer if isinstance(entry, dict)}
        found: list[Any] = []
        for i, (method, _) in enumerate(requests):
            if first + i not in by_id:
                raise TransportError("the answer to a batch is incomplete")
            found.append(_result(method, by_id[first + i]))
        if any(isinstance(each, RpcError) and each.is_busy for each in found):
            raise TransportError(str(next(each for each in found if isinstance(each, RpcError) and each.is_busy)))
        return found

    def _single(self, endpoint: _Endpoint, request: Request) -> Any:
        self._next_id += 1
        answer = self._exchange(endpoint, _body(self._next_id, request))
        if not isinstance(answer, dict) or answer.get("id") not in (self._next_id, None):
            raise TransportError("the answer belongs to another request")
        result = _result(request[0], answer)
        if isinstance(result, RpcError) and result.is_busy:
            raise TransportError(str(result))
        return result

    def _exchange(self, endpoint: _Endpoint, body: Any) -> Any:
        raw = endpoint.transport.exchange(json.dumps(body, separators=(",", ":")).encode(), self.policy.timeout)
        self.stats.requests += 1
        self.stats.bytes_received += len(raw)
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            raise TransportError("the answer is no JSON") from None

    def _check_chain(self, endpoint: _Endpoint) -> None:
        if endpoint.checked or self.chain_id is None:
            return
        found = self._single(endpoint, ("eth_chainId", ()))
        if not isinstance(found, str) or not found.startswith("0x"):
            raise TransportError(f"eth_chainId answered {found!r:.60}")
        if int(found, 16) != self.chain_id:
            endpoint.banned = True
            raise TransportError(f"is chain {int(found, 16)}, not {self.chain_id}: never used again", final=True)
        endpoint.checked = True

    def _read_refused_batch(self, endpoint: _Endpoint, answer: dict[str, Any]) -> None:
        """Remember that an endpoint takes no batches; TransportError when it said something else."""
        error = _result("batch", answer)
        if not isinstance(error, RpcError) or error.is_busy or error.code not in _NO_BATCH_CODES:
            raise TransportError(f"the answer to a batch is {error}")
        endpoint.batches = False


class _Endpoint:
    __slots__ = ("banned", "batches", "checked", "failures", "rests_until", "transport")

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.failures = 0
        self.rests_until = 0.0
        self.checked = False
        self.banned = False
        self.batches = True

    @property
    def label(self) -> str:
        return self.transport.label


def _body(number: int, request: Request) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": number, "method": request[0], "params": list(request[1])}


def _result(method: str, answer: dict[str, Any]) -> Any:
    """Return the result, or the RpcError, that an answer holds."""
    error = answer.get("error")
    if error is not None:
        if not isinstance(error, dict):
            return RpcError(method, 0, f"{error!r:.200}")
        code = error.get("code")
        code = code if isinstance(code, int) else 0
        return RpcError(method, code, " ".join(str(error.get("message", "")).split())[:500], error.get("data"))
    if "result" not in answer:
        raise TransportError("the answer has neither result nor error")
    return answer["result"]
