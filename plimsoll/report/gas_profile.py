"""Where an operation's gas goes: per contract and kind of opcode, read from the node's trace of the transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rich.table import Table

from plimsoll.report.anvil import AnvilChain
from plimsoll.report.gas_scenario import Use

_CALLS = {"CALL", "STATICCALL", "DELEGATECALL"}
_KINDS = {"SLOAD": "sload", "SSTORE": "sstore", "TLOAD": "transient", "TSTORE": "transient", "KECCAK256": "keccak"}
KINDS = ("reached by", "sload", "sstore", "transient", "log", "keccak", "rest")
COUNTED = ("CALL", "STATICCALL", "DELEGATECALL", "SLOAD", "SSTORE", "TLOAD", "TSTORE", "KECCAK256")


@dataclass(slots=True)
class Profile:
    """Gas by contract and kind, opcodes by contract, and what lies outside the execution (base, calldata, refund)."""

    gas: dict[str, Counter[str]] = field(default_factory=dict)
    opcodes: dict[str, Counter[str]] = field(default_factory=dict)
    outside: int = 0

    def charge(self, contract: str, kind: str, gas: int) -> None:
        """Add gas to a contract's kind."""
        self.gas.setdefault(contract, Counter())[kind] += gas

    def count(self, contract: str, opcode: str) -> None:
        """Count an opcode that a contract executed."""
        self.opcodes.setdefault(contract, Counter())[opcode] += 1


def profiles(chain: AnvilChain, uses: Mapping[str, Use]) -> list[Table]:
    """Return one table per operation; the node must have been started with tracing."""
    return [_table(name, use, profile(chain, use)) for name, use in uses.items()]


def profile(chain: AnvilChain, use: Use) -> Profile:
    """Attribute each step's gas to the contract whose code runs, and a call's own price to the contract called."""
    trace = chain.rpc("debug_traceTransaction", use.transaction, {"disableMemory": True, "disableStorage": True})
    return attribute(trace["structLogs"], use.target, use.transaction_gas, chain.name_of)


@dataclass(slots=True)
class _Frame:
    contract: str
    entered: int
    """Gas at the first step."""
    called_with: int = 0
    """Gas before the call opcode that is open."""
    inside: int = 0
    """Gas that the frames called since then used."""
    callee: str = ""


def attribute(steps: list[dict[str, Any]], target: str, gas_used: int, name_of: Any) -> Profile:
    """Build a profile from the steps of a trace (fields `op`, `depth`, `gas`, `gasCost`, `stack`)."""
    result = Profile()
    frames = [_Frame(name_of(target), int(steps[0]["gas"]))]
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        frame = frames[-1]
        operation, gas = step["op"], int(step["gas"])
        result.count(frame.contract, operation)
        if following is not None and following["depth"] > step["depth"]:
            frame.callee = _callee(step, frame, name_of)
            frame.called_with = gas
            frames.append(_Frame(frame.callee, int(following["gas"])))
        elif following is not None and following["depth"] == step["depth"]:
            result.charge(frame.contract, _kind(operation), gas - int(following["gas"]))
        else:
            result.charge(frame.contract, "rest", int(step["gasCost"]))
            used = frame.entered - gas + int(step["gasCost"])
            frames.pop()
            if following is not None:
                caller = frames[-1]
                result.charge(caller.callee, "reached by", caller.called_with - int(following["gas"]) - used)
    result.outside = gas_used - sum(sum(kinds.values()) for kinds in result.gas.values())
    return result


def _callee(step: dict[str, Any], frame: _Frame, name_of: Any) -> str:
    if step["op"] == "DELEGATECALL":
        return frame.contract
    return str(name_of("0x" + step["stack"][-2].removeprefix("0x").zfill(40)[-40:]))


def _kind(operation: str) -> str:
    return "log" if operation.startswith("LOG") else _KINDS.get(operation, "rest")


def _table(name: str, use: Use, made: Profile) -> Table:
    shown = Table(title=f"{name}: {use.gas:,}", title_justify="left")
    shown.add_column("contract")
    for kind in (*KINDS, "all"):
        shown.add_column(kind, justify="right")
    shown.add_column("opcodes")
    for contract, kinds in sorted(made.gas.items(), key=lambda entry: -entry[1].total()):
        counts = made.opcodes.get(contract, Counter())
        shown.add_row(
            contract,
            *(f"{kinds[kind]:,}" if kinds[kind] else "" for kind in KINDS),
            f"{kinds.total():,}",
            " ".join(f"{counts[opcode]} {opcode}" for opcode in COUNTED if counts[opcode]),
        )
    shown.add_row("base, calldata, refund", *([""] * len(KINDS)), f"{made.outside:,}", "")
    return shown
