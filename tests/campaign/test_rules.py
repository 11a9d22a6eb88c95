"""Every state-changing function of every deployed contract has a rule: a new one cannot be forgotten."""

from __future__ import annotations

import pytest

from plimsoll.verify.campaign import rules, world
from plimsoll.verify.campaign.machine import LENDERS, RULES, Registered, rule


def test_every_state_changing_function_has_a_rule() -> None:
    assert rules.missing() == []


def test_every_deployable_contract_is_known() -> None:
    assert world.missing_contracts() == set()


def test_rules_name_functions_that_exist() -> None:
    known = {key for contract in world.DEPLOYED for key in world.state_changing(contract)}
    assert rules.covered() - known == set()


def test_missing__a_function_without_a_rule__is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, each in list(RULES.items()):
        if "MarginEngine.poke" in each.functions:
            left = tuple(function for function in each.functions if function != "MarginEngine.poke")
            monkeypatch.setitem(RULES, name, Registered(name, each.run, each.weight, each.ladder, left))
    assert rules.missing() == ["MarginEngine.poke"]


def test_missing_contracts__a_contract_that_nobody_deploys__is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world, "DEPLOYED", tuple(name for name in world.DEPLOYED if name != "MarginLens"))
    assert world.missing_contracts() == {"MarginLens"}


def test_rule__one_name_twice__is_refused() -> None:
    with pytest.raises(ValueError, match="two rules are called lend"):
        rule(1, LENDERS)(RULES["lend"].run)
