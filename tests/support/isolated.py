"""The factory of long-tail listings over a world with a real Uniswap v3, and tokens with markets to list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from plimsoll import artifacts
from plimsoll.chain import Chain, Contract, Receipt, RevmChain
from plimsoll.uniswap import Pool, Uniswap, raw_price
from tests.support.scenario import DAY, World, deploy_world

WAD = 10**18
HOUR = 3_600
FORTUNE = 2**120
FEE = 3_000
DEPTH = 5_000_000
"""Whole dollars on each side of a market that is deep enough: 2 % of it take about 50,000."""
LEAST_DEPTH = 20_000 * WAD
CAP_VALUE = 100_000 * WAD
FLOOR = WAD // 4
TERMS = (LEAST_DEPTH, CAP_VALUE, FLOOR)
BLUEPRINTS = ("LendingPool", "TwapOracle", "FeedOracle", "UniswapV3Depth")

CORE: tuple[tuple[str, str, int, int, bool], ...] = (
    ("USDC", "MockERC20", 6, 1, False),
    ("WETH", "MockERC20", 18, 2_000, False),
)


@dataclass(frozen=True)
class Bazaar:
    """A protocol whose risk engine's lister is the factory, and a Uniswap on which `maker` trades."""

    chain: RevmChain
    world: World
    uniswap: Uniswap
    factory: Any
    fund: Contract
    blueprints: tuple[str, ...]
    owner: str
    guardian: str
    maker: str
    anybody: str
    attacker: str

    def token(self, decimals: int = 18, kind: str = "MockERC20", *arguments: Any) -> Contract:
        """Deploy a token of which the maker has plenty."""
        token = self.chain.deploy(kind, "Long tail", "TAIL", decimals, *arguments, sender=self.maker)
        token.mint(self.maker, FORTUNE, sender=self.maker)
        return token

    def open_market(
        self,
        token: Contract,
        quote: str = "USDC",
        *,
        price: Fraction | int | str = 3,
        depth: int = DEPTH,
        fee: int = FEE,
        decimals: int | None = None,
        ticks: tuple[int, int] | None = None,
    ) -> Pool:
        """Make a market in which a whole token costs `price` dollars, `depth` whole dollars a side; it is used once."""
        other = self.world[quote]
        places = int(token.decimals()) if decimals is None else decimals
        ratio = raw_price(Fraction(price) / other.price, places, other.decimals)
        pool = self.uniswap.create_pool(token, other.token, fee, ratio, self.maker)
        pool.grow(60, self.maker)
        quote_amount = int(Fraction(depth) / other.price * 10**other.decimals)
        amounts = {token: int(quote_amount / ratio), other.token: quote_amount}
        self.uniswap.add_liquidity(pool, amounts, self.maker, ticks)
        self.wiggle(pool, token)
        return pool

    def wiggle(self, pool: Pool, token: Contract) -> None:
        """Trade to and fro, so that the pool writes an observation."""
        price = pool.price_of(token)
        self.uniswap.move_price(pool, token, price * Fraction(9_999, 10_000), self.maker)
        self.uniswap.move_price(pool, token, price, self.maker)

    def age(self, *markets: tuple[Pool, Contract], seconds: int = HOUR + 60) -> None:
        """Let markets gather history, and trade again at its end."""
        self.world.warp(seconds)
        for pool, token in markets:
            self.wiggle(pool, token)
        self.world.warp(1)

    def with_market(self, decimals: int = 18, kind: str = "MockERC20", **market: Any) -> tuple[Contract, Pool]:
        """Return a token that can be listed, and its market."""
        token = self.token(decimals, kind)
        pool = self.open_market(token, **market)
        self.age((pool, token))
        return token, pool

    def list(self, token: Contract | str, sender: str | None = None) -> Receipt:
        """List a token as anybody."""
        receipt: Receipt = self.factory.list_asset(token, sender=sender or self.anybody)
        return receipt

    def listing(self, token: Contract) -> Any:
        """Return what was listed."""
        return self.factory.listing_of(token)

    def deploy_factory(self, **changes: Any) -> Any:
        """Deploy another factory with some arguments changed."""
        return deploy_factory(self.chain, self.world, self.uniswap, self.fund, self.blueprints, **changes)


def quotes_of(world: World, *symbols: str) -> list[tuple[Contract, Contract]]:
    """Return quote assets with their sources."""
    return [(world[symbol].token, world[symbol].source) for symbol in symbols]


def deploy_factory(
    chain: Chain,
    world: World,
    uniswap: Uniswap,
    fund: Contract,
    blueprints: Sequence[str],
    /,
    **changes: Any,
) -> Any:
    """Deploy a factory."""
    arguments: dict[str, Any] = {
        "engine": world.engine,
        "risk_engine": world.risk_engine,
        "reserve_fund": fund,
        "uniswap": uniswap.factory,
        "blueprints": tuple(blueprints),
        "pool_rest": artifacts.load("LendingPool").blueprint_rest,
        "quotes": quotes_of(world, "USDC", "WETH"),
        "terms": TERMS,
        "reserved": [],
        "owner": world.roles["owner"],
        "guardian": world.roles["guardian"],
    }
    return chain.deploy("IsolatedFactory", *(arguments | changes).values(), sender=world.roles["deployer"])


def deploy_bazaar(chain: RevmChain) -> Bazaar:
    """Deploy the protocol, Uniswap and the factory, and let the factory list."""
    world = deploy_world(chain, CORE)
    roles = world.roles
    uniswap = Uniswap.deploy(chain, world["WETH"].token, roles["deployer"])
    for asset in world.assets.values():
        asset.token.mint(roles["lender"], FORTUNE, sender=roles["lender"])
    fund = chain.deploy("ReserveFund", world.engine, 7 * DAY, sender=roles["deployer"])
    blueprints = tuple(chain.deploy_blueprint(name, roles["deployer"]) for name in BLUEPRINTS)
    factory = deploy_factory(chain, world, uniswap, fund, blueprints)
    world.risk_engine.set_lister(factory, sender=roles["owner"])
    return Bazaar(
        chain,
        world,
        uniswap,
        factory,
        fund,
        blueprints,
        roles["owner"],
        roles["guardian"],
        roles["lender"],
        roles["trader"],
        roles["attacker"],
    )
