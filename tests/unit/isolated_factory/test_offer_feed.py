"""IsolatedFactory.offer_feed: the owner's choice alone."""

from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS, Contract
from plimsoll.uniswap import Pool
from tests.support import reverts
from tests.support.isolated import Bazaar

Market = tuple[Contract, Pool]
OWNER_ONLY = "roles: owner only"
FEED = ("0x" + "00" * 20, 0, 0, 0, "0x" + "00" * 20, 0)
NO_OWNERS = ["guardian", "maker", "anybody", "attacker"]


def test_offer_feed__and_taken_back(bazaar: Bazaar, market: Market) -> None:
    feed = bazaar.chain.deploy("MockFeed", "TAIL / USD", 8, 3 * 10**8, sender=bazaar.maker)
    offered = (feed.address, 1, 10**12, 86_400, ZERO_ADDRESS, 0)
    receipt = bazaar.factory.offer_feed(market[0], offered, sender=bazaar.owner)
    assert receipt.events == [bazaar.factory.event("FeedOffered", token=market[0], feed=offered)]
    assert bazaar.factory.feed_of(market[0]) == offered
    bazaar.factory.offer_feed(market[0], FEED, sender=bazaar.owner)
    bazaar.list(market[0])
    assert bazaar.listing(market[0]).feed == ZERO_ADDRESS


@pytest.mark.parametrize("who", NO_OWNERS)
def test_offer_feed__not_the_owner__reverts(bazaar: Bazaar, market: Market, who: str) -> None:
    with reverts(OWNER_ONLY):
        bazaar.factory.offer_feed(market[0], FEED, sender=getattr(bazaar, who))


def test_offer_feed__listed_already__reverts(bazaar: Bazaar, market: Market) -> None:
    bazaar.list(market[0])
    with reverts("factory: listed already"):
        bazaar.factory.offer_feed(market[0], FEED, sender=bazaar.owner)


def test_offer_feed__no_contract__reverts(bazaar: Bazaar, market: Market) -> None:
    with reverts("factory: aggregator"):
        bazaar.factory.offer_feed(market[0], ("0x" + "11" * 20, *FEED[1:]), sender=bazaar.owner)
