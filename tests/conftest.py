"""What every test gets: the tools on PATH, a hypothesis profile, and a chain of its own."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings

from plimsoll.chain import RevmChain
from plimsoll.devnet import Devnet, start

_COMMON = {
    "deadline": None,
    "print_blob": True,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
settings.register_profile("quick", max_examples=25, **_COMMON)
settings.register_profile("ci", max_examples=100, derandomize=True, **_COMMON)
settings.register_profile(
    "mutation",  # a failure is enough: nobody reads the example
    max_examples=25,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    **_COMMON,
)
settings.register_profile("nightly", max_examples=5_000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="session")
def session_chain() -> RevmChain:
    """One in-process chain for the whole session, for fixtures that deploy once; tests use `chain`."""
    return RevmChain()


@pytest.fixture
def chain(session_chain: RevmChain) -> Iterator[RevmChain]:
    """The session's chain, restored after the test."""
    with session_chain.isolate():
        yield session_chain


@pytest.fixture(scope="session")
def session_devnet() -> Devnet:
    """A devnet on a chain of its own, deployed once for the whole session; tests use `devnet`."""
    return start(RevmChain())


@pytest.fixture
def devnet(session_devnet: Devnet) -> Iterator[Devnet]:
    """The session's devnet, restored after the test."""
    with session_devnet.chain.isolate():
        yield session_devnet
