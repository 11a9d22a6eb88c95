# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title What may be changed about the margin engine
@license AGPL-3.0
@notice The assets it accepts, the risk engine it asks, the smallest debt, and the pause, each with one setter that names
        every bound. The owner sets; the guardian pauses.
@dev Layout of the one word that every check reads, from the low end: risk engine 160 | minimum debt 88 | paused 8.
"""

from contracts.interfaces import ILendingPool
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IRiskEngine
from contracts.modules import collateral_vault as vault
from contracts.modules import roles

uses: roles
uses: vault

MAX_MIN_DEBT: constant(uint256) = 100_000 * 10**18
ADDRESS: constant(uint256) = 2**160 - 1
MIN_DEBT_MASK: constant(uint256) = 2**88 - 1
PAUSED_SHIFT: constant(uint256) = 248

packed: uint256


@deploy
def __init__(risk_engine: address, min_debt: uint256):
    """
    @param min_debt WAD dollars, at most 100,000.
    """
    assert risk_engine != empty(address), "engine: zero address"
    self._save(risk_engine, min_debt, False)
    log IMarginEngine.RiskEngineSet(risk_engine=risk_engine)
    log IMarginEngine.MinDebtSet(min_debt=min_debt)


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
    @dev An isolated-tier asset that the new one does not list is DEAD for it; one that it lists has to have the same key
         there, which is not checked here, because there may be too many of them.
         Errors: "roles: owner only", "engine: asset keys".
    """
    roles._only_owner()
    assert risk_engine.is_contract, "engine: asset keys"
    for i: uint256 in range(64):
        token: address = vault.tokens[1 << i]
        if token != empty(address):
            assert staticcall IRiskEngine(risk_engine).key_of(token) == 1 << i, "engine: asset keys"
    old: address = empty(address)
    min_debt: uint256 = 0
    paused: bool = False
    old, min_debt, paused = self._settings()
    self._save(risk_engine, min_debt, paused)
    log IMarginEngine.RiskEngineSet(risk_engine=risk_engine)


@external
def set_min_debt(min_debt: uint256):
    """
    @notice Set the smallest debt an account may have after raising it. Owner only.
    @param min_debt WAD dollars, at most 100,000.
    @dev Errors: "roles: owner only", "engine: min debt bound".
    """
    roles._only_owner()
    risk_engine: address = empty(address)
    old: uint256 = 0
    paused: bool = False
    risk_engine, old, paused = self._settings()
    self._save(risk_engine, min_debt, paused)
    log IMarginEngine.MinDebtSet(min_debt=min_debt)


@external
def pause():
    """
    @notice Stop new risk. Guardian or owner.
    @dev Errors: "roles: guardian only".
    """
    roles._only_guardian()
    self.packed |= 1 << PAUSED_SHIFT
    log IMarginEngine.Paused(by=msg.sender)


@external
def unpause():
    """
    @notice Allow new risk again. Owner only.
    @dev Errors: "roles: owner only".
    """
    roles._only_owner()
    self.packed &= ~(1 << PAUSED_SHIFT)
    log IMarginEngine.Unpaused(by=msg.sender)


@view
@external
def settings() -> (address, uint256, bool):
    """
    @notice Risk engine, minimum debt (WAD dollars), whether new risk is paused.
    """
    return self._settings()


@view
@internal
def _settings() -> (address, uint256, bool):
    packed: uint256 = self.packed
    return convert(packed & ADDRESS, address), (packed >> 160) & MIN_DEBT_MASK, packed >> PAUSED_SHIFT != 0


@view
@internal
def _risk_engine() -> address:
    return convert(self.packed & ADDRESS, address)


@internal
def _save(risk_engine: address, min_debt: uint256, paused: bool):
    assert min_debt <= MAX_MIN_DEBT, "engine: min debt bound"
    self.packed = convert(risk_engine, uint256) | min_debt << 160 | convert(paused, uint256) << PAUSED_SHIFT
