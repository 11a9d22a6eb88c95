"""What the report of a listing says, line by line, before anything is sent."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from plimsoll.devnet import Devnet
from plimsoll.listing_report import Check, Result
from plimsoll.manifest import Manifest
from plimsoll.model.price_oracle import OK
from tests.unit.listing.conftest import PRICE, Bazaar, gold

FEED = 'kind = "feed"'


def fails(checks: list[Check]) -> list[tuple[str, str]]:
    return [(check.subject, check.text) for check in checks if check.result is Result.FAIL]


def only_failure(bazaar: Bazaar) -> tuple[str, str]:
    (found,) = fails(bazaar.checks())
    return found


def texts(checks: list[Check], subject: str) -> list[str]:
    return [check.text for check in checks if check.subject == subject]


def test_checks__good_asset__pass(bazaar: Bazaar) -> None:
    checks = bazaar.checks()
    assert fails(checks) == []
    assert texts(checks, "token") == ["18 decimals"]
    assert texts(checks, "transfer") == ["answers true", "all of it arrives"]
    assert {check.subject for check in checks} >= {"source 0", "source 1", "price", "depth", "margin", "dynamics"}


def test_checks__predict_the_readings_of_what_is_deployed(bazaar: Bazaar) -> None:
    """The model's reading of a venue is what its source says once it is there, to the unit."""
    listing = bazaar.listing()
    predicted = [listing.venues.read(source)[0] for source in listing.asset.sources]
    manifest = listing.deploy(bazaar.devnet.maker)
    for index, reading in enumerate(predicted):
        deployed = manifest.contracts[f"source.GOLD.{index}"]
        assert tuple(reading) == tuple(bazaar.chain.at(deployed.contract, deployed.address).read())
    depth = bazaar.chain.at("UniswapV3Depth", manifest.address("depth.GOLD")).measure()
    assert listing.venues.depth() == depth.steady


@pytest.mark.parametrize(
    ("before", "after", "subject", "text"),
    [
        ("decimals = 18", "decimals = 8", "token", "it has 18 decimals, the file says 8"),
        ("ramp_up = 0.0009", "ramp_up = 0.01", "margin", "margin: notice; ramp_up may be 0.0009803 at most"),
        ("cap = 0.4", "cap = 0.05", "margin", None),
        ("min_liquidity = 1_000_000_000_000_000", "min_liquidity = 1_000_000_000_000_000_000_000", "source 1", None),
        ("window = 1_800", "window = 18_000", "source 1", None),
        ("interval = 3_600", "interval = 3_000", "dynamics", None),
        ("low = 1\n", "low = 60\n", "source 0", None),
        ("max_age = 4_500", "max_age = 1", "source 0", None),
    ],
)
def test_checks__wrong_field__fails_there(
    bazaar: Bazaar, before: str, after: str, subject: str, text: str | None
) -> None:
    if before == "max_age = 4_500":
        bazaar.chain.warp(60)
    if before == "cap = 0.4":
        bazaar.edit("floor = 0.1", "floor = 0.3")
        bazaar.edit("cap = 0.4\n", "cap = 0.49\n")
        bazaar.edit("ramp_up = 0.0009", "ramp_up = 0.01")
    else:
        bazaar.edit(before, after)
    found = fails(bazaar.checks())
    assert found[0][0] == subject
    if text is not None:
        assert found[0][1] == text


def test_checks__feeds_disagree__fails_on_the_price(bazaar: Bazaar) -> None:
    bazaar.feed.set_answer(PRICE * 103 * 10**6, sender=bazaar.devnet.maker)
    subject, text = only_failure(bazaar)
    assert subject == "price"
    assert text.startswith("WIDE: ")
    assert text.endswith("the risk engine lists what is OK only")


def test_checks__no_history__says_what_to_do(bazaar: Bazaar) -> None:
    bazaar.edit("fee = 3_000", "fee = 500")
    assert fails(bazaar.checks())[0] == ("source 1", "Uniswap has no pool of it and USDC with the fee 500")
    usdc = bazaar.devnet.protocol.asset("USDC").token
    price = bazaar.market.price_of(bazaar.token)
    bazaar.devnet.uniswap.create_pool(bazaar.token, usdc, 500, price, bazaar.devnet.maker)
    subject, text = fails(bazaar.checks())[0]
    assert subject == "source 1"
    assert text.startswith("twap: history: the pool ")
    assert text.endswith("let it keep more (increaseObservationCardinalityNext)")


def test_checks__no_collateral_cap__is_pointed_out(bazaar: Bazaar) -> None:
    assert len(texts(bazaar.checks(), "collateral cap")) == 1
    bazaar.edit("decimals = 18", "decimals = 18\ncollateral_cap = 1_000")
    assert texts(bazaar.checks(), "collateral cap") == []


def test_checks__caps_above_the_depth__are_pointed_out(bazaar: Bazaar) -> None:
    bazaar.edit("supply_cap = 20_000", "supply_cap = 2_000_000")
    (note,) = [check for check in bazaar.checks() if check.subject == "caps" and check.result is Result.NOTE]
    assert "times the depth" in note.text


