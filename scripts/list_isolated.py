"""List a long-tail asset through the factory: anybody may."""

from pathlib import Path
from typing import Any

import click
from eth_utils.address import is_address, to_checksum_address

from plimsoll.commands import (
    account_option,
    connected,
    load_protocol,
    manifest_option,
    network_option,
    node_url,
    one_line,
)
from plimsoll.errors import PlimsollError
from plimsoll.isolated import FACTORY, IsolatedListing
from plimsoll.protocol import named_reverts
from plimsoll.risk.transfers import received_on
from plimsoll.screen import make_console, say
from scripts._desk import checks_table, refuse_failed


@click.command()
@network_option()
@account_option
@manifest_option
@click.option("--execute", is_flag=True, help="List it; what it costs is gas, and what it gets is up to the factory.")
@click.argument("token")
@one_line
def cli(network: str, account: str | None, manifest_path: Path | None, execute: bool, token: str) -> None:
    """Check TOKEN, its market and the factory's terms, and list it in the isolated tier.

    Sends nothing without --execute, and nothing at all while a check fails. Who lists chooses nothing but the token.
    """
    console = make_console()
    if not is_address(token):
        raise PlimsollError(f"TOKEN: {token!r} is no address")
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        if FACTORY not in protocol.manifest.contracts:
            raise PlimsollError("the deployment has no factory of listings: only its owner lists (ape run list_asset)")
        listing = IsolatedListing(protocol, to_checksum_address(token), sender)
        with received_on(chain, node_url()) as received:
            checks = listing.checks(received)
        console.print(checks_table(f"{listing.symbol}: listing in the isolated tier", checks))
        refuse_failed(checks)
        if not execute:
            say(console, "Nothing was sent: --execute lists it.")
            return
        factory: Any = listing.factory
        with named_reverts():
            receipt = factory.list_asset(listing.token, sender=sender)
        found = factory.listing_of(listing.token)
        say(
            console,
            f"{listing.symbol} is listed as {found.key:#x}: block {receipt.block_number}, {receipt.gas_used:,} gas",
        )
        for name in ("pool", "oracle", "feed", "depth", "market"):
            say(console, f"  {name:<7} {getattr(found, name)}")
        say(console, "It backs no debts in other assets before the owner allows it (RiskEngine.set_backing).")
