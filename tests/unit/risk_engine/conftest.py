"""An engine with nothing listed, and one with a dollar and an ether."""

from __future__ import annotations

import pytest

from plimsoll.chain import RevmChain
from tests.support.risk import Risk


@pytest.fixture
def risk(chain: RevmChain) -> Risk:
    return Risk.deploy(chain)
