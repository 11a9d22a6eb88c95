"""The demo: a lender, a leveraged long, a short, weeks of interest, and books that balance to the unit at the end.

`tell` walks it on any devnet and returns the checks. It prints what happens and uses only the client's own verbs.
"""

from __future__ import annotations

from collections import Counter
from decimal import Decimal

from rich.console import Console

from plimsoll.chain import Receipt
from plimsoll.devnet import Devnet
from plimsoll.errors import PlimsollError
from plimsoll.protocol import Batch, Health, MarginAccount
from plimsoll.reconcile import (
    Check,
    accounts_empty,
    claims_add_up,
    holds_nothing,
    own_addresses,
    pools_add_up,
    tokens_add_up,
    vault_adds_up,
)
from plimsoll.screen import (
    checks_table,
    dollars,
    health_table,
    holdings_table,
    percent,
    pools_table,
    positions_table,
    prices_table,
    table_of,
)
from plimsoll.units import Amount, Human

WEEK = 7 * 86_400
WEEKS = 6
LENT = {"USDC": "90000", "WETH": "22"}
LONG_MARGIN = "20000"
LONG_SIZE = "100000"
LONG_BORROW = "80000"
SHORT_MARGIN = {"WBTC": "0.5", "USDC": "10000"}
SHORT_SIZE = "20"
RALLY = "2100"
FALL = "2040"
SURPLUS = Decimal("1.004")
"""What a short's buy-back spends over the debt's value at mid: the pool's fee, slippage, interest until it lands."""


def tell(devnet: Devnet, console: Console) -> list[Check]:
    """Walk the story; return every check, so that the caller can fail if one does not hold."""
    return _Story(devnet, console).tell()


