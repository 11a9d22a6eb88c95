"""The desk as one HTML page: no script, nothing that is loaded, the same text for the same desk.

Everything that comes from a chain is escaped.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from plimsoll.errors import PlimsollError
from plimsoll.risk import plots, tables
from plimsoll.risk.desk import Desk
from plimsoll.risk.tables import Section

STYLE = """
:root { color-scheme: light; --ink: #1b1f24; --soft: #5b636e; --line: #dfe3e8; --bad: #b3261e; --good: #2e7d4f; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 28px 24px 60px; color: var(--ink); background: #fff;
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; }
h1 { font-size: 24px; margin: 0 0 4px; }
h2 { font-size: 17px; margin: 34px 0 6px; }
p, figcaption { color: var(--soft); margin: 4px 0 10px; }
ul.head { list-style: none; padding: 12px 16px; margin: 14px 0; background: #f5f7f9; border-left: 4px solid #1f5fa8; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: right; font-weight: 600; border-bottom: 2px solid var(--line); padding: 5px 8px; white-space: nowrap; }
td { text-align: right; border-bottom: 1px solid var(--line); padding: 5px 8px; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
td.bad { color: var(--bad); font-weight: 600; }
td.good { color: var(--good); }
figure { margin: 12px 0 26px; }
figure svg { width: 100%; height: auto; max-width: 900px; font-family: system-ui, sans-serif; }
footer { margin-top: 40px; color: var(--soft); border-top: 1px solid var(--line); padding-top: 10px; }
@media print { body { padding: 0; } figure, table { break-inside: avoid; } }
"""
_BAD = ("WIDE", "STALE", "DEAD", "absent", "stale", "not trusted", "below", "not judged", "overdue")
_GOOD = ("OK", "trusted")


def write(desk: Desk, path: Path) -> None:
    """Write the page; PlimsollError, one line, when it cannot be written."""
    try:
        path.write_text(render(desk))
    except OSError as error:
        raise PlimsollError(f"{path}: cannot be written: {error.strerror}") from None


def render(desk: Desk) -> str:
    """Return the page."""
    world = desk.world
    title = f"Plimsoll risk desk, chain {world.chain_id}, block {world.block}"
    head = "".join(f"<li>{escape(line)}</li>" for line in tables.headline(desk))
    drawn = "".join(
        f"<figure><figcaption>{escape(name)}</figcaption>{svg}</figure>" for name, svg in plots.figures(desk)
    )
    body = "".join(_section(section) for section in tables.sections(desk))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Plimsoll risk desk</h1>
<ul class="head">{head}</ul>
{body}
<h2>Figures</h2>
{drawn}
<footer>Computed by the protocol's exact model from the chain's state. Prices stand still during liquidations; what
takers lose by selling, beyond what they ask for, is not counted.</footer>
</body>
</html>
"""


def _section(section: Section) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in section.columns)
    rows = "".join(f"<tr>{''.join(_cell(cell) for cell in row)}</tr>" for row in section.rows)
    note = f"<p>{escape(section.note)}</p>" if section.note else ""
    table = f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f"<h2>{escape(section.title)}</h2>{note}{table}\n"


def _cell(text: str) -> str:
    word = text.split(",")[0]
    kind = ' class="bad"' if word in _BAD else ' class="good"' if word in _GOOD else ""
    return f"<td{kind}>{escape(text)}</td>"
