"""The data half of the keeper in one object: follow the chain, take prices in, say who is below the line.

    books = Books.open(Path("keeper.sqlite"), Deployment.of(manifest), source, reader)
    change = books.sync()                          # to the newest block; reorgs included
    crossing = books.reprice(prices, now)          # {key: (bid, mid, ask, status)}, at the time of the next block
    for account in crossing.crossed: ...
    books.rest()                                   # when there is nothing else to do

Every decision is exact: `crossed`, `recovered` and `below` are what RiskEngine would say at these prices and that time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from plimsoll.keeper.explain import Explanation, explain
from plimsoll.keeper.indexer import WINDOW, Indexer, Progress, Sync, load_or_reset
from plimsoll.keeper.lines import Crossing, LineIndex
from plimsoll.keeper.order_facts import ORDERS
from plimsoll.keeper.source import AccountReader, Header, LogSource
from plimsoll.keeper.state import (
    AUCTION,
    ENGINE,
    OPERATORS,
    PROVISIONED,
    RISK_ENGINE,
    AccountState,
    Auction,
    State,
)
from plimsoll.keeper.store import Store, StoreDamaged
from plimsoll.keeper.valuation import NO_GRANTS, Grants, Market, Value, market
from plimsoll.manifest import Manifest
from plimsoll.model import account_word, liquidation_auction
from plimsoll.model.liquidation_auction import Values
from plimsoll.model.price_oracle import Price

POOL_FUND, POOL_RATE = 4, 8
"""Places of the reserve fund and of the initial rate at target among LendingPool's constructor arguments."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is followed: contracts by address, from which block on. Pools and risk engines are found in events.

    `initial_rates` are pools' rates at target at deployment (WAD), `fund` the reserve fund; both sharpen what events do
    not say (see `plimsoll.keeper.pools`), and may be left out.
    """

    chain_id: int
    engine: str
    start_block: int
    risk_engine: str | None = None
    operators: str | None = None
    auction: str | None = None
    orders: str | None = None
    fund: str | None = None
    initial_rates: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, manifest: Manifest) -> Deployment:
        """Return what a manifest describes; ManifestError if it has no engine."""
        contracts = manifest.contracts
        pools = [each for each in contracts.values() if each.contract == "LendingPool"]
        rates = {pool.address: int(str(pool.arguments[POOL_RATE])) for pool in pools}
        funds = {str(pool.arguments[POOL_FUND]) for pool in pools}

        def address(role: str) -> str | None:
            return contracts[role].address if role in contracts else None

        return cls(
            chain_id=manifest.chain_id,
            engine=manifest.address("engine"),
            start_block=manifest.block,
            risk_engine=address("risk_engine"),
            operators=address("operators"),
            auction=address("auction"),
            orders=address("orders"),
            fund=funds.pop() if len(funds) == 1 else None,
            initial_rates=rates,
        )

    @property
    def name(self) -> str:
        """What the store remembers it by."""
        return f"chain {self.chain_id}, engine {self.engine}, from block {self.start_block}"

    def seeds(self) -> dict[str, str]:
        """Return the contracts known from the start: address to artifact."""
        named = {
            self.engine: ENGINE,
            self.risk_engine: RISK_ENGINE,
            self.operators: OPERATORS,
            self.auction: AUCTION,
            self.orders: ORDERS,
        }
        return {address: artifact for address, artifact in named.items() if address is not None}


class Books:
    """See the module's docstring. Not for several threads at once."""

    def __init__(
        self,
        store: Store,
        deployment: Deployment,
        source: LogSource,
        reader: AccountReader | None = None,
        *,
        window: int = WINDOW,
        progress: Progress | None = None,
    ) -> None:
        self._store = store
        self._deployment = deployment
        self._source = source
        self._reader = reader
        self._window = window
        self._progress = progress
        self._state = State(deployment.seeds(), deployment.initial_rates, deployment.fund)
        self._prices: dict[int, Price] = {}
        self._settled: frozenset[int] = frozenset()
        self._grants = NO_GRANTS
        self._now = 0
        self._audited = 0
        self._audited_pools = 0
        self._suspects: set[int] = set()
        self._indexer, self._lines, self._tip = self._start()

    @classmethod
    def open(
        cls,
        path: Path,
        deployment: Deployment,
        source: LogSource,
        reader: AccountReader | None = None,
        *,
        window: int = WINDOW,
        progress: Progress | None = None,
    ) -> Books:
        """Open or create the file and read the state in it; see `Store.open` for damaged and foreign files."""
        store = Store.open(path, deployment.name)
        return cls(store, deployment, source, reader, window=window, progress=progress)

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    # The chain

    @property
    def tip(self) -> Header | None:
        """The block the books are at; None before the first sync."""
        return self._tip

    @property
    def state(self) -> State:
        """The protocol's state at the tip, for reading."""
        return self._state

    def sync(self) -> Sync:
        """Bring the books to the newest block; see `Indexer.sync`. A file found damaged is built again."""
        try:
            return self._follow()
        except StoreDamaged as error:
            known = set(self._state.accounts) | self._indexer.pending
            self._store.close()
            self._store = Store.replaced(self._store.path, self._deployment.name, str(error))
            return self._again(known)

    def _follow(self) -> Sync:
        changed = self._indexer.pending
        try:
            return self._indexer.sync()
        finally:
            for account in changed:
                self._lines.put(account, self._state.account(account))
            self._tip = self._store.cursor()

    def _again(self, known: set[int]) -> Sync:
        """Follow the chain into an empty file; `known` are the accounts that may change by it."""
        self._indexer, self._lines, self._tip = self._start()
        self._indexer.pending |= known
        done = self._follow()
        done.rebuilt = True
        return done

    # Prices

    @property
    def prices(self) -> Mapping[int, Price]:
        """The prices last reported, by asset key."""
        return self._prices

    def reprice(
        self,
        prices: Mapping[int, tuple[int, int, int, int]],
        now: int,
        settled: Iterable[int] = (),
        grants: Grants = NO_GRANTS,
    ) -> Crossing:
        """Take a report of prices and a time, and return which accounts crossed their line.

        `prices` are (bid, mid, ask, status) by asset key, of all assets or of those that changed; an asset never
        reported is DEAD. `now` is when a transaction would run (unix seconds, not before the tip). `settled` are assets
        that are not OK and whose delay has passed: they count at mid. `grants` is what an outage changes.
        """
        self._prices |= {key: Price(*price) for key, price in prices.items()}
        self._settled, self._grants, self._now = frozenset(settled), grants, now
        market_now = self.market(now)
        return self._lines.move(market_now, lambda account: market_now.value(self._state.account(account)).liquidatable)

    @property
    def curing(self) -> bool:
        """Whether the cure window was open at the last report: nothing is certain then, whatever its price's status."""
        return self._grants.curing

    def below(self) -> list[int]:
        """Return the accounts that are below their line at the last report."""
        return self._lines.below()

    def would_be_below(self, prices: Mapping[int, tuple[int, int, int, int]], now: int) -> set[int]:
        """Return the accounts that would be below their line at other prices (added to the last report) and time."""
        changed = self._prices | {key: Price(*price) for key, price in prices.items()}
        there = market(self._state, changed, now, self._settled, self._grants)
        return self._lines.would_be_below(there, lambda account: there.value(self._state.account(account)).liquidatable)

    def rest(self) -> bool:
        """Use idle time: renew what decisions start from, if that pays. Return whether it did.

        Never needed for a right answer; without it answers take longer as prices wander.
        """
        if not self._now or not self._lines.is_stale:
            return False
        self._lines.anchor(self.market(self._now))
        return True

    # Accounts

    def market(self, now: int) -> Market:
        """Return the market at the last report's prices and a time."""
        return market(self._state, self._prices, now, self._settled, self._grants)

    def account(self, account: int) -> AccountState:
        """Return an account's balances, debt shares and auction."""
        return self._state.account(account)

    def value(self, account: int, now: int | None = None) -> Value:
        """Return an account's equity and requirement at the last report's prices, at its time unless told."""
        return self.market(self._now if now is None else now).value(self._state.account(account))

    def is_over(self, account: int) -> bool:
        """Return whether an account is above its line for certain at the last report's prices: its auction may end."""
        row = self._state.account(account)
        return not row.owed or (not self._lines.is_below(account) and self.sides(account).certain)

    def debtors(self) -> int:
        """Return how many accounts owe anything."""
        return len(self._lines)

    def auctions(self) -> dict[int, Auction]:
        """Return the auctions that run, by account."""
        return self._state.auctions()

    def sides(self, account: int, now: int | None = None) -> Values:
        """Return what RiskEngine.assess_liquidation says at the last report's prices, at its time unless told."""
        return self.market(self._now if now is None else now).sides(self._state.account(account))

    def auction(self, account: int) -> liquidation_auction.Auction | None:
        """Return an account's auction as the model takes it; None without one, or if its terms were never logged."""
        running = self._state.account(account).auction
        terms = running and self._state.terms(running.version)
        if not running or not terms:
            return None
        parameters = liquidation_auction.Parameters(**terms)
        return liquidation_auction.Auction(
            running.started_at, running.starter, running.penalty, parameters, taken=False
        )

    def explain(self, account: int, now: int | None = None) -> Explanation:
        """Say why an account is or is not liquidatable at the last report's prices, and at which prices it would be."""
        at = self._now if now is None else now
        row = self._state.account(account)
        return explain(account, row, self.market, self._prices, self._state.token, at)

    # Holding the books against the chain

    def verify(self, account: int) -> list[str]:
        """Return how an account differs from the chain at the tip; empty when it does not.

        The word's flag for a provision is not compared: what is provisioned is the pools' events', not the word's.
        SourceError when the node is not at the tip's block. AssertionError without a reader.
        """
        assert self._reader is not None, "no reader to verify with"
        if self._tip is None:
            return []
        found = self._reader.read_account(account, self._tip)
        word, exposures = self._state.word(account), tuple(self._state.exposures(account, found.timestamp))
        different = []
        if (word ^ found.word) & ~(PROVISIONED << account_word.FLAGS_SHIFT):
            different.append(f"word {word:#x}, on chain {found.word:#x}")
        if exposures != found.exposures:
            different.append(f"exposures {_hexes(exposures)}, on chain {_hexes(found.exposures)}")
        return different

    def verify_pool(self, key: int) -> list[str]:
        """Return how a pool's cash and debt differ from the chain at the tip; empty when they do not.

        What an account owes of which the books know nothing is missing here. SourceError and AssertionError as in
        `verify`.
        """
        assert self._reader is not None, "no reader to verify with"
        if self._tip is None:
            return []
        found = self._reader.read_pool(self._state.pool_address(key), self._tip)
        pool = self._state.pool(key)
        ledger = pool.at(found.timestamp)
        different = []
        if ledger.cash != found.cash:
            different.append(f"cash {ledger.cash}, on chain {found.cash}")
        if pool.rate_known and ledger.debt != found.debt:
            different.append(f"debt {ledger.debt}, on chain {found.debt}")
        return different

    def suspect(self, account: int) -> None:
        """Let the next audit verify this account first: something does not fit."""
        self._suspects.add(account)

    def audit(self, count: int) -> dict[str, list[str]]:
        """Verify suspects, the next `count` accounts and the next pool, round and round; return what differs, and how.

        At most `count` suspects at a time. SourceError when the node is not at the tip's block.
        """
        suspects = sorted(self._suspects)[:count]
        accounts = list(islice(self._state.accounts, self._audited, self._audited + count))
        verdicts = {f"account {account:#x}": self.verify(account) for account in (*suspects, *accounts)}
        keys = self._state.keys
        if keys:
            key = keys[self._audited_pools % len(keys)]
            verdicts[f"pool {self._state.pool_address(key)}"] = self.verify_pool(key)
        self._suspects.difference_update(suspects)
        self._audited = self._audited + count if len(accounts) == count else 0
        self._audited_pools += 1
        return {name: different for name, different in verdicts.items() if different}

    def rebuild(self) -> Sync:
        """Forget everything and read it from the chain again: what to do when `verify` finds a difference."""
        known = set(self._state.accounts) | self._indexer.pending
        self._store.reset()
        return self._again(known)

    def _start(self) -> tuple[Indexer, LineIndex, Header | None]:
        indexer = Indexer(
            self._source,
            self._store,
            self._state,
            self._deployment.start_block,
            window=self._window,
            progress=self._progress,
        )
        tip = load_or_reset(indexer, self._store)
        lines = LineIndex()
        for account in self._state.debtors():
            lines.put(account, self._state.account(account))
        return indexer, lines, tip


def _hexes(numbers: Iterable[int]) -> str:
    return f"[{', '.join(f'{number:#x}' for number in numbers)}]"
