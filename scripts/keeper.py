"""Run a keeper, ask why an account is or is not liquidatable, check a configuration."""

from dataclasses import replace
from pathlib import Path

import click

from plimsoll.artifacts import home
from plimsoll.chain import Revert
from plimsoll.commands import one_line
from plimsoll.errors import ConfigError
from plimsoll.keeper import app
from plimsoll.keeper import bench as benchmark
from plimsoll.keeper import config as configuration
from plimsoll.keeper.clock import SystemClock
from plimsoll.keeper.keys import load_signer
from plimsoll.keeper.node import Call
from plimsoll.keeper.routes import MarketRoutes
from plimsoll.keeper.status import parse_account, show
from plimsoll.keeper.verbs import QUOTE, read_quote
from plimsoll.manifest import ListedAsset
from plimsoll.protocol import order_file
from plimsoll.screen import make_console, table_of
from plimsoll.units import from_wad
from plimsoll.units import show as shown

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=home() / "config" / "keeper.toml",
    show_default=True,
    help="The configuration; every field is documented in the default one.",
)


@click.group()
def cli() -> None:
    """Watch accounts, start auctions, take from them, and keep books nobody can lose.

    The keeper talks to the endpoints of its configuration itself, so it needs no --network.
    """


@cli.command()
@config_option
@click.option("--dry-run", is_flag=True, help="Decide everything, send nothing, whatever the configuration says.")
@one_line
def run(config_path: Path, dry_run: bool) -> None:
    """Run until Ctrl-C. Logs are JSON, one object per line."""
    clock = SystemClock()
    config = configuration.load(config_path)
    if dry_run:
        config = replace(config, dry_run=True)
    manifest = app.load_manifest(config)
    with app.stops_on_signals(clock), app.opened(config, manifest, clock=clock, ask=ask) as keeper:
        keeper.run(clock)


@cli.command()
@config_option
@click.argument("account")
@one_line
def status(config_path: Path, account: str) -> None:
    """Say why ACCOUNT (owner/index, or its id) is or is not liquidatable, and why its orders are or are not due."""
    config = configuration.load(config_path)
    manifest = app.load_manifest(config)
    number = parse_account(account)
    node = app.make_node(config, SystemClock())
    with app.books_to_look_at(config, manifest, node) as books:
        explanation = books.explain(number)
        quote = None
        if explanation.auction is not None:
            output = node.calls([Call(app.find_contracts(node, manifest).auction, QUOTE.encode([number]))])[0]
            quote = None if isinstance(output, Revert) else read_quote(output)
        orders = app.order_standings(config, manifest, node, books, number)
        show(make_console(), explanation, manifest, quote, orders, app.gates_of(manifest, node, explanation))


@cli.group()
def order() -> None:
    """Orders that owners signed to protect their accounts (`ape run account order sign`)."""


@order.command()
@config_option
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@one_line
def add(config_path: Path, files: tuple[Path, ...]) -> None:
    """Hand signed orders to the keeper, whether it runs or not. A file that is wrong stops the command there."""
    config = configuration.load(config_path)
    if config.orders is None:
        raise ConfigError(f"{config_path}: orders: is missing, so this keeper executes none")
    manifest = app.load_manifest(config)
    node = app.make_node(config, SystemClock())
    with app.open_order_book(config, manifest, node) as book:
        now = node.head().timestamp
        for path in files:
            found = order_file.load(path)
            try:
                book.add(found, now)
            except ConfigError as error:
                raise ConfigError(f"{path}: {error}") from None
            make_console().print(f"Taken in: {found.digest}")


@cli.command("check-config")
@config_option
@one_line
def check_config(config_path: Path) -> None:
    """Check a configuration, its deployment, endpoints, key and routes. Sends nothing."""
    config = configuration.load(config_path)
    manifest = app.load_manifest(config)
    console = make_console()
    node = app.make_node(config, SystemClock())
    head = node.head()
    contracts = app.find_contracts(node, manifest)
    signer = load_signer(config.key, config.chain.chain_id, ask=ask)
    rows = [
        ("chain", f"{config.chain.chain_id}, block {head.number}"),
        ("engine", contracts.engine),
        ("auction", contracts.auction),
        ("address", signer.address),
        ("ether", shown(from_wad(node.balance(signer.address)), 6)),
        ("pricing", config.pricing_name),
        ("orders from", "nobody: there is no [orders]" if config.orders is None else str(config.orders.inbox)),
        ("dry run", "yes" if config.dry_run else "no"),
    ]
    console.print(table_of(str(config_path), ("", ""), rows))
    missing = missing_routes(MarketRoutes(manifest, config.routes), manifest.assets)
    if missing:
        console.print(f"No route: {', '.join(missing)}. Accounts that need one are left to others.")


@cli.command()
@click.option("--accounts", default=100_000, show_default=True, help="Accounts that the index knows.")
@click.option("--cross", default=100, show_default=True, help="Of these, how many a price move crosses.")
@click.option("--node-accounts", default=24, show_default=True, help="Accounts that fall on a node; 0: none.")
@one_line
def bench(accounts: int, cross: int, node_accounts: int) -> None:
    """Measure how fast a keeper decides, and how long it takes from a block to its transactions."""
    arguments = ["--accounts", accounts, "--cross", cross, "--node-accounts", node_accounts]
    raise SystemExit(benchmark.main([str(each) for each in arguments]))


def missing_routes(routes: MarketRoutes, assets: dict[str, ListedAsset]) -> list[str]:
    """Return the pairs of assets that nothing connects."""
    return [
        f"{sell} to {buy}"
        for sell in assets
        for buy in assets
        if sell != buy and routes.find(assets[sell].token, assets[buy].token) is None
    ]


def ask(prompt: str) -> str:
    """Ask for a password without showing it."""
    return str(click.prompt(prompt.rstrip(": "), hide_input=True))
