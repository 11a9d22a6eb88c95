"""A lending pool on a chain beside its model: every operation runs on both, and they must agree to the unit.

    twin = deploy_pool(chain, decimals=6)
    twin.deposit(1_000 * twin.unit, twin.lender)       # -> shares; what either side reverts with, both must revert with
    twin.borrow(account, 500 * twin.unit)
    twin.check()                                       # ledger, state, supply and the accounting invariants

The engine is an account of the chain; what it repays is minted to the pool first, as if it had arrived.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from plimsoll.chain import Contract, Receipt, Revert, RevmChain
from plimsoll.model import lending_pool, share_math
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.lending_pool import Parameters, Pool
from plimsoll.model.pool_words import Ledger

WAD = 10**18
YEAR = 365 * 86_400
DAY = 86_400
MAX = 2**256 - 1

ROLES = ("deployer", "engine", "fund", "owner", "guardian", "lender", "other", "trader", "attacker")
RATES = RateParameters(target=9 * WAD // 10, steepness=4 * WAD, speed=50 * WAD, min_rate=WAD // 1_000, max_rate=2 * WAD)
RATE_AT_TARGET = 4 * WAD // 100
RESERVE_FACTOR = WAD // 10
FLASH_FEE = 5 * WAD // 10_000
CAP_TOKENS = 10**9


def account(owner: str, index: int = 0) -> int:
    """Return the account number of an owner."""
    return int(owner, 16) << 96 | index


@dataclass
class PoolTwin:
    """A pool, its token and its model; `minted` are the raw units of the token that came in from outside."""

    chain: RevmChain
    token: Contract
    pool: Contract
    model: Pool
    unit: int
    roles: dict[str, str]
    seen_accounts: set[int] = field(default_factory=set)
    seen_holders: set[str] = field(default_factory=set)

    def __getattr__(self, role: str) -> Any:
        if role in ROLES:
            return self.roles[role]
        raise AttributeError(role)

    def copy(self) -> PoolTwin:
        """Return a twin of the same contracts whose model can go its own way."""
        model = replace(
            self.model,
            balances=dict(self.model.balances),
            debt_shares=dict(self.model.debt_shares),
            provision_of=dict(self.model.provision_of),
        )
        return replace(self, model=model, seen_accounts=set(self.seen_accounts), seen_holders=set(self.seen_holders))

    @property
    def now(self) -> int:
        """The time that the next call sees."""
        return self.chain.timestamp()

    def run(self, on_chain: Callable[[], Receipt], on_model: Callable[[], Any]) -> Any:
        """Do the same on both sides; return what both return, or raise the Revert that both agree on."""
        try:
            expected = on_model()
        except ValueError as error:
            try:
                receipt = on_chain()
            except Revert as caught:
                assert caught.reason == str(error), f"contract: {caught.reason!r}, model: {error}"
                raise
            raise AssertionError(f"contract returned {receipt.return_value}, model: {error}") from error
        actual = on_chain().return_value
        if actual is not None or expected is not None:
            assert actual == expected, f"contract: {actual}, model: {expected}"
        return expected

    def fund_with(self, holder: str, amount: int) -> None:
        """Give `holder` tokens that the pool may pull."""
        self.token.mint(holder, amount, sender=self.deployer)
        self.token.approve(self.pool, MAX, sender=holder)

    def deposit(self, assets: int, holder: str) -> Any:
        """Lend; return the shares."""
        self.seen_holders.add(holder)
        if assets < 2**128:
            self.fund_with(holder, assets)
        return self.run(
            lambda: self.pool.deposit(assets, holder, sender=holder),
            lambda: self.model.deposit(self.now, assets, holder),
        )

    def mint(self, shares: int, holder: str) -> Any:
        """Lend what shares cost; return the assets."""
        self.seen_holders.add(holder)
        if shares < 2**150:
            self.fund_with(holder, self.model.preview_mint(self.now, shares))
        return self.run(
            lambda: self.pool.mint(shares, holder, sender=holder), lambda: self.model.mint(self.now, shares, holder)
        )

    def withdraw(self, assets: int, holder: str) -> Any:
        """Take back assets; return the shares."""
        return self.run(
            lambda: self.pool.withdraw(assets, holder, holder, sender=holder),
            lambda: self.model.withdraw(self.now, assets, holder),
        )

    def redeem(self, shares: int, holder: str) -> Any:
        """Give back shares; return the assets."""
        return self.run(
            lambda: self.pool.redeem(shares, holder, holder, sender=holder),
            lambda: self.model.redeem(self.now, shares, holder),
        )

    def borrow(self, account: int, amount: int) -> Any:
        """Lend to an account, paid to the trader; return its debt."""
        self.seen_accounts.add(account)
        return self.run(
            lambda: self.pool.borrow(account, amount, self.trader, sender=self.engine),
            lambda: self.model.borrow(self.now, account, amount),
        )

    def repay(self, account: int, amount: int) -> Any:
        """Let tokens arrive and book them; return (used, debt left)."""
        self.token.mint(self.pool, amount, sender=self.deployer)
        return self.run(
            lambda: self.pool.repay(account, amount, sender=self.engine),
            lambda: self.model.repay(self.now, account, amount),
        )

    def provision(self, account: int, amount: int) -> None:
        """Expect a loss."""
        self.seen_accounts.add(account)
        self.run(
            lambda: self.pool.provision(account, amount, sender=self.engine),
            lambda: self.model.provision(account, amount),
        )

    def move_debt(self, source: int, target: int, fraction: int, starter_rate: int = 0, fund_rate: int = 0) -> Any:
        """Let an account assume another's debt, paying the attacker who started the auction; return what is left."""
        self.seen_accounts.add(target)
        self.seen_holders.add(self.attacker)
        return self.run(
            lambda: self.pool.move_debt(
                source, target, fraction, self.attacker, starter_rate, fund_rate, sender=self.engine
            ),
            lambda: self.model.move_debt(self.now, source, target, fraction, self.attacker, starter_rate, fund_rate),
        )

    def write_off(self, account: int) -> Any:
        """Give up a debt; return (loss, covered)."""
        return self.run(
            lambda: self.pool.write_off(account, sender=self.engine), lambda: self.model.write_off(self.now, account)
        )

    def accrue(self) -> None:
        """Book the interest."""
        self.run(lambda: self.pool.accrue(sender=self.attacker), lambda: self.model.accrue(self.now))

    def accrued_debt(self, number: int) -> Any:
        """Book the interest; return an account's debt."""
        return self.run(
            lambda: self.pool.accrued_debt(number, sender=self.attacker),
            lambda: self.model.accrued_debt(self.now, number),
        )

    def mint_fees(self) -> Any:
        """Mint the fund's shares; return them."""
        return self.run(lambda: self.pool.mint_fees(sender=self.attacker), lambda: self.model.mint_fees(self.now))

    def set_caps(self, supply_cap: int, borrow_cap: int) -> None:
        """Set caps within their bounds."""
        self.run(
            lambda: self.pool.set_caps(supply_cap, borrow_cap, sender=self.owner),
            lambda: self.model.set_caps(supply_cap, borrow_cap),
        )

    def set_fees(self, reserve_factor: int, flash_fee: int) -> None:
        """Set fees within their bounds."""
        self.run(
            lambda: self.pool.set_fees(reserve_factor, flash_fee, sender=self.owner),
            lambda: self.model.set_fees(self.now, reserve_factor, flash_fee),
        )

    def set_rates(self, rates: RateParameters) -> None:
        """Set the rate curve within its bounds."""
        self.run(lambda: self.pool.set_rates(rates, sender=self.owner), lambda: self.model.set_rates(self.now, rates))

    def donate(self, amount: int) -> None:
        """Send tokens that nobody asked for."""
        self.token.mint(self.pool, amount, sender=self.deployer)

    def warp(self, seconds: int) -> None:
        """Let time pass."""
        self.chain.warp(seconds)

    def check(self) -> None:
        """Assert that contract and model hold the same state, and that the accounting invariants hold."""
        pool, model = self.pool, self.model
        assert Ledger(*pool.ledger()) == model.ledger
        assert tuple(pool.state()) == model.state(self.now)
        for holder in self.seen_holders | {self.fund}:
            assert pool.balanceOf(holder) == model.balance_of(holder)
        for number in self.seen_accounts:
            assert pool.debt_shares_of(number) == model.debt_shares_of(number)
            assert pool.debt_of(number) == model.debt_of(self.now, number)
            assert pool.provision_of(number) == model.provision_of.get(number, 0)
        check_invariants(model, self.now)
        assert model.ledger.cash <= self.token.balanceOf(pool)


