# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title A settable price feed for devnets and tests
@license AGPL-3.0
@notice In Chainlink's shape. Also serves as an L2 sequencer's status feed: answer 0 is up, 1 is down. Anyone may set it.
        Never deployed to a live network.
@dev Reverts with "feed: no data" where there is no round, and in `latestRoundData` while broken.
"""

from contracts.interfaces import IAggregatorV3

implements: IAggregatorV3

struct Round:
    answer: int256
    started_at: uint256
    updated_at: uint256

event AnswerUpdated:
    current: indexed(int256)
    roundId: indexed(uint256)
    updatedAt: uint256

decimals: public(uint8)
description: public(String[64])
version: public(constant(uint256)) = 1
broken: public(bool)
latest_round: public(uint80)
rounds: HashMap[uint80, Round]


@deploy
def __init__(description_: String[64], decimals_: uint8, answer: int256):
    """
    @param description_ For instance "ETH / USD"
    @param decimals_ Of the answers
    @param answer Of the first round
    """
    self.description = description_
    self.decimals = decimals_
    self._add_round(answer, block.timestamp, block.timestamp)


@external
def set_answer(answer: int256):
    """
    @notice Start a round with this answer now; anyone may call
    @param answer In units of 10**-decimals
    """
    self._add_round(answer, block.timestamp, block.timestamp)


@external
def set_round(answer: int256, started_at: uint256, updated_at: uint256):
    """
    @notice Start a round with any answer and times; anyone may call
    @param answer In units of 10**-decimals
    @param started_at Unix time
    @param updated_at Unix time; 0 is an incomplete round
    """
    self._add_round(answer, started_at, updated_at)


@external
def set_broken(broken_: bool):
    """
    @notice Make `latestRoundData` revert, or work again; anyone may call
    @param broken_ Whether it reverts
    """
    self.broken = broken_


@view
@external
def latestRoundData() -> (uint80, int256, uint256, uint256, uint80):
    """
    @notice The last round. Anyone may call
    @return roundId, answer, startedAt, updatedAt, answeredInRound
    """
    assert not self.broken, "feed: no data"
    return self._round(self.latest_round)


@view
@external
def getRoundData(round_id: uint80) -> (uint80, int256, uint256, uint256, uint80):
    """
    @notice One round. Anyone may call
    @param round_id From 1 to `latest_round`
    @return roundId, answer, startedAt, updatedAt, answeredInRound
    """
    assert 0 < round_id and round_id <= self.latest_round, "feed: no data"
    return self._round(round_id)


@internal
def _add_round(answer: int256, started_at: uint256, updated_at: uint256):
    self.latest_round += 1
    self.rounds[self.latest_round] = Round(answer=answer, started_at=started_at, updated_at=updated_at)
    log AnswerUpdated(current=answer, roundId=convert(self.latest_round, uint256), updatedAt=updated_at)


@view
@internal
def _round(round_id: uint80) -> (uint80, int256, uint256, uint256, uint80):
    round: Round = self.rounds[round_id]
    return round_id, round.answer, round.started_at, round.updated_at, round_id
