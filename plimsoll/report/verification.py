"""How long what takes and what it showed: the table of docs/verification.md, from the numbers that the commands noted.

``python -m plimsoll.report.verification`` prints it, ``--write`` puts it into docs/verification.md. A command that has
not run since the contracts changed has no row; campaigns add up.
"""

from __future__ import annotations

from plimsoll.report import readme
from plimsoll.report.crash import table
from plimsoll.verify import journal
from plimsoll.verify.journal import Numbers


def text() -> str:
    """Return the table as Markdown."""
    runs = journal.read()
    rows = [
        (f"`{command}`", shows.format(**numbers), duration(numbers["seconds"], kind))
        for name, (command, shows, kind) in COMMANDS.items()
        if name in runs
        for numbers in [total(runs[name]) if name == "campaign" else runs[name][-1]]
    ]
    return table(("command", "what it showed", "time"), rows)


COMMANDS = {
    "campaign": (
        "make fuzz",
        "{calls:,.0f} calls in {runs:,.0f} runs, {checks:,.0f} full checks, {findings:.0f} findings",
        "of CPU",
    ),
    "bench": ("make bench-fuzz", "{per_second:,.0f} calls a second of one core; on anvil {anvil:,.0f}", ""),
    "differential": (
        "make differential SIZE=nightly",
        "{cases:,.0f} cases of {formulas:.0f} formulas and state machines, {differences:.0f} differences",
        "of CPU",
    ),
    "proofs": ("make prove", "{proved:.0f} of {lemmas:.0f} lemmas proved", ""),
    "static": (
        "make slither",
        "{contracts:.0f} contracts, {judged:.0f} findings judged one by one, {new:.0f} new",
        "",
    ),
    "coverage": (
        "make coverage",
        (
            "{branches:,.0f} of {all_branches:,.0f} branches and {lines:,.0f} of {all_lines:,.0f} lines run, "
            "the other {reasons:.0f} have a reason"
        ),
        "",
    ),
    "mutation": (
        "make mutate",
        "{judged:,.0f} of {mutants:,.0f} mutants: {killed:,.0f} killed, {explained:.0f} explained, {survived:.0f} left",
        "of CPU",
    ),
}
"""For every name in the journal: the command, what it showed, and what its time is of."""


def total(runs: list[Numbers]) -> Numbers:
    """Return the sums of several runs."""
    return {key: sum(run[key] for run in runs) for key in runs[-1]}


def duration(seconds: float, kind: str) -> str:
    """Return a time as text."""
    if seconds >= 5_400:
        value = f"{seconds / 3_600:.1f} h"
    else:
        value = f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
    return f"{value} {kind}".strip()


if __name__ == "__main__":
    DOCUMENT = "docs/verification.md"
    readme.main("verification", text, f"Write what verification showed into {DOCUMENT}.", DOCUMENT)
