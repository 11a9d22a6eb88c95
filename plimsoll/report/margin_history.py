"""Is dynamic margin worth having? A fixed margin beside the dynamic one over years of hourly prices.

``python -m plimsoll.report.margin_history --data FOLDER`` reads ``<symbol>*.csv`` or ``.csv.gz`` with the columns
timestamp, open, high, low, close (hourly, UTC) and writes docs/dynamic-margin.md with its figures.

At every hour somebody opens a position at initial margin, long and short, with no margin to spare and no cost of the
borrowed side. It is watched for `WATCHED` hours. At the first close at which its equity is under the maintenance
requirement *of that hour*, liquidation starts and needs `horizon` hours to finish; the position is lost if at any price
of these hours (their highs and lows) its equity is negative. A day is bad if any position is lost on it.

The dynamic margin is the contracts': samples of the hourly close, `plimsoll.model.volatility_oracle`, a rate of
clamp(z * sigma * sqrt(h), floor, cap), and the ramp of `plimsoll.model.margin_rate` under the promise of notice.
"""

from __future__ import annotations

import argparse
import csv
import gzip
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from plimsoll.model import margin_rate, volatility, volatility_oracle
from plimsoll.model.fixed_point import WAD
from plimsoll.report import readme

Floats: TypeAlias = NDArray[np.float64]

HOUR = 3_600
DAY = 86_400
SYMBOLS = ("ETH", "BTC")
INITIAL_RATIO = 125 * 10**16
NOTICES = (DAY, 4 * HOUR)
"""Of the ramp: the devnet's, and a shorter one."""
HORIZONS = (1, 4)
"""Hours that a liquidation takes."""
WATCHED = 30 * 24
CAP = 36 * 10**16
RAMP_DOWN = 10**16
FOLLOWED = volatility_oracle.Parameters(
    interval=HOUR,
    window=HOUR // 2,
    fast_half_life=12 * HOUR,
    slow_half_life=20 * DAY,
    patience=DAY,
    max_sigma=10 * WAD,
    start_sigma=8 * 10**17,
)
FIXED = tuple(range(3, 19))
"""Maintenance rates of the fixed margin, per cent."""
DEVIATIONS = (2, 3, 4, 5, 6, 8)
"""z of the dynamic one; its floor is z times what the quietest tenth of all hours asks for."""


@dataclass(frozen=True)
class History:
    """Hourly prices: unix times of the closes, and what was paid until then."""

    times: NDArray[np.int64]
    high: Floats
    low: Floats
    close: Floats


@dataclass(frozen=True)
class Outcome:
    """What a margin cost and what it did: the mean initial margin asked, the bad days, and how many were first shocks.

    A first shock is a bad day with none in the 30 days before it.
    """

    label: str
    asked: float
    days: tuple[int, ...]
    first: int


def read(path: Path) -> History:
    """Read a file of candles; ValueError naming the line that is no candle."""
    rows: list[tuple[float, float, float, float]] = []
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                time = datetime.fromisoformat(row["timestamp"]).astimezone(UTC).timestamp()
                rows.append((time + HOUR, float(row["high"]), float(row["low"]), float(row["close"])))
            except (KeyError, ValueError) as error:
                raise ValueError(f"{path}:{number}: no candle: {error}") from None
    columns = np.array(rows).T
    return History(columns[0].astype(np.int64), columns[1], columns[2], columns[3])


def sigmas(history: History) -> list[int]:
    """Return the oracle's volatility after every close, WAD."""
    prices = [int(close * 10**6) for close in history.close]
    times = [int(time) for time in history.times]
    state = volatility_oracle.add(FOLLOWED, prices[0], times[0])
    found = [volatility_oracle.sigma(state)]
    for price, time in zip(prices[1:], times[1:], strict=True):
        state = volatility_oracle.sample(state, FOLLOWED, price, time)
        found.append(volatility_oracle.sigma(state))
    return found


