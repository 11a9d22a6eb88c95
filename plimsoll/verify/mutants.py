"""Small wrong changes of a Vyper source, one at a time: what a test suite has to notice.

    operators     + - * // % & | << >> and their checked, unchecked and augmented forms
    comparisons   the bound moved (< to <=), and the answer turned around (== to !=) unless it is a whole condition:
                  one that always or never holds is harder to notice
    logic         and, or, not; a condition that always or never holds
    constants     one more
    roundings     down for up, up for down, by the names that say so
    statements    left out: assignments, asserts, logs, calls
    calls         two arguments of one type exchanged, but no factors; min for max
    locks         the file without its pragma

A mutant that does not compile, or compiles to the same code, is none. Generation is deterministic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from plimsoll import artifacts

_OPERATORS = {
    "Add": ("+", "-"),
    "Sub": ("-", "+"),
    "Mult": ("*", "//"),
    "FloorDiv": ("//", "*"),
    "Mod": ("%", "*"),
    "BitAnd": ("&", "|"),
    "BitOr": ("|", "&"),
    "BitXor": ("^", "|"),
    "LShift": ("<<", ">>"),
    "RShift": (">>", "<<"),
}
_COMPARISONS = {
    "Lt": ("<", ("<=", ">=")),
    "LtE": ("<=", ("<", ">")),
    "Gt": (">", (">=", "<=")),
    "GtE": (">=", (">", "<")),
    "Eq": ("==", ("!=",)),
    "NotEq": ("!=", ("==",)),
    "In": ("in", ("not in",)),
    "NotIn": ("not in", ("in",)),
}
_CALLS = {
    "max": "min",
    "min": "max",
    "unsafe_add": "unsafe_sub",
    "unsafe_sub": "unsafe_add",
    "unsafe_mul": "unsafe_div",
    "unsafe_div": "unsafe_mul",
}
_ROUNDINGS = (("_down", "_up"), ("_up", "_down"), ("_floor", "_ceil"), ("_ceil", "_floor"))
_NUMBER = re.compile(r"0x[0-9a-fA-F]+|[0-9][0-9_]*")
_LOCK = re.compile(r"^#\s*pragma nonreentrancy on$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Mutant:
    """A change of `file` (relative to the project): `before` at `start` becomes `after`."""

    file: str
    line: int
    kind: str
    start: int
    before: str
    after: str
    text: str
    """The line that changes, as it was."""

    @property
    def id(self) -> str:
        """A name that stays while the line and its place among equal lines do."""
        return sha256(repr((self.file, self.line, self.kind, self.start, self.after)).encode()).hexdigest()[:12]

    def apply(self, source: str) -> str:
        """Return the mutated source; ValueError if the source is another one."""
        end = self.start + len(self.before)
        if source[self.start : end] != self.before:
            raise ValueError(f"{self.file}: the source has changed")
        return source[: self.start] + self.after + source[end:]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}: {_short(self.before)} -> {_short(self.after)}"


def mutants(file: str, source: str, exchangeable: set[tuple[int, int]] | None = None) -> list[Mutant]:
    """Return every mutant of a source in the order of the text.

    Arguments are exchanged only where `exchangeable` has the line and column of the first, if it is given.
    """
    found: dict[tuple[int, str, str], Mutant] = {}
    lines = source.splitlines()
    for kind, start, end, after in _Generator(source, exchangeable).changes():
        before = source[start:end]
        if before != after:
            line = source.count("\n", 0, start) + 1
            text = lines[line - 1].strip()
            found.setdefault((start, before, after), Mutant(file, line, kind, start, before, after, text))
    return sorted(found.values(), key=lambda mutant: (mutant.start, mutant.kind, mutant.after))


def exchangeable(path: Path) -> set[tuple[int, int]]:
    """Return line and column of every argument of a source whose successor is of the same type."""
    from vyper import ast
    from vyper.compiler.input_bundle import FilesystemInputBundle
    from vyper.compiler.phases import CompilerData
    from vyper.compiler.settings import Settings

    bundle = FilesystemInputBundle([*artifacts.libraries(), artifacts.home()])
    tree = CompilerData(bundle.load_file(path), bundle, settings=Settings()).annotated_vyper_module
    return {
        (left.lineno, left.col_offset)
        for call in tree.get_descendants(ast.Call)
        for left, right in zip(call.args, call.args[1:], strict=False)
        if left._metadata.get("type") == right._metadata.get("type")
    }


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"`{line[:60]}…`" if len(line) > 60 else f"`{line}`" if line else "nothing"


Change = tuple[str, int, int, str]
"""Kind, start, end, replacement."""


class _Generator:
    """Walks one source."""

    def __init__(self, source: str, exchangeable: set[tuple[int, int]] | None) -> None:
        from vyper import ast

        self.exchangeable = exchangeable

        self.ast = ast
        self.source = source
        self.tree = ast.parse_to_ast(source)
        variables = self.tree.get_children(ast.VariableDecl)
        self.immutables = {variable.target.id for variable in variables if variable.is_immutable}
        self.offsets = [0]
        for line in source.splitlines(keepends=True):
            self.offsets.append(self.offsets[-1] + len(line))

    def changes(self) -> Iterator[Change]:
        """Yield every change."""
        for match in _LOCK.finditer(self.source):
            yield "lock", match.start(), match.end(), "# pragma nonreentrancy off"
        for variable in self.tree.get_children(self.ast.VariableDecl):
            if variable.is_constant and isinstance(variable.value, self.ast.Int | self.ast.BinOp):
                start, end = self._span(variable.value)
                yield "constant", start, end, f"({self.source[start:end]}) + 1"
        for function in self.tree.get_children(self.ast.FunctionDef):
            unpacked = self._unpacked(function)
            for statement in function.body:
                for node in [statement, *statement.get_descendants()]:
                    if not self._is_type(node) and not self._is_placeholder(node, unpacked):
                        yield from self._of(node)

    def _unpacked(self, function: Any) -> set[str]:
        """Return the names that get their value where several results are unpacked."""
        targets = [node.target for node in function.get_descendants(self.ast.Assign)]
        return {
            name.id
            for target in targets
            if isinstance(target, self.ast.Tuple)
            for name in target.get_descendants(self.ast.Name)
        }

    def _is_placeholder(self, node: Any, unpacked: set[str]) -> bool:
        """Whether a node is the zero with which such a name has to be declared: no value that counts."""
        parent = getattr(node, "_parent", None)
        return (
            isinstance(parent, self.ast.AnnAssign)
            and node is parent.value
            and getattr(parent.target, "id", "") in unpacked
        )

    def _is_condition(self, node: Any) -> bool:
        """Whether a node is what an if, a conditional expression or an assert asks."""
        parent = getattr(node, "_parent", None)
        return isinstance(parent, self.ast.If | self.ast.IfExp | self.ast.Assert) and node is parent.test

    def _is_type(self, node: Any) -> bool:
        """Whether a node is part of a type: of a variable, or given to convert, empty or abi_decode."""
        child, parent = node, getattr(node, "_parent", None)
        while parent is not None and not isinstance(parent, self.ast.FunctionDef):
            if isinstance(parent, self.ast.AnnAssign) and child is parent.annotation:
                return True
            if isinstance(parent, self.ast.For) and child is parent.target:
                return True
            name = getattr(getattr(parent, "func", None), "id", "")
            if name in ("convert", "empty", "abi_decode", "_abi_decode") and child is parent.args[-1]:
                return True
            if name == "method_id" or isinstance(parent, self.ast.keyword):
                return True
            child, parent = parent, getattr(parent, "_parent", None)
        return False

    def _of(self, node: Any) -> Iterator[Change]:
        ast = self.ast
        match node:
            case ast.BinOp() if type(node.op).__name__ in _OPERATORS:
                sign, other = _OPERATORS[type(node.op).__name__]
                yield from self._between(node.left, node.right, sign, other, "operator")
            case ast.AugAssign() if type(node.op).__name__ in _OPERATORS:
                sign, other = _OPERATORS[type(node.op).__name__]
                yield from self._between(node.target, node.value, f"{sign}=", f"{other}=", "operator")
            case ast.Compare():
                sign, others = _COMPARISONS[type(node.op).__name__]
                for other in others[:-1] if self._is_condition(node) else others:
                    yield from self._between(node.left, node.right, sign, other, "comparison")
            case ast.BoolOp():
                word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in zip(node.values, node.values[1:], strict=False):
                    yield from self._between(left, right, word, other, "logic")
            case ast.UnaryOp() if isinstance(node.op, ast.Not):
                yield "logic", *self._span(node), self._text(node.operand)
            case ast.NameConstant() if isinstance(node.value, bool):
                yield "constant", *self._span(node), str(not node.value)
            case ast.Int():
                yield "constant", *self._span(node), str(node.value + 1)
            case ast.Call():
                yield from self._of_call(node)
            case ast.Attribute():
                for old, new in _ROUNDINGS:
                    if node.attr.endswith(old):
                        start, end = self._span(node)
                        yield "rounding", start, end, self.source[start:end].removesuffix(old) + new
        if isinstance(node, ast.If | ast.IfExp):
            yield "condition", *self._span(node.test), "True"
            yield "condition", *self._span(node.test), "False"
        is_statement = isinstance(node, ast.Assign | ast.AugAssign | ast.Expr | ast.Log | ast.Assert)
        if is_statement and not self._is_needed(node):
            start, end = self._span(node)
            yield "statement", self._line_start(start), end, "pass"

    def _is_needed(self, statement: Any) -> bool:
        """Whether nothing compiles without a statement: an immutable's value, a module's constructor; or it is text."""
        ast = self.ast
        if isinstance(statement, ast.Assign):
            return getattr(statement.target, "id", "") in self.immutables
        if isinstance(statement, ast.Expr):
            called = getattr(statement.value, "func", None)
            return isinstance(statement.value, ast.Str) or getattr(called, "attr", "") == "__init__"
        return False

    def _of_call(self, node: Any) -> Iterator[Change]:
        name = getattr(node.func, "id", "")
        if name in _CALLS:
            yield "call", *self._span(node.func), _CALLS[name]
        if name in ("max", "min", "unsafe_add", "unsafe_mul", "convert", "empty", "method_id", "raw_call"):
            return
        product = getattr(node.func, "attr", "") == "_mul_div"
        for left, right in zip(node.args[product:], node.args[product + 1 :], strict=False):
            if self.exchangeable is not None and (left.lineno, left.col_offset) not in self.exchangeable:
                continue
            a, b = self._text(left), self._text(right)
            (start, middle), (after, end) = self._span(left), self._span(right)
            if a != b:
                yield "arguments", start, end, f"{b}{self.source[middle:after]}{a}"

    def _between(self, left: Any, right: Any, sign: str, other: str, kind: str) -> Iterator[Change]:
        start, end = self._span(left)[1], self._span(right)[0]
        code = re.sub(r"#[^\n]*", lambda match: " " * len(match.group()), self.source[start:end])
        found = re.search(re.escape(sign), code)
        if found:
            yield kind, start + found.start(), start + found.end(), other

    def _span(self, node: Any) -> tuple[int, int]:
        start = self.offsets[node.lineno - 1] + node.col_offset
        literal = _NUMBER.match(self.source, start) if isinstance(node, self.ast.Int) else None
        if literal:  # after a staticcall Vyper's end of it can be wrong
            return start, literal.end()
        return start, self.offsets[node.end_lineno - 1] + node.end_col_offset

    def _line_start(self, start: int) -> int:
        """Return where the statement's text starts: Vyper's `log` and `extcall` are not in the node's span."""
        line = self.source.rfind("\n", 0, start) + 1
        return line + len(self.source[line:start]) - len(self.source[line:start].lstrip())

    def _text(self, node: Any) -> str:
        start, end = self._span(node)
        return self.source[start:end]
