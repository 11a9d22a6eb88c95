"""Runtime sizes of every deployable contract.

``python -m plimsoll.report.sizes`` prints them, and fails if one is over the EVM's limit or does not compile. Mocks are
listed too, for a double that is too big cannot be deployed either. Sizes include immutables.
"""

from __future__ import annotations

import sys

from rich.console import Console
from rich.table import Table

from plimsoll import artifacts
from plimsoll.artifacts import RUNTIME_LIMIT, Artifact, ArtifactError


def measure() -> tuple[list[Artifact], list[ArtifactError]]:
    """Return the contracts that compile, the protocol's own first and each group by falling size, and what fails."""
    compiled: list[Artifact] = []
    failed: list[ArtifactError] = []
    for path in artifacts.sources():
        try:
            compiled.append(artifacts.load(path.stem))
        except ArtifactError as error:
            failed.append(error)
    return sorted(compiled, key=lambda artifact: (_is_mock(artifact), -artifact.runtime_size)), failed


def too_large(compiled: list[Artifact], limit: int = RUNTIME_LIMIT) -> list[str]:
    """Return the names of the contracts whose runtime is over the limit."""
    return [artifact.name for artifact in compiled if artifact.runtime_size > limit]


def render(compiled: list[Artifact], limit: int = RUNTIME_LIMIT) -> Table:
    """Return a table of sizes, and of what is left under the limit, in bytes."""
    table = Table("contract", title=f"Runtime sizes, limit {limit:,} bytes")
    for heading in ("bytes", "left", "of the limit"):
        table.add_column(heading, justify="right")
    for index, artifact in enumerate(compiled):
        size = artifact.runtime_size
        style = "red" if size > limit else "yellow" if size > limit * 95 // 100 else ""
        last_of_group = index + 1 < len(compiled) and _is_mock(artifact) != _is_mock(compiled[index + 1])
        row = (artifact.name, f"{size:,}", f"{limit - size:,}", f"{100 * size / limit:.1f} %")
        table.add_row(*row, style=style, end_section=last_of_group)
    return table


def main() -> int:
    """Print the table; return 1 if a contract is over the limit or does not compile."""
    compiled, failed = measure()
    Console().print(render(compiled))
    for error in failed:
        print(error, file=sys.stderr)
    large = too_large(compiled)
    if large:
        print(f"over {RUNTIME_LIMIT:,} bytes: {', '.join(large)}", file=sys.stderr)
    return 1 if large or failed else 0


def _is_mock(artifact: Artifact) -> bool:
    return "mocks" in artifact.source.relative_to(artifacts.home()).parts


if __name__ == "__main__":
    sys.exit(main())
