"""IsolatedFactory's views."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS
from plimsoll.model import isolated_terms
from plimsoll.uniswap import raw_price
from tests.support import reverts
from tests.support.isolated import HOUR, Bazaar


def test_views__nothing_listed(bazaar: Bazaar) -> None:
    token = bazaar.token()
    assert bazaar.factory.listing_of(token).key == 0
    assert bazaar.factory.best_market(token).pool == ZERO_ADDRESS
    assert bazaar.factory.listed(0, 100) == []
    assert bazaar.factory.listed(2**256 - 1, 100) == []


def test_listed__no_more_than_asked_for(bazaar: Bazaar) -> None:
    token, _ = bazaar.with_market()
    bazaar.list(token)
    assert bazaar.factory.listed(0, 1) == [token.address]
    assert bazaar.factory.listed(0, 0) == bazaar.factory.listed(1, 1) == []


def test_listed__more_than_a_page__reverts(bazaar: Bazaar) -> None:
    with reverts("factory: count"):
        bazaar.factory.listed(0, 101)


def test_best_market__without_liquidity__none(bazaar: Bazaar) -> None:
    """It has its hour of history, and a depth of nothing."""
    token, usdc = bazaar.token(), bazaar.world["USDC"].token
    bazaar.uniswap.create_pool(token, usdc, 3_000, raw_price(3, 18, 6), bazaar.maker)
    bazaar.world.warp(HOUR)
    found = bazaar.factory.best_market(token)
    assert (found.pool, found.quote, found.source) == 3 * (ZERO_ADDRESS,)
    assert (found.tick, found.liquidity, found.depth) == (0, 0, 0)


def test_best_market__equally_deep__the_first(bazaar: Bazaar) -> None:
    """In the order of the quotes, then from the lowest fee up."""
    token = bazaar.token()
    first, second = (bazaar.open_market(token, fee=fee, ticks=(-600_000, 600_000)) for fee in (500, 10_000))
    bazaar.age((first, token), (second, token))
    found = bazaar.factory.best_market(token)
    assert found.pool == first.address


@pytest.mark.parametrize("quote_is_token0", [False, True])
def test_best_market__equals_the_model(bazaar: Bazaar, quote_is_token0: bool) -> None:
    quote = int(bazaar.world["USDC"].token.address, 16)
    token = bazaar.token()
    while (quote < int(token.address, 16)) != quote_is_token0:
        token = bazaar.token()
    pool = bazaar.open_market(token)
    bazaar.age((pool, token))
    found = bazaar.factory.best_market(token)
    usdc = bazaar.world["USDC"]
    price = int(usdc.source.read().price)
    assert found.depth == isolated_terms.depth(found.tick, found.liquidity, quote_is_token0, price)
    assert (found.pool, found.quote, found.source) == (pool.address, usdc.token.address, usdc.source.address)
