# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title ReserveFund: the first loss of each pool
@license AGPL-3.0
@notice See IReserveFund. Pools mint their fees' shares to it and burn its shares when they write off a debt, without
        asking it; so it compares what it holds with what it held when stakes were last priced, and a loss falls on all stakes alike.

        What stops it: nobody; it has no owner. A provision of a pool stops withdrawals from that pool's part of the fund, until the
        auction behind it ends. Nothing here stops a lender of a healthy pool from leaving, nor a pool from burning.

        What it does not prevent: of a stake whose requests are renewed for ever, the part 2 days / (cooldown + 2 days) is ripe at any moment, and can
        leave ahead of a loss for which no provision is booked yet. Anybody who sees such a loss can book it first.
@dev Pools are told apart by address and nothing is shared between them; a malicious one harms only those who stake its
     shares. `collect` gives tokens to a pool that the engine names, which therefore has to be the protocol's own: an engine that a caller
     could choose would have shares minted to the fund while it is measured, and take them.
"""

from ethereum.ercs import IERC20
from ethereum.ercs import IERC4626
from contracts.interfaces import ILendingPool
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IReserveFund
from contracts.modules import account_word
from contracts.modules import token as tokens
from snekmate.utils import math as sn_math

implements: IReserveFund

VIRTUAL_STAKE: constant(uint256) = 10**6
MOST_STAKE_PER_SHARE: constant(uint256) = 10**12   # a millionth of the first price of a stake
STEP: constant(uint256) = 10**6
MAX_STEPS: constant(uint256) = 13                  # STEP**13 is beyond 2**256
LAPSE: constant(uint256) = 2 * 86_400
MIN_COOLDOWN: constant(uint256) = 86_400
MAX_COOLDOWN: constant(uint256) = 60 * 86_400

struct Book:
    held: uint256    # pool shares when stakes were last priced
    total: uint256   # all stake
    scale: uint256   # how often all stakes have been divided by STEP

struct Scaled:
    amount: uint256
    scale: uint256   # of the book when it was written

struct Pending:
    stake: Scaled
    requested_at: uint256

cooldown: public(immutable(uint256))
engine: public(immutable(address))

books: HashMap[address, Book]
stakes: HashMap[address, HashMap[address, Scaled]]
requests: HashMap[address, HashMap[address, Pending]]


@deploy
def __init__(engine_: address, cooldown_: uint256):
    """
    @param engine_ The margin engine that `collect` empties the fund's accounts of.
    @param cooldown_ Seconds from a request to its payment, 1 to 60 days: longer than an auction takes.
    @dev Errors: "fund: zero address", "fund: cooldown".
    """
    assert engine_ != empty(address), "fund: zero address"
    assert cooldown_ >= MIN_COOLDOWN and cooldown_ <= MAX_COOLDOWN, "fund: cooldown"
    engine = engine_
    cooldown = cooldown_


@external
def stake(pool: address, shares: uint256, receiver: address) -> uint256:
    """
    @notice Add pool shares, pulled from the caller, who has approved the fund. Anyone. The pool's fee is minted first.
    @param pool The pool whose losses they are to bear: one that names this fund.
    @param shares Of the pool, at least 1.
    @param receiver Who owns the stake, not zero; the fund's own address gives the shares away for good.
    @return The stake, rounded down.
    @dev Errors: "fund: zero amount", "fund: zero address", "fund: foreign pool", "fund: zero stake", "token: transferFrom failed",
         "token: received differs", those of the pool's transferFrom.
    """
    assert shares != 0, "fund: zero amount"
    assert receiver != empty(address), "fund: zero address"
    assert staticcall ILendingPool(pool).fund() == self, "fund: foreign pool"
    extcall ILendingPool(pool).mint_fees()
    book: Book = self._sync(pool)
    bought: uint256 = self._stake_for(book, shares)
    assert bought != 0, "fund: zero stake"
    book.held += shares
    book.total += bought
    self.books[pool] = book
    self.stakes[pool][receiver] = Scaled(
        amount=self._now(self.stakes[pool][receiver], book.scale) + bought, scale=book.scale
    )
    log IReserveFund.Staked(pool=pool, sender=msg.sender, owner=receiver, shares=shares, stake=bought)
    tokens._pull(pool, msg.sender, self, shares)
    return bought


@external
def request_withdrawal(pool: address, amount: uint256):
    """
    @notice Ask for `amount` of the caller's stake back; replaces an earlier request. Ripens after the cooldown and lapses two days later.
            Until it is paid the stake earns and bears losses like any other. Owner of the stake.
    @param pool The pool.
    @param amount Stake, at least 1, at most the caller's.
    @dev Errors: "fund: zero amount", "fund: insufficient stake".
    """
    assert amount != 0, "fund: zero amount"
    scale: uint256 = self._sync(pool).scale
    assert amount <= self._now(self.stakes[pool][msg.sender], scale), "fund: insufficient stake"
    self.requests[pool][msg.sender] = Pending(
        stake=Scaled(amount=amount, scale=scale), requested_at=block.timestamp
    )
    log IReserveFund.WithdrawalRequested(
        pool=pool,
        owner=msg.sender,
        stake=amount,
        ripe_at=block.timestamp + cooldown,
        lapses_at=block.timestamp + cooldown + LAPSE,
    )


@external
def cancel_request(pool: address):
    """
    @notice Withdraw the caller's request. Who made it.
    @param pool The pool.
    @dev Errors: "fund: no request".
    """
    request: Pending = self.requests[pool][msg.sender]
    assert request.requested_at != 0, "fund: no request"
    self.requests[pool][msg.sender] = empty(Pending)
    log IReserveFund.RequestCancelled(
        pool=pool, owner=msg.sender, stake=self._now(request.stake, self._sync(pool).scale)
    )


@external
def withdraw(pool: address, receiver: address) -> uint256:
    """
    @notice Pay the caller's ripe request at the price of this moment, the pool's fee minted. Nothing leaves while the pool has a
            provision. Who made the request.
    @param pool The pool.
    @param receiver Of the pool shares, not zero.
    @return Pool shares, rounded down.
    @dev Errors: "fund: zero address", "fund: no request", "fund: not ripe", "fund: lapsed", "fund: provision", "fund: zero shares"
         (the stake is worth less than one pool share), "token: transfer failed".
    """
    assert receiver != empty(address), "fund: zero address"
    request: Pending = self.requests[pool][msg.sender]
    assert request.requested_at != 0, "fund: no request"
    ripe_at: uint256 = request.requested_at + cooldown
    assert block.timestamp >= ripe_at, "fund: not ripe"
    assert block.timestamp <= ripe_at + LAPSE, "fund: lapsed"
    assert (staticcall ILendingPool(pool).state()).provisions == 0, "fund: provision"
    extcall ILendingPool(pool).mint_fees()
    book: Book = self._sync(pool)
    amount: uint256 = self._now(request.stake, book.scale)
    shares: uint256 = self._shares_for(book, amount)
    assert shares != 0, "fund: zero shares"
    book.held -= shares
    book.total -= amount
    self.books[pool] = book
    self.stakes[pool][msg.sender] = Scaled(
        amount=self._now(self.stakes[pool][msg.sender], book.scale) - amount, scale=book.scale
    )
    self.requests[pool][msg.sender] = empty(Pending)
    log IReserveFund.Withdrawn(pool=pool, owner=msg.sender, receiver=receiver, shares=shares, stake=amount)
    tokens._push(pool, receiver, shares)
    return shares


@external
def collect(token: address) -> uint256:
    """
    @notice Lend what liquidations left to the fund in the engine's account `fund << 96 | key` to the token's pool: its shares join the fund's.
            Anyone.
    @param token An asset of the engine.
    @return Pool shares.
    @dev What the fund may hold of the token itself (of a pool's shares, above all) stays out of it: no more moves than the engine owed.
         Errors: "fund: nothing to collect", "fund: approve failed", "token: received differs", and those of the engine's withdraw and
         the pool's deposit.
    """
    key: uint256 = 0
    pool: address = empty(address)
    key, pool = staticcall IMarginEngine(engine).asset_of(token)
    account: uint256 = account_word._account(self, key)
    assets: uint256 = staticcall IMarginEngine(engine).balance_of(account, token)
    assert assets != 0, "fund: nothing to collect"
    before: uint256 = staticcall IERC20(token).balanceOf(self)
    extcall IMarginEngine(engine).withdraw(account, token, assets, self, 0)
    assert unsafe_sub(staticcall IERC20(token).balanceOf(self), before) == assets, "token: received differs"
    assert extcall IERC20(token).approve(pool, assets, default_return_value=True), "fund: approve failed"
    shares: uint256 = extcall IERC4626(pool).deposit(assets, self)
    log IReserveFund.Collected(token=token, pool=pool, assets=assets, shares=shares)
    return shares


@view
@external
def stake_of(pool: address, owner: address) -> uint256:
    """
    @notice An owner's stake in a pool's fund; the fund's own address owns what nobody can withdraw. Anyone.
    @param pool The pool.
    @param owner Whose stake.
    @return Stake as of now, all rescalings included.
    """
    book: Book = empty(Book)
    kept: uint256 = 0
    own: uint256 = 0
    book, kept, own = self._current(pool)
    amount: uint256 = self._now(self.stakes[pool][owner], book.scale)
    if owner == self:
        return amount + own
    return amount


@view
@external
def total_stake(pool: address) -> uint256:
    """
    @notice All stake in a pool's fund, the fund's own included; at least the sum over all owners. Anyone.
    @param pool The pool.
    @return Stake as of now.
    """
    return self._current(pool)[0].total


@view
@external
def total_shares(pool: address) -> uint256:
    """
    @notice Pool shares that the fund holds of a pool. Anyone.
    @param pool The pool.
    @return Pool shares.
    """
    return staticcall IERC20(pool).balanceOf(self)


@view
@external
def convert_to_shares(pool: address, amount: uint256) -> uint256:
    """
    @notice Pool shares that a stake is worth now; a fee that its pool has not minted yet is not counted. Anyone.
    @param pool The pool.
    @param amount Stake.
    @return Pool shares, rounded down.
    """
    return self._shares_for(self._current(pool)[0], amount)


@view
@external
def convert_to_stake(pool: address, shares: uint256) -> uint256:
    """
    @notice Stake that pool shares buy now; a fee that its pool has not minted yet is not counted. Anyone.
    @param pool The pool.
    @param shares Of the pool.
    @return Stake, rounded down.
    """
    return self._stake_for(self._current(pool)[0], shares)


@view
@external
def request_of(pool: address, owner: address) -> IReserveFund.Request:
    """
    @notice An owner's open request, ripe or lapsed or not; zeros when there is none. Anyone.
    @param pool The pool.
    @param owner Whose request.
    @return The stake it asks for as of now, and when it was made.
    """
    request: Pending = self.requests[pool][owner]
    return IReserveFund.Request(
        stake=self._now(request.stake, self._current(pool)[0].scale), requested_at=request.requested_at
    )


@view
@external
def scale_of(pool: address) -> uint256:
    """
    @notice How often all stakes of a pool have been divided by a million. Anyone.
    @param pool The pool.
    @return The number of times, as of now.
    """
    return self._current(pool)[0].scale


@internal
def _sync(pool: address) -> Book:
    """
    @notice Book what came in and what was burned since stakes were last priced.
    """
    book: Book = empty(Book)
    kept: uint256 = 0
    own: uint256 = 0
    book, kept, own = self._current(pool)
    if book.scale != self.books[pool].scale:
        log IReserveFund.Rescaled(pool=pool, scale=book.scale, total_stake=book.total - own)
    if own != 0:
        self.stakes[pool][self] = Scaled(amount=self._now(self.stakes[pool][self], book.scale) + own, scale=book.scale)
        log IReserveFund.Retained(pool=pool, shares=kept, stake=own)
    self.books[pool] = book
    return book


@view
@internal
def _current(pool: address) -> (Book, uint256, uint256):
    """
    @return The book as of now; of what came in, the pool shares that are the fund's own, and the stake for them.
    @dev A loss is booked first, then stakes are rescaled, then the fund's part is bought at the price before the rest raises it. Every
         step of the loop takes a million off the total, so it ends before the bound does.
    """
    book: Book = self.books[pool]
    held: uint256 = staticcall IERC20(pool).balanceOf(self)
    book.held = min(book.held, held)
    for i: uint256 in range(MAX_STEPS):
        if book.total + VIRTUAL_STAKE <= (book.held + 1) * MOST_STAKE_PER_SHARE:
            break
        book.total //= STEP
        book.scale += 1
    came: uint256 = held - book.held
    kept: uint256 = came - came // 2
    own: uint256 = self._stake_for(book, kept)
    book.held = held
    book.total += own
    return book, kept, own


@pure
@internal
def _shares_for(book: Book, amount: uint256) -> uint256:
    """
    @dev For an amount up to the total this is at most what is held: (held + 1) * total / (total + 1e6) < held + 1.
    """
    return sn_math._mul_div(amount, book.held + 1, book.total + VIRTUAL_STAKE, False)


@pure
@internal
def _stake_for(book: Book, shares: uint256) -> uint256:
    return sn_math._mul_div(shares, book.total + VIRTUAL_STAKE, book.held + 1, False)


@pure
@internal
def _now(stake: Scaled, scale: uint256) -> uint256:
    """
    @return An amount written at an earlier scale, as of `scale`, rounded down.
    """
    steps: uint256 = scale - stake.scale
    if steps >= MAX_STEPS:
        return 0
    return stake.amount // STEP**steps
