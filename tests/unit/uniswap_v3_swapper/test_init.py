"""Deployment."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from tests.support import reverts


@pytest.mark.parametrize("factory", [ZERO_ADDRESS, "0x00000000000000000000000000000000000000AA"])
def test_init__factory_is_no_contract__reverts(chain: RevmChain, factory: str) -> None:
    with reverts("swapper: factory"):
        chain.deploy("UniswapV3Swapper", factory, sender=chain.accounts()[0])
