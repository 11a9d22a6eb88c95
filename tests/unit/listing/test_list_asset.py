"""`ape run list_asset` as its user meets it: report, effect, listing at once or by the timelock, errors in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plimsoll import config as configuration
from plimsoll.artifacts import home
from plimsoll.devnet import CONFIG
from plimsoll.errors import ConfigError
from plimsoll.governance import Governance
from plimsoll.manifest import load
from plimsoll.model.price_oracle import OK
from plimsoll.units import WAD
from tests.unit.listing.conftest import DELAY, Bazaar, gold


def weth_file(bazaar: Bazaar, *changes: tuple[str, str]) -> Path:
    """Write the devnet's WETH into a file, with its feed, and some lines changed."""
    whole = (home() / CONFIG).read_text()
    begin, end = whole.index("[assets.WETH]"), whole.index("# ----", whole.index("[assets.WETH]"))
    feed = bazaar.devnet.feeds["WETH"].address
    found = whole[begin:end].replace('kind = "feed"', f'kind = "feed"\naggregator = "{feed}"')
    for before, after in changes:
        assert found.count(before) == 1, before
        found = found.replace(before, after)
    path = bazaar.file.with_name("weth.toml")
    path.write_text(found)
    return path


# Reports and listings


def test_report__sends_nothing(bazaar: Bazaar) -> None:
    before = bazaar.chain.next_address(bazaar.devnet.maker)
    said = bazaar.said()
    assert "Nothing was sent: --execute does it at once, --propose by the timelock." in said
    assert "No account holds or owes it yet: nobody's line moves." in said
    assert bazaar.chain.next_address(bazaar.devnet.maker) == before


def test_execute__owner__lists_at_once(bazaar: Bazaar) -> None:
    said = bazaar.said("--execute")
    assert "GOLD is listed as 0x8; manifest: " in said
    protocol = bazaar.protocol()
    assert protocol.price("GOLD").status == OK
    risk_engine = protocol.risk_engine
    assert risk_engine.dynamics_of(8).depth == load(bazaar.manifest).address("depth.GOLD")
    assert tuple(risk_engine.margin_of(8).target)[1] == 4 * WAD // 10
    pool = protocol.asset("GOLD").pool
    assert (pool.owner(), pool.guardian()) == (bazaar.devnet.maker, bazaar.devnet.maker)
    assert tuple(pool.caps()) == (20_000 * WAD, 10_000 * WAD)


def test_execute__cap_and_gate__are_set(bazaar: Bazaar) -> None:
    gate = bazaar.protocol().lens.address
    bazaar.edit("isolated = false\n", f'isolated = false\ncollateral_cap = 5_000\ngate = "{gate}"\n')
    bazaar.said("--execute")
    assert tuple(bazaar.protocol().engine.restrictions_of(bazaar.token)) == (gate, 5_000 * WAD)
    bazaar.edit("collateral_cap = 5_000", "collateral_cap = 4_000")
    bazaar.edit(f'gate = "{gate}"\n', "")
    said = bazaar.said("--change", "--execute")
    assert "engine.set_cap: block" in said
    assert "engine.set_gate: block" in said
    assert bazaar.protocol().engine.restrictions_of(bazaar.token)[1] == 4_000 * WAD


def test_execute__gate_without_code__fails(bazaar: Bazaar) -> None:
    bazaar.edit("isolated = false\n", f'isolated = false\ngate = "0x{"77" * 20}"\n')
    assert bazaar.refused() == "1 of 15 checks failed: nothing was sent"


def test_execute__failed_check__nothing_sent(bazaar: Bazaar) -> None:
    bazaar.edit("max_deviation = 0.02", "max_deviation = 0")
    before = bazaar.chain.next_address(bazaar.devnet.maker)
    assert bazaar.refused("--execute") == "1 of 14 checks failed: nothing was sent"
    assert bazaar.chain.next_address(bazaar.devnet.maker) == before


