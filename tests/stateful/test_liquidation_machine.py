"""Traders, liquidators and strangers around auctions on the real contracts, in step with the model.

Every call is predicted: its result, or its reason for reverting. After each, chain and model are equal in every number,
auctions, quotes and provisions included. What must hold of every take is asserted with it, no debtor's act restarts a
clock, and at the end, whatever happened, everybody leaves.
"""

from __future__ import annotations

import os
from fractions import Fraction

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from plimsoll.chain import RevmChain
from plimsoll.model import account_word
from tests.support import scenario
from tests.support.liquidation import LiquidationTwin
from tests.support.scenario import DEAD, OK, STALE, WIDE, World, deploy_world
from tests.support.twin import EVERYTHING, Deposit, Trade, Withdraw

WAD = 10**18
PRICES = {"USDC": 1, "WETH": 2_000, "WBTC": 60_000, "USDT": 1}
SIZES = {"quick": 8, "mutation": 8, "ci": 30, "nightly": 500}

symbols = st.sampled_from(["USDC", "WETH", "WETH", "USDT"])
places = st.integers(0, 1)
callers = st.sampled_from(["trader", "keeper", "stranger"])


class Base:
    """The world that every run starts from, deployed once per process."""

    world: World | None = None
    start = 0

    @classmethod
    def fresh(cls) -> World:
        """Return it as deployed."""
        if cls.world is None:
            chain = RevmChain()
            cls.world = deploy_world(chain, scenario.TOKENS[:4])
            for symbol, amount in (("USDC", 5_000_000), ("WETH", 2_000), ("WBTC", 100), ("USDT", 1_000_000)):
                cls.world.lend(symbol, amount)
                for role in ("trader", "keeper", "stranger"):
                    cls.world.fund(role, symbol, 10**7, cls.world.engine)
            cls.start = chain.snapshot()
        cls.world.chain.revert(cls.start)
        return cls.world.copy()


