"""What each operation costs, beside the best peer and below its bound: ``ape run gas``.

Writes ``tests/gas/snapshot.json``: ``{"lender deposit": {"first": n, "steady": n}, ...}``. With ``--check`` it compares
with that file instead and fails on any difference; with ``--profile`` it shows where the gas goes. Either way it fails
when a row is not below its bound. `CONDITIONS` says how it is measured, `plimsoll.report.gas_scenario` measures.

The rows of price sources are not transactions: they are what one contract spends on calling ``read()`` of another,
everything cold, as the peers' consultations were measured. Ours answers more: a dollar price, its limited twin, its
age, and whether the liquidity was deep enough, where a consultation is a mean tick and a liquidity. It includes the
cost of its quote token's price source, which reads one word.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from plimsoll import artifacts
from plimsoll.commands import one_line
from plimsoll.errors import PlimsollError
from plimsoll.report.anvil import HARDFORK, SECONDS_PER_BLOCK, anvil
from plimsoll.report.gas_profile import profiles
from plimsoll.report.gas_scenario import OBSERVATIONS, measure
from plimsoll.screen import make_console

CONDITIONS = f"""\
Gas used by one top-level transaction: 21,000 + calldata + execution - refunds. anvil, hardfork {HARDFORK}, gas price
and base fee 0, {SECONDS_PER_BLOCK} seconds between transactions, pools that earn interest. Pool, engine, risk engine
and operator registry are the real ones, with every check on; the token is a plain ERC-20 with infinite approvals,
a price source reads one word, the router pays at a fixed rate; Uniswap v3 is real, with {OBSERVATIONS:,} observations.
first: the account's first use. steady: a later use by the same account, every slot it touches non-zero.
TWAP rows: what a contract spends on reading the price source, with checkpoints taken as soon as they are due.
Peers and floors were measured in the same way, for isolated pairs or a single debt."""


@dataclass(frozen=True, slots=True)
class Row:
    """An operation and the figures it is held against: gas as a whole number, None where there is none.

    `bound` is what the steady figure must be below, `floor` the least that an operation of that kind can cost.
    """

    name: str
    bound: int | None = None
    peer: int | None = None
    peer_name: str = ""
    floor: int | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """Gas of an operation's first and of its later use."""

    first: int
    steady: int


Costs = Mapping[str, Cost]

PEER_ROWS = (
    Row("lender deposit", 80_000, 81_721, "Compound III", 59_667),
    Row("lender withdraw", 77_000, 77_712, "Compound III", 58_139),
    Row("accrue", 48_000, 48_875, "Compound III", 33_709),
    Row("collateral in (no debt)", 60_000, 53_604, "Unstoppable", 46_219),
    Row("collateral out, with debt", 105_000, 86_950, "Compound III", 51_174),
    Row("borrow", 115_000, 92_663, "Morpho Blue", 59_619),
    Row("repay, part", 85_000, 80_070, "Compound III", 56_811),
    Row("open a leveraged position, stub swap", 190_000, 172_747, "Fraxlend", 132_950),
    Row("close it", 150_000, 155_111, "Fraxlend (part)", 78_900),
    Row("TWAP read, 1,000 observations", 25_000, 67_309, "Uniswap consult", 5_100),
    Row("start an auction", 110_000, 317_298, "Maker bark", 78_572),
    Row("take, part", 145_000, 114_257, "Maker take", 77_808),
    Row("liquidation, cash in hand: start + take + repay", 330_000, 113_254, "Morpho Blue", 77_924),
    Row("liquidation, cash in hand: one transaction", 230_000, 113_254, "Morpho Blue", 77_924),
)
"""Operations that peers have, too; named as in the snapshot, which other tools read."""

OWN_ROWS = (
    Row("repay after a take, part"),
    Row("close a part"),
    Row("open again after closing"),
    Row("close in full, reduce-only"),
    Row("collateral in, with debt"),
    Row("collateral out (no debt)"),
    Row("transfer between accounts, with debt"),
    Row("trade by an operator"),
    Row("batch: deposit and open"),
    Row("batch: deposit, open, withdraw"),
    Row("open on Uniswap v3"),
    Row("borrow, three sources per price"),
    Row("TWAP read, checkpoint overdue"),
    Row("TWAP read without a checkpoint"),
    Row("TWAP checkpoint"),
)
"""Operations without a measured peer."""

ROWS = PEER_ROWS + OWN_ROWS


