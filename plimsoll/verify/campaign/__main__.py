"""The campaign's commands.

    python -m plimsoll.verify.campaign run [--minutes N] [--calls N] [--jobs K] [--engine processes|ray] [--seed X]
    [--ladder NAME]
    python -m plimsoll.verify.campaign replay FILE [--on revm|anvil|py-evm] [--trace-all] [--shrink SECONDS]
    python -m plimsoll.verify.campaign planted [NAME ...]

A run ends with 1 when something was found; records are in .cache/fuzz/findings, the corpus in .cache/fuzz/corpus.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import time
from pathlib import Path

from rich.console import Console

from plimsoll.artifacts import home
from plimsoll.verify import journal
from plimsoll.verify.campaign import record, report
from plimsoll.verify.campaign.machine import LADDER, RULES, Stats
from plimsoll.verify.campaign.planted import DEFECTS
from plimsoll.verify.campaign.replay import TRACING, backend_of, chain_of, replay
from plimsoll.verify.campaign.runner import STEPS, Campaign
from plimsoll.verify.campaign.shards import ENGINES, SHRINKING, RayMissingError, Result, Shard, work
from plimsoll.verify.campaign.shrink import shrink
from plimsoll.verify.campaign.world import build

FOLDER = ".cache/fuzz"
FINDINGS = 10
PLANTED_SECONDS = 60


def main(arguments: list[str] | None = None) -> int:
    """Run a command; return the exit code."""
    parser = argparse.ArgumentParser(prog="plimsoll.verify.campaign", description="Campaigns over the whole protocol.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run a campaign")
    run.add_argument("--minutes", type=float, default=0)
    run.add_argument("--calls", type=int, default=0, help="of each shard; with --minutes, whatever comes first")
    run.add_argument("--jobs", type=int, default=1)
    run.add_argument("--engine", choices=sorted(ENGINES), default="processes")
    run.add_argument("--seed", default="", help="a number, or any text; without one the clock")
    run.add_argument("--steps", type=int, default=STEPS, help="of one run")
    run.add_argument("--ladder", choices=LADDER, default=LADDER[-1])
    run.add_argument("--findings", type=int, default=FINDINGS, help="different ones, after which a shard stops")
    run.add_argument("--folder", type=Path, default=home() / FOLDER)
    again = commands.add_parser("replay", help="play a record again")
    again.add_argument("file", type=Path)
    again.add_argument("--on", choices=("revm", "anvil", "py-evm"), default="revm")
    again.add_argument(
        "--shrink", type=float, default=0, metavar="SECONDS", help="make the record shorter first, in place"
    )
    again.add_argument("--trace-all", action="store_true", help="on anvil: trace every call, not only the last")
    defects = commands.add_parser("planted", help="show that defects on purpose are found")
    defects.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(DEFECTS)}; all without one")
    defects.add_argument("--seconds", type=float, default=PLANTED_SECONDS, help="that finding one may take")
    defects.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    console = Console()
    if options.command == "run":
        return run_campaign(options, console)
    if options.command == "replay":
        return run_replay(options, console)
    return run_planted(options, console)


def run_campaign(options: argparse.Namespace, console: Console) -> int:
    """Run shards and print one table."""
    seed = number_of(options.seed)
    shards = [
        Shard(
            number=i,
            seed=seed + i,
            seconds=60 * options.minutes,
            calls=options.calls,
            steps=options.steps,
            ladder=LADDER.index(options.ladder) + 1,
            corpus=str(options.folder / "corpus"),
            findings=options.findings,
            kept=str(options.folder / "findings"),
        )
        for i in range(options.jobs)
    ]
    console.print(f"campaign: {options.jobs} shard(s) by {options.engine}, ladder up to {options.ladder}, seed {seed}")
    try:
        results = ENGINES[options.engine](shards)
    except RayMissingError as error:
        console.print(str(error))
        return 2
    if options.folder == home() / FOLDER:
        note(results)
    return tell(results, console)


def note(results: list[Result]) -> None:
    """Add the campaign to what verification showed."""
    journal.note(
        "campaign",
        calls=sum(result.stats.calls for result in results),
        runs=sum(result.stats.runs for result in results),
        checks=sum(result.stats.checks for result in results),
        findings=sum(len(result.records) for result in results),
        seconds=sum(result.cpu for result in results),
    )


def number_of(seed: str) -> int:
    """Return a seed as a number: itself, or of a text's hash; the clock's without one."""
    if not seed:
        return int(time.time())
    if seed.isdecimal():
        return int(seed)
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big")


def tell(results: list[Result], console: Console) -> int:
    """Print what shards did, write what they found, which is short by now; return the exit code."""
    total = Stats()
    rows = []
    found = []
    for result in results:
        total.merge(result.stats)
        found += [(result.shard.file_of(each), each) for each in result.records]
        speed = result.stats.calls / result.cpu if result.cpu else 0
        rows.append(
            (
                str(result.shard.number),
                str(result.shard.seed),
                f"{result.stats.calls:,}",
                f"{speed:,.0f}",
                f"{result.stats.runs:,}",
                f"{result.stats.checks:,}",
                f"{len(result.stats.features)}",
                str(len(result.records)),
            )
        )
    report.flows(total, console)
    report.features(total, console)
    report.functions(total, console)
    report.shards(rows, console)
    cpu = sum(result.cpu for result in results)
    console.print(
        f"\n{total.calls:,} calls in {total.runs:,} runs, {total.checks:,} full checks, {cpu:,.0f} s of CPU, "
        f"{total.calls / max(cpu, 0.001):,.0f} calls per second of one core"
    )
    for path, each in found:
        each.save(path)
        console.print(f"\n[bold]found[/bold] {each.kind}: {each.text}", highlight=False)
        console.print(
            f"{len(each.steps)} steps; replay: python -m plimsoll.verify.campaign replay {path}", highlight=False
        )
    console.print("nothing was found" if not found else f"\n{len(found)} finding(s)")
    return 1 if found else 0


def run_replay(options: argparse.Namespace, console: Console) -> int:
    """Play a record again."""
    if options.trace_all and options.on != TRACING:
        console.print(f"only {TRACING} gives traces: add --on {TRACING}")
        return 2
    kept = record.load(options.file)
    gone = {rule for rule, _ in kept.steps} - set(RULES)
    if gone:
        console.print(f"{options.file} is of other code: there is no rule {', '.join(sorted(gone))}")
        return 2
    if options.shrink:
        with chain_of("revm") as chain:
            campaign = Campaign(build(chain), backend_of(chain), kept.ladder, kept.planted)
            kept = shrink(campaign, kept, options.shrink)
            kept.save(options.file)
    found = replay(kept, options.on, console, trace_all=options.trace_all)
    if found is None:
        console.print(f"does not fail on {options.on}: it did with {kept.kind}: {kept.text}", highlight=False)
        return 0
    console.print(f"[bold]{found.kind}[/bold]: {found.text}", highlight=False)
    return 1


def run_planted(options: argparse.Namespace, console: Console) -> int:
    """Plant defects one by one and find them."""
    missed = 0
    unknown = set(options.names) - set(DEFECTS)
    if unknown:
        console.print(f"no such defect: {', '.join(sorted(unknown))}; there are {', '.join(DEFECTS)}")
        return 2
    for name in options.names or DEFECTS:
        started = time.monotonic()
        result = work(Shard(0, options.seed, options.seconds, 0, planted=name, shrinking=SHRINKING / 4))
        seconds = time.monotonic() - started
        if not result.records:
            missed += 1
            console.print(f"{name}: not found in {result.stats.calls:,} calls ({DEFECTS[name].story})")
            continue
        each = result.records[0]
        console.print(
            f"{name}: found after {result.stats.calls:,} calls, {result.wall:.1f} s; {len(each.steps)} steps are left "
            f"after {seconds:.0f} s ({DEFECTS[name].story})\n    {each.kind}: {each.text}",
            highlight=False,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
