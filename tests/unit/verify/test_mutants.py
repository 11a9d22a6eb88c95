"""What a source is changed into."""

from __future__ import annotations

import pytest

from plimsoll import artifacts
from plimsoll.verify.mutants import Mutant, exchangeable, mutants

SOURCE = '''# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title x > y
"""
LIMIT: constant(uint256) = 10**18
total: uint256


@external
def pay(amount: uint256, to: address) -> uint256:
    """
    @notice amount + 1
    """
    assert amount <= LIMIT and to != empty(address), "x: bound"
    a: uint256 = 0
    b: uint256 = 0
    a, b = self._split(amount, self.total)  # a + b
    self.total += a
    if not (a == b):
        return self._shares_down(unsafe_add(a, 1))
    return max(a, b)
'''


def changes(kind: str) -> list[tuple[str, str]]:
    return [(mutant.before, mutant.after) for mutant in mutants("x.vy", SOURCE) if mutant.kind == kind]


def test_mutants__operators() -> None:
    assert changes("operator") == [("+=", "-=")]


def test_mutants__comparisons_move_the_bound_and_turn_around() -> None:
    assert changes("comparison") == [("<=", "<"), ("<=", ">"), ("!=", "=="), ("==", "!=")]


def test_mutants__logic() -> None:
    assert changes("logic") == [("and", "or"), ("not (a == b)", "a == b")]


def test_mutants__constants__but_no_placeholder_and_no_text() -> None:
    assert changes("constant") == [("10**18", "(10**18) + 1"), ("1", "2")]


@pytest.mark.parametrize("literal", ["1", "0x10", "1_000"])
def test_mutants__constant_after_a_staticcall__is_replaced_whole(literal: str) -> None:
    """Of which Vyper gives an end that lies before its start."""
    code = f"same = same and staticcall IRiskEngine(risk_engine).key_of(token) == {literal} << i"
    source = f"@external\ndef f(same: bool, i: uint256):\n    {code}\n"
    found = [mutant for mutant in mutants("x.vy", source) if mutant.kind == "constant"]
    assert [(mutant.before, int(mutant.after)) for mutant in found] == [(literal, int(literal, 0) + 1)]


def test_mutants__conditions() -> None:
    assert changes("condition") == [("not (a == b)", "False"), ("not (a == b)", "True")]


def test_mutants__statements_are_left_out() -> None:
    left_out = [before.split()[0] for before, after in changes("statement") if after == "pass"]
    assert left_out == ["assert", "a,", "self.total"]


def test_mutants__calls_and_arguments() -> None:
    assert changes("call") == [("unsafe_add", "unsafe_sub"), ("max", "min")]
    assert changes("arguments") == [("amount, self.total", "self.total, amount")]


def test_mutants__roundings() -> None:
    assert changes("rounding") == [("self._shares_down", "self._shares_up")]


def test_mutants__lock() -> None:
    assert changes("lock") == [("# pragma nonreentrancy on", "# pragma nonreentrancy off")]


def test_mutants__each_changes_exactly_its_place() -> None:
    for mutant in mutants("x.vy", SOURCE):
        changed = mutant.apply(SOURCE)
        assert changed != SOURCE
        end = mutant.start + len(mutant.before)
        assert changed == SOURCE[: mutant.start] + mutant.after + SOURCE[end:]
        assert mutant.text == SOURCE.splitlines()[mutant.line - 1].strip()


def test_mutants__ids_differ_and_stay() -> None:
    first, second = mutants("x.vy", SOURCE), mutants("x.vy", SOURCE)
    assert first == second
    assert len({mutant.id for mutant in first}) == len(first)


def test_apply__another_source() -> None:
    mutant = Mutant("x.vy", 1, "operator", 2, "+", "-", "a + b")
    assert mutant.apply("a + b") == "a - b"
    with pytest.raises(ValueError, match=r"x\.vy: the source has changed"):
        mutant.apply("a * b")


def test_mutants__arguments_of_two_types_are_not_exchanged() -> None:
    file = "contracts/modules/share_math.vy"
    path = artifacts.home() / file
    places = exchangeable(path)
    assert places
    every = [mutant for mutant in mutants(file, path.read_text()) if mutant.kind == "arguments"]
    chosen = [mutant for mutant in mutants(file, path.read_text(), places) if mutant.kind == "arguments"]
    assert chosen == every, "all numbers"
    assert not [mutant for mutant in mutants(file, path.read_text(), set()) if mutant.kind == "arguments"]
    path = artifacts.home() / "contracts" / "adapters" / "swappers" / "VaultSwapper.vy"
    lines = path.read_text().splitlines()
    exchanged = {lines[line - 1][column:].partition(",")[0] for line, column in exchangeable(path)}
    assert {"to", "sell"} <= exchanged
    assert "amount" not in exchanged
