"""IsolatedFactory.list_asset: what a listing is, and what it needs."""

from __future__ import annotations

from fractions import Fraction

import pytest

from plimsoll import artifacts
from plimsoll.chain import ZERO_ADDRESS, Contract
from plimsoll.model import isolated_terms
from plimsoll.uniswap import Pool
from tests.support import reverts
from tests.support.isolated import CAP_VALUE, FLOOR, HOUR, LEAST_DEPTH, WAD, Bazaar
from tests.support.scenario import INITIAL_RATIO, NOTICE

Market = tuple[Contract, Pool]
FIRST_KEY = 1 << 64 | 1


def test_list_asset__recorded_and_told(bazaar: Bazaar, market: Market) -> None:
    token, pool = market
    found = bazaar.factory.best_market(token)
    receipt = bazaar.list(token)
    listing = bazaar.listing(token)
    assert receipt.return_value == listing.key == bazaar.world.risk_engine.key_of(token) == FIRST_KEY
    assert (listing.market, listing.quote) == (pool.address, bazaar.world["USDC"].token.address)
    assert (listing.by, listing.time, listing.feed) == (bazaar.anybody, receipt.timestamp, ZERO_ADDRESS)
    assert receipt.find("Listed") == [
        bazaar.factory.event(
            "Listed", token=token, key=FIRST_KEY, by=bazaar.anybody, listing=listing, depth=found.depth
        )
    ]
    assert (bazaar.factory.count(), bazaar.factory.listed(0, 100)) == (1, [token.address])


