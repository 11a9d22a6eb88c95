# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title MarginEngine: the one door to every account
@license AGPL-3.0
@notice Holds all collateral, is the only caller that pools lend to, and lets nobody leave an account below initial margin
        after raising its risk. See IMarginEngine for every function; accounts, keys and exposures are explained in
        account_word and IRiskEngine.

        What stops it: `pause` (guardian or owner) and every price status but OK stop borrowing, trades and transfers of
        accounts with debt, and withdrawals of accounts with debt. Nothing stops deposit, repayment, a reduce-only trade (but a DEAD price),
        or a withdrawal without debt; the owner cannot move anybody's balance.
@dev One lock covers every function. `batch` alone runs without it, so that the calls it delegates to itself can take it,
     one after the other; between them no foreign code runs. Checks of a batch are collected in transient storage and made at its end.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import ILendingPool
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IOperatorRegistry
from contracts.interfaces import IRiskEngine
from contracts.interfaces import ISwapper
from contracts.modules import account_word
from contracts.modules import collateral_vault as vault
from contracts.modules import roles
from contracts.modules import token as tokens
from snekmate.auth import ownable

implements: IMarginEngine

initializes: ownable
initializes: roles[ownable := ownable]
initializes: vault

exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
    roles.guardian,
    roles.set_guardian,
)

WAD: constant(uint256) = 10**18

TRADE: constant(uint256) = 1
BORROW: constant(uint256) = 2
WITHDRAW: constant(uint256) = 4
TRANSFER: constant(uint256) = 8

OK: constant(uint256) = 0
DEAD: constant(uint256) = 3

# What a touched account still has to satisfy.
LIMITS: constant(uint256) = 1
MARGIN: constant(uint256) = 2
DEBT_RAISED: constant(uint256) = 4

MAX_CALLS: constant(uint256) = 16
MAX_TOUCHED: constant(uint256) = 32   # no call touches more than two accounts
MAX_MIN_DEBT: constant(uint256) = 100_000 * 10**18
REDUCE_ONLY_MAX_LOSS: constant(uint256) = 100
ADDRESS: constant(uint256) = 2**160 - 1
MIN_DEBT_MASK: constant(uint256) = 2**88 - 1
PAUSED_SHIFT: constant(uint256) = 248

OPERATORS: immutable(IOperatorRegistry)

accounts: HashMap[uint256, uint256]
# risk engine 160 | minimum debt 88 (WAD dollars) | paused 8
packed_settings: uint256

batching: transient(bool)
touched: transient(DynArray[uint256, MAX_TOUCHED])
pending: transient(HashMap[uint256, uint256])


@deploy
def __init__(risk_engine: address, registry: address, min_debt: uint256, owner: address, guardian: address):
    """
    @param registry The OperatorRegistry; its deployer binds it to this engine.
    @param min_debt Smallest debt an account may have after raising it, WAD dollars, at most 100,000.
    """
    ownable.__init__()
    roles.__init__(owner, guardian)
    assert risk_engine != empty(address), "engine: zero address"
    assert registry != empty(address), "engine: zero address"
    assert min_debt <= MAX_MIN_DEBT, "engine: min debt bound"
    OPERATORS = IOperatorRegistry(registry)
    self._save_settings(risk_engine, min_debt, 0)
    log IMarginEngine.RiskEngineSet(risk_engine=risk_engine)
    log IMarginEngine.MinDebtSet(min_debt=min_debt)


# The verbs


@external
def deposit(account: uint256, token: address, amount: uint256) -> uint256:
    assert amount != 0, "engine: zero amount"
    key: uint256 = 0
    pool: address = empty(address)
    key, pool = self._asset(token)
    old: uint256 = self.accounts[account]
    accepted: uint256 = amount
    if not account_word._holds(old, key) and not self._is_trusted(account):
        assert account_word._owes(old, key), "engine: not allowed"
        accepted = min(amount, staticcall ILendingPool(pool).debt_of(account))
    receiver: address = self._receiver(old, key, pool)
    before: uint256 = self._arrivals(token, receiver)
    tokens._transfer_from(token, msg.sender, receiver, accepted)
    assert unsafe_sub(self._arrivals(token, receiver), before) == accepted, "token: received differs"
    word: uint256 = 0
    repaid: uint256 = 0
    word, repaid = self._book(account, old, key, pool, accepted)
    log IMarginEngine.Deposited(account=account, token=token, sender=msg.sender, amount=accepted, repaid=repaid)
    self._finish(account, old, word, 0)
    return repaid


