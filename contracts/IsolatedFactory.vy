# pragma version 0.4.3
# pragma evm-version cancun
# pragma optimize codesize
# pragma nonreentrancy on
"""
@title IsolatedFactory: listing long-tail assets, for anybody
@license AGPL-3.0
@notice See IIsolatedFactory for what a listing is, and module `isolated_terms` for its numbers. The risk engine's lister.

        What stops it: `pause` (guardian or owner), and any of the conditions of a listing. What stays open: everything that was listed;
        nothing here can change or end a listing. It holds no tokens, and what it deploys belongs to its owner and guardian.
@dev The lending pool's creation code is more than one contract can hold: its blueprint has the beginning, POOL_REST the end. Blueprints
     start with ERC-5202's preamble; where their code begins is a constant, never input.

     The token is asked for its decimals, by static calls that can change nothing; what it answers differently to different callers only
     spoils its own listing. Foreign failures that are swallowed are those of `observe` alone, of a pool without an hour of history. Who
     starves them of gas cannot finish: a listing needs thirty times as much afterwards.
"""

from contracts.interfaces import IDepthSource
from contracts.interfaces import IIsolatedFactory
from contracts.interfaces import ILendingPool
from contracts.interfaces import IMarginEngine
from contracts.interfaces import IPriceSource
from contracts.interfaces import IRiskEngine
from contracts.interfaces import IUniswapV3Factory
from contracts.interfaces import IUniswapV3Pool
from contracts.modules import isolated_terms
from contracts.modules import roles
from contracts.modules import tick_math
from snekmate.auth import ownable

implements: IIsolatedFactory

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
MAX_DECIMALS: constant(uint256) = 18
MAX_QUOTES: constant(uint256) = 4
MAX_PAGE: constant(uint256) = 100
MAX_RESERVED: constant(uint256) = 100
MAX_REST: constant(uint256) = 6_144
ISOLATED: constant(uint256) = 1 << 64
PRICE_LIMIT: constant(uint256) = 2**128
SECONDS_PER_LIQUIDITY: constant(uint256) = 2**160 - 1

FEES: constant(uint256[4]) = [100, 500, 3_000, 10_000]
WINDOW: constant(uint256) = 3_600                # seconds
MAX_AGE: constant(uint256) = 6 * 3_600           # since the market's last trade
MAX_TICKS_PER_HOUR: constant(uint256) = 1_000    # 10 %
REACH: constant(uint256) = 200                   # ticks, as in isolated_terms

MIN_VALUE: constant(uint256) = 1_000 * WAD
MAX_VALUE: constant(uint256) = 10**9 * WAD
MIN_FLOOR: constant(uint256) = 20 * 10**16
MAX_FLOOR: constant(uint256) = 30 * 10**16       # below 1/3, the cap that the largest initial ratio leaves

MAX_DEVIATION: constant(uint256) = 5 * 10**16
MIN_SPREAD: constant(uint256) = 10**16
SPREAD_GROWTH: constant(uint256) = 5 * 10**15    # per hour
MAX_SPREAD: constant(uint256) = 10**17
RAMP_DOWN: constant(uint256) = 10**16            # per day

TARGET: constant(uint256) = 8 * 10**17
STEEPNESS: constant(uint256) = 4 * WAD
SPEED: constant(uint256) = 50 * WAD
MIN_RATE: constant(uint256) = 10**15
MAX_RATE: constant(uint256) = 2 * WAD
START_RATE: constant(uint256) = 8 * 10**16
RESERVE_FACTOR: constant(uint256) = 2 * 10**17
FLASH_FEE: constant(uint256) = 5 * 10**14

ENGINE: immutable(IMarginEngine)
RISK_ENGINE: immutable(IRiskEngine)
RESERVE_FUND: immutable(address)
UNISWAP: immutable(IUniswapV3Factory)
BLUEPRINTS: immutable(IIsolatedFactory.Blueprints)
POOL_REST: immutable(Bytes[MAX_REST])

paused: public(bool)
reserved: public(HashMap[address, bool])
count: public(uint256)
_quotes: DynArray[IIsolatedFactory.Quote, MAX_QUOTES]
_terms: IIsolatedFactory.Terms
_feeds: HashMap[address, IIsolatedFactory.Feed]
_listings: HashMap[address, IIsolatedFactory.Listing]
_tokens: HashMap[uint256, address]


