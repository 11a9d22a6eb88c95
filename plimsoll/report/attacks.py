"""What attackers won: the attacks of tests/attacks, played and written into docs/attacks.md.

``python -m plimsoll.report.attacks`` runs them and prints the table, ``--write`` puts it into docs/attacks.md,
``--check`` compares.

A test says with `tell` what the attack was, what it needed and what it won. A row is the best that the attacker did in
all the ways in which a test plays the attack.
"""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as Xml
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

from plimsoll.report import readme

TESTS = "tests/attacks"
PROPERTY = "attack"
CENT = 0.01


@dataclass(frozen=True, slots=True)
class Attack:
    """An attack in all its variants: `played` of them, the largest budget and the largest profit, dollars."""

    name: str
    held_by: str
    played: int
    budget: float
    profit: float


def text() -> str:
    """Play every attack and return the table as Markdown; exit when one of the tests fails."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "attacks.xml"
        command = [
            sys.executable,
            "-m",
            "pytest",
            TESTS,
            "-q",
            "-p",
            "no:cacheprovider",
            "-o",
            "junit_family=xunit1",
            f"--junitxml={path}",
        ]
        done = subprocess.run(command, cwd=readme.ROOT, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"an attack's test failed:\n{done.stdout}{done.stderr}")
        return table(read(path))


def read(path: Path) -> list[Attack]:
    """Return the attacks of a run in the order in which they were first played."""
    attacks: dict[str, Attack] = {}
    for entry in Xml.parse(path).getroot().iter("property"):
        if entry.get("name") != PROPERTY:
            continue
        row = json.loads(entry.get("value", ""))
        name, budget, profit = row["attack"], row["budget"], row["profit"]
        known = attacks.get(name)
        if known is None:
            attacks[name] = Attack(name, row["held_by"], 1, budget, profit)
        else:
            most = max(known.budget, budget)
            attacks[name] = Attack(name, known.held_by, known.played + 1, most, max(known.profit, profit))
    return list(attacks.values())


def table(attacks: list[Attack]) -> str:
    """Return attacks as Markdown."""
    rows = [
        f"| {attack.name} | {attack.played} | {attack.budget:,.0f} | {_dollars(attack.profit)} | {attack.held_by} |"
        for attack in attacks
    ]
    return "\n".join(
        [
            "| attack | ways | budget, dollars | most won, dollars | what holds it |",
            "|:--|--:|--:|--:|:--|",
            *rows,
        ]
    )


def _dollars(profit: float) -> str:
    """Return a profit in whole dollars, rounded up; one is bold. Less than a cent is none."""
    if profit < CENT:
        return f"{int(profit):,}"
    return f"**{ceil(profit):,}**"


if __name__ == "__main__":
    readme.main("attacks", text, "Write what attackers won into docs/attacks.md.", "docs/attacks.md")
