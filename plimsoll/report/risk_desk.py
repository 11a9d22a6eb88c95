"""The excerpt of docs/risk.md: the desk over a devnet with five accounts, and the report of a listing.

The chain is the one in this process, whose clock is set, so the numbers are the same on every machine.

``python -m plimsoll.report.risk_desk`` prints it, ``--write`` puts it into the page, ``--check`` compares.
"""

from __future__ import annotations

from collections.abc import Iterable

from plimsoll import config as configuration
from plimsoll.artifacts import home
from plimsoll.chain import RevmChain
from plimsoll.devnet import YIELD, Devnet, start
from plimsoll.listing import Listing
from plimsoll.protocol import MarginAccount
from plimsoll.report import readme
from plimsoll.risk import look, read, tables
from plimsoll.risk.accounts import viewed
from plimsoll.risk.tables import Section
from plimsoll.risk.transfers import received_in_process

PAGE = "docs/risk.md"
LENT = (("USDC", 2_000_000), ("WETH", 500), ("WBTC", 10))
STAKED = 5_000
"""Dollars that bear the first loss of the USDC pool."""
POSITIONS = (
    (10_000, "USDC", 50_000, "WETH"),
    (20_000, "USDC", 60_000, "WBTC"),
    (10_000, "USDC", 30_000, "WETH"),
    (30_000, "WETH", 25, "USDC"),
    (40_000, "USDC", 160_000, "WETH"),
)
"""Dollars of one's own, and the trade that opens the account."""
FALL = 1_900
MARGIN = (10 * 10**16, 45 * 10**16, 10**9, 784 * 10**12, 10**16)
"""Where the owner sends WETH's margin: 10 %, from 8 %."""


def text() -> str:
    """Return three of the desk's tables and a listing's report as Markdown."""
    devnet = start(RevmChain())
    populate(devnet)
    protocol = devnet.protocol
    world = read(protocol, viewed(protocol))
    desk = look(world)
    parts = ["\n".join(f"- {line}" for line in tables.headline(desk)[1:])]
    wanted = [section for section in tables.sections(desk) if section.title.split()[0] in ("Margins", "The", "Loss")]
    parts += [f"*{section.title}*\n\n{markdown(section)}" for section in wanted]
    asset = configuration.load_asset(home() / YIELD)
    listing = Listing(protocol, asset, world, holders=[devnet.chain.accounts()[1]])
    listing.received = received_in_process(devnet.chain)
    rows = ((check.subject, check.result.value, check.text) for check in listing.checks())
    parts.append(f"*`ape run list_asset {YIELD}`*\n\n{table(('', '', ''), rows, numbers=False)}")
    return "\n\n".join(parts)


def populate(devnet: Devnet) -> None:
    """Let lenders lend, somebody stake in the reserve and five accounts be opened; then the market falls a little."""
    protocol = devnet.protocol
    lender, trader, staker = devnet.chain.accounts()[1:4]
    for symbol, amount in LENT:
        lend(devnet, lender, symbol, amount)
    lend(devnet, staker, "USDC", STAKED)
    pool = protocol.asset("USDC").pool
    shares = pool.balanceOf(staker)
    pool.approve(protocol.reserve_fund, shares, sender=staker)
    protocol.reserve_fund.stake(pool, shares, staker, sender=staker)
    acting = protocol.by(trader)
    for index, (equity, sell, amount, buy) in enumerate(POSITIONS):
        account = MarginAccount(trader, index)
        devnet.mint("USDC", trader, equity)
        acting.approve_if_needed("USDC", equity)
        acting.deposit(account, "USDC", equity)
        borrowed = amount if sell != "USDC" else amount - equity
        acting.trade(account, sell=sell, amount=amount, max_borrow=borrowed, buy=buy, slippage="0.03")
    devnet.set_price("WETH", FALL)
    devnet.settle()
    protocol.risk_engine.set_margin(protocol.asset("WETH").key, MARGIN, sender=devnet.maker)


def lend(devnet: Devnet, sender: str, symbol: str, amount: int) -> None:
    """Lend new tokens."""
    devnet.mint(symbol, sender, amount)
    acting = devnet.protocol.by(sender)
    acting.approve_if_needed(symbol, amount, devnet.protocol.asset(symbol).pool)
    acting.lend(symbol, amount)


def markdown(section: Section) -> str:
    """Return a section of the desk as Markdown."""
    return table(section.columns, section.rows)


def table(columns: Iterable[str], rows: Iterable[Iterable[str]], *, numbers: bool = True) -> str:
    """Return a table as Markdown; the first column is text, and so are the others unless they are `numbers`."""
    names = list(columns)
    lines = [names, ["---", *("--:" if numbers else "---" for _ in names[1:])], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    readme.main("risk-desk", text, "Write the desk's excerpt into its page.", PAGE)
