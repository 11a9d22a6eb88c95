# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title VaultShareOracle
@license AGPL-3.0
@notice Prices the shares of an ERC-4626 vault by a source of the vault's asset. See IVaultShareOracle for the specification.
@dev The owner moves the anchor, within its bounds; nobody else changes anything, and nothing stops `read` but the source and the vault,
     with which it reverts. It never writes.

     What stays open: a vault whose views can be read half-way through one of its own calls, when it has paid but not yet burned the shares,
     shows less than they are worth. Such a vault, and one whose preview depends on the size of the sample or can be lowered by anybody,
     must have a second source that disagrees, or not be listed. Pools of this protocol tell the same before, during and after
     a flash loan and refuse their views half-way through a call: a token that calls back can therefore leave the shares of its
     pool without a price for as long as that call takes, and they must not be listed.
"""

from ethereum.ercs import IERC4626

from contracts.interfaces import IPriceSource
from contracts.interfaces import IVaultShareOracle
from contracts.modules import vault_share
from snekmate.auth import ownable
from snekmate.auth import ownable_2step

implements: IPriceSource
implements: IVaultShareOracle

initializes: ownable
initializes: ownable_2step[ownable := ownable]

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
)

MIN_SAMPLE: constant(uint256) = 10**6
MIN_ASSETS: constant(uint256) = 10**6   # for the sample, so that rounding takes at most a millionth
LIMIT: constant(uint256) = 2**112       # of the sample and of its assets
MAX_YEARLY_CAP: constant(uint256) = 10**18
PRICE_LIMIT: constant(uint256) = 2**128
MAX_LISTED_PRICE: constant(uint256) = 10**36   # one dollar per raw unit

VAULT: immutable(IERC4626)
ASSET: immutable(address)
SOURCE: immutable(IPriceSource)
SAMPLE: immutable(uint256)
YEARLY_CAP: immutable(uint256)

_anchor: uint256   # anchor 112 | since 40


@deploy
def __init__(
    vault: address,
    asset: address,
    source: address,
    sample: uint256,
    most: uint256,
    yearly_cap: uint256,
    owner_: address,
):
    """
    @notice The line starts now, at the smaller of `most` and the spot.
    @param vault An ERC-4626 vault whose previews agree with each other; see vault_share._is_fair
    @param asset The vault's asset
    @param source Price source of the asset, which must answer
    @param sample Raw shares that the vault is asked about, [1e6, 2**112), worth at least 1e6 raw units of the asset
    @param most Raw units of the asset for the sample, not 0
    @param yearly_cap WAD, (0, 1]
    @param owner_ Who may set the anchor
    @dev Errors: "shares: zero address", "shares: sample", "shares: growth", "shares: asset", "shares: assets", "shares: round trip",
         "shares: anchor", "shares: source", "shares: price scale", and those of vault and source.
    """
    assert owner_ != empty(address), "shares: zero address"
    assert MIN_SAMPLE <= sample and sample < LIMIT, "shares: sample"
    assert 0 < yearly_cap and yearly_cap <= MAX_YEARLY_CAP, "shares: growth"
    assert vault.is_contract, "shares: asset"
    VAULT = IERC4626(vault)
    assert staticcall VAULT.asset() == asset, "shares: asset"
    ASSET = asset
    SAMPLE = sample
    YEARLY_CAP = yearly_cap
    ownable.__init__()
    ownable_2step.__init__()
    ownable._transfer_ownership(owner_)

    redeemed: uint256 = self._spot()
    assert MIN_ASSETS <= redeemed and redeemed < LIMIT, "shares: assets"
    assert vault_share._is_fair(
        sample,
        redeemed,
        staticcall VAULT.convertToAssets(sample),
        staticcall VAULT.previewMint(sample),
        staticcall VAULT.previewDeposit(redeemed),
        staticcall VAULT.previewWithdraw(redeemed),
        staticcall VAULT.convertToShares(redeemed),
    ), "shares: round trip"
    self._start(min(most, redeemed), redeemed)

    assert source.is_contract, "shares: source"
    SOURCE = IPriceSource(source)
    reading: IPriceSource.Reading = self._read()
    assert reading.price != 0, "shares: source"
    assert max(reading.price, reading.clamped) <= MAX_LISTED_PRICE, "shares: price scale"


@external
def set_anchor(least: uint256, most: uint256):
    """
    @notice Start the line anew, at the smaller of `most` and the spot: after years in which the vault earned more than the line, or to
            take back the room above a spot that fell. The price of this moment does not fall, and the line does not pass the spot.
    @param least Raw units of the asset for the sample: what protects from a spot that somebody lowered for this moment
    @param most The same, not less than what counts now: what protects from a spot that somebody raised
    @dev Owner only. Errors: "shares: owner only", "shares: anchor", and the vault's.
    """
    assert msg.sender == ownable.owner, "shares: owner only"
    spot: uint256 = self._spot()
    assert least <= spot and most >= least, "shares: anchor"
    assert most >= min(spot, self._line()), "shares: anchor"
    self._start(min(most, spot), spot)


@view
@reentrant  # set_anchor() calls the vault's views only: there is nothing to enter from
@external
def read() -> IPriceSource.Reading:
    """
    @notice Dollars per raw share: the source's reading times what a share pays, as far as that counts.
    @return Both numbers rounded down, at least 1; age, freshness and trust are the source's. Five zeros where it has no valid price.
    @dev Anyone may call. Reverts if the source or the vault does.
    """
    return self._read()


@view
@external
def rate() -> IVaultShareOracle.Rate:
    """
    @notice What a share pays, and what of it counts. Anyone may call.
    @return See IVaultShareOracle.Rate.
    @dev Reverts if the vault does.
    """
    word: uint256 = self._anchor
    return IVaultShareOracle.Rate(
        spot=self._spot(), line=self._line(), anchor=word % LIMIT, since=word >> 112
    )


@view
@external
def settings() -> IVaultShareOracle.Settings:
    """
    @notice What the oracle was deployed with. Anyone may call.
    @return See IVaultShareOracle.Settings.
    """
    return IVaultShareOracle.Settings(
        vault=VAULT.address, asset=ASSET, source=SOURCE.address, sample=SAMPLE, yearly_cap=YEARLY_CAP
    )


@view
@internal
def _read() -> IPriceSource.Reading:
    quote: IPriceSource.Reading = staticcall SOURCE.read()
    if unsafe_sub(quote.price, 1) >= PRICE_LIMIT - 1 or unsafe_sub(quote.clamped, 1) >= PRICE_LIMIT - 1:
        return empty(IPriceSource.Reading)
    assets: uint256 = min(self._spot(), self._line())
    price: uint256 = vault_share._price(quote.price, assets, SAMPLE)
    clamped: uint256 = price
    if quote.clamped != quote.price:
        clamped = vault_share._price(quote.clamped, assets, SAMPLE)
    return IPriceSource.Reading(
        price=price, clamped=clamped, updated_at=quote.updated_at, fresh=quote.fresh, trusted=quote.trusted
    )


@view
@internal
def _spot() -> uint256:
    """
    @notice What redeeming the sample pays now.
    """
    return staticcall VAULT.previewRedeem(SAMPLE)


@view
@internal
def _line() -> uint256:
    word: uint256 = self._anchor
    return vault_share._line(word % LIMIT, word >> 112, YEARLY_CAP, block.timestamp)


@internal
def _start(anchor: uint256, spot: uint256):
    assert 0 < anchor and anchor < LIMIT, "shares: anchor"
    self._anchor = anchor | block.timestamp << 112
    log IVaultShareOracle.AnchorSet(anchor=anchor, spot=spot)