@external
def withdraw(account: uint256, token: address, amount: uint256, to: address, max_borrow: uint256) -> uint256:
    assert amount != 0, "engine: zero amount"
    assert to != empty(address) and to != self, "engine: recipient"
    self._authorise(account, WITHDRAW if max_borrow == 0 else WITHDRAW | BORROW)
    key: uint256 = 0
    pool: address = empty(address)
    key, pool = self._asset(token)
    old: uint256 = self.accounts[account]
    paid: uint256 = amount
    if amount == max_value(uint256):
        paid = vault.balances[account][key]
        assert paid != 0, "engine: insufficient balance"
    word: uint256 = 0
    borrowed: uint256 = 0
    word, borrowed = self._pay(account, old, key, token, pool, paid, max_borrow, to)
    log IMarginEngine.Withdrawn(account=account, token=token, to=to, amount=paid, borrowed=borrowed)
    self._finish(account, old, word, MARGIN if borrowed == 0 else MARGIN | DEBT_RAISED)
    return borrowed


@external
def trade(
    account: uint256,
    sell: address,
    sell_amount: uint256,
    max_borrow: uint256,
    buy: address,
    min_buy: uint256,
    swapper: address,
    data: Bytes[1024],
    deadline: uint256,
    reduce_only: bool,
) -> uint256:
    assert block.timestamp <= deadline, "engine: expired"
    assert sell_amount != 0, "engine: zero amount"
    assert sell != buy, "engine: same asset"
    assert swapper.is_contract, "engine: swapper"
    scope: uint256 = self._authorise(account, TRADE if max_borrow == 0 else TRADE | BORROW)
    sell_key: uint256 = 0
    buy_key: uint256 = 0
    sell_pool: address = empty(address)
    buy_pool: address = empty(address)
    sell_key, sell_pool = self._asset(sell)
    buy_key, buy_pool = self._asset(buy)
    old: uint256 = self.accounts[account]
    exposures: DynArray[uint256, 12] = []
    if reduce_only:
        assert max_borrow == 0, "engine: reduce only"
        exposures = self._exposures(account, old)

    word: uint256 = 0
    borrowed: uint256 = 0
    word, borrowed = self._pay(account, old, sell_key, sell, sell_pool, sell_amount, max_borrow, swapper)
    receiver: address = self._receiver(word, buy_key, buy_pool)
    before: uint256 = self._arrivals(buy, receiver)
    extcall ISwapper(swapper).swap(sell, buy, sell_amount, min_buy, receiver, data)
    bought: uint256 = self._arrivals(buy, receiver) - before
    assert bought >= min_buy, "engine: min_buy"

    repaid: uint256 = 0
    word, repaid = self._book(account, word, buy_key, buy_pool, bought)
    log IMarginEngine.Traded(
        account=account,
        sell=sell,
        buy=buy,
        sold=sell_amount,
        borrowed=borrowed,
        bought=bought,
        repaid=repaid,
        swapper=swapper,
        reduce_only=reduce_only,
    )
    if scope != 0:
        self._charge_operator(scope, sell_key, sell_amount, buy_key, bought)
    if reduce_only:
        self._finish(account, old, word, 0)
        self._assert_reduced(account, word, exposures, receiver != self, sell_key, sell_amount, buy_key, bought)
    else:
        self._finish(account, old, word, MARGIN if borrowed == 0 else MARGIN | DEBT_RAISED)
    return bought


@external
def transfer(source: uint256, target: uint256, token: address, amount: uint256) -> uint256:
    assert amount != 0, "engine: zero amount"
    assert source != target, "engine: same account"
    assert source >> 96 == target >> 96, "engine: not one owner"
    self._authorise(source, TRANSFER)
    key: uint256 = 0
    pool: address = empty(address)
    key, pool = self._asset(token)
    old: uint256 = self.accounts[source]
    word: uint256 = 0
    taken: uint256 = 0
    taken, word = vault._debit(source, old, key, amount)
    assert taken == amount, "engine: insufficient balance"

    target_old: uint256 = self.accounts[target]
    if account_word._owes(target_old, key):
        before: uint256 = self._arrivals(token, pool)
        tokens._push(token, pool, amount)
        assert unsafe_sub(self._arrivals(token, pool), before) == amount, "token: received differs"
    target_word: uint256 = 0
    repaid: uint256 = 0
    target_word, repaid = self._book(target, target_old, key, pool, amount)
    log IMarginEngine.Transferred(source=source, target=target, token=token, amount=amount, repaid=repaid)
    self._finish(target, target_old, target_word, 0)
    self._finish(source, old, word, MARGIN)
    return repaid


