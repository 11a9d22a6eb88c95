"""Vyper bytecode that says which of its statements and decisions ran, on an in-process EVM at full speed.

A *marker* is an address that nobody has. Reading its balance is allowed everywhere, also in a view, changes nothing,
and is remembered by the EVM's cache of accounts even when the call is undone. Into the assembly that the compiler made
go

* before the first instruction of every statement: ``PUSH20 marker, BALANCE, POP``,
* before the jump of every decision: the same with ``marker + (jumps or not)``, in the form that makes 0 mean "true".

So the instrumented contract does what the plain one does, only at a higher price of gas: it is for coverage, never for
a chain. Gas limits that sources name as constants (`GAS_CONSTANTS`) are raised by the same factor.

A decision is where the text decides: an ``if``, an ``assert``, a conditional expression, an operand of ``and`` and
``or``, whether a loop starts and whether it goes on. The compiler's own checks (overflow, bounds, a loop's range,
calldata, the lock, the selector) are not counted: they have no text.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from plimsoll import artifacts
from plimsoll.verify.quick_compile import quickly

PREFIX = "c0fe" + 20 * "0"
"""The first twelve bytes of every marker; the last eight are its number."""

GAS_CONSTANTS = re.compile(r"^([A-Z_]*GAS[A-Z_]*)(: constant\(uint256\) = )([0-9_]+)", re.MULTILINE)
GAS_FACTOR = 20

_SYMBOL = "_sym_"


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A statement (`ordinal` -1) or a decision in a source file; `file` is relative to the project."""

    file: str
    line: int
    column: int
    ordinal: int
    text: str

    @property
    def is_decision(self) -> bool:
        """Whether it has two sides."""
        return self.ordinal >= 0


@dataclass(frozen=True, slots=True)
class Instrumented:
    """Creation code, and what its markers stand for; of a decision, its number is the true side, the next the other."""

    init_code: bytes
    places: dict[int, Place]


def instrument(root: Path, source: Path) -> Instrumented:
    """Compile a contract with markers; places outside of contracts/ (the library's) have none."""
    from vyper.compiler.input_bundle import FileInput, FilesystemInputBundle
    from vyper.compiler.phases import CompilerData
    from vyper.compiler.settings import OptimizationLevel, Settings, anchor_settings
    from vyper.ir import compile_ir

    class Bundle(FilesystemInputBundle):  # type: ignore[misc]
        """The compiler's file system, with higher gas limits."""

        def _load_from_path(self, resolved_path: Path, original_path: Path) -> FileInput:
            read = super()._load_from_path(resolved_path, original_path)
            text = GAS_CONSTANTS.sub(_raised, read.contents)
            return FileInput(read.source_id, read.path, read.resolved_path, text)

    bundle = Bundle([*artifacts.libraries(), root])
    data = CompilerData(bundle.load_file(source), bundle, settings=Settings())
    with _in_order(), quickly(), anchor_settings(data.settings):
        # this optimiser too would turn some jumps around
        assembly = compile_ir.compile_to_assembly(data.ir_nodes, optimize=OptimizationLevel.NONE)
        work = _Work(root, source)
        work.mark(assembly)
        code, _ = compile_ir.assembly_to_evm(assembly, compiler_metadata=None)
    return Instrumented(bytes(code), work.places)


def _raised(match: re.Match[str]) -> str:
    return f"{match[1]}{match[2]}{int(match[3].replace('_', '')) * GAS_FACTOR}"


@contextmanager
def _in_order() -> Iterator[None]:
    """Keep the IR's optimiser from exchanging the sides of a decision, which it does to save an instruction."""
    from vyper.ir import optimizer

    exchange = 'elif len(argz) == 3 and argz[0].value not in ("iszero", "ne"):'
    plain = optimizer._optimize
    source = inspect.getsource(plain)
    if source.count(exchange) != 1:
        raise RuntimeError("this version of Vyper optimises decisions in another way")
    code = compile(source.replace(exchange, "elif False:"), optimizer.__file__, "exec")
    exec(code, vars(optimizer))  # noqa: S102  the compiler's own text
    try:
        yield
    finally:
        optimizer._optimize = plain


