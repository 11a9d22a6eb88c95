"""Uniswap v3 for devnets and tests: the real contracts from the npm artifacts, and their prices in exact integers.

Three ways to say a price, converted without a float:

* `Fraction`: raw units of one token per raw unit of another; `raw_price` makes it from a price of whole tokens,
* sqrtPriceX96: sqrt(token1 per token0, raw) * 2**96, rounded down,
* tick: the greatest t with 1.0001**t at most that price.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import isqrt

from plimsoll.chain import ZERO_ADDRESS, Chain, Contract, Receipt, Revert
from plimsoll.errors import PlimsollError
from plimsoll.model.tick_math import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, sqrt_ratio_at_tick, tick_at_sqrt_ratio
from plimsoll.protocol.routes import encode_path

FACTORY = "@uniswap/v3-core:UniswapV3Factory"
POOL = "@uniswap/v3-core:UniswapV3Pool"
ROUTER = "@uniswap/v3-periphery:SwapRouter"
POSITION_MANAGER = "@uniswap/v3-periphery:NonfungiblePositionManager"

NEVER = 2**256 - 1
MOVES = 3
"""Times that a price is moved, where others move it too."""
PAST_THE_LIMIT = "SPL"
"""What a pool says that is past a swap's price limit already."""
SLOTS_PER_CALL = 300
"""Observation slots opened by one transaction: 22,500 gas each."""

__all__ = [
    "Pool",
    "Uniswap",
    "encode_path",
    "price_at_sqrt_price",
    "price_at_tick",
    "raw_price",
    "sqrt_price",
    "tick_at_price",
]


def raw_price(price: Decimal | Fraction | int | str, base_decimals: int, quote_decimals: int) -> Fraction:
    """Return raw quote units per raw base unit from a price in whole quote tokens per whole base token."""
    return Fraction(price) * Fraction(10) ** (quote_decimals - base_decimals)


