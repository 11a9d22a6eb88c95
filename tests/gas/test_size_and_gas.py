"""The README's figures."""

from __future__ import annotations

import pytest

from plimsoll.report import readme, size_and_gas, sizes
from plimsoll.report.gas import PEER_ROWS, Cost


def test_gas_table__one_line_per_operation() -> None:
    costs = {row.name: Cost(98_765, 43_210) for row in PEER_ROWS}
    lines = size_and_gas.gas_table(costs).splitlines()
    assert lines[2] == "| lender deposit | 98,765 | 43,210 | 80,000 | Compound III 81,721 |"
    assert len(lines) == len(PEER_ROWS) + 2


def test_size_table__largest_first() -> None:
    lines = size_and_gas.size_table({"Small": 7, "Large": 1_234}).splitlines()
    assert lines[2:] == ["| `Large` | 1,234 |", "| `Small` | 7 |"]


def test_text__has_every_deployable_contract_and_no_mock() -> None:
    text = size_and_gas.text()
    assert "`MarginEngine`" in text
    assert "| accrue |" in text
    for mock in ("Mock", "GasToken", "harness"):
        assert mock not in text


def test_text__contract_that_does_not_compile__is_not_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = size_and_gas.sizes.ArtifactError("contracts/X.vy does not compile")
    monkeypatch.setattr(sizes, "measure", lambda: ([], [broken]))
    with pytest.raises(sizes.ArtifactError, match=r"^contracts/X.vy does not compile$"):
        size_and_gas.text()


def test_readme__has_a_place_for_it() -> None:
    assert readme.replaced((readme.ROOT / "README.md").read_text(), "gas", "x")
