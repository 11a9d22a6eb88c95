"""execute: what triggers, how much is sold, what it may cost, and who signed it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import ZERO_ADDRESS, Event
from plimsoll.model import account_word, protection_orders
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol.orders import Domain
from tests.support import reverts
from tests.support.scenario import DEAD, FOREVER, STALE, WIDE
from tests.unit.protection_orders.conftest import ALL, GRANT, WAD, Desk, exactly

USDC = 10**6


def moved(desk: Desk, symbol: str, sender: Any, receiver: Any, amount: int) -> Event:
    event: Event = desk.token(symbol).event("Transfer", sender=sender, receiver=receiver, value=amount)
    return event


@pytest.fixture
def fallen(desk: Desk) -> Desk:
    """WETH at 1,750 dollars: the long's stop-loss is triggered."""
    desk.world.set_price("WETH", 1_750)
    return desk


def test_execute__a_part__whole_receipt(fallen: Desk) -> None:
    desk, world, order = fallen, fallen.world, fallen.order()
    sold, fee, bought = 5 * WAD, WAD // 100, 8_732_500_000
    assert bought == (sold - fee) * 1_750 * USDC // WAD
    receipt = desk.execute(order, sold)
    assert receipt.return_value == (sold, bought)
    orders, engine, swapper = desk.orders, world.engine, world.swapper
    pool = world["USDC"].pool
    scope = int(desk.role("trader"), 16)
    loss = 8_750 * WAD - bought * 10**12
    assert receipt.events == [
        moved(desk, "WETH", engine, orders, sold),
        moved(desk, "WETH", orders, desk.role("keeper"), fee),
        moved(desk, "WETH", orders, swapper, sold - fee),
        moved(desk, "USDC", swapper, pool, bought),
        pool.event("Repaid", account=desk.long, amount=bought, shares=bought * 10**6),
        engine.event(
            "Traded",
            account=desk.long,
            sell=desk.token("WETH"),
            buy=desk.token("USDC"),
            sold=sold,
            borrowed=0,
            bought=bought,
            repaid=bought,
            swapper=orders,
            reduce_only=True,
        ),
        world.registry.event("LossCharged", scope=scope, operator=orders, loss=loss, budget_left=GRANT[3] - loss),
        orders.event(
            "Executed",
            digest=order.digest(desk.domain),
            account=desk.long,
            keeper=desk.role("keeper"),
            sell=desk.token("WETH"),
            buy=desk.token("USDC"),
            sold=sold,
            fee=fee,
            bought=bought,
            mid=desk.mid("WETH"),
            group=order.group,
            finished=False,
        ),
    ]
    assert desk.holds_nothing()
    assert world.balance(desk.long, "WETH") == 15 * WAD
    assert world.balance(desk.long, "USDC") == bought - 30_000 * USDC


@pytest.mark.parametrize("sender", ["keeper", "stranger", "attacker", "trader", "guardian", "lender"])
def test_execute__by_anyone(fallen: Desk, sender: str) -> None:
    assert fallen.execute(fallen.order(), sender=sender).find("Executed")[0].args["keeper"] == fallen.role(sender)


# What triggers


@pytest.mark.parametrize(
    ("kind", "trigger", "price", "fires"),
    [
        (Kind.BELOW, 1_800, Fraction("1800.000000000000000001"), False),
        (Kind.BELOW, 1_800, 1_800, True),
        (Kind.BELOW, 1_800, 1_650, True),
        (Kind.ABOVE, 2_200, Fraction("2199.999999999999999999"), False),
        (Kind.ABOVE, 2_200, 2_200, True),
        (Kind.ABOVE, 2_200, 5_000, True),
    ],
)
def test_execute__trigger__to_the_unit(desk: Desk, kind: Kind, trigger: int, price: Fraction, fires: bool) -> None:
    order = desk.order(kind=kind, trigger=desk.mid("WETH", trigger))
    desk.world.set_price("WETH", price)
    assert desk.state(order).triggered is fires
    if fires:
        assert desk.execute(order).return_value[0] == 20 * WAD
    else:
        with reverts("orders: not triggered"):
            desk.execute(order)


