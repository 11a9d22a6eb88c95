"""Deploy the protocol on any network that ape knows."""

from contextlib import suppress
from pathlib import Path
from threading import Event

import click
from rich.console import Console

from plimsoll import config as configuration
from plimsoll import devnet, manifest
from plimsoll.chain import Chain
from plimsoll.commands import account_option, connected, manifest_path, network_option, one_line, rpc_url
from plimsoll.config import Config
from plimsoll.deploy import deploy, plan, preflight
from plimsoll.manifest import Manifest
from plimsoll.screen import make_console, progress_of


@click.command()
@network_option()
@account_option
@click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=devnet.CONFIG,
    show_default=True,
    help="The parameters; every field is documented in the devnet's file.",
)
@click.option("--dry-run", is_flag=True, help="Check the parameters against the chain, show the steps, send nothing.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The manifest to write; deployments/<chain id>.json unless given.",
)
@click.option("--keep", is_flag=True, help="Keep a chain that this command started running until Ctrl-C.")
@one_line
def cli(network: str, account: str | None, config_path: Path, dry_run: bool, out: Path | None, keep: bool) -> None:
    """Deploy the protocol and write its manifest.

    On a local chain whatever the parameters leave out is deployed too: tokens, feeds, Uniswap v3 and its markets.
    Stopped half-way on any other network, the same command goes on where it was.
    """
    console = make_console()
    config = configuration.load(config_path)
    with connected(network, account) as (chain, sender):
        whole_world = chain.is_local and config.uniswap is None
        if dry_run:
            if not whole_world:
                preflight(chain, config, sender)
            show_plan(console, config, chain.name, sender, whole_world=whole_world)
            return
        path = manifest_path(chain, out)
        if whole_world:
            with progress_of(console) as progress:
                deployed = devnet.start(chain, config, progress=progress).manifest
            deployed.save(path)
        else:
            deployed = deploy_resumable(chain, config, sender, path, console)
        console.print(f"Deployed {len(deployed.contracts)} contracts on chain {deployed.chain_id}; manifest: {path}")
        if deployed.to_accept:
            console.print(acceptance(config, deployed))
        if keep:
            console.print(f"Running at {rpc_url()}; Ctrl-C stops it.")
            with suppress(KeyboardInterrupt):
                Event().wait()


def acceptance(config: Config, deployed: Manifest) -> str:
    """Return what the new owner has still to do."""
    contracts = ", ".join(deployed.to_accept)
    if config.protocol.owner == configuration.TIMELOCK:
        timelock = deployed.address("timelock")
        return f"The timelock {timelock} has to accept {contracts}: ape run governance accept, now and when it is due."
    return f"{config.protocol.owner} has to call accept_ownership on {contracts}."


def deploy_resumable(chain: Chain, config: Config, sender: str, path: Path, console: Console) -> Manifest:
    """Deploy, keeping beside the manifest what was reached, and go on from there if it is there already."""
    partial = path.with_suffix(".partial.json")
    begun = manifest.load(partial) if partial.exists() else None
    if begun is not None:
        console.print(f"Going on with {partial}.")
    with progress_of(console) as progress:
        deployed = deploy(
            chain, config, sender, progress=progress, begun=begun, reached=lambda reached: reached.save(partial)
        )
    deployed.save(path)
    partial.unlink(missing_ok=True)
    return deployed


def show_plan(console: Console, config: Config, network: str, sender: str, *, whole_world: bool) -> None:
    """Print the steps."""
    steps = [*(devnet.plan_world(config) if whole_world else []), *plan(config)]
    console.print(f"Would deploy on {network} as {sender}, in {len(steps)} steps:")
    for number, step in enumerate(steps, 1):
        console.print(f"{number:>4}  {step}", markup=False, highlight=False)
