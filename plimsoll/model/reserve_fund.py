"""The first loss of a pool, exact to the unit: twin of ``contracts/ReserveFund.vy`` (DESIGN §5).

    fund = ReserveFund(pool, cooldown=7 * 86_400)     # the contract's part for one pool; parts share nothing
    bought = fund.stake(now, shares, sender, receiver)

Pool shares and stake are integers without a unit of their own, times unix seconds. The pool is
`plimsoll.model.lending_pool.Pool`, whose `fund` names this fund. Where the contract reverts, `ValueError` carries its
reason, and nothing changed. Rounding is against who acts: stake and pool shares paid down, the fund's own part up.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from plimsoll.model.lending_pool import Pool

VIRTUAL_STAKE = 10**6
MOST_STAKE_PER_SHARE = 10**12
STEP = 10**6
MAX_STEPS = 13
LAPSE = 2 * 86_400
MIN_COOLDOWN = 86_400
MAX_COOLDOWN = 60 * 86_400


class Book(NamedTuple):
    """What stakes are priced on."""

    held: int
    """Pool shares when stakes were last priced."""
    total: int
    """All stake, the fund's own included."""
    scale: int
    """How often all stakes have been divided by `STEP`."""


class Current(NamedTuple):
    """A book with what came in and what was burned since it was written."""

    book: Book
    kept: int
    """Of what came in, the pool shares that are the fund's own."""
    own: int
    """The stake for them."""


class Request(NamedTuple):
    """IReserveFund.Request."""

    stake: int
    requested_at: int


class Scaled(NamedTuple):
    """An amount of stake, and the book's scale when it was written."""

    amount: int
    scale: int


EMPTY = Book(0, 0, 0)
NOTHING = Scaled(0, 0)


def current(book: Book, held: int) -> Current:
    """Return a book as of now, when the fund holds `held` pool shares.

    What is missing was burned: the loss is booked first. Then stakes are rescaled. What is more came in: half of it,
    rounded up, buys stake of the fund's own at the price before, the rest raises the price.
    """
    least, total, scale = min(book.held, held), book.total, book.scale
    while total + VIRTUAL_STAKE > (least + 1) * MOST_STAKE_PER_SHARE:
        total //= STEP
        scale += 1
    came = held - least
    kept = came - came // 2
    own = stake_for(Book(least, total, scale), kept)
    return Current(Book(held, total + own, scale), kept, own)


def shares_for(book: Book, amount: int) -> int:
    """Return the pool shares that a stake is worth, rounded down."""
    return amount * (book.held + 1) // (book.total + VIRTUAL_STAKE)


def stake_for(book: Book, shares: int) -> int:
    """Return the stake that pool shares buy, rounded down."""
    return shares * (book.total + VIRTUAL_STAKE) // (book.held + 1)


def rescaled(stake: Scaled, scale: int) -> int:
    """Return an amount written at an earlier scale as of `scale`, rounded down."""
    steps: int = scale - stake.scale
    if steps >= MAX_STEPS:
        return 0
    divisor: int = STEP**steps
    return stake.amount // divisor