@pytest.mark.parametrize(
    ("path", "fires"),
    [
        ((1_901,), False),
        ((1_900,), True),
        ((2_400, 2_281), False),
        ((2_400, 2_280), True),
        ((2_400, 2_000, 2_280), True),
        ((1_950, 1_901), False),
    ],
)
def test_execute__trailing_below__from_the_highest_mid_poked(desk: Desk, path: tuple[int, ...], fires: bool) -> None:
    order = desk.order(kind=Kind.TRAIL_BELOW, trigger=desk.mid("WETH", 2_000), trail=500)
    for price in path:
        desk.world.set_price("WETH", price)
        desk.poke(order)
    if fires:
        desk.execute(order)
    else:
        with reverts("orders: not triggered"):
            desk.execute(order)


@pytest.mark.parametrize(
    ("path", "fires"), [((2_099,), False), ((2_100,), True), ((1_600, 1_679), False), ((1_600, 1_680), True)]
)
def test_execute__trailing_above__from_the_lowest_mid_poked(desk: Desk, path: tuple[int, ...], fires: bool) -> None:
    order = desk.buy_back(kind=Kind.TRAIL_ABOVE, trigger=desk.mid("WETH", 2_000), trail=500)
    for price in path:
        desk.world.set_price("WETH", price)
        desk.poke(order)
    if fires:
        desk.execute(order)
    else:
        with reverts("orders: not triggered"):
            desk.execute(order)


def test_execute__watches_a_third_token(desk: Desk) -> None:
    order = desk.order(watched=desk.token("WBTC").address, trigger=desk.mid("WBTC", 50_000))
    with reverts("orders: not triggered"):
        desk.execute(order)
    desk.world.set_price("WBTC", 50_000)
    assert desk.execute(order).find("Executed")[0].args["mid"] == desk.mid("WBTC")


@pytest.mark.parametrize("symbol", ["WETH", "USDC", "WBTC"])
@pytest.mark.parametrize("status", [WIDE, STALE, DEAD])
def test_execute__price_not_ok__reverts(fallen: Desk, symbol: str, status: int) -> None:
    """Of what is watched, sold and bought alike; nobody else's status matters."""
    order = fallen.order(watched=fallen.token("WBTC").address, kind=Kind.ABOVE, trigger=fallen.mid("WBTC", 50_000))
    fallen.world.set_status("USDT", DEAD)
    fallen.world.set_status(symbol, status)
    with reverts("orders: price status"):
        fallen.execute(order)
    fallen.world.refresh()
    fallen.execute(order)


@pytest.mark.parametrize("member", ["watched", "sell", "buy"])
def test_execute__unlisted_token__reverts(fallen: Desk, member: str) -> None:
    with reverts("orders: price status"):
        fallen.execute(fallen.order(**{member: fallen.role("stranger")}))


# How much is sold


def test_execute__parts_add_up_to_the_amount_and_no_further(fallen: Desk) -> None:
    order = fallen.order(amount=12 * WAD)
    assert fallen.execute(order, 7 * WAD).return_value[0] == 7 * WAD
    assert fallen.state(order).most == 5 * WAD
    last = fallen.execute(order)
    assert last.return_value[0] == 5 * WAD
    assert last.find("Executed")[0].args["finished"] is True
    digest = order.digest(fallen.domain)
    assert (fallen.orders.sold_of(digest), fallen.orders.is_finished(digest)) == (12 * WAD, True)
    with reverts("orders: filled"):
        fallen.execute(order)
    assert fallen.world.balance(fallen.long, "WETH") == 8 * WAD


