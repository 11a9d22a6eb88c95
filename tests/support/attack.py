"""An attacker on the devnet, and what he is worth: the difference is his profit.

    stage.fund(USDC=10_000_000)          # what he starts with
    ...                                  # what he does
    stage.profit()                       # dollars, at honest prices

His wealth is what his addresses hold in tokens and lenders' shares, and the equity of each of his accounts, none of
which counts less than nothing: he may walk away from it. Honest prices are what the story says the world pays,
whatever oracles and pools say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

from plimsoll.chain import Chain, Contract, Revert
from plimsoll.devnet import Devnet
from plimsoll.model import account_word
from plimsoll.protocol import Asset
from plimsoll.uniswap import Pool

BLOCK = 12
WAD = 10**18
FOREVER = 2**40
ATTACKER, VICTIM, LENDER, KEEPER = 5, 6, 7, 8
"""Numbers of the chain's accounts."""
LENT = {"USDC": 50_000_000, "WETH": 20_000, "WBTC": 500}
"""What lenders brought: all that there is to take."""
PRECISION = 10**6
"""The most that can be had is found to one part in so many."""


@dataclass
class Stage:
    """A devnet with lenders, and an attacker with nothing yet. `honest` is dollars per whole token."""

    devnet: Devnet
    attacker: str
    victim: str
    keeper: str
    honest: dict[str, Fraction]
    addresses: list[str]
    indices: int = 8
    start: Fraction = Fraction(0)
    vaults: dict[str, Contract] = field(default_factory=dict)
    """Assets that are shares of a vault of dollars: what they pay is what they are worth."""

    @property
    def chain(self) -> Chain:
        """The chain."""
        return self.devnet.chain

    @property
    def engine(self) -> Any:
        """The margin engine."""
        return self.devnet.protocol.engine

    @property
    def risk_engine(self) -> Any:
        """The risk engine."""
        return self.devnet.protocol.risk_engine

    def asset(self, symbol: str) -> Asset:
        """Return an asset."""
        return self.devnet.protocol.asset(symbol)

    def raw(self, symbol: str, amount: int | Fraction) -> int:
        """Return raw units of whole tokens, rounded down."""
        return int(Fraction(amount) * 10 ** self.asset(symbol).decimals)

    # Who is worth what

    def fund(self, who: str | None = None, /, **amounts: int | Fraction) -> None:
        """Give whole tokens to the attacker, or to somebody else, and let the engine and the pools take them."""
        holder = who or self.attacker
        for symbol, amount in amounts.items():
            asset = self.asset(symbol)
            asset.token.mint(holder, self.raw(symbol, amount), sender=self.devnet.maker)
            for spender in (self.engine, asset.pool):
                asset.token.approve(spender, 2**256 - 1, sender=holder)
        if holder == self.attacker:
            self.start = self.wealth()

    def dollars(self, symbol: str, raw: int) -> Fraction:
        """Return what raw units are worth at the honest price."""
        if symbol in self.vaults:
            return self.dollars("USDC", self.vaults[symbol].previewRedeem(raw)) if raw > 0 else Fraction(0)
        worth: Fraction = self.honest[symbol] * raw / 10 ** self.asset(symbol).decimals
        return worth

    def equity(self, account: int) -> Fraction:
        """Return an account's equity at honest prices; it may be negative."""
        return sum(
            (
                self.dollars(symbol, self.engine.balance_of(account, asset.token))
                - self.dollars(symbol, self.engine.debt_of(account, asset.token))
                for symbol, asset in self._assets()
            ),
            Fraction(0),
        )

    def wealth(self) -> Fraction:
        """Return all that is the attacker's, at honest prices."""
        total = Fraction(0)
        tokens = [asset.token.address for _, asset in self._assets()]
        for address in self.addresses:
            for symbol, asset in self._assets():
                total += self.dollars(symbol, asset.token.balanceOf(address))
                if asset.pool.address not in tokens:
                    total += self.dollars(symbol, asset.pool.convertToAssets(asset.pool.balanceOf(address)))
            for index in range(self.indices):
                total += max(self.equity(self.account(index, address)), Fraction(0))
        return total

    def profit(self) -> Fraction:
        """Return what the attacker won since he was last funded, dollars."""
        return self.wealth() - self.start

    def lent(self) -> Fraction:
        """Return what the lenders' shares are worth at honest prices, with no loss booked that is still to come."""
        return sum((self.dollars(symbol, asset.pool.totalAssets()) for symbol, asset in self._assets()), Fraction(0))

    # Accounts

    def account(self, index: int, owner: str | None = None) -> int:
        """Return an account of the attacker, or of somebody else."""
        return account_word.account(int(owner or self.attacker, 16), index)

    def deposit(self, account: int, symbol: str, amount: int | Fraction) -> None:
        """Move whole tokens of the owner's wallet into an account."""
        owner = self.owner(account)
        self.engine.deposit(account, self.asset(symbol).token, self.raw(symbol, amount), sender=owner)

    def owner(self, account: int) -> str:
        """Return who owns an account."""
        return next(each for each in self.chain.accounts() if int(each, 16) == account >> 96)

    def borrow(self, account: int, symbol: str, amount: int | Fraction) -> None:
        """Pay whole tokens out of an account into the owner's wallet, borrowed as far as it has none."""
        self._withdraw(account, symbol, self.raw(symbol, amount))

    def most(self, account: int, symbol: str) -> int:
        """Return the most raw units that the owner can have out of an account now, by balance and by debt."""
        asset = self.asset(symbol)
        most = int(asset.pool.cash()) + int(self.engine.balance_of(account, asset.token))
        if self._can(account, asset, most):
            return most
        low, high = 0, most
        while high - low > 1 + most // PRECISION:
            middle = (low + high) // 2
            low, high = (middle, high) if self._can(account, asset, middle) else (low, middle)
        return low

    def leave(self, account: int, symbols: Iterable[str] = ("USDC", "WETH", "WBTC")) -> Fraction:
        """Take everything out of an account that it gives, asset by asset; return what that is worth."""
        taken = Fraction(0)
        for symbol in symbols:
            most = self.most(account, symbol)
            if most:
                self._withdraw(account, symbol, most)
                taken += self.dollars(symbol, most)
        return taken

    # The market

    def pool(self, symbol: str) -> Pool:
        """Return the Uniswap pool that prices an asset."""
        return self.devnet.pool(self.devnet.markets(symbol)[0])

    def push(self, symbol: str, factor: Fraction) -> None:
        """Trade with the attacker's own tokens until the pool's price is `factor` times the honest one."""
        asset = self.asset(symbol)
        honest = self.honest[symbol] / self.honest["USDC"] * Fraction(10) ** (6 - asset.decimals)
        self.devnet.uniswap.move_price(self.pool(symbol), asset.token, honest * factor, self.attacker)

    def undo(self, symbol: str) -> None:
        """Trade back to the honest price: the attacker is his own arbitrageur, his best case."""
        self.push(symbol, Fraction(1))

    def blocks(self, count: int) -> None:
        """Let so many blocks pass."""
        for _ in range(count):
            self.chain.warp(BLOCK)

    def status(self, symbol: str) -> int:
        """Return an asset's price status."""
        return int(self.price(symbol).status)

    def price(self, symbol: str) -> Any:
        """Return bid, mid, ask and status, raw."""
        return self.risk_engine.prices([self.asset(symbol).key])[0]

    def off(self, symbol: str) -> Fraction:
        """Return an asset's mid over its honest price."""
        mid = Fraction(self.price(symbol).mid * 10 ** self.asset(symbol).decimals, 10**36)
        return mid / self.honest[symbol]

    def twap(self, symbol: str) -> Any:
        """Return the mean among an asset's sources."""
        return next(
            self.chain.at(deployed.contract, deployed.address)
            for role, deployed in self.devnet.manifest.contracts.items()
            if deployed.contract == "TwapOracle" and f".{symbol}." in f".{role}."
        )

    def move(self, symbol: str, price: Fraction) -> None:
        """Let the world pay another price: feeds and markets follow, and every mean's window passes."""
        self.honest[symbol] = price
        self.devnet.set_price(symbol, Decimal(price.numerator) / Decimal(price.denominator))
        self.devnet.settle()

    def owe_the_most(self, account: int, held: str, owed: str, dollars: int) -> None:
        """Let an account's owner deposit so many dollars' worth and take the most that is lent on it."""
        amount = Fraction(dollars) / self.honest[held]
        self.fund(self.owner(account), **{held: amount})
        self.deposit(account, held, amount)
        self._withdraw(account, owed, self.most(account, owed))

    def liquidates(self, account: int) -> bool:
        """Whether an auction of the account can be started now."""
        try:
            self.engine.liquidate.call(account, sender=self.attacker)
        except Revert as error:
            assert error.reason in ("auction: healthy", "auction: running")
            return False
        return True

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Undo what happens inside: another attempt from the same state."""
        honest, start = dict(self.honest), self.start
        with self.chain.isolate():
            yield
        self.honest, self.start = honest, start

    def _assets(self) -> Iterable[tuple[str, Asset]]:
        return ((symbol, self.asset(symbol)) for symbol in self.honest)

    def _can(self, account: int, asset: Asset, raw: int) -> bool:
        owner = self.owner(account)
        try:
            self.engine.withdraw.call(account, asset.token, raw, owner, raw, sender=owner)
        except Revert:
            return False
        return True

    def _withdraw(self, account: int, symbol: str, raw: int) -> None:
        owner = self.owner(account)
        self.engine.withdraw(account, self.asset(symbol).token, raw, owner, raw, sender=owner)


def set_stage(devnet: Devnet) -> Stage:
    """Return a stage on which lenders have lent and nobody has borrowed."""
    accounts = devnet.chain.accounts()
    attacker, victim, lender, keeper = (accounts[number] for number in (ATTACKER, VICTIM, LENDER, KEEPER))
    honest = {symbol: Fraction(price, WAD) for symbol, price in devnet.config.prices.items()}
    stage = Stage(devnet, attacker, victim, keeper, honest, [attacker])
    stage.fund(lender, **LENT)
    for symbol, amount in LENT.items():
        stage.asset(symbol).pool.deposit(stage.raw(symbol, amount), lender, sender=lender)
    return stage


def calls(*targets: tuple[Contract, bytes]) -> list[tuple[str, bytes]]:
    """Return calls as the attacking mocks take them."""
    return [(target.address, data) for target, data in targets]
