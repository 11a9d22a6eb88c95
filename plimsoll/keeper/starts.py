"""Which auctions to start: accounts that the books say are below their line, held against the chain, sixteen to a
transaction.

Hundreds of accounts are verified with one call of the lens. Where it has no certain answer (a price that is not OK, the
cure window after an outage, a number that does not fit, an account that could not be read), the auction contract's own
quote decides.
"""

from __future__ import annotations

from collections.abc import Sequence

from plimsoll.chain import Revert
from plimsoll.errors import BATCH_LIMIT
from plimsoll.keeper import verbs
from plimsoll.keeper.books import Books
from plimsoll.keeper.config import NEVER, PAID
from plimsoll.keeper.dispatch import Dispatcher, Wish, key_of
from plimsoll.keeper.journal import Intent
from plimsoll.keeper.log import Log
from plimsoll.keeper.metrics import Metrics
from plimsoll.keeper.node import Call, Node
from plimsoll.keeper.pricing import Costs, Offer, PricingModel
from plimsoll.keeper.source import Header
from plimsoll.keeper.taker import GasPrice, Taker
from plimsoll.keeper.verbs import Quote
from plimsoll.model.price_oracle import OK
from plimsoll.units import WAD

ACTION_GAS = 150_000
"""What starting an auction costs about."""
READ_PER_CALL = 250
"""Accounts in one call of the lens: at 100,000 gas each they fit into what nodes allow a call."""


