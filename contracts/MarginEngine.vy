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

        What stops it: `pause` (guardian or owner), every price status but OK, and an asset's cap or gate (see `restrictions`) stop
        borrowing, trades and transfers of accounts with debt, and withdrawals of accounts with debt. Nothing stops deposit, repayment,
        a reduce-only trade (but, with debt, a DEAD price), or a withdrawal without debt; the owner cannot move anybody's balance.
@dev One lock covers every function. `batch` alone runs without it, so that the calls it delegates to itself can take it,
     one after the other; between them no foreign code runs. Checks of a batch are collected in transient storage and made at its end.

     A reason that is given in several places has a function of its own: its text takes 130 bytes of code each time.
"""

from ethereum.ercs import IERC20
from contracts.interfaces import ILendingPool
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IRiskEngine
from contracts.interfaces import ISwapper
from contracts.modules import account_word
from contracts.modules import collateral_vault as vault
from contracts.modules import engine_parameters as parameters
from contracts.modules import exposure
from contracts.modules import liquidation
from contracts.modules import margin_accounts as accounts
from contracts.modules import restrictions
from contracts.modules import roles
from contracts.modules import token as tokens
from snekmate.auth import ownable

implements: IMarginEngine

initializes: ownable
initializes: roles[ownable := ownable]
initializes: vault
initializes: parameters[roles := roles, vault := vault]
initializes: restrictions[roles := roles, vault := vault, parameters := parameters]
initializes: accounts[vault := vault, parameters := parameters, restrictions := restrictions]
initializes: liquidation[vault := vault, parameters := parameters, restrictions := restrictions, accounts := accounts]

exports: (
    parameters.add_asset,
    parameters.set_risk_engine,
    parameters.set_min_debt,
    parameters.pause,
    parameters.unpause,
    parameters.settings,
    parameters.auction,
)
exports: (
    restrictions.set_gate,
    restrictions.set_cap,
    restrictions.lower_cap,
    restrictions.restrictions_of,
)
exports: (
    liquidation.liquidate,
    liquidation.take,
    liquidation.cancel,
    liquidation.write_off,
    liquidation.poke,
)
exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
    roles.guardian,
    roles.set_guardian,
)

TRADE: constant(uint256) = 1
BORROW: constant(uint256) = 2
WITHDRAW: constant(uint256) = 4
TRANSFER: constant(uint256) = 8

OK: constant(uint256) = 0
DEAD: constant(uint256) = 3

MAX_CALLS: constant(uint256) = 16
REDUCE_ONLY_MAX_LOSS: constant(uint256) = 100


@deploy
def __init__(
    risk_engine: address, registry: address, auction: address, min_debt: uint256, owner: address, guardian: address
):
    """
    @param registry The OperatorRegistry; its deployer binds it to this engine.
    @param auction The LiquidationAuction. Each knows the other by its constructor, so the address of the one deployed later is computed
           beforehand, from its deployer and his nonce. While there is no auction that knows this engine, no asset can be added.
    @param min_debt Smallest debt an account may have after raising it, WAD dollars, whole cents, at most 100,000.
    """
    ownable.__init__()
    roles.__init__(owner, guardian)
    parameters.__init__(risk_engine, auction, min_debt)
    accounts.__init__(registry)


# The verbs


@external
def deposit(account: uint256, token: address, amount: uint256) -> uint256:
    self._assert_amount(amount)
    key: uint256 = 0
    pool: address = empty(address)
    key, pool = vault._known_asset(token)
    old: uint256 = accounts.words[account]
    accepted: uint256 = amount
    if not account_word._holds(old, key) and not accounts._is_trusted(account):
        assert account_word._owes(old, key), "engine: not allowed"
        accepted = min(amount, staticcall ILendingPool(pool).debt_of(account))
    receiver: address = self._receiver(old, key, pool)
    before: uint256 = self._arrivals(token, receiver)
    tokens._transfer_from(token, msg.sender, receiver, accepted)
    self._assert_arrived(token, receiver, before, accepted)
    word: uint256 = 0
    repaid: uint256 = 0
    owed: uint256 = 0
    word, repaid, owed = self._book(account, old, key, receiver, accepted)
    log IMarginEngine.Deposited(account=account, token=token, sender=msg.sender, amount=accepted, repaid=repaid)
    accounts._finish(account, old, word, 0, owed)
    return repaid


@external
def withdraw(account: uint256, token: address, amount: uint256, to: address, max_borrow: uint256) -> uint256:
    self._assert_amount(amount)
    assert to != empty(address) and to != self, "engine: recipient"
    accounts._authorise(account, WITHDRAW if max_borrow == 0 else WITHDRAW | BORROW)
    key: uint256 = 0
    pool: address = empty(address)
    key, pool = vault._known_asset(token)
    old: uint256 = accounts.words[account]
    accounts._assert_free(old)
    paid: uint256 = amount
    if amount == max_value(uint256):
        paid = vault.balances[account][key]
        self._assert_balance(paid != 0)
    word: uint256 = 0
    borrowed: uint256 = 0
    owed: uint256 = 0
    word, borrowed, owed = self._pay(account, old, token, key, pool, paid, max_borrow, to)
    log IMarginEngine.Withdrawn(account=account, token=token, to=to, amount=paid, borrowed=borrowed)
    accounts._finish(account, old, word, accounts.MARGIN if borrowed == 0 else accounts.MARGIN | accounts.DEBT_RAISED, owed)
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
    self._assert_amount(sell_amount)
    assert sell != buy, "engine: same asset"
    assert swapper.is_contract, "engine: swapper"
    scope: uint256 = accounts._authorise(account, TRADE if max_borrow == 0 else TRADE | BORROW)
    sell_key: uint256 = 0
    buy_key: uint256 = 0
    sell_pool: address = empty(address)
    buy_pool: address = empty(address)
    sell_key, sell_pool = vault._known_asset(sell)
    buy_key, buy_pool = vault._known_asset(buy)
    old: uint256 = accounts.words[account]
    exposures: DynArray[uint256, 12] = []
    compared: bool = reduce_only and account_word._at_risk(old)
    if not reduce_only:
        accounts._assert_free(old)
    else:
        self._assert_reducing(max_borrow == 0)
        if compared:
            exposures = accounts._exposures(account, old, 0)

    word: uint256 = 0
    borrowed: uint256 = 0
    owed: uint256 = 0
    word, borrowed, owed = self._pay(account, old, sell, sell_key, sell_pool, sell_amount, max_borrow, swapper)
    receiver: address = self._receiver(word, buy_key, buy_pool)
    before: uint256 = self._arrivals(buy, receiver)
    extcall ISwapper(swapper).swap(sell, buy, sell_amount, min_buy, receiver, data)
    bought: uint256 = self._arrivals(buy, receiver) - before
    assert bought >= min_buy, "engine: min_buy"

    repaid: uint256 = 0
    left: uint256 = 0
    word, repaid, left = self._book(account, word, buy_key, receiver, bought)
    owed = max(owed, left)
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
    needs: uint256 = 0
    if not reduce_only:
        needs = accounts.MARGIN if borrowed == 0 else accounts.MARGIN | accounts.DEBT_RAISED
    accounts._finish(account, old, word, needs, owed)
    if compared:
        self._assert_reduced(account, word, owed, exposures, receiver != self, sell_key, sell_amount, buy_key, bought)
    return bought


@external
def transfer(source: uint256, target: uint256, token: address, amount: uint256) -> uint256:
    self._assert_amount(amount)
    accounts._assert_distinct(source, target)
    assert source >> 96 == target >> 96, "engine: not one owner"
    accounts._authorise(source, TRANSFER)
    key: uint256 = 0
    pool: address = empty(address)
    key, pool = vault._known_asset(token)
    old: uint256 = accounts.words[source]
    accounts._assert_free(old)
    word: uint256 = 0
    taken: uint256 = 0
    taken, word = vault._debit(source, old, key, amount)
    self._assert_balance(taken == amount)

    target_old: uint256 = accounts.words[target]
    receiver: address = self._receiver(target_old, key, pool)
    if receiver != self:
        before: uint256 = self._arrivals(token, receiver)
        tokens._push(token, receiver, amount)
        self._assert_arrived(token, receiver, before, amount)
    target_word: uint256 = 0
    repaid: uint256 = 0
    owed: uint256 = 0
    target_word, repaid, owed = self._book(target, target_old, key, receiver, amount)
    log IMarginEngine.Transferred(source=source, target=target, token=token, amount=amount, repaid=repaid)
    accounts._finish(target, target_old, target_word, 0, owed)
    accounts._finish(source, old, word, accounts.MARGIN, 0)
    return repaid


@external
@reentrant
def batch(calls: DynArray[Bytes[1380], MAX_CALLS]):
    """
    @dev Without the lock, which each call takes for itself. Entered from inside a verb, the first verb finds the lock taken; entered
         from inside a batch, the flag is set. So no verb of a batch ever runs while another is half done. The lists cannot
         overflow: MAX_CALLS calls touch at most two accounts each.
    """
    accounts._begin_batch()
    assert len(calls) != 0, "engine: empty batch"
    for call: Bytes[1380] in calls:
        raw_call(self, call, is_delegate_call=True)
    accounts._end_batch()


# Views


@view
@external
def word_of(account: uint256) -> uint256:
    return accounts.words[account]


@view
@external
def exposures(account: uint256) -> DynArray[uint256, 12]:
    return accounts._exposures(account, accounts.words[account], 0)


@view
@external
def health(account: uint256) -> IRiskEngine.Health:
    return accounts._health(account, accounts.words[account], 0)


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
def asset_of(token: address) -> (uint256, address):
    return vault._asset(token)


@view
@external
def token_of(key: uint256) -> address:
    return vault.tokens[key]


@view
@external
def operators() -> address:
    return accounts.OPERATORS.address


# Moving tokens and booking them


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
         lenders while a swapper runs: what they bring or take moves its balance and its ledger alike and cancels out. The offset keeps it
         positive inside a flash loan, when the pool's tokens are out but its ledger is not.
    """
    balance: uint256 = staticcall IERC20(token).balanceOf(receiver)
    if receiver == self:
        return balance
    return balance + 2**128 - staticcall ILendingPool(receiver).cash()