@deploy
def __init__(
    engine: address,
    risk_engine: address,
    reserve_fund: address,
    uniswap: address,
    blueprints: IIsolatedFactory.Blueprints,
    pool_rest: Bytes[MAX_REST],
    quotes: DynArray[IIsolatedFactory.Quote, MAX_QUOTES],
    terms: IIsolatedFactory.Terms,
    reserved: DynArray[address, MAX_RESERVED],
    owner: address,
    guardian: address,
):
    """
    @param engine, risk_engine, reserve_fund Of the protocol; the risk engine's lister has to become this contract.
    @param uniswap The canonical Uniswap v3 factory.
    @param blueprints ERC-5202 blueprints of LendingPool (its beginning), TwapOracle, FeedOracle and UniswapV3Depth.
    @param pool_rest What the LendingPool's blueprint has no room for.
    @param quotes, terms, reserved As in the setters.
    @param owner, guardian Also of every lending pool that is deployed here.
    @dev Errors: "factory: zero address", "factory: blueprint", "roles: zero address", and the setters'.
    """
    assert engine.is_contract and risk_engine.is_contract, "factory: zero address"
    assert reserve_fund.is_contract and uniswap.is_contract, "factory: zero address"
    for blueprint: address in [blueprints.pool, blueprints.oracle, blueprints.feed, blueprints.depth]:
        assert blueprint.codesize > 3 and slice(blueprint.code, 0, 3) == x"fe7100", "factory: blueprint"
    ENGINE = IMarginEngine(engine)
    RISK_ENGINE = IRiskEngine(risk_engine)
    RESERVE_FUND = reserve_fund
    UNISWAP = IUniswapV3Factory(uniswap)
    BLUEPRINTS = blueprints
    POOL_REST = pool_rest
    ownable.__init__()
    roles.__init__(owner, guardian)
    self._set_quotes(RISK_ENGINE, quotes)
    self._set_terms(terms)
    self._reserve(reserved)


@external
def list_asset(token: address) -> uint256:
    """
    @notice List a token in the isolated tier, with a lending pool. Anyone.
    @param token An ERC-20 of at most 18 decimals with a market deep enough.
    @return Its asset key.
    @dev Errors: "factory: paused", "factory: token", "factory: reserved", "factory: listed already", "factory: decimals",
         "factory: quote price", "factory: depth", "factory: history", "factory: cap", and those of TwapOracle, UniswapV3Depth, FeedOracle,
         LendingPool, the risk engine ("risk: price scale", "risk: sources disagree") and the engine.
    """
    assert not self.paused, "factory: paused"
    assert token.is_contract, "factory: token"
    assert not self.reserved[token], "factory: reserved"
    assert staticcall RISK_ENGINE.key_of(token) == 0, "factory: listed already"
    decimals: uint256 = self._decimals(token)
    terms: IIsolatedFactory.Terms = self._terms
    market: IIsolatedFactory.Market = empty(IIsolatedFactory.Market)
    unknown: uint256 = 0
    market, unknown = self._best_market(token)
    assert market.depth >= terms.least_depth, "factory: depth"
    assert market.depth >= unknown, "factory: history"

    listing: IIsolatedFactory.Listing = empty(IIsolatedFactory.Listing)
    listing.market = market.pool
    listing.quote = market.quote
    listing.by = msg.sender
    listing.time = block.timestamp
    listing.oracle = create_from_blueprint(
        BLUEPRINTS.oracle,
        market.pool,
        token,
        market.source,
        WINDOW,
        MAX_AGE,
        MAX_TICKS_PER_HOUR,
        isolated_terms._least_liquidity(market.liquidity, market.depth, terms.least_depth),
        code_offset=3,
    )
    listing.depth = create_from_blueprint(BLUEPRINTS.depth, listing.oracle, REACH, code_offset=3)
    assert staticcall IDepthSource(listing.depth).depth() >= terms.least_depth, "factory: depth"
    listing.feed = self._deploy_feed(token, decimals)
    listing.key = self._list(token, listing, terms)
    price: uint256 = (staticcall RISK_ENGINE.prices([listing.key]))[0].mid
    listing.pool = self._deploy_pool(token, 10**decimals, price, terms.cap_value)
    extcall ENGINE.add_asset(token, listing.pool)

    self._listings[token] = listing
    self._tokens[self.count] = token
    self.count += 1
    log IIsolatedFactory.Listed(token=token, key=listing.key, by=msg.sender, listing=listing, depth=market.depth)
    return listing.key


