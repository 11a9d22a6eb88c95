"""The benchmark runs and keeps its own promise at a small size."""

from __future__ import annotations

import pytest

from plimsoll.keeper import bench


def test_bench__prints_the_figure_and_its_conditions(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(["--accounts", "3000", "--cross", "20", "--node-accounts", "0"]) == 0
    printed = capsys.readouterr().out
    assert "3,000 accounts with debts" in printed
    assert "CPU time, median; Python" in printed
    assert "a move that crosses 20 of 3,000" in printed
    assert "one price moves: 20 cross" in printed
