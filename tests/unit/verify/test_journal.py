"""What verification showed, noted by its commands, and the table made of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from plimsoll.report import verification
from plimsoll.verify import journal


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty project with one contract."""
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "A.vy").write_text("a: uint256\n")
    monkeypatch.setenv("PLIMSOLL_HOME", str(tmp_path))
    return tmp_path


def test_read__runs_by_name_in_their_order(project: Path) -> None:
    assert journal.read() == {}
    journal.note("proofs", lemmas=2, proved=1, seconds=3.0)
    journal.note("static", contracts=1, judged=0, new=0, seconds=1.0)
    journal.note("proofs", lemmas=2, proved=2, seconds=4.0)
    assert journal.read() == {
        "proofs": [{"lemmas": 2, "proved": 1, "seconds": 3.0}, {"lemmas": 2, "proved": 2, "seconds": 4.0}],
        "static": [{"contracts": 1, "judged": 0, "new": 0, "seconds": 1.0}],
    }


@pytest.mark.parametrize("changed", ["contracts/A.vy", "contracts/interfaces/I.vyi"])
def test_read__a_run_over_other_contracts_does_not_count(project: Path, changed: str) -> None:
    journal.note("proofs", lemmas=2, proved=2, seconds=4.0)
    (project / changed).parent.mkdir(exist_ok=True)
    (project / changed).write_text("b: uint256\n")
    assert journal.read() == {}


def test_read__a_mock_that_changed_matters_not(project: Path) -> None:
    journal.note("proofs", lemmas=2, proved=2, seconds=4.0)
    (project / "contracts" / "mocks").mkdir()
    (project / "contracts" / "mocks" / "M.vy").write_text("b: uint256\n")
    assert list(journal.read()) == ["proofs"]


def test_text__the_last_run_of_each_command_and_all_campaigns_together(project: Path) -> None:
    for calls, seconds in ((1_000, 60.0), (2_500, 7_140.0)):
        journal.note("campaign", calls=calls, runs=1, checks=2, findings=0, seconds=seconds)
    for proved in (42, 43):
        journal.note("proofs", lemmas=43, proved=proved, seconds=61.0)
    assert verification.text().splitlines()[2:] == [
        "| `make fuzz` | 3,500 calls in 2 runs, 4 full checks, 0 findings | 2.0 h of CPU |",
        "| `make prove` | 43 of 43 lemmas proved | 61 s |",
    ]


def test_duration__seconds_minutes_hours() -> None:
    assert [verification.duration(seconds, "") for seconds in (89.0, 91.0, 5_399.0)] == ["89 s", "2 min", "90 min"]
    assert verification.duration(7_200.0, "of CPU") == "2.0 h of CPU"
