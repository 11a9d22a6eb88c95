"""A reserve fund with a real lending pool beside their models: every operation runs on both, to the unit.

twin = deploy_reserve(chain, decimals=6)
twin.give(twin.staker, 1_000)                    # pool shares worth so many tokens, approved for the fund
twin.stake(shares, twin.staker)                  # -> stake; what either side reverts with, both must revert with
twin.pool.borrow(account, 500 * twin.pool.unit)  # the pool's own twin: its engine is an account of the chain
twin.check()
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from plimsoll.chain import Contract, RevmChain
from plimsoll.model import lending_pool, reserve_fund
from plimsoll.model.lending_pool import Parameters
from plimsoll.model.reserve_fund import ReserveFund
from tests.support.pool import (
    CAP_TOKENS,
    FLASH_FEE,
    MAX,
    RATE_AT_TARGET,
    RATES,
    RESERVE_FACTOR,
    ROLES,
    PoolTwin,
    constructor_arguments,
)

COOLDOWN = 7 * 86_400
LAPSE = reserve_fund.LAPSE
STAKERS = ("staker", "second", "third")


@dataclass
class ReserveTwin:
    """A fund, the pool whose shares it holds, and the model of both."""

    pool: PoolTwin
    fund: Contract
    model: ReserveFund
    roles: dict[str, str]
    seen: set[str] = field(default_factory=set)

    def __getattr__(self, role: str) -> Any:
        if role in STAKERS or role in ROLES:
            return self.roles[role]
        raise AttributeError(role)

    def copy(self) -> ReserveTwin:
        """Return a twin of the same contracts whose models can go their own way."""
        pool = self.pool.copy()
        model = replace(self.model, pool=pool.model, stakes=dict(self.model.stakes), requests=dict(self.model.requests))
        return replace(self, pool=pool, model=model, seen=set(self.seen))

    @property
    def now(self) -> int:
        """The time that the next call sees."""
        return self.pool.now

    def warp(self, seconds: int) -> None:
        """Let time pass."""
        self.pool.warp(seconds)

    def give(self, holder: str, tokens: int) -> int:
        """Lend whole tokens in a holder's name, the shares approved for the fund; return them."""
        shares: int = self.pool.deposit(tokens * self.pool.unit, holder)
        self.pool.pool.approve(self.fund, MAX, sender=holder)
        return shares

    def stake(self, shares: int, holder: str, receiver: str | None = None) -> Any:
        """Stake pool shares; return the stake."""
        owner = receiver or holder
        self.seen.add(owner)
        return self.pool.run(
            lambda: self.fund.stake(self.pool.pool, shares, owner, sender=holder),
            lambda: self.model.stake(self.now, shares, holder, owner),
        )

    def stake_tokens(self, tokens: int, holder: str) -> Any:
        """Lend whole tokens and stake all shares got for them; return the stake."""
        return self.stake(self.give(holder, tokens), holder)

    def request(self, amount: int, holder: str) -> None:
        """Ask for stake back."""
        self.pool.run(
            lambda: self.fund.request_withdrawal(self.pool.pool, amount, sender=holder),
            lambda: self.model.request_withdrawal(self.now, holder, amount),
        )

    def cancel(self, holder: str) -> None:
        """Forget a request."""
        self.pool.run(
            lambda: self.fund.cancel_request(self.pool.pool, sender=holder),
            lambda: self.model.cancel_request(holder),
        )

    def withdraw(self, holder: str, receiver: str | None = None) -> Any:
        """Be paid; return the pool shares."""
        to = receiver or holder
        self.pool.seen_holders.add(to)
        return self.pool.run(
            lambda: self.fund.withdraw(self.pool.pool, to, sender=holder),
            lambda: self.model.withdraw(self.now, holder, to),
        )

    def leave(self, holder: str) -> Any:
        """Ask for everything, wait, be paid; return the pool shares."""
        self.request(self.model.stake_of(holder), holder)
        self.warp(self.model.cooldown)
        return self.withdraw(holder)

    def donate(self, shares: int, holder: str) -> None:
        """Send pool shares to the fund that nobody asked for."""
        self.pool.pool.transfer(self.fund, shares, sender=holder)
        self.pool.model.transfer(holder, self.fund.address, shares)

    def lose(self, tokens: int, index: int = 99) -> Any:
        """Let an account borrow whole tokens and give them up; return (loss, covered)."""
        number = int(self.trader, 16) << 96 | index
        self.pool.borrow(number, tokens * self.pool.unit)
        return self.pool.write_off(number)

    def worth(self, holder: str) -> int:
        """Return the pool shares that a holder's stake is worth."""
        return self.model.convert_to_shares(self.model.stake_of(holder))

    def check(self) -> None:
        """Assert that fund and model hold the same, and that no more is owed than there is."""
        fund, model, pool = self.fund, self.model, self.pool.pool
        owners = self.seen | {fund.address}
        stakes = {owner: model.stake_of(owner) for owner in owners}
        for owner, amount in stakes.items():
            assert fund.stake_of(pool, owner) == amount
            assert tuple(fund.request_of(pool, owner)) == tuple(model.request_of(owner))
            assert model.request_of(owner).stake <= amount
        held, total = model.total_shares(), model.total_stake()
        assert fund.total_shares(pool) == held == pool.balanceOf(fund)
        assert fund.total_stake(pool) == total
        assert fund.scale_of(pool) == model.scale_of()
        for amount in (0, 1, 10**6, 10**18, total):
            assert fund.convert_to_shares(pool, amount) == model.convert_to_shares(amount)
            assert fund.convert_to_stake(pool, amount) == model.convert_to_stake(amount)
        assert sum(stakes.values()) <= total
        assert sum(model.convert_to_shares(amount) for amount in stakes.values()) <= held
        self.pool.check()


def deploy_reserve(
    chain: RevmChain, *, decimals: int = 6, cooldown: int = COOLDOWN, contract: str = "LendingPool"
) -> ReserveTwin:
    """Deploy a fund, a token and its pool that names the fund, and put their models beside them."""
    accounts = chain.accounts()
    roles = dict(zip(ROLES, accounts, strict=False)) | dict(zip(STAKERS, accounts[len(ROLES) :], strict=False))
    deployer = roles["deployer"]
    fund = chain.deploy("ReserveFund", roles["engine"], cooldown, sender=deployer)
    roles["fund"] = fund.address
    unit = 10**decimals
    cap = CAP_TOKENS * unit
    token = chain.deploy("MockERC20", "Token", "TKN", decimals, sender=deployer)
    pool = chain.deploy(contract, *constructor_arguments(roles, token, caps=(cap, cap)), sender=deployer)
    model = lending_pool.Pool.new(
        Parameters(cap, cap, RESERVE_FACTOR, FLASH_FEE, RATES),
        fund=fund.address,
        now=chain.timestamp(),
        rate_at_target=RATE_AT_TARGET,
    )
    pool_twin = PoolTwin(chain, token, pool, model, unit, roles)
    return ReserveTwin(pool_twin, fund, ReserveFund(model, cooldown), roles)
