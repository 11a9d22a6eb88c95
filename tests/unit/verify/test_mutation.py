"""Choosing tests, running children, and the report of the mutation campaign."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ape.api.networks import ProviderContextManager

from plimsoll import artifacts
from plimsoll.verify import mutation
from plimsoll.verify.mutants import Mutant
from plimsoll.verify.mutation import INVALID, KILLED, SAME, SURVIVED, UNSEEN, Map, Verdict, in_child, report, results


def mutant(line: int = 5, kind: str = "operator", file: str = "a.vy") -> Mutant:
    return Mutant(file, line, kind, 0, "+", "-", f"line {line}")


def test_tests_of__those_that_run_the_statement_specific_ones_first() -> None:
    known = Map(
        seconds={"all": 5.0, "one": 1.0, "other": 1.0},
        lines={"all": {"a.vy": [1, 4, 9], "b.vy": [1]}, "one": {"a.vy": [4]}, "other": {"a.vy": [9]}},
    )
    assert known.tests_of(mutant(5), [1, 4, 9]) == ["one", "all"], "line 5 is the second line of the statement on 4"
    assert known.tests_of(mutant(9), [1, 4, 9]) == ["other", "all"]
    assert known.tests_of(mutant(2, "lock"), [4, 9]) == ["one", "other", "all"]
    assert known.tests_of(mutant(5, file="c.vy"), []) == []


def test_tests_of__those_that_carry_the_name_of_the_source_before_all_others() -> None:
    lines = {"contracts/adapters/UniswapV3Depth.vy": [1]}
    more = {"contracts/adapters/UniswapV3Depth.vy": [1, 2, 3]}
    tests = {
        "tests/a/test_it.py": lines,
        "tests/uniswap_v3_depth/test_it.py": more,
        "tests/test_uniswap_v3_depth.py": more,
    }
    known = Map(dict.fromkeys(tests, 1.0), tests)
    own = ["tests/uniswap_v3_depth/test_it.py", "tests/test_uniswap_v3_depth.py"]
    assert known.tests_of(mutant(1, file="contracts/adapters/UniswapV3Depth.vy"), [1]) == [*own, "tests/a/test_it.py"]


def test_files_first__those_of_the_neighbours() -> None:
    assert mutation.files_first(["c::t", "b::t", "c::u"], ["a", "b", "c", "d"]) == ["c", "b", "a", "d"]


def test_in_turns__every_line_once_before_any_line_twice() -> None:
    jobs = [(mutant(line, kind), ["t"]) for line in range(20) for kind in ("operator", "constant", "call")]
    ordered = mutation.in_turns(jobs, 7)
    assert sorted(ordered, key=str) == sorted(jobs, key=str)
    lines = [each.line for each, _ in ordered]
    assert [set(lines[at : at + 20]) for at in (0, 20, 40)] == [set(range(20))] * 3
    assert lines != sorted(lines), "at random"
    assert ordered == mutation.in_turns(jobs, 7) != mutation.in_turns(jobs, 8)


def test_within_budget__as_many_as_fit() -> None:
    seconds = {"a": 4.0, "b": 7.0, "c": 5.0, "d": 1.0}
    assert mutation.within_budget(["a", "b", "c", "d"], seconds, 10.0) == ["a", "c", "d"], "b does not fit"
    assert mutation.within_budget(["b"], {"b": 99.0}, 10.0) == ["b"]


def test_run_tests__names_the_first_that_fails(tmp_path: Path) -> None:
    file = tmp_path / "test_it.py"
    file.write_text("def test_good(): pass\ndef test_bad(): assert False\ndef test_worse(): assert False\n")
    code, by = mutation.run_tests([str(file)], f"--rootdir={tmp_path}")
    assert (code, by) == (1, "test_it.py::test_bad")
    before = list(ProviderContextManager.provider_stack)
    assert mutation.run_tests([f"{file}::test_good"], f"--rootdir={tmp_path}") == (0, "")
    assert ProviderContextManager.provider_stack == before, "connects to nothing"


def test_results__every_child_answers_once() -> None:
    jobs = [(i, (lambda i=i: (i * i, os.getpid()))) for i in range(7)]
    found = dict(results(jobs, 3))
    assert {label: answer[0] for label, answer in found.items()} == {i: i * i for i in range(7)}
    assert len({answer[1] for answer in found.values()}) == 7
    assert os.getpid() not in {answer[1] for answer in found.values()}


def test_results__a_child_that_crashes_or_hangs_has_no_answer() -> None:
    def crash() -> None:
        raise RuntimeError("inside the child")

    def burn() -> None:
        while True:
            pass

    pid, reader = in_child(burn, patience=1)
    _, status = os.waitpid(pid, 0)
    os.close(reader)
    assert os.WIFSIGNALED(status)
    assert dict(results([("crash", crash)], 1)) == {"crash": None}


@pytest.mark.parametrize(
    ("after", "test", "status"),
    [
        ("unsafe_mul(mid, 6)", "test_granted__model_and_bounds", KILLED),
        ("unsafe_mul(mid, 6)", "test_last_good__short_answer__not_known", SURVIVED),
        ("unsafe_mul(mid, (5))", "test_granted__model_and_bounds", SAME),
        ("unsafe_mul(mid, true)", "test_last_good__short_answer__not_known", INVALID),
    ],
)
def test_judge__by_what_a_test_sees(after: str, test: str, status: str) -> None:
    file, before, test = "contracts/modules/cure.vy", "unsafe_mul(mid, 5)", f"tests/unit/model/test_cure.py::{test}"
    source = (artifacts.home() / file).read_text()
    change = Mutant(file, 1, "constant", source.index(before), before, after, "")
    [(_, verdict)] = results([(change, lambda: mutation.judge(change, ["cure_harness"], [], [test]))], 1)
    assert (verdict.status, verdict.by) == (status, test if status == KILLED else "")


def test_needless__explanations_of_what_is_killed_or_gone__of_the_files_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tests").mkdir()
    entry = '[["{}"]]\ntext = "line {}"\nkind = "operator"\nbefore = "+"\nafter = "-"\nreason = "same"\n'
    places = [("a.vy", 1), ("a.vy", 2), ("a.vy", 3), ("b.vy", 1)]
    (tmp_path / "tests" / "mutants.toml").write_text("".join(entry.format(*place) for place in places))
    monkeypatch.setattr("plimsoll.artifacts.home", lambda: tmp_path)
    judged = [(mutant(1), Verdict(SURVIVED, 1)), (mutant(2), Verdict(KILLED, 1))]
    assert mutation.needless(judged) == [f"a.vy: operator: `+` -> `-` in `line {line}`" for line in (2, 3)]
    assert mutation.needless([]) == []


def test_report__score_counts_the_explained_and_leaves_out_what_is_no_mutant(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    judged = [
        (mutant(1), Verdict(KILLED, 1, "t")),
        (mutant(2), Verdict(SURVIVED, 1)),
        (mutant(3), Verdict(SURVIVED, 1)),
        (mutant(4), Verdict(UNSEEN, 0)),
        (mutant(5), Verdict(SAME, 1)),
        (mutant(6), Verdict(INVALID, 1)),
    ]
    monkeypatch.setattr(mutation, "explained", lambda: {mutation.key_of(mutant(3)): "no test can tell"})
    text, score = report(judged)
    assert score == 50
    assert "a.vy:2: operator: `+` -> `-`" in text
    assert "a.vy:3" not in text
    assert "a.vy:4: operator: `+` -> `-`   in `line 4` (no test runs it)" in text
    assert "not counted: 1 with the same code, 1 that do not compile" in text


def test_explained__by_file_and_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = 'text = "line 5"\nkind = "operator"\nbefore = "+"\nafter = "-"\nreason = "equal"\n'
    (tmp_path / "contracts").mkdir()
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "mutants.toml").write_text(f'[["a.vy"]]\n{entry}')
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    assert mutation.explained() == {mutation.key_of(mutant(5)): "equal"}
