"""A devnet on an anvil of its own, with accounts that fall, for keepers that talk to it over HTTP."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from plimsoll.artifacts import home
from plimsoll.devnet import Devnet, start
from plimsoll.keeper import app
from plimsoll.keeper.clock import SystemClock
from plimsoll.keeper.config import KeeperConfig, parse
from plimsoll.protocol import MarginAccount
from plimsoll.report.anvil import AnvilChain, anvil

DOCUMENTED = home() / "config" / "keeper.toml"
LENDER, TRADER = 1, 2
"""Numbers of test accounts; keepers take those from 10 on."""
EAGER = {'model = "competitive"': 'model = "eager"'}
PATIENT = {'model = "competitive"': 'model = "patient"', "bonus = 0.02": "bonus = 0.09"}


@dataclass
class KeeperWorld:
    """The running devnet; `url` is where its node listens."""

    chain: AnvilChain
    devnet: Devnet
    url: str
    folder: Path
    streams: dict[int, io.StringIO] = field(default_factory=dict)

    def lend(self) -> None:
        """Fund every pool with two million dollars."""
        sender = self.devnet.protocol.by(self.chain.accounts()[LENDER])
        for symbol, amount in (("USDC", "2000000"), ("WETH", "1000"), ("WBTC", "33")):
            self.devnet.mint(symbol, sender.sender, amount)
            sender.approve_if_needed(symbol, amount, self.devnet.protocol.asset(symbol).pool)
            sender.lend(symbol, amount)

    def open_long(self, index: int, equity: int, borrowed: int, buy: str = "WETH") -> MarginAccount:
        """Open a leveraged long of `buy` against USDC."""
        protocol = self.devnet.protocol
        trader = protocol.by(self.chain.accounts()[TRADER])
        account = MarginAccount(trader.sender, index)
        self.devnet.mint("USDC", trader.sender, equity)
        trader.approve_if_needed("USDC", equity)
        trader.deposit(account, "USDC", equity)
        trader.trade(account, sell="USDC", amount=equity + borrowed, max_borrow=borrowed, buy=buy, slippage="0.03")
        return account

    def config(self, number: int, **changes: str) -> KeeperConfig:
        """Return the documented configuration with another endpoint, key and folder, and lines replaced."""
        text = DOCUMENTED.read_text()
        replaced = {
            'rpc = ["http://127.0.0.1:8545"]': f'rpc = ["{self.url}"]',
            'name = "5"': f'name = "{number}"',
            'folder = "../.cache/keeper"': f'folder = "keeper-{number}"',
            "port = 9464": "port = 0",
            'seed = "change me"': f'seed = "keeper {number}"',
            **changes,
        }
        for old, new in replaced.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return parse(text, self.folder, {})

    @contextmanager
    def keeper(self, number: int = 10, **changes: str) -> Iterator[app.Keeper]:
        """Open a keeper with the key of a test account."""
        stream = self.streams.setdefault(number, io.StringIO())
        with app.opened(
            self.config(number, **changes), self.devnet.manifest, clock=SystemClock(), stream=stream
        ) as keeper:
            yield keeper

    def lines(self, number: int = 10, event: str | None = None) -> list[dict[str, Any]]:
        """Return what a keeper logged."""
        found = [json.loads(line) for line in self.streams[number].getvalue().splitlines()]
        return [line for line in found if event in (None, line["event"])]

    def pass_time(self, keepers: list[app.Keeper], blocks: int, seconds: int = 30) -> None:
        """Mine blocks, each looked at by every keeper in turn."""
        for _ in range(blocks):
            self.chain.warp(seconds)
            for keeper in keepers:
                keeper.bot.attempt()


@contextmanager
def keeper_world(folder: Path) -> Iterator[KeeperWorld]:
    """Start anvil and a devnet on it."""
    with anvil() as chain:
        devnet = start(chain)
        chain.rpc("anvil_setBlockTimestampInterval", 1)
        world = KeeperWorld(chain, devnet, f"http://127.0.0.1:{chain.rpc._connection.port}", folder)
        world.lend()
        yield world


def crash(world: KeeperWorld, **prices: str) -> None:
    """Move prices and wait until every source says so."""
    for symbol, price in prices.items():
        world.devnet.set_price(symbol, price)
    world.devnet.settle()
    world.devnet.settle()


def live(world: KeeperWorld, keepers: list[app.Keeper], blocks: int) -> None:
    """Let blocks pass in which prices stay fresh and keepers look at each."""
    for _ in range(blocks):
        world.devnet.refresh()
        world.pass_time(keepers, 1, 30)


def kinds(world: KeeperWorld, event: str, number: int = 10) -> list[str]:
    """Return what a keeper's transactions were for, but those about assets that each keeper sends now and then."""
    return [line["kind"] for line in world.lines(number, event) if line["kind"] not in ("mark", "sample")]


def margin_accounts(world: KeeperWorld, keeper: app.Keeper) -> list[MarginAccount]:
    return [MarginAccount(keeper.sender.address, index) for index in range(keeper.config.accounts)]


def dollars_in_wallet(world: KeeperWorld, keeper: app.Keeper) -> float:
    protocol = world.devnet.protocol
    wallet = {symbol: protocol.wallet(keeper.sender.address, symbol).human for symbol in protocol.assets}
    return float(sum(amount * protocol.price(symbol).mid for symbol, amount in wallet.items()))


def check_left_nothing(world: KeeperWorld, keeper: app.Keeper) -> None:
    """A keeper owes nothing, waits for nothing, and never paid for a transaction that failed."""
    assert keeper.sender.open == []
    assert keeper.sender.foreign == 0
    for account in margin_accounts(world, keeper):
        assert world.devnet.protocol.health(account).debt == 0
