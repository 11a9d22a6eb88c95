"""A dollar feed of ether, a sequencer that has been up for long, and a factory of oracles over them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract, RevmChain
from plimsoll.model import feed
from plimsoll.model.price_source import Reading

MIN_ANSWER = 10**8
MAX_ANSWER = 10**13
MAX_AGE = 3_600
GRACE = 1_800


@dataclass(frozen=True)
class Oracle:
    """A deployed oracle, its feed and sequencer, and what it was deployed with."""

    contract: Contract
    aggregator: Contract
    sequencer: Contract | None
    parameters: feed.Parameters

    def read(self) -> Reading:
        return Reading(*self.contract.read())

    def model_read(self) -> Reading:
        sequencer = None if self.sequencer is None else latest(self.sequencer)
        return feed.read(self.parameters, latest(self.aggregator), sequencer, self.contract.chain.timestamp())


OpenOracle = Callable[..., Oracle]


def latest(aggregator: Contract) -> feed.Round:
    """Return a feed's latest round as the model wants it."""
    return feed.Round(*aggregator.latestRoundData()[1:4])


@pytest.fixture
def owner(chain: RevmChain) -> str:
    """Deploys, and sets the feeds."""
    return chain.accounts()[0]


@pytest.fixture
def sequencer(chain: RevmChain, owner: str) -> Contract:
    """A sequencer that is up, and has been for longer than any grace."""
    feed = chain.deploy("MockFeed", "L2 sequencer uptime", 0, 0, sender=owner)
    chain.warp(2 * 86_400)
    return feed


@pytest.fixture
def open_oracle(chain: RevmChain, owner: str) -> OpenOracle:
    """Deploy a feed at 2,000 dollars and an oracle over it, every parameter at its default unless given."""

    def open_oracle(
        feed_decimals: int = 8,
        token_decimals: int = 18,
        min_answer: int = MIN_ANSWER,
        max_answer: int = MAX_ANSWER,
        max_age: int = MAX_AGE,
        sequencer: Contract | None = None,
        grace: int | None = None,
        answer: int = 2_000 * 10**8,
    ) -> Oracle:
        aggregator = chain.deploy("MockFeed", "ETH / USD", feed_decimals, answer, sender=owner)
        if grace is None:
            grace = 0 if sequencer is None else GRACE
        arguments = (aggregator, token_decimals, min_answer, max_answer, max_age, sequencer or ZERO_ADDRESS, grace)
        contract = chain.deploy("FeedOracle", *arguments, sender=owner)
        parameters = feed.Parameters(token_decimals, feed_decimals, min_answer, max_answer, max_age, grace)
        return Oracle(contract, aggregator, sequencer, parameters)

    return open_oracle
