"""The margin engine's transitions, exact to the unit: twin of ``contracts/MarginEngine.vy``.

    engine = MarginEngine(registry, risk, min_debt=100 * WAD)
    engine.add_asset(key, token, pool)
    engine.deposit(now, owner, account, key, 10**9)
    engine.trade(now, owner, account, key, 3 * 10**9, 2 * 10**9, other, min_buy=0, bought=10**18)

Amounts are raw units, values WAD dollars, times UNIX seconds, callers addresses as integers, assets their keys. Every
verb returns what the contract's does and raises ValueError with the contract's reason. One that raises may have changed
something on the way, which a chain undoes: try it on a `copy`. Tokens and swappers are not modelled: what a swapper
delivers is `bought`, and tokens arrive whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from plimsoll.model import account_word, exposure, risk_engine
from plimsoll.model.collateral_vault import CollateralVault
from plimsoll.model.lending_pool import Pool
from plimsoll.model.margin_rate import Margin
from plimsoll.model.operator_registry import BORROW, TRADE, TRANSFER, WITHDRAW, OperatorRegistry
from plimsoll.model.price_oracle import DEAD, NO_PRICE, OK, Price
from plimsoll.model.restrictions import Restrictions
from plimsoll.model.risk_engine import Health

WAD = 10**18
EVERYTHING = 2**256 - 1
MAX_CALLS = 16
MAX_MIN_DEBT = 100_000 * WAD
REDUCE_ONLY_MAX_LOSS = 100
"""Of what an insolvent account sells, in basis points."""

LIMITS = 1
MARGIN = 2
DEBT_RAISED = 4


@dataclass(frozen=True, slots=True)
class Risk:
    """What the risk engine knows at one moment: prices and margins by asset key."""

    prices: Mapping[int, Price]
    margins: Mapping[int, Margin]
    initial_ratio: int

    def assess(self, exposures: Sequence[int], now: int) -> Health:
        """Return the health of packed exposures."""
        return risk_engine.assess(exposures, (), self.prices, self.margins, self.initial_ratio, now)

    def price(self, key: int) -> Price:
        """Return an asset's price; DEAD if it is not listed."""
        return self.prices.get(key, NO_PRICE)


