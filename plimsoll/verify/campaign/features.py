"""Features of states: what a report counts, and by which a sequence is worth keeping."""

from __future__ import annotations

from plimsoll.verify.campaign.machine import PROVISIONED, UNDER_AUCTION, Machine

STATUS = ("OK", "WIDE", "STALE", "DEAD")
ALL = (
    "a debt",
    "an auction",
    "two auctions",
    "a provision",
    "negative equity",
    "equity of zero to the line",
    "8 assets held",
    "4 assets owed",
    "an isolated asset held",
    "an isolated asset owed",
    "pool shares as collateral",
    "paused",
    "an empty pool",
    "a pool at 100 %",
    "a pool beyond 90 %",
    "a supply cap reached",
    "a borrow cap reached",
    "a share price below its first",
    "a stake",
    "a token that takes a fee",
    "a token that refuses",
    "a market was pushed",
    "a captured source",
    "a price WIDE",
    "a price STALE",
    "a price DEAD",
    "every price OK",
)


def features_of(m: Machine) -> set[str]:
    """Return the features of the state, which is also counted."""
    found: set[str] = set()
    auctions = 0
    for account in m.accounts:
        word = m.word(account)
        holding = m.holding(account)
        auctions += bool(word & UNDER_AUCTION)
        if word & PROVISIONED:
            found.add("a provision")
        if holding.owed:
            found.add("a debt")
            health = m.health(account)
            if health.equity < 0:
                found.add("negative equity")
            elif health.equity < health.maintenance:
                found.add("equity of zero to the line")
        if len(holding.held) >= 8:
            found.add("8 assets held")
        if len(holding.owed) >= 4:
            found.add("4 assets owed")
        for side, name in ((holding.held, "an isolated asset held"), (holding.owed, "an isolated asset owed")):
            if any(m.by_key[key].isolated for key in side):
                found.add(name)
        if any(m.by_key[key].lent for key in holding.held):
            found.add("pool shares as collateral")
    if auctions:
        found.add("an auction" if auctions == 1 else "two auctions")
    for asset in m.assets:
        if asset.lent:
            continue
        state = m.pool(asset)
        if state.supply == 0:
            found.add("an empty pool")
        if state.debt:
            found.add(
                "a pool at 100 %"
                if state.cash == 0
                else "a pool beyond 90 %"
                if state.debt > 9 * state.cash
                else "a debt"
            )
        if state.total_assets >= state.supply_cap:
            found.add("a supply cap reached")
        if state.debt and state.debt >= state.borrow_cap:
            found.add("a borrow cap reached")
        if state.supply and (state.total_assets + 1) * 10**6 < state.supply + 10**6:
            found.add("a share price below its first")
    statuses = {m.status(asset.key) for asset in m.assets}
    found |= {f"a price {STATUS[status]}" for status in statuses if status} or {"every price OK"}
    if m.paused:
        found.add("paused")
    if m.fee_bps:
        found.add("a token that takes a fee")
    if m.refusing:
        found.add("a token that refuses")
    if m.state.get("stakes"):
        found.add("a stake")
    counted = m.stats.features
    for each in found:
        counted[each] = counted.get(each, 0) + 1
    return found
