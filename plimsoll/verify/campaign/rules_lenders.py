"""Lenders: they enter and leave pools, move shares, stake in the reserve fund, and anybody books interest."""

from __future__ import annotations

from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.invariants import after_pool
from plimsoll.verify.campaign.machine import LENDERS, VIRTUAL_SHARES, Machine, PoolState, rule
from plimsoll.verify.campaign.rules_world import live
from plimsoll.verify.campaign.world import DAY, Asset, word_of

LENDERS_OF_MONEY = ("lender", "whale")
ENTER = ("LendingPool.deposit", "LendingPool.mint")
LEAVE = ("LendingPool.withdraw", "LendingPool.redeem")
RUINED = 10**12
LAPSE = 2 * DAY
"""Seconds for which a request stays ripe."""


def ruined(state: PoolState) -> bool:
    """Return whether a share lost so much that a pool takes no deposits."""
    return (state.total_assets + 1) * RUINED < state.supply + VIRTUAL_SHARES


def withdrawable(m: Machine, asset: Asset, state: PoolState) -> int:
    """Return the assets that withdrawals are priced on."""
    if state.provisions == 0:
        return state.total_assets
    held = m.balance(asset.pool, m.at["reserve_fund"])
    cover = held * (state.total_assets + 1) // (state.supply + VIRTUAL_SHARES)
    return state.total_assets - min(state.total_assets, max(0, state.provisions - cover))


