"""A twin with auctions: every verb of a liquidation is predicted by the model, made on the chain, and compared.

twin = LiquidationTwin(world, accounts)
twin.act("keeper", "liquidate", account)                 # returns the reason, "" if it succeeded
twin.act("keeper", "take", account, WAD, target, -WAD)
twin.compare()
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from plimsoll.chain import ZERO_ADDRESS, Revert
from plimsoll.model import account_word, liquidation_auction, risk_engine
from plimsoll.model.liquidation import Liquidation
from plimsoll.model.liquidation_auction import Auction, Parameters, Values
from tests.support import scenario
from tests.support.scenario import World
from tests.support.twin import Twin

PARAMETERS = Parameters(*scenario.AUCTION)


class LiquidationTwin(Twin):
    """A world, the model of it with its auctions, and the accounts that are compared."""

    def __init__(self, world: World, accounts: Sequence[int]) -> None:
        super().__init__(world, accounts)
        self.auctions: dict[int, Auction] = {}
        self.holders = {int(address, 16): address for address in world.roles.values()}

    def act(self, role: str, verb: str, *arguments: int) -> str:
        """Predict a verb, make it, and compare; return its reason, "" if it succeeded."""
        self.model.risk = self._risk()
        trial = self._liquidation().copy()
        expected: Any = None
        reason = ""
        try:
            expected = self._predict_verb(trial, role, verb, arguments)
        except ValueError as error:
            reason = str(error)
        sender = self.world.roles[role]
        try:
            receipt = self.world.engine.method(verb)(*arguments, sender=sender)
        except Revert as error:
            assert (error.reason, error.halt) == (reason, ""), f"{verb}{arguments}: {error!r}, expected {reason!r}"
            return reason
        assert reason == "", f"{verb}{arguments} went through, expected {reason!r}"
        if expected is not None:
            assert tuple(receipt.return_value) == expected
        self.model, self.auctions = trial.engine, trial.auctions
        return reason

    def values(self, account: int) -> Values:
        """Return what the model says that an account is worth in a liquidation."""
        self.model.risk = self._risk()
        return self._liquidation().assess(self.model.exposures(self.now, account), self.now)

    def warp(self, seconds: int) -> None:
        """Let time pass with prices that stay fresh."""
        self.world.chain.warp(seconds)
        for symbol, asset in self.world.assets.items():
            self.set_price(symbol, asset.price)

    def compare(self) -> None:
        """Assert that chain and model are the same in every number, auctions, quotes and provisions included."""
        super().compare()
        for account in self.accounts:
            self._compare_auction(account)
        for asset in self.world.assets.values():
            twin = self.model.pools[asset.key]
            for account in self.accounts:
                assert asset.pool.provision_of(account) == twin.provision_of.get(account, 0)
                assert twin.debt_shares_of(account) or account not in twin.provision_of, "provision without a debt"
            for address in self.holders.values():
                assert asset.pool.balanceOf(address) == twin.balance_of(address)

    def _compare_auction(self, account: int) -> None:
        world, auction, values = self.world, self.auctions.get(account), self.values(account)
        stored, quote = world.auction.auction_of(account), world.auction.quote(account)
        assert (auction is not None) == bool(self.model.word_of(account) & account_word.UNDER_AUCTION)
        target = sum(liquidation_auction.targets(values, PARAMETERS, scenario.INITIAL_RATIO))
        worth = (values.equity, values.requirement, target, values.debt)
        assert (quote.equity, quote.requirement, quote.target, quote.debt) == worth
        if auction is None:
            assert tuple(stored) == (0, ZERO_ADDRESS, 0, 0, False)
            assert (quote.active, quote.takeable, quote.max_fraction, quote.share) == (False, False, 0, 0)
            assert not self.model.word_of(account) & account_word.PROVISIONED
            return
        assert tuple(stored) == (auction.started_at, auction.starter, auction.penalty, 1, auction.taken)
        assert quote.active
        ratio, now = scenario.INITIAL_RATIO, self.now
        takeable = values.positive != 0 and liquidation_auction.takeable(auction, values, now, ratio)
        assert quote.takeable == takeable
        if values.debt:
            assert quote.bonus == liquidation_auction.bonus(auction, values, now)
        if takeable:
            most = liquidation_auction.most(auction, values, now, self.model.min_debt, ratio)
            fraction, share, _ = liquidation_auction.shares(most, values, quote.bonus, self.model.min_debt)
            assert (quote.max_fraction, quote.share) == (fraction, share)
        else:
            assert (quote.max_fraction, quote.share) == (0, 0)

    def _liquidation(self) -> Liquidation:
        return Liquidation(
            self.model,
            lambda exposures, now: risk_engine.assess_liquidation(
                exposures, self.model.risk.prices, {}, self.model.risk.margins, scenario.WIDE_DELAY, now
            ),
            PARAMETERS,
            scenario.INITIAL_RATIO,
            self.holders.__getitem__,
            self.auctions,
        )

    def _predict_verb(self, trial: Liquidation, role: str, verb: str, arguments: tuple[int, ...]) -> Any:
        now, caller = self.now, self.address(role)
        if verb == "liquidate":
            return trial.liquidate(now, caller, *arguments)
        if verb == "take":
            return trial.take(now, caller, *arguments)
        if verb == "cancel":
            return trial.cancel(now, *arguments)
        if verb == "poke":
            return trial.poke(now, *arguments)
        return trial.write_off(now, arguments[0], lambda key: account_word.account(self.address("fund"), key))