class LiquidationMachine(RuleBasedStateMachine):
    """See the module."""

    twin: LiquidationTwin
    accounts: list[int]
    taker: int

    @initialize(owed=st.sampled_from(["USDC", "USDT"]), used=st.integers(50, 95))
    def deploy(self, owed: str, used: int) -> None:
        """Two traders' accounts with debts, and a keeper's with WBTC that carries what he takes."""
        world = Base.fresh()
        self.accounts = [world.account("trader", index) for index in range(2)]
        self.taker = world.account("keeper", 0)
        self.twin = LiquidationTwin(world, [*self.accounts, self.taker])
        assert self.twin.run("keeper", Deposit(self.taker, "WBTC", 50 * 10**8)) == ""
        for account, debt in zip(self.accounts, (owed, "USDC"), strict=True):
            assert self.twin.run("trader", Deposit(account, "WETH", 10 * WAD)) == ""
            amount = 18_000 * used // 100 * 10**6
            assert self.twin.run("trader", Withdraw(account, debt, amount, amount)) == ""

    @rule(percent=st.integers(80, 115))
    def move_price(self, percent: int) -> None:
        """Move WETH within a hundredfold of where it began."""
        price = Fraction(int(self.twin.world["WETH"].price * percent), 100)
        if Fraction(20) <= price <= 20_000:
            self.twin.set_price("WETH", price)

    @rule(depth=st.integers(-50, 99), place=places)
    def fall(self, depth: int, place: int) -> None:
        """Let WETH fall until an account's equity is this percentage of its requirement."""
        values = self.twin.values(self.accounts[place])
        if values.debt > 10 * WAD and values.positive > 10 * WAD and not values.excluded:
            health = Fraction(depth, 100)
            line = values.debt + health * values.debt_requirement
            factor = (line / (values.positive - health * values.positive_requirement)).limit_denominator(10**6)
            price = self.twin.world["WETH"].price * factor
            if Fraction(20) <= price <= 20_000:
                self.twin.set_price("WETH", price.limit_denominator(10**6))

    @rule(symbol=symbols, status=st.sampled_from([OK, OK, WIDE, STALE, DEAD]))
    def doubt(self, symbol: str, status: int) -> None:
        """Change what is known of a price."""
        self.twin.set_status(symbol, status)

    @rule(seconds=st.sampled_from([1, 60, 300, 900, 7_200, 86_400]))
    def wait(self, seconds: int) -> None:
        """Let time pass; prices are OK afterwards."""
        self.twin.warp(seconds)

    @rule(place=places, caller=callers, verb=st.sampled_from(["liquidate", "liquidate", "cancel", "poke", "write_off"]))
    def verb(self, place: int, caller: str, verb: str) -> None:
        """Anyone does anything; only a cure or a loss ends an auction, only a start starts its clock."""
        account = self.accounts[place]
        before = self.twin.auctions.get(account)
        reason = self.twin.act(caller, verb, account)
        after = self.twin.auctions.get(account)
        if before is not None and after is not None:
            assert (after.started_at, after.starter) == (before.started_at, before.starter)
            assert after.penalty >= before.penalty
        if reason == "" and verb in ("cancel", "write_off"):
            assert after is None

    @rule(place=places, percent=st.sampled_from([1, 10, 50, 100, 100]))
    def take(self, place: int, percent: int) -> None:
        """Take a part of what the quote allows; the maximum is refused only for the taker's own sake."""
        account = self.accounts[place]
        values, quote = self.twin.values(account), self.twin.world.auction.quote(account)
        fraction = max(1, quote.max_fraction * percent // 100)
        reason = self.twin.act("keeper", "take", account, fraction, self.taker, quote.bonus)
        if not quote.takeable:
            assert reason in ("auction: none", "auction: healthy", "auction: nothing to take")
            return
        if reason:
            own = ("engine: price status", "engine: initial margin", "engine: min debt", "engine: opposite balance")
            assert reason in (own if percent == 100 else (*own, "auction: remainder"))
            return
        after = self.twin.values(account)
        if account in self.twin.auctions and quote.bonus * values.debt <= values.equity * WAD:
            slack = 10**13 * (WAD + 1)
            assert after.equity * values.requirement + slack * 10**6 >= values.equity * after.requirement

    @rule(place=places, symbol=symbols, dollars=st.integers(1, 20_000), caller=callers)
    def deposit(self, place: int, symbol: str, dollars: int, caller: str) -> None:
        """Add or repay; it never touches the clock."""
        account = self.accounts[place]
        before = self.twin.auctions.get(account)
        amount = int(dollars * 10 ** self.twin.world[symbol].decimals / PRICES[symbol])
        self.twin.run(caller, Deposit(account, symbol, amount))
        assert self.twin.auctions.get(account) == before

    @rule(place=places, percent=st.sampled_from([5, 50, 100]))
    def reduce(self, place: int, percent: int) -> None:
        """The owner sells collateral to repay, at the oracle's price."""
        account = self.accounts[place]
        held = self.twin.model.vault.balance_of(account, self.twin.world["WETH"].key)
        amount = max(1, held * percent // 100)
        bought = self.twin.worth("WETH", amount, "USDC")
        self.twin.run("trader", Trade(account, "WETH", amount, 0, "USDC", bought, reduce_only=True))

    @rule(place=places)
    def flee(self, place: int) -> None:
        """The owner tries to take his collateral out; under auction he cannot."""
        account = self.accounts[place]
        reason = self.twin.run("trader", Withdraw(account, "WETH", EVERYTHING))
        if account in self.twin.auctions:
            assert reason == "engine: under auction"

    @precondition(lambda self: any(each in self.twin.auctions for each in self.accounts))
    @rule(place=places)
    def cure(self, place: int) -> None:
        """The owner repays everything: then the auction ends at any price, and he leaves."""
        self._leave("trader", self.accounts[place])

    @invariant()
    def same(self) -> None:
        """Chain and model are equal; a provision stands only for a debt under auction."""
        if not hasattr(self, "twin"):
            return
        self.twin.compare()
        for asset in self.twin.world.assets.values():
            for account, amount in self.twin.model.pools[asset.key].provision_of.items():
                assert amount > 0
                assert account in self.twin.auctions
                assert self.twin.model.word_of(account) & account_word.PROVISIONED

    def teardown(self) -> None:
        """Everybody leaves, whatever the prices are."""
        if not hasattr(self, "twin"):
            return
        for account in self.accounts:
            self._leave("trader", account)
        self._leave("keeper", self.taker)
        for asset in self.twin.world.assets.values():
            assert asset.pool.state().provisions == 0
        self.twin.compare()

    def _leave(self, role: str, account: int) -> None:
        world = self.twin.world
        for symbol, asset in world.assets.items():
            debt = world.engine.debt_of(account, asset.token)
            if debt:
                assert self.twin.run(role, Deposit(account, symbol, debt)) == ""
        if account in self.twin.auctions:
            assert self.twin.act(role, "cancel", account) == ""
        for symbol, asset in world.assets.items():
            if world.engine.balance_of(account, asset.token):
                assert self.twin.run(role, Withdraw(account, symbol, EVERYTHING)) == ""
        assert world.engine.word_of(account) == 0


TestLiquidation = LiquidationMachine.TestCase
TestLiquidation.settings = settings(
    max_examples=SIZES[os.environ.get("HYPOTHESIS_PROFILE", "quick")], stateful_step_count=25, deadline=None
)
