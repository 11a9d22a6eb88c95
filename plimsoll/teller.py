"""What every act of the demo needs: the devnet, a console, and the books of what the actors have done."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console

from plimsoll.chain import Receipt
from plimsoll.devnet import Devnet
from plimsoll.protocol import Batch, MarginAccount
from plimsoll.reconcile import Check
from plimsoll.screen import checks_table, dollars


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

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self.console.rule(f"[bold]{title}[/]  (day {self.days()})", align="left")

    def days(self) -> int:
        """Return the days since the story began."""
        return (self.devnet.chain.timestamp() - self.books.begun) // 86_400
