"""IsolatedFactory.reserve and release: what only the owner lists, so that nobody squats a core asset to be."""

from __future__ import annotations

import pytest

from plimsoll.chain import Contract
from plimsoll.uniswap import Pool
from tests.support import reverts
from tests.support.isolated import WAD, Bazaar

Market = tuple[Contract, Pool]


@pytest.mark.parametrize("who", ["guardian", "owner"])
def test_reserve__nobody_lists_it__but_the_owner_as_a_core_asset(bazaar: Bazaar, market: Market, who: str) -> None:
    token, _ = market
    other = bazaar.token()
    receipt = bazaar.factory.reserve([token, other], sender=getattr(bazaar, who))
    assert receipt.events == [bazaar.factory.event("Reserved", token=each) for each in (token, other)]
    assert bazaar.factory.reserved(token)
    with reverts("factory: reserved"):
        bazaar.list(token, bazaar.attacker)
    margin = (WAD // 5, WAD // 4, 10**6, 10**12, 10**12)
    source = bazaar.world["WETH"].source
    key = bazaar.world.risk_engine.list_asset(
        token, False, [source], (1, 0, 0, 0, 0), margin, sender=bazaar.owner
    ).return_value
    assert key == 1 << 2


@pytest.mark.parametrize("who", ["maker", "anybody", "attacker"])
def test_reserve__stranger__reverts(bazaar: Bazaar, market: Market, who: str) -> None:
    with reverts("roles: guardian only"):
        bazaar.factory.reserve([market[0]], sender=getattr(bazaar, who))


def test_reserve__a_hundred_at_once__is_the_most(bazaar: Bazaar) -> None:
    tokens = [f"0x{number:040x}" for number in range(1, 102)]
    assert len(bazaar.factory.reserve(tokens[1:], sender=bazaar.guardian).events) == 100
    with reverts(""):
        bazaar.factory.reserve(tokens, sender=bazaar.guardian)


def test_release__anybody_lists_it_again(bazaar: Bazaar, market: Market) -> None:
    bazaar.factory.reserve([market[0]], sender=bazaar.guardian)
    receipt = bazaar.factory.release(market[0], sender=bazaar.owner)
    assert receipt.events == [bazaar.factory.event("Released", token=market[0])]
    assert not bazaar.factory.reserved(market[0])
    bazaar.list(market[0])


@pytest.mark.parametrize("who", ["guardian", "maker", "anybody", "attacker"])
def test_release__not_the_owner__reverts(bazaar: Bazaar, market: Market, who: str) -> None:
    bazaar.factory.reserve([market[0]], sender=bazaar.guardian)
    with reverts("roles: owner only"):
        bazaar.factory.release(market[0], sender=getattr(bazaar, who))


def test_reserve__from_the_start(bazaar: Bazaar) -> None:
    token = bazaar.token()
    factory = bazaar.deploy_factory(reserved=[token])
    assert factory.reserved(token)
    with reverts("factory: reserved"):
        factory.list_asset(token, sender=bazaar.anybody)


def test_reserve__listed_already__changes_nothing(bazaar: Bazaar, market: Market) -> None:
    bazaar.list(market[0])
    listing = bazaar.listing(market[0])
    bazaar.factory.reserve([market[0]], sender=bazaar.guardian)
    assert bazaar.listing(market[0]) == listing
