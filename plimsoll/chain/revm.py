"""A chain in one Python object, over pyrevm: for unit tests, fuzzing and replay.

Not a node. Every call is a transaction of its own (transient storage is empty before it) in the current block; blocks
and time move only by `warp`, `mine` and `set_timestamp`. Nobody pays for gas. What differs from a node:

* An account or slot once touched stays warm for later calls and a slot's original value is the one of the chain's
  birth, so `gas_used` is exact only up to those discounts: measure gas on anvil.
* Only accounts without code can send: to act as a contract, let a contract do it.
* Only deployments raise a sender's nonce, on which `next_address` depends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyrevm

from plimsoll.chain.abi import checksum
from plimsoll.chain.base import GAS_LIMIT, Account, Contract, ContractChain, Log, Receipt, Revert, address_of
from plimsoll.chain.keys import test_keys

GENESIS_TIME = 1_700_000_000
CALL_GAS = 60_000_000
"""Gas of a simulated call that sets no limit of its own."""
CODE_LIMIT: int | None = None
"""Largest runtime code in bytes; None for the chain's rule."""

_CODE_PADDING = 33
"""Zero bytes that revm appends to the code it keeps."""
_PUSH20, _SELFDESTRUCT = b"\x73", b"\xff"
_FAUCET = checksum("0x" + "fa" * 20)
_VIEWER = checksum("0x" + "ca" * 20)


