"""A protocol that only writes logs: the model does the sums, a FakeChain carries them. Fast, and easy to fork."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from random import Random
from typing import Any

from plimsoll.keeper.books import Deployment
from plimsoll.keeper.state import ENGINE, POOL, RISK_ENGINE
from plimsoll.model import account_word, pool_ledger
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.lending_pool import Parameters, Pool
from tests.unit.keeper.chains import BLOCK_TIME, GENESIS_TIME, Event, FakeChain

WAD = 10**18
ENGINE_AT, RISK_AT = "0x" + "11" * 20, "0x" + "22" * 20
TOKENS = {1: "0x" + "01" * 20, 2: "0x" + "02" * 20}
POOLS = {1: "0x" + "31" * 20, 2: "0x" + "32" * 20}
SOMEBODY = "0x" + "44" * 20
USDC, WETH = 1, 2
RATES = RateParameters(9 * WAD // 10, 4 * WAD, 50 * WAD, WAD // 1_000, 2 * WAD)
RATE_AT_TARGET = 4 * 10**16
MARGIN = {"floor": 5 * 10**16, "cap": 40 * 10**16, "size_slope": 10**6, "ramp_up": 10**12, "ramp_down": 10**17}

DEPLOYMENT = Deployment(1, ENGINE_AT, 100, initial_rates=dict.fromkeys(POOLS.values(), RATE_AT_TARGET))


@dataclass
class Ledger:
    """The protocol's sums, and the events of what happens next."""

    pools: dict[int, Pool] = field(default_factory=dict)
    held: dict[int, dict[int, int]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    now: int = GENESIS_TIME

    def deploy(self) -> None:
        """Deploy everything and list both assets."""
        parameters = Parameters(10**30, 10**30, WAD // 10, 0, RATES)
        self.log(ENGINE_AT, ENGINE, "RiskEngineSet", risk_engine=RISK_AT)
        self.log(ENGINE_AT, ENGINE, "MinDebtSet", min_debt=100 * WAD)
        for key, pool in POOLS.items():
            self.pools[key] = Pool.new(parameters, fund="fund", now=self.now, rate_at_target=RATE_AT_TARGET)
            self.log(pool, POOL, "RatesSet", parameters=RATES._asdict())
            self.log(pool, POOL, "CapsSet", supply_cap=10**30, borrow_cap=10**30)
            self.log(pool, POOL, "FeesSet", reserve_factor=WAD // 10, flash_fee=0)
            listed = {"key": key, "token": TOKENS[key], "decimals": 6 if key == USDC else 18, "isolated": False}
            self.log(RISK_AT, RISK_ENGINE, "AssetListed", **listed)
            self.log(RISK_AT, RISK_ENGINE, "MarginSet", key=key, parameters=MARGIN)
            self.log(ENGINE_AT, ENGINE, "AssetAdded", token=TOKENS[key], key=key, pool=pool)

    def lend(self, key: int, amount: int) -> None:
        self.accrue(key)
        shares = self.pools[key].deposit(self.now, amount, "lender")
        self.log(POOLS[key], POOL, "Deposit", sender=SOMEBODY, owner=SOMEBODY, assets=amount, shares=shares)

    def deposit(self, account: int, key: int, amount: int) -> None:
        """Deposit: what is owed is repaid first."""
        repaid = 0
        if self.pools[key].debt_shares_of(account):
            self.accrue(key)
            before = self.pools[key].debt_shares_of(account)
            repaid, _ = self.pools[key].repay(self.now, account, amount)
            burned = before - self.pools[key].debt_shares_of(account)
            self.log(POOLS[key], POOL, "Repaid", account=account, amount=repaid, shares=burned)
        self._hold(account, key, amount - repaid)
        where = {"account": account, "token": TOKENS[key]}
        self.log(ENGINE_AT, ENGINE, "Deposited", **where, sender=SOMEBODY, amount=amount, repaid=repaid)

    def withdraw(self, account: int, key: int, amount: int) -> None:
        """Withdraw: what is not held is borrowed."""
        held = min(self.held.get(account, {}).get(key, 0), amount)
        borrowed = min(amount - held, self.pools[key].ledger.cash)
        if borrowed:
            self.accrue(key)
            before = self.pools[key].debt_shares_of(account)
            self.pools[key].borrow(self.now, account, borrowed)
            shares = self.pools[key].debt_shares_of(account) - before
            where = {"account": account, "to": SOMEBODY}
            self.log(POOLS[key], POOL, "Borrowed", **where, amount=borrowed, shares=shares)
        if held + borrowed:
            self._hold(account, key, -held)
            where = {"account": account, "token": TOKENS[key], "to": SOMEBODY}
            self.log(ENGINE_AT, ENGINE, "Withdrawn", **where, amount=held + borrowed, borrowed=borrowed)

    def accrue(self, key: int) -> None:
        pool = self.pools[key]
        parameters = pool.parameters
        accrual = pool_ledger.accrued(pool.ledger, self.now, parameters.rates, parameters.reserve_factor)
        pool.accrue(self.now)
        if accrual.rate:
            self.log(
                POOLS[key],
                POOL,
                "Accrued",
                interest=accrual.interest,
                fee=accrual.fee,
                rate=accrual.rate,
                rate_at_target=accrual.ledger.rate_at_target,
            )

    def anything(self, random: Random, accounts: int = 6) -> None:
        """Let one random thing happen."""
        account = account_word.account(random.randrange(1, accounts + 1), 0)
        key, amount = random.choice([USDC, WETH]), random.randrange(1, 10**9)
        verb = random.choice([self.lend, self.deposit, self.withdraw, self.withdraw, self.accrue])
        if verb == self.lend:
            self.lend(key, amount)
        elif verb == self.accrue:
            self.accrue(key)
        else:
            verb(account, key, amount)  # type: ignore[operator]

    def log(self, address: str, artifact: str, event: str, **args: Any) -> None:
        self.events.append((address, artifact, event, args))

    def _hold(self, account: int, key: int, amount: int) -> None:
        held = self.held.setdefault(account, {})
        held[key] = held.get(key, 0) + amount


@dataclass
class Story:
    """A FakeChain with a ledger that remembers every block, so that it can go another way from any of them."""

    random: Random
    chain: FakeChain = field(default_factory=FakeChain)
    ledger: Ledger = field(default_factory=Ledger)
    past: list[Ledger] = field(default_factory=list)

    def begin(self) -> Story:
        """Mine the deployment."""
        self.ledger.deploy()
        for key in POOLS:
            self.ledger.lend(key, 10**12)
        self.mine()
        return self

    def go_on(self, blocks: int, things: int = 2) -> None:
        """Mine blocks in which up to so many things happen."""
        for _ in range(blocks):
            for _ in range(self.random.randrange(things + 1)):
                self.ledger.anything(self.random)
            self.mine()

    def go_back(self, depth: int) -> None:
        """Forget the newest blocks."""
        self.chain.drop(depth)
        del self.past[len(self.past) - depth :]
        self.ledger = copy.deepcopy(self.past[-1])

    def mine(self) -> None:
        self.chain.mine(self.ledger.events)
        self.ledger.events = []
        self.ledger.now = self.chain.blocks[-1].timestamp + BLOCK_TIME
        self.past.append(copy.deepcopy(self.ledger))
