"""The whole protocol's state as the keeper needs it, from events alone: balances, debt shares, flags, pools, margins.

Balances move by the engine's events, debt shares by the pools', so an account's exposures at any time are the ones that
engine.exposures would return then, to the unit. Everything lives in tables whose rows a block's frame can restore.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Any, NamedTuple

from plimsoll.keeper import pools
from plimsoll.keeper.events import UNKNOWN, Args
from plimsoll.keeper.order_facts import OrderFacts
from plimsoll.keeper.pools import Inconsistent, PoolState
from plimsoll.keeper.tables import Frame, Table
from plimsoll.model import account_word, exposure, margin_rate, share_math
from plimsoll.model.adaptive_rate import RateParameters
from plimsoll.model.margin_rate import Margin
from plimsoll.model.pool_words import Ledger

WAD = 10**18

UNDER_AUCTION = 1
PROVISIONED = 2
"""State flags of an account, as `account_word.flags` returns them."""

ENGINE = "MarginEngine"
POOL = "LendingPool"
RISK_ENGINE = "RiskEngine"
OPERATORS = "OperatorRegistry"
AUCTION = "LiquidationAuction"
"""Artifact names, which say what a contract is."""

DISCOVERIES: Mapping[tuple[str, str], tuple[str, str]] = {
    (ENGINE, "AssetAdded"): ("pool", POOL),
    (ENGINE, "RiskEngineSet"): ("risk_engine", RISK_ENGINE),
    (ENGINE, "AuctionSet"): ("auction", AUCTION),
}
"""Events by contract and name that name a contract to follow: the argument, and what that contract is."""


class Entry(NamedTuple):
    """A decoded log, and when it was logged."""

    number: int
    timestamp: int
    position: int
    address: str
    event: str
    args: Args


@dataclass(frozen=True, slots=True)
class Auction:
    """An auction that runs: started at (unix time), by whom, penalty (WAD), version of its parameters."""

    started_at: int
    starter: str
    penalty: int
    version: int


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account: raw balances and debt shares by asset key, its auction, provisions (raw units) by asset key.

    The mappings hold no zeros and are never changed in place.
    """

    held: Mapping[int, int] = field(default_factory=dict)
    owed: Mapping[int, int] = field(default_factory=dict)
    auction: Auction | None = None
    provisions: Mapping[int, int] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to remember."""
        return not (self.held or self.owed or self.auction or self.provisions)


@dataclass(frozen=True, slots=True)
class Asset:
    """An asset of the engine: its key and pool."""

    key: int
    pool: str


@dataclass(frozen=True, slots=True)
class Listing:
    """An asset of a risk engine; `margin` is None only between its two events."""

    token: str
    decimals: int
    isolated: bool
    margin: Margin | None = None


@dataclass(frozen=True, slots=True)
class EngineState:
    """The engine's settings: risk engine in force, minimum debt (WAD dollars), paused, version of new auctions."""

    risk_engine: str = ""
    min_debt: int = 0
    paused: bool = False
    auction_version: int = 0


_NOBODY = AccountState()