@dataclass(slots=True)
class MarginEngine:
    """Every account, and what the engine asks: registry, risk and pools, which a caller may change in between."""

    registry: OperatorRegistry
    risk: Risk
    min_debt: int
    paused: bool = False
    vault: CollateralVault = field(default_factory=CollateralVault)
    restrictions: Restrictions = field(default_factory=Restrictions)
    pools: dict[int, Pool] = field(default_factory=dict)
    words: dict[int, int] = field(default_factory=dict)
    batching: bool = False
    pending: dict[int, int] = field(default_factory=dict)

    def copy(self) -> MarginEngine:
        """Return an engine that shares nothing that a verb changes."""
        return replace(
            self,
            registry=replace(self.registry, grants=dict(self.registry.grants)),
            vault=replace(self.vault, balances=dict(self.vault.balances)),
            pools={
                key: replace(
                    pool,
                    balances=dict(pool.balances),
                    debt_shares=dict(pool.debt_shares),
                    provision_of=dict(pool.provision_of),
                )
                for key, pool in self.pools.items()
            },
            words=dict(self.words),
            pending=dict(self.pending),
        )

    def add_asset(self, key: int, token: str, pool: Pool) -> None:
        """Accept a token under its key, with its pool."""
        self.vault.add_asset(token, key)
        self.pools[key] = pool

    # The verbs

    def deposit(self, now: int, caller: int, account: int, key: int, amount: int) -> int:
        """Return what was repaid of `amount`; what a stranger brings beyond the debt is not taken."""
        return self.take_in(now, caller, account, key, amount)[1]

    def take_in(self, now: int, caller: int, account: int, key: int, amount: int) -> tuple[int, int]:
        """Deposit; return what was taken from the caller, and what of it was repaid."""
        _require(amount != 0, "engine: zero amount")
        pool, old = self._pool(key), self.word_of(account)
        if not account_word.holds(old, key) and not self._is_trusted(now, caller, account):
            _require(account_word.owes(old, key), "engine: not allowed")
            amount = min(amount, pool.debt_of(now, account))
        word, repaid = self._book(now, account, old, key, amount)
        self._finish(now, account, old, word, 0)
        return amount, repaid

    def withdraw(self, now: int, caller: int, account: int, key: int, amount: int, max_borrow: int) -> int:
        """Return what was borrowed; `EVERYTHING` pays the whole balance."""
        _require(amount != 0, "engine: zero amount")
        self._authorise(now, caller, account, WITHDRAW if max_borrow == 0 else WITHDRAW | BORROW)
        self._pool(key)
        old = self.word_of(account)
        _assert_free(old)
        if amount == EVERYTHING:
            amount = self.vault.balance_of(account, key)
            _require(amount != 0, "engine: insufficient balance")
        word, borrowed = self._pay(now, account, old, key, amount, max_borrow)
        self._finish(now, account, old, word, MARGIN if borrowed == 0 else MARGIN | DEBT_RAISED)
        return borrowed

    def trade(
        self,
        now: int,
        caller: int,
        account: int,
        sell: int,
        sell_amount: int,
        max_borrow: int,
        buy: int,
        *,
        min_buy: int,
        bought: int,
        deadline: int = EVERYTHING,
        reduce_only: bool = False,
    ) -> int:
        """Return `bought`, what the swapper delivers."""
        _require(now <= deadline, "engine: expired")
        _require(sell_amount != 0, "engine: zero amount")
        _require(sell != buy, "engine: same asset")
        scope = self._authorise(now, caller, account, TRADE if max_borrow == 0 else TRADE | BORROW)
        self._pool(sell)
        self._pool(buy)
        old = self.word_of(account)
        exposures: list[int] = []
        compared = reduce_only and account_word.at_risk(old)
        if not reduce_only:
            _assert_free(old)
        else:
            _require(max_borrow == 0, "engine: reduce only")
        if compared:
            exposures = self._exposures(now, account, old)
        word, borrowed = self._pay(now, account, old, sell, sell_amount, max_borrow)
        _require(bought >= min_buy, "engine: min_buy")
        repaying = account_word.owes(word, buy)
        word, _ = self._book(now, account, word, buy, bought)
        if scope != 0:
            given, received, status = self._values(sell, sell_amount, buy, bought)
            _require(status == OK, "engine: price status")
            self.registry.charge_loss(scope, caller, given, received)
        raised = MARGIN if borrowed == 0 else MARGIN | DEBT_RAISED
        self._finish(now, account, old, word, 0 if reduce_only else raised)
        if compared:
            before, after = self.risk.assess(exposures, now), self._assess(now, account, word)
            given, received, _ = self._values(sell, sell_amount, buy, bought)
            _check_reduced(before, after, repaying=repaying, given=given, received=received)
        return bought

    def transfer(self, now: int, caller: int, source: int, target: int, key: int, amount: int) -> int:
        """Return what was repaid at the target."""
        _require(amount != 0, "engine: zero amount")
        _require(source != target, "engine: same account")
        _require(account_word.owner(source) == account_word.owner(target), "engine: not one owner")
        self._authorise(now, caller, source, TRANSFER)
        self._pool(key)
        old, target_old = self.word_of(source), self.word_of(target)
        _assert_free(old)
        taken, word = self.vault.debit(source, old, key, amount)
        _require(taken == amount, "engine: insufficient balance")
        target_word, repaid = self._book(now, target, target_old, key, amount)
        self._finish(now, target, target_old, target_word, 0)
        self._finish(now, source, old, word, MARGIN)
        return repaid

    def batch(self, now: int, calls: Iterable[Callable[[], object]]) -> None:
        """Make the calls, then every touched account's check; no call may be a batch."""
        _require(not self.batching, "engine: nested batch")
        made = list(calls)
        _require(len(made) != 0, "engine: empty batch")
        self.batching = True
        for call in made:
            call()
        self.batching = False
        touched, self.pending = self.pending, {}
        for account, needs in touched.items():
            self._verify(now, account, self.word_of(account), needs)

    # Views

    def word_of(self, account: int) -> int:
        """Return an account's word."""
        return self.words.get(account, 0)

    def balance_of(self, now: int, account: int, key: int) -> int:
        """Return a signed balance; what is owed includes interest, rounded up."""
        return self.vault.balance_of(account, key) - self.pools[key].debt_of(now, account)

    def exposures(self, now: int, account: int) -> list[int]:
        """Return an account's packed exposures: balances, then debts, from the lowest key."""
        return self._exposures(now, account, self.word_of(account))

    def health(self, now: int, account: int) -> Health:
        """Return an account's health."""
        return self._assess(now, account, self.word_of(account))

    # Who may act

    def _authorise(self, now: int, caller: int, account: int, permissions: int) -> int:
        if account_word.owner(account) == caller:
            return 0
        return self.registry.authorise(account, caller, permissions, now)

    def _is_trusted(self, now: int, caller: int, account: int) -> bool:
        return account_word.owner(account) == caller or self.registry.is_operator(account, caller, now)

    # Booking

    def _pool(self, key: int) -> Pool:
        _require(key in self.pools, "engine: unknown asset")
        return self.pools[key]

    def _pay(self, now: int, account: int, old: int, key: int, amount: int, max_borrow: int) -> tuple[int, int]:
        taken, word = self.vault.debit(account, old, key, amount)
        borrowed = amount - taken
        if borrowed:
            _require(max_borrow != 0, "engine: insufficient balance")
            _require(borrowed <= max_borrow, "engine: max_borrow")
            self.pools[key].borrow(now, account, borrowed)
            word = account_word.owe(word, key)
        return word, borrowed

    def _book(self, now: int, account: int, old: int, key: int, amount: int) -> tuple[int, int]:
        word, repaid = old, 0
        if amount and account_word.owes(old, key):
            repaid, left = self.pools[key].repay(now, account, amount)
            if left == 0:
                word = account_word.clear(word, key)
        return self.vault.credit(account, word, key, amount - repaid), repaid

    # Checks

    def _finish(self, now: int, account: int, old: int, word: int, needs: int) -> None:
        if word != old:
            self.words[account] = word
            if word & ~old:
                needs |= LIMITS
        if needs == 0:
            return
        if self.batching:
            self.pending[account] = self.pending.get(account, 0) | needs
        else:
            self._verify(now, account, word, needs)

    def _verify(self, now: int, account: int, word: int, needs: int) -> None:
        if needs & LIMITS:
            _require(account_word.within_limits(word), "engine: too many assets")
        if not needs & MARGIN or not account_word.at_risk(word):
            return
        _require(not self.paused, "engine: paused")
        self.restrictions.assert_admitted(account, word, self.vault.tokens_held)
        health = self._assess(now, account, word)
        _require(health.status == OK, "engine: price status")
        _require(health.equity_initial >= health.initial, "engine: initial margin")
        if needs & DEBT_RAISED:
            _require(health.debt >= self.min_debt, "engine: min debt")

    def _assess(self, now: int, account: int, word: int) -> Health:
        return self.risk.assess(self._exposures(now, account, word), now)

    def _exposures(self, now: int, account: int, word: int) -> list[int]:
        held, owed = account_word.keys(account_word.held(word)), account_word.keys(account_word.owed(word))
        if len(held) > account_word.MAX_HELD or len(owed) > account_word.MAX_OWED:
            raise ValueError("engine: too many assets")
        balances = [exposure.pack(key, False, self.vault.balance_of(account, key)) for key in held]
        return balances + [exposure.pack(key, True, self.pools[key].debt_of(now, account)) for key in owed]

    def _values(self, sell: int, sold: int, buy: int, bought: int) -> tuple[int, int, int]:
        """Return what was given (rounded up) and received (down) at mid, and the worse price status."""
        sold_at, bought_at = self.risk.price(sell), self.risk.price(buy)
        return -(-sold * sold_at.mid // WAD), bought * bought_at.mid // WAD, max(sold_at.status, bought_at.status)


def _check_reduced(before: Health, after: Health, *, repaying: bool, given: int, received: int) -> None:
    """Raise ValueError unless a trade left the account no riskier, at the same prices."""
    _require(max(before.status, after.status) != DEAD, "engine: price status")
    _require(after.maintenance <= before.maintenance, "engine: reduce only")
    if before.equity >= 0:
        _require(after.equity >= 0, "engine: reduce only")
        _require(after.equity * before.maintenance >= before.equity * after.maintenance, "engine: reduce only")
    else:
        _require(repaying, "engine: reduce only")
        _require(received * 10_000 >= given * (10_000 - REDUCE_ONLY_MAX_LOSS), "engine: reduce only")


def _assert_free(word: int) -> None:
    _require(not word & account_word.UNDER_AUCTION, "engine: under auction")


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)
