"""List an asset, or change one: what the chain says of it first."""

from collections.abc import Iterable
from pathlib import Path

import click
from eth_utils.address import is_address, to_checksum_address
from rich.console import Console
from rich.table import Table

from plimsoll import config as configuration
from plimsoll import governance
from plimsoll.chain import Chain
from plimsoll.commands import (
    account_option,
    connected,
    load_manifest,
    manifest_option,
    network_option,
    node_url,
    one_line,
)
from plimsoll.errors import PlimsollError
from plimsoll.governance import Governance, moment
from plimsoll.listing import Listing, OwnerCall
from plimsoll.listing_report import Check
from plimsoll.manifest import Manifest
from plimsoll.protocol import Protocol, named_reverts
from plimsoll.risk import World, read
from plimsoll.risk.accounts import index_beside
from plimsoll.risk.effect import Effect, effect
from plimsoll.risk.tables import duration
from plimsoll.risk.transfers import received_on
from plimsoll.screen import make_console, progress_of, say, table_of
from scripts._desk import accounts_of, checks_table, file_of, refuse_failed


@click.command()
@network_option()
@account_option
@manifest_option
@click.option("--change", is_flag=True, help="The asset is listed: make the chain's parameters those of FILE.")
@click.option("--execute", is_flag=True, help="Deploy what is needed and list, or change, at once; for the owner.")
@click.option("--propose", is_flag=True, help="Deploy what is needed and propose the calls to the timelock.")
@click.option("--holder", metavar="ADDRESS", help="Who holds the token, for a simulated transfer; its market if any.")
@click.argument("file", type=click.Path(path_type=Path))
@one_line
def cli(
    network: str,
    account: str | None,
    manifest_path: Path | None,
    change: bool,
    execute: bool,
    propose: bool,
    holder: str | None,
    file: Path,
) -> None:
    """Check the one asset of FILE (the format of config/devnet.toml) against the chain, and show what listing it does.

    Sends nothing without --execute or --propose, and nothing at all while a check fails.
    """
    console = make_console()
    if execute and propose:
        raise click.UsageError("--execute and --propose exclude each other")
    if holder is not None and not is_address(holder):
        raise PlimsollError(f"--holder: {holder!r} is no address")
    asset = configuration.load_asset(file)
    with connected(network, account) as (chain, sender):
        protocol = Protocol(chain, load_manifest(chain, manifest_path))
        path = file_of(chain, manifest_path)
        accounts = accounts_of(protocol, console, node_url(), index_beside(path)) if change else {}
        world = read(protocol, accounts)
        known = None if holder is None else to_checksum_address(holder)
        listing = Listing(protocol, asset, world, holders=[sender] if known is None else [known])
        if not change and listing.is_executed():
            adopt(console, listing, path, save=execute or propose)
            return
        checks = run_checks(listing, chain, change)
        console.print(checks_table(f"{asset.symbol}: {'change' if change else 'listing'}", checks))
        calls = show_change(console, listing) if change else []
        if not change:
            say(console, "No account holds or owes it yet: nobody's line moves.")
        refuse_failed(checks)
        if change and not calls:
            say(console, "The chain has the file's parameters already.")
            return
        if not (execute or propose):
            say(console, "Nothing was sent: --execute does it at once, --propose by the timelock.")
            return
        act(console, listing, calls, sender, propose=propose, change=change, path=path)


def run_checks(listing: Listing, chain: Chain, change: bool) -> list[Check]:
    """Return the report; transfers are simulated by the node, or by the chain in this process."""
    with received_on(chain, node_url()) as listing.received:
        return listing.change_checks() if change else listing.checks()


def adopt(console: Console, listing: Listing, path: Path, *, save: bool) -> None:
    """Write an asset into the manifest whose listing the timelock has executed meanwhile."""
    name = f"{listing.asset.symbol} is listed as {listing.key:#x}"
    if save:
        listing.listed(listing.protocol.manifest).save(path)
    say(console, f"{name}, and in the manifest {path}." if save else f"{name}: --execute writes it into the manifest.")


def show_change(console: Console, listing: Listing) -> list[OwnerCall]:
    """Print what changes, and for whom; return the owner's calls."""
    found, calls = listing.differences()
    rows = [(each.field, each.found, each.wanted) for each in found]
    console.print(table_of("What changes", ("parameter", "on chain", "file"), rows))
    world: World = listing.world
    console.print(effect_table(effect(world, listing.key, listing.margin_parameters(), listing.dynamics()), world))
    return calls


