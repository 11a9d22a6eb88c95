"""The demo's second act: the ETH price falls, three keepers without capital compete, and what cannot be saved is borne.

One account is cured by its owner, one is taken back to its target, one is insolvent: its loss is provisioned, met by
the reserve fund and then by the lenders. At the end all leave, and the table says who lost and who got what.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal

from plimsoll.chain import Receipt
from plimsoll.errors import PlimsollError, Reverted
from plimsoll.protocol import MarginAccount, Quote
from plimsoll.reconcile import (
    Check,
    accounts_empty,
    claims_add_up,
    fund_accounts,
    fund_adds_up,
    holds_nothing,
    nothing_expected,
    own_addresses,
    pools_add_up,
    shares_add_up,
    tokens_add_up,
    vault_adds_up,
)
from plimsoll.screen import (
    checks_table,
    dollars,
    health_table,
    percent,
    pools_table,
    prices_table,
    quotes_table,
    table_of,
)
from plimsoll.teller import Teller

CASH = "USDC"
LENT = "400000"
STAKED = "1500"
STEPS = ("1950", "1850", "1720")
"""What ETH falls to, ten minutes apart."""
STEP_SECONDS = 600
CURE = "4000"
MINUTE = 60
MINUTES = 30
"""Minutes after which every auction must be over."""
LEAST_LEFT = 2
"""A keeper leaves no less than this many times the minimum debt: he takes everything instead."""


@dataclass(frozen=True, slots=True)
class Keeper:
    """A strategy: which bonus is enough, given the auction's penalty, how many dollars of debt at once, how often."""

    name: str
    enough: Callable[[Decimal], Decimal]
    appetite: Decimal
    pause: int

    def wants(self, quote: Quote, penalty: Decimal, min_debt: Decimal) -> Decimal | None:
        """Return the fraction of the debts to take now, None to wait."""
        if not quote.takeable or quote.bonus < self.enough(penalty):
            return None
        fraction = min(quote.max_fraction, (self.appetite / quote.debt).quantize(Decimal("0.000001")))
        if quote.debt * (1 - fraction) < LEAST_LEFT * min_debt:
            return quote.max_fraction
        return fraction


EAGER = Keeper("eager", lambda penalty: Decimal("0.002"), Decimal(10_000), 4 * MINUTE)
MIDDLE = Keeper("in between", lambda penalty: penalty * Decimal("0.4"), Decimal(15_000), 5 * MINUTE)
PATIENT = Keeper("patient", lambda penalty: penalty * Decimal("0.8"), Decimal(1_000_000), MINUTE)


@dataclass(slots=True)
class Position:
    """A leveraged long and what became of its owner's money, raw units of the cash asset."""

    name: str
    owner: str
    margin: str
    size: str
    put_in: int = 0
    account: MarginAccount = field(init=False)
    to_keepers: int = 0
    to_reserve: int = 0
    to_lenders: int = 0

    def __post_init__(self) -> None:
        self.account = MarginAccount(self.owner, 7)


