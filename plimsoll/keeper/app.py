"""Puts a keeper together from its configuration, and takes it apart again."""

from __future__ import annotations

import contextlib
import io
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from os import environ
from pathlib import Path
from types import FrameType
from typing import TextIO
from urllib.parse import urlsplit

from plimsoll import manifest as manifests
from plimsoll.artifacts import home
from plimsoll.chain import ZERO_ADDRESS, Revert
from plimsoll.errors import ConfigError, ManifestError
from plimsoll.keeper import verbs
from plimsoll.keeper.books import Books, Deployment
from plimsoll.keeper.bot import Bot, Contracts
from plimsoll.keeper.clock import Clock, SystemClock
from plimsoll.keeper.config import KeeperConfig, OrderConfig
from plimsoll.keeper.explain import Explanation
from plimsoll.keeper.journal import Journal
from plimsoll.keeper.keys import Signer, load_signer
from plimsoll.keeper.log import SHORTEST_SECRET, Log, open_stream
from plimsoll.keeper.metrics import Metrics, MetricsServer
from plimsoll.keeper.node import Call, Node
from plimsoll.keeper.order_book import OrderBook
from plimsoll.keeper.orders import Protector, Standing, accepted_by_owner
from plimsoll.keeper.prices import PriceReader
from plimsoll.keeper.routes import MarketRoutes
from plimsoll.keeper.rpc import Fault, Rpc
from plimsoll.keeper.sender import Outcome, PrivatePolicy, Sender
from plimsoll.keeper.strategy import Builder
from plimsoll.keeper.taker import Taker
from plimsoll.keeper.transport import open_transport
from plimsoll.manifest import Manifest
from plimsoll.model import account_word
from plimsoll.protocol.orders import Domain
from plimsoll.units import WAD

INDEX = "index.sqlite"
DEPLOYMENTS = "deployments"
ORDER_BOOK = "orders.sqlite"
ORDERS = "orders"
"""The role of the ProtectionOrders."""
ANYBODY = "0x0000000000000000000000000000000000000001"
"""Who executes orders in a simulation for people."""


@dataclass
class Keeper:
    """A keeper that is ready: call `run`, or `bot.poll` whenever there may be a new block."""

    config: KeeperConfig
    manifest: Manifest
    node: Node
    books: Books
    sender: Sender
    bot: Bot
    log: Log
    metrics: Metrics
    server: MetricsServer | None

    def run(self, clock: SystemClock) -> None:
        """Work until the clock is stopped."""
        self.log.info(
            "started",
            address=self.sender.address,
            chain=self.config.chain.chain_id,
            model=self.config.pricing_name,
            dry_run=self.config.dry_run,
            metrics_port=self.server.port if self.server else None,
        )
        self.bot.run(self.config.chain.poll, lambda: clock.stopping)
        self.log.info("stopped", pending=len(self.sender.open))


def load_manifest(config: KeeperConfig) -> Manifest:
    """Return the deployment a keeper works on; ManifestError when there is none or it is of another chain."""
    path = config.chain.manifest or home() / DEPLOYMENTS / f"{config.chain.chain_id}.json"
    found = manifests.load(path)
    if found.chain_id != config.chain.chain_id:
        raise ManifestError(f"{path}: is of chain {found.chain_id}, the keeper's is {config.chain.chain_id}")
    return found


def make_node(config: KeeperConfig, clock: Clock, on_fault: Callable[[Fault], None] = lambda fault: None) -> Node:
    """Return the node behind a keeper's endpoints."""
    transports = [open_transport(url, clock) for url in config.chain.rpc]
    return Node(Rpc(transports, clock, policy=config.chain.retry, chain_id=config.chain.chain_id, on_fault=on_fault))


def find_contracts(node: Node, manifest: Manifest) -> Contracts:
    """Return the addresses of what a keeper calls; ManifestError when the deployment knows no liquidation."""
    engine = manifest.address("engine")
    if "auction" in manifest.contracts:
        auction = manifest.address("auction")
    else:
        try:
            auction = str(verbs.AUCTION.decode(node.call(Call(engine, verbs.AUCTION.encode([])))))
        except (Revert, ValueError):
            raise ManifestError("the deployment has no liquidation auction") from None
    lens = manifest.address("lens") if "lens" in manifest.contracts else ""
    means = tuple(each.address for each in manifest.contracts.values() if each.contract == "TwapOracle")
    return Contracts(engine, auction, manifest.address("risk_engine"), lens, means)


