"""The comparison of margins over history, on histories whose answer is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from plimsoll.model import margin_rate
from plimsoll.model.fixed_point import WAD
from plimsoll.report import margin_history, readme
from plimsoll.report.margin_history import DAY, HOUR, INITIAL_RATIO, History, Outcome, days_at, dynamic, lost, read

START = 1_600_000_000 // DAY * DAY


def history(closes: list[float], low: dict[int, float] | None = None, high: dict[int, float] | None = None) -> History:
    """Candles that go from one close to the next, but for the lows and highs named."""
    times = np.array([START + HOUR * (i + 1) for i in range(len(closes))])
    close = np.array(closes)
    before = np.array([closes[0], *closes[:-1]])
    lows, highs = np.minimum(close, before), np.maximum(close, before)
    for i, value in (low or {}).items():
        lows[i] = value
    for i, value in (high or {}).items():
        highs[i] = value
    return History(times, highs, lows, close)


def rates(size: int, rate: float) -> np.ndarray:
    return np.full(size, rate)


def test_lost__calm__nothing() -> None:
    assert not lost(history([100.0] * 100), rates(100, 0.1), 4).any()


def test_lost__a_fall_below_maintenance_that_stops__nothing() -> None:
    """Opened at 100 with 12.5 % and 10 % maintenance, called under 87.5 / 0.9 = 97.2, insolvent under 87.5."""
    assert not lost(history([100.0] * 10 + [96.0] + [88.0] * 10), rates(21, 0.1), 4).any()


def test_lost__the_price_goes_through_the_debt_while_liquidation_runs() -> None:
    fall = history([100.0] * 10 + [96.0] + [90.0] * 10, low={13: 87.4})
    assert np.flatnonzero(lost(fall, rates(21, 0.1), 4)).tolist() == [10], "the hour in which liquidation started"
    assert not lost(fall, rates(21, 0.1), 2).any(), "a faster liquidation was done by then"


def test_lost__a_short_is_the_mirror_image() -> None:
    """Called above 112.5 / 1.1 = 102.3, insolvent above 112.5."""
    rise = history([100.0] * 10 + [103.0] + [104.0] * 10, high={12: 112.6})
    assert np.flatnonzero(lost(rise, rates(21, 0.1), 4)).tolist() == [10]
    assert not lost(history([100.0] * 10 + [103.0] + [104.0] * 10, high={12: 112.4}), rates(21, 0.1), 4).any()


def test_lost__a_raised_rate_calls_earlier() -> None:
    """A rate that rises to 12 % calls a position of 12.5 % at a price at which one of 10 % is left alone."""
    slow = history([100.0] * 5 + [99.0] * 5 + [86.0], low={10: 86.0})
    rising = np.array([0.1] * 5 + [0.12] * 6)
    assert not lost(slow, rising, 1)[:9].any()
    assert lost(history([100.0] * 5 + [99.0, 86.0]), rates(7, 0.1), 1)[-1]


def test_dynamic__never_rises_faster_than_the_promise_of_notice_allows() -> None:
    sigma = [WAD // 10] * 50 + [3 * WAD] * 500 + [WAD // 10] * 500
    floor = 5 * 10**16
    found = dynamic(sigma, WAD // 10, floor, DAY)
    most = margin_rate.max_ramp_up(floor, INITIAL_RATIO, DAY)
    steps = np.diff(found)
    assert 0 < steps.max() <= most / WAD / 2
    assert found.max() > found[0] == floor / WAD
    assert steps.min() < 0
    assert dynamic(sigma, WAD // 10, floor, None).max() == 0.3


def test_days_at__between_two_settings() -> None:
    outcomes = [Outcome("a", 0.1, (1, 2, 3, 4), 1), Outcome("b", 0.2, (1, 2), 1)]
    assert days_at(outcomes, 0.15) == 3
    assert np.isnan(days_at(outcomes, 0.3))


def test_read__no_candle__names_the_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("timestamp,open,high,low,close\n2020-01-01T00:00:00Z,1,2,1,2\n2020-01-01T01:00:00Z,1,two,1,2\n")
    with pytest.raises(ValueError, match=r"x\.csv:3: no candle"):
        read(path)


def test_read__times_are_those_of_the_close(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("timestamp,open,high,low,close\n2020-01-01T00:00:00Z,1,4,0.5,2\n")
    candles = read(path)
    assert (candles.times[0], candles.high[0], candles.low[0], candles.close[0]) == (1_577_840_400, 4, 0.5, 2)


def test_page__has_the_tables_and_figures() -> None:
    page = readme.ROOT / "docs" / "dynamic-margin.md"
    text = page.read_text()
    for name in ("equal-margin", "first-shocks"):
        readme.replaced(text, name, "")
    for line in text.splitlines():
        if line.startswith("!["):
            assert (page.parent / line.partition("](")[2].rstrip(")")).is_file()
    assert "--data FOLDER" in text
    assert margin_history.__doc__
