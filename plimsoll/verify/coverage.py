"""Line and branch coverage of the Vyper sources: ``make coverage``.

The tests run on contracts with markers (`plimsoll.verify.instrument`) in the in-process EVM; what ran is put together
over all contracts, so a module's line is covered if any contract that contains it ran it there.

A *line* is a statement; a *branch* is one side of a decision. Each branch that no test takes must stand in
`tests/coverage.toml` with the reason, and each that stands there must be one that no test takes:

    [["contracts/modules/token.vy"]]
    text = "assert ..."        # the decision, as the source has it
    side = "false"
    reason = "why no test can take it"

The command fails below `LEAST` per cent of branches and on every entry that is missing or stale.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from plimsoll import artifacts
from plimsoll.verify.coverage_plugin import FOLDER
from plimsoll.verify.instrument import Place

LEAST = 98.0
EXCEPTIONS = "tests/coverage.toml"
SUITES = ("tests/unit", "tests/fuzz", "tests/stateful", "tests/regression")
LEFT_OUT = ("tests/unit/keeper", "tests/unit/scripts", "tests/unit/report", "tests/unit/docs", "tests/unit/config")
GAS_TESTS = (
    "tests/unit/twap_oracle/test_read.py::test_read__fits_the_oracles_stipend",
    "tests/unit/twap_oracle/test_checkpoint.py::test_checkpoint__late__no_gas_limit_hides_the_pools_record",
)
"""Tests of gas, which markers change."""
SIDES = ("true", "false")

Branch = tuple[str, str, str]
"""File, text of the decision, side."""


@dataclass
class FileCoverage:
    """What ran of one file: statements by place, and sides by decision."""

    statements: dict[Place, bool] = field(default_factory=dict)
    decisions: dict[Place, set[str]] = field(default_factory=dict)

    @property
    def lines(self) -> tuple[int, int]:
        """Covered and all."""
        return sum(self.statements.values()), len(self.statements)

    @property
    def branches(self) -> tuple[int, int]:
        """Covered and all."""
        return sum(map(len, self.decisions.values())), 2 * len(self.decisions)

    def missed(self) -> list[tuple[Place, str]]:
        """Return the sides that were not taken."""
        return [
            (place, side) for place in sorted(self.decisions) for side in SIDES if side not in self.decisions[place]
        ]


def read(folder: Path) -> dict[str, FileCoverage]:
    """Put together what every process wrote."""
    files: dict[str, FileCoverage] = defaultdict(FileCoverage)
    for path in folder.glob("*.json"):
        content = json.loads(path.read_text())
        touched = set(content["touched"])
        for text, values in content["places"].items():
            number, place = int(text), Place(*values)
            known = files[place.file]
            if place.is_decision:
                sides = known.decisions.setdefault(place, set())
                sides |= {side for i, side in enumerate(SIDES) if number + i in touched}
            else:
                known.statements[place] = known.statements.get(place, False) or number in touched
    return dict(sorted(files.items()))


def expected(path: Path) -> dict[Branch, str]:
    """Return the reasons of the branches that no test takes."""
    if not path.is_file():
        return {}
    entries = tomllib.loads(path.read_text())
    return {(file, entry["text"], entry["side"]): entry["reason"] for file, group in entries.items() for entry in group}


def report(files: dict[str, FileCoverage], reasons: dict[Branch, str]) -> tuple[str, list[str]]:
    """Return the table as text, and what is wrong with it."""
    width = max(map(len, files), default=4)
    rows = [f"{'file':{width}}  {'lines':>12}  {'branches':>12}"]
    wrong: list[str] = []
    missed: set[Branch] = set()
    for name, known in files.items():
        rows.append(f"{name:{width}}  {_share(*known.lines)}  {_share(*known.branches)}")
        unrun = sorted({place.line for place, ran in known.statements.items() if not ran})
        if unrun:
            rows.append(f"{'':{width}}  not run: {', '.join(map(str, unrun))}")
        for place, side in known.missed():
            branch = (name, place.text, side)
            missed.add(branch)
            reason = reasons.get(branch)
            rows.append(f"{'':{width}}  {place.line}: never {side}: {place.text}" + (f"  ({reason})" if reason else ""))
            if reason is None:
                wrong.append(
                    f"{name}:{place.line}: no test makes it {side}, and {EXCEPTIONS} has no reason: {place.text}"
                )
    for file, text, side in sorted(set(reasons) - missed):
        wrong.append(f"{EXCEPTIONS}: {file}: {text!r} is {side} in a test, or is gone: remove the entry")
    lines = [known.lines for known in files.values()]
    branches = [known.branches for known in files.values()]
    total = sum(a for a, _ in branches), sum(b for _, b in branches)
    rows.append(f"{'total':{width}}  {_share(sum(a for a, _ in lines), sum(b for _, b in lines))}  {_share(*total)}")
    if 100 * total[0] < LEAST * total[1]:
        wrong.insert(0, f"{100 * total[0] / total[1]:.1f} % of branches, and {LEAST:g} % are asked for")
    return "\n".join(rows), wrong


def _share(part: int, whole: int) -> str:
    return f"{part:4}/{whole:<4}{100 * part / max(whole, 1):6.1f}%"[:16]


def run(folder: Path, suites: list[str], workers: int) -> int:
    """Run the tests with markers; return pytest's exit code."""
    command = [sys.executable, "-m", "pytest", "-p", "plimsoll.verify.coverage_plugin", "-q", "--no-header"]
    command += [f"--ignore={each}" for each in LEFT_OUT]
    command += [f"--deselect={each}" for each in GAS_TESTS]
    command += ["-n", str(workers), "--dist", "loadfile", *suites]
    environment = {**os.environ, FOLDER: str(folder)}
    return subprocess.run(command, env=environment, cwd=artifacts.home(), check=False).returncode


def main() -> None:
    """Run the tests and print the table; exit 1 if coverage is not what it must be."""
    parser = argparse.ArgumentParser(description="Coverage of the Vyper sources by the tests in process.")
    parser.add_argument("suites", nargs="*", default=list(SUITES), help="what pytest is to run")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="a folder for what ran, which is read again with --only-report")
    parser.add_argument("--only-report", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        code = 0 if arguments.only_report else run(folder, arguments.suites, arguments.workers)
        text, wrong = report(read(folder), expected(artifacts.home() / EXCEPTIONS))
    print(text)
    for line in wrong:
        print(line, file=sys.stderr)
    if code:
        print("tests failed: what they cover is not told", file=sys.stderr)
    sys.exit(1 if code or wrong else 0)


if __name__ == "__main__":
    main()
