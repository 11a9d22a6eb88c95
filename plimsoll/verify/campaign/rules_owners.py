"""Owners appoint operators, and sign protection orders that others execute."""

from __future__ import annotations

from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.invariants import after_account
from plimsoll.verify.campaign.machine import TRADERS, Machine, rule, with_bytes
from plimsoll.verify.campaign.rules_traders import TRADE, place_of, something
from plimsoll.verify.campaign.world import FOREVER, word_of

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
        grant = (TRADE, FOREVER, 10_000, 2**100)
        data = m.fn("OperatorRegistry.set_operator")(signed.account, word_of(m.at["orders"]), *grant)
        m.call("operators", "OperatorRegistry.set_operator", m.roles[signed.who], data, {""})
    elif how == 1:
        data = m.fn("ProtectionOrders.place").abi.encode((signed.arguments, signed.signature))
        m.call("orders", "ProtectionOrders.place", keeper, data, {"", *CLOSED})
    elif how == 2:
        data = m.fn("ProtectionOrders.poke").abi.encode((signed.arguments, signed.signature))
        trailing = signed.arguments[1] >= 2
        expected = {"", "orders: price status", *CLOSED} if trailing else {"orders: not trailing", *CLOSED}
        m.call("orders", "ProtectionOrders.poke", keeper, data, expected)
    else:
        sell = next(asset for asset in m.assets if asset.token == signed.arguments[5])
        buy = next(asset for asset in m.assets if asset.token == signed.arguments[6])
        amount = d.part(m.holding(signed.account).held.get(sell.key, 0))
        bought = m.worth(sell, amount, buy) * (995 if d.chance(80) else 500) // 1_000
        arguments = (
            signed.arguments,
            signed.signature,
            amount,
            m.at["rates"],
            min(bought, 2**90).to_bytes(32, "big"),
            keeper,
        )
        data = m.fn("ProtectionOrders.execute").abi.encode(arguments)
        expected = {"", *CLOSED, *UNREADY, "engine: isolated", "engine: too many assets"}
        if m.call("orders", "ProtectionOrders.execute", keeper, data, expected):
            after_account(m, signed.account)


@rule(3, TRADERS, "ProtectionOrders.place_deleverage", "ProtectionOrders.deleverage")
def use_standing_order(m: Machine, d: Draws) -> None:
    """Show or execute a standing order to deleverage."""
    signed = d.pick([each for each in m.world.signed if each.kind == "deleverage"])
    keeper = m.roles["keeper"]
    if d.chance(30):
        data = m.fn("ProtectionOrders.place_deleverage").abi.encode((signed.arguments, signed.signature))
        m.call("orders", "ProtectionOrders.place_deleverage", keeper, data, {"", *CLOSED})
        return
    holding = m.holding(signed.account)
    sell, buy = something(m, d, holding.held), something(m, d, holding.owed)
    if sell is buy or buy.lent or sell.kind == "MockERC20Fee" or buy.kind == "MockERC20Fee" or m.refusing:
        return
    amount = d.part(holding.held.get(sell.key, 0))
    bought = min(m.worth(sell, amount, buy) * 990 // 1_000, 2**90)
    arguments = (
        signed.arguments,
        signed.signature,
        sell.token,
        buy.token,
        amount,
        m.at["rates"],
        bought.to_bytes(32, "big"),
        keeper,
    )
    data = m.fn("ProtectionOrders.deleverage").abi.encode(arguments)
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