def test_execute__empties_the_balance__is_finished_whatever_comes_later(fallen: Desk) -> None:
    order = fallen.order(amount=2**200)
    assert fallen.execute(order).return_value[0] == 20 * WAD
    fallen.world.deposit(fallen.long, "WETH", 5)
    with reverts("orders: filled"):
        fallen.execute(order)
    assert fallen.world.balance(fallen.long, "WETH") == 5 * WAD


def test_execute__repay_only__buys_back_the_debt_and_is_finished(desk: Desk) -> None:
    desk.world.set_price("WETH", 2_200)
    order = desk.buy_back()
    receipt = desk.execute(order)
    sold, bought = receipt.return_value
    expected = protection_orders.most_for_debt(10 * WAD, desk.mid("USDC"), desk.mid("WETH"), 100, 20)
    assert sold == expected < 30_000 * USDC
    assert desk.world.balance(desk.short, "WETH") == bought - 10 * WAD
    assert 0 <= bought - 10 * WAD <= 10 * WAD * 2 // 100, "at most what slippage was left for"
    assert receipt.find("Executed")[0].args["finished"] is True
    with reverts("orders: filled"):
        desk.execute(order)


def test_execute__repay_only__a_part__stays_open(desk: Desk) -> None:
    desk.world.set_price("WETH", 2_200)
    order = desk.buy_back()
    desk.execute(order, 2_200 * USDC)
    assert desk.state(order).open
    assert -10 * WAD < desk.world.balance(desk.short, "WETH") < -9 * WAD
    desk.execute(order)
    assert not desk.state(order).open


def test_execute__repay_only__worst_price__still_repays_everything(desk: Desk) -> None:
    """The most that is sold repays the debt even if the swapper delivers no more than he must."""
    desk.world.set_price("WETH", 2_200)
    order = desk.buy_back()
    limit = protection_orders.most_for_debt(10 * WAD, desk.mid("USDC"), desk.mid("WETH"), 100, 20)
    part = protection_orders.part(order, ALL, 0, 30_000 * USDC, 10 * WAD, desk.mid("USDC"), desk.mid("WETH"))
    assert part.sold == limit
    with reverts("engine: min_buy"):
        desk.execute(order, data=exactly(part.least - 1))
    desk.execute(order, data=exactly(part.least))
    assert desk.world.balance(desk.short, "WETH") >= 0


def test_execute__repay_only__nothing_owed__reverts(fallen: Desk) -> None:
    with reverts("orders: nothing to repay"):
        fallen.execute(fallen.order(repay_only=True, buy=fallen.token("WBTC").address))


def test_execute__nothing_held__reverts(fallen: Desk) -> None:
    order = fallen.order(sell=fallen.token("WBTC").address)
    with reverts("orders: nothing to sell"):
        fallen.execute(order)
    fallen.world.deposit(fallen.long, "WBTC", 1)
    fallen.execute(order)


def test_execute__zero_amount__reverts(fallen: Desk) -> None:
    with reverts("orders: zero amount"):
        fallen.execute(fallen.order(), 0)
    with reverts("orders: zero amount"):
        fallen.execute(fallen.order(amount=0))


def test_execute__smaller_than_the_least_part__only_if_it_is_all_there_is(fallen: Desk) -> None:
    order = fallen.order(amount=19 * WAD, min_fill=6 * WAD)
    with reverts("orders: part too small"):
        fallen.execute(order, 6 * WAD - 1)
    fallen.execute(order, 6 * WAD)
    fallen.execute(order, 12 * WAD)
    with reverts("orders: part too small"):
        fallen.execute(order, WAD - 1)
    assert fallen.execute(order, WAD).find("Executed")[0].args["finished"] is True


# What it may cost


