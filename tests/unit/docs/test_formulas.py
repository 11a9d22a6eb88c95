"""docs/formulas.md names functions that exist, each formula once."""

import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"\| `(?P<contract>\w+\.\w+)` \| `(?P<model>\w+\.\w+)` \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "formulas.md").read_text())


@pytest.mark.parametrize("name", [contract for contract, _ in ROWS])
def test_formulas__the_contract_has_it(name: str) -> None:
    module, function = name.split(".")
    source = (ROOT / "contracts" / "modules" / f"{module}.vy").read_text()
    assert re.search(rf"^def {function}\(", source, re.MULTILINE), f"{module}.vy has no {function}"


@pytest.mark.parametrize("name", [model for _, model in ROWS])
def test_formulas__the_model_has_it(name: str) -> None:
    module, function = name.split(".")
    assert callable(getattr(import_module(f"plimsoll.model.{module}"), function))


def test_formulas__each_row_is_another_function() -> None:
    assert len({contract for contract, _ in ROWS}) == len({model for _, model in ROWS}) == len(ROWS)


def test_formulas__the_table_is_read() -> None:
    assert len(ROWS) >= 26
