"""Traders: owners, operators and strangers use the engine's verbs, one by one; `rules_batches` has several at once."""

from __future__ import annotations

from plimsoll.verify.campaign.calldata import with_bytes
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.invariants import after_account, after_pool, took_risk
from plimsoll.verify.campaign.machine import TRADERS, UNDER_AUCTION, Machine, rule
from plimsoll.verify.campaign.world import FOREVER, MASK_256, Asset, word_of

TRADE, BORROW, WITHDRAW, TRANSFER = 1, 2, 4, 8
FAIRNESS = (1_000, 1_000, 1_000, 1_000, 999, 1_001, 995, 990, 989, 950, 500, 0)
"""Thousandths of the oracle's price that a swapper delivers."""


def actor(m: Machine, d: Draws, account: int) -> str:
    """Draw who acts on an account: mostly its owner."""
    who = d.below(12)
    if who == 9 or who == 10:
        return m.roles["operator"]
    return m.roles["stranger"] if who == 11 else m.owner_of(account)


def place_of(m: Machine, d: Draws) -> int:
    """Draw an account, mostly of traders."""
    return m.accounts[d.below(6)] if d.chance(75) else d.pick(m.accounts)


def usable(m: Machine, d: Draws) -> Asset:
    """Draw an asset, mostly one whose price should be OK, rarely of the isolated tier."""
    asset = d.pick(m.assets)
    if asset.key in m.shaky and d.chance(80):
        asset = d.pick(m.assets)
    if asset.isolated and d.chance(60):
        return m.assets[0]
    return asset


def something(m: Machine, d: Draws, keys: dict[int, int]) -> Asset:
    """Draw one of the assets that an account has on a side, or any if it has none."""
    if not keys or d.chance(5):
        return usable(m, d)
    return m.by_key[d.pick(sorted(keys))]


@rule(60, TRADERS, "MarginEngine.deposit")
def deposit(m: Machine, d: Draws) -> None:
    """Add to an account, or repay: a little, around the whole debt, or a fortune."""
    account = place_of(m, d)
    sender = actor(m, d, account)
    holding = m.holding(account)
    if d.chance(35) and holding.owed:
        asset = something(m, d, holding.owed)
        amount = (
            max(0, holding.owed.get(asset.key, 2) + d.below(5) - 2)
            if d.chance(50)
            else d.part(holding.owed.get(asset.key, 2))
        )
    else:
        asset = usable(m, d)
        amount = m.units(asset, m.cents(d)) if d.chance(97) else 0
    put(m, account, asset, amount, sender)


def put(m: Machine, account: int, asset: Asset, amount: int, sender: str) -> bool:
    """Deposit, with its prediction."""
    holding = m.holding(account)
    trusted = m.is_trusted(account, sender)
    holds, debt = asset.key in holding.held, holding.owed.get(asset.key, 0)
    expected: set[str]
    if amount == 0:
        expected = {"engine: zero amount"}
    elif not holds and not trusted and not debt:
        expected = {"engine: not allowed"}
    else:
        accepted = min(amount, debt) if not holds and not trusted else amount
        expected = m.arrival(asset, accepted) or {""}
        if asset.lent:
            expected = (
                expected
                | {"", "token: transferFrom failed"}
                | m.limits(holding.held, holding.owed, asset.key, owes=False)
            )
        elif accepted > debt and expected == {""}:
            owed = set(holding.owed) - ({asset.key} if debt else set())
            expected = m.limits(holding.held, owed, asset.key, owes=False) or {""}
    m.fund(sender, asset, amount)
    data = m.fn("MarginEngine.deposit")(account, asset.word, amount)
    if not m.call(
        "engine", "MarginEngine.deposit", sender, data, expected, touched=(account,), pools=(asset,) if debt else ()
    ):
        return False
    repaid = int.from_bytes(m.backend.output, "big")
    if m.steady:
        m.check(8, repaid == min(amount, debt), f"deposit of {amount} {asset.symbol} repaid {repaid} of {debt}")
    after_account(m, account)
    if debt:
        after_pool(m, asset)
    return True


@rule(60, TRADERS, "MarginEngine.withdraw")
def withdraw(m: Machine, d: Draws) -> None:
    """Take a balance, or borrow: a part, all, a unit more, up to the pool's cash or cap."""
    account = place_of(m, d)
    sender = actor(m, d, account)
    holding = m.holding(account)
    borrowing = d.chance(55)
    if borrowing:
        asset = usable(m, d)
        held = holding.held.get(asset.key, 0)
        state = m.pool(asset)
        corner = d.below(10)
        if corner == 8:
            amount = held + state.cash + d.below(3) - 1
        elif corner == 9:
            amount = held + max(0, state.borrow_cap - state.debt) + d.below(3) - 1
        else:
            amount = held + m.units(asset, m.cents(d))
        limit = MASK_256 if d.chance(90) else d.below(2) * (amount - held - 1)
    else:
        asset = something(m, d, holding.held)
        held = holding.held.get(asset.key, 0)
        amount = MASK_256 if d.chance(20) else d.part(held)
        limit = 0
    take_out(m, account, asset, max(amount, 0), max(limit, 0), sender)