@external
@reentrant
def batch(calls: DynArray[Bytes[1380], MAX_CALLS]):
    """
    @dev Without the lock, which each call takes for itself. Entered from inside a verb, the first call finds the lock taken; entered
         from inside a batch, the flag is set. So a batch never starts while anything else of this contract is half done.
    """
    assert not self.batching, "engine: nested batch"
    assert len(calls) != 0, "engine: empty batch"
    self.batching = True
    for call: Bytes[1380] in calls:
        raw_call(self, call, is_delegate_call=True)
    self.batching = False
    for account: uint256 in self.touched:
        needs: uint256 = self.pending[account]
        self.pending[account] = 0
        self._verify(account, self.accounts[account], needs)
    self.touched = []


# Parameters


@external
def add_asset(token: address, pool: address):
    """
    @notice Accept a token that the risk engine has listed, with the pool that lends it. Owner only, for good.
    @dev Errors: "roles: owner only", "engine: not listed", "engine: pool asset", "engine: pool engine", "vault: added already".
    """
    roles._only_owner()
    key: uint256 = staticcall IRiskEngine(self._risk_engine()).key_of(token)
    assert key != 0, "engine: not listed"
    assert staticcall ILendingPool(pool).asset() == token, "engine: pool asset"
    assert staticcall ILendingPool(pool).engine() == self, "engine: pool engine"
    vault._add_asset(token, key, pool)
    log IMarginEngine.AssetAdded(token=token, key=key, pool=pool)


@external
def set_risk_engine(risk_engine: address):
    """
    @notice Replace the risk engine by one that gives every core asset the same key. Owner only.
    @dev Errors: "roles: owner only", "engine: asset keys". An isolated-tier asset that the new one does not list is DEAD for it.
    """
    roles._only_owner()
    assert risk_engine.is_contract, "engine: asset keys"
    for i: uint256 in range(64):
        token: address = vault.tokens[1 << i]
        if token != empty(address):
            assert staticcall IRiskEngine(risk_engine).key_of(token) == 1 << i, "engine: asset keys"
    settings: uint256 = self.packed_settings
    self._save_settings(risk_engine, (settings >> 160) & MIN_DEBT_MASK, settings >> PAUSED_SHIFT)
    log IMarginEngine.RiskEngineSet(risk_engine=risk_engine)


@external
def set_min_debt(min_debt: uint256):
    """
    @notice Set the smallest debt an account may have after raising it. Owner only.
    @param min_debt WAD dollars, at most 100,000.
    @dev Errors: "roles: owner only", "engine: min debt bound".
    """
    roles._only_owner()
    assert min_debt <= MAX_MIN_DEBT, "engine: min debt bound"
    settings: uint256 = self.packed_settings
    self._save_settings(convert(settings & ADDRESS, address), min_debt, settings >> PAUSED_SHIFT)
    log IMarginEngine.MinDebtSet(min_debt=min_debt)


@external
def pause():
    """
    @notice Stop new risk. Guardian or owner.
    @dev Errors: "roles: guardian only".
    """
    roles._only_guardian()
    self.packed_settings |= 1 << PAUSED_SHIFT
    log IMarginEngine.Paused(by=msg.sender)


@external
def unpause():
    """
    @notice Allow new risk again. Owner only.
    @dev Errors: "roles: owner only".
    """
    roles._only_owner()
    self.packed_settings &= ~(1 << PAUSED_SHIFT)
    log IMarginEngine.Unpaused(by=msg.sender)


# Views


@view
@external
def word_of(account: uint256) -> uint256:
    return self.accounts[account]


@view
@external
def exposures(account: uint256) -> DynArray[uint256, 12]:
    return self._exposures(account, self.accounts[account])


@view
@external
def health(account: uint256) -> IRiskEngine.Health:
    return self._health(account, self.accounts[account])


@view
@external
def balance_of(account: uint256, token: address) -> uint256:
    return vault.balances[account][vault._asset(token)[0]]


@view
@external
def debt_of(account: uint256, token: address) -> uint256:
    pool: address = vault._asset(token)[1]
    if pool == empty(address):
        return 0
    return staticcall ILendingPool(pool).debt_of(account)


@view
@external
def held(token: address) -> uint256:
    return vault.held[vault._asset(token)[0]]


@view
@external
def asset_of(token: address) -> (uint256, address):
    return vault._asset(token)