def test_checks__no_code__fails_first(bazaar: Bazaar) -> None:
    bazaar.edit(bazaar.token.address, f"0x{'77' * 20}")
    assert only_failure(bazaar) == ("token", f"there is no contract at 0x{'77' * 20} on chain {bazaar.chain.chain_id}")


def test_checks__known_symbol_or_token__fails(bazaar: Bazaar) -> None:
    bazaar.edit("[assets.GOLD]", "[assets.WETH]")
    text = bazaar.file.read_text().replace("assets.GOLD", "assets.WETH")
    bazaar.file.write_text(text)
    assert fails(bazaar.checks()) == [("token", "WETH is the symbol of another asset of this deployment")]
    weth = bazaar.devnet.protocol.asset("WETH")
    bazaar.edit(bazaar.token.address, weth.token.address)
    assert fails(bazaar.checks())[0] == ("token", f"it is listed already, as {weth.key:#x}: use --change")


def transfers(bazaar: Bazaar, kind: str, setting: str = "", value: int = 0) -> list[tuple[Result, str]]:
    """Return what the report says of transfers of such a token."""
    maker = bazaar.devnet.maker
    token = bazaar.chain.deploy(kind, "Odd", "ODD", 18, sender=maker)
    token.mint(maker, 10**24, sender=maker)
    if setting:
        token.method(setting)(value, sender=maker)
    bazaar.edit(bazaar.token.address, token.address)
    return [(check.result, check.text) for check in bazaar.checks() if check.subject == "transfer"]


def test_transfer__returns_nothing__passes(bazaar: Bazaar) -> None:
    found = transfers(bazaar, "MockERC20NoReturn")
    answer = (Result.HOLDS, "answers nothing, which is taken for true")
    assert found == [answer, (Result.HOLDS, "all of it arrives")]


def test_transfer__fee__fails(bazaar: Bazaar) -> None:
    found = transfers(bazaar, "MockERC20Fee", "set_fee", 100)
    some = f"of {10**18} raw units {99 * 10**16} arrive: a fee on transfer, which the engine refuses"
    assert found == [(Result.HOLDS, "answers true"), (Result.FAIL, some)]


def test_transfer__false__fails(bazaar: Bazaar) -> None:
    found = transfers(bazaar, "MockERC20False", "set_refusing", True)
    assert found == [(Result.FAIL, "it answers false")]


def test_transfer__nobody_holds_any__is_a_note(bazaar: Bazaar, owned: Devnet) -> None:
    token = owned.chain.deploy("MockERC20", "New", "NEW", 18, sender=owned.maker)
    bazaar.edit(bazaar.token.address, token.address)
    (found,) = [check for check in bazaar.checks() if check.subject == "transfer"]
    assert (found.result, found.text) == (Result.NOTE, "nobody is known who could send some: name a --holder")


def test_transfer__only_a_contract_holds_any__is_a_note_where_it_cannot_call(bazaar: Bazaar) -> None:
    maker = bazaar.devnet.maker
    bazaar.token.transfer(bazaar.devnet.chain.accounts()[9], bazaar.token.balanceOf(maker), sender=maker)
    (found,) = [check for check in bazaar.checks() if check.subject == "transfer"]
    assert found.result is Result.NOTE
    assert found.text == f"this chain makes no call for the contract {bazaar.market.address}: name a --holder"


def test_checks__eight_decimals__pass(owned: Devnet, tmp_path: Path) -> None:
    with owned.chain.isolate():
        bazaar = gold(owned, tmp_path, decimals=8)
        bazaar.edit("min_liquidity = 1_000_000_000_000_000", "min_liquidity = 10_000_000_000")
        assert fails(bazaar.checks()) == []


def test_rehearse__the_owners_call__says_what_the_contract_says(bazaar: Bazaar) -> None:
    listing = bazaar.listing()
    manifest = listing.deploy(bazaar.devnet.maker)
    first, *_ = listing.calls(manifest)
    listing.rehearse(first)
    bazaar.feed.set_answer(PRICE * 2 * 10**8, sender=bazaar.devnet.maker)
    with pytest.raises(Exception, match=r"risk_engine\.list_asset: risk: sources disagree"):
        listing.rehearse(first)


def test_deploy__again__takes_over_what_is_there(bazaar: Bazaar) -> None:
    listing = bazaar.listing()
    reached: list[Manifest] = []
    first = listing.deploy(bazaar.devnet.maker, reached.append)
    assert len(reached) == 4
    first.save(bazaar.manifest)
    assert bazaar.listing().deploy(bazaar.devnet.maker) == first
    bazaar.edit("supply_cap = 20_000", "supply_cap = 30_000")
    with pytest.raises(Exception, match=r"pool\.GOLD was deployed from other parameters"):
        bazaar.listing().deploy(bazaar.devnet.maker)


def test_listed__asset_is_priced_ok(bazaar: Bazaar) -> None:
    bazaar.said("--execute")
    protocol = bazaar.protocol()
    assert protocol.price("GOLD").status == OK
    assert protocol.price("GOLD").mid == pytest.approx(Decimal(PRICE), rel=Decimal("0.001"))
