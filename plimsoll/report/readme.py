"""Parts of the README that a command writes: they stand between ``<!-- name:begin -->`` and ``<!-- name:end -->``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"


def main(name: str, text: Callable[[], str], description: str) -> None:
    """Run a report's command line: print the part, write it, or check that the README has it."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--write", action="store_true", help="put it into the README")
    choice.add_argument("--check", action="store_true", help="fail unless the README has exactly this")
    arguments = parser.parse_args()
    if arguments.write:
        README.write_text(replaced(README.read_text(), name, text()))
    elif arguments.check:
        if README.read_text() != replaced(README.read_text(), name, text()):
            sys.exit(f"README.md: the part {name!r} is not what its command writes; run it with --write")
    else:
        print(text())


def replaced(readme: str, name: str, part: str) -> str:
    """Return the README with the part `name` replaced; ValueError if its markers are missing."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found_begin, rest = readme.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"README.md has no part {name!r}")
    return f"{before}{begin}\n{part}\n{end}{after}"
