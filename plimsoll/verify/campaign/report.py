"""What a campaign says at its end: calls, rules and outcomes, features of states, functions that nobody called."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from plimsoll.verify.campaign.features import ALL
from plimsoll.verify.campaign.machine import RULES, Stats
from plimsoll.verify.campaign.rules import missing
from plimsoll.verify.campaign.world import DEPLOYED, state_changing

REASONS_SHOWN = 6


def flows(stats: Stats, console: Console) -> None:
    """Print each rule with its weight, its calls, and how often they ended how."""
    table = Table(title="flows", title_justify="left", box=None, pad_edge=False)
    for heading in ("rule", "weight", "calls", "succeeded", "reverted as predicted"):
        table.add_column(heading, justify="left" if heading in ("rule", "reverted as predicted") else "right")
    by_rule: dict[str, dict[str, int]] = {}
    for (rule, _, outcome), count in stats.flows.items():
        outcomes = by_rule.setdefault(rule, {})
        outcomes[outcome] = outcomes.get(outcome, 0) + count
    for name, each in RULES.items():
        if name not in by_rule:
            continue
        outcomes = by_rule[name]
        reverted = sorted(((count, why) for why, count in outcomes.items() if why), reverse=True)
        shown = ", ".join(f"{why} {count}" for count, why in reverted[:REASONS_SHOWN])
        more = f" and {len(reverted) - REASONS_SHOWN} more" if len(reverted) > REASONS_SHOWN else ""
        table.add_row(name, str(each.weight), f"{sum(outcomes.values()):,}", f"{outcomes.get('', 0):,}", shown + more)
    console.print(table)


def features(stats: Stats, console: Console) -> None:
    """Print how often each feature was seen at a full check."""
    table = Table(title=f"\nstates, at {stats.checks:,} full checks", title_justify="left", box=None, pad_edge=False)
    table.add_column("feature")
    table.add_column("seen", justify="right")
    for name in ALL:
        table.add_row(name, f"{stats.features.get(name, 0):,}")
    console.print(table)


def unexercised(stats: Stats) -> list[str]:
    """Return every state-changing function of the protocol that was not called in this campaign, directly or in a
    batch.
    """
    called = stats.functions()
    return [key for contract in DEPLOYED for key in state_changing(contract) if key not in called]


def functions(stats: Stats, console: Console) -> None:
    """Print which functions were not called, and which nobody can call because no rule knows them."""
    left = unexercised(stats)
    total = sum(len(state_changing(contract)) for contract in DEPLOYED)
    console.print(f"\n{total - len(left)} of {total} state-changing functions were called")
    if left:
        console.print(f"not called: {', '.join(left)}")
    if missing():
        console.print(f"[bold]no rule calls[/bold]: {', '.join(missing())}")


def shards(rows: Sequence[Iterable[str]], console: Console) -> None:
    """Print one line per process."""
    table = Table(title="\nshards", title_justify="left", box=None, pad_edge=False)
    for heading in ("shard", "seed", "calls", "calls/s", "runs", "full checks", "features", "findings"):
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    console.print(table)
