"""The README's worked example of the margin arithmetic, computed by the model.

``python -m plimsoll.report.example`` prints it; ``--write`` puts it between the README's markers; ``--check`` fails if
what stands there is not what would be written.
"""

from __future__ import annotations

from plimsoll.model import exposure, margin_rate, risk_engine
from plimsoll.model.fixed_point import WAD
from plimsoll.model.price_oracle import OK, Price
from plimsoll.report import readme

USDC, ETH = 1 << 0, 1 << 1
USDC_UNIT, ETH_UNIT = 10**6, 10**18
INITIAL_RATIO = 125 * WAD // 100
HALF_SPREAD = 5 * WAD // 10_000
MARGINS = {
    USDC: margin_rate.Parameters(2 * WAD // 100, 20 * WAD // 100, 10**6, 10**12, 10**12),
    ETH: margin_rate.Parameters(8 * WAD // 100, 45 * WAD // 100, 10**9, 10**12, 10**12),
}
"""Floors of 2 % and 8 %; for ETH another 1 % per 10 million dollars of size."""


def price_of(dollars: int, unit: int) -> Price:
    """Return bid, mid and ask of a token at whole `dollars`, with the example's spread."""
    mid = dollars * WAD * WAD // unit
    return Price(mid * (WAD - HALF_SPREAD) // WAD, mid, mid * (WAD + HALF_SPREAD) // WAD, OK)


def health(eth: int, usdc_debt: int, eth_price: int) -> risk_engine.Health:
    """Return the health of an account that holds whole `eth` and owes whole `usdc_debt`."""
    return risk_engine.assess(
        [exposure.pack(ETH, False, eth * ETH_UNIT), exposure.pack(USDC, True, usdc_debt * USDC_UNIT)],
        [],
        {USDC: price_of(1, USDC_UNIT), ETH: price_of(eth_price, ETH_UNIT)},
        {key: margin_rate.list_asset(parameters, 0) for key, parameters in MARGINS.items()},
        INITIAL_RATIO,
        0,
    )


def line_price(eth: int, usdc_debt: int) -> int:
    """Return the lowest whole-dollar price at which the account is still healthy."""
    low, high = 1, 10**6
    while low < high:
        middle = (low + high) // 2
        at = health(eth, usdc_debt, middle)
        low, high = (low, middle) if at.equity >= at.maintenance else (middle + 1, high)
    return low


def text() -> str:
    """Return the example as Markdown."""
    eth, debt = 25, 40_000
    rows = [(price, health(eth, debt, price)) for price in (2_000, 1_900, 1_800, line_price(eth, debt) - 1)]
    opened = rows[0][1]
    lines = [
        f"{eth} ETH at 2,000 dollars, bought with 10,000 dollars of one's own and {debt:,} borrowed USDC. The",
        "maintenance rates are 8 % of ETH plus 1 % per 10 million dollars of size, and 2 % of USDC; the initial",
        "requirement is 1.25 times the maintenance requirement; bid and ask are 0.05 % away from mid.",
        "",
        "```",
        f"equity          25 x 2,000 - 40,000                              = {_dollars(opened.equity)}",
        f"initial equity  25 x 1,999 - 40,000 x 1.0005                     = {_dollars(opened.equity_initial)}",
        f"maintenance     50,000 x (8 % + 0.005 %) + 40,000 x (2 % + ...)   = {_dollars(opened.maintenance)}",
        f"initial         1.25 x maintenance                               = {_dollars(opened.initial)}",
        "```",
        "",
        "| ETH at | equity | maintenance | initial | may take risk | healthy |",
        "|--:|--:|--:|--:|---|---|",
    ]
    for price, at in rows:
        lines.append(
            f"| {price:,} | {_dollars(at.equity)} | {_dollars(at.maintenance)} | {_dollars(at.initial)} "
            f"| {_yes(at.equity_initial >= at.initial)} | {_yes(at.equity >= at.maintenance)} |"
        )
    lines += ["", f"The account's line is at {line_price(eth, debt):,} dollars (rounded up)."]
    return "\n".join(lines)


def _dollars(amount: int) -> str:
    return f"{amount / WAD:,.2f}"


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"


if __name__ == "__main__":
    readme.main("example", text, __doc__ or "")