@pytest.mark.parametrize("flag", ["--execute", "--propose"])
def test_send__wrong_sender__one_line(bazaar: Bazaar, flag: str) -> None:
    stranger = bazaar.chain.accounts()[5]
    owner = bazaar.devnet.maker
    expected = {
        "--execute": f"{owner} owns the protocol, not {stranger}: name it with --account",
        "--propose": f"the owner {owner} is no timelock of this deployment: there is nothing to propose to",
    }
    assert bazaar.refused(flag, "--account", "5") == expected[flag]


# By the timelock


def test_propose__waits_then_lists_then_is_written(governed: Bazaar) -> None:
    said = governed.said("--propose")
    rule = Governance(governed.chain, load(governed.manifest))
    (operation,) = rule.queue()
    assert f"Proposed {operation.name}, due " in said
    assert "RiskEngine.list_asset(" in said
    assert "VolatilityOracle.add(" in said
    assert operation.delay == DELAY
    assert "GOLD" not in json.loads(governed.manifest.read_text())["assets"]
    governed.age(DELAY)
    rule.execute(operation, governed.chain.accounts()[6])
    assert "GOLD is listed as 0x8: --execute writes it into the manifest." in governed.said()
    assert "GOLD is listed as 0x8, and in the manifest" in governed.said("--execute")
    assert governed.protocol().price("GOLD").status == OK
    timelock = load(governed.manifest).address("timelock")
    assert governed.protocol().asset("GOLD").pool.owner() == timelock


def test_propose__another_listing_waits__refused(governed: Bazaar) -> None:
    governed.said("--propose")
    assert " lists GOLD already, due " in governed.refused("--propose")
    silver = gold(governed.devnet, governed.file.parent)
    text = silver.file.read_text().replace("GOLD", "SILVER").replace("pSILVER", "pSILV")
    governed.file.write_text(text.replace('"Plimsoll SILVER"', '"Plimsoll Silver"'))
    refused = governed.refused("--propose")
    assert refused.endswith("lists another asset, which takes the next key: execute it first")


def test_execute__timelock_owns__says_propose(governed: Bazaar) -> None:
    timelock = load(governed.manifest).address("timelock")
    expected = f"{timelock} owns the protocol, not {governed.devnet.maker}: it is the timelock: --propose"
    assert governed.refused("--execute") == expected


def test_propose__not_its_admin__one_line(governed: Bazaar) -> None:
    admin, stranger = governed.devnet.maker, governed.chain.accounts()[5]
    expected = f"{admin} proposes to the timelock, not {stranger}: name it with --account"
    assert governed.refused("--propose", "--account", "5") == expected


# Changing a listed asset


def test_change__same_parameters__nothing_to_do(bazaar: Bazaar) -> None:
    said = bazaar.said("--change", subject=str(weth_file(bazaar)))
    assert "The chain has the file's parameters already." in said


def test_change__higher_margin__shows_who_falls_below_first(bazaar: Bazaar) -> None:
    """At 5x an account has 20 % of equity: above 8 % of maintenance, below 25 % times 1.25 of initial margin."""
    devnet = bazaar.devnet
    lender = devnet.chain.accounts()[1]
    devnet.mint("USDC", lender, 1_000_000)
    lending = devnet.protocol.by(lender)
    lending.approve_if_needed("USDC", 1_000_000, devnet.protocol.asset("USDC").pool)
    lending.lend("USDC", 1_000_000)
    bazaar.open_long(0, 10_000, 40_000)
    bazaar.open_long(1, 50_000, 10_000)
    path = weth_file(bazaar, ("floor = 0.08", "floor = 0.25"))
    said = bazaar.said("--change", subject=str(path))
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in said.splitlines() if line.startswith("│")]
    assert ["initial margin (no new risk)", "0", "0", "1", "1"] in rows
    assert ["maintenance (liquidatable)", "0", "0", "1", "1"] in rows
    assert ["margin.floor", "8.0000 %", "25.0000 %"] in rows
    assert "2 accounts with debt hold or owe it" in said
    assert "Nothing was sent" in said


