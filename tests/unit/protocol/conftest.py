"""A devnet started once; every test gets it as it was."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from plimsoll.chain import RevmChain
from plimsoll.devnet import Devnet, start


@pytest.fixture(scope="module")
def started() -> Devnet:
    return start(RevmChain())


@pytest.fixture
def devnet(started: Devnet) -> Iterator[Devnet]:
    with started.chain.isolate():
        yield started
