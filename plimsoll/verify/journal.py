"""What the ways of verification last showed: `.cache/verification.jsonl`, a line for each run.

Every command notes its own numbers; `python -m plimsoll.report.verification` puts them into docs/verification.md. A
line counts as long as the contracts are those that it was about.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from plimsoll import artifacts

Numbers = dict[str, float]


def note(name: str, **numbers: float) -> None:
    """Add the numbers of a run, among them `seconds` of CPU or on the wall, whichever the command is about."""
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write(json.dumps({"name": name, "sources": digest(), **numbers}) + "\n")


def read() -> dict[str, list[Numbers]]:
    """Return the numbers of the runs over the contracts as they are, by name, the last run last."""
    found: dict[str, list[Numbers]] = {}
    path = _path()
    wanted = digest()
    for line in path.read_text().splitlines() if path.is_file() else ():
        entry = json.loads(line)
        if entry.pop("sources") == wanted:
            found.setdefault(entry.pop("name"), []).append(entry)
    return found


def digest() -> str:
    """Return a digest of all sources of contracts, interfaces included."""
    root = artifacts.home()
    made = hashlib.sha256()
    for path in sorted([*(root / "contracts").rglob("*.vy"), *(root / "contracts").rglob("*.vyi")]):
        if "mocks" not in path.relative_to(root).parts:
            made.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes() + b"\0")
    return made.hexdigest()[:16]


def _path() -> Path:
    return artifacts.home() / ".cache" / "verification.jsonl"
