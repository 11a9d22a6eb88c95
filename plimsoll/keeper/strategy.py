"""The one batch of a take: assume debts and receive collateral, trade it, repay, withdraw what is left. Pure.

No capital is needed: the batch is checked once, at its end, and by then the keeper's account owes nothing and holds
nothing. What is received of each asset is sold for the *hub*, the largest of the debts; shares of a vault are redeemed
first, and the hub is the debt in the vault's asset where there is one. The hub's surplus buys the other debts, each
with a margin for what trading costs; whatever is left of anything is withdrawn to the keeper's wallet. Or the debts are
repaid from the wallet, and the collateral is kept.

What a batch earns is read from the logs of its simulation, at oracle prices. A node that simulates without logs can
still say whether a batch passes whose minima leave the wanted profit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

from plimsoll.chain import Log
from plimsoll.errors import BATCH_LIMIT
from plimsoll.keeper import verbs
from plimsoll.units import EVERYTHING, WAD

_PRICE_UNIT = 10**18
NO_MINIMA: Mapping[tuple[str, str], int] = MappingProxyType({})
DEADLINE = 600
"""Seconds for which the trades of a batch may wait: the sender gives up on it earlier."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One balance of the account to take from: raw units, price in WAD dollars per raw unit scaled by 1e18."""

    token: str
    symbol: str
    amount: int
    price: int
    redeems: tuple[str, int] | None = None
    """The vault's asset and its price, where the token is shares of a vault."""

    @property
    def worth(self) -> int:
        """WAD dollars."""
        return self.amount * self.price // _PRICE_UNIT


