"""What the desk shows: tables, JSON and the page."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from plimsoll.errors import PlimsollError
from plimsoll.risk import World, look, page, plain, plots, read, tables
from plimsoll.risk.accounts import viewed
from plimsoll.risk.read import token_symbol
from plimsoll.risk.world import Depth, Volatility
from tests.support import scenario
from tests.unit.risk.conftest import ACCOUNT, ETH, NOW, WAD, protocol_of

HOSTILE = '<script>alert("x")</script>[red]'


class Links(HTMLParser):
    """Collects what a page would load, and its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.ids: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            outside = name in ("src", "href", "xlink:href") and not (value or "").startswith("#")
            if outside or tag in ("script", "link", "iframe"):
                self.loaded.append(f"{tag} {name}={value}")
            if name == "id":
                self.ids.append(value or "")


def shown(world: World) -> str:
    console = Console(width=200, record=True, file=io.StringIO())
    for section in tables.sections(look(world)):
        console.print(tables.table(section))
    return console.export_text()


def test_render__same_desk__same_text(long: World) -> None:
    assert page.render(look(long)) == page.render(look(long))


def test_render__one_file__loads_nothing(long: World) -> None:
    text = page.render(look(long))
    links = Links()
    links.feed(text)
    assert links.loaded == []
    assert len(links.ids) == len(set(links.ids))
    assert not re.search(r"@import|url\((?!#)", text)


def test_render__hostile_names__are_text(long: World) -> None:
    facts = replace(long.assets[ETH], symbol=HOSTILE)
    world = replace(long.with_asset(facts), chain=HOSTILE)
    text = page.render(look(world))
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert HOSTILE in shown(world)


def test_figures__are_svg(long: World) -> None:
    found = plots.figures(look(long))
    assert found[0][0] == "Debt below the line, by how the market moves"
    for _, svg in found:
        assert ElementTree.fromstring(svg).tag.endswith("svg")


def test_figures__no_accounts__still_drawn(long: World) -> None:
    empty = look(replace(long, accounts={}))
    assert len(plots.figures(empty)) == 6
    assert tables.headline(empty)[-1] == "no shock leaves bad debt"


def test_write__no_such_folder__one_line(long: World, tmp_path: Path) -> None:
    with pytest.raises(PlimsollError, match=r"cannot be written: No such file or directory$"):
        page.write(look(long), tmp_path / "none" / "desk.html")


def test_tables__numbers_of_the_example(long: World) -> None:
    facts = replace(
        long.assets[ETH],
        volatility=Volatility(9 * WAD // 10, 8 * WAD // 10, 9 * WAD // 10, NOW - 10, NOW + 3_590, NOW - 1),
        depth=Depth("0xd0", 198, 5_000 * WAD),
    )
    text = " ".join(shown(long.with_asset(facts)).replace("│", " ").split())
    assert "ETH 90.00 % 80.00 % 90.00 % in 59 min overdue" in text
    assert "ETH $5,000.00 1.99 % $1,000.00 20.0 %" in text
    assert "ETH below 90.6666 -9.33 %" in text
    assert "market -50 % $200.00 1 1 $800.00" in text


def test_as_json__exact_and_complete(long: World) -> None:
    found = json.loads(plain.as_json(look(long)))
    assert (found["format"], found["chain_id"], found["debtors"]) == (1, 1, 1)
    assert found["assets"]["ETH"]["price"]["mid"] == "100.000000000000000000"
    assert found["assets"]["ETH"]["collateral"] == {
        "held": "10.000000000000000000",
        "vault": "0.000000000000000000",
        "cap": None,
        "gate": None,
    }
    (near,) = found["nearest"]
    assert (near["account"], near["index"], near["liquidatable"]) == (hex(ACCOUNT), 7, False)
    worst = next(shock for shock in found["shocks"] if shock["name"] == "market -50 %")
    assert worst["liquidatable"] == [hex(ACCOUNT)]
    pool = worst["pools"]["USD"]
    assert pool["reserve"] == "100.000000000000000000"
    assert float(pool["bad_debt"]) == pytest.approx(float(pool["reserve"]) + float(pool["lenders"]))


def test_token_symbol__claims_of_strangers__cut_and_numbered(deployed: scenario.World) -> None:
    chain, sender = deployed.chain, deployed.roles["stranger"]
    fake = chain.deploy("MockERC20", "USD Coin", "USDC", 6, sender=sender)
    loud = chain.deploy("MockERC20", "x", "<b>$x$</b>", 6, sender=sender)
    assert token_symbol(chain, fake.address, "0x10000000000000003") == "USDC#3"
    assert token_symbol(chain, loud.address, "0x10000000000000003") == "bxb#3"


def test_read__assets_that_the_manifest_does_not_know(deployed: scenario.World) -> None:
    protocol = protocol_of(deployed)
    del protocol.manifest.assets["TAIL"]
    world = read(protocol, viewed(protocol))
    assert world.assets[deployed["TAIL"].key].symbol == "TAIL#1"
    assert world.assets[deployed["WETH"].key].symbol == "WETH"
