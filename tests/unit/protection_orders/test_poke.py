"""poke: a trailing order remembers the best mid, which moves one way only."""

from __future__ import annotations

import pytest

from plimsoll.model import protection_orders
from plimsoll.model.protection_orders import Kind
from tests.support import reverts
from tests.support.scenario import DEAD, STALE, WIDE
from tests.unit.protection_orders.conftest import Desk

PRICES = (2_000, 2_100, 2_050, 2_300, 1_900, 2_299, 2_301, 1_850)


@pytest.mark.parametrize("kind", [Kind.TRAIL_BELOW, Kind.TRAIL_ABOVE])
def test_poke__monotone_and_as_the_model_says(desk: Desk, kind: Kind) -> None:
    order = desk.order(kind=kind, trigger=desk.mid("WETH", 2_000), trail=1_000)
    stored = 0
    for price in PRICES:
        desk.world.set_price("WETH", price)
        expected = protection_orders.best(kind, order.trigger, stored, desk.mid("WETH"))
        receipt = desk.poke(order)
        assert receipt.return_value == expected
        moved = expected != stored
        assert receipt.events == (
            [desk.orders.event("Poked", digest=order.digest(desk.domain), best=expected)] if moved else []
        )
        if stored:
            assert expected >= stored if kind == Kind.TRAIL_BELOW else expected <= stored
        stored = expected
        assert desk.orders.best_of(order.digest(desk.domain)) == desk.state(order).best == stored
    extreme = max(PRICES) if kind == Kind.TRAIL_BELOW else min(PRICES)
    assert stored == desk.mid("WETH", extreme)


@pytest.mark.parametrize("kind", [Kind.TRAIL_BELOW, Kind.TRAIL_ABOVE])
def test_poke__starts_from_the_trigger(desk: Desk, kind: Kind) -> None:
    start = 3_000 if kind == Kind.TRAIL_BELOW else 1_000
    order = desk.order(kind=kind, trigger=desk.mid("WETH", start), trail=9_999)
    assert desk.poke(order).return_value == desk.mid("WETH", start)


@pytest.mark.parametrize("sender", ["keeper", "stranger", "attacker", "trader", "guardian", "lender"])
def test_poke__by_anyone(desk: Desk, sender: str) -> None:
    order = desk.order(kind=Kind.TRAIL_BELOW, trail=1)
    assert desk.poke(order, sender=sender).return_value == desk.mid("WETH")


def test_poke__each_order_has_its_own_best(desk: Desk) -> None:
    order = desk.order(kind=Kind.TRAIL_BELOW, trail=500)
    desk.poke(order)
    assert desk.orders.best_of(desk.order(kind=Kind.TRAIL_BELOW, trail=501).digest(desk.domain)) == 0


@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_poke__price_not_ok__reverts(desk: Desk, status: int) -> None:
    desk.world.set_status("WETH", status)
    with reverts("orders: price status"):
        desk.poke(desk.order(kind=Kind.TRAIL_BELOW, trail=1))


@pytest.mark.parametrize("kind", [Kind.BELOW, Kind.ABOVE])
def test_poke__not_trailing__reverts(desk: Desk, kind: Kind) -> None:
    with reverts("orders: not trailing"):
        desk.poke(desk.order(kind=kind))


@pytest.mark.parametrize("signer", ["keeper", "stranger", "attacker", "operator"])
def test_poke__every_wrong_signer__reverts(desk: Desk, signer: str) -> None:
    """What nobody signed yet sees no mid: a best from before the signature would be no best of the order's."""
    order = desk.order(kind=Kind.TRAIL_BELOW, trail=1)
    with reverts("orders: signature"):
        desk.poke(order, signature=desk.sign(order, signer))


def test_poke__not_open_or_not_well_formed__reverts(desk: Desk) -> None:
    order = desk.order(kind=Kind.TRAIL_BELOW, trail=1)
    for changed, reason in (
        ({"deadline": desk.now - 1}, "orders: expired"),
        ({"epoch": 1}, "orders: epoch"),
        ({"account": 5}, "orders: zero owner"),
        ({"trail": 0}, "orders: trail"),
        ({"fee": 1_001}, "orders: fee"),
    ):
        with reverts(reason):
            desk.poke(desk.order(**({"kind": Kind.TRAIL_BELOW, "trail": 1} | changed)))
    desk.orders.cancel_order(order.digest(desk.domain), sender=desk.role("trader"))
    with reverts("orders: cancelled"):
        desk.poke(order)


def test_poke__finished__reverts(desk: Desk) -> None:
    order = desk.order(kind=Kind.TRAIL_BELOW, trigger=desk.mid("WETH", 2_000), trail=1)
    desk.world.set_price("WETH", 1_700)
    desk.execute(order)
    with reverts("orders: filled"):
        desk.poke(order)
