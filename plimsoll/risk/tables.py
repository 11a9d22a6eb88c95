"""The desk on the screen, as rows of text: a table each for the terminal, and the same for the page.

`Section` is a table with a title, columns and rows; the first column is text, the others are numbers or words. What
comes from a chain is text, never markup.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from rich.markup import escape
from rich.table import Table

from plimsoll.model import account_word, margin_rate
from plimsoll.risk.desk import Desk
from plimsoll.risk.lines import Leg, Near
from plimsoll.risk.shocks import Outcome
from plimsoll.risk.world import AssetFacts, Outage, World, arrival, initial_rate
from plimsoll.screen import dollars, percent, table_of
from plimsoll.units import from_raw, from_wad, show

STATUSES = ("OK", "WIDE", "STALE", "DEAD")
GRADES = ("absent", "stale", "not trusted", "trusted")
DASH = "-"
MILLION = 10**6
HOUR = 3_600
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Section:
    """A table of text; `note` says what it shows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


def sections(desk: Desk) -> Iterator[Section]:
    """Return everything that the desk shows, in order."""
    world = desk.world
    assets = [asset for _, asset in sorted(world.assets.items())]
    yield prices(world, assets)
    yield sources(world, assets)
    yield volatilities(world, assets)
    yield margins(world, assets)
    yield depths(world, assets)
    yield caps(world, assets)
    yield pools(assets)
    yield near(desk)
    yield losses(desk)


def headline(desk: Desk) -> list[str]:
    """Return what a reader should know first, a line each."""
    world = desk.world
    worst = max((outcome for outcome in desk.outcomes), key=lambda each: (each.bad_debt(), each.debt), default=None)
    market, debtors = world.after_outage().market(), world.debtors()
    debt = sum(market.debt(row) for row in debtors.values())
    doubtful = [f"{a.symbol} {STATUSES[a.price.status]}" for a in world.assets.values() if a.price.status]
    found = [
        f"{world.chain}, chain {world.chain_id}, block {world.block}, {moment(world.now)}",
        f"{len(world.accounts)} accounts, {len(debtors)} with debt, who owe {money(debt)}",
        f"prices: {', '.join(doubtful) if doubtful else 'all OK'}{'; the engine is paused' if world.paused else ''}",
    ]
    if world.outage is not None:
        found.append(
            f"{_outage(world, world.outage)}: {len(desk.exempt.kept)} accounts below their line, kept until then"
        )
    if desk.exempt.unjudged:
        owed = sum(market.debt(debtors[account]) for account in desk.exempt.unjudged)
        found.append(f"{len(desk.exempt.unjudged)} accounts not judged for want of a price, who owe {money(owed)}")
    if worst is not None and worst.bad_debt():
        split = f"reserve {money(worst.reserve())}, lenders {money(worst.lenders())}"
        found.append(f"worst of the shocks: {worst.shock.name}, bad debt {money(worst.bad_debt())} ({split})")
    elif worst is not None:
        found.append("no shock leaves bad debt")
    return found


def _outage(world: World, outage: Outage) -> str:
    ends = f"the cure window ends {when(world, outage.ends, 'now')}"
    if outage.is_down:
        return f"the sequencer has been down for {duration(world.now - outage.since)}, {ends} at the earliest"
    return f"the sequencer has been back for {duration(world.now - outage.since)}, {ends}"


def prices(world: World, assets: list[AssetFacts]) -> Section:
    """Return the price of every asset with its status."""
    rows = []
    for asset in assets:
        bid, mid, ask = (asset.dollars(number) for number in asset.price[:3])
        clock = duration(world.now - asset.clock.since) if asset.clock.since and asset.price.status else DASH
        silenced = f"source {asset.silence.source}" if world.now < asset.silence.until else DASH
        rows.append(
            (
                asset.symbol,
                precise(bid),
                precise(mid),
                precise(ask),
                STATUSES[asset.price.status] + (", settled" if asset.settled else ""),
                clock,
                silenced,
            )
        )
    columns = ("asset", "bid", "mid", "ask", "status", "marked not OK for", "silenced")
    return Section("Prices", columns, tuple(rows), "Dollars per whole token; what each status allows: README.")


def sources(world: World, assets: list[AssetFacts]) -> Section:
    """Return what every source of every asset says."""
    rows = []
    for asset in assets:
        for index, source in enumerate(asset.sources):
            reading = source.reading
            name = f"{asset.symbol} {index}: {source.kind}"
            if reading is None or not reading.price:
                rows.append((name, DASH, DASH, DASH, DASH, GRADES[source.grade]))
                continue
            off = Decimal(reading.price) / asset.price.mid - 1 if asset.price.mid else None
            rows.append(
                (
                    name,
                    precise(asset.dollars(reading.price)),
                    precise(asset.dollars(reading.clamped)),
                    DASH if off is None else signed(off),
                    duration(world.now - reading.updated_at),
                    GRADES[source.grade],
                )
            )
    columns = ("source", "says", "limited", "off mid", "age", "counts as")
    return Section("Price sources", columns, tuple(rows))


