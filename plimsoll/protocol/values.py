"""What views return, in human units: dollars and rates as exact Decimals, amounts as `Amount`."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal
from enum import IntEnum
from typing import Any

from plimsoll.chain import Contract
from plimsoll.units import WAD_DECIMALS, Amount, from_raw, from_wad

_RATIO = Context(prec=40)


class Status(IntEnum):
    """How far a price may be trusted."""

    OK = 0
    WIDE = 1
    STALE = 2
    DEAD = 3


@dataclass(frozen=True, slots=True)
class Asset:
    """A listed asset and the contracts behind it. `key` is its number in the risk engine."""

    symbol: str
    decimals: int
    key: int
    token: Contract
    pool: Contract

    def amount(self, raw: int) -> Amount:
        """Return raw units of this asset as an amount."""
        return Amount(raw, self.decimals, self.symbol)


@dataclass(frozen=True, slots=True)
class Price:
    """Dollars per whole token; `raw_mid` is the contracts' number (WAD dollars per raw unit, scaled by 1e18)."""

    bid: Decimal
    mid: Decimal
    ask: Decimal
    status: Status
    raw_mid: int

    @classmethod
    def of(cls, raw: Any, decimals: int) -> Price:
        """Build from `IRiskEngine.Price`."""
        scale = WAD_DECIMALS + WAD_DECIMALS - decimals
        bid, mid, ask = (from_raw(value, scale) for value in (raw.bid, raw.mid, raw.ask))
        return cls(bid, mid, ask, Status(raw.status), raw.mid)


@dataclass(frozen=True, slots=True)
class Health:
    """An account's equity and requirements in dollars; `raw` is `IRiskEngine.Health`."""

    equity: Decimal
    equity_initial: Decimal
    maintenance: Decimal
    initial: Decimal
    debt: Decimal
    status: Status
    raw: Any

    @classmethod
    def of(cls, raw: Any) -> Health:
        """Build from `IRiskEngine.Health`."""
        return cls(
            from_wad(raw.equity),
            from_wad(raw.equity_initial),
            from_wad(raw.maintenance),
            from_wad(raw.initial),
            from_wad(raw.debt),
            Status(raw.status),
            raw,
        )

    @property
    def gross(self) -> Decimal:
        """Value of everything the account holds."""
        return self.equity + self.debt

    @property
    def leverage(self) -> Decimal | None:
        """Value held over equity: 1 without debt, None when the equity is not positive."""
        return _RATIO.divide(self.gross, self.equity) if self.equity > 0 else None

    @property
    def factor(self) -> Decimal | None:
        """Equity over maintenance requirement, below 1 when unhealthy; None without a requirement."""
        return _RATIO.divide(self.equity, self.maintenance) if self.maintenance else None

    @property
    def healthy(self) -> bool:
        """Whether the account is above its maintenance requirement."""
        return self.equity >= self.maintenance


_NUMBER_BITS = 124
_NUMBER_MASK = 2**_NUMBER_BITS - 1


@dataclass(frozen=True, slots=True)
class CompactHealth:
    """One word of `MarginLens.health_batch`: equity and maintenance requirement, WAD dollars.

    From the low end: status 2 | ok 1 | under auction 1 | provisioned 1 | owes 1 | below 1 | clipped 1 | equity 124 |
    maintenance 124. `below` is exact even where a number was `clipped` to what fits. `ok` False: could not be read.
    """

    ok: bool
    status: Status
    under_auction: bool
    provisioned: bool
    owes: bool
    below: bool
    clipped: bool
    equity: int
    maintenance: int

    @classmethod
    def of(cls, word: int) -> CompactHealth:
        """Decode a word."""
        ok, under_auction, provisioned, owes, below, clipped = (bool(word >> bit & 1) for bit in range(2, 8))
        equity = word >> 8 & _NUMBER_MASK
        if equity >> _NUMBER_BITS - 1:
            equity -= 2**_NUMBER_BITS
        maintenance = word >> 8 + _NUMBER_BITS
        return cls(ok, Status(word & 3), under_auction, provisioned, owes, below, clipped, equity, maintenance)


@dataclass(frozen=True, slots=True)
class Quote:
    """What a take of everything allowed would get now: dollars, and fractions. `raw` is `ILiquidationAuction.Quote`."""

    active: bool
    takeable: bool
    max_fraction: Decimal
    share: Decimal
    bonus: Decimal
    equity: Decimal
    requirement: Decimal
    target: Decimal
    debt: Decimal
    raw: Any

    @classmethod
    def of(cls, raw: Any) -> Quote:
        """Build from `ILiquidationAuction.Quote`."""
        numbers = (raw.max_fraction, raw.share, raw.bonus, raw.equity, raw.requirement, raw.target, raw.debt)
        fraction, share, bonus, equity, requirement, target, debt = map(from_wad, numbers)
        flags = bool(raw.active), bool(raw.takeable)
        return cls(*flags, fraction, share, bonus, equity, requirement, target, debt, raw)

    @property
    def liquidatable(self) -> bool:
        """Whether an auction could be started now."""
        return not self.active and self.debt > 0 and self.equity < self.requirement


@dataclass(frozen=True, slots=True)
class Auction:
    """An auction as it was started; `penalty` as a fraction of the debt, `started_at` unix seconds."""

    started_at: int
    starter: str
    penalty: Decimal
    version: int
    taken: bool

    @classmethod
    def of(cls, raw: Any) -> Auction | None:
        """Build from `ILiquidationAuction.Auction`; None when there is none."""
        if not raw.started_at:
            return None
        return cls(raw.started_at, raw.starter, from_wad(raw.penalty), raw.version, bool(raw.taken))


@dataclass(frozen=True, slots=True)
class Position:
    """One signed balance of an account; `value` in dollars at mid."""

    asset: Asset
    is_debt: bool
    amount: Amount
    price: Price
    value: Decimal
    maintenance_rate: Decimal


@dataclass(frozen=True, slots=True)
class Restrictions:
    """What binds new risk with an asset: the cap, beside what the vault holds, and the gate; None for none."""

    held: Amount
    cap: Amount | None
    gate: str | None

    @property
    def over(self) -> bool:
        """Whether no account with debt that holds the asset may take new risk now."""
        return self.cap is not None and self.held.raw > self.cap.raw


@dataclass(frozen=True, slots=True)
class PoolState:
    """A lending pool now, interest included. Rates are yearly, utilisation and rates as fractions."""

    asset: Asset
    total_assets: Amount
    cash: Amount
    total_debt: Amount
    utilisation: Decimal
    borrow_rate: Decimal
    supply_rate: Decimal
    rate_at_target: Decimal
    share_price: Decimal
    unminted_fee: Amount
    provisions: Amount

    @classmethod
    def of(cls, asset: Asset, raw: Any) -> PoolState:
        """Build from `IMarginLens.PoolState`."""
        return cls(
            asset=asset,
            total_assets=asset.amount(raw.total_assets),
            cash=asset.amount(raw.cash),
            total_debt=asset.amount(raw.total_debt),
            utilisation=from_wad(raw.utilisation),
            borrow_rate=from_wad(raw.borrow_rate),
            supply_rate=from_wad(raw.supply_rate),
            rate_at_target=from_wad(raw.rate_at_target),
            share_price=from_wad(raw.share_price),
            unminted_fee=asset.amount(raw.unminted_fee),
            provisions=asset.amount(raw.provisions),
        )
