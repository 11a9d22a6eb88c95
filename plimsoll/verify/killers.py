"""Which tests kill the mutants of a source: of nearby lines in this run, and of the whole file in the last full one.

`tests/killers.json` names for every source the test files that were first to kill mutants of it, those that killed most
first, and some that run it; `make mutate` writes it after a full campaign. With it a sample needs no measuring of who
runs which line.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from plimsoll import artifacts
from plimsoll.verify.mutants import Mutant

NEIGHBOURS = 3
"""So many of the tests that killed the mutants of nearby lines are tried first."""


ENOUGH = 30
"""So many test files a source has at least, where so many run any of it."""


class Killers:
    """Which tests killed the mutants of a file, by line, in this run."""

    def __init__(self) -> None:
        self._by_file: dict[str, list[tuple[int, str]]] = defaultdict(list)

    def add(self, mutant: Mutant, test: str) -> None:
        """Note that a test, by pytest's name, killed a mutant; other texts are no test."""
        if "::" in test:
            self._by_file[mutant.file].append((mutant.line, test))

    def near(self, mutant: Mutant, files: list[str]) -> list[str]:
        """Return the tests, with all their cases, that killed the nearest mutants, out of the test files given."""
        nearest = sorted(self._by_file[mutant.file], key=lambda kill: abs(kill[0] - mutant.line))
        names = dict.fromkeys(name.partition("[")[0] for _, name in nearest if name.partition("::")[0] in files)
        return list(names)[:NEIGHBOURS]


def known_killers() -> dict[str, list[str]]:
    """Return the test files that kill a source's mutants, by source; without files that are gone."""
    root = artifacts.home()
    known: dict[str, list[str]] = json.loads(_path().read_text())
    return {source: [test for test in tests if (root / test).is_file()] for source, tests in known.items()}


def write_killers(kills: Iterable[tuple[Mutant, str]], others: dict[str, list[str]]) -> None:
    """Write the file from all mutants that were killed and the tests that did it.

    Where these are fewer than `ENOUGH`, the first of the others follow.
    """
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, test in kills:
        file, _, name = test.partition("::")
        if name:
            counts[mutant.file][file] += 1
    known = {}
    for source in sorted({*counts, *others}):
        killers = sorted(counts[source], key=lambda test: (-counts[source][test], test))
        spare = [test for test in others.get(source, []) if test not in killers]
        known[source] = killers + spare[: max(ENOUGH - len(killers), 0)]
    _path().write_text(json.dumps(known, indent=1) + "\n")


def _path() -> Path:
    return artifacts.home() / "tests" / "killers.json"
