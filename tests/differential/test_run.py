"""The command: chunks, what is kept of a run, the table, and its exit code."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from plimsoll.verify.differential import run
from plimsoll.verify.differential.run import CHUNK, Result, chunks

NAME = "share_math._shares_down"


def test_chunks__cover_every_case_once() -> None:
    assert chunks(["a", "b"], CHUNK + 1) == [("a", 0, CHUNK), ("a", 1, 1), ("b", 0, CHUNK), ("b", 1, 1)]


@pytest.mark.parametrize(("size", "least"), [("quick", 50_000), ("ci", 250_000), ("nightly", 1_000_000)])
def test_each__adds_up_to_the_size(size: str, least: int) -> None:
    assert run.each(size) * len(run.CHECKS) >= least


def test_run__stopped__goes_on_where_it_was(tmp_path: Path) -> None:
    store = tmp_path / "results.jsonl"
    kept = Result(NAME, 0, CHUNK, 7, 1.0, ["something"])
    store.write_text(json.dumps(asdict(kept)) + '\n{"name": "cut')
    results = run.run([NAME], CHUNK + 3, "seed", 1, store)
    assert kept in results
    assert sorted((result.chunk, result.cases) for result in results) == [(0, CHUNK), (1, 3)]
    again = run.run([NAME], CHUNK + 3, "seed", 1, store)
    assert sorted(result.chunk for result in again) == [0, 1]
    assert kept in again


def test_table__cases_differences_and_speed() -> None:
    lines = run.table([Result(NAME, 0, 2_000, 0, 0.5), Result(NAME, 1, 1_000, 2, 0.5)]).splitlines()
    assert lines[1].split() == [NAME, "3,000", "2", "3,000"]
    assert lines[-1].split() == ["all", "3,000", "2", "3,000"]


def test_main__differences__exits_with_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "run", lambda *_: [Result(NAME, 0, 1, 1, 0.1, ["what differs"])])
    assert run.main(["--size", "quick", "--only", NAME]) == 1
    assert capsys.readouterr().out.splitlines()[0] == "what differs"
    monkeypatch.setattr(run, "run", lambda *_: [Result(NAME, 0, 1, 0, 0.1)])
    assert run.main(["--size", "quick", "--only", NAME]) == 0


def test_main__unknown_name__is_wrong_usage() -> None:
    with pytest.raises(SystemExit) as caught:
        run.main(["--only", "nothing of the kind"])
    assert caught.value.code == 2
