# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
# pragma nonreentrancy on
"""
@title Equity against requirement
@license AGPL-3.0
@notice The registry of assets, their prices and their margin rates, and the one place where exposures become equity and requirement.
        Formulas: modules `exposure` (values), `margin_rate` (requirements, ramps), `price_oracle` (prices, statuses).

            equity_maintenance = sum mid * n        requirement = sum mid * |n| * m(value)
            equity_initial     = sum bid * n (n > 0) + sum ask * n (n < 0)        initial = rho * requirement

        positives rounded down; debts and requirements up, asset by asset.

        What stops it: nothing. No pause, no guardian's act and no price status makes a view revert; too little gas does
        ("oracle: gas"). What is in doubt is said by the status, and the caller decides what that forbids. A DEAD positive is worth
        nothing and requires nothing; a DEAD debt is worth one wei of a dollar and requires as much, so that an
        account stays assessable. A DEAD asset therefore overstates equity where it is owed: callers must not let risk rise on it.

        Liquidation has its own view of the same exposures, `assess_liquidation`: what is not OK counts in the account's favour until
        anyone's marks show that this has lasted for `wide_delay` (see `price_oracle`).

        It holds no account's state and serves several margin engines. The owner lists assets and sets parameters; listed
        assets cannot be removed, because somebody may hold them. The guardian has no power here yet.
@dev Arithmetic in `assess` is unchecked where the bounds of its modules exclude an overflow: amounts and prices below 2**128 make a value
     below 2**197, and at most 12 of them are added.
"""

from contracts.interfaces import IRiskEngine
from contracts.modules import exposure
from contracts.modules import margin_rate
from contracts.modules import price_oracle
from contracts.modules import roles
from snekmate.auth import ownable

implements: IRiskEngine
initializes: ownable
initializes: roles[ownable := ownable]
initializes: margin_rate
initializes: price_oracle

exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
    roles.guardian,
    roles.set_guardian,
)
exports: (margin_rate.initial_ratio, margin_rate.notice, price_oracle.wide_delay)

MAX_CORE: constant(uint256) = 64
ISOLATED: constant(uint256) = 1 << 64
MAX_ISOLATED: constant(uint256) = 2**64 - 1
MAX_DECIMALS: constant(uint256) = 18

OK: constant(uint256) = 0
DEAD: constant(uint256) = 3
MAX_STRESS: constant(int256) = 2**190          # initial_ratio times it fits

key_of: public(HashMap[address, uint256])
token_of: public(HashMap[uint256, address])
_core_count: uint256
_isolated_count: uint256


@deploy
def __init__(initial_ratio: uint256, notice: uint256, wide_delay: uint256, owner: address, guardian: address):
    """
    @param initial_ratio Initial over maintenance requirement, WAD, in [1.2, 3].
    @param notice Seconds for which parameters alone cannot make an account at initial margin liquidatable, 1 hour to 30 days.
    @param wide_delay Seconds after which an asset that is not OK is valued at mid in liquidations, 1 hour to 2 days; at least the
           longest window of a source.
    @param owner Lists assets and sets parameters; a timelock on a live network.
    @param guardian See `roles`.
    @dev Errors: "roles: zero address", "margin: initial ratio", "margin: notice", "oracle: wide delay".
    """
    ownable.__init__()
    roles.__init__(owner, guardian)
    margin_rate.__init__(initial_ratio, notice)
    price_oracle.__init__(wide_delay)


# Assets


