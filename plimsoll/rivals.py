"""Who competes in the demo's crash, as the story sees them, and stand-ins for a chain without a node.

`plimsoll.bots` has the real ones: three keepers. A keeper needs a node to talk to; on a chain in this process its part
is played by three functions of the auction's quote, each with the same taste as one of the keepers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from plimsoll.chain import Receipt
from plimsoll.devnet import Devnet
from plimsoll.errors import Reverted
from plimsoll.protocol import MarginAccount, Order, Quote, Signed
from plimsoll.reconcile import Check

START, TAKE, CANCEL, POKE, ORDER = "start", "take", "cancel", "poke", "order"
MINUTE = 60
LEAST_LEFT = 2
"""A stand-in leaves no less than this many times the minimum debt: he takes everything instead."""


@dataclass(frozen=True, slots=True)
class Deed:
    """A transaction of a keeper: whose, what for, about which accounts, and what it came to.

    `price` is wei per gas, None where nobody counts it; `bonus` the one a take was sent for.
    """

    keeper: str
    kind: str
    accounts: tuple[int, ...]
    succeeded: bool
    receipt: Receipt
    price: int | None = None
    bonus: Decimal | None = None


class Rivals(ABC):
    """Three keepers. `names` are theirs by address, `desks` the margin accounts they take into, `intro` who they are.

    `charges` is whether their gas has a price.
    """

    names: dict[str, str]
    desks: list[MarginAccount]
    intro: str
    charges: bool

    @abstractmethod
    def look(self) -> None:
        """Let each of them look at the newest block and act on it, then let time pass until the next one."""

    def rest(self) -> None:  # noqa: B027  stand-ins have nothing under way
        """Look on until nothing of theirs is under way."""

    @abstractmethod
    def deeds(self) -> list[Deed]:
        """Return every transaction of theirs so far, in the order of the chain."""

    @abstractmethod
    def checks(self) -> list[Check]:
        """Return what must hold of their own records."""

    def trouble(self) -> str:
        """Return the last thing that went wrong for each of them, nothing if nothing did."""
        return ""


@dataclass(frozen=True, slots=True)
class Taste:
    """A strategy: which bonus is enough, given the auction's penalty, how many dollars of debt at once, how often."""

    name: str
    enough: Callable[[Decimal], Decimal]
    appetite: Decimal
    pause: int

    def wants(self, quote: Quote, penalty: Decimal, min_debt: Decimal) -> Decimal | None:
        """Return the fraction of the debts to take now, None to wait."""
        if not quote.takeable or quote.bonus < self.enough(penalty):
            return None
        fraction = min(quote.max_fraction, (self.appetite / quote.debt).quantize(Decimal("0.000001")))
        if quote.debt * (1 - fraction) < LEAST_LEFT * min_debt:
            return quote.max_fraction
        return fraction


EAGER = Taste("eager", lambda penalty: Decimal("0.002"), Decimal(10_000), 4 * MINUTE)
COMPETITIVE = Taste("competitive", lambda penalty: penalty * Decimal("0.4"), Decimal(15_000), 5 * MINUTE)
PATIENT = Taste("patient", lambda penalty: penalty * Decimal("0.8"), Decimal(1_000_000), MINUTE)


class StandIns(Rivals):
    """Functions of the quote that play keepers where there is no node: a look at each auction every minute.

    The first of them executes orders, starts the auctions and keeps what the pools expect to lose up to date; whoever
    sees first that an auction is over ends it.
    """

    intro = "This chain has no node for keepers to talk to: three functions of the quote play them."
    charges = False

    def __init__(
        self, devnet: Devnet, people: Sequence[str], accounts: Sequence[MarginAccount], orders: Sequence[Signed]
    ) -> None:
        """Let `people` watch `accounts` and `orders`."""
        self._devnet = devnet
        self._protocol = devnet.protocol
        self._tastes: Mapping[str, Taste] = dict(zip(people, (EAGER, COMPETITIVE, PATIENT), strict=True))
        self._accounts = accounts
        self._orders = orders
        self._starter = people[0]
        self._last: dict[tuple[str, MarginAccount], int] = {}
        self._booked: dict[MarginAccount, Decimal] = {}
        self._deeds: list[Deed] = []
        self.names = {person: taste.name for person, taste in self._tastes.items()}
        self.desks = [MarginAccount(person) for person in people]

    def look(self) -> None:
        """Execute what is due and start what can be started; else let each look at each auction."""
        for signed in self._orders:
            self._execute(signed)
        below = [account for account in self._accounts if self._protocol.quote(account).liquidatable]
        for account in below:
            self._note(self._starter, START, account, self._protocol.by(self._starter).liquidate(account))
            self._booked[account] = self._protocol.quote(account).equity
        if not below:
            for person, taste in self._tastes.items():
                for account in self._accounts:
                    self._act(person, taste, account)
            for account in self._accounts:
                self._poke(account)
        self._devnet.warp(MINUTE)

    def deeds(self) -> list[Deed]:
        """Return what they did."""
        return list(self._deeds)

    def checks(self) -> list[Check]:
        """Return nothing: they keep no records."""
        return []

    def _act(self, person: str, taste: Taste, account: MarginAccount) -> None:
        """Let one look at an auction once: end it, take in one batch that pays for itself, or wait."""
        auction = self._protocol.auction_of(account)
        if auction is None:
            return
        quote, sender = self._protocol.quote(account), self._protocol.by(person)
        if quote.equity >= quote.requirement:
            self._note(person, CANCEL, account, sender.cancel(account))
            return
        now = self._devnet.chain.timestamp()
        fraction = taste.wants(quote, auction.penalty, self._protocol.min_debt())
        if fraction is None or now < self._last.get((person, account), 0) + taste.pause:
            return
        batch = sender.capital_free_take(account, MarginAccount(person), fraction=fraction)
        try:
            batch.simulate()
        except Reverted:
            return  # it would not pay: somebody who waits may think so, too
        self._note(person, TAKE, account, batch.send(), quote.bonus)
        self._last[person, account] = now

    def _execute(self, signed: Signed) -> None:
        """Execute an order, all of it, if its trigger is reached."""
        order, orders = signed.order, self._protocol.orders
        assert isinstance(order, Order), "no deleveraging is signed in the story"
        state = orders.state_of(order.as_tuple())
        if state.open and state.triggered and state.most:
            route = self._protocol.route(order.sell, order.buy)
            swapper, me = self._protocol.swapper, self._starter
            receipt = orders.execute(*signed.arguments(), state.most, swapper, route, me, sender=me)
            self._note(me, ORDER, MarginAccount.from_id(order.account), receipt)

    def _poke(self, account: MarginAccount) -> None:
        """Book what an account is expected to lose if its shortfall is a tenth larger than when that was done last."""
        if self._protocol.auction_of(account) is None:
            return
        equity = self._protocol.quote(account).equity
        if equity < 0 and equity < self._booked[account] * Decimal("1.1"):
            self._note(self._starter, POKE, account, self._protocol.by(self._starter).poke(account))
            self._booked[account] = equity

    def _note(
        self, person: str, kind: str, account: MarginAccount, receipt: Receipt, bonus: Decimal | None = None
    ) -> None:
        self._deeds.append(Deed(person, kind, (account.id,), True, receipt, bonus=bonus))
