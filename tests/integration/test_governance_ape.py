"""A deployment that a timelock owns, through ape: on py-evm in this process, and on an anvil that ape starts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from plimsoll import artifacts
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.config import TIMELOCK
from plimsoll.devnet import default_config, start
from plimsoll.governance import Governance, State

DELAY = 86_400


@pytest.mark.parametrize("network", ["ethereum:local:test", "ethereum:local:foundry"])
def test_timelock__accepts_queues_and_executes(network: str) -> None:
    config = default_config()
    with ApeChain.connect(network) as chain:
        devnet = start(chain, replace(config, protocol=replace(config.protocol, owner=TIMELOCK)))
        rule = Governance(chain, devnet.manifest)
        assert rule.to_accept() == devnet.manifest.to_accept != []
        assert rule.accept(devnet.maker) == []
        assert devnet.protocol.engine.owner() == rule.timelock.address

        operation = rule.schedule([rule.call("engine", "set_min_debt", 7 * 10**18)], devnet.maker)
        assert rule.lines(operation) == ["MarginEngine.set_min_debt(min_debt=7e18)"]
        chain.warp(DELAY)
        rule.execute(rule.find(operation.name), chain.accounts()[5])
        assert devnet.protocol.engine.settings()[1] == 7 * 10**18
        assert [each.state for each in rule.operations()] == [State.DONE, State.DONE]


def test_blueprint__of_a_pool__as_much_as_fits() -> None:
    pool = artifacts.load("LendingPool")
    with ApeChain.connect("ethereum:local:test") as chain:
        stored = chain.code(chain.deploy_blueprint("LendingPool", chain.accounts()[0]))
    assert len(stored) == artifacts.RUNTIME_LIMIT
    assert stored[:3] == bytes.fromhex("fe7100")
    assert stored[3:] + pool.blueprint_rest == pool.init_code
