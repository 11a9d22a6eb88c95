"""One run: rules drawn by weight act on the protocol, every outcome is predicted, and what must hold is checked after
each call.

A rule is a function of the machine and its draws. It makes calls by `Machine.call`, naming every outcome that the
state allows: "" for success and reasons for reverts. Any other outcome is a `Finding`, and so is a broken invariant.
Rules register themselves with `rule`, which names the functions of the protocol that they call, so that a function
nobody calls is known.

What a machine knows of the state it reads by views, when it needs it; nothing is read while nothing changed.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

from plimsoll.chain.base import GAS_LIMIT
from plimsoll.verify.campaign.backend import Backend, RevmBackend
from plimsoll.verify.campaign.calldata import signed, words_of
from plimsoll.verify.campaign.draws import Draws
from plimsoll.verify.campaign.world import MASK_256, PLENTY, WORD, Asset, Fn, World, word_of

OK, WIDE, STALE, DEAD = range(4)
LENDERS, TRADERS, LIQUIDATORS, ADVERSARY, GOVERNANCE = range(1, 6)
LADDER = ("lenders", "traders", "liquidators", "adversary", "governance")
"""Names of the steps of the ladder, each of which has the rules of those below it."""

KEY_BITS = 184
DEBT_BIT = 1 << 183
AMOUNT = 2**128 - 1
FIELD = 2**72 - 1
UNDER_AUCTION, PROVISIONED = 1 << 160, 1 << 161
ISOLATED_KEY = 1 << 64
VIRTUAL_SHARES = 10**6
MIN_RATE, MAX_RATE = 10**14, 10**19
LEDGER_LIMIT = 2**112 - 1
"""Raw units at which a pool's debt stops to grow, and its cash to be counted."""
WAD = 10**18
APART = (
    "OperatorRegistry",
    "RiskEngine",
    "VolatilityOracle",
    "TwapOracle",
    "Timelock",
    "AllowListGate",
    "IsolatedFactory",
    "LiquidationAuction",
)
"""Contracts whose functions change no account and no pool."""
BEYOND_DOUBT = PLENTY >> 10
"""Raw units that whoever was given plenty has, whatever he paid before in a run."""
CHECKED_EVERY = 500
"""Calls between two full checks."""

Rule = Callable[["Machine", Draws], None]


class Finding(Exception):  # noqa: N818  it is what a campaign is for
    """Something that must not happen: an outcome nobody predicted, or an invariant that does not hold."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


@dataclass(frozen=True)
class Registered:
    """A rule with its weight, its step of the ladder, and the functions it calls."""

    name: str
    run: Rule
    weight: int
    ladder: int
    functions: tuple[str, ...]


RULES: dict[str, Registered] = {}


def rule(weight: int, ladder: int, *functions: str) -> Callable[[Rule], Rule]:
    """Register a rule that calls these functions ("Contract.name") of the protocol."""

    def register(run: Rule) -> Rule:
        name = run.__name__
        if name in RULES:
            raise ValueError(f"two rules are called {name}")
        RULES[name] = Registered(name, run, weight, ladder, functions)
        return run

    return register


class PoolState(NamedTuple):
    """ILendingPool.State, as far as it is used."""

    total_assets: int
    cash: int
    debt: int
    fee: int
    provisions: int
    supply: int
    rate_at_target: int
    supply_cap: int
    borrow_cap: int


STATE_AT = [WORD * place for place in (0, 1, 2, 3, 4, 5, 7, 10, 11)]
"""Where what is used of ILendingPool.State stands in a view's answer."""


class Health(NamedTuple):
    """IRiskEngine.Health."""

    equity: int
    equity_initial: int
    maintenance: int
    initial: int
    debt: int
    status: int


class Quote(NamedTuple):
    """ILiquidationAuction.Quote."""

    active: bool
    takeable: bool
    max_fraction: int
    share: int
    bonus: int
    equity: int
    requirement: int
    target: int
    debt: int


