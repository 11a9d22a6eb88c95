"""OperatorRegistry.bind: once, by the deployer."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts


@pytest.fixture
def registry(chain: RevmChain) -> Any:
    return chain.deploy("OperatorRegistry", sender=chain.accounts()[0])


def test_bind__deployer__names_the_engine(chain: RevmChain, registry: Any) -> None:
    deployer, engine = chain.accounts()[:2]
    assert registry.engine() == ZERO_ADDRESS
    receipt = registry.bind(engine, sender=deployer)
    assert registry.engine() == engine
    assert receipt.events == [registry.event("Bound", engine=engine)]


def test_bind__anyone_else__reverts(chain: RevmChain, registry: Any) -> None:
    for caller in chain.accounts()[1:5]:
        with reverts("operators: deployer only"):
            registry.bind(caller, sender=caller)


def test_bind__twice__reverts(chain: RevmChain, registry: Any) -> None:
    deployer, engine, other = chain.accounts()[:3]
    registry.bind(engine, sender=deployer)
    for again in (engine, other):
        with reverts("operators: bound already"):
            registry.bind(again, sender=deployer)
    assert registry.engine() == engine


def test_bind__zero_address__reverts(chain: RevmChain, registry: Any) -> None:
    with reverts("operators: zero address"):
        registry.bind(ZERO_ADDRESS, sender=chain.accounts()[0])
