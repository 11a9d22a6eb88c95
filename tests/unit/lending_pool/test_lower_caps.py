"""lower_caps: the guardian may, and only down."""

from __future__ import annotations

import pytest

from tests.support import reverts
from tests.support.pool import ROLES, PoolTwin


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ("owner", "guardian")])
def test_lower_caps__anyone_but_guardian_and_owner__reverts(busy: PoolTwin, role: str) -> None:
    with reverts("roles: guardian only"):
        busy.pool.lower_caps(0, 0, sender=busy.roles[role])


@pytest.mark.parametrize("role", ["guardian", "owner"])
def test_lower_caps__down_only(busy: PoolTwin, role: str) -> None:
    supply, borrow = busy.pool.caps()
    receipt = busy.pool.lower_caps(supply - busy.unit, borrow, sender=busy.roles[role])
    assert receipt.events == [busy.pool.event("CapsSet", supply_cap=supply - busy.unit, borrow_cap=borrow)]
    for caps in ((supply - busy.unit + 1, borrow), (supply - busy.unit, borrow + 1)):
        with reverts("pool: caps only down"):
            busy.pool.lower_caps(*caps, sender=busy.roles[role])
    busy.pool.lower_caps(supply - busy.unit, borrow - busy.unit, sender=busy.roles[role])
    assert busy.pool.caps() == (supply - busy.unit, borrow - busy.unit)
    busy.pool.lower_caps(0, 0, sender=busy.roles[role])
    assert busy.pool.caps() == (0, 0)


def test_lower_caps__a_part_of_a_token__reverts(busy: PoolTwin) -> None:
    with reverts("pool: precision"):
        busy.pool.lower_caps(1, 0, sender=busy.guardian)
