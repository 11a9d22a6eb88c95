"""Moving what an auction's terms say: twin of ``contracts/modules/liquidation.vy``, on the engine's model.

    liquidation = Liquidation(engine, assess, parameters, initial_ratio)
    liquidation.liquidate(now, caller, account)
    fraction, share = liquidation.take(now, caller, account, WAD, to_account, min_bonus=-WAD)

`assess(exposures, now)` is RiskEngine.assess_liquidation's twin. Callers are addresses as integers; fractions, shares
and bonuses WAD; times unix seconds. Every verb returns what the contract's does and raises ValueError with its
reason; one that raises may have changed something on the way: try it on a `copy`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from plimsoll.model import account_word, exposure, liquidation_auction
from plimsoll.model.fixed_point import WAD
from plimsoll.model.liquidation_auction import UNKNOWN, Auction, Parameters, Values
from plimsoll.model.margin_engine import DEBT_RAISED, MARGIN, MarginEngine
from plimsoll.model.operator_registry import BORROW

Assess = Callable[[Sequence[int], int], Values]


@dataclass(slots=True)
class Liquidation:
    """The engine's auctions; `holder` names an address as the pools' models do."""

    engine: MarginEngine
    assess: Assess
    parameters: Parameters
    initial_ratio: int
    holder: Callable[[int], str] = hex
    auctions: dict[int, Auction] = field(default_factory=dict)

    def copy(self) -> Liquidation:
        """Return a copy that shares nothing that a verb changes."""
        return replace(self, engine=self.engine.copy(), auctions=dict(self.auctions))

    def liquidate(self, now: int, caller: int, account: int) -> None:
        """Start an auction, or raise the penalty of one past its tail."""
        exposures, values = self._look(now, account)
        auction = self.auctions.get(account)
        if auction is None:
            self.auctions[account] = liquidation_auction.start(values, self.holder(caller), self.parameters, now)
        else:
            self.auctions[account] = liquidation_auction.raised(auction, values, now)
        word = self.engine.word_of(account) | account_word.UNDER_AUCTION
        self._provide(now, account, word, exposures, _shortfall(values))

    def take(
        self, now: int, caller: int, account: int, fraction: int, to_account: int, min_bonus: int
    ) -> tuple[int, int]:
        """Return the fraction of every debt and the share of every balance that moved."""
        engine = self.engine
        _require(account != to_account, "engine: same account")
        self._assert_settled(account)
        if account_word.owner(to_account) != caller:
            engine.registry.authorise(to_account, caller, BORROW, now)
            _require(min_bonus >= 0, "engine: operator bonus")
        engine.restrictions.assert_admitted(to_account, engine.word_of(account), None)
        exposures, values = self._look(now, account)
        _require(fraction != 0, "auction: zero fraction")
        _require(account in self.auctions, "auction: none")
        auction = self.auctions[account]
        terms = liquidation_auction.take(auction, values, now, fraction, min_bonus, engine.min_debt, self.initial_ratio)
        own = self.holder(account_word.owner(to_account)) == terms.starter
        starter_rate = 0 if own else terms.starter_rate
        word, old = engine.word_of(account), engine.word_of(to_account)
        target = old
        _require(not target & account_word.UNDER_AUCTION, "engine: under auction")
        for index, packed in enumerate(exposures):
            key, debt, amount = exposure.unpack(packed)
            if terms.excluded >> index & 1:
                continue
            if debt:
                _require(not account_word.holds(target, key), "engine: opposite balance")
                left, _ = engine.pools[key].move_debt(
                    now, account, to_account, terms.fraction, terms.starter, starter_rate, terms.fund_rate
                )
                target = account_word.owe(target, key)
                word = account_word.clear(word, key) if left == 0 else word
            else:
                _require(not account_word.owes(target, key), "engine: opposite balance")
                word, target = self._move(account, word, to_account, target, key, amount * terms.share // WAD)
        if terms.written_off:
            word = self._write_off(now, account, word)
        if terms.ended:
            self._end(account, word)
        else:
            self._provide(now, account, word, exposures, terms.shortfall)
        engine._finish(now, to_account, old, target, MARGIN | DEBT_RAISED)
        return terms.fraction, terms.share

    def cancel(self, now: int, account: int) -> None:
        """End an auction that is not needed any more."""
        _, values = self._look(now, account)
        _require(account in self.auctions, "auction: none")
        word = self.engine.word_of(account)
        liquidation_auction.check_end(
            self.auctions[account], values, now, self.initial_ratio, owes=account_word.owed(word) != 0
        )
        self._end(account, word)

    def write_off(self, now: int, account: int, fund_account: Callable[[int], int]) -> None:
        """Give up the debts of an account with dust, which goes to `fund_account(key)`."""
        engine = self.engine
        exposures, values = self._look(now, account)
        _require(account in self.auctions, "auction: none")
        liquidation_auction.check_write_off(values, engine.min_debt)
        word = engine.word_of(account)
        for packed in exposures:
            key, debt, amount = exposure.unpack(packed)
            if not debt:
                fund = fund_account(key)
                word, engine.words[fund] = self._move(account, word, fund, engine.word_of(fund), key, amount)
        self._end(account, self._write_off(now, account, word))

    def poke(self, now: int, account: int) -> None:
        """Book the expected loss as it is now."""
        exposures, values = self._look(now, account)
        word = self.engine.word_of(account)
        _require(bool(word & account_word.UNDER_AUCTION), "engine: not under auction")
        self._provide(now, account, word, exposures, _shortfall(values))

    def _look(self, now: int, account: int) -> tuple[list[int], Values]:
        self._assert_settled(account)
        exposures = self.engine.exposures(now, account)
        return exposures, self.assess(exposures, now)

    def _assert_settled(self, account: int) -> None:
        _require(account not in self.engine.pending, "engine: check pending")

    def _provide(self, now: int, account: int, word: int, exposures: Sequence[int], shortfall: int) -> None:
        if shortfall != UNKNOWN and (shortfall or word & account_word.PROVISIONED):
            for packed in exposures:
                key, debt, _ = exposure.unpack(packed)
                if debt:
                    pool = self.engine.pools[key]
                    pool.provision(account, -(-pool.debt_of(now, account) * shortfall // WAD))
            word = word | account_word.PROVISIONED if shortfall else word & ~account_word.PROVISIONED
        self.engine.words[account] = word

    def _move(self, source: int, word: int, target: int, target_word: int, key: int, amount: int) -> tuple[int, int]:
        taken, word = self.engine.vault.debit(source, word, key, amount)
        return word, self.engine.vault.credit(target, target_word, key, taken)

    def _end(self, account: int, word: int) -> None:
        for key in account_word.keys(account_word.owed(word)):
            self.engine.pools[key].provision(account, 0)
        self.auctions.pop(account, None)
        self.engine.words[account] = word & ~(account_word.UNDER_AUCTION | account_word.PROVISIONED)

    def _write_off(self, now: int, account: int, word: int) -> int:
        for key in account_word.keys(account_word.owed(word)):
            self.engine.pools[key].write_off(now, account)
            word = account_word.clear(word, key)
        return word


def _shortfall(values: Values) -> int:
    return liquidation_auction.shortfall(values.equity, values.debt) if values.certain else UNKNOWN


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)
