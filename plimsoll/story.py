"""The demo: a lender, a leveraged long, a short, collateral that earns interest, weeks, then a crash, and books that
balance to the unit.

`tell` walks it on any devnet and returns the checks. It prints what happens and uses only the client's own verbs. The
crash is `plimsoll.crash`.
"""

from __future__ import annotations

from decimal import Decimal

from rich.console import Console

from plimsoll.artifacts import home
from plimsoll.crash import SAVER, Crash
from plimsoll.devnet import YIELD, Devnet
from plimsoll.errors import PlimsollError
from plimsoll.protocol import Health, MarginAccount
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
    health_table,
    holdings_table,
    percent,
    pools_table,
    positions_table,
    prices_table,
    table_of,
)
from plimsoll.teller import Teller
from plimsoll.units import Amount, Human

WEEK = 7 * 86_400
WEEKS = 6
LENT = {"USDC": "70000", "WETH": "26"}
SHARES = "pUSDC"
"""Shares of the pool of `CASH`, as collateral."""
CASH = "USDC"
SAVED = "20000"
"""What the trader lends whose collateral are the shares, and what he borrows against them."""
SAVER_BORROWS = "3"
LONG_MARGIN = "20000"
LONG_SIZE = "100000"
LONG_BORROW = "80000"
SHORT_MARGIN = {"WBTC": "0.5", "USDC": "10000"}
SHORT_SIZE = "20"
RALLY = "2100"
FALL = "2040"
SURPLUS = Decimal("1.004")
"""What a buy-back spends over the debt's value at mid: the pool's fee, slippage, interest until it lands."""


def tell(devnet: Devnet, console: Console, url: str | None = None) -> list[Check]:
    """Walk the story; return every check, so that the caller can fail if one does not hold.

    `url` is where the chain's node listens; without one the keepers are played by functions.
    """
    first = _Story(devnet.list_assets(home() / YIELD), console)
    checks = first.tell()
    checks += Crash(first, url).tell()
    console.print(f"{first.books.transactions} transactions by the actors, {first.books.gas:,} gas in all.")
    return checks


