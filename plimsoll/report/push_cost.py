"""What it costs to move a TwapOracle, done to a real Uniswap v3 pool in process.

``python -m plimsoll.report.push_cost`` prints the table, ``--write`` puts it into docs/attacks.md, ``--check``
compares.

The attacker's best case is played: the oracle's mean is over exactly one window, he owns every block of the push,
nobody trades against him while it lasts, and the pool's liquidity spans all prices, so that none of it is out of range
when the price is far away. A push of k blocks moves the mean of a window of W seconds by ``k * 12 / W`` of its ticks,
so the pool has to be moved by ``ticks(1.2) * W / (12 * k)`` ticks. Every cost is proportional to the pool's depth.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from plimsoll.chain import ZERO_ADDRESS, Contract, RevmChain
from plimsoll.report import readme
from plimsoll.uniswap import Pool, Uniswap, raw_price

BLOCK = 12
BLOCKS = (1, 2, 8)
TICKS = 1_824
"""The least ticks that are 20 %: 1.0001**1824 > 1.2 > 1.0001**1823."""
WINDOW = 1_800
TICKS_PER_HOUR = 1_000
PRICE = 2_000
DEPTH = 1_000_000
FEE = 500
DOLLAR = 10**6
ETHER = 10**18
FORTUNE = 10**30


@dataclass(frozen=True, slots=True)
class Push:
    """One push: dollars to have, dollars lost when undone by oneself and by others, and what the oracle then said.

    `mean` and `limited` are the oracle's two numbers over the price before.
    """

    blocks: int
    factor: float
    capital: float
    round_trip: float
    arbitraged: float
    mean: float
    limited: float


@dataclass(frozen=True, slots=True)
class _Market:
    chain: RevmChain
    uniswap: Uniswap
    pool: Pool
    ether: Contract
    dollars: Contract
    oracle: Contract
    attacker: str


def text() -> str:
    """Return the table as Markdown, with its conditions."""
    conditions = (
        f"A Uniswap v3 pool with a fee of {FEE / 10_000:g} % and {DEPTH / 1e6:g} million dollars on each side over all "
        f"prices; a window of {WINDOW // 60} minutes; blocks of {BLOCK} seconds; a clamp of {TICKS_PER_HOUR:,} ticks "
        "an hour."
    )
    losses = "lost, undone by himself | lost, undone by others"
    head = f"blocks held | price pushed to | capital | {losses} | mean | limited mean"
    rows = [
        f"| {push.blocks} | {_factor(push.factor)} | {_dollars(push.capital)} | {_dollars(push.round_trip)} "
        f"| {_dollars(push.arbitraged)} | {push.mean - 1:+.1%} | {push.limited - 1:+.1%} |"
        for push in (measure(blocks) for blocks in BLOCKS)
    ]
    return "\n".join([conditions, "", f"| {head} |", "|" + 7 * "--:|", *rows])


def measure(blocks: int) -> Push:
    """Push the mean up by 20 % within this many blocks, and undo it in both ways."""
    market = _open()
    ticks = -(-TICKS * WINDOW // (BLOCK * blocks))
    price = market.pool.price_of(market.ether)
    target = price * _power(ticks)
    before = market.oracle.read().price
    market.chain.warp(WINDOW - BLOCK * blocks - (market.chain.timestamp() - market.oracle.checkpoints()[0].time))

    dollars, ether = _holdings(market)
    market.uniswap.move_price(market.pool, market.ether, target, market.attacker)
    market.chain.warp(BLOCK * blocks)
    reading = market.oracle.read()
    dollars_after, ether_after = _holdings(market)
    spent, bought = dollars - dollars_after, ether_after - ether
    market.uniswap.swap([market.ether, market.dollars], [FEE], bought, market.attacker)
    return Push(
        blocks=blocks,
        factor=float(target / price),
        capital=spent / DOLLAR,
        round_trip=(dollars - _holdings(market)[0]) / DOLLAR,
        arbitraged=spent / DOLLAR - bought / ETHER * PRICE,
        mean=reading.price / before,
        limited=reading.clamped / before,
    )


def _open() -> _Market:
    chain = RevmChain()
    owner, attacker = chain.accounts()[:2]
    ether = chain.deploy("MockERC20", "Wrapped Ether", "WETH", 18, sender=owner)
    dollars = chain.deploy("MockERC20", "USD Coin", "USDC", 6, sender=owner)
    feed = chain.deploy("MockFeed", "USDC / USD", 8, 10**8, sender=owner)
    source = chain.deploy("FeedOracle", feed, 6, 1, 10**10, 30 * 86_400, ZERO_ADDRESS, 0, sender=owner)
    uniswap = Uniswap.deploy(chain, ether, owner)
    pool = uniswap.create_pool(ether, dollars, FEE, raw_price(PRICE, 18, 6), owner)
    for token in (ether, dollars):
        for holder in (owner, attacker):
            token.mint(holder, FORTUNE, sender=owner)
    uniswap.add_liquidity(pool, {dollars: DEPTH * DOLLAR, ether: DEPTH * ETHER // PRICE}, owner)
    pool.grow(10, owner)
    chain.warp(2 * WINDOW)
    arguments = (pool.contract, ether, source, WINDOW, 86_400, TICKS_PER_HOUR, 1)
    oracle = chain.deploy("TwapOracle", *arguments, sender=owner)
    return _Market(chain, uniswap, pool, ether, dollars, oracle, attacker)


def _holdings(market: _Market) -> tuple[int, int]:
    return int(market.dollars.balanceOf(market.attacker)), int(market.ether.balanceOf(market.attacker))


def _power(ticks: int) -> Fraction:
    """Return 1.0001**ticks, exact to 1e-40: as a fraction of small numbers."""
    return Fraction(10_001**ticks * 10**40 // 10_000**ticks, 10**40)


def _factor(value: float) -> str:
    return f"× {value:,.1f}" if value < 1_000 else f"× {value:.1e}"


def _dollars(value: float) -> str:
    return f"{value:,.0f}" if value < 1e10 else f"{value:.1e}"


if __name__ == "__main__":
    readme.main("push-cost", text, "Write what it costs to move a mean into docs/attacks.md.", "docs/attacks.md")
