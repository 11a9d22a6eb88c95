"""What every chain backend offers, and the contract objects that work on all of them.

Times are UNIX seconds, ether amounts wei, addresses checksummed strings. A `Contract` may stand wherever an address is
expected, also inside lists and structs.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from eth_abi.abi import default_codec
from eth_utils.crypto import keccak

from plimsoll import artifacts
from plimsoll.chain.abi import ContractAbi, EventAbi, FunctionAbi, checksum, contract_abi

ZERO_ADDRESS = "0x" + "00" * 20

GAS_LIMIT = 16_777_216
"""Gas of a transaction that sets no limit of its own: the most one may have (EIP-7825)."""

Account = str
"""An address that can send transactions."""

_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_PANICS = {
    0x01: "assertion",
    0x11: "arithmetic overflow",
    0x12: "division by zero",
    0x21: "bad enum",
    0x22: "bad storage string",
    0x31: "pop from empty array",
    0x32: "index out of range",
    0x41: "out of memory",
    0x51: "bad function pointer",
}


class Revert(Exception):  # noqa: N818  what happened, and the word everybody uses
    """A call or a deployment that did not succeed.

    `reason` is the text the contract gave ("pool: cash"), "panic 0x11: arithmetic overflow" for a Solidity panic, and
    "" when the EVM gave none: Vyper's lock, overflow and decoding checks revert without data. `halt` names an
    exceptional halt ("OutOfGas") and is "" for a plain revert; `data` is what was returned, `gas_used` 0 where a
    backend cannot tell.
    """

    def __init__(self, reason: str = "", *, data: bytes = b"", halt: str = "", gas_used: int = 0) -> None:
        super().__init__(reason or halt or (f"0x{data.hex()}" if data else "reverted without a reason"))
        self.reason = reason
        self.data = data
        self.halt = halt
        self.gas_used = gas_used

    @classmethod
    def from_output(cls, data: bytes, *, gas_used: int = 0) -> Revert:
        """Build from a reverted call's return data."""
        return cls(revert_reason(data), data=data, gas_used=gas_used)


def revert_reason(data: bytes) -> str:
    """Return the text in a reverted call's return data: "" without data, the hex of data in no known form."""
    if data[:4] == _ERROR:
        try:
            text: str = default_codec.decode(["string"], data[4:])[0]
        except Exception:
            return f"0x{data.hex()}"
        return text
    if data[:4] == _PANIC and len(data) == 36:
        code = int.from_bytes(data[4:], "big")
        return f"panic {code:#04x}: {_PANICS.get(code, 'unknown')}"
    return f"0x{data.hex()}" if data else ""


@dataclass(frozen=True, slots=True)
class Log:
    """A log as the chain gives it."""

    address: str
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """A decoded log: the contract's address, the event's name, its arguments by name.

    An event of no known contract has its first topic in hex as its name, and arguments `topics` and `data`.
    """

    contract: str
    name: str
    args: dict[str, Any]

    __hash__ = None  # type: ignore[assignment]  # the arguments are a dict


class Receipt:
    """What a transaction did. Events and the return value are decoded when first asked for."""

    __slots__ = (
        "_decode",
        "_events",
        "_logs",
        "_read_events",
        "block_number",
        "gas_used",
        "return_data",
        "timestamp",
        "tx_hash",
    )

    def __init__(
        self,
        *,
        gas_used: int,
        return_data: bytes,
        block_number: int,
        timestamp: int,
        logs: Callable[[], Sequence[Log]],
        read_events: Callable[[Sequence[Log]], list[Event]],
        tx_hash: str | None = None,
    ) -> None:
        self.gas_used = gas_used
        self.return_data = return_data
        self.block_number = block_number
        self.timestamp = timestamp
        self.tx_hash = tx_hash
        self._logs = logs
        self._read_events = read_events
        self._events: list[Event] | None = None
        self._decode: Callable[[bytes], Any] = bytes

    def decode_with(self, decode: Callable[[bytes], Any]) -> Receipt:
        """Set how `return_value` is read from the return data."""
        self._decode = decode
        return self

    @property
    def events(self) -> list[Event]:
        """Every event of the transaction in order."""
        if self._events is None:
            self._events = self._read_events(self._logs())
        return self._events

    @property
    def return_value(self) -> Any:
        """The function's decoded result; the raw bytes of a raw call."""
        return self._decode(self.return_data)

    def find(self, name: str, contract: Contract | str | None = None) -> list[Event]:
        """Return the events called `name`, of `contract` if given."""
        address = None if contract is None else address_of(contract)
        return [event for event in self.events if event.name == name and address in (None, event.contract)]

    def __repr__(self) -> str:
        return f"<Receipt block={self.block_number} gas={self.gas_used}>"


