"""What happens by itself: time passes, feeds answer, markets trade. Every step of the ladder has it."""

from __future__ import annotations

from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.machine import LENDERS, WAD, Machine, rule, with_bytes
from plimsoll.verify.campaign.world import FEED_UNIT, HEARTBEAT, Asset, word_of

SECONDS = (1, 12, 0, 60, 600, 1_800, 3_600, 7_200, 86_400, 7 * 86_400, 30 * 86_400)
MOVES = (1_000, 1_010, 990, 1_030, 970, 1_100, 900, 1_300, 700, 400, 2_000)
"""Thousandths of the first price."""
NUDGE = 10**15
"""Of whole base tokens that a market trades to stay fresh: 0.1 %."""


def answer(m: Machine, asset: Asset) -> None:
    """Let a feed say its asset's price as of now."""
    if asset.feed:
        price = m.price[asset.key] * FEED_UNIT // WAD
        m.upkeep(asset.feed, "MockFeed.set_answer", m.fn("MockFeed.set_answer")(price))


def refresh(m: Machine, seconds: int = HEARTBEAT) -> None:
    """Let feeds answer and markets trade as they would have on a live network, after so many seconds."""
    for asset in m.assets:
        if seconds >= HEARTBEAT // 2 or asset is m.assets[0] or asset.markets:
            answer(m, asset)
        if seconds > 1_800 and asset.markets and asset is not m.assets[0]:
            nudge(m, asset)
    m.moved_prices()


def nudge(m: Machine, asset: Asset) -> None:
    """Trade a little of an asset in its market, now for USDC and now back."""
    usdc = m.assets[0]
    amount = asset.unit * NUDGE // 10**18
    back = m.state.get(("nudged", asset.key), False)
    m.state["nudged", asset.key] = not back
    if back:
        market(m, usdc, asset, m.worth(asset, amount, usdc))
    else:
        market(m, asset, usdc, amount)


def market(m: Machine, sell: Asset, buy: Asset, amount: int) -> None:
    """Trade in the real market through the protocol's swapper, as an outsider."""
    fee = next(
        each.fee for each in m.world.devnet.config.markets if {each.base, each.quote} == {sell.symbol, buy.symbol}
    )
    path = bytes.fromhex(sell.token[2:]) + fee.to_bytes(3, "big") + bytes.fromhex(buy.token[2:])
    sender = m.roles["owner"]
    m.upkeep(sell.token, "MockERC20.mint", m.fn("MockERC20.mint")(word_of(m.at["swapper"]), amount))
    words = (sell.word, buy.word, amount, 0, word_of(sender))
    m.upkeep(m.at["swapper"], "UniswapV3Swapper.swap", with_bytes(m.fn("UniswapV3Swapper.swap"), words, path, 5))


@rule(34, LENDERS)
def time_passes(m: Machine, d: Draws) -> None:
    """A block later, or a month; feeds and markets mostly go on meanwhile."""
    seconds = d.pick(SECONDS) if d.chance(60) else d.below(900)
    m.warp(seconds)
    if seconds > 600 and not d.chance(12):
        refresh(m, seconds)


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


@rule(6, LENDERS)
def prices_recover(m: Machine, d: Draws) -> None:
    """Every feed works, answers, and says what it said at first; then the means' windows pass."""
    m.shaky.clear()
    for asset in m.assets:
        if asset.feed:
            m.price[asset.key] = asset.price
            if asset.feed in m.state.get("broken", ()):
                m.state["broken"].remove(asset.feed)
                m.upkeep(asset.feed, "MockFeed.set_broken", m.fn("MockFeed.set_broken")(0))
    if d.chance(50):
        m.warp(1_860)
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
