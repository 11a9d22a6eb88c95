"""A lending pool in memory, exact to the unit: twin of ``contracts/LendingPool.vy`` and its module `lender_shares`.

    pool = Pool.new(parameters, fund=FUND, now=timestamp, rate_at_target=4 * 10**16)
    shares = pool.deposit(now, 10**12, lender)
    debt = pool.borrow(now, account, 10**9)

Amounts are raw units, shares have six decimals more, times are unix seconds and never go back. Every operation returns
what the contract's function returns, and raises ValueError with the contract's reason, having changed nothing. Tokens,
allowances and who may call are not modelled.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from plimsoll.model import adaptive_rate, pool_ledger, share_math
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.fixed_point import WAD
from plimsoll.model.pool_words import (
    CAP_LIMIT,
    CASH_LIMIT,
    DEBT_LIMIT,
    DEBT_SHARES_LIMIT,
    FEE_LIMIT,
    RATE_UNIT,
    TIME_MASK,
    Ledger,
)

SUPPLY_LIMIT = 2**142 - 1
PROVISION_LIMIT = 2**112 - 1


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the owner sets: caps in raw units, fees and rates WAD."""

    supply_cap: int
    borrow_cap: int
    reserve_factor: int
    flash_fee: int
    rates: RateParameters


class Bounds:
    """Limits of the parameters: contracts/modules/pool_parameters.vy."""

    SUPPLY_CAP = 2**100 - 1
    BORROW_CAP = 2**92 - 1
    TOKENS = CAP_LIMIT
    MIN_TARGET = WAD // 10
    MAX_TARGET = 99 * WAD // 100
    MAX_STEEPNESS = 100 * WAD
    MAX_SPEED = 200 * WAD
    MIN_RATE = WAD // 10_000
    MAX_RATE = 10 * WAD
    MAX_RESERVE_FACTOR = WAD // 2
    MAX_FLASH_FEE = WAD // 100


class State(NamedTuple):
    """ILendingPool.State."""

    total_assets: int
    cash: int
    total_debt: int
    unminted_fee: int
    provisions: int
    total_supply: int
    borrow_rate: int
    rate_at_target: int
    utilisation: int
    reserve_factor: int
    supply_cap: int
    borrow_cap: int


