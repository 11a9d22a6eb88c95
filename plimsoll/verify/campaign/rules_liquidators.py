"""Liquidators: anybody starts auctions, takes, cancels, pokes, writes off; and marks and samples prices."""

from __future__ import annotations

from collections.abc import Iterable

from plimsoll.verify.campaign.calldata import batch_of
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.invariants import after_account, after_pool, took_risk
from plimsoll.verify.campaign.machine import LIQUIDATORS, OK, UNDER_AUCTION, WAD, Machine, Quote, rule
from plimsoll.verify.campaign.rules_traders import put, swap, trade_data
from plimsoll.verify.campaign.rules_world import answer
from plimsoll.verify.campaign.world import MASK_256, Asset, word_of

BORROW = 2
TAKE_REASONS = {
    "",
    "auction: healthy",
    "auction: nothing to take",
    "auction: bonus",
    "auction: remainder",
    "engine: opposite balance",
    "engine: under auction",
    "engine: initial margin",
    "engine: min debt",
    "engine: too many assets",
    "engine: isolated",
}
MILLION = 10**6
LOWEST = 900
"""By how much a feed's answer may differ from its first one."""
NOTHING = Quote(False, False, 0, 0, 0, 0, 0, 0, 0)
"""The quote of an account that owes nothing."""


def auctioned_account(m: Machine, d: Draws) -> int:
    """Draw an account under auction; where there is none, have a price fall and one started."""
    auctioned = [account for account in m.accounts if m.last_word(account) & UNDER_AUCTION]
    if auctioned:
        return d.pick(auctioned)
    indebted = [account for account in m.accounts if m.last_word(account) >> 72 & 2**72 - 1]
    account = d.pick(indebted or m.accounts)
    if to_the_line(m, account, -d.pick((1, 10, 100, 500, 2_000))):
        start_auction(m, account, m.roles["keeper"])
    return account


def offer(m: Machine, account: int) -> Quote:
    """Return the quote of an account, nothing without an auction."""
    return m.quote(account) if m.word(account) & UNDER_AUCTION else NOTHING


def target(m: Machine, d: Draws) -> int:
    """Draw an account, mostly one that owes something, and one under auction where there is one."""
    hunted = m.state.get("hunted")
    if hunted is not None and d.chance(50):
        return int(hunted)
    auctioned = [account for account in m.accounts if m.last_word(account) & UNDER_AUCTION]
    if auctioned and d.chance(70):
        return d.pick(auctioned)
    indebted = [account for account in m.accounts if m.last_word(account) >> 72 & 2**72 - 1]
    return d.pick(indebted) if indebted and d.chance(90) else d.pick(m.accounts)


@rule(7, LIQUIDATORS)
def just_under_the_line(m: Machine, d: Draws) -> None:
    """Move the price of something an account holds so that it is just below, at, or above its maintenance line, or far
    below.
    """
    to_the_line(m, target(m, d), d.pick((0, -1, 1, -50, -300, -1_000, -3_000, 50)))


def movable(m: Machine, account: int) -> list[Asset]:
    """Return what an account holds or owes whose price is what its feed says, the most valuable first."""
    holding = m.holding(account)
    worth = {
        key: amount * m.price[key] // m.by_key[key].unit
        for side in (holding.held, holding.owed)
        for key, amount in side.items()
        if m.by_key[key].feed and not m.by_key[key].markets
    }
    return [m.by_key[key] for key in sorted(worth, key=lambda key: (-worth[key], key)) if worth[key]]


def to_the_line(m: Machine, account: int, beyond: int) -> bool:
    """Move the price of the most valuable thing that an account holds or owes, and of the next if that is not enough,
    to where the account meets its maintenance line; the last one so many hundredths of a percent further up or, if it
    is owed, down. Return whether that could be done.
    """
    choices = movable(m, account)
    if not choices or not m.holding(account).owed or m.health(account).status != OK:
        return False
    for asset in choices[:2]:
        if meets_the_line(m, account, asset, beyond):
            m.state["hunted"] = account
            return True
    return False


