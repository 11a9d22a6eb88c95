"""`ape run risk` as its user meets it, on the chain in this process."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plimsoll.chain import Chain, RevmChain
from plimsoll.devnet import Devnet, start
from plimsoll.protocol import MarginAccount
from scripts import risk

NOWHERE = "ethereum:local:http://127.0.0.1:1"


@dataclass(frozen=True)
class Desk:
    """A devnet with three accounts, and the command over it."""

    devnet: Devnet
    manifest: Path

    def run(self, *arguments: str | Path) -> Result:
        common = ["--network", "revm", "--manifest", str(self.manifest)]
        return CliRunner(mix_stderr=False).invoke(risk.cli, [*common, *map(str, arguments)])

    def said(self, *arguments: str | Path) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 0, result.stderr or result.exception
        return result.stdout

    def refused(self, *arguments: str | Path) -> str:
        result = self.run(*arguments)
        assert result.exit_code == 1, result.output
        (line,) = result.stderr.splitlines()
        return line.removeprefix("Error: ")


@pytest.fixture(scope="module")
def populated() -> Devnet:
    devnet = start(RevmChain())
    protocol = devnet.protocol
    lender, trader = devnet.chain.accounts()[1:3]
    devnet.mint("USDC", lender, 1_000_000)
    protocol.by(lender).approve_if_needed("USDC", 1_000_000, protocol.asset("USDC").pool)
    protocol.by(lender).lend("USDC", 1_000_000)
    me = protocol.by(trader)
    for index, (equity, borrowed) in enumerate(((10_000, 40_000), (10_000, 20_000), (5_000, 0))):
        devnet.mint("USDC", trader, equity)
        me.approve_if_needed("USDC", equity)
        account = MarginAccount(trader, index)
        me.deposit(account, "USDC", equity)
        if borrowed:
            amount = equity + borrowed
            me.trade(account, sell="USDC", amount=amount, max_borrow=borrowed, buy="WETH", slippage="0.03")
    return devnet


@pytest.fixture
def desk(populated: Devnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    @contextmanager
    def watching(network: str) -> Iterator[Chain]:
        yield populated.chain

    monkeypatch.setattr(risk, "watching", watching)
    monkeypatch.setattr(risk, "node_url", lambda: None)
    path = tmp_path / "manifest.json"
    populated.manifest.save(path)
    with populated.chain.isolate():
        yield Desk(populated, path)


def test_risk__tables(desk: Desk) -> None:
    said = desk.said()
    assert "3 accounts, 2 with debt, who owe $60,000" in said
    for title in ("Prices", "Price sources", "Volatility", "Margins", "Depth", "Caps", "Loss under shocks"):
        assert title in said
    assert "The 2 accounts nearest their line" in said
    assert "worst of the shocks: market -50 %, bad debt $" in said


def test_risk__json__is_all_that_is_printed(desk: Desk) -> None:
    found = json.loads(desk.said("--json", "--accounts", "1"))
    assert list(found["assets"]) == ["USDC", "WETH", "WBTC"]
    assert len(found["nearest"]) == 1
    assert [shock["kind"] for shock in found["shocks"]].count("captured") == 10


def test_risk__html__same_twice(desk: Desk, tmp_path: Path) -> None:
    first, second = tmp_path / "a.html", tmp_path / "b.html"
    assert f"The page: {first}" in desk.said("--html", first)
    desk.said("--html", second)
    assert first.read_text() == second.read_text()
    assert first.read_text().startswith("<!DOCTYPE html>")


def test_risk__after_a_fall__who_is_below(desk: Desk) -> None:
    desk.devnet.set_price("WETH", 1_700)
    desk.devnet.settle()
    found = json.loads(desk.said("--json"))
    assert [near["liquidatable"] for near in found["nearest"]] == [True, False]
    assert found["shocks"][0]["name"] == "as it is"
    assert len(found["shocks"][0]["liquidatable"]) == 1


def test_risk__named_dollars(desk: Desk) -> None:
    names = [shock["name"] for shock in json.loads(desk.said("--json", "--stable", "WETH"))["shocks"]]
    assert "WETH depegs to 90 %" in names
    assert "USDC depegs to 90 %" not in names


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (("--taker-cost", "lots"), "--taker-cost: 'lots' is no amount: write a number such as '10.5'"),
        (("--taker-cost", "0.5"), "--taker-cost: 0.5 is not in [0, 0.2]"),
        (("--taker-cost", "-1"), "--taker-cost: -1 is negative"),
        (("--stable", "DOGE"), "--stable: no asset 'DOGE': listed are USDC, WETH, WBTC"),
        (("--html", "/nowhere/desk.html"), "--html: there is no folder /nowhere"),
    ],
)
def test_risk__bad_input__one_line(desk: Desk, arguments: tuple[str, ...], line: str) -> None:
    assert desk.refused(*arguments) == line


def test_risk__nothing_in_this_process__says_what_it_needs(desk: Desk) -> None:
    desk.manifest.unlink()
    assert desk.refused() == (
        "revm begins and ends with this process, so nothing is deployed on it: name a node that runs, such as "
        "ethereum:local:http://127.0.0.1:8545"
    )


def test_risk__no_manifest__one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "node_url", lambda: "http://127.0.0.1:1")
    desk.manifest.unlink()
    expected = f"{desk.manifest}: there is no manifest: deploy first, or name another one"
    assert desk.refused() == expected


def test_risk__another_chain__one_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "node_url", lambda: "http://127.0.0.1:1")
    found = json.loads(desk.manifest.read_text())
    desk.manifest.write_text(json.dumps({**found, "chain_id": 5}))
    assert desk.refused() == "the manifest is of chain 5, but revm is chain 31337"


def test_risk__prices_too_old__still_shown(desk: Desk) -> None:
    desk.devnet.chain.warp(30 * 86_400)
    found = json.loads(desk.said("--json"))
    assert {asset["price"]["status"] for asset in found["assets"].values()} == {"STALE"}
    assert {source["counts_as"] for asset in found["assets"].values() for source in asset["sources"]} == {"stale"}
    assert "prices: USDC STALE, WETH STALE, WBTC STALE" in desk.said()


def test_risk__silenced_source__is_shown(desk: Desk) -> None:
    protocol, chain = desk.devnet.protocol, desk.devnet.chain
    protocol.risk_engine.silence(protocol.asset("WETH").key, 1, 3_600, sender=desk.devnet.maker)
    until = chain.timestamp() + 3_600
    found = json.loads(desk.said("--json"))["assets"]["WETH"]["price"]
    assert (found["status"], found["silenced_until"]) == ("WIDE", until)
    assert "source 1" in desk.said()


def test_risk__margin_under_way__when_it_arrives(desk: Desk) -> None:
    protocol, chain = desk.devnet.protocol, desk.devnet.chain
    key = protocol.asset("WETH").key
    terms = (10 * 10**16, 45 * 10**16, 10**9, 784 * 10**12, 10**16)
    protocol.risk_engine.set_margin(key, terms, sender=desk.devnet.maker)
    found = json.loads(desk.said("--json"))["assets"]["WETH"]["margin"]
    assert (found["maintenance"], found["target_maintenance"]) == ("0.080000000000000000", "0.100000000000000000")
    chain.warp(found["arrives_at"] - 1 - chain.timestamp())
    assert protocol.risk_engine.effective_rate(key, 0, chain.timestamp()) < 10**17
    chain.warp(1)
    assert protocol.risk_engine.effective_rate(key, 0, chain.timestamp()) == 10**17


@pytest.mark.parametrize("arguments", [("--accounts", "-1"), ("--accounts", "many")])
def test_risk__wrong_usage__exit_code_2(desk: Desk, arguments: tuple[str, ...]) -> None:
    assert desk.run(*arguments).exit_code == 2


def test_risk__unreachable_node__one_line() -> None:
    result = CliRunner(mix_stderr=False).invoke(risk.cli, ["--network", NOWHERE])
    assert result.exit_code == 1
    lines = [line for line in result.stderr.splitlines() if not line.startswith(("INFO", "WARNING"))]
    assert len(lines) == 1
    assert lines[0].startswith(f"Error: cannot connect to {NOWHERE}: ")
