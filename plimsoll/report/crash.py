"""The README's excerpt of the demo: the crash with three keepers on a node of its own.

That node's clock is set (see `plimsoll.report.anvil`), so that the numbers are the same on every machine. In `make
demo` the crash follows another act and the chain has the machine's time: numbers differ a little, the story does not.

``python -m plimsoll.report.crash`` prints it, ``--write`` puts it into the README, ``--check`` compares.
"""

from __future__ import annotations

import io
from collections.abc import Iterable

from rich.console import Console

from plimsoll.crash import DEEDS, Crash
from plimsoll.devnet import start
from plimsoll.errors import PlimsollError
from plimsoll.report import readme
from plimsoll.report.anvil import anvil
from plimsoll.story import FALL
from plimsoll.teller import Teller


def text() -> str:
    """Return what the keepers did and who gained what as Markdown; PlimsollError if anything does not reconcile."""
    with anvil() as chain:
        devnet = start(chain)
        chain.rpc("anvil_setBlockTimestampInterval", 1)
        devnet.set_price("WETH", FALL)
        for _ in range(2):
            devnet.settle()
        crash = Crash(Teller(devnet, Console(file=io.StringIO())), chain.url)
        wrong = [check for check in crash.tell() if not check.holds]
        if wrong:
            raise PlimsollError(f"{wrong[0].subject}: {wrong[0].name}: {wrong[0].found} is not {wrong[0].expected}")
        return f"{table(DEEDS, crash.deed_rows())}\n\n{table(crash.gain_columns(), crash.gain_rows())}"


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table as Markdown: text in the first column, numbers in the others."""
    names = list(columns)
    lines = [names, ["---", *("--:" for _ in names[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    readme.main("crash", text, "Write the demo's crash into the README.")
