"""An oracle over a risk engine with one asset of 2,000 dollars, and its twin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from plimsoll.chain import Receipt, RevmChain
from plimsoll.model import volatility_oracle
from plimsoll.model.volatility_oracle import Parameters, State
from tests.support.risk import DAY, ETHER_18, HOUR, WAD, Risk, reading

PARAMETERS = Parameters(
    interval=HOUR,
    window=HOUR // 2,
    fast_half_life=DAY,
    slow_half_life=14 * DAY,
    patience=6 * HOUR,
    max_sigma=20 * WAD,
    start_sigma=8 * WAD // 10,
)


@dataclass
class Oracle:
    """A deployed oracle that follows one asset, and what the model says of it."""

    risk: Risk
    contract: Any
    key: int
    parameters: Parameters
    state: State

    @classmethod
    def deploy(cls, chain: RevmChain, parameters: Parameters = PARAMETERS) -> Oracle:
        """Deploy an oracle that follows one asset."""
        risk = Risk.deploy(chain)
        key = risk.list_asset()
        contract = chain.deploy("VolatilityOracle", risk.engine, risk.owner, risk.guardian, sender=risk.stranger)
        contract.add(key, parameters, sender=risk.owner)
        return cls(risk, contract, key, parameters, volatility_oracle.add(parameters, ETHER_18, chain.timestamp()))

    @property
    def now(self) -> int:
        return self.risk.chain.timestamp()

    def sample(self, mid: int, seconds: int | None = None) -> Receipt:
        """Take a sample of this price after a while (an interval), on the chain and in the model."""
        self.risk.chain.warp(self.parameters.interval if seconds is None else seconds)
        self.risk.answer(self.key, reading(mid, self.now))
        receipt = self.contract.sample(self.key, sender=self.risk.stranger)
        self.state = volatility_oracle.sample(self.state, self.parameters, mid, self.now)
        return cast(Receipt, receipt)

    def agrees(self) -> None:
        """Assert that every view says what the model says."""
        assert tuple(self.contract.state_of(self.key)) == self.state
        assert self.contract.sigma(self.key) == volatility_oracle.sigma(self.state)
        assert self.contract.due(self.key) == volatility_oracle.due(self.state, self.parameters)
        assert tuple(self.contract.measure(self.key)) == (self.contract.sigma(self.key), self.contract.due(self.key))
        assert tuple(self.contract.last(self.key)) == (self.state.mid, self.state.time)
        assert self.contract.next_sample(self.key) == self.state.time + self.parameters.interval
        assert tuple(self.contract.parameters_of(self.key)) == self.parameters._replace(start_sigma=0)


@pytest.fixture
def oracle(chain: RevmChain) -> Oracle:
    return Oracle.deploy(chain)
