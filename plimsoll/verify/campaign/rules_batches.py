"""Owners use several of the engine's verbs in one call: as people would, as nobody should, and too many of them."""

from __future__ import annotations

from plimsoll.verify.campaign.calldata import batch_of
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.invariants import after_account, after_pool, took_risk
from plimsoll.verify.campaign.machine import TRADERS, UNDER_AUCTION, Machine, rule
from plimsoll.verify.campaign.rules_traders import place_of, trade_data, usable
from plimsoll.verify.campaign.world import MASK_256, Asset, word_of


@rule(25, TRADERS, "MarginEngine.batch", "MarginEngine.deposit", "MarginEngine.trade")
def open_in_a_batch(m: Machine, d: Draws) -> None:
    """Collateral in and a leveraged trade, in one call."""
    account = place_of(m, d)
    sender = m.owner_of(account)
    asset, buy = usable(m, d), usable(m, d)
    units = m.units(asset, m.cents(d))
    amount = units * (d.below(12) + 2)
    if asset is buy or asset.lent or buy.lent:
        return
    bought = min(m.worth(asset, amount, buy), 2**90)
    calls = [
        m.fn("MarginEngine.deposit")(account, asset.word, units),
        trade_data(m, account, asset, amount, MASK_256, buy, bought, bought, False),
    ]
    expected = verbs_reasons(m, account, asset, buy) | {"engine: min_buy"}
    if m.call(
        "engine",
        "MarginEngine.batch",
        sender,
        batch_of(m.fn("MarginEngine.batch"), calls),
        expected,
        touched=(account,),
        pools=(asset, buy),
    ):
        took_risk(m, account)
        after_account(m, account)
        after_pool(m, asset)


def verbs_reasons(m: Machine, account: int, *assets: Asset) -> set[str]:
    """Return the outcomes of several verbs of an owner on one account, seen from outside."""
    reasons = {
        "",
        "engine: initial margin",
        "engine: min debt",
        "engine: too many assets",
        "engine: isolated",
        "pool: cash",
        "pool: borrow cap",
        "engine: insufficient balance",
    }
    if m.word(account) & UNDER_AUCTION:
        reasons |= {"engine: under auction", "engine: check pending"}
    if m.paused:
        reasons.add("engine: paused")
    holding = m.holding(account)
    m.suspect((*holding.held, *holding.owed, *(asset.key for asset in assets)))
    reasons.add("engine: price status")
    reasons |= m.restrictions(m.restricted)
    if m.refusing:
        reasons.add("swapper: transfer failed")
    for asset in assets:
        reasons |= m.departure(asset) | m.arrival(asset, 10_000)
        if m.fee_bps and asset.kind == "MockERC20Fee":
            reasons.add("token: received differs")
    return reasons


@rule(14, TRADERS, "MarginEngine.batch", "MarginEngine.withdraw", "MarginEngine.deposit")
def borrow_for_a_batch(m: Machine, d: Draws) -> None:
    """Debt without collateral that is repaid in the same batch: a unit short, exactly, or a unit over."""
    account = place_of(m, d)
    asset = usable(m, d)
    units = m.units(asset, m.cents(d))
    back = max(1, units + d.below(3) - 1)
    sender = m.owner_of(account)
    calls = [
        m.fn("MarginEngine.withdraw")(account, asset.word, units, word_of(sender), MASK_256),
        m.fn("MarginEngine.deposit")(account, asset.word, back),
    ]
    if d.chance(10):
        calls.insert(1, m.fn("MarginEngine.liquidate")(account))
    expected = verbs_reasons(m, account, asset) | {"engine: check pending"}
    if asset.lent:
        expected |= {
            "erc20: transfer amount exceeds balance",
            "erc20: insufficient allowance",
            "token: transferFrom failed",
        }
    if m.call(
        "engine",
        "MarginEngine.batch",
        sender,
        batch_of(m.fn("MarginEngine.batch"), calls),
        expected,
        touched=(account,),
        pools=(asset,),
    ):
        m.check(10, len(calls) == 2, "an account was liquidated while its check was pending")
        took_risk(m, account)
        after_account(m, account)


@rule(7, TRADERS, "MarginEngine.batch")
def many_verbs(m: Machine, d: Draws) -> None:
    """A batch of one to sixteen verbs on an owner's accounts, or of seventeen, or empty, or nested."""
    account = place_of(m, d)
    sender = m.owner_of(account)
    first = m.accounts.index(account) // 3 * 3
    count = d.below(17) if d.chance(40) else d.below(4) + 1
    calls = []
    risky = set()
    for _ in range(count):
        asset = usable(m, d)
        units = m.units(asset, m.cents(d))
        mine = m.accounts[first + d.below(3)]
        kind = d.below(4)
        if kind == 0:
            calls.append(m.fn("MarginEngine.deposit")(mine, asset.word, units))
        elif kind == 1:
            risky.add(mine)
            calls.append(m.fn("MarginEngine.withdraw")(mine, asset.word, units, word_of(sender), MASK_256))
        elif kind == 2:
            risky.add(account)
            calls.append(m.fn("MarginEngine.transfer")(account, mine, asset.word, units))
        else:
            risky.add(mine)
            buy = usable(m, d)
            bought = min(m.worth(asset, units, buy), 2**90)
            calls.append(trade_data(m, mine, asset, units, MASK_256, buy, 0, bought, False))
    expected = (
        {"engine: empty batch"}
        if not calls
        else set().union(
            *(verbs_reasons(m, m.accounts[first + i], *(m.assets if i == 2 else ())) for i in range(3)),
            {
                "engine: same account",
                "engine: same asset",
                "token: transferFrom failed",
                "erc20: transfer amount exceeds balance",
                "erc20: insufficient allowance",
                "swapper: transfer failed",
            },
        )
    )
    if calls and d.chance(6):
        calls[-1] = batch_of(m.fn("MarginEngine.batch"), calls[:1])
        expected = (expected - {""}) | {"engine: nested batch"}
    if m.call(
        "engine",
        "MarginEngine.batch",
        sender,
        batch_of(m.fn("MarginEngine.batch"), calls),
        expected,
        touched=m.accounts[first : first + 3],
    ):
        for i in range(3):
            after_account(m, m.accounts[first + i])
        for each in risky:
            took_risk(m, each)
