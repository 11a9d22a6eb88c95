"""Draws: within their bounds, at the corners often, the same from the same seed."""

from __future__ import annotations

import pytest

from plimsoll.verify.differential.draws import Draws


@pytest.mark.parametrize("most", [0, 1, 2, 3, 10, 255, 256, 10**18, 2**112 - 1, 2**128 - 1, 2**256 - 1])
def test_upto__in_range_with_both_ends(most: int) -> None:
    draws = Draws("seed", 0)
    found = [draws.upto(most) for _ in range(4_000)]
    assert min(found) == 0
    assert max(found) == most


def test_upto__powers_and_their_neighbours() -> None:
    draws = Draws("seed", 0)
    found = {draws.upto(2**128 - 1) for _ in range(60_000)}
    corners = {power + by for power in (2**64, 2**112, 10**18, 10**6) for by in (-1, 0, 1)}
    assert corners <= found


@pytest.mark.parametrize(("least", "most"), [(1, 1), (1, 2), (600, 86_400), (10**15, 5 * 10**17), (-5, 5), (-9, -3)])
def test_within__in_range_with_both_ends(least: int, most: int) -> None:
    draws = Draws("seed", 0)
    found = [draws.within(least, most) for _ in range(4_000)]
    assert min(found) == least
    assert max(found) == most


def test_near__neighbours_within_bounds() -> None:
    draws = Draws("seed", 0)
    found = {draws.near(1_000, 0, 1_001) for _ in range(400)}
    assert {998, 999, 1_000, 1_001} <= found
    assert max(found) == 1_001
    assert min(found) >= 0


def test_draws__one_seed_one_stream() -> None:
    first, again, other = (Draws(seed, 0) for seed in ("a", "a", "b"))
    streams = [[draws.upto(2**256 - 1) for _ in range(50)] for draws in (first, again, other)]
    assert streams[0] == streams[1] != streams[2]
