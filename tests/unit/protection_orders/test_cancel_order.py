"""cancel_order: one digest, of the caller's own orders."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.unit.protection_orders.conftest import WAD, Desk


def test_cancel_order__whole_receipt(desk: Desk) -> None:
    order, trader = desk.order(), desk.role("trader")
    desk.world.set_price("WETH", 1_750)
    receipt = desk.orders.cancel_order(order.digest(desk.domain), sender=trader)
    assert receipt.events == [desk.orders.event("OrderCancelled", owner=trader, digest=order.digest(desk.domain))]
    assert desk.orders.is_cancelled(trader, order.digest(desk.domain)) is True
    assert not desk.state(order).open
    with reverts("orders: cancelled"):
        desk.execute(order)


def test_cancel_order__after_a_part__stops_the_rest_and_not_the_group_alone(desk: Desk) -> None:
    order, other = desk.order(), desk.order(amount=19 * WAD, group=2)
    desk.world.set_price("WETH", 1_750)
    desk.execute(order, WAD)
    desk.orders.cancel_order(order.digest(desk.domain), sender=desk.role("trader"))
    with reverts("orders: cancelled"):
        desk.execute(order)
    desk.execute(other, WAD)


@pytest.mark.parametrize("role", ["keeper", "stranger", "attacker", "operator", "owner", "guardian", "deployer"])
def test_cancel_order__every_other_caller__changes_nothing(desk: Desk, role: str) -> None:
    order = desk.order()
    desk.world.set_price("WETH", 1_750)
    desk.orders.cancel_order(order.digest(desk.domain), sender=desk.role(role))
    assert desk.state(order).open
    desk.execute(order)
