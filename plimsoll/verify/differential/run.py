"""Every differential, at one of three sizes, over several processes; a run that was stopped goes on.

Results are kept in `.cache/differential`, one file per state of the sources and seed, one line per chunk.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.progress import Progress

from plimsoll import artifacts
from plimsoll.verify import journal
from plimsoll.verify.differential import accounts, auctions, pools, prices, risk
from plimsoll.verify.differential.bench import Bench
from plimsoll.verify.differential.formula import Formula
from plimsoll.verify.differential.machines import MACHINES

CHUNK = 2_000
SIZES = {"quick": 50_000, "ci": 250_000, "nightly": 1_000_000}
"""Cases over all formulas and machines, at least."""
SEED = "plimsoll"

FORMULAS: tuple[Formula, ...] = (
    *accounts.FORMULAS,
    *risk.FORMULAS,
    *prices.FORMULAS,
    *pools.FORMULAS,
    *auctions.FORMULAS,
)


class Check(Protocol):
    """What a formula and a machine have in common."""

    @property
    def name(self) -> str:
        """Unique."""

    def check(self, bench: Bench, seed: str, chunk: int, cases: int) -> tuple[int, list[str]]:
        """Compare so many cases; return how many differ and what the first of them are."""


_ALL: tuple[Check, ...] = (*FORMULAS, *MACHINES)
CHECKS: dict[str, Check] = {check.name: check for check in _ALL}


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one chunk."""

    name: str
    chunk: int
    cases: int
    count: int
    seconds: float
    differences: list[str] = field(default_factory=list)


def each(size: str) -> int:
    """Return the cases of every formula and machine at a size."""
    return -(-SIZES[size] // len(CHECKS))


def chunks(names: Iterable[str], cases: int) -> list[tuple[str, int, int]]:
    """Return the name, number and size of every chunk of so many cases per name."""
    return [(name, at // CHUNK, min(CHUNK, cases - at)) for name in names for at in range(0, cases, CHUNK)]


def fingerprint(root: Path) -> str:
    """Return a digest of everything on which a result depends."""
    digest = hashlib.sha256()
    folders = ("contracts", "plimsoll/model", "plimsoll/verify/differential")
    for path in sorted(path for folder in folders for path in (root / folder).rglob("*.[vp]y*") if path.is_file()):
        if path.suffix in (".vy", ".vyi", ".py"):
            digest.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


_bench: list[Bench] = []


def work(name: str, chunk: int, cases: int, seed: str) -> Result:
    """Compare one chunk on this process's chain."""
    if not _bench:
        _bench.append(Bench())
    started = time.process_time()
    count, differences = CHECKS[name].check(_bench[0], seed, chunk, cases)
    return Result(name, chunk, cases, count, time.process_time() - started, differences)


def run(names: Sequence[str], cases: int, seed: str, jobs: int, store: Path) -> list[Result]:
    """Compare so many cases per name; what `store` has is not done again."""
    wanted = chunks(names, cases)
    done = _stored(store)
    results = [done[name, chunk] for name, chunk, size in wanted if _has(done, name, chunk, size)]
    left = [(name, chunk, size) for name, chunk, size in wanted if not _has(done, name, chunk, size)]
    store.parent.mkdir(parents=True, exist_ok=True)
    with (
        store.open("a") as file,
        Progress(console=Console(stderr=True), transient=True) as progress,
        ProcessPoolExecutor(jobs) as pool,
    ):
        bar = progress.add_task("cases", total=sum(size for *_, size in left))
        tasks = [pool.submit(work, name, chunk, size, seed) for name, chunk, size in left]
        try:
            for task in as_completed(tasks):
                result = task.result()
                file.write("\n" + json.dumps(asdict(result)))  # a line that was cut stays one of its own
                file.flush()
                results.append(result)
                progress.advance(bar, result.cases)
        except KeyboardInterrupt:
            pool.shutdown(cancel_futures=True)
            raise
    return results


def table(results: Iterable[Result]) -> str:
    """Return formula, cases, differences and cases per second of one core, and the sum."""
    found: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        found[result.name].append(result)
    lines = [f"{'formula':34}{'cases':>10}{'differences':>13}{'cases/s':>10}"]
    lines += [_line(name, found[name]) for name in CHECKS if name in found]
    lines.append(_line("all", [result for some in found.values() for result in some]))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; 1 if anything differs."""
    parser = argparse.ArgumentParser(prog="python -m plimsoll.verify.differential", description=__doc__)
    parser.add_argument("--size", choices=SIZES, default="ci")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", default=SEED, help="another one draws other cases")
    parser.add_argument("--only", default="", help="part of a formula's or a machine's name")
    parser.add_argument("--again", action="store_true", help="forget what an earlier run has found")
    given = parser.parse_args(arguments)
    names = [name for name in CHECKS if given.only in name]
    if not names:
        parser.error(f"nothing is called {given.only}")
    root = artifacts.home()
    store = (
        root
        / ".cache"
        / "differential"
        / f"{fingerprint(root)}-{hashlib.sha256(given.seed.encode()).hexdigest()[:8]}.jsonl"
    )
    if given.again:
        store.unlink(missing_ok=True)
    try:
        results = run(names, each(given.size), given.seed, given.jobs, store)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here", file=sys.stderr)
        return 130
    for result in results:
        for difference in result.differences:
            print(difference)
    print(table(results))
    if not given.only:
        journal.note(
            "differential",
            cases=sum(result.cases for result in results),
            formulas=len(names),
            differences=sum(result.count for result in results),
            seconds=sum(result.seconds for result in results),
        )
    return int(any(result.count for result in results))


def _stored(store: Path) -> dict[tuple[str, int], Result]:
    if not store.is_file():
        return {}
    found = (Result(**json.loads(line)) for line in store.read_text().splitlines() if line.endswith("}"))
    return {(result.name, result.chunk): result for result in found}


def _has(done: dict[tuple[str, int], Result], name: str, chunk: int, cases: int) -> bool:
    return (name, chunk) in done and done[name, chunk].cases == cases


def _line(name: str, results: Sequence[Result]) -> str:
    cases = sum(result.cases for result in results)
    seconds = max(sum(result.seconds for result in results), 1e-9)
    return f"{name:34}{cases:>10,}{sum(result.count for result in results):>13,}{cases / seconds:>10,.0f}"