@external
def list_asset(
    token: address,
    isolated: bool,
    sources: DynArray[address, 3],
    prices: IRiskEngine.PriceParameters,
    margin: IRiskEngine.MarginParameters,
) -> uint256:
    """
    @notice List a token and issue its asset key. Owner only. The first parameters take effect at once.
    @param token The ERC-20, of 0 to 18 decimals.
    @param isolated Whether it is of the isolated tier (long tail).
    @param sources One to three different price sources, each of which answers now with at most one dollar per raw unit.
    @param prices How the sources are combined; see `set_sources`.
    @param margin Its margin; see `set_margin`.
    @return The asset key: 1 << 0, 1 << 1, ... for core assets, 1 << 64 | 1, 1 << 64 | 2, ... for isolated ones.
    @dev Errors: "roles: owner only", "risk: zero address", "risk: listed already", "risk: no index left", "risk: decimals", and those of the two setters.
    """
    roles._only_owner()
    assert token != empty(address), "risk: zero address"
    assert self.key_of[token] == 0, "risk: listed already"
    key: uint256 = 0
    if isolated:
        assert self._isolated_count < MAX_ISOLATED, "risk: no index left"
        self._isolated_count += 1
        key = ISOLATED | self._isolated_count
    else:
        assert self._core_count < MAX_CORE, "risk: no index left"
        key = 1 << self._core_count
        self._core_count += 1
    self.key_of[token] = key
    self.token_of[key] = token
    decimals: uint256 = self._decimals(token)
    price_oracle._set(key, sources, prices)
    margin_rate._list(key, margin)
    log IRiskEngine.AssetListed(key=key, token=token, decimals=decimals, isolated=isolated)
    log IRiskEngine.SourcesSet(key=key, sources=sources, parameters=prices)
    log IRiskEngine.MarginSet(key=key, parameters=margin)
    return key


@external
def set_sources(key: uint256, sources: DynArray[address, 3], parameters: IRiskEngine.PriceParameters):
    """
    @notice Replace an asset's price sources and their parameters. Owner only. Stops its clock: what the old ones were found to be
            says nothing of the new ones.
    @param key The asset.
    @param sources One to three different sources, each of which answers now with at most one dollar per raw unit.
    @param parameters min_sources from 1 to the number of sources; max_deviation at most 20 %; min_spread <= max_spread <= 25 %;
           spread_growth at most 25 % per hour; all in whole basis points.
    @dev Errors: "roles: owner only", "risk: unknown asset", "oracle: min sources", "oracle: deviation", "oracle: spread", "oracle: spread growth",
         "oracle: basis points", "oracle: same source", "oracle: no answer", "oracle: gas", "risk: price scale".
    """
    roles._only_owner()
    self._listed(key)
    price_oracle._set(key, sources, parameters)
    log IRiskEngine.SourcesSet(key=key, sources=sources, parameters=parameters)
    if price_oracle._stop(key):
        log IRiskEngine.Marked(key=key, since=0)


@external
def set_margin(key: uint256, parameters: IRiskEngine.MarginParameters):
    """
    @notice Set where an asset's margin is to go. Owner only; the rates in force move there by their ramps.
    @param key The asset.
    @param parameters 0.1 % <= floor <= cap < 50 %, cap * initial_ratio < 1; size_slope from 1e6 to 1e14; ramp_up and
           ramp_down whole multiples of 1e11, ramp_down at most 10 % per day, ramp_up as slow as `notice` promises (see `margin_rate`).
    @dev Errors: "roles: owner only", "risk: unknown asset", "margin: floor", "margin: cap", "margin: slope", "margin: ramp up", "margin: ramp down",
         "margin: ramp unit", "margin: notice".
    """
    roles._only_owner()
    self._listed(key)
    margin_rate._set(key, parameters)
    log IRiskEngine.MarginSet(key=key, parameters=parameters)


@external
def poke(key: uint256):
    """
    @notice Once an asset's ramp has arrived, store that, so that assessments read one word of it again. Anyone.
            Before it has arrived there is nothing to store; no poke changes what a view shows, now or later.
    @param key The asset.
    @dev Errors: "risk: unknown asset".
    """
    self._listed(key)
    if margin_rate._settle(key):
        base: uint256 = 0
        cap: uint256 = 0
        slope: uint256 = 0
        base, cap, slope = margin_rate._now(key, block.timestamp)
        log IRiskEngine.Poked(key=key, floor=base, cap=cap, size_slope=slope)


@external
def mark(keys: DynArray[uint256, 16]):
    """
    @notice Keep the clocks of assets that are not OK, and stop those of assets that are. Anyone, whatever the assets are. Each
            further mark has to come within an hour, or the clock starts anew.
    @param keys Asset keys, at most 16; one that is named twice is marked once.
    @dev Errors: "risk: unknown asset", "oracle: gas". Logs Marked only where a clock starts, starts anew or stops.
    """
    for key: uint256 in keys:
        self._listed(key)
        if price_oracle._mark(key):
            log IRiskEngine.Marked(key=key, since=price_oracle._clock(key)[0])


# Health