class Chain(Protocol):
    """A chain to deploy on, call and look at."""

    @property
    def name(self) -> str:
        """ "revm", or ape's network choice such as "ethereum:local:foundry"."""

    @property
    def chain_id(self) -> int:
        """The id that signatures are bound to."""

    @property
    def is_local(self) -> bool:
        """Whether time can be moved, ether minted and state restored."""

    def accounts(self) -> list[Account]:
        """Return the addresses that can send transactions here."""

    def key(self, account: Account) -> str:
        """Return the private key of a test account in hex; KeyError for any other."""

    def deploy(self, name: str, *args: Any, sender: Account, value: int = 0, gas: int | None = None) -> Contract:
        """Deploy an artifact of this name (see `plimsoll.artifacts.load`); Revert if its constructor reverts."""

    def at(self, name: str, address: Contract | str) -> Contract:
        """Return the contract at `address` with the ABI of the artifact called `name`."""

    def raw_call(
        self, to: Contract | str, data: bytes, sender: Account, value: int = 0, gas: int | None = None
    ) -> Receipt:
        """Send a transaction with this calldata; Revert if it fails."""

    def simulate(
        self, to: Contract | str, data: bytes, sender: Account | None = None, value: int = 0, gas: int | None = None
    ) -> bytes:
        """Return what such a call would return now, changing nothing; Revert if it would fail."""

    def deploy_blueprint(self, name: str, sender: Account) -> str:
        """Store an artifact's creation code for a factory (ERC-5202), as far as it fits; return the address.

        What does not fit is `plimsoll.artifacts.Artifact.blueprint_rest`.
        """

    def events_of(self, contract: Contract | str, since: int) -> list[Event]:
        """Return every event that a contract logged from block `since` on, in order."""

    def next_address(self, sender: Account, ahead: int = 0) -> str:
        """Return where the contract will be that `sender` deploys after `ahead` more transactions."""

    def timestamp(self) -> int:
        """Return the time that a call made now sees."""

    def block_number(self) -> int:
        """Return the number of the block that a call made now sees."""

    def warp(self, seconds: int) -> None:
        """Advance the time by `seconds` and mine a block; local chains only."""

    def fund(self, address: Contract | str, wei: int) -> None:
        """Give an address ether; local chains only."""

    def balance(self, address: Contract | str) -> int:
        """Return an address's ether in wei."""

    def code(self, address: Contract | str) -> bytes:
        """Return the runtime code at an address, empty if there is none."""

    def is_contract(self, address: Contract | str) -> bool:
        """Return whether there is code at an address."""

    def snapshot(self) -> int:
        """Remember the state, block and time; local chains only."""

    def revert(self, snapshot: int) -> None:
        """Return to a snapshot, which stays valid; those taken after it do not. Local chains only."""

    def isolate(self) -> Any:
        """Return a context manager that undoes what happens inside; local chains only."""


