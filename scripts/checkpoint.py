"""Keep prices cheap and rates stored: the housekeeping that anyone may do."""

from pathlib import Path

import click

from plimsoll.commands import account_option, connected, load_protocol, manifest_option, network_option, one_line
from plimsoll.devnet import checkpoint
from plimsoll.screen import make_console, prices_table


@click.command()
@network_option()
@account_option
@manifest_option
@click.option("--poke", is_flag=True, help="Also aim every asset's margin at its volatility and depth.")
@one_line
def cli(network: str, account: str | None, manifest_path: Path | None, poke: bool) -> None:
    """Take every Uniswap mean's checkpoint that is due."""
    console = make_console()
    with connected(network, account) as (chain, sender):
        protocol = load_protocol(chain, manifest_path)
        taken = checkpoint(protocol, sender)
        console.print(f"Checkpoints taken: {', '.join(taken) or 'none is due'}.")
        if poke:
            for asset in protocol.assets.values():
                protocol.risk_engine.poke(asset.key, sender=sender)
            console.print(f"Poked: {', '.join(protocol.assets)}.")
        console.print(prices_table(protocol))