@view
@external
def assess(exposures: DynArray[uint256, 12], stress: DynArray[int256, 16]) -> IRiskEngine.Health:
    """
    @notice Equity and requirements of a list of exposures, plus what position modules report. Anyone.
    @param exposures Packed exposures, in any order, each asset at most once. An unlisted key is DEAD.
    @param stress Empty, or P&L of the account's position modules in WAD dollars: element 0 the present value, the rest
           the change of value under each scenario. Element 0 is added to both equities, the worst loss of the rest to the maintenance
           requirement, and initial_ratio times it to the initial one. Counted within +-2**190.
    @return Equities, requirements and debt in WAD dollars, and the worst status.
    @dev Errors: "oracle: gas".
    """
    held: uint256 = 0
    held_at_bid: uint256 = 0
    owed: uint256 = 0
    owed_at_ask: uint256 = 0
    maintenance: uint256 = 0
    initial: uint256 = 0
    worst: uint256 = 0
    for packed: uint256 in exposures:
        key: uint256 = 0
        debt: bool = False
        amount: uint256 = 0
        key, debt, amount = exposure._unpack(packed)
        bid: uint256 = 0
        mid: uint256 = 0
        ask: uint256 = 0
        status: uint256 = 0
        bid, mid, ask, status = price_oracle._price(key)
        worst = max(worst, status)
        value: uint256 = 0
        if debt:
            if status == DEAD:
                value = min(amount, 1)
                maintenance = unsafe_add(maintenance, value)
                initial = unsafe_add(initial, margin_rate._initial(value))
                owed_at_ask = unsafe_add(owed_at_ask, value)
            else:
                value = exposure._owed_worth(amount, mid)
                owed_at_ask = unsafe_add(owed_at_ask, exposure._owed_worth(amount, ask))
            owed = unsafe_add(owed, value)
        else:
            value = exposure._worth(amount, mid)
            held = unsafe_add(held, value)
            held_at_bid = unsafe_add(held_at_bid, exposure._worth(amount, bid))
        if status != DEAD:
            required: uint256 = 0
            required_initially: uint256 = 0
            required, required_initially = margin_rate._requirements(key, value)
            maintenance = unsafe_add(maintenance, required)
            initial = unsafe_add(initial, required_initially)
    present: int256 = 0
    if len(stress) != 0:
        loss: uint256 = 0
        present, loss = self._stress(stress)
        maintenance = unsafe_add(maintenance, loss)
        initial = unsafe_add(initial, margin_rate._initial(loss))
    return IRiskEngine.Health(
        equity=convert(held, int256) - convert(owed, int256) + present,
        equity_initial=convert(held_at_bid, int256) - convert(owed_at_ask, int256) + present,
        maintenance=maintenance,
        initial=initial,
        debt=owed,
        status=worst,
    )


@view
@external
def assess_liquidation(exposures: DynArray[uint256, 12]) -> IRiskEngine.Liquidation:
    """
    @notice The same exposures as liquidation sees them. Anyone. No status makes it revert.

                                not OK, not settled                 not OK for `wide_delay`       OK
                positive        at ask                              at mid                        at mid
                debt            at bid                              at mid                        at mid
                DEAD positive   excluded                            worth and requires nothing
                DEAD debt       excluded                            one wei, and requires one

            Each side requires its rate of what it counts. A positive valued higher, or a debt valued lower, raises equity less
            requirement, because no marginal rate reaches 1.
    @param exposures Packed exposures, in any order, each asset at most once. An unlisted key is DEAD and never settled.
    @return WAD dollars, positives rounded down, debts and requirements up, asset by asset; see IRiskEngine.Liquidation. An amount of 0 counts
            nothing, but a doubtful price of it still makes the answer uncertain.
    @dev Errors: "oracle: gas".
    """
    out: IRiskEngine.Liquidation = empty(IRiskEngine.Liquidation)
    out.certain = True
    bit: uint256 = 1
    for packed: uint256 in exposures:
        key: uint256 = 0
        debt: bool = False
        amount: uint256 = 0
        key, debt, amount = exposure._unpack(packed)
        bid: uint256 = 0
        price: uint256 = 0
        ask: uint256 = 0
        status: uint256 = 0
        bid, price, ask, status = price_oracle._price(key)
        if status != OK and not price_oracle._is_settled(key, status):
            out.certain = False
            price = bid if debt else ask
            if status == DEAD:
                out.excluded |= bit
                amount = 0
        bit = unsafe_mul(bit, 2)
        value: uint256 = exposure._owed_worth(amount, price) if debt else exposure._worth(amount, price)
        if debt and amount != 0:
            value = max(value, 1)
        requirement: uint256 = margin_rate._requirements(key, value)[0]
        if debt:
            out.debt = unsafe_add(out.debt, value)
            out.debt_requirement = unsafe_add(out.debt_requirement, requirement)
        else:
            out.positive = unsafe_add(out.positive, value)
            out.positive_requirement = unsafe_add(out.positive_requirement, requirement)
    return out


