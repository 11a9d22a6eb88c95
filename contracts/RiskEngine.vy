# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize gas
"""
@title Equity against requirement
@license AGPL-3.0
@notice The registry of assets, their prices and their margin rates, and the one place where exposures become equity and requirement.
        Formulas: modules `exposure` (values), `margin_rate` (requirements, ramps), `price_oracle` (prices, statuses).

            equity_maintenance = sum mid * n        requirement = sum mid * |n| * m(value)
            equity_initial     = sum bid * n (n > 0) + sum ask * n (n < 0)        initial = rho * requirement

        positives rounded down; debts and requirements up, asset by asset.

        What stops it: nothing. No pause, no guardian's act and no price status makes a view revert; too little gas does
        ("oracle: gas", "margin: gas"). What is in doubt is said by the status, and the caller decides what that forbids. A DEAD positive is
        worth nothing and requires nothing; a DEAD debt is worth one wei of a dollar and requires as much, so that an
        account stays assessable. A DEAD asset therefore overstates equity where it is owed: callers must not let risk rise on it.

        Liquidation has its own view of the same exposures, `assess_liquidation`: what is not OK counts in the account's favour until
        anyone's marks show that this has lasted for `wide_delay` (see `price_oracle`).

        Where the owner says so (`set_dynamics`), an asset's margin follows its measured volatility and the depth of its market: anyone
        pokes, and rates move by their ramps. That a sample is missing, or that a balance is too large for its market, raises the initial
        requirement alone.

        It holds no account's state and serves several margin engines. The owner lists assets and sets parameters; listed
        assets cannot be removed, because somebody may hold them. The guardian only tightens: he silences one source of an asset for a
        while, raises margin by its ramp, and revokes what an isolated-tier asset may back. The lister lists isolated-tier assets. Such an
        asset backs nobody's debt before the owner says whose: whoever lists a token of his own cannot borrow against it.
@dev No function takes a lock: every call to another contract is static, so nobody can act while one is running.
     Arithmetic in `assess` is unchecked where the bounds of its modules exclude an overflow: amounts and prices below 2**128 make a value
     below 2**197, and at most 12 of them are added.
"""

from contracts.interfaces import IRiskEngine
from contracts.modules import cure
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
initializes: cure

exports: (
    roles.owner,
    roles.pending_owner,
    roles.transfer_ownership,
    roles.accept_ownership,
    roles.guardian,
    roles.set_guardian,
)
exports: (margin_rate.initial_ratio, margin_rate.notice, price_oracle.wide_delay, cure.sequencer_feed, cure.cure_window)

MAX_CORE: constant(uint256) = 64
ISOLATED: constant(uint256) = 1 << 64
MAX_ISOLATED: constant(uint256) = 2**64 - 1
MAX_DECIMALS: constant(uint256) = 18

OK: constant(uint256) = 0
DEAD: constant(uint256) = 3
MAX_STRESS: constant(int256) = 2**190          # initial_ratio times it fits

key_of: public(HashMap[address, uint256])
token_of: public(HashMap[uint256, address])
lister: public(address)
_core_count: uint256
_isolated_count: uint256
_backing: HashMap[uint256, HashMap[uint256, bool]]