def sqrt_price(price: Fraction) -> int:
    """Return sqrtPriceX96 of a price of token0 in token1 (raw), rounded down; PlimsollError outside a pool's range."""
    root = isqrt((price.numerator << 192) // price.denominator) if price > 0 else 0
    if not MIN_SQRT_RATIO <= root < MAX_SQRT_RATIO:
        raise PlimsollError(f"uniswap: the price {float(price):g} is out of a pool's range")
    return root


def price_at_sqrt_price(root: int) -> Fraction:
    """Return the price of token0 in token1 (raw) at a sqrtPriceX96."""
    return Fraction(root * root, 1 << 192)


def tick_at_price(price: Fraction) -> int:
    """Return the tick of a price of token0 in token1 (raw)."""
    return tick_at_sqrt_ratio(sqrt_price(price))


def price_at_tick(tick: int) -> Fraction:
    """Return the price of token0 in token1 (raw) at a tick."""
    return price_at_sqrt_price(sqrt_ratio_at_tick(tick))


@dataclass(frozen=True)
class Pool:
    """A pool and its tokens, sorted as Uniswap sorts them; `fee` in hundredths of a basis point."""

    contract: Contract
    token0: Contract
    token1: Contract
    fee: int

    @property
    def address(self) -> str:
        """The pool's address."""
        return self.contract.address

    @property
    def tick(self) -> int:
        """The tick now."""
        return int(self.contract.slot0()[1])

    @property
    def sqrt_price(self) -> int:
        """sqrtPriceX96 now."""
        return int(self.contract.slot0()[0])

    def price_of(self, base: Contract) -> Fraction:
        """Return raw units of the other token per raw unit of `base`, now."""
        price = price_at_sqrt_price(self.sqrt_price)
        return price if self._is_token0(base) else 1 / price

    def other(self, token: Contract) -> Contract:
        """Return the token that is not `token`."""
        return self.token1 if self._is_token0(token) else self.token0

    def full_range(self) -> tuple[int, int]:
        """Return the widest range of ticks that a position can have."""
        spacing = int(self.contract.tickSpacing())
        edge = MAX_TICK // spacing * spacing
        return -edge, edge

    def grow(self, cardinality: int, sender: str) -> None:
        """Make room for `cardinality` observations; they fill as the pool is used. Costs about 22,500 gas a slot."""
        reached = int(self.contract.slot0()[4])
        while reached < cardinality:
            reached = min(reached + SLOTS_PER_CALL, cardinality)
            self.contract.increaseObservationCardinalityNext(reached, sender=sender)

    def _is_token0(self, token: Contract) -> bool:
        if token not in (self.token0, self.token1):
            raise PlimsollError(f"uniswap: {token.address} is not in the pool {self.address}")
        return token == self.token0


@dataclass(frozen=True)
class Uniswap:
    """A factory with its router and position manager."""

    chain: Chain
    factory: Contract
    router: Contract
    position_manager: Contract

    @classmethod
    def deploy(cls, chain: Chain, weth: Contract | str, sender: str) -> Uniswap:
        """Deploy all three; `weth` is what the periphery would wrap ether into."""
        factory = chain.deploy(FACTORY, sender=sender)
        router = chain.deploy(ROUTER, factory, weth, sender=sender)
        position_manager = chain.deploy(POSITION_MANAGER, factory, weth, ZERO_ADDRESS, sender=sender)
        return cls(chain, factory, router, position_manager)

    @classmethod
    def at(cls, chain: Chain, factory: str, router: str, position_manager: str) -> Uniswap:
        """Return what is deployed at these addresses."""
        contracts = chain.at(FACTORY, factory), chain.at(ROUTER, router), chain.at(POSITION_MANAGER, position_manager)
        return cls(chain, *contracts)

    def create_pool(self, base: Contract, quote: Contract, fee: int, price: Fraction, sender: str) -> Pool:
        """Create a pool and initialise it at `price`, raw units of `quote` per raw unit of `base`."""
        token0, token1 = _sorted(base, quote)
        root = sqrt_price(price if token0 == base else 1 / price)
        self.factory.createPool(token0, token1, fee, sender=sender)
        pool = self.pool(base, quote, fee)
        pool.contract.initialize(root, sender=sender)
        return pool

    def pool(self, a: Contract, b: Contract, fee: int) -> Pool:
        """Return an existing pool; PlimsollError if there is none."""
        token0, token1 = _sorted(a, b)
        address = self.factory.getPool(token0, token1, fee)
        if address == ZERO_ADDRESS:
            raise PlimsollError(f"uniswap: no pool of {token0.address}, {token1.address} with fee {fee}")
        return Pool(self.chain.at(POOL, address), token0, token1, fee)

    def add_liquidity(
        self,
        pool: Pool,
        amounts: dict[Contract, int],
        sender: str,
        ticks: tuple[int, int] | None = None,
    ) -> Receipt:
        """Open a position of at most these raw amounts of the sender's tokens, over the full range or `ticks`.

        `ticks` are multiples of the pool's tick spacing. The price decides how much of each token goes in.
        """
        lower, upper = ticks or pool.full_range()
        for token, amount in amounts.items():
            self._approve(token, self.position_manager, amount, sender)
        receipt: Receipt = self.position_manager.mint(
            {
                "token0": pool.token0,
                "token1": pool.token1,
                "fee": pool.fee,
                "tickLower": lower,
                "tickUpper": upper,
                "amount0Desired": amounts.get(pool.token0, 0),
                "amount1Desired": amounts.get(pool.token1, 0),
                "amount0Min": 0,
                "amount1Min": 0,
                "recipient": sender,
                "deadline": NEVER,
            },
            sender=sender,
        )
        return receipt

    def swap(
        self,
        tokens: Sequence[Contract],
        fees: Sequence[int],
        amount: int,
        sender: str,
        min_out: int = 0,
        to: str | None = None,
    ) -> int:
        """Sell `amount` (raw) of the sender's tokens[0] through the router; return the raw tokens[-1] bought."""
        recipient = to or sender
        self._approve(tokens[0], self.router, amount, sender)
        before = int(tokens[-1].balanceOf(recipient))
        self.router.exactInput(
            {
                "path": encode_path([token.address for token in tokens], fees),
                "recipient": recipient,
                "deadline": NEVER,
                "amountIn": amount,
                "amountOutMinimum": min_out,
            },
            sender=sender,
        )
        return int(tokens[-1].balanceOf(recipient)) - before

    def move_price(self, pool: Pool, base: Contract, price: Fraction, sender: str) -> Receipt | None:
        """Trade until `base` costs `price` (raw units of the other token per raw unit), with the sender's own tokens.

        Stops short when the sender's tokens run out. None when the pool is there already. Where somebody else's trade
        takes it past the price in between, it comes back from there.
        """
        target = sqrt_price(price if base == pool.token0 else 1 / price)
        for tries_left in reversed(range(MOVES)):
            now = pool.sqrt_price
            if target == now:
                return None
            try:
                return self._move(pool, target, target < now, sender)
            except Revert as error:
                if error.reason != PAST_THE_LIMIT or not tries_left:
                    raise
        return None

    def _move(self, pool: Pool, target: int, down: bool, sender: str) -> Receipt:
        sold, bought = (pool.token0, pool.token1) if down else (pool.token1, pool.token0)
        amount = int(sold.balanceOf(sender))
        self._approve(sold, self.router, amount, sender)
        receipt: Receipt = self.router.exactInputSingle(
            {
                "tokenIn": sold,
                "tokenOut": bought,
                "fee": pool.fee,
                "recipient": sender,
                "deadline": NEVER,
                "amountIn": amount,
                "amountOutMinimum": 0,
                "sqrtPriceLimitX96": target,
            },
            sender=sender,
        )
        return receipt

    def _approve(self, token: Contract, spender: Contract, amount: int, sender: str) -> None:
        if int(token.allowance(sender, spender)) < amount:
            token.approve(spender, NEVER, sender=sender)


def _sorted(a: Contract, b: Contract) -> tuple[Contract, Contract]:
    return (a, b) if int(a.address, 16) < int(b.address, 16) else (b, a)
