"""Sequences worth starting from: those that reached a combination of features first. Shared by processes as files in a
folder.

A file is named after the features, so two processes that reach the same state write the same file; the shorter
sequence stays.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path

from plimsoll.verify.campaign.record import Step

LONGEST = 600
"""Steps of a sequence that is kept."""
LOOK_EVERY = 20
"""Picks between two looks at what others wrote."""


class Corpus:
    """See the module. `share` of a hundred runs start from a sequence."""

    def __init__(self, folder: Path, share: int = 40) -> None:
        self.folder = folder
        self.share = share
        self.known: dict[str, int] = {}
        self._picks = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.look()

    def look(self) -> None:
        """Learn of sequences that others wrote."""
        for path in self.folder.glob("*.json"):
            self.known.setdefault(path.stem, LONGEST)

    def offer(self, features: set[str], steps: Sequence[Step]) -> bool:
        """Keep a sequence if its state is new; return whether it was kept."""
        name = hashlib.sha256("|".join(sorted(features)).encode()).hexdigest()[:16]
        if name in self.known or len(steps) > LONGEST:
            return False
        self.known[name] = len(steps)
        text = json.dumps({"features": sorted(features), "steps": [[rule, numbers] for rule, numbers in steps]})
        handle, temporary = tempfile.mkstemp(dir=self.folder, prefix=".new.")
        with os.fdopen(handle, "w") as file:
            file.write(text)
        Path(temporary).replace(self.folder / f"{name}.json")
        return True

    def pick(self, seed: int) -> list[Step]:
        """Return a sequence to start from, cut somewhere, or nothing."""
        self._picks += 1
        if self._picks % LOOK_EVERY == 0:
            self.look()
        chosen = random.Random(seed)
        if not self.known or chosen.randrange(100) >= self.share:
            return []
        path = self.folder / f"{chosen.choice(sorted(self.known))}.json"
        try:
            steps = json.loads(path.read_text())["steps"]
        except FileNotFoundError:
            return []
        kept = len(steps) if chosen.randrange(2) else chosen.randrange(1, len(steps) + 1)
        return [(rule, numbers) for rule, numbers in steps[:kept]]