class _Story(Teller):
    """The first act: who is in it and what they have done so far."""

    def __init__(self, devnet: Devnet, console: Console) -> None:
        super().__init__(devnet, console)
        people = devnet.chain.accounts()
        _, self.lender, self.bull, self.bear = people[:4]
        self.saver = people[SAVER]
        self.long = MarginAccount(self.bull, 1)
        self.short = MarginAccount(self.bear, 0)
        self.saving = MarginAccount(self.saver, 0)
        self.health: dict[MarginAccount, list[tuple[str, Health]]] = {account: [] for account in self.accounts}

    @property
    def accounts(self) -> list[MarginAccount]:
        return [self.long, self.short, self.saving]

    def tell(self) -> list[Check]:
        self.console.print(prices_table(self.protocol, "Prices: a feed and a Uniswap v3 mean each, USDC a feed alone"))
        self._lend()
        self._save()
        self._open_long()
        self._open_short()
        self._move_price("WETH", RALLY, "ETH rises 5 %")
        self._pass_time()
        self._move_price("WETH", FALL, "ETH falls back to 2,040")
        open_checks = self._audit()
        self._close_long()
        self._close_short()
        self._close_saving()
        self._show_results()
        closed_checks = [*self._audit(), *self._audit_closed()]
        self._leave()
        left_checks = [*self._audit(), *self._audit_closed()]
        self.chapter("Every balance, to the unit")
        self.console.print(holdings_table(self.protocol, self.holders(), "Where every token is"))
        self.summarise("While the positions were open", open_checks)
        self.summarise("After all three had closed", closed_checks)
        self.console.print(checks_table(left_checks, "After the lender had left"))
        return [*open_checks, *closed_checks, *left_checks]

    # Chapters

    def _lend(self) -> None:
        self.chapter("A lender funds two pools")
        lender = self.protocol.by(self.lender)
        for symbol, amount in LENT.items():
            self.devnet.mint(symbol, self.lender, amount)
            self.done(lender.approve_if_needed(symbol, amount, self.protocol.asset(symbol).pool))
            self.done(lender.lend(symbol, amount))
        self.console.print(pools_table(self.protocol.pools(LENT)))

    def _save(self) -> None:
        self.chapter("Trader 3 lends too, and borrows ETH against the shares of the pool")
        sender = self.protocol.by(self.saver)
        self.devnet.mint(CASH, self.saver, SAVED)
        self.done(sender.approve_if_needed(CASH, SAVED, self.protocol.asset(CASH).pool))
        self.done(sender.lend(CASH, SAVED))
        shares = self.protocol.wallet(self.saver, SHARES)
        self.done(sender.approve_if_needed(SHARES, shares))
        self.done(sender.deposit(self.saving, SHARES, shares))
        self.console.print(f"Deposits {shares}: what they are worth grows by what the pool's borrowers pay.")
        self._note(self.saving, "deposited")
        self.done(sender.withdraw(self.saving, "WETH", SAVER_BORROWS, max_borrow=SAVER_BORROWS))
        self.console.print(f"Borrows {SAVER_BORROWS} WETH and takes them home.")
        self._note(self.saving, "borrowed")
        self._show(self.saving, "The yield-bearing account")

    def _open_long(self) -> None:
        self.chapter("Trader 1 goes 5x long ETH in an account of its own")
        self.fund(self.bull, self.long, "USDC", LONG_MARGIN)
        self._note(self.long, "deposited")
        receipt = self.protocol.by(self.bull).trade(
            self.long, sell="USDC", amount=LONG_SIZE, max_borrow=LONG_BORROW, buy="WETH"
        )
        self.traded(receipt, "USDC", "WETH")
        self._note(self.long, "opened")
        self._show(self.long, "The long")

    def _open_short(self) -> None:
        self.chapter("Trader 2 shorts ETH in a cross account that also holds WBTC")
        for symbol, amount in SHORT_MARGIN.items():
            self.fund(self.bear, self.short, symbol, amount)
        self._note(self.short, "deposited")
        receipt = self.protocol.by(self.bear).trade(
            self.short, sell="WETH", amount=SHORT_SIZE, max_borrow=SHORT_SIZE, buy="USDC"
        )
        self.traded(receipt, "WETH", "USDC")
        self._note(self.short, "opened")
        self._show(self.short, "The short")
        self.console.print(pools_table(self.protocol.pools(LENT)))

    def _move_price(self, symbol: str, price: Human, title: str) -> None:
        self.chapter(f"{title}: on the feed and on Uniswap")
        self.devnet.set_price(symbol, price)
        self.console.print(prices_table(self.protocol, "At once: the mean lags behind the feed"))
        self.devnet.settle()
        self.console.print(prices_table(self.protocol, "One window later: both agree"))
        for account in self.accounts:
            self._note(account, title)
        self._show_health()

    def _pass_time(self) -> None:
        self.chapter(f"{WEEKS} weeks pass")
        before = {symbol: self.protocol.lent(self.lender, symbol) for symbol in LENT}
        for week in range(1, WEEKS + 1):
            self.devnet.warp(WEEK)
            self.devnet.settle()
            self.sample()
            for symbol in LENT:
                self.count(self.protocol.asset(symbol).pool.accrue(sender=self.lender))
            if week in (1, WEEKS):
                self.console.print(pools_table(self.protocol.pools(LENT), f"After week {week}"))
        for symbol, worth in before.items():
            earned = self.protocol.lent(self.lender, symbol) - worth
            self.console.print(f"The lender's {symbol} earned {earned} meanwhile.")
        self.console.print(f"Trader 3's shares earned {self._saved() - self._put_in()} as collateral.")
        for account in self.accounts:
            self._note(account, f"{WEEKS} weeks later")
        self._show_health()

    def _close_long(self) -> None:
        self.chapter("Trader 1 closes in one batch: sell the ETH, repay the USDC, withdraw what is left")
        batch = self.protocol.by(self.bull).batch()
        batch.trade(self.long, sell="WETH", amount=self.protocol.balance(self.long, "WETH"), buy="USDC")
        self.close(self.long, batch, "USDC")

    def _close_short(self) -> None:
        self.chapter("Trader 2 closes in one batch: buy the ETH back, repay it, withdraw what is left")
        debt = self.protocol.debt(self.short, "WETH")
        spend = self._with_surplus(self.protocol.at_mid("WETH", debt, "USDC"))
        batch = self.protocol.by(self.bear).batch()
        batch.trade(self.short, sell="USDC", amount=spend, buy="WETH", min_buy=debt)
        self.close(self.short, batch, "USDC", "WETH", "WBTC")

    def _close_saving(self) -> None:
        self.chapter("Trader 3 closes in one batch: repay the ETH, redeem shares for the interest, withdraw the rest")
        sender, earned = self.protocol.by(self.saver), self._saved() - self._put_in()
        brought = self.protocol.wallet(self.saver, "WETH")
        interest = self.protocol.debt(self.saving, "WETH") - brought
        cost = self._with_surplus(self.protocol.at_mid("WETH", interest, CASH))
        shares = self._with_surplus(self.protocol.at_mid(CASH, cost, SHARES))
        self.done(sender.approve_if_needed("WETH", brought))
        batch = sender.batch()
        batch.deposit(self.saving, "WETH", brought)
        vault_swapper = self.protocol.manifest.address("vault_swapper")
        batch.trade(self.saving, sell=SHARES, amount=shares, buy=CASH, swapper=vault_swapper, data=b"")
        batch.trade(self.saving, sell=CASH, amount=cost, buy="WETH", min_buy=interest)
        self.close(self.saving, batch, CASH, "WETH", SHARES)
        self.done(sender.unlend_all(CASH))
        self.console.print(
            f"The shares earned {earned} while they were collateral; the ETH cost {interest} of interest."
        )

    def _show_results(self) -> None:
        """The accounts are empty and their owners began with nothing else: the wallets are the results."""
        put_in = {self.bull: {"USDC": LONG_MARGIN}, self.bear: SHORT_MARGIN, self.saver: {CASH: SAVED}}
        rows = []
        for name, owner in (("long", self.bull), ("short", self.bear), ("yield", self.saver)):
            for symbol in self.protocol.assets:
                began = self.protocol.asset(symbol).amount(self.protocol.raw(symbol, put_in[owner].get(symbol, "0")))
                now = self.protocol.wallet(owner, symbol)
                if began or now:
                    rows.append((name, str(began), str(now), str(now - began)))
        self.console.print(table_of("What the traders put in and took out", ("", "in", "out", "change"), rows))

    def _leave(self) -> None:
        self.chapter("The lender leaves with the interest")
        lender = self.protocol.by(self.lender)
        for symbol, amount in LENT.items():
            pool = self.protocol.asset(symbol).pool
            self.count(pool.mint_fees(sender=self.lender))
            self.done(lender.unlend_all(symbol))
            back = self.protocol.wallet(self.lender, symbol)
            put_in = Decimal(amount)
            profit = back.human - put_in
            earned = f"{percent(profit / put_in, 4)} in {self.days()} days"
            self.console.print(f"Lent {put_in:,} {symbol}, took out {back}: {earned}.")
        self.console.print(pools_table(self.protocol.pools(LENT), "What is left belongs to the reserve fund"))

    # Books

    def holders(self) -> dict[str, str]:
        """Return everybody who may have tokens, by name."""
        return {
            "lender": self.lender,
            "trader 1": self.bull,
            "trader 2": self.bear,
            "trader 3": self.saver,
            "market maker": self.devnet.maker,
            **own_addresses(self.protocol),
        }

    def _audit(self) -> list[Check]:
        """Return what holds at any time."""
        return [
            *tokens_add_up(self.protocol, self.holders()),
            *vault_adds_up(self.protocol, self.accounts),
            *pools_add_up(self.protocol, self.accounts),
        ]

    def _audit_closed(self) -> list[Check]:
        """Return what holds once the traders have closed."""
        assets = self.protocol.assets.values()
        vault_swapper = self.protocol.manifest.address("vault_swapper")
        return [
            *claims_add_up(self.protocol, [self.lender, self.fund_address()], self.books.operations),
            *accounts_empty(self.protocol, self.accounts),
            *(holds_nothing(asset, self.protocol.engine, "the engine") for asset in assets),
            *(holds_nothing(asset, self.protocol.swapper, "the swapper") for asset in assets),
            *(holds_nothing(asset, vault_swapper, "the vaults' swapper") for asset in assets),
        ]

    # Acting and showing

    def _put_in(self) -> Amount:
        return self.protocol.asset(CASH).amount(self.protocol.raw(CASH, SAVED))

    def _saved(self) -> Amount:
        """Return what the shares in the yield-bearing account are worth."""
        pool, shares = self.protocol.asset(CASH).pool, self.protocol.balance(self.saving, SHARES)
        return self.protocol.asset(CASH).amount(pool.convertToAssets(shares.raw))

    def _with_surplus(self, fair: Amount) -> Amount:
        """Return what to sell for something worth so much."""
        return Amount(int(fair.raw * SURPLUS), fair.decimals, fair.symbol)

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
        self.console.print(health_table("The yield-bearing account's health so far", self.health[self.saving]))
