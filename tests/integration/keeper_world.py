"""A devnet on an anvil of its own, with accounts that fall, for keepers that talk to it over HTTP."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
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
        own = {
            'folder = "../.cache/keeper"': f'folder = "keeper-{number}"',
            'seed = "change me"': f'seed = "keeper {number}"',
        }
        return parse(self._text(number, {**own, **changes}), self.folder, {})

    def write_config(self, number: int = 13) -> Path:
        """Write an eager keeper's configuration and the manifest it names; return where."""
        self.devnet.manifest.save(self.folder / "manifest.json")
        changes = {
            'folder = "../.cache/keeper"': 'folder = "keeper"',
            "poll = 0.5": "poll = 0.05",
            '# manifest = "../deployments/31337.json"': 'manifest = "manifest.json"',
        }
        path = self.folder / "keeper.toml"
        path.write_text(self._text(number, {**changes, **EAGER}))
        return path

    def _text(self, number: int, changes: dict[str, str]) -> str:
        text = DOCUMENTED.read_text()
        ours = {
            'rpc = ["http://127.0.0.1:8545"]': f'rpc = ["{self.url}"]',
            'name = "5"': f'name = "{number}"',
            "port = 9464": "port = 0",
        }
        for old, new in {**ours, **changes}.items():
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        return text

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


@contextmanager
def keeper_process(config: Path) -> Iterator[subprocess.Popen[str]]:
    """Run the keeper's command in a process of its own, which ends with the block if not before."""
    code = "from scripts.keeper import cli; cli()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "run", "--config", str(config)],
        cwd=home(),
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(home())},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """Return the first line of a process's log with a word in it."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if word in line:
            return line
    raise AssertionError(f"{word!r} never came: {''.join(seen)}")


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
