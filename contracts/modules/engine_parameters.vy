# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title What may be changed about the margin engine
@license AGPL-3.0
@notice The assets it accepts, the risk engine it asks, the smallest debt, and the pause, each with one setter that names
        every bound. The owner sets; the guardian pauses. The auction is for good.
@dev Layout of the one word that every check reads, from the low end: risk engine 160 | minimum debt 24 (whole cents) | paused 1 | free 7 |
     restricted 64 (bit i: the core asset 1 << i has a cap or a gate, see `restrictions`).
"""

from contracts.interfaces import ILendingPool
from contracts.interfaces import ILiquidationAuction
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IRiskEngine
from contracts.modules import collateral_vault as vault
from contracts.modules import roles

uses: roles
uses: vault

MAX_MIN_DEBT: constant(uint256) = 100_000 * 10**18
ADDRESS: constant(uint256) = 2**160 - 1
CENT: constant(uint256) = 10**16
MIN_DEBT_MASK: constant(uint256) = 2**24 - 1
PAUSED: constant(uint256) = 1 << 184
RESTRICTED_SHIFT: constant(uint256) = 192
ISOLATED: constant(uint256) = 1 << 64

auction: public(immutable(address))

packed: uint256


@deploy
def __init__(risk_engine: address, auction_: address, min_debt: uint256):
    """
    @param auction_ The LiquidationAuction, which knows this engine by its constructor; it may be deployed afterwards.
    @param min_debt WAD dollars, whole cents, at most 100,000.
    """
    assert risk_engine != empty(address) and auction_ != empty(address), "engine: zero address"
    auction = auction_
    self.packed = convert(risk_engine, uint256)
    log IMarginEngine.AuctionSet(auction=auction_)
    log IMarginEngine.RiskEngineSet(risk_engine=risk_engine)
    self._set_min_debt(min_debt)


@external
def add_asset(token: address, pool: address):
    """
    @notice Accept a token that the risk engine has listed, with the pool that lends it, for good. Owner only, and the risk engine's lister,
            if it is of the isolated tier.
    @dev Nothing is accepted, so nothing lent, before the auction is there and knows this engine.
         Errors: "roles: owner only", "engine: auction", "engine: not listed", "engine: pool asset", "engine: pool engine",
         "vault: added already".
    """
    risk_engine: IRiskEngine = IRiskEngine(self._risk_engine())
    key: uint256 = staticcall risk_engine.key_of(token)
    if key < ISOLATED or msg.sender != staticcall risk_engine.lister():
        roles._only_owner()
    assert auction.is_contract and staticcall ILiquidationAuction(auction).margin_engine() == self, "engine: auction"
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
    same: bool = risk_engine.is_contract
    for i: uint256 in range(64):
        token: address = vault.tokens[1 << i]
        if token != empty(address):
            same = same and staticcall IRiskEngine(risk_engine).key_of(token) == 1 << i
    assert same, "engine: asset keys"
    self.packed = self.packed >> 160 << 160 | convert(risk_engine, uint256)
    log IMarginEngine.RiskEngineSet(risk_engine=risk_engine)


@external
def set_min_debt(min_debt: uint256):
    """
    @notice Set the smallest debt an account may have after raising it. Owner only.
    @param min_debt WAD dollars, whole cents, at most 100,000.
    @dev Errors: "roles: owner only", "engine: min debt bound".
    """
    roles._only_owner()
    self._set_min_debt(min_debt)


@external
def pause():
    """
    @notice Stop new risk. Guardian or owner.
    @dev Errors: "roles: guardian only".
    """
    roles._only_guardian()
    self.packed |= PAUSED
    log IMarginEngine.Paused(by=msg.sender)


@external
def unpause():
    """
    @notice Allow new risk again. Owner only.
    @dev Errors: "roles: owner only".
    """
    roles._only_owner()
    self.packed &= ~PAUSED
    log IMarginEngine.Unpaused(by=msg.sender)


@view
@external
def settings() -> (address, uint256, bool):
    """
    @notice Risk engine, minimum debt (WAD dollars), whether new risk is paused.
    """
    packed: uint256 = self.packed
    return convert(packed & ADDRESS, address), self._min_debt(packed), packed & PAUSED != 0


@view
@internal
def _settings() -> (address, uint256, bool, uint256):
    """
    @return Risk engine, minimum debt (WAD dollars), whether new risk is paused, and the bits of a field that are restricted: core assets,
            and the one that stands for the isolated tier.
    """
    packed: uint256 = self.packed
    return convert(packed & ADDRESS, address), self._min_debt(packed), packed & PAUSED != 0, packed >> RESTRICTED_SHIFT | ISOLATED


@pure
@internal
def _min_debt(packed: uint256) -> uint256:
    return unsafe_mul((packed >> 160) & MIN_DEBT_MASK, CENT)


@view
@internal
def _risk_engine() -> address:
    return convert(self.packed & ADDRESS, address)


@internal
def _set_min_debt(min_debt: uint256):
    assert min_debt <= MAX_MIN_DEBT and min_debt % CENT == 0, "engine: min debt bound"
    self.packed = self.packed & ~(MIN_DEBT_MASK << 160) | min_debt // CENT << 160
    log IMarginEngine.MinDebtSet(min_debt=min_debt)


@internal
def _restrict(key: uint256, restricted: bool):
    """
    @param key Of a core asset.
    """
    packed: uint256 = self.packed & ~(key << RESTRICTED_SHIFT)
    if restricted:
        packed |= key << RESTRICTED_SHIFT
    self.packed = packed