@view
@external
def token_of(key: uint256) -> address:
    return vault.tokens[key]


@view
@external
def settings() -> (address, uint256, bool):
    packed: uint256 = self.packed_settings
    return convert(packed & ADDRESS, address), (packed >> 160) & MIN_DEBT_MASK, packed >> PAUSED_SHIFT != 0


@view
@external
def operators() -> address:
    return OPERATORS.address


# Who may act


@view
@internal
def _authorise(account: uint256, permissions: uint256) -> uint256:
    """
    @notice Revert unless the caller may do all of `permissions` on the account.
    @return 0 for the owner, else the scope of the grant that allows it.
    """
    if account_word._owner(account) == msg.sender:
        return 0
    return staticcall OPERATORS.authorise(account, msg.sender, permissions)


@view
@internal
def _is_trusted(account: uint256) -> bool:
    """
    @notice Whether the caller is the owner or an operator with any permission.
    """
    if account_word._owner(account) == msg.sender:
        return True
    return staticcall OPERATORS.is_operator(account, msg.sender)


# Moving tokens and booking them


@view
@internal
def _asset(token: address) -> (uint256, address):
    key: uint256 = 0
    pool: address = empty(address)
    key, pool = vault._asset(token)
    assert key != 0, "engine: unknown asset"
    return key, pool


@view
@internal
def _receiver(word: uint256, key: uint256, pool: address) -> address:
    """
    @notice Where an asset has to arrive: at the pool, if the account owes it, else here.
    """
    return pool if account_word._owes(word, key) else self


@view
@internal
def _arrivals(token: address, receiver: address) -> uint256:
    """
    @notice A counter that rises by exactly what was sent to `receiver` and is not booked yet.
    @dev The vault's tokens move by this contract only, which is locked, so its balance will do. A pool stays open to
         lenders while a swapper runs: what they bring or take moves its balance and its ledger alike and cancels out. The offset keeps it positive
         inside a flash loan, when the pool's tokens are out but its ledger is not.
    """
    balance: uint256 = staticcall IERC20(token).balanceOf(receiver)
    if receiver == self:
        return balance
    return balance + 2**128 - staticcall ILendingPool(receiver).cash()


@internal
def _pay(
    account: uint256,
    old: uint256,
    key: uint256,
    token: address,
    pool: address,
    amount: uint256,
    max_borrow: uint256,
    to: address,
) -> (uint256, uint256):
    """
    @notice Send `amount` from the account's balance and, where that ends, from new debt.
    @return The account's word and what was borrowed.
    """
    word: uint256 = 0
    taken: uint256 = 0
    taken, word = vault._debit(account, old, key, amount)
    borrowed: uint256 = amount - taken
    if borrowed != 0:
        assert max_borrow != 0, "engine: insufficient balance"
        assert borrowed <= max_borrow, "engine: max_borrow"
        extcall ILendingPool(pool).borrow(account, borrowed, to)
        word = account_word._owe(word, key)
    if taken != 0:
        tokens._push(token, to, taken)
    return word, borrowed


@internal
def _book(account: uint256, old: uint256, key: uint256, pool: address, amount: uint256) -> (uint256, uint256):
    """
    @notice Book `amount` that has arrived: at the pool, if the account owes the asset, else here. What exceeds the debt
            the pool sends here.
    @return The account's word and what was repaid.
    """
    word: uint256 = old
    used: uint256 = 0
    if amount != 0 and account_word._owes(old, key):
        left: uint256 = 0
        used, left = extcall ILendingPool(pool).repay(account, amount)
        if left == 0:
            word = account_word._clear(word, key)
    return vault._credit(account, word, key, amount - used), used


# Checks


@internal
def _finish(account: uint256, old: uint256, word: uint256, needs: uint256):
    """
    @notice Store the account's word and see to its checks: now, or at the end of the batch.
    @param needs MARGIN if the account's risk rose, DEBT_RAISED if its debt did; LIMITS is found here.
    """
    required: uint256 = needs
    if word != old:
        self.accounts[account] = word
        if word & ~old != 0:
            required |= LIMITS
    if required == 0:
        return
    if not self.batching:
        self._verify(account, word, required)
        return
    noted: uint256 = self.pending[account]
    if noted == 0:
        self.touched.append(account)
    self.pending[account] = noted | required


