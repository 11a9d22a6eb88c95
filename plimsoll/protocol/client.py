"""The protocol as a Python object: what is there (`Protocol`) and what one sender does with it (`Sender`, `Batch`).

    protocol = Protocol(chain, manifest)
    account = MarginAccount(trader, 1)
    trader_ = protocol.by(trader)
    trader_.approve_if_needed("USDC", "10000")
    trader_.deposit(account, "USDC", "10000")
    trader_.trade(account, sell="USDC", amount="50000", max_borrow="40000", buy="WETH")
    protocol.health(account).leverage

Amounts are text, whole numbers or Decimals in whole tokens, or an `Amount`; floats are refused. A refusal by a contract
is a `plimsoll.errors.Reverted` of the class that its reason names.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, TypeAlias

from plimsoll.chain import ZERO_ADDRESS, Chain, Contract, Receipt, Revert, address_of
from plimsoll.chain import Account as Address
from plimsoll.errors import (
    BATCH_LIMIT,
    CALL_LIMIT,
    DATA_LIMIT,
    AmountError,
    PlimsollError,
    Sent,
    from_reason,
)
from plimsoll.manifest import Manifest
from plimsoll.protocol.accounts import MarginAccount, owner_scope
from plimsoll.protocol.liquidation import fill
from plimsoll.protocol.operators import Grant, SignedGrant, fresh_nonce, sign, typed_data
from plimsoll.protocol.orders import Order, Signed
from plimsoll.protocol.routes import encode_path
from plimsoll.protocol.values import (
    Asset,
    Auction,
    CompactHealth,
    Health,
    PoolState,
    Position,
    Price,
    Quote,
    Restrictions,
)
from plimsoll.units import EVERYTHING, WAD, WAD_DECIMALS, Amount, Human, as_decimal, from_wad, to_raw

Quantity: TypeAlias = Human | Amount
"""Whole tokens as a person writes them, or an `Amount`."""

DEADLINE = 600
"""Seconds a trade may wait to be included when the caller sets no deadline."""
SLIPPAGE = "0.01"
"""Part of the value at mid that a trade may lose when the caller sets no minimum."""
_IDS: dict[str, tuple[int, ...]] = {"transfer": (0, 1), "take": (0, 2)}
"""Which arguments of a verb are account ids, where it is not the first alone."""


class Protocol:
    """A deployed protocol: its contracts, assets and views. ManifestError when it is not what the manifest says."""

    def __init__(self, chain: Chain, manifest: Manifest, *, check: bool = True) -> None:
        if check:
            manifest.check(chain)
        self.chain = chain
        self.manifest = manifest
        self.engine = self._role("engine")
        self.risk_engine = self._role("risk_engine")
        self.operators = self._role("operators")
        self.auction = self._role("auction")
        self.reserve_fund = self._role("reserve_fund")
        self.orders = self._role("orders")
        self.lens = self._role("lens")
        self.swapper = self._role("swapper")
        self.assets: dict[str, Asset] = {
            symbol: Asset(
                symbol=symbol,
                decimals=listed.decimals,
                key=int(listed.key, 16),
                token=chain.at("MockERC20", listed.token),
                pool=chain.at("LendingPool", listed.pool),
            )
            for symbol, listed in manifest.assets.items()
        }
        self._by_address = {asset.token.address: asset for asset in self.assets.values()}
        self._by_key = {asset.key: asset for asset in self.assets.values()}

    def __repr__(self) -> str:
        return f"<Protocol {', '.join(self.assets)} on {self.chain.name}>"

    def asset(self, name: str | Asset) -> Asset:
        """Return an asset by its symbol or its token's address."""
        if isinstance(name, Asset):
            return name
        found = self.assets.get(name) or self._by_address.get(name)
        if found is None:
            raise PlimsollError(f"no asset {name!r}: listed are {', '.join(self.assets)}")
        return found

    def account(self, owner: str, index: int = 0) -> MarginAccount:
        """Return an owner's account."""
        return MarginAccount(owner, index)

    def by(self, sender: Address) -> Sender:
        """Return what `sender` can do: every call is a transaction of its own."""
        return Sender(self, sender)

    # Amounts

    def raw(self, asset: str | Asset, amount: Quantity) -> int:
        """Return an amount in raw units; AmountError when it has too many decimals or is of another asset."""
        found = self.asset(asset)
        if isinstance(amount, Amount):
            if (amount.symbol, amount.decimals) != (found.symbol, found.decimals):
                raise AmountError(f"{amount} is no amount of {found.symbol}")
            return amount.raw
        try:
            return to_raw(amount, found.decimals)
        except AmountError as error:
            raise AmountError(f"{found.symbol}: {error}") from None

    def route(self, sell: str | Asset, buy: str | Asset) -> bytes:
        """Return the swapper's data for the route with the fewest pools among the deployment's markets."""
        source, target = self.asset(sell).symbol, self.asset(buy).symbol
        paths: list[tuple[list[str], list[int]]] = [([source], [])]
        seen = {source}
        while paths:
            symbols, fees = paths.pop(0)
            if symbols[-1] == target:
                return encode_path([self.assets[symbol].token.address for symbol in symbols], fees)
            for market in self.manifest.markets:
                ends = (market.base, market.quote)
                if symbols[-1] in ends:
                    other = ends[1 - ends.index(symbols[-1])]
                    if other not in seen:
                        seen.add(other)
                        paths.append(([*symbols, other], [*fees, market.fee]))
        raise PlimsollError(f"no market connects {source} and {target}: give the swapper's data yourself")

    # Views

    def balance(self, account: MarginAccount, asset: str | Asset) -> Amount:
        """Return what the account holds of an asset."""
        found = self.asset(asset)
        return found.amount(self._view(self.engine, "balance_of", account.id, found.token))

    def debt(self, account: MarginAccount, asset: str | Asset) -> Amount:
        """Return what the account owes of an asset, interest included, rounded up."""
        found = self.asset(asset)
        return found.amount(self._view(self.engine, "debt_of", account.id, found.token))

    def health(self, account: MarginAccount) -> Health:
        """Return the account's equity and requirements."""
        return Health.of(self._view(self.engine, "health", account.id))

    def healths(self, accounts: Sequence[MarginAccount]) -> list[Health | None]:
        """Return the health of up to 100 accounts in one call; None where it could not be read."""
        entries = self._view(self.lens, "health", [account.id for account in accounts])
        return [Health.of(entry.health) if entry.ok else None for entry in entries]

    def compact_healths(self, accounts: Sequence[MarginAccount]) -> list[CompactHealth]:
        """Return equity and maintenance requirement of up to 500 accounts in one call."""
        words = self._view(self.lens, "health_batch", [account.id for account in accounts])
        return [CompactHealth.of(word) for word in words]

    def quote(self, account: MarginAccount) -> Quote:
        """Return what a take of everything allowed would get now, or how far the account is from an auction."""
        return Quote.of(self._view(self.auction, "quote", account.id))

    def auction_of(self, account: MarginAccount) -> Auction | None:
        """Return the account's auction; None when there is none."""
        return Auction.of(self._view(self.auction, "auction_of", account.id))

    def positions(self, account: MarginAccount) -> list[Position]:
        """Return every signed balance of the account with its price and value."""
        ok, rows = self._view(self.lens, "positions", account.id)
        if not ok or not all(row.ok for row in rows):
            raise PlimsollError(f"account {account} cannot be read now: a contract it needs does not answer")
        return [self._position(row) for row in rows]

    def price(self, asset: str | Asset) -> Price:
        """Return an asset's bid, mid, ask in dollars per whole token, and their status."""
        return self.prices([asset])[0]

    def prices(self, assets: Iterable[str | Asset] | None = None) -> list[Price]:
        """Return the prices of assets, of all when none are named."""
        wanted = [self.asset(each) for each in (self.assets if assets is None else assets)]
        raw = self._view(self.risk_engine, "prices", [asset.key for asset in wanted])
        return [Price.of(price, asset.decimals) for asset, price in zip(wanted, raw, strict=True)]

    def pools(self, assets: Iterable[str | Asset] | None = None) -> list[PoolState]:
        """Return the state of lending pools, of all when none are named."""
        wanted = [self.asset(each) for each in (self.assets if assets is None else assets)]
        entries = self._view(self.lens, "pools", [asset.token for asset in wanted])
        for asset, entry in zip(wanted, entries, strict=True):
            if not entry.ok:
                raise PlimsollError(f"the pool of {asset.symbol} cannot be read now")
        return [PoolState.of(asset, entry) for asset, entry in zip(wanted, entries, strict=True)]

    def pool(self, asset: str | Asset) -> PoolState:
        """Return the state of one lending pool."""
        return self.pools([asset])[0]

    def lent(self, lender: str, asset: str | Asset) -> Amount:
        """Return what a lender's shares are worth now, rounded down."""
        found = self.asset(asset)
        shares = self._view(found.pool, "balanceOf", lender)
        return found.amount(self._view(found.pool, "convertToAssets", shares))

    def wallet(self, owner: str | Contract, asset: str | Asset) -> Amount:
        """Return the tokens in an address's own wallet."""
        found = self.asset(asset)
        return found.amount(self._view(found.token, "balanceOf", address_of(owner)))

    def at_mid(self, sell: str | Asset, amount: Quantity, buy: str | Asset) -> Amount:
        """Return how much of `buy` is worth `amount` of `sell` at the oracle's mid prices, rounded down."""
        source, target = self.asset(sell), self.asset(buy)
        given, received = self.prices([source, target])
        if not given.raw_mid or not received.raw_mid:
            raise PlimsollError(f"{source.symbol} or {target.symbol} has no price now: give min_buy yourself")
        return target.amount(self.raw(source, amount) * given.raw_mid // received.raw_mid)

    def min_debt(self) -> Decimal:
        """Return the smallest debt an account may take on, in dollars."""
        return from_wad(self._view(self.engine, "settings")[1])

    def restrictions(self, asset: str | Asset) -> Restrictions:
        """Return the cap and the gate that bind new risk with an asset."""
        found = self.asset(asset)
        gate, cap = self._view(self.engine, "restrictions_of", found.token)
        return Restrictions(
            held=found.amount(self._view(found.token, "balanceOf", self.engine)),
            cap=found.amount(cap) if cap else None,
            gate=gate if gate != ZERO_ADDRESS else None,
        )

    def operator(self, scope: MarginAccount | str, operator: str) -> Any:
        """Return a grant as stored: of one account, or of all accounts of an owner's address."""
        return self._view(self.operators, "operator_of", scope_of(scope), operator)

    # Signatures

    def operator_message(
        self,
        owner: str,
        scope: MarginAccount | str,
        operator: str,
        grant: Grant,
        *,
        nonce: int,
        deadline: int,
    ) -> dict[str, Any]:
        """Return the EIP-712 message by which `owner` grants, for any wallet to sign."""
        domain = self._view(self.operators, "eip712Domain")
        return typed_data(
            name=domain[1],
            version=domain[2],
            chain_id=domain[3],
            verifier=domain[4],
            owner=owner,
            scope=scope_of(scope),
            operator=operator,
            grant=grant,
            nonce=nonce,
            deadline=deadline,
        )

    def sign_operator(
        self,
        key: str,
        owner: str,
        scope: MarginAccount | str,
        operator: str,
        grant: Grant,
        *,
        nonce: int | None = None,
        deadline: int | None = None,
    ) -> SignedGrant:
        """Sign a grant with the owner's private key; anyone may submit it with `Sender.submit_operator`."""
        used = fresh_nonce() if nonce is None else nonce
        until = self.chain.timestamp() + DEADLINE if deadline is None else deadline
        message = self.operator_message(owner, scope, operator, grant, nonce=used, deadline=until)
        return SignedGrant(owner, scope_of(scope), operator, grant, used, until, sign(key, message))

    def _role(self, role: str) -> Contract:
        deployed = self.manifest.contracts.get(role)
        return self.chain.at(deployed.contract if deployed else role, self.manifest.address(role))

    def _view(self, contract: Contract, function: str, *args: Any) -> Any:
        with named_reverts():
            return contract.method(function)(*args)

    def _position(self, row: Any) -> Position:
        asset = self._by_key[row.key]
        return Position(
            asset=asset,
            is_debt=row.is_debt,
            amount=asset.amount(row.amount),
            price=Price.of(row.price, asset.decimals),
            value=from_wad(row.value),
            maintenance_rate=from_wad(row.maintenance_rate),
        )


class Verbs:
    """The engine's verbs with human amounts. What becomes of a call is the subclass's business: sent, or collected."""

    def __init__(self, protocol: Protocol, sender: Address) -> None:
        self.protocol = protocol
        self.sender = sender

    def deposit(self, account: MarginAccount, asset: str | Asset, amount: Quantity) -> Any:
        """Repay the account's debt in the asset first; the rest becomes balance. Approve the engine before."""
        found = self.protocol.asset(asset)
        return self._do("deposit", account.id, found.token, self.protocol.raw(found, amount))

    def withdraw(
        self,
        account: MarginAccount,
        asset: str | Asset,
        amount: Quantity,
        *,
        to: str | None = None,
        max_borrow: Quantity = 0,
    ) -> Any:
        """Pay out from the balance, borrow what is missing up to `max_borrow`. To the sender unless `to` is given."""
        found = self.protocol.asset(asset)
        raw, borrow = self.protocol.raw(found, amount), self.protocol.raw(found, max_borrow)
        return self._do("withdraw", account.id, found.token, raw, to or self.sender, borrow)

    def withdraw_all(self, account: MarginAccount, asset: str | Asset, *, to: str | None = None) -> Any:
        """Pay out the whole balance, whatever it is by then."""
        return self._do("withdraw", account.id, self.protocol.asset(asset).token, EVERYTHING, to or self.sender, 0)

    def trade(
        self,
        account: MarginAccount,
        *,
        sell: str | Asset,
        amount: Quantity,
        buy: str | Asset,
        max_borrow: Quantity = 0,
        min_buy: Quantity | None = None,
        slippage: Human = SLIPPAGE,
        swapper: str | None = None,
        data: bytes | None = None,
        deadline: int | None = None,
        reduce_only: bool = False,
    ) -> Any:
        """Sell `amount` and buy what the swapper returns for it, borrowing up to `max_borrow` of what is sold.

        Without `min_buy` the minimum is the value at the oracle's mid less `slippage`; without `data` the route is the
        shortest one over the deployment's Uniswap pools; without `deadline` the trade may wait ten minutes.
        """
        protocol = self.protocol
        source, target = protocol.asset(sell), protocol.asset(buy)
        raw = protocol.raw(source, amount)
        path = protocol.route(source, target) if data is None else data
        if len(path) > DATA_LIMIT:
            raise PlimsollError(f"the swapper's data has {len(path)} bytes; the engine takes {DATA_LIMIT}")
        return self._do(
            "trade",
            account.id,
            source.token,
            raw,
            protocol.raw(source, max_borrow),
            target.token,
            self._minimum(source, raw, target, min_buy, slippage),
            swapper or protocol.swapper.address,
            path,
            protocol.chain.timestamp() + DEADLINE if deadline is None else deadline,
            reduce_only,
        )

    def transfer(self, source: MarginAccount, target: MarginAccount, asset: str | Asset, amount: Quantity) -> Any:
        """Move a balance to another account of the same owner; it repays the target's debt first."""
        found = self.protocol.asset(asset)
        return self._do("transfer", source.id, target.id, found.token, self.protocol.raw(found, amount))

    def liquidate(self, account: MarginAccount) -> Any:
        """Start an auction of an account below its line, or raise the penalty of one that is past its tail."""
        return self._do("liquidate", account.id)

    def take(
        self,
        account: MarginAccount,
        to: MarginAccount,
        *,
        fraction: Human = 1,
        min_bonus: Human | None = None,
    ) -> Any:
        """Assume `fraction` of every debt of an account under auction, and its part of every balance, into `to`.

        More than the terms allow is cut to that. `min_bonus`, per unit of debt value, may be negative; without it the
        take accepts no bonus below the one that is offered now.
        """
        part = to_raw(fraction, WAD_DECIMALS)
        if part > WAD:
            raise AmountError(f"fraction {fraction} is above 1")
        least = self.protocol.quote(account).raw.bonus if min_bonus is None else _signed_wad(min_bonus)
        return self._do("take", account.id, part, to.id, least)

    def cancel(self, account: MarginAccount) -> Any:
        """End the auction of an account that is back above its line."""
        return self._do("cancel", account.id)

    def write_off(self, account: MarginAccount) -> Any:
        """Give up the debts of an account under auction that has nothing worth taking left."""
        return self._do("write_off", account.id)

    def poke(self, account: MarginAccount) -> Any:
        """Book the expected loss of an account under auction as it is now."""
        return self._do("poke", account.id)

    def _minimum(self, source: Asset, raw: int, target: Asset, min_buy: Quantity | None, slippage: Human) -> int:
        if min_buy is not None:
            return self.protocol.raw(target, min_buy)
        part = as_decimal(slippage)
        if not 0 <= part < 1:
            raise AmountError(f"slippage {slippage} is not in [0, 1)")
        fair = self.protocol.at_mid(source, source.amount(raw), target)
        return fair.raw * (WAD - to_raw(part, 18)) // WAD

    @abstractmethod
    def _do(self, verb: str, *args: Any) -> Any:
        """Send or collect a call of the engine."""


class Sender(Verbs):
    """One address acting on the protocol; every method is a transaction and returns its receipt."""

    def batch(self) -> Batch:
        """Return an empty batch; collect verbs in it and `send` them as one transaction."""
        return Batch(self.protocol, self.sender)

    def capital_free_take(
        self,
        account: MarginAccount,
        to: MarginAccount,
        *,
        fraction: Human = 1,
        min_bonus: Human | None = None,
        slippage: Human = SLIPPAGE,
    ) -> Batch:
        """Return a batch that takes, sells what it brings for the debts, repays them and withdraws what is left over.

        `to` is an account of the sender that holds and owes nothing else. See `plimsoll.protocol.liquidation`.
        """
        batch = self.batch()
        fill(batch, account, to, fraction=fraction, min_bonus=min_bonus, slippage=slippage)
        return batch

    # Operators

    def set_operator(self, scope: MarginAccount | str, operator: str, grant: Grant) -> Receipt:
        """Grant or revoke the sender's own operator."""
        return self._send(self.protocol.operators, "set_operator", scope_of(scope), operator, grant.as_tuple())

    def submit_operator(self, signed: SignedGrant) -> Receipt:
        """Submit a grant that its owner signed."""
        return self._send(
            self.protocol.operators,
            "set_operator_by_signature",
            signed.owner,
            signed.scope,
            signed.operator,
            signed.grant.as_tuple(),
            signed.nonce,
            signed.deadline,
            signed.signature,
        )

    def invalidate_nonce(self, nonce: int) -> Receipt:
        """Use up one of the sender's nonces, so that a signature with it is void."""
        return self._send(self.protocol.operators, "invalidate_nonces", nonce >> 8, 1 << (nonce & 255))

    # Protection orders

    def place(self, signed: Signed) -> Receipt:
        """Show a signed order to every keeper in an event."""
        function = "place" if isinstance(signed.order, Order) else "place_deleverage"
        return self._send(self.protocol.orders, function, *signed.arguments())

    def cancel_order(self, digest: bytes) -> Receipt:
        """Void one of the sender's orders for ever."""
        return self._send(self.protocol.orders, "cancel_order", digest)

    def cancel_group(self, group: int) -> Receipt:
        """Void all orders of one of the sender's groups for ever."""
        return self._send(self.protocol.orders, "cancel_group", group)

    def cancel_all_orders(self) -> Receipt:
        """Void every order that the sender has signed so far."""
        return self._send(self.protocol.orders, "cancel_all")

    # Tokens and lending

    def approve_if_needed(
        self, asset: str | Asset, amount: Quantity, spender: str | Contract | None = None
    ) -> Receipt | None:
        """Let `spender` (the engine unless named) move `amount` of the sender's tokens; None when it may already.

        Exactly `amount` is approved.
        """
        found = self.protocol.asset(asset)
        who = address_of(spender or self.protocol.engine)
        raw = self.protocol.raw(found, amount)
        if found.token.allowance(self.sender, who) >= raw:
            return None
        return self._send(found.token, "approve", who, raw)

    def lend(self, asset: str | Asset, amount: Quantity) -> Receipt:
        """Deposit into the asset's pool as a lender. Approve the pool before."""
        found = self.protocol.asset(asset)
        return self._send(found.pool, "deposit", self.protocol.raw(found, amount), self.sender)

    def unlend(self, asset: str | Asset, amount: Quantity) -> Receipt:
        """Withdraw an amount from the pool as a lender."""
        found = self.protocol.asset(asset)
        return self._send(found.pool, "withdraw", self.protocol.raw(found, amount), self.sender, self.sender)

    def unlend_all(self, asset: str | Asset) -> Receipt:
        """Redeem all of the sender's shares."""
        found = self.protocol.asset(asset)
        return self._send(found.pool, "redeem", found.pool.balanceOf(self.sender), self.sender, self.sender)

    def pay(self, asset: str | Asset, to: str, amount: Quantity) -> Receipt:
        """Transfer tokens from the sender's own wallet."""
        found = self.protocol.asset(asset)
        return self._send(found.token, "transfer", to, self.protocol.raw(found, amount))

    def _do(self, verb: str, *args: Any) -> Receipt:
        ids = _IDS.get(verb, (0,))
        plain = [arg for i, arg in enumerate(args) if i not in ids]
        return self._send(self.protocol.engine, verb, *args, sent=sent_of(plain))

    def _send(self, contract: Contract, function: str, *args: Any, sent: Sent | None = None) -> Receipt:
        with named_reverts(sent or sent_of(args)):
            receipt: Receipt = contract.method(function)(*args, sender=self.sender)
        return receipt


class Batch(Verbs):
    """Verbs collected for one transaction: touched accounts are checked once, at the very end."""

    def __init__(self, protocol: Protocol, sender: Address) -> None:
        super().__init__(protocol, sender)
        self.calls: list[bytes] = []

    def send(self) -> Receipt:
        """Send what was collected; the batch stays as it is, so that a failed one can be sent again."""
        self._fits()
        with named_reverts(Sent(longest=max(map(len, self.calls)))):
            receipt: Receipt = self.protocol.engine.batch(self.calls, sender=self.sender)
        return receipt

    def simulate(self) -> None:
        """Raise what sending would raise now; change nothing."""
        self._fits()
        with named_reverts(Sent(longest=max(map(len, self.calls)))):
            self.protocol.engine.batch.call(self.calls, sender=self.sender)

    def __len__(self) -> int:
        return len(self.calls)

    def _do(self, verb: str, *args: Any) -> Batch:
        if len(self.calls) == BATCH_LIMIT:
            raise PlimsollError(f"a batch takes {BATCH_LIMIT} calls at most")
        call = self.protocol.engine.method(verb).encode(*args)
        if len(call) > CALL_LIMIT:
            raise PlimsollError(f"{verb}: the call has {len(call)} bytes; a batch takes {CALL_LIMIT} for each")
        self.calls.append(call)
        return self

    def _fits(self) -> None:
        if not self.calls:
            raise PlimsollError("the batch is empty")


def _signed_wad(rate: Human) -> int:
    number = as_decimal(rate)
    return -to_raw(-number, WAD_DECIMALS) if number < 0 else to_raw(number, WAD_DECIMALS)


def scope_of(scope: MarginAccount | str) -> int:
    """Return the number of a scope: an account's id, or an owner's address as a number."""
    return scope.id if isinstance(scope, MarginAccount) else owner_scope(scope)


def sent_of(args: Sequence[Any]) -> Sent:
    """Return what naming a revert without a reason needs to know of a call's arguments, account ids left out."""
    longest = max((len(arg) for arg in args if isinstance(arg, bytes)), default=0)
    amounts = [arg for arg in args if isinstance(arg, int) and not isinstance(arg, bool) and arg != EVERYTHING]
    return Sent(largest=max(amounts, default=0), longest=longest)


@contextmanager
def named_reverts(sent: Sent | None = None) -> Iterator[None]:
    """Turn a chain's Revert into the exception that its reason names."""
    try:
        yield
    except Revert as error:
        raise from_reason(error.reason, sent, error.halt) from error
