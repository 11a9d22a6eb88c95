# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title LiquidationAuction: when an account may be taken from, and on what terms
@license AGPL-3.0
@notice Starts, prices and ends in-place Dutch auctions. Nothing is seized at the start: the account keeps its balances
        and its owner may cure it at any time. Formulas: `auction_terms`; valuation: the risk engine's `assess_liquidation`.

        What stops it: nothing here. No pause, no cap and no price status stops a start or a take (a gate of the engine stops takers); an
        asset without a certain price is valued in the account's favour, and a DEAD one stays where it is until its delay has passed. That
        favour ends no auction: an account that owes anything leaves its auction at certain prices only, and what was provisioned stays
        provisioned until there are such.
@dev Called by the engine, which has the account valued and moves the ledger itself. What it alone may call takes no lock: the
     engine's own is held, and nobody is called from there. Arithmetic on values is unchecked, within the bounds that auction_terms names.
     An auction is one word, from the low end:

         started_at 40 | starter 160 | penalty 24 (1e-6) | version 16

     and a version of the parameters another:

         tau 24 | tail 24 | kappa 24 (1e-4) | start level 16 (basis points below zero) | target 16 | starter 16 | fund 16 | least 16 | most 16 (basis points) | version 16
"""

from contracts.interfaces import ILiquidationAuction
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IRiskEngine
from contracts.modules import auction_terms
from contracts.modules import roles
from snekmate.auth import ownable

implements: ILiquidationAuction

initializes: ownable
initializes: roles[ownable := ownable]

exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
    roles.guardian,
    roles.set_guardian,
)

WAD: constant(uint256) = 10**18
BASIS_POINT: constant(uint256) = 10**14
BASIS_POINTS: constant(uint256) = 10_000
PENALTY_UNIT: constant(uint256) = 10**12
KAPPA_UNIT: constant(uint256) = 10**14
DUST_PARTS: constant(uint256) = 4
AT_TARGET: constant(uint256) = 10**12          # fraction of the debts that nobody has to take any more

MASK_16: constant(uint256) = 2**16 - 1
MASK_24: constant(uint256) = 2**24 - 1
MASK_40: constant(uint256) = 2**40 - 1
ADDRESS: constant(uint256) = 2**160 - 1
UNKNOWN: constant(uint256) = max_value(uint256)

MIN_TAU: constant(uint256) = 60
MAX_TAU: constant(uint256) = 86_400
MAX_TAIL: constant(uint256) = 7 * 86_400
MAX_KAPPA: constant(uint256) = 100 * 10**18
MAX_SHARE: constant(uint256) = 5 * 10**17
MIN_PENALTY: constant(uint256) = 10**15
MAX_PENALTY: constant(uint256) = 2 * 10**17

margin_engine: public(immutable(address))

auctions: HashMap[uint256, uint256]
versions: HashMap[uint256, uint256]
taken: transient(HashMap[uint256, bool])   # accounts that something was taken from in this transaction
current: uint256   # of the versions the newest, and its number above its bits


@deploy
def __init__(engine: address, parameters: ILiquidationAuction.Parameters, owner: address, guardian: address):
    assert engine != empty(address), "auction: zero address"
    margin_engine = engine
    ownable.__init__()
    roles.__init__(owner, guardian)
    self._set_parameters(parameters)


# The engine


@external
@reentrant
def start(account: uint256, starter: address, values: IRiskEngine.Liquidation) -> uint256:
    self._only_engine()
    equity: int256 = self._equity(values.positive, values.debt)
    requirement: uint256 = unsafe_add(values.positive_requirement, values.debt_requirement)
    assert values.debt != 0 and equity < convert(requirement, int256), "auction: healthy"
    auction: uint256 = self.auctions[account]
    parameters: uint256 = self._parameters(auction)
    penalty: uint256 = unsafe_div(
        auction_terms._penalty(
            requirement,
            values.debt,
            unsafe_mul((parameters >> 136) & MASK_16, BASIS_POINT),
            unsafe_mul((parameters >> 152) & MASK_16, BASIS_POINT),
        ),
        PENALTY_UNIT,
    )
    if auction == 0:
        self.auctions[account] = (
            block.timestamp | convert(starter, uint256) << 40 | penalty << 200 | parameters >> 168 << 224
        )
        log ILiquidationAuction.Started(
            account=account,
            starter=starter,
            penalty=unsafe_mul(penalty, PENALTY_UNIT),
        )
    else:
        old: uint256 = (auction >> 200) & MASK_24
        assert block.timestamp >= (auction & MASK_40) + ((parameters >> 24) & MASK_24) and penalty > old, "auction: running"
        self.auctions[account] = auction & ~(MASK_24 << 200) | penalty << 200
        log ILiquidationAuction.Raised(account=account, penalty=penalty * PENALTY_UNIT)
    if not values.certain:
        return UNKNOWN
    return self._shortfall(equity, values.debt)


@external
@reentrant
def take(
    account: uint256,
    fraction: uint256,
    min_bonus: int256,
    min_debt: uint256,
    values: IRiskEngine.Liquidation,
) -> ILiquidationAuction.Terms:
    self._only_engine()
    assert fraction != 0, "auction: zero fraction"
    auction: uint256 = self.auctions[account]
    assert auction != 0, "auction: none"
    parameters: uint256 = self._parameters(auction)
    takeable: bool = False
    bonus: int256 = 0
    paid: uint256 = 0
    most: uint256 = 0
    takeable, bonus, paid, most = self._terms(auction, self.taken[account], parameters, values, min_debt)
    assert takeable, "auction: healthy"
    assert values.positive != 0, "auction: nothing to take"
    assert bonus >= min_bonus, "auction: bonus"

    taken: uint256 = 0
    share: uint256 = 0
    empties: bool = False
    taken, share, empties = self._shares(min(fraction, most), values.positive, paid, min_debt)
    assumed: uint256 = unsafe_div(unsafe_mul(values.debt, taken), WAD)
    left: uint256 = unsafe_sub(values.debt, assumed)
    everything: bool = taken == WAD
    if not everything:
        assert empties or left >= min_debt, "auction: remainder"
    terms: ILiquidationAuction.Terms = empty(ILiquidationAuction.Terms)
    terms.fraction = taken
    terms.share = share
    terms.starter = convert((auction >> 40) & ADDRESS, address)
    terms.bonus = bonus
    if values.excluded == 0:
        terms.written_off = empties and not everything
        terms.ended = empties or everything
    equity: int256 = self._equity(values.positive, values.debt)
    if bonus > 0:
        rate: uint256 = convert(bonus, uint256)
        terms.starter_rate = unsafe_div(unsafe_mul(rate, (parameters >> 104) & MASK_16), BASIS_POINTS)
        if equity > 0 and unsafe_mul(rate, values.debt) <= unsafe_mul(convert(equity, uint256), WAD):
            terms.fund_rate = unsafe_div(unsafe_mul(rate, (parameters >> 120) & MASK_16), BASIS_POINTS)
    if not values.certain:
        terms.shortfall = UNKNOWN
    elif not terms.ended:
        terms.shortfall = self._shortfall(unsafe_sub(equity, auction_terms._scaled(assumed, bonus)), left)
    if terms.ended:
        self.auctions[account] = 0
        log ILiquidationAuction.Ended(account=account)
    self.taken[account] = not terms.ended
    return terms


@external
@reentrant
def end(account: uint256, owes: bool, values: IRiskEngine.Liquidation):
    self._only_engine()
    auction: uint256 = self.auctions[account]
    assert auction != 0, "auction: none"
    if owes:
        assert values.certain, "auction: price status"
        parameters: uint256 = self._parameters(auction)
        takeable: bool = self._terms(auction, self.taken[account], parameters, values, 0)[0]
        assert not takeable, "auction: below the line"
    self.auctions[account] = 0
    log ILiquidationAuction.Ended(account=account)


@external
@reentrant
def write_off(account: uint256, min_debt: uint256, values: IRiskEngine.Liquidation):
    self._only_engine()
    assert self.auctions[account] != 0, "auction: none"
    assert values.certain, "auction: price status"
    assert values.positive < values.debt, "auction: solvent"
    assert values.positive <= min_debt // DUST_PARTS, "auction: not dust"
    self.auctions[account] = 0
    log ILiquidationAuction.Ended(account=account)


@external
def set_parameters(parameters: ILiquidationAuction.Parameters):
    roles._only_owner()
    self._set_parameters(parameters)


# Views


@view
@external
def shortfall(account: uint256, values: IRiskEngine.Liquidation) -> uint256:
    if self.auctions[account] == 0:
        return 0
    if not values.certain:
        return UNKNOWN
    return self._shortfall(self._equity(values.positive, values.debt), values.debt)


@view
@external
def quote(account: uint256) -> ILiquidationAuction.Quote:
    risk_engine: address = empty(address)
    min_debt: uint256 = 0
    paused: bool = False
    risk_engine, min_debt, paused = staticcall IMarginEngine(margin_engine).settings()
    values: IRiskEngine.Liquidation = staticcall IRiskEngine(risk_engine).assess_liquidation(
        staticcall IMarginEngine(margin_engine).exposures(account)
    )
    auction: uint256 = self.auctions[account]
    parameters: uint256 = self._parameters(auction)
    target_positive: uint256 = 0
    target_debt: uint256 = 0
    target_positive, target_debt = self._target(parameters, values)
    answer: ILiquidationAuction.Quote = ILiquidationAuction.Quote(
        active=auction != 0,
        takeable=False,
        max_fraction=0,
        share=0,
        bonus=0,
        equity=self._equity(values.positive, values.debt),
        requirement=values.positive_requirement + values.debt_requirement,
        target=target_positive + target_debt,
        debt=values.debt,
    )
    if auction == 0 or values.debt == 0:
        return answer
    paid: uint256 = 0
    empties: bool = False
    answer.takeable, answer.bonus, paid, answer.max_fraction = self._terms(
        auction, self.taken[account], parameters, values, min_debt
    )
    answer.takeable = answer.takeable and values.positive != 0
    if answer.takeable:
        answer.max_fraction, answer.share, empties = self._shares(answer.max_fraction, values.positive, paid, min_debt)
    return answer


@view
@external
def auction_of(account: uint256) -> ILiquidationAuction.Auction:
    auction: uint256 = self.auctions[account]
    return ILiquidationAuction.Auction(
        started_at=auction & MASK_40,
        starter=convert((auction >> 40) & ADDRESS, address),
        penalty=((auction >> 200) & MASK_24) * PENALTY_UNIT,
        version=(auction >> 224) & MASK_16,
        taken=self.taken[account],
    )


@view
@external
def version() -> uint256:
    return self.current >> 168


@view
@external
def parameters() -> ILiquidationAuction.Parameters:
    packed: uint256 = self.current
    return ILiquidationAuction.Parameters(
        tau=packed & MASK_24,
        tail=(packed >> 24) & MASK_24,
        kappa=((packed >> 48) & MASK_24) * KAPPA_UNIT,
        start_level=-convert(((packed >> 72) & MASK_16) * BASIS_POINT, int256),
        target_share=((packed >> 88) & MASK_16) * BASIS_POINT,
        starter_share=((packed >> 104) & MASK_16) * BASIS_POINT,
        fund_share=((packed >> 120) & MASK_16) * BASIS_POINT,
        least_penalty=((packed >> 136) & MASK_16) * BASIS_POINT,
        most_penalty=((packed >> 152) & MASK_16) * BASIS_POINT,
    )


@view
@internal
def _parameters(auction: uint256) -> uint256:
    """
    @notice Those that an auction runs under, or, without an auction, those that one would start under.
    """
    newest: uint256 = self.current
    version: uint256 = (auction >> 224) & MASK_16
    if auction == 0 or version == newest >> 168:
        return newest
    return self.versions[version]


@view
@internal
def _only_engine():
    assert msg.sender == margin_engine, "auction: engine only"


@pure
@internal
def _equity(positive: uint256, debt: uint256) -> int256:
    return unsafe_sub(convert(positive, int256), convert(debt, int256))


@pure
@internal
def _shortfall(equity: int256, debt: uint256) -> uint256:
    """
    @return Expected loss per unit of debt, WAD, rounded up.
    """
    if equity >= 0 or debt == 0:
        return 0
    loss: uint256 = convert(unsafe_sub(0, equity), uint256)
    return min(unsafe_div(unsafe_add(unsafe_mul(loss, WAD), unsafe_sub(debt, 1)), debt), WAD)


@pure
@internal
def _target(parameters: uint256, values: IRiskEngine.Liquidation) -> (uint256, uint256):
    """
    @return Target requirement of the positive and of the debt side, WAD dollars, rounded down.
    """
    excess: uint256 = unsafe_mul((parameters >> 88) & MASK_16, unsafe_sub(values.initial_ratio, WAD))
    factor: uint256 = unsafe_add(WAD, unsafe_div(excess, BASIS_POINTS))
    return (
        unsafe_div(unsafe_mul(values.positive_requirement, factor), WAD),
        unsafe_div(unsafe_mul(values.debt_requirement, factor), WAD),
    )


@view
@internal
def _terms(
    auction: uint256,
    taken: bool,
    parameters: uint256,
    values: IRiskEngine.Liquidation,
    min_debt: uint256,
) -> (bool, int256, uint256, uint256):
    """
    @return Whether a take is allowed, its bonus, what a taker of all debts receives (WAD dollars), and the largest fraction of the debts.
    @dev A taker may go to the target in several takes of one transaction; an account that lacks no more of it than roundings
         has reached it. For everybody later the line is the requirement again: a tiny take must not keep an account in its auction.
    """
    if values.debt == 0:
        return False, 0, 0, 0
    equity: int256 = self._equity(values.positive, values.debt)
    requirement: uint256 = unsafe_add(values.positive_requirement, values.debt_requirement)
    target_positive: uint256 = 0
    target_debt: uint256 = 0
    target_positive, target_debt = self._target(parameters, values)
    line: uint256 = requirement
    if taken:
        line = unsafe_add(target_positive, target_debt)
    kappa: uint256 = 0
    if values.certain:
        kappa = unsafe_mul((parameters >> 48) & MASK_24, KAPPA_UNIT)
    bonus: int256 = auction_terms._bonus(
        unsafe_sub(block.timestamp, auction & MASK_40),
        parameters & MASK_24,
        kappa,
        unsafe_sub(0, convert(unsafe_mul((parameters >> 72) & MASK_16, BASIS_POINT), int256)),
        unsafe_mul((auction >> 200) & MASK_24, PENALTY_UNIT),
        equity,
        requirement,
        values.debt,
    )
    if equity >= convert(line, int256):
        return False, bonus, 0, 0
    if values.positive == 0:
        return True, bonus, 0, 0
    paid: uint256 = auction_terms._paid(values.debt, bonus)
    most: uint256 = auction_terms._max_fraction(
        equity, values.positive, values.debt, target_positive, target_debt, paid
    )
    if taken and most <= AT_TARGET:
        return False, bonus, paid, 0
    if unsafe_sub(values.debt, unsafe_div(unsafe_mul(values.debt, most), WAD)) < min_debt:
        most = WAD
    return True, bonus, paid, most


@pure
@internal
def _shares(fraction: uint256, positive: uint256, paid: uint256, min_debt: uint256) -> (uint256, uint256, bool):
    """
    @param positive Not 0.
    @param paid What a taker of all debts receives, WAD dollars.
    @return Fraction of every debt, share of every positive balance, and whether that empties the positive side.
    @dev A positive side that would be left as dust beside a debt is taken whole.
    """
    share: uint256 = unsafe_div(unsafe_mul(fraction, paid), positive)
    if share < WAD:
        left: uint256 = unsafe_sub(positive, unsafe_div(unsafe_mul(positive, share), WAD))
        if fraction == WAD or left > unsafe_div(min_debt, DUST_PARTS):
            return fraction, share, False
    if paid <= positive:
        # all debts, and what they pay for: the rest is the owner's
        return WAD, unsafe_div(unsafe_mul(paid, WAD), positive), False
    # all there is, for the part of the debts that it pays, rounded against the taker
    return unsafe_div(unsafe_add(unsafe_mul(positive, WAD), unsafe_sub(paid, 1)), paid), WAD, True


@internal
def _set_parameters(parameters: ILiquidationAuction.Parameters):
    assert parameters.tau >= MIN_TAU and parameters.tau <= MAX_TAU, "auction: tau"
    assert parameters.tail >= parameters.tau and parameters.tail <= MAX_TAIL, "auction: tail"
    assert parameters.kappa <= MAX_KAPPA, "auction: kappa"
    assert parameters.start_level < 0 and parameters.start_level >= -10**18, "auction: start level"
    assert parameters.target_share != 0 and parameters.target_share <= WAD, "auction: target share"
    assert parameters.starter_share <= MAX_SHARE and parameters.fund_share <= MAX_SHARE, "auction: bonus shares"
    assert parameters.least_penalty >= MIN_PENALTY, "auction: penalty"
    assert parameters.least_penalty <= parameters.most_penalty, "auction: penalty"
    assert parameters.most_penalty <= MAX_PENALTY, "auction: penalty"
    version: uint256 = (self.current >> 168) + 1
    assert version <= MASK_16, "auction: versions"
    packed: uint256 = (
        parameters.tau
        | parameters.tail << 24
        | self._units(parameters.kappa, KAPPA_UNIT) << 48
        | self._units(convert(-parameters.start_level, uint256), BASIS_POINT) << 72
        | self._units(parameters.target_share, BASIS_POINT) << 88
        | self._units(parameters.starter_share, BASIS_POINT) << 104
        | self._units(parameters.fund_share, BASIS_POINT) << 120
        | self._units(parameters.least_penalty, BASIS_POINT) << 136
        | self._units(parameters.most_penalty, BASIS_POINT) << 152
        | version << 168
    )
    self.current = packed
    self.versions[version] = packed
    log ILiquidationAuction.ParametersSet(version=version, parameters=parameters)


@pure
@internal
def _units(amount: uint256, unit: uint256) -> uint256:
    assert amount % unit == 0, "auction: precision"
    return amount // unit
