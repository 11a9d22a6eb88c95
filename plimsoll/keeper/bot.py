"""The keeper's loop: a new block in, decisions out, and nothing lost when anything fails on the way.

With every new block: bring the books up to date, find out what became of what was sent, read the prices, ask the books
who is below the line, hold that against the chain, decide, simulate, send. One transaction about an account at a time;
the journal knows across restarts which. A step that fails half-way is done again with the next look: nothing in it
counts on having run before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from plimsoll.chain import Revert
from plimsoll.errors import PlimsollError
from plimsoll.keeper.books import Books
from plimsoll.keeper.checkpoints import CheckpointReader
from plimsoll.keeper.clock import Clock
from plimsoll.keeper.config import ActionConfig, GasConfig
from plimsoll.keeper.dispatch import Dispatcher, Wish, key_of
from plimsoll.keeper.dynamics import DynamicsReader
from plimsoll.keeper.journal import Intent, JournalError
from plimsoll.keeper.log import Log
from plimsoll.keeper.metrics import Metrics
from plimsoll.keeper.node import Call, Node, Unanswered
from plimsoll.keeper.orders import Protector
from plimsoll.keeper.pools import Inconsistent
from plimsoll.keeper.prices import PriceReader, Prices
from plimsoll.keeper.pricing import PricingModel
from plimsoll.keeper.rpc import Fault, RpcError, RpcUnavailable
from plimsoll.keeper.sender import Outcome, Sender
from plimsoll.keeper.source import Header, SourceError
from plimsoll.keeper.starts import Starter, largest
from plimsoll.keeper.store import StoreError
from plimsoll.keeper.strategy import Target
from plimsoll.keeper.taker import GasPrice, Taker, Verdict
from plimsoll.keeper.upkeep import Upkeep
from plimsoll.keeper.verbs import Quote
from plimsoll.units import WAD

LOOKS_PER_BLOCK = 256
"""Auctions quoted with a block at most."""
LOOK_AGAIN = 5
"""Blocks after which an auction is looked at although its time has not come: prices move its bonus too."""
LONGEST_WAIT = 32
"""Blocks after which an auction is tried again at the latest that was tried in vain again and again."""
TRIED_BESIDES = 8
"""Auctions tried with a block beyond twice those that can be taken from in it."""
NEVER_BY_TIME = 2**63
AUDITED_PER_BLOCK = 2
FIRST_TRUST, LONGEST_TRUST = 16, 4_096
"""Blocks from one rebuild of the books to the next, at first and at most, while they keep differing from the chain."""
STALE_SECONDS = 120
"""Age of the newest block from which on the keeper says it is not well, however fast the chain is."""


@dataclass(frozen=True, slots=True)
class Contracts:
    """Addresses of what a keeper calls; `lens` is "" where there is none, `means` are Uniswap means."""

    engine: str
    auction: str
    risk_engine: str
    lens: str = ""
    means: tuple[str, ...] = ()


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
        self.dispatcher = Dispatcher(
            node, sender, gas, last_blocks=take_blocks, dry_run=dry_run, log=log, metrics=metrics
        )
        self._node = node
        self._books = books
        self._sender = sender
        self._taker = taker
        self._contracts = contracts
        self._actions = actions
        self._accounts = accounts
        self._ether_price = ether_price
        self._clock = clock
        self._log = log
        self._metrics = metrics
        self._starter = Starter(
            node,
            books,
            taker,
            model,
            self.dispatcher,
            engine=contracts.engine,
            lens=contracts.lens,
            sender=sender.address,
            when=actions.start,
            log=log,
            metrics=metrics,
        )
        self._upkeep = Upkeep(
            books,
            self.dispatcher,
            actions,
            CheckpointReader(node, contracts.means),
            DynamicsReader(node, contracts.risk_engine, samples=actions.sample, pokes=actions.aim),
            engine=contracts.engine,
            risk_engine=contracts.risk_engine,
            sender=sender.address,
            accounts=accounts,
        )
        self.protector: Protector | None = None
        """What executes protection orders; None to leave them to others."""
        self._reader = PriceReader(node, contracts.risk_engine)
        self._prices = Prices({}, 0)
        self._head: Header | None = None
        self._due: dict[int, tuple[int, int]] = {}
        """By auction, the time and the block before which there is nothing to see."""
        self._looked: dict[int, int] = {}
        """By auction, the block in which it was quoted last."""
        self._in_vain: dict[int, int] = {}
        """By auction, how often it was tried in vain."""
        self._reserved: set[int] = set()
        self._capped: set[int] = set()
        self._paid: dict[int, int] = {}
        """By intent, the wei of gas that were counted for it."""
        self._unanswered = 0
        self._audited = True
        self._trusted_until = 0
        self._trust = FIRST_TRUST
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
        except JournalError as error:
            self._failed("journal cannot be kept", error)

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
        self._metrics.observe("step_seconds", self._clock.monotonic() - began)
        if self._node.unanswered > self._unanswered:
            unanswered = self._node.unanswered - self._unanswered
            self._metrics.add("calls_unanswered", unanswered)
            self._log.warning("calls without an answer", count=unanswered, last=self._node.last_unanswered)
            self._unanswered = self._node.unanswered
        self._head = head if complete else None
        self._report(head)
        self._audit_once()
        self._audited = False

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
        found = self._prices
        crossing = self._books.reprice(found.report, head.timestamp, found.settled, found.grants)
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
        self.dispatcher.forget(head)
        price = self._gas_price()
        auctions = self._books.auctions()
        self._due = {account: due for account, due in self._due.items() if account in auctions}
        self._looked = {account: block for account, block in self._looked.items() if account in auctions}
        self._in_vain = {account: times for account, times in self._in_vain.items() if account in auctions}
        quotes = self._taker.quotes(self._worth_a_look(auctions, head))
        self._take(quotes, price, head)
        if self.protector is not None:
            self.dispatcher.send(self.protector.look(price, head, self.dispatcher.busy()), price, head)
        self._upkeep.tidy(quotes, price, head)
        self._starter.start([account for account in self._books.below() if account not in auctions], price, head)
        self._upkeep.sweep(self._reserved, price, head)
        self._upkeep.mark(self._prices, price, head)
        self._upkeep.checkpoint(price, head)
        self._upkeep.measure(self._prices, price, head)

    # Taking

    def _worth_a_look(self, auctions: Collection[int], head: Header) -> list[int]:
        """Return the auctions to quote with this block: half of them those that owe most, half those that have waited
        longest, so that each comes up however many there are."""
        busy = self.dispatcher.busy()
        due = [account for account in auctions if key_of(account) not in busy and self._is_due(account, head)]
        chosen = largest(self._books, due, LOOKS_PER_BLOCK // 2)
        if len(chosen) < len(due):
            rest = sorted(set(due) - set(chosen), key=lambda account: self._looked.get(account, 0))
            chosen += rest[: LOOKS_PER_BLOCK - len(chosen)]
        self._looked |= dict.fromkeys(chosen, head.number)
        return sorted(chosen, key=lambda account: self._in_vain.get(account, 0))

    def _is_due(self, account: int, head: Header) -> bool:
        """Return whether there may be something to see: its time has come, or it is back above its line and may end."""
        time, block = self._due.get(account, (0, 0))
        return head.timestamp >= time or head.number >= block or self._books.is_over(account)

    def _take(self, quotes: dict[int, Quote], price: GasPrice, head: Header) -> None:
        if not self._actions.take:
            return
        began = self._clock.monotonic()
        room = min(self.dispatcher.room, len(self._accounts))
        most = 2 * room + TRIED_BESIDES if room else 0
        verdicts = self._taker.look(quotes, self._own_account, price, head.timestamp, most=most)
        chosen = [verdict for verdict in verdicts if verdict.plan is not None]
        for verdict in verdicts:
            if verdict.plan is None:
                self._look_again(verdict, head)
                self._metrics.add("decisions", decision="wait")
                self._log.debug(
                    "waits", account=verdict.account, bonus=_rate(verdict.bonus), reason=verdict.decision.reason
                )
        self._reserved.update(verdict.to_account for verdict in chosen)
        plans = [verdict.plan for verdict in chosen if verdict.plan is not None]
        results = self._node.simulate_in_order([self._taker.call_of(plan) for plan in plans])
        wishes: list[Wish] = []
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
            wishes.append(Wish(key_of(verdict.account), self._contracts.engine, plan.data, note, verdict.profit))
        self.dispatcher.send(wishes, price, head)
        if chosen:
            self._metrics.observe("decision_seconds", self._clock.monotonic() - began)

    def _look_again(self, verdict: Verdict, head: Header) -> None:
        """Note when to look at an auction again that nothing came of.

        One that was tried in vain comes after the others, and later and later once time makes it no better: an auction
        that cannot be taken from must not take the place of those that can.
        """
        account, again = verdict.account, verdict.decision.again
        if verdict.in_vain:
            self._in_vain[account] = self._in_vain.get(account, 0) + 1
        if verdict.in_vain and not verdict.rises:
            wait = min(1 << self._in_vain[account], LONGEST_WAIT)
            self._due[account] = (NEVER_BY_TIME, head.number + wait)
        else:
            self._due[account] = (again or 0, head.number + LOOK_AGAIN)

    def _own_account(self, target: Target, used: Collection[int]) -> int | None:
        """Return an account of ours for a take: nobody uses it, and it holds nothing that the take owes."""
        owed = {leg.token for leg in target.owed}
        for account in self._accounts:
            if account in self._reserved or account in used:
                continue
            row = self._books.account(account)
            holds = {self._books.state.token(key) for key in row.held}
            if not row.owed and row.auction is None and not holds & owed:
                return account
        return None

    # Transactions

    def _unwanted(self, intents: Sequence[Intent]) -> set[int]:
        """Return open actions that would fail now; one that the node cannot say anything of stays wanted."""
        outputs = self._node.calls([Call(intent.target, intent.data, self._sender.address) for intent in intents])
        return {
            intent.id
            for intent, output in zip(intents, outputs, strict=True)
            if isinstance(output, Revert) and not isinstance(output, Unanswered)
        }

    def on_outcome(self, outcome: Outcome) -> None:
        """Say and count what became of a transaction."""
        intent = outcome.intent
        if outcome.what == "capped":
            if intent.id in self._capped:
                return
            self._capped.add(intent.id)
        if outcome.what in ("failed", "cancelling"):
            self._starter.came_to_nothing(intent)
            if self.protector is not None:
                self.protector.came_to_nothing(intent)
        self._metrics.add("outcomes", outcome=outcome.what, kind=str(intent.note.get("kind", "")))
        fields: dict[str, Any] = {"kind": intent.note.get("kind", ""), "account": intent.key, "nonce": intent.nonce}
        mined = intent.mined
        if outcome.what in ("mined", "failed", "cancelled") and mined is not None and mined.receipt is not None:
            paid = mined.receipt.gas_used * mined.receipt.price
            fields |= {"block": mined.receipt.block_number, "gas": mined.receipt.gas_used, "paid_wei": str(paid)}
            self._metrics.add("gas_paid_ether", max(paid - self._paid.get(intent.id, 0), 0) / 1e18)
            self._paid[intent.id] = max(paid, self._paid.get(intent.id, 0))
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
        self._audit_once()
        self._books.rest()

    def _audit_once(self) -> None:
        """Hold a few accounts and a pool against the chain, once per block: between blocks, else after the work."""
        if self._audited or self._head is None:
            return
        self._audited = True
        different = self._books.audit(AUDITED_PER_BLOCK)
        if different:
            self._repair(different)

    def _repair(self, different: dict[str, list[str]]) -> None:
        """Build the books again: the node left out a log.

        While that helps nothing, because the node keeps leaving it out, less and less often: every account is verified
        on chain before anything is sent, and a keeper that only ever rebuilds acts on nobody.
        """
        assert self._head is not None, "an audit of a block"
        block = self._head.number
        self._metrics.add("audits_failed", len(different))
        rebuilds = block >= self._trusted_until
        self._log.error("books differ from the chain", different=different, rebuilds=rebuilds)
        if rebuilds:
            is_again = self._trusted_until > 0 and block < self._trusted_until + LONGEST_TRUST
            self._trust = min(self._trust * 4, LONGEST_TRUST) if is_again else FIRST_TRUST
            self._trusted_until = block + self._trust
            self._metrics.add("rebuilds")
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
        put("orders", 0 if self.protector is None else self.protector.count)
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
    metrics.counter("audits_failed", "Accounts and pools that were other on chain than in the books.")
    metrics.counter("rebuilds", "Times that the books were built again because of that.")
    metrics.counter("accounts_examined", "Accounts valued because a price, interest or a margin moved.")
    metrics.counter("decisions", "Decisions, by what was decided.")
    metrics.counter("sent", "Transactions sent, by kind.")
    metrics.counter("outcomes", "What became of transactions, by outcome and kind.")
    metrics.counter("gas_paid_ether", "Ether paid for gas.")
    metrics.counter("foreign_nonces", "Times that somebody else was seen using the key.")
    metrics.counter("rpc_faults", "Requests that got no usable answer, by endpoint.")
    metrics.counter("calls_unanswered", "Calls that the node has no answer for, of which the rest was done without.")
    metrics.gauge("block", "Newest block done.")
    metrics.gauge("block_timestamp_seconds", "Its time.")
    metrics.gauge("debtors", "Accounts that owe anything.")
    metrics.gauge("orders", "Protection orders that are watched.")
    metrics.gauge("accounts_below", "Accounts below their line.")
    metrics.gauge("auctions", "Auctions that run.")
    metrics.gauge("pending_transactions", "Transactions whose fate is not known.")
    metrics.gauge("gas_paid_today_ether", "Ether paid for gas in the last 24 hours.")
    metrics.gauge("endpoint_up", "Whether an endpoint answered when it was last asked.")
    metrics.histogram("step_seconds", "Seconds for one block, from its header to the last transaction sent.")
    metrics.histogram("decision_seconds", "Seconds from the quotes to the last take sent, where one was.")


def _rate(value: int) -> str:
    return f"{value / WAD:.6f}"


def _dollars(value: int) -> str:
    return f"{value / WAD:.2f}"
