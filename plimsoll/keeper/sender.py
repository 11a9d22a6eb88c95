"""Sends transactions with nonces of its own, so that each action happens once or not at all.

`submit` plans, signs and sends; `tend`, called with every new block, finds out what became of everything that is not
final: it settles what was mined, brings back what a reorg took out, sends again what a node forgot, outbids what is
stuck, cancels what nobody wants any more, and notices when somebody else used the key. Both write the journal before
they act, so that a process killed at any point resumes with the first `tend` of the next one.

What is never done: two intents at one nonce, a new intent about something that has an open one, a second signature for
an action at another nonce while the first may be out there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from plimsoll.errors import PlimsollError
from plimsoll.keeper import fees as fee_rules
from plimsoll.keeper import refusals
from plimsoll.keeper.clock import Clock
from plimsoll.keeper.fees import FeePolicy, Fees
from plimsoll.keeper.journal import Attempt, Exposure, Intent, Journal, Kind, State
from plimsoll.keeper.keys import TRANSFER_GAS, Signer
from plimsoll.keeper.node import FeeHistory, Node, Progress, Receipt
from plimsoll.keeper.refusals import Refusal
from plimsoll.keeper.rpc import RpcError, RpcUnavailable
from plimsoll.keeper.source import SourceError

DAY = 86_400
MOST_GAS_IN_FLIGHT = 20_000_000
"""Gas that may be under way together, unless configured: two thirds of a small block."""
MOST_CONTESTED = 4
"""Nonces at which somebody else's transaction waits that are stepped over in one block."""
MOST_STRANGERS = 1_000
"""Transactions of the key between two looks; more is no count but nonsense."""
_PRIVATE_BLOCKS = 25
"""How long a private endpoint may hold a transaction at least."""
_FIRST_ROUNDS = 1
"""How often the endpoints are asked when a transaction is sent: what gets no answer is sent again with the next
block."""


@dataclass(frozen=True, slots=True)
class SendPolicy:
    """Patience in blocks, and what may be spent.

    `stuck`: blocks after which the first transaction in line is outbid. `resend`: blocks after which a transaction is
    handed over again. `patience`: new blocks that a receipt may be missing although its nonce is used, until it counts
    as somebody else's. `final`: blocks after which nothing is looked at again. `settle`: blocks that an unknown
    transaction of the key that waits may hold up everything. `in_flight` transactions may be under way at most, with
    `gas_in_flight` of gas together. `transfer_gas`: of a cancellation. `per_day`: wei of gas in any 24 hours.
    """

    stuck: int = 3
    resend: int = 2
    patience: int = 3
    final: int = 64
    settle: int = 20
    in_flight: int = 8
    gas_in_flight: int = MOST_GAS_IN_FLIGHT
    transfer_gas: int = TRANSFER_GAS
    per_day: int = 10**18


@dataclass(frozen=True, slots=True)
class PrivatePolicy:
    """A private endpoint. `method` is "raw" or "private"; after `public_after` blocks the public one is used too.

    0 is never.
    """

    node: Node
    method: str = "raw"
    public_after: int = 0


