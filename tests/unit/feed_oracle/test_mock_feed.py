"""The settable feed behaves as Chainlink's: rounds count up, missing ones revert."""

from __future__ import annotations

from plimsoll.chain import RevmChain
from tests.support import reverts


def test_mock_feed__rounds(chain: RevmChain, owner: str) -> None:
    feed = chain.deploy("MockFeed", "ETH / USD", 8, 5, sender=owner)
    start = chain.timestamp()
    assert (feed.decimals(), feed.description(), feed.version()) == (8, "ETH / USD", 1)
    assert feed.latestRoundData() == (1, 5, start, start, 1)
    receipt = feed.set_round(-7, 11, 12, sender=owner)
    assert receipt.events == [feed.event("AnswerUpdated", current=-7, roundId=2, updatedAt=12)]
    assert feed.latestRoundData() == feed.getRoundData(2) == (2, -7, 11, 12, 2)
    assert feed.getRoundData(1) == (1, 5, start, start, 1)
    for missing in (0, 3):
        with reverts("feed: no data"):
            feed.getRoundData(missing)
