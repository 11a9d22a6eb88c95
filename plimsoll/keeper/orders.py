"""Executes what owners signed to protect their accounts: stop-losses, take-profits, trailing stops, deleveragings.

Orders come from the keeper's own book (`plimsoll.keeper.order_book`) and from events (`place`). With every block those
that prices reach are found: orders by an index of their triggers, standing orders by their accounts' values. What is
found is held against the chain, cut to a size that passes a simulation, and wished for if its fee pays for the gas. The
fee goes to the wallet; the keeper needs no capital, and nothing but gas is at risk.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from plimsoll.chain import Revert
from plimsoll.keeper import verbs
from plimsoll.keeper.books import Books
from plimsoll.keeper.config import OrderConfig
from plimsoll.keeper.dispatch import Wish, key_of
from plimsoll.keeper.journal import Intent
from plimsoll.keeper.log import Log
from plimsoll.keeper.node import Call, Node, Simulated
from plimsoll.keeper.order_book import OrderBook, OrderBookError
from plimsoll.keeper.source import Header
from plimsoll.keeper.state import AccountState
from plimsoll.keeper.strategy import Routes
from plimsoll.keeper.taker import GasPrice
from plimsoll.keeper.valuation import Market
from plimsoll.model import exposure, protection_orders, share_math
from plimsoll.model.price_oracle import OK
from plimsoll.model.protection_orders import BPS, Kind
from plimsoll.protocol.orders import Deleverage, Order, Signed
from plimsoll.units import WAD

LOOKS_PER_BLOCK = 64
"""Due orders that are tried with a block at most."""
LOOK_AGAIN = 4
"""Blocks after which what was due and came to nothing is tried again."""
MOST_DOUBLINGS = 12
PARTS = (100, 50, 25, 10)
"""Percent of what could be sold of an order that are tried."""
SIZES = (100, 97, 90, 60, 30)
"""Percent of what lifts an account to its target at mid that are tried."""
PAIRS = 3
"""Pairs of what is held and what is owed that are tried for a deleveraging, the largest first."""
POKE_GAS = 120_000
POKES = 8
"""How often the gas of a poke must fit into an order's fee before it is poked."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A way to execute an order: the call, its expected fee (WAD dollars), and what to note."""

    digest: str
    account: int
    call: Call
    fee: int
    note: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an order stands: its name, what it says in short, and why it is or is not due."""

    digest: str
    what: str
    reason: str
    due: bool = False


@dataclass(slots=True)
class TriggerIndex:
    """Orders by the asset they watch and the price at which they are due, so that a price finds those it reached."""

    below: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    above: dict[str, list[tuple[int, str]]] = field(default_factory=dict)
    trailing: list[str] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, orders: Mapping[str, Signed]) -> TriggerIndex:
        """Return an index of orders by digest."""
        index = cls()
        for digest, signed in orders.items():
            order = signed.order
            if isinstance(order, Deleverage):
                index.standing.append(digest)
            elif order.kind >= Kind.TRAIL_BELOW:
                index.trailing.append(digest)
            else:
                side = index.below if order.kind == Kind.BELOW else index.above
                side.setdefault(order.watched, []).append((order.trigger, digest))
        for side in (index.below, index.above):
            for triggers in side.values():
                triggers.sort()
        return index

    def reached(self, mids: Mapping[str, int]) -> Iterator[str]:
        """Return the orders with a fixed trigger that mids (by token, those that are OK) reach."""
        for token, mid in mids.items():
            below, above = self.below.get(token, []), self.above.get(token, [])
            yield from (digest for _, digest in below[bisect_left(below, (mid, "")) :])
            yield from (digest for _, digest in above[: bisect_right(above, (mid, "~"))])


class Protector:
    """Looks at orders for one keeper. `symbol_of` names a token in logs."""

    def __init__(
        self,
        node: Node,
        books: Books,
        book: OrderBook,
        routes: Routes,
        config: OrderConfig,
        *,
        contract: str,
        wallet: str,
        symbol_of: Callable[[str], str],
        log: Log,
    ) -> None:
        """Assemble; `contract` is the ProtectionOrders, `wallet` gets the fees."""
        self._node = node
        self._books = books
        self._book = book
        self._routes = routes
        self._config = config
        self._contract = contract
        self._wallet = wallet
        self._symbol_of = symbol_of
        self._log = log
        self._orders: dict[str, Signed] = {}
        self._index = TriggerIndex()
        self._again: dict[str, int] = {}
        """By digest, the block before which it is not tried again."""
        self._failures: dict[str, int] = {}
        self._tried: dict[str, int] = {}
        """By digest, the block in which it was tried last."""

    # The loop's part

    @property
    def count(self) -> int:
        """How many orders there are, open or not."""
        return len(self._orders)

    def look(self, price: GasPrice, head: Header, busy: set[str]) -> list[Wish]:
        """Return what to send now, the most profitable first: at most one execution for each account.

        Accounts that `busy` names are left alone. RpcError, RpcUnavailable.
        """
        self._take_in(head)
        if not self._orders:
            return []
        mids = self._mids()
        due = self._worth_a_look(mids, head, busy)
        attempts = self._attempts(due, mids, head)
        results = self._node.simulate([attempt.call for attempt in attempts])
        best: dict[int, tuple[int, Attempt]] = {}
        refused: dict[str, str] = {}
        for attempt, result in zip(attempts, results, strict=True):
            if not isinstance(result, Simulated):
                refused.setdefault(attempt.digest, str(result))
                continue
            profit = attempt.fee - price.dollars(result.gas_used)
            if attempt.account not in best or profit > best[attempt.account][0]:
                best[attempt.account] = profit, attempt
        chosen = sorted(best.values(), key=lambda each: -each[0])
        wishes = self._wishes([each for each in chosen if each[0] >= self._config.minimum_profit])
        self._put_off(due, best, refused, head)
        executed = {wish.key for wish in wishes}
        return wishes + [wish for wish in self._pokes(mids, price, head, busy) if wish.key not in executed]

    def came_to_nothing(self, intent: Intent) -> None:
        """Leave an order whose execution failed or was withdrawn alone, twice as long each time.

        An owner that is a contract can say yes to a simulation and no to the transaction: that shall not be for free.
        """
        digest = intent.note.get("order")
        if digest is not None:
            self._failures[digest] = failures = self._failures.get(digest, 0) + 1
            self._again[digest] = intent.planned_block + LOOK_AGAIN * 2 ** min(failures, MOST_DOUBLINGS)

    def _wishes(self, chosen: Sequence[tuple[int, Attempt]]) -> list[Wish]:
        """Return those that pass one after the other, as wishes."""
        results = self._node.simulate_in_order([attempt.call for _, attempt in chosen])
        wishes: list[Wish] = []
        for (profit, attempt), result in zip(chosen, results, strict=True):
            if isinstance(result, Revert):
                self._log.info("order does not pass after others", order=attempt.digest, reason=str(result))
                continue
            note = {**attempt.note, "order": attempt.digest, "profit": str(profit)}
            wishes.append(Wish(_wish_key(attempt.account), self._contract, attempt.call.data, note, profit))
        return wishes

    def _put_off(
        self, tried: Sequence[str], best: Mapping[int, tuple[int, Attempt]], refused: Mapping[str, str], head: Header
    ) -> None:
        """Leave what came to nothing alone for some blocks, and say why."""
        for digest in tried:
            account = self._orders[digest].order.account
            profit, attempt = best.get(account, (0, None))
            if attempt is not None and attempt.digest == digest and profit >= self._config.minimum_profit:
                continue
            self._again[digest] = head.number + LOOK_AGAIN
            reason = refused.get(digest, "no way to sell passes")
            if attempt is not None:
                reason = "its fee does not pay for the gas" if attempt.digest == digest else "another order pays more"
            self._log.info("order is due and waits", order=digest, account=key_of(account), reason=reason)

    # Which orders there are

    def _take_in(self, head: Header) -> None:
        """Read the folder and the file, forget what expired, renew the index if anything changed."""
        try:
            intake = self._book.refresh(head.timestamp)
            for found in intake.added:
                account = key_of(found.signed.order.account)
                self._log.info("order taken in", order=found.digest, account=account)
            for name, reason in intake.refused:
                self._log.warning("order refused", file=name, reason=reason)
            kept = self._book.orders.items()
            self._book.remove([digest for digest, found in kept if found.signed.order.deadline < head.timestamp])
        except OrderBookError as error:
            self._log.error("order book cannot be kept", error=str(error))
        self.renew()
        self._again = {digest: block for digest, block in self._again.items() if block > head.number}
        self._failures = {digest: count for digest, count in self._failures.items() if digest in self._orders}
        self._tried = {digest: block for digest, block in self._tried.items() if digest in self._orders}

    def renew(self) -> None:
        """Put book and events together again, if one of them changed."""
        facts = self._books.state.orders
        wanted = {*facts.placed(), *self._book.orders}
        if wanted == self._orders.keys():
            return
        kept = {digest: found.signed for digest, found in self._book.orders.items()}
        self._orders = kept | {digest: facts.signed(digest) for digest in wanted - kept.keys()}
        self._index = TriggerIndex.of(self._orders)

    def _mids(self) -> dict[str, int]:
        """Return the mids of the assets whose price is OK, by token."""
        state, prices = self._books.state, self._books.prices
        found = ((state.token(key), prices.get(key)) for key in state.keys)
        return {token: price.mid for token, price in found if price is not None and price.status == OK}

    # Which are due

    def _due(self, mids: Mapping[str, int], head: Header) -> Iterator[str]:
        for digest in self._index.reached(mids):
            order = self._order(digest)
            if order.sell in mids and order.buy in mids and self._is_open(digest, head):
                yield digest
        for digest in self._index.trailing:
            if self._is_open(digest, head) and not self._missing(self._order(digest), digest, mids):
                yield digest
        if self._index.standing:
            market = self._books.market(head.timestamp)
            for digest in self._index.standing:
                if self._is_open(digest, head) and not self._too_healthy(self._standing(digest), mids, market):
                    yield digest

    def _worth_a_look(self, mids: Mapping[str, int], head: Header, busy: set[str]) -> list[str]:
        """Return the due orders to try with this block: half of them those with the largest fee, half those that have
        waited longest, so that each comes up however many there are that only pretend to pay."""
        due = [digest for digest in self._due(mids, head) if self._is_free(digest, head, busy)]
        due.sort(key=lambda digest: -self._fee_at_most(digest, mids))
        if len(due) > LOOKS_PER_BLOCK:
            rest = sorted(due[LOOKS_PER_BLOCK // 2 :], key=lambda digest: self._tried.get(digest, 0))
            due = due[: LOOKS_PER_BLOCK // 2] + rest[: LOOKS_PER_BLOCK - LOOKS_PER_BLOCK // 2]
        self._tried |= dict.fromkeys(due, head.number)
        return due

    def _is_open(self, digest: str, head: Header) -> bool:
        return not self._books.state.orders.closed(digest, self._orders[digest].order, head.timestamp)

    def _is_free(self, digest: str, head: Header, busy: set[str]) -> bool:
        account = self._orders[digest].order.account
        return (
            self._again.get(digest, 0) <= head.number and key_of(account) not in busy and _wish_key(account) not in busy
        )

    def _missing(self, order: Order, digest: str, mids: Mapping[str, int]) -> str:
        """Return why an open order is not due, in words; nothing if it is."""
        for token in (order.watched, order.sell, order.buy):
            if token not in mids:
                return f"the price of {self._symbol_of(token)} is not OK"
        stored, mid = self._books.state.orders.best(digest), mids[order.watched]
        if protection_orders.is_triggered(order, stored, mid):
            return ""
        needed = order.trigger
        if order.kind >= Kind.TRAIL_BELOW:
            best = protection_orders.best(order.kind, order.trigger, stored, mid)
            sign = -1 if order.kind == Kind.TRAIL_BELOW else 1
            needed = best * (BPS + sign * order.trail) // BPS
        return f"not reached: {self._symbol_of(order.watched)} is {needed / mid - 1:+.2%} away from its trigger"

    def _too_healthy(self, standing: Deleverage, mids: Mapping[str, int], market: Market) -> str:
        """Return why an open standing order is not due, in words; nothing if it is."""
        row = self._books.account(standing.account)
        if not row.owed:
            return "the account owes nothing"
        for key in (*row.held, *row.owed):
            if self._books.state.token(key) not in mids:
                return f"the price of {self._symbol_of(self._books.state.token(key))} is not OK"
        value = market.value(row)
        if protection_orders.at_most(value.equity, value.requirement, standing.trigger_ratio):
            return ""
        ratio = value.equity / value.requirement if value.requirement else 0
        return f"not reached: equity / maintenance is {ratio:.3f}, its trigger {standing.trigger_ratio / WAD:.3f}"

    def _fee_at_most(self, digest: str, mids: Mapping[str, int]) -> int:
        """Return the most that executing an order could bring now, WAD dollars: a rank, not a promise."""
        order = self._orders[digest].order
        row = self._books.account(order.account)
        keys = self._keys()
        if isinstance(order, Deleverage):
            worth = sum(
                exposure.worth(amount, mids.get(self._books.state.token(key), 0)) for key, amount in row.held.items()
            )
        else:
            left = order.amount - min(self._books.state.orders.sold(digest), order.amount)
            worth = exposure.worth(min(left, row.held.get(keys.get(order.sell, -1), 0)), mids.get(order.sell, 0))
        return worth * order.fee // BPS

    # How to execute them

    def _attempts(self, due: Sequence[str], mids: Mapping[str, int], head: Header) -> list[Attempt]:
        """Return ways to execute what the chain says is due, too."""
        orders = [digest for digest in due if isinstance(self._orders[digest].order, Order)]
        standing = [digest for digest in due if digest not in set(orders)]
        views = [Call(self._contract, verbs.STATE_OF.encode([self._order(each).as_tuple()])) for each in orders]
        views += [Call(self._contract, verbs.IS_DUE.encode([self._standing(each).as_tuple()])) for each in standing]
        outputs = self._node.calls(views)
        found: list[Attempt] = []
        for digest, output in zip(orders, outputs, strict=False):
            if not isinstance(output, Revert) and output:
                state = verbs.read_order_state(output)
                if state.open and state.triggered and state.most:
                    found += self._parts(digest, state.most, mids)
        market = self._books.market(head.timestamp)
        for digest, output in zip(standing, outputs[len(orders) :], strict=True):
            if not isinstance(output, Revert) and output and all(verbs.IS_DUE.decode(output)):
                found += self._sizes(digest, market, mids)
        return found

    def _parts(self, digest: str, most: int, mids: Mapping[str, int]) -> Iterator[Attempt]:
        """Return an execution of each part of an order that may be sold at a time."""
        order, signed = self._order(digest), self._orders[digest]
        route = self._routes.find(order.sell, order.buy)
        if route is None:
            return
        for amount in _unique(most * part // 100 for part in PARTS):
            if amount == most or amount >= order.min_fill:
                data = verbs.EXECUTE.encode([*signed.arguments(), amount, *route, self._wallet])
                fee = exposure.worth(protection_orders.fee_of(amount, order.fee), mids[order.sell])
                call = Call(self._contract, data, self._wallet)
                yield Attempt(digest, order.account, call, fee, {"kind": "order", "sold": str(amount)})

    def _sizes(self, digest: str, market: Market, mids: Mapping[str, int]) -> Iterator[Attempt]:
        """Return deleveragings by the largest pairs, of sizes that leave an account at its target or below."""
        standing, signed = self._standing(digest), self._orders[digest]
        row = self._books.account(standing.account)
        positions = sorted(market.positions(row), key=lambda position: -position.worth)
        held = [position.key for position in positions if not position.is_debt]
        owed = [position.key for position in positions if position.is_debt]
        for sell_key, buy_key in [(sell, buy) for buy in owed for sell in held][:PAIRS]:
            sell, buy = self._books.state.token(sell_key), self._books.state.token(buy_key)
            route = self._routes.find(sell, buy)
            if route is None:
                continue
            most = self._size(standing, row, market, sell_key, buy_key)
            for amount in _unique(most * size // 100 for size in SIZES):
                arguments = (sell, buy, amount, *route, self._wallet)
                data = verbs.DELEVERAGE.encode([*signed.arguments(), *arguments])
                fee = exposure.worth(protection_orders.fee_of(amount, standing.fee), mids[sell])
                call = Call(self._contract, data, self._wallet)
                yield Attempt(digest, standing.account, call, fee, {"kind": "deleverage", "sold": str(amount)})

    def _size(self, standing: Deleverage, row: AccountState, market: Market, sell: int, buy: int) -> int:
        """Return the most of an asset whose sale at mid leaves an account at its target or below."""
        sell_mid, buy_mid = market.line(sell).held_price, market.line(buy).owed_price
        debt = share_math.debt_up(row.owed[buy], market.line(buy).debt, market.line(buy).debt_shares)
        limit = min(row.held[sell], protection_orders.most_for_debt(debt, sell_mid, buy_mid, standing.max_cost, 0))

        def fits(amount: int) -> bool:
            bought = (amount - protection_orders.fee_of(amount, standing.fee)) * sell_mid // buy_mid
            value = market.value(_after(row, sell, amount, buy, bought, debt))
            return protection_orders.at_most(value.equity, value.requirement, standing.target_ratio)

        return protection_orders.largest(limit, fits)

    # Trailing orders

    def _pokes(self, mids: Mapping[str, int], price: GasPrice, head: Header, busy: set[str]) -> Iterator[Wish]:
        """Return what shows trailing orders a better price, where that is worth it: the fee pays for many pokes."""
        if not self._config.poke:
            return
        for digest in self._index.trailing:
            order, mid = self._order(digest), mids.get(self._order(digest).watched)
            if mid is None or not self._is_free(digest, head, busy) or not self._is_open(digest, head):
                continue
            stored = self._books.state.orders.best(digest)
            before = protection_orders.best(order.kind, order.trigger, stored, order.trigger)
            moved = abs(protection_orders.best(order.kind, order.trigger, stored, mid) - before)
            if moved * WAD < before * self._config.poke:
                continue
            if self._fee_at_most(digest, mids) < self._config.minimum_profit + POKES * price.dollars(POKE_GAS):
                continue
            data = verbs.POKE_ORDER.encode([*self._orders[digest].arguments()])
            self._again[digest] = head.number + LOOK_AGAIN
            yield Wish(_wish_key(order.account), self._contract, data, {"kind": "poke order", "order": digest})

    # For people

    def standings(self, account: int, head: Header) -> list[Standing]:
        """Return an account's orders and why each is or is not due; what is due is simulated."""
        self.renew()
        mids, market = self._mids(), self._books.market(head.timestamp)
        found: list[Standing] = []
        for digest, signed in self._orders.items():
            order = signed.order
            if order.account != account:
                continue
            closed = self._books.state.orders.closed(digest, order, head.timestamp)
            if isinstance(order, Deleverage):
                what = f"deleverage to {order.target_ratio / WAD:.3f}"
                reason = closed or self._too_healthy(order, mids, market)
            else:
                what = f"{order.kind.name.lower().replace('_', ' ')}: {self._symbol_of(order.sell)} for "
                what += self._symbol_of(order.buy)
                reason = closed or self._missing(order, digest, mids)
            due = not reason
            found.append(Standing(digest, what, reason or self._fate(digest, mids, head), due))
        return found

    def _fate(self, digest: str, mids: Mapping[str, int], head: Header) -> str:
        """Return what becomes of an order that is due."""
        attempts = self._attempts([digest], mids, head)
        if not attempts:
            return "due, but there is nothing to sell, or no route"
        results = self._node.simulate([attempt.call for attempt in attempts])
        passing = [attempt for attempt, result in zip(attempts, results, strict=True) if isinstance(result, Simulated)]
        if not passing:
            return f"due, but it would fail: {results[0]}"
        return f"due: its fee is ${max(attempt.fee for attempt in passing) / WAD:.2f}"

    def _keys(self) -> dict[str, int]:
        state = self._books.state
        return {state.token(key): key for key in state.keys}

    def _order(self, digest: str) -> Order:
        order = self._orders[digest].order
        assert isinstance(order, Order)
        return order

    def _standing(self, digest: str) -> Deleverage:
        order = self._orders[digest].order
        assert isinstance(order, Deleverage)
        return order


