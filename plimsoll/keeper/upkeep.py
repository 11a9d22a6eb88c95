"""What a keeper does besides starting and taking: ends auctions that are over, writes off what is worthless, keeps
provisions, penalties, clocks, checkpoints, volatilities and margins up to date, and brings home what takes left in its
own accounts.

None of this pays much or at all, so keepers take turns (`dispatch.Turns`), and each is a transaction of its own that is
estimated before and cancelled when somebody else was first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from plimsoll.errors import BATCH_LIMIT
from plimsoll.keeper import verbs
from plimsoll.keeper.books import Books
from plimsoll.keeper.checkpoints import CheckpointReader
from plimsoll.keeper.config import NEVER, ActionConfig
from plimsoll.keeper.dispatch import Dispatcher, Turns, Wish, key_of
from plimsoll.keeper.dynamics import DynamicsReader
from plimsoll.keeper.prices import KEYS_PER_CALL, Prices
from plimsoll.keeper.source import Header
from plimsoll.keeper.starts import ACTION_GAS, penalty_of
from plimsoll.keeper.state import Auction
from plimsoll.keeper.taker import GasPrice
from plimsoll.keeper.verbs import Quote
from plimsoll.model import exposure
from plimsoll.model.price_oracle import OK
from plimsoll.units import EVERYTHING, WAD

MARKS = "marks"
"""What marking assets is about, in the journal."""
MARK_GAS = 100_000
"""What a mark of an asset costs about."""


class Upkeep:
    """Housekeeping for one keeper; see the module's docstring."""

    def __init__(
        self,
        books: Books,
        dispatcher: Dispatcher,
        actions: ActionConfig,
        checkpoints: CheckpointReader,
        dynamics: DynamicsReader,
        *,
        engine: str,
        risk_engine: str,
        sender: str,
        accounts: Sequence[int],
    ) -> None:
        """Assemble; `accounts` are the keeper's own, `sender` its address."""
        self._books = books
        self._dispatcher = dispatcher
        self._actions = actions
        self._checkpoints = checkpoints
        self._dynamics = dynamics
        self._engine = engine
        self._risk_engine = risk_engine
        self._sender = sender
        self._accounts = accounts
        self._turns = Turns(sender)

    # Auctions

    def tidy(self, quotes: Mapping[int, Quote], price: GasPrice, head: Header) -> None:
        """End auctions that are over, write off what is worthless, keep provisions up to date, raise old penalties."""
        busy = self._dispatcher.busy()
        wishes: list[Wish] = []
        for account, quote in quotes.items():
            auction = self._books.account(account).auction
            if key_of(account) in busy or not quote.active or auction is None:
                continue
            wish = self._due(account, auction, quote, head)
            if wish is not None:
                wishes.append(wish)
        self._dispatcher.send(wishes, price, head)

    def _due(self, account: int, auction: Auction, quote: Quote, head: Header) -> Wish | None:
        """Return what an auction needs now, if it is this keeper's turn."""
        mine = auction.starter.lower() == self._sender.lower()
        dust = self._books.state.engine.min_debt // 4
        if quote.equity >= quote.requirement:
            if not self._actions.cancel or (quote.debt != 0 and not self._books.sides(account).certain):
                return None
            if not self._turns.is_mine(f"cancel {account:#x}", head.number, first=mine):
                return None
            return self._wish(account, verbs.CANCEL.encode([account]), "cancel")
        if quote.equity < 0 and quote.equity + quote.debt <= dust and self._books.sides(account).certain:
            what, data, wanted = "write_off", verbs.WRITE_OFF, self._actions.write_off
        elif self._provision_is_off(account, quote, head):
            what, data, wanted = "poke", verbs.POKE, self._actions.poke
        elif self._may_raise(auction, quote, head):
            what, data, wanted = "raise", verbs.LIQUIDATE, self._actions.start != NEVER
        else:
            return None
        if not wanted or not self._turns.is_mine(f"{what} {account:#x}", head.number, first=mine):
            return None
        return self._wish(account, data.encode([account]), what)

    def _provision_is_off(self, account: int, quote: Quote, head: Header) -> bool:
        """Return whether what the pools expect to lose by an account is a tenth off what they have to expect now.

        Nothing is expected while a price is in doubt, so there is nothing to say then.
        """
        row = self._books.account(account)
        statuses = [self._books.prices[key].status for key in (*row.held, *row.owed) if key in self._books.prices]
        if quote.debt == 0 or any(statuses) or self._books.curing:
            return False
        shortfall = min(max(-quote.equity, 0) * WAD // quote.debt, WAD)
        for word in self._books.state.exposures(account, head.timestamp):
            key, is_debt, amount = exposure.unpack(word)
            if is_debt:
                expected, booked = amount * shortfall // WAD, row.provisions.get(key, 0)
                if abs(expected - booked) * 10 > max(expected, booked):
                    return True
        return False

    def _may_raise(self, auction: Auction, quote: Quote, head: Header) -> bool:
        terms = self._books.state.terms(auction.version)
        if terms is None or quote.debt == 0 or head.timestamp < auction.started_at + terms["tail"]:
            return False
        return penalty_of(quote, terms) > auction.penalty

    # The keeper's own accounts

    def sweep(self, reserved: set[int], price: GasPrice, head: Header) -> None:
        """Withdraw what takes left in our own accounts, where it is worth the gas."""
        busy = self._dispatcher.busy()
        market = self._books.market(head.timestamp)
        wishes: list[Wish] = []
        for account in self._accounts:
            row = self._books.account(account)
            if row.owed or not row.held or account in reserved or key_of(account) in busy:
                continue
            worth = sum(position.worth for position in market.positions(row))
            if worth < 2 * price.dollars(ACTION_GAS):
                continue
            tokens = [self._books.state.token(key) for key in row.held][:BATCH_LIMIT]
            calls = [verbs.WITHDRAW.encode([account, token, EVERYTHING, self._sender, 0]) for token in tokens]
            wishes.append(self._wish(account, verbs.BATCH.encode([calls]), "sweep"))
        self._dispatcher.send(wishes, price, head)

    # Clocks and checkpoints

    def mark(self, prices: Prices, price: GasPrice, head: Header) -> None:
        """Keep the clocks of assets without a certain price, where that can pay for its gas."""
        if not self._actions.mark or not prices.due or MARKS in self._dispatcher.busy():
            return
        owed = self._owed_beside(prices.due, head)
        due = [key for key in prices.due if self._marking_pays(owed[key], price)][:KEYS_PER_CALL]
        if due and self._turns.is_mine(MARKS, head.number):
            wish = Wish(MARKS, self._risk_engine, verbs.MARK.encode([due]), {"kind": "mark"})
            self._dispatcher.send([wish], price, head)

    def _owed_beside(self, keys: Sequence[int], head: Header) -> dict[int, int]:
        """Return what the accounts owe that hold or owe an asset, WAD dollars, by its key."""
        owed = dict.fromkeys(keys, 0)
        state, market = self._books.state, self._books.market(head.timestamp)
        for account in state.debtors():
            row = state.account(account)
            mine = [key for key in keys if key in row.held or key in row.owed]
            if mine:
                debt = max(market.debt(row), state.engine.min_debt)
                owed |= {key: owed[key] + debt for key in mine}
        return owed

    def _marking_pays(self, owed: int, price: GasPrice) -> bool:
        """Return whether the smallest penalty on these debts is more than a mark costs.

        Without marks an account whose price is in doubt is valued in its favour for ever, and nobody earns anything.
        """
        state = self._books.state
        terms = state.terms(state.engine.auction_version)
        return terms is not None and owed * terms["least_penalty"] // WAD > price.dollars(MARK_GAS)

    def checkpoint(self, price: GasPrice, head: Header) -> None:
        """Take the checkpoints of Uniswap means that are due."""
        if not self._actions.checkpoint:
            return
        busy = self._dispatcher.busy()
        due = [
            address
            for address in self._checkpoints.due(head.timestamp)
            if f"checkpoint {address}" not in busy and self._turns.is_mine(f"checkpoint {address}", head.number)
        ]
        data = verbs.CHECKPOINT.encode([])
        wishes = [Wish(f"checkpoint {address}", address, data, {"kind": "checkpoint"}) for address in due]
        self._dispatcher.send(wishes, price, head)

    def measure(self, prices: Prices, price: GasPrice, head: Header) -> None:
        """Take the samples of volatility that are due, and aim the margins whose targets moved."""
        due = self._dynamics.due(self._books.state.keys, head.timestamp)
        wishes = [
            Wish(f"sample {key:#x}", source, verbs.SAMPLE.encode([key]), {"kind": "sample"})
            for key, source in due.samples
            if prices.report[key][3] == OK
        ]
        wishes += [
            Wish(f"aim {key:#x}", self._risk_engine, verbs.POKE_MARGIN.encode([key]), {"kind": "aim"})
            for key in due.pokes
        ]
        busy = self._dispatcher.busy()
        mine = [each for each in wishes if each.key not in busy and self._turns.is_mine(each.key, head.number)]
        self._dispatcher.send(mine, price, head)

    def _wish(self, account: int, data: bytes, kind: str) -> Wish:
        return Wish(key_of(account), self._engine, data, {"kind": kind})