def volatilities(world: World, assets: list[AssetFacts]) -> Section:
    """Return the volatility of every asset that is followed."""
    rows = []
    for asset in assets:
        found = asset.volatility
        if found is None:
            rows.append((asset.symbol, *[DASH] * 5))
            continue
        rows.append(
            (
                asset.symbol,
                rate(found.fast),
                rate(found.slow),
                rate(found.sigma),
                when(world, found.next_sample, "now"),
                when(world, found.due, "overdue"),
            )
        )
    columns = ("asset", "fast", "slow", "sigma", "next sample", "initial margin rises")
    note = "A year's volatility; sigma is the larger mean. Without a sample for too long initial margin rises."
    return Section("Volatility", columns, tuple(rows), note)


def margins(world: World, assets: list[AssetFacts]) -> Section:
    """Return margins in force and where they are ramping."""
    rows = []
    for asset in assets:
        base, cap, slope = margin_rate.in_force(asset.margin, world.now)
        target = asset.margin.target
        arrives = arrival(asset.margin, world.now)
        limit = asset.dynamics.size_limit
        largest = limit * 10**18 // slope if limit and slope else None
        rows.append(
            (
                asset.symbol,
                rate(base),
                rate(initial_rate(asset, world.initial_ratio, world.now)),
                rate(cap),
                rate(slope * MILLION),
                f"{rate(target.floor)} / {rate(target.cap)} / {rate(target.size_slope * MILLION)}",
                "there" if arrives == world.now else DASH if arrives is None else when(world, arrives, "there"),
                DASH if largest is None else money(largest),
            )
        )
    columns = ("asset", "maint.", "initial", "cap", "per $1M", "going to", "arrives", "largest")
    note = (
        "Maintenance and initial rate of a small balance, the most any balance is asked, what a million dollars of "
        "size adds; going to: floor, cap and size. Largest: the balance above which no new risk is taken."
    )
    return Section("Margins", columns, tuple(rows), note)


def depths(world: World, assets: list[AssetFacts]) -> Section:
    """Return the depth of markets beside what accounts hold and owe."""
    rows = []
    for asset in assets:
        held, owed = asset.value(world.collateral(asset.key).held), asset.value(asset.pool.debt)
        depth = asset.depth
        if depth is None or depth.dollars is None:
            said = DASH if depth is None else f"no answer: {depth.reason}"
            rows.append((asset.symbol, said, DASH, money(held), DASH, money(owed), DASH))
            continue
        move = percent(Decimal("1.0001") ** depth.reach - 1) if depth.reach else DASH
        rows.append(
            (
                asset.symbol,
                money(depth.dollars),
                move,
                money(held),
                share(held, depth.dollars),
                money(owed),
                share(owed, depth.dollars),
            )
        )
    columns = ("asset", "depth", "moves by", "held", "of depth", "owed", "of depth")
    note = (
        "What moves the market, on the side where that takes less; of assets without a measured depth, at the mean "
        "liquidity of their market. Held and owed: by all accounts."
    )
    return Section("Depth", columns, tuple(rows), note)


def caps(world: World, assets: list[AssetFacts]) -> Section:
    """Return caps and what is used of them."""
    rows = []
    for asset in assets:
        pool, collateral = asset.pool, world.collateral(asset.key)
        rows.append(
            (
                asset.symbol,
                whole(asset, pool.assets),
                whole(asset, pool.supply_cap),
                share(pool.assets, pool.supply_cap),
                whole(asset, pool.debt),
                whole(asset, pool.borrow_cap),
                share(pool.debt, pool.borrow_cap),
                whole(asset, collateral.vault),
                "none" if collateral.cap is None else whole(asset, collateral.cap),
                DASH if collateral.cap is None else share(collateral.vault, collateral.cap),
                "yes" if collateral.gate else DASH,
            )
        )
    lent = ("supplied", "cap", "used", "borrowed", "cap", "used")
    columns = ("asset", *lent, "vault", "cap", "used", "gate")
    note = "Whole tokens. Vault: what the engine holds; above its cap nobody takes new risk with the asset."
    return Section("Caps", columns, tuple(rows), note)


def pools(assets: list[AssetFacts]) -> Section:
    """Return the lending pools, and what bears their first loss."""
    rows = []
    for asset in assets:
        pool = asset.pool
        rows.append(
            (
                asset.symbol,
                whole(asset, pool.cash),
                whole(asset, pool.debt),
                share(pool.debt, pool.assets),
                rate(pool.borrow_rate),
                whole(asset, pool.provisions),
                whole(asset, pool.fund),
                share(pool.fund, pool.assets),
            )
        )
    columns = ("asset", "cash", "borrowed", "utilised", "borrowers pay", "provisions", "reserve", "of supplied")
    return Section(
        "Lending pools", columns, tuple(rows), "Whole tokens. The reserve's shares bear a pool's first loss."
    )