@external
def set_quotes(quotes: DynArray[IIsolatedFactory.Quote, MAX_QUOTES]):
    """
    @notice Replace the assets against which markets are looked for. Owner only.
    @param quotes One to four different core assets of the risk engine, each with one of its price sources, which answers now.
    @dev Errors: "roles: owner only", "factory: quotes", "factory: quote", "factory: quote source".
    """
    roles._only_owner()
    self._set_quotes(RISK_ENGINE, quotes)


@external
def set_terms(terms: IIsolatedFactory.Terms):
    """
    @notice Change what later listings need and get. Owner only.
    @param terms least_depth and cap_value from a thousand to a billion dollars (WAD), floor from 20 % to 30 %.
    @dev Errors: "roles: owner only", "factory: least depth", "factory: cap value", "factory: floor".
    """
    roles._only_owner()
    self._set_terms(terms)


@external
def offer_feed(token: address, feed: IIsolatedFactory.Feed):
    """
    @notice Offer a feed for a token, which its listing will then use beside the market; or take the offer back. Owner only.
    @param token Any token that is not listed yet.
    @param feed The zero address as its aggregator takes the offer back; its numbers are checked at the listing.
    @dev Errors: "roles: owner only", "factory: listed already", "factory: aggregator".
    """
    roles._only_owner()
    assert staticcall RISK_ENGINE.key_of(token) == 0, "factory: listed already"
    assert feed.aggregator == empty(address) or feed.aggregator.is_contract, "factory: aggregator"
    self._feeds[token] = feed
    log IIsolatedFactory.FeedOffered(token=token, feed=feed)


@external
def reserve(tokens: DynArray[address, MAX_RESERVED]):
    """
    @notice Keep tokens for the owner to list: a token is listed once, in one tier. Guardian or owner.
    @param tokens At most 100, listed or not.
    @dev Errors: "roles: guardian only".
    """
    roles._only_guardian()
    self._reserve(tokens)


@external
def release(token: address):
    """
    @notice Let anybody list a token that was reserved. Owner only.
    @param token Any token.
    @dev Errors: "roles: owner only".
    """
    roles._only_owner()
    self.reserved[token] = False
    log IIsolatedFactory.Released(token=token)


@external
def pause():
    """
    @notice Stop listings. Guardian or owner.
    @dev Errors: "roles: guardian only".
    """
    roles._only_guardian()
    self.paused = True
    log IIsolatedFactory.Paused(by=msg.sender)


@external
def unpause():
    """
    @notice Allow listings again. Owner only.
    @dev Errors: "roles: owner only".
    """
    roles._only_owner()
    self.paused = False
    log IIsolatedFactory.Unpaused(by=msg.sender)


@view
@external
def best_market(token: address) -> IIsolatedFactory.Market:
    """
    @notice The market that a listing would use now; zeros when there is none. Anyone.
    @param token Any token.
    @return See IIsolatedFactory.Market.
    @dev Errors: "factory: quote price".
    """
    return self._best_market(token)[0]


@view
@external
def listing_of(token: address) -> IIsolatedFactory.Listing:
    """
    @notice What was listed for a token; zeros when nothing was. Anyone.
    """
    return self._listings[token]


@view
@external
def listed(first: uint256, count: uint256) -> DynArray[address, MAX_PAGE]:
    """
    @notice Tokens that were listed here, in order. Anyone.
    @param first Index from 0.
    @param count How many, at most 100; fewer where there are fewer.
    @dev Errors: "factory: count".
    """
    assert count <= MAX_PAGE, "factory: count"
    tokens: DynArray[address, MAX_PAGE] = []
    for i: uint256 in range(count, bound=MAX_PAGE):
        if first >= self.count or i >= self.count - first:
            break
        tokens.append(self._tokens[first + i])
    return tokens


