"""The factory over a real Uniswap v3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from plimsoll.chain import Contract, RevmChain
from plimsoll.uniswap import Pool
from tests.support.isolated import Bazaar, deploy_bazaar


@pytest.fixture(scope="session")
def deployed_bazaar() -> Bazaar:
    """Deployed once for the session; tests use `bazaar`."""
    return deploy_bazaar(RevmChain())


@pytest.fixture
def bazaar(deployed_bazaar: Bazaar) -> Iterator[Bazaar]:
    with deployed_bazaar.chain.isolate():
        yield replace(deployed_bazaar, world=deployed_bazaar.world.copy())


@pytest.fixture
def market(bazaar: Bazaar) -> tuple[Contract, Pool]:
    """A token of three dollars that can be listed, and its market."""
    return bazaar.with_market()