class Starter:
    """Starts auctions for one keeper. `lens` is "" where the deployment has none: then all are quoted."""

    def __init__(
        self,
        node: Node,
        books: Books,
        taker: Taker,
        model: PricingModel,
        dispatcher: Dispatcher,
        *,
        engine: str,
        lens: str,
        sender: str,
        when: str,
        log: Log,
        metrics: Metrics,
    ) -> None:
        """Assemble; `when` is "never", "paid" or "always", `sender` the keeper's address."""
        self._node = node
        self._books = books
        self._taker = taker
        self._model = model
        self._dispatcher = dispatcher
        self._engine = engine
        self._lens = lens
        self._sender = sender
        self._when = when
        self._log = log
        self._metrics = metrics
        self._alone: set[int] = set()
        """Accounts that were started with others once, which came to nothing: somebody else was there first."""

    def start(self, below: Sequence[int], price: GasPrice, head: Header) -> None:
        """Start what is below its line and has no auction, the largest first."""
        room = self._dispatcher.room
        if self._when == NEVER or not room:
            return
        busy = self._dispatcher.busy()
        idle = [
            account
            for account in below
            if key_of(account) not in busy and not self._dispatcher.is_put_off(key_of(account), head)
        ]
        chosen = largest(self._books, idle, room * BATCH_LIMIT)
        found = self.verified(chosen)
        wanted = [account for account in chosen if account in found and self._pays(account, found[account], price)]
        self._dispatcher.put_off((key_of(account) for account in set(chosen) - set(wanted)), head)
        self._alone &= set(below)
        groups = [[account] for account in wanted if account in self._alone]
        wanted = [account for account in wanted if account not in self._alone]
        groups += [wanted[first : first + BATCH_LIMIT] for first in range(0, len(wanted), BATCH_LIMIT)]
        self._dispatcher.send([self._wish(group) for group in self._that_pass(groups)[:room]], price, head)

    def verified(self, accounts: Sequence[int]) -> dict[int, Quote]:
        """Return of these the accounts that are below their line on chain and have no auction.

        What the lens verified has a debt of the books and no terms.
        """
        found: dict[int, Quote] = {}
        unsure: list[int] = []
        for account, word in zip(accounts, self._read(accounts), strict=True):
            health = verbs.read_health(word)
            if not health.ok or health.clipped or health.status != OK or self._books.curing:
                unsure.append(account)
            elif health.owes and health.below and not health.under_auction:
                debt = self._books.value(account).debt
                requirement = health.maintenance
                found[account] = Quote(False, False, 0, 0, 0, health.equity, requirement, requirement, debt)
        found |= {
            account: quote
            for account, quote in self._taker.quotes(unsure).items()
            if not quote.active and quote.debt and quote.equity < quote.requirement
        }
        for account in accounts:
            if account not in found:
                self._books.suspect(account)
                self._log.debug("not below on chain", account=account)
        return found

    def came_to_nothing(self, intent: Intent) -> None:
        """Start the accounts of a transaction that failed one by one from now on."""
        self._alone.update(int(each, 16) for each in intent.note.get("accounts", ()))

    def _read(self, accounts: Sequence[int]) -> list[int]:
        """Return the lens's words, 0 where there is none."""
        if not self._lens:
            return [0] * len(accounts)
        chunks = [accounts[first : first + READ_PER_CALL] for first in range(0, len(accounts), READ_PER_CALL)]
        calls = [Call(self._lens, verbs.HEALTH_BATCH.encode([list(chunk)])) for chunk in chunks]
        words: list[int] = []
        for chunk, output in zip(chunks, self._node.calls(calls), strict=True):
            read = [] if isinstance(output, Revert) or not output else list(verbs.HEALTH_BATCH.decode(output))
            words += read if len(read) == len(chunk) else [0] * len(chunk)
        return words

    def _pays(self, account: int, quote: Quote, price: GasPrice) -> bool:
        if self._when == PAID and self._starters_part(account, quote, price) < price.dollars(ACTION_GAS):
            self._metrics.add("decisions", decision="start unpaid")
            return False
        return True

    def _starters_part(self, account: int, quote: Quote, price: GasPrice) -> int:
        """Return what starting an auction may bring, WAD dollars: the starter's part of the bonus at which this keeper
        itself would take half of the debt."""
        terms = self._books.state.terms(self._books.state.engine.auction_version)
        if terms is None:
            return 0
        offer = Offer(
            account=account,
            started_at=0,
            bonus=0,
            fraction=WAD // 2,
            debt=quote.debt,
            equity=quote.equity,
            penalty=penalty_of(quote, terms),
            tau=terms["tau"],
            start_level=terms["start_level"],
            starter_share=terms["starter_share"],
            fund_share=terms["fund_share"],
        )
        bonus = min(self._model.aim(offer, Costs(0, price.dollars(ACTION_GAS), 0)), offer.penalty)
        return offer.taken_debt * max(bonus, 0) // WAD * offer.starter_share // WAD

    def _wish(self, group: Sequence[int]) -> Wish:
        calls = [verbs.LIQUIDATE.encode([account]) for account in group]
        if len(group) == 1:
            return Wish(key_of(group[0]), self._engine, calls[0], {"kind": "start"})
        keys = [key_of(account) for account in group]
        note = {"kind": "start", "accounts": keys}
        return Wish(f"starts {keys[0]}", self._engine, verbs.BATCH.encode([calls]), note)

    def _that_pass(self, groups: Sequence[list[int]]) -> list[list[int]]:
        """Return the groups that can be started together; one that cannot is taken apart."""
        several = [group for group in groups if len(group) > 1]
        calls = [Call(self._engine, self._wish(group).data, self._sender) for group in several]
        passing = [group for group in groups if len(group) == 1]
        for group, result in zip(several, self._node.simulate_in_order(calls), strict=True):
            passing += [[account] for account in group] if isinstance(result, Revert) else [group]
        return passing


def largest(books: Books, accounts: Sequence[int], count: int) -> list[int]:
    """Return the `count` accounts that owe most."""
    if len(accounts) <= count:
        return list(accounts)
    return sorted(accounts, key=lambda account: -books.value(account).debt)[:count]


def penalty_of(quote: Quote, terms: dict[str, int]) -> int:
    """Return the penalty rate that an auction started now would have."""
    rate = quote.requirement * WAD // quote.debt if quote.debt else 0
    return max(terms["least_penalty"], min(rate, terms["most_penalty"]))
