"""Parts of the README and of docs/ that a command writes.

They stand between ``<!-- name:begin -->`` and ``<!-- name:end -->``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def main(name: str, text: Callable[[], str], description: str, document: str = "README.md") -> None:
    """Run a report's command line: print the part, write it, or check that `document` (from the root) has it."""
    path = ROOT / document
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--write", action="store_true", help=f"put it into {document}")
    choice.add_argument("--check", action="store_true", help=f"fail unless {document} has exactly this")
    arguments = parser.parse_args()
    if arguments.write:
        path.write_text(replaced(path.read_text(), name, text()))
    elif arguments.check:
        if path.read_text() != replaced(path.read_text(), name, text()):
            sys.exit(f"{document}: the part {name!r} is not what its command writes; run it with --write")
    else:
        print(text())


def replaced(document: str, name: str, part: str) -> str:
    """Return the document with the part `name` replaced; ValueError if its markers are missing."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found_begin, rest = document.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"there is no part {name!r}")
    return f"{before}{begin}\n{part}\n{end}{after}"
