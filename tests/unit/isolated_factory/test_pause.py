"""IsolatedFactory.pause and unpause."""

from __future__ import annotations

import pytest

from plimsoll.chain import Contract
from plimsoll.uniswap import Pool
from tests.support import reverts
from tests.support.isolated import Bazaar

Market = tuple[Contract, Pool]
OWNER_ONLY = "roles: owner only"
GUARDIAN_ONLY = "roles: guardian only"


@pytest.mark.parametrize("who", ["guardian", "owner"])
def test_pause__stops_listings__only_the_owner_allows_them_again(bazaar: Bazaar, market: Market, who: str) -> None:
    by = getattr(bazaar, who)
    receipt = bazaar.factory.pause(sender=by)
    assert receipt.events == [bazaar.factory.event("Paused", by=by)]
    assert bazaar.factory.paused()
    with reverts("factory: paused"):
        bazaar.list(market[0])
    with reverts(OWNER_ONLY):
        bazaar.factory.unpause(sender=bazaar.guardian)
    receipt = bazaar.factory.unpause(sender=bazaar.owner)
    assert receipt.events == [bazaar.factory.event("Unpaused", by=bazaar.owner)]
    bazaar.list(market[0])


@pytest.mark.parametrize("who", ["maker", "anybody", "attacker"])
def test_pause__stranger__reverts(bazaar: Bazaar, who: str) -> None:
    with reverts(GUARDIAN_ONLY):
        bazaar.factory.pause(sender=getattr(bazaar, who))
    with reverts(OWNER_ONLY):
        bazaar.factory.unpause(sender=getattr(bazaar, who))
