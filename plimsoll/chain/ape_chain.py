"""Any network that ape connects to: py-evm in process, anvil, or a live one.

ape gives the connection, the accounts and the signatures; calls, fees, receipts and errors go over its web3
connection, and what is deployed is the bytecode of `plimsoll.artifacts`, so that every backend runs the same code.

Each call is simulated before it is sent: that is where a revert gets its reason and a receipt its `return_value`. On
a local chain the simulation sees the block the transaction will be in, so both are exact; on a live network the
return value is what the call would have returned at the latest block.

Local chains advance one second per block, whatever the clock on the wall says; only the time of the first block comes
from it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import ape
from ape.exceptions import ApeException
from eth_account import Account as Signer
from eth_account.messages import encode_typed_data
from eth_tester.exceptions import TransactionFailed
from eth_utils.exceptions import ValidationError
from web3.exceptions import ContractLogicError, TimeExhausted, Web3Exception, Web3RPCError

from plimsoll import artifacts
from plimsoll.chain.abi import checksum
from plimsoll.chain.base import GAS_LIMIT, Account, Contract, ContractChain, Log, Receipt, Revert, address_of
from plimsoll.chain.keys import test_keys
from plimsoll.errors import ChainError

if TYPE_CHECKING:
    from ape.api import AccountAPI, ProviderAPI
    from web3 import Web3

_LOCAL_FEE = 100 * 10**9
"""Most that a local transaction offers per gas, wei: well above a development chain's base fee."""
_CALL_FUNDS = 10 * 10**18
"""Ether that a py-evm sender must hold for a call: the block's gas at `_LOCAL_FEE`, and some."""
_GAS_MARGIN = 1.2
"""What is added to a live network's gas estimate: state may move before the transaction is mined."""
_POLL = 0.002
_RUNNING_ANVIL = re.compile(r"(\w*:local):(https?://\S+)")
_LIVE_POLL = 1.0
"""Seconds between two looks for a receipt, on a local and on a live network."""


