"""When to bid on an auction, and how little to accept: pure functions of what is offered, what it costs, and the time.

All values are WAD: dollars, rates per unit of debt, fractions. A taker of the fraction f of a debt D is offered
f * D * (1 + bonus) of value for f * D * (1 + starter's part + fund's part) of debt, so that he earns

    f * D * net(bonus) - swap - gas        net(b) = b - b * starter_share - (b * fund_share if b * D <= E else 0), b > 0

The bonus rises with time by the curve of `contracts/modules/auction_terms.vy` at the least; depth can put it higher.
A model is registered under a name and reads its own table of the configuration; `register` adds another one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from plimsoll.errors import ConfigError
from plimsoll.fields import Bound, Table, plainly
from plimsoll.units import WAD

_RATE = Bound(Decimal(-1), Decimal(1))
_SHARE = Bound(Decimal(0), Decimal(1))


@dataclass(frozen=True, slots=True)
class Offer:
    """An auction as it is now.

    `fraction` of the debts is the most that may be taken; `debt` and `equity` are the account's, dollars. The rest is
    the auction's curve: the bonus starts at penalty * start_level (negative) and reaches `penalty` after `tau` seconds.
    """

    account: int
    started_at: int
    bonus: int
    fraction: int
    debt: int
    equity: int
    penalty: int
    tau: int
    start_level: int
    starter_share: int
    fund_share: int

    @property
    def taken_debt(self) -> int:
        """Value of the debts that a taker of everything allowed assumes."""
        return self.debt * self.fraction // WAD


@dataclass(frozen=True, slots=True)
class Costs:
    """What a take of an offer costs, dollars: trading what it brings (less than oracle prices say), and gas.

    `minimum` is the least profit that is wanted, which may be negative.
    """

    swap: int
    gas: int
    minimum: int

    @property
    def wanted(self) -> int:
        """What the bonus must pay."""
        return self.swap + self.gas + self.minimum


@dataclass(frozen=True, slots=True)
class Decision:
    """Bid now and accept no bonus below `min_bonus`; or look again at the time `again`, None with the next block."""

    bids: bool
    min_bonus: int
    reason: str
    again: int | None = None


class PricingModel(Protocol):
    """A keeper's taste."""

    def decide(self, offer: Offer, costs: Costs, now: int) -> Decision:
        """Return whether to bid at the time `now`."""

    def aim(self, offer: Offer, costs: Costs) -> int:
        """Return the bonus at which this model would bid if nobody else did."""


def net_bonus(offer: Offer, bonus: int) -> int:
    """Return what is left of a bonus for the taker, rounded down."""
    if bonus <= 0:
        return bonus
    fund = bonus * offer.fund_share // WAD if bonus * offer.debt <= max(offer.equity, 0) * WAD else 0
    return bonus - bonus * offer.starter_share // WAD - fund


def profit(offer: Offer, costs: Costs, bonus: int | None = None) -> int:
    """Return what a take of everything allowed earns at a bonus, the present one for None, after swap and gas."""
    return offer.taken_debt * net_bonus(offer, offer.bonus if bonus is None else bonus) // WAD - costs.swap - costs.gas