class ContractChain(Chain):
    """The part of a chain that is the same on every backend: contracts by name, and logs read by the ABIs it has
    seen."""

    def __init__(self) -> None:
        self._abis: dict[str, ContractAbi] = {}
        self._events: dict[tuple[bytes, int], EventAbi] = {}

    @abstractmethod
    def _create(self, code: bytes, sender: Account, value: int, gas: int | None) -> tuple[str, Receipt]:
        """Send a creation; return the new contract's address and the receipt."""

    @abstractmethod
    def _logs_since(self, address: str, block: int) -> Sequence[Log]:
        """Return an address's logs from a block on, in order."""

    @abstractmethod
    def _nonce(self, sender: Account) -> int:
        """Return how many transactions an account has sent, with those that are not mined yet."""

    def deploy(self, name: str, *args: Any, sender: Account, value: int = 0, gas: int | None = None) -> Contract:
        """Deploy an artifact; see `Chain.deploy`."""
        artifact = artifacts.load(name)
        if not artifact.init_code:
            raise artifacts.ArtifactError(f"{name} is an interface: nothing to deploy")
        coder = contract_abi(artifact.abi)
        code = artifact.init_code + coder.constructor.encode_arguments(args)
        address, receipt = self._create(code, sender, value, gas)
        return self._register(name, address, coder, receipt)

    def deploy_blueprint(self, name: str, sender: Account) -> str:
        """Store creation code; see `Chain.deploy_blueprint`."""
        return self._create(_storing(artifacts.load(name).blueprint), sender, 0, None)[0]

    def events_of(self, contract: Contract | str, since: int) -> list[Event]:
        """Return a contract's events; see `Chain.events_of`."""
        return self.read_events(self._logs_since(checksum(address_of(contract)), since))

    def at(self, name: str, address: Contract | str) -> Contract:
        """Return a contract that is already there; see `Chain.at`."""
        return self._register(name, checksum(address_of(address)), contract_abi(artifacts.load(name).abi), None)

    def next_address(self, sender: Account, ahead: int = 0) -> str:
        """Return where a later deployment will be; see `Chain.next_address`."""
        return created_address(sender, self._nonce(sender) + ahead)

    def is_contract(self, address: Contract | str) -> bool:
        """Return whether there is code at an address."""
        return bool(self.code(address))

    @contextmanager
    def isolate(self) -> Iterator[None]:
        """Undo what happens inside the ``with``."""
        before = self.snapshot()
        try:
            yield
        finally:
            self.revert(before)

    def read_events(self, logs: Sequence[Log]) -> list[Event]:
        """Decode logs: by the ABI of their address, else by any ABI seen that declares such an event."""
        return [self._event(log) for log in logs]

    def _register(self, name: str, address: str, coder: ContractAbi, receipt: Receipt | None) -> Contract:
        self._abis[address] = coder
        for event in coder.events.values():
            self._events.setdefault((event.topic, event.indexed), event)
        return Contract(self, name, address, coder, receipt)

    def _event(self, log: Log) -> Event:
        topic = log.topics[0] if log.topics else b""
        coder = self._abis.get(log.address)
        event = coder.events.get(topic) if coder else None
        if event is None or event.indexed != len(log.topics) - 1:
            event = self._events.get((topic, len(log.topics) - 1))
        if event is None:
            return Event(log.address, f"0x{topic.hex()}", {"topics": list(log.topics), "data": log.data})
        return Event(log.address, event.name, event.decode(log.topics, log.data))


