"""What is remembered, unpacked."""

from __future__ import annotations

from plimsoll.chain import RevmChain
from plimsoll.model import twap
from tests.unit.twap_oracle.conftest import WINDOW, Oracle


def test_checkpoints__are_the_twins_words(oracle: Oracle, chain: RevmChain) -> None:
    for wait, price in ((WINDOW, 1_500), (2 * WINDOW, 4_000), (8 * WINDOW, 3_999)):
        chain.warp(wait - 100)
        oracle.market.push(price)
        chain.warp(100)
        oracle.checkpoint()
        for shown, word in zip(oracle.contract.checkpoints(), oracle.checkpoints, strict=True):
            assert chain.timestamp() - shown.time == twap.age(word, chain.timestamp())
            assert shown.tick_cumulative == twap.tick_cumulative(word)
            assert shown.seconds_per_liquidity == twap.seconds_per_liquidity(word)
            assert shown.clamped_tick == twap.clamped_tick(word)