@contextmanager
def opened(
    config: KeeperConfig,
    manifest: Manifest,
    *,
    clock: Clock,
    stream: TextIO = sys.stderr,
    ask: Callable[[str], str] | None = None,
    environment: Mapping[str, str] = environ,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Keeper]:
    """Yield a keeper and close everything it holds at the end."""
    with ExitStack() as stack:
        if config.log_file is not None:
            stream = stack.enter_context(contextlib.closing(open_stream(config.log_file)))
        log = Log(stream, clock, config.log_level)
        hide_endpoints(log, config)
        metrics = Metrics()
        late: list[Bot] = []
        signer = load_signer(config.key, config.chain.chain_id, environment=environment, ask=ask)
        node = make_node(config, clock, lambda fault: late[0].on_fault(fault) if late else _say_fault(log, fault))
        stack.callback(node.rpc.close)
        journal = stack.enter_context(open_journal(config, node, signer))
        if journal.was_damaged is not None:
            log.error("journal damaged", set_aside=journal.was_damaged)
        sender = Sender(
            node,
            journal,
            signer,
            clock,
            fees=config.fees,
            policy=config.sending,
            private=_private(config, clock, log),
            silent=config.dry_run,
            on_outcome=lambda outcome: late[0].on_outcome(outcome) if late else _say_outcome(log, outcome),
            on_foreign=lambda text: late[0].on_foreign(text) if late else log.error("foreign nonce", detail=text),
        )
        node.bind_account_views(manifest.address("engine"), verbs.WORD_OF, verbs.EXPOSURES)
        config.folder.mkdir(parents=True, exist_ok=True)
        books = stack.enter_context(
            contextlib.closing(
                Books.open(config.folder / INDEX, Deployment.of(manifest), node, node, progress=progress)
            )
        )
        bot = make_bot(config, manifest, node, books, sender, clock, log, metrics)
        bot.protector = stack.enter_context(open_protector(config, manifest, node, books, sender.address, log))
        late.append(bot)
        server = None
        if config.metrics is not None:
            server = MetricsServer(*config.metrics, metrics, bot.health)
            stack.callback(server.close)
        yield Keeper(config, manifest, node, books, sender, bot, log, metrics, server)


def open_journal(config: KeeperConfig, node: Node, signer: Signer) -> Journal:
    """Open the journal of a key on a chain."""
    genesis = node.get_block(0)
    path = config.folder / f"journal-{config.chain.chain_id}-{signer.address}.sqlite"
    block_hash = f"0x{genesis.hash.hex()}" if genesis else "unknown"
    return Journal(path, chain_id=config.chain.chain_id, genesis=block_hash, address=signer.address)


def make_bot(
    config: KeeperConfig,
    manifest: Manifest,
    node: Node,
    books: Books,
    sender: Sender,
    clock: Clock,
    log: Log,
    metrics: Metrics,
) -> Bot:
    """Return the loop over parts that are open; ConfigError when the configuration does not fit the deployment."""
    contracts = find_contracts(node, manifest)
    symbols = {asset.token: symbol for symbol, asset in manifest.assets.items()}
    routes = MarketRoutes(manifest, config.routes)
    builder = Builder(contracts.engine, sender.address, routes, config.take.haircut)
    taker = Taker(
        node,
        books,
        builder,
        config.pricing,
        config.take,
        auction=contracts.auction,
        minimum_profit=config.minimum_profit,
        symbol_of=lambda token: symbols.get(token, token),
    )
    taker.wallet_holds = _wallet_of(node, contracts.engine, sender.address)
    taker.vault_asset = routes.vault_asset
    owner = int(sender.address, 16)
    numbers = range(config.account_index, config.account_index + config.accounts)
    return Bot(
        node=node,
        books=books,
        sender=sender,
        taker=taker,
        model=config.pricing,
        contracts=contracts,
        actions=config.actions,
        gas=config.gas,
        accounts=[account_word.account(owner, number) for number in numbers],
        ether_price=_ether_price(config, manifest, books),
        take_blocks=config.take.blocks,
        dry_run=config.dry_run,
        clock=clock,
        log=log,
        metrics=metrics,
    )


@contextmanager
def open_protector(
    config: KeeperConfig, manifest: Manifest, node: Node, books: Books, wallet: str, log: Log
) -> Iterator[Protector | None]:
    """Yield what executes protection orders; None when the configuration or the deployment has none."""
    if config.orders is None or ORDERS not in manifest.contracts:
        yield None
        return
    with open_order_book(config, manifest, node) as book:
        if book.was_damaged is not None:
            log.error("order book damaged", set_aside=book.was_damaged)
        yield make_protector(config, config.orders, manifest, node, books, book, wallet, log)


def open_order_book(
    config: KeeperConfig, manifest: Manifest, node: Node, path: Path | None = None, inbox: Path | None = None
) -> OrderBook:
    """Open the orders that owners handed to a keeper; ManifestError when the deployment has no orders."""
    domain = Domain.at(manifest.chain_id, manifest.address(ORDERS))
    if path is None:
        path, inbox = config.folder / ORDER_BOOK, config.orders.inbox if config.orders else None
    return OrderBook(path, domain, inbox, accepted_by_owner(node))


def make_protector(
    config: KeeperConfig,
    orders: OrderConfig,
    manifest: Manifest,
    node: Node,
    books: Books,
    book: OrderBook,
    wallet: str,
    log: Log,
) -> Protector:
    """Return what executes protection orders over parts that are open."""
    symbols = {asset.token: symbol for symbol, asset in manifest.assets.items()}
    return Protector(
        node,
        books,
        book,
        MarketRoutes(manifest, config.routes),
        orders,
        contract=manifest.address(ORDERS),
        wallet=wallet,
        symbol_of=lambda token: symbols.get(token, token),
        log=log,
    )


