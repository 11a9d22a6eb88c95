"""A lending pool's books from its events alone, exact to the unit.

Every event that touches a pool's ledger is logged in the second its interest is booked in, and `Accrued` says the rate
of the period, so the ledger after it follows from the ledger before it by the formulas of `plimsoll.model`. What the
event says and what follows must agree: a log that was lost shows at the next one, as `Inconsistent`.

One number is in no event: the rate at target that a pool is deployed with. It matters only until the first `Accrued`
says the next one. Until then it is what the deployment's manifest says, else the largest the pool's parameters allow,
which wakes a keeper too early and never too late.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from plimsoll.errors import PlimsollError
from plimsoll.keeper.events import Args
from plimsoll.model import adaptive_rate, interest, pool_ledger, share_math
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.fixed_point import WAD
from plimsoll.model.pool_words import CASH_LIMIT, DEBT_LIMIT, RATE_UNIT, Ledger


class Inconsistent(PlimsollError):  # noqa: N818  what they are
    """Events that cannot follow from the state before them: a log is missing, or the node mixed two chains."""


@dataclass(frozen=True, slots=True)
class PoolState:
    """A pool as of its last event: `ledger` as stored by the contract, caps in raw units, fees WAD.

    `rate_known` is False while `ledger.rate_at_target` is an upper bound (see the module's docstring).
    """

    ledger: Ledger
    rates: RateParameters
    reserve_factor: int = 0
    flash_fee: int = 0
    supply_cap: int = 0
    borrow_cap: int = 0
    rate_known: bool = False

    def at(self, now: int) -> Ledger:
        """Return the ledger with interest up to `now`; times before the last event count as that."""
        return pool_ledger.accrued(self.ledger, max(now, self.ledger.updated), self.rates, self.reserve_factor).ledger


def opened(args: Args, now: int, initial_rate: int | None) -> PoolState:
    """Return a pool's state after its first event, RatesSet."""
    rates = _rates(args["parameters"])
    start = rates.max_rate if initial_rate is None else initial_rate
    ledger = Ledger(0, 0, now, 0, start // RATE_UNIT * RATE_UNIT, 0, 0)
    return PoolState(ledger, rates, rate_known=initial_rate is not None)


def accrued(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after Accrued; Inconsistent unless the event is what the model computes."""
    ledger, seconds = pool.ledger, now - pool.ledger.updated
    rate, rate_after = args["rate"], args["rate_at_target"]
    _require(seconds > 0 and ledger.cash + ledger.debt > 0, "interest where none is due")
    if pool.rate_known:
        expected = adaptive_rate.rates(pool_ledger.utilisation(ledger), ledger.rate_at_target, seconds, pool.rates)
        _require((rate, rate_after) == (expected[0], expected[1] // RATE_UNIT * RATE_UNIT), "the rate is another")
    fine = ledger.debt * 256 * interest.growth(rate, seconds) // WAD + ledger.fraction
    booked = min(fine >> 8, DEBT_LIMIT - ledger.debt)
    _require(booked == args["interest"], "the interest is another")
    after = replace(
        ledger,
        debt=ledger.debt + booked,
        updated=now,
        rate_at_target=rate_after,
        fee=ledger.fee + args["fee"],
        fraction=fine & 255,
    )
    return replace(pool, ledger=after, rate_known=True)


def deposited(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after Deposit."""
    ledger = _current(pool, now)
    return replace(pool, ledger=replace(ledger, cash=ledger.cash + args["assets"]))


def withdrawn(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after Withdraw."""
    ledger = _current(pool, now)
    _require(ledger.cash >= args["assets"], "more cash left than there was")
    return replace(pool, ledger=replace(ledger, cash=ledger.cash - args["assets"]))


def borrowed(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after Borrowed; the account's shares are the caller's."""
    ledger, amount, shares = _current(pool, now), args["amount"], args["shares"]
    _require(ledger.cash >= amount, "more cash left than there was")
    expected = share_math.debt_shares_up(amount, ledger.debt, ledger.debt_shares)
    _require(shares == expected, "the debt shares are others")
    after = replace(
        ledger, cash=ledger.cash - amount, debt=ledger.debt + amount, debt_shares=ledger.debt_shares + shares
    )
    return replace(pool, ledger=after)


def repaid(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after Repaid; the account's shares are the caller's."""
    ledger = _reduced(_current(pool, now), args["amount"], args["shares"])
    return replace(pool, ledger=replace(ledger, cash=min(ledger.cash + args["amount"], CASH_LIMIT)))


def written_off(pool: PoolState, args: Args, now: int, shares: int) -> PoolState:
    """Return the state after WrittenOff of an account with these debt shares. Fees were minted before it."""
    ledger = replace(_current(pool, now), fee=0)
    debt = share_math.debt_up(shares, ledger.debt, ledger.debt_shares)
    after = _reduced(ledger, debt, shares)
    _require(ledger.debt - after.debt == args["loss"], "the loss is another")
    return replace(pool, ledger=after)


def debt_moved(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after DebtMoved; the accounts' shares are the caller's."""
    ledger = _current(pool, now)
    after = replace(
        ledger,
        debt=ledger.debt + args["starter_assets"] + args["fund_assets"],
        debt_shares=ledger.debt_shares + args["extra_shares"],
        fee=ledger.fee + args["fund_assets"],
    )
    return replace(pool, ledger=after)


def fees_minted(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after FeesMinted."""
    ledger = _current(pool, now)
    _require(ledger.fee == args["assets"], "the fee is another")
    return replace(pool, ledger=replace(ledger, fee=0))


def flash_lent(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after FlashLoan, which touches the ledger only if it cost something."""
    if not args["fee"]:
        return pool
    ledger = _current(pool, now)
    return replace(pool, ledger=replace(ledger, cash=min(ledger.cash + args["fee"], CASH_LIMIT)))


def rates_set(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after a later RatesSet."""
    ledger, rates = _current(pool, now), _rates(args["parameters"])
    rate = adaptive_rate.within(ledger.rate_at_target, rates.min_rate, rates.max_rate)
    known = pool.rate_known or rates.min_rate == rates.max_rate
    return replace(pool, rates=rates, ledger=replace(ledger, rate_at_target=rate), rate_known=known)


def fees_set(pool: PoolState, args: Args, now: int) -> PoolState:
    """Return the state after FeesSet."""
    ledger = _current(pool, now)
    return replace(pool, ledger=ledger, reserve_factor=args["reserve_factor"], flash_fee=args["flash_fee"])


def caps_set(pool: PoolState, args: Args) -> PoolState:
    """Return the state after CapsSet, which books no interest."""
    return replace(pool, supply_cap=args["supply_cap"], borrow_cap=args["borrow_cap"])


def _current(pool: PoolState, now: int) -> Ledger:
    """Return the ledger as of `now`: Accrued came before, unless there was nothing to accrue on."""
    ledger = pool.ledger
    if ledger.updated == now:
        return ledger
    _require(ledger.updated < now and ledger.cash == ledger.debt == 0, "interest was not booked first")
    return replace(ledger, updated=now)


def _reduced(ledger: Ledger, amount: int, shares: int) -> Ledger:
    _require(ledger.debt >= amount and ledger.debt_shares >= shares, "more debt went than there was")
    return pool_ledger.reduced(ledger, amount, shares)


def _rates(parameters: Any) -> RateParameters:
    return RateParameters(**parameters)


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise Inconsistent(what)