@internal
def _pay(
    account: uint256,
    old: uint256,
    token: address,
    key: uint256,
    pool: address,
    amount: uint256,
    max_borrow: uint256,
    to: address,
) -> (uint256, uint256, uint256):
    """
    @notice Send `amount` from the account's balance and, where that ends, from new debt.
    @return The account's word, what was borrowed, and the debt as an exposure, 0 when nothing was borrowed.
    """
    word: uint256 = 0
    taken: uint256 = 0
    taken, word = vault._debit(account, old, key, amount)
    borrowed: uint256 = unsafe_sub(amount, taken)
    owed: uint256 = 0
    if borrowed != 0:
        self._assert_balance(max_borrow != 0)
        assert borrowed <= max_borrow, "engine: max_borrow"
        owed = key << exposure.KEY_BITS | exposure.DEBT | extcall ILendingPool(pool).borrow(account, borrowed, to)
        word = account_word._owe(word, key)
    if taken != 0:
        tokens._push(token, to, taken)
    return word, borrowed, owed


@internal
def _book(account: uint256, old: uint256, key: uint256, receiver: address, amount: uint256) -> (uint256, uint256, uint256):
    """
    @notice Book `amount` that has arrived at `receiver`, the account's `_receiver`. What exceeds a debt the pool sends here.
    @return The account's word, what was repaid, and the debt that is left as an exposure, 0 when nothing was repaid or is left.
    """
    word: uint256 = old
    repaid: uint256 = 0
    owed: uint256 = 0
    if receiver != self and amount != 0:
        left: uint256 = 0
        repaid, left = extcall ILendingPool(receiver).repay(account, amount)
        if left == 0:
            word = account_word._clear(word, key)
        else:
            owed = key << exposure.KEY_BITS | exposure.DEBT | left
    return vault._credit(account, word, key, amount - repaid), repaid, owed