def over_bound(costs: Costs) -> list[str]:
    """Return the names of the rows whose steady figure is not below its bound."""
    return [row.name for row in ROWS if row.bound is not None and costs[row.name].steady >= row.bound]


def drift(costs: Costs, snapshot: Costs) -> list[str]:
    """Return one line for each row in which the two differ, rows that only one of them has included."""
    lines = []
    for name in sorted({*costs, *snapshot}):
        now, then = costs.get(name), snapshot.get(name)
        if now is None or then is None:
            lines.append(f"{name}: {'not measured any more' if now is None else 'not in the snapshot'}")
        elif now != then:
            lines.append(
                f"{name}: first {then.first:,} -> {now.first:,} ({now.first - then.first:+,}), "
                f"steady {then.steady:,} -> {now.steady:,} ({now.steady - then.steady:+,})"
            )
    return lines


def load_snapshot(path: Path) -> dict[str, Cost]:
    """Read a snapshot; PlimsollError if there is none or it is damaged."""
    try:
        return {name: Cost(**cost) for name, cost in json.loads(path.read_text()).items()}
    except FileNotFoundError as error:
        raise PlimsollError(f"there is no {path.name} to compare with: run `make gas`") from error
    except (AttributeError, TypeError, ValueError) as error:
        raise PlimsollError(f"{path.name} is damaged ({error}): run `make gas`") from error


def save_snapshot(path: Path, costs: Costs) -> None:
    """Write a snapshot, sorted, so that a change of it reads as a change of gas."""
    text = json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=2, sort_keys=True)
    path.write_text(text + "\n")


def snapshot_path() -> Path:
    """Return where the project keeps its snapshot."""
    return artifacts.home() / "tests" / "gas" / "snapshot.json"


def table(costs: Costs, rows: Sequence[Row] = ROWS) -> Table:
    """Return the figures as a table, in the order of `rows`."""
    shown = Table(title="Gas per operation", box=SIMPLE_HEAD, padding=0, pad_edge=False)
    shown.add_column("operation", no_wrap=True)
    for heading in ("first", "steady", "below", "floor", "peer"):
        shown.add_column(heading, justify="right")
    shown.add_column("who is best", no_wrap=True)
    shown.add_column("to it", justify="right", no_wrap=True)
    shown.add_column("")
    for row in rows:
        cost = costs[row.name]
        shown.add_row(
            row.name,
            f"{cost.first:,}",
            f"{cost.steady:,}",
            _figure(row.bound),
            _figure(row.floor),
            _figure(row.peer),
            row.peer_name,
            "" if row.peer is None else f"{100 * (cost.steady - row.peer) / row.peer:+.1f} %",
            _verdict(row, cost),
        )
    return shown


def report(*, check: bool = False, profile: bool = False, console: Console | None = None) -> int:
    """Measure, print and write (or with `check`, compare); return the exit code."""
    console = console or make_console()
    with anvil(tracing=profile) as chain, console.status("Measuring gas on anvil") as status:
        uses = measure(chain, lambda name: status.update(f"Measuring gas on anvil: {name}"))
        costs = {name: Cost(made[0].gas, made[-1].gas) for name, made in uses.items()}
        shown = profiles(chain, {name: made[-1] for name, made in uses.items()}) if profile else []
    for each in shown:
        console.print(each, crop=False)
    console.print(table(costs))
    console.print(CONDITIONS, highlight=False, style="dim")
    return _judge(costs, check, console)


def _judge(costs: Costs, check: bool, console: Console) -> int:
    failures = [f"not below its bound: {name}" for name in over_bound(costs)]
    path = snapshot_path()
    if check:
        failures += [f"differs from {path.name}: {line}" for line in drift(costs, load_snapshot(path))]
    else:
        save_snapshot(path, costs)
    for line in failures:
        console.print(line, style="bold red", highlight=False)
    return 1 if failures else 0


def _figure(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _verdict(row: Row, cost: Cost) -> str:
    if row.bound is None:
        return ""
    return "[green]ok[/]" if cost.steady < row.bound else "[bold red]over[/]"


@click.command()
@click.option("--check", is_flag=True, help="Compare with the committed snapshot instead of writing it.")
@click.option("--profile", is_flag=True, help="Show where the gas of each operation goes.")
@one_line
def cli(check: bool, profile: bool) -> None:
    """Measure the gas of every operation, print it beside the best peer, fail above the bounds."""
    code = report(check=check, profile=profile)
    if code:
        raise SystemExit(code)


if __name__ == "__main__":
    cli()
