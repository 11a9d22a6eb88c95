"""What the oracle was deployed with."""

from __future__ import annotations

from plimsoll.chain import ZERO_ADDRESS, Contract
from tests.unit.feed_oracle.conftest import GRACE, MAX_AGE, MAX_ANSWER, MIN_ANSWER, OpenOracle


def test_settings(open_oracle: OpenOracle, sequencer: Contract) -> None:
    oracle = open_oracle()
    shared = (oracle.aggregator.address, 18, 8, MIN_ANSWER, MAX_ANSWER, MAX_AGE)
    assert oracle.contract.settings() == (*shared, ZERO_ADDRESS, 0)
    oracle = open_oracle(sequencer=sequencer)
    shared = (oracle.aggregator.address, 18, 8, MIN_ANSWER, MAX_ANSWER, MAX_AGE)
    assert oracle.contract.settings() == (*shared, sequencer.address, GRACE)