@view
@external
def quotes() -> DynArray[IIsolatedFactory.Quote, MAX_QUOTES]:
    """
    @notice Against what markets are looked for. Anyone.
    """
    return self._quotes


@view
@external
def terms() -> IIsolatedFactory.Terms:
    """
    @notice What listings need and get. Anyone.
    """
    return self._terms


@view
@external
def feed_of(token: address) -> IIsolatedFactory.Feed:
    """
    @notice The feed that is offered for a token. Anyone.
    """
    return self._feeds[token]


@view
@external
def settings() -> (address, address, address, address):
    """
    @notice Engine, risk engine, reserve fund and Uniswap factory. Anyone.
    """
    return ENGINE.address, RISK_ENGINE.address, RESERVE_FUND, UNISWAP.address


# Markets


@view
@internal
def _best_market(token: address) -> (IIsolatedFactory.Market, uint256):
    """
    @return The deepest market over the last hour, and how deep one that has no record of it is now, WAD dollars.
    """
    best: IIsolatedFactory.Market = empty(IIsolatedFactory.Market)
    unknown: uint256 = 0
    for quote: IIsolatedFactory.Quote in self._quotes:
        price: uint256 = 0
        for fee: uint256 in FEES:
            pool: address = staticcall UNISWAP.getPool(token, quote.token, convert(fee, uint24))
            if pool == empty(address):
                continue
            if price == 0:
                price = self._quote_price(quote.source)
            known: bool = False
            tick: int256 = 0
            liquidity: uint256 = 0
            known, tick, liquidity = self._mean(pool)
            depth: uint256 = isolated_terms._depth(
                tick, liquidity, convert(quote.token, uint160) < convert(token, uint160), price
            )
            if not known:
                unknown = max(unknown, depth)
            elif depth > best.depth:
                best = IIsolatedFactory.Market(
                    pool=pool, quote=quote.token, source=quote.source, tick=tick, liquidity=liquidity, depth=depth
                )
    return best, unknown


@view
@internal
def _quote_price(source: address) -> uint256:
    """
    @return Dollars (WAD) per raw unit, scaled by 1e18: the lower of the source's two numbers.
    """
    reading: IPriceSource.Reading = staticcall IPriceSource(source).read()
    price: uint256 = min(reading.price, reading.clamped)
    assert price != 0 and price < PRICE_LIMIT and reading.fresh == 1 and reading.trusted == 1, "factory: quote price"
    return price


@view
@internal
def _mean(pool: address) -> (bool, int256, uint256):
    """
    @notice A market's mean tick and harmonic mean liquidity over WINDOW; False and those of now when it does not know them.
    """
    ago: DynArray[uint32, 2] = [convert(WINDOW, uint32), 0]
    success: bool = False
    response: Bytes[320] = b""
    success, response = raw_call(
        pool,
        abi_encode(ago, method_id=method_id("observe(uint32[])")),
        max_outsize=320,
        is_static_call=True,
        revert_on_failure=False,
    )
    if not success:
        now: int256 = (staticcall IUniswapV3Pool(pool).slot0())[1]
        return False, now, staticcall IUniswapV3Pool(pool).liquidity()
    ticks: DynArray[int56, 2] = []
    seconds: DynArray[uint160, 2] = []
    ticks, seconds = abi_decode(response, (DynArray[int56, 2], DynArray[uint160, 2]))
    moved: int256 = convert(ticks[1], int256) - convert(ticks[0], int256)
    grown: uint256 = unsafe_sub(convert(seconds[1], uint256), convert(seconds[0], uint256)) & SECONDS_PER_LIQUIDITY
    return True, tick_math._mean_tick(moved, WINDOW), tick_math._harmonic_liquidity(grown, WINDOW)


@view
@internal
def _decimals(token: address) -> uint256:
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        token, method_id("decimals()"), max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    assert success and len(answer) == 32, "factory: decimals"
    decimals: uint256 = convert(answer, uint256)
    assert decimals <= MAX_DECIMALS, "factory: decimals"
    return decimals


# What a listing deploys