@pytest.mark.parametrize("slippage", [0, 1, 100, 2_000])
@pytest.mark.parametrize("fee", [0, 1, 20, 1_000])
def test_execute__slippage__to_the_unit(fallen: Desk, slippage: int, fee: int) -> None:
    """In an account without debt, where nothing but the order decides."""
    account = fallen.world.account("trader", 5)
    fallen.world.deposit(account, "WETH", 4)
    fallen.grant(account, (1, FOREVER, 10_000, 2**128 - 1))
    order = fallen.order(account=account, max_slippage=slippage, fee=fee, amount=WAD)
    paid = WAD * fee // 10_000
    least = protection_orders.least_bought(WAD - paid, fallen.mid("WETH"), fallen.mid("USDC"), slippage)
    assert least == -(-(WAD - paid) * 1_750 * USDC * (10_000 - slippage) // (10_000 * WAD))
    with reverts("engine: min_buy"):
        fallen.execute(order, data=exactly(least - 1))
    assert fallen.execute(order, data=exactly(least)).return_value == (WAD, least)
    assert fallen.token("WETH").balanceOf(fallen.role("keeper")) == paid


def test_execute__min_rate__counts_the_fee_in(fallen: Desk) -> None:
    order = fallen.order(min_rate=1_748 * USDC, amount=3 * WAD)
    with reverts("engine: min_buy"):
        fallen.execute(order)
    assert fallen.execute(order, data=exactly(3 * 1_748 * USDC)).return_value == (3 * WAD, 5_244 * USDC)


def test_execute__better_than_the_mid__is_the_accounts(fallen: Desk) -> None:
    before = fallen.world.balance(fallen.long, "USDC")
    fallen.execute(fallen.order(amount=WAD), data=exactly(2_000 * USDC))
    assert fallen.world.balance(fallen.long, "USDC") == before + 2_000 * USDC


def test_execute__fee_goes_where_the_keeper_says(fallen: Desk) -> None:
    fallen.execute(fallen.order(), receiver=fallen.role("stranger"))
    assert fallen.token("WETH").balanceOf(fallen.role("stranger")) == 20 * WAD * 20 // 10_000
    assert fallen.token("WETH").balanceOf(fallen.role("keeper")) == 0


def test_execute__no_fee__no_transfer(fallen: Desk) -> None:
    receipt = fallen.execute(fallen.order(fee=0, amount=WAD))
    assert len(receipt.find("Transfer", fallen.token("WETH"))) == 2


# The registry and the engine have their say


def test_execute__no_grant__reverts(fallen: Desk) -> None:
    fallen.grant(int(fallen.role("trader"), 16), (0, 0, 0, 0))
    with reverts("operators: not allowed"):
        fallen.execute(fallen.order())
    fallen.grant()
    fallen.execute(fallen.order())


@pytest.mark.parametrize(
    ("grant", "reason"),
    [
        ((14, FOREVER, 10_000, 2**100), "operators: not allowed"),
        ((1, 1, 10_000, 2**100), "operators: not allowed"),
        ((1, FOREVER, 19, 2**100), "operators: max loss"),
        ((1, FOREVER, 10_000, 1), "operators: loss budget"),
    ],
    ids=["no trade", "expired", "max loss", "budget"],
)
def test_execute__grant_too_small__reverts(fallen: Desk, grant: tuple[int, int, int, int], reason: str) -> None:
    fallen.grant(int(fallen.role("trader"), 16), grant)
    with reverts(reason):
        fallen.execute(fallen.order())


def test_execute__raises_risk__reverts(desk: Desk) -> None:
    """An order is no way around reduce-only: into an asset that requires as much, nothing is gained."""
    order = desk.order(buy=desk.token("USDT").address, kind=Kind.ABOVE, trigger=1)
    with reverts("engine: reduce only"):
        desk.execute(order)


def test_execute__account_without_debt__sells_at_its_terms(desk: Desk) -> None:
    """Where nothing is owed there is no risk to reduce; the order's own bounds are all there is."""
    account = desk.world.account("trader", 5)
    desk.world.deposit(account, "WETH", 4)
    desk.world.set_price("WETH", 1_700)
    receipt = desk.execute(desk.order(account=account))
    assert receipt.find("Traded")[0].args["reduce_only"] is True
    assert desk.world.balance(account, "WETH") == 0
    assert desk.world.balance(account, "USDC") == 4 * 1_700 * USDC * 9_980 // 10_000


def test_execute__account_without_debt__a_part__stays_open(desk: Desk) -> None:
    account = desk.world.account("trader", 5)
    desk.world.deposit(account, "WETH", 4)
    desk.world.set_price("WETH", 1_700)
    order = desk.order(account=account)
    assert desk.execute(order, WAD).find("Executed")[0].args["finished"] is False
    assert desk.state(order).open


def test_execute__below_initial_margin__works(desk: Desk) -> None:
    desk.world.set_price("WETH", 1_600)
    health = desk.world.health(desk.long)
    assert health.equity < health.initial
    before = desk.ratio(desk.long)
    desk.execute(desk.order(), 10 * WAD)
    assert desk.ratio(desk.long) > before


def test_execute__paused__works(fallen: Desk) -> None:
    fallen.world.engine.pause(sender=fallen.role("guardian"))
    fallen.execute(fallen.order())


def test_execute__negative_equity__at_most_one_percent(desk: Desk) -> None:
    desk.world.set_price("WETH", 1_400)
    assert desk.world.health(desk.long).equity < 0
    with reverts("engine: reduce only"):
        desk.execute(desk.order(fee=101))
    desk.execute(desk.order(fee=90))


# Out of bounds


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"kind": 4}, "orders: kind"),
        ({"kind": 2**256 - 1}, "orders: kind"),
        ({"trigger": 0}, "orders: trigger"),
        ({"trigger": 2**128}, "orders: trigger"),
        ({"trail": 1}, "orders: trail"),
        ({"kind": Kind.ABOVE, "trail": 1}, "orders: trail"),
        ({"kind": Kind.TRAIL_BELOW, "trail": 0}, "orders: trail"),
        ({"kind": Kind.TRAIL_ABOVE, "trail": 10_000}, "orders: trail"),
        ({"amount": 0}, "orders: zero amount"),
        ({"min_rate": 2**128}, "orders: min rate"),
        ({"max_slippage": 2_001}, "orders: slippage"),
        ({"fee": 1_001}, "orders: fee"),
    ],
    ids=str,
)
def test_execute__out_of_bounds__reverts(fallen: Desk, changed: dict[str, int], reason: str) -> None:
    order = fallen.order(**changed)
    with reverts(reason):
        fallen.execute(order)
    with pytest.raises(ValueError, match=reason):
        protection_orders.check(order)
    assert not fallen.state(order).open


