"""Owners appoint operators, and sign protection orders that others execute."""

from __future__ import annotations

from plimsoll.verify.campaign.calldata import with_bytes
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.invariants import after_account
from plimsoll.verify.campaign.machine import LIQUIDATORS, TRADERS, Machine, rule
from plimsoll.verify.campaign.rules_liquidators import say, to_the_line
from plimsoll.verify.campaign.rules_traders import TRADE, place_of, put, something
from plimsoll.verify.campaign.world import FOREVER, Asset, Signed, word_of

# Operators


@rule(16, TRADERS, "OperatorRegistry.set_operator")
def appoint(m: Machine, d: Draws) -> None:
    """Grant, change or revoke an operator's permissions, on one account or all, or try on somebody else's."""
    account = place_of(m, d)
    owner = m.owner_of(account)
    scope = account if d.chance(50) else account >> 96
    sender = owner if d.chance(92) else m.roles["attacker"]
    grant = (
        d.below(17),
        m.backend.now + d.pick((10**7, 3_600, 0)),
        d.pick((10_000, 100, 0, 10_001)),
        d.pick((2**100, 10**18, 0)),
    )
    if scope >> 96 != word_of(sender) and scope != word_of(sender):
        expected = {"operators: not the owner"}
    elif grant[0] > 15:
        expected = {"operators: permissions"}
    elif grant[2] > 10_000:
        expected = {"operators: max loss"}
    else:
        expected = {""}
    data = m.fn("OperatorRegistry.set_operator")(scope, word_of(m.roles["operator"]), *grant)
    m.call("operators", "OperatorRegistry.set_operator", sender, data, expected)


@rule(
    2,
    TRADERS,
    "OperatorRegistry.set_operator_by_signature",
    "OperatorRegistry.invalidate_nonces",
    "OperatorRegistry.bind",
    "OperatorRegistry.charge_loss",
)
def registry_doors(m: Machine, d: Draws) -> None:
    """Signed grants work once; nobody but the engine charges, and nothing is bound twice."""
    kind = d.below(4)
    if kind == 0:
        signed = d.pick([each for each in m.world.signed if each.kind == "grant"])
        nonce = 0 if signed.who == "trader" else 1
        used = m.view("operators", "OperatorRegistry.used_nonces", word_of(m.roles[signed.who]), 0)[0] >> nonce & 1
        expected = {"operators: nonce used"} if used else {""}
        m.call("operators", "OperatorRegistry.set_operator_by_signature", m.roles["stranger"], signed.data, expected)
    elif kind == 1:
        data = m.fn("OperatorRegistry.invalidate_nonces")(0, 1 << d.below(4))
        m.call(
            "operators",
            "OperatorRegistry.invalidate_nonces",
            m.roles[d.pick(("rival", "trader", "stranger"))],
            data,
            {""},
        )
    elif kind == 2:
        data = m.fn("OperatorRegistry.bind")(word_of(m.roles["attacker"]))
        who = d.pick(("attacker", "owner"))
        m.call(
            "operators",
            "OperatorRegistry.bind",
            m.roles[who],
            data,
            {"operators: bound already"} if who == "owner" else {"operators: deployer only"},
        )
    else:
        data = m.fn("OperatorRegistry.charge_loss")(d.pick(m.accounts), word_of(m.roles["operator"]), 10**18, 0)
        m.call("operators", "OperatorRegistry.charge_loss", m.roles["attacker"], data, {"operators: engine only"})


# Protection orders

SOLD, BOUGHT = 2**256 - 7, b"bought".ljust(32)
"""What stands for amounts until they are known."""
CLOSED = {"orders: epoch", "orders: cancelled", "orders: group", "orders: filled"}
UNREADY = {
    "orders: price status",
    "orders: not triggered",
    "orders: nothing to sell",
    "orders: nothing to repay",
    "orders: above the trigger",
    "orders: beyond the target",
    "orders: part too small",
    "engine: reduce only",
    "engine: min_buy",
    "engine: price status",
    "operators: not allowed",
    "operators: max loss",
    "operators: loss budget",
}


