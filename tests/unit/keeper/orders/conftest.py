"""A keeper's order half over the real contracts in process: books that follow events, and a node over the chain."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from plimsoll.chain import Revert
from plimsoll.keeper.books import Books
from plimsoll.keeper.config import OrderConfig
from plimsoll.keeper.dispatch import Wish
from plimsoll.keeper.log import Log
from plimsoll.keeper.node import Call, Simulated
from plimsoll.keeper.order_book import OrderBook
from plimsoll.keeper.orders import Protector, accepted_by_owner
from plimsoll.keeper.source import Header
from plimsoll.keeper.taker import GasPrice
from plimsoll.protocol.order_file import OrderFile
from plimsoll.protocol.orders import Deleverage, Domain, Order, Signed
from tests.support.scenario import TOKENS, deploy_world
from tests.unit.keeper.acting.fake_chain import FakeClock
from tests.unit.keeper.chains import RecordingChain, RevmSource
from tests.unit.keeper.operations import deployment
from tests.unit.protection_orders.conftest import WAD, Desk

GAS = 500_000
PRICE = GasPrice(10**9, 2_000 * WAD)
"""A dollar for half a million gas."""
CONFIG = OrderConfig(Path("unused"), minimum_profit=WAD // 2, poke=WAD // 100)


class RevmNode:
    """What the order half asks a node for, answered by a RevmChain; simulations use `GAS`."""

    def __init__(self, chain: RecordingChain) -> None:
        self.chain = chain
        self.simulated: list[Call] = []

    def calls(self, calls: Sequence[Call]) -> list[bytes | Revert]:
        return [self._call(call) for call in calls]

    def simulate(self, calls: Sequence[Call]) -> list[Simulated | Revert]:
        self.simulated += calls
        outputs = self.calls(calls)
        return [output if isinstance(output, Revert) else Simulated(GAS, ()) for output in outputs]

    def simulate_in_order(self, calls: Sequence[Call]) -> list[Simulated | Revert]:
        with self.chain.isolate():
            return [self._send(call) for call in calls]

    def _call(self, call: Call) -> bytes | Revert:
        try:
            return self.chain.simulate(call.to, call.data, call.sender)
        except Revert as error:
            return error

    def _send(self, call: Call) -> Simulated | Revert:
        assert call.sender is not None
        try:
            self.chain.raw_call(call.to, call.data, call.sender)
        except Revert as error:
            return error
        return Simulated(GAS, ())


class OneRoute:
    """Everything trades through the world's swapper."""

    def __init__(self, swapper: str) -> None:
        self.swapper = swapper

    def find(self, sell: str, buy: str) -> tuple[str, bytes] | None:
        return self.swapper, b""


@dataclass
class OrderKeeper:
    """The half of a keeper that executes orders; `desk` is the world it looks at."""

    desk: Desk
    folder: Path
    config: OrderConfig = CONFIG
    stream: io.StringIO = field(default_factory=io.StringIO)

    def __post_init__(self) -> None:
        chain = self.desk.world.chain
        assert isinstance(chain, RecordingChain)
        self.chain = chain
        self.node: Any = RevmNode(chain)
        source = RevmSource(chain, self.desk.world.engine)
        where = replace(deployment(chain, self.desk.world), orders=self.desk.orders.address)
        self.books = Books.open(self.folder / "index.sqlite", where, source, source)
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir(exist_ok=True)
        self.book = self.open_book()
        self.wallet = self.desk.role("keeper")
        symbols = {asset.token.address: symbol for symbol, asset in self.desk.world.assets.items()}
        self.protector = Protector(
            self.node,
            self.books,
            self.book,
            OneRoute(self.desk.world.swapper.address),
            self.config,
            contract=self.desk.orders.address,
            wallet=self.wallet,
            symbol_of=lambda token: symbols[token],
            log=Log(self.stream, FakeClock(), "debug"),
        )

    def open_book(self) -> OrderBook:
        return OrderBook(self.folder / "orders.sqlite", self.desk.domain, self.inbox, accepted_by_owner(self.node))

    def close(self) -> None:
        self.books.close()
        self.book.close()

    def file(self, order: Order | Deleverage, signer: str = "trader", domain: Domain | None = None) -> OrderFile:
        used = domain or self.desk.domain
        return OrderFile(Signed(order, self.desk.sign(order, signer, used)), used.chain_id, used.verifier)

    def drop(self, order: Order | Deleverage, name: str = "order.json", **changed: Any) -> str:
        """Drop a signed order into the folder and return its digest."""
        found = self.file(order, **changed)
        found.save(self.inbox / name)
        return found.digest

    def follow(self) -> Header:
        """Seal a block, follow it, and read prices."""
        self.chain.warp(12)
        self.books.sync()
        tip = self.books.tip
        assert tip is not None
        world = self.desk.world
        prices = world.risk_engine.prices([asset.key for asset in world.assets.values()])
        report = {
            asset.key: (price.bid, price.mid, price.ask, price.status)
            for asset, price in zip(world.assets.values(), prices, strict=True)
        }
        self.books.reprice(report, tip.timestamp)
        return tip

    def look(self, price: GasPrice = PRICE, busy: frozenset[str] = frozenset()) -> list[Wish]:
        return self.protector.look(price, self.follow(), set(busy))

    def act(self) -> list[Any]:
        """Send what a look wishes for; return the receipts."""
        return [self.chain.raw_call(wish.to, wish.data, self.wallet) for wish in self.look()]

    def said(self, event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        return [line for line in lines if line["event"] == event]

    def reasons(self, account: int | None = None) -> list[str]:
        """Why an account's orders are or are not due, of the long unless told otherwise."""
        tip = self.books.tip
        assert tip is not None
        wanted = self.desk.long if account is None else account
        return [each.reason for each in self.protector.standings(wanted, tip)]


@pytest.fixture(scope="package")
def built() -> Desk:
    chain = RecordingChain()
    world = deploy_world(chain, TOKENS)
    for symbol, amount in (("USDC", 5_000_000), ("WETH", 2_000), ("WBTC", 100)):
        world.lend(symbol, amount)
    orders: Any = chain.deploy("ProtectionOrders", world.engine, sender=world.roles["deployer"])
    long = world.open_position()
    short = world.open_position(index=1, collateral=("USDC", 10_000), sell="WETH", amount=10, buy="USDC")
    desk = Desk(world, orders, Domain.of(orders), long, short)
    desk.grant(world.account("trader") >> 96)
    chain.warp(12)
    return desk


@pytest.fixture
def keeper(built: Desk, tmp_path: Path) -> Iterator[OrderKeeper]:
    with built.world.chain.isolate():
        made = OrderKeeper(replace(built, world=built.world.copy()), tmp_path)
        yield made
        made.close()