class State:
    """The protocol as of the last applied log.

    `seeds` are the contracts known from the start, by address; the others are found in events. `initial_rates` are the
    pools' rates at target at deployment, where known. `fund` is the reserve fund's address, where known.
    """

    def __init__(
        self, seeds: Mapping[str, str], initial_rates: Mapping[str, int] | None = None, fund: str | None = None
    ) -> None:
        self._seeds = dict(seeds)
        self._initial_rates = dict(initial_rates or {})
        self._fund = fund
        self._accounts: Table[int, AccountState] = Table("account")
        self._pools: Table[str, PoolState] = Table("pool")
        self._assets: Table[str, Asset] = Table("asset")
        self._listings: Table[tuple[str, int], Listing] = Table("listing")
        self._contracts: Table[str, str] = Table("contract")
        self._terms: Table[int, dict[str, int]] = Table("terms")
        self._engine: Table[str, EngineState] = Table("engine")
        self.orders = OrderFacts()
        """What the chain says of protection orders."""
        self._pool_by_key: dict[int, str] = {}
        self._key_by_pool: dict[str, int] = {}
        self._token_by_key: dict[int, str] = {}
        self._handlers = self._bind()

    # Reading

    @property
    def accounts(self) -> Table[int, AccountState]:
        """Every account that has anything."""
        return self._accounts

    @property
    def engine(self) -> EngineState:
        """The engine's settings."""
        return self._engine.get("") or EngineState()

    @property
    def keys(self) -> list[int]:
        """The asset keys of the engine."""
        return sorted(self._pool_by_key)

    def account(self, account: int) -> AccountState:
        """Return an account; an empty one if it was never seen."""
        return self._accounts.get(account) or _NOBODY

    def debtors(self) -> Iterator[int]:
        """Return the accounts that owe anything."""
        return (account for account, row in self._accounts.items() if row.owed)

    def auctions(self) -> dict[int, Auction]:
        """Return the auctions that run, by account."""
        return {account: row.auction for account, row in self._accounts.items() if row.auction}

    def terms(self, version: int) -> dict[str, int] | None:
        """Return the parameters of auctions of a version; None if it was never set."""
        return self._terms.get(version)

    def word(self, account: int) -> int:
        """Return what engine.word_of returns; PROVISIONED says that a pool has a provision for the account now."""
        row, word = self.account(account), 0
        for key in sorted(row.held):
            word = account_word.hold(word, key)
        for key in sorted(row.owed):
            word = account_word.owe(word, key)
        flags = (UNDER_AUCTION if row.auction else 0) | (PROVISIONED if row.provisions else 0)
        return word | flags << account_word.FLAGS_SHIFT

    def exposures(self, account: int, now: int) -> list[int]:
        """Return what engine.exposures returns at a time not before the last event."""
        row = self.account(account)
        out = [exposure.pack(key, False, row.held[key]) for key in sorted(row.held)]
        for key in sorted(row.owed):
            ledger = self.pool(key).at(now)
            out.append(exposure.pack(key, True, share_math.debt_up(row.owed[key], ledger.debt, ledger.debt_shares)))
        return out

    def pool(self, key: int) -> PoolState:
        """Return the pool of an asset; KeyError if the engine has none."""
        return self._pools[self._pool_by_key[key]]

    def pool_address(self, key: int) -> str:
        """Return the address of an asset's pool; KeyError if the engine has none."""
        return self._pool_by_key[key]

    def token(self, key: int) -> str:
        """Return an asset's token; KeyError if the engine has none."""
        return self._token_by_key[key]

    def listing(self, key: int) -> Listing | None:
        """Return the risk engine's record of an asset; None where it has none."""
        return self._listings.get((self.engine.risk_engine, key))

    def margin(self, key: int) -> Margin:
        """Return an asset's margin at the risk engine in force; one that requires nothing if unlisted."""
        listing = self.listing(key)
        return listing.margin if listing and listing.margin else margin_rate.NO_MARGIN

    def artifact_of(self, address: str) -> str | None:
        """Return what the contract at an address is; None if it is not followed."""
        return self._contracts.get(address) or self._seeds.get(address)

    def addresses(self) -> list[str]:
        """Return every contract that is followed."""
        return sorted({*self._seeds, *self._contracts})

    # Frames

    def begin(self) -> None:
        """Start a frame: what is applied from now on can be taken back as one."""
        for table in self._tables():
            table.begin()

    def roll_back(self) -> None:
        """Undo what was applied since `begin`."""
        for table in self._tables():
            table.roll_back()
        self._index_assets()

    def touched(self) -> set[int]:
        """Return the accounts that changed since `begin`."""
        return set(self._accounts.changed)

    def frame(self) -> tuple[Frame, Frame]:
        """Return the rows that changed since `begin`: as they were, and as they are."""
        before: Frame = {}
        after: Frame = {}
        for table, codec in self._coded():
            for key, old in table.changed.items():
                row = (table.name, codec.key_text(key))
                new = table.get(key)
                before[row] = None if old is None else codec.encode(old)
                after[row] = None if new is None else codec.encode(new)
        return before, after

    def restore(self, rows: Iterable[tuple[str, str, str | None]]) -> set[int]:
        """Set rows (table, key, encoded value), as read from the store; return the accounts among them."""
        coded = {table.name: (table, codec) for table, codec in self._coded()}
        accounts: set[int] = set()
        for name, key_text, text in rows:
            table, codec = coded[name]
            key = codec.key(key_text)
            table.restore(key, None if text is None else codec.decode(text))
            if table is self._accounts:
                accounts.add(key)
        self._index_assets()
        return accounts

    def clear(self) -> None:
        """Forget everything but the seeds."""
        for table in self._tables():
            table.clear()
        self._index_assets()

    # Applying

    def follow(self, address: str, artifact: str) -> None:
        """Apply events of one more contract from now on."""
        if self.artifact_of(address) is None:
            self._contracts.put(address, artifact)

    def apply(self, entry: Entry) -> None:
        """Apply a log; Inconsistent if it cannot follow from the state. Events that change nothing here are ignored."""
        artifact = self.artifact_of(entry.address)
        handler = self._handlers.get((artifact or "", entry.event))
        if entry.event == UNKNOWN or handler is None:
            return
        try:
            handler(entry)
        except Inconsistent as error:
            where = f"block {entry.number}, log {entry.position}: {artifact} {entry.address} {entry.event}"
            raise Inconsistent(f"{where}: {error}") from None

    def _bind(self) -> dict[tuple[str, str], Callable[[Entry], None]]:
        return {
            (ENGINE, "Deposited"): self._on_deposited,
            (ENGINE, "Withdrawn"): self._on_withdrawn,
            (ENGINE, "Traded"): self._on_traded,
            (ENGINE, "Transferred"): self._on_transferred,
            (ENGINE, "Taken"): self._on_taken,
            (ENGINE, "Collected"): self._on_collected,
            (ENGINE, "AssetAdded"): self._on_asset_added,
            (ENGINE, "RiskEngineSet"): self._on_risk_engine_set,
            (ENGINE, "AuctionSet"): lambda entry: self.follow(entry.args["auction"], AUCTION),
            (ENGINE, "MinDebtSet"): self._on_min_debt_set,
            (ENGINE, "Paused"): lambda _: self._set_engine(paused=True),
            (ENGINE, "Unpaused"): lambda _: self._set_engine(paused=False),
            (POOL, "Accrued"): self._pool(pools.accrued),
            (POOL, "Deposit"): self._pool(pools.deposited),
            (POOL, "Withdraw"): self._pool(pools.withdrawn),
            (POOL, "FlashLoan"): self._pool(pools.flash_lent),
            (POOL, "FeesSet"): self._pool(pools.fees_set),
            (POOL, "CapsSet"): self._pool(lambda pool, args, _: pools.caps_set(pool, args)),
            (POOL, "FeesMinted"): self._pool(pools.fees_minted),
            (POOL, "RatesSet"): self._on_rates_set,
            (POOL, "Borrowed"): self._on_borrowed,
            (POOL, "Repaid"): self._on_repaid,
            (POOL, "DebtMoved"): self._on_debt_moved,
            (POOL, "WrittenOff"): self._on_written_off,
            (POOL, "Provisioned"): self._on_provisioned,
            (RISK_ENGINE, "AssetListed"): self._on_asset_listed,
            (RISK_ENGINE, "MarginSet"): self._on_margin_set,
            (RISK_ENGINE, "Aimed"): self._on_aimed,
            (RISK_ENGINE, "Poked"): self._on_poked,
            (AUCTION, "Started"): self._on_started,
            (AUCTION, "Raised"): self._on_raised,
            (AUCTION, "Ended"): self._on_ended,
            (AUCTION, "ParametersSet"): self._on_parameters_set,
            **self.orders.handlers(),
        }

    # The engine's events

    def _on_deposited(self, entry: Entry) -> None:
        args = entry.args
        self._credit(args["account"], self._key(args["token"]), args["amount"] - args["repaid"])

    def _on_withdrawn(self, entry: Entry) -> None:
        args = entry.args
        self._credit(args["account"], self._key(args["token"]), args["borrowed"] - args["amount"])

    def _on_traded(self, entry: Entry) -> None:
        args = entry.args
        self._credit(args["account"], self._key(args["sell"]), args["borrowed"] - args["sold"])
        self._credit(args["account"], self._key(args["buy"]), args["bought"] - args["repaid"])

    def _on_transferred(self, entry: Entry) -> None:
        args = entry.args
        key = self._key(args["token"])
        self._credit(args["source"], key, -args["amount"])
        self._credit(args["target"], key, args["amount"] - args["repaid"])

    def _on_taken(self, entry: Entry) -> None:
        args = entry.args
        for i, (key, amount) in enumerate(sorted(self.account(args["account"]).held.items())):
            if not args["excluded"] >> i & 1:
                moved = amount * args["share"] // WAD
                self._credit(args["account"], key, -moved)
                self._credit(args["target"], key, moved)

    def _on_collected(self, entry: Entry) -> None:
        args = entry.args
        key = self._key(args["token"])
        self._credit(args["account"], key, -args["amount"])
        if self._fund is not None:
            self._credit(account_word.account(int(self._fund, 16), key), key, args["amount"])

    def _on_asset_added(self, entry: Entry) -> None:
        args = entry.args
        self._assets.put(args["token"], Asset(args["key"], args["pool"]))
        self.follow(args["pool"], POOL)
        self._index_assets()

    def _on_risk_engine_set(self, entry: Entry) -> None:
        self.follow(entry.args["risk_engine"], RISK_ENGINE)
        self._set_engine(risk_engine=entry.args["risk_engine"])

    def _on_min_debt_set(self, entry: Entry) -> None:
        self._set_engine(min_debt=entry.args["min_debt"])

    # The pools' events

    def _pool(self, change: Callable[[PoolState, Args, int], PoolState]) -> Callable[[Entry], None]:
        def handle(entry: Entry) -> None:
            self._pools.put(entry.address, change(self._pool_at(entry), entry.args, entry.timestamp))

        return handle

    def _on_rates_set(self, entry: Entry) -> None:
        pool = self._pools.get(entry.address)
        if pool is None:
            initial = self._initial_rates.get(entry.address)
            self._pools.put(entry.address, pools.opened(entry.args, entry.timestamp, initial))
        else:
            self._pools.put(entry.address, pools.rates_set(pool, entry.args, entry.timestamp))

    def _on_borrowed(self, entry: Entry) -> None:
        self._pools.put(entry.address, pools.borrowed(self._pool_at(entry), entry.args, entry.timestamp))
        self._owe(entry.args["account"], self._key_at(entry), entry.args["shares"])

    def _on_repaid(self, entry: Entry) -> None:
        self._pools.put(entry.address, pools.repaid(self._pool_at(entry), entry.args, entry.timestamp))
        self._owe(entry.args["account"], self._key_at(entry), -entry.args["shares"])

    def _on_debt_moved(self, entry: Entry) -> None:
        args, key = entry.args, self._key_at(entry)
        self._pools.put(entry.address, pools.debt_moved(self._pool_at(entry), args, entry.timestamp))
        self._owe(args["source"], key, -args["shares"])
        self._owe(args["target"], key, args["shares"] + args["extra_shares"])

    def _on_written_off(self, entry: Entry) -> None:
        account, key = entry.args["account"], self._key_at(entry)
        shares = self.account(account).owed.get(key, 0)
        pool = pools.written_off(self._pool_at(entry), entry.args, entry.timestamp, shares)
        self._pools.put(entry.address, pool)
        self._owe(account, key, -shares)

    def _on_provisioned(self, entry: Entry) -> None:
        account, key = entry.args["account"], self._key_at(entry)
        self._change(account, provisions=_with(self.account(account).provisions, key, entry.args["amount"]))

    # The risk engine's and the auction's events

    def _on_asset_listed(self, entry: Entry) -> None:
        args = entry.args
        listing = Listing(args["token"], args["decimals"], args["isolated"])
        self._listings.put((entry.address, args["key"]), listing)

    def _on_margin_set(self, entry: Entry) -> None:
        listing = self._listing_at(entry)
        parameters = margin_rate.Parameters(**entry.args["parameters"])
        margin = (
            margin_rate.list_asset(parameters, entry.timestamp)
            if listing.margin is None
            else margin_rate.set_target(listing.margin, parameters, entry.timestamp)
        )
        self._listings.put((entry.address, entry.args["key"]), replace(listing, margin=margin))

    def _on_aimed(self, entry: Entry) -> None:
        args, listing = entry.args, self._listing_at(entry)
        assert listing.margin is not None
        target = listing.margin.target._replace(floor=args["floor"], size_slope=args["size_slope"])
        if target != listing.margin.target:
            margin = margin_rate.set_target(listing.margin, target, entry.timestamp)
            self._listings.put((entry.address, args["key"]), replace(listing, margin=margin))

    def _on_poked(self, entry: Entry) -> None:
        args, listing = entry.args, self._listing_at(entry)
        assert listing.margin is not None
        margin = margin_rate.settle(listing.margin, entry.timestamp)
        if (margin.base, margin.cap, margin.size_slope) != (args["floor"], args["cap"], args["size_slope"]):
            raise Inconsistent("the margin is another")
        self._listings.put((entry.address, args["key"]), replace(listing, margin=margin))

    def _on_started(self, entry: Entry) -> None:
        args = entry.args
        auction = Auction(entry.timestamp, args["starter"], args["penalty"], self.engine.auction_version)
        self._change(args["account"], auction=auction)

    def _on_raised(self, entry: Entry) -> None:
        auction = self._auction_at(entry)
        self._change(entry.args["account"], auction=replace(auction, penalty=entry.args["penalty"]))

    def _on_ended(self, entry: Entry) -> None:
        self._auction_at(entry)
        self._change(entry.args["account"], auction=None)

    def _on_parameters_set(self, entry: Entry) -> None:
        version = entry.args["version"]
        self._terms.put(version, dict(entry.args["parameters"]))
        self._set_engine(auction_version=version)

    # Rows

    def _credit(self, account: int, key: int, amount: int) -> None:
        """Add to a balance, or take from it."""
        if amount:
            row = self.account(account)
            self._change(account, held=_with(row.held, key, row.held.get(key, 0) + amount))

    def _owe(self, account: int, key: int, shares: int) -> None:
        """Add to an account's debt shares, or take from them."""
        if shares:
            row = self.account(account)
            self._change(account, owed=_with(row.owed, key, row.owed.get(key, 0) + shares))

    def _change(self, account: int, **values: Any) -> None:
        row = replace(self.account(account), **values)
        self._accounts.put(account, None if row.empty else row)

    def _set_engine(self, **values: Any) -> None:
        self._engine.put("", replace(self.engine, **values))

    def _key(self, token: str) -> int:
        asset = self._assets.get(token)
        if asset is None:
            raise Inconsistent(f"token {token} was never added")
        return asset.key

    def _pool_at(self, entry: Entry) -> PoolState:
        pool = self._pools.get(entry.address)
        if pool is None:
            raise Inconsistent("the pool's first events are missing")
        return pool

    def _key_at(self, entry: Entry) -> int:
        key = self._key_by_pool.get(entry.address)
        if key is None:
            raise Inconsistent("the pool was never added")
        return key

    def _listing_at(self, entry: Entry) -> Listing:
        listing = self._listings.get((entry.address, entry.args["key"]))
        if listing is None:
            raise Inconsistent("the asset was never listed")
        return listing

    def _auction_at(self, entry: Entry) -> Auction:
        auction = self.account(entry.args["account"]).auction
        if auction is None:
            raise Inconsistent("the auction never started")
        return auction

    def _index_assets(self) -> None:
        rows = list(self._assets.items())
        self._pool_by_key = {asset.key: asset.pool for _, asset in rows}
        self._key_by_pool = {asset.pool: asset.key for _, asset in rows}
        self._token_by_key = {asset.key: token for token, asset in rows}

    def _tables(self) -> list[Table[Any, Any]]:
        return [table for table, _ in self._coded()]

    def _coded(self) -> list[tuple[Table[Any, Any], _Codec]]:
        return [
            (self._accounts, _ACCOUNT),
            (self._pools, _POOL),
            (self._assets, _ASSET),
            (self._listings, _LISTING),
            (self._contracts, _CONTRACT),
            (self._terms, _TERMS),
            (self._engine, _ENGINE),
            (self.orders.table, _ORDERS),
        ]


