"""cancel_group: all orders of a group of the caller's, executed or not."""

from __future__ import annotations

import pytest

from plimsoll.model.protection_orders import Kind
from tests.support import reverts
from tests.unit.protection_orders.conftest import WAD, Desk


@pytest.mark.parametrize("executed", [False, True])
def test_cancel_group__whole_receipt(desk: Desk, executed: bool) -> None:
    stop, profit = desk.order(), desk.order(kind=Kind.ABOVE, trigger=1)
    trader = desk.role("trader")
    desk.world.set_price("WETH", 1_750)
    if executed:
        desk.execute(stop, WAD)
    receipt = desk.orders.cancel_group(1, sender=trader)
    assert receipt.events == [desk.orders.event("GroupCancelled", owner=trader, group=1)]
    assert desk.orders.group_of(trader, 1) == b"\xff" * 32
    for order in (stop, profit):
        assert not desk.state(order).open
        with reverts("orders: cancelled"):
            desk.execute(order)
    desk.execute(desk.order(group=2))


@pytest.mark.parametrize("role", ["keeper", "stranger", "attacker", "operator", "owner", "guardian", "deployer"])
def test_cancel_group__every_other_caller__changes_nothing(desk: Desk, role: str) -> None:
    desk.orders.cancel_group(1, sender=desk.role(role))
    desk.world.set_price("WETH", 1_750)
    desk.execute(desk.order())