@rule(130, LENDERS, *ENTER)
def lend(m: Machine, d: Draws) -> None:
    """Deposit or mint, at times more than the cap leaves, at times for somebody else."""
    asset = d.pick(m.assets)
    role = d.pick(LENDERS_OF_MONEY)
    by_shares = d.chance(30)
    state = m.pool(asset)
    room = max(0, state.supply_cap - state.total_assets)
    amount = m.units(asset, m.cents(d)) if d.chance(92) else room + d.below(3) - 1
    receiver = m.roles[role] if d.chance(95) else m.roles[d.pick(("stranger", "trader", "attacker"))]
    total, supply = state.total_assets + 1, state.supply + VIRTUAL_SHARES
    amount = max(amount, 0)
    if by_shares:
        shares = amount * supply // total
        assets = -(-shares * total // supply)
    else:
        shares, assets = amount * supply // total, amount
    expected: set[str]
    if assets > room:
        expected = {"pool: supply cap"}
    elif ruined(state):
        expected = {"pool: share price"}
    elif assets == 0:
        expected = {"pool: zero assets"}
    elif shares == 0:
        expected = {"pool: zero shares"}
    else:
        expected = m.arrival(asset, assets) or {""}
        if asset.lent:
            expected |= {"", "token: transferFrom failed"}
    key = "LendingPool.mint" if by_shares else "LendingPool.deposit"
    number = shares if by_shares else amount
    if m.call("", key, m.roles[role], m.fn(key)(number, word_of(receiver)), expected, to=asset.pool):
        m.holders[asset.key].add(receiver)
        got = int.from_bytes(m.backend.output, "big")
        if m.steady:
            m.check(
                7, got == (assets if by_shares else shares), f"{key} of {number} gave {got}, the preview says otherwise"
            )
        after_pool(m, asset)


@rule(130, LENDERS, *LEAVE)
def unlend(m: Machine, d: Draws) -> None:
    """Withdraw or redeem a part, all, a unit more than all, or more than the cash."""
    asset = d.pick(m.assets)
    role = d.pick(LENDERS_OF_MONEY)
    holder = m.roles[role]
    by_shares = d.chance(50)
    shares = m.balance(asset.pool, holder)
    state = m.pool(asset)
    total, supply = withdrawable(m, asset, state) + 1, state.supply + VIRTUAL_SHARES
    worth = shares * total // supply
    if by_shares:
        number = d.part(shares)
        burned, assets = number, number * total // supply
    else:
        number = d.part(min(worth, state.cash) if d.chance(70) else state.cash)
        assets, burned = number, -(-number * supply // total)
    thief = d.chance(4)
    sender = m.roles["stranger"] if thief else holder
    expected: set[str]
    if assets > state.cash:
        expected = {"pool: cash"}
    elif assets == 0:
        expected = {"pool: zero assets"}
    elif thief and m.number("", "LendingPool.allowance", word_of(holder), word_of(sender), to=asset.pool) < burned:
        expected = {"erc20: insufficient allowance"}
    elif burned > shares:
        expected = {"erc20: burn amount exceeds balance"}
    else:
        expected = m.departure(asset) or {""}
    key = "LendingPool.redeem" if by_shares else "LendingPool.withdraw"
    data = m.fn(key)(number, word_of(sender), word_of(holder))
    before = (state.total_assets, state.supply)
    if m.call("", key, sender, data, expected, to=asset.pool):
        got = int.from_bytes(m.backend.output, "big")
        if m.steady:
            m.check(
                7, got == (assets if by_shares else burned), f"{key} of {number} gave {got}, the preview says otherwise"
            )
            paid = got if by_shares else number
            gone = number if by_shares else got
            m.check(24, paid * supply <= gone * (before[0] + 1), f"{key} of {asset.symbol} paid more than its part")
        after_pool(m, asset)


@rule(6, LENDERS, "LendingPool.withdraw", "LendingPool.redeem")
def the_maximum_can_be_executed(m: Machine, d: Draws) -> None:
    """What maxWithdraw and maxRedeem say succeeds; a unit more of a maximum that cash limits does not."""
    asset = d.pick(m.assets)
    holder = m.roles[d.pick(LENDERS_OF_MONEY)]
    by_shares = d.chance(50)
    key = "LendingPool.redeem" if by_shares else "LendingPool.withdraw"
    view = "LendingPool.maxRedeem" if by_shares else "LendingPool.maxWithdraw"
    most = m.number("", view, word_of(holder), to=asset.pool)
    if most == 0:
        return
    data = m.fn(key)(most, word_of(holder), word_of(holder))
    if m.call("", key, holder, data, m.departure(asset) or {""}, to=asset.pool):
        after_pool(m, asset)


@rule(80, LENDERS, "LendingPool.transfer", "LendingPool.transferFrom", "LendingPool.approve")
def move_shares(m: Machine, d: Draws) -> None:
    """Send shares to somebody, or let a spender send them."""
    asset = d.pick(m.assets)
    source = m.roles[d.pick(LENDERS_OF_MONEY)]
    target = m.roles[d.pick(("whale", "lender", "trader", "stranger"))]
    shares = m.balance(asset.pool, source)
    amount = d.part(shares)
    how = d.below(6)
    if how < 3:
        expected = {""} if amount <= shares else {"erc20: transfer amount exceeds balance"}
        done = m.call(
            "",
            "LendingPool.transfer",
            source,
            m.fn("LendingPool.transfer")(word_of(target), amount),
            expected,
            to=asset.pool,
        )
    elif how == 3:
        data = m.fn("LendingPool.approve")(word_of(target), amount)
        m.call("", "LendingPool.approve", source, data, {""}, to=asset.pool)
        return
    else:
        if d.chance(60):
            data = m.fn("LendingPool.approve")(word_of(target), amount)
            m.call("", "LendingPool.approve", source, data, {""}, to=asset.pool)
        allowed = m.number("", "LendingPool.allowance", word_of(source), word_of(target), to=asset.pool)
        expected = (
            {"erc20: insufficient allowance"}
            if allowed < amount
            else {""}
            if amount <= shares
            else {"erc20: transfer amount exceeds balance"}
        )
        data = m.fn("LendingPool.transferFrom")(word_of(source), word_of(target), amount)
        done = m.call("", "LendingPool.transferFrom", target, data, expected, to=asset.pool)
    if done:
        m.holders[asset.key].add(target)
        after_pool(m, asset)


@rule(1, LENDERS, "LendingPool.permit")
def permit(m: Machine, d: Draws) -> None:
    """Bring a signed permit; it works once."""
    signed = d.pick([each for each in m.world.signed if each.kind == "permit"])
    used = m.state.setdefault("permits", set())
    expected = {"erc20: invalid signature"} if signed.who in used else {""}
    if m.call("", "LendingPool.permit", m.roles["stranger"], signed.data, expected, to=m.world.asset("USDC").pool):
        used.add(signed.who)


@rule(80, LENDERS, "LendingPool.accrue", "LendingPool.mint_fees", "LendingPool.accrued_debt")
def book_interest(m: Machine, d: Draws) -> None:
    """Anybody brings a pool up to date; twice in one block is once."""
    asset = d.pick(m.assets)
    how = d.below(5)
    before = m.pool(asset)
    sender = m.roles["stranger"]
    if how < 3:
        for _ in range(2):
            m.call("", "LendingPool.accrue", sender, m.fn("LendingPool.accrue")(), {""}, to=asset.pool)
    elif how == 3:
        data = m.fn("LendingPool.accrued_debt")(d.pick(m.accounts))
        m.call("", "LendingPool.accrued_debt", sender, data, {""}, to=asset.pool)
    else:
        m.call("", "LendingPool.mint_fees", sender, m.fn("LendingPool.mint_fees")(), {""}, to=asset.pool)
        m.holders[asset.key].add(m.at["reserve_fund"])
        after_pool(m, asset)
        return
    if m.steady:
        after = m.pool(asset)
        m.check(
            5,
            (after.debt, after.total_assets, after.fee) == (before.debt, before.total_assets, before.fee),
            f"accruing {asset.symbol} changed what the view had said",
        )
    after_pool(m, asset)


@rule(
    6,
    LENDERS,
    "LendingPool.borrow",
    "LendingPool.repay",
    "LendingPool.move_debt",
    "LendingPool.provision",
    "LendingPool.write_off",
)
def knock_at_the_engines_door(m: Machine, d: Draws) -> None:
    """What only the engine may call refuses everybody else."""
    asset, sender = d.pick(m.assets), m.roles[d.pick(("attacker", "owner", "guardian", "lender"))]
    account, amount = d.pick(m.accounts), m.units(asset, m.cents(d))
    name, words = d.pick(
        (
            ("borrow", (account, amount, word_of(sender))),
            ("repay", (account, amount)),
            ("move_debt", (account, account ^ 1, 10**18, 0, 0, 0)),
            ("provision", (account, amount)),
            ("write_off", (account,)),
        )
    )
    key = f"LendingPool.{name}"
    m.call("", key, sender, m.fn(key)(*words), {"pool: engine only"}, to=asset.pool)


# The reserve fund


@rule(20, LENDERS, "ReserveFund.stake")
def stake(m: Machine, d: Draws) -> None:
    """Stake shares of a pool."""
    asset, holder = d.pick(m.assets), m.roles[d.pick(LENDERS_OF_MONEY)]
    shares = m.balance(asset.pool, holder)
    amount = d.part(shares)
    receiver = word_of(holder) if d.chance(97) else 0
    expected = {"fund: zero address"} if receiver == 0 else {"", "fund: zero stake"}
    if receiver and amount > shares:
        expected = {"erc20: transfer amount exceeds balance", "fund: zero stake"}
    data = m.fn("ReserveFund.stake")(word_of(asset.pool), amount, receiver)
    if m.call("reserve_fund", "ReserveFund.stake", holder, data, expected):
        m.holders[asset.key].add(m.at["reserve_fund"])
        m.state.setdefault("stakes", set()).add((asset.key, holder))
        after_pool(m, asset)


@rule(10, LENDERS, "ReserveFund.request_withdrawal", "ReserveFund.cancel_request")
def request(m: Machine, d: Draws) -> None:
    """Ask for a stake back, or think better of it."""
    if d.chance(25):
        cancel_request(m, *some_request(m, d))
        return
    asset, holder = d.pick(m.assets), m.roles[d.pick(LENDERS_OF_MONEY)]
    stakes = m.state.get("stakes")
    if stakes and d.chance(75):
        key, holder = d.pick(sorted(stakes))
        asset = m.by_key[key]
    pool = word_of(asset.pool)
    staked = m.number("reserve_fund", "ReserveFund.stake_of", pool, word_of(holder))
    amount = d.part(staked)
    expected = {""} if amount <= staked else {"fund: insufficient stake"}
    data = m.fn("ReserveFund.request_withdrawal")(pool, amount)
    if m.call("reserve_fund", "ReserveFund.request_withdrawal", holder, data, expected):
        m.requests.add((asset.key, holder))


def some_request(m: Machine, d: Draws) -> tuple[Asset, str]:
    """Draw a pool and a holder, mostly one who asked for his stake."""
    if m.requests and d.chance(75):
        key, holder = d.pick(sorted(m.requests))
        return m.by_key[key], holder
    return d.pick(m.assets), m.roles[d.pick(LENDERS_OF_MONEY)]


def cancel_request(m: Machine, asset: Asset, holder: str) -> None:
    """Think better of a request, with its prediction."""
    pool = word_of(asset.pool)
    made = m.view("reserve_fund", "ReserveFund.request_of", pool, word_of(holder))[1]
    data = m.fn("ReserveFund.cancel_request")(pool)
    if m.call("reserve_fund", "ReserveFund.cancel_request", holder, data, {""} if made else {"fund: no request"}):
        m.requests.discard((asset.key, holder))


@rule(10, LENDERS, "ReserveFund.withdraw")
def withdraw_stake(m: Machine, d: Draws) -> None:
    """Take a ripe request; nothing leaves while the pool has a provision."""
    asset, holder = some_request(m, d)
    pool = word_of(asset.pool)
    made = m.view("reserve_fund", "ReserveFund.request_of", pool, word_of(holder))[1]
    cooldown = m.number("reserve_fund", "ReserveFund.cooldown")
    if m.backend.now < made + cooldown and d.chance(20):
        live(m, made + cooldown - m.backend.now + d.pick((0, -1, 1, LAPSE, LAPSE + 1)))
    provisions = m.pool(asset).provisions
    now = m.backend.now
    if made == 0:
        expected = {"fund: no request"}
    elif now < made + cooldown:
        expected = {"fund: not ripe"}
    elif now > made + cooldown + LAPSE:
        expected = {"fund: lapsed"}
    elif provisions:
        expected = {"fund: provision"}
    else:
        expected = {"", "fund: zero shares"}
    data = m.fn("ReserveFund.withdraw")(pool, word_of(holder))
    done = m.call("reserve_fund", "ReserveFund.withdraw", holder, data, expected)
    if done or expected == {"fund: lapsed"}:
        m.requests.discard((asset.key, holder))
    if done:
        m.check(24, provisions == 0, f"shares of {asset.symbol} left the fund beside a provision of {provisions}")


@rule(4, LENDERS, "ReserveFund.collect")
def collect(m: Machine, d: Draws) -> None:
    """Lend what liquidations left to the fund."""
    asset = m.by_key[d.pick(sorted(m.collectable))] if m.collectable and d.chance(80) else d.pick(m.assets)
    account = word_of(m.at["reserve_fund"]) << 96 | asset.key
    amount = m.number("engine", "MarginEngine.balance_of", account, asset.word)
    expected = (
        {
            "",
            "pool: zero shares",
            "pool: supply cap",
            "pool: share price",
            *m.departure(asset),
            *m.arrival(asset, amount),
        }
        if amount
        else {"fund: nothing to collect"}
    )
    data = m.fn("ReserveFund.collect")(asset.word)
    m.collectable.discard(asset.key)
    if m.call("reserve_fund", "ReserveFund.collect", m.roles["stranger"], data, expected):
        m.holders[asset.key].add(m.at["reserve_fund"])
        after_pool(m, asset)