def _ether_price(config: KeeperConfig, manifest: Manifest, books: Books) -> Callable[[], int]:
    """Return how to find what an ether is worth, WAD dollars: the last price its asset had."""
    if config.gas.ether_price:
        return lambda: config.gas.ether_price
    listed = manifest.assets.get(config.gas.ether_asset)
    if listed is None:
        raise ConfigError(f"gas.ether_asset: no asset {config.gas.ether_asset!r} is listed")
    key, unit = int(listed.key, 16), 10**listed.decimals
    last = [0]

    def price() -> int:
        found = books.prices.get(key)
        if found is not None and found.mid:
            last[0] = found.mid * unit // WAD
        return last[0]

    return price


def _wallet_of(node: Node, engine: str, wallet: str) -> Callable[[str], int]:
    def holds(token: str) -> int:
        calls = [Call(token, verbs.BALANCE_OF.encode([wallet])), Call(token, verbs.ALLOWANCE.encode([wallet, engine]))]
        outputs = node.calls(calls)
        return min(0 if isinstance(each, Revert) else int.from_bytes(each[:32], "big") for each in outputs)

    return holds


def _private(config: KeeperConfig, clock: Clock, log: Log) -> PrivatePolicy | None:
    if config.private is None:
        return None
    rpc = Rpc(
        [open_transport(config.private.url, clock)],
        clock,
        policy=config.chain.retry,
        on_fault=lambda fault: _say_fault(log, fault),
    )
    return PrivatePolicy(Node(rpc), config.private.method, config.private.public_after)


def hide_endpoints(log: Log, config: KeeperConfig) -> None:
    """Keep endpoints, whose addresses may hold secrets, out of a log."""
    urls = [*config.chain.rpc, *([config.private.url] if config.private else [])]
    for url in urls:
        parts = urlsplit(url)
        pieces = [*parts.path.split("/"), parts.query, parts.username, parts.password]
        for piece in pieces if parts.scheme != "ipc" else ():
            if piece and len(piece) >= SHORTEST_SECRET:
                log.hide(piece)


def _say_fault(log: Log, fault: Fault) -> None:
    log.warning("rpc fault", endpoint=fault.endpoint, what=fault.what, pause=round(fault.pause, 3))


def _say_outcome(log: Log, outcome: Outcome) -> None:
    log.info(outcome.what, account=outcome.intent.key, nonce=outcome.intent.nonce, detail=outcome.detail)


@contextmanager
def stops_on_signals(clock: SystemClock) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM stop a clock while the ``with`` lasts; a second Ctrl-C interrupts at once."""

    def stop(number: int, frame: FrameType | None) -> None:
        if clock.stopping and number == signal.SIGINT:
            raise KeyboardInterrupt
        clock.stop()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def books_to_look_at(config: KeeperConfig, manifest: Manifest, node: Node) -> Iterator[Books]:
    """Yield books at the newest block, with prices, made from a copy of the keeper's index: a running keeper is not
    disturbed. Without an index everything is read from the chain."""
    node.bind_account_views(manifest.address("engine"), verbs.WORD_OF, verbs.EXPOSURES)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / INDEX
        _copy(config.folder / INDEX, copy)
        with contextlib.closing(Books.open(copy, Deployment.of(manifest), node, node)) as books:
            books.sync()
            assert books.tip is not None, "books that were synced"
            reader = PriceReader(node, manifest.address("risk_engine"))
            prices = reader.read(books.state.keys, books.tip.timestamp)
            books.reprice(prices.report, books.tip.timestamp, prices.settled, prices.grants)
            yield books


def gates_of(manifest: Manifest, node: Node, explanation: Explanation) -> dict[str, str]:
    """Return the gates that a taker of an account has to pass, by the token they guard."""
    tokens = [leg.token for leg in explanation.legs]
    engine = manifest.address("engine")
    outputs = node.calls([Call(engine, verbs.RESTRICTIONS_OF.encode([token])) for token in tokens])
    found: dict[str, str] = {}
    for token, output in zip(tokens, outputs, strict=True):
        gate = ZERO_ADDRESS if isinstance(output, Revert) else str(verbs.RESTRICTIONS_OF.decode(output)[0])
        if gate != ZERO_ADDRESS:
            found[token] = gate
    return found


def order_standings(config: KeeperConfig, manifest: Manifest, node: Node, books: Books, account: int) -> list[Standing]:
    """Return where an account's protection orders stand: those of events, and of a copy of the keeper's book."""
    if config.orders is None or ORDERS not in manifest.contracts or books.tip is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / ORDER_BOOK
        _copy(config.folder / ORDER_BOOK, copy)
        with open_order_book(config, manifest, node, copy) as book:
            book.refresh(books.tip.timestamp)
            log = Log(io.StringIO(), SystemClock(), "error")
            protector = make_protector(config, config.orders, manifest, node, books, book, ANYBODY, log)
            return protector.standings(account, books.tip)


def _copy(source: Path, target: Path) -> None:
    if not source.exists():
        return
    with (
        contextlib.closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
        contextlib.closing(sqlite3.connect(target)) as new,
    ):
        old.backup(new)
