"""The desk's figures, as SVG text that is the same for the same desk.

Names are drawn as they are: what a token calls itself is cut to letters and digits before it comes here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from plimsoll.model import margin_rate
from plimsoll.risk.desk import Desk
from plimsoll.risk.world import WAD, AssetFacts, arrival
from plimsoll.units import from_wad

DAY = 86_400
STEPS = 120
BLUE, ORANGE, RED, GREEN, GREY = "#1f5fa8", "#e08a1e", "#b3261e", "#2e7d4f", "#8a8f98"
_COLOURS = (BLUE, ORANGE, GREEN, RED, "#7a4fa3", "#4a4f57", "#b0832b", "#3aa1a1")
_PREFIXED = re.compile(r'\b(id="|url\(#|href="#)')


def figures(desk: Desk) -> list[tuple[str, str]]:
    """Return title and SVG of every figure."""
    drawn: list[tuple[str, Callable[[Any, Desk], None], tuple[float, float]]] = [
        ("Debt below the line, by how the market moves", _curve, (9.0, 3.6)),
        ("Who bears what under each shock", _losses, (9.0, 0.8 + 0.32 * max(len(desk.outcomes), 4))),
        ("How far the nearest accounts are from their line", _distances, (9.0, 0.9 + 0.32 * max(len(desk.near), 3))),
        ("Margins from now on, if nobody acts", _ramps, (9.0, 3.6)),
        ("Caps: how much of them is used", _caps, (9.0, 0.9 + 0.5 * max(len(desk.world.assets), 2))),
        ("What price sources say, off mid", _sources, (9.0, 0.9 + 0.32 * _source_count(desk))),
    ]
    return [(title, _svg(f"f{number}", draw, size, desk)) for number, (title, draw, size) in enumerate(drawn)]


def _curve(axis: Any, desk: Desk) -> None:
    axis.fill_between(
        [move for move, _ in desk.curve], [_dollars(debt) for _, debt in desk.curve], color=RED, alpha=0.15, step="mid"
    )
    axis.step([move for move, _ in desk.curve], [_dollars(debt) for _, debt in desk.curve], color=RED, where="mid")
    axis.axvline(0, color=GREY, linewidth=0.8)
    axis.set(xlabel="move of everything that is no dollar, %", ylabel="debt of accounts below, $")
    _thousands(axis.yaxis)


def _losses(axis: Any, desk: Desk) -> None:
    names = [outcome.shock.name for outcome in desk.outcomes]
    left = [0.0] * len(names)
    lost = [_dollars(outcome.lost) for outcome in desk.outcomes]
    reserve = [_dollars(outcome.reserve()) for outcome in desk.outcomes]
    lenders = [_dollars(outcome.lenders()) for outcome in desk.outcomes]
    for values, colour, label in ((lost, BLUE, "owners"), (reserve, ORANGE, "reserve"), (lenders, RED, "lenders")):
        axis.barh(names, values, left=left, color=colour, label=label, height=0.65)
        left = [a + b for a, b in zip(left, values, strict=True)]
    axis.invert_yaxis()
    axis.set(xlabel="lost, $")
    axis.legend(fontsize=8, loc="lower right")
    _thousands(axis.xaxis)


def _distances(axis: Any, desk: Desk) -> None:
    names, moves, colours = [], [], []
    for number, near in enumerate(desk.near, 1):
        if near.nearest is None or near.distance is None:
            continue
        leg = near.nearest
        names.append(f"{number}. {desk.world.assets[leg.key].symbol} {'up' if leg.is_debt else 'down'}")
        moves.append(near.distance * 100)
        colours.append(RED if near.value.liquidatable else ORANGE if near.distance < 0.1 else BLUE)
    axis.barh(names, moves, color=colours, height=0.65)
    axis.invert_yaxis()
    axis.set(xlabel="move of one price that takes the account to its line, %")


def _ramps(axis: Any, desk: Desk) -> None:
    world = desk.world
    ends = [arrival(asset.margin, world.now) or world.now for asset in world.assets.values()]
    span = max(DAY, min(max((end - world.now for end in ends), default=DAY) * 11 // 10, 90 * DAY))
    for number, asset in enumerate(_assets(desk)):
        times = [world.now + span * step // STEPS for step in range(STEPS + 1)]
        rates = [margin_rate.in_force(asset.margin, time)[0] * 100 / WAD for time in times]
        colour = _COLOURS[number % len(_COLOURS)]
        hours = [(time - world.now) / 3_600 for time in times]
        axis.plot(hours, rates, color=colour, label=asset.symbol)
        ratio = world.initial_ratio / WAD
        axis.plot(hours, [rate * ratio for rate in rates], color=colour, linestyle=":", linewidth=1)
    axis.set(xlabel="hours from now", ylabel="rate of a small balance, %", ylim=(0, None))
    axis.legend(fontsize=8, title="maintenance; dotted: initial", title_fontsize=8)


def _caps(axis: Any, desk: Desk) -> None:
    assets = _assets(desk)
    for offset, colour, label in ((-0.2, BLUE, "supplied"), (0.2, ORANGE, "borrowed")):
        places = [number + offset for number in range(len(assets))]
        used = []
        for asset in assets:
            pool = asset.pool
            part, cap = (pool.assets, pool.supply_cap) if label == "supplied" else (pool.debt, pool.borrow_cap)
            used.append(part * 100 / cap if cap else 0)
        axis.barh(places, used, color=colour, height=0.36, label=label)
    axis.set_yticks(range(len(assets)), [asset.symbol for asset in assets])
    axis.invert_yaxis()
    axis.axvline(100, color=RED, linewidth=0.8)
    axis.set(xlabel="of the cap, %")
    axis.legend(fontsize=8)


def _sources(axis: Any, desk: Desk) -> None:
    names: list[str] = []
    for asset in _assets(desk):
        bid, mid, ask = asset.price[:3]
        for index, source in enumerate(asset.sources):
            place = len(names)
            names.append(f"{asset.symbol} {index}: {source.kind}")
            if not mid:
                continue
            axis.plot(
                [(bid / mid - 1) * 100, (ask / mid - 1) * 100], [place, place], color=GREY, linewidth=5, alpha=0.35
            )
            if source.reading is not None and source.reading.price:
                colour = GREEN if source.grade == 3 else RED
                axis.plot([(source.reading.price / mid - 1) * 100], [place], "o", color=colour, markersize=6)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.axvline(0, color=GREY, linewidth=0.8)
    axis.set(xlabel="off mid, %; the bar is bid to ask; green: trusted")


def _assets(desk: Desk) -> list[AssetFacts]:
    return [asset for _, asset in sorted(desk.world.assets.items())]


def _source_count(desk: Desk) -> int:
    return max(sum(len(asset.sources) for asset in desk.world.assets.values()), 3)


def _dollars(value: int) -> float:
    return float(from_wad(value))


def _thousands(axis: Any) -> None:
    axis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _svg(prefix: str, draw: Callable[[Any, Desk], None], size: tuple[float, float], desk: Desk) -> str:
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(
        {
            "svg.hashsalt": "plimsoll",
            "svg.fonttype": "none",
            "font.family": ["sans-serif"],
            "font.size": 9,
            "text.parse_math": False,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    ):
        figure = Figure(figsize=size, layout="tight")
        FigureCanvasSVG(figure)
        axis = figure.add_subplot()
        draw(axis, desk)
        axis.grid(alpha=0.25)
        axis.set_axisbelow(True)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    whole = text.getvalue()
    body = whole[whole.index("<svg") :]
    return "\n".join(line.rstrip() for line in _PREFIXED.sub(rf"\1{prefix}-", body).splitlines())
