"""A devnet with a node of its own for the keepers of a module, as it was again after every test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.keeper_world import KeeperWorld, keeper_world


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeeperWorld]:
    with keeper_world(tmp_path_factory.mktemp("keeper")) as world:
        yield world


@pytest.fixture
def world(started: KeeperWorld, tmp_path: Path) -> Iterator[KeeperWorld]:
    snapshot = started.chain.snapshot()
    yield KeeperWorld(started.chain, started.devnet, started.url, tmp_path)
    started.chain.rpc("evm_setAutomine", True)
    started.chain.revert(snapshot)