def test_list_asset__sources_and_margin__by_the_terms(bazaar: Bazaar, market: Market) -> None:
    token, pool = market
    found = bazaar.factory.best_market(token)
    bazaar.list(token)
    listing, risk_engine = bazaar.listing(token), bazaar.world.risk_engine
    assert risk_engine.sources_of(FIRST_KEY) == [listing.oracle]
    assert risk_engine.price_parameters_of(FIRST_KEY) == (1, WAD // 20, WAD // 100, WAD // 200, WAD // 10)
    margin = risk_engine.margin_of(FIRST_KEY)
    assert not margin.moving
    assert margin.target == (
        FLOOR,
        isolated_terms.margin_cap(INITIAL_RATIO),
        isolated_terms.size_slope(LEAST_DEPTH),
        isolated_terms.fastest_rise(FLOOR, INITIAL_RATIO, NOTICE),
        WAD // 100,
    )
    least = isolated_terms.least_liquidity(found.liquidity, found.depth, LEAST_DEPTH)
    oracle = bazaar.chain.at("TwapOracle", listing.oracle)
    source = bazaar.world["USDC"].source.address
    assert oracle.settings() == (pool.address, token.address, source, HOUR, 6 * HOUR, 1_000, least)
    assert bazaar.chain.at("UniswapV3Depth", listing.depth).settings() == (listing.oracle, pool.address, 200)
    assert risk_engine.prices([FIRST_KEY])[0].status == 0


def test_list_asset__pool__the_owners_and_capped(bazaar: Bazaar, market: Market) -> None:
    token, _ = market
    bazaar.list(token)
    listing, engine = bazaar.listing(token), bazaar.world.engine
    pool = bazaar.chain.at("LendingPool", listing.pool)
    assert (pool.owner(), pool.pending_owner(), pool.guardian()) == (bazaar.owner, ZERO_ADDRESS, bazaar.guardian)
    assert (pool.asset(), pool.engine(), pool.fund()) == (token.address, engine.address, bazaar.fund.address)
    assert (pool.method("name")(), pool.symbol(), pool.decimals()) == ("Plimsoll listed 0", "pISO", 24)
    mid = bazaar.world.risk_engine.prices([FIRST_KEY])[0].mid
    assert pool.caps() == isolated_terms.caps(CAP_VALUE, mid, 10**18)
    assert pool.fees() == (WAD // 5, WAD // 2_000)
    assert pool.rate_parameters() == (8 * WAD // 10, 4 * WAD, 50 * WAD, WAD // 1_000, 2 * WAD)
    assert engine.asset_of(token) == (FIRST_KEY, listing.pool)


def test_list_asset__pool__is_the_same_code_as_one_deployed_directly(bazaar: Bazaar, market: Market) -> None:
    token, _ = market
    bazaar.list(token)
    listed = bazaar.chain.code(bazaar.listing(token).pool)
    known = bazaar.chain.code(bazaar.world["WETH"].pool)
    assert len(listed) == len(known) == artifacts.load("LendingPool").runtime_size
    differing = [i for i, (a, b) in enumerate(zip(listed, known, strict=True)) if a != b]
    assert min(differing) > len(listed) - 700  # only the immutables at its end


def test_list_asset__lent_held_and_owed(bazaar: Bazaar, market: Market) -> None:
    token, _ = market
    bazaar.list(token)
    world = bazaar.world
    pool = bazaar.chain.at("LendingPool", bazaar.listing(token).pool)
    token.approve(pool, 2**256 - 1, sender=bazaar.maker)
    pool.deposit(1_000 * WAD, bazaar.maker, sender=bazaar.maker)
    account = world.account("trader", 1)
    world.deposit(account, "USDC", 10_000)
    world.engine.withdraw(account, token, 500 * WAD, bazaar.anybody, 500 * WAD, sender=bazaar.anybody)
    assert world.engine.debt_of(account, token) == 500 * WAD
    holder = world.account("trader", 2)
    token.approve(world.engine, 2**256 - 1, sender=bazaar.anybody)
    world.engine.deposit(holder, token, 500 * WAD, sender=bazaar.anybody)
    world.engine.withdraw(holder, token, 100 * WAD, bazaar.anybody, 0, sender=bazaar.anybody)
    assert world.engine.balance_of(holder, token) == 400 * WAD


@pytest.mark.parametrize("decimals", [0, 6, 8, 18])
@pytest.mark.parametrize("quote", ["USDC", "WETH"])
def test_list_asset__any_decimals__any_quote(bazaar: Bazaar, decimals: int, quote: str) -> None:
    token, pool = bazaar.with_market(decimals, quote=quote, price=Fraction(1, 2))
    bazaar.list(token)
    listing = bazaar.listing(token)
    assert (listing.market, listing.quote) == (pool.address, bazaar.world[quote].token.address)
    price = bazaar.world.risk_engine.prices([FIRST_KEY])[0]
    expected = 10 ** (36 - decimals) // 2
    assert abs(price.mid - expected) * 1_000 <= expected
    supply, borrow = bazaar.chain.at("LendingPool", listing.pool).caps()
    assert supply == borrow
    assert abs(supply * price.mid // WAD - CAP_VALUE) <= price.mid * 10**decimals // WAD


def test_list_asset__cheap_token__caps_within_the_pools_words(bazaar: Bazaar) -> None:
    token, _ = bazaar.with_market(18, price=Fraction(1, 10**9))
    bazaar.list(token)
    supply, borrow = bazaar.chain.at("LendingPool", bazaar.listing(token).pool).caps()
    assert (supply, borrow) == ((2**100 - 1) // WAD * WAD, (2**92 - 1) // WAD * WAD)


def test_list_asset__raw_unit_above_a_dollar__reverts(bazaar: Bazaar) -> None:
    token, _ = bazaar.with_market(0, price=3)
    with reverts("risk: price scale"):
        bazaar.list(token)


def test_list_asset__more_than_18_decimals__reverts(bazaar: Bazaar) -> None:
    token, _ = bazaar.with_market(19)
    with reverts("factory: decimals"):
        bazaar.list(token)


def test_list_asset__token_too_dear_for_a_whole_one__reverts(bazaar: Bazaar) -> None:
    token, _ = bazaar.with_market(18, price=200_000)
    with reverts("factory: cap"):
        bazaar.list(token)


def test_list_asset__twice__reverts(bazaar: Bazaar, market: Market) -> None:
    bazaar.list(market[0])
    with reverts("factory: listed already"):
        bazaar.list(market[0], bazaar.attacker)


@pytest.mark.parametrize("symbol", ["USDC", "WETH"])
def test_list_asset__core_asset__reverts(bazaar: Bazaar, symbol: str) -> None:
    with reverts("factory: listed already"):
        bazaar.list(bazaar.world[symbol].token)


@pytest.mark.parametrize("address", [ZERO_ADDRESS, "0x" + "11" * 20])
def test_list_asset__no_contract__reverts(bazaar: Bazaar, address: str) -> None:
    with reverts("factory: token"):
        bazaar.list(address)


def test_list_asset__contract_without_decimals__reverts(bazaar: Bazaar) -> None:
    with reverts("factory: decimals"):
        bazaar.list(bazaar.uniswap.factory)


def test_list_asset__no_market__reverts(bazaar: Bazaar) -> None:
    with reverts("factory: depth"):
        bazaar.list(bazaar.token())


def test_list_asset__paused__reverts(bazaar: Bazaar, market: Market) -> None:
    bazaar.factory.pause(sender=bazaar.guardian)
    with reverts("factory: paused"):
        bazaar.list(market[0])


def test_list_asset__not_the_lister__reverts(bazaar: Bazaar, market: Market) -> None:
    bazaar.world.risk_engine.set_lister(ZERO_ADDRESS, sender=bazaar.owner)
    with reverts("roles: owner only"):
        bazaar.list(market[0])


def test_list_asset__too_shallow__reverts(bazaar: Bazaar) -> None:
    token, _ = bazaar.with_market(depth=1_900_000)
    assert bazaar.factory.best_market(token).depth < LEAST_DEPTH
    with reverts("factory: depth"):
        bazaar.list(token)


@pytest.mark.parametrize(("more", "reason"), [(0, "risk: sources disagree"), (1, "factory: depth")])
def test_list_asset__exactly_as_deep_as_demanded__the_oracle_has_the_last_word(
    bazaar: Bazaar, market: Market, more: int, reason: str
) -> None:
    """The factory takes it, but the oracle's own mean liquidity is rounded down, below what that depth takes."""
    depth = bazaar.factory.best_market(market[0]).depth
    bazaar.factory.set_terms((depth + more, CAP_VALUE, FLOOR), sender=bazaar.owner)
    with reverts(reason):
        bazaar.list(market[0])


def test_list_asset__deeper_market_is_taken(bazaar: Bazaar) -> None:
    token = bazaar.token()
    shallow = bazaar.open_market(token, fee=500, depth=3_000_000)
    deep = bazaar.open_market(token, "WETH", fee=10_000, depth=9_000_000)
    bazaar.age((shallow, token), (deep, token))
    bazaar.list(token)
    listing = bazaar.listing(token)
    assert (listing.market, listing.quote) == (deep.address, bazaar.world["WETH"].token.address)


def test_list_asset__market_without_an_hour_of_history__reverts(bazaar: Bazaar) -> None:
    token = bazaar.token()
    pool = bazaar.open_market(token)
    bazaar.age((pool, token), seconds=HOUR - 60)
    with reverts("factory: depth"):
        bazaar.list(token)


def test_list_asset__deeper_market_without_history__reverts_until_it_has_one(bazaar: Bazaar) -> None:
    token, _ = bazaar.with_market()
    deeper = bazaar.open_market(token, fee=500, depth=8_000_000)
    bazaar.world.warp(60)
    with reverts("factory: history"):
        bazaar.list(token)
    bazaar.age((deeper, token))
    bazaar.list(token)
    assert bazaar.listing(token).market == deeper.address


def test_list_asset__equally_deep_market_without_history__does_not_matter(bazaar: Bazaar, market: Market) -> None:
    token, pool = market
    other = bazaar.open_market(token, fee=500)
    bazaar.world.warp(60)
    found, usdc = bazaar.factory.best_market(token), bazaar.world["USDC"]
    quote_is_token0 = int(usdc.token.address, 16) < int(token.address, 16)
    price = int(usdc.source.read().price)
    assert found.depth == isolated_terms.depth(other.tick, other.contract.liquidity(), quote_is_token0, price)
    bazaar.list(token)
    assert bazaar.listing(token).market == pool.address


@pytest.mark.parametrize(("price", "clamped"), [(0, 10**30), (10**30, 0), (2**128, 2**128), (2**256 - 1, 2**128)])
def test_list_asset__quote_price_is_none__reverts(bazaar: Bazaar, market: Market, price: int, clamped: int) -> None:
    source = bazaar.world["USDC"].source
    source.set_reading((price, clamped, bazaar.chain.timestamp(), 1, 1), sender=bazaar.owner)
    with reverts("factory: quote price"):
        bazaar.list(market[0])
    with reverts("factory: quote price"):
        bazaar.factory.best_market(market[0])


def test_list_asset__quote_price_is_old__reverts(bazaar: Bazaar, market: Market) -> None:
    bazaar.world.set_status("USDC", 2)
    with reverts("factory: quote price"):
        bazaar.list(market[0])


def test_list_asset__quote_source_does_not_trust_itself__reverts(bazaar: Bazaar, market: Market) -> None:
    bazaar.world.set_status("USDC", 1)
    with reverts("factory: quote price"):
        bazaar.list(market[0])


def test_list_asset__last_trade_long_ago__reverts(bazaar: Bazaar, market: Market) -> None:
    bazaar.world.warp(6 * HOUR + 120)
    with reverts("risk: sources disagree"):
        bazaar.list(market[0])


def test_list_asset__listed_by_the_owner_before__reverts(bazaar: Bazaar) -> None:
    asset = bazaar.token()
    source = bazaar.world["WETH"].source
    bazaar.world.risk_engine.list_asset(
        asset, True, [source], (1, 0, 0, 0, 0), (WAD // 5, WAD // 4, 10**6, 10**12, 10**12), sender=bazaar.owner
    )
    with reverts("factory: listed already"):
        bazaar.list(asset)


def test_list_asset__several__numbered(bazaar: Bazaar) -> None:
    tokens = [bazaar.with_market()[0] for _ in range(2)]
    for token in tokens:
        bazaar.list(token)
    assert bazaar.factory.listed(0, 10) == [token.address for token in tokens]
    assert bazaar.factory.listed(1, 10) == [tokens[1].address]
    assert [bazaar.listing(token).key for token in tokens] == [FIRST_KEY, FIRST_KEY + 1]
    second = bazaar.chain.at("LendingPool", bazaar.listing(tokens[1]).pool)
    assert second.method("name")() == "Plimsoll listed 1"
