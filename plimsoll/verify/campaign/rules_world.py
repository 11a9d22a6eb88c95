"""What happens by itself: time passes, feeds answer, markets trade. Every step of the ladder has it."""

from __future__ import annotations

from math import isqrt

from plimsoll.verify.campaign.calldata import with_bytes
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.machine import LENDERS, WAD, Machine, rule
from plimsoll.verify.campaign.world import FEED_UNIT, HEARTBEAT, UNISWAP, WORD, Asset, Market, word_of

SECONDS = (1, 12, 0, 60, 600, 1_800, 3_600, 7_200, 86_400, 7 * 86_400, 30 * 86_400)
MOVES = (1_000, 1_010, 990, 1_030, 970, 1_100, 900, 1_300, 700, 400, 2_000)
"""Thousandths of the first price."""
MILLION = 10**6
WINDOW = 5_460
"""Seconds after which a mean has forgotten what was before: three windows and a little."""
NUDGE = 10_000
"""One part in so many of a market's depth is traded to stay fresh: its price moves by two ticks, and an observation is
written.
"""


def answer(m: Machine, asset: Asset) -> None:
    """Let a feed say its asset's price as of now."""
    if asset.feed:
        price = m.price[asset.key] * FEED_UNIT // WAD
        m.upkeep(asset.feed, "MockFeed.set_answer", m.fn("MockFeed.set_answer")(price))


def refresh(m: Machine, seconds: int = HEARTBEAT) -> None:
    """Let feeds answer and markets trade as they would have on a live network, after so many seconds."""
    feeds_answer(m, seconds)
    if seconds > 1_800:
        for asset in m.assets[1:]:
            if asset.markets:
                nudge(m, asset)


def feeds_answer(m: Machine, seconds: int) -> None:
    """Let feeds answer as they would have after so many seconds."""
    for asset in m.assets:
        if seconds >= HEARTBEAT // 2 or asset is m.assets[0] or asset.markets:
            answer(m, asset)
    m.moved_prices()