def dynamic(sigma: Sequence[int], multiple: int, floor: int, notice: int | None) -> Floats:
    """Return the maintenance rate of every hour; without `notice` as if the rate could jump."""
    targets = [min(CAP, max(floor, multiple * each // WAD)) for each in sigma]
    if notice is None:
        return np.array(targets) / WAD
    up = margin_rate.max_ramp_up(floor, INITIAL_RATIO, notice) // margin_rate.RAMP_UNIT * margin_rate.RAMP_UNIT
    rate, rates = targets[0], []
    for target in targets:
        rates.append(rate)
        rate = margin_rate.towards(rate, target, up // 2, RAMP_DOWN // 48)
    return np.array(rates) / WAD


def lost(history: History, rates: Floats, horizon: int) -> NDArray[np.bool_]:
    """Return at which hours a position is lost that was opened at most `WATCHED` hours before, long or short."""
    ratio = INITIAL_RATIO / WAD
    low = _over_the_next(history.low, horizon, np.minimum)
    high = _over_the_next(history.high, horizon, np.maximum)
    debt = history.close * (1 - ratio * rates)
    cash = history.close * (1 + ratio * rates)
    long_line, short_line = history.close * (1 - rates), history.close * (1 + rates)
    bad = np.zeros(len(rates), dtype=bool)
    open_long = np.ones(len(rates), dtype=bool)
    open_short = np.ones(len(rates), dtype=bool)
    for age in range(1, WATCHED + 1):
        now, then = slice(age, None), slice(None, -age)
        called = open_long[then] & (long_line[now] < debt[then])
        bad[now] |= called & (low[now] < debt[then])
        open_long[then] &= ~called
        called = open_short[then] & (short_line[now] > cash[then])
        bad[now] |= called & (high[now] > cash[then])
        open_short[then] &= ~called
    return bad


def _over_the_next(values: Floats, hours: int, extreme: Any) -> Floats:
    """Return, for every hour, the extreme of its close's following `hours`."""
    out = values.copy()
    out[:-1] = values[1:]
    for i in range(2, hours + 1):
        out[:-i] = extreme(out[:-i], values[i:])
    return out


def outcome(label: str, history: History, rates: Floats, horizon: int) -> Outcome:
    """Judge a margin."""
    days = sorted({int(time) // DAY for time in history.times[lost(history, rates, horizon)]})
    first = sum(1 for i, day in enumerate(days) if i == 0 or day - days[i - 1] > 30)
    return Outcome(label, float(np.mean(rates)) * INITIAL_RATIO / WAD, tuple(days), first)


def curves(history: History, horizon: int) -> dict[str, list[Outcome]]:
    """Return every kind of margin over its whole range."""
    sigma = sigmas(history)
    quiet = int(np.quantile(np.array(sigma, dtype=float), 0.1))
    found = {"fixed": [outcome(f"{rate} %", history, np.full(len(sigma), rate / 100), horizon) for rate in FIXED]}
    kinds: Iterable[tuple[str, int | None]] = (
        *((f"dynamic, notice {notice // HOUR} h", notice) for notice in NOTICES),
        ("dynamic without a ramp", None),
    )
    for name, notice in kinds:
        found[name] = []
        for z in DEVIATIONS:
            multiple = volatility.multiple(z * WAD, max(HORIZONS) * HOUR)
            rates = dynamic(sigma, multiple, multiple * quiet // WAD, notice)
            found[name].append(outcome(f"z = {z}", history, rates, horizon))
    return found


def days_at(outcomes: Sequence[Outcome], asked: float) -> float:
    """Return the bad days of a kind of margin at a mean initial margin, between its two neighbours; NaN outside."""
    points = sorted((each.asked, len(each.days)) for each in outcomes)
    levels, days = [point[0] for point in points], [point[1] for point in points]
    return float(np.interp(asked, levels, days, left=np.nan, right=np.nan))


LEVELS = (0.06, 0.08, 0.10, 0.12, 0.14, 0.18)
"""Mean initial margins at which the table compares."""


def table(found: dict[str, dict[int, dict[str, list[Outcome]]]]) -> str:
    """Return bad days at equal mean initial margin as Markdown, for every asset and horizon."""
    kinds = list(found[SYMBOLS[0]][HORIZONS[0]])
    lines = [f"| asset | hours | margin | {' | '.join(f'{level:.0%}' for level in LEVELS)} |"]
    lines.append("|---|--:|---|" + len(LEVELS) * "--:|")
    for symbol, by_horizon in found.items():
        for horizon, by_kind in by_horizon.items():
            for kind in kinds:
                numbers = [days_at(by_kind[kind], level) for level in LEVELS]
                cells = " | ".join("" if np.isnan(number) else f"{number:.0f}" for number in numbers)
                lines.append(f"| {symbol} | {horizon} | {kind} | {cells} |")
    return "\n".join(lines)


def shocks(found: dict[str, dict[int, dict[str, list[Outcome]]]], horizon: int) -> str:
    """Return how many of the bad days came without warning as Markdown, for a fixed and a dynamic margin of 12 %."""
    kinds = list(found[SYMBOLS[0]][horizon])
    lines = ["| asset | margin | asked | bad days | first shocks |", "|---|---|--:|--:|--:|"]
    for symbol, by_horizon in found.items():
        for kind in kinds:
            best = min(by_horizon[horizon][kind], key=lambda each: abs(each.asked - 0.12))
            lines.append(f"| {symbol} | {kind} | {best.asked:.1%} | {len(best.days)} | {best.first} |")
    return "\n".join(lines)


def draw_curves(found: dict[str, dict[int, dict[str, list[Outcome]]]], horizon: int, path: Path) -> None:
    """Draw bad days over mean initial margin."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(1, len(found), figsize=(10, 4), sharey=True)
    for axis, (symbol, by_horizon) in zip(axes, found.items(), strict=True):
        for kind, outcomes in by_horizon[horizon].items():
            axis.plot([each.asked * 100 for each in outcomes], [len(each.days) for each in outcomes], ".-", label=kind)
        axis.set(title=f"{symbol}, liquidation takes {horizon} h", xlabel="mean initial margin asked, %", yscale="log")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("days on which a position is lost")
    axes[0].legend(fontsize=8)
    _save(figure, path)


def draw_margins(histories: dict[str, History], path: Path) -> None:
    """Draw the initial margin asked over time, dynamic and the fixed one of the same mean."""
    pyplot = _pyplot()
    figure, axes = pyplot.subplots(len(histories), 1, figsize=(10, 5), sharex=True)
    for axis, (symbol, history) in zip(axes, histories.items(), strict=True):
        sigma = sigmas(history)
        quiet = int(np.quantile(np.array(sigma, dtype=float), 0.1))
        multiple = volatility.multiple(5 * WAD, max(HORIZONS) * HOUR)
        days = [datetime.fromtimestamp(int(time), UTC) for time in history.times[::24]]
        for notice, label in ((NOTICES[0], "dynamic, z = 5"), (None, "the same without a ramp")):
            rates = dynamic(sigma, multiple, multiple * quiet // WAD, notice)
            asked = rates * INITIAL_RATIO / WAD * 100
            axis.plot(days, asked[::24], label=label, linewidth=0.8, alpha=1 if notice else 0.5)
            if notice:
                axis.axhline(
                    asked.mean(), color="black", linewidth=0.8, linestyle="--", label="fixed, of the same mean"
                )
        axis.set(title=symbol, ylabel="initial margin, %")
        axis.grid(alpha=0.3)
    axes[0].legend(fontsize=8)
    _save(figure, path)


def _pyplot() -> Any:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "plimsoll"
    from matplotlib import pyplot

    return pyplot


def _save(figure: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    path.write_text("\n".join(line.rstrip() for line in path.read_text().splitlines()) + "\n")


def main() -> None:
    """Read the prices, write the page's tables and figures."""
    parser = argparse.ArgumentParser(description="Compare fixed and dynamic margin over hourly prices.")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with ETH*1h*.csv and BTC*1h*.csv, plain or .gz"
    )
    arguments = parser.parse_args()
    histories = {}
    for symbol in SYMBOLS:
        paths = sorted(arguments.data.glob(f"{symbol}*1h*.csv*"), key=lambda path: path.stat().st_size)
        if not paths:
            parser.error(f"{arguments.data} has no {symbol}*1h*.csv")
        histories[symbol] = read(paths[-1])
    found: dict[str, dict[int, dict[str, list[Outcome]]]] = {}
    for symbol, history in histories.items():
        found[symbol] = {}
        for horizon in HORIZONS:
            print(f"{symbol}: {len(history.times):,} hours, liquidation takes {horizon} h", flush=True)
            found[symbol][horizon] = curves(history, horizon)
    page = readme.ROOT / "docs" / "dynamic-margin.md"
    text = page.read_text()
    text = readme.replaced(text, "equal-margin", table(found))
    text = readme.replaced(text, "first-shocks", shocks(found, max(HORIZONS)))
    page.write_text(text)
    draw_curves(found, max(HORIZONS), page.parent / "images" / "dynamic-margin-days.svg")
    draw_margins(histories, page.parent / "images" / "dynamic-margin-asked.svg")
    print(f"{page.relative_to(readme.ROOT)} and its figures are written")


if __name__ == "__main__":
    main()
