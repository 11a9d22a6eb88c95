"""A failing run as a file: what it ran on, its steps with their numbers, and what failed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

FORMAT = 1
Step = tuple[str, list[int]]
"""A rule and the numbers it drew."""


@dataclass
class Record:
    """See the module. `planted` is the defect on purpose that the contracts had, "" for none."""

    seed: int
    ladder: int
    steps: list[Step]
    kind: str
    text: str
    planted: str = ""

    @property
    def signature(self) -> tuple[str, str]:
        """What it shares with findings that are the same."""
        return signature(self.kind, self.text)

    def save(self, path: Path) -> Path:
        """Write the file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"format": FORMAT, **vars(self)}, indent=1) + "\n")
        return path


def signature(kind: str, text: str) -> tuple[str, str]:
    """Return what makes two findings the same: the kind, and which function or thing it is about."""
    return kind, " ".join(text.split(" ")[:1]) if kind == "unpredicted outcome" else ""


def load(path: Path) -> Record:
    """Read a file; ValueError when it is none of this format."""
    data = json.loads(path.read_text())
    if data.pop("format", None) != FORMAT:
        raise ValueError(f"{path} is no record of a campaign of format {FORMAT}")
    data["steps"] = [(name, list(numbers)) for name, numbers in data["steps"]]
    return Record(**data)