# Checks


@pure
@internal
def _assert_amount(amount: uint256):
    assert amount != 0, "engine: zero amount"


@pure
@internal
def _assert_balance(suffices: bool):
    assert suffices, "engine: insufficient balance"


@pure
@internal
def _assert_reducing(reduces: bool):
    assert reduces, "engine: reduce only"


@view
@internal
def _assert_arrived(token: address, receiver: address, before: uint256, amount: uint256):
    assert unsafe_sub(self._arrivals(token, receiver), before) == amount, "token: received differs"


@view
@internal
def _assert_reduced(
    account: uint256,
    word: uint256,
    owed: uint256,
    exposures: DynArray[uint256, 12],
    repaying: bool,
    sell_key: uint256,
    sold: uint256,
    buy_key: uint256,
    bought: uint256,
):
    """
    @notice Accept a trade below initial margin only if it left the account no riskier.
    @param owed See _exposures.
    @param exposures Those before the trade. Both sides are assessed now, at the same prices, so that none that moved
           during the swap pays for a loss.
    @dev Asked only where something was owed before the trade. No debt can have risen: nothing was borrowed, and time stands still. Equity
         over requirement is compared by cross-multiplication, exactly.
    """
    before: IRiskEngine.Health = accounts._assess(exposures)
    after: IRiskEngine.Health = accounts._health(account, word, owed)
    accounts._assert_priced(max(before.status, after.status) != DEAD)
    reduced: bool = after.maintenance <= before.maintenance
    if before.equity < 0:
        swapped: IRiskEngine.Health = self._swapped(sell_key, sold, buy_key, bought)
        most: int256 = convert(swapped.debt * REDUCE_ONLY_MAX_LOSS, int256)
        reduced = reduced and repaying and swapped.equity * 10_000 >= -most
    elif reduced:
        reduced = after.equity >= 0 and (
            convert(after.equity, uint256) * before.maintenance >= convert(before.equity, uint256) * after.maintenance
        )
    self._assert_reducing(reduced)


@internal
def _charge_operator(scope: uint256, sell_key: uint256, sold: uint256, buy_key: uint256, bought: uint256):
    swapped: IRiskEngine.Health = self._swapped(sell_key, sold, buy_key, bought)
    accounts._assert_priced(swapped.status == OK)
    received: uint256 = convert(swapped.equity + convert(swapped.debt, int256), uint256)
    extcall accounts.OPERATORS.charge_loss(scope, msg.sender, swapped.debt, received)


@view
@internal
def _swapped(sell_key: uint256, sold: uint256, buy_key: uint256, bought: uint256) -> IRiskEngine.Health:
    """
    @return A swap's assessment at mid, as if what was sold were owed: `debt` is the value sold, rounded up, `equity` what was gained
            by it, the value bought being rounded down.
    """
    both: DynArray[uint256, 12] = [
        sell_key << exposure.KEY_BITS | exposure.DEBT | sold, buy_key << exposure.KEY_BITS | bought
    ]
    return accounts._assess(both)
