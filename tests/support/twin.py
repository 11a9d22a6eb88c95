"""A deployed world beside its model: every call is predicted first, then made, then compared to the unit.

    twin = Twin(world, accounts)
    twin.run("trader", Deposit(account, "USDC", 10**9))      # returns whether it succeeded, as the model said it would
    twin.compare()

A call is data; `Batch` holds others. What a swapper delivers is part of a `Trade`.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

from plimsoll.chain import Revert
from plimsoll.model import account_word, margin_rate, price_oracle
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.lending_pool import Parameters, Pool
from plimsoll.model.margin_engine import EVERYTHING, MarginEngine, Risk
from plimsoll.model.operator_registry import Grant, OperatorRegistry
from plimsoll.model.pool_words import Ledger
from plimsoll.model.price_source import Reading
from tests.support import scenario
from tests.support.scenario import DEAD, OK, STALE, World

__all__ = ["EVERYTHING", "Batch", "Call", "Deposit", "Trade", "Transfer", "Twin", "Verb", "Withdraw"]


@dataclass(frozen=True)
class Deposit:
    """MarginEngine.deposit, raw units."""

    account: int
    symbol: str
    amount: int


@dataclass(frozen=True)
class Withdraw:
    """MarginEngine.withdraw, to the caller."""

    account: int
    symbol: str
    amount: int
    max_borrow: int = 0


@dataclass(frozen=True)
class Trade:
    """MarginEngine.trade through MockSwapper, which delivers exactly `bought`."""

    account: int
    sell: str
    amount: int
    max_borrow: int
    buy: str
    bought: int
    min_buy: int = 0
    deadline: int = 2**40
    reduce_only: bool = False


@dataclass(frozen=True)
class Transfer:
    """MarginEngine.transfer."""

    source: int
    target: int
    symbol: str
    amount: int


Verb: TypeAlias = Deposit | Withdraw | Trade | Transfer


@dataclass(frozen=True)
class Batch:
    """MarginEngine.batch."""

    calls: tuple[Verb, ...]


Call: TypeAlias = Verb | Batch


class Twin:
    """A world, the model of it, and the accounts that are compared."""

    def __init__(self, world: World, accounts: Sequence[int]) -> None:
        self.world = world
        self.accounts = list(accounts)
        self.status = dict.fromkeys(world.assets, OK)
        self.updated = dict.fromkeys(world.assets, world.chain.timestamp())
        for symbol in world.assets:
            self.set_price(symbol, world[symbol].price)
        _, min_debt, paused = world.engine.settings()
        self.model = MarginEngine(OperatorRegistry(), self._risk(), min_debt, paused)
        for asset in world.assets.values():
            self.model.add_asset(asset.key, asset.token.address, self._pool(asset.pool))
            self.model.vault.gifts[asset.key] = asset.token.balanceOf(world.engine)

    @property
    def now(self) -> int:
        """The chain's time."""
        return self.world.chain.timestamp()

    def address(self, role: str) -> int:
        """Return a role's address as a number."""
        return int(self.world.roles[role], 16)

    # Calls

    def run(self, role: str, call: Call) -> str:
        """Predict a call, make it, and compare what it says; return its reason, "" if it succeeded."""
        self.model.risk = self._risk()
        trial = self.model.copy()
        expected: Any
        reason = ""
        try:
            expected = self._predict(trial, self.address(role), call)
            self.model = trial
        except ValueError as error:
            expected, reason = None, str(error)
        sender = self.world.roles[role]
        try:
            receipt = self.world.chain.raw_call(self.world.engine, self.encode(role, call), sender=sender)
        except Revert as error:
            assert (error.reason, error.halt) == (reason, ""), f"{call} by {role}: {error!r}, expected {reason!r}"
            assert reason, f"{call} by {role} reverted without a reason"
            return reason
        assert reason == "", f"{call} by {role} went through, expected {reason!r}"
        if expected is not None:
            assert int.from_bytes(receipt.return_data, "big") == expected, f"{call} by {role}"
        return reason

    def encode(self, role: str, call: Call) -> bytes:
        """Return a call's calldata."""
        world, engine = self.world, self.world.engine
        data: bytes
        match call:
            case Deposit(account, symbol, amount):
                data = engine.deposit.encode(account, world[symbol].token, amount)
            case Withdraw(account, symbol, amount, max_borrow):
                data = engine.withdraw.encode(account, world[symbol].token, amount, world.roles[role], max_borrow)
            case Transfer(source, target, symbol, amount):
                data = engine.transfer.encode(source, target, world[symbol].token, amount)
            case Batch(calls):
                data = engine.batch.encode([self.encode(role, each) for each in calls])
            case Trade():
                data = engine.trade.encode(
                    call.account,
                    world[call.sell].token,
                    call.amount,
                    call.max_borrow,
                    world[call.buy].token,
                    call.min_buy,
                    world.swapper,
                    call.bought.to_bytes(32, "big"),
                    call.deadline,
                    call.reduce_only,
                )
        return data

    def _predict(self, model: MarginEngine, caller: int, call: Call) -> int | None:
        now, key = self.now, {symbol: asset.key for symbol, asset in self.world.assets.items()}
        match call:
            case Deposit(account, symbol, amount):
                return model.deposit(now, caller, account, key[symbol], amount)
            case Withdraw(account, symbol, amount, max_borrow):
                return model.withdraw(now, caller, account, key[symbol], amount, max_borrow)
            case Transfer(source, target, symbol, amount):
                return model.transfer(now, caller, source, target, key[symbol], amount)
            case Trade():
                return model.trade(
                    now,
                    caller,
                    call.account,
                    key[call.sell],
                    call.amount,
                    call.max_borrow,
                    key[call.buy],
                    min_buy=call.min_buy,
                    bought=call.bought,
                    deadline=call.deadline,
                    reduce_only=call.reduce_only,
                )
            case Batch(calls):
                model.batch(now, [lambda each=each: self._predict(model, caller, each) for each in calls])  # type: ignore[misc]
        return None

    def grant(self, scope: int, operator: str, grant: Grant, owner: str = "trader") -> None:
        """Let an owner appoint an operator."""
        members = (grant.permissions, grant.expiry, grant.max_loss, grant.loss_budget)
        operator_address = self.world.roles[operator]
        self.world.registry.set_operator(scope, operator_address, members, sender=self.world.roles[owner])
        self.model.registry.set_operator(self.address(owner), scope, self.address(operator), grant)

    # Restrictions

    def set_cap(self, symbol: str, cap: int) -> None:
        """Set how much of an asset the vault may hold, raw units; 0 for any."""
        self.world.engine.set_cap(self.world[symbol].token, cap, sender=self.world.roles["owner"])
        self.model.restrictions.set_cap(self.world[symbol].key, cap)

    def set_gate(self, symbol: str, refused: Container[tuple[int, bool]]) -> None:
        """Set a gate that refuses what is in `refused`: accounts that hold the asset (False), or owe it (True)."""
        world, asset = self.world, self.world[symbol]
        gate = world.chain.deploy("MockGate", sender=world.roles["deployer"])
        for account in self.accounts:
            for owed in (False, True):
                gate.refuse(account, asset.key, owed, (account, owed) in refused, sender=world.roles["deployer"])
        world.engine.set_gate(asset.token, gate, sender=world.roles["owner"])
        self.model.restrictions.set_gate(asset.key, lambda account, _, owed: (account, owed) not in refused)

    # Prices

    def set_price(self, symbol: str, price: int | Fraction) -> None:
        """Set a price in dollars; the status becomes OK."""
        self.world.set_price(symbol, price)
        self.status[symbol], self.updated[symbol] = OK, self.now

    def set_status(self, symbol: str, status: int) -> None:
        """Set a price status."""
        self.world.set_status(symbol, status)
        self.status[symbol], self.updated[symbol] = status, self.now

    def price(self, symbol: str) -> price_oracle.Price:
        """Return what the model says of a price."""
        asset, status = self.world[symbol], self.status[symbol]
        if status == DEAD:
            return price_oracle.NO_PRICE
        number = int(asset.price * 10 ** (36 - asset.decimals))
        reading = Reading(number, number, self.updated[symbol], int(status != STALE), int(status == OK))
        return price_oracle.price([reading], price_oracle.Parameters(*self.world.price_parameters), self.now)

    def worth(self, sell: str, amount: int, buy: str) -> int:
        """Return raw units of one asset worth as much as raw units of another, rounded down."""
        sold, bought = self.world[sell], self.world[buy]
        return int(amount * sold.price * 10**bought.decimals / (bought.price * 10**sold.decimals))

    # Comparing

    def compare(self) -> None:
        """Assert that chain and model are the same in every number, and that both are sound."""
        world, model, now = self.world, self.model, self.now
        model.risk = self._risk()
        for account in self.accounts:
            word = world.engine.word_of(account)
            assert word == model.word_of(account)
            assert list(world.engine.exposures(account)) == model.exposures(now, account)
            assert tuple(world.engine.health(account)) == tuple(model.health(now, account))
            assert account_word.within_limits(word)
        for asset in world.assets.values():
            pool, twin = asset.pool, model.pools[asset.key]
            self._compare_pool(asset, twin)
            held = [world.engine.balance_of(account, asset.token) for account in self.accounts]
            owed = [world.engine.debt_of(account, asset.token) for account in self.accounts]
            for account, positive, negative in zip(self.accounts, held, owed, strict=True):
                assert positive == model.vault.balance_of(account, asset.key)
                assert negative == twin.debt_of(now, account) == pool.debt_of(account)
                assert positive == 0 or negative == 0
                word = model.word_of(account)
                assert account_word.holds(word, asset.key) == (positive > 0)
                assert account_word.owes(word, asset.key) == (negative > 0)
            assert sum(held) <= asset.token.balanceOf(world.engine)
            assert max(owed) <= pool.total_debt() <= sum(owed)

    def _compare_pool(self, asset: scenario.Asset, twin: Pool) -> None:
        pool, ledger, shares = asset.pool, twin.current(self.now), list(twin.balances.values())
        assert Ledger(*pool.ledger()) == twin.ledger
        assert pool.totalSupply() == twin.supply == sum(shares)
        assert tuple(pool.state()) == tuple(twin.state(self.now))
        assert pool.totalAssets() == ledger.cash + ledger.debt - ledger.fee
        assert ledger.cash <= asset.token.balanceOf(pool)
        assert sum(twin.debt_shares.values()) == ledger.debt_shares
        assert (ledger.debt == 0) == (ledger.debt_shares == 0)
        claims = sum(twin.convert_to_assets(self.now, each) for each in shares)
        assert claims <= ledger.cash + ledger.debt - ledger.fee

    def _pool(self, pool: Any) -> Pool:
        world = self.world
        holders = {address: pool.balanceOf(address) for address in world.roles.values()}
        supply_cap, borrow_cap = pool.caps()
        parameters = Parameters(
            supply_cap, borrow_cap, scenario.RESERVE_FACTOR, scenario.FLASH_FEE, RateParameters(*scenario.RATES)
        )
        return Pool(
            parameters,
            world.roles["fund"],
            Ledger(*pool.ledger()),
            pool.totalSupply(),
            {address: shares for address, shares in holders.items() if shares},
        )

    def _risk(self) -> Risk:
        margin = margin_rate.list_asset(margin_rate.Parameters(*scenario.MARGIN), 0)
        keys = {symbol: asset.key for symbol, asset in self.world.assets.items()}
        return Risk(
            {key: self.price(symbol) for symbol, key in keys.items()},
            dict.fromkeys(keys.values(), margin),
            scenario.INITIAL_RATIO,
        )