def needed_bonus(offer: Offer, costs: Costs) -> int:
    """Return the least bonus that leaves the wanted minimum, rounded up, as if the fund's part were always due."""
    taken = offer.taken_debt
    if taken == 0:
        return WAD
    rate = -(-costs.wanted * WAD // taken)
    if rate <= 0:
        return rate
    kept = WAD - offer.starter_share - offer.fund_share
    return -(-rate * WAD // kept)


def bonus_by_time(offer: Offer, at: int) -> int:
    """Return the bonus that time alone gives at a moment, rounded down."""
    elapsed = min(max(at - offer.started_at, 0) * WAD // offer.tau, WAD)
    level = offer.start_level + (WAD - offer.start_level) * elapsed // WAD
    return offer.penalty * level // WAD


def time_of_bonus(offer: Offer, bonus: int) -> int | None:
    """Return the first second at which time alone gives a bonus; None when it never does."""
    if bonus > offer.penalty:
        return None
    level = -(-bonus * WAD // offer.penalty)
    if level <= offer.start_level:
        return offer.started_at
    elapsed = -(-(level - offer.start_level) * WAD // (WAD - offer.start_level))
    at = offer.started_at + -(-elapsed * offer.tau // WAD)
    while bonus_by_time(offer, at) < bonus:
        at += 1
    return at


@dataclass(frozen=True, slots=True)
class Eager:
    """Takes as soon as the minimum is left."""

    def decide(self, offer: Offer, costs: Costs, now: int) -> Decision:
        """Bid once the present bonus pays for everything."""
        needed = needed_bonus(offer, costs)
        if profit(offer, costs) >= costs.minimum:
            return Decision(True, min(needed, offer.bonus), "pays")
        return _wait(offer, needed, now)

    def aim(self, offer: Offer, costs: Costs) -> int:
        """Return the needed bonus."""
        return needed_bonus(offer, costs)


@dataclass(frozen=True, slots=True)
class Patient:
    """Waits for a bonus of its own, whoever comes first."""

    bonus: int

    def decide(self, offer: Offer, costs: Costs, now: int) -> Decision:
        """Bid at the own bonus, or at the most there is, if it pays."""
        target = self.aim(offer, costs)
        if offer.bonus < target:
            return _wait(offer, target, now)
        if profit(offer, costs) < costs.minimum:
            return Decision(False, 0, "does not pay", None)
        return Decision(True, min(target, offer.bonus), "patience is over")

    def aim(self, offer: Offer, costs: Costs) -> int:
        """Return the own bonus, the needed one if that is more, never more than there will be."""
        return min(max(self.bonus, needed_bonus(offer, costs)), max(offer.penalty, offer.bonus))


@dataclass(frozen=True, slots=True)
class Competitive:
    """Bids between its own costs and where it expects the others, at a point drawn by seed and auction.

    The others are expected to bid when the bonus reaches what this keeper needs, plus `rival_margin`. `blocks` before
    that point, at `block_time` seconds each, it bids whatever pays.
    """

    seed: str
    rival_margin: int
    blocks: int
    block_time: int

    def decide(self, offer: Offer, costs: Costs, now: int) -> Decision:
        """Bid at the drawn point, or just before the others would."""
        needed = needed_bonus(offer, costs)
        if profit(offer, costs) < costs.minimum:
            return _wait(offer, max(needed, offer.bonus + 1), now)
        if offer.bonus >= self.aim(offer, costs):
            return Decision(True, min(needed, offer.bonus), "at the aim")
        rivals_at = time_of_bonus(offer, min(needed + self.rival_margin, offer.penalty))
        if rivals_at is not None and rivals_at - now <= self.blocks * self.block_time:
            return Decision(True, min(needed, offer.bonus), "before the others")
        return _wait(offer, self.aim(offer, costs), now)

    def aim(self, offer: Offer, costs: Costs) -> int:
        """Return the drawn point between the needed bonus and the others'."""
        drawn = hashlib.sha256(f"{self.seed}/{offer.account}/{offer.started_at}".encode()).digest()[:8]
        part = int.from_bytes(drawn, "big")
        return min(needed_bonus(offer, costs) + (self.rival_margin * part >> 64), max(offer.penalty, offer.bonus))


def _wait(offer: Offer, bonus: int, now: int) -> Decision:
    at = time_of_bonus(offer, bonus)
    return Decision(False, 0, "waits for the bonus", None if at is None or at <= now else at)


Builder = Callable[[Table], PricingModel]

_MODELS: dict[str, Builder] = {}


def register(name: str, build: Builder) -> None:
    """Add a model that the configuration can name; `build` reads its table field by field."""
    _MODELS[name] = build


def build(name: str, table: Table) -> PricingModel:
    """Return the model called `name`, made from its table; ConfigError when there is none or a field is wrong."""
    if name not in _MODELS:
        raise ConfigError(f"pricing: {name!r} is not one of {', '.join(_MODELS)}")
    model = _MODELS[name](table)
    table.finish()
    return model


def signed(table: Table, key: str, bound: Bound) -> int:
    """Return a decimal number within a bound that may be negative, as WAD; ConfigError when it is none."""
    value = table.anything(key)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise ConfigError(f"{table.at(key)}: {value!r:.60} is no number")
    if not bound.holds(value):
        raise ConfigError(f"{table.at(key)}: {plainly(value)} is not in {bound}")
    scaled = value * WAD
    if scaled != int(scaled):
        raise ConfigError(f"{table.at(key)}: {plainly(value)} has more than 18 decimals")
    return int(scaled)


register("eager", lambda table: Eager())
register("patient", lambda table: Patient(bonus=signed(table, "bonus", _RATE)))
register(
    "competitive",
    lambda table: Competitive(
        seed=table.text("seed", 64),
        rival_margin=table.fraction("rival_margin", _SHARE),
        blocks=table.whole("blocks", Bound(0, 1_000)),
        block_time=table.whole("block_time", Bound(1, 3_600)),
    ),
)
