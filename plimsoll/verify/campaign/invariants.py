"""What must hold, by the numbers of docs/invariants.md: cheaply after a call, and fully every so many calls and at the
end of a run.

Held here: 1 to 6, 8 to 12, 14, 15, 17 to 26. The rules themselves hold 7, 13, 16 and what needs a before and an after.
What takes a second implementation (exact amounts of interest, values, bonuses and rates: the rest of 5, 7, 8, 16, 18
and 20) is held by the machines in tests/stateful and tests/fuzz, which compare with the model to the unit.
"""

from __future__ import annotations

from plimsoll.verify.campaign.machine import (
    FIELD,
    OK,
    PROVISIONED,
    UNDER_AUCTION,
    VIRTUAL_SHARES,
    WAD,
    Machine,
)
from plimsoll.verify.campaign.world import MASK_256, WORD, Asset, word_of


def after_pool(m: Machine, asset: Asset) -> None:
    """Check a pool after a call that touched it, now or when it is read next: every reading of a pool is checked."""
    if m.calls % 4 == 0:
        m.pool(asset)


def after_account(m: Machine, account: int) -> None:
    """Check an account after a call on it."""
    m.note_word(account)
    is_sound(m, account)


def is_sound(m: Machine, account: int) -> None:
    """Check that an account's word names exactly its balances and debts, within the limits."""
    word = m.word(account)
    holding = m.holding(account)
    held, owed = field_of(holding.held), field_of(holding.owed)
    m.check(
        14,
        word & FIELD == held and word >> 72 & FIELD == owed,
        lambda: f"the word of {account:#x} names {word:#x}, it has {holding}",
    )
    listed = all(holding.held.values()) and all(holding.owed.values())
    m.check(14, listed, lambda: f"{account:#x} lists a zero: {holding}")
    m.check(6, not holding.held.keys() & holding.owed.keys(), lambda: f"{account:#x} holds and owes one: {holding}")
    m.check(14, not m.within(holding.held, holding.owed), lambda: f"{account:#x} is beyond its limits: {holding}")


def field_of(keys: dict[int, int]) -> int:
    """Return the bitmap of some assets; an isolated-tier asset stands there as its key."""
    field = 0
    for key in keys:
        field |= key
    return field


def took_risk(m: Machine, account: int) -> None:
    """Check that an account whose risk rose satisfies initial margin, at prices that are OK and unless it owes
    nothing.
    """
    holding = m.holding(account)
    if not holding.owed:
        return
    m.check(12, not m.paused, f"{account:#x} took risk while paused")
    if m.calls % 8:
        return
    health = m.health(account)
    m.check(10, health.status == OK, f"{account:#x} took risk at a price that is not OK")
    m.check(
        10, health.equity_initial >= health.initial, f"{account:#x} is below initial margin after taking risk: {health}"
    )


Snapshot = dict[int, tuple[int, dict[int, int], dict[int, int], bool]]


def everybody(m: Machine) -> Snapshot:
    """Return every account's word, balances, debts, and whether it is healthy."""
    found: Snapshot = {}
    for account in m.accounts:
        holding = m.holding(account)
        healthy = True
        if holding.owed:
            health = m.health(account)
            healthy = health.equity >= health.maintenance
        found[account] = (m.word(account), dict(holding.held), dict(holding.owed), healthy)
    return found


def only_touched(m: Machine, before: Snapshot, touched: set[int]) -> None:
    """Check that a call changed nothing of accounts that it was not on, and left them healthy."""
    for account, (word, held, owed, healthy) in everybody(m).items():
        if account in touched:
            continue
        old_word, old_held, old_owed, was_healthy = before[account]
        m.check(9, (word, held) == (old_word, old_held), f"{account:#x} was changed by a call on another account")
        m.check(
            9,
            all(abs(owed.get(key, 0) - debt) <= 1 for key, debt in old_owed.items()),
            f"a debt of {account:#x} was changed by a call on another account",
        )
        m.check(9, healthy or not was_healthy, f"{account:#x} was made liquidatable by a call on another account")


def full(m: Machine) -> None:
    """Check everything that can be read from the state."""
    m.stats.checks += 1
    m.checks += 1
    fund = word_of(m.at["reserve_fund"])
    vault: dict[int, int] = {asset.key: 0 for asset in m.assets}
    debts: dict[int, list[int]] = {asset.key: [] for asset in m.assets}
    provisions: dict[int, int] = {asset.key: 0 for asset in m.assets}
    for account in m.accounts:
        is_sound(m, account)
        holding = m.holding(account)
        word = m.word(account)
        for key, amount in holding.held.items():
            vault[key] += amount
        for key, amount in holding.owed.items():
            debts[key].append(amount)
        if not word & PROVISIONED:
            continue
        m.check(22, bool(word & UNDER_AUCTION), f"{account:#x} is provisioned for, and not under auction")
        for key in holding.owed:
            provisions[key] += m.number("", "LendingPool.provision_of", account, to=m.by_key[key].pool)
    for asset in m.assets:
        collected = m.number("engine", "MarginEngine.balance_of", fund << 96 | asset.key, asset.word)
        full_pool(m, asset, debts[asset.key], provisions[asset.key])
        held = m.balance(asset.token, m.at["engine"])
        m.check(
            6,
            vault[asset.key] + collected <= held,
            f"balances of {asset.symbol} sum to {vault[asset.key] + collected}, the vault has {held}",
        )
        if not asset.lent:
            spare = held - m.donated.get((asset.key, m.at["engine"]), 0) - vault[asset.key] - collected
            m.check(
                8,
                spare == 0 or asset.kind == "MockERC20Fee",
                f"{spare} units of {asset.symbol} in the vault belong to nobody",
            )
    for asset in m.assets:
        m.status(asset.key)
    lens(m)
    sigmas(m)


