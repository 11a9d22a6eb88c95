"""`ape run list_isolated` as its user meets it."""

from __future__ import annotations

import json

from plimsoll.chain import Contract
from plimsoll.risk import read
from plimsoll.risk.accounts import viewed
from scripts import list_isolated
from tests.unit.listing.conftest import Bazaar


def refused(bazaar: Bazaar, token: Contract | str, *arguments: str) -> str:
    subject = token if isinstance(token, str) else token.address
    return bazaar.refused(*arguments, command=list_isolated.cli, subject=subject)


def report(bazaar: Bazaar, token: Contract) -> str:
    """Return the report of a token that cannot be listed, in one line."""
    result = bazaar.run(command=list_isolated.cli, subject=token.address)
    assert result.exit_code == 1
    assert "checks failed: nothing was sent" in result.stderr
    return " ".join(result.stdout.replace("│", " ").split())


def test_report__good_token__sends_nothing(bazaar: Bazaar) -> None:
    said = bazaar.said(command=list_isolated.cli, subject=bazaar.token.address)
    assert "GOLD: listing in the isolated tier" in said
    assert "the listing would go through, as 0x10000000000000001" in said
    assert "Nothing was sent: --execute lists it." in said
    assert bazaar.protocol().risk_engine.key_of(bazaar.token) == 0


def test_execute__anybody__lists(bazaar: Bazaar) -> None:
    said = bazaar.said("--execute", "--account", "6", command=list_isolated.cli, subject=bazaar.token.address)
    key = bazaar.protocol().risk_engine.key_of(bazaar.token)
    assert key == 2**64 + 1
    assert f"GOLD is listed as {key:#x}: block " in said
    factory = bazaar.chain.at("IsolatedFactory", bazaar.protocol().manifest.address("factory"))
    listing = factory.listing_of(bazaar.token)
    assert listing.by == bazaar.chain.accounts()[6]
    for address in (listing.pool, listing.oracle, listing.depth, listing.market):
        assert address in said


def test_listed_already__fails(bazaar: Bazaar) -> None:
    bazaar.said("--execute", command=list_isolated.cli, subject=bazaar.token.address)
    assert "it is listed already, as 0x10000000000000001" in report(bazaar, bazaar.token)


def test_thin_market__fails_on_the_depth(bazaar: Bazaar) -> None:
    terms = (10**6 * 10**18, 10**5 * 10**18, 10**18 // 4)
    factory = bazaar.chain.at("IsolatedFactory", bazaar.protocol().manifest.address("factory"))
    factory.set_terms(terms, sender=bazaar.devnet.maker)
    said = report(bazaar, bazaar.token)
    assert "depth fail 2 % took $" in said
    assert "at least $1,000,000" in said
    assert "rehearsal fail" in said


def test_no_market__fails(bazaar: Bazaar) -> None:
    token = bazaar.chain.deploy("MockERC20", "[red]Loud[/]", "[red]LOUD[/]", 18, sender=bazaar.devnet.maker)
    said = report(bazaar, token)
    assert "redLOUD: listing in the isolated tier" in said
    assert "no Uniswap v3 pool of it and a quote asset has an hour's record" in said


def test_fee_on_transfer__fails(bazaar: Bazaar) -> None:
    token = bazaar.chain.deploy("MockERC20Fee", "Fee", "FEE", 18, sender=bazaar.devnet.maker)
    token.mint(bazaar.devnet.maker, 10**24, sender=bazaar.devnet.maker)
    token.set_fee(100, sender=bazaar.devnet.maker)
    assert "a fee on transfer, which the engine refuses" in report(bazaar, token)


def test_paused__fails(bazaar: Bazaar) -> None:
    factory = bazaar.chain.at("IsolatedFactory", bazaar.protocol().manifest.address("factory"))
    factory.pause(sender=bazaar.devnet.maker)
    assert "listings are paused" in report(bazaar, bazaar.token)


def test_no_contract__fails(bazaar: Bazaar) -> None:
    assert refused(bazaar, f"0x{'77' * 20}") == "1 of 1 checks failed: nothing was sent"


def test_no_address__one_line(bazaar: Bazaar) -> None:
    assert refused(bazaar, "GOLD") == "TOKEN: 'GOLD' is no address"


def test_no_factory__one_line(bazaar: Bazaar) -> None:
    found = json.loads(bazaar.manifest.read_text())
    del found["contracts"]["factory"]
    bazaar.manifest.write_text(json.dumps(found))
    expected = "the deployment has no factory of listings: only its owner lists (ape run list_asset)"
    assert refused(bazaar, bazaar.token) == expected


def test_desk__knows_what_was_listed_here(bazaar: Bazaar) -> None:
    """The manifest does not: the asset, its market's source and its depth come from the chain."""
    bazaar.said("--execute", command=list_isolated.cli, subject=bazaar.token.address)
    protocol = bazaar.protocol()
    asset = read(protocol, viewed(protocol)).assets[2**64 + 1]
    assert (asset.symbol, asset.isolated) == ("GOLD#1", True)
    assert [source.kind for source in asset.sources] == ["TwapOracle"]
    assert asset.sources[0].parent in protocol.risk_engine.sources_of(protocol.asset("USDC").key)
    assert asset.depth is not None
    assert asset.depth.dollars
