"""From auctions to transactions worth sending: quote, plan, simulate, price, decide. Reads the chain, sends nothing.

Every number that decides comes from the chain at the newest block: the quote of the auction, the outcome of each plan's
simulation. The books only say where to look and on what terms the auction runs.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from plimsoll.chain import Revert
from plimsoll.keeper import pricing, strategy, verbs
from plimsoll.keeper.books import Books
from plimsoll.keeper.config import TakeConfig
from plimsoll.keeper.node import Call, Node, Simulated
from plimsoll.keeper.pricing import Costs, Decision, Offer, PricingModel
from plimsoll.keeper.state import Auction
from plimsoll.keeper.strategy import Builder, Leg, Plan, Target
from plimsoll.keeper.verbs import Quote
from plimsoll.model import exposure
from plimsoll.model.price_oracle import OK
from plimsoll.units import WAD

TYPICAL_GAS = 450_000
"""What a take costs about, for the first look at whether one can pay at all."""
LOWEST_BONUS = -(10**18)
NOT_ADMITTED = "engine: gate"
"""Why a take fails whose taker the gate of one of the account's assets does not admit: time alone changes nothing."""


@dataclass(frozen=True, slots=True)
class GasPrice:
    """Wei per gas that a transaction will pay about, and what an ether is worth (WAD dollars)."""

    wei: int
    ether: int

    def dollars(self, gas: int) -> int:
        """Return what gas costs, WAD dollars."""
        return gas * self.wei * self.ether // WAD

    def wei_for(self, dollars: int) -> int:
        """Return what an amount of WAD dollars is in wei."""
        return dollars * WAD // self.ether if self.ether else 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look at an auction led to: a plan to send with its expected profit (WAD dollars), or why not."""

    account: int
    decision: Decision
    plan: Plan | None = None
    profit: int = 0
    bonus: int = 0
    to_account: int = 0
    in_vain: bool = False
    """Whether it was simulated, and nothing came of it."""
    rises: bool = True
    """Whether time alone still makes it better."""


@dataclass(frozen=True, slots=True)
class _Trial:
    """A plan, what it is for, and what its simulation earned (WAD dollars, before gas)."""

    offer: Offer
    plan: Plan
    to_account: int
    surplus: int
    simulated: Simulated
    earned: int


@dataclass(frozen=True, slots=True)
class _Bid:
    """A trial worth sending: the profit expected of it, and how much of that it may lose (WAD dollars)."""

    trial: _Trial
    decision: Decision
    expected: int
    slack: int


