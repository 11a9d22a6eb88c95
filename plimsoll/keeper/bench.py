"""How fast a keeper is: ``ape run keeper bench``, or ``python -m plimsoll.keeper.bench``.

Makes accounts with debts of every kind (two-sided longs and shorts for the most part, portfolios of up to eight held
and four owed assets for the rest), their lines spread over the next 60 % of price moves, and measures the CPU time from
a report of prices to the list of accounts that crossed. Then the whole keeper on a node, see
`bench_node`. Ends with status 1 if the first misses its target.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from plimsoll.artifacts import load
from plimsoll.chain.abi import contract_abi
from plimsoll.keeper import bench_node
from plimsoll.keeper.books import Books, Deployment
from plimsoll.keeper.lines import Crossing, LineIndex
from plimsoll.keeper.source import Header, LogSource, RawLog
from plimsoll.keeper.state import ENGINE as ENGINE_ARTIFACT
from plimsoll.keeper.state import AccountState, State
from plimsoll.keeper.valuation import Market, market
from plimsoll.model import account_word
from plimsoll.model.price_oracle import OK, Price

WAD = 10**18
START = 1_700_000_000
TARGET = 0.050
"""Seconds of CPU for a move that crosses 100 of 100,000 accounts."""

DOLLARS = (1.0, 2_000.0, 60_000.0, 1.0, 15.0, 150.0, 0.5, 90.0, 3.0, 25.0, 7.0, 400.0)
SHAPES = ((1, 1, 75), (2, 1, 10), (3, 2, 8), (5, 3, 4), (8, 4, 3))
"""Held assets, owed assets, share of the accounts in percent."""

ENGINE = "0x" + "11" * 20
TOKEN = "0x" + "22" * 20
POOL = "0x" + "33" * 20


@dataclass(frozen=True, slots=True)
class Report:
    """Prices by asset key, and the time they are judged at."""

    prices: dict[int, Price]
    now: int

    def moved(self, moves: Mapping[int, float], seconds: int) -> Report:
        """Return the report after relative price moves by key and so many seconds."""
        prices = {key: _price(int(price.mid * (1 + moves.get(key, 0.0)))) for key, price in self.prices.items()}
        return Report(prices, self.now + seconds)


class Desk:
    """Accounts with debts, none below its line, and an index anchored where they were made."""

    def __init__(self, count: int, seed: int = 1) -> None:
        random = Random(seed)
        self.home = Report({1 << i: _price(int(dollars * 1_000) * 10**15) for i, dollars in enumerate(DOLLARS)}, START)
        self.state = _empty_state()
        here = self.market(self.home)
        shapes = [shape for shape in SHAPES for _ in range(shape[2])]
        for number in range(count):
            held_count, owed_count, _ = random.choice(shapes)
            account = account_word.account(random.randrange(1, 2**160), number)
            self.state.accounts.restore(account, _portfolio(random, here, held_count, owed_count))
        self.lines = self.index()
        self.go(self.home)
        self.lines.anchor(here)

    def index(self) -> LineIndex:
        """Return a new index of the accounts."""
        lines = LineIndex()
        for account, row in self.state.accounts.items():
            lines.put(account, row)
        return lines

    def market(self, report: Report) -> Market:
        """Return the market of a report, interest of the pools included."""
        return market(self.state, report.prices, report.now)

    def go(self, report: Report, lines: LineIndex | None = None) -> Crossing:
        """Decide who crosses: what `Books.reprice` does."""
        there, accounts = self.market(report), self.state.accounts
        return (lines or self.lines).move(there, lambda account: there.value(accounts[account]).liquidatable)

    def fall_that_crosses(self, count: int, moves: Sequence[tuple[int, float]], seconds: int) -> Report:
        """Return the report after these moves, at the size at which they cross so many accounts."""

        def crossed(size: float) -> int:
            there = self.market(self.home.moved({key: weight * size for key, weight in moves}, seconds))
            accounts = self.state.accounts
            decide = self.lines.would_be_below(there, lambda account: there.value(accounts[account]).liquidatable)
            return len(decide)

        low, high = 0.0, 0.9
        for _ in range(50):
            middle = (low + high) / 2
            low, high = (middle, high) if crossed(middle) < count else (low, middle)
        return self.home.moved({key: weight * high for key, weight in moves}, seconds)


def cpu(action: Callable[[], object], before: Callable[[], object] | None = None, times: int = 1) -> float:
    """Return the median CPU seconds of an action."""
    spent = []
    for _ in range(times):
        if before is not None:
            before()
        start = time.process_time()
        action()
        spent.append(time.process_time() - start)
    return statistics.median(spent)


class _Node(LogSource):
    """A chain of deposits, two hundred to a block."""

    PER_BLOCK = 200

    def __init__(self, accounts: Sequence[int]) -> None:
        engine = {event.name: event.topic for event in contract_abi(load("MarginEngine").abi).events.values()}
        self._added = (engine["AssetAdded"], _word(int(TOKEN, 16)), _word(1))
        self._deposited = engine["Deposited"]
        self._accounts = accounts
        self.height = 1 + -(-len(accounts) // self.PER_BLOCK)

    def get_block(self, number: int | None = None) -> Header | None:
        number = self.height if number is None else number
        return Header(number, _word(number), _word(number - 1), number * 12)

    def get_logs(self, first: int, last: int, addresses: Sequence[str]) -> list[RawLog]:
        if ENGINE not in addresses:
            return []
        logs = []
        if first <= 1 <= last:
            logs.append(RawLog(ENGINE, self._added, _word(int(POOL, 16)), 1, _word(1), 0))
        for number in range(max(first, 2), last + 1):
            start = (number - 2) * self.PER_BLOCK
            for i, account in enumerate(self._accounts[start : start + self.PER_BLOCK]):
                topics = (self._deposited, _word(account), _word(int(TOKEN, 16)), _word(account >> 96))
                logs.append(RawLog(ENGINE, topics, _word(10**18) + _word(0), number, _word(number), i))
        return logs


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; return 1 if the target is missed."""
    parser = argparse.ArgumentParser(prog="python -m plimsoll.keeper.bench", description=__doc__)
    parser.add_argument("--accounts", type=int, default=100_000)
    parser.add_argument("--cross", type=int, default=100)
    parser.add_argument("--node-accounts", type=int, default=24, help="of the part on a node; 0 leaves it out")
    chosen = parser.parse_args(arguments)
    count: int = chosen.accounts

    desk = Desk(count)
    rows = [row for _, row in desk.state.accounts.items()]
    balances = sum(len(row.held) + len(row.owed) for row in rows)
    print(f"{count:,} accounts with debts, {balances:,} balances, {len(DOLLARS)} assets")
    print(f"CPU time, median; Python {platform.python_version()}, numpy {np.__version__}, {_processor()}")
    print()
    ether, bitcoin, coin = 1 << 1, 1 << 2, 1 << 4
    several = [(ether, -1.0), (bitcoin, -0.8), (coin, 0.5)]
    decided = [
        _report(desk, "one price moves", desk.fall_that_crosses(chosen.cross, [(ether, -1.0)], 0)),
        _report(desk, "one price moves, a block's interest", desk.fall_that_crosses(chosen.cross, several[:1], 12)),
        _report(desk, "three prices move, a block's interest", desk.fall_that_crosses(chosen.cross, several, 12)),
    ]
    _report(desk, "a crash", desk.fall_that_crosses(count // 20, [(ether, -1.0)], 12))
    sweep = desk.index()
    everything = cpu(lambda: desk.go(desk.home, sweep), times=5)
    _line_out("all accounts valued, without the index", everything, f"{count / everything:,.0f} accounts/s")
    here = desk.market(desk.home)
    exact = cpu(lambda: [here.value(row) for row in rows])
    _line_out("all accounts valued in integers", exact, f"{count / exact:,.0f} accounts/s")
    _line_out("index anchored anew (when idle)", cpu(lambda: desk.lines.anchor(here), times=3), "")
    _measure_sync(list(desk.state.accounts))
    print()
    worst = max(decided)
    verdict = "within" if worst < TARGET else "MISSES"
    print(f"a move that crosses {chosen.cross} of {count:,}: {worst * 1e3:.2f} ms, {verdict} {TARGET * 1e3:.0f} ms")
    if chosen.node_accounts:
        print()
        print("\n".join(bench_node.report(bench_node.measure(chosen.node_accounts))))
    return 0 if worst < TARGET else 1


def _report(desk: Desk, what: str, there: Report) -> float:
    desk.go(desk.home)
    found = desk.go(there)
    spent = cpu(lambda: desk.go(there), before=lambda: desk.go(desk.home), times=15)
    known = len(desk.lines) / spent
    examined = f"{found.examined:,} examined, {found.exact:,} in integers; {known:,.0f} known accounts/s"
    _line_out(f"{what}: {len(found.crossed):,} cross", spent, examined)
    return spent


def _measure_sync(accounts: Sequence[int]) -> None:
    node = _Node(accounts)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "keeper.sqlite"
        told = Deployment(1, ENGINE, 1)
        books = Books.open(path, told, node)
        spent = cpu(books.sync)
        _line_out(f"{len(accounts):,} logs decoded, applied, stored", spent, f"{len(accounts) / spent:,.0f} logs/s")
        books.close()
        size = path.stat().st_size / 2**20
        again = cpu(lambda: Books.open(path, told, node).close())
        _line_out("restart: file checked, state read", again, f"{size:.0f} MiB")


def _price(mid: int) -> Price:
    return Price(mid, mid, mid, OK)


def _empty_state() -> State:
    """Return the state of a protocol with these assets, lent and owed, without accounts."""
    state = State({ENGINE: ENGINE_ARTIFACT})
    ledger = [10**27, 8 * 10**27, START, 8 * 10**33, 4 * 10**16, 0, 0]
    rates = [9 * 10**17, 4 * WAD, 50 * WAD, 10**15, 2 * WAD]
    margin = [5 * 10**16, 40 * 10**16, 10**9, START, False, [5 * 10**16, 40 * 10**16, 10**9, 10**11, 10**11]]
    rows: list[tuple[str, str, Any]] = [("engine", "", [ENGINE, 0, False, 0])]
    for i in range(len(DOLLARS)):
        token, pool = f"0x{i + 1:040x}", f"0x{i + 101:040x}"
        rows.append(("asset", token, [1 << i, pool]))
        rows.append(("pool", pool, [ledger, rates, WAD // 10, 0, 10**30, 10**30, True]))
        rows.append(("listing", f"{ENGINE}/{1 << i}", [token, 18, False, margin]))
    state.restore((kind, name, json.dumps(value)) for kind, name, value in rows)
    return state


def _portfolio(random: Random, here: Market, held_count: int, owed_count: int) -> AccountState:
    keys = random.sample(sorted(here.lines), held_count + owed_count)
    if (held_count, owed_count) == (1, 1) and random.random() < 0.8:
        keys = random.choice([[2, 1], [4, 1], [2, 1], [1, 2]])
    worth = 10 ** random.uniform(3, 6)
    held = {key: int(worth / held_count * WAD**2 / here.line(key).held_price) for key in keys[:held_count]}
    gap = random.uniform(0.002, 0.6)
    owed = {}
    for key in keys[held_count:]:
        line = here.line(key)
        debt = worth * (1 - gap) * 0.95 / 1.0502 / owed_count
        owed[key] = int(debt * WAD**2 / line.owed_price) * line.debt_shares // line.debt
    return AccountState(held, owed)


def _line_out(what: str, seconds: float, more: str) -> None:
    print(f"{what:<62}{seconds * 1e3:>10.2f} ms   {more}".rstrip())


def _word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for text in cpuinfo.read_text().splitlines():
            if text.startswith("model name"):
                return text.partition(":")[2].strip()
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
