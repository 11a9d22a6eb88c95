"""The depth under attack: what can be done to it in a second, with a narrow range, with dust, and for how much gas."""

from __future__ import annotations

from fractions import Fraction

import pytest

from plimsoll.chain import RevmChain
from plimsoll.model import market_depth
from tests.support.uniswap import Market
from tests.unit.uniswap_v3_depth.conftest import REACH, WAD, WINDOW, Depth, OpenDepth

GAS = 3_000_000
"""What IDepthSource lets a source need."""


def test_depth__the_least_of_three(depth: Depth) -> None:
    found = depth.measure()
    assert depth.contract.depth() == min(found.steady, found.up, found.down) == found.depth


def test_depth__liquidity_added_in_the_same_second__counts_nothing(depth: Depth) -> None:
    before = depth.measure()
    depth.add(-REACH, REACH, 50_000_000)
    after = depth.measure()
    assert after == depth.model_measure()
    assert after.steady == before.steady
    assert min(after.up, after.down) > 100 * before.steady
    assert depth.contract.depth() == before.steady


def test_depth__liquidity_that_stood_for_a_tenth_of_the_time__counts_a_ninth_more_at_most(
    depth: Depth, chain: RevmChain
) -> None:
    before = depth.measure()
    depth.add(-REACH, REACH, 50_000_000)
    chain.warp(WINDOW // 10)
    duration = depth.oracle.mean().duration
    most = Fraction(duration, duration - WINDOW // 10)
    assert before.steady < depth.contract.depth() <= before.steady * most + 1


@pytest.mark.parametrize("whole", [10_000, 1_000_000])
def test_depth__a_narrow_range_for_the_whole_mean__counts_for_what_it_sells(
    market: Market, open_depth: OpenDepth, chain: RevmChain, whole: int
) -> None:
    """Ten ticks around the price multiply the liquidity in range, but moving the pool costs what they hold, no more."""
    depth = open_depth(market)
    before = depth.measure()
    depth.add(-10, 10, whole)
    chain.warp(4 * WINDOW)
    after = depth.measure()
    assert after == depth.model_measure()
    assert after.steady > 10 * before.steady
    assert before.depth < depth.contract.depth() <= before.depth + (whole + 1) * WAD


@pytest.mark.parametrize(("lower", "upper"), [(REACH + 10, 2_000), (-2_000, -REACH - 10)])
def test_depth__liquidity_out_of_reach__counts_nothing(depth: Depth, chain: RevmChain, lower: int, upper: int) -> None:
    before = depth.measure()
    depth.add(lower, upper, 50_000_000)
    assert depth.measure() == before
    chain.warp(4 * WINDOW)
    assert depth.measure() == before


@pytest.mark.parametrize(("lower", "upper"), [(20, 190), (-190, -20)])
def test_depth__one_side_made_deep__the_other_counts(
    market: Market, open_depth: OpenDepth, chain: RevmChain, lower: int, upper: int
) -> None:
    depth = open_depth(market)
    depth.add(-10, 10, 100_000)
    chain.warp(4 * WINDOW)
    before = depth.measure()
    assert before.steady > 2 * max(before.up, before.down), "so that what stands now is the least"
    depth.add(lower, upper, 50_000_000)
    after = depth.measure()
    assert (after.up > before.up, after.down > before.down) == (lower > 0, lower < 0)
    assert depth.contract.depth() == (before.down if lower > 0 else before.up)


def test_depth__liquidity_taken_out_for_a_second__shallower_in_it_and_not_after(
    market: Market, open_depth: OpenDepth, chain: RevmChain
) -> None:
    chain.warp(2 * WINDOW)
    depth = open_depth(market)
    position = depth.add(-1_000, 1_000, 1_000_000)
    chain.warp(4 * WINDOW)
    before = depth.contract.depth()
    depth.remove(position)
    low = depth.contract.depth()
    assert low * 5 < before
    assert low > 9_000 * WAD, "what the others have in the pool"
    depth.add(-1_000, 1_000, 1_000_000)
    chain.warp(12)
    assert abs(depth.contract.depth() - before) <= before // 10**6


def test_depth__both_tricks_at_once__until_the_next_measurement(
    market: Market, open_depth: OpenDepth, chain: RevmChain
) -> None:
    """What stays open: capital for the whole time in a narrow range, and for a second in the rest of the reach."""
    depth = open_depth(market)
    depth.add(-10, 10, 100_000)
    chain.warp(4 * WINDOW)
    honest = depth.contract.depth()
    position = depth.add(-REACH, REACH, 50_000_000)
    assert depth.contract.depth() > 3 * honest
    depth.remove(position)
    assert abs(depth.contract.depth() - honest) <= honest // 10**6


@pytest.mark.parametrize("push", [-150, -20, 20, 150])
def test_depth__pool_pushed_within_reach_in_the_same_second__still_around_the_mean(depth: Depth, push: int) -> None:
    depth.add(-1_000, 1_000, 300_000)
    depth.add(-60, 80, 20_000)
    before = depth.measure()
    depth.market.push_by(Fraction(10_000 + push, 10_000))
    after = depth.measure()
    assert after == depth.model_measure()
    assert after.steady == before.steady
    for now, then in ((after.up, before.up), (after.down, before.down)):
        assert abs(now - then) <= 10**12, "a raw quote unit: the range is cut in two where the pool is"


def test_depth__dust_in_every_usable_tick_of_two_per_cent__is_gone_through(depth: Depth) -> None:
    before = depth.measure()
    for lower in range(-REACH - 10, REACH + 10, 10):
        depth.add(lower, lower + 9, 1)
    found = depth.measure()
    assert len(depth.book().net) >= 39
    assert found == depth.model_measure()
    assert found.complete
    assert before.up <= found.up <= before.up + 50 * WAD
    assert before.down <= found.down <= before.down + 50 * WAD


def strew(depth: Depth) -> None:
    """Open a position of dust in every usable tick of the longest reach: more than are crossed."""
    for lower in range(-1_010, 1_010, 10):
        depth.add(lower, lower + 9, 1)
    assert len(depth.book().net) > 2 * market_depth.MAX_CROSSED


def test_depth__more_dust_than_is_crossed__shallower(market: Market, open_depth: OpenDepth) -> None:
    depth = open_depth(market, reach=1_000)
    before = depth.measure()
    assert before.complete
    strew(depth)
    found = depth.measure()
    assert not found.complete
    assert found == depth.model_measure()
    assert before.up // 2 < found.up < before.up
    assert before.down // 2 < found.down < before.down
    assert depth.contract.depth() == found.depth < before.depth


@pytest.mark.parametrize("side", [-1, 1])
def test_depth__more_dust_than_is_crossed_on_one_side__says_so(
    market: Market, open_depth: OpenDepth, side: int
) -> None:
    depth = open_depth(market, reach=1_000)
    before = depth.measure()
    for distance in range(20, 1_000, 10):
        depth.add(side * distance, side * distance + 9, 1)
    found = depth.measure()
    assert not found.complete
    assert found == depth.model_measure()
    assert (found.up < before.up, found.down < before.down) == (side > 0, side < 0)


def test_depth__more_dust_than_is_crossed__within_its_gas(market: Market, open_depth: OpenDepth) -> None:
    depth = open_depth(market, reach=1_000)
    strew(depth)
    assert depth.contract.depth(gas=GAS) == depth.contract.depth() > 0