@view
@external
def prices(keys: DynArray[uint256, 16]) -> DynArray[IRiskEngine.Price, 16]:
    """
    @notice Bid, mid, ask and status. A DEAD asset has three zeros. Does not revert for a bad source; an unlisted key is DEAD. Anyone.
    @param keys Asset keys.
    @return For each key dollars (WAD) per raw unit, scaled by 1e18; 0 OK, 1 WIDE, 2 STALE, 3 DEAD.
    @dev Errors: "oracle: gas".
    """
    out: DynArray[IRiskEngine.Price, 16] = []
    for key: uint256 in keys:
        bid: uint256 = 0
        mid: uint256 = 0
        ask: uint256 = 0
        status: uint256 = 0
        bid, mid, ask, status = price_oracle._price(key)
        out.append(IRiskEngine.Price(bid=bid, mid=mid, ask=ask, status=status))
    return out


@view
@external
def effective_rate(key: uint256, worth: uint256, at_time: uint256) -> uint256:
    """
    @notice Maintenance rate that a balance of `worth` would have at `at_time` if nobody acted. Anyone.
    @param key The asset; an unlisted one has the rate 0.
    @param worth WAD dollars.
    @param at_time Unix time; a time before the last change of targets counts as that time.
    @return WAD, rounded up.
    """
    return margin_rate._rate(key, worth, at_time)


# Reading the registry


@view
@external
def asset_counts() -> (uint256, uint256):
    """
    @notice How many core and how many isolated-tier assets are listed. Anyone.
    """
    return self._core_count, self._isolated_count


@view
@external
def sources_of(key: uint256) -> DynArray[address, 3]:
    """
    @notice The price sources of an asset; none when the key is not listed. Anyone.
    """
    return price_oracle._sources(key)


@view
@external
def price_parameters_of(key: uint256) -> IRiskEngine.PriceParameters:
    """
    @notice How an asset's sources are combined; zeros when the key is not listed. Anyone.
    """
    return price_oracle._parameters(key)


@view
@external
def margin_of(key: uint256) -> IRiskEngine.Margin:
    """
    @notice The stored margin state of an asset, enough to compute every later rate; zeros when the key is not listed. Anyone.
    """
    return margin_rate._state(key)


@view
@external
def not_ok_since(key: uint256) -> (uint256, uint256, uint256):
    """
    @notice The clock of an asset. It counts for an hour after the last mark. Anyone.
    @param key The asset; an unlisted one has no clock.
    @return Unix times: since when it is marked as not OK, when it was last marked so, and since when it is marked as DEAD without a
            mark that found a price. Zeros when it is not.
    """
    return price_oracle._clock(key)


@view
@internal
def _listed(key: uint256):
    assert self.token_of[key] != empty(address), "risk: unknown asset"


@view
@internal
def _decimals(token: address) -> uint256:
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        token, method_id("decimals()"), max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    assert success and len(answer) == 32, "risk: decimals"
    decimals: uint256 = convert(answer, uint256)
    assert decimals <= MAX_DECIMALS, "risk: decimals"
    return decimals


@pure
@internal
def _stress(stress: DynArray[int256, 16]) -> (int256, uint256):
    """
    @return Present value and worst loss, WAD dollars, both within +-MAX_STRESS.
    """
    present: int256 = max(min(stress[0], MAX_STRESS), -MAX_STRESS)
    worst: int256 = 0
    for i: uint256 in range(1, len(stress), bound=15):
        worst = min(worst, stress[i])
    return present, convert(-max(worst, -MAX_STRESS), uint256)
