"""How fast the whole keeper is: from a new block to its transactions, against the real contracts on a real node.

Starts an anvil of its own, deploys the devnet, opens leveraged longs of many sizes, and lets ether fall below the lines
of all of them. What is measured is wall time: from the question for the newest block to the moment a transaction is
handed to the node, signing, simulation and every round trip included.
"""

from __future__ import annotations

import io
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from plimsoll.artifacts import home
from plimsoll.devnet import Devnet, start
from plimsoll.keeper import app
from plimsoll.keeper.clock import SystemClock
from plimsoll.keeper.config import KeeperConfig, parse
from plimsoll.protocol import MarginAccount
from plimsoll.report.anvil import AnvilChain, anvil

LENDER, TRADER, KEEPER = 1, 2, 10
FALL = "1800"
BLOCKS, SECONDS = 40, 12
EQUITY, LEAST, STEP = 10_000, 55_000, 250
"""Dollars: every long's own, the smallest one's debt, and how much more each next one owes."""


@dataclass(slots=True)
class Measured:
    """Milliseconds from a new block to each transaction of it, by block, of starts and of takes."""

    accounts: int
    starts: list[list[float]] = field(default_factory=list)
    takes: list[list[float]] = field(default_factory=list)
    idle: list[float] = field(default_factory=list)
    """Of blocks with nothing to send, to the end of the work."""
    started: int = 0
    saved: int = 0


def measure(count: int) -> Measured:
    """Let `count` accounts fall at once and return what their keeper needed."""
    with tempfile.TemporaryDirectory() as folder, anvil() as chain:
        devnet = start(chain)
        chain.rpc("anvil_setBlockTimestampInterval", 1)
        accounts = _open(devnet, chain, count)
        with _keeper(devnet, chain.url, Path(folder)) as keeper:
            return _fall(devnet, chain, keeper, accounts)


def report(measured: Measured) -> list[str]:
    """Return lines for people: what, median, slowest."""
    firsts = [block[0] for block in (*measured.starts, *measured.takes)]
    lasts = [block[-1] for block in (*measured.starts, *measured.takes)]
    saved = f"{measured.saved} are above their line again after {BLOCKS} blocks"
    return [
        f"{measured.accounts} accounts cross in one block: {measured.started} auctions at a time, {saved}",
        f"wall time over HTTP to anvil, eager, 8 transactions at a time; {len(firsts)} blocks with transactions",
        _line("block to the start of all of them", [block[-1] for block in measured.starts]),
        _line("block to its first transaction", firsts),
        _line("block to its last transaction", lasts),
        _line("block with nothing to send", measured.idle),
    ]


def _line(what: str, found: list[float]) -> str:
    if not found:
        return f"{what:<62}{'none':>10}"
    return f"{what:<62}{statistics.median(found):>10.1f} ms   slowest {max(found):,.1f} ms"


def _open(devnet: Devnet, chain: AnvilChain, count: int) -> list[MarginAccount]:
    protocol = devnet.protocol
    lender, trader = (protocol.by(chain.accounts()[number]) for number in (LENDER, TRADER))
    for symbol, amount in (("USDC", LEAST * count + STEP * count**2 + 1_000_000), ("WETH", 100)):
        devnet.mint(symbol, lender.sender, amount)
        lender.approve_if_needed(symbol, amount, protocol.asset(symbol).pool)
        lender.lend(symbol, amount)
    accounts = []
    devnet.mint("USDC", trader.sender, EQUITY * count)
    trader.approve_if_needed("USDC", EQUITY * count)
    for number in range(count):
        account, borrowed = MarginAccount(trader.sender, number), LEAST + STEP * number
        trader.deposit(account, "USDC", EQUITY)
        trader.trade(account, sell="USDC", amount=EQUITY + borrowed, max_borrow=borrowed, buy="WETH", slippage="0.05")
        devnet.refresh()
        accounts.append(account)
    return accounts


def _config(url: str, folder: Path) -> KeeperConfig:
    text = (home() / "config" / "keeper.toml").read_text()
    for old, new in {
        'rpc = ["http://127.0.0.1:8545"]': f'rpc = ["{url}"]',
        'name = "5"': f'name = "{KEEPER}"',
        'folder = "../.cache/keeper"': 'folder = "keeper"',
        "port = 9464": "port = 0",
        'model = "competitive"': 'model = "eager"',
    }.items():
        text = text.replace(old, new)
    return parse(text, folder, {})


@contextmanager
def _keeper(devnet: Devnet, url: str, folder: Path) -> Iterator[app.Keeper]:
    with app.opened(_config(url, folder), devnet.manifest, clock=SystemClock(), stream=io.StringIO()) as keeper:
        yield keeper


def _fall(devnet: Devnet, chain: AnvilChain, keeper: app.Keeper, accounts: list[MarginAccount]) -> Measured:
    measured = Measured(len(accounts))
    handed: list[float] = []
    send = keeper.node.send_raw

    def noted(raw: bytes, *, rounds: int | None = None) -> str:
        handed.append(time.perf_counter())
        return send(raw, rounds=rounds)

    keeper.node.send_raw = noted  # type: ignore[method-assign]
    keeper.bot.attempt()
    keeper.bot.attempt()
    devnet.set_price("WETH", FALL)
    devnet.settle()
    devnet.settle()
    for _ in range(BLOCKS):
        devnet.refresh()
        chain.warp(SECONDS)
        handed.clear()
        began = time.perf_counter()
        before = len(keeper.books.auctions())
        keeper.bot.attempt()
        spent = [(each - began) * 1_000 for each in handed]
        if not spent:
            measured.idle.append((time.perf_counter() - began) * 1_000)
        else:
            (measured.takes if before else measured.starts).append(spent)
        keeper.bot.attempt()
        measured.started = max(measured.started, len(keeper.books.auctions()))
    protocol = devnet.protocol
    measured.saved = sum(protocol.health(account).healthy for account in accounts)
    return measured
