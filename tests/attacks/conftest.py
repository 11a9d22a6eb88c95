"""A stage for attackers on the devnet, and the ledger that `python -m plimsoll.report.attacks` reads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest

from plimsoll.devnet import Devnet
from tests.support.attack import Stage, set_stage

Tell = Callable[..., None]


@pytest.fixture
def stage(session_devnet: Devnet) -> Iterator[Stage]:
    """The devnet with lenders, restored after the test."""
    with session_devnet.chain.isolate():
        yield set_stage(session_devnet)


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Write down what an attack was: `tell(attack, budget=dollars, profit=dollars, held_by="what stops it")`."""

    def write(attack: str, *, budget: Fraction | int, profit: Fraction | int, held_by: str) -> None:
        row = {"attack": attack, "budget": float(budget), "profit": float(profit), "held_by": held_by}
        record_property("attack", json.dumps(row))

    return write
