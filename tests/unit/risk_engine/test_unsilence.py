from __future__ import annotations

import pytest

from plimsoll.model.price_oracle import OK, WIDE
from tests.support import reverts
from tests.support.risk import NOTICE, Risk


@pytest.fixture
def key(risk: Risk) -> int:
    key = risk.list_asset(1_000, 1_000)
    risk.silence(key, 1, NOTICE)
    return key


def test_unsilence__every_source_counts_again(risk: Risk, key: int) -> None:
    assert risk.price(key).status == WIDE
    receipt = risk.engine.unsilence(key, sender=risk.owner)
    assert receipt.events == [risk.engine.event("Unsilenced", key=key)]
    assert risk.price(key).status == OK
    assert risk.engine.silence_of(key)[:2] == (0, 0)


def test_unsilence__the_guardian_cannot_take_it_back(risk: Risk, key: int) -> None:
    risk.engine.unsilence(key, sender=risk.owner)
    risk.chain.warp(2 * NOTICE - 1)
    with reverts("oracle: silenced lately"):
        risk.engine.silence(key, 1, 1, sender=risk.guardian)
    risk.chain.warp(1)
    risk.engine.silence(key, 1, 1, sender=risk.guardian)


def test_unsilence__leaves_sources_and_parameters_as_they_are(risk: Risk, key: int) -> None:
    risk.engine.unsilence(key, sender=risk.owner)
    assert risk.engine.sources_of(key) == [source.address for source in risk.sources[key]]
    assert tuple(risk.engine.price_parameters_of(key)) == risk.parameters[key]


def test_unsilence__nothing_silenced__nothing(risk: Risk) -> None:
    key = risk.list_asset()
    risk.engine.unsilence(key, sender=risk.owner)
    assert risk.price(key).status == OK


@pytest.mark.parametrize("caller", ["guardian", "stranger"])
def test_unsilence__not_owner__reverts(risk: Risk, key: int, caller: str) -> None:
    with reverts("roles: owner only"):
        risk.engine.unsilence(key, sender=getattr(risk, caller))


@pytest.mark.parametrize("unknown", [0, 2, 1 << 64 | 1, 2**256 - 1])
def test_unsilence__unknown_asset__reverts(risk: Risk, key: int, unknown: int) -> None:
    with reverts("risk: unknown asset"):
        risk.engine.unsilence(unknown, sender=risk.owner)
