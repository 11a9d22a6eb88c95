"""A devnet that is to be owned by a timelock, its admin being the deployer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from plimsoll.chain import RevmChain
from plimsoll.config import TIMELOCK
from plimsoll.devnet import Devnet, default_config, start
from plimsoll.governance import Governance

DELAY = 2 * 86_400


@pytest.fixture(scope="session")
def deployed() -> Devnet:
    """Deployed once for the session; tests use `offered`."""
    chain = RevmChain()
    config = default_config()
    protocol = replace(config.protocol, owner=TIMELOCK, timelock_delay=DELAY, guardian=chain.accounts()[8])
    return start(chain, replace(config, protocol=protocol))


@pytest.fixture
def offered(deployed: Devnet) -> Iterator[Devnet]:
    """Everything is offered to the timelock, and its acceptance is queued."""
    with deployed.chain.isolate():
        yield deployed


@pytest.fixture
def offered_rule(offered: Devnet) -> Governance:
    return Governance(offered.chain, offered.manifest)


@pytest.fixture
def rule(offered: Devnet, offered_rule: Governance) -> Governance:
    """The timelock owns everything."""
    assert offered_rule.accept(offered.maker) == []
    return offered_rule
