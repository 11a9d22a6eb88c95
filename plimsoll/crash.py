"""The demo's second act: the ETH price falls, three keepers without capital compete, and what cannot be saved is borne.

One account is cured by its owner, one is taken back to its target, one is insolvent: its loss is provisioned, met by
the reserve fund and then by the lenders. A fourth leaves by its owner's stop-loss. At the end all leave, and the table
says who lost and who got what.

The keepers are real ones (`plimsoll.bots`) where there is a node for them, and stand-ins (`plimsoll.rivals`) elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal

from plimsoll import bots
from plimsoll.errors import PlimsollError
from plimsoll.protocol import Asset, Domain, Grant, MarginAccount, Permission, Signed, stop_loss
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
from plimsoll.rivals import CANCEL, ORDER, POKE, START, TAKE, Deed, Rivals, StandIns
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
from plimsoll.units import WAD_DECIMALS, from_wad, to_raw

CASH, RISKY = "USDC", "WETH"
LENT = "400000"
STAKED = "1500"
STEPS = ("1950", "1850", "1720")
"""What ETH falls to, ten minutes apart."""
STEP_SECONDS = 600
SLIP = "1705"
"""What it falls to while the auctions run."""
CURE = "5000"
STOP = "1900"
"""At which mid the stop-loss is due."""
STOP_FEE, STOP_SLIPPAGE = 30, 100
"""What its keeper gets of what is sold, and what the sale may lose of its value, basis points."""
STOP_BUDGET = 500
"""Dollars that orders may cost its owner in all."""
DAY = 86_400
LOOKS = 60
"""Looks of the keepers within which every auction must be over."""
KEEPERS = range(9, 12)
"""Numbers of the keepers' test accounts."""
SAVER = 13
"""Number of the test account of the first act's trader whose collateral earned interest."""
SHOWN = {START: "starts", TAKE: "takes", CANCEL: "ends", POKE: "pokes", ORDER: "orders"}
"""Kinds of transactions that are counted, and how they are called."""
DEEDS = ("keeper", "second", "did", "account", "debt taken", "bonus", "brought", "gas", "outcome")


@dataclass(slots=True)
class Position:
    """A leveraged long and what became of its owner's money, raw units of the cash asset.

    `to_keepers` counts by keeper's address, starters' parts included; `kept` what each kept of the risky asset.
    """

    name: str
    owner: str
    margin: str
    size: str
    put_in: int = 0
    account: MarginAccount = field(init=False)
    to_keepers: Counter[str] = field(default_factory=Counter)
    kept: Counter[str] = field(default_factory=Counter)
    to_reserve: int = 0
    to_lenders: int = 0

    def __post_init__(self) -> None:
        self.account = MarginAccount(self.owner, 7)