@dataclass(slots=True)
class ReserveFund:
    """The fund's part for one pool: who owns which stake, and who asked for it back."""

    pool: Pool
    cooldown: int
    book: Book = EMPTY
    stakes: dict[Hashable, Scaled] = field(default_factory=dict)
    requests: dict[Hashable, tuple[Scaled, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _require(MIN_COOLDOWN <= self.cooldown <= MAX_COOLDOWN, "fund: cooldown")

    @property
    def owner(self) -> Hashable:
        """The fund itself, as the pool names it."""
        return self.pool.fund

    def stake(self, now: int, shares: int, sender: Hashable, receiver: Hashable) -> int:
        """Return the stake bought with pool shares of `sender`."""
        _require(shares != 0, "fund: zero amount")
        book = self._after_fees(now)
        bought = stake_for(book, shares)
        _require(bought != 0, "fund: zero stake")
        _require(self.pool.balance_of(sender) >= shares, "erc20: transfer amount exceeds balance")
        self.pool.mint_fees(now)
        self._sync()
        self.pool.transfer(sender, self.owner, shares)
        self.book = Book(book.held + shares, book.total + bought, book.scale)
        self.stakes[receiver] = Scaled(self._amount(receiver) + bought, book.scale)
        return bought

    def request_withdrawal(self, now: int, owner: Hashable, amount: int) -> None:
        """Ask for `amount` of an owner's stake back."""
        _require(amount != 0, "fund: zero amount")
        _require(amount <= self.stake_of(owner), "fund: insufficient stake")
        self._sync()
        self.requests[owner] = (Scaled(amount, self.book.scale), now)

    def cancel_request(self, owner: Hashable) -> None:
        """Forget an owner's request."""
        _require(owner in self.requests, "fund: no request")
        del self.requests[owner]
        self._sync()

    def withdraw(self, now: int, owner: Hashable, receiver: Hashable) -> int:
        """Return the pool shares paid for an owner's ripe request."""
        _require(owner in self.requests, "fund: no request")
        requested, requested_at = self.requests[owner]
        ripe_at = requested_at + self.cooldown
        _require(now >= ripe_at, "fund: not ripe")
        _require(now <= ripe_at + LAPSE, "fund: lapsed")
        _require(self.pool.provisions == 0, "fund: provision")
        book = self._after_fees(now)
        amount = rescaled(requested, book.scale)
        shares = shares_for(book, amount)
        _require(shares != 0, "fund: zero shares")
        self.pool.mint_fees(now)
        self._sync()
        self.book = Book(book.held - shares, book.total - amount, book.scale)
        self.stakes[owner] = Scaled(self._amount(owner) - amount, book.scale)
        del self.requests[owner]
        self.pool.transfer(self.owner, receiver, shares)
        return shares

    # Views

    def current(self) -> Current:
        """Return the book as of now."""
        return current(self.book, self.pool.balance_of(self.owner))

    def stake_of(self, owner: Hashable) -> int:
        """Return an owner's stake; the fund itself owns what nobody can withdraw."""
        book, _, own = self.current()
        amount = rescaled(self.stakes.get(owner, NOTHING), book.scale)
        return amount + own if owner == self.owner else amount

    def total_stake(self) -> int:
        """Return all stake, the fund's own included."""
        return self.current().book.total

    def total_shares(self) -> int:
        """Return the pool shares that the fund holds."""
        return self.pool.balance_of(self.owner)

    def convert_to_shares(self, amount: int) -> int:
        """Return the pool shares that a stake is worth, an unminted fee not counted."""
        return shares_for(self.current().book, amount)

    def convert_to_stake(self, shares: int) -> int:
        """Return the stake that pool shares buy, an unminted fee not counted."""
        return stake_for(self.current().book, shares)

    def request_of(self, owner: Hashable) -> Request:
        """Return an owner's request; zeros when there is none."""
        stake, requested_at = self.requests.get(owner, (NOTHING, 0))
        return Request(rescaled(stake, self.scale_of()), requested_at)

    def scale_of(self) -> int:
        """Return how often all stakes have been divided by `STEP`."""
        return self.current().book.scale

    def _after_fees(self, now: int) -> Book:
        minted = replace(self.pool, balances=dict(self.pool.balances)).mint_fees(now)
        return current(self.book, self.pool.balance_of(self.owner) + minted).book

    def _sync(self) -> None:
        book, _, own = self.current()
        if own:
            self.stakes[self.owner] = Scaled(
                rescaled(self.stakes.get(self.owner, NOTHING), book.scale) + own, book.scale
            )
        self.book = book

    def _amount(self, owner: Hashable) -> int:
        return rescaled(self.stakes.get(owner, NOTHING), self.book.scale)


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise ValueError(reason)