def nudge(m: Machine, asset: Asset) -> None:
    """Trade a little of an asset in its market, now for USDC and now back."""
    usdc = m.assets[0]
    dollars = market_of(m, asset, usdc).depth // NUDGE
    back = m.state.get(("nudged", asset.word), False)
    m.state["nudged", asset.word] = not back
    if back:
        market(m, usdc, asset, dollars * usdc.unit)
    else:
        market(m, asset, usdc, dollars * WAD * asset.unit // asset.price)


def come_back(m: Machine, asset: Asset) -> None:
    """Trade an asset's market to its first price, as arbitrage would; a little, where it is there."""
    usdc = m.assets[0]
    place = market_of(m, asset, usdc)
    slot, liquid = (m.backend.view(place.pool, m.fn(f"{UNISWAP}.{name}")()) for name in ("slot0", "liquidity"))
    assert slot is not None
    assert liquid is not None
    now, liquidity = int.from_bytes(slot[:WORD], "big"), int.from_bytes(liquid, "big")
    dollars, units = asset.price * usdc.unit, WAD * asset.unit
    first, second, ratio = (
        (asset, usdc, (dollars, units)) if asset.word < usdc.word else (usdc, asset, (units, dollars))
    )
    aim = isqrt((ratio[0] << 192) // ratio[1])
    if now > aim:
        sell, buy, amount = first, second, (liquidity << 96) * (now - aim) // (now * aim)
    else:
        sell, buy, amount = second, first, liquidity * (aim - now) >> 96
    if amount * m.price[sell.key] // sell.unit < place.depth * WAD // NUDGE:
        nudge(m, asset)
    else:
        market(m, sell, buy, amount * MILLION // (MILLION - place.fee))


def market_of(m: Machine, one: Asset, other: Asset) -> Market:
    """Return the market of two assets."""
    return next(each for each in m.world.markets if each.symbols == {one.symbol, other.symbol})


def market(m: Machine, sell: Asset, buy: Asset, amount: int) -> None:
    """Trade in the real market through the protocol's swapper, as an outsider."""
    fee = market_of(m, sell, buy).fee
    path = bytes.fromhex(sell.token[2:]) + fee.to_bytes(3, "big") + bytes.fromhex(buy.token[2:])
    sender = m.roles["owner"]
    m.upkeep(sell.token, "MockERC20.mint", m.fn("MockERC20.mint")(word_of(m.at["swapper"]), amount))
    words = (sell.word, buy.word, amount, 0, word_of(sender))
    m.upkeep(m.at["swapper"], "UniswapV3Swapper.swap", with_bytes(m.fn("UniswapV3Swapper.swap"), words, path, 5))


def live(m: Machine, seconds: int) -> None:
    """Let time pass as on a live network: markets come back, and means have seen it when it is over."""
    if seconds > WINDOW:
        m.warp(seconds - WINDOW)
        for asset in m.assets[1:]:
            if asset.markets:
                come_back(m, asset)
        m.warp(WINDOW)
        feeds_answer(m, seconds)
        return
    m.warp(seconds)
    if seconds > 600:
        refresh(m, seconds)


@rule(34, LENDERS)
def time_passes(m: Machine, d: Draws) -> None:
    """A block later, or a month; feeds and markets mostly go on meanwhile."""
    seconds = d.pick(SECONDS) if d.chance(60) else d.below(900)
    if d.chance(12):
        m.warp(seconds)
    else:
        live(m, seconds)


@rule(20, LENDERS)
def price_moves(m: Machine, d: Draws) -> None:
    """A feed says another price; assets with a market have two sources, which disagree then."""
    feeds = [asset for asset in m.assets if asset.feed]
    asset = d.pick(feeds)
    if asset.markets and d.chance(70):
        asset = m.world.asset("GOLD")
    m.price[asset.key] = asset.price * d.pick(MOVES) // 1_000
    if asset.markets:
        m.shaky.add(asset.key)
    answer(m, asset)
    m.moved_prices(asset)


@rule(2, LENDERS)
def prices_recover(m: Machine, d: Draws) -> None:
    """Every feed works and says what it said at first, and markets do; then mostly the means' windows pass."""
    broken = m.state.setdefault("broken", set())
    for asset in m.assets:
        if not asset.feed or (m.price[asset.key] == asset.price and asset.key not in m.shaky):
            continue
        m.price[asset.key] = asset.price
        if asset.feed in broken:
            broken.remove(asset.feed)
            m.upkeep(asset.feed, "MockFeed.set_broken", m.fn("MockFeed.set_broken")(0))
        answer(m, asset)
    m.shaky.clear()
    if d.chance(85):
        live(m, HEARTBEAT)
    else:
        refresh(m)


@rule(6, LENDERS)
def outage(m: Machine, d: Draws) -> None:
    """A feed breaks, answers nonsense, or answers as of long ago."""
    asset = d.pick([asset for asset in m.assets if asset.feed])
    kind = d.below(4)
    m.shaky.add(asset.key)
    if kind == 0:
        m.upkeep(asset.feed, "MockFeed.set_broken", m.fn("MockFeed.set_broken")(1))
        m.state.setdefault("broken", set()).add(asset.feed)
    elif kind == 1:
        m.upkeep(asset.feed, "MockFeed.set_round", m.fn("MockFeed.set_round")(0, m.backend.now, m.backend.now))
    elif kind == 2:
        m.upkeep(asset.feed, "MockFeed.set_round", m.fn("MockFeed.set_round")(-1, m.backend.now, m.backend.now))
    else:
        past = m.backend.now - d.pick((3_600, 86_400, 7 * 86_400))
        price = m.price[asset.key] * FEED_UNIT // WAD
        m.upkeep(asset.feed, "MockFeed.set_round", m.fn("MockFeed.set_round")(price, past, past))
    m.moved_prices(asset)


@rule(6, LENDERS)
def donate(m: Machine, d: Draws) -> None:
    """Somebody sends tokens to a pool or to the engine: it changes nothing."""
    asset = d.pick([asset for asset in m.assets if not asset.lent])
    place = asset.pool if d.chance(50) else m.at["engine"]
    amount = m.units(asset, m.cents(d))
    before = m.pool(asset)
    m.upkeep(asset.token, "MockERC20.mint", m.fn("MockERC20.mint")(word_of(place), amount))
    m.donated[asset.key, place] = m.donated.get((asset.key, place), 0) + amount
    m.forget_pool(asset)
    if m.steady:
        m.check(3, m.pool(asset) == before, f"a donation changed the pool of {asset.symbol}")
