"""Equity against requirement: twin of ``contracts/RiskEngine.vy`` (docs/formulas.md).

Equities, requirements and debts are WAD dollars. Positives round down; debts and requirements round up, asset by asset.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from plimsoll.model import cure, exposure, margin_rate, price_oracle
from plimsoll.model.cure import NOT_KNOWN, LastGood
from plimsoll.model.fixed_point import WAD
from plimsoll.model.liquidation_auction import Values
from plimsoll.model.margin_rate import NO_DYNAMICS, NO_MARGIN, Dynamics, Margin
from plimsoll.model.price_oracle import DEAD, NO_CLOCK, NO_PRICE, OK, Clock, Price

NONE_KNOWN: Mapping[int, LastGood] = {}

ISOLATED = 1 << 64
MAX_CORE = 64
MAX_DECIMALS = 18
MAX_STRESS = 2**190


class Health(NamedTuple):
    """What a list of exposures is worth and requires; IRiskEngine.Health."""

    equity: int
    """At mid."""
    equity_initial: int
    """Positives at bid, debts at ask."""
    maintenance: int
    initial: int
    debt: int
    """Worth of all debts at mid."""
    status: int
    """The worst price status among the exposures."""


def assess(
    exposures: Sequence[int],
    stress: Sequence[int],
    prices: Mapping[int, Price],
    margins: Mapping[int, Margin],
    initial_ratio: int,
    now: int,
    backing: Collection[tuple[int, int]] | None = None,
    dynamics: Mapping[int, Dynamics] | None = None,
) -> Health:
    """Return the health of packed exposures; a key without a price is DEAD, one without a margin requires nothing.

    `dynamics` are those of the keys that have any.
    `backing` are the pairs of an isolated-tier key held and a key owed for which the first counts initially; None: all.
    `stress` is empty or P&L of position modules in WAD dollars: the present value, then changes under scenarios.
    """
    held = held_at_bid = owed = owed_at_ask = maintenance = initial = 0
    status = price_oracle.OK
    debts = {key for key, debt, _ in map(exposure.unpack, exposures) if debt}
    for packed in exposures:
        key, debt, amount = exposure.unpack(packed)
        price = prices.get(key, NO_PRICE)
        status = max(status, price.status)
        if price.status == DEAD:
            worth = min(amount, 1) if debt else 0
            owed += worth
            owed_at_ask += worth
            maintenance += worth
            initial += margin_rate.initial(worth, initial_ratio)
            continue
        if debt:
            worth = exposure.owed_worth(amount, price.mid)
            owed += worth
            owed_at_ask += exposure.owed_worth(amount, price.ask)
        else:
            worth = exposure.worth(amount, price.mid)
            held += worth
            if key < ISOLATED or backing is None or all((key, owed_key) in backing for owed_key in debts):
                held_at_bid += exposure.worth(amount, price.bid)
        follows = (dynamics or {}).get(key, NO_DYNAMICS)
        required = margin_rate.requirements(margins.get(key, NO_MARGIN), worth, now, initial_ratio, follows)
        maintenance += required[0]
        initial += required[1]
    present, loss = worst_loss(stress)
    return Health(
        equity=held - owed + present,
        equity_initial=held_at_bid - owed_at_ask + present,
        maintenance=maintenance + loss,
        initial=initial + margin_rate.initial(loss, initial_ratio),
        debt=owed,
        status=status,
    )


def assess_liquidation(
    exposures: Sequence[int],
    prices: Mapping[int, Price],
    clocks: Mapping[int, Clock],
    margins: Mapping[int, Margin],
    wide_delay: int,
    now: int,
    last_good: Mapping[int, LastGood] = NONE_KNOWN,
    curing: bool = False,
) -> Values:
    """Return packed exposures as liquidation sees them.

    A key without a price is DEAD, one without a clock is not settled, one without a margin requires nothing. `curing`
    is whether the cure window is open.
    """
    positive = debt_value = positive_requirement = debt_requirement = excluded = kept = 0
    certain = not curing
    for index, packed in enumerate(exposures):
        key, debt, amount = exposure.unpack(packed)
        price, clock, good = prices.get(key, NO_PRICE), clocks.get(key, NO_CLOCK), last_good.get(key, NOT_KNOWN)
        at = price.mid
        settled = price.status == OK or price_oracle.is_settled(clock, price.status, wide_delay, now, good.time)
        if curing or not settled:
            certain = False
            if price.status == DEAD:
                excluded |= 1 << index
                if not debt and (curing or now <= good.time + wide_delay):
                    worth = exposure.worth(amount, good.price)
                    kept += worth - margin_rate.requirements(margins.get(key, NO_MARGIN), worth, now, WAD)[0]
                continue
            at = price.bid if debt else price.ask
            if curing:
                at = cure.granted(debt, price.mid, at, good.price)
        worth = max(exposure.owed_worth(amount, at), min(amount, 1)) if debt else exposure.worth(amount, at)
        required, _ = margin_rate.requirements(margins.get(key, NO_MARGIN), worth, now, WAD)
        if debt:
            debt_value += worth
            debt_requirement += required
        else:
            positive += worth
            positive_requirement += required
    if kept and positive + kept >= debt_value + positive_requirement + debt_requirement:
        return Values(0, 0, 0, 0, False, excluded)
    return Values(positive, debt_value, positive_requirement, debt_requirement, certain, excluded)


def worst_loss(stress: Sequence[int]) -> tuple[int, int]:
    """Return present value and worst loss of position modules, both within +-MAX_STRESS."""
    if not stress:
        return 0, 0
    present = max(min(stress[0], MAX_STRESS), -MAX_STRESS)
    return present, -max(min([0, *stress[1:]]), -MAX_STRESS)


def next_key(core_count: int, isolated_count: int, isolated: bool) -> int:
    """Return the asset key that the next listing issues; ValueError with the contract's reason if none is left."""
    if isolated:
        if isolated_count >= 2**64 - 1:
            raise ValueError("risk: no index left")
        return ISOLATED | isolated_count + 1
    if core_count >= MAX_CORE:
        raise ValueError("risk: no index left")
    return 1 << core_count
