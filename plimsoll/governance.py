"""The timelock that owns the protocol: what waits in its queue, in words, and what its people do with it.

    governance = Governance(chain, manifest)
    for operation in governance.queue():
        print(operation.name, operation.ready_at, *governance.lines(operation))
    raised = governance.call("pool.WETH", "set_caps", supply_cap, borrow_cap)
    operation = governance.schedule([raised], admin)
    governance.execute(operation, anybody)

The queue is read from the timelock's events, so it needs nothing but a node. An operation is one call, or a batch of
calls made together (see `contracts/interfaces/ITimelock.vyi`). Times are UNIX seconds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from plimsoll import artifacts
from plimsoll.chain import ZERO_ADDRESS, Chain, Contract, Event, Receipt
from plimsoll.chain.abi import contract_abi
from plimsoll.errors import PlimsollError
from plimsoll.manifest import Manifest
from plimsoll.protocol import named_reverts

ROLE = "timelock"
"""The timelock's role in a manifest."""
NOTHING = bytes(32)
"""No predecessor, no salt."""
PAYLOAD_LIMIT = 1_024
BATCH_LIMIT = 255
_DONE = 1
_IDS_PER_CALL = 255
_ACCEPT = "accept_ownership"


class State(Enum):
    """Where an operation stands."""

    WAITING = "waiting"
    READY = "ready"
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a timelock makes: `amount` is wei sent along."""

    target: str
    payload: bytes
    amount: int = 0


@dataclass(frozen=True, slots=True)
class Operation:
    """What was scheduled under one id; `ready_at` is 0 once it was executed or cancelled."""

    id: bytes
    calls: tuple[Call, ...]
    predecessor: bytes
    salt: bytes
    delay: int
    state: State
    ready_at: int

    @property
    def name(self) -> str:
        """The id in hex."""
        return f"0x{self.id.hex()}"

    @property
    def is_batch(self) -> bool:
        """Whether it was scheduled as a batch, which a single call may be too."""
        return self.id == batch_id(self.calls, self.predecessor, self.salt)


def call_id(call: Call, predecessor: bytes = NOTHING, salt: bytes = NOTHING) -> bytes:
    """Return the id of an operation of one call."""
    types = ["address", "uint256", "bytes", "bytes32", "bytes32"]
    return keccak(encode(types, [call.target, call.amount, call.payload, predecessor, salt]))


def batch_id(calls: Sequence[Call], predecessor: bytes = NOTHING, salt: bytes = NOTHING) -> bytes:
    """Return the id of a batch."""
    targets, amounts, payloads = _columns(calls)
    types = ["address[]", "uint256[]", "bytes[]", "bytes32", "bytes32"]
    return keccak(encode(types, [targets, amounts, payloads, predecessor, salt]))


def not_accepted(chain: Chain, manifest: Manifest) -> list[str]:
    """Return the roles whose ownership was offered to somebody who has not accepted it yet."""
    return [role for role in owned_roles(manifest) if _contract(chain, manifest, role).pending_owner() != ZERO_ADDRESS]


def owned_roles(manifest: Manifest) -> list[str]:
    """Return the roles of contracts with a two-step owner."""
    found = []
    for role, deployed in manifest.contracts.items():
        names = {entry.get("name") for entry in artifacts.load(deployed.contract).abi}
        if {_ACCEPT, "pending_owner"} <= names:
            found.append(role)
    return found


class Governance:
    """A deployment's timelock; PlimsollError when it has none."""

    def __init__(self, chain: Chain, manifest: Manifest) -> None:
        if ROLE not in manifest.contracts:
            raise PlimsollError('the deployment has no timelock: its owner was not "timelock"')
        self.chain = chain
        self.manifest = manifest
        self.timelock: Any = _contract(chain, manifest, ROLE)
        self._names = _contract_names(manifest)
        self._known = {deployed.address: role for role, deployed in manifest.contracts.items()}
        self._known |= {asset.token: symbol for symbol, asset in manifest.assets.items()}
        self._keys = {int(asset.key, 16): symbol for symbol, asset in manifest.assets.items()}

    # Reading

    def operations(self) -> list[Operation]:
        """Return everything that was ever scheduled, the oldest first."""
        events = self.chain.events_of(self.timelock, self.manifest.block)
        scheduled: dict[bytes, list[Event]] = {}
        salts: dict[bytes, bytes] = {}
        for event in events:
            if event.name == "CallScheduled":
                if event.args["index"] == 0:
                    scheduled.pop(event.args["id"], None)
                scheduled.setdefault(event.args["id"], []).append(event)
            elif event.name == "CallSalt":
                salts[event.args["id"]] = event.args["salt"]
        times = self._times(list(scheduled))
        now = self.chain.timestamp()
        return [_operation(id_, calls, salts.get(id_, NOTHING), times[id_], now) for id_, calls in scheduled.items()]

    def queue(self) -> list[Operation]:
        """Return what waits or is due, the earliest first."""
        pending = (each for each in self.operations() if each.state in (State.WAITING, State.READY))
        return sorted(pending, key=lambda operation: operation.ready_at)

    def find(self, name: str) -> Operation:
        """Return the operation whose id starts so, in hex; PlimsollError when there is none, or more than one."""
        start = name.lower().removeprefix("0x")
        found = [operation for operation in self.operations() if operation.id.hex().startswith(start)]
        if not start or not found:
            raise PlimsollError(f"no operation {name!r} was ever scheduled: see `ape run governance queue`")
        if len(found) > 1:
            raise PlimsollError(f"{name!r} begins {len(found)} ids: write more of it")
        return found[0]

    def lines(self, operation: Operation) -> list[str]:
        """Return every call of an operation as a line of text."""
        return [self.describe(call) for call in operation.calls]

    def describe(self, call: Call) -> str:
        """Return a call as text: ``RiskEngine.set_margin(key=0x2 (WETH), parameters=(floor=0.08e18, ...))``."""
        role = self._known.get(call.target)
        name = self._names.get(call.target, role or call.target)
        paid = f", with {call.amount} wei" if call.amount else ""
        deployed = self.manifest.contracts.get(role or "")
        if deployed is not None and call.payload:
            said = self._function(deployed.contract, call.payload)
            if said:
                return f"{name}.{said}{paid}"
        return f"{name}: 0x{call.payload.hex()}{paid}"

    # Scheduling

    def value(self, text: str) -> Any:
        """Return an argument as people write it: JSON, whose numbers are whole (0.08e18 is), or plain text; the name
        of a role stands for its address. PlimsollError for a number that is not whole."""
        try:
            return self._resolved(json.loads(text, parse_float=Decimal))
        except json.JSONDecodeError:
            return self._resolved(text)

    def call(self, role: str, function: str, *args: Any) -> Call:
        """Return the call of a function of the contract in a role; PlimsollError when it cannot be made."""
        contract = _contract(self.chain, self.manifest, role)
        try:
            payload = contract.method(function).encode(*args)
        except (AttributeError, TypeError, ValueError) as error:
            raise PlimsollError(f"{role}.{function}: {error}") from error
        if len(payload) > PAYLOAD_LIMIT:
            raise PlimsollError(f"{role}.{function}: {len(payload)} bytes; the timelock takes {PAYLOAD_LIMIT}")
        return Call(contract.address, payload)

    def schedule(
        self, calls: Sequence[Call], sender: str, *, delay: int | None = None, predecessor: bytes = NOTHING
    ) -> Operation:
        """Schedule calls to be made together, as soon as the timelock allows unless `delay` is longer."""
        id_, scheduling = self.scheduling(calls, delay=delay, predecessor=predecessor)
        with named_reverts():
            self.chain.raw_call(scheduling.target, scheduling.payload, sender)
        return self.find(id_.hex())

    def scheduling(
        self, calls: Sequence[Call], *, delay: int | None = None, predecessor: bytes = NOTHING
    ) -> tuple[bytes, Call]:
        """Return the id that calls would have, and the timelock owner's call that schedules them.

        The salt is the first that makes the id a new one, so the same calls can be scheduled again and again.
        """
        if not 1 <= len(calls) <= BATCH_LIMIT:
            raise PlimsollError(f"an operation has 1 to {BATCH_LIMIT} calls, not {len(calls)}")
        salt = 0
        while self.timelock.get_timestamp(_id(calls, predecessor, _word(salt))):
            salt += 1
        wait = self.timelock.get_minimum_delay() if delay is None else delay
        targets, amounts, payloads = _columns(calls)
        ends = (predecessor, _word(salt), wait)
        if len(calls) == 1:
            payload = self.timelock.schedule.encode(targets[0], amounts[0], payloads[0], *ends)
        else:
            payload = self.timelock.schedule_batch.encode(targets, amounts, payloads, *ends)
        return _id(calls, predecessor, _word(salt)), Call(self.timelock.address, payload)

    def execute(self, operation: Operation, sender: str) -> Receipt:
        """Execute an operation that is due."""
        targets, amounts, payloads = _columns(operation.calls)
        ends = (operation.predecessor, operation.salt)
        value = sum(amounts)
        with named_reverts():
            if operation.is_batch:
                receipt: Receipt = self.timelock.execute_batch(
                    targets, amounts, payloads, *ends, sender=sender, value=value
                )
            else:
                receipt = self.timelock.execute(targets[0], amounts[0], payloads[0], *ends, sender=sender, value=value)
        return receipt

    def cancel(self, operation: Operation, sender: str) -> Receipt:
        """Cancel an operation that is queued; the owner and the guardian may."""
        with named_reverts():
            receipt: Receipt = self.timelock.cancel(operation.id, sender=sender)
        return receipt

    # Taking over

    def to_accept(self) -> list[str]:
        """Return the roles whose ownership was offered to the timelock and not accepted yet."""
        roles = {role: _contract(self.chain, self.manifest, role) for role in owned_roles(self.manifest)}
        return [role for role, contract in roles.items() if contract.pending_owner() == self.timelock.address]

    def acceptances(self) -> list[Operation]:
        """Return the queued operations that do nothing but accept ownerships."""
        return [operation for operation in self.queue() if all(map(self._accepts, operation.calls))]

    def schedule_acceptance(self, sender: str) -> Operation | None:
        """Schedule the acceptance of what is offered and not queued; None when there is nothing left to do."""
        queued = {call.target for operation in self.acceptances() for call in operation.calls}
        offered = [self.call(role, _ACCEPT) for role in self.to_accept()]
        missing = [call for call in offered if call.target not in queued]
        return self.schedule(missing, sender) if missing else None

    def accept(self, sender: str) -> list[str]:
        """Do what can be done now so that the timelock owns everything; return the roles it does not own yet.

        The timelock's owner schedules, anybody executes what is due; on a local chain the waiting is skipped.
        """
        if self.timelock.owner() == sender:
            self.schedule_acceptance(sender)
        for operation in self.acceptances():
            wait = operation.ready_at - self.chain.timestamp()
            if wait > 0 and self.chain.is_local:
                self.chain.warp(wait)
            if operation.ready_at <= self.chain.timestamp():
                self.execute(operation, sender)
        return self.to_accept()

    # Inside

    def _times(self, ids: list[bytes]) -> dict[bytes, int]:
        times: dict[bytes, int] = {}
        for first in range(0, len(ids), _IDS_PER_CALL):
            some = ids[first : first + _IDS_PER_CALL]
            times |= dict(zip(some, self.timelock.timestamps(some), strict=True))
        return times

    def _function(self, contract: str, payload: bytes) -> str:
        """Return calldata as text, "" when it is no call of that contract."""
        function = contract_abi(artifacts.load(contract).abi).function_of(payload[:4])
        if function is None:
            return ""
        try:
            arguments = function.decode_arguments(payload[4:])
        except ValueError:
            return ""
        return f"{function.name}({', '.join(f'{key}={self._said(key, value)}' for key, value in arguments.items())})"

    def _resolved(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._resolved(part) for part in value]
        if isinstance(value, dict):
            return {key: self._resolved(part) for key, part in value.items()}
        if isinstance(value, Decimal):
            if value != value.to_integral_value():
                raise PlimsollError(f"{value} is no whole number: write 0.08e18 for 0.08 in WAD")
            return int(value)
        deployed = self.manifest.contracts.get(value) if isinstance(value, str) else None
        return value if deployed is None else deployed.address

    def _accepts(self, call: Call) -> bool:
        return bool(call.payload == self.timelock.accept_ownership.encode())

    def _said(self, name: str, value: Any) -> str:
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            return f"({', '.join(f'{key}={self._said(key, part)}' for key, part in value._asdict().items())})"
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(self._said(name, part) for part in value)}]"
        if isinstance(value, bytes):
            return f"0x{value.hex()}"
        if isinstance(value, str) and value in self._known:
            return f"{value} ({self._known[value]})"
        if isinstance(value, int) and not isinstance(value, bool):
            if name.endswith("key") and value in self._keys:
                return f"{value:#x} ({self._keys[value]})"
            return _number(value)
        return str(value)