class RevmChain(ContractChain):
    """An in-process EVM; see the module's docstring."""

    def __init__(
        self, *, chain_id: int = 31_337, timestamp: int = GENESIS_TIME, block_number: int = 1, spec: str = "PRAGUE"
    ) -> None:
        super().__init__()
        environment = pyrevm.Env(cfg=pyrevm.CfgEnv(chain_id=chain_id, limit_contract_code_size=CODE_LIMIT))
        self._evm = pyrevm.EVM(env=environment, spec_id=spec, gas_limit=CALL_GAS)
        self._evm.set_balance(_FAUCET, 2**200)
        self._chain_id = chain_id
        self._time = timestamp
        self._block = block_number
        self._snapshots: dict[int, tuple[pyrevm.JournalCheckpoint, int, int, int]] = {}
        self._results: list[tuple[int, Any]] = []
        self._taken = 0
        self._set_block()
        for account in self.accounts():
            self.fund(account, 10_000 * 10**18)

    @property
    def name(self) -> str:
        """ "revm"."""
        return "revm"

    @property
    def chain_id(self) -> int:
        """The id that the EVM reports."""
        return self._chain_id

    @property
    def is_local(self) -> bool:
        """Always true."""
        return True

    def accounts(self) -> list[Account]:
        """Return the test accounts; any other address without code can send as well."""
        return list(test_keys())

    def key(self, account: Account) -> str:
        """Return the private key of a test account in hex; KeyError for any other."""
        return test_keys()[account]

    def timestamp(self) -> int:
        """Return the current block's time."""
        return self._time

    def block_number(self) -> int:
        """Return the current block's number."""
        return self._block

    def warp(self, seconds: int) -> None:
        """Start a new block `seconds` later."""
        if seconds < 0:
            raise ValueError(f"time goes forward: warp({seconds})")
        self._time += seconds
        self._block += 1
        self._set_block()

    def mine(self, blocks: int = 1, seconds: int = 0) -> None:
        """Start a new block, `blocks` later and `seconds` later."""
        self._time += seconds
        self._block += blocks
        self._set_block()

    def set_timestamp(self, timestamp: int) -> None:
        """Start a new block at this time, not before the current one."""
        self.warp(timestamp - self._time)

    def loaded(self) -> list[str]:
        """Return every address whose account any call has looked at, also one that was undone."""
        return list(self._evm.db_accounts)

    def fund(self, address: Contract | str, wei: int) -> None:
        """Give an address ether, also a contract that would refuse a payment."""
        self._evm.deploy(_FAUCET, _PUSH20 + bytes.fromhex(address_of(address)[2:]) + _SELFDESTRUCT, value=wei)

    def balance(self, address: Contract | str) -> int:
        """Return an address's ether in wei."""
        return self._evm.get_balance(address_of(address))

    def code(self, address: Contract | str) -> bytes:
        """Return the runtime code at an address, empty if there is none."""
        return bytes(self._evm.get_code(address_of(address)) or b"")[:-_CODE_PADDING]

    def raw_call(
        self, to: Contract | str, data: bytes, sender: Account, value: int = 0, gas: int | None = None
    ) -> Receipt:
        """Send a transaction; Revert if it fails."""
        evm = self._evm
        evm.reset_transient_storage()
        try:
            output = evm.message_call(
                address_of(sender), address_of(to), calldata=data, value=value, gas=gas or GAS_LIMIT
            )
        except RuntimeError as error:
            raise _failure(error) from None
        return self._receipt(output)

    def simulate(
        self, to: Contract | str, data: bytes, sender: Account | None = None, value: int = 0, gas: int | None = None
    ) -> bytes:
        """Return what a call would return now, and undo it."""
        evm = self._evm
        evm.reset_transient_storage()
        before = self._checkpoint()
        try:
            return evm.message_call(
                address_of(sender or _VIEWER), address_of(to), calldata=data, value=value, gas=gas or CALL_GAS
            )
        except RuntimeError as error:
            raise _failure(error) from None
        finally:
            self._restore(before)

    def snapshot(self) -> int:
        """Remember the state, block and time."""
        self._taken += 1
        self._snapshots[self._taken] = (self._checkpoint(), self._time, self._block, len(self._results))
        return self._taken

    def revert(self, snapshot: int) -> None:
        """Return to a snapshot, which stays valid; those taken after it do not."""
        if snapshot not in self._snapshots:
            raise ValueError(f"snapshot {snapshot} was never taken, or an older one was restored")
        checkpoint, self._time, self._block, results = self._snapshots[snapshot]
        del self._results[results:]
        self._restore(checkpoint)
        self._set_block()
        while next(reversed(self._snapshots)) != snapshot:
            self._snapshots.popitem()

    def _create(self, code: bytes, sender: Account, value: int, gas: int | None) -> tuple[str, Receipt]:
        evm = self._evm
        evm.reset_transient_storage()
        try:
            address = evm.deploy(address_of(sender), code, value=value, gas=gas or GAS_LIMIT)
        except RuntimeError as error:
            raise _failure(error) from None
        return checksum(address), self._receipt(b"")

    def _nonce(self, sender: Account) -> int:
        return int(self._evm.basic(address_of(sender)).nonce)

    def _logs_since(self, address: str, block: int) -> list[Log]:
        mined = (result for number, result in self._results if number >= block)
        return [log for result in mined for log in _logs(result) if log.address == address]

    def _receipt(self, output: bytes) -> Receipt:
        result = self._evm.result
        assert result is not None
        self._results.append((self._block, result))
        return Receipt(
            gas_used=result.gas_used,
            return_data=output,
            block_number=self._block,
            timestamp=self._time,
            logs=lambda: _logs(result),
            read_events=self.read_events,
        )

    def _set_block(self) -> None:
        self._evm.set_block_env(
            pyrevm.BlockEnv(number=self._block, timestamp=self._time, basefee=0, gas_limit=2**63 - 1)
        )

    def _checkpoint(self) -> pyrevm.JournalCheckpoint:
        """Open a level of the EVM's journal, at call depth 0: `commit` closes the depth and keeps the level."""
        checkpoint = self._evm.snapshot()
        self._evm.commit()
        return checkpoint

    def _restore(self, checkpoint: pyrevm.JournalCheckpoint) -> None:
        """Undo every journal level above `checkpoint` and open that level anew, so that it can be restored again."""
        self._evm.snapshot()
        self._evm.revert(checkpoint)
        self._checkpoint()


def _logs(result: Any) -> Sequence[Log]:
    return [
        Log(checksum(log.address), tuple(bytes.fromhex(topic[2:]) for topic in log.topics), bytes(log.data[1]))
        for log in result.logs
    ]


def _failure(error: RuntimeError) -> Revert:
    """Read pyrevm's text: "Revert { gas_used: 1, output: 0x }", "Halt { reason: OutOfGas(Basic), gas_used: 1 }"."""
    text = str(error)
    if text.startswith("Revert {"):
        output = text[text.index("output: 0x") + 10 :].rstrip(" }")
        gas_used = int(text[text.index("gas_used: ") + 10 : text.index(",")])
        return Revert.from_output(bytes.fromhex(output), gas_used=gas_used)
    if text.startswith("Halt {"):
        return Revert(halt=text[text.index("reason: ") + 8 : text.rindex(", gas_used")])
    return Revert(halt=text)