@pytest.mark.parametrize("what", ["nobody", "itself"])
def test_execute__no_swapper__reverts(fallen: Desk, what: str) -> None:
    with reverts("orders: swapper"):
        fallen.execute(fallen.order(), swapper=fallen.orders if what == "itself" else fallen.role("stranger"))


@pytest.mark.parametrize("what", ["nobody", "itself"])
def test_execute__no_fee_receiver__reverts(fallen: Desk, what: str) -> None:
    with reverts("orders: fee receiver"):
        fallen.execute(fallen.order(), receiver=fallen.orders if what == "itself" else ZERO_ADDRESS)


def test_execute__same_token_twice__reverts(fallen: Desk) -> None:
    with reverts("engine: same asset"):
        fallen.execute(fallen.order(buy=fallen.token("WETH").address))


# Open or not


def test_execute__last_second__then_expired(fallen: Desk) -> None:
    order = fallen.order()
    fallen.world.warp(86_400)
    with fallen.chain.isolate():
        fallen.execute(order)
    fallen.world.warp(1)
    with reverts("orders: expired"):
        fallen.execute(order)


@pytest.mark.parametrize("epoch", [1, 2**256 - 1])
def test_execute__of_an_epoch_to_come__reverts(fallen: Desk, epoch: int) -> None:
    with reverts("orders: epoch"):
        fallen.execute(fallen.order(epoch=epoch))


