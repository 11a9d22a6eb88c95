"""When the next checkpoint may be taken."""

from __future__ import annotations

from plimsoll.chain import RevmChain
from tests.unit.twap_oracle.conftest import WINDOW, Oracle


def test_next_checkpoint__is_one_window_after_the_younger(oracle: Oracle, chain: RevmChain) -> None:
    start = chain.timestamp()
    for now in (0, 5, WINDOW, 9 * WINDOW):
        chain.warp(start + now - chain.timestamp())
        assert oracle.contract.next_checkpoint() == start + WINDOW
    oracle.checkpoint()
    assert oracle.contract.next_checkpoint() == chain.timestamp() + WINDOW