@internal
def _deploy_feed(token: address, decimals: uint256) -> address:
    """
    @return A FeedOracle over the feed that is offered; the zero address where there is none.
    """
    feed: IIsolatedFactory.Feed = self._feeds[token]
    if feed.aggregator == empty(address):
        return empty(address)
    return create_from_blueprint(
        BLUEPRINTS.feed,
        feed.aggregator,
        decimals,
        feed.min_answer,
        feed.max_answer,
        feed.max_age,
        feed.sequencer_feed,
        feed.sequencer_grace,
        code_offset=3,
    )


@internal
def _deploy_pool(token: address, unit: uint256, price: uint256, cap_value: uint256) -> address:
    supply_cap: uint256 = 0
    borrow_cap: uint256 = 0
    supply_cap, borrow_cap = isolated_terms._caps(cap_value, price, unit)
    assert borrow_cap != 0, "factory: cap"
    name: String[24] = concat("Plimsoll listed ", uint2str(convert(self.count, uint24)))
    arguments: Bytes[1_024] = abi_encode(
        token,
        name,
        "pISO",
        ENGINE.address,
        RESERVE_FUND,
        ownable.owner,
        roles.guardian,
        ILendingPool.RateParameters(
            target=TARGET, steepness=STEEPNESS, speed=SPEED, min_rate=MIN_RATE, max_rate=MAX_RATE
        ),
        START_RATE,
        supply_cap,
        borrow_cap,
        RESERVE_FACTOR,
        FLASH_FEE,
    )
    return create_from_blueprint(BLUEPRINTS.pool, concat(POOL_REST, arguments), raw_args=True, code_offset=3)


@internal
def _list(token: address, listing: IIsolatedFactory.Listing, terms: IIsolatedFactory.Terms) -> uint256:
    """
    @return The asset key that the risk engine issues.
    """
    sources: DynArray[address, 3] = [listing.oracle]
    if listing.feed != empty(address):
        sources.append(listing.feed)
    initial_ratio: uint256 = staticcall RISK_ENGINE.initial_ratio()
    return extcall RISK_ENGINE.list_asset(
        token,
        True,
        sources,
        IRiskEngine.PriceParameters(
            min_sources=len(sources),
            max_deviation=MAX_DEVIATION,
            min_spread=MIN_SPREAD,
            spread_growth=SPREAD_GROWTH,
            max_spread=MAX_SPREAD,
        ),
        IRiskEngine.MarginParameters(
            floor=terms.floor,
            cap=isolated_terms._margin_cap(initial_ratio),
            size_slope=isolated_terms._size_slope(terms.least_depth),
            ramp_up=isolated_terms._fastest_rise(terms.floor, initial_ratio, staticcall RISK_ENGINE.notice()),
            ramp_down=RAMP_DOWN,
        ),
    )


# Setting


@internal
def _set_quotes(risk_engine: IRiskEngine, quotes: DynArray[IIsolatedFactory.Quote, MAX_QUOTES]):
    assert len(quotes) != 0, "factory: quotes"
    seen: uint256 = 0
    for quote: IIsolatedFactory.Quote in quotes:
        key: uint256 = staticcall risk_engine.key_of(quote.token)
        assert key != 0 and key < ISOLATED and seen & key == 0, "factory: quote"
        seen |= key
        sources: DynArray[address, 3] = staticcall risk_engine.sources_of(key)
        assert quote.source in sources, "factory: quote source"
        assert (staticcall IPriceSource(quote.source).read()).price != 0, "factory: quote source"
    self._quotes = quotes
    log IIsolatedFactory.QuotesSet(quotes=quotes)


@internal
def _reserve(tokens: DynArray[address, MAX_RESERVED]):
    for token: address in tokens:
        self.reserved[token] = True
        log IIsolatedFactory.Reserved(token=token)


@internal
def _set_terms(terms: IIsolatedFactory.Terms):
    assert MIN_VALUE <= terms.least_depth and terms.least_depth <= MAX_VALUE, "factory: least depth"
    assert MIN_VALUE <= terms.cap_value and terms.cap_value <= MAX_VALUE, "factory: cap value"
    assert MIN_FLOOR <= terms.floor and terms.floor <= MAX_FLOOR, "factory: floor"
    self._terms = terms
    log IIsolatedFactory.TermsSet(terms=terms)