def test_execute__one_cancels_other__first_part_decides(desk: Desk) -> None:
    stop, profit = desk.order(), desk.order(kind=Kind.ABOVE, trigger=desk.mid("WETH", 2_500))
    apart = desk.order(kind=Kind.ABOVE, trigger=desk.mid("WETH", 2_500), group=2)
    desk.world.set_price("WETH", 2_500)
    desk.execute(profit, WAD)
    assert desk.orders.group_of(desk.role("trader"), 1) == profit.digest(desk.domain)
    desk.world.set_price("WETH", 1_800)
    with reverts("orders: group"):
        desk.execute(stop)
    desk.world.set_price("WETH", 2_500)
    desk.execute(profit, WAD)
    desk.execute(apart)


def test_execute__group_of_another_owner__is_another_group(fallen: Desk) -> None:
    fallen.execute(fallen.order(), WAD)
    world = fallen.world
    other = world.open_position("operator", 0)
    world.registry.set_operator(other, fallen.orders, GRANT, sender=fallen.role("operator"))
    order = fallen.order(account=other)
    fallen.execute(order, signature=fallen.sign(order, "operator"))


# Signatures


@pytest.mark.parametrize("signer", ["keeper", "stranger", "attacker", "operator", "owner", "guardian", "deployer"])
def test_execute__every_wrong_signer__reverts(fallen: Desk, signer: str) -> None:
    """An operator with all rights signs no orders either."""
    fallen.world.registry.set_operator(
        int(fallen.role("trader"), 16),
        fallen.role("operator"),
        (15, FOREVER, 10_000, 2**100),
        sender=fallen.role("trader"),
    )
    order = fallen.order()
    with reverts("orders: signature"):
        fallen.execute(order, signature=fallen.sign(order, signer))


CHANGES: dict[str, Any] = {
    "account": lambda order: order.account + 1,
    "kind": lambda _: Kind.TRAIL_BELOW,
    "watched": lambda order: order.buy,
    "trigger": lambda order: order.trigger + 1,
    "trail": lambda _: 1,
    "sell": lambda order: order.buy,
    "buy": lambda order: order.sell,
    "amount": lambda order: order.amount + 1,
    "min_fill": lambda _: 1,
    "min_rate": lambda _: 1,
    "max_slippage": lambda order: order.max_slippage + 1,
    "fee": lambda order: order.fee + 1,
    "repay_only": lambda _: True,
    "group": lambda order: order.group + 1,
    "epoch": lambda _: 0,
    "deadline": lambda order: order.deadline + 1,
}


@pytest.mark.parametrize("member", sorted(CHANGES.keys() - {"epoch"}))
def test_execute__any_member_changed__reverts(fallen: Desk, member: str) -> None:
    order = fallen.order()
    assert CHANGES.keys() == {*order.__slots__}
    changed = replace(order, **{member: CHANGES[member](order)})
    with reverts("orders: signature"):
        fallen.execute(changed, signature=fallen.sign(order))


def test_execute__signed_for_the_epoch_before__reverts(fallen: Desk) -> None:
    order = fallen.order()
    fallen.orders.cancel_all(sender=fallen.role("trader"))
    with reverts("orders: signature"):
        fallen.execute(replace(order, epoch=1), signature=fallen.sign(order))


@pytest.mark.parametrize("part", ["name", "version", "chain_id", "verifier"])
def test_execute__another_domain__reverts(fallen: Desk, part: str) -> None:
    other: dict[str, Any] = {
        "name": "Plimsoll operators",
        "version": "2",
        "chain_id": 1,
        "verifier": fallen.world.registry.address,
    }
    order = fallen.order()
    with reverts("orders: signature"):
        fallen.execute(order, signature=fallen.sign(order, domain=replace(fallen.domain, **{part: other[part]})))


