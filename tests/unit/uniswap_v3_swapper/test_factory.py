"""The factory whose pools are used."""

from __future__ import annotations

from tests.unit.uniswap_v3_swapper.conftest import Desk


def test_factory(desk: Desk) -> None:
    assert desk.swapper.factory() == desk.uniswap.factory.address
