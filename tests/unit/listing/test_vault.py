"""Listing shares of a vault: pool shares of this protocol, and vaults that cannot be listed."""

from __future__ import annotations

from pathlib import Path

from plimsoll.artifacts import home
from plimsoll.chain import Contract
from plimsoll.devnet import YIELD
from plimsoll.listing_report import Result
from plimsoll.model.price_oracle import OK
from tests.unit.listing.conftest import Bazaar


def lend(bazaar: Bazaar) -> None:
    """Let somebody lend, so that the pool has shares."""
    devnet, lender = bazaar.devnet, bazaar.chain.accounts()[1]
    devnet.mint("USDC", lender, 1_000_000)
    lending = devnet.protocol.by(lender)
    lending.approve_if_needed("USDC", 1_000_000, devnet.protocol.asset("USDC").pool)
    lending.lend("USDC", 1_000_000)


def shares(bazaar: Bazaar) -> Path:
    path = bazaar.file.with_name("shares.toml")
    path.write_text((home() / YIELD).read_text())
    return path


def outside(bazaar: Bazaar, token: str) -> None:
    """Let the file describe shares of a vault of USDC."""
    text = shares(bazaar).read_text()
    text = text.replace('shares_of = "USDC"', f'token = "{token}"').replace("assets.pUSDC", "assets.GOLD")
    bazaar.file.write_text(text)


def test_pool_shares__listed(bazaar: Bazaar) -> None:
    lend(bazaar)
    said = bazaar.said(subject=str(shares(bazaar)))
    assert "a vault whose share redeems 1.000000 USDC, its round trip is fair" in " ".join(said.split())
    assert "pUSDC is listed as 0x8" in bazaar.said("--execute", subject=str(shares(bazaar)))
    price = bazaar.protocol().price("pUSDC")
    assert price.status == OK
    assert round(price.mid, 4) == 1


def test_pool_shares__prediction_is_the_sources(bazaar: Bazaar) -> None:
    lend(bazaar)
    bazaar.file.write_text(shares(bazaar).read_text())
    listing = bazaar.listing()
    reading, _ = listing.venues.read(listing.asset.sources[0])
    manifest = listing.deploy(bazaar.devnet.maker)
    source = bazaar.chain.at("VaultShareOracle", manifest.address("source.pUSDC.0"))
    assert tuple(source.read()) == tuple(reading)
    assert source.owner() == bazaar.devnet.maker


def vault(bazaar: Bazaar, underlying: str = "USDC") -> Contract:
    """Return an outside vault with money in it, described by the file."""
    maker, asset = bazaar.devnet.maker, bazaar.devnet.protocol.asset(underlying)
    made = bazaar.chain.deploy("MockVault", asset.token, sender=maker)
    bazaar.devnet.mint(underlying, maker, 1_000)
    asset.token.approve(made, 1_000 * 10**asset.decimals, sender=maker)
    made.deposit(1_000 * 10**asset.decimals, maker, sender=maker)
    outside(bazaar, made.address)
    bazaar.edit("decimals = 12", f"decimals = {asset.decimals}")
    bazaar.edit("sample = 1_000_000", "sample = 1_000")
    return made


def fails(bazaar: Bazaar) -> list[tuple[str, str]]:
    return [(check.subject, check.text) for check in bazaar.checks() if check.result is Result.FAIL]


def test_outside_vault__fair__passes(bazaar: Bazaar) -> None:
    vault(bazaar)
    assert fails(bazaar) == []


def test_outside_vault__exit_fee__is_no_fair_round_trip(bazaar: Bazaar) -> None:
    vault(bazaar).set_exit_fee(600, sender=bazaar.devnet.maker)
    assert fails(bazaar)[0] == ("source 0", "shares: round trip")


def test_outside_vault__of_another_asset__fails(bazaar: Bazaar) -> None:
    weth = bazaar.devnet.protocol.asset("WETH").token.address
    vault(bazaar, "WETH")
    assert fails(bazaar)[0] == ("source 0", f"the vault is of {weth}, not of USDC")


def test_no_vault__fails(bazaar: Bazaar) -> None:
    lend(bazaar)
    outside(bazaar, bazaar.protocol().asset("WETH").token.address)
    bazaar.edit("decimals = 12", "decimals = 18")
    found = [check for check in bazaar.checks() if check.result is Result.FAIL]
    assert found[0].subject == "token"


def test_unknown_underlying__fails(bazaar: Bazaar) -> None:
    lend(bazaar)
    bazaar.file.write_text(shares(bazaar).read_text().replace('asset = "USDC"', 'asset = "DOGE"'))
    (failed, *_) = [check for check in bazaar.checks() if check.result is Result.FAIL]
    assert failed.subject == "source 0"
    assert failed.text.startswith("no asset 'DOGE'")