@rule(
    8,
    TRADERS,
    "ProtectionOrders.place",
    "ProtectionOrders.poke",
    "ProtectionOrders.execute",
    "OperatorRegistry.set_operator",
)
def use_order(m: Machine, d: Draws) -> None:
    """Show, poke or execute an order that an owner signed; with or without the permission that it needs."""
    signed = d.pick([each for each in m.world.signed if each.kind == "order"])
    how = d.below(4)
    keeper = m.roles["keeper"]
    if how == 0:
        let_orders_act(m, signed)
    elif how == 1:
        place_order(m, signed)
    elif how == 2:
        data = m.fn("ProtectionOrders.poke").encode(signed.arguments, signed.signature)
        trailing = signed.arguments[1] >= 2
        expected = {"", "orders: price status", *CLOSED} if trailing else {"orders: not trailing", *CLOSED}
        m.call("orders", "ProtectionOrders.poke", keeper, data, expected)
    else:
        sell = next(asset for asset in m.assets if asset.token == signed.arguments[5])
        amount = d.part(m.holding(signed.account).held.get(sell.key, 0))
        execute_order(m, signed, amount, 995 if d.chance(80) else 500)


def let_orders_act(m: Machine, signed: Signed) -> None:
    """Give the orders' contract the permission that it needs for an account."""
    grant = (TRADE, FOREVER, 10_000, 2**100)
    data = m.fn("OperatorRegistry.set_operator")(signed.account, word_of(m.at["orders"]), *grant)
    m.call("operators", "OperatorRegistry.set_operator", m.roles[signed.who], data, {""})


def place_order(m: Machine, signed: Signed) -> None:
    """Show an order that an owner signed."""
    data = m.fn("ProtectionOrders.place").encode(signed.arguments, signed.signature)
    m.call("orders", "ProtectionOrders.place", m.roles["keeper"], data, {"", *CLOSED})


def filled_in(data: bytes, sold: int, bought: int) -> bytes:
    """Return calldata with amounts in their places: coding a whole order takes longer than its execution."""
    return data.replace(SOLD.to_bytes(32, "big"), sold.to_bytes(32, "big")).replace(BOUGHT, bought.to_bytes(32, "big"))


def execute_order(m: Machine, signed: Signed, amount: int, fair: int) -> None:
    """Execute an order in part at thousandths of the oracle's price, with what may refuse it."""
    keeper = m.roles["keeper"]
    sell, buy = (next(asset for asset in m.assets if asset.token == signed.arguments[side]) for side in (5, 6))
    bought = m.worth(sell, amount, buy) * fair // 1_000
    fn = m.fn("ProtectionOrders.execute")
    data = fn.encode(signed.arguments, signed.signature, SOLD, m.at["rates"], BOUGHT, keeper)
    data = filled_in(data, amount, min(bought, 2**90))
    expected = {"", *CLOSED, *UNREADY, "engine: isolated", "engine: too many assets"}
    if m.call("orders", "ProtectionOrders.execute", keeper, data, expected):
        after_account(m, signed.account)


@rule(3, TRADERS, "ProtectionOrders.place_deleverage", "ProtectionOrders.deleverage")
def use_standing_order(m: Machine, d: Draws) -> None:
    """Show or execute a standing order to deleverage."""
    signed = d.pick([each for each in m.world.signed if each.kind == "deleverage"])
    keeper = m.roles["keeper"]
    if d.chance(30):
        data = m.fn("ProtectionOrders.place_deleverage").encode(signed.arguments, signed.signature)
        m.call("orders", "ProtectionOrders.place_deleverage", keeper, data, {"", *CLOSED})
        return
    holding = m.holding(signed.account)
    sell, buy = something(m, d, holding.held), something(m, d, holding.owed)
    deleverage(m, signed, sell, buy, d.part(holding.held.get(sell.key, 0)), 990)


