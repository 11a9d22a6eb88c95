"""Random markets and portfolios for tests of the line, and the model's own verdict on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from plimsoll.keeper.state import AccountState
from plimsoll.keeper.valuation import Line, Market
from plimsoll.model import exposure, margin_rate, risk_engine, share_math
from plimsoll.model.margin_rate import Margin
from plimsoll.model.price_oracle import DEAD, OK, Price

WAD = 10**18
KEYS = (1, 2, 4, 8, 1 << 64 | 1)
DECIMALS = {1: 6, 2: 18, 4: 8, 8: 0, 1 << 64 | 1: 18}
DOLLARS = {1: 1, 2: 2_000, 4: 60_000, 8: 0.5, 1 << 64 | 1: 3}


def margin(base: int, cap: int, slope: int) -> Margin:
    """Return a margin that stands still."""
    return Margin(base, cap, slope, 0, False, margin_rate.Parameters(base, cap, slope, 10**11, 10**11))


def random_market(random: Random) -> Market:
    """Return prices around DOLLARS, margins of every kind, and pools with odd ratios."""
    lines = {}
    for key in KEYS:
        price = int(DOLLARS[key] * 10**18 * 10 ** (18 - DECIMALS[key]) * random.uniform(0.7, 1.3))
        base = random.randrange(10**15, 2 * 10**17)
        cap = random.choice([base, random.randrange(base, 499 * 10**15)])
        slope = random.choice([10**6, 10**9, 10**11, 10**12, 10**13, 10**14])
        shares = random.randrange(10**6, 10**30)
        debt = max(1, int(shares * random.uniform(1, 1.5)) // 10**6)
        lines[key] = Line(price, price, margin(base, cap, slope), debt, shares)
    return Market(lines, 0)


def random_account(random: Random, market: Market) -> AccountState:
    """Return a portfolio of 1-4 held and 1-3 owed assets, of a cent to ten million dollars, mostly near its line."""
    keys = random.sample(KEYS, random.randrange(2, 6))
    owed_count = random.randrange(1, min(len(keys), 4))
    scale = 10 ** random.uniform(-2, 7)
    held: dict[int, int] = {}
    owed: dict[int, int] = {}
    for key in keys[owed_count:]:
        held[key] = max(1, int(scale * random.uniform(0.1, 1) * 10**36 / market.line(key).held_price))
    value = market.value(AccountState(held, {}))
    room = (value.equity - value.requirement) * random.choice([1, 1, 1, 0.5, 0.9, 0.99, 0.999, 1.01, 2])
    for key in keys[:owed_count]:
        line = market.line(key)
        units = max(1, int(room / owed_count / 1.05 * 10**18 / line.owed_price)) if room > 0 else 1
        owed[key] = max(1, units * line.debt_shares // line.debt)
    return AccountState(held, owed)


@dataclass
class Mover:
    """Moves a market: one price, several prices, interest, margins."""

    random: Random
    market: Market

    def price(self, key: int, factor: float) -> None:
        line = self.market.line(key)
        price = max(1, int(line.held_price * factor))
        self._set(key, line._replace(held_price=price, owed_price=price))

    def interest(self, key: int, factor: float) -> None:
        line = self.market.line(key)
        self._set(key, line._replace(debt=max(line.debt, int(line.debt * factor))))

    def margins(self, key: int, change: Margin) -> None:
        self._set(key, self.market.line(key)._replace(margin=change))

    def anything(self) -> None:
        """Move one thing or several, a little or a lot."""
        for _ in range(self.random.choice([1, 1, 2, 3, 5])):
            key = self.random.choice(KEYS)
            kind = self.random.randrange(10)
            if kind < 6:
                self.price(key, self.random.choice([0.999, 1.001, 0.99, 1.01, 0.9, 1.1, 0.5, 2.5, 0.01]))
            elif kind < 8:
                self.interest(key, 1 + self.random.choice([1e-9, 1e-6, 1e-3, 0.1, 1.5]))
            elif kind < 9:
                old = self.market.line(key).margin
                base = min(old.base + self.random.randrange(-(10**15), 5 * 10**15), 4 * 10**17)
                cap = min(max(base, old.cap + self.random.randrange(-(10**16), 10**16)), 499 * 10**15)
                slope = min(10**14, max(10**6, int(old.size_slope * self.random.uniform(0.5, 2))))
                self.margins(key, margin(max(base, 10**15), cap, slope))
            else:
                line = self.market.line(key)
                self._set(key, line._replace(held_price=0, owed_price=0))

    def _set(self, key: int, line: Line) -> None:
        self.market = replace(self.market, lines={**self.market.lines, key: line})


def assess(market: Market, account: AccountState) -> risk_engine.Health:
    """Return what the model of the RiskEngine says."""
    packed = [exposure.pack(key, False, amount) for key, amount in account.held.items()]
    for key, shares in account.owed.items():
        line = market.line(key)
        packed.append(exposure.pack(key, True, share_math.debt_up(shares, line.debt, line.debt_shares)))
    prices = {}
    for key, line in market.lines.items():
        status = OK if line.held_price else DEAD
        prices[key] = Price(line.held_price, line.held_price, line.held_price, status)
    margins = {key: line.margin for key, line in market.lines.items()}
    return risk_engine.assess(packed, [], prices, margins, 12 * WAD // 10, market.now)


def is_below(market: Market, account: AccountState) -> bool:
    """Return the model's verdict."""
    health = assess(market, account)
    return health.debt > 0 and health.equity < health.maintenance