def _with(amounts: Mapping[int, int], key: int, amount: int) -> dict[int, int]:
    """Return a copy with another amount, without zeros; Inconsistent for a negative one."""
    if amount < 0:
        raise Inconsistent(f"asset {key:#x} would be {amount}")
    changed = dict(amounts)
    if amount:
        changed[key] = amount
    else:
        changed.pop(key, None)
    return changed


# How rows are written: JSON, numbers as they are


class _Codec(NamedTuple):
    key_text: Callable[[Any], str]
    key: Callable[[str], Any]
    encode: Callable[[Any], str]
    decode: Callable[[str], Any]


def _dump(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _encode_account(row: AccountState) -> str:
    auction = row.auction and list(astuple(row.auction))
    return _dump([list(row.held.items()), list(row.owed.items()), auction, list(row.provisions.items())])


def _decode_account(text: str) -> AccountState:
    held, owed, auction, provisions = json.loads(text)
    return AccountState(dict(held), dict(owed), Auction(*auction) if auction else None, dict(provisions))


def _encode_pool(row: PoolState) -> str:
    ledger, rates, *rest = astuple(row)
    return _dump([list(ledger), list(rates), *rest])


def _decode_pool(text: str) -> PoolState:
    ledger, rates, *rest = json.loads(text)
    return PoolState(Ledger(*ledger), RateParameters(*rates), *rest)


def _decode_listing(text: str) -> Listing:
    token, decimals, isolated, margin = json.loads(text)
    if margin is not None:
        base, cap, slope, since, moving, target = margin
        margin = Margin(base, cap, slope, since, moving, margin_rate.Parameters(*target))
    return Listing(token, decimals, isolated, margin)


def _same(value: str) -> str:
    return value


def _listing_key(text: str) -> tuple[str, int]:
    address, _, key = text.partition("/")
    return address, int(key)


_ACCOUNT = _Codec(str, int, _encode_account, _decode_account)
_POOL = _Codec(_same, _same, _encode_pool, _decode_pool)
_ASSET = _Codec(_same, _same, lambda row: _dump(astuple(row)), lambda text: Asset(*json.loads(text)))
_LISTING = _Codec(lambda key: f"{key[0]}/{key[1]}", _listing_key, lambda row: _dump(_listing(row)), _decode_listing)
_CONTRACT = _Codec(_same, _same, _same, _same)
_TERMS = _Codec(str, int, _dump, json.loads)
_ENGINE = _Codec(_same, _same, lambda row: _dump(astuple(row)), lambda text: EngineState(*json.loads(text)))
_ORDERS = _Codec(_same, _same, _dump, json.loads)


def _listing(row: Listing) -> list[Any]:
    return [row.token, row.decimals, row.isolated, row.margin]
