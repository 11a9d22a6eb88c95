"""ProtectionOrders over the real protocol: a trader with a long and a short, who granted it TRADE, and a keeper."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import RevmChain
from plimsoll.model.protection_orders import Kind
from plimsoll.protocol.operators import sign
from plimsoll.protocol.orders import Deleverage, Domain, Order
from tests.support.scenario import FOREVER, TOKENS, World, deploy_world

WAD = 10**18
ALL = 2**255
TRADE = 1
GRANT = (TRADE, FOREVER, 1_000, 10**6 * WAD)
MORE_TOKENS: tuple[tuple[str, str, int, int | Fraction, bool], ...] = (
    ("HOOK", "MockERC20Hook", 18, 1, False),
    ("FEE", "MockERC20Fee", 18, 1, False),
)
LENT = {"USDC": 5_000_000, "WETH": 2_000, "WBTC": 100, "USDT": 1_000_000, "HOOK": 1_000_000}


@dataclass(frozen=True)
class Desk:
    """The orders contract in its world; `long` and `short` are the trader's accounts 0 and 1."""

    world: World
    orders: Any
    domain: Domain
    long: int
    short: int

    @property
    def chain(self) -> Any:
        """The chain."""
        return self.world.chain

    @property
    def now(self) -> int:
        """The time that the next call sees."""
        return self.world.chain.timestamp()

    def role(self, name: str) -> str:
        """A role's address."""
        return self.world.roles[name]

    def token(self, symbol: str) -> Any:
        """A token."""
        return self.world[symbol].token

    def mid(self, symbol: str, price: int | Fraction | None = None) -> int:
        """A price in dollars, or the one last set, as the risk engine writes it."""
        asset = self.world[symbol]
        return int((asset.price if price is None else Fraction(price)) * 10 ** (36 - asset.decimals))

    def grant(self, scope: int | None = None, grant: tuple[int, int, int, int] = GRANT) -> None:
        """Let the trader grant rights to the orders contract, on the account `long` unless told otherwise."""
        registry, trader = self.world.registry, self.role("trader")
        registry.set_operator(self.long if scope is None else scope, self.orders, grant, sender=trader)

    def order(self, **changed: Any) -> Order:
        """The long's stop-loss: all 20 WETH for USDC when WETH costs 1,800 dollars or less."""
        order = Order(
            account=self.long,
            kind=Kind.BELOW,
            watched=self.token("WETH").address,
            trigger=self.mid("WETH", 1_800),
            trail=0,
            sell=self.token("WETH").address,
            buy=self.token("USDC").address,
            amount=20 * WAD,
            min_fill=0,
            min_rate=0,
            max_slippage=100,
            fee=20,
            repay_only=False,
            group=1,
            epoch=0,
            deadline=self.now + 86_400,
        )
        return replace(order, **changed)

    def buy_back(self, **changed: Any) -> Order:
        """The short's stop-loss: buy back the 10 WETH it owes when WETH costs 2,200 dollars or more."""
        members = {
            "account": self.short,
            "kind": Kind.ABOVE,
            "trigger": self.mid("WETH", 2_200),
            "sell": self.token("USDC").address,
            "buy": self.token("WETH").address,
            "amount": 10**6 * 10**6,
            "repay_only": True,
        }
        return self.order(**(members | changed))

    def standing(self, **changed: Any) -> Deleverage:
        """Deleverage the long at equity = 2 x maintenance to 3 x, for at most 1 %, of which the keeper gets 0.2 %."""
        standing = Deleverage(
            account=self.long,
            trigger_ratio=2 * WAD,
            target_ratio=3 * WAD,
            max_cost=100,
            fee=20,
            group=100,
            epoch=0,
            deadline=self.now + 30 * 86_400,
        )
        return replace(standing, **changed)

    def sign(self, order: Order | Deleverage, signer: str = "trader", domain: Domain | None = None) -> bytes:
        """A role's signature."""
        return sign(self.world.chain.key(self.role(signer)), order.typed_data(domain or self.domain))  # type: ignore[attr-defined]

    def execute(self, order: Order, amount: int = ALL, **changed: Any) -> Any:
        """Execute an order, signed by the trader, as the keeper through the world's swapper."""
        return self.orders.execute(*self.arguments(order, amount, **changed), sender=self.sender(changed))

    def arguments(self, order: Order, amount: int = ALL, **changed: Any) -> tuple[Any, ...]:
        """What `execute` takes."""
        return (
            order.as_tuple(),
            changed.get("signature", self.sign(order) if "signature" not in changed else None),
            amount,
            changed.get("swapper", self.world.swapper),
            changed.get("data", b""),
            changed.get("receiver", self.role("keeper")),
        )

    def deleverage(
        self, standing: Deleverage, amount: int, sell: str = "WETH", buy: str = "USDC", **changed: Any
    ) -> Any:
        """Execute a standing order as the keeper."""
        return self.orders.deleverage(
            standing.as_tuple(),
            changed.get("signature", self.sign(standing) if "signature" not in changed else None),
            self.token(sell),
            self.token(buy),
            amount,
            changed.get("swapper", self.world.swapper),
            changed.get("data", b""),
            changed.get("receiver", self.role("keeper")),
            sender=self.sender(changed),
        )

    def poke(self, order: Order, **changed: Any) -> Any:
        """Poke an order as the keeper."""
        signature = changed.get("signature", self.sign(order) if "signature" not in changed else None)
        return self.orders.poke(order.as_tuple(), signature, sender=self.sender(changed))

    def state(self, order: Order) -> Any:
        """What the contract says of an order."""
        return self.orders.state_of(order.as_tuple())

    def sender(self, changed: dict[str, Any]) -> str:
        """The role that sends, the keeper unless told otherwise."""
        return self.role(changed.get("sender", "keeper"))

    def holds_nothing(self) -> bool:
        """Whether the contract holds no token and has allowed nobody any."""
        return all(asset.token.balanceOf(self.orders) == 0 for asset in self.world.assets.values())

    def ratio(self, account: int) -> Fraction:
        """Equity over maintenance requirement."""
        health = self.world.health(account)
        return Fraction(health.equity, health.maintenance)


@pytest.fixture(scope="session")
def opened(session_chain: RevmChain) -> Desk:
    world = deploy_world(session_chain, (*TOKENS, *MORE_TOKENS))
    for symbol, amount in LENT.items():
        world.lend(symbol, amount)
    orders: Any = session_chain.deploy("ProtectionOrders", world.engine, sender=world.roles["deployer"])
    long = world.open_position()
    short = world.open_position(index=1, collateral=("USDC", 10_000), sell="WETH", amount=10, buy="USDC")
    desk = Desk(world, orders, Domain.of(orders), long, short)
    desk.grant(world.account("trader") >> 96)
    return desk


@pytest.fixture
def desk(chain: RevmChain, opened: Desk) -> Desk:
    """The desk, restored after the test."""
    return replace(opened, world=opened.world.copy())


def exactly(amount: int) -> bytes:
    """Data that makes the world's swapper deliver so many raw units."""
    return amount.to_bytes(32, "big")