@dataclass(frozen=True, slots=True)
class Target:
    """An account under auction: what moves with a take of `fraction` (WAD) of every debt.

    `share` (WAD) of every positive balance is received, `debt_rate` (WAD) is what the taker owes per unit of debt
    assumed: 1 and the starter's and the fund's parts. Balances without a price stay where they are and are left out.
    """

    account: int
    held: tuple[Leg, ...]
    owed: tuple[Leg, ...]
    fraction: int
    share: int
    debt_rate: int
    min_bonus: int

    def scaled(self, part: int) -> Target:
        """Return the take of a part (WAD) of it."""
        return replace(self, fraction=self.fraction * part // WAD, share=self.share * part // WAD)

    @property
    def received(self) -> list[Leg]:
        """What the taker receives, rounded down."""
        return [replace(leg, amount=leg.amount * self.share // WAD) for leg in self.held]

    @property
    def assumed(self) -> list[Leg]:
        """What the taker owes then, rounded up, the largest first."""
        legs = [
            replace(leg, amount=-(-leg.amount * self.fraction * self.debt_rate // WAD**2))
            for leg in self.owed
            if leg.amount
        ]
        return sorted(legs, key=lambda leg: leg.worth, reverse=True)


class Routes(Protocol):
    """Knows how to trade one token for another."""

    def find(self, sell: str, buy: str) -> tuple[str, bytes] | None:
        """Return a swapper and its data, None when there is no way."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A batch: its calls, and the sales among them."""

    target: Target
    calls: tuple[bytes, ...]
    sales: tuple[Sale, ...]
    hub: str
    from_wallet: bool = False

    @property
    def data(self) -> bytes:
        """Calldata of engine.batch."""
        return verbs.BATCH.encode([list(self.calls)])


@dataclass(frozen=True, slots=True)
class Sale:
    """One trade of a batch: raw amounts, worth in WAD dollars at oracle prices."""

    sell: str
    buy: str
    amount: int
    worth: int


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds batches for one keeper. `haircut` (WAD) of what is received is not sold."""

    engine: str
    wallet: str
    routes: Routes
    haircut: int

    def by_trading(
        self,
        target: Target,
        to_account: int,
        now: int,
        *,
        surplus: int,
        minima: Mapping[tuple[str, str], int] = NO_MINIMA,
    ) -> Plan | None:
        """Return the batch that sells what it receives; None when a trade has no route or the batch would be too long.

        `surplus` (WAD): how much more than a debt's worth is sold for it. `minima`: least bought, by pair; a sale
        without one takes what it gets, and the account's check at the end decides.
        """
        received, assumed = target.received, target.assumed
        if not assumed or not received:
            return None
        hub = _hub(received, assumed)
        others = [leg for leg in assumed if leg is not hub]
        calls = [verbs.TAKE.encode([target.account, target.fraction, to_account, target.min_bonus])]
        sales = self._sales(received, hub)
        redeemed = [sale.buy for sale in sales if sale.buy != hub.token]
        for leg in others:
            worth = leg.worth + leg.worth * surplus // WAD
            sales.append(Sale(hub.token, leg.token, -(-worth * _PRICE_UNIT // hub.price), worth))
        for sale in sales:
            call = self._trade(sale, to_account, minima.get((sale.sell, sale.buy), 0), now)
            if call is None:
                return None
            calls.append(call)
        calls += self._withdrawals([leg.token for leg in assumed], to_account)
        if len(calls) > BATCH_LIMIT:
            return None
        kept = [leg for leg in received if leg.amount * self.haircut >= WAD]
        kept.sort(key=lambda leg: leg.worth, reverse=True)
        left = dict.fromkeys([*redeemed, *(leg.token for leg in kept)])
        calls += self._withdrawals(list(left), to_account)[: BATCH_LIMIT - len(calls)]
        return Plan(target, tuple(calls), tuple(sales), hub.token)

    def _sales(self, received: Sequence[Leg], hub: Leg) -> list[Sale]:
        """Return what is sold of what is received: shares are redeemed first, then one sale of each token for the hub.

        What a redemption brings is known by the oracle's prices only, so a little less of it is sold.
        """
        redemptions: list[Sale] = []
        sold: dict[str, tuple[int, int]] = {}
        for leg in received:
            token, amount = leg.token, leg.amount - leg.amount * self.haircut // WAD
            worth = amount * leg.price // _PRICE_UNIT
            if leg.redeems is not None and leg.redeems[0] != hub.token and amount:
                redemptions.append(Sale(token, leg.redeems[0], amount, worth))
                token, price = leg.redeems
                amount = worth * _PRICE_UNIT // price
                amount = max(amount - amount * self.haircut // WAD - amount // 10**6 - 1, 0)
                worth = amount * price // _PRICE_UNIT
            if amount:
                before = sold.get(token, (0, 0))
                sold[token] = before[0] + amount, before[1] + worth
        return [*redemptions, *(Sale(token, hub.token, *what) for token, what in sold.items())]

    def from_wallet(self, target: Target, to_account: int) -> Plan | None:
        """Return the batch that repays from the wallet and withdraws what it receives."""
        received, assumed = target.received, target.assumed
        calls = [verbs.TAKE.encode([target.account, target.fraction, to_account, target.min_bonus])]
        calls += [verbs.DEPOSIT.encode([to_account, leg.token, _with_margin(leg.amount)]) for leg in assumed]
        calls += self._withdrawals([leg.token for leg in [*assumed, *received]], to_account)
        if not assumed or not received or len(calls) > BATCH_LIMIT:
            return None
        return Plan(target, tuple(calls), (), assumed[0].token, from_wallet=True)

    def _trade(self, sale: Sale, to_account: int, min_buy: int, now: int) -> bytes | None:
        route = self.routes.find(sale.sell, sale.buy)
        if route is None:
            return None
        swapper, data = route
        arguments = [to_account, sale.sell, sale.amount, 0, sale.buy, min_buy, swapper, data, now + DEADLINE, False]
        return verbs.TRADE.encode(arguments)

    def _withdrawals(self, tokens: Sequence[str], to_account: int) -> list[bytes]:
        return [verbs.WITHDRAW.encode([to_account, token, EVERYTHING, self.wallet, 0]) for token in tokens]


def _hub(received: Sequence[Leg], assumed: Sequence[Leg]) -> Leg:
    """Return the debt for which everything is sold: one that shares are redeemed for, else the largest."""
    redeemed = {leg.redeems[0] for leg in received if leg.redeems is not None}
    return next((leg for leg in assumed if leg.token in redeemed), assumed[0])


def needed_in_wallet(target: Target) -> dict[str, int]:
    """Return what a take repaid from the wallet moves out of it, raw units by token."""
    return {leg.token: _with_margin(leg.amount) for leg in target.assumed}


def _with_margin(amount: int) -> int:
    """Return a debt with room for what it grows until the block: 0.01 % and a unit. What is too much comes back."""
    return amount + amount // 10_000 + 1


def earned(logs: Sequence[Log], engine: str, wallet: str, prices: Mapping[str, int]) -> int:
    """Return what a batch brought into the wallet, less what it took out of it: WAD dollars at oracle prices."""
    total = 0
    for args in verbs.find(verbs.WITHDRAWN, engine, logs):
        if args["to"] == wallet:
            total += args["amount"] * prices.get(args["token"], 0)
    for args in verbs.find(verbs.DEPOSITED, engine, logs):
        if args["sender"] == wallet:
            total -= args["amount"] * prices.get(args["token"], 0)
    return total // _PRICE_UNIT


def minima_from(
    plan: Plan, logs: Sequence[Log], engine: str, prices: Mapping[str, int], slack: int
) -> dict[tuple[str, str], int]:
    """Return least amounts bought for the hub that let a batch lose at most `slack` (WAD dollars) against its
    simulation, spread over the sales by their worth."""
    to_hub = [sale for sale in plan.sales if sale.buy == plan.hub]
    whole, price = sum(sale.worth for sale in to_hub), prices.get(plan.hub, 0)
    if not whole or not price:
        return {}
    bought = {(args["sell"], args["buy"]): args["bought"] for args in verbs.find(verbs.TRADED, engine, logs)}
    minima: dict[tuple[str, str], int] = {}
    for sale in to_hub:
        less = max(slack, 0) * sale.worth // whole * _PRICE_UNIT // price
        minima[sale.sell, sale.buy] = max(bought.get((sale.sell, sale.buy), 0) - less, 0)
    return minima


def least_sales(plan: Plan, prices: Mapping[str, int], profit: int) -> dict[tuple[str, str], int]:
    """Return least amounts bought for the hub that leave `profit` (WAD dollars) after every debt, for a node that
    simulates without logs: by the sales' worth."""
    to_hub = [sale for sale in plan.sales if sale.buy == plan.hub]
    whole = sum(sale.worth for sale in to_hub)
    debts = sum(leg.worth for leg in plan.target.assumed)
    extra = sum(sale.worth for sale in plan.sales if sale.sell == plan.hub)
    hub = next(leg.worth for leg in plan.target.assumed if leg.token == plan.hub)
    kept = sum(leg.worth for leg in plan.target.received) - whole
    needed = max(debts - kept + profit, hub + extra)
    if not whole or prices.get(plan.hub, 0) == 0:
        return {}
    return {
        (sale.sell, sale.buy): -(-needed * sale.worth // whole * _PRICE_UNIT // prices[plan.hub]) for sale in to_hub
    }
