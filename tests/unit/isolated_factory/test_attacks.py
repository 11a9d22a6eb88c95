"""What somebody who wants to spoil, capture or profit from a listing can do to the factory."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from plimsoll.chain import Contract, Revert
from plimsoll.model.tick_math import sqrt_ratio_at_tick
from plimsoll.uniswap import Pool
from tests.support import reverts
from tests.support.isolated import CAP_VALUE, HOUR, WAD, Bazaar

Market = tuple[Contract, Pool]
WIDE = 1
FIRST_KEY = 1 << 64 | 1
REVERTS, BURNS, BOMBS, SHORT = 2, 4, 8, 16
"""HostileToken.Habit."""


def hostile(bazaar: Bazaar) -> tuple[Any, Pool]:
    """Return a token of the attacker's making with a good market, still honest."""
    token = bazaar.token(18, "HostileToken")
    pool = bazaar.open_market(token, decimals=18)
    bazaar.age((pool, token))
    return token, pool


def narrow(pool: Pool, ticks: int) -> tuple[int, int]:
    """Return a range of about `ticks` to each side of the pool's tick."""
    spacing = int(pool.contract.tickSpacing())
    return (pool.tick - ticks) // spacing * spacing, (pool.tick + ticks) // spacing * spacing


def test_squatter__gets_the_same_listing_as_anybody(bazaar: Bazaar, market: Market) -> None:
    token, _ = market
    with bazaar.chain.isolate():
        bazaar.list(token)
        honest = bazaar.listing(token)
        terms = bazaar.world.risk_engine.margin_of(FIRST_KEY).target
    bazaar.list(token, bazaar.attacker)
    squatted = bazaar.listing(token)
    assert squatted._replace(by="", time=0) == honest._replace(by="", time=0)
    assert bazaar.world.risk_engine.margin_of(FIRST_KEY).target == terms


