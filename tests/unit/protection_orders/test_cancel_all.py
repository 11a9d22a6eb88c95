"""cancel_all: a new epoch voids everything signed before."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.unit.protection_orders.conftest import Desk


def test_cancel_all__whole_receipt(desk: Desk) -> None:
    trader = desk.role("trader")
    desk.world.set_price("WETH", 1_750)
    for epoch in (1, 2):
        receipt = desk.orders.cancel_all(sender=trader)
        assert receipt.return_value == epoch == desk.orders.epoch_of(trader)
        assert receipt.events == [desk.orders.event("EpochStarted", owner=trader, epoch=epoch)]
    for epoch in (0, 1, 3):
        with reverts("orders: epoch"):
            desk.execute(desk.order(epoch=epoch))
        assert not desk.state(desk.order(epoch=epoch)).open
    desk.execute(desk.order(epoch=2))


@pytest.mark.parametrize("role", ["keeper", "stranger", "attacker", "operator", "owner", "guardian", "deployer"])
def test_cancel_all__every_other_caller__changes_nothing(desk: Desk, role: str) -> None:
    desk.orders.cancel_all(sender=desk.role(role))
    desk.world.set_price("WETH", 1_750)
    desk.execute(desk.order())