def check_invariants(model: Pool, now: int) -> None:
    """Assert that shares and debts add up, and that assets cover all claims, in a model that equals the contract."""
    ledger = model.current(now)
    assert sum(model.balances.values()) == model.supply
    assert sum(model.debt_shares.values()) == ledger.debt_shares
    debts = [share_math.debt_up(shares, ledger.debt, ledger.debt_shares) for shares in model.debt_shares.values()]
    assert sum(debts) >= ledger.debt >= max(debts, default=0)
    assert (ledger.debt == 0) == (ledger.debt_shares == 0)
    assert all(debt > 0 for debt in debts)
    total = ledger.cash + ledger.debt - ledger.fee
    claims = sum(share_math.assets_down(shares, total, model.supply) for shares in model.balances.values())
    assert total >= claims
    assert total >= 0


def price(model: Pool, now: int) -> tuple[int, int]:
    """Return the share price as a fraction: (lenders' assets + 1, shares + virtual shares)."""
    return model.total_assets(now) + 1, model.supply + share_math.VIRTUAL_SHARES


def deploy_pool(
    chain: RevmChain,
    *,
    decimals: int = 18,
    token: str = "MockERC20",
    contract: str = "LendingPool",
    rates: RateParameters = RATES,
    rate_at_target: int = RATE_AT_TARGET,
    reserve_factor: int = RESERVE_FACTOR,
    flash_fee: int = FLASH_FEE,
    cap_tokens: int = CAP_TOKENS,
) -> PoolTwin:
    """Deploy a token and a pool of it, and put their model beside them."""
    roles = dict(zip(ROLES, chain.accounts(), strict=False))
    unit = 10**decimals
    asset = chain.deploy(token, "Token", "TKN", decimals, sender=roles["deployer"])
    cap = cap_tokens * unit
    pool = chain.deploy(
        contract,
        *constructor_arguments(
            roles, asset, rates=rates, rate_at_target=rate_at_target, caps=(cap, cap), fees=(reserve_factor, flash_fee)
        ),
        sender=roles["deployer"],
    )
    model = lending_pool.Pool.new(
        Parameters(cap, cap, reserve_factor, flash_fee, rates),
        fund=roles["fund"],
        now=chain.timestamp(),
        rate_at_target=rate_at_target,
    )
    return PoolTwin(chain, asset, pool, model, unit, roles)


def constructor_arguments(
    roles: dict[str, str],
    asset: Contract,
    *,
    rates: RateParameters = RATES,
    rate_at_target: int = RATE_AT_TARGET,
    caps: tuple[int, int] = (0, 0),
    fees: tuple[int, int] = (RESERVE_FACTOR, FLASH_FEE),
) -> list[Any]:
    """Return what LendingPool's constructor takes."""
    return [
        asset,
        "Plimsoll Token",
        "pTKN",
        roles["engine"],
        roles["fund"],
        roles["owner"],
        roles["guardian"],
        rates,
        rate_at_target,
        *caps,
        *fees,
    ]
