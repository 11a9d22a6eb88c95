"""AllowListGate.allows: every account of the subject, any asset, either side; total."""

from __future__ import annotations

import pytest

from tests.unit.allow_list_gate.conftest import World

KEYS = [0, 1, 1 << 63, 1 << 64 | 7, 2**256 - 1]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("owed", [False, True])
@pytest.mark.parametrize("index", [0, 7, 2**96 - 1])
def test_allows__every_account_of_the_subject(world: World, key: int, owed: bool, index: int) -> None:
    assert not world.allows(index=index, key=key, owed=owed)
    world.bring(world.signed())
    assert world.allows(index=index, key=key, owed=owed)


@pytest.mark.parametrize("account", [0, 1, 2**96 - 1, 2**256 - 1])
def test_allows__accounts_of_nobody(world: World, account: int) -> None:
    assert not world.gate.allows(account, 1, False)
