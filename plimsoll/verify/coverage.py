"""Line and branch coverage of the Vyper sources: ``make coverage``.

The tests run on contracts with markers (`plimsoll.verify.instrument`) in the in-process EVM; what ran is put together
over all contracts, so a module's line is covered if any contract that contains it ran it there.

A *line* is a statement; a *branch* is one side of a decision. Each branch that no test takes, and each statement that
none runs, must stand in `tests/coverage.toml` with the reason, and what stands there must be so:

    [["contracts/modules/token.vy"]]
    text = "assert ..."        # the decision or statement, as the first of its lines in the source has it
    side = "false"             # or "true"; "run" of a statement
    reason = "why no test can take it"

Where several decisions of a file read alike, each that misses the side has an entry.

The command fails below `LEAST` per cent of branches, on every entry that is missing or stale, on a source that no test
deploys, and when a test fails. Mocks are instrumented for the modules that they bring to a chain, and not counted.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from plimsoll import artifacts
from plimsoll.verify import journal
from plimsoll.verify.coverage_plugin import FOLDER
from plimsoll.verify.instrument import Place

LEAST = 98.0
EXCEPTIONS = "tests/coverage.toml"
PROFILE = "mutation"
"""Of hypothesis, unless the environment names another: draws that are the same in every run."""
SUITES = ("tests/unit", "tests/fuzz", "tests/stateful", "tests/regression", "tests/differential", "tests/attacks")
MOCKS = "contracts/mocks/"
LEFT_OUT = tuple(
    f"tests/unit/{each}/" for each in ("chain", "config", "docs", "keeper", "report", "risk", "scripts", "verify")
)
PLAIN_ONLY = (
    "tests/unit/twap_oracle/test_read.py::test_read__fits_the_oracles_stipend",
    "tests/unit/twap_oracle/test_checkpoint.py::test_checkpoint__late__no_gas_limit_hides_the_pools_record",
    "tests/regression/test_gas_starved_oracle.py::",
    "tests/unit/isolated_factory/test_constructor.py::test_blueprints__hold_the_creation_code",
    "tests/unit/isolated_factory/test_list_asset.py::test_list_asset__pool__is_the_same_code_as_one_deployed_directly",
    "tests/unit/margin_engine/test_attacks.py::test_gas_limit__never_changes_a_status_or_an_outcome",
    "tests/unit/margin_engine/test_constructor.py::test_runtime__leaves_room_for_the_liquidation",
    "tests/unit/margin_lens/test_balances.py::test_balances__largest_batch__fits_thirty_million_gas",
    "tests/unit/margin_lens/test_health.py::test_health__hundred_largest_accounts__fit_thirty_million_gas",
    "tests/unit/margin_lens/test_health_batch.py::test_health_batch__any_gas__right_or_zero",
    "tests/unit/margin_lens/test_health_batch.py::test_health_batch__five_hundred_accounts__fit_thirty_million_gas",
    "tests/unit/margin_lens/test_liquidation_quote.py::test_liquidation_quote__little_gas__is_not_ok",
    "tests/unit/margin_lens/test_positions.py::test_positions__any_gas__rows_are_right_or_not_ok",
    "tests/unit/margin_lens/test_total.py::test_every_view__gas_burning_answers__any_gas_from_a_million_returns",
    "tests/unit/margin_lens/test_total.py::test_health__any_gas__right_or_not_ok",
    "tests/unit/risk_engine/test_cure_window.py::test_window__gas_starved__never_counts_as_up",
    "tests/unit/risk_engine/test_mark.py::test_mark__gas_starved__never_starts_the_clock_of_an_asset_that_is_ok",
    "tests/unit/risk_engine/test_prices.py::test_prices__gas_starved__assess_and_prices_agree",
    "tests/unit/risk_engine/test_prices.py::test_prices__gas_starved__same_answer_or_revert",
    "tests/unit/risk_engine/test_prices.py::test_prices__source_within_its_gas_counts_and_beyond_it_does_not",
    "tests/unit/risk_engine/test_views.py::test_runtime_size",
    "tests/unit/uniswap_v3_depth/test_depth.py::test_depth__more_dust_than_is_crossed__within_its_gas",
)
"""Tests of gas and of code, which markers change: they pass without."""
SIDES = ("true", "false")
RUN = "run"

Branch = tuple[str, str, str]
"""File, text of the decision or statement, side."""


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
        """Return the sides that were not taken, and the statements that did not run."""
        unrun = [(place, RUN) for place, ran in self.statements.items() if not ran]
        sides = [(place, side) for place, taken in self.decisions.items() for side in SIDES if side not in taken]
        return sorted(unrun + sides)


def read(folder: Path) -> dict[str, FileCoverage]:
    """Put together what every process wrote."""
    files: dict[str, FileCoverage] = defaultdict(FileCoverage)
    for path in folder.glob("*.json"):
        content = json.loads(path.read_text())
        touched = set(content["touched"])
        for text, values in content["places"].items():
            number, place = int(text), Place(*values)
            if place.file.startswith(MOCKS):
                continue
            known = files[place.file]
            if place.is_decision:
                sides = known.decisions.setdefault(place, set())
                sides |= {side for i, side in enumerate(SIDES) if number + i in touched}
            else:
                known.statements[place] = known.statements.get(place, False) or number in touched
    return dict(sorted(files.items()))


def expected(path: Path) -> dict[Branch, list[str]]:
    """Return the reasons of what no test takes: as many as there are entries of a text and side."""
    reasons: dict[Branch, list[str]] = defaultdict(list)
    for file, group in tomllib.loads(path.read_text()).items():
        for entry in group:
            reasons[file, entry["text"], entry["side"]].append(entry["reason"])
    return dict(reasons)


def sources() -> list[str]:
    """Return every source that must be covered, by its path from the project."""
    root = artifacts.home()
    found = (str(path.relative_to(root)) for path in (root / "contracts").rglob("*.vy"))
    return sorted(name for name in found if not name.startswith(MOCKS))


def report(
    files: dict[str, FileCoverage], reasons: dict[Branch, list[str]], wanted: Iterable[str]
) -> tuple[str, list[str]]:
    """Return the table as text, and what is wrong with it."""
    width = max(map(len, files), default=4)
    rows = [f"{'file':{width}}  {'lines':>12}  {'branches':>12}"]
    wrong = [f"{name}: no test deploys it" for name in wanted if name not in files]
    unused = {branch: list(each) for branch, each in reasons.items()}
    for name, known in files.items():
        rows.append(f"{name:{width}}  {_share(*known.lines)}  {_share(*known.branches)}")
        for place, side in known.missed():
            given = unused.get((name, place.text, side))
            reason = given.pop(0) if given else ""
            rows.append(f"{'':{width}}  {place.line}: never {side}: {place.text}" + (f"  ({reason})" if reason else ""))
            if not reason:
                wrong.append(f"{name}:{place.line}: never {side}, and {EXCEPTIONS} has no reason: {place.text}")
    for (file, text, side), each in sorted(unused.items()):
        wrong += len(each) * [f"{EXCEPTIONS}: {file}: {text!r} is {side} in a test, or is gone: remove the entry"]
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
    command += [f"--deselect={each}" for each in PLAIN_ONLY]
    command += ["-n", str(workers), "--dist", "loadfile", *suites]
    environment = {"HYPOTHESIS_PROFILE": PROFILE, **os.environ, FOLDER: str(folder)}
    return subprocess.run(command, env=environment, cwd=artifacts.home(), check=False).returncode


def _note(files: dict[str, FileCoverage], reasons: int, seconds: float) -> None:
    journal.note(
        "coverage",
        lines=sum(known.lines[0] for known in files.values()),
        all_lines=sum(known.lines[1] for known in files.values()),
        branches=sum(known.branches[0] for known in files.values()),
        all_branches=sum(known.branches[1] for known in files.values()),
        reasons=reasons,
        seconds=seconds,
    )


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
        started = time.monotonic()
        code = 0 if arguments.only_report else run(folder, arguments.suites, arguments.workers)
        seconds = time.monotonic() - started
        files, reasons = read(folder), expected(artifacts.home() / EXCEPTIONS)
        text, wrong = report(files, reasons, sources())
    if not (code or arguments.only_report or arguments.suites != list(SUITES)):
        _note(files, sum(map(len, reasons.values())), seconds)
    print(text)
    for line in wrong:
        print(line, file=sys.stderr)
    if code:
        print("tests failed: what they cover is not told", file=sys.stderr)
    sys.exit(1 if code or wrong else 0)


if __name__ == "__main__":
    main()