class Crash(Teller):
    """Who is in the second act and what they have done so far.

    `url` is where the chain's node listens; None where there is none.
    """

    rivals: Rivals

    def __init__(self, before: Teller, url: str | None = None) -> None:
        super().__init__(before.devnet, before.console, before.books)
        people = self.devnet.chain.accounts()
        self.url = url
        self.earlier = [*people[1:4], people[SAVER]]
        self.lender, self.staker = people[4:6]
        self.cured = Position("cured by owner", people[6], "10000", "46000")
        self.saved = Position("back to target", people[7], "20000", "88000")
        self.lost = Position("insolvent", people[8], "10000", "75000")
        self.stopped = Position("stopped", people[12], "10000", "30000")
        self.auctioned = [self.cured, self.saved, self.lost]
        self.positions = [*self.auctioned, self.stopped]
        self.keepers = [people[number] for number in KEEPERS]
        self.orders: list[Signed] = []
        self.deeds: list[Deed] = []
        self.starters: dict[int, str] = {}
        self.cash, self.risky = self.protocol.asset(CASH), self.protocol.asset(RISKY)
        self.wallets: dict[str, int] = {}
        self.before = self._claims_and_market()

    @property
    def accounts(self) -> list[MarginAccount]:
        """Every account that may have a balance or a debt."""
        mine = [position.account for position in self.positions]
        return [*mine, *self.rivals.desks, *fund_accounts(self.protocol)]

    def tell(self) -> list[Check]:
        """Tell the second act; return its checks."""
        self._lend()
        self._open()
        self._protect()
        with self._competing() as self.rivals:
            self._fall()
            self._start()
            running = self._cure()
            self._compete()
            over = [*self._audit(), *nothing_expected(self.protocol), *self._audit_story(), *self._audit_keepers()]
            over += self.rivals.checks()
        self._show_deeds()
        self._close()
        self._everybody_leaves()
        left = [*self._audit(), *nothing_expected(self.protocol), *self._audit_left()]
        self.chapter("Who lost, who got it")
        self._show_results()
        self.summarise("While the auctions ran", running)
        self.summarise("After the auctions", over)
        self.console.print(checks_table(left, "After everybody had left"))
        return [*running, *over, *left]

    @contextmanager
    def _competing(self) -> Iterator[Rivals]:
        """Yield who competes: keepers where there is a node for them."""
        for person in self.keepers:
            self.devnet.chain.fund(person, 10**18)
        accounts = [position.account for position in self.auctioned]
        if self.url is None:
            yield StandIns(self.devnet, self.keepers, accounts, self.orders)
        else:
            with bots.running(self.devnet, self.url, KEEPERS) as keepers:
                yield keepers

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
        self.chapter("Four traders go long ETH, each in an account of its own")
        for position in self.positions:
            self.fund(position.owner, position.account, CASH, position.margin)
            position.put_in += self.protocol.raw(CASH, position.margin)
            loan = Decimal(position.size) - Decimal(position.margin)
            receipt = self.protocol.by(position.owner).trade(
                position.account, sell=CASH, amount=position.size, max_borrow=loan, buy=RISKY
            )
            self.traded(receipt, CASH, RISKY)
        self._show_health("Before the crash")

    def _protect(self) -> None:
        self.chapter("The fourth signs a stop-loss, which any keeper may execute")
        sender, orders, account = self.protocol.by(self.stopped.owner), self.protocol.orders, self.stopped.account
        tomorrow = self.devnet.chain.timestamp() + DAY
        loss = STOP_FEE + STOP_SLIPPAGE + 1
        grant = Grant.of(Permission.TRADE, tomorrow, max_loss_bps=loss, loss_budget=STOP_BUDGET)
        self.done(sender.set_operator(account, orders.address, grant))
        held = self.protocol.balance(account, RISKY)
        order = stop_loss(
            account.id,
            sell=self.risky.token.address,
            buy=self.cash.token.address,
            amount=held.raw,
            trigger=to_raw(STOP, 2 * WAD_DECIMALS - self.risky.decimals),
            max_slippage=STOP_SLIPPAGE,
            fee=STOP_FEE,
            deadline=tomorrow,
            group=1,
        )
        self.orders.append(Signed.by(self.devnet.chain.key(self.stopped.owner), order, Domain.of(orders)))
        self.done(sender.place(self.orders[-1]))
        self.console.print(f"It sells {held} when {RISKY} is at {STOP} or below, for {STOP_FEE / 100:.2f} % of it.")

    def _fall(self) -> None:
        self.chapter("ETH falls, on the feed and on Uniswap")
        self.console.print(self.rivals.intro)
        *slowly, at_last = STEPS
        for price in slowly:
            self.devnet.set_price(RISKY, price)
            self.devnet.warp(STEP_SECONDS)
            self.rivals.look()
        self._show_health(f"At {slowly[-1]}: while sources disagree, keepers have to take the owner's side")
        self.devnet.set_price(RISKY, at_last)
        self.console.print(
            f"Nobody can be liquidated yet. Then keepers see no block for an hour, and ETH is at {at_last}."
        )
        self.console.print(prices_table(self.protocol, "At once: the mean lags behind the feed"))
        for _ in range(2):
            self.devnet.settle()
        self.console.print(prices_table(self.protocol, "Two windows later: the sources agree"))
        self._show_health("Three are below their maintenance line; the fourth's stop-loss is due")
        self.sample_aloud("Somebody samples the fall: volatility rises at once, the margin by its ramp")

    def _start(self) -> None:
        self.chapter("The keepers see it and start the auctions")
        before = self.cash.pool.convertToAssets(self.cash.pool.balanceOf(self.lender))
        self._look_until(lambda running: running == len(self.auctioned), "no keeper started the auctions")
        auctioned = {position.name: position.account for position in self.auctioned}
        self.console.print(quotes_table(self.protocol, auctioned, "What takers are offered then"))
        pool = self.protocol.pool(CASH)
        now = self.cash.pool.convertToAssets(self.cash.pool.balanceOf(self.lender))
        self.console.print(f"The pool expects to lose {pool.provisions}; the fund's shares bear it first.")
        self.console.print(f"A lender who left now would get {self.cash.amount(before - now)} less: nobody runs ahead.")

    def _cure(self) -> list[Check]:
        self.chapter("The first owner cures his account before any keeper takes from it")
        self.fund(self.cured.owner, self.cured.account, CASH, CURE)
        self.cured.put_in += self.protocol.raw(CASH, CURE)
        self._show_health("After the cure")
        return self._audit()

    def _compete(self) -> None:
        self.chapter("Three keepers without capital compete while ETH slips further")
        expected = self.protocol.pool(CASH).provisions
        self.devnet.set_price(RISKY, SLIP)
        self.rivals.look()
        now = self.protocol.pool(CASH).provisions
        self.console.print(f"ETH has slipped to {SLIP}: the pool expected to lose {expected}, now {now}.")
        self._look_until(lambda running: running == 0, "an auction still runs")
        self.rivals.rest()
        self.deeds = self.rivals.deeds()
        for deed in self.deeds:
            self.done(deed.receipt)
            if deed.kind == START and deed.succeeded:
                self.starters |= dict.fromkeys(deed.accounts, deed.keeper)
        for deed in self.deeds:
            self._book(deed)

    def _look_until(self, over: Callable[[int], bool], otherwise: str) -> None:
        """Let the keepers look until `over` of the number of auctions that run."""
        for _ in range(LOOKS):
            self.rivals.look()
            if over(sum(self.protocol.auction_of(position.account) is not None for position in self.auctioned)):
                return
        raise PlimsollError(f"the story went wrong: {otherwise} after {LOOKS} blocks. {self.rivals.trouble()}")

    def _book(self, deed: Deed) -> None:
        """Note what a keeper's transaction gave him, the auction's starter and the fund, and what it lost whom."""
        ids = [position.account.id for position in self.positions]
        for event in deed.receipt.find("DebtMoved", self.cash.pool):
            position = self.positions[ids.index(event.args["source"])]
            position.to_keepers[self.starters[position.account.id]] += event.args["starter_assets"]
            position.to_reserve += event.args["fund_assets"]
            for asset, gained in ((self.cash, position.to_keepers), (self.risky, position.kept)):
                gained[deed.keeper] += _came_in(deed, asset)
        for event in deed.receipt.find("Executed", self.protocol.orders):
            self.stopped.kept[deed.keeper] += event.args["fee"]
        for event in deed.receipt.find("WrittenOff", self.cash.pool):
            position = self.positions[ids.index(event.args["account"])]
            loss, covered = event.args["loss"], event.args["covered"]
            position.to_reserve -= covered
            position.to_lenders -= loss - covered
            self.console.print(
                f"Nothing is left to take: {self.cash.amount(loss)} are written off. The reserve bears "
                f"{self.cash.amount(covered)}, the lenders {self.cash.amount(loss - covered)}."
            )

    def _close(self) -> None:
        self.chapter("The two who were saved sell, repay and withdraw; the one who was stopped withdraws")
        for position in (self.cured, self.saved):
            batch = self.protocol.by(position.owner).batch()
            held = self.protocol.balance(position.account, RISKY)
            batch.trade(position.account, sell=RISKY, amount=held, buy=CASH)
            self.close(position.account, batch, CASH)
        self.close(self.stopped.account, self.protocol.by(self.stopped.owner).batch(), CASH)

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
        for keeper in self.keepers:
            self._sell_kept(keeper)
        put_in = self.cash.amount(self.wallets[self.lender])
        self.console.print(f"The lender put in {put_in} and takes out {self.protocol.wallet(self.lender, CASH)}.")

    def _sell_kept(self, keeper: str) -> None:
        """Sell what a keeper kept of the collateral it took, and share the proceeds out by where it was from."""
        sender, held = self.protocol.by(keeper), self.protocol.wallet(keeper, RISKY)
        if not held:
            return
        before, desk = self.protocol.wallet(keeper, CASH), MarginAccount(keeper)
        self.done(sender.approve_if_needed(RISKY, held))
        batch = sender.batch()
        batch.deposit(desk, RISKY, held)
        batch.trade(desk, sell=RISKY, amount=held, buy=CASH)
        batch.withdraw_all(desk, CASH)
        self.done(batch.send())
        got = self.protocol.wallet(keeper, CASH) - before
        if got.human >= 1:
            self.console.print(f"The {self.rivals.names[keeper]} keeper sells the {held} that it had kept for {got}.")
        parts = shared_out(got.raw, [position.kept[keeper] for position in self.positions])
        for position, part in zip(self.positions, parts, strict=True):
            position.to_keepers[keeper] += part

    # Results

    def deed_rows(self) -> list[tuple[str, ...]]:
        """Return the keepers' transactions about accounts in the columns `DEEDS`."""
        shown = [deed for deed in self.deeds if deed.accounts]
        return [self._deed_row(deed, shown[0].receipt.timestamp) for deed in shown]

    def gain_columns(self) -> tuple[str, ...]:
        """Return the columns of `gain_rows`."""
        return ("", *(position.name for position in self.positions), "interest etc.", "in all")

    def gain_rows(self) -> list[tuple[str, ...]]:
        """Return who gained what of which account: by events, and by wallets and claims in all."""
        gains = self._gains()
        booked = [self._booked(position) for position in self.positions]
        rows = []
        for who, gain in gains.items():
            parts = [part.get(who, 0) for part in booked]
            rows.append((who, *map(self._money, (*parts, gain - sum(parts), gain))))
        sums = [sum(part.values()) for part in booked]
        return [*rows, ("sum", *map(self._money, (*sums, sum(gains.values()) - sum(sums), sum(gains.values()))))]

    def _show_deeds(self) -> None:
        """Show the keepers' transactions, and what each of them came to."""
        title = "What the keepers did; a take is one batch, paid for by what it brings"
        self.console.print(table_of(title, DEEDS, self.deed_rows()))
        self._show_health("After the auctions")
        self.console.print(pools_table([self.protocol.pool(CASH)]))

    def _deed_row(self, deed: Deed, began: int) -> tuple[str, ...]:
        taken = sum(event.args["amount"] for event in deed.receipt.find("DebtMoved", self.cash.pool))
        names = [name for name, account in self._named().items() if account.id in deed.accounts]
        return (
            self.rivals.names[deed.keeper],
            str(deed.receipt.timestamp - began),
            deed.kind.replace("_", " "),
            "all three" if len(names) == len(self.auctioned) else ", ".join(names),
            dollars(self.cash.amount(taken).human) if taken else "",
            percent(deed.bonus) if deed.bonus is not None else "",
            dollars(self._brought(deed)) if taken or deed.receipt.find("Executed") else "",
            f"{deed.receipt.gas_used:,}",
            self._outcome(deed),
        )

    def _brought(self, deed: Deed) -> Decimal:
        """Return the dollars that a take left its keeper."""
        kept = self.risky.amount(_came_in(deed, self.risky))
        worth = self.protocol.at_mid(RISKY, kept, CASH).human if kept else Decimal(0)
        return self.cash.amount(_came_in(deed, self.cash)).human + worth

    def _outcome(self, deed: Deed) -> str:
        """Return what became of it; where it failed, whose transaction was before it in its block."""
        if deed.succeeded:
            return "written off" if deed.receipt.find("WrittenOff") else "done"
        first = [
            other
            for other in self.deeds
            if other.succeeded
            and other.receipt.block_number == deed.receipt.block_number
            and set(other.accounts) & set(deed.accounts)
        ]
        return f"lost to {self.rivals.names[first[0].keeper]}" if first else "failed"

    def _show_results(self) -> None:
        title = f"Who gained what of which account, {CASH}, to the unit: by events, and by wallets and claims in all"
        self.console.print(table_of(title, self.gain_columns(), self.gain_rows()))
        self._show_keepers()

    def _show_keepers(self) -> None:
        """Show for each keeper how much it did, what that cost, and what it earned after gas."""
        rows = []
        gains = self._gains()
        ether_price = self.protocol.price(RISKY).mid
        for keeper, name in self.rivals.names.items():
            mine = [deed for deed in self.deeds if deed.keeper == keeper]
            done = Counter(deed.kind for deed in mine if deed.succeeded)
            write_offs = sum(bool(deed.receipt.find("WrittenOff")) for deed in mine)
            gas = sum(deed.receipt.gas_used for deed in mine)
            paid = from_wad(sum(deed.receipt.gas_used * (deed.price or 0) for deed in mine))
            gain = self.cash.amount(gains[name]).human
            counts = (*(done[kind] for kind in SHOWN), write_offs, len(mine) - done.total())
            costs = (f"{paid:.6f}", dollars(gain - paid * ether_price)) if self.rivals.charges else ()
            rows.append((name, *map(str, counts), f"{gas:,}", *costs))
        columns = ["keeper", *SHOWN.values(), "write-offs", "failed", "gas"]
        columns += ["gas in ETH", "gain after gas"] if self.rivals.charges else []
        self.console.print(
            table_of("The keepers' transactions; their gas includes what they did for prices", columns, rows)
        )

    def _money(self, raw: int) -> str:
        amount = self.cash.amount(raw)
        return f"{amount.human:,.{amount.decimals}f}"

    def _booked(self, position: Position) -> dict[str, int]:
        """Return what everybody gained by one account, raw units; the market has what nobody else has."""
        gained = {"owner": self.protocol.wallet(position.owner, CASH).raw - position.put_in}
        gained |= {name: position.to_keepers[keeper] for keeper, name in self.rivals.names.items()}
        gained |= {"reserve fund": position.to_reserve, "lender": position.to_lenders}
        return gained | {"market": -sum(gained.values())}

    def _gains(self) -> dict[str, int]:
        """Return what everybody gained of the cash asset, raw units; they sum to 0 if nothing is lost or made."""
        wallets = {person: self.protocol.wallet(person, CASH).raw for person in self._people()}
        after = self._claims_and_market()
        left = {name: after[name] - self.before[name] for name in after}
        gains = {"owner": sum(wallets[position.owner] - position.put_in for position in self.positions)}
        gains |= {name: wallets[keeper] for keeper, name in self.rivals.names.items()}
        gains["reserve fund"] = left.pop("reserve") + wallets[self.staker] - self.wallets[self.staker]
        gains["lender"] = wallets[self.lender] - self.wallets[self.lender]
        return gains | left

    def _claims_and_market(self) -> dict[str, int]:
        """Return the cash asset of those who stay while everybody else is out: raw units."""
        state = self.cash.pool.state()
        reserve = self.protocol.lent(self.fund_address(), CASH).raw + state.unminted_fee
        markets = [self.devnet.maker, *(market.pool for market in self.protocol.manifest.markets)]
        return {
            "reserve": reserve,
            "market": sum(self.protocol.wallet(address, CASH).raw for address in markets),
            "dust": state.cash - reserve,
        }

    # Books

    def holders(self) -> dict[str, str]:
        """Return everybody who may have tokens, by name."""
        people = {person: person for person in (*self._people(), *self.earlier)}
        return people | {"market maker": self.devnet.maker} | own_addresses(self.protocol)

    def _people(self) -> list[str]:
        return [self.lender, self.staker, *(position.owner for position in self.positions), *self.keepers]

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

    def _audit_story(self) -> list[Check]:
        """Return that each account ended as the story says."""
        checks = []
        for position, loses in ((self.cured, False), (self.saved, True), (self.lost, True), (self.stopped, False)):
            moved = [
                event
                for deed in self.deeds
                for event in deed.receipt.find("DebtMoved", self.cash.pool)
                if event.args["source"] == position.account.id
            ]
            checks.append(Check(position.name, "a keeper took from it", int(bool(moved)), int(loses)))
        for position in (self.cured, self.saved):
            healthy = self.protocol.health(position.account).healthy
            checks.append(Check(position.name, "is above its line", int(healthy), 1))
        owed = self.protocol.debt(self.stopped.account, CASH).raw
        checks.append(Check(self.stopped.name, "owes nothing", owed, 0))
        return [*checks, *accounts_empty(self.protocol, [self.lost.account])]

    def _audit_keepers(self) -> list[Check]:
        """Return that every keeper has what the events of its transactions say, and nothing else."""
        checks = []
        for keeper, name in self.rivals.names.items():
            mine = [deed for deed in self.deeds if deed.keeper == keeper]
            for asset in self.protocol.assets.values():
                if asset.token == self.cash.pool:
                    continue
                brought = sum(_came_in(deed, asset) for deed in mine)
                held = self.protocol.wallet(keeper, asset).raw
                checks.append(Check(asset.symbol, f"{name} keeper's = what takes brought", held, brought))
            shares = sum(
                event.args["starter_shares"]
                for deed in self.deeds
                for event in deed.receipt.find("DebtMoved", self.cash.pool)
                if self.starters[event.args["source"]] == keeper
            )
            held = self.cash.pool.balanceOf(keeper)
            checks.append(Check(CASH, f"{name} keeper's shares = starters' shares", held, shares))
        return checks

    def _audit_left(self) -> list[Check]:
        """Return what holds once everybody has left."""
        assets = self.protocol.assets.values()
        lenders = [*self._people(), *self.earlier, self.fund_address()]
        return [
            *claims_add_up(self.protocol, lenders, self.books.operations),
            *accounts_empty(self.protocol, self.accounts),
            *(holds_nothing(asset, self.protocol.engine, "the engine") for asset in assets),
            *(holds_nothing(asset, self.protocol.swapper, "the swapper") for asset in assets),
            Check(CASH, "what all gained and lost = 0", sum(self._gains().values()), 0),
        ]

    # Showing

    def _named(self) -> dict[str, MarginAccount]:
        return {position.name: position.account for position in self.positions}

    def _show_health(self, title: str) -> None:
        rows = [(name, self.protocol.health(account)) for name, account in self._named().items()]
        self.console.print(health_table(title, rows))


def shared_out(whole: int, weights: Iterable[int]) -> list[int]:
    """Return parts of a whole number in proportion to weights; they sum to it, all 0 where there is no weight."""
    parts: list[int] = []
    given, weight_so_far, weights = 0, 0, list(weights)
    for weight in weights:
        weight_so_far += weight
        upto = whole * weight_so_far // sum(weights) if weight_so_far else 0
        parts.append(upto - given)
        given = upto
    return parts


def _came_in(deed: Deed, asset: Asset) -> int:
    """Return what a transaction brought into its keeper's wallet, raw units: withdrawals, and the fees of orders."""
    events = deed.receipt.find("Withdrawn")
    mine = [event for event in events if event.args["to"] == deed.keeper and event.args["token"] == asset.token.address]
    fees = [event for event in deed.receipt.find("Executed") if event.args["sell"] == asset.token.address]
    return sum(int(event.args["amount"]) for event in mine) + sum(int(event.args["fee"]) for event in fees)