class Crash(Teller):
    """Who is in the second act and what they have done so far."""

    def __init__(self, before: Teller) -> None:
        super().__init__(before.devnet, before.console, before.books)
        people = self.devnet.chain.accounts()
        self.earlier = people[1:4]
        self.lender, self.staker = people[4:6]
        self.cured = Position("cured by its owner", people[6], "10000", "46000")
        self.saved = Position("taken back to its target", people[7], "20000", "88000")
        self.lost = Position("insolvent", people[8], "10000", "75000")
        self.positions = [self.cured, self.saved, self.lost]
        self.keepers = dict(zip(people[9:12], (EAGER, MIDDLE, PATIENT), strict=True))
        self.last_bite: dict[tuple[str, MarginAccount], int] = {}
        self.takes: Counter[str] = Counter()
        self.cash = self.protocol.asset(CASH)
        self.wallets: dict[str, int] = {}

    @property
    def accounts(self) -> list[MarginAccount]:
        """Every account that may have a balance or a debt."""
        mine = [position.account for position in self.positions]
        return [*mine, *(self._desk(keeper) for keeper in self.keepers), *fund_accounts(self.protocol)]

    def tell(self) -> list[Check]:
        """Tell the second act; return its checks."""
        before = self._claims_and_market()
        self._lend()
        self._open()
        self._fall()
        self._start()
        self._cure()
        running = self._audit()
        self._compete()
        over = [*self._audit(), *nothing_expected(self.protocol)]
        self._close()
        self._everybody_leaves()
        left = [*self._audit(), *nothing_expected(self.protocol), *self._audit_left(before)]
        self.chapter("Who lost, who got it")
        self._show_results(before)
        self.summarise("While the auctions ran", running)
        self.summarise("After the auctions", over)
        self.console.print(checks_table(left, "After everybody had left"))
        return [*running, *over, *left]

    # Chapters

    def _lend(self) -> None:
        self.chapter("A new lender, and somebody who bears the first loss")
        for person, amount in ((self.lender, LENT), (self.staker, STAKED)):
            sender = self.protocol.by(person)
            self.devnet.mint(CASH, person, amount)
            self.done(sender.approve_if_needed(CASH, amount, self.cash.pool))
            self.done(sender.lend(CASH, amount))
            self.wallets[person] = self.protocol.raw(CASH, amount)
        fund, shares = self.protocol.reserve_fund, self.cash.pool.balanceOf(self.staker)
        self.done(self.cash.pool.approve(fund, shares, sender=self.staker))
        self.done(fund.stake(self.cash.pool, shares, self.staker, sender=self.staker))
        self.console.print(f"The reserve fund of {CASH} now holds {self.protocol.lent(self.fund_address(), CASH)}.")
        self.console.print(pools_table([self.protocol.pool(CASH)]))

    def _open(self) -> None:
        self.chapter("Three traders go long ETH, each in an account of its own")
        for position in self.positions:
            self.fund(position.owner, position.account, CASH, position.margin)
            position.put_in += self.protocol.raw(CASH, position.margin)
            loan = Decimal(position.size) - Decimal(position.margin)
            receipt = self.protocol.by(position.owner).trade(
                position.account, sell=CASH, amount=position.size, max_borrow=loan, buy="WETH"
            )
            self.traded(receipt, CASH, "WETH")
        self._show_health("Before the crash")

    def _fall(self) -> None:
        self.chapter("ETH falls, on the feed and on Uniswap")
        for price in STEPS:
            self.devnet.set_price("WETH", price)
            self.devnet.warp(STEP_SECONDS)
        self.console.print(prices_table(self.protocol, "Half an hour later the mean lags behind: nobody is liquidated"))
        for _ in range(2):
            self.devnet.settle()
        self.console.print(prices_table(self.protocol, "Two windows later: the sources agree"))
        self._show_health("All three are below their maintenance line")

    def _start(self) -> None:
        self.chapter("The eager keeper starts the auctions")
        starter = next(iter(self.keepers))
        for person in self.keepers:
            self.devnet.chain.fund(person, 10**18)
        before = self.cash.pool.convertToAssets(self.cash.pool.balanceOf(self.lender))
        for position in self.positions:
            self.done(self.protocol.by(starter).liquidate(position.account))
        self.console.print(quotes_table(self.protocol, self._named(), "What takers are offered at once"))
        pool = self.protocol.pool(CASH)
        now = self.cash.pool.convertToAssets(self.cash.pool.balanceOf(self.lender))
        self.console.print(f"The pool expects to lose {pool.provisions}; the fund's shares bear it first.")
        self.console.print(f"A lender who left now would get {self.cash.amount(before - now)} less: nobody runs ahead.")

    def _cure(self) -> None:
        self.chapter("The first owner cures his account")
        self.fund(self.cured.owner, self.cured.account, CASH, CURE)
        self.cured.put_in += self.protocol.raw(CASH, CURE)
        self.done(self.protocol.by(self.cured.owner).cancel(self.cured.account))
        self._show_health("After the cure")

    def _compete(self) -> None:
        self.chapter("Three keepers without capital compete")
        rows: list[tuple[str, ...]] = []
        for minute in range(MINUTES):
            for person, keeper in self.keepers.items():
                for position in self.positions:
                    rows += self._bite(person, keeper, position, minute)
            if not any(self.protocol.auction_of(position.account) for position in self.positions):
                break
            self.devnet.warp(MINUTE)
        else:
            raise PlimsollError(f"the story went wrong: an auction still runs after {MINUTES} minutes")
        columns = ("keeper", "minute", "account", "debt taken", "bonus", "profit", "gas")
        self.console.print(table_of("Takes: one batch each, paid for by what it brought", columns, rows))
        self._show_health("After the auctions")
        self.console.print(pools_table([self.protocol.pool(CASH)]))

    def _bite(self, person: str, keeper: Keeper, position: Position, minute: int) -> list[tuple[str, ...]]:
        """Let a keeper look at an auction once: take, sell, repay and withdraw in one batch, or end it, or wait."""
        protocol, account = self.protocol, position.account
        auction = protocol.auction_of(account)
        if auction is None:
            return []
        quote = protocol.quote(account)
        if quote.equity >= quote.requirement:
            self.done(protocol.by(person).cancel(account))
            return []
        now = self.devnet.chain.timestamp()
        if now < self.last_bite.get((person, account), 0) + keeper.pause:
            return []
        fraction = keeper.wants(quote, auction.penalty, protocol.min_debt())
        if fraction is None:
            return []
        before = protocol.wallet(person, CASH)
        batch = protocol.by(person).capital_free_take(account, self._desk(person), fraction=fraction)
        try:
            batch.simulate()
        except Reverted:
            return []  # it would not pay: somebody who waits may think so, too
        receipt = batch.send()
        self.done(receipt)
        self._book(position, receipt)
        self.last_bite[person, account] = now
        self.takes[person] += 1
        profit = protocol.wallet(person, CASH) - before
        position.to_keepers += profit.raw
        taken = dollars(quote.debt * min(fraction, quote.max_fraction))
        return [
            (
                keeper.name,
                str(minute),
                position.name,
                taken,
                percent(quote.bonus),
                str(profit),
                f"{receipt.gas_used:,}",
            )
        ]

    def _book(self, position: Position, receipt: Receipt) -> None:
        """Note what a take gave the auction's starter and the fund, and what it lost them and the lenders."""
        for event in receipt.find("DebtMoved", self.cash.pool):
            position.to_keepers += event.args["starter_assets"]
            position.to_reserve += event.args["fund_assets"]
        for event in receipt.find("WrittenOff", self.cash.pool):
            loss, covered = event.args["loss"], event.args["covered"]
            position.to_reserve -= covered
            position.to_lenders -= loss - covered
            self.console.print(
                f"Nothing is left to take: {self.cash.amount(loss)} are written off. The reserve bears "
                f"{self.cash.amount(covered)}, the lenders {self.cash.amount(loss - covered)}."
            )

    def _close(self) -> None:
        self.chapter("The two who were saved sell, repay and withdraw")
        for position in (self.cured, self.saved):
            batch = self.protocol.by(position.owner).batch()
            held = self.protocol.balance(position.account, "WETH")
            batch.trade(position.account, sell="WETH", amount=held, buy=CASH)
            self.close(position.account, batch, CASH)

    def _everybody_leaves(self) -> None:
        self.chapter("Everybody leaves")
        fund, pool = self.protocol.reserve_fund, self.cash.pool
        worth = pool.convertToAssets(fund.convert_to_shares(pool, fund.stake_of(pool, self.staker)))
        self.console.print(
            f"The stake in the reserve fund is worth {self.cash.amount(worth)} now: it bore the first loss."
        )
        self.done(pool.mint_fees(sender=self.lender))
        for person in (*self.keepers, self.lender):
            if pool.balanceOf(person):
                self.done(self.protocol.by(person).unlend_all(CASH))
        put_in = self.cash.amount(self.wallets[self.lender])
        self.console.print(f"The lender put in {put_in} and takes out {self.protocol.wallet(self.lender, CASH)}.")

    # Results

    def _show_results(self, before: dict[str, int]) -> None:
        rows = []
        for position in self.positions:
            lost = position.put_in - self.protocol.wallet(position.owner, CASH).raw
            parts = (position.to_keepers, position.to_reserve, position.to_lenders)
            rows.append((position.name, *map(self._money, (lost, *parts, lost - sum(parts)))))
        columns = (
            "account",
            "its owner lost",
            "keepers got",
            "reserve got",
            "lenders got",
            "market, interest",
        )
        self.console.print(table_of(f"Of each account, in {CASH}", columns, rows))
        gains = self._gains(before)
        total = [(name, self._money(gain)) for name, gain in gains.items()]
        total.append(("sum", self._money(sum(gains.values()))))
        self.console.print(table_of("Of everybody, by wallets and claims, to the unit", ("", f"{CASH} gained"), total))
        names = ", ".join(f"{keeper.name} {self.takes[person]}" for person, keeper in self.keepers.items())
        self.console.print(f"Takes: {names}.")

    def _money(self, raw: int) -> str:
        amount = self.cash.amount(raw)
        return f"{amount.human:,.{amount.decimals}f}"

    def _gains(self, before: dict[str, int]) -> dict[str, int]:
        """Return what everybody gained of the cash asset, raw units; they sum to 0 if nothing is lost or made."""
        wallets = {person: self.protocol.wallet(person, CASH).raw for person in self._people()}
        after = self._claims_and_market()
        gains = {f"owner: {position.name}": wallets[position.owner] - position.put_in for position in self.positions}
        gains |= {f"keeper: {keeper.name}": wallets[person] for person, keeper in self.keepers.items()}
        gains["staker"] = wallets[self.staker] - self.wallets[self.staker]
        gains["lender"] = wallets[self.lender] - self.wallets[self.lender]
        return gains | {name: after[name] - before[name] for name in after}

    def _claims_and_market(self) -> dict[str, int]:
        """Return the cash asset of those who stay while everybody else is out: raw units."""
        state = self.cash.pool.state()
        reserve = self.protocol.lent(self.fund_address(), CASH).raw + state.unminted_fee
        markets = [self.devnet.maker, *(market.pool for market in self.protocol.manifest.markets)]
        return {
            "reserve": reserve,
            "market": sum(self.protocol.wallet(address, CASH).raw for address in markets),
            "dust in the pool": state.cash - reserve,
        }

    # Books

    def holders(self) -> dict[str, str]:
        """Return everybody who may have tokens, by name."""
        people = {person: person for person in (*self._people(), *self.earlier)}
        return people | {"market maker": self.devnet.maker} | own_addresses(self.protocol)

    def _people(self) -> list[str]:
        return [self.lender, self.staker, *(position.owner for position in self.positions), *self.keepers]

    def _desk(self, keeper: str) -> MarginAccount:
        """Return the account that a keeper takes into; it is empty before and after every take."""
        return MarginAccount(keeper, 1)

    def _audit(self) -> list[Check]:
        """Return what holds at any time."""
        owners = [*self._people(), *self.earlier, self.fund_address()]
        return [
            *tokens_add_up(self.protocol, self.holders()),
            *vault_adds_up(self.protocol, self.accounts),
            *pools_add_up(self.protocol, self.accounts),
            *shares_add_up(self.protocol, owners),
            *fund_adds_up(self.protocol, [self.staker]),
        ]

    def _audit_left(self, before: dict[str, int]) -> list[Check]:
        """Return what holds once everybody has left."""
        assets = self.protocol.assets.values()
        lenders = [*self._people(), *self.earlier, self.fund_address()]
        return [
            *claims_add_up(self.protocol, lenders, self.books.operations),
            *accounts_empty(self.protocol, self.accounts),
            *(holds_nothing(asset, self.protocol.engine, "the engine") for asset in assets),
            *(holds_nothing(asset, self.protocol.swapper, "the swapper") for asset in assets),
            Check(CASH, "what all gained and lost = 0", sum(self._gains(before).values()), 0),
        ]

    # Showing

    def _named(self) -> dict[str, MarginAccount]:
        return {position.name: position.account for position in self.positions}

    def _show_health(self, title: str) -> None:
        rows = [(name, self.protocol.health(account)) for name, account in self._named().items()]
        self.console.print(health_table(title, rows))