@rule(1, TRADERS, "MarginEngine.deposit", "MarginEngine.withdraw")
def owe_many(m: Machine, d: Draws) -> None:
    """Borrow a little of one asset after the other, up to the limit and beyond."""
    if d.chance(40):
        return
    account = place_of(m, d)
    owner = m.owner_of(account)
    collateral = m.assets[d.pick((3, 9, 0))]
    if any(m.by_key[key].isolated for key in (*m.holding(account).held, *m.holding(account).owed)):
        return
    if not put(m, account, collateral, m.units(collateral, 10**8), owner):
        return
    first = d.below(len(m.assets))
    for asset in (*m.assets[first:], *m.assets[:first]):
        holding = m.holding(account)
        if len(holding.owed) > d.pick((4, 3)):
            return
        if not (asset.lent or asset.isolated or asset.key in holding.held or asset.key in holding.owed):
            take_out(m, account, asset, m.units(asset, m.min_debt // 10**16 * (1 + d.below(4))), MASK_256, owner)


def take_out(m: Machine, account: int, asset: Asset, amount: int, limit: int, sender: str) -> bool:
    """Withdraw, with its prediction."""
    expected, borrowed = predict_withdrawal(m, account, asset, amount, limit, sender)
    data = m.fn("MarginEngine.withdraw")(account, asset.word, amount, word_of(sender), limit)
    if not m.call("engine", "MarginEngine.withdraw", sender, data, expected, touched=(account,), pools=(asset,)):
        return False
    got = int.from_bytes(m.backend.output, "big")
    m.check(8, got == borrowed, f"withdrawal borrowed {got} instead of {borrowed}")
    if borrowed:
        state = m.pool(asset)
        m.check(25, state.debt <= state.borrow_cap, f"debt of {asset.symbol} is beyond its cap after a loan")
        after_pool(m, asset)
    took_risk(m, account)
    after_account(m, account)
    return True


def predict_withdrawal(
    m: Machine, account: int, asset: Asset, amount: int, limit: int, sender: str
) -> tuple[set[str], int]:
    """Return the outcomes of a withdrawal to the caller, and what it would borrow."""
    if amount == 0:
        return {"engine: zero amount"}, 0
    if not m.may(account, sender, WITHDRAW if limit == 0 else WITHDRAW | BORROW):
        return {"operators: not allowed"}, 0
    if m.word(account) & UNDER_AUCTION:
        return {"engine: under auction"}, 0
    holding = m.holding(account)
    balance = holding.held.get(asset.key, 0)
    if amount == MASK_256:
        amount = balance
        if amount == 0:
            return {"engine: insufficient balance"}, 0
    return pay(m, account, asset, amount, limit)


def pay(m: Machine, account: int, asset: Asset, amount: int, limit: int, checked: bool = True) -> tuple[set[str], int]:
    """Return the outcomes of paying from a balance and from new debt, with the check of the account if it is
    `checked`; and what is borrowed.
    """
    holding = m.holding(account)
    balance = holding.held.get(asset.key, 0)
    borrowed = max(0, amount - balance)
    held, owed = set(holding.held), set(holding.owed)
    if amount >= balance:
        held.discard(asset.key)
    limits: set[str] = set()
    if borrowed:
        if limit == 0:
            return {"engine: insufficient balance"}, borrowed
        if borrowed > limit:
            return {"engine: max_borrow"}, borrowed
        state = m.pool(asset)
        if borrowed > state.cash:
            return {"pool: cash"}, borrowed
        if state.debt + borrowed > state.borrow_cap:
            return {"pool: borrow cap"}, borrowed
        failing = m.departure(asset)
        if failing:
            return failing, borrowed
        limits = m.limits(held, owed, asset.key, owes=True)
        owed.add(asset.key)
    failing = m.departure(asset)
    if failing:
        return failing, borrowed
    if limits:
        return limits, borrowed
    return (m.margin(held, owed, raised=borrowed > 0) if checked else {""}), borrowed


def trade_data(
    m: Machine,
    account: int,
    sell: Asset,
    amount: int,
    limit: int,
    buy: Asset,
    least: int,
    bought: int,
    reduce_only: bool,
    deadline: int = FOREVER,
) -> bytes:
    """Return calldata of a trade through the swapper that delivers exactly `bought`."""
    words = (account, sell.word, amount, limit, buy.word, least, word_of(m.at["rates"]), deadline, int(reduce_only))
    return with_bytes(m.fn("MarginEngine.trade"), words, bought.to_bytes(32, "big"), 7)


@rule(70, TRADERS, "MarginEngine.trade")
def trade(m: Machine, d: Draws) -> None:
    """Open, add to, reduce, close or flip, at a fair price or a bad one."""
    account = place_of(m, d)
    sender = actor(m, d, account)
    holding = m.holding(account)
    reduce_only = d.chance(30)
    if reduce_only or d.chance(40):
        sell, buy = something(m, d, holding.held), something(m, d, holding.owed)
        amount = d.part(holding.held.get(sell.key, 0) or m.units(sell, m.cents(d)))
    else:
        sell, buy = usable(m, d), usable(m, d)
        amount = (
            holding.held.get(sell.key, 0) + m.units(sell, m.cents(d)) if d.chance(60) else m.units(sell, m.cents(d))
        )
    limit = 0 if reduce_only and d.chance(97) else MASK_256 if d.chance(80) else 0
    fair = d.pick(FAIRNESS)
    bought = m.worth(sell, amount, buy) * fair // 1_000
    least = bought if d.chance(95) else bought + 1
    late = d.chance(1)
    swap(
        m, account, sell, amount, limit, buy, least, bought, reduce_only, sender, m.backend.now - 1 if late else FOREVER
    )


def swap(
    m: Machine,
    account: int,
    sell: Asset,
    amount: int,
    limit: int,
    buy: Asset,
    least: int,
    bought: int,
    reduce_only: bool,
    sender: str,
    deadline: int = FOREVER,
) -> bool:
    """Trade, with its prediction."""
    bought = min(bought, 2**90)
    least = min(least, 2**90 + 1)
    expected, borrowed = predict_trade(
        m, account, sell, amount, limit, buy, least, bought, reduce_only, sender, deadline
    )
    before = m.health(account) if reduce_only and m.calls % 3 == 0 else None
    data = trade_data(m, account, sell, amount, limit, buy, least, bought, reduce_only, deadline)
    if not m.call("engine", "MarginEngine.trade", sender, data, expected, touched=(account,), pools=(sell, buy)):
        return False
    after_account(m, account)
    if borrowed:
        state = m.pool(sell)
        m.check(25, state.debt <= state.borrow_cap, f"debt of {sell.symbol} is beyond its cap after a loan")
        after_pool(m, sell)
    if before is not None:
        after = m.health(account)
        if m.steady and before.debt:
            m.check(
                11,
                after.debt <= before.debt + 1 and after.maintenance <= before.maintenance,
                "a reduce-only trade raised debt or requirement",
            )
            if before.equity >= 0:
                m.check(
                    11,
                    after.equity * before.maintenance >= before.equity * after.maintenance,
                    "a reduce-only trade lowered equity over requirement",
                )
    if not reduce_only:
        took_risk(m, account)
    return True


def predict_trade(
    m: Machine,
    account: int,
    sell: Asset,
    amount: int,
    limit: int,
    buy: Asset,
    least: int,
    bought: int,
    reduce_only: bool,
    sender: str,
    deadline: int,
) -> tuple[set[str], int]:
    """Return the outcomes of a trade that delivers `bought`, and what it would borrow."""
    if m.backend.now > deadline:
        return {"engine: expired"}, 0
    if amount == 0:
        return {"engine: zero amount"}, 0
    if sell is buy:
        return {"engine: same asset"}, 0
    if not m.may(account, sender, TRADE if limit == 0 else TRADE | BORROW):
        return {"operators: not allowed"}, 0
    holding = m.holding(account)
    compared = reduce_only and bool(holding.owed)
    if not reduce_only and m.word(account) & UNDER_AUCTION:
        return {"engine: under auction"}, 0
    if reduce_only and limit:
        return {"engine: reduce only"}, 0
    expected, borrowed = pay(m, account, sell, amount, limit, checked=False)
    if "" not in expected:
        # the account's limits are looked at only in the end, and not if something else fails before
        if expected == {"engine: too many assets"}:
            expected = (
                expected
                | {
                    "engine: min_buy",
                    "swapper: transfer failed",
                    "erc20: transfer amount exceeds balance",
                    "engine: isolated",
                }
                | set_of_charge(m, account, sender)
            )
            debt = holding.owed.get(buy.key, 0)
            if bought >= debt:
                expected |= m.margin(holding.held, {*holding.owed, sell.key}, raised=True) | {""}
            m.suspect((*holding.held, *holding.owed, sell.key, buy.key))
            return expected, borrowed
        return expected, borrowed
    late = m.arrival(buy, bought) | m.departure(buy)
    if buy.lent or buy.kind == "MockERC20Fee" or late:
        return expected | late | {
            "engine: min_buy",
            "swapper: transfer failed",
            "engine: initial margin",
            "engine: min debt",
            "engine: price status",
            "engine: paused",
            "engine: reduce only",
            "engine: too many assets",
            "engine: isolated",
            "erc20: transfer amount exceeds balance",
            *m.restrictions(m.restricted),
            *set_of_charge(m, account, sender),
        }, borrowed
    if bought < least:
        return {"engine: min_buy"}, borrowed
    held, owed = set(holding.held), set(holding.owed)
    if amount >= holding.held.get(sell.key, 0):
        held.discard(sell.key)
    if borrowed:
        owed.add(sell.key)
    debt = holding.owed.get(buy.key, 0)
    limits: set[str] = set()
    if bought >= debt and debt:
        owed.discard(buy.key)
    if bought > debt:
        limits = m.limits(held, owed, buy.key, owes=False)
        if limits == {"engine: isolated"}:
            return limits, borrowed
        held.add(buy.key)
    limits = m.within(held, owed) if (held | owed) - set(holding.held) - set(holding.owed) or limits else set()
    charge = set_of_charge(m, account, sender)
    if reduce_only:
        m.suspect((*held, *owed, *holding.held, *holding.owed, sell.key, buy.key))
        outcome = {"", "engine: reduce only", "engine: price status", *limits} if compared else (limits or {""})
        return outcome | charge, borrowed
    if limits:
        return limits | charge, borrowed
    outcome = m.margin(held, owed, raised=borrowed > 0) | charge
    m.suspect((*held, *owed, sell.key, buy.key))
    return outcome, borrowed


def set_of_charge(m: Machine, account: int, sender: str) -> set[str]:
    """Return what an operator's loss may add to a trade's outcomes."""
    if account >> 96 == word_of(sender):
        return set()
    return {"operators: max loss", "operators: loss budget", "engine: price status"}


@rule(25, TRADERS, "MarginEngine.transfer")
def transfer(m: Machine, d: Draws) -> None:
    """Move a balance between an owner's accounts, or try with another's."""
    source = place_of(m, d)
    target = d.pick(m.accounts) if d.chance(12) else m.accounts[m.accounts.index(source) // 3 * 3 + d.below(3)]
    sender = actor(m, d, source)
    holding = m.holding(source)
    asset = something(m, d, holding.held)
    balance = holding.held.get(asset.key, 0)
    amount = d.part(balance)
    expected: set[str]
    if source == target:
        expected = {"engine: same account"}
    elif source >> 96 != target >> 96:
        expected = {"engine: not one owner"}
    elif not m.may(source, sender, TRANSFER):
        expected = {"operators: not allowed"}
    elif m.word(source) & UNDER_AUCTION:
        expected = {"engine: under auction"}
    elif amount > balance:
        expected = {"engine: insufficient balance"}
    else:
        other = m.holding(target)
        debt = other.owed.get(asset.key, 0)
        expected = m.departure(asset) if debt else set()
        if debt and asset.kind == "MockERC20Fee" and m.fee_bps:
            expected = expected | {
                "",
                "token: received differs",
                *m.margin({*holding.held, *other.held}, {*holding.owed, *other.owed}, raised=False),
            }
        if not expected and amount > debt:
            expected = m.limits(other.held, set(other.owed) - ({asset.key} if debt else set()), asset.key, owes=False)
        if not expected:
            left = set(holding.held) - ({asset.key} if amount == balance else set())
            expected = m.margin(left, holding.owed, raised=False)
    data = m.fn("MarginEngine.transfer")(source, target, asset.word, amount)
    if m.call("engine", "MarginEngine.transfer", sender, data, expected, touched=(source, target), pools=(asset,)):
        took_risk(m, source)
        after_account(m, source)
        after_account(m, target)


@rule(4, TRADERS, "MarginEngine.withdraw", "MarginEngine.deposit")
def round_trip(m: Machine, d: Draws) -> None:
    """Borrow and repay at once: it never pays."""
    account = place_of(m, d)
    asset = usable(m, d)
    sender = m.owner_of(account)
    if not m.steady or asset.lent or asset.kind == "MockERC20Fee" or asset.key in m.holding(account).held:
        return
    before = m.holding(account).owed.get(asset.key, 0)
    units = m.units(asset, m.cents(d))
    if take_out(m, account, asset, units, MASK_256, sender) and put(m, account, asset, units, sender):
        m.check(7, m.holding(account).owed.get(asset.key, 0) >= before, "borrowing and repaying lowered a debt")
