"""The risk desk: where a deployment stands, and what it would lose."""

from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Console

from plimsoll.chain import Chain
from plimsoll.commands import (
    load_protocol,
    manifest_option,
    network_option,
    node_url,
    one_line,
    watching,
)
from plimsoll.errors import AmountError, ChainError, ManifestError, PlimsollError
from plimsoll.protocol import Protocol
from plimsoll.risk import desk as desks
from plimsoll.risk import look, page, plain, read, tables
from plimsoll.risk.accounts import index_beside
from plimsoll.screen import make_console, progress_of, say
from plimsoll.units import Human, wad
from scripts._desk import accounts_of, file_of

MOST_COST = "0.2"


@click.command()
@network_option()
@manifest_option
@click.option(
    "--accounts",
    "count",
    type=click.IntRange(0, 1_000),
    default=desks.NEAREST,
    show_default=True,
    help="How many of the accounts nearest their line are shown.",
)
@click.option(
    "--taker-cost", default="0.005", show_default=True, help="What takers want per unit of debt before they take."
)
@click.option(
    "--stable", multiple=True, metavar="SYMBOL", help="An asset that is a dollar; those at about one unless given."
)
@click.option(
    "--html", "html_path", type=click.Path(path_type=Path), help="Write the desk with plots as one HTML page."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
@click.option(
    "--index",
    "index_path",
    type=click.Path(path_type=Path),
    help="The file of the index of accounts; beside the manifest unless given.",
)
@one_line
def cli(
    network: str,
    manifest_path: Path | None,
    count: int,
    taker_cost: str,
    stable: tuple[str, ...],
    html_path: Path | None,
    as_json: bool,
    index_path: Path | None,
) -> None:
    """Show volatility, margins and their ramps, depth, caps, prices and their sources, the accounts nearest their line,
    and the loss under standard shocks.

    Sends nothing. Accounts come from an index of the chain's events, kept in a file that only reads what is new.
    """
    console = make_console()
    cost = cost_of(taker_cost)
    if html_path is not None and not html_path.resolve().parent.is_dir():
        raise PlimsollError(f"--html: there is no folder {html_path.parent}")
    with watching(network) as chain:
        protocol = deployment(chain, manifest_path)
        unknown = [symbol for symbol in stable if symbol not in protocol.assets]
        if unknown:
            raise PlimsollError(f"--stable: no asset {unknown[0]!r}: listed are {', '.join(protocol.assets)}")
        quiet = Console(stderr=True) if as_json else console
        accounts = accounts_of(protocol, quiet, node_url(), index_path or index_beside(file_of(chain, manifest_path)))
        with progress_of(quiet) if quiet.is_terminal else nullcontext(_silent) as progress:
            world = read(protocol, accounts, progress)
            found = look(world, count=count, cost=cost, stable=stable or None, progress=progress)
    if html_path is not None:
        page.write(found, html_path)
    if as_json:
        click.echo(plain.as_json(found), nl=False)
        return
    for line in tables.headline(found):
        console.print(line, markup=False, highlight=False)
    for section in tables.sections(found):
        console.print()
        console.print(tables.table(section))
    if html_path is not None:
        say(console, f"\nThe page: {html_path}")


def deployment(chain: Chain, named: Path | None) -> Protocol:
    """Return the protocol on a chain; one line that says what is missing where there is none."""
    try:
        return load_protocol(chain, named)
    except ManifestError:
        if node_url() is None:
            needs = "so nothing is deployed on it: name a node that runs, such as ethereum:local:http://127.0.0.1:8545"
            raise ChainError(f"{chain.name} begins and ends with this process, {needs}") from None
        raise


def cost_of(text: Human) -> int:
    """Return what takers want, WAD."""
    try:
        cost = wad(text)
    except AmountError as error:
        raise AmountError(f"--taker-cost: {error}") from None
    if cost > wad(MOST_COST):
        raise AmountError(f"--taker-cost: {text} is not in [0, {MOST_COST}]")
    return cost


def _silent(number: int, total: int, title: str) -> None:
    """Show no progress where nobody watches."""
