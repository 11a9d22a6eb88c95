"""The table of what attackers won: read from what the tests wrote down."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plimsoll.report import attacks, readme
from plimsoll.report.attacks import Attack


def ledger(path: Path, *rows: tuple[str, float, float]) -> Path:
    """Write what pytest writes, one test case for each attack."""
    values = [
        json.dumps({"attack": name, "budget": budget, "profit": profit, "held_by": "x"})
        for name, budget, profit in rows
    ]
    cases = "".join(
        f"<testcase><properties><property name='attack' value='{value}'/></properties></testcase>" for value in values
    )
    path.write_text(f"<testsuites><testsuite>{cases}<testcase/></testsuite></testsuites>")
    return path


def test_read__the_best_of_all_ways(tmp_path: Path) -> None:
    path = ledger(tmp_path / "x.xml", ("push", 10, -5), ("lie", 1, 0), ("push", 100, -7), ("push", 1, 3))
    assert attacks.read(path) == [Attack("push", "x", 3, 100, 3), Attack("lie", "x", 1, 1, 0)]


@pytest.mark.parametrize(
    ("profit", "shown"),
    [(-1_234.9, "-1,234"), (-0.5, "0"), (0, "0"), (0.009, "0"), (0.011, "**1**"), (71_580_423.4, "**71,580,424**")],
)
def test_table__a_profit_is_bold_and_rounded_up(profit: float, shown: str) -> None:
    row = attacks.table([Attack("push", "fees", 2, 1e10, profit)]).splitlines()[-1]
    assert row == f"| push | 2 | 10,000,000,000 | {shown} | fees |"


def test_document__every_profit_has_its_bound() -> None:
    document = (readme.ROOT / "docs/attacks.md").read_text()
    part = document.partition("<!-- attacks:begin -->")[2].partition("<!-- attacks:end -->")[0]
    rows = [line.strip("| ").split(" | ") for line in part.strip().splitlines()[2:]]
    assert len(rows) > 30
    for name, _, _, profit, held_by in rows:
        assert ("**" not in profit) or held_by.startswith("bounded"), name