def accepted_by_owner(node: Node) -> Callable[[str, bytes, bytes], bool]:
    """Return how to ask an owner that is a contract whether a signature is his (ERC-1271)."""

    def accepts(owner: str, digest: bytes, signature: bytes) -> bool:
        (output,) = node.calls([Call(owner, verbs.IS_VALID_SIGNATURE.encode([digest, signature]))])
        return not isinstance(output, Revert) and output == verbs.VALID_SIGNATURE + bytes(28)

    return accepts


def _after(row: AccountState, sell: int, amount: int, buy: int, bought: int, debt: int) -> AccountState:
    """Return an account after a sale: the debt is repaid first, in shares rounded down, so that it looks no weaker."""
    repaid = min(bought, debt)
    held, owed = dict(row.held), dict(row.owed)
    held[sell] -= amount
    held[buy] = held.get(buy, 0) + bought - repaid
    owed[buy] = owed[buy] * (debt - repaid) // debt
    return replace(row, held=_without_zeros(held), owed=_without_zeros(owed))


def _without_zeros(amounts: Mapping[int, int]) -> dict[int, int]:
    return {key: amount for key, amount in amounts.items() if amount}


def _wish_key(account: int) -> str:
    """Return what executions for an account are about, in the journal: apart from its liquidation, which must not wait
    for an order that its owner lets fail."""
    return f"order {account:#x}"


def _unique(amounts: Iterable[int]) -> list[int]:
    return [amount for amount in dict.fromkeys(amounts) if amount]
