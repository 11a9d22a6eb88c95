"""The README's figures: runtime sizes of the deployable contracts, and the gas of `make gas`'s last run.

``python -m plimsoll.report.size_and_gas`` prints them, ``--write`` puts them into the README, ``--check`` compares.
"""

from __future__ import annotations

from plimsoll.artifacts import RUNTIME_LIMIT
from plimsoll.report import readme, sizes
from plimsoll.report.gas import PEER_ROWS, Costs, load_snapshot, snapshot_path


def text() -> str:
    """Return both tables as Markdown."""
    compiled, failed = sizes.measure()
    if failed:
        raise failed[0]
    own = {each.name: each.runtime_size for each in compiled if "mocks" not in each.source.parts}
    return f"{size_table(own)}\n\n{gas_table(load_snapshot(snapshot_path()))}"


def size_table(own: dict[str, int]) -> str:
    """Return sizes in bytes as Markdown, the largest first."""
    lines = [f"| contract | runtime, of {RUNTIME_LIMIT:,} bytes |", "|---|--:|"]
    lines += [f"| `{name}` | {size:,} |" for name, size in sorted(own.items(), key=lambda entry: -entry[1])]
    return "\n".join(lines)


def gas_table(costs: Costs) -> str:
    """Return the gas of the operations that peers have, too, as Markdown."""
    lines = ["| operation | first | steady | bound | best peer, steady |", "|---|--:|--:|--:|---|"]
    for row in PEER_ROWS:
        cost = costs[row.name]
        peer = f"{row.peer_name} {row.peer:,}"
        bound = f"{row.bound:,}" if row.bound is not None and cost.steady < row.bound else f"{row.bound:,}, not met yet"
        lines.append(f"| {row.name} | {cost.first:,} | {cost.steady:,} | {bound} | {peer} |")
    return "\n".join(lines)


if __name__ == "__main__":
    readme.main("gas", text, "Write sizes and gas into the README.")
