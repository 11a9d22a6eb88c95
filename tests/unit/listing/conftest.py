"""A devnet on which somebody wants to list GOLD: a token with a feed and a market, and a file that describes it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from plimsoll import config as configuration
from plimsoll import manifest as manifests
from plimsoll.chain import Chain, Contract, RevmChain
from plimsoll.commands import sender_of
from plimsoll.config import TIMELOCK
from plimsoll.devnet import Devnet, default_config, start
from plimsoll.governance import Governance
from plimsoll.listing import Listing
from plimsoll.listing_report import Check
from plimsoll.protocol import MarginAccount, Protocol
from plimsoll.risk import read
from plimsoll.risk.accounts import viewed
from plimsoll.risk.transfers import received_in_process
from plimsoll.uniswap import Pool, raw_price
from scripts import list_asset, list_isolated

PRICE = 50
FEE = 3_000
DEPTH = 20_000_000
DELAY = 2 * 86_400
LENDER, TRADER = 1, 2

FILE = """
[assets.GOLD]
name = "Gold"
decimals = {decimals}
token = "{token}"
isolated = false

[assets.GOLD.pool]
name = "Plimsoll GOLD"
symbol = "pGOLD"
supply_cap = 20_000
borrow_cap = 10_000
reserve_factor = 0.1
flash_fee = 0.0005

[assets.GOLD.pool.rates]
target = 0.9
steepness = 4
speed = 50
min_rate = 0.001
max_rate = 2
start = 0.04

[[assets.GOLD.sources]]
kind = "feed"
aggregator = "{feed}"
low = 1
high = 1_000
max_age = 4_500

[[assets.GOLD.sources]]
kind = "twap"
quote = "USDC"
fee = 3_000
window = 1_800
max_age = 7_200
max_ticks_per_hour = 1_000
min_liquidity = 1_000_000_000_000_000

[assets.GOLD.prices]
min_sources = 2
max_deviation = 0.02
min_spread = 0.001
spread_growth = 0.001
max_spread = 0.05

[assets.GOLD.margin]
floor = 0.1
cap = 0.4
size_slope_per_million = 0.01
ramp_up = 0.0009
ramp_down = 0.01

[assets.GOLD.depth]
reach = 198

[assets.GOLD.dynamics]
deviations = 3
horizon = 14_400
interval = 3_600
fast_half_life = 86_400
slow_half_life = 1_209_600
patience = 1_209_600
max_sigma = 20
start_sigma = 0.6
size_limit = 0.25
impact = 0.02
"""


@dataclass(frozen=True)
class Bazaar:
    """The devnet, the token, its feed and market, the file and the manifest's, and the commands over this process."""

    devnet: Devnet
    token: Contract
    feed: Contract
    market: Pool
    file: Path
    manifest: Path

    @property
    def chain(self) -> Chain:
        return self.devnet.chain

    def protocol(self) -> Protocol:
        """Return the client of what the manifest says now."""
        return Protocol(self.chain, manifests.load(self.manifest))

    def edit(self, before: str, after: str) -> None:
        """Change the file."""
        text = self.file.read_text()
        assert text.count(before) == 1, before
        self.file.write_text(text.replace(before, after))

    def listing(self) -> Listing:
        """Return the file beside the deployment."""
        protocol = self.protocol()
        world = read(protocol, viewed(protocol))
        found = Listing(protocol, configuration.load_asset(self.file), world, holders=[self.devnet.maker])
        found.received = received_in_process(self.chain)
        return found

    def checks(self) -> list[Check]:
        """Return the report of the file."""
        return self.listing().checks()

    def run(self, *arguments: str, command: Any = list_asset.cli, subject: str | None = None) -> Result:
        """Invoke a command on the file, or on another subject."""
        common = ["--network", "revm", "--manifest", str(self.manifest)]
        return CliRunner(mix_stderr=False).invoke(command, [*common, *arguments, subject or str(self.file)])

    def said(self, *arguments: str, command: Any = list_asset.cli, subject: str | None = None) -> str:
        """Return what a command that works prints."""
        result = self.run(*arguments, command=command, subject=subject)
        assert result.exit_code == 0, result.stderr or result.exception
        return result.stdout

    def refused(self, *arguments: str, command: Any = list_asset.cli, subject: str | None = None) -> str:
        """Return the one line of a command that fails."""
        result = self.run(*arguments, command=command, subject=subject)
        assert result.exit_code == 1, result.output
        (line,) = result.stderr.splitlines()
        return line.removeprefix("Error: ")

    def age(self, seconds: int) -> None:
        """Let time pass; the market trades and the feeds answer at its end."""
        self.chain.warp(seconds)
        price = self.market.price_of(self.token)
        for factor in (Fraction(9_999, 10_000), Fraction(1)):
            self.devnet.uniswap.move_price(self.market, self.token, price * factor, self.devnet.maker)
        self.feed.set_answer(PRICE * 10**8, sender=self.devnet.maker)
        self.devnet.refresh()
        self.chain.warp(1)

    def open_long(self, index: int, equity: int, borrowed: int) -> MarginAccount:
        """Open a leveraged long of WETH against USDC."""
        protocol = self.devnet.protocol
        trader = protocol.by(self.chain.accounts()[TRADER])
        account = MarginAccount(trader.sender, index)
        self.devnet.mint("USDC", trader.sender, equity)
        trader.approve_if_needed("USDC", equity)
        trader.deposit(account, "USDC", equity)
        trader.trade(account, sell="USDC", amount=equity + borrowed, max_borrow=borrowed, buy="WETH", slippage="0.03")
        return account


