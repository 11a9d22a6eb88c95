"""Lenders, traders, an operator and strangers act on the real engine, pools and risk engine, in step with the model.

Every call is predicted: its result, or its reason for reverting. After each, chain and model are equal in every number,
the ledgers are sound, nobody's act has touched anybody else, and whoever took risk satisfies initial margin. At the
end, whatever happened, everybody leaves.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from plimsoll.chain import Revert, RevmChain
from plimsoll.model import account_word
from plimsoll.model.operator_registry import Grant
from plimsoll.model.risk_engine import Health
from tests.support.scenario import DEAD, OK, STALE, WIDE, World, deploy_world
from tests.support.twin import EVERYTHING, Batch, Call, Deposit, Trade, Transfer, Twin, Verb, Withdraw

SYMBOLS = ("USDC", "WETH", "WBTC", "USDT", "TAIL")
SPREAD = (1, 2 * 10**16, 10**15, 0, 10**16)
PRICES = {"USDC": 1, "WETH": 2_000, "WBTC": 60_000, "USDT": 1, "TAIL": 3}
LENDERS = ("lender", "keeper")
OWNERS = ("trader", "attacker")
TOKENS_EACH = 10**12

people = st.sampled_from(["owner"] * 6 + ["operator", "stranger", "other owner"])
lenders = st.sampled_from(LENDERS)
places = st.integers(0, 3)
symbols = st.sampled_from([*SYMBOLS[:4] * 4, "TAIL"])
shares = st.sampled_from([0, 0, 0, 1, 10, 50, 99, 100])
"""Percent of what an account has of an asset; 0 is an amount of its own."""
turns = st.sampled_from([1, 1, 1, 2, 2, 2, 3, 3, 3, 4])
cents = st.one_of(st.integers(1, 100), st.integers(1, 10**5), st.integers(10**4, 10**7))
limits = st.sampled_from([0, EVERYTHING, EVERYTHING, 10**6])
fairness = st.sampled_from([0, 500, 989, 990, 991, 999, 1_000, 1_000, 1_000, 1_001, 1_100])


class Base:
    """The world that every run of the machine starts from, deployed once per process."""

    world: World | None = None
    start = 0

    @classmethod
    def fresh(cls) -> World:
        """Return it as deployed."""
        if cls.world is None:
            chain = RevmChain()
            cls.world = deploy_world(chain, price_parameters=SPREAD)
            for role in (*OWNERS, "operator", "stranger", *LENDERS):
                for symbol in SYMBOLS:
                    cls.world.fund(role, symbol, TOKENS_EACH, cls.world.engine)
                    token, pool = cls.world[symbol].token, cls.world[symbol].pool
                    token.approve(pool, 2**256 - 1, sender=cls.world.roles[role])
            cls.start = chain.snapshot()
        cls.world.chain.revert(cls.start)
        return cls.world.copy()


class MarginEngineMachine(RuleBasedStateMachine):
    """See the module."""

    twin: Twin
    accounts: list[int]
    donated: dict[tuple[str, str], int]
    operations: int

    @initialize(lent=st.lists(st.integers(10**6, 10**9), min_size=len(SYMBOLS), max_size=len(SYMBOLS)))
    def deploy(self, lent: list[int]) -> None:
        world = Base.fresh()
        self.accounts = [world.account(role, index) for role in OWNERS for index in range(2)]
        self.twin = Twin(world, self.accounts)
        self.donated = {}
        self.operations = 0
        for symbol, amount in zip(SYMBOLS, lent, strict=True):
            self.use_pool("lender", symbol, "deposit", self.units(symbol, amount))
        self.twin.grant(self.twin.address("trader"), "operator", Grant(15, self.twin.now + 10**7, 500, 10**24))

    # Helpers

    @property
    def world(self) -> World:
        return self.twin.world

    def units(self, symbol: str, amount: int) -> int:
        """Raw units worth a number of cents, at least one."""
        asset = self.world[symbol]
        return max(int(amount * 10**asset.decimals / asset.price / 100), 1)

    def role(self, person: str, place: int) -> str:
        """Who that person is to an account."""
        owner = OWNERS[place // 2]
        return {"owner": owner, "other owner": OWNERS[1 - place // 2]}.get(person, person)

    def part(self, place: int, symbol: str, share: int, amount: int) -> int:
        """A share of what an account has of an asset; else a number of cents."""
        balance = self.world.balance(self.accounts[place], symbol)
        return max(balance * share // 100, 1) if share and balance > 0 else self.units(symbol, amount)

    def something_held(self, place: int, symbol: str, share: int) -> str:
        """The asset itself, or, if a share of nothing is meant, one that the account has."""
        held = [each for each in SYMBOLS if self.world.balance(self.accounts[place], each) > 0]
        return symbol if share == 0 or not held or symbol in held else held[share % len(held)]

    def healths(self) -> dict[int, Health]:
        """What the chain says of every account."""
        return {account: self.world.health(account) for account in self.accounts}

    def numbers(self, account: int) -> tuple[int, list[int], list[int]]:
        """An account's word, balances and debts, as the chain says them."""
        engine, tokens = self.world.engine, [self.world[symbol].token for symbol in SYMBOLS]
        return (
            engine.word_of(account),
            [engine.balance_of(account, token) for token in tokens],
            [engine.debt_of(account, token) for token in tokens],
        )

    def act(self, role: str, call: Call) -> None:
        """Make a predicted call and see whom it touched."""
        before = {account: self.numbers(account) for account in self.accounts}
        healths = self.healths()
        refused = self.twin.run(role, call)
        self.operations += 1
        calls = call.calls if isinstance(call, Batch) else (call,)
        acted_on = set() if refused else {account for each in calls for account in accounts_of(each)}
        after_healths = self.healths()
        for account in self.accounts:
            word, held, owed = self.numbers(account)
            old_word, old_held, old_owed = before[account]
            trusted = self.is_trusted(role, account)
            if account not in acted_on or not trusted:
                assert (word, held) == (old_word, old_held) or account in acted_on
                assert all(0 <= old - new <= 1 for old, new in zip(old_owed, owed, strict=True)) or account in acted_on
                assert all(new >= old for old, new in zip(old_held, held, strict=True))
                assert all(new <= old for old, new in zip(old_owed, owed, strict=True))
                assert account_word.held(word) & ~account_word.held(old_word) == 0, "a stranger added an asset"
                self.assert_no_worse(healths[account], after_healths[account])
            elif any(takes_risk(each, account) for each in calls) and account_word.at_risk(word):
                health = after_healths[account]
                assert health.status == OK
                assert not self.twin.model.paused
                assert health.equity_initial >= health.initial
                self.assert_within_caps(word)

    def assert_within_caps(self, word: int) -> None:
        """Nobody takes risk with an asset of which the vault holds more than its cap."""
        for symbol in SYMBOLS:
            asset = self.world[symbol]
            cap = self.world.engine.restrictions_of(asset.token)[1]
            if cap and account_word.holds(word, asset.key):
                assert asset.token.balanceOf(self.world.engine) <= cap

    def assert_no_worse(self, before: Health, after: Health) -> None:
        """A third party's act leaves a healthy account healthy."""
        assert after.equity >= before.equity
        if before.equity >= before.maintenance:
            assert after.equity >= after.maintenance

    def is_trusted(self, role: str, account: int) -> bool:
        """Whether a role is the owner or an operator of an account."""
        address = self.twin.address(role)
        owner = account_word.owner(account) == address
        return owner or self.twin.model.registry.is_operator(account, address, self.twin.now)

    def use_pool(self, role: str, symbol: str, action: str, amount: int) -> None:
        """Let a lender act on a pool, predicted by the pool's model."""
        pool, twin = self.world[symbol].pool, self.twin.model.pools[self.world[symbol].key]
        who, now = self.world.roles[role], self.twin.now
        trial = self.twin.model.copy().pools[self.world[symbol].key]
        predictions: dict[str, Callable[[], int]] = {
            "deposit": lambda: trial.deposit(now, amount, who),
            "withdraw": lambda: trial.withdraw(now, amount, who),
            "redeem": lambda: trial.redeem(now, amount, who),
        }
        arguments: dict[str, tuple[Any, ...]] = {
            "deposit": (amount, who),
            "withdraw": (amount, who, who),
            "redeem": (amount, who, who),
        }
        expected, reason = 0, ""
        try:
            expected = predictions[action]()
            self.twin.model.pools[self.world[symbol].key] = trial
        except ValueError as error:
            reason = str(error)
        self.operations += 1
        try:
            receipt = getattr(pool, action)(*arguments[action], sender=who)
        except Revert as error:
            assert (error.reason, error.halt) == (reason, ""), f"{action} {amount} {symbol}: {error!r}"
            assert reason
            return
        assert (reason, receipt.return_value) == ("", expected)
        assert twin is not trial

    # Traders, operators, strangers

    @rule(person=people, place=places, symbol=symbols, amount=cents)
    def deposit(self, person: str, place: int, symbol: str, amount: int) -> None:
        self.act(self.role(person, place), Deposit(self.accounts[place], symbol, self.units(symbol, amount)))

    @rule(person=people, place=places, symbol=symbols, beyond=st.integers(-2, 2))
    def repay_around_the_debt(self, person: str, place: int, symbol: str, beyond: int) -> None:
        debt = -self.world.balance(self.accounts[place], symbol)
        if debt > 2:
            self.act(self.role(person, place), Deposit(self.accounts[place], symbol, debt + beyond))

    @rule(person=people, place=places, symbol=symbols, share=shares, amount=cents, limit=limits)
    def withdraw(self, person: str, place: int, symbol: str, share: int, amount: int, limit: int) -> None:
        units = EVERYTHING if share == 100 else self.part(place, symbol, share, amount)
        self.act(self.role(person, place), Withdraw(self.accounts[place], symbol, units, limit))

    @rule(
        person=people, place=places, symbol=symbols, turn=turns, share=shares, amount=cents, limit=limits, fair=fairness
    )
    def trade(
        self, person: str, place: int, symbol: str, turn: int, share: int, amount: int, limit: int, fair: int
    ) -> None:
        symbol = self.something_held(place, symbol, share)
        trade = self.build_trade(place, symbol, turn, self.part(place, symbol, share, amount), limit, fair)
        self.act(self.role(person, place), trade)

    @rule(place=places, symbol=symbols, turn=turns, leverage=st.integers(1, 9), amount=st.integers(10**4, 10**7))
    def open(self, place: int, symbol: str, turn: int, leverage: int, amount: int) -> None:
        """In one batch: collateral in, and a leveraged trade."""
        account, units = self.accounts[place], self.units(symbol, amount)
        trade = self.build_trade(place, symbol, turn, units * leverage, EVERYTHING, 1_000)
        self.act(OWNERS[place // 2], Batch((Deposit(account, symbol, units), trade)))

    @rule(person=people, place=places, percent=st.integers(1, 100), fair=fairness, choice=st.integers(0, 7))
    def reduce(self, person: str, place: int, percent: int, fair: int, choice: int) -> None:
        """Sell a part of something held for something owed, reduce-only, from healthy and from insolvent accounts."""
        account = self.accounts[place]
        held = [symbol for symbol in SYMBOLS if self.world.balance(account, symbol) > 0]
        owed = [symbol for symbol in SYMBOLS if self.world.balance(account, symbol) < 0]
        if not held or not owed:
            return
        sell, buy = held[choice % len(held)], owed[choice % len(owed)]
        units = self.part(place, sell, percent, 0)
        bought = self.twin.worth(sell, units, buy) * fair // 1_000
        self.act(self.role(person, place), Trade(account, sell, units, 0, buy, bought, reduce_only=True))

    @rule(place=places)
    def close(self, place: int) -> None:
        """In one batch: everything held is sold for the first debt, and the rest is withdrawn."""
        account = self.accounts[place]
        held = [symbol for symbol in SYMBOLS if self.world.balance(account, symbol) > 0]
        owed = [symbol for symbol in SYMBOLS if self.world.balance(account, symbol) < 0]
        if not held or not owed:
            return
        calls: list[Verb] = []
        for sell in held:
            units = self.world.balance(account, sell)
            calls.append(Trade(account, sell, units, 0, owed[0], self.twin.worth(sell, units, owed[0])))
        self.act(OWNERS[place // 2], Batch((*calls, Withdraw(account, owed[0], EVERYTHING))))

    @rule(
        person=people,
        place=places,
        step=st.sampled_from([1, 1, 1, 1, 2, 0]),
        symbol=symbols,
        share=shares,
        amount=cents,
    )
    def transfer(self, person: str, place: int, step: int, symbol: str, share: int, amount: int) -> None:
        """Mostly to the owner's other account; sometimes to himself, or to another owner."""
        symbol = self.something_held(place, symbol, share)
        target = self.accounts[place ^ step]
        units = self.part(place, symbol, share, amount)
        self.act(self.role(person, place), Transfer(self.accounts[place], target, symbol, units))

    @rule(
        person=people,
        place=places,
        parts=st.lists(
            st.tuples(st.sampled_from("ddwwtx"), symbols, turns, shares, cents, limits), min_size=1, max_size=6
        ),
    )
    def batch(self, person: str, place: int, parts: list[tuple[str, str, int, int, int, int]]) -> None:
        """Any verbs in any order on one account, and transfers to its owner's other one."""
        calls: list[Verb] = []
        account = self.accounts[place]
        for kind, symbol, turn, share, amount, limit in parts:
            units = self.part(place, symbol, share, amount)
            if kind == "d":
                calls.append(Deposit(account, symbol, units))
            elif kind == "w":
                calls.append(Withdraw(account, symbol, units, limit))
            elif kind == "t":
                calls.append(self.build_trade(place, symbol, turn, units, limit, 1_000))
            else:
                calls.append(Transfer(account, self.accounts[place ^ 1], symbol, units))
        self.act(self.role(person, place), Batch(tuple(calls)))

    @rule(place=places, symbol=symbols, amount=cents, back=st.integers(0, 2))
    def borrow_for_the_length_of_a_batch(self, place: int, symbol: str, amount: int, back: int) -> None:
        """Debt without collateral, repaid in the same batch, a unit short, exactly, or a unit over."""
        account, units = self.accounts[place], self.units(symbol, amount)
        calls = (Withdraw(account, symbol, units, EVERYTHING), Deposit(account, symbol, units + back - 1 or 1))
        self.act(OWNERS[place // 2], Batch(calls))

    @rule(
        owner=st.sampled_from(OWNERS),
        whole=st.booleans(),
        permissions=st.integers(0, 15),
        seconds=st.integers(0, 10**6),
        max_loss=st.sampled_from([0, 100, 10_000]),
        budget=st.sampled_from([0, 10**18, 10**24]),
    )
    def appoint(self, owner: str, whole: bool, permissions: int, seconds: int, max_loss: int, budget: int) -> None:
        scope = self.twin.address(owner) if whole else self.world.account(owner)
        grant = Grant(permissions, self.twin.now + seconds, max_loss, budget)
        self.twin.grant(scope, "operator", grant, owner)

    def build_trade(self, place: int, symbol: str, turn: int, units: int, limit: int, fair: int) -> Trade:
        """A trade into another asset, at so many thousandths of the oracle's price."""
        other = SYMBOLS[(SYMBOLS.index(symbol) + turn) % len(SYMBOLS)]
        bought = self.twin.worth(symbol, units, other) * fair // 1_000
        return Trade(self.accounts[place], symbol, units, limit, other, bought, min_buy=bought)

    # Lenders

    @rule(role=lenders, symbol=symbols, amount=cents)
    def lend(self, role: str, symbol: str, amount: int) -> None:
        self.use_pool(role, symbol, "deposit", self.units(symbol, amount))

    @rule(role=lenders, symbol=symbols, amount=cents)
    def unlend(self, role: str, symbol: str, amount: int) -> None:
        self.use_pool(role, symbol, "withdraw", self.units(symbol, amount))

    @rule(role=lenders, symbol=symbols, percent=st.integers(1, 100))
    def redeem(self, role: str, symbol: str, percent: int) -> None:
        self.use_pool(
            role, symbol, "redeem", self.world[symbol].pool.maxRedeem(self.world.roles[role]) * percent // 100
        )

    @rule(symbol=symbols)
    def mint_fees(self, symbol: str) -> None:
        pool = self.world[symbol].pool
        shares = self.twin.model.pools[self.world[symbol].key].mint_fees(self.twin.now)
        assert pool.mint_fees(sender=self.world.roles["stranger"]).return_value == shares

    # The world

    @rule(symbol=symbols, percent=st.sampled_from([40, 70, 90, 97, 100, 103, 110, 150]))
    def move_price(self, symbol: str, percent: int) -> None:
        self.twin.set_price(symbol, Fraction(PRICES[symbol] * percent, 100))

    @rule(symbol=symbols, status=st.sampled_from([OK, OK, WIDE, STALE, DEAD]))
    def change_status(self, symbol: str, status: int) -> None:
        if status == OK:
            self.twin.set_price(symbol, self.world[symbol].price)
        else:
            self.twin.set_status(symbol, status)

    @rule(seconds=st.sampled_from([1, 12, 3_600, 86_400, 30 * 86_400]))
    def wait(self, seconds: int) -> None:
        self.world.chain.warp(seconds)

    @rule(paused=st.booleans())
    def pause(self, paused: bool) -> None:
        change = self.world.engine.pause if paused else self.world.engine.unpause
        change(sender=self.world.roles["owner"])
        self.twin.model.paused = paused

    @rule(dollars=st.sampled_from([0, 1, 100, 10_000]))
    def set_min_debt(self, dollars: int) -> None:
        self.world.engine.set_min_debt(dollars * 10**18, sender=self.world.roles["owner"])
        self.twin.model.min_debt = dollars * 10**18

    @rule(symbol=symbols, amount=cents, to_pool=st.booleans())
    def donate(self, symbol: str, amount: int, to_pool: bool) -> None:
        asset, units = self.world[symbol], self.units(symbol, amount)
        target = asset.pool if to_pool else self.world.engine
        asset.token.mint(target, units, sender=self.world.roles["stranger"])
        place = (symbol, target.address)
        self.donated[place] = self.donated.get(place, 0) + units
        if not to_pool:
            gifts = self.twin.model.vault.gifts
            gifts[asset.key] = gifts.get(asset.key, 0) + units

    @rule(symbol=symbols, percent=st.sampled_from([0, 0, 50, 99, 100, 100, 101, 200]))
    def set_cap(self, symbol: str, percent: int) -> None:
        """Beside what the vault holds."""
        asset = self.world[symbol]
        self.twin.set_cap(symbol, asset.token.balanceOf(self.world.engine) * percent // 100)

    @rule(symbol=symbols, refused=st.sets(st.tuples(places, st.booleans()), max_size=3))
    def set_gate(self, symbol: str, refused: set[tuple[int, bool]]) -> None:
        self.twin.set_gate(symbol, {(self.accounts[place], owed) for place, owed in refused})

    # What holds

    @invariant()
    def chain_equals_model(self) -> None:
        self.twin.compare()

    @invariant()
    def tokens_are_accounted_for(self) -> None:
        for symbol in SYMBOLS:
            asset = self.world[symbol]
            vault = sum(self.world.engine.balance_of(account, asset.token) for account in self.accounts)
            for place, ledger in ((asset.pool, asset.pool.cash()), (self.world.engine, vault)):
                donated = self.donated.get((symbol, place.address), 0)
                assert asset.token.balanceOf(place) == ledger + donated

    # Everybody can always leave

    def teardown(self) -> None:
        if not hasattr(self, "twin"):
            return
        for place, account in enumerate(self.accounts):
            role = OWNERS[place // 2]
            for symbol in SYMBOLS:
                debt = -self.world.balance(account, symbol)
                if debt > 0:
                    assert self.twin.run(role, Deposit(account, symbol, debt)) == ""
        for place, account in enumerate(self.accounts):
            role = OWNERS[place // 2]
            for symbol in SYMBOLS:
                if self.world.balance(account, symbol) > 0:
                    assert self.twin.run(role, Withdraw(account, symbol, EVERYTHING)) == ""
            assert self.world.engine.word_of(account) == 0
        for symbol in SYMBOLS:
            pool, engine = self.world[symbol].pool, self.world.engine
            assert pool.total_debt() == 0
            assert self.world[symbol].token.balanceOf(engine) == self.donated.get((symbol, engine.address), 0)
            pool.mint_fees(sender=self.world.roles["stranger"])
            for role in (*LENDERS, "fund"):
                holder = self.world.roles[role]
                shares = pool.maxRedeem(holder)
                if shares:
                    pool.redeem(shares, holder, holder, sender=holder)
                assert pool.convertToAssets(pool.balanceOf(holder)) == 0
            assert pool.cash() <= 2 * self.operations + 10, "what is left is rounding, at most two units an operation"
        self.tokens_are_accounted_for()


def accounts_of(call: Verb) -> set[int]:
    """Return the accounts that a verb acts on."""
    return {call.source, call.target} if isinstance(call, Transfer) else {call.account}


def takes_risk(call: Verb, account: int) -> bool:
    """Whether a verb may leave this account riskier: everything but deposit, reduce-only, and receiving."""
    match call:
        case Deposit():
            return False
        case Transfer(source):
            return source == account
        case Trade():
            return call.account == account and not call.reduce_only
    return call.account == account


TestMarginEngine = MarginEngineMachine.TestCase
TestMarginEngine.settings = settings(
    stateful_step_count=100 if os.environ.get("HYPOTHESIS_PROFILE") == "nightly" else 30
)
