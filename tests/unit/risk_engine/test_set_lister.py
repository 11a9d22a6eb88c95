from __future__ import annotations

import pytest

from plimsoll.chain import ZERO_ADDRESS
from tests.support import reverts
from tests.support.risk import MARGIN, PRICES, Risk


@pytest.fixture
def lister(risk: Risk) -> str:
    address = risk.chain.accounts()[5]
    risk.engine.set_lister(address, sender=risk.owner)
    return address


def test_set_lister__event_and_view(risk: Risk) -> None:
    assert risk.engine.lister() == ZERO_ADDRESS
    receipt = risk.engine.set_lister(risk.stranger, sender=risk.owner)
    assert receipt.events == [risk.engine.event("ListerSet", lister=risk.stranger)]
    assert risk.engine.lister() == risk.stranger


@pytest.mark.parametrize("caller", ["guardian", "stranger"])
def test_set_lister__not_owner__reverts(risk: Risk, caller: str) -> None:
    with reverts("roles: owner only"):
        risk.engine.set_lister(risk.stranger, sender=getattr(risk, caller))


def test_set_lister__lists_isolated_assets(risk: Risk, lister: str) -> None:
    key = risk.engine.list_asset(risk.token(), True, [risk.source()], PRICES, MARGIN, sender=lister).return_value
    assert key == 1 << 64 | 1


def test_set_lister__a_core_asset__reverts(risk: Risk, lister: str) -> None:
    with reverts("roles: owner only"):
        risk.engine.list_asset(risk.token(), False, [risk.source()], PRICES, MARGIN, sender=lister)


def test_set_lister__may_do_nothing_else(risk: Risk, lister: str) -> None:
    core, key = risk.list_asset(), risk.list_asset(isolated=True)
    calls = [
        ("set_sources", (key, [risk.source()], PRICES), "roles: owner only"),
        ("set_margin", (key, MARGIN), "roles: owner only"),
        ("tighten_margin", (key, MARGIN), "roles: guardian only"),
        ("silence", (key, 0, 1), "roles: guardian only"),
        ("unsilence", (key,), "roles: owner only"),
        ("set_lister", (lister,), "roles: owner only"),
        ("set_backing", (key, core, True), "roles: owner only"),
        ("set_backing", (key, core, False), "roles: guardian only"),
    ]
    for name, arguments, reason in calls:
        with reverts(reason):
            risk.engine.method(name)(*arguments, sender=lister)


def test_set_lister__replaced__lists_no_more(risk: Risk, lister: str) -> None:
    risk.engine.set_lister(ZERO_ADDRESS, sender=risk.owner)
    with reverts("roles: owner only"):
        risk.engine.list_asset(risk.token(), True, [risk.source()], PRICES, MARGIN, sender=lister)


@pytest.mark.parametrize("caller", ["guardian", "stranger", "deployer"])
def test_list_asset__isolated__neither_owner_nor_lister__reverts(risk: Risk, lister: str, caller: str) -> None:
    sender = risk.chain.accounts()[0] if caller == "deployer" else getattr(risk, caller)
    with reverts("roles: owner only"):
        risk.engine.list_asset(risk.token(), True, [risk.source()], PRICES, MARGIN, sender=sender)