def deleverage(m: Machine, signed: Signed, sell: Asset, buy: Asset, amount: int, fair: int) -> None:
    """Execute a standing order at thousandths of the oracle's price, with what may refuse it."""
    if sell is buy or buy.lent or "MockERC20Fee" in (sell.kind, buy.kind) or m.refusing:
        return
    keeper = m.roles["keeper"]
    bought = min(m.worth(sell, amount, buy) * fair // 1_000, 2**90)
    fn = m.fn("ProtectionOrders.deleverage")
    data = fn.encode(signed.arguments, signed.signature, sell.token, buy.token, SOLD, m.at["rates"], BOUGHT, keeper)
    data = filled_in(data, amount, bought)
    expected = {
        "",
        *CLOSED,
        *UNREADY,
        "engine: isolated",
        "engine: too many assets",
        "orders: zero amount",
        "engine: zero amount",
    }
    if m.call("orders", "ProtectionOrders.deleverage", keeper, data, expected):
        after_account(m, signed.account)


@rule(
    2,
    LIQUIDATORS,
    "OperatorRegistry.set_operator",
    "MarginEngine.deposit",
    "MarginEngine.trade",
    "ProtectionOrders.place",
    "ProtectionOrders.execute",
)
def order_comes_due(m: Machine, d: Draws) -> None:
    """An owner lets orders act for him, has what one sells, and the watched price passes its trigger, or almost."""
    signed = d.pick([each for each in m.world.signed if each.kind == "order"])
    gold = m.world.asset("GOLD")
    sell = next(asset for asset in m.assets if asset.token == signed.arguments[5])
    owner = m.roles[signed.who]
    if d.chance(50):
        let_orders_act(m, signed)
    holding = m.holding(signed.account)
    if sell.key not in holding.held and not put(m, signed.account, sell, m.units(sell, m.cents(d)), owner):
        return
    if signed.arguments[1] >= 2:
        place_order(m, signed)
    rises = signed.arguments[1] % 2
    trail = signed.arguments[4] if signed.arguments[1] >= 2 else 0
    step = d.pick((1, 0, 200, -1, 2_000))
    say(m, gold, gold.price * (10_000 + (trail + step if rises else -trail - step)) // 10_000)
    held = m.holding(signed.account).held.get(sell.key, 0)
    execute_order(m, signed, d.part(held) if d.chance(50) else held, 995)


@rule(1, LIQUIDATORS, "OperatorRegistry.set_operator", "ProtectionOrders.deleverage")
def deleverage_comes_due(m: Machine, d: Draws) -> None:
    """An account comes near its maintenance line, where its owner signed that anybody may deleverage it."""
    signed = d.pick([each for each in m.world.signed if each.kind == "deleverage"])
    if not to_the_line(m, signed.account, d.pick((50, 10, 200, -50))):
        return
    if d.chance(60):
        let_orders_act(m, signed)
    holding = m.holding(signed.account)
    sell, buy = something(m, d, holding.held), something(m, d, holding.owed)
    amount = holding.held.get(sell.key, 0) // (d.below(8) + 1)
    deleverage(m, signed, sell, buy, amount, d.pick((1_000, 995, 990)))


@rule(
    2,
    TRADERS,
    "ProtectionOrders.cancel_order",
    "ProtectionOrders.cancel_group",
    "ProtectionOrders.cancel_all",
    "ProtectionOrders.swap",
)
def void_orders(m: Machine, d: Draws) -> None:
    """Void orders; and nobody but the engine swaps through the contract."""
    kind = d.below(8)
    owner = m.roles[d.pick(("rival", "trader", "stranger"))]
    if kind == 7:
        m.call("orders", "ProtectionOrders.cancel_all", owner, m.fn("ProtectionOrders.cancel_all")(), {""})
    elif kind >= 5:
        m.call(
            "orders", "ProtectionOrders.cancel_group", owner, m.fn("ProtectionOrders.cancel_group")(d.below(20)), {""}
        )
    elif kind >= 3:
        m.call(
            "orders", "ProtectionOrders.cancel_order", owner, m.fn("ProtectionOrders.cancel_order")(d.number()), {""}
        )
    else:
        usdc, dai = m.assets[0], m.assets[3]
        words = (usdc.word, dai.word, 1, 0, word_of(owner))
        data = with_bytes(m.fn("ProtectionOrders.swap"), words, b"", 5)
        m.call("orders", "ProtectionOrders.swap", owner, data, {"orders: engine only"})
