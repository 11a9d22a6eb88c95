"""An asset of a world with two venues as price sources: a feed that a test sets and a mean over a real Uniswap v3 pool.

`open_venues(world, "WETH")` makes them; `push` trades in the pool until it says a price, `answer` sets the feed, and
`warp` lets time pass in which the feed goes on saying its price. `follow` lets an asset's last good price be known, and
`say_sequencer` scripts the feed of an L2 sequencer's status.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from eth_utils.crypto import keccak

from plimsoll.chain import ZERO_ADDRESS, Contract
from plimsoll.uniswap import Pool, Uniswap, raw_price
from tests.support.scenario import DAY, World

WAD = 10**18
WINDOW = 1_800
TICKS_PER_HOUR = 1_000
MAX_AGE = 4_500
"""Seconds up to which the feed's answer is fresh."""
DEPTH = 10_000_000
FORTUNE = 10**38
TWO_VENUES = (2, 2 * WAD // 100, WAD // 1_000, WAD // 1_000, 5 * WAD // 100)
"""IRiskEngine.PriceParameters: both have to agree within two per cent."""
FEED_DECIMALS = 8
HOUR = 3_600
FOLLOWED = (HOUR, 0, HOUR, 24 * HOUR, 2 * HOUR, WAD, 0)
"""IVolatilityOracle.Parameters: an hour between samples of prices without a window."""
FOLLOWING = (5 * WAD // 100, 40 * WAD // 100, 10**6, 10**13, WAD // 10)
"""IRiskEngine.MarginParameters fast enough to follow measurements."""


@dataclass
class Venues:
    """The two venues of `symbol`, priced in USDC."""

    world: World
    symbol: str
    feed: Any
    feed_oracle: Contract
    twap: Any
    uniswap: Uniswap
    pool: Pool
    attacker: str

    def answer(self, price: int | Fraction) -> None:
        """Let the feed say a price, dollars per whole token."""
        self.feed.set_answer(int(Fraction(price) * 10**FEED_DECIMALS), sender=self.world.roles["deployer"])

    def push(self, price: int | Fraction) -> None:
        """Trade in the pool until it says a price, dollars per whole token."""
        base = self.world[self.symbol]
        wanted = raw_price(price, base.decimals, self.world["USDC"].decimals)
        self.uniswap.move_price(self.pool, base.token, wanted, self.attacker)

    def warp(self, seconds: int) -> None:
        """Let time pass; the feed says its last price anew, as do the other assets' sources."""
        self.world.chain.warp(seconds)
        self.world.refresh()
        self.feed.set_answer(self.feed.latestRoundData()[1], sender=self.world.roles["deployer"])

    def price(self) -> Any:
        """Return what the risk engine says of the asset."""
        return self.world.risk_engine.prices([self.world[self.symbol].key])[0]


def open_venues(world: World, symbol: str) -> Venues:
    """Give an asset a pool with a day of history at its price, and both venues as its sources."""
    chain, roles, base, quote = world.chain, world.roles, world[symbol], world["USDC"]
    deployer, attacker = roles["deployer"], roles["attacker"]
    uniswap = Uniswap.deploy(chain, base.token, deployer)
    pool = uniswap.create_pool(
        base.token, quote.token, 500, raw_price(base.price, base.decimals, quote.decimals), deployer
    )
    for token in (base.token, quote.token):
        for holder in (deployer, attacker):
            token.mint(holder, FORTUNE, sender=deployer)
    amounts = {quote.token: DEPTH * 10**quote.decimals, base.token: int(DEPTH * 10**base.decimals / base.price)}
    uniswap.add_liquidity(pool, amounts, deployer)
    pool.grow(100, deployer)
    chain.warp(DAY)
    world.refresh()
    price = int(base.price * 10**FEED_DECIMALS)
    feed = chain.deploy("MockFeed", f"{symbol} / USD", FEED_DECIMALS, price, sender=deployer)
    low, high = price // 100, price * 100
    feed_oracle = chain.deploy("FeedOracle", feed, base.decimals, low, high, MAX_AGE, ZERO_ADDRESS, 0, sender=deployer)
    twap = chain.deploy(
        "TwapOracle", pool.contract, base.token, quote.source, WINDOW, 2 * DAY, TICKS_PER_HOUR, 1, sender=deployer
    )
    world.risk_engine.set_sources(base.key, [feed_oracle, twap], TWO_VENUES, sender=roles["owner"])
    return Venues(world, symbol, feed, feed_oracle, twap, uniswap, pool, attacker)


def follow(world: World, *symbols: str) -> Any:
    """Let a volatility oracle follow assets, so that their last good prices are known; return it."""
    roles = world.roles
    oracle: Any = world.chain.deploy(
        "VolatilityOracle", world.risk_engine, roles["owner"], roles["guardian"], sender=roles["deployer"]
    )
    for symbol in symbols:
        key = world[symbol].key
        oracle.add(key, FOLLOWED, sender=roles["owner"])
        world.risk_engine.set_margin(key, FOLLOWING, sender=roles["owner"])
        world.risk_engine.set_dynamics(key, (oracle, 1, ZERO_ADDRESS, 0, 0), sender=roles["owner"])
    return oracle


def say_sequencer(feed: Any, status: int, since: int, sender: str) -> None:
    """Let a feed (a ScriptedAnswers) say that the sequencer is up (0) or down (1) since a time."""
    words = (0, status, since, since, 0)
    answer = b"".join(word.to_bytes(32, "big") for word in words)
    feed.script(keccak(text="latestRoundData()")[:4], 0, answer, sender=sender)
