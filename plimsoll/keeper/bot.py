"""The keeper's loop: a new block in, decisions out, and nothing lost when anything fails on the way.

With every new block: bring the books up to date, find out what became of what was sent, read the prices, ask the books
who is below the line, hold that against the chain, decide, simulate, send. One transaction about an account at a time;
the journal knows across restarts which. A step that fails half-way is done again with the next look: nothing in it
counts on having run before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from plimsoll.chain import Revert
from plimsoll.errors import BATCH_LIMIT, PlimsollError
from plimsoll.keeper import verbs
from plimsoll.keeper.books import Books
from plimsoll.keeper.clock import Clock
from plimsoll.keeper.config import NEVER, PAID, ActionConfig, GasConfig
from plimsoll.keeper.journal import Intent
from plimsoll.keeper.log import Log
from plimsoll.keeper.metrics import Metrics
from plimsoll.keeper.node import Call, Node
from plimsoll.keeper.pools import Inconsistent
from plimsoll.keeper.prices import KEYS_PER_CALL, PriceReader, Prices
from plimsoll.keeper.pricing import Costs, Offer, PricingModel
from plimsoll.keeper.rpc import Fault, RpcError, RpcUnavailable
from plimsoll.keeper.sender import Action, NotSent, Outcome, Sender
from plimsoll.keeper.source import Header, SourceError
from plimsoll.keeper.state import Auction
from plimsoll.keeper.store import StoreError
from plimsoll.keeper.strategy import Target
from plimsoll.keeper.taker import GasPrice, Taker
from plimsoll.keeper.verbs import Quote
from plimsoll.model import exposure
from plimsoll.units import EVERYTHING, WAD

MOST_GAS = 16_777_216
"""Gas of a transaction at most (EIP-7825)."""
LOOKS_PER_BLOCK = 256
"""Auctions quoted with a block at most; those that are due first, then the largest."""
LOOK_AGAIN = 5
"""Blocks after which an auction is looked at although its time has not come: prices move its bonus too."""
MARKS = "marks"
"""What marking assets is about, in the journal."""
ACTION_GAS = 150_000
"""What starting an auction costs about."""
AUDITED_PER_BLOCK = 2
STALE_SECONDS = 120
"""Age of the newest block from which on the keeper says it is not well, however fast the chain is."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """Addresses of what a keeper calls."""

    engine: str
    auction: str
    risk_engine: str


@dataclass(frozen=True, slots=True)
class _Wish:
    """A call to send: what it is about, to whom, what to note of it, and what it is expected to earn (WAD dollars)."""

    key: str
    to: str
    data: bytes
    note: dict[str, Any]
    profit: int = 0


@dataclass(slots=True)
class Wellness:
    """What /healthz says; written by the loop, read by the server's thread."""

    block: int = 0
    block_time: int = 0
    seen_at: float = 0.0
    error: str = ""
    pending: int = 0
    dry_run: bool = False
    endpoints: list[tuple[str, bool]] = field(default_factory=list)