@deploy
def __init__(
    initial_ratio: uint256,
    notice: uint256,
    wide_delay: uint256,
    sequencer_feed: address,
    cure_window: uint256,
    owner: address,
    guardian: address,
):
    """
    @param initial_ratio Initial over maintenance requirement, WAD, in [1.2, 3].
    @param notice Seconds for which parameters alone cannot make an account at initial margin liquidatable, 1 hour to 30 days.
    @param wide_delay Seconds after which an asset that is not OK is valued at mid in liquidations, 1 hour to 2 days; at least the
           longest window of a source.
    @param sequencer_feed Feed of an L2 sequencer's status in Chainlink's shape, or the zero address.
    @param cure_window Seconds after the sequencer's restart in which liquidations count the last good prices, at most 1 day; 0 without a
           feed.
    @param owner Lists assets and sets parameters; a timelock on a live network.
    @param guardian See `roles`.
    @dev Errors: "roles: zero address", "margin: initial ratio", "margin: notice", "oracle: wide delay", "cure: sequencer", "cure: window".
    """
    ownable.__init__()
    roles.__init__(owner, guardian)
    margin_rate.__init__(initial_ratio, notice)
    price_oracle.__init__(wide_delay)
    cure.__init__(sequencer_feed, cure_window)


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
    @notice List a token and issue its asset key. Owner only, and the lister, if it is of the isolated tier. The first parameters take
            effect at once.
    @param token The ERC-20, of 0 to 18 decimals.
    @param isolated Whether it is of the isolated tier (long tail).
    @param sources One to three different price sources, each of which answers now with at most one dollar per raw unit, and
           which together make the asset OK.
    @param prices How the sources are combined; see `set_sources`.
    @param margin Its margin; see `set_margin`.
    @return The asset key: 1 << 0, 1 << 1, ... for core assets, 1 << 64 | 1, 1 << 64 | 2, ... for isolated ones.
    @dev Errors: "roles: owner only", "risk: zero address", "risk: listed already", "risk: no index left", "risk: decimals",
         "risk: sources disagree", and those of the two setters.
    """
    if not isolated or msg.sender != self.lister:
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
    log IRiskEngine.AssetListed(key=key, token=token, decimals=self._decimals(token), isolated=isolated)
    self._set_sources(key, sources, prices)
    assert price_oracle._price(key)[3] == OK, "risk: sources disagree"
    margin_rate._list(key, margin)
    log IRiskEngine.MarginSet(key=key, parameters=margin)
    return key


@external
def set_sources(key: uint256, sources: DynArray[address, 3], parameters: IRiskEngine.PriceParameters):
    """
    @notice Replace an asset's price sources and their parameters. Owner only. Stops its clock: what the old ones were found to be
            says nothing of the new ones. Ends a silence.
    @param key The asset.
    @param sources One to three different sources, each of which answers now with at most one dollar per raw unit.
    @param parameters min_sources from 1 to the number of sources; max_deviation at most 20 %; min_spread <= max_spread <= 25 %;
           spread_growth at most 25 % per hour; all in whole basis points.
    @dev Errors: "roles: owner only", "risk: unknown asset", "oracle: min sources", "oracle: deviation", "oracle: spread",
         "oracle: spread growth", "oracle: basis points", "oracle: same source", "oracle: no answer", "oracle: gas", "risk: price scale".
    """
    roles._only_owner()
    self._listed(key)
    self._set_sources(key, sources, parameters)
    if price_oracle._stop(key):
        log IRiskEngine.Marked(key=key, since=0)


@external
def set_margin(key: uint256, parameters: IRiskEngine.MarginParameters):
    """
    @notice Set where an asset's margin is to go. Owner only; the rates in force move there by their ramps.
    @param key The asset.
    @param parameters 0.1 % <= floor <= cap < 50 %, cap * initial_ratio < 1; size_slope from 1e6 to 1e14; ramp_up and
           ramp_down whole multiples of 1e11, ramp_down at most 10 % per day, ramp_up as slow as `notice` promises (see `margin_rate`).
    @dev Errors: "roles: owner only", "risk: unknown asset", "margin: floor", "margin: cap", "margin: slope", "margin: ramp up",
         "margin: ramp down", "margin: ramp unit", "margin: notice"; with dynamics "margin: ramp too slow" and "margin: gas".
    """
    roles._only_owner()
    self._set_margin(key, parameters)


@external
def tighten_margin(key: uint256, parameters: IRiskEngine.MarginParameters):
    """
    @notice Let an asset's margin rise: by its ramp, as fast as the owner allowed. Guardian or owner.
    @param key The asset.
    @param parameters As in `set_margin`; floor, cap and size_slope at least as they were set, ramp_up and ramp_down as they were.
    @dev Errors: "roles: guardian only", "risk: unknown asset", "risk: not tighter", and those of `set_margin`.
    """
    roles._only_guardian()
    self._listed(key)
    before: IRiskEngine.MarginParameters = margin_rate._as_set(key)
    assert (
        parameters.floor >= before.floor
        and parameters.cap >= before.cap
        and parameters.size_slope >= before.size_slope
        and parameters.ramp_up == before.ramp_up
        and parameters.ramp_down == before.ramp_down
    ), "risk: not tighter"
    self._set_margin(key, parameters)


@external
def silence(key: uint256, index: uint256, duration: uint256):
    """
    @notice Let one of several sources of an asset count only where no other one answers (see `price_oracle`). The asset is not OK
            meanwhile. Guardian or owner.
    @param key The asset, of two or three sources.
    @param index Of the source, as in `sources_of`.
    @param duration Seconds, from 1 to `notice`. No source of the asset can be silenced again before as long again has passed after it.
    @dev Errors: "roles: guardian only", "oracle: unknown source" (also of an unknown asset, and an asset's only one), "oracle: duration",
         "oracle: silenced lately".
    """
    roles._only_guardian()
    until: uint256 = price_oracle._silence(key, index, duration, margin_rate.notice)
    log IRiskEngine.Silenced(key=key, index=index, until=until)


@external
def unsilence(key: uint256):
    """
    @notice Let every source of an asset count again. Owner only. When one may be silenced again stays as it was.
    @param key The asset.
    @dev Errors: "roles: owner only", "risk: unknown asset".
    """
    roles._only_owner()
    self._listed(key)
    price_oracle._unsilence(key)
    log IRiskEngine.Unsilenced(key=key)


@external
def set_lister(lister: address):
    """
    @notice Appoint who, besides the owner, may list isolated-tier assets. Owner only.
    @param lister A contract that bounds what it lists, or the zero address for nobody.
    @dev Errors: "roles: owner only".
    """
    roles._only_owner()
    self.lister = lister
    log IRiskEngine.ListerSet(lister=lister)


@external
def set_backing(isolated_key: uint256, debt_key: uint256, allowed: bool):
    """
    @notice Allow or forbid that balances of an isolated-tier asset count for new risk of accounts that owe another one. The owner allows
            and forbids, the guardian forbids. No account's maintenance moves.
    @param isolated_key The asset held.
    @param debt_key The asset owed, of either tier.
    @param allowed Whether it counts.
    @dev Errors: "roles: owner only" (allowing), "roles: guardian only" (forbidding), "risk: unknown asset", "risk: not isolated".
    """
    if allowed:
        roles._only_owner()
    else:
        roles._only_guardian()
    self._listed(isolated_key)
    self._listed(debt_key)
    assert isolated_key >= ISOLATED, "risk: not isolated"
    self._backing[isolated_key][debt_key] = allowed
    log IRiskEngine.BackingSet(isolated_key=isolated_key, debt_key=debt_key, allowed=allowed)


@external
def set_dynamics(key: uint256, parameters: IRiskEngine.DynamicParameters):
    """
    @notice Let an asset's margin follow measurements of its volatility and its market's depth (see `margin_rate`). Owner only; the rates in
            force move there by their ramps. What it is aimed at now is what the sources say now.
    @param key The asset, whose ramp_up is at least 0.001 % per hour and ramp_down 0.024 % per day where there is a source.
    @param parameters volatility and depth: contracts, or zero addresses, with a multiple (at most 1) and an impact (at most 100) of 0;
           size_limit at most 1, in whole basis points, 0 for none.
    @dev Errors: "roles: owner only", "risk: unknown asset", "margin: size limit", "margin: source", "margin: ramp too slow",
         "margin: gas".
    """
    roles._only_owner()
    self._listed(key)
    margin_rate._set_dynamics(key, parameters)


@external
def poke(key: uint256):
    """
    @notice Aim an asset's margin at what its volatility and its market's depth ask for now, at most once per hour, and note when its next
            sample is due. Once its ramp has arrived, store that, so that assessments read one word of it again. Anyone.
            No poke changes a rate at this moment; without a new aim none changes what a view shows later.
    @param key The asset.
    @dev Errors: "risk: unknown asset", "margin: gas".
    """
    self._listed(key)
    margin_rate._aim(key)
    margin_rate._settle(key)


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
    @return Equities, requirements and debt in WAD dollars, and the worst status. The initial equity counts no isolated-tier balance that
            may not back every debt of the list; the initial requirement of a balance above its asset's size limit is more than any worth.
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
        key: uint256 = packed >> exposure.KEY_BITS
        debt: bool = packed & exposure.DEBT != 0
        amount: uint256 = packed & exposure.AMOUNT
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
            if key < ISOLATED or self._backs(key, exposures):
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

            While the sequencer is down, and in the cure window after it, nothing is certain or settled, and prices are as `cure` says.

            An excluded positive may be what keeps the account above its line. For `wide_delay` after its last good price, and in the
            cure window, it counts at that price for one question: would the account be healthy with it? Then the account is not judged: all
            four sums are 0, so that nothing of it can be taken, and nothing is certain. One that is below its line even so is judged
            without it.

            Each side requires its rate of what it counts. A positive valued higher, or a debt valued lower, raises equity less
            requirement, because no marginal rate reaches 1.
    @param exposures Packed exposures, in any order, each asset at most once. An unlisted key is DEAD and never settled.
    @return WAD dollars, positives rounded down, debts and requirements up, asset by asset; see IRiskEngine.Liquidation. An amount of 0
            counts nothing, but a doubtful price of it still makes the answer uncertain.
    @dev Errors: "oracle: gas", "margin: gas" (asking for a last good price, or the sequencer).
    """
    out: IRiskEngine.Liquidation = empty(IRiskEngine.Liquidation)
    out.certain = True
    out.initial_ratio = margin_rate.initial_ratio
    curing: bool = self._is_curing()
    kept: uint256 = 0
    bit: uint256 = 1
    for packed: uint256 in exposures:
        key: uint256 = packed >> exposure.KEY_BITS
        debt: bool = packed & exposure.DEBT != 0
        amount: uint256 = packed & exposure.AMOUNT
        bid: uint256 = 0
        price: uint256 = 0
        ask: uint256 = 0
        status: uint256 = 0
        bid, price, ask, status = price_oracle._price(key)
        if status != OK or curing:
            good: uint256 = 0
            seen: uint256 = 0
            good, seen = self._last_good(key)
            if curing or not price_oracle._is_settled(key, status, seen):
                out.certain = False
                if status == DEAD:
                    out.excluded |= bit
                    if not debt and (curing or block.timestamp <= seen + price_oracle.wide_delay):
                        lost: uint256 = exposure._worth(amount, good)
                        kept = unsafe_add(kept, unsafe_sub(lost, margin_rate._maintenance(key, lost)))
                    amount = 0
                elif curing:
                    price = cure._granted(debt, price, bid if debt else ask, good)
                else:
                    price = bid if debt else ask
        bit = unsafe_mul(bit, 2)
        value: uint256 = exposure._owed_worth(amount, price) if debt else exposure._worth(amount, price)
        if debt and amount != 0:
            value = max(value, 1)
        requirement: uint256 = margin_rate._maintenance(key, value)
        if debt:
            out.debt = unsafe_add(out.debt, value)
            out.debt_requirement = unsafe_add(out.debt_requirement, requirement)
        else:
            out.positive = unsafe_add(out.positive, value)
            out.positive_requirement = unsafe_add(out.positive_requirement, requirement)
    if kept != 0 and out.positive + kept >= out.debt + out.positive_requirement + out.debt_requirement:
        out.positive = 0
        out.debt = 0
        out.positive_requirement = 0
        out.debt_requirement = 0
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
def dynamics_of(key: uint256) -> IRiskEngine.Dynamics:
    """
    @notice What an asset's margin follows, what the owner set, and when its next sample is due; zeros when the key is not listed. Anyone.
    """
    return margin_rate._dynamics(key)


@view
@external
def margin_of(key: uint256) -> IRiskEngine.Margin:
    """
    @notice The stored margin state of an asset, enough to compute every later rate; zeros when the key is not listed. Anyone.
    """
    return margin_rate._state(key)


@view
@external
def silence_of(key: uint256) -> (uint256, uint256, uint256):
    """
    @notice Which source of an asset is silenced. Anyone.
    @return Which one (bit i: source i) and until when, zeros when none is; from when on one may be silenced again. Unix times.
    """
    return price_oracle._silenced(key)


@view
@external
def backs(isolated_key: uint256, debt_key: uint256) -> bool:
    """
    @notice Whether balances of an isolated-tier asset count for new risk of accounts that owe another one. Anyone.
    """
    return self._backing[isolated_key][debt_key]


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


@internal
def _set_sources(key: uint256, sources: DynArray[address, 3], parameters: IRiskEngine.PriceParameters):
    price_oracle._set(key, sources, parameters)
    log IRiskEngine.SourcesSet(key=key, sources=sources, parameters=parameters)


@internal
def _set_margin(key: uint256, parameters: IRiskEngine.MarginParameters):
    self._listed(key)
    margin_rate._set(key, parameters)


@view
@internal
def _backs(key: uint256, exposures: DynArray[uint256, 12]) -> bool:
    """
    @notice Whether an isolated-tier asset may back every debt among exposures.
    """
    for packed: uint256 in exposures:
        if packed & exposure.DEBT != 0 and not self._backing[key][packed >> exposure.KEY_BITS]:
            return False
    return True


@view
@internal
def _is_curing() -> bool:
    if cure.sequencer_feed == empty(address):
        return False
    return cure._is_open(
        margin_rate._ask(
            convert(cure.sequencer_feed, uint256), method_id("latestRoundData()"), margin_rate.VOLATILITY_GAS
        )
    )


@view
@internal
def _last_good(key: uint256) -> (uint256, uint256):
    """
    @return The mid of the last sample that the asset's volatility source took, and its time; zeros where there is none.
    """
    source: uint256 = margin_rate._volatilities[key]
    if source == 0:
        return 0, 0
    question: Bytes[36] = abi_encode(key, method_id=method_id("last(uint256)"))
    return cure._last_good(margin_rate._ask(source, question, margin_rate.VOLATILITY_GAS))


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