def act(
    console: Console,
    listing: Listing,
    calls: list[OwnerCall],
    sender: str,
    *,
    propose: bool,
    change: bool,
    path: Path,
) -> None:
    """Deploy what is needed, then make the owner's calls or propose them."""
    protocol = listing.protocol
    who = require_owner(listing, sender, propose=propose)
    manifest = protocol.manifest
    if not change:
        refuse_while_another_waits(who, listing)
        with progress_of(console) as progress:
            manifest = listing.deploy(sender, lambda reached: reached.save(path), progress)
        calls = listing.calls(manifest)
    listing.rehearse(calls[0])
    if who is not None:
        rule = Governance(protocol.chain, manifest)
        operation = rule.schedule([rule.call(call.role, call.function, *call.arguments) for call in calls], sender)
        say(console, f"Proposed {operation.name}, due {moment(operation.ready_at)}:")
        for line in rule.lines(operation):
            say(console, f"  {line}")
        if not change:
            say(console, "Once it is executed (ape run governance execute), this command writes it into the manifest.")
    else:
        send(console, listing, calls, manifest, sender)
        if not change:
            listing.listed(manifest).save(path)
            say(console, f"{listing.asset.symbol} is listed as {listing.key:#x}; manifest: {path}")
    if not change and listing.asset.isolated and listing.asset.dynamics is not None:
        say(console, "Its dynamics need its key: run this command with --change once it is listed.")


def require_owner(listing: Listing, sender: str, *, propose: bool) -> Governance | None:
    """Return the timelock that owns the protocol, None if the sender does; PlimsollError, one line, otherwise."""
    owner, timelock = listing.owner, _timelock(listing)
    if propose:
        if timelock != owner:
            raise PlimsollError(f"the owner {owner} is no timelock of this deployment: there is nothing to propose to")
        rule = Governance(listing.protocol.chain, listing.protocol.manifest)
        admin = rule.timelock.owner()
        if admin != sender:
            raise PlimsollError(f"{admin} proposes to the timelock, not {sender}: name it with --account")
        return rule
    if owner != sender:
        hint = "it is the timelock: --propose" if owner == timelock else "name it with --account"
        raise PlimsollError(f"{owner} owns the protocol, not {sender}: {hint}")
    return None


def refuse_while_another_waits(rule: Governance | None, listing: Listing) -> None:
    """Raise while the queue holds this listing, or another one: whichever is executed first takes the next key."""
    needs_key = listing.asset.dynamics is not None and not listing.asset.isolated
    for operation in rule.queue() if rule is not None else []:
        tokens = listing.tokens_listed_by(operation.calls)
        if listing.token in tokens:
            due = moment(operation.ready_at)
            raise PlimsollError(f"{operation.name} lists {listing.asset.symbol} already, due {due}")
        if tokens and needs_key:
            raise PlimsollError(f"{operation.name} lists another asset, which takes the next key: execute it first")


def send(console: Console, listing: Listing, calls: Iterable[OwnerCall], manifest: Manifest, sender: str) -> None:
    """Make the owner's calls one after the other."""
    chain = listing.protocol.chain
    for call in calls:
        deployed = manifest.contracts[call.role]
        with named_reverts():
            method = chain.at(deployed.contract, deployed.address).method(call.function)
            receipt = method(*call.arguments, sender=sender)
        say(console, f"{call.role}.{call.function}: block {receipt.block_number}, {receipt.gas_used:,} gas")


def effect_table(found: Effect, world: World) -> Table:
    """Return who is below which line before and after."""
    arrives = "never" if found.arrives is None else f"after {duration(found.arrives - world.now)}"
    rows = []
    for name, now, before, after in (
        ("initial margin (no new risk)", found.now.initial, found.before.initial, found.after.initial),
        ("maintenance (liquidatable)", found.now.maintenance, found.before.maintenance, found.after.maintenance),
    ):
        rows.append((name, str(len(now)), str(len(before)), str(len(after)), str(len(after - before))))
    columns = ("accounts below", "now", "without the change", f"with it, {arrives}", "newly below")
    return table_of(f"{found.concerned} accounts with debt hold or owe it", columns, rows)


def _timelock(listing: Listing) -> str | None:
    deployed = listing.protocol.manifest.contracts.get(governance.ROLE)
    return None if deployed is None else deployed.address
