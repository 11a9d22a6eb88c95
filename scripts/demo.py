"""Walk through the protocol on a fresh local chain."""

import sys

import click

from plimsoll.commands import ANVIL, network_option, node_url, one_line, watching
from plimsoll.devnet import start
from plimsoll.screen import make_console, progress_of
from plimsoll.story import tell


@click.command()
@network_option(ANVIL)
@one_line
def cli(network: str) -> None:
    """Deploy everything on a fresh local chain; open, use and close leveraged accounts; then let the market crash.

    Exits with 1 if a single balance is off by a unit at the end.
    """
    console = make_console()
    with watching(network) as chain:
        console.print(f"[bold]Plimsoll[/] on {chain.name}, chain {chain.chain_id}")
        with progress_of(console) as progress:
            devnet = start(chain, progress=progress)
        checks = tell(devnet, console, node_url())
    off = [check for check in checks if not check.holds]
    for check in off:
        console.print(f"[red]{check.subject}: {check.name}: {check.found} is not {check.expected}[/]")
    if off:
        sys.exit(1)
    console.print(f"[green]All {len(checks)} checks hold.[/]")
