"""cancel_request: who asked may think again."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.support.reserve import COOLDOWN, LAPSE, ReserveTwin


@pytest.mark.parametrize("waited", [0, COOLDOWN, COOLDOWN + LAPSE + 1])
def test_cancel__whole_receipt(twin: ReserveTwin, waited: int) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    twin.request(stake, twin.staker)
    twin.warp(waited)
    receipt = twin.fund.cancel_request(twin.pool.pool, sender=twin.staker)
    assert receipt.events == [twin.fund.event("RequestCancelled", pool=twin.pool.pool, owner=twin.staker, stake=stake)]
    assert tuple(twin.fund.request_of(twin.pool.pool, twin.staker)) == (0, 0)
    with reverts("fund: no request"):
        twin.fund.withdraw(twin.pool.pool, twin.staker, sender=twin.staker)


def test_cancel__twice__reverts(twin: ReserveTwin) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    twin.request(stake, twin.staker)
    twin.cancel(twin.staker)
    with reverts("fund: no request"):
        twin.cancel(twin.staker)
    twin.check()


@pytest.mark.parametrize("role", ["second", "lender", "engine", "owner", "guardian", "deployer", "attacker"])
def test_cancel__every_other_caller__reverts(twin: ReserveTwin, role: str) -> None:
    stake = twin.stake_tokens(1_000, twin.staker)
    twin.request(stake, twin.staker)
    with reverts("fund: no request"):
        twin.cancel(getattr(twin, role))
    twin.check()
