"""The constructor: one engine, and a domain of its own."""

from __future__ import annotations

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.protocol.orders import Domain
from tests.support import reverts
from tests.unit.protection_orders.conftest import Desk


def test_constructor__stores_engine_and_domain(desk: Desk) -> None:
    assert desk.orders.engine() == desk.world.engine.address
    assert desk.domain == Domain("Plimsoll orders", "1", desk.chain.chain_id, desk.orders.address)
    assert desk.orders.deployment.events == []


def test_constructor__zero_engine__reverts(desk: Desk) -> None:
    with reverts("orders: zero address"):
        desk.chain.deploy("ProtectionOrders", ZERO_ADDRESS, sender=desk.role("deployer"))