def gold(
    devnet: Devnet, folder: Path, *, kind: str = "MockERC20", decimals: int = 18, arguments: tuple[Any, ...] = ()
) -> Bazaar:
    """Make GOLD with a market that has history, and the file."""
    chain, maker = devnet.chain, devnet.maker
    token = chain.deploy(kind, "Gold", "GOLD", decimals, *arguments, sender=maker)
    token.mint(maker, 2**110, sender=maker)
    feed = chain.deploy("MockFeed", "GOLD / USD", 8, PRICE * 10**8, sender=maker)
    usdc = devnet.protocol.asset("USDC").token
    price = raw_price(Fraction(PRICE), decimals, 6)
    market = devnet.uniswap.create_pool(token, usdc, FEE, price, maker)
    market.grow(60, maker)
    usdc.mint(maker, DEPTH * 10**6, sender=maker)
    devnet.uniswap.add_liquidity(market, {token: int(DEPTH * 10**6 / price), usdc: DEPTH * 10**6}, maker)
    file, manifest = folder / "gold.toml", folder / "manifest.json"
    file.write_text(FILE.format(decimals=decimals, token=token.address, feed=feed.address))
    devnet.manifest.save(manifest)
    bazaar = Bazaar(devnet, token, feed, market, file, manifest)
    for seconds in (60, 1_800, 1_800):
        bazaar.age(seconds)
    return bazaar


def in_process(devnet: Devnet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the commands connect to the chain in this process, which has no node."""

    @contextmanager
    def connected(network: str, account: str | None) -> Iterator[tuple[Chain, str]]:
        yield devnet.chain, sender_of(devnet.chain, account)

    for command in (list_asset, list_isolated):
        monkeypatch.setattr(command, "connected", connected)
        monkeypatch.setattr(command, "node_url", lambda: None)


@pytest.fixture(scope="session")
def owned() -> Devnet:
    """A devnet that its deployer owns."""
    return start(RevmChain())


@pytest.fixture(scope="session")
def locked() -> Devnet:
    """A devnet that a timelock owns, its admin being the deployer."""
    config = default_config()
    protocol = replace(config.protocol, owner=TIMELOCK, timelock_delay=DELAY)
    devnet = start(RevmChain(), replace(config, protocol=protocol))
    assert Governance(devnet.chain, devnet.manifest).accept(devnet.maker) == []
    return devnet


@pytest.fixture
def bazaar(owned: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bazaar]:
    in_process(owned, monkeypatch)
    with owned.chain.isolate():
        yield gold(owned, tmp_path)


@pytest.fixture
def governed(locked: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bazaar]:
    in_process(locked, monkeypatch)
    with locked.chain.isolate():
        yield gold(locked, tmp_path)
