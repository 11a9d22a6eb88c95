"""Who killed the neighbours, and who kills a source's mutants at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plimsoll import artifacts
from plimsoll.verify.killers import ENOUGH, Killers, known_killers, write_killers
from plimsoll.verify.mutants import Mutant


def mutant(line: int = 5, file: str = "a.vy") -> Mutant:
    return Mutant(file, line, "operator", 0, "+", "-", f"line {line}")


def test_near__the_killers_of_the_nearest_lines_out_of_the_tests_that_run_this_one() -> None:
    killers = Killers()
    for line, test in ((1, "x.py::far"), (8, "x.py::near[1]"), (9, "y.py::elsewhere"), (7, "x.py::near[2]")):
        killers.add(mutant(line), test)
    killers.add(mutant(9), "a test that hung or crashed")
    killers.add(mutant(9, "b.vy"), "x.py::other")
    assert killers.near(mutant(9), ["x.py"]) == ["x.py::near", "x.py::far"]
    assert killers.near(mutant(9, "c.vy"), ["x.py"]) == []


def test_known_killers__as_written_most_kills_first_without_files_that_are_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "tests").mkdir()
    for name in ("x.py", "y.py", "z.py"):
        (tmp_path / "tests" / name).write_text("")
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    kills = ("tests/x.py::a", "tests/y.py::b", "tests/y.py::c", "tests/gone.py::d", "a test that hung or crashed")
    write_killers([(mutant(), test) for test in kills], {"a.vy": ["tests/x.py", "tests/z.py"], "b.vy": ["tests/z.py"]})
    assert known_killers() == {"a.vy": ["tests/y.py", "tests/x.py", "tests/z.py"], "b.vy": ["tests/z.py"]}


def test_write_killers__others_only_where_killers_are_few(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "contracts").mkdir()
    (tmp_path / "tests").mkdir()
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    write_killers([(mutant(), f"k{i:02}.py::t") for i in range(ENOUGH - 1)], {"a.vy": ["o1.py", "o2.py"]})
    assert json.loads((tmp_path / "tests" / "killers.json").read_text()) == {
        "a.vy": [*(f"k{i:02}.py" for i in range(ENOUGH - 1)), "o1.py"]
    }


def test_known_killers__every_source_with_mutants_has_some() -> None:
    from plimsoll.verify.mutation import all_mutants

    known = known_killers()
    assert known
    assert {each.file for each in all_mutants([])} == set(known)
    assert all(tests and all((artifacts.home() / test).is_file() for test in tests) for tests in known.values())