class _Work:
    """One contract being marked; its numbers start from a digest of its path, so that no two contracts share one."""

    def __init__(self, root: Path, source: Path) -> None:
        self.root = root
        self.places: dict[int, Place] = {}
        digest = sha256(str(source.relative_to(root)).encode()).digest()
        self._next = int.from_bytes(digest[:5], "big") << 20
        self._ordinals: dict[tuple[str, int, int], int] = {}

    def mark(self, assembly: list[Any]) -> None:
        """Put markers into a code segment and those inside it."""
        self._ordinals = {}
        marked: list[Any] = []
        seen: set[int] = set()
        operands = 0
        for i, item in enumerate(assembly):
            if isinstance(item, list):
                if type(item[0]).__name__ == "RuntimeHeader":
                    header, *rest = item
                    self.mark(rest)
                    item[:] = [header, *rest]
                marked.append(item)
                continue
            if operands or not isinstance(item, str):
                operands = max(operands - 1, 0)
                marked.append(item)
                continue
            operands = _operands(item)
            node = getattr(item, "ast_source", None)
            if node is not None and not self._continues(assembly, i):
                statement = _statement(node)
                if statement is not None and id(statement) not in seen:
                    place = self._place(statement, -1)
                    if place is not None:
                        seen.add(id(statement))
                        marked += self._marker(place)
            if item == "JUMPI" and _is_symbol(assembly[i - 1]) and node is not None and _decides(node, assembly[i - 1]):
                place = self._place(node, self._ordinal(node))
                if place is not None:
                    target = marked.pop()
                    sense = ["ISZERO"] if _jumps_when_true(node, target) else ["ISZERO", "ISZERO"]
                    marked += ["DUP1", *sense, *self._push(place), "ADD", "BALANCE", "POP", target]
            marked.append(item)
        assembly[:] = marked

    def _continues(self, assembly: list[Any], i: int) -> bool:
        """Whether a marker cannot stand before the item, or would never run there: a jump after its target, an offset's
        operands, and a label with its JUMPDEST.
        """
        item, before = assembly[i], assembly[i - 1] if i else ""
        after = assembly[i + 1] if i + 1 < len(assembly) else ""
        is_label = _is_symbol(item) and after == "JUMPDEST"
        is_jump = item in ("JUMP", "JUMPI") and _is_symbol(before)
        return is_label or is_jump or item in ("JUMPDEST", "DEBUG") or before == "_OFST"

    def _marker(self, place: Place) -> list[Any]:
        return [*self._push(place), "BALANCE", "POP"]

    def _push(self, place: Place) -> list[Any]:
        number = self._next
        self._next += 2
        self.places[number] = place
        return ["PUSH20", *bytes.fromhex(PREFIX), *number.to_bytes(8, "big")]

    def _ordinal(self, node: Any) -> int:
        key = (_file(node), node.lineno, node.col_offset)
        self._ordinals[key] = self._ordinals.get(key, -1) + 1
        return self._ordinals[key]

    def _place(self, node: Any, ordinal: int) -> Place | None:
        path = Path(_file(node))
        if not path.is_relative_to(self.root / "contracts") or node.lineno is None:
            return None  # the library's, or what the compiler made up, such as the getter of a public variable
        text = (node.node_source_code or "").strip().splitlines()
        return Place(str(path.relative_to(self.root)), node.lineno, node.col_offset, ordinal, text[0] if text else "")


def _operands(item: str) -> int:
    """Return how many of the following items are the bytes of this PUSH."""
    return int(item[4:]) if item.startswith("PUSH") and item[4:].isdigit() else 0


def _is_symbol(item: Any) -> bool:
    return isinstance(item, str) and item.startswith(_SYMBOL)


def _file(node: Any) -> str:
    from vyper import ast

    module = node if isinstance(node, ast.Module) else node.get_ancestor(ast.Module)
    return str(getattr(module, "resolved_path", None) or getattr(module, "path", ""))


def _statement(node: Any) -> Any:
    """Return the innermost statement that a node is part of, None outside of a function's body."""
    from vyper import ast

    kinds = (
        ast.Assign,
        ast.AugAssign,
        ast.AnnAssign,
        ast.Expr,
        ast.Log,
        ast.Assert,
        ast.Raise,
        ast.Return,
        ast.If,
        ast.For,
        ast.Break,
        ast.Continue,
    )
    while node is not None and not isinstance(node, kinds):
        node = getattr(node, "_parent", None)
    return node if node is not None and node.get_ancestor(ast.FunctionDef) is not None else None


def _jumps_when_true(node: Any, target: str) -> bool:
    """Whether a decision's jump is taken when the text's condition holds.

    An assert jumps over its revert. What is true of a loop is that there is a round, or another one: it jumps to its
    end before the first, and back to its start after each.
    """
    from vyper import ast

    if isinstance(node, ast.For):
        return not _leads_to(target, "loop_exit")
    return not isinstance(node, ast.IfExp | ast.BoolOp) and isinstance(_statement(node), ast.Assert)


def _decides(node: Any, target: str) -> bool:
    """Whether a jump that stems from this node is a decision of the text."""
    from vyper import ast

    if isinstance(node, ast.For):
        return _leads_to(target, "loop_exit") or _leads_to(target, "loop_start")
    return isinstance(node, ast.IfExp | ast.BoolOp | ast.If | ast.Assert)


def _leads_to(target: str, label: str) -> bool:
    return target.startswith(f"{_SYMBOL}{label}")