@dataclass
class Holding:
    """What an account holds and owes, by asset key."""

    held: dict[int, int]
    owed: dict[int, int]
    epoch: int


class Stats:
    """What a campaign counts: calls, flows (rule and function to outcome), and features of states."""

    def __init__(self) -> None:
        self.calls = 0
        self.steps = 0
        self.runs = 0
        self.checks = 0
        self.flows: dict[tuple[str, str, str], int] = {}
        self.features: dict[str, int] = {}

    def merge(self, other: Stats) -> None:
        """Add another's numbers."""
        self.calls += other.calls
        self.steps += other.steps
        self.runs += other.runs
        self.checks += other.checks
        for flow, count in other.flows.items():
            self.flows[flow] = self.flows.get(flow, 0) + count
        for feature, count in other.features.items():
            self.features[feature] = self.features.get(feature, 0) + count

    def functions(self) -> set[str]:
        """Return every function that was called, "Contract.name"."""
        return {function for _, function, _ in self.flows}


class Machine:
    """See the module."""

    def __init__(
        self, world: World, backend: Backend, draws: Draws, ladder: int = GOVERNANCE, stats: Stats | None = None
    ):
        self.world = world
        self.backend = backend
        self.draws = draws
        self.stats = stats or Stats()
        self.ladder = ladder
        self.rules = [each for each in RULES.values() if each.ladder <= ladder]
        self._bounds = list(accumulate(each.weight for each in self.rules))
        self.steady = isinstance(backend, RevmBackend) and not backend.takes_time
        self.at = world.at
        self.roles = world.roles
        self.assets = list(world.assets)
        self.by_key = {asset.key: asset for asset in self.assets}
        self.accounts = world.accounts
        self.rule = ""
        self.calls = 0
        self.checks = 0
        self.history: list[tuple[str, int, int]] = []
        self.trace: list[tuple[str, str, str, str, str]] | None = None
        """Every call as (sender, address, function, calldata, outcome), when somebody asks for it."""
        # what only a campaign itself changes
        self.price = {asset.key: asset.price for asset in self.assets}
        self.paused = False
        self.min_debt = 100 * WAD
        self.fee_bps = 0
        self.refusing = False
        self.suspects: tuple[int, ...] | None = None
        self.shaky: set[int] = set()
        """Assets whose sources were tampered with and did not recover since, by key."""
        self.holders: dict[int, set[str]] = {asset.key: set() for asset in self.assets}
        """Who may have shares of a pool."""
        self.donated: dict[tuple[int, str], int] = {}
        self.restricted: dict[int, set[str]] = {}
        """How an asset's gate or cap may refuse new risk, by key."""
        self.share_price: dict[int, tuple[int, int]] = {}
        self.full_ledgers: set[int] = set()
        """Assets whose pool has seen its ledger's limit, where roundings are not counted, by key."""
        self.collectable: set[int] = set()
        """Assets of which liquidations may have left something to the reserve fund, by key."""
        self.requests: set[tuple[int, str]] = set()
        """Who asked for a stake back, by the pool's asset key."""
        self.state: dict[Any, Any] = {}
        """Whatever a rule wants to remember."""
        # caches, by epoch
        self.epoch = 0
        self._ledger_epoch = 0
        self._time_epoch = 0
        self._debt_epoch = 0
        self._debt_epochs = {asset.key: 0 for asset in self.assets}
        """Of changes of all pools, and of each: they may move any debt in them by a unit of rounding."""
        self._price_epoch = 0
        self._key_of_pool = {asset.pool: asset.key for asset in self.assets}
        self._account_epochs = dict.fromkeys(self.accounts, 0)
        self._holdings: dict[int, tuple[int, Holding]] = {}
        """With the sum of the epochs that it depends on, each of which only grows."""
        self._words: dict[int, tuple[int, int]] = {}
        self._noted: dict[int, int] = {}
        self._asset_epochs = {asset.key: 0 for asset in self.assets}
        self._statuses: dict[int, tuple[tuple[int, int], int]] = {}
        self._pools: dict[int, tuple[int, PoolState]] = {}
        self._quotes: dict[int, tuple[int, Quote]] = {}
        self._healths: dict[int, tuple[int, Health]] = {}

    def adopt(self, asset: Asset) -> None:
        """Know of an asset that was listed in this run; lenders approve its pool, and the fund."""
        self.assets.append(asset)
        self.by_key[asset.key] = asset
        self.price[asset.key] = asset.price
        self.holders[asset.key] = set()
        self._asset_epochs[asset.key] = self._debt_epochs[asset.key] = 0
        self._key_of_pool[asset.pool] = asset.key
        for role in ("lender", "whale"):
            for key, to, spender in (
                ("MockERC20.approve", asset.token, asset.pool),
                ("LendingPool.approve", asset.pool, self.at["reserve_fund"]),
            ):
                self.upkeep(to, key, self.fn(key)(word_of(spender), MASK_256), self.roles[role])

    # Steps

    def step(self) -> None:
        """Draw a rule and run it."""
        draws = self.draws
        at = draws.at
        chosen = self.rules[bisect_right(self._bounds, draws.number() % self._bounds[-1])]
        self.run_rule(chosen, at + 1)

    def run_rule(self, chosen: Registered, since: int) -> None:
        """Run one rule, whose numbers begin at `since`."""
        self.rule = chosen.name
        self.stats.steps += 1
        self.history.append((chosen.name, since, -1))
        try:
            chosen.run(self, self.draws)
        finally:
            self.history[-1] = (chosen.name, since, self.draws.at)

    # Calls

    def call(
        self,
        role: str,
        key: str,
        sender: str,
        data: bytes,
        expected: Collection[str],
        gas: int = GAS_LIMIT,
        to: str = "",
        touched: Iterable[int] | None = None,
        pools: Iterable[Asset] | None = None,
    ) -> bool:
        """Call a function of the contract in a role of the world; return whether it succeeded.

        `touched` are the only accounts, and `pools` those of the only assets, that it may have changed; all, if it
        does not say. Finding when the outcome is not one of `expected`.
        """
        target = to or self.at[role]
        outcome = self.backend.call(sender, target, data, gas)
        stats = self.stats
        stats.calls += 1
        self.calls += 1
        flow = (self.rule, key, outcome)
        stats.flows[flow] = stats.flows.get(flow, 0) + 1
        if self.trace is not None:
            self.trace.append((sender, target, key, data.hex(), outcome))
        if outcome not in expected:
            said = outcome or "success"
            allowed = ", ".join(sorted(each or "success" for each in expected))
            raise Finding("unpredicted outcome", f"{key} by {self.name_of(sender)}: {said}; the state allows {allowed}")
        suspects, self.suspects = self.suspects, None
        if outcome:
            if outcome == "engine: price status" and suspects is not None and self.are_ok(suspects):
                raise Finding(
                    "unpredicted outcome", f"{key} by {self.name_of(sender)}: {outcome}, but every price is OK"
                )
            return False
        self.epoch += 1
        if target in self._key_of_pool and key != "LendingPool.flashLoan":
            self._pools.pop(self._key_of_pool[target], None)
        elif not key.startswith(APART):
            if touched is None:
                self._ledger_epoch += 1
            else:
                for account in touched:
                    self._account_epochs[account] += 1
            if pools is None:
                self._pools.clear()
                self._debt_epoch += 1
            else:
                for asset in pools:
                    self._pools.pop(asset.key, None)
                    self._debt_epochs[asset.key] += 1
        if not self.steady:
            self._time_epoch += 1
        return True

    def upkeep(self, to: str, key: str, data: bytes, sender: str | None = None) -> None:
        """Do something that is not the protocol's (a feed answers, a token is minted); it has to succeed."""
        outcome = self.backend.call(sender or self.roles["owner"], to, data)
        if self.trace is not None:
            self.trace.append((sender or self.roles["owner"], to, key, data.hex(), outcome))
        if outcome:
            raise Finding("upkeep", f"{key}: {outcome}")
        self.epoch += 1
        if not self.steady:
            self._time_epoch += 1

    def fund(self, payer: str, asset: Asset, amount: int) -> None:
        """Mint what somebody pays, where that may be beyond what he was given: a debt or its pool's cash is bounded by
        nothing that happens in a run. What he has stays plenty.
        """
        if amount > BEYOND_DOUBT and not asset.lent:
            self.upkeep(asset.token, "MockERC20.mint", self.fn("MockERC20.mint")(word_of(payer), amount))

    def warp(self, seconds: int) -> None:
        """Let time pass."""
        self.backend.warp(seconds)
        self._time_epoch += 1
        self.moved_prices()

    def moved_prices(self, asset: Asset | None = None) -> None:
        """Forget what was known of prices, or of one asset's; everything is priced by the first asset's."""
        self.epoch += 1
        if asset is None or asset is self.assets[0]:
            self._price_epoch += 1
        else:
            self._asset_epochs[asset.key] += 1

    def fn(self, key: str) -> Fn:
        """Return a function by "Contract.name"."""
        return self.world.functions[key]

    def view(self, role: str, key: str, *words: int, to: str = "") -> list[int]:
        """Return a view's answer as words; Finding when it reverts."""
        answer = self.backend.view(to or self.at[role], self.world.functions[key](*words))
        if answer is None:
            raise Finding("view reverted", f"{key}{words}")
        return words_of(answer)

    def number(self, role: str, key: str, *words: int, to: str = "") -> int:
        """Return a view's answer of one word."""
        answer = self.backend.view(to or self.at[role], self.world.functions[key](*words))
        if answer is None:
            raise Finding("view reverted", f"{key}{words}")
        return int.from_bytes(answer[:WORD], "big")

    def name_of(self, address: str) -> str:
        """Return the role of an address, for messages."""
        return next((role for role, each in self.roles.items() if each == address), address)

    def check(self, number: int, holds: bool, text: str | Callable[[], str]) -> None:
        """Raise a Finding that names the invariant unless it holds; what is said is made then where that takes time."""
        if not holds:
            raise Finding(f"invariant {number}", text if isinstance(text, str) else text())

    # What the chain says

    def holding(self, account: int) -> Holding:
        """Return what an account holds and owes now."""
        known = self._holdings.get(account)
        stamp = self._ledger_epoch + self._account_epochs[account] + self._time_epoch
        if known is not None and known[0] == stamp and known[1].epoch == self._epoch_of(known[1].owed):
            return known[1]
        words = self.view("engine", "MarginEngine.exposures", account)
        held: dict[int, int] = {}
        owed: dict[int, int] = {}
        for packed in words[2:]:
            (owed if packed & DEBT_BIT else held)[packed >> KEY_BITS] = packed & AMOUNT
        found = Holding(held, owed, self._epoch_of(owed))
        self._holdings[account] = (stamp, found)
        return found

    def _epoch_of(self, owed: dict[int, int]) -> int:
        """Return a number that grows whenever one of these debts may have moved."""
        if not owed:
            return 0
        return self._debt_epoch + sum([self._debt_epochs[key] for key in owed])

    def word(self, account: int) -> int:
        """Return an account's packed word."""
        known = self._words.get(account)
        stamp = self._ledger_epoch + self._account_epochs[account]
        if known is not None and known[0] == stamp:
            return known[1]
        word = self.number("engine", "MarginEngine.word_of", account)
        self._words[account] = (stamp, word)
        return word

    def last_word(self, account: int) -> int:
        """Return an account's word as it was last read; every rule reads those it touched."""
        return self._noted.get(account, 0)

    def note_word(self, account: int) -> None:
        """Remember an account's word for `last_word`."""
        self._noted[account] = self.word(account)

    def health(self, account: int) -> Health:
        """Return what the engine says of an account."""
        known = self._healths.get(account)
        if known is not None and known[0] == self.epoch:
            return known[1]
        words = self.view("engine", "MarginEngine.health", account)
        health = Health(signed(words[0]), signed(words[1]), words[2], words[3], words[4], words[5])
        self._healths[account] = (self.epoch, health)
        return health

    def pool(self, asset: Asset) -> PoolState:
        """Return a pool's state."""
        known = self._pools.get(asset.key)
        if known is not None and known[0] == self._time_epoch:
            return known[1]
        answer = self.backend.view(asset.pool, self.world.functions["LendingPool.state"]())
        if answer is None:
            raise Finding("view reverted", f"LendingPool.state of {asset.symbol}")
        state = PoolState._make([int.from_bytes(answer[at : at + WORD], "big") for at in STATE_AT])
        self._pools[asset.key] = (self._time_epoch, state)
        self.sound_pool(asset, state)
        return state

    def sound_pool(self, asset: Asset, state: PoolState) -> None:
        """Check a pool's state whenever it is read anew."""
        if state.total_assets != state.cash + state.debt - state.fee:
            raise Finding("invariant 4", f"assets of {asset.symbol} are not cash + debt - fee")
        known = self.share_price.get(asset.key)
        assets, shares = state.total_assets + 1, state.supply + VIRTUAL_SHARES
        if state.cash + state.debt >= LEDGER_LIMIT:
            self.full_ledgers.add(asset.key)
        fell = known is not None and assets * known[1] < known[0] * shares
        if fell and asset.key not in self.full_ledgers:
            raise Finding("invariant 5", f"a share of {asset.symbol} fell from {known} to {(assets, shares)}")
        self.share_price[asset.key] = (assets, shares)
        if not MIN_RATE <= state.rate_at_target <= MAX_RATE:
            raise Finding("invariant 17", f"rate at target of {asset.symbol}: {state.rate_at_target}")

    def quote(self, account: int) -> Quote:
        """Return the auction's quote of an account."""
        known = self._quotes.get(account)
        if known is not None and known[0] == self.epoch:
            return known[1]
        words = self.view("auction", "LiquidationAuction.quote", account)
        quote = Quote(
            bool(words[0]), bool(words[1]), words[2], words[3], signed(words[4]), signed(words[5]), *words[6:9]
        )
        self._quotes[account] = (self.epoch, quote)
        return quote

    def forget_pool(self, asset: Asset) -> None:
        """Read a pool's state again: somebody acted on it from outside."""
        self._pools.pop(asset.key, None)

    def forget_pools(self) -> None:
        """Read every pool's state again: somebody acted on some pool in the middle of a call."""
        self._pools.clear()
        self._debt_epoch += 1

    def status(self, key: int) -> int:
        """Return an asset's price status."""
        stamp = (self._price_epoch, self._asset_epochs[key]) if self.steady else (self.epoch, 0)
        known = self._statuses.get(key)
        if known is None or known[0] != stamp:
            bid, mid, ask, status = self.view("risk_engine", "RiskEngine.prices", WORD, 1, key)[2:6]
            holds = bid <= mid <= ask and (status == DEAD or bid > 0)
            self.check(15, holds, f"prices of {self.by_key[key].symbol}: {bid}, {mid}, {ask}, status {status}")
            self._statuses[key] = known = (stamp, status)
        return known[1]

    def are_ok(self, keys: Iterable[int]) -> bool:
        """Return whether every one of some assets has a price that is OK."""
        return all(self.status(key) == OK for key in sorted(set(keys)))

    def balance(self, token: str, holder: str) -> int:
        """Return a token balance, or shares of a pool."""
        return self.number("", "MockERC20.balanceOf", word_of(holder), to=token)

    def owner_of(self, account: int) -> str:
        """Return the address of an account's owner."""
        return self.roles[self.world.owners[account]]

    def may(self, account: int, sender: str, permissions: int) -> bool:
        """Return whether somebody may do all of `permissions` on an account."""
        if account >> 96 == word_of(sender):
            return True
        data = self.fn("OperatorRegistry.authorise")(account, word_of(sender), permissions)
        return self.backend.view(self.at["operators"], data) is not None

    def is_trusted(self, account: int, sender: str) -> bool:
        """Return whether somebody is an account's owner or has any permission on it."""
        if account >> 96 == word_of(sender):
            return True
        return bool(self.number("operators", "OperatorRegistry.is_operator", account, word_of(sender)))

    # What it allows

    def limits(self, held: Collection[int], owed: Collection[int], key: int, owes: bool) -> set[str]:
        """Return how an account's limits refuse one more asset on a side; empty when they allow it."""
        side = set(owed if owes else held)
        if key in side:
            return set()
        if side and (key >= ISOLATED_KEY or any(each >= ISOLATED_KEY for each in side)):
            return {"engine: isolated"}
        side.add(key)
        return self.within(side if not owes else held, side if owes else owed)

    def within(self, held: Collection[int], owed: Collection[int]) -> set[str]:
        """Return how an account's limits refuse what it would hold and owe."""
        if any(key >= ISOLATED_KEY for key in held) or any(key >= ISOLATED_KEY for key in owed):
            fine = len(held) <= 1 and len(owed) <= 1
        else:
            fine = len(held) <= 8 and len(owed) <= 4
        return set() if fine else {"engine: too many assets"}

    def margin(self, held: Collection[int], owed: Collection[int], raised: bool) -> set[str]:
        """Return the outcomes of the check of an account that would hold and owe this, its debt having been raised or
        not.
        """
        if not owed:
            return {""}
        if self.paused:
            return {"engine: paused"}
        self.suspect((*held, *owed))
        refused = self.restrictions((*held, *owed)) | {"", "engine: initial margin", "engine: price status"}
        return refused | {"engine: min debt"} if raised else refused

    def suspect(self, keys: Iterable[int]) -> None:
        """Say for which assets the next call may be refused by their price status: it is looked at only then."""
        self.suspects = tuple(keys)

    def restrictions(self, keys: Iterable[int]) -> set[str]:
        """Return how gates and caps of some assets may refuse new risk."""
        return (
            set().union(*(self.restricted[key] for key in keys if key in self.restricted)) if self.restricted else set()
        )

    def arrival(self, asset: Asset, amount: int) -> set[str]:
        """Return how pulling a token from somebody who has plenty may fail; empty when it cannot."""
        if asset.lent:
            return {"erc20: transfer amount exceeds balance", "erc20: insufficient allowance"}
        if asset.kind == "MockERC20Fee" and self.fee_bps * amount // 10_000:
            return {"token: received differs"}
        if asset.kind == "MockERC20False" and self.refusing:
            return {"token: transferFrom failed"}
        return set()

    def departure(self, asset: Asset) -> set[str]:
        """Return how sending a token may fail; empty when it cannot."""
        if asset.kind == "MockERC20False" and self.refusing:
            return {"token: transfer failed"}
        return set()

    # Amounts

    def units(self, asset: Asset, cents: int) -> int:
        """Return raw units worth so many cents at the feed's price, at least one."""
        return max(cents * asset.unit * 10**16 // self.price[asset.key], 1)

    def worth(self, sell: Asset, amount: int, buy: Asset) -> int:
        """Return raw units of one asset worth an amount of another, by their feeds."""
        return amount * self.price[sell.key] * buy.unit // (self.price[buy.key] * sell.unit)

    def cents(self, draws: Draws) -> int:
        """Draw an amount of money: mostly thousands of dollars, at times dust or a fortune."""
        kind = draws.below(8)
        if kind == 7:
            return draws.below(100) + 1
        if kind == 6:
            return (draws.below(10**6) + 1) * 1_000
        return draws.below(10**6) + 1 if kind == 5 else (draws.below(2_000) + 1) * 1_000
