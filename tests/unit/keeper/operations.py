"""Random operations on the real protocol, as a list of numbers decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any

from eth_utils.crypto import keccak

from plimsoll.chain import Revert
from plimsoll.keeper.books import Deployment
from tests.support import scenario
from tests.support.scenario import World
from tests.unit.keeper.chains import RecordingChain

REFUSALS = {
    "engine: initial margin",
    "engine: insufficient balance",
    "engine: isolated",
    "engine: min debt",
    "engine: not allowed",
    "engine: too many assets",
    "erc20: burn amount exceeds balance",
    "margin: notice",
    "margin: ramp too slow",
    "pool: cash",
    "pool: zero assets",
    "pool: zero shares",
}
"""What the contracts may answer to operations that are drawn blindly."""

TRADERS = ("trader", "operator", "keeper", "attacker")


def deployment(chain: RecordingChain, world: World) -> Deployment:
    """Return what the keeper is told of a world."""
    rates = {asset.pool.address: scenario.RATE_AT_TARGET for asset in world.assets.values()}
    where = (chain.chain_id, world.engine.address, chain.start)
    return Deployment(*where, fund=world.roles["fund"], initial_rates=rates)


def accounts(world: World) -> list[int]:
    """Return every account that operations use."""
    return [world.account(role, index) for role in TRADERS for index in range(2)]


@dataclass
class Operations:
    """Does one random thing after another to a world; refusals that are in order change nothing."""

    world: World
    random: Random
    done: int = 0
    refused: int = 0
    gauge: Any = None

    def run(self, count: int) -> None:
        """Do so many things."""
        verbs: list[Callable[[], None]] = [
            *[self.deposit, self.withdraw, self.borrow, self.transfer] * 2,
            *[self.trade] * 6,
            *[self.repay] * 3,
            *[self.lend, self.unlend, self.accrue, self.mint_fees, self.flash],
            *[self.set_rates, self.set_fees, self.set_margin, self.set_dynamics, self.poke],
            *[self.warp] * 4,
        ]
        for _ in range(count):
            verb = self.random.choice(verbs)
            try:
                verb()
            except Revert as refusal:
                assert refusal.reason in REFUSALS, f"{verb.__name__}: {refusal.reason or refusal}"
                self.refused += 1
            else:
                self.done += 1

    def symbol(self) -> str:
        return self.random.choice(["USDC", "WETH", "WBTC", "USDT", "TAIL"])

    def account(self) -> int:
        return self.random.choice(accounts(self.world))

    def amount(self, symbol: str, dollars: int) -> Fraction:
        """Return whole tokens worth up to so many dollars, odd to the last unit."""
        asset = self.world[symbol]
        raw = self.random.randrange(1, int(dollars / asset.price * 10**asset.decimals) + 1)
        return Fraction(raw, 10**asset.decimals)

    def lend(self) -> None:
        symbol = self.symbol()
        self.world.lend(symbol, self.amount(symbol, 500_000))

    def unlend(self) -> None:
        symbol, lender = self.symbol(), self.world.roles["lender"]
        units = self.world.raw(symbol, self.amount(symbol, 300_000))
        self.world[symbol].pool.withdraw(units, lender, lender, sender=lender)

    def deposit(self) -> None:
        symbol = self.symbol()
        self.world.deposit(self.account(), symbol, self.amount(symbol, 20_000))

    def repay(self) -> None:
        """Repay a part or more than all of a debt that somebody has."""
        debts = [
            (account, symbol)
            for account in accounts(self.world)
            for symbol, asset in self.world.assets.items()
            if self.world.engine.debt_of(account, asset.token)
        ]
        if debts:
            account, symbol = self.random.choice(debts)
            debt = self.world.engine.debt_of(account, self.world[symbol].token)
            units = self.random.choice([self.random.randrange(1, debt + 1), debt, debt + 1])
            self.world.deposit(account, symbol, Fraction(units, 10 ** self.world[symbol].decimals))

    def withdraw(self) -> None:
        account, symbol = self.account(), self.symbol()
        owner = self.world.owner_of(account)
        units = self.random.choice([2**256 - 1, self.world.raw(symbol, self.amount(symbol, 5_000))])
        self.world.engine.withdraw(account, self.world[symbol].token, units, owner, 0, sender=owner)

    def borrow(self) -> None:
        symbol = self.symbol()
        self.world.borrow(self.account(), symbol, self.amount(symbol, 10_000))

    def trade(self) -> None:
        sell, buy = self.random.sample(["USDC", "WETH", "WBTC", "USDT", "TAIL"], 2)
        amount = self.amount(sell, 20_000)
        self.world.trade(self.account(), sell, amount, buy, self.random.choice([0, amount]))

    def transfer(self) -> None:
        role = self.random.choice(TRADERS)
        source, target = self.random.sample([self.world.account(role, 0), self.world.account(role, 1)], 2)
        symbol = self.symbol()
        units = self.world.raw(symbol, self.amount(symbol, 5_000))
        token, owner = self.world[symbol].token, self.world.roles[role]
        self.world.engine.transfer(source, target, token, units, sender=owner)

    def accrue(self) -> None:
        self.world[self.symbol()].pool.accrue(sender=self.world.roles["stranger"])

    def mint_fees(self) -> None:
        self.world[self.symbol()].pool.mint_fees(sender=self.world.roles["stranger"])

    def set_rates(self) -> None:
        low, high = sorted(self.random.sample(range(1, 1_000), 2))
        rates = (
            self.random.randrange(1_000, 9_900) * 10**14,
            self.random.randrange(10_000, 200_000) * 10**14,
            self.random.choice([0, 50 * 10**18]),
            low * 10**15,
            high * 10**15,
        )
        self.world[self.symbol()].pool.set_rates(rates, sender=self.world.roles["owner"])

    def set_fees(self) -> None:
        fees = (self.random.randrange(0, 5_001) * 10**14, self.random.randrange(0, 1_000) * 10**12)
        self.world[self.symbol()].pool.set_fees(*fees, sender=self.world.roles["owner"])

    def set_margin(self) -> None:
        floor, cap = sorted(self.random.sample(range(20, 490), 2))
        margin = (
            floor * 10**15,
            cap * 10**15,
            self.random.choice([10**6, 10**10, 10**12]),
            self.random.randrange(1, 40) * 10**14,
            10**17,
        )
        self.world.risk_engine.set_margin(self.world[self.symbol()].key, margin, sender=self.world.roles["owner"])

    def set_dynamics(self) -> None:
        """Let an asset's margin follow a gauge, or let the gauge say something else."""
        if self.gauge is None:
            self.gauge = self.world.chain.deploy("ScriptedAnswers", sender=self.world.roles["owner"])
        said = (self.random.randrange(1, 4) * 10**18, 2**39), (10 ** self.random.randrange(22, 27),)
        for name, words in zip(("measure(uint256)", "depth()"), said, strict=True):
            answer = b"".join(word.to_bytes(32, "big") for word in words)
            self.gauge.script(keccak(text=name)[:4], 0, answer, sender=self.world.roles["owner"])
        if self.random.randrange(2):
            parameters = (self.gauge, 10**17, self.gauge, 10**16, 0)
            key = self.world[self.symbol()].key
            self.world.risk_engine.set_dynamics(key, parameters, sender=self.world.roles["owner"])

    def poke(self) -> None:
        self.world.risk_engine.poke(self.world[self.symbol()].key, sender=self.world.roles["stranger"])

    def flash(self) -> None:
        symbol, stranger = self.symbol(), self.world.roles["stranger"]
        pool, token = self.world[symbol].pool, self.world[symbol].token
        cash = pool.cash()
        if cash:
            borrower = self.world.chain.deploy("MockFlashBorrower", sender=stranger)
            token.mint(borrower, pool.flashFee(token, cash), sender=stranger)
            borrower.act(token, token.approve.encode(pool, 2**256 - 1), sender=stranger)
            borrower.borrow_most(pool, token, sender=stranger)

    def warp(self) -> None:
        self.world.warp(self.random.choice([1, 12, 3_600, 86_400, 10 * 86_400]))