class Taker:
    """Looks at auctions for one keeper. `symbol_of` names a token in logs."""

    def __init__(
        self,
        node: Node,
        books: Books,
        builder: Builder,
        model: PricingModel,
        config: TakeConfig,
        *,
        auction: str,
        minimum_profit: int,
        symbol_of: Callable[[str], str],
    ) -> None:
        self._node = node
        self._books = books
        self._builder = builder
        self._model = model
        self._config = config
        self._auction = auction
        self._minimum = minimum_profit
        self._symbol_of = symbol_of
        self.wallet_holds: Callable[[str], int] = lambda token: 0
        """What the wallet may spend of a token: balance and approval, whichever is less."""
        self.vault_asset: Callable[[str], str | None] = lambda token: None
        """The token that shares of a vault are redeemed for; None for any other token."""

    def quotes(self, accounts: Sequence[int]) -> dict[int, Quote]:
        """Return what the auction contract says of accounts now; those it could not answer for are left out."""
        outputs = self._node.calls([Call(self._auction, verbs.QUOTE.encode([account])) for account in accounts])
        return {
            account: verbs.read_quote(output)
            for account, output in zip(accounts, outputs, strict=True)
            if not isinstance(output, Revert) and output
        }

    def look(
        self,
        quotes: dict[int, Quote],
        own_account: Callable[[Target, Collection[int]], int | None],
        gas: GasPrice,
        now: int,
        *,
        most: int,
    ) -> list[Verdict]:
        """Return a verdict for every quoted auction, those worth sending first and by profit.

        `own_account` returns an account of the keeper for a take that is not among some, None when there is none. Of
        the auctions that may pay by their quote the first `most` are tried.
        """
        verdicts: list[Verdict] = []
        candidates: list[tuple[Offer, Target, int]] = []
        for account, quote in quotes.items():
            offer = self.offer_of(account, quote)
            if offer is None or not quote.takeable or quote.max_fraction == 0:
                verdicts.append(Verdict(account, Decision(False, 0, "nothing to take")))
                continue
            first = self._model.decide(offer, Costs(0, gas.dollars(TYPICAL_GAS), self._minimum), now)
            if not first.bids:
                verdicts.append(Verdict(account, first, bonus=quote.bonus))
                continue
            target = self._target(account, quote, offer, now)
            to_account = own_account(target, ()) if len(candidates) < most else None
            if to_account is None:
                verdicts.append(Verdict(account, Decision(False, 0, "no account free"), bonus=quote.bonus))
                continue
            candidates.append((offer, target, to_account))
        bids: list[_Bid] = []
        refusals: dict[int, str] = {}
        trials = self._try(candidates, gas, now, refusals)
        for offer, _, _ in candidates:
            mine = [trial for trial in trials if trial.offer.account == offer.account]
            found = self._judge(offer, mine, gas, now, refusals.get(offer.account, ""))
            if isinstance(found, _Bid):
                bids.append(found)
            else:
                verdicts.append(found)
        return self._assigned(sorted(bids, key=lambda bid: -bid.expected), own_account, now) + verdicts

    def _assigned(
        self, bids: Iterable[_Bid], own_account: Callable[[Target, Collection[int]], int | None], now: int
    ) -> list[Verdict]:
        """Give each bid an account of its own, as long as there are some."""
        used: set[int] = set()
        verdicts: list[Verdict] = []
        for bid in bids:
            offer = bid.trial.offer
            account = own_account(bid.trial.plan.target, used)
            if account is None:
                wait = Decision(False, 0, "no account free")
                verdicts.append(Verdict(offer.account, wait, None, bid.expected, offer.bonus))
                continue
            used.add(account)
            plan = self._final(replace(bid.trial, to_account=account), bid.decision, bid.slack, now)
            verdicts.append(Verdict(offer.account, bid.decision, plan, bid.expected, offer.bonus, account))
        return sorted(verdicts, key=lambda verdict: verdict.plan is None)

    def offer_of(self, account: int, quote: Quote) -> Offer | None:
        """Return an auction as an offer; None while the books do not know it or its terms."""
        auction = self._books.account(account).auction
        terms = self._books.state.terms(auction.version) if auction else None
        if auction is None or terms is None:
            return None
        return make_offer(account, quote, auction, terms)

    def _target(self, account: int, quote: Quote, offer: Offer, now: int) -> Target:
        held: list[Leg] = []
        owed: list[Leg] = []
        for word in self._books.state.exposures(account, now):
            key, is_debt, amount = exposure.unpack(word)
            price = self._books.prices.get(key)
            token = self._books.state.token(key)
            if price is None or price.mid == 0:
                continue
            leg = Leg(token, self._symbol_of(token), amount, price.mid, self._redeems(token))
            (owed if is_debt else held).append(leg)
        rate = WAD + max(offer.bonus, 0) - pricing.net_bonus(offer, max(offer.bonus, 0))
        return Target(account, tuple(held), tuple(owed), quote.max_fraction, quote.share, rate, LOWEST_BONUS)

    def _redeems(self, token: str) -> tuple[str, int] | None:
        """Return the asset of a vault's shares and its price, None where it has none."""
        asset = self.vault_asset(token)
        prices = {self._books.state.token(key): price.mid for key, price in self._books.prices.items()}
        return (asset, prices[asset]) if asset is not None and prices.get(asset) else None

    def _try(
        self, candidates: Iterable[tuple[Offer, Target, int]], gas: GasPrice, now: int, refusals: dict[int, str]
    ) -> list[_Trial]:
        """Simulate every plan of every candidate in one round trip and keep those that pass.

        `refusals` gets by account why the last one of it that failed did.
        """
        tried: list[tuple[Offer, Plan, int, int]] = []
        for offer, target, to_account in candidates:
            for part in self._config.fractions:
                whole = target.scaled(part)
                for surplus in self._config.surplus if len(target.owed) > 1 else self._config.surplus[:1]:
                    plan = self._builder.by_trading(whole, to_account, now, surplus=surplus)
                    if plan is not None:
                        tried.append((offer, plan, to_account, surplus))
                plan = self._builder.from_wallet(whole, to_account) if self._can_pay(whole) else None
                if plan is not None:
                    tried.append((offer, plan, to_account, 0))
        if not tried:
            return []
        results = self._node.simulate([self.call_of(plan) for _, plan, _, _ in tried])
        prices = self._prices()
        for (offer, _, _, _), result in zip(tried, results, strict=True):
            if isinstance(result, Revert):
                refusals[offer.account] = result.reason or str(result)
        if any(isinstance(result, Simulated) and result.logs is None for result in results):
            return self._try_blindly(tried, gas, now)
        trials: list[_Trial] = []
        for (offer, plan, to_account, surplus), result in zip(tried, results, strict=True):
            if isinstance(result, Simulated) and result.logs is not None:
                gained = strategy.earned(result.logs, self._builder.engine, self._builder.wallet, prices)
                trials.append(_Trial(offer, plan, to_account, surplus, result, gained))
        return trials

    def _try_blindly(self, tried: Sequence[tuple[Offer, Plan, int, int]], gas: GasPrice, now: int) -> list[_Trial]:
        """Without logs: build each plan with minima that leave the wanted profit, and see whether it passes."""
        prices = self._prices()
        wanted = gas.dollars(TYPICAL_GAS) + self._minimum
        again: list[tuple[Offer, Plan, int, int]] = []
        for offer, plan, to_account, surplus in tried:
            if plan.from_wallet:
                continue
            minima = strategy.least_sales(plan, prices, wanted)
            strict = self._builder.by_trading(plan.target, to_account, now, surplus=surplus, minima=minima)
            if strict is not None:
                again.append((offer, strict, to_account, surplus))
        results = self._node.simulate([self.call_of(plan) for _, plan, _, _ in again])
        return [
            _Trial(offer, plan, to_account, surplus, result, wanted)
            for (offer, plan, to_account, surplus), result in zip(again, results, strict=True)
            if isinstance(result, Simulated)
        ]

    def _judge(self, offer: Offer, trials: Sequence[_Trial], gas: GasPrice, now: int, refusal: str) -> _Bid | Verdict:
        """Let the model decide on the trial that earns most; `refusal` is why others failed."""
        rises = now < offer.started_at + offer.tau
        if not trials:
            rises = rises and NOT_ADMITTED not in refusal
            none = Decision(False, 0, f"no plan passes: {refusal}" if refusal else "no plan passes")
            return Verdict(offer.account, none, bonus=offer.bonus, in_vain=True, rises=rises)
        best = max(trials, key=lambda trial: trial.earned - gas.dollars(trial.simulated.gas_used))
        part = replace(offer, fraction=best.plan.target.fraction)
        gross = part.taken_debt * pricing.net_bonus(part, part.bonus) // WAD
        costs = Costs(gross - best.earned, gas.dollars(best.simulated.gas_used), self._minimum)
        decision = self._model.decide(part, costs, now)
        expected = best.earned - costs.gas
        if not decision.bids:
            return Verdict(offer.account, decision, None, expected, offer.bonus, in_vain=True, rises=rises)
        return _Bid(best, decision, expected, max(expected - self._minimum, 0))

    def _final(self, trial: _Trial, decision: Decision, slack: int, now: int) -> Plan:
        """Return the plan that is sent: with the least bonus, and minima that keep the wanted profit."""
        target = replace(trial.plan.target, min_bonus=max(decision.min_bonus, LOWEST_BONUS))
        if trial.plan.from_wallet:
            plan = self._builder.from_wallet(target, trial.to_account)
        else:
            prices = self._prices()
            if trial.simulated.logs is None:
                minima = strategy.least_sales(trial.plan, prices, trial.earned)
            else:
                minima = strategy.minima_from(trial.plan, trial.simulated.logs, self._builder.engine, prices, slack)
            plan = self._builder.by_trading(target, trial.to_account, now, surplus=trial.surplus, minima=minima)
        assert plan is not None, "a plan that was built once"
        return plan

    def call_of(self, plan: Plan) -> Call:
        """Return a plan as the transaction that the wallet would send."""
        return Call(self._builder.engine, plan.data, self._builder.wallet)

    def _can_pay(self, target: Target) -> bool:
        """Return whether the wallet may buy what a take brings: only what has a certain price, since it is kept."""
        certain = {self._books.state.token(key) for key, price in self._books.prices.items() if price.status == OK}
        if not self._config.use_wallet or not {leg.token for leg in target.held} <= certain:
            return False
        needed = strategy.needed_in_wallet(target)
        return all(self.wallet_holds(token) >= amount for token, amount in needed.items())

    def _prices(self) -> dict[str, int]:
        """Return what tokens count that end in the wallet: what is in doubt at its lowest."""
        prices = self._books.prices
        return {
            self._books.state.token(key): price.mid if price.status == OK else price.bid
            for key, price in prices.items()
        }


def make_offer(account: int, quote: Quote, auction: Auction, terms: dict[str, int]) -> Offer:
    """Return an auction as the pricing models see it."""
    return Offer(
        account=account,
        started_at=auction.started_at,
        bonus=quote.bonus,
        fraction=quote.max_fraction,
        debt=quote.debt,
        equity=quote.equity,
        penalty=auction.penalty,
        tau=terms["tau"],
        start_level=terms["start_level"],
        starter_share=terms["starter_share"],
        fund_share=terms["fund_share"],
    )
