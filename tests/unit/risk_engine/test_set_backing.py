from __future__ import annotations

import pytest

from plimsoll.model import exposure
from tests.support import reverts
from tests.support.risk import DOLLAR_6, ETHER_18, WAD, Risk


@pytest.fixture
def core(risk: Risk) -> int:
    return risk.list_asset(DOLLAR_6)


@pytest.fixture
def tail(risk: Risk, core: int) -> int:
    return risk.list_asset(ETHER_18, isolated=True)


def test_set_backing__event_and_view(risk: Risk, core: int, tail: int) -> None:
    assert not risk.engine.backs(tail, core)
    for allowed in (True, False):
        receipt = risk.set_backing(tail, core, allowed)
        event = risk.engine.event("BackingSet", isolated_key=tail, debt_key=core, allowed=allowed)
        assert receipt.events == [event]
        assert risk.engine.backs(tail, core) == allowed
    assert not risk.engine.backs(core, tail)


def test_set_backing__guardian_forbids(risk: Risk, core: int, tail: int) -> None:
    risk.set_backing(tail, core)
    risk.engine.set_backing(tail, core, False, sender=risk.guardian)
    assert not risk.engine.backs(tail, core)


@pytest.mark.parametrize("caller", ["guardian", "stranger"])
def test_set_backing__allow__not_owner__reverts(risk: Risk, core: int, tail: int, caller: str) -> None:
    with reverts("roles: owner only"):
        risk.engine.set_backing(tail, core, True, sender=getattr(risk, caller))


def test_set_backing__forbid__not_guardian__reverts(risk: Risk, core: int, tail: int) -> None:
    with reverts("roles: guardian only"):
        risk.engine.set_backing(tail, core, False, sender=risk.stranger)


def test_set_backing__core_asset_held__reverts(risk: Risk, core: int, tail: int) -> None:
    with reverts("risk: not isolated"):
        risk.engine.set_backing(core, tail, True, sender=risk.owner)


@pytest.mark.parametrize("unknown", [0, 2, 1 << 64, 1 << 64 | 2, 2**256 - 1])
def test_set_backing__unknown_asset__reverts(risk: Risk, core: int, tail: int, unknown: int) -> None:
    for pair in ((unknown, core), (tail, unknown)):
        with reverts("risk: unknown asset"):
            risk.engine.set_backing(*pair, True, sender=risk.owner)


# What counts for new risk


def has(key: int) -> int:
    return exposure.pack(key, False, 5 * WAD)


def owes(key: int) -> int:
    return exposure.pack(key, True, 10**9)


@pytest.mark.parametrize("tier", ["core", "isolated"])
def test_assess__isolated_asset_held__counts_initially_only_against_what_it_may_back(
    risk: Risk, core: int, tail: int, tier: str
) -> None:
    """Whoever lists a token of his own, with liquidity of his own, cannot borrow against it, of whichever tier."""
    owed = core if tier == "core" else risk.list_asset(DOLLAR_6, isolated=True)
    exposures = [has(tail), owes(owed)]
    without = risk.assess(exposures)
    assert without == risk.model_health(exposures)
    assert without.equity_initial < 0 < without.initial
    risk.set_backing(tail, owed)
    allowed = risk.assess(exposures)
    assert allowed == risk.model_health(exposures)
    assert allowed.equity_initial >= allowed.initial
    assert without._replace(equity_initial=allowed.equity_initial) == allowed, "maintenance is as it was"
    assert risk.assess(exposures[::-1]) == allowed


def test_assess__revoked__nobody_becomes_liquidatable(risk: Risk, core: int, tail: int) -> None:
    risk.set_backing(tail, core)
    exposures = [has(tail), owes(core)]
    before = risk.assess_liquidation(exposures)
    risk.set_backing(tail, core, False)
    assert risk.assess_liquidation(exposures) == before


def test_assess__isolated_asset_owed__needs_no_backing(risk: Risk, core: int, tail: int) -> None:
    exposures = [exposure.pack(core, False, 10**11), exposure.pack(tail, True, WAD)]
    health = risk.assess(exposures)
    assert health == risk.model_health(exposures)
    assert health.equity_initial >= health.initial


def test_assess__isolated_asset_without_debts__counts(risk: Risk, tail: int) -> None:
    assert risk.assess([has(tail)]).equity_initial == risk.price(tail).bid * 5


def test_assess__several_debts__one_that_it_may_not_back_is_enough(risk: Risk, core: int, tail: int) -> None:
    other = risk.list_asset(DOLLAR_6)
    exposures = [has(tail), owes(core), owes(other), exposure.pack(core, False, 10**12)]
    risk.set_backing(tail, core)
    without = risk.assess(exposures)
    risk.set_backing(tail, other)
    assert risk.assess(exposures).equity_initial - without.equity_initial == risk.price(tail).bid * 5
    assert risk.assess(exposures) == risk.model_health(exposures)
