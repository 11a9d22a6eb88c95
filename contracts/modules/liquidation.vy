# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Liquidation: moving what an auction's terms say
@license AGPL-3.0
@notice The account stays where it is. LiquidationAuction decides when it may be taken from and on what terms; here the ledger
        is moved: a taker's account assumes a part of every debt and receives a part of every positive balance, no token moves, and
        the ordinary check at initial margin is what keeps the taker honest.

        What stops it: nothing that anybody can set, but a gate on an asset of the account, which stops `take` for those whom it does
        not let in. A taker whose account keeps debts afterwards is checked like anybody who took risk,
        so he needs prices that are OK and new risk not paused, unless he ends without debt.
@dev Nobody may start, take, end, write off or poke while the account's own check is pending.
"""

from contracts.interfaces import ILendingPool
from contracts.interfaces import ILiquidationAuction
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IRiskEngine
from contracts.modules import account_word
from contracts.modules import collateral_vault as vault
from contracts.modules import engine_parameters as parameters
from contracts.modules import exposure
from contracts.modules import margin_accounts as accounts
from contracts.modules import restrictions

uses: vault
uses: parameters
uses: restrictions
uses: accounts

WAD: constant(uint256) = 10**18
BORROW: constant(uint256) = 2
FIELD_BITS: constant(uint256) = 72
UNKNOWN: constant(uint256) = max_value(uint256)

@external
def liquidate(account: uint256):
    """
    @notice Start an auction of an account below its maintenance line, or raise the penalty of one that is past its tail. Anyone; who starts
            it is paid a part of every positive bonus that another one takes.
    @dev Errors: "engine: check pending", "auction: healthy", "auction: running".
    """
    accounts._assert_settled(account)
    word: uint256 = accounts.words[account]
    exposures: DynArray[uint256, 12] = accounts._exposures(account, word, 0)
    shortfall: uint256 = extcall ILiquidationAuction(parameters.auction).start(
        account, msg.sender, self._values(parameters._risk_engine(), exposures)
    )
    self._provide(account, account_word._with(word, account_word.UNDER_AUCTION), exposures, shortfall)


@external
def take(account: uint256, fraction: uint256, to_account: uint256, min_bonus: int256) -> (uint256, uint256):
    """
    @notice Assume a part of every debt of an account under auction and receive a part of every positive balance. The owner of
            `to_account`, or an operator with BORROW on it. In a batch the taker sells what he received, repays and withdraws his profit.
    @param fraction Of every debt, WAD; cut to the most that the terms allow.
    @param to_account Not the account itself, not under auction, and without a balance opposite to what it receives.
    @param min_bonus Least bonus per unit of debt value, WAD; may be negative, but not an operator's.
    @return Fraction of every debt and share of every positive balance that were moved, WAD.
    @dev Errors: "engine: same account", "engine: check pending", "operators: not allowed", "engine: operator bonus", "engine: gate" and
         "engine: gas" (for every asset of the account, also those that stay where they are), "engine: under auction",
         "engine: opposite balance", the auction's, and those of the check of `to_account`.
    """
    accounts._assert_distinct(account, to_account)
    accounts._assert_settled(account)
    assert accounts._authorise(to_account, BORROW) == 0 or min_bonus >= 0, "engine: operator bonus"
    risk_engine: address = empty(address)
    min_debt: uint256 = 0
    paused: bool = False
    restricted: uint256 = 0
    risk_engine, min_debt, paused, restricted = parameters._settings()
    word: uint256 = accounts.words[account]
    if (word | word >> FIELD_BITS) & restricted != 0:
        restrictions._assert_admitted(to_account, word, restricted, False)
    exposures: DynArray[uint256, 12] = accounts._exposures(account, word, self._accrued(account, word))
    values: IRiskEngine.Liquidation = self._values(risk_engine, exposures)
    terms: ILiquidationAuction.Terms = extcall ILiquidationAuction(parameters.auction).take(
        account, fraction, min_bonus, min_debt, values
    )
    if account_word._owner(to_account) == terms.starter:
        terms.starter_rate = 0   # he would owe it to himself
    target_old: uint256 = accounts.words[to_account]
    target: uint256 = target_old
    accounts._assert_free(target)

    owed: uint256 = 0
    rest: uint256 = values.excluded
    for packed: uint256 in exposures:
        excluded: bool = rest & 1 != 0
        rest = rest >> 1
        if excluded:
            continue
        key: uint256 = packed >> exposure.KEY_BITS
        owes: bool = packed & exposure.DEBT != 0
        opposite: bool = account_word._holds(target, key) if owes else account_word._owes(target, key)
        assert not opposite, "engine: opposite balance"
        if owes:
            left: uint256 = 0
            left, owed = extcall ILendingPool(vault.pools[key]).move_debt(
                account, to_account, terms.fraction, terms.starter, terms.starter_rate, terms.fund_rate
            )
            owed |= key << exposure.KEY_BITS | exposure.DEBT
            target = account_word._owe(target, key)
            if left == 0:
                word = account_word._clear(word, key)
        else:
            moved: uint256 = (packed & exposure.AMOUNT) * terms.share // WAD
            word, target = vault._move(account, word, to_account, target, key, moved)
    log IMarginEngine.Taken(
        account=account,
        target=to_account,
        caller=msg.sender,
        fraction=terms.fraction,
        share=terms.share,
        bonus=terms.bonus,
        excluded=values.excluded,
    )
    if terms.written_off:
        word = self._write_off(account, word)
    if terms.ended:
        self._end(account, word)
    else:
        self._provide(account, word, exposures, terms.shortfall)
    accounts._finish(to_account, target_old, target, accounts.MARGIN | accounts.DEBT_RAISED, owed)
    return terms.fraction, terms.share


@external
def cancel(account: uint256):
    """
    @notice End the auction of an account that is back above its line, or above its target in a transaction that took from it.
            Anyone.
    @dev Errors: "engine: check pending", "auction: none", "auction: price status" (with debts), "auction: below the line".
    """
    accounts._assert_settled(account)
    word: uint256 = accounts.words[account]
    extcall ILiquidationAuction(parameters.auction).end(
        account,
        account_word._owed(word) != 0,
        self._values(parameters._risk_engine(), accounts._exposures(account, word, 0)),
    )
    self._end(account, word)


@external
def write_off(account: uint256):
    """
    @notice Give up the debts of an account under auction that has negative equity and only dust left, which goes to the reserve fund's
            accounts `fund << 96 | key`. Anyone.
    @dev Errors: "engine: check pending", "auction: none", "auction: price status", "auction: solvent", "auction: not dust".
    """
    accounts._assert_settled(account)
    risk_engine: address = empty(address)
    min_debt: uint256 = 0
    paused: bool = False
    restricted: uint256 = 0
    risk_engine, min_debt, paused, restricted = parameters._settings()
    word: uint256 = accounts.words[account]
    exposures: DynArray[uint256, 12] = accounts._exposures(account, word, 0)
    extcall ILiquidationAuction(parameters.auction).write_off(account, min_debt, self._values(risk_engine, exposures))
    for packed: uint256 in exposures:
        if packed & exposure.DEBT == 0:
            key: uint256 = packed >> exposure.KEY_BITS
            amount: uint256 = packed & exposure.AMOUNT
            fund: uint256 = account_word._account(staticcall ILendingPool(vault.pools[key]).fund(), key)
            fund_word: uint256 = accounts.words[fund]
            word, fund_word = vault._move(account, word, fund, fund_word, key, amount)
            accounts.words[fund] = fund_word
            log IMarginEngine.Collected(account=account, token=vault.tokens[key], amount=amount)
    self._end(account, self._write_off(account, word))


@external
def poke(account: uint256):
    """
    @notice Book the expected loss of an account under auction as it is now. Anyone.
    @dev Errors: "engine: check pending", "engine: not under auction".
    """
    accounts._assert_settled(account)
    word: uint256 = accounts.words[account]
    assert account_word._is(word, account_word.UNDER_AUCTION), "engine: not under auction"
    exposures: DynArray[uint256, 12] = accounts._exposures(account, word, 0)
    shortfall: uint256 = staticcall ILiquidationAuction(parameters.auction).shortfall(
        account, self._values(parameters._risk_engine(), exposures)
    )
    self._provide(account, word, exposures, shortfall)


@internal
def _accrued(account: uint256, word: uint256) -> uint256:
    """
    @notice Have the pool of the account's first debt book its interest, which it would compute again when the debt moves.
    @return The debt as an exposure, 0 if nothing is owed.
    """
    owed: uint256 = account_word._owed(word)
    if owed == 0:
        return 0
    key: uint256 = account_word._first(owed)
    return key << exposure.KEY_BITS | exposure.DEBT | extcall ILendingPool(vault.pools[key]).accrued_debt(account)


@view
@internal
def _values(risk_engine: address, exposures: DynArray[uint256, 12]) -> IRiskEngine.Liquidation:
    return staticcall IRiskEngine(risk_engine).assess_liquidation(exposures)


@internal
def _provide(account: uint256, word: uint256, exposures: DynArray[uint256, 12], shortfall: uint256):
    """
    @notice Store the word of an account under auction, and have each pool it owes to expect the same part of its debt to be lost.
    @dev Nothing is booked, nor asked of a pool, while nothing is expected and nothing was. A pool whose debt was taken whole in this call
         releases its provision itself. While nobody can know the shortfall, what was expected stays.
    """
    if shortfall == UNKNOWN or (shortfall == 0 and not account_word._is(word, account_word.PROVISIONED)):
        accounts.words[account] = word
        return
    for packed: uint256 in exposures:
        if packed & exposure.DEBT != 0:
            pool: ILendingPool = ILendingPool(vault.pools[packed >> exposure.KEY_BITS])
            expected: uint256 = 0
            if shortfall != 0:
                expected = (staticcall pool.debt_of(account) * shortfall + (WAD - 1)) // WAD
            extcall pool.provision(account, expected)
    if shortfall == 0:
        accounts.words[account] = account_word._without(word, account_word.PROVISIONED)
    else:
        accounts.words[account] = account_word._with(word, account_word.PROVISIONED)


@internal
def _end(account: uint256, word: uint256):
    """
    @notice Store the word of an account whose auction is over, and release what was provisioned for it.
    """
    if account_word._is(word, account_word.PROVISIONED):
        rest: uint256 = account_word._owed(word)
        for i: uint256 in range(4):
            if rest == 0:
                break
            key: uint256 = account_word._first(rest)
            rest ^= key
            extcall ILendingPool(vault.pools[key]).provision(account, 0)
    accounts.words[account] = account_word._without(word, account_word.UNDER_AUCTION | account_word.PROVISIONED)


@internal
def _write_off(account: uint256, word: uint256) -> uint256:
    """
    @notice Give up every debt of an account; each pool releases its provision itself.
    @return The account's word without debts.
    """
    left: uint256 = word
    for i: uint256 in range(4):
        rest: uint256 = account_word._owed(left)
        if rest == 0:
            break
        key: uint256 = account_word._first(rest)
        extcall ILendingPool(vault.pools[key]).write_off(account)
        left = account_word._clear(left, key)
    return left
