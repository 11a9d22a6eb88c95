"""The README's excerpt of the demo's crash."""

from __future__ import annotations

import pytest

from plimsoll.crash import Crash
from plimsoll.errors import PlimsollError
from plimsoll.reconcile import Check
from plimsoll.report import crash, readme


def test_table__markdown() -> None:
    text = crash.table(("", "cured"), [("owner", "-1.5"), ("market", "1.5")])
    assert text.splitlines() == ["|  | cured |", "| --- | --: |", "| owner | -1.5 |", "| market | 1.5 |"]


def test_text__what_keepers_did_and_who_gained_what() -> None:
    deeds, gains = crash.text().split("\n\n")
    assert deeds.startswith("| keeper | second | did | account |")
    for word in ("| eager | 0 | start | all three |", "lost to patient", "written off"):
        assert word in deeds
    assert {cell.strip() for cell in gains.splitlines()[-1].split("|")} == {"", "sum", "0.000000"}


def test_text__a_number_does_not_reconcile__refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Crash, "tell", lambda self: [Check("USDC", "in the pool", 6, 7)])
    with pytest.raises(PlimsollError, match="USDC: in the pool: 6 is not 7"):
        crash.text()


def test_readme__has_the_part() -> None:
    document = (readme.ROOT / "README.md").read_text()
    assert "<!-- crash:begin -->\nexcerpt\n<!-- crash:end -->" in readme.replaced(document, "crash", "excerpt")
