"""The desk and a listing on a node: the index of events, the page, and the accounts that the contracts show."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plimsoll import commands, manifest
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.devnet import Devnet, start
from plimsoll.protocol import MarginAccount, Protocol
from plimsoll.risk.accounts import indexed, node_at, viewed
from plimsoll.uniswap import raw_price
from scripts import list_asset, risk
from tests.unit.listing.conftest import DEPTH, FEE, FILE, PRICE


@dataclass(frozen=True)
class Node:
    """An anvil with the protocol and three accounts on it."""

    devnet: Devnet
    url: str
    folder: Path

    @property
    def manifest(self) -> Path:
        return self.folder / "31337.json"

    def run(self, command: object, *arguments: str | Path) -> Result:
        common = ["--network", f"ethereum:local:{self.url}", "--manifest", str(self.manifest)]
        return CliRunner(mix_stderr=False).invoke(command, [*common, *map(str, arguments)])  # type: ignore[arg-type]

    def said(self, command: object, *arguments: str | Path) -> str:
        result = self.run(command, *arguments)
        assert result.exit_code == 0, result.stderr or result.exception
        return result.stdout


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("desk")
    with ApeChain.connect("ethereum:local:foundry") as chain:
        devnet = start(chain)
        populate(devnet)
        devnet.manifest.save(folder / "31337.json")
        yield Node(devnet, commands.rpc_url(), folder)


def populate(devnet: Devnet) -> None:
    protocol = devnet.protocol
    lender, trader = devnet.chain.accounts()[1:3]
    for symbol, amount in (("USDC", 1_000_000), ("WETH", 100)):
        devnet.mint(symbol, lender, amount)
        protocol.by(lender).approve_if_needed(symbol, amount, protocol.asset(symbol).pool)
        protocol.by(lender).lend(symbol, amount)
    me = protocol.by(trader)
    for index, (equity, sell, amount, buy) in enumerate(
        ((10_000, "USDC", 50_000, "WETH"), (10_000, "USDC", 30_000, "WETH"), (20_000, "WETH", 20, "USDC"))
    ):
        devnet.mint("USDC", trader, equity)
        me.approve_if_needed("USDC", equity)
        account = MarginAccount(trader, index)
        me.deposit(account, "USDC", equity)
        borrowed = amount if sell == "WETH" else amount - equity
        me.trade(account, sell=sell, amount=amount, max_borrow=borrowed, buy=buy, slippage="0.03")


def test_risk__html_and_json_of_a_node(node: Node) -> None:
    page = node.folder / "desk.html"
    said = node.said(risk.cli, "--html", page)
    assert "3 with debt, who owe $100,0" in said
    text = page.read_text()
    assert text.count("<svg") == 6
    assert "The 3 accounts nearest their line" in text
    found = json.loads(node.said(risk.cli, "--json"))
    assert found["debtors"] == 3
    assert node.manifest.with_suffix(".accounts.sqlite").exists()
    devnet = node.devnet
    for near in found["nearest"]:
        health = devnet.protocol.health(MarginAccount(devnet.chain.accounts()[2], near["index"]))
        assert float(near["equity"]) == pytest.approx(float(health.equity), rel=1e-6)


def test_accounts__index_and_views_agree(node: Node, tmp_path: Path) -> None:
    protocol = Protocol(node.devnet.chain, manifest.load(node.manifest))
    with node_at(node.url, node.devnet.chain.chain_id) as rpc:
        found, block = indexed(protocol.manifest, rpc, tmp_path / "index.sqlite")
    assert block <= node.devnet.chain.block_number()
    assert {account: (row.held, row.owed) for account, row in found.items()} == {
        account: (row.held, row.owed) for account, row in viewed(protocol).items()
    }


def test_list_asset__on_a_node__simulates_a_transfer_by_the_market_and_lists(node: Node) -> None:
    devnet, chain = node.devnet, node.devnet.chain
    token = chain.deploy("MockERC20", "Gold", "GOLD", 18, sender=devnet.maker)
    feed = chain.deploy("MockFeed", "GOLD / USD", 8, PRICE * 10**8, sender=devnet.maker)
    usdc = devnet.protocol.asset("USDC").token
    price = raw_price(Fraction(PRICE), 18, 6)
    market = devnet.uniswap.create_pool(token, usdc, FEE, price, devnet.maker)
    market.grow(60, devnet.maker)
    amounts = {token: int(DEPTH * 10**6 / price), usdc: DEPTH * 10**6}
    for each, amount in amounts.items():
        each.mint(devnet.maker, amount + 10**20, sender=devnet.maker)
    devnet.uniswap.add_liquidity(market, amounts, devnet.maker)
    for seconds in (60, 1_800, 1_800):
        chain.warp(seconds)
        for factor in (Fraction(9_999, 10_000), Fraction(1)):
            devnet.uniswap.move_price(market, token, price * factor, devnet.maker)
        feed.set_answer(PRICE * 10**8, sender=devnet.maker)
        devnet.refresh()
    file = node.folder / "gold.toml"
    file.write_text(FILE.format(decimals=18, token=token.address, feed=feed.address))
    said = " ".join(node.said(list_asset.cli, "--holder", market.address, file).replace("│", " ").split())
    assert "transfer pass answers true" in said
    assert "transfer pass all of it arrives" in said
    assert "GOLD is listed as 0x8; manifest: " in node.said(list_asset.cli, "--execute", file)
    assert "GOLD" in node.said(risk.cli)
