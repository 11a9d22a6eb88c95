"""The table of what a push costs: measured on a pool, compared with what its curve says."""

from __future__ import annotations

from math import isclose, sqrt

import pytest

from plimsoll.report import push_cost, readme
from plimsoll.report.push_cost import BLOCK, DEPTH, FEE, TICKS_PER_HOUR, WINDOW, Push, measure


@pytest.fixture(scope="module")
def pushes() -> list[Push]:
    return [measure(blocks) for blocks in push_cost.BLOCKS]


def test_measure__costs_are_those_of_the_curve(pushes: list[Push]) -> None:
    """On x * y = k with a side of D, pushing by f costs D (sqrt f - 1) and buys what was worth D (1 - 1 / sqrt f).

    Selling that again, less the fee, leaves a price whose root is 1 / (1 - fee (1 - 1 / sqrt f)).
    """
    for push in pushes:
        root, fee = sqrt(push.factor), FEE / 10**6
        bare = DEPTH * (root - 1)
        assert isclose(push.capital, bare / (1 - fee), rel_tol=1e-6)
        assert isclose(push.arbitraged, push.capital - DEPTH * (1 - 1 / root), rel_tol=1e-6)
        end = 1 / (1 - fee * (1 - 1 / root))
        assert isclose(push.round_trip, push.capital - DEPTH * (root - end), rel_tol=1e-6)


def test_measure__the_mean_moves_by_20_percent_and_the_limited_mean_by_its_clamp(pushes: list[Push]) -> None:
    most = 1.0001 ** (TICKS_PER_HOUR * WINDOW / 3_600 + 1)
    for push in pushes:
        assert isclose(push.mean, 1.2, rel_tol=2e-3)
        assert 1 < push.limited <= most


def test_measure__twice_the_blocks_take_the_root_of_the_factor(pushes: list[Push]) -> None:
    one, two, eight = pushes
    assert isclose(two.factor, sqrt(one.factor), rel_tol=1e-3)
    assert isclose(eight.factor, one.factor ** (1 / 8), rel_tol=1e-3)
    assert one.blocks * BLOCK < WINDOW


def test_document__has_the_table() -> None:
    document = (readme.ROOT / "docs/attacks.md").read_text()
    assert readme.replaced(document, "push-cost", push_cost.text()) == document