class _Story:
    """Who is in it and what they have done so far."""

    def __init__(self, devnet: Devnet, console: Console) -> None:
        self.devnet = devnet
        self.protocol = devnet.protocol
        self.console = console
        _, self.lender, self.bull, self.bear = devnet.chain.accounts()[:4]
        self.long = MarginAccount(self.bull, 1)
        self.short = MarginAccount(self.bear, 0)
        self.operations: Counter[str] = Counter()
        self.health: dict[MarginAccount, list[tuple[str, Health]]] = {self.long: [], self.short: []}
        self.begun = devnet.chain.timestamp()
        self.transactions = 0
        self.gas = 0

    @property
    def accounts(self) -> list[MarginAccount]:
        return [self.long, self.short]

    def tell(self) -> list[Check]:
        self.console.print(prices_table(self.protocol, "Prices: a feed and a Uniswap v3 mean each, USDC a feed alone"))
        self._lend()
        self._open_long()
        self._open_short()
        self._move_price("WETH", RALLY, "ETH rises 5 %")
        self._pass_time()
        self._move_price("WETH", FALL, "ETH falls back to 2,040")
        open_checks = self._audit()
        self._close_long()
        self._close_short()
        self._show_results()
        closed_checks = [*self._audit(), *self._audit_closed()]
        self._leave()
        left_checks = [*self._audit(), *self._audit_closed()]
        self._chapter("Every balance, to the unit")
        self.console.print(holdings_table(self.protocol, self._holders(), "Where every token is"))
        self._summarise("While the positions were open", open_checks)
        self._summarise("After both had closed", closed_checks)
        self.console.print(checks_table(left_checks, "After the lender had left"))
        checks = [*open_checks, *closed_checks, *left_checks]
        self.console.print(f"{self.transactions} transactions by the actors, {self.gas:,} gas in all.")
        return checks

    # Chapters

    def _lend(self) -> None:
        self._chapter("A lender funds two pools")
        lender = self.protocol.by(self.lender)
        for symbol, amount in LENT.items():
            self.devnet.mint(symbol, self.lender, amount)
            self._done(lender.approve_if_needed(symbol, amount, self.protocol.asset(symbol).pool))
            self._done(lender.lend(symbol, amount))
        self.console.print(pools_table(self.protocol.pools(LENT)))

    def _open_long(self) -> None:
        self._chapter("Trader 1 goes 5x long ETH in an account of its own")
        self._fund(self.bull, self.long, "USDC", LONG_MARGIN)
        self._note(self.long, "deposited")
        receipt = self.protocol.by(self.bull).trade(
            self.long, sell="USDC", amount=LONG_SIZE, max_borrow=LONG_BORROW, buy="WETH"
        )
        self._traded(receipt, "USDC", "WETH")
        self._note(self.long, "opened")
        self._show(self.long, "The long")

    def _open_short(self) -> None:
        self._chapter("Trader 2 shorts ETH in a cross account that also holds WBTC")
        for symbol, amount in SHORT_MARGIN.items():
            self._fund(self.bear, self.short, symbol, amount)
        self._note(self.short, "deposited")
        receipt = self.protocol.by(self.bear).trade(
            self.short, sell="WETH", amount=SHORT_SIZE, max_borrow=SHORT_SIZE, buy="USDC"
        )
        self._traded(receipt, "WETH", "USDC")
        self._note(self.short, "opened")
        self._show(self.short, "The short")
        self.console.print(pools_table(self.protocol.pools(LENT)))

    def _move_price(self, symbol: str, price: Human, title: str) -> None:
        self._chapter(f"{title}: on the feed and on Uniswap")
        self.devnet.set_price(symbol, price)
        self.console.print(prices_table(self.protocol, "At once: the mean lags behind the feed"))
        self.devnet.settle()
        self.console.print(prices_table(self.protocol, "One window later: both agree"))
        for account in self.accounts:
            self._note(account, title)
        self._show_health()

    def _pass_time(self) -> None:
        self._chapter(f"{WEEKS} weeks pass")
        before = {symbol: self.protocol.lent(self.lender, symbol) for symbol in LENT}
        for week in range(1, WEEKS + 1):
            self.devnet.warp(WEEK)
            self.devnet.settle()
            for symbol in LENT:
                self._count(self.protocol.asset(symbol).pool.accrue(sender=self.lender))
            if week in (1, WEEKS):
                self.console.print(pools_table(self.protocol.pools(LENT), f"After week {week}"))
        for symbol, worth in before.items():
            earned = self.protocol.lent(self.lender, symbol) - worth
            self.console.print(f"The lender's {symbol} earned {earned} meanwhile.")
        for account in self.accounts:
            self._note(account, f"{WEEKS} weeks later")
        self._show_health()

    def _close_long(self) -> None:
        self._chapter("Trader 1 closes in one batch: sell the ETH, repay the USDC, withdraw what is left")
        batch = self.protocol.by(self.bull).batch()
        batch.trade(self.long, sell="WETH", amount=self.protocol.balance(self.long, "WETH"), buy="USDC")
        self._close(self.long, batch, "USDC")

    def _close_short(self) -> None:
        self._chapter("Trader 2 closes in one batch: buy the ETH back, repay it, withdraw what is left")
        debt = self.protocol.debt(self.short, "WETH")
        fair = self.protocol.at_mid("WETH", debt, "USDC")
        spend = Amount(int(fair.raw * SURPLUS), fair.decimals, fair.symbol)
        batch = self.protocol.by(self.bear).batch()
        batch.trade(self.short, sell="USDC", amount=spend, buy="WETH", min_buy=debt)
        self._close(self.short, batch, "USDC", "WETH", "WBTC")

    def _show_results(self) -> None:
        """Both accounts are empty and their owners began with nothing else: the wallets are the results."""
        put_in = {self.bull: {"USDC": LONG_MARGIN}, self.bear: SHORT_MARGIN}
        rows = []
        for name, owner in (("long", self.bull), ("short", self.bear)):
            for symbol in self.protocol.assets:
                began = self.protocol.asset(symbol).amount(self.protocol.raw(symbol, put_in[owner].get(symbol, "0")))
                now = self.protocol.wallet(owner, symbol)
                if began or now:
                    rows.append((name, str(began), str(now), str(now - began)))
        self.console.print(table_of("What the traders put in and took out", ("", "in", "out", "change"), rows))

    def _leave(self) -> None:
        self._chapter("The lender leaves with the interest")
        lender = self.protocol.by(self.lender)
        for symbol, amount in LENT.items():
            pool = self.protocol.asset(symbol).pool
            self._count(pool.mint_fees(sender=self.lender))
            self._done(lender.unlend_all(symbol))
            back = self.protocol.wallet(self.lender, symbol)
            put_in = Decimal(amount)
            profit = back.human - put_in
            earned = f"{percent(profit / put_in, 4)} in {self._days()} days"
            self.console.print(f"Lent {put_in:,} {symbol}, took out {back}: {earned}.")
        self.console.print(pools_table(self.protocol.pools(LENT), "What is left belongs to the reserve fund"))

    # Books

    def _audit(self) -> list[Check]:
        """Return what holds at any time."""
        return [
            *tokens_add_up(self.protocol, self._holders()),
            *vault_adds_up(self.protocol, self.accounts),
            *pools_add_up(self.protocol, self.accounts),
        ]

    def _audit_closed(self) -> list[Check]:
        """Return what holds once both traders have closed."""
        assets = self.protocol.assets.values()
        return [
            *claims_add_up(self.protocol, [self.lender, self._fund_address()], self.operations),
            *accounts_empty(self.protocol, self.accounts),
            *(holds_nothing(asset, self.protocol.engine, "the engine") for asset in assets),
            *(holds_nothing(asset, self.protocol.swapper, "the swapper") for asset in assets),
        ]

    def _holders(self) -> dict[str, str]:
        """Return everybody who may have tokens, by name."""
        return {
            "lender": self.lender,
            "trader 1": self.bull,
            "trader 2": self.bear,
            "reserve fund": self._fund_address(),
            "market maker": self.devnet.maker,
            **own_addresses(self.protocol),
        }

    def _summarise(self, moment: str, checks: list[Check]) -> None:
        held = sum(check.holds for check in checks)
        self.console.print(f"{moment}: {held} of {len(checks)} checks hold.")
        if held < len(checks):
            self.console.print(checks_table((check for check in checks if not check.holds), moment))

    def _fund_address(self) -> str:
        return str(self.protocol.asset("USDC").pool.fund())

    # Acting and showing

    def _fund(self, owner: str, account: MarginAccount, symbol: str, amount: str) -> None:
        sender = self.protocol.by(owner)
        self.devnet.mint(symbol, owner, amount)
        self._done(sender.approve_if_needed(symbol, amount))
        self._done(sender.deposit(account, symbol, amount))
        self.console.print(f"Deposits {amount} {symbol}.")

    def _close(self, account: MarginAccount, batch: Batch, *held: str) -> None:
        """Send a closing trade together with the withdrawal of everything the account then holds."""
        for symbol in held:
            batch.withdraw_all(account, symbol)
        receipt = batch.send()
        self._done(receipt)
        by_address = {asset.token.address: asset for asset in self.protocol.assets.values()}
        for event in receipt.find("Withdrawn", self.protocol.engine):
            self.console.print(f"Withdraws {by_address[event.args['token']].amount(event.args['amount'])}.")
        self.console.print(f"One batch ({receipt.gas_used:,} gas); the account is empty.")

    def _note(self, account: MarginAccount, moment: str) -> None:
        health = self.protocol.health(account)
        if self.health[account] and not health.healthy:
            raise PlimsollError(f"the story went wrong: {account} is below its line after {moment!r}")
        self.health[account].append((moment, health))

    def _show(self, account: MarginAccount, title: str) -> None:
        self.console.print(positions_table(self.protocol, account, title))
        self.console.print(health_table("Its health, before and after", self.health[account][-2:]))

    def _show_health(self) -> None:
        self.console.print(health_table("The long's health so far", self.health[self.long]))
        self.console.print(health_table("The short's health so far", self.health[self.short]))

    def _traded(self, receipt: Receipt, sell: str, buy: str) -> None:
        self._done(receipt)
        args = receipt.find("Traded", self.protocol.engine)[0].args
        sold, bought = self.protocol.asset(sell).amount(args["sold"]), self.protocol.asset(buy).amount(args["bought"])
        borrowed = self.protocol.asset(sell).amount(args["borrowed"])
        price = sold.human / bought.human if sell == "USDC" else bought.human / sold.human
        self.console.print(f"One trade ({receipt.gas_used:,} gas): sells {sold}, of which {borrowed} are borrowed,")
        self.console.print(f"for {bought} on Uniswap v3, at {dollars(price)} per ETH.")

    def _done(self, receipt: Receipt | None) -> None:
        """Count a transaction of an actor."""
        if receipt is not None:
            self.transactions += 1
            self.gas += receipt.gas_used
            self._count(receipt)

    def _count(self, receipt: Receipt) -> None:
        """Count a pool's operations: each event of it is one that may have rounded."""
        pools = {asset.pool.address: symbol for symbol, asset in self.protocol.assets.items()}
        self.operations.update(pools[event.contract] for event in receipt.events if event.contract in pools)

    def _chapter(self, title: str) -> None:
        self.console.rule(f"[bold]{title}[/]  (day {self._days()})", align="left")

    def _days(self) -> int:
        return (self.devnet.chain.timestamp() - self.begun) // 86_400


