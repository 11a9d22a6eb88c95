"""The constructor: one engine, one cooldown, both for ever."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, RevmChain
from plimsoll.model.reserve_fund import MAX_COOLDOWN, MIN_COOLDOWN, ReserveFund
from tests.support import reverts
from tests.support.reserve import ReserveTwin


@pytest.mark.parametrize("cooldown", [MIN_COOLDOWN, 7 * 86_400, MAX_COOLDOWN])
def test_constructor__stores(chain: RevmChain, cooldown: int) -> None:
    deployer, engine = chain.accounts()[:2]
    fund = chain.deploy("ReserveFund", engine, cooldown, sender=deployer)
    assert (fund.engine(), fund.cooldown()) == (engine, cooldown)
    assert fund.deployment.events == []


@pytest.mark.parametrize("cooldown", [0, MIN_COOLDOWN - 1, MAX_COOLDOWN + 1, 2**256 - 1])
def test_constructor__cooldown_out_of_bounds__reverts(chain: RevmChain, twin: ReserveTwin, cooldown: int) -> None:
    deployer, engine = chain.accounts()[:2]
    with reverts("fund: cooldown"):
        chain.deploy("ReserveFund", engine, cooldown, sender=deployer)
    with pytest.raises(ValueError, match="fund: cooldown"):
        ReserveFund(twin.pool.model, cooldown)


def test_constructor__zero_engine__reverts(chain: RevmChain) -> None:
    with reverts("fund: zero address"):
        chain.deploy("ReserveFund", ZERO_ADDRESS, MIN_COOLDOWN, sender=chain.accounts()[0])
