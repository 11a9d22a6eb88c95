"""The campaign's world, deployed once for all tests of a process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plimsoll.chain import RevmChain
from plimsoll.verify.campaign.backend import RevmBackend
from plimsoll.verify.campaign.world import World, build


@pytest.fixture(scope="session")
def deployed() -> tuple[RevmChain, World]:
    """A chain with the campaign's world."""
    chain = RevmChain()
    return chain, build(chain)


@pytest.fixture
def backend(deployed: tuple[RevmChain, World]) -> Iterator[RevmBackend]:
    """A backend on that chain, which is restored afterwards."""
    chain, _ = deployed
    with chain.isolate():
        yield RevmBackend(chain)


@pytest.fixture
def world(deployed: tuple[RevmChain, World]) -> World:
    """The world."""
    return deployed[1]