class ApeChain(ContractChain):
    """The chain that ape is connected to now; `connect` makes a connection of its own.

    `signers` are the accounts that may send on a live network, as ape accounts or their aliases; ape asks before it
    signs for one, unless the caller told the account otherwise. Local chains use their test accounts.
    """

    def __init__(self, signers: Iterable[str | AccountAPI] = ()) -> None:
        super().__init__()
        provider = ape.networks.active_provider
        if provider is None:
            raise ChainError("not connected: run with `ape run --network <choice>`, or use ApeChain.connect")
        self._provider: ProviderAPI = provider
        self._web3: Web3 = cast("Any", provider).web3
        self._local = bool(provider.network.is_dev)
        self._charges_calls = provider.name == "test"
        self._tag: Any = "pending" if self._local else "latest"
        self._chain_id = int(provider.chain_id)
        self._snapshots: dict[int, Any] = {}
        self._taken = 0
        self._keys = test_keys() if self._local else {}
        self._signers: dict[str, AccountAPI] = {}
        for each in signers:
            signer = _load_account(each) if isinstance(each, str) else each
            self._signers[checksum(str(signer.address))] = signer
        if self._local and provider.name == "foundry":
            self._rpc("anvil_setBlockTimestampInterval", [1])

    @classmethod
    @contextmanager
    def connect(cls, choice: str, signers: Iterable[str | AccountAPI] = ()) -> Iterator[ApeChain]:
        """Connect to a network by ape's name ("ethereum:local:foundry") while the ``with`` lasts.

        "ethereum:local:http://127.0.0.1:8545" is an anvil that runs already; it is not stopped at the end.
        Raises ChainError with ape's message in one line when there is no connection to be had.
        """
        artifacts.put_tools_on_path()
        try:
            context = _network(choice)
            context.__enter__()
        except (ApeException, OSError, Web3Exception) as error:
            raise ChainError(f"cannot connect to {choice}: {_one_line(error)}") from error
        try:
            yield cls(signers)
        finally:
            context.__exit__(None, None, None)

    @property
    def name(self) -> str:
        """ape's network choice, such as "ethereum:local:foundry"."""
        return str(self._provider.network_choice)

    @property
    def chain_id(self) -> int:
        """The id that the node reports."""
        return self._chain_id

    @property
    def is_local(self) -> bool:
        """Whether this is a development chain."""
        return self._local

    def accounts(self) -> list[Account]:
        """Return the addresses that can send here: the test accounts, and the signers."""
        return [*self._keys, *self._signers]

    def key(self, account: Account) -> str:
        """Return the private key of a test account in hex; KeyError for any other."""
        return self._keys[account]

    def timestamp(self) -> int:
        """Return the time a call made now sees."""
        return int(self._web3.eth.get_block(self._tag)["timestamp"])

    def block_number(self) -> int:
        """Return the number of the block a call made now sees."""
        return int(self._web3.eth.get_block(self._tag)["number"])

    def warp(self, seconds: int) -> None:
        """Advance the time that calls see by `seconds` and mine a block; by one second when `seconds` is 0."""
        self._require_local("warp")
        if seconds < 0:
            raise ValueError(f"time goes forward: warp({seconds})")
        if seconds > 1:
            self._provider_test().set_timestamp(self.timestamp() - 1 + seconds)
        self._provider_test().mine(1)

    def fund(self, address: Contract | str, wei: int) -> None:
        """Give an address ether out of the last test account's, also a contract that would refuse a payment."""
        self._require_local("fund")
        destruct = b"\x73" + bytes.fromhex(_address(address)[2:]) + b"\xff"
        self._send({"data": destruct, "value": wei}, self.accounts()[-1], None, b"")

    def balance(self, address: Contract | str) -> int:
        """Return an address's ether in wei."""
        return int(self._web3.eth.get_balance(cast("Any", _address(address))))

    def code(self, address: Contract | str) -> bytes:
        """Return the runtime code at an address, empty if there is none."""
        return bytes(self._web3.eth.get_code(cast("Any", _address(address))))

    def raw_call(
        self, to: Contract | str, data: bytes, sender: Account, value: int = 0, gas: int | None = None
    ) -> Receipt:
        """Simulate, send and wait for a transaction; Revert if it fails, ChainError if the sender cannot pay or
        sign."""
        output = self.simulate(to, data, sender, value, gas)
        fields = {"to": _address(to), "data": data, "value": value}
        return self._send(fields, _address(sender), gas, output)[1]

    def simulate(
        self, to: Contract | str, data: bytes, sender: Account | None = None, value: int = 0, gas: int | None = None
    ) -> bytes:
        """Return what a call would return now; Revert if it would fail."""
        fields = {"to": _address(to), "data": data, "value": value}
        if sender is None or not self._charges_calls or self.balance(sender) >= _CALL_FUNDS + value:
            return self._call(fields, None if sender is None else _address(sender), gas, self._tag)
        return self._call_as_pauper(fields, _address(sender), gas)

    def snapshot(self) -> int:
        """Remember the state, block and time; local chains only."""
        self._require_local("snapshot")
        self._taken += 1
        self._snapshots[self._taken] = self._provider_test().snapshot()
        return self._taken

    def revert(self, snapshot: int) -> None:
        """Return to a snapshot, which stays valid; those taken after it do not. Local chains only."""
        if snapshot not in self._snapshots:
            raise ValueError(f"snapshot {snapshot} was never taken, or an older one was restored")
        self._provider_test().restore(self._snapshots[snapshot])
        self._snapshots[snapshot] = self._provider_test().snapshot()
        while next(reversed(self._snapshots)) != snapshot:
            self._snapshots.popitem()

    def sign_message(self, account: Account, message: dict[str, Any]) -> bytes:
        """Return an account's signature of an EIP-712 message, 65 bytes; ape asks before it signs for an alias.

        ChainError when the account is not here, or nothing was signed.
        """
        self._require_signer(account)
        signable = encode_typed_data(full_message=message)
        if account in self._keys:
            return bytes(Signer.sign_message(signable, self._keys[account]).signature)
        signed = self._signers[account].sign_message(signable)
        if signed is None:
            raise ChainError(f"the message of {account} was not signed")
        return bytes(signed.encode_rsv())

    def trace(self, tx_hash: str) -> dict[str, Any]:
        """Return the calls inside a transaction, as the callTracer of a node gives them; ChainError where it has
        none.
        """
        return self._traced("debug_traceTransaction", [tx_hash])

    def trace_call(self, to: Contract | str, data: bytes, sender: Account, gas: int = GAS_LIMIT) -> dict[str, Any]:
        """Return the calls inside a call that is made now and changes nothing, also one that reverts; see `trace`."""
        fields = {"from": sender, "to": _address(to), "data": f"0x{data.hex()}", "gas": hex(gas)}
        return self._traced("debug_traceCall", [fields, self._tag])

    def _traced(self, method: str, arguments: list[Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._rpc(method, [*arguments, {"tracer": "callTracer"}])
        except (ApeException, Web3Exception, OSError) as error:
            raise ChainError(f"{self.name} gives no trace: {_one_line(error)}") from error
        return answer

    def _create(self, code: bytes, sender: Account, value: int, gas: int | None) -> tuple[str, Receipt]:
        fields = {"data": code, "value": value}
        self._call(fields, _address(sender), gas, self._tag)
        address, receipt = self._send(fields, _address(sender), gas, b"")
        assert address is not None
        return address, receipt

    def _logs_since(self, address: str, block: int) -> list[Log]:
        return self._logs_between(address, block, int(self._web3.eth.block_number))

    def _logs_between(self, address: str, first: int, last: int) -> list[Log]:
        """Return logs of a range of blocks, in halves where the node refuses the whole."""
        wanted = {"address": address, "fromBlock": first, "toBlock": last}
        try:
            return _logs(self._web3.eth.get_logs(cast("Any", wanted)))
        except Web3RPCError as error:
            if first >= last:
                raise self._refusal(error) from error
        except OSError as error:
            raise ChainError(f"{self.name} does not answer: {_one_line(error)}") from error
        middle = (first + last) // 2
        return self._logs_between(address, first, middle) + self._logs_between(address, middle + 1, last)

    def _nonce(self, sender: Account) -> int:
        return int(self._web3.eth.get_transaction_count(cast("Any", _address(sender)), "pending"))

    def _call(self, fields: dict[str, Any], sender: Account | None, gas: int | None, tag: Any) -> bytes:
        call: dict[str, Any] = {**fields, "from": sender or (self.accounts()[0] if self._local else None)}
        if call["from"] is None:
            del call["from"]
        if gas is not None:
            call["gas"] = gas
        if self._charges_calls:
            call |= {"maxFeePerGas": _LOCAL_FEE, "maxPriorityFeePerGas": 0}
        try:
            return bytes(self._web3.eth.call(cast("Any", call), tag))
        except ContractLogicError as error:
            raise _revert(error.data if isinstance(error.data, str) else None, str(error.message or "")) from None
        except TransactionFailed as error:
            raise _tester_revert(str(error)) from None
        except (Web3RPCError, ValidationError) as error:
            raise self._refusal(error) from error
        except OSError as error:
            raise ChainError(f"{self.name} does not answer: {_one_line(error)}") from error

    def _call_as_pauper(self, fields: dict[str, Any], sender: Account, gas: int | None) -> bytes:
        """Call from a sender who could not pay: py-evm charges even for calls, so lend it ether for the length of one.

        The lending takes the pending block, and the call is made as if it were in that block too.
        """
        before = self._provider_test().snapshot()
        try:
            self.fund(sender, _CALL_FUNDS + fields["value"])
            return self._call(fields, sender, gas, "latest")
        finally:
            self._provider_test().restore(before)

    def _send(
        self, fields: dict[str, Any], sender: Account, gas: int | None, output: bytes
    ) -> tuple[str | None, Receipt]:
        """Sign, send and wait; return the created contract's address, if any, and the receipt."""
        eth = self._web3.eth
        self._require_signer(sender)
        timeout = self._provider.network.transaction_acceptance_timeout
        try:
            nonce = self._nonce(sender)
            transaction = {**fields, "nonce": nonce, "chainId": self._chain_id, **self._price(fields, sender, gas)}
            tx_hash = eth.send_raw_transaction(self._sign(transaction, sender))
            mined = eth.wait_for_transaction_receipt(tx_hash, timeout, _POLL if self._local else _LIVE_POLL)
        except TimeExhausted as error:
            raise ChainError(f"0x{tx_hash.hex()} was not mined on {self.name} within {timeout} s") from error
        except (Web3RPCError, ValidationError) as error:
            raise self._refusal(error) from error
        except OSError as error:
            raise ChainError(f"{self.name} does not answer: {_one_line(error)}") from error
        number = int(mined["blockNumber"])
        if mined["status"] != 1:
            self._call(fields, sender, gas, number - 1)
            raise Revert(halt=f"transaction 0x{tx_hash.hex()} failed on chain", gas_used=int(mined["gasUsed"]))
        receipt = Receipt(
            gas_used=int(mined["gasUsed"]),
            return_data=output,
            block_number=number,
            timestamp=int(eth.get_block(number)["timestamp"]),
            logs=lambda: _logs(mined["logs"]),
            read_events=self.read_events,
            tx_hash=f"0x{tx_hash.hex().removeprefix('0x')}",
        )
        created = mined.get("contractAddress")
        return (checksum(str(created)) if created else None), receipt

    def _price(self, fields: dict[str, Any], sender: Account, gas: int | None) -> dict[str, int]:
        """Return gas limit and fees; ChainError when a live sender cannot pay for them."""
        if self._local:
            return {"gas": gas or GAS_LIMIT, "maxFeePerGas": _LOCAL_FEE, "maxPriorityFeePerGas": 0, "type": 2}
        eth = self._web3.eth
        limit = gas or int(eth.estimate_gas(cast("Any", {**fields, "from": sender})) * _GAS_MARGIN)
        base = eth.get_block("latest").get("baseFeePerGas")
        tip = 0 if base is None else int(eth.max_priority_fee)
        most = int(eth.gas_price) if base is None else 2 * int(base) + tip
        needed, held = limit * most + int(fields.get("value", 0)), self.balance(sender)
        if held < needed:
            amounts = f"holds {held / 1e18:.6f} ether, this needs up to {needed / 1e18:.6f}"
            raise ChainError(f"{sender} {amounts} on {self.name}")
        if base is None:
            return {"gas": limit, "gasPrice": most}
        return {"gas": limit, "maxFeePerGas": most, "maxPriorityFeePerGas": tip, "type": 2}

    def _sign(self, transaction: dict[str, Any], sender: Account) -> bytes:
        if sender in self._keys:
            return bytes(Signer.sign_transaction(transaction, self._keys[sender]).raw_transaction)
        ecosystem = self._provider.network.ecosystem
        signed = self._signers[sender].sign_transaction(ecosystem.create_transaction(**transaction, sender=sender))
        if signed is None:
            raise ChainError(f"the transaction of {sender} was not signed")
        return bytes(signed.serialize_transaction())

    def _require_signer(self, sender: Account) -> None:
        if sender not in self._keys and sender not in self._signers:
            known = ", ".join(self.accounts()) or "none: name an ape account"
            raise ChainError(f"{sender} cannot send on {self.name}; accounts that can: {known}")

    def _require_local(self, what: str) -> None:
        if not self._local:
            raise ChainError(f"{what} works on local chains only, not on {self.name}")

    def _refusal(self, error: Exception) -> Exception:
        """Name what a node refuses before it executes anything, and the halts it reports as errors."""
        text = _one_line(error)
        halted = any(word in text for word in ("EVM error", "OutOfGas", "out of gas", "exceeds gas", "intrinsic gas"))
        return Revert(halt=text) if halted else ChainError(f"{self.name} refused: {text}")

    def _provider_test(self) -> Any:
        return self._provider

    def _rpc(self, method: str, arguments: list[Any]) -> Any:
        return self._provider.make_request(method, arguments)


def _network(choice: str) -> Any:
    """Return ape's connection; ape itself takes a URL on the local network for a geth, which cannot move time."""
    running = _RUNNING_ANVIL.fullmatch(choice)
    if running is None:
        return ape.networks.parse_network_choice(choice)
    settings = {"host": running[2], "manage_process": False}
    return ape.networks.parse_network_choice(f"{running[1]}:foundry", provider_settings=settings)


def _load_account(alias: str) -> AccountAPI:
    try:
        return ape.accounts.load(alias)
    except KeyError as error:
        raise ChainError(f"ape knows no account called {alias}: see `ape accounts list`") from error


def _logs(entries: Sequence[Any]) -> list[Log]:
    return [
        Log(checksum(str(entry["address"])), tuple(bytes(topic) for topic in entry["topics"]), bytes(entry["data"]))
        for entry in entries
    ]


def _revert(data: str | None, message: str) -> Revert:
    if data is not None and data.startswith("0x"):
        return Revert.from_output(bytes.fromhex(data[2:]))
    return Revert(message.removeprefix("execution reverted").removeprefix(": "))


def _tester_revert(message: str) -> Revert:
    """Read eth-tester's text: the reason itself, the repr of the return data, or the name of a halt."""
    prefix, found, text = message.partition("execution reverted: ")
    if not found or text.startswith("Out of gas: "):
        return Revert(halt=text or prefix)
    if text.startswith(("b'", 'b"')):
        return Revert.from_output(cast("bytes", ast.literal_eval(text)))
    return Revert(text)


def _one_line(error: Exception) -> str:
    response = getattr(error, "rpc_response", None)
    text = str(response["error"].get("message", "")) if response else str(error)
    return " ".join(text.split()) or type(error).__name__


def _address(value: Contract | str) -> str:
    """web3 takes checksummed addresses only."""
    return checksum(address_of(value))
