"""IsolatedFactory.set_quotes: core assets with sources of theirs."""

from __future__ import annotations

from typing import Any

import pytest

from plimsoll.chain import Contract
from plimsoll.uniswap import Pool
from tests.support import reverts
from tests.support.isolated import Bazaar, quotes_of

Market = tuple[Contract, Pool]
OWNER_ONLY = "roles: owner only"
NO_OWNERS = ["guardian", "maker", "anybody", "attacker"]


def plain(quotes: list[tuple[Any, Any]]) -> list[tuple[str, str]]:
    return [(token.address, source.address) for token, source in quotes]


def test_set_quotes__replaced(bazaar: Bazaar, market: Market) -> None:
    quotes = quotes_of(bazaar.world, "WETH")
    receipt = bazaar.factory.set_quotes(quotes, sender=bazaar.owner)
    assert receipt.events == [bazaar.factory.event("QuotesSet", quotes=plain(quotes))]
    assert bazaar.factory.quotes() == plain(quotes)
    with reverts("factory: depth"):
        bazaar.list(market[0])


@pytest.mark.parametrize("who", NO_OWNERS)
def test_set_quotes__not_the_owner__reverts(bazaar: Bazaar, who: str) -> None:
    with reverts(OWNER_ONLY):
        bazaar.factory.set_quotes(quotes_of(bazaar.world, "WETH"), sender=getattr(bazaar, who))


def test_set_quotes__none__reverts(bazaar: Bazaar) -> None:
    with reverts("factory: quotes"):
        bazaar.factory.set_quotes([], sender=bazaar.owner)


def test_set_quotes__twice_the_same__reverts(bazaar: Bazaar) -> None:
    with reverts("factory: quote"):
        bazaar.factory.set_quotes(quotes_of(bazaar.world, "USDC", "USDC"), sender=bazaar.owner)


def test_set_quotes__not_listed__reverts(bazaar: Bazaar) -> None:
    with reverts("factory: quote"):
        bazaar.factory.set_quotes([(bazaar.token(), bazaar.world["USDC"].source)], sender=bazaar.owner)


def test_set_quotes__of_the_isolated_tier__reverts(bazaar: Bazaar, market: Market) -> None:
    bazaar.list(market[0])
    with reverts("factory: quote"):
        bazaar.factory.set_quotes([(market[0], bazaar.listing(market[0]).oracle)], sender=bazaar.owner)


def test_set_quotes__source_of_another_asset__reverts(bazaar: Bazaar) -> None:
    wrong = [(bazaar.world["USDC"].token, bazaar.world["WETH"].source)]
    with reverts("factory: quote source"):
        bazaar.factory.set_quotes(wrong, sender=bazaar.owner)


def test_set_quotes__source_says_nothing__reverts(bazaar: Bazaar) -> None:
    source = bazaar.world["USDC"].source
    source.set_reading((0, 0, bazaar.chain.timestamp(), 1, 1), sender=bazaar.maker)
    with reverts("factory: quote source"):
        bazaar.factory.set_quotes(quotes_of(bazaar.world, "USDC"), sender=bazaar.owner)
