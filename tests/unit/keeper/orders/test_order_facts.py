"""What events say of orders is what the contract says, whatever happens and is taken back."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from plimsoll.chain import Revert
from plimsoll.keeper.order_facts import owner_of
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol.orders import Deleverage, Order
from tests.unit.keeper.orders.conftest import OrderKeeper
from tests.unit.protection_orders.conftest import WAD

REFUSALS = {
    "orders: above the trigger",
    "orders: cancelled",
    "orders: beyond the target",
    "orders: epoch",
    "orders: filled",
    "orders: group",
    "orders: not triggered",
    "orders: nothing to repay",
    "orders: nothing to sell",
}


def check(keeper: OrderKeeper, orders: list[Order | Deleverage]) -> None:
    """Hold the facts against the contract's views."""
    facts, desk, contract = keeper.books.state.orders, keeper.desk, keeper.desk.orders
    for order in orders:
        digest = order.digest(desk.domain)
        name, owner = f"0x{digest.hex()}", owner_of(order.account)
        assert facts.sold(name) == (contract.sold_of(digest) if isinstance(order, Order) else facts.sold(name))
        assert facts.best(name) == contract.best_of(digest)
        is_open = contract.state_of(order.as_tuple()).open if isinstance(order, Order) else None
        if is_open is None:
            is_open = contract.is_due(order.as_tuple())[0]
        assert (not facts.closed(name, order, desk.now)) == is_open
        assert owner == desk.role("trader")


@pytest.mark.parametrize("seed", range(6))
def test_facts__after_anything_and_reorgs__as_the_contract_says(keeper: OrderKeeper, seed: int) -> None:
    random, desk = Random(seed), keeper.desk
    trader, stranger = desk.role("trader"), desk.role("stranger")
    orders: list[Order | Deleverage] = [
        desk.order(kind=kind, trigger=desk.mid("WETH", 2_000), trail=trail, group=group, epoch=epoch, amount=9 * WAD)
        for kind, trail in ((Kind.BELOW, 0), (Kind.ABOVE, 0), (Kind.TRAIL_BELOW, 50))
        for group in (1, 2, 3)
        for epoch in (0, 1)
    ]
    orders += [desk.standing(group=group, trigger_ratio=29 * WAD // 10) for group in (3, 4)]

    def place() -> None:
        order = random.choice(orders)
        function = desk.orders.place if isinstance(order, Order) else desk.orders.place_deleverage
        function(order.as_tuple(), desk.sign(order), sender=stranger)

    def execute() -> None:
        order = random.choice(orders)
        if isinstance(order, Order):
            desk.execute(order, random.choice([WAD, 4 * WAD, 9 * WAD]))
        else:
            desk.deleverage(order, WAD // 10)

    def poke() -> None:
        desk.poke(random.choice([each for each in orders if isinstance(each, Order) and each.kind > Kind.ABOVE]))

    def price() -> None:
        desk.world.set_price("WETH", random.randrange(1_800, 2_300))

    def cancel() -> None:
        verb = random.randrange(12)
        if verb == 0:
            desk.orders.cancel_all(sender=trader)
        elif verb < 3:
            desk.orders.cancel_group(random.randrange(1, 5), sender=random.choice([trader, stranger]))
        else:
            sender = random.choice([trader, stranger])
            desk.orders.cancel_order(random.choice(orders).digest(desk.domain), sender=sender)

    verbs: list[Callable[[], None]] = [place, execute, execute, execute, poke, price, price, cancel]
    snapshots: list[int] = []
    for number in range(40):
        if number % 8 == 3:
            keeper.follow()
            snapshots.append(keeper.chain.snapshot())
        try:
            random.choice(verbs)()
        except Revert as refusal:
            assert refusal.reason in REFUSALS, refusal.reason
        if number % 8 == 7:
            keeper.follow()
            check(keeper, orders)
            if random.randrange(2):
                keeper.chain.revert(snapshots.pop())
                keeper.follow()
                check(keeper, orders)
    placed = set(keeper.books.state.orders.placed())
    for order in orders:
        name = f"0x{order.digest(desk.domain).hex()}"
        if name in placed:
            signed = keeper.books.state.orders.signed(name)
            assert (signed.order, signed.signature) == (order, desk.sign(order))