class Contract:
    """A deployed contract. Its functions are attributes:

    ``c.totalAssets()`` calls a view and returns its value; ``c.deposit(1, me, sender=me)`` sends a transaction and
    returns its `Receipt`; ``c.deposit.call(1, me, sender=me)`` only computes the return value; ``c.deposit.encode(1,
    me)`` is the calldata. Overloads are told apart by the number of arguments. A function whose name this class uses
    itself (`name`) is reached by ``c.method("name")``.
    """

    def __init__(
        self, chain: Chain, name: str, address: str, coder: ContractAbi, deployment: Receipt | None = None
    ) -> None:
        self.chain = chain
        self.name = name
        self.address = address
        self.deployment = deployment
        self._coder = coder

    @property
    def abi(self) -> artifacts.Abi:
        """The contract's ABI."""
        return self._coder.abi

    def method(self, name: str) -> Method:
        """Return the function called `name`; AttributeError if the ABI has none."""
        overloads = self._coder.functions.get(name)
        if overloads is None:
            raise AttributeError(f"{self.name} has no function {name}")
        return Method(self, name, overloads)

    def event(self, name: str, **args: Any) -> Event:
        """Return the event as this contract would log it, for comparison; ValueError if the arguments are not its
        own."""
        for event in self._coder.events.values():
            if event.name == name:
                if set(args) != set(event.argument_names):
                    raise ValueError(f"{name} has arguments {', '.join(event.argument_names)}; got {', '.join(args)}")
                return Event(self.address, name, {key: _plain(args[key]) for key in event.argument_names})
        raise ValueError(f"{self.name} has no event {name}")

    def __getattr__(self, name: str) -> Method:
        if name.startswith("__") or "_coder" not in self.__dict__:
            raise AttributeError(name)
        method = self.method(name)
        self.__dict__[name] = method
        return method

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Contract) and (self.address, self.chain) == (other.address, other.chain)

    def __hash__(self) -> int:
        return hash(self.address)

    def __repr__(self) -> str:
        return f"<{self.name} {self.address}>"


class Method:
    """A function of a contract."""

    __slots__ = ("_chain", "_contract", "_overloads", "_to", "name")

    def __init__(self, contract: Contract, name: str, overloads: dict[int, FunctionAbi]) -> None:
        self.name = name
        self._contract = contract
        self._overloads = overloads
        self._chain = contract.chain
        self._to = contract.address

    def __call__(self, *args: Any, sender: Account | None = None, value: int = 0, gas: int | None = None) -> Any:
        """Call a view (value) or send a transaction (Receipt); a transaction needs its sender."""
        function = self._function(args)
        if function.is_view:
            return function.decode(self._chain.simulate(self._to, function.encode(args), sender, value, gas))
        if sender is None:
            raise TypeError(f"{self._contract.name}.{self.name} changes state: give it sender=")
        receipt = self._chain.raw_call(self._to, function.encode(args), sender, value, gas)
        return receipt.decode_with(function.decode)

    def call(self, *args: Any, sender: Account | None = None, value: int = 0, gas: int | None = None) -> Any:
        """Return what the function would return now, changing nothing."""
        function = self._function(args)
        return function.decode(self._chain.simulate(self._to, function.encode(args), sender, value, gas))

    def encode(self, *args: Any) -> bytes:
        """Return the calldata of this call."""
        return self._function(args).encode(args)

    def _function(self, args: Sequence[Any]) -> FunctionAbi:
        function = self._overloads.get(len(args))
        if function is None:
            takes = " or ".join(each.signature for each in self._overloads.values())
            raise TypeError(f"{self._contract.name}.{takes}: got {len(args)} arguments")
        return function

    def __repr__(self) -> str:
        return f"<{self._contract.name}.{self.name}>"


def address_of(value: Contract | str) -> str:
    """Return the address of a contract, or the address itself."""
    return value if isinstance(value, str) else value.address


def created_address(sender: Account, nonce: int) -> str:
    """Return where a transaction with this nonce creates its contract: the end of the hash of rlp([sender, nonce])."""
    number = nonce.to_bytes((nonce.bit_length() + 7) // 8, "big")
    if nonce == 0 or nonce >= 0x80:
        number = bytes([0x80 + len(number)]) + number
    items = b"\x94" + bytes.fromhex(sender[2:]) + number
    return checksum(f"0x{keccak(bytes([0xC0 + len(items)]) + items)[12:].hex()}")


def _storing(code: bytes) -> bytes:
    """Return creation code that stores `code`: PUSH2 size, RETURNDATASIZE, DUP2, PUSH1 10, RETURNDATASIZE, CODECOPY,
    RETURN."""
    return b"\x61" + len(code).to_bytes(2, "big") + bytes.fromhex("3d81600a3d39f3") + code


def _plain(value: Any) -> Any:
    return value.address if isinstance(value, Contract) else value
