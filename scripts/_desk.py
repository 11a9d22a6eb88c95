"""What the desk and the listing commands share: accounts, manifests, reports on the screen."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from plimsoll.chain import Chain
from plimsoll.commands import manifest_path
from plimsoll.errors import PlimsollError
from plimsoll.keeper.state import AccountState
from plimsoll.listing_report import Check, Result, failed
from plimsoll.protocol import Protocol
from plimsoll.risk.accounts import every_account

COLOURS = {Result.HOLDS: "green", Result.NOTE: "yellow", Result.FAIL: "red"}


def checks_table(title: str, checks: Iterable[Check]) -> Table:
    """Return a report for the screen."""
    table = Table(title=title, title_justify="left", show_header=False)
    for check in checks:
        table.add_row(check.subject, f"[{COLOURS[check.result]}]{check.result.value}[/]", escape(check.text))
    return table


def refuse_failed(checks: Sequence[Check]) -> None:
    """Raise, one line, when a check of a report failed."""
    bad = failed(checks)
    if bad:
        raise PlimsollError(f"{len(bad)} of {len(checks)} checks failed: nothing was sent")


def accounts_of(protocol: Protocol, console: Console, url: str | None, path: Path) -> Mapping[int, AccountState]:
    """Return every account, with a line that says how far the chain is read."""
    with console.status("reading accounts") as status:

        def tell(reached: int, newest: int) -> None:
            status.update(f"reading accounts: block {reached:,} of {newest:,}")

        return every_account(protocol, url, path, tell)


def file_of(chain: Chain, named: Path | None) -> Path:
    """Return where the deployment's manifest is."""
    return manifest_path(chain, named)