@view
@internal
def _verify(account: uint256, word: uint256, needs: uint256):
    if needs & LIMITS != 0:
        assert account_word._within_limits(word), "engine: too many assets"
    if needs & MARGIN == 0 or not account_word._at_risk(word):
        return
    settings: uint256 = self.packed_settings
    assert settings >> PAUSED_SHIFT == 0, "engine: paused"
    health: IRiskEngine.Health = staticcall IRiskEngine(convert(settings & ADDRESS, address)).assess(
        self._exposures(account, word), []
    )
    assert health.status == OK, "engine: price status"
    assert health.equity_initial >= convert(health.initial, int256), "engine: initial margin"
    if needs & DEBT_RAISED != 0:
        assert health.debt >= (settings >> 160) & MIN_DEBT_MASK, "engine: min debt"


@view
@internal
def _assert_reduced(
    account: uint256,
    word: uint256,
    exposures: DynArray[uint256, 12],
    repaying: bool,
    sell_key: uint256,
    sold: uint256,
    buy_key: uint256,
    bought: uint256,
):
    """
    @notice Accept a trade below initial margin only if it left the account no riskier.
    @param exposures Those before the trade. Both sides are assessed now, at the same prices, so that none that moved
           during the swap pays for a loss.
    @dev No debt can have risen: nothing was borrowed, and time stands still. Equity over requirement is compared by
         cross-multiplication, exactly.
    """
    before: IRiskEngine.Health = staticcall IRiskEngine(self._risk_engine()).assess(exposures, [])
    after: IRiskEngine.Health = self._health(account, word)
    assert max(before.status, after.status) != DEAD, "engine: price status"
    assert after.maintenance <= before.maintenance, "engine: reduce only"
    if before.equity >= 0:
        assert after.equity >= 0, "engine: reduce only"
        assert (
            convert(after.equity, uint256) * before.maintenance >= convert(before.equity, uint256) * after.maintenance
        ), "engine: reduce only"
    else:
        assert repaying, "engine: reduce only"
        given: uint256 = 0
        received: uint256 = 0
        status: uint256 = 0
        given, received, status = self._values(sell_key, sold, buy_key, bought)
        assert received * 10_000 >= given * (10_000 - REDUCE_ONLY_MAX_LOSS), "engine: reduce only"


@internal
def _charge_operator(scope: uint256, sell_key: uint256, sold: uint256, buy_key: uint256, bought: uint256):
    given: uint256 = 0
    received: uint256 = 0
    status: uint256 = 0
    given, received, status = self._values(sell_key, sold, buy_key, bought)
    assert status == OK, "engine: price status"
    extcall OPERATORS.charge_loss(scope, msg.sender, given, received)


@view
@internal
def _values(sell_key: uint256, sold: uint256, buy_key: uint256, bought: uint256) -> (uint256, uint256, uint256):
    """
    @return Values at mid in WAD dollars: of what was sold, rounded up, and of what was bought, rounded down; the worse price status.
    """
    prices: DynArray[IRiskEngine.Price, 16] = staticcall IRiskEngine(self._risk_engine()).prices([sell_key, buy_key])
    return (
        (sold * prices[0].mid + WAD - 1) // WAD,
        bought * prices[1].mid // WAD,
        max(prices[0].status, prices[1].status),
    )


@view
@internal
def _risk_engine() -> address:
    return convert(self.packed_settings & ADDRESS, address)


@view
@internal
def _health(account: uint256, word: uint256) -> IRiskEngine.Health:
    return staticcall IRiskEngine(self._risk_engine()).assess(self._exposures(account, word), [])


@view
@internal
def _exposures(account: uint256, word: uint256) -> DynArray[uint256, 12]:
    """
    @return The account's balances, then its debts with interest, packed as IRiskEngine says.
    @dev Within a batch an account may be beyond its limits for a while; it cannot be assessed then, because whatever
         did not fit would be left out.
    """
    out: DynArray[uint256, 12] = []
    rest: uint256 = account_word._held(word)
    for i: uint256 in range(8):
        if rest == 0:
            break
        key: uint256 = account_word._first(rest)
        rest ^= key
        out.append(key << 184 | vault.balances[account][key])
    assert rest == 0, "engine: too many assets"
    rest = account_word._owed(word)
    for i: uint256 in range(4):
        if rest == 0:
            break
        key: uint256 = account_word._first(rest)
        rest ^= key
        out.append(key << 184 | 1 << 183 | staticcall ILendingPool(vault.pools[key]).debt_of(account))
    assert rest == 0, "engine: too many assets"
    return out


@internal
def _save_settings(risk_engine: address, min_debt: uint256, paused: uint256):
    self.packed_settings = convert(risk_engine, uint256) | min_debt << 160 | paused << PAUSED_SHIFT
