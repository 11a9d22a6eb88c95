"""The gas report's own rules: bounds, drift, the snapshot's form, the table."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from plimsoll.errors import PlimsollError
from plimsoll.report import gas
from plimsoll.report.gas import PEER_ROWS, ROWS, Cost, drift, load_snapshot, over_bound, save_snapshot, table


def at_bound(beyond: int) -> dict[str, Cost]:
    """Costs of every row, those with a bound `beyond` it."""
    return {row.name: Cost(1, (row.bound or 0) + beyond) for row in ROWS}


def test_over_bound__at_the_bound__is_over() -> None:
    assert over_bound(at_bound(0)) == [row.name for row in ROWS if row.bound is not None]


def test_over_bound__one_below__is_not() -> None:
    assert over_bound(at_bound(-1)) == []


def test_over_bound__first_use__does_not_count() -> None:
    assert over_bound({name: Cost(10**9, cost.steady) for name, cost in at_bound(-1).items()}) == []


def test_drift__equal__nothing() -> None:
    assert drift(at_bound(0), at_bound(0)) == []


def test_drift__one_gas_less__is_told() -> None:
    assert drift({"accrue": Cost(40_000, 38_999)}, {"accrue": Cost(40_000, 39_000)}) == [
        "accrue: first 40,000 -> 40,000 (+0), steady 39,000 -> 38,999 (-1)"
    ]


def test_drift__rows_that_only_one_has__are_told() -> None:
    assert drift({"borrow": Cost(1, 2)}, {"accrue": Cost(1, 2)}) == [
        "accrue: not measured any more",
        "borrow: not in the snapshot",
    ]


def test_save_snapshot__form__is_what_other_tools_read(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.json"
    save_snapshot(path, {"borrow": Cost(3, 4), "accrue": Cost(1, 2)})
    assert json.loads(path.read_text()) == {"accrue": {"first": 1, "steady": 2}, "borrow": {"first": 3, "steady": 4}}
    assert list(json.loads(path.read_text())) == ["accrue", "borrow"]
    assert load_snapshot(path) == {"borrow": Cost(3, 4), "accrue": Cost(1, 2)}


def test_load_snapshot__missing__one_line(tmp_path: Path) -> None:
    with pytest.raises(PlimsollError, match=r"^there is no snapshot.json to compare with: run `make gas`$"):
        load_snapshot(tmp_path / "snapshot.json")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"accrue": 5}', '{"accrue": {"first": 1}}'])
def test_load_snapshot__damaged__one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(text)
    with pytest.raises(PlimsollError, match=r"^snapshot.json is damaged"):
        load_snapshot(path)


def test_table__fits_a_log_and_shows_every_row() -> None:
    out = io.StringIO()
    costs = {row.name: Cost(234_567, 123_456) for row in ROWS}
    Console(file=out, width=120).print(table(costs))
    lines = out.getvalue().splitlines()
    for row in ROWS:
        assert sum(row.name in line and "234,567 123,456" in line for line in lines) >= 1
    assert sum(line.rstrip().endswith(" over") for line in lines) == len(over_bound(costs))


def test_rows__names__are_unique() -> None:
    assert len({row.name for row in ROWS}) == len(ROWS)
    assert all(row.bound and row.peer and row.floor and row.floor < row.peer for row in PEER_ROWS)


@pytest.mark.parametrize(
    ("beyond", "drifted", "code"), [(-1, False, 0), (0, False, 1), (-1, True, 1)], ids=["good", "over", "drift"]
)
def test_judge__check__exit_code_and_no_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, beyond: int, drifted: bool, code: int
) -> None:
    path = tmp_path / "snapshot.json"
    save_snapshot(path, at_bound(beyond) | ({"accrue": Cost(0, 0)} if drifted else {}))
    before = path.read_text()
    monkeypatch.setattr(gas, "snapshot_path", lambda: path)
    assert gas._judge(at_bound(beyond), True, Console(file=io.StringIO())) == code
    assert path.read_text() == before


def test_judge__no_check__writes_even_when_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "snapshot.json"
    monkeypatch.setattr(gas, "snapshot_path", lambda: path)
    assert gas._judge(at_bound(0), False, Console(file=io.StringIO())) == 1
    assert load_snapshot(path) == at_bound(0)