@pytest.mark.parametrize(
    ("signature", "reason"),
    [
        (b"", "orders: signature"),
        (b"\x01" * 63, "orders: signature"),
        (b"\x00" * 65, "ecdsa: invalid signature"),
        (b"\x80" * 64 + b"\x1b", "ecdsa: invalid signature `s` value"),
    ],
    ids=["empty", "63 bytes", "65 zeros", "large s"],
)
def test_execute__garbage_for_a_signature__reverts(fallen: Desk, signature: bytes, reason: str) -> None:
    with reverts(reason):
        fallen.execute(fallen.order(), signature=signature)


def test_execute__zero_owner__reverts(fallen: Desk) -> None:
    with reverts("orders: zero owner"):
        fallen.execute(fallen.order(account=5), signature=b"")


def test_execute__compact_signature__is_the_same_order(fallen: Desk) -> None:
    order = fallen.order(amount=WAD)
    signature = fallen.sign(order)
    compact = signature[:32] + (int.from_bytes(signature[32:64], "big") | (signature[64] - 27) << 255).to_bytes(
        32, "big"
    )
    fallen.execute(order, signature=compact)
    with reverts("orders: filled"):
        fallen.execute(order, signature=signature)


def test_execute__account_scope__other_accounts_of_the_owner_are_safe(fallen: Desk) -> None:
    """A grant on one account is none on another, though the same owner signs for both."""
    fallen.grant(int(fallen.role("trader"), 16), (0, 0, 0, 0))
    fallen.grant(fallen.short)
    with reverts("operators: not allowed"):
        fallen.execute(fallen.order())


# An owner that is a contract


@pytest.fixture
def wallet(fallen: Desk) -> Any:
    """A contract wallet of the trader with 10 WETH in its account 0, which granted TRADE."""
    world = fallen.world
    contract: Any = fallen.chain.deploy("MockWallet", sender=fallen.role("trader"))
    world.roles["wallet"] = contract.address
    account = world.account("wallet")
    weth = world["WETH"].token
    weth.mint(contract, 10 * WAD, sender=fallen.role("trader"))
    for target, data in (
        (weth, weth.approve.encode(world.engine, ALL)),
        (world.engine, world.engine.deposit.encode(account, weth, 10 * WAD)),
        (world.registry, world.registry.set_operator.encode(account, fallen.orders, GRANT)),
    ):
        contract.execute(target, data, sender=fallen.role("trader"))
    return contract


def test_execute__wallet_signed__sells(fallen: Desk, wallet: Any) -> None:
    order = fallen.order(account=fallen.world.account("wallet"))
    with reverts("orders: signature"):
        fallen.execute(order, signature=fallen.sign(order))
    wallet.sign(order.digest(fallen.domain), True, sender=fallen.role("trader"))
    fallen.execute(order, WAD, signature=b"")
    wallet.sign(order.digest(fallen.domain), False, sender=fallen.role("trader"))
    with reverts("orders: signature"):
        fallen.execute(order, WAD, signature=b"")


def test_execute__wallet_fails_or_is_none__reverts(fallen: Desk, wallet: Any) -> None:
    order = fallen.order(account=fallen.world.account("wallet"))
    wallet.sign(order.digest(fallen.domain), True, sender=fallen.role("trader"))
    wallet.set_failing(True, sender=fallen.role("trader"))
    with reverts("orders: signature"):
        fallen.execute(order, signature=b"")
    pool = fallen.world["USDC"].pool
    with reverts("orders: signature"):
        fallen.execute(fallen.order(account=account_word.account(int(pool.address, 16), 0)), signature=b"")


def test_domain__of_two_contracts__differ(fallen: Desk) -> None:
    other: Any = fallen.chain.deploy("ProtectionOrders", fallen.world.engine, sender=fallen.role("deployer"))
    assert Domain.of(other) != fallen.domain
    assert other.order_digest(fallen.order().as_tuple()) != fallen.orders.order_digest(fallen.order().as_tuple())