def meets_the_line(m: Machine, account: int, asset: Asset, beyond: int) -> bool:
    """Move one price as `to_the_line` says; False if it cannot be moved that far, and is where it can go."""
    holding = m.holding(account)
    owes = asset.key in holding.owed
    amount = holding.owed[asset.key] if owes else holding.held[asset.key]
    before, excess = m.price[asset.key], excess_of(m, account)
    value = amount * before // asset.unit
    say(m, asset, before + before * excess // (value if owes else -value))
    left, moved = excess_of(m, account), m.price[asset.key] - before
    if left == excess:
        return False
    line = m.price[asset.key] - left * moved // (left - excess)
    say(m, asset, line * (10_000 - beyond if owes else 10_000 + beyond) // 10_000)
    return asset.price // LOWEST < m.price[asset.key] < asset.price * LOWEST


def excess_of(m: Machine, account: int) -> int:
    """Return an account's equity beyond its maintenance requirement."""
    health = m.health(account)
    return health.equity - health.maintenance


def say(m: Machine, asset: Asset, price: int) -> None:
    """Have a feed say a price, or the nearest that its source accepts."""
    m.price[asset.key] = min(max(price, asset.price // LOWEST), asset.price * LOWEST)
    answer(m, asset)
    m.moved_prices(asset)


@rule(11, LIQUIDATORS, "MarginEngine.liquidate")
def liquidate(m: Machine, d: Draws) -> None:
    """Start an auction, or raise its penalty: only below the line."""
    start_auction(m, target(m, d), m.roles[d.pick(("keeper", "attacker", "stranger", "rival"))])


def start_auction(m: Machine, account: int, starter: str) -> None:
    """Liquidate, with its prediction."""
    running = bool(m.word(account) & UNDER_AUCTION)
    quote = m.quote(account) if m.word(account) >> 72 & 2**72 - 1 else NOTHING
    if quote.debt == 0 or quote.equity >= quote.requirement:
        expected = {"auction: healthy"}
    elif running:
        started = m.view("auction", "LiquidationAuction.auction_of", account)[0]
        tail = m.view("auction", "LiquidationAuction.parameters")[1]
        expected = (
            {"auction: running"}
            if m.backend.now < started + tail and not m.state.get("auction_changed")
            else {"", "auction: running"}
        )
    else:
        expected = {""}
    if m.call(
        "engine",
        "MarginEngine.liquidate",
        starter,
        m.fn("MarginEngine.liquidate")(account),
        expected,
        touched=(account,),
    ):
        m.check(19, quote.equity < quote.requirement, f"an auction of {account:#x} started above the line")
        after_account(m, account)


@rule(14, LIQUIDATORS, "MarginEngine.take")
def take(m: Machine, d: Draws) -> None:
    """Take a part, the quoted maximum, or more, into an account that is funded for it or not."""
    account = auctioned_account(m, d) if d.chance(85) else target(m, d)
    taker = fitting_taker(m, d, account) if d.chance(85) else d.pick(m.accounts)
    if account == taker and d.chance(80):
        taker = m.accounts[(m.accounts.index(account) + 1) % len(m.accounts)]
    sender = m.owner_of(taker) if d.chance(96) else m.roles["stranger"]
    quote = offer(m, account)
    most = quote.max_fraction
    fraction = (MASK_256, most, most // 2, 1, most // 100, most // 3, 10**12, 0)[d.below(8)]
    if not quote.takeable and d.chance(90):
        fraction = MASK_256
    least = -WAD if d.chance(90) else quote.bonus + d.below(3) - 1
    take_once(m, account, taker, sender, fraction, least)


def fitting_taker(m: Machine, d: Draws, account: int) -> int:
    """Draw an account of the keeper's, that can receive what an account holds and owes where there is one."""
    theirs = m.holding(account)
    first = d.below(3)
    for taker in (*m.accounts[6 + first : 9], *m.accounts[6 : 6 + first]):
        mine = m.holding(taker)
        if taker != account and not (theirs.held.keys() & mine.owed.keys() or theirs.owed.keys() & mine.held.keys()):
            return taker
    return m.accounts[6 + first]


def take_once(m: Machine, account: int, taker: int, sender: str, fraction: int, least: int) -> None:
    """Take, with its prediction and what must hold afterwards."""
    quote = offer(m, account)
    expected: set[str]
    if account == taker:
        expected = {"engine: same account"}
    elif not m.may(taker, sender, BORROW):
        expected = {"operators: not allowed"}
    elif taker >> 96 != word_of(sender) and least < 0:
        expected = {"engine: operator bonus"}
    elif fraction == 0:
        expected = {"auction: zero fraction"}
    elif not m.word(account) & UNDER_AUCTION:
        expected = {"auction: none"}
    elif quote.equity >= quote.requirement:
        expected = {"auction: healthy"}
    else:
        expected = set(TAKE_REASONS)
        if m.word(taker) & UNDER_AUCTION:
            expected = {
                "engine: under auction",
                *m.restrictions(m.restricted),
                "auction: nothing to take",
                "auction: bonus",
                "auction: remainder",
                "auction: healthy",
            }
        if m.paused:
            expected.add("engine: paused")
        expected |= m.restrictions(m.restricted)
        expected.add("engine: price status")
        m.suspect((*m.holding(account).held, *m.holding(account).owed, *m.holding(taker).held, *m.holding(taker).owed))
        if quote.takeable and fraction >= quote.max_fraction:
            expected -= {"auction: healthy", "auction: nothing to take", "auction: remainder"}
            if least <= quote.bonus:
                expected -= {"auction: bonus"}
    if not expected & {"engine: same account", "operators: not allowed", "engine: operator bonus"}:
        expected |= m.restrictions((*m.holding(account).held, *m.holding(account).owed)) & {"engine: gate"}
    before = quote
    data = m.fn("MarginEngine.take")(account, fraction, taker, least)
    held_before, owed_before = set(m.holding(account).held), dict(m.holding(account).owed)
    roundings = sum(2 * m.price[key] // m.by_key[key].unit + 2 for key in (*owed_before, *m.holding(account).held))
    ended_before = m.word(account) & UNDER_AUCTION
    if not m.call("engine", "MarginEngine.take", sender, data, expected, touched=(account, taker)):
        return
    m.collectable |= held_before
    words = m.backend.output
    moved, share = int.from_bytes(words[:32], "big"), int.from_bytes(words[32:64], "big")
    if share == WAD and moved < WAD:
        forget_prices(m, owed_before)
    m.check(
        19, bool(ended_before) and before.equity < before.requirement, f"{account:#x} was taken from above its line"
    )
    if m.steady:
        m.check(
            20,
            moved <= max(before.max_fraction, 0) or moved <= fraction,
            f"a take moved {moved}, at most {before.max_fraction} was quoted",
        )
    took_risk(m, taker)
    after_account(m, account)
    after_account(m, taker)
    for key in owed_before:
        m.holders[key] |= {m.at["reserve_fund"], *m.roles.values()}
        after_pool(m, m.by_key[key])
    after = offer(m, account)
    if after.active and m.steady:
        equity, requirement = before.equity, before.requirement
        if equity >= 0 and before.bonus * before.debt <= equity * WAD and after.debt and moved < WAD:
            room = requirement // 10**9 + MILLION + roundings
            m.check(
                20,
                after.equity * requirement >= equity * after.requirement - room * requirement,
                f"a take lowered equity over requirement of {account:#x}: {before} to {after}",
            )
        dust = m.min_debt // 4 - roundings
        value = after.equity + after.debt
        if m.are_ok((*m.holding(account).held, *m.holding(account).owed)):
            m.check(
                21,
                after.debt == 0
                or after.debt + MILLION + roundings >= m.min_debt
                or value == 0
                or before.debt < m.min_debt
                or moved == 0,
                f"a take left dust of debt: {after}",
            )
            m.check(21, value == 0 or value + MILLION >= dust or after.debt == 0, f"a take left dust: {after}")


def forget_prices(m: Machine, keys: Iterable[int]) -> None:
    """Let the shares of some pools fall: something was written off, and their price is read anew."""
    for key in keys:
        m.share_price.pop(key, None)


@rule(8, LIQUIDATORS, "MarginEngine.batch", "MarginEngine.take", "MarginEngine.trade", "MarginEngine.withdraw")
def take_and_sell(m: Machine, d: Draws) -> None:
    """Take without capital: in one batch, sell what was received and repay."""
    account = auctioned_account(m, d)
    taker = fitting_taker(m, d, account)
    sender = m.owner_of(taker)
    quote = offer(m, account)
    if not quote.takeable or account == taker:
        return
    holding = m.holding(account)
    fraction = MASK_256 if d.chance(50) else max(quote.max_fraction // (d.below(4) + 1), 1)
    calls = [m.fn("MarginEngine.take")(account, fraction, taker, -WAD)]
    first_owed = m.by_key[min(holding.owed)] if holding.owed else m.assets[0]
    for key, amount in holding.held.items():
        asset = m.by_key[key]
        part = amount * quote.share // WAD * min(fraction, quote.max_fraction) // max(quote.max_fraction, 1)
        if part > 1 and asset is not first_owed and not asset.lent:
            bought = min(m.worth(asset, part, first_owed), 2**90)
            calls.append(trade_data(m, taker, asset, part, 0, first_owed, 0, bought, True))
    expected = (
        TAKE_REASONS
        | {
            "engine: paused",
            "engine: price status",
            "engine: reduce only",
            "engine: insufficient balance",
            "swapper: transfer failed",
            "token: transfer failed",
            "token: received differs",
            "erc20: transfer amount exceeds balance",
            "operators: not allowed",
        }
        | m.restrictions(m.restricted)
    )
    if m.call(
        "engine",
        "MarginEngine.batch",
        sender,
        batch_of(m.fn("MarginEngine.batch"), calls[:16]),
        expected,
        touched=(account, taker),
    ):
        m.collectable |= holding.held.keys()
        took_risk(m, taker)
        after_account(m, account)
        after_account(m, taker)
        forget_prices(m, holding.owed)
        for key in holding.owed:
            m.holders[key] |= {m.at["reserve_fund"], *m.roles.values()}
            after_pool(m, m.by_key[key])


@rule(7, LIQUIDATORS, "MarginEngine.cancel")
def cancel(m: Machine, d: Draws) -> None:
    """End an auction: only above the line."""
    end_auction(m, target(m, d))


def end_auction(m: Machine, account: int) -> None:
    """Cancel, with its prediction."""
    running = m.word(account) & UNDER_AUCTION
    quote = offer(m, account)
    if not running:
        expected = {"auction: none"}
    elif not m.holding(account).owed:
        expected = {""}
    elif quote.takeable or quote.equity < quote.requirement:
        expected = {"auction: below the line", "auction: price status"}
    else:
        expected = {"", "auction: price status"}
    if m.call(
        "engine",
        "MarginEngine.cancel",
        m.roles["stranger"],
        m.fn("MarginEngine.cancel")(account),
        expected,
        touched=(account,),
    ):
        after_account(m, account)
        word = m.word(account)
        m.check(22, word >> 160 & 3 == 0, f"flags of {account:#x} stayed after a cancel: {word:#x}")
        m.check(22, not m.quote(account).active, f"the auction of {account:#x} is there after a cancel")
        for key in m.holding(account).owed:
            provision = m.number("", "LendingPool.provision_of", account, to=m.by_key[key].pool)
            m.check(22, provision == 0, f"{provision} stayed provisioned for {account:#x} after a cancel")


@rule(6, LIQUIDATORS, "MarginEngine.poke")
def poke(m: Machine, d: Draws) -> None:
    """Book the expected loss of an account under auction."""
    book_loss(m, target(m, d))


def book_loss(m: Machine, account: int) -> None:
    """Poke, with its prediction."""
    expected = {""} if m.word(account) & UNDER_AUCTION else {"engine: not under auction"}
    if m.call(
        "engine",
        "MarginEngine.poke",
        m.roles["stranger"],
        m.fn("MarginEngine.poke")(account),
        expected,
        touched=(account,),
    ):
        after_account(m, account)


@rule(4, LIQUIDATORS, "MarginEngine.write_off")
def write_off(m: Machine, d: Draws) -> None:
    """Give up the debts of an account with dust left: only in an auction, with negative equity."""
    give_up(m, target(m, d))


@rule(
    6,
    LIQUIDATORS,
    "MarginEngine.deposit",
    "MarginEngine.trade",
    "MarginEngine.liquidate",
    "MarginEngine.poke",
    "MarginEngine.write_off",
)
def ruin(m: Machine, d: Draws) -> None:
    """A small position is opened, auctioned, and becomes almost worthless; somebody books the loss, or gives up the
    debt, or the price comes back.
    """
    account = d.pick([each for each in m.accounts if not m.last_word(each)] or m.accounts)
    holding = m.holding(account)
    if holding.held or holding.owed:
        return
    dai, gold = m.world.asset("DAI"), m.world.asset("GOLD")
    units = m.units(dai, 10**4 + d.below(4) * 2 * 10**4)
    owner = m.owner_of(account)
    if not put(m, account, dai, units, owner):
        return
    bought = m.worth(dai, 3 * units, gold)
    if not swap(m, account, dai, 3 * units, MASK_256, gold, bought, bought, False, owner):
        return
    if not to_the_line(m, account, -100):
        return
    start_auction(m, account, m.roles["keeper"])
    say(m, gold, 0)
    if d.chance(60):
        book_loss(m, account)
    kind = d.below(4)
    if kind == 3:
        say(m, gold, gold.price)
        end_auction(m, account)
    elif kind == 2:
        taker = fitting_taker(m, d, account)
        take_once(m, account, taker, m.owner_of(taker), MASK_256, -WAD)
    else:
        give_up(m, account)


def give_up(m: Machine, account: int) -> None:
    """Write off, with its prediction."""
    quote = offer(m, account)
    if not m.word(account) & UNDER_AUCTION:
        expected = {"auction: none"}
    elif quote.equity >= 0:
        expected = {"auction: solvent", "auction: price status"}
    elif quote.equity + quote.debt > m.min_debt // 4:
        expected = {"auction: not dust", "auction: price status"}
    else:
        expected = {"", "auction: price status"}
    held, owed = set(m.holding(account).held), list(m.holding(account).owed)
    others = {asset.key: m.pool(asset) for asset in m.assets if asset.key not in owed}
    if m.call(
        "engine",
        "MarginEngine.write_off",
        m.roles["stranger"],
        m.fn("MarginEngine.write_off")(account),
        expected,
        touched=(account,),
    ):
        m.collectable |= held
        m.check(23, quote.equity < 0, f"{account:#x} was written off with equity")
        after_account(m, account)
        for key in owed:
            m.holders[key].add(m.at["reserve_fund"])
            m.share_price.pop(key, None)
            after_pool(m, m.by_key[key])
        if m.steady:
            for key, state in others.items():
                m.check(
                    23, m.pool(m.by_key[key]) == state, f"a loss of one pool changed the pool of {m.by_key[key].symbol}"
                )


@rule(
    2,
    LIQUIDATORS,
    "LiquidationAuction.start",
    "LiquidationAuction.take",
    "LiquidationAuction.end",
    "LiquidationAuction.write_off",
)
def knock_at_the_auctions_door(m: Machine, d: Draws) -> None:
    """What only the engine may call of the auction refuses everybody else."""
    values = (WAD, 2 * WAD, WAD, WAD, 1, 0, 12 * WAD // 10)
    account = d.pick(m.accounts)
    sender = m.roles[d.pick(("attacker", "owner", "guardian"))]
    name, words = d.pick(
        (
            ("start", (account, word_of(sender), *values)),
            ("take", (account, WAD, -WAD, 0, *values)),
            ("end", (account, 1, *values)),
            ("write_off", (account, WAD, *values)),
        )
    )
    key = f"LiquidationAuction.{name}"
    m.call("auction", key, sender, m.fn(key)(*words), {"auction: engine only"})


@rule(16, LIQUIDATORS, "RiskEngine.mark", "RiskEngine.poke", "VolatilityOracle.sample", "TwapOracle.checkpoint")
def keep_the_clocks(m: Machine, d: Draws) -> None:
    """Anybody marks assets, pokes margins, samples volatilities and takes checkpoints."""
    keeper = m.roles["keeper"]
    kind = d.below(8)
    if kind < 3:
        keys = [d.pick(m.assets).key for _ in range(d.below(4) + 1)]
        unknown = d.chance(3)
        data = m.fn("RiskEngine.mark")(32, len(keys) + unknown, *keys, *([1 << 63] if unknown else []))
        m.call("risk_engine", "RiskEngine.mark", keeper, data, {"risk: unknown asset"} if unknown else {""})
        m.moved_prices()
    elif kind < 5:
        key = d.pick(m.assets).key if d.chance(96) else 1 << 63
        m.call(
            "risk_engine",
            "RiskEngine.poke",
            keeper,
            m.fn("RiskEngine.poke")(key),
            {"risk: unknown asset"} if key == 1 << 63 else {""},
        )
    elif kind < 7:
        asset = d.pick(m.assets[:4])
        followed = (
            m.view("volatility", "VolatilityOracle.last", asset.key)[1]
            if asset is not m.assets[3] or "followed" in m.state
            else 0
        )
        if not followed:
            expected = {"volatility: unknown asset"}
        elif m.backend.now < m.number("volatility", "VolatilityOracle.next_sample", asset.key):
            expected = {"volatility: too early"}
        else:
            expected = {""} if m.status(asset.key) == OK else {"volatility: not OK"}
        m.call("volatility", "VolatilityOracle.sample", keeper, m.fn("VolatilityOracle.sample")(asset.key), expected)
    else:
        asset = m.assets[1 + d.below(2)]
        source = asset.sources[1]
        due = m.number("", "TwapOracle.next_checkpoint", to=source)
        expected = {"twap: too early"} if m.backend.now < due else {""}
        m.call("", "TwapOracle.checkpoint", keeper, m.fn("TwapOracle.checkpoint")(), expected, to=source)
        m.moved_prices()