def full_pool(m: Machine, asset: Asset, debts: list[int], provisions: int) -> None:
    """Check a pool's sums."""
    m.forget_pool(asset)
    state = m.pool(asset)
    holders = {*m.holders[asset.key], m.at["reserve_fund"], m.at["engine"]}
    if any(each.token == asset.pool for each in m.assets):
        holders |= {*m.roles.values(), m.at["rates"], m.at["attack"]}
    shares = sum(m.balance(asset.pool, holder) for holder in holders)
    m.check(1, shares == state.supply, f"shares of {asset.symbol}: {shares} held, {state.supply} in all")
    m.check(2, sum(debts) >= state.debt, f"debts of {asset.symbol} sum to {sum(debts)}, the pool's is {state.debt}")
    m.check(2, state.debt + 1 >= max(debts, default=0), f"a debt of {asset.symbol} is larger than all debt")
    m.check(2, sum(debts) - state.debt <= len(debts), f"rounding of debts of {asset.symbol} is beyond a unit each")
    ledger = m.view("", "LendingPool.ledger", to=asset.pool)
    m.check(
        2,
        (ledger[1] == 0) == (ledger[3] == 0),
        f"debt {ledger[1]} and debt shares {ledger[3]} of {asset.symbol} are not zero together",
    )
    owed = sum(
        m.number("", "LendingPool.debt_shares_of", account, to=asset.pool)
        for account in m.accounts
        if asset.key in m.holding(account).owed
    )
    m.check(2, owed == ledger[3], f"debt shares of {asset.symbol}: {owed} owed, {ledger[3]} in all")
    balance = m.balance(asset.token, asset.pool)
    donated = m.donated.get((asset.key, asset.pool), 0)
    m.check(3, ledger[0] <= balance, f"the pool of {asset.symbol} says {ledger[0]} cash, it has {balance}")
    if not asset.lent and asset.kind != "MockERC20Fee":
        m.check(
            8,
            balance - donated == ledger[0] or asset.key in m.full_ledgers,
            f"the pool of {asset.symbol} has {balance - donated - ledger[0]} units that belong to nobody",
        )
    m.check(
        4,
        state.supply * (state.total_assets + 1) // (state.supply + VIRTUAL_SHARES) <= state.total_assets,
        f"claims on {asset.symbol} exceed its assets",
    )
    m.check(
        22,
        state.provisions == provisions,
        f"provisions of {asset.symbol}: {state.provisions}, of its accounts {provisions}",
    )


GARBAGE = (0, 1, MASK_256, 1 << 255, 2**160 - 1 << 96)


def lens(m: Machine) -> None:
    """Check that views of the lens return, for the state and for garbage; the batches take turns."""
    for account in (m.accounts[m.checks % len(m.accounts)], GARBAGE[m.checks % len(GARBAGE)]):
        for name in ("liquidation_quote", "positions"):
            m.check(
                26,
                m.backend.view(m.at["lens"], m.fn(f"MarginLens.{name}")(account)) is not None,
                f"lens.{name}({account:#x}) reverted",
            )
    many = [*m.accounts, *GARBAGE]
    tokens = [*(asset.word for asset in m.assets), 1, 0]
    batches = (
        ("health", [WORD, len(many), *many]),
        ("health_batch", [WORD, len(many), *many]),
        ("prices", [WORD, len(tokens), *tokens]),
        ("pools", [WORD, len(tokens), *tokens]),
        ("operators", [m.accounts[0], 2 * WORD, 2, word_of(m.roles["operator"]), 0]),
        ("balances", [2 * WORD, 2 * WORD + WORD * (1 + len(many)), len(many), *many, len(tokens), *tokens]),
    )
    name, words = batches[m.checks % len(batches)]
    m.check(26, m.backend.view(m.at["lens"], m.fn(f"MarginLens.{name}")(*words)) is not None, f"lens.{name} reverted")


def sigmas(m: Machine) -> None:
    """Check that measured volatilities are bounded."""
    for asset in m.assets[:3]:
        limit = m.view("volatility", "VolatilityOracle.parameters_of", asset.key)
        answer = m.view("volatility", "VolatilityOracle.measure", asset.key)
        m.check(18, answer[0] <= max(limit[5], limit[6]) + WAD, f"sigma of {asset.symbol} is {answer[0]}")
