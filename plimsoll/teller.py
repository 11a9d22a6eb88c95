"""What every act of the demo needs: the devnet, a console, and the books of what the actors have done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

from rich.console import Console

from plimsoll.chain import Contract, Receipt
from plimsoll.devnet import Devnet
from plimsoll.protocol import Batch, MarginAccount
from plimsoll.reconcile import Check
from plimsoll.screen import checks_table, dollars, percent, table_of
from plimsoll.units import from_wad


@dataclass(slots=True)
class Books:
    """What the actors have done since `begun` (unix seconds): pool operations by asset, transactions, gas."""

    begun: int
    operations: Counter[str] = field(default_factory=Counter)
    transactions: int = 0
    gas: int = 0


class Teller:
    """Acts on a devnet and tells a console about it. An act that follows another one goes on with its books."""

    def __init__(self, devnet: Devnet, console: Console, books: Books | None = None) -> None:
        self.devnet = devnet
        self.protocol = devnet.protocol
        self.console = console
        self.books = books or Books(devnet.chain.timestamp())

    def summarise(self, moment: str, checks: list[Check]) -> None:
        """Say how many of the checks hold, and show those that do not."""
        held = sum(check.holds for check in checks)
        self.console.print(f"{moment}: {held} of {len(checks)} checks hold.")
        if held < len(checks):
            self.console.print(checks_table((check for check in checks if not check.holds), moment))

    def fund_address(self) -> str:
        """Return the reserve fund's address."""
        return str(self.protocol.asset("USDC").pool.fund())

    def fund(self, owner: str, account: MarginAccount, symbol: str, amount: str) -> None:
        """Give an owner new tokens and deposit them into an account."""
        sender = self.protocol.by(owner)
        self.devnet.mint(symbol, owner, amount)
        self.done(sender.approve_if_needed(symbol, amount))
        self.done(sender.deposit(account, symbol, amount))
        self.console.print(f"Deposits {amount} {symbol}.")

    def close(self, account: MarginAccount, batch: Batch, *held: str) -> None:
        """Send a closing trade together with the withdrawal of everything the account then holds."""
        for symbol in held:
            batch.withdraw_all(account, symbol)
        receipt = batch.send()
        self.done(receipt)
        by_address = {asset.token.address: asset for asset in self.protocol.assets.values()}
        for event in receipt.find("Withdrawn", self.protocol.engine):
            self.console.print(f"Withdraws {by_address[event.args['token']].amount(event.args['amount'])}.")
        self.console.print(f"One batch ({receipt.gas_used:,} gas); the account is empty.")

    def traded(self, receipt: Receipt, sell: str, buy: str) -> None:
        """Count a trade and say what it did."""
        self.done(receipt)
        args = receipt.find("Traded", self.protocol.engine)[0].args
        sold, bought = self.protocol.asset(sell).amount(args["sold"]), self.protocol.asset(buy).amount(args["bought"])
        borrowed = self.protocol.asset(sell).amount(args["borrowed"])
        price = sold.human / bought.human if sell == "USDC" else bought.human / sold.human
        self.console.print(f"One trade ({receipt.gas_used:,} gas): sells {sold}, of which {borrowed} are borrowed,")
        self.console.print(f"for {bought} on Uniswap v3, at {dollars(price)} per ETH.")

    def done(self, receipt: Receipt | None) -> None:
        """Count a transaction of an actor."""
        if receipt is not None:
            self.books.transactions += 1
            self.books.gas += receipt.gas_used
            self.count(receipt)

    def count(self, receipt: Receipt) -> None:
        """Count a pool's operations: each event of it is one that may have rounded."""
        pools = {asset.pool.address: symbol for symbol, asset in self.protocol.assets.items()}
        self.books.operations.update(pools[event.contract] for event in receipt.events if event.contract in pools)

    def sample(self) -> None:
        """Sample every asset's volatility and aim its margin, as keepers do on a live network."""
        for symbol in self._followed():
            for contract, verb in ((self._volatility(), "sample"), (self.protocol.risk_engine, "poke")):
                contract.method(verb)(self.protocol.asset(symbol).key, sender=self.devnet.maker)

    def sample_aloud(self, title: str) -> None:
        """Sample, and show what that did to volatilities and to where margins go."""
        before = {symbol: self._sigma(symbol) for symbol in self._followed()}
        self.sample()
        rows = []
        for symbol, sigma in before.items():
            key = self.protocol.asset(symbol).key
            target = self.protocol.risk_engine.margin_of(key).target
            base = self.protocol.risk_engine.effective_rate(key, 0, self.devnet.chain.timestamp())
            rates = (sigma, self._sigma(symbol), from_wad(base), from_wad(target.floor))
            rows.append((symbol, *map(percent, rates), percent(from_wad(target.ramp_up), 4)))
        columns = ("", "volatility before", "after", "margin", "goes to", "at most, an hour")
        self.console.print(table_of(title, columns, rows))

    def _followed(self) -> list[str]:
        """Return the assets whose volatility may be sampled now."""
        now, volatility = self.devnet.chain.timestamp(), self._volatility()
        symbols = [asset.symbol for asset in self.devnet.config.assets if asset.dynamics is not None]
        return [symbol for symbol in symbols if volatility.next_sample(self.protocol.asset(symbol).key) <= now]

    def _sigma(self, symbol: str) -> Decimal:
        return from_wad(self._volatility().sigma(self.protocol.asset(symbol).key))

    def _volatility(self) -> Contract:
        return self.devnet.chain.at("VolatilityOracle", self.protocol.manifest.address("volatility"))

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self.console.rule(f"[bold]{title}[/]  (day {self.days()})", align="left")

    def days(self) -> int:
        """Return the days since the story began."""
        return (self.devnet.chain.timestamp() - self.books.begun) // 86_400