class Bot:
    """One keeper. `step` does one block; `run` does them until the clock is stopped."""

    def __init__(
        self,
        *,
        node: Node,
        books: Books,
        sender: Sender,
        taker: Taker,
        model: PricingModel,
        contracts: Contracts,
        actions: ActionConfig,
        gas: GasConfig,
        accounts: Sequence[int],
        ether_price: Callable[[], int],
        take_blocks: int,
        dry_run: bool,
        clock: Clock,
        log: Log,
        metrics: Metrics,
    ) -> None:
        """Assemble; `accounts` are the keeper's own, `ether_price` returns WAD dollars."""
        self.wellness = Wellness(dry_run=dry_run)
        self._node = node
        self._books = books
        self._sender = sender
        self._taker = taker
        self._model = model
        self._contracts = contracts
        self._actions = actions
        self._gas = gas
        self._accounts = accounts
        self._ether_price = ether_price
        self._take_blocks = take_blocks
        self._dry_run = dry_run
        self._clock = clock
        self._log = log
        self._metrics = metrics
        self._reader = PriceReader(node, contracts.risk_engine)
        self._prices = Prices({}, 0)
        self._head: Header | None = None
        self._due: dict[int, tuple[int, int]] = {}
        """By auction, the time and the block before which there is nothing to see."""
        self._reserved: set[int] = set()
        self._capped: set[int] = set()
        self._alone: set[int] = set()
        """Accounts that were started with others once, which came to nothing: somebody else was there first."""
        self._audited = True
        declare(metrics)

    # The loop

    def run(self, poll: float, stopping: Callable[[], bool]) -> None:
        """Do every new block until `stopping`; a node that is lost is waited for."""
        while not stopping():
            self.attempt()
            self._clock.sleep(poll)

    def attempt(self) -> None:
        """Look for a new block and do it; say so when that fails, and let the next attempt do it."""
        try:
            self.poll()
        except (RpcUnavailable, RpcError, SourceError) as error:
            self._failed("node lost", error)
        except (StoreError, Inconsistent) as error:
            self._failed("books cannot be kept", error)

    def _failed(self, event: str, error: PlimsollError) -> None:
        self.wellness.error = f"{event}: {error}"
        self._metrics.add("steps_failed")
        self._log.error(event, error=str(error))

    def poll(self) -> bool:
        """Look for a new block and do it; return whether there was one."""
        head = self._node.head()
        if self._head is not None and head.hash == self._head.hash:
            self._idle()
            return False
        self.step(head)
        return True

    def step(self, head: Header) -> None:
        """Do one block."""
        began = self._clock.monotonic()
        self._sender.tend(head.number, self._unwanted)
        complete = self._sync(head)
        self._reprice(head)
        self._act(head)
        self._head = head if complete else None
        self._audited = False
        self._report(head)
        self._metrics.observe("step_seconds", self._clock.monotonic() - began)

    def _sync(self, head: Header) -> bool:
        """Bring the books to the newest block; return whether they are there."""
        change = self._books.sync()
        if change.unwound or change.rebuilt:
            self._metrics.add("reorgs")
            self._log.warning("reorg", depth=change.unwound, rebuilt=change.rebuilt, block=head.number)
        return change.complete

    def _reprice(self, head: Header) -> None:
        """Read every asset's price and let the books find who crossed."""
        self._prices = self._reader.read(self._books.state.keys, head.timestamp)
        crossing = self._books.reprice(self._prices.report, head.timestamp, self._prices.settled)
        if crossing.crossed or crossing.recovered:
            self._log.info(
                "crossed",
                block=head.number,
                below=len(crossing.crossed),
                recovered=len(crossing.recovered),
                examined=crossing.examined,
            )
        self._metrics.add("accounts_examined", crossing.examined)

    def _act(self, head: Header) -> None:
        """Decide about everything that needs somebody, the most urgent first."""
        self._reserved = {
            int(intent.note["to_account"], 16) for intent in self._sender.open if "to_account" in intent.note
        }
        price = self._gas_price()
        auctions = self._books.auctions()
        self._due = {account: due for account, due in self._due.items() if account in auctions}
        quotes = self._taker.quotes(self._worth_a_look(auctions, head))
        self._take(quotes, price, head)
        self._tidy(quotes, price, head)
        self._start([account for account in self._books.below() if account not in auctions], price, head)
        self._sweep(price, head)
        self._mark(price, head)

    def _worth_a_look(self, auctions: Iterable[int], head: Header) -> list[int]:
        busy = self._busy()
        due = [account for account in auctions if _key(account) not in busy and self._is_due(account, head)]
        return self._largest(due, LOOKS_PER_BLOCK)

    def _is_due(self, account: int, head: Header) -> bool:
        time, block = self._due.get(account, (0, 0))
        return head.timestamp >= time or head.number >= block

    def _largest(self, accounts: Sequence[int], count: int) -> list[int]:
        """Return the `count` accounts that owe most."""
        if len(accounts) <= count:
            return list(accounts)
        return sorted(accounts, key=lambda account: -self._books.value(account).debt)[:count]

    # Taking

    def _take(self, quotes: dict[int, Quote], price: GasPrice, head: Header) -> None:
        if not self._actions.take:
            return
        began = self._clock.monotonic()
        verdicts = self._taker.look(quotes, self._reserve, price, head.timestamp)
        chosen = [verdict for verdict in verdicts if verdict.plan is not None]
        for verdict in verdicts:
            if verdict.plan is None:
                again = verdict.decision.again
                self._due[verdict.account] = (again or 0, head.number + LOOK_AGAIN)
                self._metrics.add("decisions", decision="wait")
                self._log.debug(
                    "waits", account=verdict.account, bonus=_rate(verdict.bonus), reason=verdict.decision.reason
                )
        plans = [verdict.plan for verdict in chosen if verdict.plan is not None]
        results = self._node.simulate_in_order([self._taker.call_of(plan) for plan in plans])
        wishes: list[_Wish] = []
        for verdict, plan, result in zip(chosen, plans, results, strict=True):
            if isinstance(result, Revert):
                self._metrics.add("decisions", decision="conflict")
                self._log.info("does not pass any more", account=verdict.account, reason=str(result))
                continue
            note = {
                "kind": "take",
                "to_account": hex(verdict.to_account),
                "profit": str(verdict.profit),
                "bonus": str(verdict.bonus),
                "fraction": str(plan.target.fraction),
            }
            wishes.append(_Wish(_key(verdict.account), self._contracts.engine, plan.data, note, verdict.profit))
        self._send(wishes, price, head)
        if chosen:
            self._metrics.observe("decision_seconds", self._clock.monotonic() - began)

    def _reserve(self, target: Target) -> int | None:
        """Return an account of ours for a take: nobody uses it, and it holds nothing that the take owes."""
        owed = {leg.token for leg in target.owed}
        for account in self._accounts:
            row = self._books.account(account)
            holds = {self._books.state.token(key) for key in row.held}
            if account not in self._reserved and not row.owed and row.auction is None and not holds & owed:
                self._reserved.add(account)
                return account
        return None

    # Everything else

    def _tidy(self, quotes: dict[int, Quote], price: GasPrice, head: Header) -> None:
        """End auctions that are over, write off what is worthless, keep provisions up to date, raise old penalties."""
        min_debt = self._books.state.engine.min_debt
        busy = self._busy()
        wishes: list[_Wish] = []
        for account, quote in quotes.items():
            if _key(account) in busy or not quote.active:
                continue
            auction = self._books.account(account).auction
            if auction is None:
                continue
            if quote.equity >= quote.requirement:
                if self._actions.cancel and self._may_cancel(auction, head):
                    wishes.append(self._wish(account, verbs.CANCEL.encode([account]), "cancel"))
            elif quote.equity < 0 and quote.equity + quote.debt <= min_debt // 4 and self._actions.write_off:
                wishes.append(self._wish(account, verbs.WRITE_OFF.encode([account]), "write_off"))
            elif self._actions.poke and self._provision_is_off(account, quote, head):
                wishes.append(self._wish(account, verbs.POKE.encode([account]), "poke"))
            elif self._may_raise(auction, quote, head) and self._actions.start != NEVER:
                wishes.append(self._wish(account, verbs.LIQUIDATE.encode([account]), "raise"))
        self._send(wishes, price, head)

    def _provision_is_off(self, account: int, quote: Quote, head: Header) -> bool:
        """Return whether what the pools expect to lose by an account is a tenth off what they have to expect now.

        Nothing is expected while a price is in doubt, so there is nothing to say then.
        """
        row = self._books.account(account)
        statuses = [self._books.prices[key].status for key in (*row.held, *row.owed) if key in self._books.prices]
        if quote.debt == 0 or any(statuses):
            return False
        shortfall = min(max(-quote.equity, 0) * WAD // quote.debt, WAD)
        for word in self._books.state.exposures(account, head.timestamp):
            key, is_debt, amount = exposure.unpack(word)
            if is_debt:
                expected, booked = amount * shortfall // WAD, row.provisions.get(key, 0)
                if abs(expected - booked) * 10 > max(expected, booked):
                    return True
        return False

    def _may_cancel(self, auction: Auction, head: Header) -> bool:
        """Return whether it is this keeper's turn to end an auction: his own at once, another's after its tail.

        Ending one pays nothing, so keepers must not race for it and pay for transactions that fail.
        """
        terms = self._books.state.terms(auction.version)
        if terms is None:
            return False
        mine = auction.starter.lower() == self._sender.address.lower()
        return mine or head.timestamp >= auction.started_at + terms["tail"]

    def _may_raise(self, auction: Auction, quote: Quote, head: Header) -> bool:
        terms = self._books.state.terms(auction.version)
        if terms is None or quote.debt == 0 or head.timestamp < auction.started_at + terms["tail"]:
            return False
        return _penalty(quote, terms) > auction.penalty

    def _start(self, accounts: list[int], price: GasPrice, head: Header) -> None:
        """Start the auctions of accounts that are below their line, the largest first, sixteen with a transaction."""
        if self._actions.start == NEVER:
            return
        room = max(self._sender.policy.in_flight - len(self._sender.open), 0)
        busy = self._busy()
        idle = [account for account in accounts if _key(account) not in busy]
        quotes = self._taker.quotes(self._largest(idle, room * BATCH_LIMIT))
        wanted = [account for account, quote in quotes.items() if self._should_start(account, quote, price)]
        groups = [[account] for account in wanted if account in self._alone]
        wanted = [account for account in wanted if account not in self._alone]
        groups += [wanted[first : first + BATCH_LIMIT] for first in range(0, len(wanted), BATCH_LIMIT)]
        self._send([self._wish_to_start(group) for group in self._that_pass(groups)[:room]], price, head)

    def _wish_to_start(self, group: list[int]) -> _Wish:
        calls = [verbs.LIQUIDATE.encode([account]) for account in group]
        if len(group) == 1:
            return self._wish(group[0], calls[0], "start")
        keys = [_key(account) for account in group]
        note = {"kind": "start", "accounts": keys}
        return _Wish(f"starts {keys[0]}", self._contracts.engine, verbs.BATCH.encode([calls]), note)

    def _should_start(self, account: int, quote: Quote, price: GasPrice) -> bool:
        if quote.active or quote.debt == 0 or quote.equity >= quote.requirement:
            self._log.debug("not below on chain", account=account)
            return False
        if self._actions.start == PAID and self._starters_part(account, quote, price) < price.dollars(ACTION_GAS):
            self._metrics.add("decisions", decision="start unpaid")
            return False
        return True

    def _that_pass(self, groups: list[list[int]]) -> list[list[int]]:
        """Return the groups that can be started together; one that cannot is taken apart."""
        several = [group for group in groups if len(group) > 1]
        calls = [verbs.BATCH.encode([[verbs.LIQUIDATE.encode([account]) for account in group]]) for group in several]
        sender = self._sender.address
        results = self._node.simulate_in_order([Call(self._contracts.engine, data, sender) for data in calls])
        passing = [group for group in groups if len(group) == 1]
        for group, result in zip(several, results, strict=True):
            passing += [[account] for account in group] if isinstance(result, Revert) else [group]
        return passing

    def _busy(self) -> set[str]:
        """Return the accounts that a transaction in flight is about."""
        return {each for intent in self._sender.open for each in (intent.key, *intent.note.get("accounts", ()))}

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
            penalty=_penalty(quote, terms),
            tau=terms["tau"],
            start_level=terms["start_level"],
            starter_share=terms["starter_share"],
            fund_share=terms["fund_share"],
        )
        bonus = min(self._model.aim(offer, Costs(0, price.dollars(ACTION_GAS), 0)), offer.penalty)
        return offer.taken_debt * max(bonus, 0) // WAD * offer.starter_share // WAD

    def _sweep(self, price: GasPrice, head: Header) -> None:
        """Withdraw what takes left in our own accounts, where it is worth the gas."""
        for account in self._accounts:
            row = self._books.account(account)
            if row.owed or not row.held or account in self._reserved or self._sender.is_busy(_key(account)):
                continue
            market = self._books.market(head.timestamp)
            worth = sum(position.worth for position in market.positions(row))
            if worth < 2 * price.dollars(ACTION_GAS):
                continue
            wallet = self._sender.address
            tokens = [self._books.state.token(key) for key in row.held]
            calls = [verbs.WITHDRAW.encode([account, token, EVERYTHING, wallet, 0]) for token in tokens]
            self._send([self._wish(account, verbs.BATCH.encode([calls]), "sweep")], price, head)

    def _mark(self, price: GasPrice, head: Header) -> None:
        """Keep the clocks of assets without a certain price, while anybody owes anything."""
        if not self._actions.mark or not self._books.debtors() or self._sender.is_busy(MARKS):
            return
        due = self._prices.due[:KEYS_PER_CALL]
        if due:
            data = verbs.MARK.encode([due])
            self._send([_Wish(MARKS, self._contracts.risk_engine, data, {"kind": "mark"})], price, head)

    # Sending

    def _wish(self, account: int, data: bytes, kind: str) -> _Wish:
        return _Wish(_key(account), self._contracts.engine, data, {"kind": kind})

    def _send(self, wishes: Sequence[_Wish], price: GasPrice, head: Header) -> None:
        """Estimate and send; what is refused is said and tried again with a later block."""
        calls = [Call(wish.to, wish.data, self._sender.address) for wish in wishes]
        for wish, gas in zip(wishes, self._node.estimate(calls), strict=True):
            kind = wish.note["kind"]
            if isinstance(gas, Revert):
                self._metrics.add("decisions", decision=f"{kind} fails")
                self._log.info("would fail", kind=kind, account=wish.key, reason=str(gas))
                continue
            limit = min(gas * (100 + self._gas.limit_margin) // 100, MOST_GAS)
            fields = {**wish.note, "account": wish.key, "gas": gas}
            if self._dry_run:
                self._metrics.add("decisions", decision=f"would {kind}")
                self._log.info("would send", **fields)
                continue
            budget, last = self._budget(wish.profit, price), head.number + self._take_blocks
            try:
                intent = self._sender.submit(Action(wish.key, wish.to, wish.data, limit, budget, last, wish.note))
            except NotSent as refusal:
                self._metrics.add("decisions", decision=refusal.reason)
                self._log.warning("not sent", reason=str(refusal), **fields)
                continue
            self._metrics.add("decisions", decision=kind)
            self._metrics.add("sent", kind=kind)
            self._log.info("sent", nonce=intent.nonce, tx=intent.newest.tx_hash, **fields)

    def _budget(self, profit: int, price: GasPrice) -> int:
        """Return the wei that an action's gas may cost; all that a day may cost while ether has no price."""
        if price.ether == 0:
            return self._sender.policy.per_day
        return price.wei_for(max(profit * self._gas.profit_share // WAD, self._gas.least_budget))

    def _unwanted(self, intents: Sequence[Intent]) -> set[int]:
        """Return open actions that would fail now."""
        calls = [Call(intent.target, intent.data, self._sender.address) for intent in intents]
        try:
            outputs = self._node.calls(calls)
        except RpcError as error:
            self._log.warning("cannot be simulated", error=str(error))
            return set()
        return {
            intent.id for intent, output in zip(intents, outputs, strict=True) if isinstance(output, Revert)
        }

    def on_outcome(self, outcome: Outcome) -> None:
        """Say and count what became of a transaction."""
        intent = outcome.intent
        if outcome.what == "capped":
            if intent.id in self._capped:
                return
            self._capped.add(intent.id)
        if outcome.what in ("failed", "cancelling"):
            self._alone.update(int(each, 16) for each in intent.note.get("accounts", ()))
        self._metrics.add("outcomes", outcome=outcome.what, kind=str(intent.note.get("kind", "")))
        fields: dict[str, Any] = {"kind": intent.note.get("kind", ""), "account": intent.key, "nonce": intent.nonce}
        mined = intent.mined
        if outcome.what in ("mined", "failed", "cancelled") and mined is not None and mined.receipt is not None:
            paid = mined.receipt.gas_used * mined.receipt.price
            fields |= {"block": mined.receipt.block_number, "gas": mined.receipt.gas_used, "paid_wei": str(paid)}
            self._metrics.add("gas_paid_ether", paid / 1e18)
            if outcome.what == "mined" and "profit" in intent.note:
                fields["profit"] = _dollars(int(intent.note["profit"]))
        write = self._log.info if outcome.what in ("mined", "cancelled", "dropped", "resent") else self._log.warning
        write(outcome.what, detail=outcome.detail, **fields)

    def on_foreign(self, text: str) -> None:
        """Say that somebody else uses the key."""
        self._metrics.add("foreign_nonces")
        self._log.error("foreign nonce", detail=text)

    def on_fault(self, fault: Fault) -> None:
        """Say that an endpoint failed."""
        self._metrics.add("rpc_faults", endpoint=fault.endpoint)
        self._log.warning("rpc fault", endpoint=fault.endpoint, what=fault.what, pause=round(fault.pause, 3))

    def health(self) -> tuple[bool, dict[str, Any]]:
        """Return whether the keeper is well, and what /healthz shows."""
        state = self.wellness
        age = self._clock.now() - state.seen_at if state.seen_at else None
        well = not state.error and age is not None and age < STALE_SECONDS
        return well, {
            "ok": well,
            "block": state.block,
            "seconds_since_new_block": None if age is None else round(age, 1),
            "rpc": {label: "up" if up else "down" for label, up in state.endpoints},
            "pending_transactions": state.pending,
            "dry_run": state.dry_run,
            "error": state.error,
        }

    # Between blocks

    def _idle(self) -> None:
        """Use the time: hold a few accounts against the chain, renew the index."""
        self.wellness.error = ""
        if not self._audited:
            self._audited = True
            self._audit()
        self._books.rest()

    def _audit(self) -> None:
        """Hold a few accounts against the chain; a difference means that the node left out a log."""
        different = self._books.audit(AUDITED_PER_BLOCK)
        if different:
            self._metrics.add("audits_failed", len(different))
            self._log.error("books differ from the chain", accounts=different)
            self._books.rebuild()
            self._head = None

    def _report(self, head: Header) -> None:
        state, open_ = self.wellness, self._sender.open
        state.block, state.block_time, state.seen_at = head.number, head.timestamp, self._clock.now()
        state.error, state.pending, state.endpoints = "", len(open_), self._node.rpc.endpoints
        put = self._metrics.put
        self._metrics.add("blocks")
        put("block", head.number)
        put("block_timestamp_seconds", head.timestamp)
        put("debtors", self._books.debtors())
        put("accounts_below", len(self._books.below()))
        put("auctions", len(self._books.auctions()))
        put("pending_transactions", len(open_))
        put("gas_paid_today_ether", self._sender.spent_today() / 1e18)
        for label, up in state.endpoints:
            put("endpoint_up", float(up), endpoint=label)

    def _gas_price(self) -> GasPrice:
        market = self._sender.market
        base = self._sender.base_fee
        return GasPrice(min(market.most, base + market.tip), self._ether_price())


def declare(metrics: Metrics) -> None:
    """Declare every metric of the loop."""
    metrics.counter("blocks", "Blocks done.")
    metrics.counter("steps_failed", "Blocks that could not be done: the node did not answer, or the books failed.")
    metrics.counter("reorgs", "Reorgs seen.")
    metrics.counter("audits_failed", "Accounts that were other on chain than in the books.")
    metrics.counter("accounts_examined", "Accounts valued because a price, interest or a margin moved.")
    metrics.counter("decisions", "Decisions, by what was decided.")
    metrics.counter("sent", "Transactions sent, by kind.")
    metrics.counter("outcomes", "What became of transactions, by outcome and kind.")
    metrics.counter("gas_paid_ether", "Ether paid for gas.")
    metrics.counter("foreign_nonces", "Times that somebody else was seen using the key.")
    metrics.counter("rpc_faults", "Requests that got no usable answer, by endpoint.")
    metrics.gauge("block", "Newest block done.")
    metrics.gauge("block_timestamp_seconds", "Its time.")
    metrics.gauge("debtors", "Accounts that owe anything.")
    metrics.gauge("accounts_below", "Accounts below their line.")
    metrics.gauge("auctions", "Auctions that run.")
    metrics.gauge("pending_transactions", "Transactions whose fate is not known.")
    metrics.gauge("gas_paid_today_ether", "Ether paid for gas in the last 24 hours.")
    metrics.gauge("endpoint_up", "Whether an endpoint answered when it was last asked.")
    metrics.histogram("step_seconds", "Seconds for one block, from its header to the last transaction sent.")
    metrics.histogram("decision_seconds", "Seconds from the quotes to the last take sent, where one was.")


def _key(account: int) -> str:
    return f"{account:#x}"


def _penalty(quote: Quote, terms: dict[str, int]) -> int:
    """Return the penalty rate that an auction started now would have."""
    rate = quote.requirement * WAD // quote.debt if quote.debt else 0
    return max(terms["least_penalty"], min(rate, terms["most_penalty"]))


def _rate(value: int) -> str:
    return f"{value / WAD:.6f}"


def _dollars(value: int) -> str:
    return f"{value / WAD:.2f}"
