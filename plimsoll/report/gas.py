"""What each operation costs, beside the best peer and below its bound: ``python -m plimsoll.report.gas``, ``ape run gas``.

Writes ``tests/gas/snapshot.json``: ``{"lender deposit": {"first": n, "steady": n}, ...}``. With ``--check`` it compares
with that file instead and fails on any difference; with ``--profile`` it shows where the gas goes. Either way it fails
when a row is not below its bound. `CONDITIONS` says how the figures are made; `plimsoll.report.gas_scenario` makes them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from plimsoll import artifacts
from plimsoll.chain.base import Revert
from plimsoll.errors import PlimsollError
from plimsoll.report.anvil import HARDFORK, SECONDS_PER_BLOCK, anvil

CONDITIONS = f"""\
Gas used by one top-level transaction: 21,000 + calldata + execution - refunds. anvil, hardfork {HARDFORK}, gas price and base
fee 0, {SECONDS_PER_BLOCK} seconds between transactions, pools that earn interest. Real pool, engine, risk engine and operator registry; the
token is a plain ERC-20 with infinite approvals, a price source reads one word, the router pays at a fixed rate. Unlimited
caps are not used: every check that a user meets is on.
first: the account's first use. steady: a later use by the same account, every slot it touches non-zero.
The peers' figures and the floors were measured in the same way, for isolated pairs or a single debt."""


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
)
"""Operations that peers have, too; named as in the snapshot, which other tools read."""

OWN_ROWS = (
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
    Row("TWAP read, older checkpoint", 25_000),
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
    """Read a snapshot; FileNotFoundError if there is none."""
    return {name: Cost(**cost) for name, cost in json.loads(path.read_text()).items()}


def save_snapshot(path: Path, costs: Costs) -> None:
    """Write a snapshot, sorted, so that a change of it reads as a change of gas."""
    text = json.dumps({name: asdict(cost) for name, cost in costs.items()}, indent=2, sort_keys=True)
    path.write_text(text + "\n")


def snapshot_path() -> Path:
    """Return where the project keeps its snapshot."""
    return artifacts.home() / "tests" / "gas" / "snapshot.json"


def table(costs: Costs, rows: Sequence[Row] = ROWS) -> Table:
    """Return the figures as a table, in the order of `rows`."""
    shown = Table(title="Gas per operation")
    shown.add_column("operation")
    for heading in ("ours, first", "ours, steady", "bound", "best peer", "floor"):
        shown.add_column(heading, justify="right")
    shown.add_column("which peer")
    shown.add_column("to the peer", justify="right")
    shown.add_column("")
    for row in rows:
        cost = costs[row.name]
        shown.add_row(
            row.name,
            f"{cost.first:,}",
            f"{cost.steady:,}",
            _figure(row.bound, "< "),
            _figure(row.peer),
            _figure(row.floor),
            row.peer_name,
            "" if row.peer is None else f"{100 * (cost.steady - row.peer) / row.peer:+.1f} %",
            _verdict(row, cost),
        )
    return shown


def report(*, check: bool = False, profile: bool = False, console: Console | None = None) -> int:
    """Measure, print and write (or with `check`, compare); return the exit code."""
    console = console or Console()
    from plimsoll.report.gas_profile import profiles
    from plimsoll.report.gas_scenario import measure

    with anvil(tracing=profile) as chain, console.status("Measuring gas on anvil") as status:
        uses = measure(chain, lambda name: status.update(f"Measuring gas on anvil: {name}"))
        costs = {name: Cost(made[0].gas, made[-1].gas) for name, made in uses.items()}
        shown = profiles(chain, {name: made[-1] for name, made in uses.items()}) if profile else []
    for each in shown:
        console.print(each)
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


def _figure(value: int | None, prefix: str = "") -> str:
    return "" if value is None else f"{prefix}{value:,}"


def _verdict(row: Row, cost: Cost) -> str:
    if row.bound is None:
        return ""
    return "[green]ok[/]" if cost.steady < row.bound else "[bold red]over[/]"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="gas", description="Measure the gas of each operation on a local chain.")
    parser.add_argument("--check", action="store_true", help="compare with the committed snapshot instead of writing it")
    parser.add_argument("--profile", action="store_true", help="show where the gas of each operation goes")
    options = parser.parse_args(arguments)
    try:
        return report(check=options.check, profile=options.profile)
    except (PlimsollError, artifacts.ArtifactError, Revert, FileNotFoundError) as error:
        print(f"gas: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("gas: stopped", file=sys.stderr)
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