def near(desk: Desk) -> Section:
    """Return the accounts nearest their line."""
    rows = []
    for each in desk.near:
        value, leg, judged = each.value, each.nearest, each.account not in desk.exempt.unjudged
        ratio = DASH if not value.requirement else show(Decimal(value.equity) / value.requirement)
        line = DASH if leg is None else crossing(desk.world, leg)
        rows.append(
            (
                owner_of(each),
                money(value.equity) if judged else DASH,
                money(value.requirement) if judged else DASH,
                ratio,
                money(each.debt),
                line,
                _move(desk, each) if judged else "not judged",
            )
        )
    columns = ("account", "equity", "requirement", "ratio", "debt", "crosses at", "move")
    note = "The price of one asset at which the account may be liquidated, all else unchanged: the smallest such move."
    return Section(f"The {len(rows)} accounts nearest their line", columns, tuple(rows), note)


def _move(desk: Desk, each: Near) -> str:
    outage, leg = desk.world.outage, each.nearest
    if outage is not None and each.account in desk.exempt.kept:
        return f"below, not before {duration(outage.ends - desk.world.now)}"
    return "below" if each.value.liquidatable else DASH if leg is None or leg.move is None else move_of(leg.move)


def losses(desk: Desk) -> Section:
    """Return what the shocks do."""
    columns = ("shock", "lost", "below", "insolvent", "their debt", "to takers", "bad debt", "reserve", "lenders")
    rows = tuple(_loss(outcome) for outcome in desk.outcomes)
    note = (
        "Computed in the model for every account with debt: what owners lose, the accounts below their line, and after "
        f"takers who want {percent(from_wad(desk.cost))} of the debt have liquidated them, what stays unpaid and who "
        f"bears it. Dollars: {', '.join(desk.stable) or 'none'}."
    )
    return Section("Loss under shocks", columns, rows, note)


def _loss(outcome: Outcome) -> tuple[str, ...]:
    counted = ((outcome.stuck, "stuck"), (outcome.unjudged, "not judged"))
    among = ", ".join(f"{number} {name}" for number, name in counted if number)
    return (
        f"{outcome.shock.name}{f': {outcome.shock.note}' if outcome.shock.note else ''}",
        money(outcome.lost),
        f"{len(outcome.liquidatable)}{f' ({among})' if among else ''}",
        str(outcome.insolvent),
        money(outcome.debt),
        money(outcome.paid),
        money(outcome.bad_debt()),
        money(outcome.reserve()),
        money(outcome.lenders()),
    )


# On the screen


def table(section: Section) -> Table:
    """Return a section for the terminal."""
    rows = ([escape(cell) for cell in row] for row in section.rows)
    found = table_of(section.title, section.columns, rows)
    found.caption = section.note or None
    found.caption_justify = "left"
    return found


# Numbers as people read them


def owner_of(each: Near) -> str:
    """Return an account as owner/index, the owner shortened."""
    owner = f"0x{account_word.owner(each.account):040x}"
    return f"{owner[:8]}..{owner[-4:]}/{account_word.index(each.account)}"


def crossing(world: World, leg: Leg) -> str:
    """Return an asset and the price of the line."""
    asset = world.assets[leg.key]
    price = DASH if leg.line_price is None else precise(asset.dollars(leg.line_price))
    return f"{asset.symbol} {'above' if leg.is_debt else 'below'} {price}"


def money(value: int) -> str:
    """Return WAD dollars in whole dollars, small values with cents."""
    return dollars(from_wad(value), 0 if abs(value) >= 10**22 or value == 0 else 2)


def rate(value: int) -> str:
    """Return a WAD rate in percent."""
    return percent(from_wad(value))


def share(part: int, whole_: int) -> str:
    """Return a part of something in percent; a dash of nothing."""
    return percent(Decimal(part) / whole_, 1) if whole_ else DASH


def whole(asset: AssetFacts, amount: int) -> str:
    """Return raw units as whole tokens."""
    return show(from_raw(amount, asset.decimals), 0 if amount >= 10 ** (asset.decimals + 3) else 4)


def precise(value: Decimal) -> str:
    """Return a price with as many places as its size needs."""
    return show(value, 2 if value >= 100 else 4 if value >= 1 else 8)


def signed(value: Decimal) -> str:
    """Return a fraction in percent with its sign."""
    return f"{'-' if value < 0 else '+'}{percent(abs(value))}"


def move_of(value: float) -> str:
    """Return a relative move in percent with its sign."""
    return f"{value * 100:+.2f} %"


def duration(seconds: int) -> str:
    """Return a time span in its two largest units."""
    if seconds >= DAY:
        return f"{seconds // DAY} d {seconds % DAY // HOUR} h"
    if seconds >= HOUR:
        return f"{seconds // HOUR} h {seconds % HOUR // 60} min"
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"


def when(world: World, time: int, past: str) -> str:
    """Return a time from now on as a span, `past` for one that is over."""
    if time >= margin_rate.NEVER:
        return "never"
    return past if time <= world.now else f"in {duration(time - world.now)}"


def moment(time: int) -> str:
    """Return a time in words, in UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
