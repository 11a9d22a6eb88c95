"""Every operation stays below its bound. `make gas` prints the table; the committed snapshot is compared there."""

from __future__ import annotations

import pytest

from plimsoll.report.gas import ROWS, Cost, Row, load_snapshot, snapshot_path
from plimsoll.report.gas_scenario import Use

MOVING_BITS = 300
BOUNDED = [row for row in ROWS if row.bound is not None]


@pytest.mark.parametrize("row", BOUNDED, ids=lambda row: row.name)
def test_gas__steady__is_below_the_bound(costs: dict[str, Cost], row: Row) -> None:
    assert row.bound is not None
    assert costs[row.name].steady < row.bound


def test_gas__every_row__is_measured_and_no_other(costs: dict[str, Cost]) -> None:
    assert set(costs) == {row.name for row in ROWS}


def test_gas__uses_after_the_first__are_alike(uses: dict[str, list[Use]]) -> None:
    """What is steady costs the same twice, but for the bits of numbers that move; else the row measures a mixture."""
    for row, made in uses.items():
        later = [use.gas for use in made[1:]]
        assert len(later) >= 2
        assert max(later) - min(later) <= MOVING_BITS, row


def test_gas__first_use__is_no_cheaper(costs: dict[str, Cost]) -> None:
    for row, cost in costs.items():
        assert cost.first >= cost.steady - MOVING_BITS, row


def test_snapshot__has_every_row() -> None:
    assert set(load_snapshot(snapshot_path())) == {row.name for row in ROWS}
