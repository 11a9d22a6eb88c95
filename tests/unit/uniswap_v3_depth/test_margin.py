"""Through the risk engine: what a real pool's depth, and tricks with it, do to the margin of its asset."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts
from tests.support.risk import HOUR, MARGIN, PRICES, WAD, Risk
from tests.support.uniswap import Market
from tests.unit.uniswap_v3_depth.conftest import Depth, OpenDepth, take_out

IMPACT = WAD // 100
"""A balance as large as the depth needs one per cent more."""
WORTH = 50_000 * WAD


@dataclass(frozen=True)
class Followed:
    """An asset of a risk engine whose margin follows a market's depth, and a position in that market."""

    risk: Risk
    key: int
    depth: Depth
    position: int

    def target(self) -> int:
        """Return the size slope that the ramp goes to."""
        return int(self.risk.engine.margin_of(self.key).target.size_slope)

    def rate(self) -> int:
        """Return the maintenance rate of a balance now."""
        return int(self.risk.engine.effective_rate(self.key, WORTH, self.risk.chain.timestamp()))

    def poke(self) -> None:
        self.risk.engine.poke(self.key, sender=self.risk.stranger)

    def slope(self) -> int:
        """Return what the depth asks for."""
        return max(-(-IMPACT * WAD // self.depth.contract.depth()), MARGIN.size_slope)


@pytest.fixture
def followed(chain: RevmChain, market: Market, open_depth: OpenDepth) -> Followed:
    """The market's asset, listed when nine tenths of what stands in its market are one position's."""
    depth = open_depth(market)
    position = depth.add(-1_000, 1_000, 500_000)
    chain.warp(4 * HOUR)
    risk = Risk.deploy(chain)
    receipt = risk.engine.list_asset(market.base, False, [risk.source()], PRICES, MARGIN, sender=risk.owner)
    key: int = receipt.return_value
    risk.engine.set_dynamics(key, (ZERO_ADDRESS, 0, depth.contract, IMPACT, 0), sender=risk.owner)
    return Followed(risk, key, depth, position)


def test_poke__the_slope_goes_to_what_the_depth_asks_for(followed: Followed, chain: RevmChain) -> None:
    assert followed.target() == followed.slope() > MARGIN.size_slope
    chain.warp(4_000 * HOUR)
    followed.poke()
    assert followed.risk.engine.margin_of(followed.key).size_slope == followed.target() == followed.slope()


def test_poke__liquidity_taken_out_for_a_second__the_ramp_limits_it(followed: Followed, chain: RevmChain) -> None:
    chain.warp(4_000 * HOUR)
    followed.poke()
    before, honest = followed.rate(), followed.target()
    chain.warp(HOUR)
    followed.depth.remove(followed.position)
    followed.poke()
    assert followed.target() == followed.slope() > 5 * honest
    assert followed.rate() == before, "no poke changes a rate at its moment"
    followed.depth.add(-1_000, 1_000, 500_000)
    chain.warp(HOUR)
    assert before < followed.rate() <= before + MARGIN.ramp_up
    followed.poke()
    assert abs(followed.target() - honest) <= honest // 1_000


def test_poke__liquidity_added_for_a_second__nothing(followed: Followed, chain: RevmChain) -> None:
    honest = followed.target()
    chain.warp(HOUR)
    followed.depth.add(-300, 300, 50_000_000)
    followed.poke()
    assert followed.target() == honest


def test_poke__price_pushed_out_of_reach__goes_on_with_what_it_knew(followed: Followed, chain: RevmChain) -> None:
    honest = followed.target()
    chain.warp(HOUR)
    followed.depth.market.push_by(Fraction(97, 100))
    with reverts("depth: moving"):
        followed.depth.contract.depth()
    followed.poke()
    assert followed.target() == honest


def test_poke__nothing_stands__the_steepest_slope_by_its_ramp(followed: Followed, chain: RevmChain) -> None:
    before = followed.rate()
    followed.depth.remove(followed.position)
    take_out(followed.depth.market, 1, chain.accounts()[0])
    chain.warp(HOUR)
    followed.poke()
    assert followed.depth.contract.depth() == 0
    assert followed.target() == 10**14
    now = followed.rate()
    chain.warp(HOUR)
    assert before <= now < followed.rate() <= now + MARGIN.ramp_up