def _operation(id_: bytes, events: Sequence[Event], salt: bytes, time: int, now: int) -> Operation:
    calls = tuple(Call(event.args["target"], event.args["payload"], event.args["amount"]) for event in events)
    if time > _DONE:
        state = State.READY if time <= now else State.WAITING
    else:
        state = State.DONE if time == _DONE else State.CANCELLED
    first = events[0].args
    return Operation(id_, calls, first["predecessor"], salt, first["delay"], state, time if time > _DONE else 0)


def _id(calls: Sequence[Call], predecessor: bytes, salt: bytes) -> bytes:
    return call_id(calls[0], predecessor, salt) if len(calls) == 1 else batch_id(calls, predecessor, salt)


def _columns(calls: Sequence[Call]) -> tuple[list[str], list[int], list[bytes]]:
    return [call.target for call in calls], [call.amount for call in calls], [call.payload for call in calls]


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _contract(chain: Chain, manifest: Manifest, role: str) -> Contract:
    if role not in manifest.contracts:
        raise PlimsollError(f"no contract {role!r}: there are {', '.join(manifest.contracts)}")
    return chain.at(manifest.contracts[role].contract, manifest.address(role))


def _contract_names(manifest: Manifest) -> dict[str, str]:
    """Return what to call every contract: its artifact's name, with its role where several share that."""
    names: dict[str, list[str]] = {}
    for role, deployed in manifest.contracts.items():
        names.setdefault(deployed.contract, []).append(role)
    return {
        manifest.address(role): name if len(roles) == 1 else f"{name} {role}"
        for name, roles in names.items()
        for role in roles
    }


def _number(value: int) -> str:
    """Return an integer as it is; a large round one in WAD notation, exactly: 0.08e18."""
    if value >= 10**14 and value % 10**10 == 0:
        text = f"{Decimal(value).scaleb(-18):f}"
        return f"{text.rstrip('0').rstrip('.') if '.' in text else text}e18"
    return str(value)


def moment(time: int) -> str:
    """Return a UNIX time as people read it, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