@dataclass(frozen=True, slots=True)
class Action:
    """What to do. `key` names what it is about; `budget` is what its gas may cost, wei; `note` is kept with it."""

    key: str
    target: str
    data: bytes
    gas: int
    budget: int
    last_block: int
    note: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Something that happened to an intent: mined, failed, cancelled, lost, dropped, reorged, replaced, cancelling,
    resent, capped or refused; `detail` in words."""

    what: str
    intent: Intent
    detail: str = ""


class NotSent(PlimsollError):  # noqa: N818  a decision, not a mistake
    """The action was not sent, and nothing is left of it; `reason` is a short word for counters."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class Sender:
    """See the module's docstring. Call `tend` once before the first `submit`."""

    def __init__(
        self,
        node: Node,
        journal: Journal,
        signer: Signer,
        clock: Clock,
        *,
        fees: FeePolicy,
        policy: SendPolicy | None = None,
        private: PrivatePolicy | None = None,
        silent: bool = False,
        on_outcome: Callable[[Outcome], None] = lambda outcome: None,
        on_foreign: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Assemble; a `silent` sender looks at what was sent before, and sends nothing."""
        self.node = node
        self.journal = journal
        self.address = signer.address
        self.policy = policy or SendPolicy()
        self.fees = fees
        self.market = Fees(0, 0)
        """What the market asks for gas now, within the caps."""
        self.foreign = 0
        """Nonces that somebody else used since the start."""
        self._signer = signer
        self._clock = clock
        self._private = private
        self._silent = silent
        self._on_outcome = on_outcome
        self._on_foreign = on_foreign
        self._watched: dict[int, Intent] = {}
        self._handed: dict[int, int] = {}
        self._missing: dict[int, int] = {}
        self._since: dict[int, int] = {}
        """By intent that a reorg brought back, the block from which it waits."""
        self._contested: set[int] = set()
        self._block = 0
        self._spent = 0
        self._mined = 0
        self._known = 0
        self._hold: int | None = None
        """The block up to which unknown transactions that wait hold up everything."""
        self._history: FeeHistory | None = None
        self._started = False

    # State

    @property
    def open(self) -> list[Intent]:
        """Intents of which it is not known what becomes of them, by nonce."""
        return sorted((intent for intent in self._watched.values() if intent.is_open), key=lambda each: each.nonce)

    def is_busy(self, key: str) -> bool:
        """Return whether something about this key is in flight."""
        return any(intent.key == key and intent.is_open for intent in self._watched.values())

    @property
    def base_fee(self) -> int:
        """The next block's base fee, wei; 0 before the first block."""
        return self._history.base_fees[-1] if self._history else 0

    def spent_today(self) -> int:
        """Return the wei paid for gas in the last 24 hours."""
        return self.journal.spent(int(self._clock.now()) - DAY)

    @property
    def next_nonce(self) -> int:
        """The first nonce that neither the chain nor the journal has, and at which nobody else's transaction was met.

        What a node says of its pool is not counted: a nonce too high would leave a gap behind which everything waits
        for ever, one too low is refused by whoever knows better.
        """
        nonce = self._mined
        while nonce in self._contested or self.journal.holds(nonce):
            nonce += 1
        return nonce

    # Sending

    def submit(self, action: Action) -> Intent:
        """Plan, sign and send an action; NotSent when it may not be sent now.

        When it returns, the transaction is stored and a node has it, or may have it and gets it again with the next
        block.
        """
        self._admit(action)
        worst = action.gas * self.market.most
        if worst > action.budget:
            raise NotSent("budget", f"gas could cost {worst} wei, the action is worth {action.budget}")
        if worst > self._left_today():
            spent, left = self._spent, self._left_today()
            raise NotSent("day cap", f"{spent} wei spent today, {left} left, {worst} more pass the day's cap")
        intent = self.journal.plan(
            key=action.key,
            nonce=self.next_nonce,
            target=action.target,
            data=action.data,
            gas=action.gas,
            budget=action.budget,
            now=int(self._clock.now()),
            block=self._block,
            last_block=action.last_block,
            note=action.note,
        )
        self._watched[intent.id] = intent
        attempt = self._sign(intent, Kind.ACTION, self.market)
        self._hand_over(intent, attempt)
        if intent.is_exposed:
            return intent
        self._drop(intent, attempt.error)
        if intent.nonce in self._contested and len(self._contested) <= MOST_CONTESTED:
            return self.submit(action)
        raise NotSent("refused", f"the node refused it: {attempt.error}")

    def _left_today(self, without: Intent | None = None) -> int:
        """Return the wei that the day's cap leaves, what is under way counted at its worst."""
        ahead = sum(intent.worst_cost for intent in self.open if intent is not without)
        return self.policy.per_day - self._spent - ahead

    def _admit(self, action: Action) -> None:
        if self._silent:
            raise NotSent("silent", "this keeper sends nothing")
        if not self._started:
            raise NotSent("starting", "nothing was heard of the chain yet")
        if self.is_busy(action.key):
            raise NotSent("busy", f"{action.key} has a transaction in flight")
        if len(self.open) >= self.policy.in_flight:
            raise NotSent("in flight", f"{len(self.open)} transactions are in flight")
        gas = sum(intent.gas for intent in self.open)
        if gas and gas + action.gas > self.policy.gas_in_flight:
            raise NotSent("gas in flight", f"{gas} gas is in flight, {action.gas} more is too much for a block")
        if self._hold is not None and self._block < self._hold:
            raise NotSent("settling", "the node says that the key has transactions that the journal does not know")
        if self._history is None or not fee_rules.is_affordable(self._history, self.market):
            raise NotSent("fee cap", "the base fee is above the cap")

    # Tending

    def tend(self, block: int, unwanted: Callable[[Sequence[Intent]], set[int]] = lambda intents: set()) -> None:
        """Bring everything that is not final up to a new block.

        `unwanted` gets open actions and returns the ids of those that would fail or are of no use now. RpcUnavailable
        when the node does not answer: nothing is lost, the next call goes on.
        """
        first = not self._started
        if first:
            self._watched = {intent.id: intent for intent in self.journal.watched(block - self.policy.final)}
        self._block = block
        hashes = [attempt.tx_hash for intent in self._watched.values() for attempt in intent.attempts]
        progress = self.node.progress(self.address, hashes, self.fees.blocks, self.fees.percentile)
        self._check(progress)
        self._mined, self._known, self._history = progress.mined, progress.known, progress.fees
        self._contested.clear()
        self.market = fee_rules.market(progress.fees, self.fees)
        self._notice_strangers()
        self._started = True
        for intent in sorted(self._watched.values(), key=lambda each: each.nonce):
            self._look_at(intent, progress.receipts)
        self._spent = self.spent_today()
        if not self._silent:
            self._move_on(unwanted)
        self._forget()

    def _check(self, progress: Progress) -> None:
        """SourceError for a count that cannot be: nobody sends so much beside the keeper between two looks."""
        if self._started and progress.mined - self._mined > MOST_STRANGERS:
            raise SourceError(f"the node counts {progress.mined} transactions of {self.address}, before {self._mined}")

    def next_after(self, nonce: int) -> int:
        """Return the first nonce from this one on that is in no intent."""
        while self.journal.holds(nonce):
            nonce += 1
        return nonce

    def _notice_strangers(self) -> None:
        """Look for transactions of this key that are in no intent: mined ones are said, those that wait are waited for.

        Only for a while, and only as long as the node says so: it may be wrong, or they may never go through.
        """
        seen = self.journal.seen()
        if seen is not None:
            strange = max(self._mined - seen, 0) - self.journal.count(seen, self._mined)
            if strange:
                self._report_stranger(strange, f"{strange} transactions of {self.address} are")
        if seen is None or self._mined > seen:
            self.journal.set_seen(self._mined)
        if self._known <= self.next_after(self._mined):
            self._hold = None
        elif self._hold is None:
            self._hold = self._block + self.policy.settle

    def _report_stranger(self, count: int, text: str) -> None:
        self.foreign += count
        self._on_foreign(f"{text} not this keeper's: a key belongs to one keeper")

    def _look_at(self, intent: Intent, found: dict[str, Receipt]) -> None:
        """Settle an intent by its receipts, or notice that there are none."""
        mined = next((attempt for attempt in intent.attempts if attempt.tx_hash in found), None)
        if mined is not None:
            self._missing.pop(intent.id, None)
            receipt = found[mined.tx_hash]
            before = intent.mined
            if before is not mined or before.receipt is None or before.receipt.block_hash != receipt.block_hash:
                self._settle(intent, mined, receipt)
            return
        if self._mined <= intent.nonce:
            self._missing.pop(intent.id, None)
            if not intent.is_open:
                self.journal.reopen(intent)
                self._handed.pop(intent.id, None)
                self._since[intent.id] = self._block
                self._say("reorged", intent, "its block is gone")
            return
        if intent.state is State.LOST:
            return
        if self._block - self._missing.setdefault(intent.id, self._block) >= self.policy.patience:
            del self._missing[intent.id]
            self.journal.resolve(intent, State.LOST, self._block)
            self._say("lost", intent, f"nonce {intent.nonce} was used by another transaction")
            self._report_stranger(1, f"the transaction with nonce {intent.nonce} of {self.address} is")

    def _settle(self, intent: Intent, attempt: Attempt, receipt: Receipt) -> None:
        self.journal.settle(intent, attempt, receipt, int(self._clock.now()))
        if attempt.kind is Kind.CANCEL:
            self._say("cancelled", intent, receipt.tx_hash)
        else:
            self._say("mined" if receipt.succeeded else "failed", intent, receipt.tx_hash)

    def _move_on(self, unwanted: Callable[[Sequence[Intent]], set[int]]) -> None:
        """Do what is due for every open intent whose nonce is still free on chain."""
        waiting = [intent for intent in self.open if intent.nonce >= self._mined]
        judged = [intent for intent in waiting if intent.is_exposed and not intent.is_cancelling]
        useless = unwanted(judged) if judged else set()
        for intent in reversed(waiting):
            if not intent.is_exposed and self._is_last(intent):
                self._drop(intent, intent.newest.error if intent.attempts else "it was never signed")
        for intent in waiting:
            if not intent.is_open:
                continue
            over = self._block > intent.last_block
            if intent.is_cancelling:
                self._push(intent)
            elif not intent.is_exposed or over or intent.id in useless:
                self._cancel(intent, "too late" if over else "of no use any more")
            else:
                self._push(intent)

    def _push(self, intent: Intent) -> None:
        """Outbid or send again what waits."""
        newest = intent.newest
        outbid = newest.exposure is Exposure.REFUSED and refusals.read(newest.error) in _TOO_LITTLE
        waited = self._block - max(newest.signed_block, self._since.get(intent.id, 0))
        is_due = intent.nonce == self._mined and (outbid or waited >= self.policy.stuck)
        if is_due and self._replace(intent, newest.kind):
            return
        if intent.id not in self._handed or self._block - self._handed[intent.id] >= self.policy.resend:
            for attempt in reversed(intent.attempts):
                if attempt.exposure is not Exposure.REFUSED:
                    self._hand_over(intent, attempt)
                    self._say("resent", intent, attempt.tx_hash)
                    return

    def _replace(self, intent: Intent, kind: Kind) -> bool:
        """Sign and send the same with higher fees; False when the caps do not allow it."""
        offer = self._offer(intent)
        gas = intent.gas if kind is Kind.ACTION else self.policy.transfer_gas
        if offer is None or (kind is Kind.ACTION and gas * offer.most > self._most_for(intent)):
            self._say("capped", intent, "it waits, and may not offer more")
            return False
        attempt = self._sign(intent, kind, offer)
        self._hand_over(intent, attempt)
        self._say("replaced", intent, attempt.tx_hash)
        return True

    def _most_for(self, intent: Intent) -> int:
        """Return the wei that an action's gas may cost by now: its budget, and what the day's cap leaves."""
        return min(intent.budget, self._left_today(without=intent))

    def _cancel(self, intent: Intent, why: str) -> None:
        offer = self._offer(intent)
        if offer is None:
            self._say("capped", intent, f"it is {why}, and a cancellation may not offer more")
            return
        attempt = self._sign(intent, Kind.CANCEL, offer)
        self._hand_over(intent, attempt)
        self._say("cancelling", intent, f"it is {why}")

    def _offer(self, intent: Intent) -> Fees | None:
        """Return fees that replace every attempt so far; None above the cap."""
        beaten = [
            attempt.fees
            for attempt in intent.attempts
            if attempt.exposure is not Exposure.REFUSED or refusals.read(attempt.error) in _TOO_LITTLE
        ]
        if not beaten:
            return self.market
        sent = Fees(max(fees.most for fees in beaten), max(fees.tip for fees in beaten))
        return fee_rules.replacement(sent, self.market, self.fees)

    def _sign(self, intent: Intent, kind: Kind, fees: Fees) -> Attempt:
        if kind is Kind.ACTION:
            to, data, gas = intent.target, intent.data, intent.gas
        else:
            to, data, gas = self.address, b"", self.policy.transfer_gas
        signed = self._signer.sign(nonce=intent.nonce, to=to, data=data, gas=gas, fees=fees)
        signed_before = next((attempt for attempt in intent.attempts if attempt.tx_hash == signed.tx_hash), None)
        if signed_before is not None:
            return signed_before
        attempt = Attempt(signed.tx_hash, kind, signed.raw, gas, fees, self._block)
        self.journal.sign(intent, attempt)
        return attempt

    def _hand_over(self, intent: Intent, attempt: Attempt) -> None:
        """Give an attempt to a node and note what it made of it."""
        self._handed[intent.id] = self._block
        was_out = attempt.exposure is Exposure.TAKEN
        faults = self._faults()
        try:
            self._send(intent, attempt)
        except RpcUnavailable as error:
            self.journal.handed_over(intent, attempt, attempt.exposure, str(error)[:200])
            return
        except RpcError as error:
            text = error.message[:200]
            meaning = refusals.read(text)
            if meaning is Refusal.KNOWN:
                self.journal.handed_over(intent, attempt, Exposure.TAKEN)
                return
            is_sure = not was_out and self._faults() == faults
            refused = is_sure and meaning in _REFUSED
            self.journal.handed_over(intent, attempt, Exposure.REFUSED if refused else attempt.exposure, text)
            self._say("refused", intent, text)
            if refused and meaning is Refusal.OUTBID and len(intent.attempts) == 1:
                self._contested.add(intent.nonce)
            return
        self.journal.handed_over(intent, attempt, Exposure.TAKEN)

    def _send(self, intent: Intent, attempt: Attempt) -> None:
        private = self._private
        if private is not None:
            if private.method == "private":
                last = max(intent.last_block, self._block + _PRIVATE_BLOCKS)
                private.node.send_private(attempt.raw, last, rounds=_FIRST_ROUNDS)
            else:
                private.node.send_raw(attempt.raw, rounds=_FIRST_ROUNDS)
            age = self._block - intent.planned_block
            if not private.public_after or age < private.public_after:
                return
        self.node.send_raw(attempt.raw, rounds=_FIRST_ROUNDS)

    def _faults(self) -> int:
        rpcs = [self.node.rpc] + ([self._private.node.rpc] if self._private else [])
        return sum(sum(rpc.stats.faults.values()) for rpc in rpcs)

    def _drop(self, intent: Intent, why: str) -> None:
        self.journal.resolve(intent, State.DROPPED, self._block)
        del self._watched[intent.id]
        self._handed.pop(intent.id, None)
        self._say("dropped", intent, why)

    def _is_last(self, intent: Intent) -> bool:
        return all(other.nonce <= intent.nonce for other in self._watched.values())

    def _forget(self) -> None:
        """Stop looking at what is final."""
        final = self._block - self.policy.final
        for intent in list(self._watched.values()):
            if not intent.is_open and (intent.resolved_block or 0) < final:
                del self._watched[intent.id]
                self._handed.pop(intent.id, None)

    def _say(self, what: str, intent: Intent, detail: str = "") -> None:
        self._on_outcome(Outcome(what, intent, detail))


_TOO_LITTLE = (Refusal.OUTBID, Refusal.FEE)
_REFUSED = (Refusal.OUTBID, Refusal.FEE, Refusal.FUNDS, Refusal.INVALID)
