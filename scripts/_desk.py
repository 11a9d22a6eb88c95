"""What the desk and the listing commands share: accounts, manifests, reports on the screen."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plimsoll.chain import Chain
from plimsoll.commands import manifest_path
from plimsoll.keeper.state import AccountState
from plimsoll.listing import Check, Result
from plimsoll.protocol import Protocol
from plimsoll.risk.accounts import every_account

COLOURS = {Result.HOLDS: "green", Result.NOTE: "yellow", Result.FAIL: "red"}


def checks_table(title: str, checks: Iterable[Check]) -> Table:
    """Return a report for the screen."""
    table = Table(title=title, title_justify="left", show_header=False)
    for check in checks:
        table.add_row(check.subject, f"[{COLOURS[check.result]}]{check.result.value}[/]", escape(check.text))
    return table


def say(console: Console, text: str) -> None:
    """Print a line as it is, however long: addresses and calls are for copying."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def accounts_of(protocol: Protocol, console: Console, url: str | None, path: Path) -> Mapping[int, AccountState]:
    """Return every account, with a line that says how far the chain is read."""
    with console.status("reading accounts") as status:

        def tell(reached: int, newest: int) -> None:
            status.update(f"reading accounts: block {reached:,} of {newest:,}")

        return every_account(protocol, url, path, tell)


def file_of(chain: Chain, named: Path | None) -> Path:
    """Return where the deployment's manifest is."""
    return manifest_path(chain, named)
