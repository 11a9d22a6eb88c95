"""place and place_deleverage: an event with what its owner signed, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from plimsoll.protocol.orders import Deleverage, Order
from tests.support import reverts
from tests.unit.protection_orders.conftest import Desk

SENDERS = ["trader", "keeper", "stranger", "attacker", "guardian", "lender"]


def place(desk: Desk, order: Order | Deleverage, sender: str = "stranger", **changed: Any) -> Any:
    """Place an order or a standing order, signed by the trader."""
    function = desk.orders.place if isinstance(order, Order) else desk.orders.place_deleverage
    signature = changed["signature"] if "signature" in changed else desk.sign(order)
    return function(order.as_tuple(), signature, sender=desk.role(sender))


@pytest.mark.parametrize("sender", SENDERS)
def test_place__by_anyone__whole_receipt(desk: Desk, sender: str) -> None:
    order = desk.order()
    receipt = place(desk, order, sender)
    (event,) = receipt.events
    assert event.name == "OrderPlaced"
    assert event.args["digest"] == order.digest(desk.domain)
    assert event.args["account"] == desk.long
    assert tuple(event.args["order"]) == order.as_tuple()
    assert event.args["signature"] == desk.sign(order)
    assert desk.state(order).open
    desk.world.set_price("WETH", 1_750)
    desk.execute(order)


@pytest.mark.parametrize("sender", SENDERS)
def test_place_deleverage__by_anyone__whole_receipt(desk: Desk, sender: str) -> None:
    standing = desk.standing()
    receipt = place(desk, standing, sender)
    (event,) = receipt.events
    assert event.name == "DeleveragePlaced"
    assert event.args["digest"] == standing.digest(desk.domain)
    assert event.args["account"] == desk.long
    assert tuple(event.args["standing"]) == standing.as_tuple()
    assert event.args["signature"] == desk.sign(standing)


@pytest.mark.parametrize("make", [Desk.order, Desk.standing], ids=["place", "place_deleverage"])
def test_place__again__says_it_again(desk: Desk, make: Callable[..., Any]) -> None:
    assert place(desk, make(desk)).events == place(desk, make(desk)).events


@pytest.mark.parametrize("make", [Desk.order, Desk.standing], ids=["place", "place_deleverage"])
@pytest.mark.parametrize("signer", ["keeper", "stranger", "attacker", "operator", "owner", "guardian"])
def test_place__every_wrong_signer__reverts(desk: Desk, make: Callable[..., Any], signer: str) -> None:
    order = make(desk)
    with reverts("orders: signature"):
        place(desk, order, signature=desk.sign(order, signer))


@pytest.mark.parametrize("make", [Desk.order, Desk.standing], ids=["place", "place_deleverage"])
def test_place__not_open__reverts(desk: Desk, make: Callable[..., Any]) -> None:
    for changed, reason in (
        ({"deadline": desk.now - 1}, "orders: expired"),
        ({"epoch": 1}, "orders: epoch"),
        ({"account": 5}, "orders: zero owner"),
    ):
        with reverts(reason):
            place(desk, make(desk, **changed))
    order = make(desk)
    desk.orders.cancel_order(order.digest(desk.domain), sender=desk.role("trader"))
    with reverts("orders: cancelled"):
        place(desk, order)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"kind": 4}, "orders: kind"),
        ({"trigger": 0}, "orders: trigger"),
        ({"trail": 1}, "orders: trail"),
        ({"amount": 0}, "orders: zero amount"),
        ({"min_rate": 2**128}, "orders: min rate"),
        ({"max_slippage": 2_001}, "orders: slippage"),
        ({"fee": 1_001}, "orders: fee"),
    ],
    ids=str,
)
def test_place__not_well_formed__reverts(desk: Desk, changed: dict[str, int], reason: str) -> None:
    with reverts(reason):
        place(desk, desk.order(**changed))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"trigger_ratio": 3 * 10**18}, "orders: ratios"),
        ({"max_cost": 2_001}, "orders: cost"),
        ({"fee": 101}, "orders: fee"),
    ],
    ids=str,
)
def test_place_deleverage__not_well_formed__reverts(desk: Desk, changed: dict[str, int], reason: str) -> None:
    with reverts(reason):
        place(desk, desk.standing(**changed))