def test_change__execute__sets_what_differs(bazaar: Bazaar) -> None:
    path = weth_file(
        bazaar,
        ("floor = 0.08", "floor = 0.1"),
        ("supply_cap = 100_000", "supply_cap = 50_000"),
        ("flash_fee = 0.0005", "flash_fee = 0.001"),
        ("steepness = 4", "steepness = 5"),
        ("max_spread = 0.05", "max_spread = 0.04"),
        ("deviations = 3", "deviations = 4"),
        ("patience = 1_209_600", "patience = 604_800"),
    )
    said = bazaar.said("--change", "--execute", subject=str(path))
    for call in ("set_sources", "set_margin", "set_dynamics", "set_parameters", "set_caps", "set_fees", "set_rates"):
        assert f".{call}: block " in said
    assert "The chain has the file's parameters already." in bazaar.said("--change", subject=str(path))


def test_change__timelock__proposes_one_batch(governed: Bazaar) -> None:
    path = weth_file(governed, ("floor = 0.08", "floor = 0.1"), ("supply_cap = 100_000", "supply_cap = 50_000"))
    said = governed.said("--change", "--propose", subject=str(path))
    (operation,) = Governance(governed.chain, load(governed.manifest)).queue()
    assert len(operation.calls) == 2
    assert f"Proposed {operation.name}" in said


def test_change__other_sources__refused(bazaar: Bazaar) -> None:
    path = weth_file(bazaar, ("window = 1800", "window = 1200"))
    result = bazaar.run("--change", subject=str(path))
    assert result.exit_code == 1
    assert "source 1 in force is another one than the file's TwapOracle" in " ".join(result.stdout.split())


# Bad input


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("cap = 0.4", "cap = 0.7", "assets.GOLD.margin.cap: 0.7 is not in (0, 0.5)"),
        (
            "min_sources = 2",
            "min_sources = 3",
            "assets.GOLD.prices.min_sources: 3 is not in [1, 2], the number of its sources",
        ),
        ("[assets.GOLD.depth]", "[assets.GOLD.dept]", "assets.GOLD.dept: unknown field"),
        ("[assets.GOLD]\n", "[assets.GOLD\n", None),
    ],
)
def test_file__wrong__one_line(bazaar: Bazaar, before: str, after: str, line: str | None) -> None:
    if before == "cap = 0.4":
        bazaar.file.write_text(bazaar.file.read_text().replace("\ncap = 0.4", f"\n{after}"))
    else:
        bazaar.edit(before, after)
    refused = bazaar.refused()
    assert refused.startswith(f"{bazaar.file}: ")
    if line is not None:
        assert refused == f"{bazaar.file}: {line}"


def test_file__missing__one_line(bazaar: Bazaar) -> None:
    assert bazaar.refused(subject="/nowhere.toml") == "/nowhere.toml: no such file"


def test_file__two_assets__one_line(bazaar: Bazaar) -> None:
    text = bazaar.file.read_text()
    bazaar.file.write_text(text + text.replace("GOLD", "LEAD"))
    assert bazaar.refused() == f"{bazaar.file}: assets: 2 of them; one is listed at a time"
    with pytest.raises(ConfigError, match="one is listed at a time"):
        configuration.load_asset(bazaar.file)


def test_change__not_listed__one_line(bazaar: Bazaar) -> None:
    assert bazaar.refused("--change") == "GOLD is not listed here: leave out --change"


def test_holder__no_address__one_line(bazaar: Bazaar) -> None:
    assert bazaar.refused("--holder", "me") == "--holder: 'me' is no address"


def test_both_flags__usage(bazaar: Bazaar) -> None:
    result = bazaar.run("--execute", "--propose")
    assert result.exit_code == 2
    assert "exclude each other" in result.stderr
