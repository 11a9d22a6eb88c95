"""How fast campaigns run: the same machine on the in-process EVM, on ape's py-evm and on anvil.

    python -m plimsoll.verify.bench [--calls N] [--others N]

A call is one that changes the protocol's state or reverts, in the campaign's own mix; views, feeds, markets and tokens
that a rule needs besides cost their time and are not counted. The last line, ``N calls/s``, is the in-process EVM's on
one core: calls by seconds of that core's time, so that what else the machine does is not measured; the table shows the
clock on the wall beside it.
"""

from __future__ import annotations

import argparse
import gc
import os
import platform
import time
from dataclasses import dataclass
from importlib.metadata import version

from ape.logging import LogLevel, logger
from rich.console import Console
from rich.table import Table

from plimsoll.verify import journal
from plimsoll.verify.campaign.machine import Finding
from plimsoll.verify.campaign.replay import backend_of, chain_of
from plimsoll.verify.campaign.runner import STEPS, campaign
from plimsoll.verify.campaign.world import build

SEED = 20_240_601
CALLS = 60_000
OTHERS = 60
WARM_UP = 2_000


@dataclass(frozen=True)
class Measured:
    """One backend's speed; seconds of a core's time only where the EVM runs in this process."""

    name: str
    calls: int
    wall: float
    cpu: float | None

    @property
    def per_second(self) -> float:
        """Calls per second of a core, or on the wall."""
        return self.calls / (self.cpu or self.wall)


def measure(place: str, name: str, calls: int, steps: int, warm_up: int = 0) -> Measured:
    """Run a campaign of so many calls, or a little more, on a fresh chain; Finding when it finds something."""
    with chain_of(place) as chain:
        world = build(chain)
        backend = backend_of(chain)
        if warm_up:
            campaign(world, backend, SEED + 1, calls=warm_up)
        gc.collect()
        gc.freeze()
        started, burnt = time.monotonic(), time.process_time()
        outcome = campaign(world, backend, SEED, calls=calls, steps=steps)
        wall, cpu = time.monotonic() - started, time.process_time() - burnt
        gc.unfreeze()
    for record in outcome.records:
        raise Finding(record.kind, record.text)
    return Measured(name, outcome.stats.calls, wall, cpu if place != "anvil" else None)


def conditions() -> str:
    """Return what the numbers depend on, in one line."""
    load = os.getloadavg()[0]
    tools = ", ".join(f"{each} {version(each)}" for each in ("pyrevm", "eth-ape"))
    return f"{platform.machine()}, {os.cpu_count()} cores, load {load:.1f}, Python {platform.python_version()}, {tools}"


def main() -> None:
    """Measure, print a table, and end with the line that others read."""
    parser = argparse.ArgumentParser(prog="plimsoll.verify.bench", description="Speed of campaigns.")
    parser.add_argument("--calls", type=int, default=CALLS)
    parser.add_argument("--others", type=int, default=OTHERS, help="calls on py-evm and on anvil; 0 leaves them out")
    options = parser.parse_args()
    logger.set_level(LogLevel.WARNING)
    console = Console()
    rows = [measure("revm", "pyrevm", options.calls, STEPS, WARM_UP)]
    if options.others:
        rows.append(measure("py-evm", "ape on py-evm", options.others, options.others))
        rows.append(measure("anvil", "ape on anvil", options.others, options.others))
    table = Table(title="campaign speed", title_justify="left", box=None, pad_edge=False)
    for heading in ("backend", "calls", "calls/s, core", "calls/s, wall", "times slower"):
        table.add_column(heading, justify="left" if heading == "backend" else "right")
    for row in rows:
        table.add_row(
            row.name,
            f"{row.calls:,}",
            f"{row.calls / row.cpu:,.1f}" if row.cpu else "",
            f"{row.calls / row.wall:,.1f}",
            f"{rows[0].per_second / row.per_second:,.0f}",
        )
    if options.others and options.calls >= CALLS:
        seconds = sum(row.wall for row in rows)
        journal.note("bench", per_second=rows[0].per_second, anvil=rows[-1].per_second, seconds=seconds)
    console.print(table)
    console.print(conditions())
    print(f"{rows[0].per_second:.0f} calls/s")


if __name__ == "__main__":
    main()
