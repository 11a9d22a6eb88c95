"""What the commands show: tables and progress that read well on a terminal and in a log file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from decimal import Decimal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table

from plimsoll.deploy import Progress
from plimsoll.protocol import Health, MarginAccount, PoolState, Price, Protocol, Status
from plimsoll.reconcile import Check
from plimsoll.units import Amount, show

LOG_WIDTH = 120
_COLOURS = {Status.OK: "green", Status.WIDE: "yellow", Status.STALE: "yellow", Status.DEAD: "red"}


def make_console() -> Console:
    """Return a console; one that is no terminal gets a fixed width, so that tables in a log do not wrap."""
    console = Console()
    return console if console.is_terminal else Console(width=LOG_WIDTH)


@contextmanager
def progress_of(console: Console) -> Iterator[Progress]:
    """Show steps as a bar on a terminal and as lines elsewhere."""
    if not console.is_terminal:

        def tell(number: int, total: int, title: str) -> None:
            if title:
                console.print(f"[{number + 1:>3}/{total}] {title}", markup=False, highlight=False)

        yield tell
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def move(number: int, total: int, title: str) -> None:
            bar.update(task, completed=number, total=total, description=title)

        yield move


def say(console: Console, text: str) -> None:
    """Print a line as it is, however long: ids, addresses and calls are for copying."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def dollars(value: Decimal, places: int = 2) -> str:
    """Return a dollar value for the screen."""
    return f"-${show(-value, places)}" if value < 0 else f"${show(value, places)}"


def percent(value: Decimal, places: int = 2) -> str:
    """Return a fraction in percent for the screen."""
    return f"{show(value * 100, places)} %"


def status(value: Status) -> str:
    """Return a price status for the screen."""
    return f"[{_COLOURS[value]}]{value.name}[/]"


def ratio(value: Decimal | None, places: int = 2) -> str:
    """Return a ratio for the screen; a dash where there is none."""
    return "-" if value is None else f"{show(value, places)}"


def table_of(title: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Table:
    """Return a table whose first column is text and whose others are numbers."""
    table = Table(title=title, title_justify="left", header_style="bold")
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def prices_table(protocol: Protocol, title: str = "Prices") -> Table:
    """Return all prices with their status."""
    rows = (_price_row(symbol, price) for symbol, price in zip(protocol.assets, protocol.prices(), strict=True))
    return table_of(title, ("asset", "bid", "mid", "ask", "status"), rows)


def pools_table(pools: Iterable[PoolState], title: str = "Lending pools") -> Table:
    """Return pools with their utilisation and yearly rates."""
    columns = ("pool", "lenders' assets", "cash", "debt", "utilisation", "borrowers pay", "lenders earn")
    return table_of(title, columns, (_pool_row(pool) for pool in pools))


def positions_table(protocol: Protocol, account: MarginAccount, title: str) -> Table:
    """Return every signed balance of an account."""
    rows = (
        (
            "owes" if position.is_debt else "holds",
            str(position.amount),
            dollars(position.price.mid),
            dollars(position.value),
            percent(position.maintenance_rate),
            status(position.price.status),
        )
        for position in protocol.positions(account)
    )
    return table_of(title, ("", "amount", "price", "value", "margin", "status"), rows)


def health_table(title: str, rows: Iterable[tuple[str, Health]]) -> Table:
    """Return healths, one row for each moment or account."""
    columns = ("", "equity", "debt", "leverage", "maintenance", "initial", "equity/maint.", "price status")
    return table_of(title, columns, (_health_row(name, health) for name, health in rows))


def quotes_table(protocol: Protocol, accounts: Mapping[str, MarginAccount], title: str) -> Table:
    """Return what a take of everything allowed would get of each account now."""
    columns = ("account", "equity", "requirement", "target", "debt", "to take", "bonus")
    rows = []
    for name, account in accounts.items():
        quote = protocol.quote(account)
        values = (quote.equity, quote.requirement, quote.target, quote.debt)
        rows.append((name, *map(dollars, values), percent(quote.max_fraction), percent(quote.bonus)))
    return table_of(title, columns, rows)


def checks_table(checks: Iterable[Check], title: str = "Reconciled to the unit") -> Table:
    """Return checks with the number found, in raw units, and by how many units it is off."""
    rows = (
        (
            check.subject,
            check.name,
            f"{check.found:,}",
            f"{check.found - check.expected}",
            f"{check.slack}",
            "[green]holds[/]" if check.holds else "[red]OFF[/]",
        )
        for check in checks
    )
    return table_of(title, ("", "", "raw units", "off by", "allowed", ""), rows)


def holdings_table(protocol: Protocol, holders: Mapping[str, str], title: str) -> Table:
    """Return what each holder has of each token, the sums, and what was minted; holders of nothing are left out."""
    assets = list(protocol.assets.values())
    balances = {name: [protocol.wallet(address, asset) for asset in assets] for name, address in holders.items()}
    sums = [asset.amount(sum(balances[name][i].raw for name in balances)) for i, asset in enumerate(assets)]
    rows = [(name, *map(_exact, row)) for name, row in balances.items() if any(row)]
    rows.append(("sum", *map(_exact, sums)))
    rows.append(("minted", *(_exact(asset.amount(asset.token.totalSupply())) for asset in assets)))
    return table_of(title, ("", *protocol.assets), rows)


def _exact(amount: Amount) -> str:
    return f"{amount.human:,.{amount.decimals}f}"


def _price_row(symbol: str, price: Price) -> tuple[str, ...]:
    return symbol, dollars(price.bid, 4), dollars(price.mid, 4), dollars(price.ask, 4), status(price.status)


def _pool_row(pool: PoolState) -> tuple[str, ...]:
    return (
        pool.asset.symbol,
        str(pool.total_assets),
        str(pool.cash),
        str(pool.total_debt),
        percent(pool.utilisation),
        percent(pool.borrow_rate),
        percent(pool.supply_rate),
    )


def _health_row(name: str, health: Health) -> tuple[str, ...]:
    return (
        name,
        dollars(health.equity),
        dollars(health.debt),
        ratio(health.leverage),
        dollars(health.maintenance),
        dollars(health.initial),
        ratio(health.factor),
        status(health.status),
    )
