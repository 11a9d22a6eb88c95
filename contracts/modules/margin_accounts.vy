# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Accounts: who may act on them, what they hold and owe, and their deferred checks
@license AGPL-3.0
@notice Every function of the engine that changes an account ends in `_finish`, which stores the account's word and sees to its checks: at
        once, or, inside a batch, at its end. An account whose check is still to come is *pending*: nobody else may act on it.
"""

from contracts.interfaces import ILendingPool
from contracts.interfaces import IOperatorRegistry
from contracts.interfaces import IRiskEngine
from contracts.modules import account_word
from contracts.modules import collateral_vault as vault
from contracts.modules import engine_parameters as parameters
from contracts.modules import exposure
from contracts.modules import restrictions

uses: vault
uses: parameters
uses: restrictions

OK: constant(uint256) = 0
FIELD_BITS: constant(uint256) = 72

# What a touched account still has to satisfy.
LIMITS: constant(uint256) = 1
MARGIN: constant(uint256) = 2
DEBT_RAISED: constant(uint256) = 4

MAX_TOUCHED: constant(uint256) = 32

OPERATORS: immutable(IOperatorRegistry)

words: HashMap[uint256, uint256]
batching: transient(bool)
touched: transient(DynArray[uint256, MAX_TOUCHED])
pending: transient(HashMap[uint256, uint256])


@deploy
def __init__(registry: address):
    """
    @param registry The OperatorRegistry; its deployer binds it to the engine.
    """
    assert registry != empty(address), "engine: zero address"
    OPERATORS = IOperatorRegistry(registry)


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


@internal
def _finish(account: uint256, old: uint256, word: uint256, needs: uint256, owed: uint256):
    """
    @notice Store the account's word and see to its checks: now, or at the end of the batch.
    @param needs MARGIN if the account's risk rose, DEBT_RAISED if its debt did; LIMITS is found here.
    @param owed See _exposures.
    """
    required: uint256 = needs
    if word != old:
        self.words[account] = word
        if word & ~old != 0:
            required |= LIMITS
    if required == 0:
        return
    if not self.batching:
        self._verify(account, word, required, owed)
        return
    noted: uint256 = self.pending[account]
    if noted == 0:
        self.touched.append(account)
    self.pending[account] = noted | required


@view
@internal
def _verify(account: uint256, word: uint256, needs: uint256, owed: uint256):
    if needs & LIMITS != 0:
        self._assert_few(account_word._within_limits(word))
    if needs & MARGIN == 0 or not account_word._at_risk(word):
        return
    risk_engine: address = empty(address)
    min_debt: uint256 = 0
    paused: bool = False
    restricted: uint256 = 0
    risk_engine, min_debt, paused, restricted = parameters._settings()
    assert not paused, "engine: paused"
    if (word | word >> FIELD_BITS) & restricted != 0:
        restrictions._assert_admitted(account, word, restricted, True)
    health: IRiskEngine.Health = staticcall IRiskEngine(risk_engine).assess(self._exposures(account, word, owed), [])
    self._assert_priced(health.status == OK)
    assert health.equity_initial >= convert(health.initial, int256), "engine: initial margin"
    if needs & DEBT_RAISED != 0:
        assert health.debt >= min_debt, "engine: min debt"


@internal
def _begin_batch():
    assert not self.batching, "engine: nested batch"
    self.batching = True


@internal
def _end_batch():
    """
    @notice Make every check that the batch's calls left behind.
    """
    self.batching = False
    for account: uint256 in self.touched:
        needs: uint256 = self.pending[account]
        self.pending[account] = 0
        self._verify(account, self.words[account], needs, 0)
    self.touched = []


@view
@internal
def _assert_settled(account: uint256):
    """
    @notice Revert if the account's check is still to come: halfway through a batch nobody may judge it.
    """
    assert self.pending[account] == 0, "engine: check pending"


@pure
@internal
def _assert_free(word: uint256):
    """
    @notice Revert under auction, when an owner may only deposit and trade reduce-only: the terms cannot be moved under a bidder.
    """
    assert not account_word._is(word, account_word.UNDER_AUCTION), "engine: under auction"


@pure
@internal
def _assert_distinct(account: uint256, other: uint256):
    assert account != other, "engine: same account"


@pure
@internal
def _assert_few(assets_fit: bool):
    assert assets_fit, "engine: too many assets"


@pure
@internal
def _assert_priced(enough: bool):
    """
    @notice Revert unless the status of the prices is good enough.
    """
    assert enough, "engine: price status"


@view
@internal
def _health(account: uint256, word: uint256, owed: uint256) -> IRiskEngine.Health:
    return self._assess(self._exposures(account, word, owed))


@view
@internal
def _assess(exposures: DynArray[uint256, 12]) -> IRiskEngine.Health:
    return staticcall IRiskEngine(parameters._risk_engine()).assess(exposures, [])


@view
@internal
def _exposures(account: uint256, word: uint256, owed: uint256) -> DynArray[uint256, 12]:
    """
    @param owed A debt as its pool has just reported it, packed as an exposure, which is not asked for again; 0 if none is known.
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
        out.append(key << exposure.KEY_BITS | vault.balances[account][key])
    beyond: uint256 = rest
    rest = account_word._owed(word)
    for i: uint256 in range(4):
        if rest == 0:
            break
        key: uint256 = account_word._first(rest)
        rest ^= key
        if owed >> exposure.KEY_BITS == key:
            out.append(owed)
        else:
            debt: uint256 = staticcall ILendingPool(vault.pools[key]).debt_of(account)
            out.append(key << exposure.KEY_BITS | exposure.DEBT | debt)
    self._assert_few(beyond | rest == 0)
    return out