def test_squatter__takes_his_liquidity_away__nobody_takes_risk_until_the_owner_names_a_better_market(
    bazaar: Bazaar, market: Market
) -> None:
    token, pool = market
    bazaar.list(token, bazaar.attacker)
    listing, world = bazaar.listing(token), bazaar.world
    lent = bazaar.chain.at("LendingPool", listing.pool)
    token.approve(lent, 2**256 - 1, sender=bazaar.maker)
    lent.deposit(100 * WAD, bazaar.maker, sender=bazaar.maker)
    token_id = bazaar.uniswap.position_manager.tokenOfOwnerByIndex(bazaar.maker, 0)
    liquidity = bazaar.uniswap.position_manager.positions(token_id)[7]
    leave = (token_id, liquidity * 99 // 100, 0, 0, 2**256 - 1)
    bazaar.uniswap.position_manager.decreaseLiquidity(leave, sender=bazaar.maker)
    bazaar.age((pool, token), seconds=3 * HOUR)
    assert world.risk_engine.prices([FIRST_KEY])[0].status == WIDE
    account = world.account("trader", 1)
    world.deposit(account, "USDC", 10_000)
    with reverts("engine: price status"):
        world.engine.withdraw(account, token, 50 * WAD, bazaar.anybody, 50 * WAD, sender=bazaar.anybody)

    better = bazaar.open_market(token, fee=500)
    bazaar.age((better, token))
    oracle = bazaar.chain.deploy(
        "TwapOracle", better.contract, token, world["USDC"].source, HOUR, 6 * HOUR, 1_000, 1, sender=bazaar.maker
    )
    world.risk_engine.set_sources(
        FIRST_KEY, [oracle], (1, WAD // 20, WAD // 100, WAD // 200, WAD // 10), sender=bazaar.owner
    )
    world.engine.withdraw(account, token, 50 * WAD, bazaar.anybody, 50 * WAD, sender=bazaar.anybody)


def test_liquidity_of_this_block__does_not_count(bazaar: Bazaar) -> None:
    token, pool = bazaar.with_market(depth=1_000_000)
    usdc = bazaar.world["USDC"].token
    amount = 50_000_000 * 10**6
    bazaar.uniswap.add_liquidity(pool, {usdc: amount, token: int(amount / pool.price_of(token))}, bazaar.maker)
    with reverts("factory: depth"):
        bazaar.list(token, bazaar.attacker)


def test_liquidity_in_a_narrow_range__does_not_count(bazaar: Bazaar) -> None:
    """A quarter of a percent around the price, kept for the hour: deep on average, not deep enough to sell into."""
    token = bazaar.token()
    pool = bazaar.open_market(token, depth=100_000, fee=500)
    usdc = bazaar.world["USDC"].token
    amount = 10_000 * 10**6
    amounts = {usdc: amount, token: int(amount / pool.price_of(token))}
    bazaar.uniswap.add_liquidity(pool, amounts, bazaar.maker, narrow(pool, 25))
    bazaar.age((pool, token))
    assert bazaar.factory.best_market(token).depth > bazaar.factory.terms().least_depth
    with reverts("factory: depth"):
        bazaar.list(token, bazaar.attacker)


def test_pushed_price__a_market_off_its_mean_is_not_listed(bazaar: Bazaar, market: Market) -> None:
    token, pool = market
    bazaar.uniswap.move_price(pool, token, pool.price_of(token) * Fraction(103, 100), bazaar.maker)
    with reverts("depth: moving"):
        bazaar.list(token, bazaar.attacker)


def test_pushed_price__within_reach__changes_nothing_of_this_second(bazaar: Bazaar, market: Market) -> None:
    token, pool = market
    with bazaar.chain.isolate():
        bazaar.list(token)
        honest = bazaar.chain.at("LendingPool", bazaar.listing(token).pool).caps()
    bazaar.uniswap.move_price(pool, token, pool.price_of(token) * Fraction(101, 100), bazaar.maker)
    bazaar.list(token, bazaar.attacker)
    assert bazaar.chain.at("LendingPool", bazaar.listing(token).pool).caps() == honest


@pytest.mark.parametrize("tick", [-887_272, -887_100, 887_100, 887_271])
@pytest.mark.parametrize("quote", ["USDC", "WETH"])
def test_market_at_an_absurd_price__blocks_nothing(bazaar: Bazaar, market: Market, tick: int, quote: str) -> None:
    token, pool = market
    other = bazaar.world[quote].token
    bazaar.uniswap.factory.createPool(token, other, 10_000, sender=bazaar.attacker)
    created = bazaar.uniswap.pool(token, other, 10_000)
    created.contract.initialize(sqrt_ratio_at_tick(tick), sender=bazaar.attacker)
    with bazaar.chain.isolate():
        bazaar.list(token)
    created.grow(2, bazaar.attacker)
    bazaar.age((pool, token))
    bazaar.list(token)
    assert bazaar.listing(token).market == pool.address


def test_market_that_was_never_initialised__blocks_nothing(bazaar: Bazaar, market: Market) -> None:
    token, pool = market
    bazaar.uniswap.factory.createPool(token, bazaar.world["USDC"].token, 10_000, sender=bazaar.attacker)
    bazaar.list(token)
    assert bazaar.listing(token).market == pool.address


def test_too_little_gas__lists_the_same_or_nothing(bazaar: Bazaar) -> None:
    token = bazaar.token()
    deep = bazaar.open_market(token, fee=500, depth=9_000_000)
    shallow = bazaar.open_market(token, "WETH", depth=6_000_000)
    bazaar.age((deep, token), (shallow, token))
    refused = 0
    for gas in range(200_000, 10_000_000, 350_000):
        with bazaar.chain.isolate():
            try:
                bazaar.factory.list_asset(token, sender=bazaar.attacker, gas=gas)
            except Revert:
                refused += 1
                assert bazaar.world.risk_engine.key_of(token) == 0
            else:
                assert bazaar.listing(token).market == deep.address
    assert 15 < refused < 28


@pytest.mark.parametrize("habit", [REVERTS, SHORT])
def test_decimals__no_answer__reverts(bazaar: Bazaar, habit: int) -> None:
    token, _ = hostile(bazaar)
    token.behave(habit, sender=bazaar.attacker)
    with reverts("factory: decimals"):
        bazaar.list(token, bazaar.attacker)


def test_decimals__burns_all_gas__nothing_listed(bazaar: Bazaar) -> None:
    token, _ = hostile(bazaar)
    token.behave(BURNS, sender=bazaar.attacker)
    with pytest.raises(Revert):
        bazaar.list(token, bazaar.attacker)
    assert bazaar.factory.count() == 0


def test_decimals__answers_a_bomb__costs_the_lister_alone(bazaar: Bazaar) -> None:
    token, _ = hostile(bazaar)
    with bazaar.chain.isolate():
        plain = bazaar.list(token).gas_used
    token.behave(BOMBS, sender=bazaar.attacker)
    receipt = bazaar.list(token, bazaar.attacker)
    assert receipt.gas_used - plain < 2_000_000
    assert bazaar.listing(token).key == FIRST_KEY


@pytest.mark.parametrize("told", [0, 6, 17])
def test_decimals__others_to_the_factory_than_to_the_pool__caps_are_worth_no_more(bazaar: Bazaar, told: int) -> None:
    token, _ = hostile(bazaar)
    token.lie(bazaar.factory, told, sender=bazaar.attacker)
    try:
        bazaar.list(token, bazaar.attacker)
    except Revert as error:
        assert error.reason == "pool: precision"
        assert bazaar.world.risk_engine.key_of(token) == 0
        return
    price = bazaar.world.risk_engine.prices([FIRST_KEY])[0].mid
    supply, _ = bazaar.chain.at("LendingPool", bazaar.listing(token).pool).caps()
    assert supply * price // WAD <= CAP_VALUE


def test_decimals__enters_the_factory__cannot(bazaar: Bazaar, market: Market) -> None:
    token, _ = hostile(bazaar)
    for payload in (
        bazaar.factory.list_asset.encode(market[0]),
        bazaar.factory.list_asset.encode(token),
        bazaar.factory.pause.encode(),
    ):
        token.enter(bazaar.factory, payload, sender=bazaar.attacker)
        with reverts("factory: decimals"):
            bazaar.list(token, bazaar.attacker)
    assert bazaar.factory.count() == 0


def test_decimals__reads_the_factory_halfway__locked(bazaar: Bazaar) -> None:
    token, _ = hostile(bazaar)
    token.enter(bazaar.factory, bazaar.factory.count.encode(), sender=bazaar.attacker)
    with reverts("factory: decimals"):
        bazaar.list(token, bazaar.attacker)


def test_fee_on_transfer__can_be_listed__cannot_be_lent_or_held(bazaar: Bazaar) -> None:
    token, _ = bazaar.with_market(kind="MockERC20Fee")
    token.set_fee(100, sender=bazaar.attacker)
    bazaar.list(token, bazaar.attacker)
    pool = bazaar.chain.at("LendingPool", bazaar.listing(token).pool)
    account = bazaar.world.account("lender")
    for spender in (pool, bazaar.world.engine):
        token.approve(spender, 2**256 - 1, sender=bazaar.maker)
    with reverts("token: received differs"):
        pool.deposit(WAD, bazaar.maker, sender=bazaar.maker)
    with reverts("token: received differs"):
        bazaar.world.engine.deposit(account, token, WAD, sender=bazaar.maker)


def test_own_token_and_own_liquidity__borrows_nothing_of_others(bazaar: Bazaar, market: Market) -> None:
    """The free money attack: list a token, hold a fortune of it, borrow what others lent."""
    token, _ = market
    bazaar.list(token, bazaar.attacker)
    world = bazaar.world
    world.lend("USDC", 1_000_000)
    token.mint(bazaar.attacker, 10**9 * WAD, sender=bazaar.attacker)
    token.approve(world.engine, 2**256 - 1, sender=bazaar.attacker)
    account = world.account("attacker")
    world.engine.deposit(account, token, 10**9 * WAD, sender=bazaar.attacker)
    with reverts("engine: initial margin"):
        world.borrow(account, "USDC", 200)
    world.risk_engine.set_backing(FIRST_KEY, world["USDC"].key, True, sender=bazaar.owner)
    world.borrow(account, "USDC", 200)


def feed_of(bazaar: Bazaar, answer: int) -> Any:
    return bazaar.chain.deploy("MockFeed", "TAIL / USD", 8, answer, sender=bazaar.maker)


def offer(bazaar: Bazaar, token: Contract, aggregator: Any, low: int = 1, high: int = 10**12) -> None:
    bazaar.factory.offer_feed(token, (aggregator, low, high, 86_400, "0x" + "00" * 20, 0), sender=bazaar.owner)


def test_offered_feed__second_source__both_have_to_agree(bazaar: Bazaar, market: Market) -> None:
    token, _ = market
    offer(bazaar, token, feed_of(bazaar, 3 * 10**8))
    bazaar.list(token, bazaar.attacker)
    listing = bazaar.listing(token)
    assert bazaar.world.risk_engine.sources_of(FIRST_KEY) == [listing.oracle, listing.feed]
    assert bazaar.world.risk_engine.price_parameters_of(FIRST_KEY).min_sources == 2
    assert bazaar.chain.at("FeedOracle", listing.feed).settings()[1:6] == (18, 8, 1, 10**12, 86_400)


def test_offered_feed__disagrees__reverts(bazaar: Bazaar, market: Market) -> None:
    token, _ = market
    offer(bazaar, token, feed_of(bazaar, 4 * 10**8))
    with reverts("risk: sources disagree"):
        bazaar.list(token)


def test_offered_feed__old__reverts(bazaar: Bazaar, market: Market) -> None:
    token, _ = market
    feed = feed_of(bazaar, 3 * 10**8)
    feed.set_round(3 * 10**8, 1, bazaar.chain.timestamp() - 86_401, sender=bazaar.maker)
    offer(bazaar, token, feed)
    with reverts("risk: sources disagree"):
        bazaar.list(token)


def test_offered_feed__broken__reverts(bazaar: Bazaar, market: Market) -> None:
    token, _ = market
    feed = feed_of(bazaar, 3 * 10**8)
    feed.set_broken(True, sender=bazaar.maker)
    offer(bazaar, token, feed)
    with reverts("oracle: no answer"):
        bazaar.list(token)
    assert bazaar.world.risk_engine.key_of(token) == 0


@pytest.mark.parametrize("habit", [REVERTS, BURNS, SHORT])
def test_offered_feed__hostile_aggregator__nothing_listed(bazaar: Bazaar, market: Market, habit: int) -> None:
    token, _ = market
    aggregator = bazaar.token(8, "HostileToken")
    aggregator.behave(habit, sender=bazaar.attacker)
    offer(bazaar, token, aggregator)
    with pytest.raises(Revert):
        bazaar.list(token)
    assert (bazaar.factory.count(), bazaar.world.risk_engine.key_of(token)) == (0, 0)


def test_offered_feed__turns_hostile_later__asset_is_wide_and_reads_stay_affordable(
    bazaar: Bazaar, market: Market
) -> None:
    token, _ = market
    feed = feed_of(bazaar, 3 * 10**8)
    offer(bazaar, token, feed)
    bazaar.list(token)
    feed.set_broken(True, sender=bazaar.maker)
    (price,) = bazaar.world.risk_engine.prices([FIRST_KEY])
    assert price.status == WIDE
    assert price.mid > 0
