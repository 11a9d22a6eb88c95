"""IsolatedFactory.set_terms: every bound, for later listings."""

from __future__ import annotations

import pytest

from plimsoll.chain import Contract
from plimsoll.uniswap import Pool
from tests.support import reverts
from tests.support.isolated import CAP_VALUE, FLOOR, LEAST_DEPTH, TERMS, WAD, Bazaar

Market = tuple[Contract, Pool]
OWNER_ONLY = "roles: owner only"
THOUSAND, BILLION = 1_000 * WAD, 10**9 * WAD
NO_OWNERS = ["guardian", "maker", "anybody", "attacker"]


@pytest.mark.parametrize(
    "terms",
    [(THOUSAND, THOUSAND, 20 * WAD // 100), (BILLION, BILLION, 30 * WAD // 100), (LEAST_DEPTH + 1, 10**22, FLOOR)],
)
def test_set_terms__kept(bazaar: Bazaar, terms: tuple[int, int, int]) -> None:
    receipt = bazaar.factory.set_terms(terms, sender=bazaar.owner)
    assert receipt.events == [bazaar.factory.event("TermsSet", terms=terms)]
    assert bazaar.factory.terms() == terms


@pytest.mark.parametrize("who", NO_OWNERS)
def test_set_terms__not_the_owner__reverts(bazaar: Bazaar, who: str) -> None:
    with reverts(OWNER_ONLY):
        bazaar.factory.set_terms(TERMS, sender=getattr(bazaar, who))


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ((THOUSAND - 1, CAP_VALUE, FLOOR), "factory: least depth"),
        ((BILLION + 1, CAP_VALUE, FLOOR), "factory: least depth"),
        ((LEAST_DEPTH, THOUSAND - 1, FLOOR), "factory: cap value"),
        ((LEAST_DEPTH, BILLION + 1, FLOOR), "factory: cap value"),
        ((LEAST_DEPTH, CAP_VALUE, 20 * WAD // 100 - 1), "factory: floor"),
        ((LEAST_DEPTH, CAP_VALUE, 30 * WAD // 100 + 1), "factory: floor"),
    ],
)
def test_set_terms__out_of_bounds__reverts(bazaar: Bazaar, terms: tuple[int, int, int], reason: str) -> None:
    with reverts(reason):
        bazaar.factory.set_terms(terms, sender=bazaar.owner)


def test_set_terms__later_listings_only(bazaar: Bazaar, market: Market) -> None:
    bazaar.list(market[0])
    before = bazaar.world.risk_engine.margin_of(bazaar.listing(market[0]).key)
    bazaar.factory.set_terms((LEAST_DEPTH, CAP_VALUE, 30 * WAD // 100), sender=bazaar.owner)
    assert bazaar.world.risk_engine.margin_of(bazaar.listing(market[0]).key) == before
    other, _ = bazaar.with_market()
    bazaar.list(other)
    assert bazaar.world.risk_engine.margin_of(bazaar.listing(other).key).target.floor == 30 * WAD // 100
