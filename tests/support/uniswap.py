"""A real Uniswap v3 with one pool of dollars and ether, and a trader rich enough to put its price anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from plimsoll.chain import Contract, Revert, RevmChain
from plimsoll.model import twap
from plimsoll.uniswap import Pool, Uniswap, raw_price

DOLLAR = 10**30
"""Price of a raw unit of a dollar token with 6 decimals, in the scale of IPriceSource."""
FORTUNE = 10**38


@dataclass(frozen=True)
class Market:
    """A pool of `base` (what is priced) and `quote`; `price_of` numbers are whole quote tokens per whole base token."""

    chain: RevmChain
    uniswap: Uniswap
    pool: Pool
    base: Contract
    quote: Contract
    trader: str

    def push(self, price: Fraction | int) -> None:
        """Trade until the base token costs `price` whole quote tokens."""
        self.uniswap.move_price(self.pool, self.base, self.raw(price), self.trader)

    def push_by(self, factor: Fraction | int) -> None:
        """Trade until the base token costs `factor` times what it costs now."""
        self.uniswap.move_price(self.pool, self.base, self.pool.price_of(self.base) * factor, self.trader)

    def raw(self, price: Fraction | int) -> Fraction:
        """Return raw quote units per raw base unit."""
        return raw_price(price, self.base.decimals(), self.quote.decimals())

    def state(self) -> twap.Pool:
        """Return the pool's state as the model wants it."""
        slot0 = self.pool.contract.slot0()
        time, tick_cumulative, seconds_per_liquidity, _ = self.pool.contract.observations(slot0[2])
        previous_time = self.pool.contract.observations((slot0[2] + slot0[3] - 1) % slot0[3])[0]
        liquidity = self.pool.contract.liquidity()
        return twap.Pool(slot0[1], liquidity, time, tick_cumulative, seconds_per_liquidity, previous_time)

    def recalled(self, window: int) -> int | None:
        """Return the pool's own record of `window` seconds ago as a packed checkpoint, None without history."""
        try:
            ticks, liquidities = self.pool.contract.observe([window])
        except Revert as error:
            if error.reason != "OLD":
                raise
            return None
        return twap.pack(ticks[0], self.chain.timestamp() - window, 0, liquidities[0])


def open_market(
    chain: RevmChain,
    *,
    price: Fraction | int = 2_000,
    base_decimals: int = 18,
    quote_decimals: int = 6,
    base_is_token0: bool = True,
    fee: int = 3_000,
    depth: int = 1_000_000,
    cardinality: int = 100,
) -> Market:
    """Deploy Uniswap, two tokens in the wanted order, and a pool of full range, `depth` whole quote tokens a side."""
    lender, trader = chain.accounts()[:2]
    base = chain.deploy("MockERC20", "Base", "BASE", base_decimals, sender=lender)
    quote = chain.deploy("MockERC20", "Quote", "QUOTE", quote_decimals, sender=lender)
    while (int(base.address, 16) < int(quote.address, 16)) != base_is_token0:
        quote = chain.deploy("MockERC20", "Quote", "QUOTE", quote_decimals, sender=lender)
    uniswap = Uniswap.deploy(chain, base, lender)
    pool = uniswap.create_pool(base, quote, fee, raw_price(price, base_decimals, quote_decimals), lender)
    for token in (base, quote):
        token.mint(lender, FORTUNE, sender=lender)
        token.mint(trader, FORTUNE, sender=lender)
    amounts = {quote: depth * 10**quote_decimals, base: int(Fraction(depth * 10**base_decimals) / price)}
    uniswap.add_liquidity(pool, amounts, lender)
    pool.grow(cardinality, lender)
    return Market(chain, uniswap, pool, base, quote, trader)