@dataclass(slots=True)
class Pool:
    """One pool's whole state; holders are any hashable, `fund` among them."""

    parameters: Parameters
    fund: Hashable
    ledger: Ledger
    supply: int = 0
    balances: dict[Hashable, int] = field(default_factory=dict)
    debt_shares: dict[int, int] = field(default_factory=dict)
    provision_of: dict[int, int] = field(default_factory=dict)

    @classmethod
    def new(cls, parameters: Parameters, *, fund: Hashable, now: int, rate_at_target: int) -> Pool:
        """Return an empty pool as deployed at `now`."""
        return cls(parameters, fund, Ledger(0, 0, now & TIME_MASK, 0, rate_at_target // RATE_UNIT * RATE_UNIT, 0, 0))

    # Lenders

    def deposit(self, now: int, assets: int, receiver: Hashable) -> int:
        """Return the shares minted for `assets`, rounded down."""
        ledger = self.current(now)
        self._check_room(ledger, assets)
        shares = share_math.shares_down(assets, pool_ledger.lenders_assets(ledger), self.supply)
        self._enter(ledger, assets, shares, receiver)
        return shares

    def mint(self, now: int, shares: int, receiver: Hashable) -> int:
        """Return the assets paid for `shares`, rounded up."""
        ledger = self.current(now)
        assets = share_math.assets_up(shares, pool_ledger.lenders_assets(ledger), self.supply)
        self._check_room(ledger, assets)
        self._enter(ledger, assets, shares, receiver)
        return assets

    def withdraw(self, now: int, assets: int, owner: Hashable) -> int:
        """Return the shares burned for `assets`, rounded up."""
        ledger = self.current(now)
        _check_cash(assets, ledger.cash)
        shares = share_math.shares_up(assets, self.withdrawable(ledger), self.supply)
        self._leave(ledger, assets, shares, owner)
        return shares

    def redeem(self, now: int, shares: int, owner: Hashable) -> int:
        """Return the assets paid for `shares`, rounded down."""
        ledger = self.current(now)
        assets = share_math.assets_down(shares, self.withdrawable(ledger), self.supply)
        _check_cash(assets, ledger.cash)
        self._leave(ledger, assets, shares, owner)
        return assets

    def total_assets(self, now: int) -> int:
        """Return what belongs to lenders."""
        return pool_ledger.lenders_assets(self.current(now))

    def convert_to_shares(self, now: int, assets: int) -> int:
        """Return the shares that `assets` buy: also previewDeposit."""
        return share_math.shares_down(assets, self.total_assets(now), self.supply)

    def convert_to_assets(self, now: int, shares: int) -> int:
        """Return what `shares` are worth to who leaves: also previewRedeem."""
        return share_math.assets_down(shares, self.withdrawable(self.current(now)), self.supply)

    def preview_mint(self, now: int, shares: int) -> int:
        """Return the assets that `shares` cost."""
        return share_math.assets_up(shares, self.total_assets(now), self.supply)

    def preview_withdraw(self, now: int, assets: int) -> int:
        """Return the shares that `assets` cost."""
        return share_math.shares_up(assets, self.withdrawable(self.current(now)), self.supply)

    def max_deposit(self, now: int) -> int:
        """Return the largest deposit."""
        return self._max_enter(now)[0]

    def max_mint(self, now: int) -> int:
        """Return the shares for the largest deposit."""
        return self._max_enter(now)[1]

    def max_withdraw(self, now: int, owner: Hashable) -> int:
        """Return the most assets that `owner` can withdraw."""
        return min(self.convert_to_assets(now, self.balance_of(owner)), self.current(now).cash)

    def max_redeem(self, now: int, owner: Hashable) -> int:
        """Return the most shares that `owner` can redeem."""
        ledger = self.current(now)
        total, shares = self.withdrawable(ledger), self.balance_of(owner)
        if share_math.assets_down(shares, total, self.supply) > ledger.cash:
            shares = share_math.shares_down(ledger.cash, total, self.supply)
        return shares if share_math.assets_down(shares, total, self.supply) else 0

    def balance_of(self, holder: Hashable) -> int:
        """Return a holder's shares."""
        return self.balances.get(holder, 0)

    def transfer(self, sender: Hashable, receiver: Hashable, shares: int) -> None:
        """Move shares between holders."""
        if self.balance_of(sender) < shares:
            raise ValueError("erc20: transfer amount exceeds balance")
        self._move(sender, -shares)
        self._move(receiver, shares)

    # The engine

    def borrow(self, now: int, account: int, amount: int) -> int:
        """Return the account's debt after borrowing `amount`, rounded up."""
        ledger = self.current(now)
        if amount == 0:
            raise ValueError("pool: zero amount")
        _check_cash(amount, ledger.cash)
        if ledger.debt + amount > self.parameters.borrow_cap:
            raise ValueError("pool: borrow cap")
        shares = share_math.debt_shares_up(amount, ledger.debt, ledger.debt_shares)
        if ledger.debt_shares + shares > DEBT_SHARES_LIMIT:
            raise ValueError("pool: overflow")
        ledger = replace(
            ledger, cash=ledger.cash - amount, debt=ledger.debt + amount, debt_shares=ledger.debt_shares + shares
        )
        self.ledger = ledger
        self.debt_shares[account] = self.debt_shares_of(account) + shares
        return share_math.debt_up(self.debt_shares[account], ledger.debt, ledger.debt_shares)

    def repay(self, now: int, account: int, amount: int) -> tuple[int, int]:
        """Return what was used of `amount`, and the debt that is left, rounded up."""
        ledger = self.current(now)
        shares = self.debt_shares_of(account)
        used, burned = share_math.debt_up(shares, ledger.debt, ledger.debt_shares), shares
        if amount < used:
            used, burned = amount, share_math.debt_shares_down(amount, ledger.debt, ledger.debt_shares)
        ledger = pool_ledger.reduced(ledger, used, burned)
        ledger = replace(ledger, cash=min(ledger.cash + used, CASH_LIMIT))
        self.ledger = ledger
        self._set_debt_shares(account, shares - burned)
        self._release(account)
        return used, share_math.debt_up(shares - burned, ledger.debt, ledger.debt_shares)

    def provision(self, account: int, amount: int) -> None:
        """Set the loss expected of an account; 0 releases it."""
        if amount:
            self.provision_of[account] = min(amount, PROVISION_LIMIT)
        else:
            self.provision_of.pop(account, None)

    def move_debt(
        self, now: int, source: int, target: int, fraction: int, starter: Hashable, starter_rate: int, fund_rate: int
    ) -> tuple[int, int]:
        """Return both debts after `target` assumed `fraction` (WAD, at most 1) of the source's, and what is on top."""
        ledger = self.current(now)
        shares = self.debt_shares_of(source)
        moved = -(-shares * fraction // WAD)
        amount = share_math.debt_up(moved, ledger.debt, ledger.debt_shares)
        for_starter = -(-amount * starter_rate // WAD)
        for_fund = min(-(-amount * fund_rate // WAD), FEE_LIMIT - ledger.fee)
        extra = for_starter + for_fund
        extra_shares = minted = 0
        if extra:
            extra_shares = share_math.debt_shares_up(extra, ledger.debt, ledger.debt_shares)
            minted = self._mintable(ledger, for_starter)
            if ledger.debt + extra > DEBT_LIMIT or ledger.debt_shares + extra_shares > DEBT_SHARES_LIMIT:
                extra = extra_shares = for_fund = minted = 0
        ledger = replace(
            ledger,
            debt=ledger.debt + extra,
            debt_shares=ledger.debt_shares + extra_shares,
            fee=ledger.fee + for_fund,
        )
        self.ledger = ledger
        self._set_debt_shares(source, shares - moved)
        self._set_debt_shares(target, self.debt_shares_of(target) + moved + extra_shares)
        self._mint(starter, minted)
        self._release(source)
        return self.debt_of(now, source), self.debt_of(now, target)

    def write_off(self, now: int, account: int) -> tuple[int, int]:
        """Return the loss of giving up an account's debt, and how much of it the fund's shares covered."""
        ledger = self.current(now)
        self._mint(self.fund, self._mintable(ledger, ledger.fee))
        ledger = replace(ledger, fee=0)
        total, shares = pool_ledger.lenders_assets(ledger), self.debt_shares_of(account)
        after = pool_ledger.reduced(ledger, share_math.debt_up(shares, ledger.debt, ledger.debt_shares), shares)
        loss = ledger.debt - after.debt
        self.ledger = after
        self._set_debt_shares(account, 0)
        burned = min(self.balance_of(self.fund), share_math.shares_down(loss, total, self.supply))
        covered = min(loss, share_math.assets_up(burned, total, self.supply))
        self._mint(self.fund, -burned)
        self.provision(account, 0)
        return loss, covered

    def debt_of(self, now: int, account: int) -> int:
        """Return an account's debt, rounded up."""
        ledger = self.current(now)
        return share_math.debt_up(self.debt_shares_of(account), ledger.debt, ledger.debt_shares)

    def debt_shares_of(self, account: int) -> int:
        """Return an account's debt shares."""
        return self.debt_shares.get(account, 0)

    @property
    def provisions(self) -> int:
        """The sum of all provisions."""
        return sum(self.provision_of.values())

    # Anyone

    def accrue(self, now: int) -> None:
        """Store the interest up to now."""
        self.ledger = self.current(now)

    def accrued_debt(self, now: int, account: int) -> int:
        """Store the interest up to now; return an account's debt, rounded up."""
        self.accrue(now)
        return self.debt_of(now, account)

    def mint_fees(self, now: int) -> int:
        """Return the shares minted to the fund for the accumulated fee; the fee stays while that is 0."""
        ledger = self.current(now)
        shares = self._mintable(ledger, ledger.fee)
        self.ledger = replace(ledger, fee=0) if shares else ledger
        self._mint(self.fund, shares)
        return shares

    def flash_loan(self, now: int, amount: int) -> int:
        """Return the fee of a flash loan that was repaid."""
        if amount == 0:
            raise ValueError("pool: zero amount")
        _check_cash(amount, self.ledger.cash)
        fee = self.flash_fee(amount)
        if fee:
            ledger = self.current(now)
            self.ledger = replace(ledger, cash=min(ledger.cash + fee, CASH_LIMIT))
        return fee

    def flash_fee(self, amount: int) -> int:
        """Return the fee of a flash loan of `amount`, rounded up."""
        return -(-amount * self.parameters.flash_fee // WAD)

    # Parameters

    def set_caps(self, supply_cap: int, borrow_cap: int) -> None:
        """Replace the caps; the bounds are the contract's."""
        self.parameters = replace(self.parameters, supply_cap=supply_cap, borrow_cap=borrow_cap)

    def set_fees(self, now: int, reserve_factor: int, flash_fee: int) -> None:
        """Replace reserve factor and flash fee from now on."""
        self.accrue(now)
        self.parameters = replace(self.parameters, reserve_factor=reserve_factor, flash_fee=flash_fee)

    def set_rates(self, now: int, rates: RateParameters) -> None:
        """Replace the rate curve from now on, and move the rate at target into its bounds."""
        ledger = self.current(now)
        self.parameters = replace(self.parameters, rates=rates)
        self.ledger = replace(
            ledger, rate_at_target=adaptive_rate.within(ledger.rate_at_target, rates.min_rate, rates.max_rate)
        )

    # Prices and limits

    def current(self, now: int) -> Ledger:
        """Return the ledger with interest up to now."""
        return pool_ledger.accrued(self.ledger, now, self.parameters.rates, self.parameters.reserve_factor).ledger

    def state(self, now: int) -> State:
        """Return the pool in one tuple."""
        ledger = self.current(now)
        utilisation = pool_ledger.utilisation(ledger)
        return State(
            total_assets=pool_ledger.lenders_assets(ledger),
            cash=ledger.cash,
            total_debt=ledger.debt,
            unminted_fee=ledger.fee,
            provisions=self.provisions,
            total_supply=self.supply,
            borrow_rate=adaptive_rate.rates(utilisation, ledger.rate_at_target, 0, self.parameters.rates)[0],
            rate_at_target=ledger.rate_at_target,
            utilisation=utilisation,
            reserve_factor=self.parameters.reserve_factor,
            supply_cap=self.parameters.supply_cap,
            borrow_cap=self.parameters.borrow_cap,
        )

    def withdrawable(self, ledger: Ledger) -> int:
        """Return what withdrawals are priced on: lenders' assets less the provisions that the fund does not cover."""
        total = pool_ledger.lenders_assets(ledger)
        if not self.provisions:
            return total
        cover = share_math.assets_down(self.balance_of(self.fund), total, self.supply)
        return total - min(total, max(0, self.provisions - cover))

    def _max_enter(self, now: int) -> tuple[int, int]:
        total = self.total_assets(now)
        if share_math.is_ruined(total, self.supply):
            return 0, 0
        assets = max(0, self.parameters.supply_cap - total)
        shares = share_math.shares_down(assets, total, self.supply)
        return (assets, shares) if shares else (0, 0)

    def _check_room(self, ledger: Ledger, assets: int) -> None:
        total = pool_ledger.lenders_assets(ledger)
        if assets > max(0, self.parameters.supply_cap - total):
            raise ValueError("pool: supply cap")
        if share_math.is_ruined(total, self.supply):
            raise ValueError("pool: share price")

    def _enter(self, ledger: Ledger, assets: int, shares: int, receiver: Hashable) -> None:
        _check_amounts(assets, shares)
        self.ledger = replace(ledger, cash=ledger.cash + assets)
        self._mint(receiver, shares)

    def _leave(self, ledger: Ledger, assets: int, shares: int, owner: Hashable) -> None:
        _check_amounts(assets, shares)
        if self.balance_of(owner) < shares:
            raise ValueError("erc20: burn amount exceeds balance")
        self.ledger = replace(ledger, cash=ledger.cash - assets)
        self._mint(owner, -shares)

    def _release(self, account: int) -> None:
        """Release the provision of an account without debt."""
        if not self.debt_shares_of(account):
            self.provision(account, 0)

    def _mintable(self, ledger: Ledger, assets: int) -> int:
        total = pool_ledger.lenders_assets(ledger)
        if share_math.is_ruined(total, self.supply):
            return 0
        shares = share_math.shares_down(assets, total, self.supply)
        return shares if self.supply + shares <= SUPPLY_LIMIT else 0

    def _mint(self, holder: Hashable, shares: int) -> None:
        """Mint shares, or burn them if negative."""
        self.supply += shares
        self._move(holder, shares)

    def _move(self, holder: Hashable, shares: int) -> None:
        balance = self.balance_of(holder) + shares
        if balance:
            self.balances[holder] = balance
        else:
            self.balances.pop(holder, None)

    def _set_debt_shares(self, account: int, shares: int) -> None:
        if shares:
            self.debt_shares[account] = shares
        else:
            self.debt_shares.pop(account, None)


def _check_cash(amount: int, cash: int) -> None:
    if amount > cash:
        raise ValueError("pool: cash")


def _check_amounts(assets: int, shares: int) -> None:
    if assets == 0:
        raise ValueError("pool: zero assets")
    if shares == 0:
        raise ValueError("pool: zero shares")
