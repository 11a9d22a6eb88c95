"""The first and the last rule of a run: money comes in, and whatever happened, everybody can leave."""

from __future__ import annotations

from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.invariants import after_account, full
from plimsoll.verify.campaign.machine import LENDERS, TRADERS, UNDER_AUCTION, Machine, rule
from plimsoll.verify.campaign.rules_traders import put, swap
from plimsoll.verify.campaign.rules_world import answer
from plimsoll.verify.campaign.world import MASK_256, word_of


@rule(0, LENDERS)
def begin(m: Machine, d: Draws) -> None:
    """Most pools are lent to, some stay empty; most accounts begin with collateral."""
    for asset in m.assets:
        if d.chance(85):
            units = m.units(asset, (d.below(10**4) + 1) * 10**5)
            data = m.fn("LendingPool.deposit")(units, word_of(m.roles["lender"]))
            expected = {""} if not asset.lent else {"pool: supply cap"}
            if m.call("", "LendingPool.deposit", m.roles["lender"], data, expected, to=asset.pool):
                m.holders[asset.key].add(m.roles["lender"])
    for account in m.accounts:
        if d.chance(80):
            asset = m.assets[(0, 3, 9, 1, 4)[d.below(5)]]
            put(m, account, asset, m.units(asset, (d.below(10**4) + 1) * 10**4), m.owner_of(account))
    for account in m.accounts[:9]:
        if d.chance(60):
            lever(m, d, account)


@rule(18, TRADERS, "MarginEngine.trade", "MarginEngine.deposit")
def leverage(m: Machine, d: Draws) -> None:
    """An account without debt takes a position; where it has nothing, collateral comes first."""
    account = m.accounts[d.below(9)]
    holding = m.holding(account)
    if holding.owed:
        return
    if not holding.held:
        asset = m.assets[(3, 9, 5)[d.below(3)]]
        put(m, account, asset, m.units(asset, (d.below(10**3) + 1) * 10**4), m.owner_of(account))
    lever(m, d, account)


def lever(m: Machine, d: Draws, account: int) -> None:
    """Open a position of an account with what it holds, two to ten times as large: mostly near what initial margin
    allows.
    """
    holding = m.holding(account)
    if m.ladder < TRADERS or not holding.held:
        return
    held = m.by_key[min(holding.held)]
    buy = m.assets[(9, 3, 0, 10, 5)[d.below(5)]]
    if held is buy or held.isolated or (buy.isolated and len(holding.held) > 1):
        return
    amount = holding.held[held.key] * (20 + d.below(80)) // 10
    amount = min(amount, holding.held[held.key] + m.pool(held).cash * 9 // 10)
    bought = m.worth(held, amount, buy)
    swap(m, account, held, amount, MASK_256, buy, bought, bought, False, m.owner_of(account))


@rule(
    0,
    LENDERS,
    "MarginEngine.deposit",
    "MarginEngine.cancel",
    "MarginEngine.withdraw",
    "LendingPool.redeem",
    "ReserveFund.withdraw",
)
def everybody_leaves(m: Machine, d: Draws) -> None:
    """Debts are repaid, auctions end, balances and stakes are withdrawn, lenders redeem; in any price status, paused
    or not.
    """
    tokens_behave(m)
    repay_everything(m)
    withdraw_everything(m)
    release_stakes(m)
    for asset in m.assets:
        state = m.pool(asset)
        m.check(2, state.debt == 0, f"{state.debt} of {asset.symbol} are owed by nobody")
        m.check(22, state.provisions == 0, f"{state.provisions} of {asset.symbol} are provisioned for nobody")
    redeem_everything(m)
    full(m)


def tokens_behave(m: Machine) -> None:
    """A token that takes what is not its own keeps its holders in, whatever we do: it stops."""
    if m.fee_bps:
        m.fee_bps = 0
        m.upkeep(m.world.asset("FEES").token, "MockERC20Fee.set_fee", m.fn("MockERC20Fee.set_fee")(0))
    if m.refusing:
        m.refusing = False
        m.upkeep(m.world.asset("BOOL").token, "MockERC20False.set_refusing", m.fn("MockERC20False.set_refusing")(0))


def repay_everything(m: Machine) -> None:
    """Anybody repays every debt, to the last unit."""
    payer = m.roles["stranger"]
    for account in m.accounts:
        for key in list(m.holding(account).owed):
            asset = m.by_key[key]
            debt = m.holding(account).owed[key]
            m.fund(payer, asset, debt + 1_000)
            data = m.fn("MarginEngine.deposit")(account, asset.word, debt + 1_000)
            m.call("engine", "MarginEngine.deposit", payer, data, {""})
            m.check(
                12,
                key not in m.holding(account).owed,
                f"{asset.symbol} stayed owed by {account:#x} after its repayment",
            )


def withdraw_everything(m: Machine) -> None:
    """Every owner ends his auction and withdraws all he has."""
    for account in m.accounts:
        owner = m.owner_of(account)
        if m.word(account) & UNDER_AUCTION:
            m.call("engine", "MarginEngine.cancel", owner, m.fn("MarginEngine.cancel")(account), {""})
        for key in list(m.holding(account).held):
            asset = m.by_key[key]
            data = m.fn("MarginEngine.withdraw")(account, asset.word, MASK_256, word_of(owner), 0)
            m.call("engine", "MarginEngine.withdraw", owner, data, {""})
        after_account(m, account)
        m.check(
            14, m.word(account) == 0, f"the word of {account:#x} is {m.word(account):#x} after everything was withdrawn"
        )


def release_stakes(m: Machine) -> None:
    """Every staker asks for his stake and gets it after the cooldown."""
    stakes = sorted(m.state.get("stakes", ()))
    waiting = []
    for key, holder in stakes:
        pool = word_of(m.by_key[key].pool)
        staked = m.number("reserve_fund", "ReserveFund.stake_of", pool, word_of(holder))
        if staked:
            data = m.fn("ReserveFund.request_withdrawal")(pool, staked)
            m.call("reserve_fund", "ReserveFund.request_withdrawal", holder, data, {""})
            waiting.append((pool, holder))
    if waiting:
        m.warp(m.number("reserve_fund", "ReserveFund.cooldown"))
        for asset in m.assets:
            answer(m, asset)
        for pool, holder in waiting:
            data = m.fn("ReserveFund.withdraw")(pool, word_of(holder))
            m.call("reserve_fund", "ReserveFund.withdraw", holder, data, {"", "fund: zero shares"})


def redeem_everything(m: Machine) -> None:
    """Every holder of shares redeems them all."""
    for asset in m.assets:
        for holder in sorted(m.holders[asset.key] & set(m.roles.values())):
            most = m.number("", "LendingPool.maxRedeem", word_of(holder), to=asset.pool)
            if most == 0:
                continue
            data = m.fn("LendingPool.redeem")(most, word_of(holder), word_of(holder))
            m.call("", "LendingPool.redeem", holder, data, {""}, to=asset.pool)
            left = m.balance(asset.pool, holder)
            m.check(4, left == 0, f"{left} shares of {asset.symbol} could not be redeemed although nothing is owed")
